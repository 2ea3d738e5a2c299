"""Cursors (再開位置): a place in the event log, opaque, versioned and signed.

Order is promised inside a home, not across homes. So the cursor of a site is one place, and that of a firm, whose
parties may live in several homes, is one place for each. `epoch` is raised after a restore with loss; comparing it
with the one of the log is the reader's business: an old one gets "take a snapshot again".
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

START = "0"
"""Where reading begins with the first event one may see. Not signed: it tells nothing."""

BELL = "kessai:stream"
"""The channel on which whoever has told something says so: a hint to look at the log, with nothing in it."""

_VERSION = 1
_PLACE = struct.Struct(">IHIQI")  # epoch, home, day, pos, index
_SIGNATURE_BYTES = 16
_HEAD_BYTES = 1


class CursorInvalid(ValueError):
    """Not ours, altered, of another version, or signed with another key."""


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """One home's place in the log: (day, pos) of a transaction, and which of its events was the last one read."""

    epoch: int
    home: int
    day: int
    pos: int
    index: int = 0


def _signature(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"kessai cursor\0" + body, sha256)[:_SIGNATURE_BYTES]


def _written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def encode(places: tuple[Place, ...], key: bytes) -> str:
    """The cursor for these places, one for each home, in any order. Two places in one home are a ValueError."""
    in_order = sorted(places, key=lambda place: place.home)
    if any(a.home == b.home for a, b in pairwise(in_order)):
        raise ValueError("one place for each home")
    body = bytes([_VERSION]) + b"".join(_PLACE.pack(p.epoch, p.home, p.day, p.pos, p.index) for p in in_order)
    return _written(body + _signature(body, key))


def decode(cursor: str, key: bytes) -> tuple[Place, ...]:
    """The places of a cursor, by home. Raises CursorInvalid for everything that `encode` did not make with this
    key.
    """
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (UnicodeEncodeError, NotBase64) as error:
        raise CursorInvalid("not a cursor") from error
    if _written(raw) != cursor:  # base64 would pass over strange characters, and over the last one's unused bits
        raise CursorInvalid("not a cursor")
    body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(body, key)):
        raise CursorInvalid("altered, or signed with another key")
    if body[:_HEAD_BYTES] != bytes([_VERSION]) or (len(body) - _HEAD_BYTES) % _PLACE.size:
        raise CursorInvalid("of another version")
    return tuple(Place(epoch, home, day, pos, index) for epoch, home, day, pos, index in _PLACE.iter_unpack(body[_HEAD_BYTES:]))
