"""The days of those who do not work every day."""

from datetime import date

import pytest

from sandbox.calendar import BANK_DAYS, EVERY_DAY, Calendar

HOLIDAYS = [date(2002, 1, 14)]


@pytest.mark.parametrize(
    "day, is_open",
    [
        (date(2001, 12, 28), True),  # a Friday
        (date(2001, 12, 29), False),
        (date(2001, 12, 30), False),
        (date(2001, 12, 31), False),  # Monday to Thursday: the banks' new year
        (date(2002, 1, 1), False),
        (date(2002, 1, 2), False),
        (date(2002, 1, 3), False),
        (date(2002, 1, 4), True),
        (date(2002, 1, 14), False),  # a holiday of the configuration, a Monday
        (date(2002, 1, 15), True),
    ],
)
def test_bank_days(day: date, is_open: bool):
    assert Calendar(BANK_DAYS, HOLIDAYS).is_open(day) is is_open
    assert Calendar(EVERY_DAY, HOLIDAYS).is_open(day) is True


@pytest.mark.parametrize(
    "kind, day, count, expected",
    [
        (BANK_DAYS, date(2001, 12, 28), 1, date(2002, 1, 4)),
        (BANK_DAYS, date(2001, 12, 28), 2, date(2002, 1, 7)),
        (BANK_DAYS, date(2002, 1, 7), -2, date(2001, 12, 28)),
        (BANK_DAYS, date(2001, 12, 30), 0, date(2001, 12, 30)),
        (BANK_DAYS, date(2001, 12, 30), 1, date(2002, 1, 4)),
        (EVERY_DAY, date(2001, 12, 28), 4, date(2002, 1, 1)),
        (EVERY_DAY, date(2002, 1, 1), -4, date(2001, 12, 28)),
    ],
)
def test_counting(kind: str, day: date, count: int, expected: date):
    assert Calendar(kind, HOLIDAYS).shift(day, count) == expected
