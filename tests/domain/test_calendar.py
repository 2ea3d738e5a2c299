"""Bank days: the file against the package it was built from, and counting in it (S22, S24, S31, I19)."""

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import JST, OutsideCalendar, add_days, business_date, days_between, horizon, is_business_day, on_or_after, shift
from domain.statuses import CalendarKind, ShiftRule
from tests.domain.grid import grid
from tests.domain.holidays_file import FROM, THROUGH, built

BANK, EVERY = CalendarKind.BANK_DAYS, CalendarKind.EVERY_DAY
inside = st.dates(date(1991, 1, 1), date(2026, 12, 31))


def test_the_committed_file_is_what_the_package_says():
    committed = files("domain").joinpath("calendar_data", "holidays_jp.txt").read_text("utf-8")
    assert committed == built()
    assert horizon() == (FROM, THROUGH)


@pytest.mark.parametrize(
    "day, open_, why",
    grid("""
        2000-09-20  yes  a Wednesday
        2000-09-23  no   秋分の日, a Saturday as well
        2000-09-24  no   the Sunday on which figure 8 debits
        2000-09-30  no   the Saturday of figure 9
        2000-10-01  no   the Sunday on which figure 9 pays
        2000-10-09  no   体育の日
        2000-12-29  yes  the last bank day of 2000
        2000-12-31  no   31 December
        2001-01-03  no   3 January
        2001-01-04  yes  the first bank day of 2001
        2019-04-30  no   国民の休日 of the accession
        2019-05-02  no   the same
        2026-09-22  no   sandwiched between two holidays
        2027-03-22  no   substitute holiday
        2027-12-30  yes  the last bank day that is known
    """),
)
def test_bank_days(day, open_, why):
    assert is_business_day(BANK, date.fromisoformat(day)) is (open_ == "yes"), why
    assert is_business_day(EVERY, date.fromisoformat(day))


@pytest.mark.parametrize(
    "day, n, bank, every",
    grid("""
        2000-09-20  0    2000-09-20  2000-09-20
        2000-09-20  1    2000-09-21  2000-09-21
        2000-09-20  4    2000-09-26  2000-09-24   # S24: the figures count every day, banks do not
        2000-09-22  1    2000-09-25  2000-09-23
        2000-09-23  1    2000-09-25  2000-09-24   # from a day on which nobody works
        2000-09-25  -1   2000-09-22  2000-09-24
        2000-09-24  -1   2000-09-22  2000-09-23
        2000-09-26  -4   2000-09-20  2000-09-22
        2000-12-29  1    2001-01-04  2000-12-30
        2024-02-28  1    2024-02-29  2024-02-29
        2000-09-23  0    2000-09-23  2000-09-23
    """),
)
def test_add_days(day, n, bank, every):
    start = date.fromisoformat(day)
    assert add_days(BANK, start, int(n)) == date.fromisoformat(bank)
    assert add_days(EVERY, start, int(n)) == date.fromisoformat(every)


@pytest.mark.parametrize(
    "day, refuse, next_, previous",
    grid("""
        2000-09-22  2000-09-22  2000-09-22  2000-09-22
        2000-09-23  -           2000-09-25  2000-09-22
        2000-09-24  -           2000-09-25  2000-09-22
        2000-12-31  -           2001-01-04  2000-12-29
    """),
)
def test_s22_shift(day, refuse, next_, previous):
    day = date.fromisoformat(day)
    assert shift(BANK, ShiftRule.REFUSE, day) == (None if refuse == "-" else date.fromisoformat(refuse))
    assert shift(BANK, ShiftRule.NEXT, day) == on_or_after(BANK, day) == date.fromisoformat(next_)
    assert shift(BANK, ShiftRule.PREVIOUS, day) == date.fromisoformat(previous)
    assert all(shift(EVERY, rule, day) == day for rule in ShiftRule)


@pytest.mark.parametrize(
    "utc, tokyo",
    grid("""
        2000-09-19T14:59:59  2000-09-19
        2000-09-19T15:00:00  2000-09-20   # midnight in Tokyo
        2000-09-19T23:59:59  2000-09-20   # 08:59 in Tokyo
        2000-09-20T00:00:00  2000-09-20
        2000-12-31T15:00:00  2001-01-01
    """),
)
def test_s31_today_is_a_tokyo_date(utc, tokyo):
    instant = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert business_date(instant) == date.fromisoformat(tokyo)
    assert business_date(instant.astimezone(JST)) == date.fromisoformat(tokyo)


def test_a_naive_instant_has_no_business_date():
    with pytest.raises(ValueError, match="zone"):
        business_date(datetime(2000, 9, 20, 9))  # noqa: DTZ001


@pytest.mark.parametrize("day", [FROM - timedelta(days=1), THROUGH + timedelta(days=1)])
def test_i19_outside_the_calendar_nothing_is_guessed(day):
    for ask in (
        lambda: is_business_day(BANK, day),
        lambda: add_days(BANK, day, 1),
        lambda: shift(BANK, ShiftRule.NEXT, day),
        lambda: days_between(BANK, day, day),
    ):
        with pytest.raises(OutsideCalendar) as caught:
            ask()
        assert (caught.value.first, caught.value.last) == (FROM, THROUGH)
    assert is_business_day(EVERY, day)  # nothing to guess


def test_i19_counting_over_the_edge_is_outside_too():
    with pytest.raises(OutsideCalendar):
        add_days(BANK, THROUGH, 1)
    with pytest.raises(OutsideCalendar):
        add_days(BANK, FROM, -1)
    with pytest.raises(OutsideCalendar):
        shift(BANK, ShiftRule.NEXT, THROUGH)


@given(inside, st.integers(-20, 20))
def test_counting_agrees_with_walking(day, n):
    walked, left = day, abs(n)
    while left:
        walked += timedelta(days=1 if n > 0 else -1)
        left -= is_business_day(BANK, walked)
    assert add_days(BANK, day, n) == walked


@given(inside, inside)
def test_days_between_undoes_add_days(a, b):
    a = on_or_after(BANK, a)
    assert days_between(BANK, a, add_days(BANK, a, 7)) == 7
    assert days_between(BANK, a, b) == -days_between(BANK, b, a)
    assert days_between(EVERY, a, b) == (b - a).days


@pytest.mark.parametrize("day, n", [(date(9999, 12, 31), 1), (date(9998, 12, 31), 1), (date(1, 2, 1), -1), (date(2000, 1, 1), 10**9)])
def test_every_day_ends_too(day: date, n: int):
    """A site may ask for the year 9999; what follows from it would be no date."""
    with pytest.raises(OutsideCalendar):
        add_days(CalendarKind.EVERY_DAY, day, n)


def test_every_day_reaches_its_ends():
    assert add_days(CalendarKind.EVERY_DAY, date(9998, 12, 30), 1) == date(9998, 12, 31)
    assert add_days(CalendarKind.EVERY_DAY, date(1, 2, 2), -1) == date(1, 2, 1)
