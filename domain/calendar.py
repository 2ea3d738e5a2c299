"""Bank dates (営業日). Interface first."""

from datetime import date, datetime, timedelta, timezone

from domain.statuses import CalendarKind, ShiftRule

JST = timezone(timedelta(hours=9), "JST")


class OutsideCalendar(ValueError):
    """A bank day outside the loaded calendar is never guessed (I19)."""


def business_date(instant: datetime) -> date:
    raise NotImplementedError


def is_business_day(kind: CalendarKind, day: date) -> bool:
    raise NotImplementedError


def add_days(kind: CalendarKind, day: date, n: int) -> date:
    raise NotImplementedError


def shift(kind: CalendarKind, rule: ShiftRule, day: date) -> date | None:
    """The day itself, the day it is moved to, or None (REFUSE)."""
    raise NotImplementedError


def days_between(kind: CalendarKind, a: date, b: date) -> int:
    raise NotImplementedError
