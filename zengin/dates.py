"""Dates as Zengin files write them: MMDD without a year, YYMMDD in the Japanese era.

Neither form names its century, so reading needs a date that is known to be near. That date
comes from the caller's own records (the batch), never from the clock.

Source: Zengin standard record formats (JBA), 91/21/03/01, date fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final


class InvalidZenginDate(ValueError):
    """Digits that are no date in any year or era that comes into question."""


@dataclass(frozen=True, slots=True)
class Era:
    """A Japanese era. ``ends_on`` is its last day, None while it lasts."""

    name: str
    starts_on: date
    ends_on: date | None

    def holds(self, day: date) -> bool:
        """True if ``day`` lies in the era."""
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)

    def year_of(self, day: date) -> int:
        """Year number within the era, the first being 1."""
        return day.year - self.starts_on.year + 1


SHOWA: Final = Era("昭和", date(1926, 12, 25), date(1989, 1, 7))
HEISEI: Final = Era("平成", date(1989, 1, 8), date(2019, 4, 30))
REIWA: Final = Era("令和", date(2019, 5, 1), None)
ERAS: Final = (SHOWA, HEISEI, REIWA)

ABSENT: Final = "000000"
"""An era date that is left out."""


def to_mmdd(day: date) -> str:
    """``day`` as MMDD."""
    return f"{day.month:02d}{day.day:02d}"


def resolve_mmdd(mmdd: str, near: date) -> date:
    """The date of month and day ``mmdd`` that is nearest to ``near``.

    Of two dates equally far the later is taken. 29 February counts only in the years next to
    ``near`` that have one. Raises ``InvalidZenginDate`` if there is no such date.
    """
    candidates = [day for year in (near.year + 1, near.year, near.year - 1) if (day := _day(year, mmdd)) is not None]
    if not candidates:
        raise InvalidZenginDate(f"{mmdd!r} is no month and day of any year next to {near.year}")
    return min(candidates, key=lambda day: abs((day - near).days))


def to_era(day: date | None) -> str:
    """``day`` as YYMMDD in its era; None as ``000000``.

    Raises ``InvalidZenginDate`` before 1926-12-25 or when the era year has three digits.
    """
    if day is None:
        return ABSENT
    for era in ERAS:
        if era.holds(day) and era.year_of(day) <= 99:
            return f"{era.year_of(day):02d}{to_mmdd(day)}"
    raise InvalidZenginDate(f"{day} has no two-digit era year")


def resolve_era(yymmdd: str, near: date) -> date | None:
    """The date of ``yymmdd`` in the era that brings it nearest to ``near``.

    ``000000`` and blanks mean absent: None. Raises ``InvalidZenginDate`` if the digits are a
    date in none of the eras.
    """
    if not yymmdd.strip("0 "):
        return None
    candidates = []
    if len(yymmdd) == 6 and yymmdd.isascii() and yymmdd.isdigit():
        for era in reversed(ERAS):  # of two equally far the later era
            day = _day(era.starts_on.year + int(yymmdd[:2]) - 1, yymmdd[2:])
            if day is not None and era.holds(day):
                candidates.append(day)
    if not candidates:
        raise InvalidZenginDate(f"{yymmdd!r} is no date of a Japanese era")
    return min(candidates, key=lambda day: abs((day - near).days))


def _day(year: int, mmdd: str) -> date | None:
    if len(mmdd) != 4 or not (mmdd.isascii() and mmdd.isdigit()):
        return None
    try:
        return date(year, int(mmdd[:2]), int(mmdd[2:]))
    except ValueError:
        return None
