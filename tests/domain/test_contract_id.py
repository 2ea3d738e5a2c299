"""Contract IDs: 18 digits with a check digit, blocks that never repeat, ranges of birth (R11, S44)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contract_id import (
    EPOCH,
    MAX_SECONDS,
    PER_SECOND,
    BadContractId,
    block,
    born_between,
    home_of,
    ids,
    make,
    parse,
    seconds_of,
    text,
)

seconds, homes, numbers = st.integers(0, MAX_SECONDS), st.integers(0, 999), st.integers(0, PER_SECOND - 1)


def test_the_check_digit_is_damms():
    assert text(make(0, 0, 572)) == "000000000000005724"  # the textbook example: 572 has the check digit 4
    assert text(make(0, 0, 0)) == "0" * 18


def test_an_id_names_its_time_home_and_number():
    written = text(make(59_702_400, 130, 42))
    assert (written[:9], written[9:12], written[12:17]) == ("059702400", "130", "00042")
    assert home_of(int(written)) == 130


@given(seconds, homes, numbers)
def test_what_is_made_can_be_read(second, home, number):
    made = make(second, home, number)
    assert parse(text(made)) == parse(str(made)) == made  # leading zeros may be lost on the way
    assert home_of(made) == made // 1_000_000 % 1000 == home
    assert len(text(made)) == 18


@given(seconds, homes, numbers, st.integers(0, 17), st.integers(1, 9))
def test_every_single_wrong_digit_is_found(second, home, number, place, change):
    right = text(make(second, home, number))
    wrong = f"{right[:place]}{(int(right[place]) + change) % 10}{right[place + 1 :]}"
    with pytest.raises(BadContractId):
        parse(wrong)


@given(seconds, homes, numbers, st.integers(0, 16))
def test_every_swap_of_neighbours_is_found(second, home, number, place):
    right = text(make(second, home, number))
    wrong = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
    if wrong != right:
        with pytest.raises(BadContractId):
            parse(wrong)


@pytest.mark.parametrize("written", ["0000000000000057240", "x", "-1", "1 2", "٣", "0x1f", "5724\n"])
def test_what_is_no_id(written):
    with pytest.raises(BadContractId):
        parse(written)


@pytest.mark.parametrize("parts", [(-1, 0, 0), (MAX_SECONDS + 1, 0, 0), (0, 1000, 0), (0, 0, PER_SECOND), (0, -1, 0)])
def test_what_does_not_fit_is_not_made(parts):
    with pytest.raises(ValueError, match="9 digits"):
        make(*parts)


@given(st.lists(st.tuples(st.integers(-5, 20), st.integers(0, 250_000)), max_size=8), st.integers(0, 1000))
def test_blocks_never_overlap_whatever_the_clock_does(calls, now):
    head, taken = 0, -1
    for step, count in calls:
        now = max(0, now + step * (1 if step > 0 else 50))  # also backwards
        first, head = block(head, now, count)
        assert first > taken or count == 0
        assert first >= now * PER_SECOND
        taken = max(taken, first + count - 1)
        assert head == first + count


def test_a_block_runs_on_into_the_next_second():
    made = ids(5 * PER_SECOND - 2, 4, 7)
    assert made == [make(4, 7, PER_SECOND - 2), make(4, 7, PER_SECOND - 1), make(5, 7, 0), make(5, 7, 1)]
    assert made == sorted(set(made))
    assert ids(123, 0, 7) == []


@given(st.integers(0, MAX_SECONDS * PER_SECOND), st.integers(0, 50), homes)
def test_ids_of_a_block_are_those_of_its_numbers(first, count, home):
    assert ids(first, count, home) == [make(n // PER_SECOND, home, n % PER_SECOND) for n in range(first, first + count)]


def test_born_between():
    a, b = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    low, high = born_between(a, b)
    assert low <= make(seconds_of(a), 0, 0)
    assert make(seconds_of(b) - 1, 999, PER_SECOND - 1) < high <= make(seconds_of(b), 0, 0)
    assert born_between(b, b + timedelta(days=1))[0] == high


def test_seconds_are_the_machines_whatever_its_zone():
    tokyo = timezone(timedelta(hours=9))
    assert seconds_of(EPOCH) == 0
    assert seconds_of(datetime(2025, 1, 1, 9, 0, 1, 999_999, tzinfo=tokyo)) == 1
    with pytest.raises(ValueError, match="zone"):
        seconds_of(datetime(2025, 1, 1))  # noqa: DTZ001
