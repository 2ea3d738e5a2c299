"""What happened to a whole batch, written to its lines chunk by chunk: accepted, refused, overdue, paid out, funded.

The fact itself is one row (`batch_fact`), written in the transaction that learned of it; a worker carries it to the contracts, each chunk
one transaction that moves the row's mark on, and takes the row away at the end. Stopped anywhere, it goes on from the mark.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import Any

from domain.ledger import AccountKind
from domain.machines import DEBIT, DELIVERY, PAYOUT, DebitFact, DeliveryFact, Machine, PayoutFact
from domain.statuses import DebitStatus, DeliverWhen, EventKind, Kind, LineOutcome
from domain.store import exceptions, queueing, rules_sql, stream
from domain.store.batches import Batch, load
from domain.store.connection import Row, Tx, transaction
from domain.store.partitions import day_number
from domain.store.queueing import Numbers

CHUNK = 5_000


class BatchNews(IntEnum):
    """Facts about a whole batch (or one part of it)."""

    ACCEPTED = 1  # the bank's receipt: contracts with a due date are SCHEDULED
    REFUSED = 2  # the file was refused: every line waits again
    OVERDUE = 3  # no answer in time: UNKNOWN
    PAID = 4  # the payout file's lump is booked
    FUNDED = 5  # the sweep that carries this part has arrived in full


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a chunk works on."""

    batch: Batch
    part: int
    happened_on: date
    now: datetime
    machine_now: datetime
    numbers: Numbers


async def announce(tx: Tx, home: int, batch_id: int, news: BatchNews, *, happened_on: date, now: datetime, part: int = 0) -> bool:
    """Notes that a batch has news to be carried to its lines. False: it was noted before."""
    return (
        await tx.run(
            "insert into batch_fact(home, batch_id, fact, part, happened_on, at) values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            home,
            batch_id,
            int(news),
            part,
            happened_on,
            now,
        )
        == 1
    )


async def carry(home: int, batch_id: int, news: BatchNews, part: int, *, now: datetime, machine_now: datetime, limit: int = CHUNK) -> bool:
    """Carries one chunk. True when there is more to do; False when the fact has reached every line (the caller ends it with `done`)."""
    numbers = await Numbers.take_for_carriers(home, machine_now, 8)
    async with transaction() as tx:
        row = await tx.row(
            "select happened_on, through from batch_fact where home = $1 and batch_id = $2 and fact = $3 and part = $4 for update",
            home,
            batch_id,
            int(news),
            part,
        )
        if row is None:
            return False
        batch = await load(tx, home, batch_id)
        assert batch is not None
        chunk = Chunk(batch, part, row["happened_on"], now, machine_now, numbers)
        lines = await tx.rows(
            "select contract_id, outcome, part from line where home = $1 and batch_id = $2 and contract_id > $3 order by contract_id limit $4",
            home,
            batch_id,
            row["through"],
            limit,
        )
        if not lines:
            return False
        entries = await _CARRIERS[news](tx, chunk, lines)
        await tx.run(
            "update batch_fact set through = $5 where home = $1 and batch_id = $2 and fact = $3 and part = $4",
            home,
            batch_id,
            int(news),
            part,
            lines[-1]["contract_id"],
        )
        await stream.append(tx, home, machine_now, entries)
        return True


async def done(tx: Tx, home: int, batch_id: int, news: BatchNews, part: int) -> None:
    """The fact has reached every line, and whatever else hangs on that is written in the same transaction."""
    await tx.run("delete from batch_fact where home = $1 and batch_id = $2 and fact = $3 and part = $4", home, batch_id, int(news), part)


def _open(lines: Sequence[Row]) -> list[int]:
    """Contracts whose line has no outcome yet."""
    return [line["contract_id"] for line in lines if line["outcome"] == LineOutcome.OPEN]


# As in filling: rows are named by an array, so that no plan depends on what the planner believes.


async def _accepted(tx: Tx, chunk: Chunk, lines: Sequence[Row]) -> list[stream.StreamEntry]:
    ahead = chunk.happened_on < chunk.batch.value_on  # a receipt that comes after the day says nothing about a debit held for UNKNOWN
    rows = await tx.rows(
        f"""
with u as (update contract_state s set debit = {rules_sql.next_state(DEBIT, DebitFact.ACCEPTED, "s.debit", due_date=True, day_ahead=ahead)},
                  scheduled_on = $3, event_count = s.event_count + 1
            where s.home = $1 and s.contract_id = any($2::bigint[]) and s.due
              and {rules_sql.can_move(DEBIT, DebitFact.ACCEPTED, "s.debit", due_date=True, day_ahead=ahead)}
          returning s.contract_id, s.event_count, s.site_id, s.carrier_id,
                    s.deliver_when = {int(DeliverWhen.ON_ACCEPTANCE)} and {_delivery_pending("s")} as deliver),
     e as (insert into event(home, contract_id, no, kind, at, happened_on)
           select $1, contract_id, event_count, {int(EventKind.DEBIT_SCHEDULED)}, $4, $5 from u)
select * from u order by contract_id""",
        chunk.batch.home,
        _open(lines),
        chunk.batch.value_on,
        chunk.now,
        chunk.happened_on,
    )
    await queueing.deliver(
        tx, chunk.batch.home, [(r["contract_id"], r["site_id"], r["carrier_id"]) for r in rows if r["deliver"]], chunk.now, chunk.numbers
    )
    return _entries(chunk, EventKind.DEBIT_SCHEDULED, rows)


