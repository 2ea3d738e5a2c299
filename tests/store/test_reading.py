"""What a page costs: along the index, its own rows and no others, however many there are beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from domain.access import FieldGroup, Viewer, ViewerKind
from domain.store import pages, reading
from domain.store.connection import Tx, transaction
from domain.store.connection import reading as snapshot
from tests.api.market import Market

ALL = 6_000  # contracts at one site
SHARE = 50  # of which B社 sells one in fifty and buys one in fifty
PAGE = 20
LATEST = pages.Order(pages.SortKey.REGISTERED_AT, descending=True)


@pytest.fixture
async def market(store: Any) -> Market:
    """A site with many contracts, few of them B社's."""
    market = await Market().build()
    first = await market.contract("130/0", "C", "D", 1_000)
    columns = {
        "contract": ("number", "buyer_id", "seller_id"),
        "contract_state": (),
        "delivery_record": (),
    }
    a, b, c = (market.parties[130, letter] for letter in "ABC")
    async with transaction() as tx:
        for table, changed in columns.items():
            names = [
                row["column_name"]
                for row in await tx.rows(
                    "select column_name from information_schema.columns where table_name = $1 order by ordinal_position", table
                )
                if row["column_name"] not in {"contract_id", *changed}
            ]
            more = {
                "number": "i::text",
                "buyer_id": f"case when i % {SHARE} = 0 then {b} else {c} end",
                "seller_id": f"case when i % {SHARE} = 25 then {b} else {a} end",
            }
            await tx.run(
                f"insert into {table}({', '.join(['contract_id', *names, *changed])}) "
                f"select contract_id + i * 10, {', '.join([*names, *(more[name] for name in changed)])} "
                f"from {table}, generate_series(1, {ALL}) i where home = 1 and contract_id = {first}"
            )
            await tx.run(f"analyze {table}")
    return market


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


async def touched(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """From now on, how many rows the statements of this snapshot read from each big table (those thrown away included)."""
    counts: dict[str, int] = {}
    ask = Tx.rows

    async def explained(self: Tx, sql: str, *args: Any) -> list[Any]:
        [row] = await ask(self, f"explain (analyze, format json) {sql}", *args)
        for node in nodes(json.loads(row[0])[0]["Plan"]):
            table = node.get("Relation Name", "").rsplit("_2", 1)[0]
            if table in {"contract", "contract_state", "delivery_record", "event"}:
                read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                counts[table] = counts.get(table, 0) + round(read * node["Actual Loops"])
        return await ask(self, sql, *args)

    monkeypatch.setattr(Tx, "rows", explained)
    return counts


@pytest.mark.parametrize("who", ["B", 130])
async def test_a_page_reads_its_own_rows_and_no_others(market: Market, monkeypatch: pytest.MonkeyPatch, who: str | int):
    viewer = Viewer(ViewerKind.SITE, who) if isinstance(who, int) else Viewer(ViewerKind.FIRM, market.firms[who])
    async with snapshot() as tx:
        scope = await reading.scope_of(tx, viewer)
        listing = pages.Listing(scope, FieldGroup.CONTRACT, pages.Filter(), LATEST)
        start = (await pages.spots(tx, listing, 60))[-1]
        counts = await touched(tx, monkeypatch)
        page = await pages.spots(tx, listing, PAGE, after=start)
        found = await reading.contracts(tx, scope, [spot.contract_id for spot in page])
    assert len(found) == PAGE
    branches = 1 if isinstance(who, int) else 2  # a page as seller, a page as buyer: B holds parties at two sites, one of them empty
    assert counts["contract"] <= (branches + 1) * PAGE + 5
    assert counts["contract_state"] == PAGE
    assert counts["delivery_record"] == PAGE


async def test_a_sorted_list_reads_the_viewers_rows_and_nobody_elses(market: Market, monkeypatch: pytest.MonkeyPatch):
    async with snapshot() as tx:
        scope = await reading.scope_of(tx, Viewer(ViewerKind.FIRM, market.firms["B"]))
        order = pages.Order(pages.SortKey.AMOUNT, descending=False)
        counts = await touched(tx, monkeypatch)
        page = await pages.spots(tx, pages.Listing(scope, FieldGroup.SETTLEMENT, pages.Filter(), order), PAGE)
    assert len(page) == PAGE
    assert counts["contract"] <= ALL // SHARE + 5


async def test_a_filter_by_number_goes_by_the_index_of_numbers(market: Market, monkeypatch: pytest.MonkeyPatch):
    contract_id = await market.contract("130/wanted", "B", "D", 1_000)
    async with snapshot() as tx:
        scope = await reading.scope_of(tx, Viewer(ViewerKind.SITE, 130))
        listing = pages.Listing(scope, FieldGroup.CONTRACT, pages.Filter(numbers=("wanted", "unknown")), LATEST)
        counts = await touched(tx, monkeypatch)
        assert [spot.contract_id for spot in await pages.spots(tx, listing, PAGE)] == [contract_id]
    assert counts["contract"] <= 2


async def test_the_party_check_is_in_the_query(market: Market):
    """Given the ID, the row is still not there for somebody who has no part in it (S34)."""
    contract_id = market.ids["130/0"]
    async with snapshot() as tx:
        for letter, seen in (("C", True), ("D", True), ("B", False), ("H", False)):
            scope = await reading.scope_of(tx, Viewer(ViewerKind.FIRM, market.firms[letter]))
            assert (contract_id in await reading.contracts(tx, scope, [contract_id])) is seen, letter
        for site, seen in ((130, True), (320, False), (999, False)):
            scope = await reading.scope_of(tx, Viewer(ViewerKind.SITE, site))
            assert (contract_id in await reading.contracts(tx, scope, [contract_id])) is seen, site


async def test_a_firm_that_holds_nothing_finds_nothing(market: Market):
    async with transaction() as tx:
        await tx.run("insert into firm(firm_id, name, created_at) values (1, 'neu', now())")
    async with snapshot() as tx:
        scope = await reading.scope_of(tx, Viewer(ViewerKind.FIRM, 1))
        listing = pages.Listing(scope, FieldGroup.CONTRACT, pages.Filter(), LATEST)
        assert (await pages.spots(tx, listing, PAGE), await pages.count(tx, listing), await pages.sums(tx, listing)) == ([], 0, [])
        assert await reading.contracts(tx, scope, [market.ids["130/0"]]) == {}
        assert await reading.as_of(tx, scope) == ()


async def test_events_end_where_the_contract_was_read(market: Market):
    """A timeline that is read a moment later tells nothing that the contract beside it does not know yet."""
    contract_id = market.ids["130/0"]
    async with transaction() as tx:
        await tx.run("insert into event(home, contract_id, no, kind, at) values (1, $1, 2, 2, now())", contract_id)
    async with snapshot() as tx:
        assert [row["no"] for row in (await reading.events(tx, {contract_id: 1}))[contract_id]] == [1]
        assert [row["no"] for row in (await reading.events(tx, {contract_id: 2}))[contract_id]] == [1, 2]
