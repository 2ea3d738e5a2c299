"""docs/reference.md says what the schema says, and leads somewhere with every link."""

import re

from graphql import GraphQLEnumType, build_schema

from kessai.reference import reference
from tests.docs.running import ROOT

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_schema_says():
    assert reference((ROOT / "schema.graphql").read_text(encoding="utf-8")) == PAGE, "make schema writes it"


def test_every_name_has_its_heading_and_every_link_leads_to_one():
    headings = [title.lower().replace(".", "") for title in re.findall(r"^### (\S+)$", PAGE, re.MULTILINE)]
    assert len(headings) == len(set(headings))
    linked = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert linked - set(headings) == set()
    schema = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
    roots = {"Query", "Mutation", "Subscription"}
    named = {name for name in schema.type_map if not name.startswith("__")} - {"Boolean", "Float", "ID", "Int", "String"} - roots
    assert {name.lower() for name in named} <= set(headings)
    enums = [kind for name, kind in schema.type_map.items() if isinstance(kind, GraphQLEnumType) and not name.startswith("__")]
    assert [value for kind in enums for value in kind.values if f"| `{value}` |" not in PAGE] == []


SMALL = '''
"""The questions."""
type Query {
  """A thing. Null: there is none."""
  thing("Which. Null or left out: the first." no: Int = 7): Thing
}
"""A thing | or two."""
type Thing {
  """What it weighs."""
  weight: Float! @deprecated(reason: "Use `mass`. Leaves 2027-06-01.")
  """What it weighs. Null: not weighed yet."""
  mass: Float
  """Its kind."""
  kind: Kind!
}
"""Kinds."""
enum Kind {
  """Large."""
  LARGE
}
'''


def test_null_defaults_and_what_leaves():
    page = reference(SMALL)
    assert "### Query.thing\n\nA thing.\n\nAnswers [Thing](#thing). Null: there is none." in page
    assert "| `no` | `Int` | Which. Default: `7`. | the first. |" in page
    assert "| `weight` | `Float`! | What it weighs. **Deprecated.** Use `mass`. Leaves 2027-06-01. | never |" in page
    assert "| `mass` | `Float` | What it weighs. | not weighed yet. |" in page
    assert "| `LARGE` | Large. |" in page
    assert "Met in [Thing](#thing).kind." in page
