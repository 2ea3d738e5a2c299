"""A bank that is called: what each answer means, what is signed, and the half of a bank channel's promises that it shares with files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from domain import signing
from workers.channels.carrier import Answer, HttpCarrier
from workers.channels.errors import Refused, Unavailable, Unclear
from workers.channels.http_bank import HttpBank

SECRET = "whsec_" + "QUJD" * 12
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
KEY = "057312345001000018"
Handler = Callable[[httpx2.Request], httpx2.Response]


def bank(handler: Handler) -> HttpBank:
    return HttpBank("https://bank.example/api/", SECRET, lambda: NOW, deduplicates=True, transport=httpx2.MockTransport(handler))


def carrier(handler: Handler) -> HttpCarrier:
    return HttpCarrier("https://bank.example/api/", SECRET, lambda: NOW, deduplicates=True, transport=httpx2.MockTransport(handler))


def says(status: int, body: Any = None, **headers: str) -> Handler:
    return lambda _: httpx2.Response(status, json=body if body is not None else {}, headers=headers)


def fails(error: type[httpx2.HTTPError]) -> Handler:
    def handler(request: httpx2.Request) -> httpx2.Response:
        raise error("cut")

    return handler


# what every channel that is called promises: carriers and banks alike
@pytest.mark.parametrize("make", [bank, carrier])
@pytest.mark.parametrize(
    "handler, outcome",
    [
        (says(201), Answer(b"{}")),
        (says(200), Answer(b"{}")),
        (says(422), Answer(b"{}", refused=True)),
        (says(409, {"code": "DUPLICATE"}), None),
        (says(409, {"code": "KEY_REUSED"}), Refused),
        (says(401), Unavailable),
        (says(404), Unavailable),
        (says(429), Unavailable),
        (says(503), Unavailable),
        (says(500), Unclear),
        (says(502), Unclear),
        (says(302), Unclear),
        (fails(httpx2.ConnectError), Unavailable),
        (fails(httpx2.ConnectTimeout), Unavailable),
        (fails(httpx2.ReadTimeout), Unclear),
        (fails(httpx2.RemoteProtocolError), Unclear),
    ],
)
async def test_what_an_answer_to_a_batch_means(make: Any, handler: Handler, outcome: Any):
    async with make(handler) as channel:
        if isinstance(outcome, type):
            with pytest.raises(outcome):
                await channel.post(KEY, b"{}")
        else:
            assert await channel.post(KEY, b"{}") == outcome


@pytest.mark.parametrize("make", [bank, carrier])
@pytest.mark.parametrize("handler", [says(500), says(503), says(401), fails(httpx2.ReadTimeout), fails(httpx2.ConnectError)])
async def test_a_question_that_is_not_answered_changes_nothing(make: Any, handler: Handler):
    async with make(handler) as channel:
        with pytest.raises(Unavailable):
            await channel.ask(KEY)


async def test_received_and_not_yet_decided():
    async with bank(says(202, {"batch_id": KEY, "status": "received"})) as channel:
        assert await channel.post(KEY, b"{}") == Answer(b"")


async def test_every_call_is_signed_over_what_it_asks():
    heard: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        heard.append(request)
        return httpx2.Response(404 if "/batches/" in request.url.path else 200, json={"messages": [], "next": None})

    async with bank(handler) as channel:
        await channel.post(KEY, b"[1]")
        assert await channel.ask(KEY) is None
        await channel.list_out()
        _ = [chunk async for chunk in channel.read("a b/c".replace("/", "_"))]
    signed = [signing.verify([SECRET], dict(x.headers), x.content, NOW) for x in heard]
    assert signed == [KEY, f"GET /api/batches/{KEY}", "GET /api/messages", "GET /api/messages/a%20b_c"]
    assert heard[0].headers["idempotency-key"] == KEY


async def test_asking_fetches_the_receipt_as_it_was_said():
    receipt = b'{ "type" : "receipt" }'

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith(".receipt"):
            return httpx2.Response(200, content=receipt)
        return httpx2.Response(200, json={"batch_id": KEY, "status": "accepted", "messages": [f"{KEY}.receipt"]})

    async with bank(handler) as channel:
        assert await channel.ask(KEY) == Answer(receipt)
        assert await channel.messages_of(KEY) == [f"{KEY}.receipt"]


@pytest.mark.parametrize(
    "body", [[], {"batch_id": "1", "status": "accepted", "messages": []}, {"batch_id": KEY, "status": "maybe", "messages": []}]
)
async def test_an_answer_to_a_question_that_is_none(body: Any):
    async with bank(says(200, body)) as channel:
        with pytest.raises(Unavailable):
            await channel.ask(KEY)


def entry(name: str, size: int = 3) -> dict[str, Any]:
    return {"message_id": name, "size": size, "written_at": "2000-09-25T10:00:00+09:00", "cursor": name}


async def test_the_list_goes_on_over_pages():
    pages = {"": ([entry("a"), entry("../x")], "c 1"), "c 1": ([entry("b")], None)}

    def handler(request: httpx2.Request) -> httpx2.Response:
        found, following = pages[request.url.params.get("after", "")]
        return httpx2.Response(200, json={"messages": found, "next": following})

    async with bank(handler) as channel:
        listed = await channel.list_out()
    assert [(x.name, x.size, x.modified) for x in listed] == [("a", 3, 969843600.0), ("b", 3, 969843600.0)]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"messages": [], "next": 1},
        {"messages": [entry("a", -1)], "next": None},
        {"messages": [{"message_id": "a"}], "next": None},
        {"messages": [{**entry("a"), "written_at": "yesterday"}], "next": None},
        {"messages": [], "next": "the same again"},
        "text",
    ],
)
async def test_a_list_that_is_none(body: Any):
    async with bank(says(200, body)) as channel:
        with pytest.raises(Unavailable):
            await channel.list_out()


@pytest.mark.parametrize("name", ["../out.txt", "..", "", "a/b", "a\\b", "a\0b", "a\nb", ".hidden", "n" * 201])
async def test_a_name_stays_among_the_messages(name: str):
    async with bank(says(200)) as channel:
        with pytest.raises(Refused):
            _ = [chunk async for chunk in channel.read(name)]


async def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workers.channels.http_bank.MAX_ANSWER", 1000)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100

    async with bank(lambda _: httpx2.Response(200, content=endless())) as channel:
        with pytest.raises(Unclear):
            await channel.post(KEY, b"{}")
        with pytest.raises(Unavailable):
            await channel.list_out()


def test_nothing_shows_the_secret():
    from domain.store.sending import BankAddress

    address = BankAddress("9994", "http", {"url": "https://bank.example", "secret": SECRET}, deduplicates=True)
    assert SECRET not in repr(address)
