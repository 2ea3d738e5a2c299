"""One contract as its parties see it: figures 8 and 3, failures, lookups, the timeline."""

from __future__ import annotations

from typing import Any

import pytest

from domain.statuses import DebitStatus, DeliveryStatus, EventKind, PayoutStatus
from tests.api.market import Market, at, counted

PROGRESS = """
query ($site: String!, $number: String!) {
  contract(by: {number: {siteId: $site, number: $number}}) {
    viewerRoles
    progress { steps { step plannedOn forecastOn actualOn slipDays slipCause } warning { code message } }
  }
}
"""
SHORT: dict[str, Any] = {"debit": int(DebitStatus.FAILED), "failure": 1, "failed_on": "09-24", "debit_attempt": 1, "result_on": "09-26"}


@pytest.fixture
async def market(store: Any) -> Market:
    return await Market().build()


async def figure_8(market: Market) -> None:
    """130/4102 as it stands on 09-26 at 09:00: debited 09-24, the result came on 09-25, the carrier was instructed that day."""
    await market.contract(
        "130/4102",
        "E",
        "F",
        90_000,
        debit=int(DebitStatus.DEBITED),
        delivery=int(DeliveryStatus.INSTRUCTED),
        debited_on="09-24",
        result_on="09-25",
        delivery_instructed_on="09-25",
        debit_attempt=1,
    )


async def test_figure_8_as_the_buyer_sees_it(market: Market):
    await figure_8(market)
    data = await market.ask("F", PROGRESS, {"site": "130", "number": "4102"}, now=at("09-26 09:00"))
    steps = data["contract"]["progress"]["steps"]
    assert [(s["step"], s["plannedOn"][5:], s["actualOn"] and s["actualOn"][5:]) for s in steps] == [
        ("ACCEPTED", "09-20", "09-20"),
        ("DEBITED", "09-24", "09-24"),
        ("DELIVERY_INSTRUCTED", "09-24", "09-25"),
        ("SHIPPED", "09-27", None),
    ]
    shipped = steps[-1]
    assert (shipped["forecastOn"], shipped["slipDays"]) == ("2000-09-28", 1)
    assert "the day after the debit" in shipped["slipCause"]
    assert data["contract"]["progress"]["warning"] is None
    assert data["contract"]["viewerRoles"] == ["BUYER"]


async def test_the_seller_sees_a_fifth_step_and_japanese_where_he_asks_for_it(market: Market):
    await figure_8(market)
    data = await market.ask("E", PROGRESS, {"site": "130", "number": "4102"}, now=at("09-26 09:00"), language="ja")
    steps = data["contract"]["progress"]["steps"]
    assert [s["step"] for s in steps][-1] == "SETTLED"
    assert "銀行の振替結果が振替日の1日後に届いた" in steps[3]["slipCause"]


@pytest.mark.parametrize("who", ["A", "B", 130])
async def test_the_warning_names_the_true_reason(market: Market, who: str | int):
    await market.contract("130/4100", "A", "B", 25_000, payout=int(PayoutStatus.WILL_NOT_SETTLE), **SHORT)
    data = await market.ask(who, PROGRESS, {"site": "130", "number": "4100"}, now=at("09-26 12:00"))
    assert data["contract"]["progress"]["warning"]["code"] == "SHORT_BALANCE"
    assert "short balance" in data["contract"]["progress"]["warning"]["message"]


