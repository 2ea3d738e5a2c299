"""PostgreSQL and Valkey are killed under a worker and a scheduler: one clear line each, nothing lost, and the work goes on when they are back."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from domain.statuses import BatchStatus
from domain.store.connection import open_store, transaction
from domain.store.faults import AWAY
from domain.store.migrate import migrate
from kessai.embedded import Engines, start
from kessai.embedded.engines import Services
from tests.torture.children import schedule, work
from tests.torture.conftest import Battlefield, CarrierBook, without_main
from tests.torture.test_killed import seal
from tests.workers.conftest import NOW


@contextlib.asynccontextmanager
async def own_servers(path: Path) -> AsyncIterator[Engines]:
    """Servers that may be killed: those of the other tests are not for that."""
    with start(path / "state", durable=True) as engines:
        await migrate(engines.database_url)
        async with open_store(engines.database_url):
            yield engines


async def insist(holds: Callable[[], Awaitable[Any]], field: Battlefield, seconds: float = 90) -> None:
    """Looks until it is so, through a database that comes and goes."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(*AWAY):
            if await holds():
                return
        assert time.monotonic() < deadline, field.log()
        await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_both_servers_are_killed_under_the_work(nursery: ForkServerContext, tmp_path: Path, carrier_book: CarrierBook):
    async with own_servers(tmp_path) as engines:
        field = Battlefield(nursery, (engines.database_url, engines.redis_url), tmp_path, carrier_book)
        for name in ("in", "out"):
            (tmp_path / "bank" / name).mkdir(parents=True)
        async with transaction() as tx:
            await tx.run(
                "insert into bank(bank_code, name, kana, connector, address) values ('9991', 'A銀行', 'A', 'directory', $1::jsonb)",
                json.dumps({"path": str(tmp_path / "bank")}),
            )
            await tx.run("insert into business_clock(id, standing_at, sandbox) values (1, $1, true)", NOW)
        for target, arguments in (
            (work, (*field.urls, str(tmp_path / "spool"), None, str(tmp_path / "log"))),
            (schedule, (*field.urls, str(tmp_path / "spool"), str(tmp_path / "log"))),
        ):
            child = nursery.Process(target=target, args=arguments, daemon=True)
            with without_main():
                child.start()
            field.children.append(child)
        wanted: list[tuple[str, bytes]] = []
        try:
            for victim in (None, "valkey", "postgres", "valkey", "postgres", None):
                batch: list[Any] = []

                async def sealed(batch: list[Any] = batch) -> bool:
                    number = len(wanted) + 1
                    # A commit whose answer was lost would be found by its key; here the next number is simply another batch.
                    batch[:] = await seal(field, "payout", number)
                    return True

                await insist(sealed, field)
                wanted.append((batch[1], batch[2]))
                if victim is not None:
                    now = Services.read(engines.state)
                    assert now is not None
                    os.kill(getattr(now, victim).process.pid, signal.SIGKILL)

                async def gone_out(batch_id: int = batch[0]) -> bool:
                    async with transaction() as tx:
                        # A step that the outage has cut holds its lease for fifteen seconds; that is waited for elsewhere.
                        await tx.run("update batch set lease_until = $1 where status in (1, 2, 3) and lease_until is not null", NOW)
                        status = await tx.value("select status from batch where batch_id = $1", batch_id)
                    return bool(status == BatchStatus.SENT)

                await insist(gone_out, field)
                field.book.take()
            for child in field.children:
                assert child.is_alive(), field.log()
                child.terminate()
            for child in field.children:
                await asyncio.to_thread(child.join, 60)
                assert child.exitcode == 0, field.log()
        finally:
            field.end()
        assert field.book.taken == wanted
        assert "Traceback" not in field.log(), field.log()
