"""Dates without a year or a century, resolved against a date that is known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zengin.dates import InvalidZenginDate, resolve_era, resolve_mmdd, to_era, to_mmdd

DAYS = st.dates(date(1989, 1, 8), date(2100, 12, 31))


@pytest.mark.parametrize(
    "mmdd, near, resolved",
    [
        ("1207", date(2026, 12, 1), date(2026, 12, 7)),
        ("0105", date(2026, 12, 28), date(2027, 1, 5)),
        ("1228", date(2027, 1, 5), date(2026, 12, 28)),
        ("0229", date(2000, 3, 1), date(2000, 2, 29)),
        ("0229", date(2027, 12, 31), date(2028, 2, 29)),
        ("0229", date(2029, 1, 1), date(2028, 2, 29)),
        ("0701", date(2000, 1, 1), date(2000, 7, 1)),
        ("0702", date(2025, 12, 31), date(2025, 7, 2)),
        ("0701", date(2023, 12, 31), date(2024, 7, 1)),  # 183 days either way: the later
    ],
)
def test_month_and_day_take_the_nearest_year(mmdd: str, near: date, resolved: date):
    assert resolve_mmdd(mmdd, near) == resolved


@pytest.mark.parametrize("mmdd", ["0230", "0000", "1301", "0431", "12", "12 7", "abcd", "１２０７"])
def test_no_month_and_day(mmdd: str):
    with pytest.raises(InvalidZenginDate):
        resolve_mmdd(mmdd, date(2000, 1, 1))


def test_29_february_far_from_a_leap_year():
    with pytest.raises(InvalidZenginDate):
        resolve_mmdd("0229", date(2026, 2, 28))


@pytest.mark.parametrize(
    "day, era",
    [
        (date(2026, 12, 7), "081207"),
        (date(2016, 5, 3), "280503"),
        (date(2000, 4, 7), "120407"),
        (date(1989, 1, 7), "640107"),
        (date(1989, 1, 8), "010108"),
        (date(2019, 4, 30), "310430"),
        (date(2019, 5, 1), "010501"),
        (date(2100, 12, 31), "821231"),
        (date(1926, 12, 25), "011225"),
        (date(2000, 2, 29), "120229"),
    ],
)
def test_era_dates_go_both_ways(day: date, era: str):
    assert to_era(day) == era
    assert resolve_era(era, day) == day


@pytest.mark.parametrize(
    "era, near, resolved",
    [
        ("120407", date(2000, 4, 10), date(2000, 4, 7)),  # Heisei 12
        ("120407", date(2030, 4, 10), date(2030, 4, 7)),  # Reiwa 12
        ("010510", date(2019, 6, 1), date(2019, 5, 10)),
        ("010510", date(1989, 6, 1), date(1989, 5, 10)),
        ("310501", date(2019, 5, 1), date(2049, 5, 1)),  # Heisei ended the day before
    ],
)
def test_the_era_is_the_one_nearest_to_what_is_known(era: str, near: date, resolved: date):
    assert resolve_era(era, near) == resolved


@pytest.mark.parametrize("absent", ["000000", "      "])
def test_an_absent_date(absent: str):
    assert resolve_era(absent, date(2000, 1, 1)) is None


def test_absent_is_written_as_zeros():
    assert to_era(None) == "000000"


@pytest.mark.parametrize("era", ["121301", "120230", "000101", "12040", "12040x", "１２０４０７"])
def test_no_era_date(era: str):
    with pytest.raises(InvalidZenginDate):
        resolve_era(era, date(2000, 1, 1))


@pytest.mark.parametrize("day", [date(1926, 12, 24), date(2118, 1, 1)])
def test_days_outside_the_eras(day: date):
    with pytest.raises(InvalidZenginDate):
        to_era(day)


@given(DAYS, st.integers(-170, 170))
def test_a_date_survives_when_something_near_is_known(day: date, distance: int):
    near = day + timedelta(days=distance)
    assert resolve_era(to_era(day), near) == day
    assert resolve_mmdd(to_mmdd(day), near) == day
