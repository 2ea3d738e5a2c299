"""Server-sent events: the same events, for those without WebSockets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.options import Limits
from domain.statuses import EventKind
from tests.api.live.lines import House, Stream, opened, soon

FOLLOW = "subscription ($after: Cursor) { contractStatusChanged(after: $after) { cursor kind } }"


async def event(stream: Stream) -> dict[str, Any]:
    frame = await stream.frame()
    assert frame is not None
    assert frame["event"] == "next", frame
    found = json.loads(frame["data"])["data"]["contractStatusChanged"]
    assert frame["id"] == found["cursor"]
    return dict(found)


async def test_events_with_their_cursor_as_id(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    stream = await house.stream(130, FOLLOW, {"after": "0"})
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert stream.headers["cache-control"] == "no-cache, no-transform"
    assert "content-length" not in stream.headers
    assert (await event(stream))["kind"] == "REGISTERED"
    await soon(house.joined(1))
    await house.tell("130/1", EventKind.DEBITED)
    assert (await event(stream))["kind"] == "DEBITED"
    await stream.cut()
    await soon(house.joined(0))


async def test_the_last_id_wins_over_after(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    await house.tell("130/1", EventKind.DEBIT_INSTRUCTED, EventKind.DEBITED)
    first = await house.stream(130, FOLLOW, {"after": "0"})
    await event(first)
    second = await event(first)
    await first.cut()
    again = await house.stream(130, FOLLOW, {"after": "0"}, last_event_id=second["cursor"])
    assert (await event(again))["kind"] == "DEBITED"
    await again.cut()


@pytest.mark.parametrize(
    "query, variables, code",
    [
        ('subscription { contractStatusChanged(of: { id: "c1" }) { kind } }', None, "NOT_FOUND"),
        (FOLLOW, {"after": "nonsense"}, "CURSOR_INVALID"),
        (FOLLOW, {"after": 5}, "BAD_USER_INPUT"),
    ],
)
async def test_an_error_and_the_end(house: House, query: str, variables: Any, code: str):
    stream = await house.stream(130, query, variables)
    frame = await stream.frame()
    assert frame is not None
    assert json.loads(frame["data"])["errors"][0]["extensions"]["code"] == code
    assert await stream.frame() == {"event": "complete", "data": ""}
    assert await stream.frame() is None


async def test_without_the_media_type(house: House):
    answer = await house.http.post("/graphql", json={"query": FOLLOW}, headers={"authorization": await house.bearer(130)})
    assert answer.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_without_a_token(house: House):
    answer = await house.http.post("/graphql", json={"query": FOLLOW}, headers={"accept": "text/event-stream"})
    assert answer.status_code == 401


async def test_it_ends_with_its_token(house: House):
    stream = await house.stream(130, FOLLOW)
    await soon(house.joined(1))
    house.clock.forward(seconds=601)
    await house.live.watch.look()
    assert await stream.frame() is None, "without `complete`: the client comes back"
    await soon(house.joined(0))


async def test_a_right_that_is_lost(house: House):
    from domain.store.connection import transaction

    stream = await house.stream(130, FOLLOW)
    await soon(house.joined(1))
    async with transaction() as tx:
        await tx.run("update oauth_client set scopes = '{settlements:read}'")
    house.clock.forward(seconds=6)
    await house.live.watch.look()
    frame = await stream.frame()
    assert frame is not None
    assert json.loads(frame["data"])["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"
    assert await stream.frame() == {"event": "complete", "data": ""}


async def test_a_line_that_is_quiet_is_kept_alive(house: House, monkeypatch: pytest.MonkeyPatch):
    from api.live import sse

    monkeypatch.setattr(sse, "ALIVE_SECONDS", 0.01)
    stream = await house.stream(130, FOLLOW)
    assert [await soon(stream.chunks.get()) for _ in range(3)] == [b":\n\n"] * 3
    await stream.cut()


async def test_a_slow_reader_is_told_where_to_go_on(database_url: str):
    async with opened(database_url, limits=Limits(unread=5)) as house:
        await house.market.contract("130/1", "A", "B", 1000)
        stream = await house.stream(130, FOLLOW, {"after": "0"})
        last = (await event(stream))["cursor"]
        await soon(house.joined(1))
        stream.reads.clear()
        await house.tell("130/1", *[EventKind.DEBITED] * 8)
        await soon(house.live.hub._look_now())
        stream.reads.set()
        said = ""
        while (chunk := await soon(stream.chunks.get())) is not None:
            said = chunk.decode() or said
            if said.startswith("id: "):
                last = said[4:].partition("\n")[0]
        assert said == f": too slow; go on after {last}\n\n"
        await soon(house.joined(0))
