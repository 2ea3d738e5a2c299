"""The health port tells a process that lives from one that can work, and from one that stands still."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from domain.store.connection import connect, disconnect
from kessai import health
from kessai.embedded.processes import free_port
from kessai.health import Health, serve
from kessai.trouble import Trouble


def get(port: int, path: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A process's loop, in a thread as workers have it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    for task in asyncio.all_tasks(loop):  # asked while it stood still, and given up since
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.fixture
def open_loop(loop: asyncio.AbstractEventLoop, database_url: str) -> Iterator[asyncio.AbstractEventLoop]:
    """The same with the store open on it."""
    asyncio.run_coroutine_threadsafe(connect(database_url), loop).result(20)
    yield loop
    asyncio.run_coroutine_threadsafe(disconnect(), loop).result(20)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.5)


def test_a_worker_that_can_work(open_loop: asyncio.AbstractEventLoop, redis_url: str):
    port = free_port()
    end = serve(port, Health("worker", open_loop, redis_url))
    try:
        assert get(port, "/healthz") == (200, {"process": "alive"})
        status, shown = get(port, "/readyz")
        beat = shown.pop("beat_ms")
        assert (status, shown) == (
            200,
            {
                "status": "ok",
                "process": "worker",
                "checks": {"loop": "ok", "database": "ok", "redis": "ok"},
                "open_work": [],
            },
        )
        assert isinstance(beat, int)
        assert get(port, "/") == (404, {"there_is": ["/healthz", "/readyz"]})
    finally:
        end()


def test_without_redis_it_is_degraded_and_serves(open_loop: asyncio.AbstractEventLoop):
    able, shown = Health("worker", open_loop, f"redis://127.0.0.1:{free_port()}/0").ready()
    assert able
    assert shown["status"] == "degraded"
    assert shown["checks"]["redis"] == "away"


def test_without_a_database_it_cannot_work(open_loop: asyncio.AbstractEventLoop, redis_url: str, monkeypatch: pytest.MonkeyPatch):
    async def away(_seconds: float) -> bool:
        return False

    monkeypatch.setattr("domain.store.availability.answers", away)
    checks = Health("worker", open_loop, redis_url)
    able, shown = checks.ready()
    assert not able
    assert shown["checks"] == {"loop": "ok", "database": "away", "redis": "ok"}
    assert checks.live()


def test_a_loop_that_stands_still_is_not_alive(loop: asyncio.AbstractEventLoop, redis_url: str):
    go_on = threading.Event()
    loop.call_soon_threadsafe(go_on.wait)
    checks = Health("worker", loop, redis_url)
    try:
        assert not checks.live()
        able, shown = checks.ready()
        assert not able
        assert shown["checks"]["loop"] == "stands still"
        assert shown["checks"]["database"] == "unknown"
    finally:
        go_on.set()


def test_a_port_that_is_taken_is_named(loop: asyncio.AbstractEventLoop):
    port = free_port()
    end = serve(port, Health("worker", loop, "redis://127.0.0.1:1/0"))
    try:
        with pytest.raises(Trouble) as caught:
            serve(port, Health("worker", loop, "redis://127.0.0.1:1/0"))
        assert caught.value.code == "PORT_TAKEN"
        assert str(port) in caught.value.what
    finally:
        end()


def test_no_port_no_health(redis_url: str):
    health.beside_worker(None, redis_url)
    health.beside_scheduler(None, redis_url)
