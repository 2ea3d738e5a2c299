"""What is not yours and what does not exist answer alike: the same bytes but for what you sent, by the same statements, on every way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from domain.contract_id import make, seconds_of
from domain.statuses import EventKind
from tests.api.market import counted
from tests.api.sight.ground import WHO, Ground, ground
from tests.api.sight.looking import everything

CONTRACT = f"query ($v: ContractKeyInput!) {{ contract(by: $v) {everything('Contract')} }}"
NODE = "query ($v: ID!) { node(id: $v) { __typename id } }"
COUNT = "query ($v: [String!]) { contracts(filter: {contractIds: $v}) { edges { node { id } } count { value exact } pageInfo { hasNextPage } } }"
NUMBERS = "query ($v: [String!]) { contracts(filter: {numbers: $v}) { edges { node { id } } count { value exact } } }"
SETTLED = (
    "query ($v: [String!]) { settlements(filter: {numbers: $v}) { edges { node { id } } count { value exact } sums { rows amount } } }"
)
PAGE = "query ($v: String) { contracts(after: $v) { count { value } } }"
OF = 'subscription ($v: ContractKeyInput!) { contractStatusChanged(of: $v, after: "0") { id } }'
AFTER = "subscription ($v: Cursor) { contractStatusChanged(after: $v) { id } }"
REGISTER = "mutation ($v: RegisterContractInput!) { registerContract(input: $v) { __typename ... on Problem { code message path } } }"


@dataclass(frozen=True)
class Pair:
    """Two values for one question: of something that is there and not the asker's, and of something that is not there."""

    question: str
    theirs: Any
    nothing: Any


@pytest.fixture
async def looked_at(database_url: str):
    async with ground(database_url) as found:
        await found.market.contract("320/9", "E", "F", 1_000)
        yield found


async def pairs(looked_at: Ground) -> dict[str, Pair]:
    """All ways to ask for something by a name: of the first contract, of which neither site 320 nor firms D and H have a part."""
    theirs = looked_at.market.ids["130/1"]
    nothing = make(seconds_of(looked_at.market.machine_now), 1, 99_999)
    event = await looked_at.event_id("site", "FUNDED")
    name = event.partition("-")[2]
    cursor = (await looked_at.ask("site", "{ contracts(first: 1) { pageInfo { endCursor } } }"))["contracts"]["pageInfo"]["endCursor"]
    return {
        "contract by id": Pair(CONTRACT, {"id": f"c{theirs}"}, {"id": f"c{nothing}"}),
        "contract by contractId": Pair(CONTRACT, {"contractId": f"{theirs:018d}"}, {"contractId": f"{nothing:018d}"}),
        "contract by number": Pair(CONTRACT, key("130", "1"), key("130", "7777")),
        "contract at a site": Pair(CONTRACT, key("130", "1"), key("777", "1")),
        "node of a contract": Pair(NODE, f"c{theirs}", f"c{nothing}"),
        "node of a settlement": Pair(NODE, f"s{theirs}", f"s{nothing}"),
        "node of an event": Pair(NODE, event, f"e{nothing}-{name}"),
        "node of a settlement event": Pair(NODE, f"t{event[1:]}", f"t{nothing}-{name}"),
        "list by ids": Pair(COUNT, [f"{theirs:018d}"], [f"{nothing:018d}"]),
        "list by numbers": Pair(NUMBERS, ["1"], ["7777"]),
        "settlements by numbers": Pair(SETTLED, ["1"], ["7777"]),
        "page after somebody's cursor": Pair(PAGE, cursor, cursor[:-4] + "AAAA"),
        "follow by id": Pair(OF, {"id": f"c{theirs}"}, {"id": f"c{nothing}"}),
        "follow by contractId": Pair(OF, {"contractId": f"{theirs:018d}"}, {"contractId": f"{nothing:018d}"}),
        "follow by number": Pair(OF, key("130", "1"), key("130", "7777")),
        "follow after an event": Pair(AFTER, event, f"e{nothing}-{name}"),
        "register for a site": Pair(REGISTER, {**REGISTRATION, "siteId": "130"}, {**REGISTRATION, "siteId": "777"}),
        "register with a party": Pair(REGISTER, with_party("a"), with_party("zzz")),
    }


