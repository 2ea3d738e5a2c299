"""Where to move the clock, as people and programs write it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from kessai.trouble import Trouble

TOKYO = timezone(timedelta(hours=9), "JST")
_ISO = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)
_SHORT = re.compile(r"\+(\d+)(w|d|h|m|min|s)", re.ASCII)
_UNIT = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "min": "minutes", "s": "seconds"}
LONGEST = timedelta(days=3660)


class BadMove(Trouble):
    """Not a span and not an instant. Code CLOCK_MOVE."""


def span(text: str) -> timedelta:
    """An ISO 8601 duration in weeks, days, hours, minutes and seconds (P1D, PT3H), or +1d, +3h, +30m. Raises
    BadMove.
    """
    if (short := _SHORT.fullmatch(text.strip().lower())) is not None:
        found = timedelta(**{_UNIT[short[2]]: int(short[1])}) if len(short[1]) < 8 else LONGEST * 2
    else:
        iso = _ISO.fullmatch(text.strip().upper())
        if iso is None or not any(part is not None for part in iso.groups()) or any(len(part or "") > 9 for part in iso.groups()):
            raise _bad(text)
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        found = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if found > LONGEST:
        raise BadMove("That is too far", why="a walk goes at most ten years", code="CLOCK_MOVE")
    return found


def instant(text: str) -> datetime:
    """An instant in Tokyo: 2000-09-25T09:00:00+09:00, 2000-09-25 09:00, 2000-09-25 (its midnight). Raises BadMove."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _bad(text) from None
    return found.replace(tzinfo=TOKYO) if found.tzinfo is None else found.astimezone(TOKYO)


def target(text: str, now: datetime) -> datetime:
    """Where that leads from now."""
    return now + span(text) if text.strip()[:1] in "+pP" else instant(text)


def _bad(text: str) -> BadMove:
    return BadMove(
        f"{text!r} is neither a span nor an instant",
        do=("kessai sandbox clock +1d", "kessai sandbox clock +3h", "kessai sandbox clock '2000-09-25 09:00'"),
        code="CLOCK_MOVE",
    )
