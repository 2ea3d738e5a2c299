"""Answers that do not come: what was sent and not answered in time is UNKNOWN, asked for, and never sent again (settlement rule 3, I09)."""

from __future__ import annotations

from datetime import datetime

from domain.calendar import business_date
from domain.machines import SWEEP, SweepFact
from domain.statuses import BatchStatus, Kind
from domain.store import facts, looking_up, rules_sql
from domain.store.batches import load
from domain.store.connection import transaction


async def mark_overdue(home: int, batch_id: int, *, now: datetime, machine_now: datetime) -> None:
    """A batch whose answer is overdue becomes UNKNOWN (settlement rule 3): asked for, never sent again. A delivery batch only tells its contracts.

    A debit file whose lump the statement shows whole is not unknown for long: see `looking_up`.
    """
    async with transaction() as tx:
        batch = await load(tx, home, batch_id, lock=True)
        awaiting = (BatchStatus.SENT, BatchStatus.RECEIPTED, BatchStatus.ANSWERED)
        if batch is None or batch.status not in awaiting:
            return
        due = await tx.value("select overdue_at from batch where home = $1 and batch_id = $2", home, batch_id)
        if due is None or due > now:
            return
        if batch.kind is Kind.DELIVERY:
            await tx.run("update batch set overdue_at = null where home = $1 and batch_id = $2", home, batch_id)
        else:  # the time stays: it says since when, and a receipt that comes now does not end the silence
            await tx.run("update batch set status = $3 where home = $1 and batch_id = $2", home, batch_id, int(BatchStatus.UNKNOWN))
        if batch.kind is Kind.SWEEP:
            await tx.run(
                f"update sweep set status = {rules_sql.next_state(SWEEP, SweepFact.OVERDUE, 'status')} "
                f"where home = $1 and sweep_id = $2 and {rules_sql.can_move(SWEEP, SweepFact.OVERDUE, 'status')}",
                home,
                batch_id,
            )
        else:
            unknown = await load(tx, home, batch_id)
            assert unknown is not None
            if not await looking_up.by_lump(tx, unknown, now=now, machine_now=machine_now):
                await facts.announce(tx, home, batch_id, facts.BatchNews.OVERDUE, happened_on=business_date(now), now=now)
