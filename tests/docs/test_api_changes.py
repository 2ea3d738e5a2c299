"""The public schema only grows: nothing that would break a client of the released one, and docs/api-changes.md says what has come."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kessai import __version__
from kessai.api_changes import additions, badly_marked, breaking, page
from tests.docs.running import ROOT

RELEASED = (ROOT / "docs" / "released.graphql").read_text(encoding="utf-8")
CURRENT = (ROOT / "schema.graphql").read_text(encoding="utf-8")
TODAY = datetime.now(UTC).date()


def test_nothing_breaks_a_client():
    assert breaking(RELEASED, CURRENT, TODAY) == [], "additions only; what must go is marked @deprecated first (docs/api.md, Change)"


def test_what_has_come_is_written_down():
    assert (ROOT / "docs" / "api-changes.md").read_text(encoding="utf-8") == page(RELEASED, CURRENT, __version__), "make schema writes it"


def test_what_leaves_says_what_to_use_and_when():
    assert badly_marked(CURRENT) == []


BEFORE = """
type Query { old(n: Int = 7, b: Boolean): Int! @deprecated(reason: "Use `new` (since 2027-01-31). Leaves 2027-08-01.") new: Int! thing: Thing }
enum Kind { A B }
input Wish { size: Int kind: Kind = A }
type Thing { kind: Kind! wish(of: Wish): String! }
"""


@pytest.mark.parametrize(
    "was, now, said",
    [
        ("new: Int!", "new: Int", "FIELD_CHANGED_KIND"),
        ("new: Int!", "new: String!", "FIELD_CHANGED_KIND"),
        (" thing: Thing", "", "FIELD_REMOVED"),
        ("A B", "A", "VALUE_REMOVED_FROM_ENUM"),
        ("size: Int", "size: Int!", "FIELD_CHANGED_KIND"),
        ("size: Int", "size: Int weight: Int!", "REQUIRED_INPUT_FIELD_ADDED"),
        ("wish(of: Wish)", "wish(of: Wish!)", "ARG_CHANGED_KIND"),
        ("wish(of: Wish)", "wish", "ARG_REMOVED"),
        ("n: Int = 7", "n: Int = 8", "ARG_DEFAULT_VALUE_CHANGE"),
    ],
)
def test_what_breaks_is_named(was: str, now: str, said: str):
    after = BEFORE.replace(was, now)
    assert after != BEFORE
    [one] = breaking(BEFORE, after, date(2027, 2, 1))
    assert one.startswith(f"{said}: ")


@pytest.mark.parametrize(
    "was, now, said",
    [
        ("A B", "A B C", "Enum value Kind.C was added."),
        ("kind: Kind! ", "kind: Kind! more: Int ", "Field Thing.more was added."),
        ("size: Int", "size: Int weight: Int", "An optional field Wish.weight was added."),
        ("b: Boolean", "b: Boolean c: Int", "An optional argument Query.old(c:) was added."),
        ("type Thing {", "type Other { a: Int }\ntype Thing { other: Other ", "Other was added."),
    ],
)
def test_what_comes_is_said_and_breaks_nothing(was: str, now: str, said: str):
    after = BEFORE.replace(was, now)
    assert breaking(BEFORE, after, TODAY) == []
    assert any(
        said.split(" was ", maxsplit=1)[0].rsplit(maxsplit=1)[-1].rstrip(":)").split("(")[0] in one for one in additions(BEFORE, after)
    )
    assert f"- {additions(BEFORE, after)[0]}" in page(BEFORE, after, "1.0.0")


def test_what_was_announced_may_go_on_its_day_and_not_before():
    after = BEFORE.replace(BEFORE[BEFORE.index("old(") : BEFORE.index("new: Int!")], "")
    assert breaking(BEFORE, after, date(2027, 7, 31)) == ["FIELD_REMOVED: Field Query.old was removed."]
    assert breaking(BEFORE, after, date(2027, 8, 1)) == []
    assert "- `Query.old`: Use `new` (since 2027-01-31). Leaves 2027-08-01." in page(BEFORE, BEFORE, "1.0.0")


@pytest.mark.parametrize(
    "reason, wrong",
    [
        ("Use `new` (since 2027-01-31). Leaves 2027-08-01.", False),
        ("Use `Thing.kind` (since 2027-01-31). Leaves 2027-08-01.", False),
        ("Use `newer` (since 2027-01-31). Leaves 2027-08-01.", True),
        ("Use `new` (since 2027-01-31). Leaves 2027-06-01.", True),
        ("Use `new`.", True),
        ("No longer supported", True),
    ],
)
def test_marks(reason: str, wrong: bool):
    assert bool(badly_marked(BEFORE.replace("Use `new` (since 2027-01-31). Leaves 2027-08-01.", reason))) is wrong
