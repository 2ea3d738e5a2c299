"""Standard Webhooks in a few lines: HMAC-SHA256 over `<id>.<timestamp>.<body>`, in both directions.

Timestamps are seconds of the machine's clock, never of the business clock, which may stand in the year 2000.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping

TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def sign(keys: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header: one signature for each key that is in use."""
    return " ".join(f"v1,{_digest(key, message_id, str(timestamp), body)}" for key in keys)


def is_genuine(keys: Iterable[str], headers: Mapping[str, str], body: bytes, machine_seconds: float) -> bool:
    """Is the message signed by one of the keys, within five minutes of the machine's clock?"""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if abs(machine_seconds - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    given = [part[3:] for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")]
    return any(
        hmac.compare_digest(_digest(key, message_id, timestamp, body).encode(), signature.encode()) for key in keys for signature in given
    )


def _digest(key: str, message_id: str, timestamp: str, body: bytes) -> str:
    try:
        secret = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a signing secret is whsec_ and base64") from None
    content = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
