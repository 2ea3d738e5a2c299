"""Looking at everything: documents that select every field of a type, and what is seen of each field in an answer.

A key is `Type.field`, or `Type.field@place` where the answer depends on the way there: a field or an alias that was passed on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from api.schema import sdl
from domain.statuses import EventKind

SCHEMA = build_schema(sdl())
FILE = Path(__file__).with_name("table.txt")
ROLES = ("site", "seller", "buyer", "both", "operator", "other-site", "other-firm")
ROOTS = ("Query", "Mutation", "Subscription")
ELSEWHERE = "elsewhere"


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class Row:
    """What each role sees of one field; or in which test that is shown instead."""

    key: str
    cells: tuple[str, ...]
    elsewhere: str | None = None

    def of(self, role: str) -> str:
        return self.cells[ROLES.index(role)]

    @property
    def scope(self) -> str:
        """Of a root field: what a token must have for it."""
        return self.cells[len(ROLES)]


def read_table(text: str | None = None) -> dict[str, Row]:
    """The rows by key."""
    rows: dict[str, Row] = {}
    for line in (FILE.read_text(encoding="utf-8") if text is None else text).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        key, _, rest = (part.strip() for part in line.partition("|"))
        assert key not in rows, f"{key} has two rows"
        words = tuple(rest.split())
        if words[0] == ELSEWHERE:
            rows[key] = Row(key, (), words[1])
            continue
        root = key.partition(".")[0] in ROOTS
        assert len(words) == len(ROLES) + root, f"{key}: {len(ROLES)} roles{' and a scope' if root else ''}, not {len(words)}"
        rows[key] = Row(key, words)
    return rows


def fields() -> Iterator[str]:
    """Every `Type.field` of an object type that can be reached from the roots."""
    seen: set[str] = set()
    waiting = [root.name for root in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type) if root is not None]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        named = SCHEMA.type_map[name]
        if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            waiting += [one.name for one in SCHEMA.get_possible_types(named)]
        elif isinstance(named, GraphQLObjectType):
            for field, definition in named.fields.items():
                yield f"{name}.{field}"
                waiting.append(get_named_type(definition.type).name)


# ── asking for everything ────────────────────────────────────────────────────────────────────────────────────────────
def everything(type_name: str, trail: tuple[str, ...] = ()) -> str:
    """A selection of every field below a type; a type that stands above already is only named."""
    named = SCHEMA.type_map[type_name]
    if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
        parts = [f"... on {one.name} {everything(one.name, trail)}" for one in SCHEMA.get_possible_types(named)]
        return "{ __typename " + " ".join(parts) + " }"
    assert isinstance(named, GraphQLObjectType)
    below = (*trail, type_name)
    parts = ["__typename"]
    for name, definition in named.fields.items():
        inner = get_named_type(definition.type)
        if any(is_required_argument(argument) for argument in definition.args.values()):
            continue
        if is_leaf_type(inner):
            parts.append(name)
        elif inner.name in below:
            parts.append(f"{name} {{ __typename }}")
        else:
            parts.append(f"{name} {everything(inner.name, below)}")
    return "{ " + " ".join(parts) + " }"


def sample(type_: Any) -> Any:
    """Some value of an input type that fits its shape, and means nothing that is there."""
    if isinstance(type_, GraphQLNonNull):
        return sample(type_.of_type)
    if isinstance(type_, GraphQLList):
        return [sample(type_.of_type)]
    if isinstance(type_, GraphQLInputObjectType):
        if type_.is_one_of:
            name, one = next(iter(type_.fields.items()))
            return {name: sample(one.type)}
        return {name: sample(one.type) for name, one in type_.fields.items() if isinstance(one.type, GraphQLNonNull)}
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    return {"ID": "c1", "Int": 1, "Boolean": False, "Amount": 1, "Date": "2000-09-25", "DateTime": "2000-09-25T09:00:00+09:00"}.get(
        type_.name, "x"
    )


def bare(root: str, field: str) -> tuple[str, dict[str, Any]]:
    """The shortest operation that runs one root field, with variables for what it needs."""
    parent = SCHEMA.type_map[root]
    assert isinstance(parent, GraphQLObjectType)
    definition = parent.fields[field]
    needed = {name: one for name, one in definition.args.items() if is_required_argument(one)}
    declared = ", ".join(f"${name}: {one.type}" for name, one in needed.items())
    passed = ", ".join(f"{name}: ${name}" for name in needed)
    below = "" if is_leaf_type(get_named_type(definition.type)) else " { __typename }"
    text = f"{root.lower()}{f' ({declared})' if declared else ''} {{ {field}{f'({passed})' if passed else ''}{below} }}"
    return text, {name: sample(one.type) for name, one in needed.items()}


# ── seeing ───────────────────────────────────────────────────────────────────────────────────────────────────────────
NOT_FOR_BUYERS = {"FUNDED", "PAYOUT_INSTRUCTED", "PAID", "PAYOUT_RETURNED", "WILL_NOT_SETTLE", "PAYOUT_WITHDRAWN", "PAYOUT_UNKNOWN"}
Sights = dict[str, set[str]]


def look(answer: Mapping[str, Any], root: str, keys: Mapping[str, Any], found: Sights, ways: Mapping[str, str] | None = None) -> None:
    """Adds what an answer shows to what was found, under the keys of the table. `ways`: root field by alias."""
    for alias, value in answer.items():
        field = (ways or {}).get(alias, alias)
        if field == "__typename":
            continue
        parent = SCHEMA.type_map[root]
        assert isinstance(parent, GraphQLObjectType)
        _note(root, field, value, (alias,), keys, found)
        _walk(get_named_type(parent.fields[field].type).name, value, (alias, field), keys, found)


def _walk(type_name: str, value: Any, way: tuple[str, ...], keys: Mapping[str, Any], found: Sights) -> None:
    if isinstance(value, list):
        for one in value:
            _walk(type_name, one, way, keys, found)
    elif isinstance(value, dict):
        named = SCHEMA.type_map[value.get("__typename", type_name)]
        assert isinstance(named, GraphQLObjectType)
        for field, inner in value.items():
            if field == "__typename":
                continue
            _note(named.name, field, inner, way, keys, found)
            _walk(get_named_type(named.fields[field].type).name, inner, (*way, field), keys, found)


def _note(type_name: str, field: str, value: Any, way: tuple[str, ...], keys: Mapping[str, Any], found: Sights) -> None:
    key = f"{type_name}.{field}"
    key = next((f"{key}@{place}" for place in reversed(way) if f"{key}@{place}" in keys), key)
    found.setdefault(key, set()).add(_token(key, value))


COUNTED = frozenset(
    {
        "ContractConnection.edges",
        "SettlementConnection.edges",
        "Progress.steps",
        "Count.value",
        "SettlementSum.rows",
    }
)
"""Of these the number is compared: what is left out is not to be told by it."""


def _token(key: str, value: Any) -> str:
    if value is None:
        return "null"
    name = key.partition("@")[0]
    if name in COUNTED:
        return str(len(value) if isinstance(value, list) else value)
    if value == []:
        return "none"
    if name == "ContractEventConnection.edges":
        # All kinds, and two that were told later, of which one is of the payout; or these without what is not for buyers.
        return {len(EventKind) + 2: "all", len(EventKind) - len(NOT_FOR_BUYERS) + 1: "no-payout"}.get(len(value), str(len(value)))
    if name in {"ContractEvent.kind", "SettlementEvent.kind"}:
        return "payout" if value in NOT_FOR_BUYERS else "yes"
    if name == "BankAccount.number":
        return "masked" if value.startswith("*****") else "own"
    return "yes"
