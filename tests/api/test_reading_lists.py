"""Lists: figure 9, orders, pages, filters, counts and sums, and what each viewer finds in them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from domain.statuses import DebitStatus, DeliveryStatus, PayoutStatus
from domain.store import pages
from domain.stream import decode
from tests.api.market import KEY, Market, counted
from tests.api.sight.looking import everything

FIGURE_9 = """
{ settlements {
    edges { node { siteId number debitedOn settledOn settledAmount expectedAmount status currency contract { seller { name } } } }
    count { value exact } sums { currency status rows amount } pageInfo { hasNextPage hasPreviousPage } } }
"""
DEBITED: dict[str, Any] = {"debit": int(DebitStatus.DEBITED), "delivery": int(DeliveryStatus.INSTRUCTED)}
PAID: dict[str, Any] = {"debit": int(DebitStatus.DEBITED), "delivery": int(DeliveryStatus.SHIPPED), "payout": int(PayoutStatus.PAID)}


@pytest.fixture
async def market(store: Any) -> Market:
    return await Market().build()


async def figure_9(market: Market) -> None:
    """The world on 10-02 at 07:00, and #100, in which B社 buys."""
    await market.contract("130/4100", "A", "B", 25_000, debit=int(DebitStatus.FAILED), payout=int(PayoutStatus.WILL_NOT_SETTLE))
    await market.contract("130/4112", "B", "D", 30_000, "09-21 10:00", debited_on="09-25", settled_on="09-30", settled=30_000, **PAID)
    await market.contract("130/4332", "B", "F", 100_000, "09-22 10:00", debited_on="09-26", settled_on="10-01", settled=100_000, **PAID)
    await market.contract("320/1544", "B", "H", 45_000, "09-22 10:00", debited_on="09-26", **DEBITED)
    await market.contract("320/1566", "B", "D", 850_000, "09-23 10:00", debited_on="09-27", settled_on="10-01", settled=850_000, **PAID)
    await market.contract("130/4662", "B", "F", 60_000, "09-24 10:00", debited_on="09-28", **DEBITED)


