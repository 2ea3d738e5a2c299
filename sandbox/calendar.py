"""On which days a bank or a carrier works.

`EVERY_DAY` is the calendar of the patent's figures, whose dates fall on Sundays. `BANK_DAYS` leaves out Saturdays,
Sundays, 31 December to 3 January and the holidays that the configuration lists: a sandbox does not guess them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

EVERY_DAY = "EVERY_DAY"
BANK_DAYS = "BANK_DAYS"
_CLOSED_EVERY_YEAR = frozenset({(12, 31), (1, 1), (1, 2), (1, 3)})


class Calendar:
    """Days counted as one institution counts them."""

    def __init__(self, kind: str, holidays: Iterable[date] = ()) -> None:
        if kind not in {EVERY_DAY, BANK_DAYS}:
            raise ValueError(f"calendar is EVERY_DAY or BANK_DAYS, not {kind!r}")
        self._every_day = kind == EVERY_DAY
        self._holidays = frozenset(holidays)

    def is_open(self, day: date) -> bool:
        return self._every_day or (day.weekday() < 5 and day not in self._holidays and (day.month, day.day) not in _CLOSED_EVERY_YEAR)

    def shift(self, day: date, count: int) -> date:
        """`count` working days after the day (before it when negative); the day itself is not counted."""
        step = timedelta(days=1 if count >= 0 else -1)
        for _ in range(abs(count)):
            day += step
            while not self.is_open(day):
                day += step
        return day