def key(site: str, number: str) -> dict[str, Any]:
    return {"number": {"siteId": site, "number": number}}


ACCOUNT = {"bankCode": "9990", "branchCode": "101", "type": "ORDINARY", "number": "9000065", "holder": "Aｼﾔ"}
REGISTRATION: dict[str, Any] = {
    "number": "new",
    "amount": 1,
    "goods": [{"name": "x", "model": "y", "quantity": 1}],
    "seller": {"code": "a", "name": "A社", "address": "x", "account": ACCOUNT},
    "buyer": {"code": "b", "name": "B社", "address": "x", "account": ACCOUNT},
}


def with_party(code: str) -> dict[str, Any]:
    """A seller whose code is known at another site, or nowhere. Without consent of the buyer nothing is registered."""
    return {**REGISTRATION, "seller": {**REGISTRATION["seller"], "code": code}}


async def told(looked_at: Ground, role: str, question: str, value: Any) -> tuple[int, str]:
    """How many statements it took, and the answer without what differs by itself: the request, and what was sent."""
    with counted() as statements:
        if question.startswith("subscription"):
            stream = await looked_at.house.stream(WHO[role], question, {"v": value})
            frame = await stream.frame()
            await stream.cut()
            text = str(frame)
        else:
            text = (await looked_at.post(role, question, {"v": value})).text
        seen = [one for one in statements if "stream_head" not in one]  # the reader of the log looks by itself
    return len(seen), re.sub(r'"requestId":"[\w-]+"', "", text)


WAYS = [
    "contract by id", "contract by contractId", "contract by number", "node of a contract", "node of a settlement",
    "node of an event", "node of a settlement event", "list by ids", "list by numbers", "settlements by numbers", "page after somebody's cursor",
    "follow by id", "follow by contractId", "follow by number", "follow after an event",
]  # fmt: skip


async def test_theirs_and_nothing_answer_alike(looked_at: Ground):
    asked = await pairs(looked_at)
    assert set(asked) - set(WAYS) == {"contract at a site", "register for a site", "register with a party"}  # only sites register, and
    # firm D holds a party at site 130: that the site is there is no news to it
    for role in ("other-site", "other-firm"):
        ways = list(asked) if role == "other-site" else WAYS
        for way in ways:
            pair = asked[way]
            for value in (pair.theirs, pair.nothing):
                await told(looked_at, role, pair.question, value)  # tokens and rules are read once, and remembered
            theirs, nothing = [await told(looked_at, role, pair.question, value) for value in (pair.theirs, pair.nothing)]
            assert theirs == nothing, f"{way} for {role}"
            assert "130" not in theirs[1].replace("1309", ""), f"{way} for {role} tells of the site"


async def test_what_a_buyer_may_not_see_of_his_own_contract(looked_at: Ground):
    """He finds the contract, and of its payout nothing: as if there were none."""
    asked = await pairs(looked_at)
    for way in ("node of a settlement", "node of a settlement event"):
        theirs, nothing = [await told(looked_at, "buyer", asked[way].question, v) for v in (asked[way].theirs, asked[way].nothing)]
        assert theirs[1] == nothing[1], way
    event = await told(looked_at, "buyer", NODE, await looked_at.event_id("site", "FUNDED"))
    no_event = await told(looked_at, "buyer", NODE, f"e{looked_at.market.ids['130/1']}-{'0' * 20}")
    assert event == no_event
    after = await told(looked_at, "buyer", AFTER, await looked_at.event_id("site", "FUNDED"))
    assert "kind" not in after[1]


async def test_what_happens_to_others_moves_nothing_that_is_seen(looked_at: Ground):
    """Counts, sums and places in lists stay as they are when others' contracts come and change."""
    lists = "{ contracts { edges { cursor } count { value } pageInfo { endCursor } } settlements { count { value } sums { rows amount } } }"
    before = {role: (await looked_at.ask(role, lists)) for role in ("other-site", "other-firm", "buyer")}
    await looked_at.market.contract("130/7", "G", "H", 1_000)
    await looked_at.house.tell("130/7", EventKind.DEBITED, EventKind.FUNDED)
    assert before == {role: (await looked_at.ask(role, lists)) for role in before}
