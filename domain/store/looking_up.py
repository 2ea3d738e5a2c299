"""Looking up what is UNKNOWN (結果不明) on the statement: a lump resolves a debit file only when it is the whole of it (settlement section 8).

A file whose result does not come and whose one credit is its full total has debited everybody: that is written like a result, through the
same checks of the machine, each line once. A lump of less says nothing about a single line, and none says only that nobody was debited yet:
both wait for the result, or for people; nothing is ever sent again for it (rule 3, I09).
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from domain.statuses import BatchStatus, Kind, LineOutcome
from domain.store import exceptions, outbox
from domain.store.batches import Batch
from domain.store.connection import Tx
from domain.store.sweeps import AWAITED

VALID = 1  # reply.status
_STAGE = f"""
insert into reply_line(reply_id, line_no, home, contract_id, kind, attempt, account, amount, code)
select $3, row_number() over (order by l.contract_id), l.home, l.contract_id, l.kind, l.attempt, '', l.amount, 0
  from line l where l.home = $1 and l.batch_id = $2 and l.outcome = {int(LineOutcome.OPEN)}"""


async def by_lump(tx: Tx, batch: Batch, *, now: datetime, machine_now: datetime) -> bool:
    """Resolves a debit batch that is UNKNOWN by the lump on its account's statement. True: everybody in it was debited.

    Call with the batch locked, where it has become UNKNOWN and where a lump of it has come.
    """
    if batch.kind is not Kind.DEBIT or batch.direct or batch.status is not BatchStatus.UNKNOWN:
        return False
    lump = await tx.value(
        "select amount from statement_line where home = $1 and account_id = $2 and booked_on = $3 and batch_id = $4 and matched = $5",
        batch.home,
        batch.account_id,
        batch.value_on,
        batch.batch_id,
        AWAITED,
    )
    if lump is None:
        await _absent(tx, batch, now)
        return False
    if lump != batch.amount or await tx.value("select parts from batch where home = $1 and batch_id = $2", batch.home, batch.batch_id):
        return False
    name = f"{batch.name}.lump"
    reply_id = await tx.value(
        "insert into reply(channel, name, sha256, size, kind, status, home, batch_id, account_id, part, at, machine_at) "
        "values ($1, $2, $3, 0, 'result', $4, $5, $6, $7, 1, $8, $9) on conflict do nothing returning reply_id",
        f"statement:{batch.bank_code}",
        name,
        hashlib.sha256(b"").digest(),  # it came with no bytes of its own
        VALID,
        batch.home,
        batch.batch_id,
        batch.account_id,
        now,
        machine_now,
    )
    if reply_id is None:
        return False
    await tx.run(_STAGE, batch.home, batch.batch_id, reply_id)
    await tx.run("update batch set parts = 1 where home = $1 and batch_id = $2", batch.home, batch.batch_id)
    await outbox.add(tx, "replies", "apply_reply", {"reply_id": reply_id})
    return True


async def _absent(tx: Tx, batch: Batch, now: datetime) -> None:
    """The bank's day is closed and its statement shows no lump. Listed: a debit that nobody has seen is not sent again by itself."""
    closed = await tx.value(
        "select 1 from statement where home = $1 and account_id = $2 and booked_on >= $3 limit 1",
        batch.home,
        batch.account_id,
        batch.value_on,
    )
    if closed is None:
        return
    await exceptions.record(
        tx,
        code="DEBIT_NOT_ON_STATEMENT",
        reference=f"absent:{batch.batch_id}",
        reason="the debit file was not answered, and the account's statement shows no credit for it: it looks as if nobody was debited; "
        "ask the bank, nothing is sent again by itself",
        now=now,
        home=batch.home,
        channel=f"bank:{batch.bank_code}",
        batch_id=batch.batch_id,
        amount=batch.amount,
    )
