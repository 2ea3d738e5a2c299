"""What runs in a child: the real worker, told where to die."""

import os
from pathlib import Path

# Opening the store imports these; a fork of a process that has them starts four times as fast.
import tortoise.backends.asyncpg.client  # noqa: F401

import domain.store.models  # noqa: F401
from workers import crash
from workers.app import WorkerOptions, run_worker


def work(database_url: str, redis_url: str, spool: str, crash_at: str | None, log: str) -> None:
    """A worker process on all queues. `crash_at`: where it kills itself, as KESSAI_CRASH_AT would say to a fresh interpreter."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    crash._AT = crash_at  # the module was imported before this child was forked
    run_worker(WorkerOptions(database_url=database_url, redis_url=redis_url, spool=Path(spool)), threads=2)
