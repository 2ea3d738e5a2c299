"""Business instants and bank dates, all in Japan's time.

Instants are aware datetimes; in the books they are whole microseconds since 1970, so that they sort and compare exactly.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

JST = timezone(timedelta(hours=9), "JST")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant with its offset; raises ValueError when the offset is missing."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return instant.astimezone(JST)


def write_instant(instant: datetime) -> str:
    """`2000-09-25T10:00:00+09:00`, with a fraction only when there is one."""
    return instant.astimezone(JST).isoformat()


def micros(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    return (_EPOCH + timedelta(microseconds=value)).astimezone(JST)


def instant_on(day: date, at: time) -> datetime:
    """The given hour of a bank date."""
    return datetime.combine(day, at, JST)


def from_machine(seconds: float) -> datetime:
    """The machine's own time as an instant, whole microseconds."""
    return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
