"""Debit results (振替結果): staged, checked as a whole against the batch, then applied chunk by chunk, each line once (settlement rule 4).

A result file is taken whole or held whole: totals, every line's account, amount and attempt, and what the machine says to it. Nothing of a
held file touches money. A valid one is applied to its end: status, ledger, events and work in one transaction per chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.accounts import mask
from domain.calendar import business_date
from domain.findings import MOST_PLACES
from domain.ledger import AccountKind
from domain.machines import DEBIT, DebitFact
from domain.reasons import CONSEQUENCES, Stops
from domain.statuses import (
    BatchStatus,
    DebitFailureReason,
    DebitStatus,
    DeliverWhen,
    DeliveryStatus,
    EventKind,
    Kind,
    LineOutcome,
    PayoutStatus,
)
from domain.store import exceptions, queueing, rules_sql, stream, sweeps
from domain.store.batches import Batch, load
from domain.store.connection import Row, Tx, transaction
from domain.store.partitions import day_number
from domain.store.queueing import Numbers
from domain.store.replies import TakenOver

CHUNK = 5_000
APPLIED, VALID, HELD, IGNORED = 2, 1, 3, 4  # reply.status


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One line of a result as it was read: `account` is bank 4, branch 3, type 1 and number 7 in a row."""

    line_no: int
    contract_id: int
    attempt: int
    account: str
    amount: int
    code: int


@dataclass(frozen=True, slots=True)
class ResultTotals:
    """The trailer of a result: counts and yen."""

    count: int
    amount: int
    debited_count: int
    debited_amount: int
    failed_count: int
    failed_amount: int


async def unstage(reply_id: int) -> None:
    """Forgets what was staged of a reply, so that it can be read again from the start."""
    async with transaction() as tx:
        await tx.run("delete from reply_line where reply_id = $1", reply_id)


async def stage(reply_id: int, home: int, lines: Iterable[ResultLine], holder: str) -> int:
    """Stages lines of a result; may be called many times for one reply. Raises `TakenOver` when `holder` has lost it.

    A reader's thread outlives the reader for a moment: without this it would stage among the lines of the next one.
    """
    async with transaction() as tx:
        if await tx.value("select 1 from reply where reply_id = $1 and lease_holder = $2 for share", reply_id, holder) is None:
            raise TakenOver(f"reply {reply_id}")
        return await tx.copy_in(
            "reply_line",
            ("reply_id", "line_no", "home", "contract_id", "kind", "attempt", "account", "amount", "code"),
            ((reply_id, x.line_no, home, x.contract_id, int(Kind.DEBIT), x.attempt, x.account, x.amount, x.code) for x in lines),
        )


def _verdict() -> str:
    """What the debit machine says to a staged line `r` for the state row `s`."""
    debited = rules_sql.verdict(DEBIT, DebitFact.DEBITED, "s.debit")
    failed = rules_sql.verdict(DEBIT, DebitFact.FAILED, "s.debit")
    same = rules_sql.verdict(DEBIT, DebitFact.FAILED, "s.debit", same_code=True)
    ours = rules_sql.verdict(DEBIT, DebitFact.FAILED, "s.debit", stopped_by_us=True)
    return f"(case when r.code = 0 then {debited} when r.code = 8 then {ours} when s.failure = r.code then {same} else {failed} end)"


# each line looks its rows up by key (lateral, limit 1): no plan that reads a table of finished contracts is possible
_COMPARED = f"""
  from reply_line r
  left join (select x.contract_id, min(x.code) as code from reply o join reply_line x using (reply_id)
              where o.home = $2 and o.batch_id = $3 and o.status = {VALID} group by x.contract_id) e on e.contract_id = r.contract_id
  left join lateral (select * from line l where l.home = $2 and l.batch_id = $3 and l.contract_id = r.contract_id limit 1) l on true
  left join lateral (select * from contract_state s where s.home = $2 and s.contract_id = r.contract_id limit 1) s on true
  left join lateral (select * from party_account a where a.home = $2 and a.party_account_id = l.account_id limit 1) a on true
 where r.reply_id = $1"""