async def test_figure_9(market: Market):
    await figure_9(market)
    answer = (await market.ask("B", FIGURE_9))["settlements"]
    rows = [edge["node"] for edge in answer["edges"]]
    assert [(f"{r['siteId']}/{r['number']}", r["debitedOn"], r["settledOn"], r["settledAmount"]) for r in rows] == [
        ("130/4112", "2000-09-25", "2000-09-30", 30_000),
        ("130/4332", "2000-09-26", "2000-10-01", 100_000),
        ("320/1544", "2000-09-26", None, None),
        ("320/1566", "2000-09-27", "2000-10-01", 850_000),
        ("130/4662", "2000-09-28", None, None),
    ]
    assert [r["expectedAmount"] for r in rows if r["settledOn"] is None] == [45_000, 60_000]
    assert {r["contract"]["seller"]["name"] for r in rows} == {"B社"}
    assert answer["count"] == {"value": 5, "exact": True}
    assert answer["sums"] == [
        {"currency": "JPY", "status": "PENDING", "rows": 2, "amount": 105_000},
        {"currency": "JPY", "status": "PAID", "rows": 3, "amount": 980_000},
    ]
    assert answer["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False}


@pytest.mark.parametrize(
    "who, settlements, contracts",
    [
        ("B", 5, 6),  # sells five, and buys #100
        ("A", 1, 1),
        ("D", 0, 2),  # only buys: has no settlements, nor their number or sum
        ("G", 0, 0),
        (130, 4, 4),
        (320, 2, 2),
        ("operator", 6, 6),
    ],
)
async def test_who_finds_how_many(market: Market, who: str | int, settlements: int, contracts: int):
    await figure_9(market)
    data = await market.ask(
        who, "{ s: settlements { count { value } sums { rows } edges { node { id } } } c: contracts { count { value } } }"
    )
    assert (data["s"]["count"]["value"], len(data["s"]["edges"]), sum(row["rows"] for row in data["s"]["sums"])) == (settlements,) * 3
    assert data["c"]["count"]["value"] == contracts


# ── orders and pages ─────────────────────────────────────────────────────────────────────────────────────────────────
LIST = """query ($by: %s, $first: Int, $after: String, $last: Int, $before: String) {
  list: %s(orderBy: $by, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { %s } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
CONTRACTS = LIST % ("ContractOrder", "contracts", "contractId amount dueOn debit { debitedOn }")
SETTLEMENTS = LIST % ("SettlementOrder", "settlements", "contract { contractId } debitedOn settledOn expectedOn")
KEYS = {
    (CONTRACTS, "REGISTERED_AT"): lambda n: n["contractId"],
    (CONTRACTS, "AMOUNT"): lambda n: n["amount"],
    (CONTRACTS, "DUE_ON"): lambda n: n["dueOn"],
    (CONTRACTS, "DEBITED_ON"): lambda n: n["debit"]["debitedOn"],
    (SETTLEMENTS, "DEBITED_ON"): lambda n: n["debitedOn"],
    (SETTLEMENTS, "SETTLED_ON"): lambda n: n["settledOn"],
    (SETTLEMENTS, "EXPECTED_ON"): lambda n: n["expectedOn"],
}


def id_of(node: dict[str, Any]) -> str:
    return str((node.get("contract") or node)["contractId"])


async def many(market: Market) -> None:
    """Contracts with equal and missing keys, at two sites, with B社 selling, buying and both."""
    days: list[str | None] = ["09-26", None, "09-25", "09-26"]
    for number, (debited, due, settled) in enumerate(itertools.product(days, [None, "09-30"], [None, "10-01"])):
        seller, buyer = [("B", "D"), ("D", "B"), ("B", "B")][number % 3]
        await market.contract(
            f"{[130, 320][number % 2]}/{number}",
            seller,
            buyer,
            1_000 * (number % 4 + 1),
            due=due,
            planned=("09-24", "09-24", "09-27", f"09-{20 + number % 3}"),
            debit=int(DebitStatus.DEBITED if debited else DebitStatus.PENDING),
            debited_on=debited,
            payout=int([PayoutStatus.PENDING, PayoutStatus.WILL_NOT_SETTLE][number % 5 == 0]),
            settled_on=settled if debited else None,
        )


async def all_pages(market: Market, query: str, by: dict[str, str], size: int, *, backward: bool) -> list[dict[str, Any]]:
    """The whole list page by page, each page's ends checked."""
    nodes: list[dict[str, Any]] = []
    cursor, more = None, True
    while more:
        arguments = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        page = (await market.ask("B", query, {"by": by, **arguments}))["list"]
        info, found = page["pageInfo"], [edge["node"] for edge in page["edges"]]
        behind, ahead = ("hasNextPage", "hasPreviousPage") if backward else ("hasPreviousPage", "hasNextPage")
        assert info[behind] is bool(nodes), "it is known what lies behind"
        nodes = found + nodes if backward else nodes + found
        cursor, more = info["startCursor" if backward else "endCursor"], info[ahead]
        assert (info["startCursor"], info["endCursor"]) == (page["edges"][0]["cursor"], page["edges"][-1]["cursor"])
    return nodes


async def test_every_order_forwards_and_backwards_page_by_page(market: Market):
    await many(market)
    for (query, field), key in KEYS.items():
        whole = (await market.ask("B", query, {"by": {"field": field, "direction": "ASC"}}))["list"]["edges"]
        nodes = [edge["node"] for edge in whole]
        assert len(nodes) == (16 if query is CONTRACTS else 11)
        for direction, reverse in (("ASC", False), ("DESC", True)):
            keyed = sorted((n for n in nodes if key(n) is not None), key=lambda n: (key(n), id_of(n)), reverse=reverse)
            unkeyed = sorted((n for n in nodes if key(n) is None), key=id_of, reverse=reverse)
            expected = [id_of(node) for node in keyed + unkeyed]
            for size, backward in ((3, False), (4, True)):
                found = await all_pages(market, query, {"field": field, "direction": direction}, size, backward=backward)
                assert [id_of(node) for node in found] == expected, (field, direction, size, backward)


async def test_the_first_order_is_that_of_the_page(market: Market):
    """Contracts: the latest first. Settlements: by date of the debit, those without one last."""
    await many(market)
    contracts = (await market.ask("B", "{ contracts { edges { node { contractId } } } }"))["contracts"]["edges"]
    ids = [edge["node"]["contractId"] for edge in contracts]
    assert ids == sorted(ids, reverse=True)
    rows = (await market.ask("B", "{ settlements { edges { node { debitedOn contract { contractId } } } } }"))["settlements"]["edges"]
    keys = [(edge["node"]["debitedOn"] or "9999", edge["node"]["contract"]["contractId"]) for edge in rows]
    assert keys == sorted(keys)
    assert keys[-1][0] == "9999"


async def test_a_page_does_not_shift_when_something_comes_in_between(market: Market):
    for number in range(4):
        await market.contract(f"130/{number}", "A", "B", 1_000)
    query = (
        "query ($after: String) { contracts(first: 2, after: $after) { edges { node { number } } pageInfo { endCursor hasPreviousPage } } }"
    )
    first = (await market.ask("A", query))["contracts"]
    await market.contract("130/9", "A", "B", 1_000)
    second = (await market.ask("A", query, {"after": first["pageInfo"]["endCursor"]}))["contracts"]
    assert [edge["node"]["number"] for page in (first, second) for edge in page["edges"]] == ["3", "2", "1", "0"]
    assert second["pageInfo"]["hasPreviousPage"] is True


WINDOWS = """query ($first: Int, $after: String, $last: Int, $before: String) { contracts(
  first: $first, after: $after, last: $last, before: $before, orderBy: {field: AMOUNT, direction: ASC}) {
  edges { node { number } } pageInfo { hasNextPage hasPreviousPage startCursor } } }"""


@pytest.mark.parametrize(
    "after, before, size, numbers, has_next, has_previous",
    [
        (None, None, {"first": 2}, "01", True, False),
        (None, None, {"last": 2}, "34", False, True),
        ("1", None, {"first": 2}, "23", True, True),
        ("1", None, {"first": 9}, "234", False, True),
        (None, "3", {"last": 2}, "12", True, True),
        (None, "3", {"first": 2}, "01", True, False),
        (None, "3", {"first": 9}, "012", True, False),
        ("0", "4", {"first": 9}, "123", True, True),
        ("0", "4", {"last": 2}, "23", True, True),
        ("0", "4", {"last": 9}, "123", True, True),
        ("4", None, {"first": 2}, "", False, True),
        (None, "0", {"last": 2}, "", True, False),
        ("1", None, {"first": 0}, "", True, True),
        (None, None, {"first": 0}, "", True, False),
        (None, "3", {"last": 0}, "", True, True),
    ],
)
async def test_windows(
    market: Market, after: str | None, before: str | None, size: dict[str, int], numbers: str, has_next: bool, has_previous: bool
):
    cursors: dict[str, str] = {}
    for number in range(5):
        await market.contract(f"130/{number}", "A", "B", 1_000 + number)
    for here, previous in zip("01234", ("", *"0123"), strict=True):
        window = {"first": 1, "after": cursors.get(previous)}
        cursors[here] = (await market.ask("A", WINDOWS, window))["contracts"]["pageInfo"]["startCursor"]
    variables = {**size, "after": after and cursors[after], "before": before and cursors[before]}
    page = (await market.ask("A", WINDOWS, variables))["contracts"]
    assert "".join(edge["node"]["number"] for edge in page["edges"]) == numbers
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (has_next, has_previous)


@pytest.mark.parametrize(
    "arguments, code",
    [
        ("first: 201", "PAGE_TOO_LARGE"),
        ("last: 2147483647", "PAGE_TOO_LARGE"),
        ("first: -1", "BAD_USER_INPUT"),
        ("first: 1, last: 1", "BAD_USER_INPUT"),
        ('after: ""', "BAD_USER_INPUT"),
        ('after: "0"', "BAD_USER_INPUT"),
        ('after: "ééé"', "BAD_USER_INPUT"),
        ('before: "AAAAAAAAAAAAAAAAAAAAAAAA"', "BAD_USER_INPUT"),
        ('filter: {amount: {from: "1.5"}}', "BAD_USER_INPUT"),
        ('filter: {amount: {to: "-1"}}', "BAD_USER_INPUT"),
        ("filter: {amount: {to: 1.5}}", "BAD_USER_INPUT"),
        ("filter: {amount: {to: 9007199254740992}}", "BAD_USER_INPUT"),
        ('filter: {dueOn: {from: "2000-02-30"}}', "BAD_USER_INPUT"),
        ('filter: {debitedOn: {to: "20000925"}}', "BAD_USER_INPUT"),
        ("filter: {debitedOn: {to: 20000925}}", "BAD_USER_INPUT"),
        ('filter: {registeredAt: {from: "2000-09-20T10:00:00"}}', "BAD_USER_INPUT"),
        ('filter: {registeredAt: {from: "9999-12-31T23:59:59-12:00"}}', "BAD_USER_INPUT"),
    ],
)
async def test_what_cannot_be_meant_is_refused_with_a_code(market: Market, arguments: str, code: str):
    refusal = await market.refusal("A", f"{{ contracts({arguments}) {{ asOf }} }}")
    assert refusal["code"] == code
    if code == "PAGE_TOO_LARGE":
        assert refusal["limit"] == 200
        assert "200" in refusal["message"]


async def test_a_cursor_is_good_for_its_own_list_only(market: Market):
    for number in range(3):
        await market.contract(f"130/{number}", "A", "A", 1_000)

    def query(arguments: str, of: str = "contracts") -> str:
        return f"query ($after: String) {{ {of}(first: 1, after: $after{arguments}) {{ edges {{ cursor }} }} }}"

    async def cursor(who: str | int, text: str) -> str:
        return str(next(iter((await market.ask(who, text)).values()))["edges"][0]["cursor"])

    own = query(', filter: {numbers: ["0", "1", "2"]}, orderBy: {field: AMOUNT}')
    for who, text in (
        ("A", query("")),  # without the filter and the order
        ("A", query(', filter: {numbers: ["0", "1"]}, orderBy: {field: AMOUNT}')),
        ("A", query(', filter: {numbers: ["0", "1", "2"]}, orderBy: {field: AMOUNT, direction: ASC}')),
        ("A", query("", "settlements")),
        (130, own),
    ):
        refusal = await market.refusal("A", own, {"after": await cursor(who, text)})
        assert refusal["code"] == "BAD_USER_INPUT", (who, text)
    good = await cursor("A", own)
    assert await market.ask("A", own, {"after": good})
    altered = good[:20] + ("A" if good[20] != "A" else "B") + good[21:]
    assert (await market.refusal("A", own, {"after": altered}))["code"] == "BAD_USER_INPUT"


# ── filters ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def filtered_world(market: Market) -> None:
    await market.contract("130/a", "B", "D", 1_000, "09-20 10:00", debit=4, debited_on="09-24", delivery=4, payout=3, settled_on="09-28")
    await market.contract("130/b", "D", "B", 2_000, "09-21 10:00", debit=4, debited_on="09-25", delivery=1, payout=3, settled_on="09-29")
    await market.contract("320/a", "B", "B", 3_000, "09-22 10:00", debit=5, payout=5)
    await market.contract("320/c", "B", "H", 4_000, "09-23 10:00", due="09-30", debit=2)
    await market.contract("130/x", "A", "H", 5_000, "09-24 10:00", debit=4, debited_on="09-24", payout=3)


@pytest.mark.parametrize(
    "filter_, expected",
    [
        ("", "a b a c"),
        ("siteIds: null, numbers: null", "a b a c"),
        ('siteIds: ["130"]', "a b"),
        ('siteIds: ["130", "320", "x", "-1"]', "a b a c"),
        ('siteIds: ["0130"]', ""),
        ("siteIds: []", ""),
        ('numbers: ["a"]', "a a"),
        ('numbers: ["a", "c"], siteIds: ["320"]', "a c"),
        ('numbers: ["\\u0000", "a"], siteIds: ["320"]', "a"),
        ('numbers: ["x"]', ""),  # exists, and is not B's
        ("role: SELLER", "a a c"),
        ("role: BUYER", "b a"),
        ("role: SITE", ""),
        ("role: OPERATOR", ""),
        ("debitStatus: [DEBITED]", "a b"),
        ("debitStatus: [FAILED, SCHEDULED]", "a c"),
        ("debitStatus: []", ""),
        ("deliveryStatus: [SHIPPED]", "a"),
        ("payoutStatus: [PAID]", "a"),  # 130/b too is paid, but that is nothing that its buyer is told
        ("payoutStatus: [PAID, PENDING, WILL_NOT_SETTLE]", "a a c"),
        ("payoutStatus: [WILL_NOT_SETTLE], role: BUYER", "a"),  # he also sells it
        ('registeredAt: {from: "2000-09-21T10:00:00+09:00", before: "2000-09-23T10:00:00+09:00"}', "b a"),
        ('registeredAt: {before: "2000-09-21T01:00:00Z"}', "a"),
        ('dueOn: {from: "2000-09-30", to: "2000-09-30"}', "c"),
        ('dueOn: {to: "2000-09-29"}', ""),
        ('debitedOn: {from: "2000-09-24", to: "2000-09-24"}', "a"),
        ('debitedOn: {from: "2000-09-25"}', "b"),
        ('amount: {from: 2000, to: "3000"}', "b a"),
        ('amount: {from: 2000}, role: SELLER, siteIds: ["320"], debitStatus: [FAILED]', "a"),
    ],
)
async def test_filters_of_contracts(market: Market, filter_: str, expected: str):
    await filtered_world(market)
    order = "orderBy: {field: REGISTERED_AT, direction: ASC}"
    data = await market.ask("B", f"{{ contracts({order}, filter: {{{filter_}}}) {{ count {{ value }} edges {{ node {{ number }} }} }} }}")
    found = [edge["node"]["number"] for edge in data["contracts"]["edges"]]
    # IDs of two homes made in one second go by home.
    assert sorted(found) == sorted(expected.split())
    assert data["contracts"]["count"]["value"] == len(found)


async def test_filter_by_contract_id(market: Market):
    await filtered_world(market)
    ids = [str(market.ids["130/a"]), f"{market.ids['320/c']:018d}", str(market.ids["130/x"]), "1", "", "x"]
    data = await market.ask(
        "B", "query ($ids: [String!]) { contracts(filter: {contractIds: $ids}) { edges { node { number } } } }", {"ids": ids}
    )
    assert {edge["node"]["number"] for edge in data["contracts"]["edges"]} == {"a", "c"}


@pytest.mark.parametrize(
    "filter_, expected",
    [
        ("", "a a c"),
        ('siteIds: ["130"]', "a"),
        ('numbers: ["b", "c"]', "c"),
        ("status: [PAID]", "a"),
        ("status: [WILL_NOT_SETTLE, PENDING]", "a c"),
        ('debitedOn: {from: "2000-09-24"}', "a"),
        ('settledOn: {from: "2000-09-28", to: "2000-09-28"}', "a"),
        ('settledOn: {from: "2000-09-29"}', ""),  # 130/b was settled that day: for D
    ],
)
async def test_filters_of_settlements(market: Market, filter_: str, expected: str):
    await filtered_world(market)
    query = f"{{ settlements(filter: {{{filter_}}}) {{ count {{ value }} sums {{ rows }} edges {{ node {{ number }} }} }} }}"
    answer = (await market.ask("B", query))["settlements"]
    assert sorted(edge["node"]["number"] for edge in answer["edges"]) == expected.split()
    assert answer["count"]["value"] == sum(row["rows"] for row in answer["sums"]) == len(expected.split())


# ── count, place in the log, number of queries ───────────────────────────────────────────────────────────────────────
async def test_a_count_is_exact_up_to_its_limit(market: Market, monkeypatch: pytest.MonkeyPatch):
    await many(market)
    query = "{ contracts(first: 1) { count { value exact } } }"
    for limit, count in ((16, {"value": 16, "exact": True}), (15, {"value": 15, "exact": False})):
        monkeypatch.setattr(pages, "COUNT_LIMIT", limit)
        assert (await market.ask("B", query))["contracts"]["count"] == count
    monkeypatch.undo()
    assert pages.COUNT_LIMIT == 10_000


async def test_as_of_is_the_place_in_the_log_of_every_home_that_is_yours(market: Market):
    async def places(who: str | int) -> dict[int, int]:
        data = await market.ask(who, "{ contracts { asOf edges { node { asOf } } } settlements { asOf } }")
        marks = {data["contracts"]["asOf"], data["settlements"]["asOf"], *(e["node"]["asOf"] for e in data["contracts"]["edges"])}
        assert len(marks) == 1
        return {place.home: place.pos for place in decode(marks.pop(), KEY)}

    await market.contract("130/1", "A", "B", 1_000)
    assert (await places("A"), await places(130), await places(320)) == ({1: 1, 2: 0}, {1: 1}, {2: 0})
    await market.contract("320/1", "C", "D", 1_000)
    assert (await places("A"), await places(130), await places(320)) == ({1: 1, 2: 1}, {1: 1}, {2: 1})


@pytest.mark.parametrize("how_many", [1, 6])
async def test_a_list_takes_as_many_queries_as_it_has_parts(market: Market, how_many: int):
    for number in range(how_many):
        await market.contract(f"130/{number}", "A", "B", 1_000)
    rows = "edges { node { status contract { number seller { name } goods { name } progress { steps { step } } } } }"
    for query, queries in (
        (f"{{ settlements {{ {rows} }} }}", 5),  # who is asking, the page with and without dates, the place in the log, the contracts
        (f"{{ settlements {{ {rows} count {{ value }} }} }}", 6),
        (f"{{ settlements {{ ...a ...a }} }} fragment a on SettlementConnection {{ {rows} count {{ value }} sums {{ rows }} }}", 7),
    ):
        with counted() as seen:
            await market.ask("A", query)
        assert len(seen) == queries, (query, seen)


async def test_every_nested_field_of_a_list_takes_no_query_more_for_more_rows(market: Market):
    """N+1: everything that can be selected below a list, with one row and with eight."""
    queries = [f"{{ {name} {everything(connection)} }}" for name, connection in LISTS.items()]
    counts: list[list[int]] = []
    for rows in (1, 7):
        for number in range(rows):
            await market.contract(f"130/{rows}-{number}", "A", "B", 1_000, debited_on="09-25", **DEBITED)
        counts.append([])
        for query in queries:
            assert "timeline" in query
            with counted() as seen:
                await market.ask("A", query)
            counts[-1].append(len(seen))
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 8


LISTS = {"contracts": "ContractConnection", "settlements": "SettlementConnection"}
