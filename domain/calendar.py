"""Bank dates (銀行営業日): one business-date function, and counting in the calendar of a bank or carrier.

Banks do not work on Saturdays, Sundays, national holidays and from 31 December to 3 January (Banking Act, art. 15).
The days stand in a file that is data with a horizon, `through` the last year published; beyond it nothing is guessed
(I19).
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from importlib.resources import files

from domain.statuses import CalendarKind, ShiftRule

# Japan has had one zone and no summer time since 1952, so a fixed offset is exact for every date in the calendar, and
# a host without zone data computes the same dates.
JST = timezone(timedelta(hours=9), "JST")

_SATURDAY = 5

_EVER = (date(1, 2, 1), date(9998, 12, 31))
"""Days of a calendar without holidays. What follows from a day (an hour before it, a statement after it) must be a day too."""


class OutsideCalendar(ValueError):
    """A bank day outside the loaded calendar is never guessed (I19). `first` and `last` say what is loaded."""

    def __init__(self, first: date, last: date) -> None:
        super().__init__(f"the bank calendar is loaded from {first} through {last}")
        self.first = first
        self.last = last


@dataclass(frozen=True, slots=True)
class _BankDays:
    first: date
    last: date
    days: tuple[int, ...]  # ordinals of the days on which banks work, in order
    known: frozenset[int]

    def ordinal(self, day: date) -> int:
        if not self.first <= day <= self.last:
            raise OutsideCalendar(self.first, self.last)
        return day.toordinal()

    def at(self, index: int) -> date:
        if not 0 <= index < len(self.days):
            raise OutsideCalendar(self.first, self.last)
        return date.fromordinal(self.days[index])


@cache
def _bank_days() -> _BankDays:
    # Data of the package, read once: the same on every machine and at every time.
    lines = files("domain").joinpath("calendar_data", "holidays_jp.txt").read_text("utf-8").splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    facts = {word[0]: date.fromisoformat(word[1]) for word in words if word[0] in {"from", "through"}}
    holidays = {date.fromisoformat(word[0]).toordinal() for word in words if word[0][0].isdigit()}
    first, last = facts["from"], facts["through"]
    days = tuple(
        n for n in range(first.toordinal(), last.toordinal() + 1) if n not in holidays and date.fromordinal(n).weekday() < _SATURDAY
    )
    return _BankDays(first, last, days, frozenset(days))


def horizon() -> tuple[date, date]:
    """The first and the last day that the bank calendar knows."""
    loaded = _bank_days()
    return loaded.first, loaded.last


def business_date(instant: datetime) -> date:
    """The Tokyo date of an instant: what a bank calls "today" then (S31). A naive instant is a ValueError."""
    if instant.tzinfo is None:
        raise ValueError("an instant has a zone")
    return instant.astimezone(JST).date()


def is_business_day(kind: CalendarKind, day: date) -> bool:
    """Whether banks (or whoever keeps this calendar) work on `day`. Raises OutsideCalendar."""
    if kind is CalendarKind.EVERY_DAY:
        return True
    loaded = _bank_days()
    return loaded.ordinal(day) in loaded.known


def add_days(kind: CalendarKind, day: date, n: int) -> date:
    """`n` business days after `day` (before it, if negative); `day` itself is not counted, and 0 is `day` as it is.

    Raises OutsideCalendar.
    """
    if n == 0:
        return day
    if kind is CalendarKind.EVERY_DAY:
        ordinal = day.toordinal() + n
        if not _EVER[0].toordinal() <= ordinal <= _EVER[1].toordinal():
            raise OutsideCalendar(*_EVER)
        return date.fromordinal(ordinal)
    loaded = _bank_days()
    ordinal = loaded.ordinal(day)
    if n > 0:
        return loaded.at(bisect_right(loaded.days, ordinal) + n - 1)
    return loaded.at(bisect_left(loaded.days, ordinal) + n)


def on_or_after(kind: CalendarKind, day: date) -> date:
    """`day`, or the next business day. Raises OutsideCalendar."""
    return day if is_business_day(kind, day) else add_days(kind, day, 1)


def shift(kind: CalendarKind, rule: ShiftRule, day: date) -> date | None:
    """`day` if banks work on it, else where the rule moves it; None if the rule refuses (S22). Raises
    OutsideCalendar.
    """
    if is_business_day(kind, day):
        return day
    if rule is ShiftRule.REFUSE:
        return None
    return add_days(kind, day, 1 if rule is ShiftRule.NEXT else -1)


def days_between(kind: CalendarKind, a: date, b: date) -> int:
    """Business days after `a` up to and including `b`; negative if `b` is earlier. Raises OutsideCalendar."""
    if kind is CalendarKind.EVERY_DAY:
        return (b - a).days
    if b < a:
        return -days_between(kind, b, a)
    loaded = _bank_days()
    return bisect_right(loaded.days, loaded.ordinal(b)) - bisect_right(loaded.days, loaded.ordinal(a))
