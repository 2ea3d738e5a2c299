"""Each contract against its postings, its lines, its dates and what was registered (K1, I02, I04, I05, I06, I11, I13, I16).

Statements over one slice of contracts: `$1` home, `$2` after this contract, `$3` through this one, `$4` today. Each compares what the
state row says with what the appended rows add up to, name by name.
"""

from __future__ import annotations

from datetime import date

from domain.ledger import AccountKind
from domain.statuses import DebitStatus, DeliveryStatus, EventKind, Kind, LineOutcome, PayoutStatus
from domain.store.connection import Tx
from domain.store.rules_sql import one_of
from domain.store.verify_findings import Finding, Rule, run

_SLICE = "home = $1 and contract_id > $2 and contract_id <= $3"
_STATES = f"(select * from contract_state where {_SLICE}) s"
_CASH, _OWED, _FEES, _DIRECT = (int(kind) for kind in (AccountKind.CASH, AccountKind.OWED, AccountKind.FEES, AccountKind.DIRECT))

_DEBITED = f"(s.debit = {int(DebitStatus.DEBITED)})"
_COLLECTED = f"(case when {_DEBITED} then s.gross else 0 end)"
_FEE = "(case when s.settled > 0 then s.gross - s.net else 0 end)"


def _moved(kind: int) -> str:
    """What came to accounts of a kind less what went from them, by the postings of one contract."""
    return f"coalesce(sum(case when destination_kind = {kind} then amount when source_kind = {kind} then -amount end), 0)::bigint"


_POSTINGS = f"""
select s.contract_id, v.* from {_STATES} left join (
       select cause, {_moved(_OWED)} as owed, {_moved(_CASH)} as cash, {_moved(_FEES)} as fees, {_moved(_DIRECT)} as direct
         from posting where home = $1 and cause > $2 and cause <= $3 and {_OWED} in (source_kind, destination_kind) group by cause
       ) p on p.cause = s.contract_id
 cross join lateral (values
   ('K1', 'what is held for a contract is what the ledger owes for it', s.held, -coalesce(p.owed, 0)),
   ('K1', 'cash moved by a contract is what was collected less what was paid on',
          case when s.direct then 0 else {_COLLECTED} - s.settled - s.refunded end, coalesce(p.cash, 0)),
   ('K1', 'fees are booked when the seller is paid', case when s.direct then 0 else -{_FEE} end, coalesce(p.fees, 0)),
   ('K1', 'a direct settlement leaves nothing with the bank', 0, coalesce(p.direct, 0)),
   ('I02', 'collected = settled + fees + refunded + held', {_COLLECTED}, s.settled + {_FEE} + s.refunded + s.held),
   ('I02', 'settled is what a paid contract pays', case when s.payout = {int(PayoutStatus.PAID)} then s.net else 0 end, s.settled)
 ) v("check", what, expected, found) where v.expected <> v.found"""


def _lines(kind: Kind, *outcomes: LineOutcome) -> str:
    return f"count(*) filter (where kind = {int(kind)}{' and ' + one_of('outcome', outcomes) if outcomes else ''})"


