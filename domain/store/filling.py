"""Filling a closed batch from the work that waits for it, chunk by chunk: the decision to debit, deliver or pay.

Each chunk is one transaction that can be stopped and run again: it takes contracts from the list, writes their lines, moves their state,
writes their events and reserves the money. Locks in contract order, accounts last, the stream last of all. What the gates and machines
allow is SQL made from their tables (`rules_sql`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.calendar import business_date
from domain.machines import DEBIT, DELIVERY, PAYOUT, DebitFact, DeliveryFact, PayoutFact
from domain.money import MAX_BATCH_AMOUNT, MAX_LINE
from domain.statuses import DebitStatus, DeliveryStatus, EventKind, Kind, PayoutStatus
from domain.store import exceptions, rules_sql, stream
from domain.store.batches import SHIPMENTS_PER_CALL, Batch, load, next_open
from domain.store.connection import Row, Tx, transaction
from domain.store.site_rules import bank_rules

CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Filled:
    """What a chunk did. `full`: the batch takes no more though work is left; `short`: the money for the rest is missing."""

    count: int
    left: bool
    full: bool = False
    short: bool = False


class OvertakenError(Exception):
    """A contract changed between judging and taking it. The chunk has changed nothing; run it again."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One kind's share of the chunk statement. Alias `s`: the state row."""

    ready: str  # the contract may be taken, now that the batch is filled
    allowed: str  # the consent behind it still stands
    joins: str
    weight: str  # what counts against the room: yen
    moves: str  # set clause of the state row
    attempt: str
    line_amount: str
    line_account: str
    event: EventKind


def _debit() -> _Step:
    return _Step(
        ready=rules_sql.can_move(DEBIT, DebitFact.INSTRUCTED, "s.debit", by_policy=True),
        allowed="coalesce(m.status = 1 and (m.limit_amount is null or s.gross <= m.limit_amount), false)",
        joins="left join mandate m on m.home = $1 and m.mandate_id = s.mandate_id",
        weight="s.gross",
        moves=f"debit = {int(DebitStatus.INSTRUCTED)}, debit_attempt = s.debit_attempt + 1, debit_batch = $2, instructed_on = $5, retry_on = null",
        attempt="debit_attempt",
        line_amount="gross",
        line_account="buyer_account_id",
        event=EventKind.DEBIT_INSTRUCTED,
    )


def _delivery() -> _Step:
    return _Step(
        ready=f"({rules_sql.can_move(DELIVERY, DeliveryFact.INSTRUCTED, 's.delivery')} and {rules_sql.delivery_gate('s')})",
        allowed="true",
        joins="",
        weight="0",
        moves=f"delivery = {int(DeliveryStatus.INSTRUCTED)}, delivery_attempt = s.delivery_attempt + 1, delivery_instructed_on = $5",
        attempt="delivery_attempt",
        line_amount="0::bigint",
        line_account="seller_account_id",
        event=EventKind.DELIVERY_INSTRUCTED,
    )


def _payout() -> _Step:
    return _Step(
        ready=f"({rules_sql.can_move(PAYOUT, PayoutFact.INSTRUCTED, 's.payout', other_account=True)} and {rules_sql.payout_gate('s')})",
        allowed="true",
        joins="",
        weight="s.net",
        moves=f"payout = {int(PayoutStatus.INSTRUCTED)}, payout_attempt = s.payout_attempt + 1, payout_batch = $2, reserved = s.reserved + s.gross",
        attempt="payout_attempt",
        line_amount="net",
        line_account="seller_account_id",
        event=EventKind.PAYOUT_INSTRUCTED,
    )


_STEPS: dict[Kind, Callable[[], _Step]] = {Kind.DEBIT: _debit, Kind.DELIVERY: _delivery, Kind.PAYOUT: _payout}


# Chunk statements name their rows by an array and join nothing that has no index: whatever the planner believes about tables that
# nobody has analysed yet (a new partition, the first day), it can only go to these rows by their keys.


def _judge(step: _Step) -> str:
    # $1 home, $2 contract ids
    return f"""
select s.contract_id, s.main_id, {step.weight} as weight, {step.ready} as ready, {step.allowed} as allowed
  from contract_state s {step.joins}
 where s.home = $1 and s.contract_id = any($2::bigint[]) order by s.contract_id"""


