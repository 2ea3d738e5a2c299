"""Who sees what: every field of every type that tells of a contract, for every role. A field without a row here fails.

The rows are the table of the API's description, field by field. `own` and `masked` are about account numbers; `null` is what those get
who may not see a field.
"""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLObjectType, build_schema, get_named_type

from api.schema import sdl
from domain.statuses import EventKind
from domain.store.connection import transaction
from tests.api.market import Market

ROLES = ("site", "seller", "buyer", "operator", "both")
WHO: dict[str, str | int] = {"site": 130, "seller": "A", "buyer": "B", "operator": "operator", "both": "C"}

# Type and fields · site · seller · buyer · operator · a firm that is both
TABLE = """
Contract: id contractId number site viewerRoles amount currency registeredAt | yes yes yes yes yes
Contract: dueOn terms seller buyer goods debit delivery progress timeline asOf | yes yes yes yes yes
Contract: payout                                                            | yes yes null yes yes
Site: siteId name                                                           | yes yes yes yes yes
Terms: mode release deliveryTrigger shipBeforeAcceptance                    | yes yes yes yes yes
seller: code name postalCode address                                        | yes yes yes yes yes
buyer: code name postalCode address                                         | yes yes yes yes yes
seller: account                                                             | masked own null masked own
buyer: account                                                              | masked null own masked own
GoodsLine: name model quantity                                              | yes yes yes yes yes
Debit: status currency scheduledOn debitedOn attemptCount failure           | yes yes yes yes yes
Debit: amount buyerFee                                                      | yes null yes yes yes
DebitFailure: reason bankCode message failedOn retryOn                      | yes yes yes yes yes
Delivery: status instructedOn shippedOn deliveredOn carrier trackingNumber  | yes yes yes yes yes
Payout: status expectedAmount expectedOn settledAmount settledOn            | yes yes null yes yes
Payout: creditedOn sellerFee currency                                       | yes yes null yes yes
Progress: steps warning                                                     | yes yes yes yes yes
"""
# Types that carry what others decide, or nothing about one contract.
ELSEWHERE = {
    "BankAccount": "whole or masked: the rows `account`",
    "ContractParty": "the rows `seller` and `buyer`",
    "ProgressStep": "test_the_step_settled",
    "Warning": "the row `warning`",
    "ContractEvent": "test_events",
    "ContractEventConnection": "test_events",
    "ContractEventEdge": "test_events",
    "Settlement": "test_settlements",
    "SettlementEvent": "tests/api/live/test_rights.py",
    "Subscription": "tests/api/live/test_rights.py",
    "SettlementConnection": "test_settlements",
    "SettlementEdge": "test_settlements",
    "SettlementSum": "test_settlements",
    "ContractConnection": "test_strangers",
    "ContractEdge": "test_strangers",
    "Count": "a number over rows that are listed",
    "PageInfo": "cursors of rows that are listed",
    "Viewer": "tells only of the token",
    "Query": "tests/api/test_reading_*",
    "Mutation": "a site's token and contracts:write: tests of registration",
    **dict.fromkeys(
        ("ContractRegistered", "ContractConflict", "ContractRefused", "ContractsRegistered", "ContractsRefused", "InputProblem"),
        "answers to the site that registers",
    ),
}
SCHEMA = build_schema(sdl())
PARTY = "{ code name postalCode address account { bankCode branchCode type number holder } }"
CONTRACT = f"""query ($id: ID!) {{ node(id: $id) {{ ... on Contract {{
  id contractId number site {{ siteId name }} viewerRoles amount currency registeredAt dueOn
  terms {{ mode release deliveryTrigger shipBeforeAcceptance }} seller {PARTY} buyer {PARTY} goods {{ name model quantity }}
  debit {{ status amount buyerFee currency scheduledOn debitedOn attemptCount
    failure {{ reason bankCode message failedOn retryOn }} }}
  delivery {{ status instructedOn shippedOn deliveredOn carrier trackingNumber }}
  payout {{ status expectedAmount expectedOn settledAmount settledOn creditedOn sellerFee currency }}
  progress {{ steps {{ step plannedOn forecastOn actualOn slipDays slipCause }} warning {{ code message }} }}
  timeline {{ edges {{ node {{ kind }} }} }} asOf }} }} }}"""
