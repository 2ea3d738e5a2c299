"""Places of an exception: what is kept of them can be stored and shown, whatever the stranger wrote."""

from domain.findings import MOST_PLACES, Place, stored


def test_a_strangers_characters_are_made_harmless():
    (kept,) = stored([Place(1, 0, 1, "amount", "金額", "10 digits", "1\x00\x1b[2J\u202e\ud800", None)])
    assert kept == {
        "record": 1,
        "byte": 0,
        "column": 1,
        "field": "amount",
        "label": "金額",
        "expected": "10 digits",
        "found": "1??[2J??",
        "contract_id": None,
    }


def test_only_the_first_places_are_kept():
    assert len(stored(Place(n, None, None, "", "", "", "") for n in range(1_000))) == MOST_PLACES
