"""Worker and scheduler as processes: they start, work together, stop cleanly, and say in one line what is missing."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from domain.statuses import BatchStatus
from domain.store.connection import transaction
from tests.conftest import ROOT
from tests.workers.conftest import World
from workers.app import UnknownQueue, WorkerOptions, run_worker, with_pool

START = """
import sys
from pathlib import Path
from workers.app import WorkerOptions, run_scheduler, run_worker
options = WorkerOptions(database_url=sys.argv[2], redis_url=sys.argv[3], spool=Path(sys.argv[4]))
ready = lambda: print("ready", flush=True)
if sys.argv[1] == "scheduler":
    run_scheduler(options, on_ready=ready)
else:
    run_worker(options, threads=2, on_ready=ready)
"""


class Running:
    """Our processes for one test, ended with it."""

    def __init__(self, world: World, database_url: str, redis_url: str) -> None:
        self.urls = database_url, redis_url, str(world.spool.path)
        self.log = world.path / "log"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, role: str, environ: dict[str, str] | None = None) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", START, role, *self.urls],
                cwd=ROOT,
                env={**os.environ, **(environ or {})},
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.processes.append(process)
        assert process.stdout is not None
        while line := process.stdout.readline():
            if line == b"ready\n":
                return process
        raise AssertionError(self.log.read_text())

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def running(world: World, shared_url: str, redis_url: str) -> Iterator[Running]:
    processes = Running(world, shared_url, redis_url)
    yield processes
    processes.end()


async def until(holds: Callable[[], Any], running: Running, seconds: float = 40) -> None:
    """Looks until it is so. Processes cannot be asked to hurry; the limit is only for when they fail."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, running.log.read_text()[-4000:]
        await asyncio.sleep(0.02)


async def test_scheduler_and_worker_send_a_file_and_stop(world: World, running: Running, redis_url: str):
    name = await world.seal("payout")
    scheduler, worker = running.start("scheduler"), running.start("worker")

    async def sent() -> bool:
        return await world.status() is BatchStatus.SENT

    await until(sent, running)
    world.book.take()
    assert [taken for taken, _ in world.book.taken] == [name]
    for process, number in ((worker, signal.SIGTERM), (scheduler, signal.SIGINT)):
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=20) == 0, running.log.read_text()
        assert time.monotonic() - began < 8
    async with transaction() as tx:
        assert await tx.value("select count(*) from lease") == 0
    assert "Traceback" not in running.log.read_text()


async def test_all_of_redis_is_lost_while_they_work(world: World, running: Running, redis_url: str):
    """I15."""
    running.start("worker")
    running.start("scheduler")
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        await world.seal("debit")
        client.flushdb()

        async def sent() -> bool:
            client.flushdb()
            return await world.status() is BatchStatus.SENT

        await until(sent, running)
    world.book.take()
    assert len(world.book.taken) == 1


async def test_a_worker_is_killed_and_another_goes_on(world: World, running: Running):
    """The lease of the dead one is made old, not waited for."""
    name = await world.seal("refund")
    dying = running.start("worker", {"KESSAI_CRASH_AT": "refund:after_releasing"})
    running.start("scheduler")
    assert dying.wait(timeout=40) == -signal.SIGKILL
    assert await world.status() is BatchStatus.RELEASING
    await world.set("batch", "lease_until", world.machine_now.replace(year=2001))
    running.start("worker")

    async def sent() -> bool:
        return await world.status() is BatchStatus.SENT

    await until(sent, running)
    world.book.take()
    assert [taken for taken, _ in world.book.taken] == [name]


@pytest.mark.parametrize("role", ["worker", "scheduler"])
def test_a_database_that_is_not_there_is_said_in_one_line(role: str, redis_url: str, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", START, role, "postgresql://u:hidden@127.0.0.1:1/x", redis_url, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("domain.store.connection.StoreUnavailable: no database at 127.0.0.1:1/x")
    assert "hidden" not in done.stderr
    assert "ready" not in done.stdout


def test_a_queue_that_nobody_fills(tmp_path: Path):
    options = WorkerOptions(database_url="postgresql://u:hidden@h/x", redis_url="redis://:hidden@h", spool=tmp_path)
    with pytest.raises(UnknownQueue, match="there is no queue bank; there are banks, carriers"):
        run_worker(options, ["banks", "bank"])
    assert "hidden" not in repr(options)


@pytest.mark.parametrize(
    "url, expected",
    [
        ("postgresql://u@h/x", "postgresql://u@h/x?maxsize=6"),
        ("postgresql://u@h/x?maxsize=3", "postgresql://u@h/x?maxsize=3"),
        ("postgresql:///x?host=/run/pg", "postgresql:///x?host=%2Frun%2Fpg&maxsize=6"),
    ],
)
def test_the_pool_is_as_large_as_the_work(url: str, expected: str):
    assert with_pool(url, 6) == expected
