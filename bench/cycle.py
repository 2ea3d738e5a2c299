"""One whole cycle: registered, debited, delivered, swept, paid; seconds by step."""

from __future__ import annotations

from datetime import timedelta

from bench import strangers
from bench.town import BANKS, Bench, notices
from domain.store.connection import reading


async def cycle(place: Bench, count: int, *, size: int = 2_000) -> dict[str, float]:
    """Takes `count` contracts through everything; answers seconds by step (`place.elapsed`: without registration). The clock goes on ten days.

    The days are those of the demo: debited on day 4, result and delivery on day 5, swept for day 6, seen on day 7, paid for day 8, seen on day 9.
    """
    place.took, place.elapsed = {}, 0.0
    day = (await place.now()).replace(hour=0)
    await place.register(count, size)
    await place.move(day + timedelta(hours=11))
    for code in BANKS:
        strangers.answer_debits(place.root / code)
    await place.move(day + timedelta(days=5, hours=10))
    await place.move(day + timedelta(days=5, hours=11))
    await notices(place, (day + timedelta(days=5)).date())
    await place.statements((day + timedelta(days=4)).date())
    await place.statements((day + timedelta(days=6)).date())
    await place.move(day + timedelta(days=7, hours=6))
    await place.move(day + timedelta(days=7, hours=11))
    await place.statements((day + timedelta(days=8)).date())
    await place.move(day + timedelta(days=9, hours=6))
    await place.move(day + timedelta(days=10, hours=9))
    return dict(place.took)


async def finished() -> tuple[int, int]:
    """Contracts paid, and those that never will be."""
    async with reading() as tx:
        row = await tx.row(
            "select count(*) filter (where payout = 3) as paid, count(*) filter (where payout = 5) as failed from contract_state"
        )
    assert row is not None
    return row["paid"], row["failed"]
