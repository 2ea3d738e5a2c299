"""The fixtures keep their promise: what one test writes, no other test sees."""

import socket
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
import redis


@pytest.mark.parametrize("round_", range(3))
async def test_a_database_of_its_own(empty_database_url: str, round_: int):
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute("CREATE TABLE seen (round int)")
        await connection.execute("INSERT INTO seen VALUES ($1)", round_)
        assert await connection.fetchval("SELECT count(*) FROM seen") == 1
    finally:
        await connection.close()


@pytest.mark.parametrize("round_", range(3))
def test_a_redis_of_its_own(redis_url: str, redis_namespace: str, round_: int):
    with redis.Redis.from_url(redis_url) as own:
        assert own.dbsize() == 0
        own.set(redis_namespace, round_)
        assert own.dbsize() == 1


def test_a_sync_test_may_ask_for_an_asynchronous_fixture(empty_database_url: str):
    assert empty_database_url.startswith("postgresql://postgres:")


def test_the_network_is_closed():
    with pytest.raises(PermissionError, match="tests do not call out"), socket.create_connection(("192.0.2.1", 9)):
        pass


def test_a_pure_test_may_not_ask_for_a_server(pytestconfig: pytest.Config):
    conftest = pytestconfig.pluginmanager.get_plugin(str(Path(__file__).parents[1] / "conftest.py"))
    assert conftest is not None
    pure = SimpleNamespace(nodeid="tests/domain/test_money.py::test_x", fixturenames=["store"])
    with pytest.raises(pytest.UsageError, match="pure room and asks for store"):
        conftest.pytest_collection_modifyitems([pure])
    conftest.pytest_collection_modifyitems([SimpleNamespace(nodeid="tests/store/test_x.py::test_x", fixturenames=["store"])])