_EARLIER = "coalesce(case when l.outcome <> 0 then {} end, e.code)"  # what an earlier result has said of the line
_OURS = "a.bank_code || a.branch_code || a.account_type || a.account_number"


def _differing() -> dict[str, tuple[str, str]]:
    """What makes a staged line differ from ours, by the code of the exception: in words, and in SQL. The first that is found counts."""
    return {
        "UNKNOWN_LINES": ("that are not in the batch", "l.contract_id is null"),
        "DOUBLED_LINES": (
            "that come more than once",
            "exists (select 1 from reply_line y where y.reply_id = r.reply_id and y.contract_id = r.contract_id and y.line_no < r.line_no)",
        ),
        "OTHER_ATTEMPT": ("that name another attempt", "l.attempt <> r.attempt"),
        "OTHER_AMOUNT": ("with another amount than we sent", "l.amount <> r.amount"),
        "OTHER_ACCOUNT": ("with another account than we sent", f"{_OURS} <> r.account"),
        "CONTRADICTED": ("that say something else than an earlier result", f"{_EARLIER.format('coalesce(l.code, -1)')} <> r.code"),
        "IMPOSSIBLE": ("that do not fit where the contract stands", f"l.outcome = 0 and {_verdict()} = {rules_sql.TO_EXCEPTIONS}"),
    }


def _check() -> str:
    counted = ",\n       ".join(
        # of doubles the count is cheaper than the looking
        "count(*) - count(distinct r.contract_id) as doubled_lines"
        if code == "DOUBLED_LINES"
        else f"count(*) filter (where {sql}) as {code.lower()}"
        for code, (_, sql) in _differing().items()
    )
    return f"""
select count(*) as count, coalesce(sum(r.amount), 0)::bigint as amount,
       count(*) filter (where r.code = 0) as debited_count, coalesce(sum(r.amount) filter (where r.code = 0), 0)::bigint as debited_amount,
       count(*) filter (where {_EARLIER.format("l.code")} = r.code) as repeated,
       {counted}{_COMPARED}"""


@dataclass(frozen=True, slots=True)
class DifferingLine:
    """A line of a result beside ours. `ours` is None for a line that is not in the batch; accounts are masked."""

    line_no: int
    contract_id: int
    field: str  # of ResultLine
    expected: str
    found: str


async def differing_lines(tx: Tx, reply_id: int, batch: Batch, code: str, limit: int = MOST_PLACES) -> list[DifferingLine]:
    """The first lines because of which a result was held with `code`; none for a code that is not about lines."""
    known = _differing().get(code)
    if known is None:
        return []
    rows = await tx.rows(
        f"select r.line_no, r.contract_id, r.attempt, r.amount, r.account, r.code, l.attempt as our_attempt, l.amount as our_amount, "
        f"{_OURS} as our_account, {_EARLIER.format('coalesce(l.code, -1)')} as said, s.debit{_COMPARED} and {known[1]} "
        "order by r.line_no limit $4",
        reply_id,
        batch.home,
        batch.batch_id,
        limit,
    )
    return [DifferingLine(row["line_no"], row["contract_id"], *_sides(code, row)) for row in rows]


def _sides(code: str, row: Row) -> tuple[str, str, str]:
    """(field, expected, found)."""
    if code == "UNKNOWN_LINES":
        return "contract_id", "a line of the batch", f"{row['contract_id']:018d}{row['attempt']:02d}"
    if code == "DOUBLED_LINES":
        return "contract_id", "each line once", f"{row['contract_id']:018d}{row['attempt']:02d} again"
    if code == "OTHER_ATTEMPT":
        return "attempt", f"attempt {row['our_attempt']}", f"attempt {row['attempt']}"
    if code == "OTHER_AMOUNT":
        return "amount", f"{row['our_amount']:,} yen", f"{row['amount']:,} yen"
    if code == "OTHER_ACCOUNT":
        return "account", _masked(row["our_account"]), _masked(row["account"])
    if code == "CONTRADICTED":
        return "code", f"{row['said']}, as the earlier result says", str(row["code"])
    return "code", f"an answer to a debit that is {DebitStatus(row['debit']).name}", str(row["code"])


