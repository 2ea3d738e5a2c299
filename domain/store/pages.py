"""Pages of contracts by keyset: a page begins where the last one ended, whatever has come in between (never by offset).

Every list is a union of *branches*: the contracts that the viewer has as site, as seller, as buyer. A branch belongs to one
party (or site) and is read along that owner's index, at most a page of it; then the branches are merged. What a role may not
see it may not filter by either, or the filter would tell (S39): `domain.access` decides that too.

An order is a key and a direction; the contract ID decides between equals, rows without a key come last in both directions. Such a list is
two *segments*, one after the other: those with a key, those without. What a segment is read along (`_Along`) depends on order and filter:

* the contract itself, whose indexes hold what never changes (registration, due date, amount, planned settlement);
* `contract_date`, the day of the debit and of the settlement, from when it is known;
* `standing`, the places of `domain.places`, for statuses that are not the usual end and for what has no date yet.

Everything else is looked up by key, row by row, for the rows of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import Any

from domain.access import FieldGroup, ViewerKind, may_see
from domain.places import NOT_DEBITED, NOT_SETTLED, Place, places_of
from domain.statuses import Currency, DebitStatus, DeliveryStatus, PayoutStatus, Role
from domain.store import sums as aggregate
from domain.store.connection import Tx
from domain.store.reading import Scope
from domain.store.standing import Which
from domain.store.sums import SumRow

COUNT_LIMIT = 10_000  # counts are exact up to here

Key = datetime | date | int | None


class SortKey(Enum):
    """What a list is ordered by, and the key's type in PostgreSQL."""

    REGISTERED_AT = "registered_at", "bigint"  # the contract ID: IDs rise with registration
    DUE_ON = "due_on", "date"
    AMOUNT = "amount", "bigint"
    DEBITED_ON = "debited_on", "date"
    SETTLED_ON = "settled_on", "date"
    EXPECTED_ON = "expected_on", "date"  # planned at registration; what will not settle has none

    @property
    def type(self) -> str:
        """Its type in PostgreSQL."""
        return self.value[1]


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


# ── branches ─────────────────────────────────────────────────────────────────────────────────────────────────────────
_TELLS_OF_PAYOUT = ("payout", "settled_from", "settled_to")


@dataclass(frozen=True, slots=True)
class _Branch:
    """Contracts that are the viewer's in one way. `owners` are parties (a firm) or sites."""

    roles: frozenset[Role]
    link: str
    owners: tuple[tuple[int, int], ...]  # (home, party or site)
    also_seller: bool | None = None  # of a buyer's contracts: only those that he also sells, or only the others


def _branches(listing: Listing) -> list[_Branch]:
    """The branches that belong to the list: of roles that may see what it shows and what it filters by."""
    scope, wanted = listing.scope, listing.filter
    if any(getattr(wanted, name) == () for name in Filter.__slots__):  # an empty list finds nothing
        return []
    asked = None if wanted.site_ids is None else set(wanted.site_ids)
    sites = tuple((home, site) for home, site in scope.sites if asked is None or site in asked)
    if scope.viewer.kind is ViewerKind.FIRM:
        owners = tuple((party.home, party.party_id) for party in scope.parties if asked is None or party.site_id in asked)
        sells = _Branch(frozenset({Role.SELLER}), "seller_id", owners)
        only_buys = _Branch(frozenset({Role.BUYER}), "buyer_id", owners, also_seller=False)
        does_both = _Branch(frozenset({Role.BUYER, Role.SELLER}), "buyer_id", owners, also_seller=True)
        found = {None: [sells, only_buys], Role.SELLER: [sells], Role.BUYER: [only_buys, does_both]}.get(wanted.role, [])
    elif scope.viewer.kind is ViewerKind.SITE:
        found = [_Branch(frozenset({Role.SITE}), "site_id", sites)] if wanted.role in {None, Role.SITE} else []
    else:
        found = [_Branch(frozenset({Role.OPERATOR}), "site_id", sites)] if wanted.role in {None, Role.OPERATOR} else []
    groups = {listing.group}
    if any(getattr(wanted, name) is not None for name in _TELLS_OF_PAYOUT):
        groups.add(FieldGroup.SETTLEMENT)
    return [branch for branch in found if branch.owners and all(may_see(branch.roles, group) for group in groups)]


