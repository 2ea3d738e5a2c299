"""What must be done now: found in small lists of open work, never by looking through all contracts (settlement section 8).

The queue is a hint (rule 7): the scheduler asks here again and again, so that emptying Redis loses nothing. At one instant the order is
incoming, then decisions, then sending: decisions of a home wait while something that came in is still being written there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.statuses import BatchStatus, Kind
from domain.store import rules_sql
from domain.store.connection import Tx

PATIENCE = timedelta(minutes=15)  # before a bank's deadline: then the file goes, whatever is still coming in
STUBBORN = 5  # tries after which a reply that cannot be read no longer holds decisions up


@dataclass(frozen=True, slots=True)
class Task:
    """A message: an actor of a queue, and ids."""

    queue: str
    actor: str
    args: dict[str, Any] = field(hash=False)

    @property
    def key(self) -> str:
        """The same work has the same key."""
        return f"{self.actor}:{':'.join(str(value) for _, value in sorted(self.args.items()))}"


TAKES_FILES = "b.connector <> 'http'"
"""True for a row `b` of carrier that is given files, and so is looked through."""
_OF_CARRIERS = ("notices", "answer", "shipped", "tracking")


def queue_of(kind: str) -> str:
    """The queue over which a reply of this kind is read: what carriers say has its own."""
    return "notices" if kind in _OF_CARRIERS else "replies"


_FREE = "(lease_until is null or lease_until < $1)"
_TRY = "(next_try_at is null or next_try_at <= $1)"


async def tasks(tx: Tx, now: datetime, machine_now: datetime, moves: int, *, limit: int = 1_000) -> list[Task]:
    """Everything that is due and under nobody's lease, in the order of an instant. `moves`: the business clock's counter."""
    return [
        *await _incoming(tx, machine_now, limit),
        *await _decisions(tx, now, machine_now, moves, limit),
        *await _sending(tx, machine_now, limit),
    ]


async def _incoming(tx: Tx, machine_now: datetime, limit: int) -> list[Task]:
    replies = await tx.rows(
        f"select reply_id, status, kind from reply where status in (0, 1) and {_FREE} and {_TRY} order by reply_id limit $2",
        machine_now,
        limit,
    )
    found = [
        Task(
            queue_of(row["kind"]),
            "apply_reply" if row["status"] else "read_reply",
            {"reply_id": row["reply_id"]},
        )
        for row in replies
    ]
    rows = await tx.rows(
        f"select home, batch_id, fact, part from batch_fact where {_FREE} order by at, home, batch_id, fact, part limit $2",
        machine_now,
        limit,
    )
    return found + [Task("replies", "carry_fact", dict(row)) for row in rows]


_UNSETTLED = f"""
select home from batch_fact union
select coalesce(home, -1) from reply where status in (0, 1) and tries < {STUBBORN} union
select -1 from bank b left join bank_poll p using (bank_code) where coalesce(p.moves, -1) < $1 and coalesce(p.failures, 0) = 0 union
select -1 from carrier b left join carrier_poll p using (carrier_id)
 where {TAKES_FILES} and coalesce(p.moves, -1) < $1 and coalesce(p.failures, 0) = 0"""


async def _decisions(tx: Tx, now: datetime, machine_now: datetime, moves: int, limit: int) -> list[Task]:
    unsettled = {row["home"] for row in await tx.rows(_UNSETTLED, moves)}
    sealing = await tx.rows(
        f"select home, batch_id, bank_code, deadline_at from batch where status = 0 and seal_at <= $2 and {_FREE} and {_TRY} "
        "order by seal_at, kind desc, home, batch_id limit $3",
        machine_now,
        now,
        limit,
    )
    overdue = await tx.rows(
        f"select home, batch_id from batch where status in (4, 5, 6) and overdue_at <= $2 and {_FREE} order by overdue_at, home, batch_id limit $3",
        machine_now,
        now,
        limit,
    )
    return [
        Task("runs", "seal_batch", {"home": row["home"], "batch_id": row["batch_id"]})
        for row in sealing
        if not _held_up(unsettled, row["home"]) or (row["bank_code"] is not None and row["deadline_at"] - now <= PATIENCE)
    ] + [
        Task("runs", "mark_overdue", {"home": row["home"], "batch_id": row["batch_id"]})
        for row in overdue
        if not _held_up(unsettled, row["home"])
    ]


def _held_up(unsettled: set[int], home: int) -> bool:
    return -1 in unsettled or home in unsettled


# A carrier can only stop what it has: a request waits until the call with its shipment has gone out.
_STILL_HERE = {BatchStatus.OPEN, BatchStatus.SEALED, BatchStatus.SENDING, BatchStatus.RELEASING}
SHIPMENT_GONE_OUT = f"""exists (select 1 from line l join batch b on b.home = l.home and b.batch_id = l.batch_id
 where l.home = x.home and l.contract_id = x.contract_id and l.kind = {int(Kind.DELIVERY)} and l.attempt = x.attempt
   and {rules_sql.one_of("b.status", set(BatchStatus) - _STILL_HERE)})"""
"""True for a row `x` of delivery_stop whose carrier may be asked."""


async def _sending(tx: Tx, machine_now: datetime, limit: int) -> list[Task]:
    rows = await tx.rows(
        f"select home, batch_id, kind from batch where status in (1, 2, 3) and not awaits_approval and {_FREE} and {_TRY} order by home, batch_id limit $2",
        machine_now,
        limit,
    )
    asked = await tx.rows(
        f"select home, contract_id from delivery_stop x where answer = 0 and {SHIPMENT_GONE_OUT} and {_FREE} and {_TRY} "
        "order by home, contract_id limit $2",
        machine_now,
        limit,
    )
    return [
        Task(
            "carriers" if row["kind"] == Kind.DELIVERY else "banks",
            "send_batch",
            {"home": row["home"], "batch_id": row["batch_id"]},
        )
        for row in rows
    ] + [Task("carriers", "stop_shipment", dict(row)) for row in asked]


async def next_instant(tx: Tx, now: datetime) -> datetime | None:
    """The earliest business instant after `now` at which something of ours becomes due. None: nothing is planned."""
    found: datetime | None = await tx.value(
        "select min(at) from (select min(seal_at) as at from batch where status = 0 and seal_at > $1 union all "
        "select min(overdue_at) from batch where status in (4, 5, 6) and overdue_at > $1) x",
        now,
    )
    return found


async def open_work(tx: Tx, now: datetime, moves: int) -> list[str]:
    """What is due and not done yet, in words; empty means quiet. What is under a lease counts: somebody is doing it."""
    found = []
    for what, sql, args in (
        ("replies to read or apply", "select count(*) from reply where status in (0, 1)", ()),
        ("facts on their way to contracts", "select count(*) from batch_fact", ()),
        ("batches to seal", "select count(*) from batch where status = 0 and seal_at <= $1", (now,)),
        ("batches to send", "select count(*) from batch where status in (1, 2, 3) and not awaits_approval", ()),
        ("shipments to stop", "select count(*) from delivery_stop where answer = 0", ()),
        ("overdue answers", "select count(*) from batch where status in (4, 5, 6) and overdue_at <= $1", (now,)),
        ("messages to hand over", "select count(*) from outbox", ()),
        (
            "banks to look through",
            "select count(*) from bank b left join bank_poll p using (bank_code) where coalesce(p.moves, -1) < $1",
            (moves,),
        ),
        (
            "carriers to look through",
            f"select count(*) from carrier b left join carrier_poll p using (carrier_id) where {TAKES_FILES} and coalesce(p.moves, -1) < $1",
            (moves,),
        ),
    ):
        number = await tx.value(sql, *args)
        if number:
            found.append(f"{number} {what}")
    return found
