"""Signatures after Standard Webhooks, held against the package of that name."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from domain.signing import BadSignature, key_of, sign, verify

SECRET, OTHER = "whsec_a2Vzc2FpLXRlc3Qtc2VjcmV0LTAwMDE=", "whsec_bmV3LXNlY3JldA=="
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BODY = '{"events": ["発送"]}'.encode()


@given(st.text(alphabet="abcXYZ-_0189", min_size=1, max_size=40), st.text(max_size=200))
def test_the_package_accepts_what_we_sign_and_we_what_it_signs(message_id: str, text: str):
    body, now = text.encode(errors="replace"), datetime.now(UTC)
    headers = sign([SECRET], message_id, now, body)
    theirs = standardwebhooks.Webhook(SECRET).sign(message_id, now, body.decode())
    assert headers["webhook-signature"] == theirs
    assert verify([SECRET], {**headers, "webhook-signature": theirs}, body, now) == message_id


def test_the_published_vector():
    """The example of the specification's reference libraries."""
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


Change = Callable[[dict[str, str]], dict[str, str]]


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda h: {k: v for k, v in h.items() if k != "webhook-id"}, "webhook-id is missing"),
        (lambda h: {k: v for k, v in h.items() if k != "webhook-timestamp"}, "webhook-timestamp is missing"),
        (lambda h: {k: v for k, v in h.items() if k != "webhook-signature"}, "webhook-signature is missing"),
        (lambda h: {**h, "webhook-id": "msg_2"}, "no signature fits"),
        (lambda h: {**h, "webhook-timestamp": str(int(h["webhook-timestamp"]) + 1)}, "no signature fits"),
        (lambda h: {**h, "webhook-timestamp": h["webhook-timestamp"] + ".0"}, "not a number"),
        (lambda h: {**h, "webhook-timestamp": "+" + h["webhook-timestamp"]}, "not a number"),
        (lambda h: {**h, "webhook-timestamp": "٣" * 10}, "not a number"),
        (lambda h: {**h, "webhook-timestamp": "9" * 5000}, "not a number"),
        (lambda h: {**h, "webhook-signature": ""}, "no signature fits"),
        (lambda h: {**h, "webhook-signature": "v1"}, "no signature fits"),
        (lambda h: {**h, "webhook-signature": "v1,ä\udcff"}, "no signature fits"),
        (lambda h: {**h, "webhook-signature": h["webhook-signature"].replace("v1,", "v1a,")}, "no signature fits"),
        (lambda h: {**h, "webhook-signature": h["webhook-signature"][:-1]}, "no signature fits"),
        (lambda h: {**h, "webhook-signature": "v1,x " * 8 + h["webhook-signature"]}, "no signature fits"),
    ],
)
def test_what_is_not_signed_so_is_refused(change: Change, reason: str):
    headers = change(sign([SECRET], "msg_1", NOW, BODY))
    with pytest.raises(BadSignature, match=reason):
        verify([SECRET], headers, BODY, NOW)


def test_another_body_or_key_is_refused():
    headers = sign([SECRET], "msg_1", NOW, BODY)
    for secrets, body in (([SECRET], BODY + b" "), ([OTHER], BODY), ([], BODY)):
        with pytest.raises(BadSignature):
            verify(secrets, headers, body, NOW)


@pytest.mark.parametrize("seconds, good", [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_five_minutes_either_way(seconds: int, good: bool):
    headers = sign([SECRET], "msg_1", NOW + timedelta(seconds=seconds), BODY)
    if good:
        assert verify([SECRET], headers, BODY, NOW) == "msg_1"
    else:
        with pytest.raises(BadSignature, match="five minutes"):
            verify([SECRET], headers, BODY, NOW)


def test_a_key_can_be_changed():
    both = sign([OTHER, SECRET], "msg_1", NOW, BODY)
    assert both["webhook-signature"].count("v1,") == 2
    for known in ([SECRET], [OTHER], [OTHER, SECRET]):
        assert verify(known, both, BODY, NOW) == "msg_1"
        assert verify([OTHER, SECRET], sign(known, "msg_1", NOW, BODY), BODY, NOW) == "msg_1"


def test_tokyo_time_signs_the_same_second():
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    assert sign([SECRET], "msg_1", tokyo, BODY) == sign([SECRET], "msg_1", NOW, BODY)


def test_a_bad_secret_is_not_repeated():
    with pytest.raises(ValueError, match="whsec_ and base64") as caught:
        key_of("whsec_not/base64!")
    assert "not/base64" not in str(caught.value)