# ── segments: what a part of the list is read along ──────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class _Along:
    """A table that is gone through, and what of it. Its columns home, contract_id, site_id, buyer_id and seller_id are those of `contract`.

    Attributes:
        table: contract, contract_date or standing.
        key: The segment's key as SQL. None: the contract ID alone decides.
        where: What makes a row one of the segment.
        which: The date that the rows of `contract_date` are.
        places: Of `standing`: one of these, each gone through by itself; a contract may stand in several.
        type: The key's type in PostgreSQL; that of the order where nothing is said.
        gathered: The rows that the filter leaves are found first, then sorted. Left to itself, the planner goes through all of them in the
            order of the page, believing that what is looked for is spread evenly; but days rise with the IDs, and it would read years.
    """

    table: str
    key: str | None
    where: tuple[str, ...] = ()
    which: Which | None = None
    places: tuple[int, ...] = ()
    type: str = ""
    gathered: bool = False

    @property
    def row(self) -> str:
        """Alias of the table's rows."""
        return "c" if self.table == "contract" else "d"


_DATE_OF = {
    SortKey.DEBITED_ON: (Which.DEBITED, "s.debited_on", NOT_DEBITED),
    SortKey.SETTLED_ON: (Which.SETTLED, "s.settled_on", NOT_SETTLED),
}
_PLANNED = "c.planned_settled_on"
_SETTLES = f"s.payout <> {int(PayoutStatus.WILL_NOT_SETTLE)}"
_COLUMN = {SortKey.DUE_ON: "c.due_on", SortKey.AMOUNT: "c.amount", SortKey.EXPECTED_ON: _PLANNED}


def _narrowest(wanted: Filter) -> frozenset[Place] | None:
    """The places in which everything that the filter lets through stands; None where the filter names usual ends only, or none."""
    options = [
        places
        for statuses, named in ((DebitStatus, wanted.debit), (DeliveryStatus, wanted.delivery), (PayoutStatus, wanted.payout))
        if named is not None and (places := places_of(statuses(number) for number in named)) is not None
    ]
    return min(options, key=lambda places: (Place.OPEN in places, len(places)), default=None)


def _segments(listing: Listing) -> tuple[_Along, _Along | None]:
    """The rows with a key and those without (None: every row has one)."""
    wanted, by = listing.filter, listing.order.by
    places = None if wanted.contract_ids is not None else _narrowest(wanted)
    numbers = tuple(sorted(int(place) for place in places or ()))
    dates = {Which.DEBITED: (wanted.debited_from, wanted.debited_to), Which.SETTLED: (wanted.settled_from, wanted.settled_to)}
    filtered = [which for which, span in dates.items() if span != (None, None)]

    def plain(key: str | None, *where: str) -> _Along:
        """By what never changes; or along whatever list the filter leaves fewer rows of."""
        if places is not None:
            return _Along("standing", key, where, places=numbers)
        if filtered and wanted.contract_ids is None:
            return _Along("contract_date", key, where, which=filtered[0])
        days = (wanted.due_from or wanted.due_to) and key != "c.due_on"
        return _Along("contract", key, where, gathered=bool(days) and wanted.contract_ids is None)

    if by is SortKey.REGISTERED_AT:
        along = plain(None)
        if along.table == "contract" and (wanted.registered_from or wanted.registered_before):
            along = replace(along, key="c.registered_at", type="timestamptz")  # the same order, along the index that knows the span
        return along, None
    if by is SortKey.AMOUNT:
        return plain("c.amount"), None
    if by is SortKey.DUE_ON:
        last = plain(None, "c.due_on is null")
        return plain("c.due_on", "c.due_on is not null"), None if wanted.due_from or wanted.due_to else last
    if by is SortKey.EXPECTED_ON:
        never = f"s.payout = {int(PayoutStatus.WILL_NOT_SETTLE)}"
        last = plain(None, never) if places is not None or wanted.contract_ids is not None else _places({Place.WILL_NOT_SETTLE}, never)
        return plain(_PLANNED, _SETTLES), last
    which, column, without = _DATE_OF[by]
    if places is not None or wanted.contract_ids is not None or (filtered and which not in filtered):
        keyed, last = plain(column, f"{column} is not null"), plain(None, f"{column} is null")
    else:
        keyed, last = _Along("contract_date", "d.on_date", which=which), _places(without, f"{column} is null")
    return keyed, None if which in filtered else last