def _masked(account: str) -> str:
    return f"{account[:4]}-{account[4:7]}-{account[7:8]}-{mask(account[8:])}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a result as a whole: VALID, HELD with the reason in a sentence, or IGNORED (a repeat)."""

    status: int
    code: str = ""
    reason: str = ""
    figures: tuple[tuple[str, int, int], ...] = ()  # of the trailer (`ResultTotals`): name, expected, found


async def complete(reply_id: int, batch: Batch, holder: str, read: int) -> None:
    """Adds to a staged result of failed lines the lines that are missing in it, as debited; chunk by chunk, each once.

    `read` lines stand in the file. Nothing is believed by that: `check` compares the whole with the batch and with the trailer, which must
    account for every line and yen. Raises `TakenOver`.
    """
    after = 0
    while True:
        async with transaction() as tx:
            if await tx.value("select 1 from reply where reply_id = $1 and lease_holder = $2 for share", reply_id, holder) is None:
                raise TakenOver(f"reply {reply_id}")
            page = await tx.row(
                "select max(contract_id) as last, count(*) as n from (select contract_id from line where home = $1 and batch_id = $2 "
                "and contract_id > $3 order by contract_id limit $4) x",
                batch.home,
                batch.batch_id,
                after,
                CHUNK,
            )
            assert page is not None
            if not page["n"]:
                return
            await tx.run(
                "insert into reply_line(reply_id, line_no, home, contract_id, kind, attempt, amount, code) "
                "select $1, (select coalesce(max(line_no), 0) from reply_line where reply_id = $1) + row_number() over (order by l.contract_id), "
                "$2, l.contract_id, $6, l.attempt, l.amount, 0 from line l where l.home = $2 and l.batch_id = $3 "
                "and l.contract_id > $4 and l.contract_id <= $5 "
                "and l.contract_id not in (select f.contract_id from reply_line f where f.reply_id = $1 and f.line_no <= $7 "
                "and f.contract_id > $4 and f.contract_id <= $5)",
                reply_id,
                batch.home,
                batch.batch_id,
                after,
                page["last"],
                int(Kind.DEBIT),
                read,
            )
            after = page["last"]


async def check(tx: Tx, reply_id: int, batch: Batch, totals: ResultTotals) -> Checked:
    """Compares a staged result with the batch it answers, and with one that is VALID and still being applied. Touches nothing."""
    found = await tx.row(_check(), reply_id, batch.home, batch.batch_id)
    assert found is not None
    if batch.status in (BatchStatus.OPEN, BatchStatus.SEALED, BatchStatus.SENDING):
        return Checked(HELD, "NOT_SENT", "the file that this result answers has not been sent")
    if batch.status is BatchStatus.REFUSED:
        return Checked(HELD, "FILE_REFUSED", "the bank has refused the file that this result answers, and its lines wait for the next one")
    for code, (what, _) in _differing().items():
        if number := found[code.lower()]:
            return Checked(HELD, code, f"the result has {number} lines {what}; nothing of it was applied")
    if found["count"] != batch.line_count or found["amount"] != batch.amount:
        return Checked(
            HELD,
            "TOTALS",
            f"the result has {found['count']} lines and {found['amount']} yen, the batch {batch.line_count} and {batch.amount}",
            (("count", batch.line_count, found["count"]), ("amount", batch.amount, found["amount"])),
        )
    failed = (found["count"] - found["debited_count"], found["amount"] - found["debited_amount"])
    right = ResultTotals(found["count"], found["amount"], found["debited_count"], found["debited_amount"], *failed)
    if totals != right:
        wrong = [(name, getattr(right, name), getattr(totals, name)) for name in ResultTotals.__slots__]
        figures = tuple((name, expected, said) for name, expected, said in wrong if expected != said)
        return Checked(HELD, "TRAILER", "the trailer of the result does not add up with its lines and the batch", figures)
    if found["repeated"] == found["count"]:
        return Checked(IGNORED)
    return Checked(VALID)


