"""Advice for exceptions: every code that the sources can record has some, and it can be printed."""

import re

import pytest

from domain.advice import ADVICE, advice_for
from tests.house.sources import files, text

# where codes are written: `code="X"`, Unreadable("X", Checked(HELD, "X", held = ("X", _held(tx, id, "X", _list(tx, batch, "X"
PLACES = (
    r'\bcode="', r'Unreadable\(\s*"', r'Checked\(\s*HELD,\s*"', r'held = \(\s*"', r'_held\(\s*tx, reply_id, "', r'_list\(tx, batch, "',
    r'stop\(batch, "', r'problem = "', r'\bcode = "',
    r'StopAnswer\.[A-Z_]+: \(\s*"',
)  # fmt: skip
WRITTEN = re.compile(f'(?:{"|".join(PLACES)})([A-Z][A-Z_]{{3,}})"')


def recorded() -> set[str]:
    found: set[str] = set()
    for path in files():
        inside = path.suffix == ".py" and (path.parts[:2] == ("domain", "store") or path.parts[0] == "workers")
        if inside:
            found |= set(WRITTEN.findall(text(path)))
    return found


def test_every_code_that_is_recorded_has_advice():
    found = recorded()
    assert {
        "MALFORMED",
        "CONTRADICTED",
        "UNMATCHED",
        "SPOOL_LOST",
        "UNKNOWN_ACCOUNT",
        "NAME_REUSED",
        "STUCK",
        "OTHER_HASH",
        "HOST_KEY_CHANGED",
    } <= found, "the pattern sees them"
    assert sorted(found - ADVICE.keys()) == []


@pytest.mark.parametrize("code", [*ADVICE, "FROM_ANOTHER_VERSION"])
def test_advice_says_what_it_is_and_what_to_do(code: str):
    advice = advice_for(code)
    assert advice.means.endswith(".")
    assert advice.means_ja.endswith("。")
    assert advice.do
    for line in advice.do:
        line.format(number="17", batch="B", bank="9990", contract="C", file="F", whom="bank 9990", kind="bank")