def _places(places: frozenset[Place] | set[Place], *where: str) -> _Along:
    return _Along("standing", None, where, places=tuple(sorted(int(place) for place in places)))


# ── clauses ──────────────────────────────────────────────────────────────────────────────────────────────────────────
_EQUAL_TO_ONE = {"debit": "s.debit", "delivery": "s.delivery", "payout": "s.payout"}
_BOUNDS = {
    "registered_from": ("c.registered_at", ">=", "timestamptz"),
    "registered_before": ("c.registered_at", "<", "timestamptz"),
    "due_from": ("c.due_on", ">=", "date"),
    "due_to": ("c.due_on", "<=", "date"),
    "debited_from": ("s.debited_on", ">=", "date"),
    "debited_to": ("s.debited_on", "<=", "date"),
    "settled_from": ("s.settled_on", ">=", "date"),
    "settled_to": ("s.settled_on", "<=", "date"),
    "amount_from": ("c.amount", ">=", "bigint"),
    "amount_to": ("c.amount", "<=", "bigint"),
}
_ON_DATE = {Which.DEBITED: "s.debited_on", Which.SETTLED: "s.settled_on"}


class _Args(list[Any]):
    """Arguments of a statement; adding one gives its placeholder."""

    def add(self, value: object, type_: str) -> str:
        self.append(value)
        return f"${len(self)}::{type_}"


def _conditions(wanted: Filter, along: _Along, args: _Args) -> list[str]:
    """The filter, said of the columns that are gone through wherever they have it. Sites have chosen the owners already."""
    own = {} if along.which is None else {_ON_DATE[along.which]: "d.on_date"}
    conditions = [*along.where]
    if wanted.contract_ids is not None:
        conditions.append(f"{along.row}.contract_id = any({args.add(list(wanted.contract_ids), 'bigint[]')})")
    conditions += [
        f"{column} = any({args.add(list(values), 'smallint[]')})"
        for name, column in _EQUAL_TO_ONE.items()
        if (values := getattr(wanted, name)) is not None
    ]
    conditions += [
        f"{own.get(column, column)} {comparison} {args.add(bound, type_)}"
        for name, (column, comparison, type_) in _BOUNDS.items()
        if (bound := getattr(wanted, name)) is not None
    ]
    return conditions


def _beyond(along: _Along, order: Order, spot: Spot, *, onward: bool, args: _Args) -> str:
    """The rows of a segment that come after a spot of it (or before it, not onward)."""
    more, number = ">" if onward is not order.descending else "<", f"{along.row}.contract_id"
    if along.key is None:
        return f"{number} {more} {args.add(spot.contract_id, 'bigint')}"
    return f"({along.key}, {number}) {more} ({args.add(spot.key, along.type or order.by.type)}, {args.add(spot.contract_id, 'bigint')})"


def _sorted(order: Order, *, onward: bool, key: str | None, number: str) -> str:
    direction = "asc" if onward is not order.descending else "desc"
    return f"{number} {direction}" if key is None else f"{key} {direction}, {number} {direction}"


