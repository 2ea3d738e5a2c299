"""Batches against their lines, sweeps against their parts, waiting work against its batches, and what is open past its time (I12, I14, K5).

Statements over one home: `$1` home; those about time also `$2` business now and `$3` the bound, how long after its time a thing may be open.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.machines import DEBIT, DELIVERY, PAYOUT, DebitFact, DeliveryFact, PayoutFact
from domain.statuses import BatchStatus, DebitFailureReason, DebitStatus, DeliveryStatus, Kind, LineOutcome, PayoutStatus, SweepStatus
from domain.store import rules_sql
from domain.store.connection import Tx
from domain.store.facts import BatchNews
from domain.store.rules_sql import one_of
from domain.store.verify_findings import Finding, Rule, run

BOUND = timedelta(hours=1)
"""Business time after its own in which a thing must be done."""
ON_THE_WAY = timedelta(days=10)
"""How long money of a sweep may be between two accounts: no holidays are longer."""

_B, _O = BatchStatus, LineOutcome
_ENDED = one_of("b.status", (_B.ANSWERED, _B.CLOSED, _B.REFUSED))

_BATCH = f"""
select b.batch_id, v.* from (select * from batch where home = $1) b
  left join (select batch_id, count(*) as lines, sum(amount)::bigint as yen, min(kind) as least, max(kind) as most,
                    count(*) filter (where outcome = {int(_O.OPEN)}) as open
               from line where home = $1 group by batch_id) l on l.batch_id = b.batch_id
  left join (select sweep_id, amount, status from sweep where home = $1) s on s.sweep_id = b.batch_id
 cross join lateral (values
   ('I14', 'a batch counts its lines', case when b.kind = {int(Kind.SWEEP)} then (s.amount > 0)::int else coalesce(l.lines, 0) end, b.line_count),
   ('I14', 'a batch adds up its lines', case when b.kind = {int(Kind.SWEEP)} then s.amount else coalesce(l.yen, 0) end, b.amount),
   ('I14', 'the lines of a batch are of its kind', b.kind, coalesce(nullif(l.least, b.kind), l.most, b.kind)),
   -- a fact on its way to the contracts has not reached every line
   ('K3', 'no line of an ended batch waits for an answer', 0, case when b.kind in ({int(Kind.DEBIT)}, {int(Kind.PAYOUT)}) and {_ENDED}
          and not exists (select 1 from batch_fact f where f.home = $1 and f.batch_id = b.batch_id
                             and f.fact in ({int(BatchNews.REFUSED)}, {int(BatchNews.PAID)})) then coalesce(l.open, 0) else 0 end)
 ) v("check", what, expected, found) where v.expected <> v.found"""

_LINES_OF_NOTHING = """
select contract_id, batch_id, 'a batch' as expected, 'none' as found from line l where home = $1
   and not exists (select 1 from batch b where b.home = l.home and b.batch_id = l.batch_id)"""

_SWEEP = f"""
select s.sweep_id as batch_id, s.amount as expected, coalesce(sum(p.amount), 0)::bigint as found
  from sweep s join batch b on b.home = s.home and b.batch_id = s.sweep_id
  left join sweep_part p on p.home = s.home and p.sweep_id = s.sweep_id
 where s.home = $1 and s.status <> {int(SweepStatus.VOID)} and b.status <> {int(_B.OPEN)}
 group by s.sweep_id, s.amount having s.amount <> coalesce(sum(p.amount), 0)"""

_BY_PART = f"""
select l.batch_id, l.part, sum(l.amount)::bigint as yen, bool_or(s.collecting_id <> s.main_id) as swept
  from line l join contract_state s on s.home = l.home and s.contract_id = l.contract_id
 where l.home = $1 and l.kind = {int(Kind.DEBIT)} and l.outcome in ({int(_O.DONE)}, {int(_O.REVERSED)}) and not s.direct group by l.batch_id, l.part"""
_PARTS = f"""
select coalesce(p.batch_id, d.batch_id) as batch_id, coalesce(d.yen, 0) as expected, coalesce(p.amount, 0) as found
  from (select * from sweep_part where home = $1) p
  full join ({_BY_PART}) d on d.batch_id = p.batch_id and d.part = p.part
 where coalesce(p.amount, 0) <> coalesce(d.yen, 0) and (p.batch_id is not null or d.swept)
   -- the part is made when the last line of its result has been applied
   and not exists (select 1 from reply r where r.home = $1 and r.batch_id = d.batch_id and r.part = d.part and r.status = 1)"""

_FUNDED = f"""
select l.contract_id, p.batch_id, 'funded' as expected, 'not' as found
  from sweep s join sweep_part p on p.home = s.home and p.sweep_id = s.sweep_id
  join line l on l.home = p.home and l.batch_id = p.batch_id and l.part = p.part and l.outcome = {int(_O.DONE)}
  join contract_state c on c.home = l.home and c.contract_id = l.contract_id
 where s.home = $1 and s.status = {int(SweepStatus.ARRIVED)} and not c.funded
   and not exists (select 1 from batch_fact f where f.home = $1 and f.batch_id = p.batch_id and f.part = p.part and f.fact = {int(BatchNews.FUNDED)})"""

_WORK = f"""
select w.contract_id, w.batch_id, 'an open batch' as expected, 'none' as found from work w
 where w.home = $1 and not exists (select 1 from batch b where b.home = w.home and b.takes_from = w.batch_id and b.status = {int(_B.OPEN)})"""

_MOVABLE = " or ".join(
    f"(b.kind = {int(kind)} and {condition})"
    for kind, condition in (
        (Kind.DEBIT, rules_sql.can_move(DEBIT, DebitFact.INSTRUCTED, "s.debit", by_policy=True)),
        (Kind.PAYOUT, rules_sql.can_move(PAYOUT, PayoutFact.INSTRUCTED, "s.payout", other_account=True)),
    )
)
_READY = f"""
select w.contract_id, w.batch_id, 'a contract that can be instructed' as expected,
       'debit ' || s.debit || ', payout ' || s.payout as found
  from work w join batch b on b.home = w.home and b.batch_id = w.batch_id
  join contract_state s on s.home = w.home and s.contract_id = w.contract_id
 where w.home = $1 and b.kind in ({int(Kind.DEBIT)}, {int(Kind.PAYOUT)}) and not ({_MOVABLE})"""


def _forgotten(kind: Kind, due: str) -> str:
    return f"""
