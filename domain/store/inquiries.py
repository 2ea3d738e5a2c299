"""Asking a bank after batches that are UNKNOWN, where its channel can be asked (settlement rule 3, I09)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.statuses import BatchStatus
from domain.store import exceptions, inbox
from domain.store.connection import reading, transaction

AGAIN_AFTER = timedelta(minutes=1)  # machine time, from question to question after one batch
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class UnknownBatch:
    """A batch that was sent, or may have been, and that nobody can tell of. `name` is its key at the bank."""

    home: int
    batch_id: int
    bank_code: str
    name: str


async def unknown_at(bank_code: str, machine_now: datetime) -> list[UnknownBatch]:
    """The UNKNOWN batches of a bank that it is time to ask after."""
    async with transaction() as tx:
        rows = await tx.rows(
            f"update batch set next_try_at = $2 where (home, batch_id) in (select home, batch_id from batch "
            f"where bank_code = $1 and status = {int(BatchStatus.UNKNOWN)} and (next_try_at is null or next_try_at <= $3) "
            f"order by home, batch_id limit $4) and status = {int(BatchStatus.UNKNOWN)} returning home, batch_id, bank_code, name",
            bank_code,
            machine_now + AGAIN_AFTER,
            machine_now,
            AT_ONCE,
        )
    return [UnknownBatch(**dict(row)) for row in rows]


async def not_there(batch: UnknownBatch, now: datetime) -> None:
    """The bank knows nothing of it: listed for a person. It is not sent again, since a lost call may still be on its way."""
    async with transaction() as tx:
        await exceptions.record(
            tx,
            code="UNKNOWN_AT_BANK",
            reference=f"UNKNOWN_AT_BANK:{batch.batch_id}",
            reason="asked after this batch, the bank says that it was never there; nothing is sent again by itself",
            now=now,
            home=batch.home,
            channel=inbox.bank_channel(batch.bank_code),
            batch_id=batch.batch_id,
        )


async def is_new(bank_code: str, name: str) -> bool:
    """Whether nothing is stored yet under a message's ID."""
    async with reading() as tx:
        return not await inbox.contents(tx, inbox.bank_channel(bank_code), name)
