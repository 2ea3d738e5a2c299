"""graphql-transport-ws, message by message, also from those who do not keep to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.live import socket
from api.options import Limits
from domain.statuses import EventKind
from tests.api.live.lines import House, Line, opened, soon

FOLLOW = 'subscription { contractStatusChanged(after: "0") { cursor kind } }'
NOBODY = "Bearer nonsense"


async def accepted(house: House, **headers: str) -> Line:
    line = await house.plug(**headers)
    assert (await soon(line.outbox.get()))["type"] == "websocket.accept"
    return line


async def ended(line: Line) -> bool:
    assert line.task is not None
    await soon(asyncio.gather(line.task, return_exceptions=True))
    return line.task.done() and line.task.exception() is None


# ── before anything is asked ─────────────────────────────────────────────────────────────────────────────────────────
async def test_another_protocol(house: House):
    line = await house.plug(protocol="graphql-ws")
    accepting = await soon(line.outbox.get())
    assert (accepting["type"], accepting.get("subprotocol")) == ("websocket.accept", None)
    assert (await line.next())["close"] == 4406
    assert await ended(line)


async def test_the_protocol_is_named_in_the_answer(house: House):
    line = await house.plug()
    assert (await soon(line.outbox.get()))["subprotocol"] == "graphql-transport-ws"
    await line.cut()


@pytest.mark.parametrize(
    "origin, welcome",
    [
        ("https://kessai.test", True),
        ("https://shop.example", True),
        ("https://evil.example", False),
        ("http://kessai.test", False),
        ("null", False),
    ],
)
async def test_origins(house: House, origin: str, welcome: bool):
    object.__setattr__(house.live.options, "cors_origins", frozenset({"https://shop.example"}))
    line = await house.plug(origin=origin)
    assert (await soon(line.outbox.get()))["type"] == ("websocket.accept" if welcome else "websocket.close")
    await line.cut()


async def test_nobody_says_who_he_is(database_url: str):
    async with opened(database_url, limits=Limits(init_seconds=0.05)) as house:
        line = await accepted(house)
        assert (await line.next())["close"] == 4408
        assert await ended(line)


def token(authorization: str | None) -> dict[str, Any]:
    return {"type": "connection_init", **({} if authorization is None else {"payload": {"Authorization": authorization}})}


@pytest.mark.parametrize(
    "messages, code",
    [
        ([token(None)], 4401),
        ([token(NOBODY)], 4401),
        ([token("Basic x")], 4401),
        ([{"type": "subscribe", "id": "1", "payload": {"query": FOLLOW}}], 4401),
        ([{"type": "connection_init", "payload": "x"}], 4400),
        ([{"type": "connection_init", "payload": []}], 4400),
        ([{"type": "strange"}], 4400),
        ([{}], 4400),
        (["[]"], 4400),
        (["null"], 4400),
        (["{"], 4400),
        (["[" * 100_000], 4400),
        (["x" * 1_000_001], 4400),
        (["GOOD", "GOOD"], 4429),
        (["GOOD", "[]"], 4400),
        (["GOOD", "nonsense"], 4400),
        (["GOOD", {"type": "next", "id": "1"}], 4400),
        (["GOOD", {"type": "subscribe", "payload": {"query": FOLLOW}}], 4400),
        (["GOOD", {"type": "subscribe", "id": 1, "payload": {"query": FOLLOW}}], 4400),
        (["GOOD", {"type": "subscribe", "id": "", "payload": {"query": FOLLOW}}], 4400),
        (["GOOD", {"type": "subscribe", "id": "1"}], 4400),
        (["GOOD", {"type": "subscribe", "id": "1", "payload": {"query": 5}}], 4400),
        (["GOOD", {"type": "subscribe", "id": "1", "payload": {"query": FOLLOW, "variables": []}}], 4400),
        (["GOOD", {"type": "complete"}], 4400),
        (["GOOD", *[{"type": "subscribe", "id": "1", "payload": {"query": FOLLOW}}] * 2], 4409),
    ],
    ids=str,
)
async def test_what_closes_a_socket(house: House, messages: list[Any], code: int):
    line = await accepted(house)
    for message in messages:
        if message == "GOOD":
            await line.send(**token(await house.bearer(130)))
        elif isinstance(message, str):
            await line.text(message)
        else:
            await line.send(**message)
    while "close" not in (answer := await line.next()):
        assert answer["type"] in {"connection_ack", "next"}
    assert answer["close"] == code
    assert await ended(line)


async def test_binary_messages_are_refused(house: House):
    line = await accepted(house)
    await line.inbox.put({"type": "websocket.receive", "bytes": b"{}"})
    assert (await line.next())["close"] == 4400


async def test_the_token_of_the_handshake_will_do(house: House):
    line = await accepted(house, authorization=await house.bearer(130))
    await line.send(type="ping")
    await line.send(type="connection_init")
    assert [await line.next(), await line.next()] == [{"type": "pong"}, {"type": "connection_ack"}]
    await line.cut()


# ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_operations_beside_each_other(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    line = await house.line(130)
    await line.follow(FOLLOW, name="a")
    await line.follow("{ viewer { siteId } }", name="b")
    await line.follow(FOLLOW, name='strange " id')
    answers = [await line.next() for _ in range(4)]
    assert {"id": "b", "type": "next", "payload": {"data": {"viewer": {"siteId": "130"}}}} in answers
    assert {"id": "b", "type": "complete"} in answers
    assert sorted(one["id"] for one in answers if one["id"] != "b") == ["a", 'strange " id']
    await line.send(type="complete", id="a")
    await line.send(type="complete", id="never heard of")
    await soon(house.joined(1))
    await house.tell("130/1", EventKind.DEBITED)
    assert (await line.next())["id"] == 'strange " id'
    await line.follow(FOLLOW, name="a")
    assert [(await line.next())["id"] for _ in range(2)] == ["a", "a"], "an id is free again"
    await line.cut()
    await soon(house.joined(0))


@pytest.mark.parametrize(
    "query, code",
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { contractStatusChanged { kind } settlementUpdated { kind } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription a { contractStatusChanged { kind } } query b { viewer { siteId } }", "OPERATION_RESOLUTION_FAILURE"),
        ("mutation { registerContracts(input: { contracts: [] }) { __typename } }", "BAD_USER_INPUT"),
    ],
)
async def test_what_is_no_operation(house: House, query: str, code: str):
    line = await house.line(130)
    await line.follow(query)
    message = await line.next()
    assert (message["id"], message["type"], message["payload"][0]["extensions"]["code"]) == ("1", "error", code)
    assert await line.silent(), "the socket goes on"
    await line.follow("{ __typename }")
    assert (await line.next())["payload"] == {"data": {"__typename": "Query"}}


async def test_a_variable_that_does_not_fit(house: House):
    line = await house.line(130)
    await line.follow("subscription ($after: Cursor!) { contractStatusChanged(after: $after) { kind } }", {"after": 5})
    message = await line.next()
    assert message["payload"]["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await line.next() == {"id": "1", "type": "complete"}


async def test_too_many_on_one_socket(database_url: str):
    async with opened(database_url, limits=Limits(subscriptions=2)) as house:
        line = await house.line(130)
        for number in range(3):
            await line.follow(FOLLOW, name=str(number))
        message = await line.next()
        assert (message["id"], message["type"]) == ("2", "error")
        assert message["payload"][0]["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
        assert message["payload"][0]["extensions"]["limit"] == 2
        await line.send(type="complete", id="0")
        await line.follow("{ __typename }", name="2")
        assert (await line.next())["type"] == "next"


async def test_aliases_fragments_and_languages(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    query = """subscription Mine($of: ContractKeyInput, $more: Boolean!) { mine: contractStatusChanged(of: $of, after: "0") { ...E } }
        fragment E on ContractEvent { what: kind contract @include(if: $more) { number } }"""
    line = await house.line(130)
    for id_, more in (("1", True), ("2", False)):
        variables = {"of": {"number": {"siteId": "130", "number": "1"}}, "more": more}
        await line.follow(query, variables, name=id_)
    answers = {message["id"]: message["payload"]["data"] for message in [await line.next(), await line.next()]}
    assert answers == {"1": {"mine": {"what": "REGISTERED", "contract": {"number": "1"}}}, "2": {"mine": {"what": "REGISTERED"}}}


# ── slow readers ─────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def small(database_url: str) -> AsyncIterator[House]:
    async with opened(database_url, limits=Limits(unread=10)) as found:
        yield found


async def test_a_slow_reader_is_told_and_cut_off(small: House):
    await small.market.contract("130/1", "A", "B", 1000)
    line, other = await small.line(130), await small.line(130)
    await line.follow(FOLLOW)
    await other.follow(FOLLOW)
    last = (await line.event())["cursor"]
    await other.event()
    await soon(small.joined(2))
    line.reads.clear()
    for _ in range(13):
        await small.tell("130/1", EventKind.DEBITED)
        assert (await other.event())["kind"] == "DEBITED", "nobody else waits for him"
    await soon(small.joined(1))
    line.reads.set()
    while "close" not in (message := await line.next()):
        last = message["payload"]["data"]["contractStatusChanged"]["cursor"]
    assert message["close"] == 4410
    assert message["reason"] == f"Too slow. Go on after {last}"
    again = await small.line(130)
    await again.follow(f'subscription {{ contractStatusChanged(after: "{last}") {{ cursor kind }} }}')
    assert len(await again.events(12)) == 12
    assert await again.silent()


async def test_one_who_does_not_even_read_the_close_is_dropped(small: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "GRACE_SECONDS", 0.01)
    await small.market.contract("130/1", "A", "B", 1000)
    line = await small.line(130)
    await line.follow(FOLLOW)
    await line.event()
    await soon(small.joined(1))
    line.reads.clear()
    for _ in range(13):
        await small.tell("130/1", EventKind.DEBITED)
    assert line.task is not None
    await soon(asyncio.gather(line.task, return_exceptions=True))
    assert line.task.done()


async def test_the_past_waits_for_a_slow_reader(small: House):
    """History is read at the pace of its reader: it is no reason to cut him off."""
    await small.market.contract("130/1", "A", "B", 1000)
    await small.tell("130/1", *[EventKind.DEBITED] * 40)
    line = await small.line(130)
    line.reads.clear()
    await line.follow(FOLLOW)
    for _ in range(20):
        await asyncio.sleep(0.01)
    line.reads.set()
    assert len(await line.events(41)) == 41
    assert await line.silent()