async def accept(tx: Tx, reply_id: int, batch: Batch) -> None:
    """Marks a checked result VALID and gives it its part number in the batch; from here on it is applied to its end."""
    part = await tx.value(
        "update batch set parts = parts + 1 where home = $1 and batch_id = $2 returning parts", batch.home, batch.batch_id
    )
    await tx.run(
        "update reply set status = $2, home = $3, batch_id = $4, part = $5 where reply_id = $1",
        reply_id,
        VALID,
        batch.home,
        batch.batch_id,
        part,
    )


def _debited(*, direct: bool) -> str:
    # $1 home $2 batch $3 contracts $4 now $5 value date $6 today $7 part $8 ledger day $9 our account, or the bank (direct)
    money = "" if direct else "held = s.held + s.gross, funded = s.funded or s.collecting_id = s.main_id,"
    paid = f"payout = {int(PayoutStatus.PAID)}, settled = s.net, settled_on = $5," if direct else ""
    second = "true" if direct else "collecting_id = main_id"  # the same transaction also pays, or funds
    there = int(AccountKind.DIRECT if direct else AccountKind.CASH)
    owed = int(AccountKind.OWED)
    passed_on = f"""
           union all
           select $1::smallint, $8::int, contract_id, event_count, 2, {there}, $9::bigint, {owed}, contract_id, gross, $5::date from u"""
    return f"""
with l as (update line x set outcome = {int(LineOutcome.DONE)}, code = 0, outcome_on = $5, part = $7
            where x.home = $1 and x.batch_id = $2 and x.contract_id = any($3::bigint[])),
     u as (update contract_state s set debit = {int(DebitStatus.DEBITED)}, {money} {paid}
                  debit_part = $7, result_on = $6, debited_on = $5, failure = null, failed_on = null,
                  event_count = s.event_count + case when {second} then 2 else 1 end
            where s.home = $1 and s.contract_id = any($3::bigint[]) and {rules_sql.can_move(DEBIT, DebitFact.DEBITED, "s.debit")}
          returning s.contract_id, s.gross, s.event_count, s.site_id, s.carrier_id, s.collecting_id, s.main_id, {second} as second,
                    s.delivery = {int(DeliveryStatus.PENDING)} and {rules_sql.delivery_gate("s")} and s.deliver_when <> {int(DeliverWhen.AT_ONCE)} as deliver,
                    {"false" if direct else rules_sql.payout_gate("s")} as pay),
     e as (insert into event(home, contract_id, no, kind, at, happened_on)
           select $1::smallint, contract_id, event_count - second::int, {int(EventKind.DEBITED)}, $4::timestamptz, $5::date from u
           union all
           select $1::smallint, contract_id, event_count, {int(EventKind.PAID if direct else EventKind.FUNDED)}, $4::timestamptz, $5::date
             from u where second),
     p as (insert into posting(home, day, cause, no, line, source_kind, source, destination_kind, destination, amount, booked_on)
           select $1::smallint, $8::int, contract_id, event_count - second::int, 1, {owed}, contract_id, {there}, $9::bigint, gross, $5::date
             from u{passed_on if direct else ""})
select * from u order by contract_id"""


def _failed() -> str:
    # $1 home $2 batch $3 contracts $4 now $5 value date $6 today $7 part $8 code $9 attempts that the site allows
    codes = ", ".join(str(int(reason)) for reason, consequence in CONSEQUENCES.items() if consequence.again)
    again = f"($8::smallint in ({codes}) and s.debit_attempt < $9::smallint)"
    return f"""
with l as (update line x set outcome = {int(LineOutcome.FAILED)}, code = $8::smallint, outcome_on = $5, part = $7, blocking = false
            where x.home = $1 and x.batch_id = $2 and x.contract_id = any($3::bigint[])),
     u as (update contract_state s set debit = {int(DebitStatus.FAILED)}, debit_part = $7, result_on = $6, failure = $8::smallint, failed_on = $5,
                  payout = case when {again} then s.payout else {int(PayoutStatus.WILL_NOT_SETTLE)} end,
                  event_count = s.event_count + case when {again} then 1 else 2 end
            where s.home = $1 and s.contract_id = any($3::bigint[]) and {rules_sql.can_move(DEBIT, DebitFact.FAILED, "s.debit")}
          returning s.contract_id, s.event_count, s.site_id, s.collecting_id, not {again} as second),
     e as (insert into event(home, contract_id, no, kind, at, happened_on, data)
           select $1::smallint, contract_id, event_count - second::int, {int(EventKind.DEBIT_FAILED)}, $4::timestamptz, $5::date,
                  jsonb_build_object('code', $8::smallint) from u
           union all
           select $1::smallint, contract_id, event_count, {int(EventKind.WILL_NOT_SETTLE)}, $4::timestamptz, $5::date, null from u where second)
select * from u order by contract_id"""


