"""Pages of contracts by keyset: a page begins where the last one ended, whatever has come in between (never by offset).

Every list is a union of *branches*: the contracts that the viewer has as site, as seller, as buyer. A branch belongs to one
party (or site) and is read along that party's index, at most a page of it; then the branches are merged. What a role may not
see it may not filter by either, or the filter would tell (S39): `domain.access` decides that too.

An order is a key and a direction; the contract ID decides between equals, rows without a key come last in both directions.
Registration order is the order of contract IDs and needs no sort: LIMIT first, the rest of the row afterwards, by
`reading.contracts`. The other orders sort the viewer's own contracts, those of nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from domain.access import FieldGroup, ViewerKind, may_see
from domain.statuses import Currency, PayoutStatus, Role
from domain.store.connection import Tx
from domain.store.reading import Scope

COUNT_LIMIT = 10_000  # counts are exact up to here

Key = date | int | None


class SortKey(Enum):
    """What a list is ordered by: SQL over `c` (contract) and `s` (state), its type, and whether it needs the state."""

    REGISTERED_AT = ("c.contract_id", "bigint", False)  # IDs rise with registration
    DUE_ON = ("c.due_on", "date", False)
    AMOUNT = ("c.amount", "bigint", False)
    DEBITED_ON = ("s.debited_on", "date", True)
    SETTLED_ON = ("s.settled_on", "date", True)
    EXPECTED_ON = (f"(case when s.payout <> {int(PayoutStatus.WILL_NOT_SETTLE)} then c.planned_settled_on end)", "date", True)

    @property
    def expression(self) -> str:
        """The key as SQL."""
        return str(self.value[0])

    @property
    def type(self) -> str:
        """Its type in PostgreSQL."""
        return str(self.value[1])

    @property
    def of_state(self) -> bool:
        """Whether the key stands in the state row."""
        return bool(self.value[2])


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is ordered."""

    by: SortKey
    descending: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """A row's place in an order."""

    key: Key
    contract_id: int


@dataclass(frozen=True, slots=True)
class Filter:
    """Which contracts: fields AND, values of a tuple OR, an empty tuple nothing, None anything. Dates have both ends in."""

    site_ids: tuple[int, ...] | None = None
    contract_ids: tuple[int, ...] | None = None
    numbers: tuple[str, ...] | None = None
    role: Role | None = None
    debit: tuple[int, ...] | None = None
    delivery: tuple[int, ...] | None = None
    payout: tuple[int, ...] | None = None
    registered_from: datetime | None = None
    registered_before: datetime | None = None
    due_from: date | None = None
    due_to: date | None = None
    debited_from: date | None = None
    debited_to: date | None = None
    settled_from: date | None = None
    settled_to: date | None = None
    amount_from: int | None = None
    amount_to: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: whose, of what, which, in which order.

    Attributes:
        scope: Whose contracts.
        group: What every row shows; roles that may not see it have no rows in this list.
        filter: Which of them.
        order: In which order.
    """

    scope: Scope
    group: FieldGroup
    filter: Filter
    order: Order


@dataclass(frozen=True, slots=True)
class SumRow:
    """Sum over one currency and payout status: what has been or is to be paid out, after the seller's fee."""

    currency: Currency
    status: PayoutStatus
    rows: int
    amount: int


# ── clauses ──────────────────────────────────────────────────────────────────────────────────────────────────────────
_EQUAL_TO_ONE = {
    "site_ids": ("c.site_id", "integer"),
    "contract_ids": ("c.contract_id", "bigint"),
    "debit": ("s.debit", "smallint"),
    "delivery": ("s.delivery", "smallint"),
    "payout": ("s.payout", "smallint"),
}
_BOUNDS = {
    "registered_from": ("c.registered_at >=", "timestamptz"),
    "registered_before": ("c.registered_at <", "timestamptz"),
    "due_from": ("c.due_on >=", "date"),
    "due_to": ("c.due_on <=", "date"),
    "debited_from": ("s.debited_on >=", "date"),
    "debited_to": ("s.debited_on <=", "date"),
    "settled_from": ("s.settled_on >=", "date"),
    "settled_to": ("s.settled_on <=", "date"),
    "amount_from": ("c.amount >=", "bigint"),
    "amount_to": ("c.amount <=", "bigint"),
}
_TELLS_OF_PAYOUT = ("payout", "settled_from", "settled_to")


class _Args(list[Any]):
    """Arguments of a statement; adding one gives its placeholder."""

    def add(self, value: object, type_: str) -> str:
        self.append(value)
        return f"${len(self)}::{type_}"


