"""What a list costs: each filter and each order along an index, a page reads a page, whatever else there is.

A market of twenty thousand contracts, nearly all of them at their usual end, few of them of the firm that looks. The planner is asked
with the statements' own arguments, and every row that it looks at is counted.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from domain.access import FieldGroup, Viewer, ViewerKind
from domain.calendar import JST
from domain.places import is_open
from domain.statuses import DebitStatus, DeliveryStatus, PayoutStatus, Role
from domain.store import pages, reading
from domain.store.connection import open_store, transaction
from domain.store.connection import reading as snapshot
from domain.store.pages import Filter, Listing, Order, SortKey, Spot
from tests.api.market import Market, listed_anew
from tests.conftest import a_database
from tests.store.explained import explaining

ALL = 20_000
SHARE = 40  # B社 sells one in forty and buys one in forty
PAGE = 20
SITE = 130
DAY = date(2000, 1, 1)

# One in a thousand stands in each of these, the others have ended as usual: debit, delivery, payout.
ODD = (
    (0, 0, 0),
    (1, 0, 0),
    (2, 0, 0),
    (3, 0, 0),
    (4, 1, 0),
    (4, 4, 1),
    (4, 4, 2),
    (4, 4, 4),
    (5, 0, 5),
    (6, 9, 5),
    (4, 3, 0),
    (4, 7, 0),
    (4, 8, 0),
)
FILL = """
with x as (select i, $1::bigint + i * 10 as id, case when i % 1000 < {odd} then (i % 1000)::int end as odd from generate_series(1, {all}) i),
     c as (insert into contract(contract_id, {columns}, number, buyer_id, seller_id, amount, due_on, registered_at, planned_settled_on)
           select x.id, {columns}, 'n' || x.i, case when x.i % {share} = 0 then $2::bigint else $4::bigint end,
                  case when x.i % {share} = 20 or x.i % 1000 < 20 and x.i % 2 = 1 then $2::bigint else $3::bigint end,
                  1000 + x.i % 7919, case when x.i % 3 = 0 then $5::date + (x.i / 100)::int end, ($5::date + (x.i / 100)::int)::timestamptz,
                  $5::date + (x.i / 100)::int + 9 from x, contract o where o.contract_id = $1),
     s as (insert into contract_state(contract_id, {states}, debit, delivery, payout, debited_on, settled_on, net)
           select x.id, {states}, coalesce(o.debit, 4), coalesce(o.delivery, 6), coalesce(o.payout, 3),
                  case when coalesce(o.debit, 4) = 4 then $5::date + (x.i / 100)::int + 4 end,
                  case when coalesce(o.payout, 3) = 3 then $5::date + (x.i / 100)::int + 8 end, 1000 + x.i % 7919
             from x join contract_state t on t.contract_id = $1
             left join unnest($6::int[], $7::int[], $8::int[], $9::int[]) o(odd, debit, delivery, payout) using (odd))