@pytest.mark.parametrize(
    "state, failure",
    [
        ({"debit": 5, "failure": 1, "failed_on": "09-24", "retry_on": "09-30"}, ("SHORT_BALANCE", "1", "2000-09-24", "2000-09-30")),
        ({"debit": 1, "failure": 1, "failed_on": "09-24"}, ("SHORT_BALANCE", "1", "2000-09-24", None)),
        ({"debit": 5, "failure": 8, "failed_on": "09-24"}, ("STOPPED_BY_US", "8", "2000-09-24", None)),
        ({"debit": 4, "failure": 1, "failed_on": "09-24", "debited_on": "09-30"}, None),
        ({"debit": 4, "debited_on": "09-24"}, None),
    ],
)
async def test_a_failure_is_told_until_a_later_attempt_has_got_further(
    market: Market, state: dict[str, Any], failure: tuple[str, ...] | None
):
    await market.contract("130/1", "A", "B", 1_000, **state)
    query = '{ contract(by: {number: {siteId: "130", number: "1"}}) { debit { failure { reason bankCode failedOn retryOn } } } }'
    answer = (await market.ask("A", query))["contract"]["debit"]["failure"]
    assert (tuple(answer.values()) if answer else None) == failure


async def test_a_contract_as_it_was_registered(market: Market):
    contract_id = await market.contract(
        "130/4101",
        "C",
        "D",
        198_000,
        "09-20 10:00",
        fees=(300, 500),
        due="09-29",
        goods=({"name": "プリンタ", "model": "MM100", "quantity": 1}, {"name": "紙", "model": None, "quantity": 5}),
        tracking_number="T-1",
    )
    data = await market.ask(
        "C",
        """query ($id: String!) { contract(by: {contractId: $id}) {
          id contractId number site { siteId name } amount currency registeredAt dueOn
          terms { mode release deliveryTrigger shipBeforeAcceptance }
          seller { code name postalCode address account { bankCode branchCode type number holder } } goods { name model quantity }
          debit { status currency attemptCount scheduledOn debitedOn }
          delivery { status instructedOn shippedOn deliveredOn carrier trackingNumber }
          payout { status expectedAmount expectedOn settledAmount settledOn creditedOn sellerFee currency } asOf } }""",
        {"id": str(contract_id)},
    )
    as_of = data["contract"].pop("asOf")
    assert as_of
    assert data["contract"] == {
        "id": f"c{contract_id}",
        "contractId": f"{contract_id:018d}",
        "number": "4101",
        "site": {"siteId": "130", "name": "市場130"},
        "amount": 198_000,
        "currency": "JPY",
        "registeredAt": "2000-09-20T10:00:00+09:00",
        "dueOn": "2000-09-29",
        "terms": {"mode": "ESCROW", "release": "ON_SHIPMENT", "deliveryTrigger": "AFTER_DEBIT", "shipBeforeAcceptance": False},
        "seller": {
            "code": "c",
            "name": "C社",
            "postalCode": None,
            "address": "Cの住所",
            "account": {"bankCode": "9990", "branchCode": "101", "type": "ORDINARY", "number": "9000067", "holder": "Cｼﾔ"},
        },
        "goods": [{"name": "プリンタ", "model": "MM100", "quantity": 1}, {"name": "紙", "model": None, "quantity": 5}],
        "debit": {"status": "PENDING", "currency": "JPY", "attemptCount": 0, "scheduledOn": None, "debitedOn": None},
        "delivery": {
            "status": "PENDING",
            "instructedOn": None,
            "shippedOn": None,
            "deliveredOn": None,
            "carrier": "砂場運輸",
            "trackingNumber": "T-1",
        },
        "payout": {
            "status": "PENDING",
            "expectedAmount": 197_500,
            "expectedOn": "2000-09-28",
            "settledAmount": None,
            "settledOn": None,
            "creditedOn": None,
            "sellerFee": 500,
            "currency": "JPY",
        },
    }


BY = "query ($by: ContractKeyInput!) { contract(by: $by) { number } }"