async def _refused(tx: Tx, chunk: Chunk, lines: Sequence[Row]) -> list[stream.StreamEntry]:
    batch = chunk.batch
    machine: Machine[Any, Any]
    fact: Any
    if batch.kind is Kind.DEBIT:
        machine, fact, column, event = DEBIT, DebitFact.FILE_REFUSED, "debit", EventKind.DEBIT_WITHDRAWN
        also, account, amount = "", "s.collecting_id", "s.gross"
    else:
        machine, fact, column, event = PAYOUT, PayoutFact.FILE_REFUSED, "payout", EventKind.PAYOUT_WITHDRAWN
        also, account, amount = ", reserved = s.reserved - s.gross", "s.main_id", "s.net"
    rows = await tx.rows(
        f"""
with l as (update line x set outcome = {int(LineOutcome.WITHDRAWN)}, blocking = false, outcome_on = $5
            where x.home = $1 and x.batch_id = $2 and x.contract_id = any($3::bigint[])),
     u as (update contract_state s set {column} = {rules_sql.next_state(machine, fact, f"s.{column}")}, event_count = s.event_count + 1{also}
            where s.home = $1 and s.contract_id = any($3::bigint[]) and {rules_sql.can_move(machine, fact, f"s.{column}")}
          returning s.contract_id, s.event_count, s.site_id, {account} as account, {amount} as amount),
     e as (insert into event(home, contract_id, no, kind, at, happened_on)
           select $1, contract_id, event_count, {int(event)}, $4, $5 from u)
select * from u order by contract_id""",
        batch.home,
        batch.batch_id,
        _open(lines),
        chunk.now,
        chunk.happened_on,
    )
    again = [(r["contract_id"], r["site_id"], r["account"]) for r in rows]
    if batch.kind is Kind.DEBIT:
        # Never before the date that the refused file was for: it may be a due date.
        await queueing.debit_again(tx, batch.home, again, chunk.now, chunk.numbers, not_before=batch.value_on)
    else:
        await queueing.pay(tx, batch.home, again, chunk.now, chunk.numbers)
        await tx.run(
            "update account set reserved = reserved - $3 where home = $1 and account_id = $2",
            batch.home,
            batch.account_id,
            sum(r["amount"] for r in rows),
        )
    return _entries(chunk, event, rows)


_OVERDUE: dict[Kind, tuple[Machine[Any, Any], Any, str, EventKind]] = {
    Kind.DEBIT: (DEBIT, DebitFact.OVERDUE, "debit", EventKind.DEBIT_UNKNOWN),
    Kind.PAYOUT: (PAYOUT, PayoutFact.OVERDUE, "payout", EventKind.PAYOUT_UNKNOWN),
    Kind.DELIVERY: (DELIVERY, DeliveryFact.OVERDUE, "delivery", EventKind.DELIVERY_UNKNOWN),
}


async def _overdue(tx: Tx, chunk: Chunk, lines: Sequence[Row]) -> list[stream.StreamEntry]:
    machine, fact, column, event = _OVERDUE[chunk.batch.kind]
    rows = await tx.rows(
        f"""
with u as (update contract_state s set {column} = {rules_sql.next_state(machine, fact, f"s.{column}")}, event_count = s.event_count + 1
            where s.home = $1 and s.contract_id = any($2::bigint[]) and {rules_sql.can_move(machine, fact, f"s.{column}")}
          returning s.contract_id, s.event_count),
     e as (insert into event(home, contract_id, no, kind, at, happened_on)
           select $1, contract_id, event_count, {int(event)}, $3, $4 from u)
select * from u order by contract_id""",
        chunk.batch.home,
        _open(lines),
        chunk.now,
        chunk.happened_on,
    )
    if rows and chunk.batch.kind is Kind.DELIVERY:  # the batch itself was answered: only its contracts are unknown
        await exceptions.record(
            tx,
            code="DELIVERY_SILENT",
            reference=f"silent:{chunk.batch.batch_id}",
            reason=f"the carrier has taken {len(rows)} shipments and said nothing of them since; they are not instructed again",
            now=chunk.now,
            home=chunk.batch.home,
            channel=f"carrier:{chunk.batch.carrier_id}",
            batch_id=chunk.batch.batch_id,
        )
    return _entries(chunk, event, rows)