insert into contract_number(home, site_id, number, contract_id, content) select 1, {site}, 'n' || i, id, '' from x"""


@pytest.fixture(scope="module")
async def market(engines: Any, template_database: str) -> AsyncIterator[Market]:
    async with a_database(engines, template_database) as url, open_store(url):
        market = await Market().build()
        first = await market.contract("130/0", "C", "D", 1_000)
        changed = {"contract_id", "number", "buyer_id", "seller_id", "amount", "due_on", "registered_at", "planned_settled_on"}
        changed |= {"debit", "delivery", "payout", "debited_on", "settled_on", "net"}
        named = "select string_agg(column_name, ', {0}' order by 1) from information_schema.columns where table_name = $1 and column_name <> all($2)"
        async with transaction() as tx:
            columns = await tx.value(named.format("o."), "contract", list(changed))
            states = await tx.value(named.format("t."), "contract_state", list(changed))
            a, b, c = (market.parties[SITE, letter] for letter in "ABC")
            numbers = [list(column) for column in zip(*((n, *odd) for n, odd in enumerate(ODD)), strict=True)]
            sql = FILL.format(
                odd=len(ODD), all=ALL, share=SHARE, site=SITE, columns=columns.replace("o.", ""), states=states.replace("t.", "")
            )
            sql = sql.replace(f"x.id, {columns.replace('o.', '')}", f"x.id, o.{columns}").replace(
                f"x.id, {states.replace('t.', '')}", f"x.id, t.{states}"
            )
            await tx.run(sql, first, b, a, c, DAY, *numbers)
            await listed_anew(tx)
        async with transaction() as tx:
            await tx.script("analyze")
        yield market


VIEWERS: dict[str, Any] = {"firm": "B", "site": SITE, "operator": 0}
FILTERS: dict[str, tuple[Filter, ...]] = {
    "registered": (
        Filter(registered_from=datetime(2000, 3, 1, tzinfo=JST), registered_before=datetime(2000, 3, 3, tzinfo=JST)),
        Filter(registered_from=datetime(2000, 3, 1, tzinfo=JST)),
    ),
    "due": (Filter(due_from=date(2000, 3, 1), due_to=date(2000, 3, 2)), Filter(due_to=date(2000, 1, 5))),
    "debited": (Filter(debited_from=date(2000, 3, 1), debited_to=date(2000, 3, 2)), Filter(debited_from=date(2000, 7, 20))),
    "settled": (Filter(settled_from=date(2000, 3, 1), settled_to=date(2000, 3, 2)), Filter(settled_from=date(2000, 7, 20))),
    "amount": (Filter(amount_from=5_000, amount_to=5_010), Filter(amount_from=8_900)),
    "numbers": (Filter(numbers=("n700", "n40", "n0", "none")),),
    "ids": (Filter(contract_ids=(1, 2, 3)),),
    "site": (Filter(site_ids=(SITE,)), Filter(site_ids=(320,))),
    "role": (Filter(role=Role.SELLER), Filter(role=Role.BUYER)),
    "debit": tuple(Filter(debit=(int(status),)) for status in DebitStatus),
    "delivery": tuple(Filter(delivery=(int(status),)) for status in DeliveryStatus),
    "payout": tuple(Filter(payout=(int(status),)) for status in PayoutStatus),
    "several": (Filter(debit=(0, 5), amount_from=2_000), Filter(payout=(2, 4), registered_from=datetime(2000, 2, 1, tzinfo=JST))),
}
# A page as seller and one as buyer, the owner's rows and their states, with room for the odd ones that a merged page leaves behind.
MOST = 14 * PAGE
OPEN = 8 * sum(is_open(DebitStatus(d), DeliveryStatus(g), PayoutStatus(p)) for d, g, p in ODD) * ALL // 1_000
"""And for a status that only some of the open contracts have: all that are open, each with its contract and state, once or twice."""

WHOLE = 4 * 500
"""The planner may read the few hundred rows of all places whole, once for each site and place that an operator's count names."""


def listing_of(scope: reading.Scope, group: FieldGroup, wanted: Filter, order: Order) -> Listing:
    return Listing(scope, group, wanted, order)


async def scope_of(market: Market, who: str) -> reading.Scope:
    kinds = {"firm": ViewerKind.FIRM, "site": ViewerKind.SITE, "operator": ViewerKind.OPERATOR}
    async with snapshot() as tx:
        return await reading.scope_of(tx, Viewer(kinds[who], market.firms["B"] if who == "firm" else VIEWERS[who]))


def dear(found: Any, most: int) -> dict[str, Any]:
    return {text: (rows, scans) for text, (rows, scans) in found.worst().items() if rows > most}