async def test_what_is_not_there_and_what_is_not_yours_answer_alike(market: Market):
    yours = await market.contract("130/1", "A", "B", 1_000)
    queries: list[list[str]] = []
    for key in (
        {"contractId": str(yours)},  # C has no part in it
        {"contractId": str(yours + 1)},  # wrong check digit
        {"contractId": str(market.fresh(1))},
        {"contractId": "x" * 10_000},
        {"contractId": ""},
        {"id": f"c{yours}"},
        {"id": "c"},
        {"id": "not one of ours"},
        {"id": f"s{yours}"},
        {"number": {"siteId": "130", "number": "1"}},
        {"number": {"siteId": "130", "number": "2"}},
        {"number": {"siteId": "130", "number": "\0"}},
        {"number": {"siteId": "130", "number": "\ud800"}},
        {"number": {"siteId": "0130", "number": "1"}},
        {"number": {"siteId": "999999999999", "number": "1"}},
    ):
        with counted() as seen:
            assert (await market.ask("C", BY, {"by": key}))["contract"] is None, key
        queries.append(seen)
    assert len({len(seen) for seen in queries[:9]}) == 1  # no answer takes another way than the others
    assert len({len(seen) for seen in queries[9:13]}) == 1
    for key in ({"contractId": str(yours)}, {"id": f"c{yours}"}, {"number": {"siteId": "130", "number": "1"}}):
        assert (await market.ask("A", BY, {"by": key}))["contract"] == {"number": "1"}


@pytest.mark.parametrize(
    "by, why",
    [({}, "exactly one"), ({"id": "c1", "contractId": "1"}, "exactly one"), ({"id": None}, "must be non-null")],
)
async def test_a_contract_is_named_in_exactly_one_way(market: Market, by: dict[str, Any], why: str):
    assert why in (await market.refusal("A", BY, {"by": by}))["message"].lower()


async def test_a_number_is_compared_after_nfc(market: Market):
    await market.contract("130/か\u3099", "A", "B", 1_000)  # as an old row might have it: not reached
    await market.contract("130/\u304c", "A", "B", 2_000)  # が, composed
    data = await market.ask(
        "A",
        'query ($n: String!) { contract(by: {number: {siteId: "130", number: $n}}) { amount } }',
        {"n": "\u304b\u3099"},
    )
    assert data["contract"] == {"amount": 2_000}


NODE = """query ($id: ID!) { node(id: $id) { id __typename ... on Settlement { status contract { number } }
  ... on Contract { number } ... on ContractEvent { kind occurredAt contract { number } } } }"""


async def test_nodes(market: Market):
    contract_id = await market.contract("130/1", "A", "B", 1_000, events=(EventKind.REGISTERED, EventKind.PAID))
    timeline = "query ($id: ID!) { node(id: $id) { ... on Contract { timeline { edges { node { id kind } } } } } }"
    events = (await market.ask("A", timeline, {"id": f"c{contract_id}"}))["node"]["timeline"]["edges"]
    paid = events[1]["node"]["id"]
    assert (await market.ask("A", NODE, {"id": f"c{contract_id}"}))["node"]["number"] == "1"
    assert (await market.ask("A", NODE, {"id": f"s{contract_id}"}))["node"]["status"] == "PENDING"
    assert (await market.ask("A", NODE, {"id": paid}))["node"] == {
        "id": paid,
        "__typename": "ContractEvent",
        "kind": "PAID",
        "occurredAt": "2000-09-20T10:00:00+09:00",
        "contract": {"number": "1"},
    }
    # The buyer: no settlement, no event of the payout. Nonsense: nothing.
    hidden = [f"s{contract_id}", paid]
    nonsense = ["", "c", "x1", f"c{contract_id}-1", f"e{contract_id}", f"e{contract_id}-", f"e{contract_id}-2", "c" + "9" * 5000, "é"]
    for node_id in hidden + nonsense:
        assert (await market.ask("B", NODE, {"id": node_id}))["node"] is None, node_id


