"""The lists and sums against the states that they follow (K9).

What a filter or an order is read along must hold every contract that belongs there, and no other: a contract that stands in no list is
one that nobody finds.
"""

from __future__ import annotations

from domain.places import Place, own_place
from domain.statuses import DebitStatus, DeliveryStatus, PayoutStatus
from domain.store import sums
from domain.store.connection import Tx
from domain.store.standing import Which, is_open
from domain.store.verify_findings import Finding, Rule, findings, run

_SLICE = "home = $1 and contract_id > $2 and contract_id <= $3"


def _own(column: str, statuses: type[DebitStatus | DeliveryStatus | PayoutStatus]) -> str:
    whens = " ".join(f"when {int(status)} then {int(place)}" for status in statuses if (place := own_place(status)) is not None)
    return f"(case {column} {whens} end)"


_STANDS = f"""
select coalesce(w.contract_id, t.contract_id) as contract_id, w.place as expected, t.place as found from (
       select s.contract_id, c.site_id, c.buyer_id, c.seller_id, p.place from contract_state s join contract c using (home, contract_id)
        cross join lateral (values (case when {is_open("s")} then {int(Place.OPEN)} end), ({_own("s.debit", DebitStatus)}),
              ({_own("s.delivery", DeliveryStatus)}), ({_own("s.payout", PayoutStatus)})) p(place)
        where s.home = $1 and s.contract_id > $2 and s.contract_id <= $3 and p.place is not null) w
  full join (select * from standing where {_SLICE}) t
         on (t.contract_id, t.place, t.site_id, t.buyer_id, t.seller_id) = (w.contract_id, w.place, w.site_id, w.buyer_id, w.seller_id)
 where w.place is null or t.place is null"""

_DATES = f"""
select coalesce(w.contract_id, t.contract_id) as contract_id, w.on_date::text as expected, t.on_date::text as found from (
       select s.contract_id, c.site_id, c.buyer_id, c.seller_id, d.which, d.on_date from contract_state s join contract c using (home, contract_id)
        cross join lateral (values ({int(Which.DEBITED)}, s.debited_on), ({int(Which.SETTLED)}, s.settled_on)) d(which, on_date)
        where s.home = $1 and s.contract_id > $2 and s.contract_id <= $3 and d.on_date is not null) w
  full join (select * from contract_date where {_SLICE}) t
         on (t.contract_id, t.which, t.on_date, t.site_id, t.buyer_id, t.seller_id)
          = (w.contract_id, w.which, w.on_date, w.site_id, w.buyer_id, w.seller_id)
 where w.on_date is null or t.on_date is null"""

RULES = (
    Rule("a contract stands in the lists of its state", _STANDS, "K9"),
    Rule("a contract stands in the lists by its dates", _DATES, "K9"),
)


async def check(tx: Tx, home: int, after: int, through: int) -> list[Finding]:
    """One slice of contracts."""
    return await run(tx, RULES, home, after, through)


async def totals(tx: Tx, home: int) -> list[Finding]:
    """The sums of a home, seller by seller and site by site, with what has not been folded yet."""
    rule = Rule("what settlements add up to is what the contracts say", sums.DIFFERING, "K9")
    return findings(rule, home, await tx.rows(f"{rule.sql} limit 100", home))