select s.contract_id, 'waiting' as expected, 'in no list' as found
  from contract_state s
  left join (select w.contract_id from work w join batch b on b.home = w.home and b.batch_id = w.batch_id
              where w.home = $1 and b.kind = {int(kind)}
             union select contract_id from parked where home = $1 and kind = {int(kind)}) x on x.contract_id = s.contract_id
 where s.home = $1 and {due} and x.contract_id is null"""


_TO_DEBIT = (
    f"(s.debit = {int(DebitStatus.PENDING)} or s.debit = {int(DebitStatus.FAILED)} "
    f"and s.failure = {int(DebitFailureReason.SHORT_BALANCE)}) and s.payout = {int(PayoutStatus.PENDING)}"
)
_TO_DELIVER = (
    f"s.delivery = {int(DeliveryStatus.PENDING)} and "
    f"{rules_sql.can_move(DELIVERY, DeliveryFact.INSTRUCTED, 's.delivery')} and {rules_sql.delivery_gate('s')}"
)
_TO_PAY = f"s.payout = {int(PayoutStatus.PENDING)} and not s.direct and {rules_sql.payout_gate('s')}"

RULES = (
    Rule("a batch and its lines", _BATCH),
    Rule("each line has its batch", _LINES_OF_NOTHING, "I14"),
    Rule("a sweep carries the exact sum of its parts", _SWEEP, "I12"),
    Rule("a part of a sweep is what its debits brought, and all that they brought is swept", _PARTS, "I12"),
    Rule("what a sweep has brought is funded", _FUNDED, "K5"),
    Rule("who waits, waits for an open batch", _WORK, "I14"),
    Rule("who waits can be instructed", _READY, "I04"),
    Rule("a debit that is due waits in a list", _forgotten(Kind.DEBIT, _TO_DEBIT), "K5"),
    Rule("goods that may leave wait in a list", _forgotten(Kind.DELIVERY, _TO_DELIVER), "K5"),
    Rule("a seller who may be paid waits in a list", _forgotten(Kind.PAYOUT, _TO_PAY), "K5"),
)

_SEAL = (
    f"select batch_id, 'sealed' as expected, 'open since ' || seal_at as found from batch "
    f"where home = $1 and status = {int(_B.OPEN)} and seal_at + $3::interval < $2"
)
_SEND = (
    f"select batch_id, 'sent' as expected, 'sealed at ' || sealed_at as found from batch "
    f"where home = $1 and {one_of('status', (_B.SEALED, _B.SENDING, _B.RELEASING))} and sealed_at + $3::interval < $2 "
    # one that waits for a person is not forgotten as long as it is listed for him
    "and not (awaits_approval and exists (select 1 from exception e where e.reference = 'approval:' || batch_id and e.closed_at is null))"
)
_OVERDUE = (
    f"select batch_id, 'unknown' as expected, 'awaited until ' || overdue_at as found from batch "
    f"where home = $1 and {one_of('status', (_B.SENT, _B.RECEIPTED, _B.ANSWERED))} and overdue_at + $3::interval < $2"
)
_NEVER = f"""
select batch_id, 'a time' as expected, 'none' as found from batch
 where home = $1 and {one_of("status", (_B.SENT, _B.RECEIPTED))} and kind <> {int(Kind.DELIVERY)} and overdue_at is null and sent_at + $3::interval < $2"""
_CARRIED = "select batch_id, 'carried to all lines' as expected, 'at ' || through as found from batch_fact where home = $1 and at + $3::interval < $2"
_DRIFTING = f"""
select sweep_id as batch_id, 'arrived' as expected, 'left on ' || left_on as found from sweep
 where home = $1 and {one_of("status", (SweepStatus.LEFT,))} and left_on + $3::interval < $2::timestamptz at time zone 'Asia/Tokyo'"""
_RETURN_WAITS = f"""
select l.account_id, l.batch_id, l.contract_id, 'matched' as expected, 'waiting' as found
  from statement_line l join statement t using (home, account_id, booked_on, number) join reply r on r.reply_id = t.reply_id
  join line x on x.home = l.home and x.batch_id = l.batch_id and x.contract_id = l.contract_id
 where l.home = $1 and l.matched = 0 and x.outcome <> {int(_O.OPEN)} and r.at + $3::interval < $2"""

IN_TIME = (
    Rule("a batch is sealed at its hour", _SEAL, "K5"),
    Rule("a sealed batch is sent", _SEND, "K5"),
    Rule("an answer that does not come is noticed", _OVERDUE, "K5"),
    Rule("what was sent has a time at which its answer is missed", _NEVER, "K5"),
    Rule("what happened to a batch reaches its contracts", _CARRIED, "K5"),
    Rule("a return that waited for its payout is booked after it", _RETURN_WAITS, "K5"),
)


async def check(tx: Tx, home: int, now: datetime) -> list[Finding]:
    """All batches, sweeps and waiting work of a home."""
    return [
        *await run(tx, RULES, home),
        *await run(tx, IN_TIME, home, now, BOUND),
        *await run(tx, (Rule("what has left an account arrives", _DRIFTING, "K5"),), home, now, ON_THE_WAY),
    ]