TIMELINE = """query ($first: Int, $after: String) { contract(by: {number: {siteId: "130", number: "1"}}) {
  timeline(first: $first, after: $after) { edges { cursor node { id kind cursor } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
LIFE = (
    EventKind.REGISTERED,
    EventKind.DEBIT_INSTRUCTED,
    EventKind.DEBITED,
    EventKind.DELIVERY_INSTRUCTED,
    EventKind.SHIPPED,
    EventKind.FUNDED,
    EventKind.PAYOUT_INSTRUCTED,
    EventKind.PAID,
    EventKind.DELIVERED,
)


async def test_the_timeline_shows_a_buyer_no_trace_of_the_payout(market: Market):
    await market.contract("130/1", "A", "B", 1_000, events=LIFE)
    seller = (await market.ask("A", TIMELINE))["contract"]["timeline"]["edges"]
    buyer = (await market.ask("B", TIMELINE))["contract"]["timeline"]["edges"]
    assert [edge["node"]["kind"] for edge in seller] == [kind.name for kind in LIFE]
    assert [edge["node"]["kind"] for edge in buyer] == [
        "REGISTERED",
        "DEBIT_INSTRUCTED",
        "DEBITED",
        "DELIVERY_INSTRUCTED",
        "SHIPPED",
        "DELIVERED",
    ]
    # An event has one ID whoever looks, and it does not say how many came before.
    assert buyer[5]["node"]["id"] == seller[8]["node"]["id"]
    assert all(len(edge["cursor"]) == 20 for edge in seller)


async def test_the_timeline_has_pages(market: Market):
    await market.contract("130/1", "A", "B", 1_000, events=LIFE)
    seen, after = [], None
    for has_next, has_previous in ((True, False), (True, True), (False, True)):
        page = (await market.ask("B", TIMELINE, {"first": 2, "after": after}))["contract"]["timeline"]
        assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (has_next, has_previous)
        seen += [edge["node"]["kind"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == ["REGISTERED", "DEBIT_INSTRUCTED", "DEBITED", "DELIVERY_INSTRUCTED", "SHIPPED", "DELIVERED"]
    assert (await market.refusal("B", TIMELINE, {"after": "nonsense"}))["code"] == "BAD_USER_INPUT"
    assert (await market.refusal("B", TIMELINE, {"first": 201}))["code"] == "PAGE_TOO_LARGE"


async def test_the_viewer_is_whoever_holds_the_token(market: Market):
    query = "{ viewer { clientId userName siteId firmName scopes } }"
    scopes = ["contracts:read", "contracts:write", "settlements:read"]
    assert (await market.ask("B", query))["viewer"] == {
        "clientId": "client-B",
        "userName": None,
        "siteId": None,
        "firmName": "B社",
        "scopes": scopes,
    }
    assert (await market.ask(130, query))["viewer"]["siteId"] == "130"


@pytest.mark.parametrize(
    "query, wanted",
    [
        ("{ contracts { asOf } }", "contracts:read"),
        ('{ contract(by: {id: "c1"}) { id } }', "contracts:read"),
        ('{ node(id: "c1") { id } }', "contracts:read"),
        ('{ node(id: "s1") { id } }', "settlements:read"),
        ("{ settlements { asOf } }", "settlements:read"),
    ],
)
async def test_each_question_needs_its_scope(market: Market, query: str, wanted: str):
    everything_else = frozenset({"contracts:read", "contracts:write", "settlements:read"}) - {wanted}
    refusal = await market.refusal("A", query, scopes=everything_else)
    assert (refusal["code"], refusal["wanted"]) == ("INSUFFICIENT_SCOPE", wanted)


@pytest.mark.parametrize("how_many", [1, 5])
async def test_related_objects_come_with_the_contracts_and_not_one_by_one(market: Market, how_many: int):
    for number in range(how_many):
        await market.contract(f"130/{number}", "A", "B", 1_000, events=LIFE)
    query = """{ contracts { count { value } pageInfo { hasNextPage hasPreviousPage } edges { node {
      site { name } seller { account { number } } buyer { name } goods { name } debit { status } payout { status }
      progress { steps { step } } timeline { edges { node { kind contract { timeline { edges { node { kind } } } } } } } } } } }"""
    with counted() as seen:
        await market.ask("A", query)
    assert len(seen) == 6, seen  # scope, page, heads, contracts, count, events
