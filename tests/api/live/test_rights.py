"""Who is told what: rights of now, for each event; and sockets that do not outlive their tokens."""

from __future__ import annotations

from typing import Any

import pytest

from domain.statuses import SELLER_ONLY_EVENTS, EventKind
from domain.store.connection import transaction
from tests.api.live.lines import House, Line, soon

FOLLOW = """subscription ($of: ContractKeyInput, $siteId: String) { contractStatusChanged(of: $of, siteId: $siteId, after: "0") {
  id kind contract { number payout { status } debit { amount } seller { account { number } } timeline { edges { node { kind } } } } } }"""
SETTLEMENTS = 'subscription { settlementUpdated(after: "0") { kind settlement { number } } }'


async def told(house: House, who: str | int, query: str = FOLLOW, variables: Any = None, *, count: int) -> list[dict[str, Any]]:
    """What somebody is told from the beginning; exactly so many."""
    line = await house.line(who)
    await line.follow(query, variables)
    events = await line.events(count)
    await soon(house.joined(1))
    assert await line.silent()
    await line.cut()
    await soon(house.joined(0))
    return events


async def test_each_is_told_what_is_his(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    await house.market.contract("320/2", "B", "C", 1000)
    for name in ("130/1", "320/2"):
        await house.tell(name, EventKind.DEBITED, EventKind.PAYOUT_INSTRUCTED, EventKind.PAID)
    seller = await told(house, "A", count=4)
    assert [event["kind"] for event in seller] == ["REGISTERED", "DEBITED", "PAYOUT_INSTRUCTED", "PAID"]
    assert all(event["contract"]["payout"] and event["contract"]["debit"]["amount"] is None for event in seller)
    buyer = await told(house, "C", count=2)
    assert [event["kind"] for event in buyer] == ["REGISTERED", "DEBITED"]
    for event in buyer:
        assert event["contract"]["payout"] is None
        assert event["contract"]["seller"]["account"] is None
        assert [edge["node"]["kind"] for edge in event["contract"]["timeline"]["edges"]] == ["REGISTERED", "DEBITED"]
    both = await told(house, "B", count=6)
    assert sorted((event["contract"]["number"], event["kind"]) for event in both if event["kind"] == "PAID") == [("2", "PAID")]
    assert len(await told(house, 130, count=4)) == len(await told(house, 320, count=4)) == 4
    assert await told(house, "D", count=0) == []


async def test_live_too(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    lines = {who: await house.line(who) for who in (130, 320, "A", "B", "C")}
    for line in lines.values():
        await line.follow("subscription { contractStatusChanged { kind } }")
    await soon(house.joined(5))
    every = [kind for kind in EventKind if kind is not EventKind.REGISTERED]
    await house.tell("130/1", *every)
    for who in (130, "A"):
        assert [event["kind"] for event in await lines[who].events(len(every))] == [kind.name for kind in every]
    seen = [kind.name for kind in every if kind not in SELLER_ONLY_EVENTS]
    assert [event["kind"] for event in await lines["B"].events(len(seen))] == seen
    assert all([await line.silent() for line in lines.values()])


async def test_buyers_have_no_settlements(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    await house.tell("130/1", EventKind.DEBITED, EventKind.PAID)
    assert len(await told(house, "A", SETTLEMENTS, count=3)) == 3
    assert await told(house, "B", SETTLEMENTS, count=0) == []


async def test_one_contract_or_one_site(house: House):
    for name in ("130/1", "130/2", "320/1"):
        await house.market.contract(name, "A", "B", 1000)
        await house.tell(name, EventKind.DEBITED)
    ids = house.market.ids
    for of in ({"number": {"siteId": "130", "number": "2"}}, {"contractId": f"{ids['130/2']:018d}"}, {"id": f"c{ids['130/2']}"}):
        events = await told(house, "B", variables={"of": of}, count=2)
        assert {event["contract"]["number"] for event in events} == {"2"}
    assert len(await told(house, "A", variables={"siteId": "320"}, count=2)) == 2
    assert await told(house, 130, variables={"siteId": "320"}, count=0) == []
    assert await told(house, 130, variables={"siteId": "x"}, count=0) == []


async def test_what_is_not_there_and_what_is_not_yours_answer_alike(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    contract_id = house.market.ids["130/1"]
    answers = []
    for of in (
        {"id": f"c{contract_id}"},
        {"contractId": f"{contract_id:018d}"},
        {"number": {"siteId": "130", "number": "1"}},
        {"number": {"siteId": "130", "number": "nothing"}},
        {"number": {"siteId": "x", "number": "1"}},
        {"contractId": "000000000000000000"},
        {"contractId": "x"},
        {"id": "c1"},
        {"id": "s1"},
    ):
        line = await house.line("C")
        await line.follow(FOLLOW, {"of": of})
        message = await line.next()
        del message["payload"]["errors"][0]["extensions"]["requestId"]
        answers.append(message)
        assert await line.next() == {"id": "1", "type": "complete"}
        await line.cut()
    assert answers[0]["payload"]["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("query, scope", [(FOLLOW, "settlements:read"), (SETTLEMENTS, "contracts:read")])
async def test_a_token_without_the_right(house: House, query: str, scope: str):
    line = await house.line(130, scope)
    await line.follow(query)
    message = await line.next()
    assert message["payload"]["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"
    assert (await line.next())["type"] == "complete"


async def test_rights_that_change_while_one_follows(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    line = await house.line("A")
    await line.follow("subscription { contractStatusChanged { kind } }")
    await soon(house.joined(1))

    async def owner(letter: str) -> None:
        async with transaction() as tx:
            await tx.run("update party set firm_id = $1 where party_id = $2", house.market.firms[letter], house.market.parties[130, "A"])

    await house.tell("130/1", EventKind.DEBIT_INSTRUCTED)
    assert (await line.event())["kind"] == "DEBIT_INSTRUCTED"
    await owner("C")
    await house.tell("130/1", EventKind.DEBITED)
    await soon(house.live.hub._look_now())
    await owner("A")
    await house.tell("130/1", EventKind.SHIPPED)
    assert (await line.event())["kind"] == "SHIPPED", "what happened while it was another's is not told"


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────
async def open_line(house: House) -> Line:
    line = await house.line(130)
    await line.follow("subscription { contractStatusChanged { kind } }")
    await soon(house.joined(1))
    return line


async def test_a_socket_ends_with_its_token(house: House):
    line = await open_line(house)
    house.clock.forward(seconds=599)
    await house.live.watch.look()
    assert await line.silent()
    house.clock.forward(seconds=1)
    await house.live.watch.look()
    message = await line.next()
    assert message["close"] == 4403, "after which clients come back with a fresh token"
    await soon(house.joined(0))


async def test_a_client_that_is_stopped(house: House):
    line = await open_line(house)
    async with transaction() as tx:
        await tx.run("update oauth_client set stopped_at = now() where client_id = $1", house.clients["130 None"])
    house.clock.forward(seconds=6)
    await house.live.watch.look()
    assert (await line.next())["close"] == 4401


async def test_a_client_that_loses_a_scope(house: House):
    line = await open_line(house)
    async with transaction() as tx:
        await tx.run("update oauth_client set scopes = '{settlements:read}' where client_id = $1", house.clients["130 None"])
    house.clock.forward(seconds=6)
    await house.live.watch.look()
    message = await line.next()
    assert message["payload"]["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"
    assert (await line.next())["type"] == "complete"
    assert await line.silent()


async def test_a_client_that_is_given_to_somebody_else(house: House):
    line = await open_line(house)
    async with transaction() as tx:
        await tx.run("update oauth_client set site_id = 320 where client_id = $1", house.clients["130 None"])
    house.clock.forward(seconds=6)
    await house.live.watch.look()
    assert (await line.next())["close"] == 4401


async def test_the_watch_looks_by_itself(house: House, monkeypatch: pytest.MonkeyPatch):
    line = await open_line(house)
    house.clock.forward(seconds=601)
    assert (await line.next())["close"] == 4403
