"""docs/api-changes.md: what has come to the public schema since it was released, and what leaves when; and whether anything would break a client.

The released schema is docs/released.graphql, a copy of schema.graphql on the day of a release. Additions are written down by `make schema`; what
would break somebody is never written down, it fails the tests (the policy stands in docs/api.md, "Change").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, build_schema
from graphql.utilities import (
    BreakingChange,
    DangerousChange,
    DangerousChangeType,
    SafeChange,
    SafeChangeType,
    find_breaking_changes,
    find_dangerous_changes,
    find_schema_changes,
)

HALF_A_YEAR = timedelta(days=182)
REASON = re.compile(r"Use `(?P<instead>[\w.]+)` \(since (?P<since>\d{4}-\d{2}-\d{2})\)\. Leaves (?P<leaves>\d{4}-\d{2}-\d{2})\.")
# Clients have been told to expect these; another default, or a null where there was none, changes what they get without a word.
EXPECTED = {
    DangerousChangeType.VALUE_ADDED_TO_ENUM,
    DangerousChangeType.TYPE_ADDED_TO_UNION,
    DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED,
    DangerousChangeType.OPTIONAL_ARG_ADDED,
    DangerousChangeType.IMPLEMENTED_INTERFACE_ADDED,
}
SAID = {SafeChangeType.DESCRIPTION_CHANGED: False}  # wording is no change of the API


@dataclass(frozen=True, slots=True)
class Leaving:
    """Something marked `@deprecated`."""

    name: str  # Type.field, Enum.VALUE, Type.field(argument)
    reason: str

    @property
    def parts(self) -> re.Match[str] | None:
        """What the reason says, if it has the form that it must have."""
        return REASON.fullmatch(self.reason)


def leaving(schema: GraphQLSchema) -> Iterator[Leaving]:
    """Everything that is marked."""
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLEnumType):
            yield from (
                Leaving(f"{name}.{one}", value.deprecation_reason) for one, value in kind.values.items() if value.deprecation_reason
            )
        elif isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType)):
            for one, field in kind.fields.items():
                if field.deprecation_reason:
                    yield Leaving(f"{name}.{one}", field.deprecation_reason)
                for argument, given in getattr(field, "args", {}).items():
                    if given.deprecation_reason:
                        yield Leaving(f"{name}.{one}({argument})", given.deprecation_reason)


def badly_marked(schema: str) -> list[str]:
    """What is deprecated without saying what to use instead, since when, and when it leaves, half a year later at least."""
    built, wrong = build_schema(schema), []
    for one in leaving(built):
        parts = one.parts
        if parts is None:
            wrong.append(f"{one.name}: say `Use `name` (since 2027-01-31). Leaves 2027-08-01.`, not {one.reason!r}")
        elif date.fromisoformat(parts["leaves"]) - date.fromisoformat(parts["since"]) < HALF_A_YEAR:
            wrong.append(f"{one.name}: leaves less than half a year after {parts['since']}")
        elif not _there(built, one.name.partition(".")[0], parts["instead"]):
            wrong.append(f"{one.name}: there is no {parts['instead']}")
    return wrong


def _there(schema: GraphQLSchema, beside: str, name: str) -> bool:
    type_name, _, field = name.rpartition(".")
    kind = schema.type_map.get(type_name or beside)
    members = getattr(kind, "values", None) or getattr(kind, "fields", None) or {}
    return field in members


def breaking(released: str, current: str, today: date) -> list[str]:
    """What would break a client of the released schema, each by its name. What was marked to leave by now may be gone."""
    before, now = build_schema(released), build_schema(current)
    due = {one.name for one in leaving(before) if (parts := one.parts) is not None and date.fromisoformat(parts["leaves"]) <= today}
    found: list[BreakingChange | DangerousChange] = [*find_breaking_changes(before, now)]
    found += [change for change in find_dangerous_changes(before, now) if change.type not in EXPECTED]
    return [f"{change.type.name}: {change.description}" for change in found if not any(name in change.description for name in due)]


def additions(released: str, current: str) -> list[str]:
    """What has come, a sentence each."""
    changes = find_schema_changes(build_schema(released), build_schema(current))
    found = [
        change.description
        for change in changes
        if (isinstance(change, SafeChange) and SAID.get(change.type, True))
        or (isinstance(change, DangerousChange) and change.type in EXPECTED)
    ]
    return sorted(found)


def page(released: str, current: str, version: str) -> str:
    """The page."""
    come = [f"- {sentence}" for sentence in additions(released, current)] or ["Nothing."]
    go = [f"- `{one.name}`: {one.reason}" for one in leaving(build_schema(current))] or ["Nothing."]
    return "\n".join([
        "# Changes of the API",
        "",
        "Made by `make schema` from [the released schema](released.graphql) and the one of today. What may change how is said in",
        "[the API](api.md#what-holds-everywhere).",
        "On a release, schema.graphql becomes docs/released.graphql, and this page begins anew.",
        "",
        f"## Since {version}",
        "",
        *come,
        "",
        "## What leaves",
        "",
        *go,
        "",
    ])  # fmt: skip