_COUNTS = ", ".join(
    f"{_lines(kind)} as {name}_lines, {_lines(kind, LineOutcome.OPEN)} as {name}_open, {_lines(kind, LineOutcome.DONE)} as {name}_done, "
    f"coalesce(max(attempt) filter (where kind = {int(kind)}), 0) as {name}_last, "
    f"min(amount) filter (where kind = {int(kind)}) as {name}_least, max(amount) filter (where kind = {int(kind)}) as {name}_most"
    for kind, name in ((Kind.DEBIT, "debit"), (Kind.DELIVERY, "delivery"), (Kind.PAYOUT, "payout"))
)
_UNDERWAY = {
    "debit": one_of("s.debit", (DebitStatus.INSTRUCTED, DebitStatus.SCHEDULED, DebitStatus.UNKNOWN)),
    "delivery": one_of("s.delivery", (DeliveryStatus.INSTRUCTED, DeliveryStatus.UNKNOWN)),
    "payout": one_of("s.payout", (PayoutStatus.INSTRUCTED, PayoutStatus.UNKNOWN)),
}
_CARRIED_OUT = {
    "debit": _DEBITED,
    "delivery": one_of(
        "s.delivery",
        (DeliveryStatus.SHIPPED, DeliveryStatus.IN_TRANSIT, DeliveryStatus.DELIVERED, DeliveryStatus.RETURNED, DeliveryStatus.LOST),
    ),
    "payout": f"(s.payout = {int(PayoutStatus.PAID)} and not s.direct)",
}
_YEN = {"debit": "s.gross", "delivery": "0", "payout": "s.net"}
_LINE_RULES = ",\n".join(
    f"""('I04', 'one open {name} instruction while it is under way, and none otherwise', ({_UNDERWAY[name]})::int, coalesce(l.{name}_open, 0)),
   ('I05', 'one successful {name} instruction when it is done, and none otherwise', ({_CARRIED_OUT[name]})::int, coalesce(l.{name}_done, 0)),
   ('I14', 'each {name} attempt has its line', s.{name}_attempt, coalesce(l.{name}_lines, 0)),
   ('I14', 'the last {name} attempt is that of the state row', s.{name}_attempt, coalesce(l.{name}_last, 0)),
   ('I06', 'each {name} line is of the right amount', {_YEN[name]}, coalesce(nullif(l.{name}_least, {_YEN[name]}), l.{name}_most, {_YEN[name]}))"""
    for name in _UNDERWAY
)
_INSTRUCTED = f"""
select s.contract_id, v.* from {_STATES} left join (
       select contract_id, {_COUNTS}, count(*) filter (where blocking <> {one_of("outcome", (LineOutcome.OPEN, LineOutcome.DONE))}) as misled
         from line where {_SLICE} group by contract_id
       ) l on l.contract_id = s.contract_id
 cross join lateral (values
   {_LINE_RULES},
   ('I04', 'a line blocks while it is open or done, and only then', 0, coalesce(l.misled, 0)),
   ('I02', 'reserved is what open payouts will take', case when {_UNDERWAY["payout"]} then s.gross else 0 end, s.reserved)
 ) v("check", what, expected, found) where v.expected <> v.found"""


def _day(kind: EventKind) -> str:
    return f"(array_agg(happened_on order by no desc) filter (where kind = {int(kind)}))[1]"


def _no(kind: EventKind) -> str:
    return f"coalesce(max(no) filter (where kind = {int(kind)}), 0)"


