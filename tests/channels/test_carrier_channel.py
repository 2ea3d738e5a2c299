"""What the carrier channel promises (docs/wire.md section 2), against a carrier that deduplicates and one that does not."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx2
import pytest

from domain.signing import verify
from domain.statuses import StopAnswer
from workers.channels.carrier import Answer, HttpCarrier
from workers.channels.errors import ChannelError, LoginRefused, Refused, Unavailable, Unclear

SECRET = "whsec_a2Vzc2FpLXRlc3Qtc2VjcmV0LTAwMDE="
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = "057312345001000018"
BODY = b'{"batch_id": "057312345001000018", "shipments": []}'


class Carrier:
    """A carrier after wire.md: the first answer for the same key and body, or DUPLICATE."""

    def __init__(self, *, deduplicates: bool) -> None:
        self.deduplicates = deduplicates
        self.taken: dict[str, tuple[bytes, bytes]] = {}
        self.calls = 0
        self.fail: Callable[[httpx2.Request], httpx2.Response] | None = None

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.calls += 1
        verify([SECRET], request.headers, request.content, NOW)
        if self.fail is not None:
            return self.fail(request)
        if request.method == "GET":
            found = self.taken.get(request.url.path.rsplit("/", 1)[1])
            return httpx2.Response(200, content=found[1]) if found else httpx2.Response(404)
        key = request.headers["idempotency-key"]
        if key in self.taken:
            body, answer = self.taken[key]
            if body != request.content:
                return httpx2.Response(409, json={"code": "KEY_REUSED"})
            if self.deduplicates:
                return httpx2.Response(200, content=answer)
            return httpx2.Response(409, json={"code": "DUPLICATE"})
        answer = json.dumps({"batch_id": key, "results": []}).encode()
        self.taken[key] = (request.content, answer)
        return httpx2.Response(201, content=answer)

    def channel(self) -> HttpCarrier:
        return HttpCarrier(
            "http://carrier.test/api/",
            SECRET,
            lambda: NOW,
            deduplicates=self.deduplicates,
            transport=httpx2.MockTransport(self),
        )


@pytest.fixture(params=[True, False], ids=["deduplicating", "plain"])
def carrier(request: pytest.FixtureRequest) -> Carrier:
    return Carrier(deduplicates=request.param)


async def test_a_batch_is_taken_and_answered(carrier: Carrier):
    async with carrier.channel() as channel:
        answer = await channel.post(KEY, BODY)
    assert answer == Answer(b'{"batch_id": "057312345001000018", "results": []}')
    assert carrier.taken[KEY][0] == BODY


async def test_the_same_again_is_answered_or_can_be_asked_for(carrier: Carrier):
    async with carrier.channel() as channel:
        first = await channel.post(KEY, BODY)
        again = await channel.post(KEY, BODY)
        assert again == (first if carrier.deduplicates else None)
        assert await channel.ask(KEY) == first
    assert len(carrier.taken) == 1


async def test_another_content_under_the_key_is_refused(carrier: Carrier):
    async with carrier.channel() as channel:
        await channel.post(KEY, BODY)
        with pytest.raises(Refused, match=KEY):
            await channel.post(KEY, b"{}")


async def test_an_unknown_batch_is_none(carrier: Carrier):
    async with carrier.channel() as channel:
        assert await channel.ask(KEY) is None


async def test_a_refusal_of_the_whole_call_is_an_answer(carrier: Carrier):
    carrier.fail = lambda _: httpx2.Response(422, content=b'{"code": "INVALID", "errors": []}')
    async with carrier.channel() as channel:
        assert await channel.post(KEY, BODY) == Answer(b'{"code": "INVALID", "errors": []}', refused=True)


def lost(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ReadTimeout("lost")


def unreachable(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused")


@pytest.mark.parametrize(
    "fail, post, ask",
    [
        (unreachable, Unavailable, Unavailable),
        (lambda _: httpx2.Response(503, headers={"retry-after": "7"}), Unavailable, Unavailable),
        (lambda _: httpx2.Response(429), Unavailable, Unavailable),
        (lambda _: httpx2.Response(401), LoginRefused, LoginRefused),
        (lambda _: httpx2.Response(404), Unavailable, None),
        (lost, Unclear, Unavailable),
        (lambda _: httpx2.Response(500), Unclear, Unavailable),
        (lambda _: httpx2.Response(302, headers={"location": "http://elsewhere.test/"}), Unclear, Unavailable),
        (lambda _: httpx2.Response(204), Unclear, Unavailable),
        (lambda _: httpx2.Response(201, content=b"x" * (4 * 1024 * 1024 + 1)), Unclear, Unavailable),
    ],
)
async def test_failures_are_told_apart_by_what_may_have_happened(
    carrier: Carrier,
    fail: Callable[[httpx2.Request], httpx2.Response],
    post: type[ChannelError],
    ask: type[ChannelError] | None,
):
    carrier.fail = fail
    async with carrier.channel() as channel:
        with pytest.raises(ChannelError) as caught:
            await channel.post(KEY, BODY)
        assert type(caught.value) is post
        if ask is None:
            assert await channel.ask(KEY) is None
        else:
            with pytest.raises(ChannelError) as caught:
                await channel.ask(KEY)
            assert type(caught.value) is ask
    assert carrier.calls == 2, "nothing is repeated or followed by itself"


@pytest.mark.parametrize("given, seconds", [("7", 7.0), ("999999", 3600.0), ("Sun, 22 Nov 2026 12:00:00 GMT", None), ("-1", None)])
async def test_the_carrier_names_the_time_of_the_next_try(carrier: Carrier, given: str, seconds: float | None):
    carrier.fail = lambda _: httpx2.Response(503, headers={"retry-after": given})
    async with carrier.channel() as channel:
        with pytest.raises(Unavailable) as caught:
            await channel.post(KEY, BODY)
    assert caught.value.retry_after == seconds


async def test_both_keys_sign_while_one_is_changed():
    carrier = Carrier(deduplicates=True)
    channel = HttpCarrier(
        "http://carrier.test",
        f"whsec_bmV3LXNlY3JldA== {SECRET}",
        lambda: NOW,
        deduplicates=True,
        transport=httpx2.MockTransport(carrier),
    )
    async with channel:
        assert await channel.post(KEY, BODY) is not None


SHIPMENT = "05731200000100001201"


@pytest.mark.parametrize(
    "status, content, answer",
    [
        (200, {"shipment_id": SHIPMENT, "status": "stopped"}, StopAnswer.STOPPED),
        (200, {"shipment_id": SHIPMENT, "status": "too_late"}, StopAnswer.TOO_LATE),
        (404, {"code": "UNKNOWN_SHIPMENT"}, StopAnswer.UNKNOWN_THERE),
        (404, {"code": "NOT_FOUND"}, Unavailable),  # a wrong address says nothing of a shipment
        (404, ["UNKNOWN_SHIPMENT"], Unavailable),
        (200, {"status": "perhaps"}, Unclear),
        (200, "stopped", Unclear),
        (503, {}, Unavailable),
        (500, {}, Unclear),
    ],
)
async def test_a_shipment_is_asked_to_stay(status: int, content: object, answer: StopAnswer | type[ChannelError]):
    """`POST <carrier>/shipments/<id>/stop`, signed, with a key and a reason; only the three answers of wire.md are answers."""
    carrier, calls = Carrier(deduplicates=True), []

    def said(request: httpx2.Request) -> httpx2.Response:
        calls.append((request.method, request.url.path, request.headers["idempotency-key"], json.loads(request.content)))
        return httpx2.Response(status, json=content)

    carrier.fail = said
    async with carrier.channel() as channel:
        if isinstance(answer, StopAnswer):
            assert await channel.stop(SHIPMENT, "客が不在") is answer
        else:
            with pytest.raises(answer) as caught:
                await channel.stop(SHIPMENT, "客が不在")
            assert type(caught.value) is answer
    body = {"shipment_id": SHIPMENT, "reason": "客が不在"}
    assert calls == [("POST", f"/api/shipments/{SHIPMENT}/stop", f"stop-{SHIPMENT}", body)]