def _take(step: _Step, kind: Kind) -> str:
    # $1 home, $2 batch, $3 contract ids, $4 business now, $5 today
    return f"""
with u as (
       update contract_state s set {step.moves}, event_count = s.event_count + 1
        where s.home = $1 and s.contract_id = any($3::bigint[]) and {step.ready}
       returning s.contract_id, s.event_count, s.{step.attempt} as attempt, {step.line_amount} as amount, s.{step.line_account} as account, s.due),
     l as (
       insert into line(home, batch_id, contract_id, kind, attempt, amount, account_id)
       select $1, $2, contract_id, {int(kind)}, attempt, amount, account from u),
     e as (
       insert into event(home, contract_id, no, kind, at, happened_on)
       select $1, contract_id, event_count, {int(step.event)}, $4, $5 from u)
select array_agg(contract_id order by contract_id) as ids, array_agg(event_count order by contract_id) as nos,
       sum(amount)::bigint as amount, bool_or(due) as has_due from u"""


async def fill(home: int, batch_id: int, *, now: datetime, machine_now: datetime, chunk: int = CHUNK) -> Filled:
    """Takes one chunk of the batch's work. Call until nothing is left, or the batch is full, or the money is short.

    Raises OvertakenError when a contract changed meanwhile: nothing is written, call again.
    """
    async with transaction() as tx:
        batch = await load(tx, home, batch_id, lock=True)
        if batch is None or batch.closed_at is None or batch.number is not None:
            return Filled(0, left=False)
        limits = await _limits(tx, batch)
        room_lines = limits.lines - batch.line_count
        room_yen, by_money = await _room(tx, batch, limits)
        ids = await _candidates(tx, batch, min(chunk, room_lines + 1))
        if not ids:
            return Filled(0, left=False)
        step = _STEPS[batch.kind]()
        judged = await tx.rows(_judge(step), home, ids)
        too_large = [row["contract_id"] for row in judged if row["ready"] and row["allowed"] and row["weight"] > limits.line]
        wanted = [row for row in judged if row["ready"] and row["allowed"] and row["weight"] <= limits.line]
        fit = _prefix(wanted, room_yen, room_lines)
        await _park(tx, batch, [row["contract_id"] for row in judged if row["ready"] and not row["allowed"]], NO_MANDATE, now)
        await _park(tx, batch, too_large, LINE_TOO_LARGE, now)
        stay = {row["contract_id"] for row in wanted} - set(fit)
        await tx.run(
            "delete from work where home = $1 and batch_id = $2 and contract_id = any($3::bigint[])",
            home,
            batch.takes_from,
            [contract_id for contract_id in ids if contract_id not in stay],
        )
        if fit:
            if batch.kind is Kind.DEBIT and not batch.direct:
                taken = set(fit)
                await _towards_main(tx, batch, {row["contract_id"]: row["main_id"] for row in judged if row["contract_id"] in taken})
            await _write(tx, batch, step, fit, now, machine_now)
        unfit = len(wanted) > len(fit)
        return Filled(len(fit), left=True, full=unfit and not by_money, short=unfit and by_money)


def _prefix(wanted: Sequence[Row], room_yen: int, room_lines: int) -> list[int]:
    """The longest run of contracts, from the first on, that fits into what is left of the account or the block."""
    fit: list[int] = []
    running = 0
    for row in wanted:
        running += row["weight"]
        if running > room_yen or len(fit) == room_lines:
            break
        fit.append(row["contract_id"])
    return fit


async def _towards_main(tx: Tx, batch: Batch, mains: Mapping[int, int]) -> None:
    """The money of one batch goes to one main account: the site's on the day on which the batch was closed (S14).

    A contract names the main account of its registration; the site may have moved its main bank since.
    """
    assert batch.closed_at is not None
    main = await tx.value(
        "select account_id from account where home = $1 and site_id = $2 and main and from_on <= $3 and (until_on is null or until_on >= $3)",
        batch.home,
        batch.site_id,
        business_date(batch.closed_at),
    )
    moved = [contract_id for contract_id, before in mains.items() if main is not None and before != main]
    if moved:
        await tx.run("update contract_state set main_id = $3 where home = $1 and contract_id = any($2::bigint[])", batch.home, moved, main)


async def _write(tx: Tx, batch: Batch, step: _Step, fit: Sequence[int], now: datetime, machine_now: datetime) -> None:
    row = await tx.row(_take(step, batch.kind), batch.home, batch.batch_id, fit, now, business_date(now))
    assert row is not None
    if len(row["ids"] or ()) != len(fit):
        raise OvertakenError(batch.batch_id)
    await tx.run(
        "update batch set line_count = line_count + $3, amount = amount + $4, has_due = has_due or $5 where home = $1 and batch_id = $2",
        batch.home,
        batch.batch_id,
        len(fit),
        row["amount"],
        row["has_due"],
    )
    if batch.kind is Kind.PAYOUT:
        await tx.run(
            "update account set reserved = reserved + $3 where home = $1 and account_id = $2", batch.home, batch.account_id, row["amount"]
        )
    await stream.append(tx, batch.home, machine_now, [stream.StreamEntry(batch.site_id, int(step.event), row["ids"], row["nos"])])


