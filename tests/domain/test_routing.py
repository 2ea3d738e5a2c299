"""Which carrier goods go with: the first rule that fits, and what fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.routing import PREFECTURES, Consignment, Route, carrier_of, fits, mistakes, route_of
from tests.domain.grid import grid


def cell(text: str) -> str | None:
    return None if text == "-" else text


@pytest.mark.parametrize(
    "rule_postal, rule_prefecture, rule_goods, postal, address, name, model, fit",
    grid("""
        150   -       -         150-0013   東京都渋谷区恵比寿    プリンタ      MM100   yes
        150   -       -         １５００   東京都渋谷区          プリンタ      MM100   yes   # full width, too few digits
        150   -       -         〒150-0013  東京都渋谷区         プリンタ      MM100   yes
        150   -       -         151-0013   東京都渋谷区          プリンタ      MM100   no
        150   -       -         -          東京都渋谷区          プリンタ      MM100   no    # no postal code fits no rule about one
        -     東京都  -         -          東京都渋谷区          プリンタ      -       yes
        -     東京都  -         -          渋谷区恵比寿          プリンタ      -       no    # an address without its prefecture is not guessed
        -     京都府  -         -          東京都府中市          プリンタ      -       no    # it begins with it
        -     -       冷蔵*     -          東京都                冷蔵ケーキ    -       yes
        -     -       冷蔵*     -          東京都                要冷蔵        -       no
        -     -       *-COOL    -          東京都                ケーキ        ab-cool  yes
        -     -       *-cool    -          東京都                ケーキ        ＡＢ－ＣＯＯＬ  yes   # full width
        -     -       A?        -          東京都                ケーキ        a12     no
        -     -       A[12]     -          東京都                ケーキ        A1      no    # brackets are brackets
        -     -       A[12]     -          東京都                ケーキ        A[12]   yes
        150   東京都  冷蔵*     150        東京都                冷蔵          -       yes
        150   東京都  冷蔵*     150        東京都                机            -       no    # all of it
    """),
)
def test_what_fits(rule_postal, rule_prefecture, rule_goods, postal, address, name, model, fit):
    route = Route(1, "c", cell(rule_postal), cell(rule_prefecture), cell(rule_goods))
    assert mistakes(route) == []
    assert fits(route, Consignment(cell(postal), address, (("机", None), (name, cell(model))))) is (fit == "yes")


@pytest.mark.parametrize(
    "route, words",
    [
        (Route(1, "c"), "says something"),
        (Route(0, "c", "1"), "1 to 1000"),
        (Route(1001, "c", "1"), "1 to 1000"),
        (Route(1, "c", "150-0013"), "digits"),
        (Route(1, "c", ""), "digits"),
        (Route(1, "c", "１５０"), "digits"),
        (Route(1, "c", prefecture="東京"), "prefectures"),
        (Route(1, "c", goods=""), "1 to 100"),
        (Route(1, "c", goods="x" * 101), "1 to 100"),
        (Route(1, "c", goods="a\nb"), "visible"),
    ],
)
def test_rules_that_cannot_be(route, words):
    (found,) = mistakes(route)
    assert words in found


words = st.text("ABab12*冷", max_size=3)
routes = st.builds(
    Route,
    st.integers(1, 1000),
    st.sampled_from(["x", "y", "z"]),
    st.none() | st.sampled_from(["1", "15", "2"]),
    st.none() | st.sampled_from(PREFECTURES[:3]),
    st.none() | words.filter(bool),
)
consignments = st.builds(
    Consignment,
    st.none() | st.sampled_from(["150-0013", "2", ""]),
    st.sampled_from(["北海道札幌市", "青森県", "港区"]),
    st.lists(st.tuples(words, st.none() | words), max_size=3).map(tuple),
)


@given(st.lists(routes, max_size=6, unique_by=lambda route: route.place), st.none() | st.just("own"), consignments)
def test_the_first_rule_that_fits_decides(rules, default, to):
    """Whatever the order in which they come; every rule before it does not fit; without any, the site's own carrier."""
    found = route_of(rules, to)
    assert found == route_of(list(reversed(rules)), to)
    before = [rule for rule in rules if found is None or rule.place < found.place]
    assert not any(fits(rule, to) for rule in before)
    assert found is None or fits(found, to)
    assert carrier_of(rules, default, to) == (default if found is None else found.carrier_id)


def test_there_are_47_prefectures():
    assert len(set(PREFECTURES)) == 47
    assert not [(a, b) for a in PREFECTURES for b in PREFECTURES if a != b and a.startswith(b)]