def _looked_up(alias: str, table: str, row: str) -> str:
    """Row by row along the key, whatever the planner believes."""
    return f"cross join lateral (select * from {table} y where y.home = {row}.home and y.contract_id = {row}.contract_id limit 1) {alias}"


def _rows(listing: Listing, along: _Along, args: _Args, columns: str, more: Sequence[str], tail: str) -> str | None:
    """The union of the list's branches along a table, each with `columns`, closed by `tail`. None: nothing can be in it."""
    row = along.row
    conditions = [*_conditions(listing.filter, along, args), *more]
    said = f"{columns} {' '.join(conditions)} {tail}"
    joins = _looked_up("c", "contract", row) if row != "c" and "c." in said else ""
    states = _looked_up("s", "contract_state", row)
    if "s." in said:
        joins += f" {states}"
    if along.which is not None:
        conditions.append(f"d.which = {int(along.which)}")
    if along.places:
        conditions.append("d.place = k.place")
    parts = []
    for branch in _branches(listing):
        own = [f"{row}.home = m.home"]
        homes = args.add([home for home, _ in branch.owners], "smallint[]")
        owners = args.add([owner for _, owner in branch.owners], "bigint[]")
        # Said twice, so that the planner sees whose rows these are: by `m.owner` alone it takes everybody for average,
        # and reads all of a market of few parties for the smallest of them.
        own.append(f"{row}.{branch.link} = m.owner and {row}.{branch.link} = any({owners})")
        if branch.also_seller is not None:
            sold = f"{row}.seller_id = any({args.add(listing.scope.party_ids, 'bigint[]')})"
            own.append(sold if branch.also_seller else f"not {sold}")
        each = f"unnest({homes}, {owners}) m(home, owner)"
        if along.places:
            each += f" cross join unnest({args.add(list(along.places), 'smallint[]')}) k(place)"
        rows = f"{along.table} {row} {joins} where {' and '.join(own + conditions)}"
        if along.gathered:
            rows = f"(select {row}.* from {rows} offset 0) {row}{' ' + states if 's.' in columns else ''}"
        parts.append(f"select x.* from {each} cross join lateral (select {columns} from {rows} {tail}) x")
    return " union all ".join(parts) or None


async def _ready(tx: Tx, listing: Listing) -> Listing:
    """The list with contract numbers looked up: they have an index of their own (S37). Planned for its own values, not for average ones."""
    await tx.script("set local plan_cache_mode = force_custom_plan")
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
    # 0 is nobody's: whether a number is another's or there is none of it, the same statements are run (I17)
    return replace(listing, filter=replace(wanted, numbers=None, contract_ids=tuple(sorted(ids)) or (0,)))


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────────
async def spots(
    tx: Tx, listing: Listing, limit: int, *, after: Spot | None = None, before: Spot | None = None, from_end: bool = False
) -> list[Spot]:
    """Up to `limit` rows between two spots, from the beginning or from the end; always in the order of the list."""
    found = await _ready(tx, listing)
    keyed, unkeyed = _segments(found)
    answer: list[Spot] = []
    segments = [along for along in (keyed, unkeyed) if along is not None]
    for along in reversed(segments) if from_end else segments:
        bounds = _within(along is unkeyed, unkeyed is not None, after, before)
        if bounds is not None and len(answer) < limit:
            answer += await _read(tx, found, along, limit - len(answer), bounds, from_end=from_end)
    return answer[::-1] if from_end else answer


def _within(last: bool, split: bool, after: Spot | None, before: Spot | None) -> list[tuple[Spot, bool]] | None:  # noqa: FBT001
    """Which of the spots bound this segment. None: it lies outside of them. `last`: the segment without keys; `split`: there is one."""
    bounds: list[tuple[Spot, bool]] = []
    for spot, onward in ((after, True), (before, False)):
        if spot is None:
            continue
        spot_last = split and spot.key is None
        if spot_last is last:
            bounds.append((spot, onward))
        elif spot_last is onward:  # after a row without key nothing has one; before one with a key nothing lacks it
            return None
    return bounds


