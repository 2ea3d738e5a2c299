"""docs/errors.md names every code that there is, once, and none that there is not."""

from __future__ import annotations

import re
from enum import Enum

import pytest

from api.errors import ErrorCode
from domain.problems import ProblemCode
from tests.docs.running import ROOT

ROW = re.compile(r"^\| ([A-Z_]+) \| (.+) \|$", re.MULTILINE)


def rows(part: str) -> list[tuple[str, list[str]]]:
    """The table of one part of the page: each code, and the cells behind it."""
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    (inside,) = re.findall(rf"^## {re.escape(part)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return [(code, cells.split(" | ")) for code, cells in ROW.findall(inside)]


@pytest.mark.parametrize("part, codes, width", [("Refusals", ProblemCode, 3), ("In `errors`", ErrorCode, 4)])
def test_each_code_has_its_row(part: str, codes: type[Enum], width: int):
    found = rows(part)
    names = [code for code, _ in found]
    assert len(names) == len(set(names))
    assert set(names) == {code.value for code in codes}, "a row for each code, and a code for each row"
    thin = [code for code, cells in found if len(cells) != width or not all(cell.strip() for cell in cells)]
    assert not thin, "what it means, how it comes about and what to do"
