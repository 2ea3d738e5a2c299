"""Signatures of calls between us and carriers, after Standard Webhooks (docs/wire.md section 2).

`webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`; several stand side by side while
a key is changed. The timestamp is machine time, never business time: the sandbox's clock may stand in the year 2000.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that every secret carries, not a secret
MAX_SIGNATURES = 8  # a header with more is not a change of keys


class BadSignature(Exception):
    """The call is not from who it says, was altered on the way, or is too old. Nothing of it may be used."""


def key_of(secret: str) -> bytes:
    """The key in a `whsec_` secret. Raises ValueError, which does not repeat the secret."""
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a signing secret is whsec_ and base64") from None


def sign(secrets: Sequence[str], message_id: str, machine_now: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a signed call, with a signature for each secret; `machine_now` must be aware."""
    assert machine_now.tzinfo is not None
    timestamp = str(int(machine_now.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_digest(secret, message_id, timestamp, body)}" for secret in secrets),
    }


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, machine_now: datetime) -> str:
    """The message ID of a call that one of `secrets` has signed. `headers` by lower-case name. Raises BadSignature."""
    try:
        message_id, timestamp, given = (headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise BadSignature(f"the header {missing.args[0]} is missing") from None
    # Eleven digits reach the year 5138; more, a sign or a fraction would only be a way to write one instant twice.
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise BadSignature("webhook-timestamp is not a number of seconds")
    if abs(int(machine_now.timestamp()) - int(timestamp)) > TOLERANCE.total_seconds():
        raise BadSignature("webhook-timestamp is more than five minutes away")
    expected = [_digest(secret, message_id, timestamp, body).encode() for secret in secrets]
    for one in given.split(" ")[:MAX_SIGNATURES]:
        version, _, value = one.partition(",")
        # Bytes, because compare_digest raises on a str that is not ASCII, and the header is a stranger's.
        if version == "v1" and any(hmac.compare_digest(value.encode(errors="replace"), good) for good in expected):
            return message_id
    raise BadSignature("no signature fits")


def _digest(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode(errors="replace") + body
    return base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()
