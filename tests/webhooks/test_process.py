"""Webhooks through real processes: `kessai scheduler` finds, `kessai worker --queues hooks` renders and calls, and dies after the call."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.statuses import EventKind
from domain.store.connection import transaction
from tests.webhooks.office import Office, opened, signed_by


@contextlib.asynccontextmanager
async def process(
    command: list[str], database_url: str, redis_url: str, tmp_path: Any, **more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process as an operator would start it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KESSAI_")}
    environment = {**inherited, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "KESSAI_SPOOL": str(tmp_path), **more}
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kessai", *command, env={**environment, "KESSAI_HOOKS_ALLOW_PRIVATE": "1", "KESSAI_LOG_FORMAT": "json"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield made
    finally:
        if made.returncode is None:
            made.send_signal(signal.SIGTERM)
        await asyncio.wait_for(made.wait(), 20)


async def until(holds: Any, what: str) -> None:
    async with asyncio.timeout(40):
        while not holds():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.02)
    assert holds(), what


@pytest.mark.slow
async def test_a_worker_killed_after_the_call_and_the_next_one_calls_again(database_url: str, redis_url: str, tmp_path: Any):
    async with opened(database_url) as office:
        office.clock.now = (await machine_now()) or office.clock.now
        await office.market.contract("130/1", "A", "B", 1000)
        receiver = await office.receiver()
        _, secret = await office.hook(130, receiver.url)
        await office.tell("130/1", EventKind.DEBITED, EventKind.SHIPPED)
        worker = ["worker", "--queues", "hooks", "--threads", "2"]
        async with process(["scheduler"], database_url, redis_url, tmp_path):
            async with process(worker, database_url, redis_url, tmp_path, KESSAI_CRASH_AT="hook:after_post") as first:
                assert await asyncio.wait_for(first.wait(), 40) == -signal.SIGKILL
            assert receiver.kinds() == ["DEBITED"]
            await lease_runs_out(office)
            async with process(worker, database_url, redis_url, tmp_path):
                await until(lambda: len(receiver.calls) >= 3, "both are told")
        assert receiver.kinds() == ["DEBITED", "DEBITED", "SHIPPED"]
        assert receiver.ids()[0] == receiver.ids()[1]
        assert all(signed_by(call, secret) for call in receiver.calls)


async def machine_now() -> Any:
    async with transaction() as tx:
        return await tx.value("select now()")


async def lease_runs_out(office: Office) -> None:
    async with transaction() as tx:
        await tx.run("update hook set lease_until = now() - interval '1 second'")
