"""The fixtures keep their promise: what one test writes, no other test sees."""

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