@pytest.mark.parametrize("who", VIEWERS)
@pytest.mark.parametrize("name", FILTERS)
async def test_each_filter_reads_what_it_finds(market: Market, monkeypatch: pytest.MonkeyPatch, who: str, name: str):
    scope = await scope_of(market, who)
    for wanted in FILTERS[name]:
        for key, descending in ((SortKey.REGISTERED_AT, True), (SortKey.REGISTERED_AT, False)):
            listing = listing_of(scope, FieldGroup.CONTRACT, wanted, Order(key, descending))
            with explaining(monkeypatch) as found:
                async with transaction() as tx:
                    page = await pages.spots(tx, listing, PAGE)
                    number = await pages.count(tx, listing)
            assert len(page) == min(PAGE, number)
            paged = [text for text, _ in found.statements if "count(*)" not in text]
            most = MOST + OPEN * any((wanted.debit, wanted.delivery, wanted.payout)) * (number < SHARE)
            assert dear(replace_statements(found, paged), most + found_in(wanted, number)) == {}, (wanted, descending)
            assert dear(found, MOST + OPEN + WHOLE + 5 * number) == {}, (wanted, "count")


def found_in(wanted: Filter, number: int) -> int:
    """A range that is not the order's own is sorted whole: every row of it is looked at once or twice."""
    ranged = any(getattr(wanted, name) is not None for name in Filter.__slots__ if name.endswith(("_from", "_to", "_before")))
    return 3 * number if ranged else 0


def replace_statements(found: Any, texts: list[str]) -> Any:
    return replace(found, statements=[(text, scans) for text, scans in found.statements if text in texts])


ORDERS = [
    *itertools.product([FieldGroup.CONTRACT], [SortKey.REGISTERED_AT, SortKey.DUE_ON, SortKey.DEBITED_ON, SortKey.AMOUNT]),
    *itertools.product([FieldGroup.SETTLEMENT], [SortKey.DEBITED_ON, SortKey.SETTLED_ON, SortKey.EXPECTED_ON]),
]


@pytest.mark.parametrize("who", VIEWERS)
@pytest.mark.parametrize("group, key", ORDERS)
async def test_each_order_reads_a_page_wherever_it_begins(
    market: Market, monkeypatch: pytest.MonkeyPatch, who: str, group: FieldGroup, key: SortKey
):
    scope = await scope_of(market, who)
    middle: dict[bool, Spot] = {}
    for descending in (False, True):
        listing = listing_of(scope, group, Filter(), Order(key, descending))
        async with snapshot() as tx:
            middle[descending] = (await pages.spots(tx, listing, 400))[-1]
        for after, from_end in ((None, False), (None, True), (middle[descending], False), (middle[descending], True)):
            with explaining(monkeypatch) as found:
                async with transaction() as tx:
                    page = await pages.spots(
                        tx, listing, PAGE, after=None if from_end else after, before=after if from_end else None, from_end=from_end
                    )
            assert len(page) == PAGE
            assert dear(found, MOST) == {}, (descending, after, from_end)
            assert {scan.kind for _, scans in found.statements for scan in scans if scan.table in TABLES and scan.rows} <= ALONG


TABLES = {"contract", "contract_state", "contract_date", "standing"}
ALONG = {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}


async def test_sums_of_all_read_no_contracts(market: Market, monkeypatch: pytest.MonkeyPatch):
    for who in VIEWERS:
        listing = listing_of(await scope_of(market, who), FieldGroup.SETTLEMENT, Filter(), Order(SortKey.DEBITED_ON, descending=False))
        with explaining(monkeypatch) as found:
            async with transaction() as tx:
                told = await pages.sums(tx, listing)
        assert len(told) >= len(PayoutStatus) - 1
        assert dear(found, 40) == {}
        async with snapshot() as tx:
            one_by_one = (
                replace(listing, filter=Filter(debited_from=date(1999, 1, 1))),
                replace(listing, filter=Filter(payout=(5, 0, 2, 1))),
            )
            debited, named = [await pages.sums(tx, one) for one in one_by_one]
        assert named == [row for row in told if row.status not in {PayoutStatus.PAID, PayoutStatus.RETURNED}]
        assert [row for row in debited if row.status is PayoutStatus.PAID] == [row for row in told if row.status is PayoutStatus.PAID]