@dataclass(frozen=True, slots=True)
class _Branch:
    """Contracts that are the viewer's in one way. `owners` are parties (a firm), sites, or nothing but homes (an operator)."""

    roles: frozenset[Role]
    link: str | None
    owners: tuple[tuple[int, int], ...]  # (home, party or site)
    also_seller: bool | None = None  # of a buyer's contracts: only those that he also sells, or only the others


def _branches(listing: Listing) -> list[_Branch]:
    """The branches that belong to the list: of roles that may see what it shows and what it filters by."""
    scope, wanted = listing.scope, listing.filter
    if scope.viewer.kind is ViewerKind.FIRM:
        owners = tuple((party.home, party.party_id) for party in scope.parties)
        sells = _Branch(frozenset({Role.SELLER}), "seller_id", owners)
        only_buys = _Branch(frozenset({Role.BUYER}), "buyer_id", owners, also_seller=False)
        does_both = _Branch(frozenset({Role.BUYER, Role.SELLER}), "buyer_id", owners, also_seller=True)
        found = {None: [sells, only_buys], Role.SELLER: [sells], Role.BUYER: [only_buys, does_both]}.get(wanted.role, [])
    elif scope.viewer.kind is ViewerKind.SITE:
        owners = tuple((home, site_id) for home in scope.homes for site_id in scope.site_ids)
        found = [_Branch(frozenset({Role.SITE}), "site_id", owners)] if wanted.role in {None, Role.SITE} else []
    else:
        owners = tuple((home, 0) for home in scope.homes)
        found = [_Branch(frozenset({Role.OPERATOR}), None, owners)] if wanted.role in {None, Role.OPERATOR} else []
    groups = {listing.group}
    if any(getattr(wanted, name) is not None for name in _TELLS_OF_PAYOUT):
        groups.add(FieldGroup.SETTLEMENT)
    return [branch for branch in found if branch.owners and all(may_see(branch.roles, group) for group in groups)]


def _conditions(wanted: Filter, args: _Args) -> list[str]:
    conditions = [
        f"{column} = any({args.add(list(values), type_ + '[]')})"
        for name, (column, type_) in _EQUAL_TO_ONE.items()
        if (values := getattr(wanted, name)) is not None
    ]
    conditions += [
        f"{comparison} {args.add(bound, type_)}"
        for name, (comparison, type_) in _BOUNDS.items()
        if (bound := getattr(wanted, name)) is not None
    ]
    return conditions


def _beyond(order: Order, spot: Spot, *, onward: bool, args: _Args) -> str:
    """The rows that come after a spot (or before it, not onward)."""
    key, number = order.by.expression, args.add(spot.contract_id, "bigint")
    rises = onward is not order.descending
    more = ">" if rises else "<"
    if order.by is SortKey.REGISTERED_AT:
        return f"c.contract_id {more} {number}"
    if spot.key is None:  # among the rows without a key, which come last
        return f"({key} is null and c.contract_id {more} {number})" if onward else f"({key} is not null or c.contract_id {more} {number})"
    value = args.add(spot.key, order.by.type)
    beyond = f"{key} {more} {value} or ({key} = {value} and c.contract_id {more} {number})"
    return f"({beyond} or {key} is null)" if onward else f"({beyond})"


def _sorted(order: Order, *, onward: bool, key: str, number: str) -> str:
    direction = "asc" if onward is not order.descending else "desc"
    if order.by is SortKey.REGISTERED_AT:
        return f"{number} {direction}"
    return f"{key} {direction} nulls {'last' if onward else 'first'}, {number} {direction}"


_PROBED = "cross join lateral (select * from contract_state y where y.home = c.home and y.contract_id = c.contract_id limit 1) s"
_JOINED = "join contract_state s on s.home = c.home and s.contract_id = c.contract_id"


def _state(listing: Listing, conditions: Sequence[str], columns: str) -> str:
    """How the state row comes in: not at all, looked up row by row along the index, or joined where a sort needs all."""
    if listing.order.by.of_state or "s." in columns:
        return _JOINED
    return _PROBED if any(condition.startswith("s.") for condition in conditions) else ""


