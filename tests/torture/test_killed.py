"""kill -9 after each arrow of the sending protocol, for each kind, with a deduplicating and a plain other side (settlement rule 2).

The other side's own book must show each batch once. It takes the file between the two workers, or after them, by turns (both for each point
in `tests/workers/test_sending.py`, where a death costs milliseconds).
"""

import asyncio
import hashlib
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import date

import pytest

from domain.statuses import BatchStatus, Kind
from domain.store.connection import transaction
from tests.torture.conftest import Battlefield
from tests.workers.conftest import HOME, LABELS, NOW, SITE
from tests.workers.test_sending import BANK_POINTS, CARRIER_POINTS
from workers.broker import Enqueuer, places
from workers.spool import Spool

KINDS = [
    pytest.param(label, deduplicates, id=f"{label}-{'deduplicating' if deduplicates else 'plain'}")
    for label in LABELS
    for deduplicates in (False, True)
]


async def seal(field: Battlefield, label: str, number: int) -> tuple[int, str, bytes]:
    """A sealed batch with bytes of its own; answers (ID, name, bytes)."""
    kind, direct = LABELS[label]
    batch_id, content = 57_312_345_001_000_000 + number, f"{label} {number}".encode().ljust(120) + b"\r\n"
    with Spool(field.path / "spool").writer() as file:
        file.write(content)
        file.finish()
    delivery = kind is Kind.DELIVERY
    name = f"{batch_id:018d}" if delivery else f"{91 if kind is Kind.DEBIT else 21}_9000000001_20000924_{number:03d}.txt"
    async with transaction() as tx:
        await tx.run(
            "insert into batch(home, batch_id, kind, direct, site_id, bank_code, carrier_id, account_id, value_on, number, status, "
            "seal_at, deadline_at, closed_at, line_count, amount, name, sha256, sealed_at, takes_from) values "
            "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11, $11, 1, 1000, $12, $13, $11, $2)",
            HOME,
            batch_id,
            int(kind),
            direct,
            SITE,
            None if delivery else "9991",
            "carrier-x" if delivery else None,
            None if delivery else 1,
            date(2000, 9, 24),
            number,
            NOW,
            name,
            hashlib.sha256(content).digest(),
        )
    return batch_id, name, content


async def status_of(batch_id: int) -> BatchStatus:
    async with transaction() as tx:
        return BatchStatus(await tx.value("select status from batch where home = $1 and batch_id = $2", HOME, batch_id))


async def until(holds: Callable[[], Awaitable[bool]], field: Battlefield, seconds: float = 60) -> None:
    """Looks until it is so; the limit is only for when it never is."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, field.log()
        await asyncio.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("label, deduplicates", KINDS)
async def test_the_other_side_has_one(battlefield: Battlefield, label: str, deduplicates: bool):
    field = battlefield
    async with transaction() as tx:
        await tx.run("update bank set deduplicates = $1", deduplicates)
        await tx.run("update carrier set deduplicates = $1", deduplicates)
    field.carrier.deduplicates = deduplicates
    enqueuer = Enqueuer(places(field.urls[1]))
    queue = "carriers" if label == "delivery" else "banks"
    points = CARRIER_POINTS if label == "delivery" else BANK_POINTS
    sent: list[tuple[str, bytes]] = []
    unknown: list[str] = []
    for number, point in enumerate(points, start=1):
        batch_id, name, content = await seal(field, label, number)
        dying = field.start(f"{label}:{point}")
        enqueuer.send(queue, "send_batch", {"home": HOME, "batch_id": batch_id})
        await asyncio.to_thread(dying.join, 60)
        assert dying.exitcode == -signal.SIGKILL, (point, field.log())
        if (number + deduplicates + LABELS[label][0]) % 2:
            field.book.take()
        # The lease and the heartbeat of the dead are made old, not waited for; its message would come back by itself as well.
        async with transaction() as tx:
            await tx.run("update batch set lease_until = $1 where lease_holder is not null", NOW)

        async def ended(batch_id: int = batch_id) -> bool:
            return await status_of(batch_id) in (BatchStatus.SENT, BatchStatus.UNKNOWN)

        if not await ended():
            living = field.start()
            enqueuer.send(queue, "send_batch", {"home": HOME, "batch_id": batch_id})
            await until(ended, field)
            living.kill()
            await asyncio.to_thread(living.join, 60)
        field.book.take()
        # The only one that cannot be told: a plain carrier that may still have our call in its pipes.
        if label == "delivery" and not deduplicates and point == "after_releasing":
            assert await status_of(batch_id) is BatchStatus.UNKNOWN
            unknown.append(name)
        else:
            assert await status_of(batch_id) is BatchStatus.SENT
            sent.append((name, content))
    enqueuer.close()
    booked = field.carrier.booked if label == "delivery" else field.book.taken
    assert booked == sent
    async with transaction() as tx:
        listed = [row["code"] for row in await tx.rows("select code from exception")]
    assert listed == ["SEND_UNKNOWN"] * len(unknown)


@pytest.mark.slow
async def test_killed_at_random_under_many_batches(battlefield: Battlefield):
    """Workers die wherever they happen to be; the bank has every file once, and nothing is left over."""
    field = battlefield
    enqueuer = Enqueuer(places(field.urls[1]))
    wanted = [await seal(field, "payout", number) for number in range(1, 61)]
    kills = 0

    async def open_batches() -> list[int]:
        async with transaction() as tx:
            await tx.run("update batch set lease_until = $1, next_try_at = null where status in (1, 2, 3)", NOW)
            return [row["batch_id"] for row in await tx.rows("select batch_id from batch where status in (1, 2, 3)")]

    while left := await open_batches():
        workers = [field.start(), field.start()]
        before = len(left)
        for batch_id in left:
            enqueuer.send("banks", "send_batch", {"home": HOME, "batch_id": batch_id})

        async def moved(before: int = before, step: int = kills % 7) -> bool:
            async with transaction() as tx:
                open_now = await tx.value("select count(*) from batch where status in (1, 2, 3)")
            return int(open_now) <= max(before - 1 - step, 0)

        await until(moved, field)
        for worker in workers:
            worker.kill()
            await asyncio.to_thread(worker.join, 60)
            kills += 1
        field.book.take()
    enqueuer.close()
    field.book.take()
    assert sorted(field.book.taken) == sorted((name, content) for _, name, content in wanted)
    assert kills > 4
    async with transaction() as tx:
        assert await tx.value("select count(*) from exception") == 0