# Where the table's types stand in that answer.
PLACES = {
    "Contract": (),
    "Site": ("site",),
    "Terms": ("terms",),
    "seller": ("seller",),
    "buyer": ("buyer",),
    "GoodsLine": ("goods", 0),
    "Debit": ("debit",),
    "DebitFailure": ("debit", "failure"),
    "Delivery": ("delivery",),
    "Payout": ("payout",),
    "Progress": ("progress",),
}
EVENTS = (EventKind.REGISTERED, *(kind for kind in EventKind if kind is not EventKind.REGISTERED))
NOT_FOR_BUYERS = {"FUNDED", "PAYOUT_INSTRUCTED", "PAID", "PAYOUT_RETURNED", "WILL_NOT_SETTLE", "PAYOUT_WITHDRAWN", "PAYOUT_UNKNOWN"}


def rows() -> dict[tuple[str, str], dict[str, str]]:
    table = {}
    for line in TABLE.strip().splitlines():
        left, right = line.split("|")
        owner, fields = left.split(":")
        for field in fields.split():
            table[owner, field] = dict(zip(ROLES, right.split(), strict=True))
    return table


def test_every_field_has_a_row():
    missing = []
    for name, named in SCHEMA.type_map.items():
        if not isinstance(named, GraphQLObjectType) or name.startswith("__") or name in ELSEWHERE:
            continue
        missing += [f"{name}.{field}" for field in named.fields if (name, field) not in rows()]
    assert missing == [], "say in TABLE who sees them"
    party = SCHEMA.type_map["ContractParty"]
    assert isinstance(party, GraphQLObjectType)
    assert {field for owner, field in rows() if owner == "seller"} == set(party.fields)
    assert {field for owner, field in rows() if owner == "buyer"} == set(party.fields)
    assert set(ELSEWHERE) <= set(SCHEMA.type_map)


def test_the_question_asks_for_every_field_of_the_table():
    for owner, field in rows():
        assert field in CONTRACT, (owner, field)


@pytest.fixture
async def market(store: Any) -> Market:
    """One contract with a value in every field, and one whose seller is also its buyer."""
    market = await Market().build()
    full: dict[str, Any] = {
        "fees": (300, 500),
        "due": "09-24",
        "events": EVENTS,
        "debit": 5,
        "failure": 1,
        "failed_on": "09-24",
        "retry_on": "09-30",
        "scheduled_on": "09-24",
        "debited_on": "09-24",
        "delivery": 6,
        "delivery_instructed_on": "09-25",
        "shipped_on": "09-26",
        "delivered_on": "09-27",
        "tracking_number": "T-1",
        "payout": 3,
        "settled": 9_500,
        "settled_on": "09-28",
        "credited_on": "09-29",
    }
    await market.contract("130/1", "A", "B", 10_000, **full)
    await market.contract("130/2", "C", "C", 10_000, **full)
    async with transaction() as tx:
        await tx.run("update delivery_record set seller_postal_code = '100-0005', buyer_postal_code = '105-0001' where home = 1")
    return market


def at(answer: dict[str, Any], place: tuple[str | int, ...]) -> Any:
    found: Any = answer
    for step in place:
        found = None if found is None else found[step]
    return found


def name_of(role: str) -> str:
    return "130/2" if role == "both" else "130/1"


@pytest.mark.parametrize("role", ROLES)
async def test_every_field_for_every_role(market: Market, role: str):
    answer = (await market.ask(WHO[role], CONTRACT, {"id": f"c{market.ids[name_of(role)]}"}))["node"]
    seen = {}
    for owner, field in rows():
        thing = at(answer, PLACES[owner])
        value = None if thing is None else thing[field]
        if value is None:
            seen[owner, field] = "null"
        elif field == "account":
            assert all(value.values())
            masked = value["number"].startswith("*****")
            assert masked or value["number"].startswith("90000")
            seen[owner, field] = "masked" if masked else "own"
        else:
            seen[owner, field] = "yes"
    assert seen == {row: allowed[role] for row, allowed in rows().items()}