async def _paid(tx: Tx, chunk: Chunk, lines: Sequence[Row]) -> list[stream.StreamEntry]:
    batch = chunk.batch
    rows = await tx.rows(
        f"""
with l as (update line x set outcome = {int(LineOutcome.DONE)}, outcome_on = $5
            where x.home = $1 and x.batch_id = $2 and x.contract_id = any($3::bigint[])),
     u as (update contract_state s set payout = {rules_sql.next_state(PAYOUT, PayoutFact.PAID_OUT, "s.payout")},
                  event_count = s.event_count + 1, held = s.held - s.gross, reserved = s.reserved - s.gross, settled = s.net, settled_on = $5
            where s.home = $1 and s.contract_id = any($3::bigint[]) and {rules_sql.can_move(PAYOUT, PayoutFact.PAID_OUT, "s.payout")}
          returning s.contract_id, s.event_count, s.site_id, s.carrier_id, s.net, s.gross,
                    s.deliver_when = {int(DeliverWhen.ON_SETTLED)} and {_delivery_pending("s")} as deliver),
     e as (insert into event(home, contract_id, no, kind, at, happened_on)
           select $1, contract_id, event_count, {int(EventKind.PAID)}, $4, $5 from u),
     p as (insert into posting(home, day, cause, no, line, source_kind, source, destination_kind, destination, amount, booked_on)
           select $1::smallint, $6::int, contract_id, event_count, 1,
                  {int(AccountKind.CASH)}, $7::bigint, {int(AccountKind.OWED)}, contract_id, net, $5::date from u
           union all
           select $1::smallint, $6::int, contract_id, event_count, 2,
                  {int(AccountKind.FEES)}, site_id, {int(AccountKind.OWED)}, contract_id, gross - net, $5::date from u where gross > net)
select * from u order by contract_id""",
        batch.home,
        batch.batch_id,
        _open(lines),
        chunk.now,
        chunk.happened_on,
        day_number(chunk.machine_now),
        batch.account_id,
    )
    await queueing.deliver(
        tx, batch.home, [(r["contract_id"], r["site_id"], r["carrier_id"]) for r in rows if r["deliver"]], chunk.now, chunk.numbers
    )
    paid = sum(r["net"] for r in rows)
    await tx.run(
        "update account set booked = booked - $3, reserved = reserved - $3 where home = $1 and account_id = $2",
        batch.home,
        batch.account_id,
        paid,
    )
    return _entries(chunk, EventKind.PAID, rows)


async def _funded(tx: Tx, chunk: Chunk, lines: Sequence[Row]) -> list[stream.StreamEntry]:
    brought = [line["contract_id"] for line in lines if line["outcome"] == LineOutcome.DONE and line["part"] == chunk.part]
    # The money is where its sweep went, and is paid out from there (S14).
    main = await tx.value(
        "select w.to_account from sweep_part p join sweep w on w.home = p.home and w.sweep_id = p.sweep_id "
        "where p.home = $1 and p.batch_id = $2 and p.part = $3",
        chunk.batch.home,
        chunk.batch.batch_id,
        chunk.part,
    )
    rows = await tx.rows(
        f"""
with u as (update contract_state s set funded = true, main_id = $5, event_count = s.event_count + 1
            where s.home = $1 and s.contract_id = any($2::bigint[]) and not s.funded and s.debit = {int(DebitStatus.DEBITED)}
          returning s.contract_id, s.event_count, s.site_id, s.main_id, {rules_sql.payout_gate("s")} as pay),
     e as (insert into event(home, contract_id, no, kind, at, happened_on)
           select $1, contract_id, event_count, {int(EventKind.FUNDED)}, $3, $4 from u)
select * from u order by contract_id""",
        chunk.batch.home,
        brought,
        chunk.now,
        chunk.happened_on,
        main,
    )
    await queueing.pay(
        tx, chunk.batch.home, [(r["contract_id"], r["site_id"], r["main_id"]) for r in rows if r["pay"]], chunk.now, chunk.numbers
    )
    return _entries(chunk, EventKind.FUNDED, rows)


_CARRIERS: dict[BatchNews, Callable[[Tx, Chunk, Sequence[Row]], Awaitable[list[stream.StreamEntry]]]] = {
    BatchNews.ACCEPTED: _accepted,
    BatchNews.REFUSED: _refused,
    BatchNews.OVERDUE: _overdue,
    BatchNews.PAID: _paid,
    BatchNews.FUNDED: _funded,
}


def _delivery_pending(row: str) -> str:
    return rules_sql.can_move(DELIVERY, DeliveryFact.INSTRUCTED, f"{row}.delivery")


def _entries(chunk: Chunk, kind: EventKind, rows: list[Row]) -> list[stream.StreamEntry]:
    return [stream.StreamEntry(chunk.batch.site_id, int(kind), [r["contract_id"] for r in rows], [r["event_count"] for r in rows])]