async def apply_chunk(reply_id: int, *, now: datetime, machine_now: datetime, limit: int = CHUNK) -> bool:
    """Applies one chunk of a VALID result. True when there is more; the last call also decides the sweep and marks it APPLIED."""
    async with transaction() as tx:
        home = await tx.value("select home from reply where reply_id = $1", reply_id)
    numbers = await Numbers.take_for_carriers(home, machine_now, 8)
    async with transaction() as tx:
        reply = await tx.row(
            "select home, batch_id, part, applied_through from reply where reply_id = $1 and status = $2 for update", reply_id, VALID
        )
        if reply is None:
            return False
        batch = await load(tx, reply["home"], reply["batch_id"], lock=True)  # two results of one batch take turns
        assert batch is not None
        staged = await tx.rows(
            "select line_no, contract_id, code from reply_line where reply_id = $1 and line_no > $2 order by line_no limit $3",
            reply_id,
            reply["applied_through"],
            limit,
        )
        if not staged:
            await _finish(tx, reply_id, batch, reply["part"], now, machine_now, numbers)
            return False
        entries = await _apply(tx, batch, reply["part"], staged, now, machine_now, numbers)
        await tx.run("update reply set applied_through = $2 where reply_id = $1", reply_id, staged[-1]["line_no"])
        await stream.append(tx, batch.home, machine_now, entries)
        return True


async def _apply(
    tx: Tx, batch: Batch, part: int, staged: Sequence[Row], now: datetime, machine_now: datetime, numbers: Numbers
) -> list[stream.StreamEntry]:
    """A chunk's lines, by their code. What an earlier result has said already is left alone (each line once)."""
    open_lines = await tx.rows(
        "select contract_id from line where home = $1 and batch_id = $2 and contract_id = any($3::bigint[]) and outcome = $4",
        batch.home,
        batch.batch_id,
        [row["contract_id"] for row in staged],
        int(LineOutcome.OPEN),
    )
    waiting = {row["contract_id"] for row in open_lines}
    by_code: dict[int, list[int]] = {}
    for row in staged:
        if row["contract_id"] in waiting:
            by_code.setdefault(row["code"], []).append(row["contract_id"])
    entries: list[stream.StreamEntry] = []
    for code, contract_ids in sorted(by_code.items()):
        common = (batch.home, batch.batch_id, sorted(contract_ids), now, batch.value_on, business_date(now), part)
        if code == 0:
            account = int(batch.bank_code or 0) if batch.direct else batch.account_id
            rows = await tx.rows(_debited(direct=batch.direct), *common, day_number(machine_now), account)
            await _after_debited(tx, batch, rows, now, numbers)
            second = EventKind.PAID if batch.direct else EventKind.FUNDED
            entries += _entries(batch, rows, EventKind.DEBITED, second)
        else:
            attempts = await tx.value("select debit_attempts from site where site_id = $1", batch.site_id)
            rows = await tx.rows(_failed(), *common, code, attempts)
            await _consequences(tx, batch, DebitFailureReason(code), [r["contract_id"] for r in rows], now)
            again = [(r["contract_id"], r["site_id"], r["collecting_id"]) for r in rows if not r["second"]]
            await queueing.debit_again(tx, batch.home, again, now, numbers)
            entries += _entries(batch, rows, EventKind.DEBIT_FAILED, EventKind.WILL_NOT_SETTLE)
    return entries