@pytest.mark.parametrize("role", ROLES)
async def test_the_step_settled(market: Market, role: str):
    answer = (await market.ask(WHO[role], CONTRACT, {"id": f"c{market.ids[name_of(role)]}"}))["node"]
    steps = [step["step"] for step in answer["progress"]["steps"]]
    four = ["ACCEPTED", "DEBITED", "DELIVERY_INSTRUCTED", "SHIPPED"]
    assert steps == (four if role == "buyer" else [*four, "SETTLED"])


@pytest.mark.parametrize("role", ROLES)
async def test_events(market: Market, role: str):
    answer = (await market.ask(WHO[role], CONTRACT, {"id": f"c{market.ids[name_of(role)]}"}))["node"]
    kinds = [edge["node"]["kind"] for edge in answer["timeline"]["edges"]]
    assert kinds == [kind.name for kind in EVENTS if role != "buyer" or kind.name not in NOT_FOR_BUYERS]


SETTLEMENTS = """{ settlements { edges { cursor node { id contract { number } siteId number debitedOn settledOn settledAmount expectedAmount
  expectedOn currency status } } count { value } sums { status rows amount } } }"""


@pytest.mark.parametrize("role", ROLES)
async def test_settlements(market: Market, role: str):
    answer = (await market.ask(WHO[role], SETTLEMENTS))["settlements"]
    numbers = {"site": "12", "operator": "12", "seller": "1", "both": "2", "buyer": ""}[role]
    assert "".join(edge["node"]["number"] for edge in answer["edges"]) == numbers
    assert answer["count"]["value"] == len(numbers)
    rows_of_sums = [{"status": "PAID", "rows": len(numbers), "amount": 9_500 * len(numbers)}] if numbers else []
    assert answer["sums"] == rows_of_sums
    assert all(value is not None for edge in answer["edges"] for value in edge["node"].values())
    by_id = "query ($id: ID!) { node(id: $id) { id } }"
    node = (await market.ask(WHO[role], by_id, {"id": f"s{market.ids[name_of(role)]}"}))["node"]
    assert (node is None) is (role == "buyer")


@pytest.mark.parametrize("who", ["D", "H", 320])
async def test_strangers(market: Market, who: str | int):
    """Other firms and sites find nothing, by any way, and learn nothing of how much there is."""
    data = await market.ask(who, "{ contracts { edges { node { id } } count { value } } }")
    assert data["contracts"] == {"edges": [], "count": {"value": 0}}
    assert (await market.ask(who, SETTLEMENTS))["settlements"] == {"edges": [], "count": {"value": 0}, "sums": []}
    seen = (await market.ask("A", CONTRACT.replace("kind }", "id kind }"), {"id": f"c{market.ids['130/1']}"}))["node"]
    event_ids = [edge["node"]["id"] for edge in seen["timeline"]["edges"]]
    for node_id in (f"c{market.ids['130/1']}", f"s{market.ids['130/1']}", *event_ids):
        assert (await market.ask(who, "query ($id: ID!) { node(id: $id) { id } }", {"id": node_id}))["node"] is None
    filtered = "query ($ids: [String!]) { contracts(filter: {contractIds: $ids, payoutStatus: [PAID]}) { count { value } } }"
    assert (await market.ask(who, filtered, {"ids": [str(market.ids["130/1"])]}))["contracts"]["count"]["value"] == 0


async def test_a_claim_that_is_given_up_ends_the_sight(market: Market):
    async with transaction() as tx:
        await tx.run("update party set firm_id = null where home = 1 and party_id = $1", market.parties[130, "A"])
    assert (await market.ask("A", CONTRACT, {"id": f"c{market.ids['130/1']}"}))["node"] is None


def test_what_a_type_shows_is_reached_through_the_mapper_only():
    """Whatever can be reached from a query is in the table or named as tested elsewhere: there is no third way to a contract."""
    reached, waiting = set(), ["Query"]
    while waiting:
        name = waiting.pop()
        named = SCHEMA.type_map[name]
        if name in reached or not isinstance(named, GraphQLObjectType):
            continue
        reached.add(name)
        waiting += [get_named_type(field.type).name for field in named.fields.values()]
    assert reached - {owner for owner, _ in rows()} <= set(ELSEWHERE)
