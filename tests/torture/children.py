"""What runs in a child: the real worker, or one real step, told where or when to die."""

import asyncio
import os
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

# Opening the store imports these; a fork of a process that has them starts four times as fast.
import tortoise.backends.asyncpg.client  # noqa: F401

import domain.store.models  # noqa: F401
from domain.store.connection import open_store
from kessai.logs import configure
from kessai.settings import LogSettings
from workers import crash
from workers.actors import ACTORS, Job
from workers.app import WorkerOptions, run_scheduler, run_worker
from workers.services import Services


def work(database_url: str, redis_url: str, spool: str, crash_at: str | None, log: str) -> None:
    """A worker process on all queues. `crash_at`: where it kills itself, as KESSAI_CRASH_AT would say to a fresh interpreter."""
    _speak_into(log)
    crash._AT = crash_at  # the module was imported before this child was forked
    run_worker(WorkerOptions(database_url=database_url, redis_url=redis_url, spool=Path(spool)), threads=2)


def schedule(database_url: str, redis_url: str, spool: str, log: str) -> None:
    """A scheduler process."""
    _speak_into(log)
    run_scheduler(WorkerOptions(database_url=database_url, redis_url=redis_url, spool=Path(spool)))


def step(
    database_url: str,
    spool: str,
    log: str,
    task: tuple[str, dict[str, Any]],
    clocks: tuple[datetime, datetime],
    crash_at: str | None,
    after_seconds: float | None,
) -> None:
    """One step of a run, as its actor does it. It dies at `crash_at`, or `after_seconds` wherever it is then."""
    _speak_into(log)
    crash._AT = crash_at

    async def run() -> None:
        async with open_store(database_url):
            if after_seconds is not None:
                # The default action of this signal is to end the process on the spot, as SIGKILL does.
                signal.setitimer(signal.ITIMER_REAL, max(after_seconds, 1e-6))
            actor, ids = task
            services = Services.real(Path(spool), "child")
            await ACTORS[actor][1](Job(ids, *clocks, f"child-{os.getpid()}", services))
            signal.setitimer(signal.ITIMER_REAL, 0)

    asyncio.run(run())


def _speak_into(log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    configure(LogSettings(format="console"))
