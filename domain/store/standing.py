"""The lists beside the state rows, kept in the transaction that changes the state: places (`domain.places`) and dates.

`stream.append` calls `keep` for everything that a transaction tells. Each change of a status is told (I16), so nothing can be forgotten,
and none of it is an index of the row that changes: updates of the state stay in their page. Set by set, contracts named by an array, as in
all runs. `kessai verify` compares with the states (K9).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from domain.places import MAY_END, MAY_OPEN, OPEN_DEBIT, OPEN_DELIVERY, OPEN_PAYOUT, Place, brings_to, takes_from
from domain.statuses import EventKind, PayoutStatus
from domain.store.connection import Tx
from domain.store.rules_sql import one_of


class Which(IntEnum):
    """The dates that have a list (`contract_date.which`)."""

    DEBITED = 1
    SETTLED = 2


def is_open(row: str) -> str:
    """True where a state row (by its alias) belongs into OPEN: domain.places.is_open as SQL."""
    return (
        f"({one_of(f'{row}.debit', OPEN_DEBIT)} or {one_of(f'{row}.payout', OPEN_PAYOUT)} "
        f"or ({row}.payout = {int(PayoutStatus.PAID)} and {one_of(f'{row}.delivery', OPEN_DELIVERY)}))"
    )


# $1 home, $2 contracts. Each step is a look-up by key, whatever the planner believes about tables that nobody has analysed yet: one table
# by an array, or row by row (lateral, limit 1).
_PUT = (
    "insert into standing(home, contract_id, place, site_id, buyer_id, seller_id) "
    "select home, contract_id, {place}, site_id, buyer_id, seller_id from contract where home = $1 and contract_id = any($2::bigint[]) "
    "on conflict do nothing"
)
# `place + 0`: one descent of the index for each contract, not one for each contract and place
_TAKE = "delete from standing where home = $1 and contract_id = any($2::bigint[]) and place + 0 = any($3::int[])"
_OPEN = f"select contract_id, {is_open('s')} as open from contract_state s where home = $1 and contract_id = any($2::bigint[])"
_DATE = (
    "insert into contract_date(home, site_id, which, on_date, contract_id, buyer_id, seller_id) "
    "select $1, c.site_id, {which}, s.{column}, x.id, c.buyer_id, c.seller_id from unnest($2::bigint[]) x(id) "
    "cross join lateral (select {column} from contract_state where home = $1 and contract_id = x.id limit 1) s "
    "cross join lateral (select site_id, buyer_id, seller_id from contract where home = $1 and contract_id = x.id limit 1) c "
    "where s.{column} is not null on conflict do nothing"
)
# The state has forgotten the day; the event that told it has not.
_UNDATE = (
    "delete from contract_date d using (select c.site_id, e.happened_on, x.id from unnest($2::bigint[]) x(id) "
    "cross join lateral (select site_id from contract where home = $1 and contract_id = x.id limit 1) c "
    "cross join lateral (select happened_on from event where home = $1 and contract_id = x.id and kind = {kind}) e) w "
    "where d.home = $1 and d.site_id = w.site_id and d.which = {which} and d.on_date = w.happened_on and d.contract_id = w.id"
)

_DATES = {
    EventKind.DEBITED: _DATE.format(which=int(Which.DEBITED), column="debited_on"),
    EventKind.PAID: _DATE.format(which=int(Which.SETTLED), column="settled_on"),
    EventKind.PAYOUT_RETURNED: _UNDATE.format(which=int(Which.SETTLED), kind=int(EventKind.PAID)),
}
_PUT_OPEN = _PUT.format(place=int(Place.OPEN))


async def keep(tx: Tx, home: int, kind: EventKind, contract_ids: Sequence[int]) -> None:
    """Brings the lists up to one event of many contracts, whose states are written already."""
    ids = list(contract_ids)
    if kind is EventKind.REGISTERED:
        await tx.run(_PUT_OPEN, home, ids)
        return
    left, place = takes_from(kind), brings_to(kind)
    taken = await tx.rows(f"{_TAKE} returning contract_id", home, ids, [int(one) for one in left]) if left else []
    if place is not None:
        await tx.run(_PUT.format(place=int(place)), home, ids)
    if kind in MAY_OPEN:
        # an instruction opens again only what had stood at a rare end
        again = ids if kind is EventKind.PAYOUT_RETURNED else [row["contract_id"] for row in taken]
        if again:
            await tx.run(_PUT_OPEN, home, [row["contract_id"] for row in await tx.rows(_OPEN, home, again) if row["open"]])
    if kind in MAY_END:
        ended = [row["contract_id"] for row in await tx.rows(_OPEN, home, ids) if not row["open"]]
        if ended:
            await tx.run(_TAKE, home, ended, [int(Place.OPEN)])
    if kind in _DATES:
        await tx.run(_DATES[kind], home, ids)