_GOING = one_of("kind", (EventKind.SHIPPED, EventKind.IN_TRANSIT, EventKind.DELIVERED))
_DATES = f"""
select s.contract_id, v.* from {_STATES} join (
       select contract_id, {_day(EventKind.DEBITED)} as debited, {_no(EventKind.DEBITED)} as debited_no, {_day(EventKind.DEBIT_FAILED)} as failed,
              {_no(EventKind.DEBIT_FAILED)} as failed_no, {_day(EventKind.DEBIT_INSTRUCTED)} as instructed,
              {_day(EventKind.DELIVERY_INSTRUCTED)} as sent, {_day(EventKind.DELIVERED)} as delivered, {_day(EventKind.PAID)} as paid,
              {_no(EventKind.PAID)} as paid_no, {_no(EventKind.PAYOUT_RETURNED)} as returned_no,
              bool_or(kind = {int(EventKind.DEBIT_SCHEDULED)}) as scheduled,
              (array_agg(happened_on order by no) filter (where {_GOING}))[1] as going,
              (array_agg(data->>'code' order by no desc) filter (where kind = {int(EventKind.DEBIT_FAILED)}))[1] as code
         from event where {_SLICE} group by contract_id
       ) e on e.contract_id = s.contract_id
 cross join lateral (values
   ('I16', 'the debit date is that of the event', e.debited::text, s.debited_on::text),
   ('I16', 'the date of a failed debit is that of the event', case when e.failed_no > e.debited_no then e.failed::text end, s.failed_on::text),
   ('I16', 'the reason of a failed debit is that of the event', case when e.failed_no > e.debited_no then e.code end, s.failure::text),
   ('I16', 'the date of the debit instruction is that of the event', e.instructed::text, s.instructed_on::text),
   ('I16', 'a scheduled debit has its date', e.scheduled::text, (s.scheduled_on is not null)::text),
   ('I16', 'the date of the delivery instruction is that of the event', e.sent::text, s.delivery_instructed_on::text),
   -- a shipping notice that comes late puts an earlier day in the place of the inferred one
   ('I16', 'the ship date is that of the event, or an earlier notice''s', least(e.going, s.shipped_on)::text, s.shipped_on::text),
   ('I16', 'what has gone has a ship date', (e.going is not null)::text, (s.shipped_on is not null)::text),
   ('I16', 'the delivery date is that of the event', e.delivered::text, s.delivered_on::text),
   ('I16', 'the settlement date is that of the event', case when e.paid_no > e.returned_no then e.paid::text end, s.settled_on::text),
   ('I11', 'no date of something done is in the future', null,
           case when greatest(s.debited_on, s.failed_on, s.shipped_on, s.delivered_on, s.settled_on) > $4::date
                then greatest(s.debited_on, s.failed_on, s.shipped_on, s.delivered_on, s.settled_on)::text end),
   ('I11', 'nothing is debited before it was instructed', null, case when s.debited_on < s.instructed_on then s.debited_on::text end),
   ('I11', 'nothing is shipped before it was instructed', null, case when s.shipped_on < s.delivery_instructed_on then s.shipped_on::text end)
 ) v("check", what, expected, found) where v.expected is distinct from v.found"""

_REGISTERED = f"""
select coalesce(c.contract_id, s.contract_id, d.contract_id) as contract_id, v.*
  from (select * from contract where {_SLICE}) c
  full join {_STATES} on s.contract_id = c.contract_id
  full join (select contract_id from delivery_record where {_SLICE}) d on d.contract_id = coalesce(c.contract_id, s.contract_id)
  left join contract_number n on n.home = $1 and n.site_id = c.site_id and n.number = c.number
 cross join lateral (values
   ('I13', 'a contract has its record, its state and its delivery record', 'all three',
           case when num_nulls(c.contract_id, s.contract_id, d.contract_id) = 0 then 'all three' else 'one is missing' end),
   ('I13', 'a contract has its number for ever', c.contract_id::text, n.contract_id::text),
   ('I06', 'what is debited is the amount and the buyer''s fee', (c.amount + c.buyer_fee)::text, s.gross::text),
   ('I06', 'what is paid is the amount less the seller''s fee', (c.amount - c.seller_fee)::text, s.net::text)
 ) v("check", what, expected, found)
 where v.expected is distinct from v.found and (v.expected = 'all three' or num_nulls(c.contract_id, s.contract_id, d.contract_id) = 0)"""

_STRANGERS = f"""
select contract_id, 'a contract'::text as expected, found from (
       select distinct contract_id, 'an event' as found from event where {_SLICE} union
       select distinct contract_id, 'a line' from line where {_SLICE} union
       select distinct cause, 'a posting' from posting where home = $1 and cause > $2 and cause <= $3
          and (cause = source and source_kind = {_OWED} or cause = destination and destination_kind = {_OWED})) x
 where not exists (select 1 from contract_state s where s.home = $1 and s.contract_id = x.contract_id)"""

RULES = (
    Rule("postings of a contract", _POSTINGS),
    Rule("lines of a contract", _INSTRUCTED),
    Rule("dates of a contract", _DATES),
    Rule("what was registered", _REGISTERED),
    Rule("what is written belongs to a contract", _STRANGERS, "I14"),
)


async def check(tx: Tx, home: int, after: int, through: int, today: date) -> list[Finding]:
    """One slice of contracts."""
    found: list[Finding] = []
    for rule in RULES:
        more = (today,) if "$4" in rule.sql else ()
        found += await run(tx, (rule,), home, after, through, *more)
    return found
