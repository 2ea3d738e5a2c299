"""What holds for a request over HTTP holds on a socket: how often one may ask, which documents are run, how long one may try the door."""

from __future__ import annotations

import asyncio
from typing import Any

from api.live import socket
from api.options import Limits
from api.trusted import sha256_of
from tests.api.live.lines import House, Line, opened, soon

ASK = "{ viewer { siteId } }"
FOLLOW = 'subscription { contractStatusChanged(after: "0") { kind } }'


async def refused(line: Line, payload: dict[str, Any], name: str = "1") -> str:
    """The code of the error that an operation is answered with."""
    await line.send(type="subscribe", id=name, payload=payload)
    message = await line.next()
    assert (message["type"], message["id"]) == ("error", name), message
    code: str = message["payload"][0]["extensions"]["code"]
    return code


async def answered(line: Line, payload: dict[str, Any]) -> Any:
    await line.send(type="subscribe", id="q", payload=payload)
    message = await line.next()
    assert message["type"] == "next", message
    assert (await line.next())["type"] == "complete"
    return message["payload"]["data"]


async def test_a_socket_takes_from_the_rate_of_its_caller(database_url: str):
    async with opened(database_url, limits=Limits(rate=5)) as house:
        line, other = await house.line(130), await house.line(320)
        for _ in range(3):
            assert await answered(line, {"query": ASK}) == {"viewer": {"siteId": "130"}}
        await line.send(type="ping")
        assert await line.next() == {"type": "pong"}
        body, headers = {"query": ASK}, {"authorization": await house.bearer(130)}
        assert (await house.http.post("/graphql", json=body, headers=headers)).status_code == 200
        assert (await house.http.post("/graphql", json=body, headers=headers)).status_code == 429, "one count for both ways"
        await line.send(type="subscribe", id="1", payload={"query": FOLLOW})
        (error,) = (await line.next())["payload"]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert 0 < error["extensions"]["retryAfter"] <= 10
        assert await answered(other, {"query": ASK}) == {"viewer": {"siteId": "320"}}
        house.clock.forward(seconds=10)
        assert await answered(line, {"query": ASK}) == {"viewer": {"siteId": "130"}}


async def test_who_goes_on_all_the_same_is_closed(database_url: str):
    async with opened(database_url, limits=Limits(rate=5)) as house:
        line = await house.line(130)
        for _ in range(5 + socket.EXCESS + 1):
            await line.send(type="ping")
        told = [await line.next() for _ in range(5)]
        while "close" not in told[-1]:
            told.append(await line.next())
        assert told[-1]["close"] == 1013
        assert told[:5] == [{"type": "pong"}] * 5


async def test_sockets_that_nobody_signs_in_on_are_counted_by_address(database_url: str):
    async with opened(database_url, limits=Limits(strangers=2)) as house:
        await house.bearer(130)
        codes = []
        for _ in range(4):
            line = await house.plug()
            assert (await soon(line.outbox.get()))["type"] == "websocket.accept"
            await line.send(type="connection_init", payload={"Authorization": "Bearer nonsense"})
            codes.append((await line.next())["close"])
        assert codes == [4401, 4401, 1013, 1013]
        good = await house.line(130)
        assert await answered(good, {"query": ASK})
        assert (await house.http.post("/graphql", json={"query": ASK})).status_code == 429, "one count for both ways"


async def test_sockets_that_say_nothing_are_counted_too(database_url: str):
    async with opened(database_url, limits=Limits(strangers=1, init_seconds=0.05)) as house:
        codes = []
        for _ in range(2):
            line = await house.plug()
            assert (await soon(line.outbox.get()))["type"] == "websocket.accept"
            codes.append((await line.next())["close"])
        assert codes == [4408, 1013]


async def test_only_trusted_documents_where_that_is_configured(database_url: str):
    async with opened(database_url, trusted={sha256_of(FOLLOW): FOLLOW, sha256_of(ASK): ASK}, trusted_only=True) as house:
        await house.market.contract("130/1", "A", "B", 1000)
        line = await house.line(130)
        assert await refused(line, {"query": "subscription { settlementUpdated { kind } }"}) == "PERSISTED_QUERY_NOT_FOUND"
        assert await refused(line, {"query": "{ __typename }"}) == "PERSISTED_QUERY_NOT_FOUND"
        assert await refused(line, {"documentId": "0" * 64}) == "PERSISTED_QUERY_NOT_FOUND"
        assert await refused(line, {"documentId": sha256_of(ASK), "query": FOLLOW}) == "BAD_USER_INPUT"
        assert await refused(line, {"documentId": 7}) == "BAD_USER_INPUT"
        assert await refused(line, {"extensions": {}}) == "BAD_USER_INPUT"
        for payload in ({"query": ASK}, {"documentId": f"sha256:{sha256_of(ASK)}"}, persisted(ASK)):
            assert await answered(line, payload) == {"viewer": {"siteId": "130"}}
        for name, payload in (("a", {"query": FOLLOW}), ("b", {"documentId": sha256_of(FOLLOW)}), ("c", persisted(FOLLOW))):
            await line.send(type="subscribe", id=name, payload=payload)
            message = await line.next()
            assert (message["type"], message["id"]) == ("next", name)
        stream = await house.stream(130, "subscription { settlementUpdated { kind } }")
        assert stream.status == 400
        await line.send(type="subscribe", id="d", payload={})
        assert (await line.next())["close"] == 4400


def persisted(text: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256_of(text)}}}


async def test_an_operation_that_does_not_begin_in_time(house: House, monkeypatch: Any):
    async def never(*_: object, **__: object) -> None:
        await asyncio.get_running_loop().create_future()

    object.__setattr__(house.live.options.limits, "request_seconds", 0.05)
    monkeypatch.setattr(house.live, "begin", never)
    line = await house.line(130)
    await line.follow(FOLLOW)
    message = await line.next()
    assert message["payload"]["errors"][0]["extensions"]["code"] == "TIMEOUT"
    assert (await line.next())["type"] == "complete"
