"""Receipts of a bank for our files (受領): accepted, or refused with a code (docs/wire.md section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.calendar import business_date
from domain.statuses import BatchStatus, Kind
from domain.store import exceptions, facts, sweeps
from domain.store.batches import Batch, load
from domain.store.connection import Tx
from domain.store.queueing import Numbers

ALREADY_THERE = frozenset({"DUPLICATE", "NAME_REUSED"})
"""Refusals that speak of a second arrival of a name: the first one stands, so they say nothing about the money."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a bank says of a file of ours."""

    file: str
    sha256: bytes | None  # of the bytes that the bank has; None where it does not say
    count: int
    amount: int
    accepted: bool
    code: str | None
    reason: str | None
    batch_id: str | None = None  # ours, 18 digits, in formats that have a place for it


async def batch_of(tx: Tx, bank_code: str, name: str) -> Batch | None:
    """The batch that went to a bank under a name."""
    row = await tx.row("select home, batch_id from batch where bank_code = $1 and name = $2", bank_code, name)
    return await load(tx, row["home"], row["batch_id"], lock=True) if row else None


async def apply(tx: Tx, reply_id: int, batch: Batch, receipt: Receipt, *, now: datetime, numbers: Numbers) -> tuple[int, str | None]:
    """Applies a receipt; answers the reply's status (2 applied, 3 held, 4 a repeat) and, if held, why."""
    held = None
    if batch.status in (BatchStatus.OPEN, BatchStatus.SEALED, BatchStatus.SENDING):
        held = ("NOT_SENT", "the bank acknowledges a file that we have not released")
    elif receipt.batch_id not in (None, f"{batch.batch_id:018d}"):
        held = ("OTHER_BATCH", "the bank answers another batch under this file's name")
    elif receipt.sha256 not in (None, batch.sha256):
        held = ("OTHER_HASH", "the bank's hash of the file is not ours: it has other bytes under this name")
    elif receipt.accepted and (receipt.count, receipt.amount) != (batch.line_count, batch.amount):
        held = (
            "TOTALS",
            f"the receipt says {receipt.count} lines and {receipt.amount} yen, the file {batch.line_count} and {batch.amount}",
        )
    elif not receipt.accepted and receipt.code in ALREADY_THERE:
        held = (receipt.code or "", "the bank says that this name was there before; the first arrival stands, nothing was changed")
    elif not receipt.accepted and batch.status in (BatchStatus.ANSWERED, BatchStatus.CLOSED):
        held = ("CONTRADICTED", "the bank refuses a file that it has answered")
    elif not receipt.accepted and batch.status is not BatchStatus.REFUSED and await _was_accepted(tx, batch):
        held = ("CONTRADICTED", "the bank refuses a file that it has accepted or answered; nothing of it is sent again")
    elif receipt.accepted and batch.status is BatchStatus.REFUSED:
        held = ("CONTRADICTED", "the bank accepts a file that it has refused, and whose lines wait for the next one")
    if held is not None:
        await exceptions.record(
            tx,
            code=held[0],
            reference=f"receipt:{reply_id}",
            reason=held[1],
            now=now,
            home=batch.home,
            reply_id=reply_id,
            batch_id=batch.batch_id,
        )
        return 3, held[1]
    if receipt.accepted:
        return await _accepted(tx, batch, now), None
    return await _refused(tx, reply_id, batch, receipt, now, numbers), None


async def _was_accepted(tx: Tx, batch: Batch) -> bool:
    found = await tx.value(
        "select receipted_at is not null or parts > 0 from batch where home = $1 and batch_id = $2", batch.home, batch.batch_id
    )
    return bool(found)


async def _accepted(tx: Tx, batch: Batch, now: datetime) -> int:
    # A receipt is proof that the file is there: a batch that was left RELEASING or UNKNOWN by a crash is settled by it.
    moved = await tx.run(
        "update batch set status = $3, receipted_at = $4, sent_at = coalesce(sent_at, $4), problem = null "
        "where home = $1 and batch_id = $2 and status in (3, 4, 9) and receipted_at is null",
        batch.home,
        batch.batch_id,
        int(BatchStatus.RECEIPTED),
        now,
    )
    if not moved:
        return 4
    if batch.kind is Kind.SWEEP:
        await tx.run("update sweep set status = 1 where home = $1 and sweep_id = $2 and status = 0", batch.home, batch.batch_id)
    if batch.kind is Kind.DEBIT and await tx.value(
        "select has_due from batch where home = $1 and batch_id = $2", batch.home, batch.batch_id
    ):
        await facts.announce(tx, batch.home, batch.batch_id, facts.BatchNews.ACCEPTED, happened_on=business_date(now), now=now)
    return 2


async def _refused(tx: Tx, reply_id: int, batch: Batch, receipt: Receipt, now: datetime, numbers: Numbers) -> int:
    moved = await tx.run(
        "update batch set status = $3, receipted_at = $4, answered_at = $4, overdue_at = null, problem = $5 "
        "where home = $1 and batch_id = $2 and status in (3, 4, 9)",
        batch.home,
        batch.batch_id,
        int(BatchStatus.REFUSED),
        now,
        f"refused by the bank: {receipt.code}",
    )
    if not moved:
        return 4
    await exceptions.record(
        tx,
        code="FILE_REFUSED",
        reference=f"refused:{batch.batch_id}",
        reason=f"the bank refused the file with {receipt.code}: {(receipt.reason or '')[:200]}; its lines wait for the next one",
        now=now,
        home=batch.home,
        reply_id=reply_id,
        batch_id=batch.batch_id,
    )
    if batch.kind is Kind.SWEEP:
        await sweeps.void(tx, batch, now=now, numbers=numbers.values)
    else:
        await facts.announce(tx, batch.home, batch.batch_id, facts.BatchNews.REFUSED, happened_on=business_date(now), now=now)
    return 2