async def _read(tx: Tx, listing: Listing, along: _Along, limit: int, bounds: Sequence[tuple[Spot, bool]], *, from_end: bool) -> list[Spot]:
    """The rows of one segment, in the direction of reading."""
    args, onward, order = _Args(), not from_end, listing.order
    number = f"{along.row}.contract_id"
    many = args.add(limit, "bigint")
    beyond = [_beyond(along, order, spot, onward=forth, args=args) for spot, forth in bounds]
    # Without a key the ID is one, so that cursors of registration order keep it.
    columns = f"{along.key or (number if order.by is SortKey.REGISTERED_AT else f'null::{order.by.type}')} as key, {number}"
    tail = f"order by {_sorted(order, onward=onward, key=along.key, number=number)} limit {many}"
    rows = _rows(listing, along, args, columns, beyond, tail)
    if rows is None:
        return []
    once = "distinct" if len(along.places) > 1 else ""
    outer = _sorted(order, onward=onward, key="u.key" if along.key else None, number="u.contract_id")
    found = await tx.rows(f"select {once} u.key, u.contract_id from ({rows}) u order by {outer} limit {many}", *args)
    return [Spot(row["key"], row["contract_id"]) for row in found]


def _whole(listing: Listing) -> tuple[Listing, _Along]:
    """The whole list in whatever order is the quickest."""
    plain = replace(listing, order=Order(SortKey.REGISTERED_AT, descending=True))
    return plain, _segments(plain)[0]


async def count(tx: Tx, listing: Listing) -> int:
    """How many rows the list has; COUNT_LIMIT + 1 when there are more than COUNT_LIMIT."""
    args = _Args()
    found, along = _whole(await _ready(tx, listing))
    many = args.add(COUNT_LIMIT + 1, "bigint")
    rows = _rows(found, along, args, f"{along.row}.contract_id", (), f"limit {many}")
    if rows is None:
        return 0
    once = "distinct" if len(along.places) > 1 else ""
    number: int = await tx.value(f"select count(*) from (select {once} u.contract_id from ({rows}) u limit {many}) v", *args)
    return number


async def sums(tx: Tx, listing: Listing) -> list[SumRow]:
    """What the whole list (not the page) adds up to, by currency and payout status.

    From the aggregate where the filter names nothing but sites and statuses; else over the rows that the filter leaves.
    """
    wanted = listing.filter
    if replace(wanted, site_ids=None, payout=None) == Filter():
        return await _aggregated(tx, listing)
    args = _Args()
    found, along = _whole(await _ready(tx, listing))
    once = "distinct" if len(along.places) > 1 else ""
    rows = _rows(found, along, args, f"{along.row}.contract_id, c.currency, s.payout, s.net", (), "")
    if rows is None:
        return []
    answer = await tx.rows(
        f"select currency, payout, count(*) as rows, sum(net)::bigint as amount from (select {once} * from ({rows}) u) v "
        "group by currency, payout order by currency, payout",
        *args,
    )
    return [SumRow(Currency(row["currency"]), PayoutStatus(row["payout"]), row["rows"], row["amount"]) for row in answer]


async def _aggregated(tx: Tx, listing: Listing) -> list[SumRow]:
    scope, wanted = listing.scope, listing.filter
    found: list[SumRow] = []
    for branch in _branches(listing):
        if branch.link == "seller_id":
            mine = {owner for _, owner in branch.owners}
            found += await aggregate.of_sellers(tx, [(p.home, p.site_id, p.party_id) for p in scope.parties if p.party_id in mine])
        elif branch.link == "site_id":
            found += await aggregate.of_sites(tx, branch.owners)
    return [row for row in found if wanted.payout is None or row.status in wanted.payout]