async def _consequences(tx: Tx, batch: Batch, reason: DebitFailureReason, contract_ids: Sequence[int], now: datetime) -> None:
    """What the bank's reason says is not so is turned off: nothing more rests on it until a person has brought it in order [0018]."""
    consequence = CONSEQUENCES[reason]
    if not contract_ids:
        return
    if consequence.stops is not Stops.NOTHING:
        same = {
            Stops.MANDATE: "m.mandate_id = s.mandate_id",
            Stops.ACCOUNT: "(m.bank_code, m.branch_code, m.account_type, m.account_number) = "
            "(a.bank_code, a.branch_code, a.account_type, a.account_number)",
        }[consequence.stops]
        await tx.run(
            "update mandate m set status = 2, stopped_at = $3, stopped_because = $4 from contract_state s "
            "join party_account a on a.home = s.home and a.party_account_id = s.buyer_account_id "
            f"where s.home = $1 and s.contract_id = any($2::bigint[]) and m.home = $1 and {same} and m.status = 1",
            batch.home,
            list(contract_ids),
            now,
            consequence.because,
        )
    if consequence.looked_at:
        await exceptions.record(
            tx,
            code="DEBIT_REASON_OTHER",
            reference=f"reason:{int(reason)}:{batch.batch_id}",
            reason=f"the bank did not debit lines of this file and gave no reason that has a name ({int(reason)}, その他)",
            now=now,
            home=batch.home,
            channel=f"bank:{batch.bank_code}",
            batch_id=batch.batch_id,
            contract_id=contract_ids[0] if len(contract_ids) == 1 else None,
        )


async def _after_debited(tx: Tx, batch: Batch, rows: Sequence[Row], now: datetime, numbers: Numbers) -> None:
    """The gates that the money has opened, and the account."""
    await queueing.deliver(tx, batch.home, [(r["contract_id"], r["site_id"], r["carrier_id"]) for r in rows if r["deliver"]], now, numbers)
    await queueing.pay(tx, batch.home, [(r["contract_id"], r["site_id"], r["main_id"]) for r in rows if r["pay"]], now, numbers)
    if not batch.direct:
        await tx.run(
            "update account set booked = booked + $3 where home = $1 and account_id = $2",
            batch.home,
            batch.account_id,
            sum(r["gross"] for r in rows),
        )


def _entries(batch: Batch, rows: Sequence[Row], first: EventKind, second: EventKind) -> list[stream.StreamEntry]:
    """What each contract tells: one event, or two in one transaction."""
    both = [r for r in rows if r["second"]]
    return [
        stream.StreamEntry(
            batch.site_id, int(first), [r["contract_id"] for r in rows], [r["event_count"] - int(r["second"]) for r in rows]
        ),
        stream.StreamEntry(batch.site_id, int(second), [r["contract_id"] for r in both], [r["event_count"] for r in both]),
    ]


async def _finish(tx: Tx, reply_id: int, batch: Batch, part: int, now: datetime, machine_now: datetime, numbers: Numbers) -> None:
    """Every line is applied: the batch is answered, its money is swept, what the statement showed early is compared."""
    await tx.run("update reply set status = $2 where reply_id = $1", reply_id, APPLIED)
    if not batch.direct:
        await sweeps.heal(tx, batch.home, batch.account_id)
    left = await tx.value("select 1 from line where home = $1 and batch_id = $2 and outcome = 0 limit 1", batch.home, batch.batch_id)
    if left is None:
        await tx.run(
            "update batch set status = $3, answered_at = $4, overdue_at = null where home = $1 and batch_id = $2",
            batch.home,
            batch.batch_id,
            int(BatchStatus.ANSWERED),
            now,
        )
    if left is None:
        await sweeps.compare_lump(tx, batch, now, day_number(machine_now))
    if batch.direct:
        return
    debited = await tx.value(
        "select coalesce(sum(amount), 0)::bigint from line where home = $1 and batch_id = $2 and part = $3 and outcome = $4",
        batch.home,
        batch.batch_id,
        part,
        int(LineOutcome.DONE),
    )
    if debited:
        await sweeps.add_part(tx, batch, part, debited, now=now, number=numbers.next())
