"""Cursors: what was handed out comes back the same, and nothing else is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.stream import START, CursorInvalid, Place, decode, encode

KEY, OTHER = b"k" * 32, b"o" * 32
place = st.builds(
    Place,
    epoch=st.integers(0, 2**32 - 1),
    home=st.integers(0, 999),
    day=st.integers(0, 2**32 - 1),
    pos=st.integers(0, 2**63 - 1),
    index=st.integers(0, 2**32 - 1),
)
places = st.lists(place, max_size=6, unique_by=lambda p: p.home).map(tuple)


@given(places)
def test_there_and_back(given_places):
    cursor = encode(given_places, KEY)
    assert decode(cursor, KEY) == tuple(sorted(given_places, key=lambda p: p.home))
    assert cursor == encode(given_places[::-1], KEY)  # one place, one cursor
    assert cursor.isascii()
    assert not set(cursor) & set("+/= ")


@given(places, st.integers(0, 400), st.integers(1, 63))
def test_whatever_is_altered_is_refused(given_places, place_in_text, change):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    cursor = encode(given_places, KEY)
    at = place_in_text % len(cursor)
    other = alphabet[(alphabet.index(cursor[at]) + change) % 64]
    altered = cursor[:at] + other + cursor[at + 1 :]
    with pytest.raises(CursorInvalid):
        decode(altered, KEY)


def test_the_unused_bits_of_the_last_character_are_no_second_way_to_write_it():
    cursor = encode((), KEY)
    twins = [cursor[:-1] + other for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    accepted = []
    for twin in twins:
        try:
            decode(twin, KEY)
        except CursorInvalid:
            continue
        accepted.append(twin)
    assert accepted == [cursor]


@given(places)
def test_another_key_is_refused(given_places):
    with pytest.raises(CursorInvalid):
        decode(encode(given_places, KEY), OTHER)


@pytest.mark.parametrize("cursor", ["", START, "1", "abc", "あ", "====", "A" * 48, "a b", "\x00", "*" * 40, "A" * 41])
def test_what_is_no_cursor(cursor):
    with pytest.raises(CursorInvalid):
        decode(cursor, KEY)


def test_another_version_is_refused(monkeypatch):
    monkeypatch.setattr("domain.stream._VERSION", 2)
    newer = encode((Place(1, 130, 20, 5),), KEY)
    monkeypatch.undo()
    with pytest.raises(CursorInvalid, match="version"):
        decode(newer, KEY)


def test_a_firm_has_one_place_in_each_home():
    firm = (Place(1, 320, 20, 5, 2), Place(1, 130, 21, 1))
    assert [p.home for p in decode(encode(firm, KEY), KEY)] == [130, 320]
    with pytest.raises(ValueError, match="each home"):
        encode((Place(1, 130, 20, 5), Place(1, 130, 20, 6)), KEY)


def test_places_of_one_home_are_in_the_order_of_the_log():
    assert Place(1, 130, 20, 9) < Place(1, 130, 21, 0) < Place(1, 130, 21, 0, 1) < Place(2, 130, 1, 0)
