"""Yen, fees, limits (I06, I20, S49, S51)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import MAX_BATCH_AMOUNT, MAX_BATCH_LINES, MAX_LINE, FeeRefusal, FeeSchedule, Yen, fee_refusal, fees_of
from tests.domain.grid import grid


@pytest.mark.parametrize("amount", [1.0, 0.5, True, "1", Decimal(1), None])
def test_i20_yen_are_whole_numbers(amount):
    with pytest.raises(TypeError, match="whole"):
        Yen(amount)


def test_direction_belongs_to_the_posting():
    with pytest.raises(ValueError, match="direction"):
        Yen(-1)
    with pytest.raises(ValueError, match="direction"):
        Yen(1) - Yen(2)


def test_yen_add_subtract_compare_and_print():
    assert Yen(2) + Yen(3) == Yen(5)
    assert Yen(5) - Yen(3) == Yen(2)
    assert max(Yen(1), Yen(3), Yen(2)) == Yen(3)
    assert str(Yen(1_234_567)) == "¥1,234,567"


def test_limits_are_the_widths_of_the_banks_records():
    assert (len(str(MAX_LINE)), len(str(MAX_BATCH_AMOUNT)), len(str(MAX_BATCH_LINES))) == (10, 12, 6)
    assert {*str(MAX_LINE), *str(MAX_BATCH_AMOUNT), *str(MAX_BATCH_LINES)} == {"9"}


@pytest.mark.parametrize(
    "amount, schedule, buyer, seller",
    grid("""
        10000       0 0 0 0          0          0
        10000       100 0 50 0       100        50
        10000       0 30 0 250       30         250
        10001       100 30 50 250    130        300    # each part rounded down
        333         0 30 0 30        0          0      # 0.999 yen is none
        334         0 30 0 30        1          1
        9999999999  0 10000 0 10000  9999999999  9999999999
    """),
)
def test_fees(amount, schedule, buyer, seller):
    assert fees_of(int(amount), FeeSchedule(*map(int, schedule.split()))) == (int(buyer), int(seller))


@pytest.mark.parametrize(
    "amount, buyer, seller, refusal",
    grid("""
        100         0  99   -
        100         0  100  SELLER_GETS_NOTHING
        100         0  101  SELLER_GETS_NOTHING
        9999999999  0  0    -
        9999999999  1  0    TOO_LARGE
        9999999998  1  0    -
    """),
)
def test_fees_that_cannot_be(amount, buyer, seller, refusal):
    found = fee_refusal(int(amount), int(buyer), int(seller))
    assert found is (None if refusal == "-" else FeeRefusal[refusal])


@pytest.mark.parametrize("schedule", [(-1, 0, 0, 0), (0, 10_001, 0, 0), (0, 0, 0, -1)])
def test_a_schedule_is_neither_negative_nor_more_than_all(schedule):
    with pytest.raises(ValueError, match=r"fee|basis"):
        FeeSchedule(*schedule)


def test_a_schedule_has_no_fractions():
    with pytest.raises(TypeError, match="whole"):
        FeeSchedule(0, 0.5)  # type: ignore[arg-type]


@given(
    st.integers(1, MAX_LINE),
    st.builds(FeeSchedule, *[st.integers(0, 1_000), st.integers(0, 10_000)] * 2),
)
def test_i06_money_is_conserved_and_nobody_pays_a_broken_yen(amount, schedule):
    buyer, seller = fees_of(amount, schedule)
    gross, net = amount + buyer, amount - seller
    assert gross == net + buyer + seller
    assert 0 <= buyer - schedule.buyer_fixed <= amount
    assert (seller - schedule.seller_fixed) * 10_000 <= amount * schedule.seller_basis_points
    if fee_refusal(amount, buyer, seller) is None:
        assert 0 < net <= gross <= MAX_LINE
