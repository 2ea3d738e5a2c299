"""Numbers for everything that lives in a home: contracts, batches, parties, accounts (scale decision 2; domain.contract_id).

They come in blocks from one row per home, in a short transaction of their own: gaps are allowed, a number is never given twice, and no
clock is trusted, since the row never goes back.
"""

from __future__ import annotations

from datetime import datetime

from domain.contract_id import EPOCH
from domain.contract_id import ids as numbered
from domain.store.connection import transaction

NUMBERS_PER_SECOND = 100_000


async def take(home: int, count: int, machine_now: datetime) -> list[int]:
    """`count` fresh 18-digit IDs of a home, ascending."""
    floor = int((machine_now - EPOCH).total_seconds()) * NUMBERS_PER_SECOND
    async with transaction() as tx:
        end = await tx.value(
            "insert into id_head(home, next) values ($1, $2::bigint + $3) "
            "on conflict (home) do update set next = greatest(id_head.next, $2::bigint) + $3 returning next",
            home,
            floor,
            count,
        )
    return numbered(end - count, count, home)


async def take_one(home: int, machine_now: datetime) -> int:
    """One fresh ID of a home."""
    return (await take(home, 1, machine_now))[0]