def _rows(listing: Listing, args: _Args, columns: str, spots: Sequence[tuple[Spot, bool]], tail: str) -> str | None:
    """The union of the list's branches, each with `columns`, beyond the spots, closed by `tail`. None: nothing can be in it."""
    branches = _branches(listing)
    conditions = _conditions(listing.filter, args)
    conditions += [_beyond(listing.order, spot, onward=onward, args=args) for spot, onward in spots]
    state = _state(listing, conditions, columns)
    parts = []
    for branch in branches:
        own = ["c.home = m.home"]
        homes = args.add([home for home, _ in branch.owners], "smallint[]")
        owners = args.add([owner for _, owner in branch.owners], "bigint[]")
        if branch.link:
            # Said twice, so that the planner sees whose rows these are: by `m.owner` alone it takes everybody for average,
            # and reads all of a market of few parties for the smallest of them.
            own.append(f"c.{branch.link} = m.owner and c.{branch.link} = any({owners})")
        if branch.also_seller is not None:
            sold = f"c.seller_id = any({args.add(listing.scope.party_ids, 'bigint[]')})"
            own.append(sold if branch.also_seller else f"not {sold}")
        parts.append(
            f"select x.* from unnest({homes}, {owners}) m(home, owner) cross join lateral "
            f"(select {columns} from contract c {state} where {' and '.join(own + conditions)} {tail}) x"
        )
    return " union all ".join(parts) or None


async def _resolved(tx: Tx, listing: Listing) -> Listing:
    """The list with contract numbers looked up: they have an index of their own (S37)."""
    wanted = listing.filter
    if wanted.numbers is None:
        return listing
    sites = [site for site in listing.scope.site_ids if wanted.site_ids is None or site in wanted.site_ids]
    rows = await tx.rows(
        "select contract_id from contract_number "
        "where home = any($1::smallint[]) and site_id = any($2::integer[]) and number = any($3::text[])",
        list(listing.scope.homes),
        sites,
        list(wanted.numbers),
    )
    ids = {row["contract_id"] for row in rows}
    if wanted.contract_ids is not None:
        ids &= set(wanted.contract_ids)
    values = {name: getattr(wanted, name) for name in Filter.__slots__}
    resolved = Filter(**{**values, "numbers": None, "contract_ids": tuple(sorted(ids))})
    return Listing(listing.scope, listing.group, resolved, listing.order)


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────────
async def spots(
    tx: Tx, listing: Listing, limit: int, *, after: Spot | None = None, before: Spot | None = None, from_end: bool = False
) -> list[Spot]:
    """Up to `limit` rows between two spots, from the beginning or from the end; always in the order of the list."""
    args, onward = _Args(), not from_end
    found = await _resolved(tx, listing)
    bounds = [(spot, forth) for spot, forth in ((after, True), (before, False)) if spot is not None]
    columns = f"{listing.order.by.expression} as key, c.contract_id"
    many = args.add(limit, "bigint")
    tail = f"order by {_sorted(listing.order, onward=onward, key=listing.order.by.expression, number='c.contract_id')} limit {many}"
    rows = _rows(found, args, columns, bounds, tail)
    if rows is None:
        return []
    order = _sorted(listing.order, onward=onward, key="u.key", number="u.contract_id")
    answer = [
        Spot(row["key"], row["contract_id"])
        for row in await tx.rows(f"select u.key, u.contract_id from ({rows}) u order by {order} limit {many}", *args)
    ]
    return answer[::-1] if from_end else answer


async def count(tx: Tx, listing: Listing) -> int:
    """How many rows the list has; COUNT_LIMIT + 1 when there are more than COUNT_LIMIT."""
    args = _Args()
    found = await _resolved(tx, listing)
    many = args.add(COUNT_LIMIT + 1, "bigint")
    plain = Listing(found.scope, found.group, found.filter, Order(SortKey.REGISTERED_AT, descending=True))
    rows = _rows(plain, args, "1", (), f"limit {many}")
    if rows is None:
        return 0
    number: int = await tx.value(f"select count(*) from (select 1 from ({rows}) u limit {many}) v", *args)
    return number


async def sums(tx: Tx, listing: Listing) -> list[SumRow]:
    """What the whole list (not the page) adds up to, by currency and payout status."""
    args = _Args()
    found = await _resolved(tx, listing)
    rows = _rows(found, args, "c.currency, s.payout, s.net", (), "")
    if rows is None:
        return []
    answer = await tx.rows(
        f"select currency, payout, count(*) as rows, sum(net)::bigint as amount from ({rows}) u "
        "group by currency, payout order by currency, payout",
        *args,
    )
    return [SumRow(Currency(row["currency"]), PayoutStatus(row["payout"]), row["rows"], row["amount"]) for row in answer]