async def _candidates(tx: Tx, batch: Batch, limit: int) -> list[int]:
    rows = await tx.rows(
        "select contract_id from work where home = $1 and batch_id = $2 order by contract_id limit $3 for update skip locked",
        batch.home,
        batch.takes_from,
        limit,
    )
    return [row["contract_id"] for row in rows]


@dataclass(frozen=True, slots=True)
class _Limits:
    """What one file or call holds: of the format, and of the bank's settings."""

    lines: int
    yen: int
    line: int  # yen a line


async def _limits(tx: Tx, batch: Batch) -> _Limits:
    if batch.bank_code is None:
        return _Limits(SHIPMENTS_PER_CALL, MAX_BATCH_AMOUNT, MAX_LINE)
    bank = await bank_rules(tx, batch.bank_code)
    yen = min(bank.max_yen, MAX_LINE) if await _is_swept(tx, batch) else bank.max_yen
    return _Limits(bank.max_lines, yen, bank.max_line_yen)


async def _is_swept(tx: Tx, batch: Batch) -> bool:
    """Whether what a debit file brings goes on to the main account: then it must fit into the one line of a sweep."""
    if batch.kind is not Kind.DEBIT or batch.direct:
        return False
    return not await tx.value("select main from account where home = $1 and account_id = $2", batch.home, batch.account_id)


async def _room(tx: Tx, batch: Batch, limits: _Limits) -> tuple[int, bool]:
    """Yen that still fit, and whether it is the account's money that sets the limit (and not the size of a file)."""
    room = limits.yen - batch.amount
    if batch.kind is not Kind.PAYOUT:
        return room, False
    row = await tx.row(
        "select booked - reserved as free, overdraft_break is not null as broken from account where home = $1 and account_id = $2",
        batch.home,
        batch.account_id,
    )
    assert row is not None
    free = 0 if row["broken"] else max(0, row["free"])  # a break pauses the site's payouts (records section 2)
    return min(room, free), free < room


NO_MANDATE = "NO_MANDATE"
LINE_TOO_LARGE = "LINE_TOO_LARGE"
_WHY_PARKED = {
    NO_MANDATE: "the mandate was stopped, or its limit is below the amount, after the contract was registered; nothing was sent",
    LINE_TOO_LARGE: "the bank takes less in one line than this contract has (its setting max_line_yen); nothing was sent",
}


async def _park(tx: Tx, batch: Batch, contract_ids: Sequence[int], code: str, now: datetime) -> None:
    """What was possible at registration is not any more: nothing is sent, the contract waits for a person who can see it [0018]."""
    if not contract_ids:
        return
    await tx.run(
        "insert into parked(home, contract_id, kind, reason, at) select $1, unnest($2::bigint[]), $3, $5, $4 on conflict do nothing",
        batch.home,
        list(contract_ids),
        int(batch.kind),
        now,
        code,
    )
    for contract_id in contract_ids:
        await exceptions.record(
            tx,
            code=code,
            reference=f"{'mandate' if code == NO_MANDATE else code}:{contract_id}:{batch.batch_id}",
            reason=_WHY_PARKED[code],
            now=now,
            home=batch.home,
            contract_id=contract_id,
        )


async def put_off(batch: Batch, *, now: datetime, number: int) -> int:
    """Moves what is left of a batch's work into the next OPEN batch of its account (the money was short, or the day's block is full).

    `number`: a fresh ID, for a batch that may have to be made. Answers how many contracts moved.
    """
    assert batch.bank_code is not None
    assert batch.account_id is not None
    async with transaction() as tx:
        after = await next_open(
            tx,
            home=batch.home,
            kind=batch.kind,
            site_id=batch.site_id,
            account_id=batch.account_id,
            bank=await bank_rules(tx, batch.bank_code),
            now=now,
            batch_id=number,
            direct=batch.direct,
        )
        return await tx.run(
            # a contract may wait there already: two facts at once can open a gate for it twice
            "with gone as (delete from work where home = $1 and batch_id = $2 returning contract_id) "
            "insert into work(home, batch_id, contract_id) select $1, $3, contract_id from gone on conflict do nothing",
            batch.home,
            batch.takes_from,
            after.batch_id,
        )
