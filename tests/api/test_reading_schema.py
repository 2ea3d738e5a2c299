"""The schema: what clients rely on, a sentence on everything, and the committed file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
    print_ast,
)

from api.schema import sdl

HERE = Path(__file__).parent
CORE = build_schema((HERE / "core.graphql").read_text("utf-8"))
OURS = build_schema(sdl())
Fields = GraphQLObjectType | GraphQLInterfaceType


def own(schema_types: dict[str, GraphQLNamedType]) -> list[GraphQLNamedType]:
    return [t for t in schema_types.values() if not is_introspection_type(t) and not is_specified_scalar_type(t)]


def typed(part: GraphQLArgument | GraphQLInputField) -> str:
    """Type and default value."""
    default = part.ast_node.default_value if part.ast_node else None
    return f"{part.type} = {print_ast(default)}" if default else str(part.type)


def shape(named: GraphQLNamedType) -> dict[str, str]:
    """What clients rely on, one line for each part."""
    lines = {"kind": type(named).__name__}
    if isinstance(named, Fields):
        lines |= {f"implements {interface.name}": "" for interface in named.interfaces}
        for name, field in named.fields.items():
            lines[name] = str(field.type)
            lines |= {f"{name}({arg})": typed(a) for arg, a in field.args.items()}
    elif isinstance(named, GraphQLInputObjectType):
        lines["one of"] = str(named.is_one_of)
        lines |= {name: typed(field) for name, field in named.fields.items()}
    elif isinstance(named, GraphQLEnumType):
        lines |= dict.fromkeys(named.values, "")
    elif isinstance(named, GraphQLUnionType):
        lines |= {member.name: "" for member in named.types}
    return lines


@pytest.mark.parametrize("name", [t.name for t in own(CORE.type_map)])
def test_the_core_is_contained(name: str):
    core, ours = shape(CORE.type_map[name]), shape(OURS.type_map[name])
    assert {part: ours.get(part) for part in core} == core


def test_inputs_ask_for_nothing_more_than_the_core():
    """An input field more would be an addition; a required one would break every client."""
    for named in own(CORE.type_map):
        if isinstance(named, GraphQLInputObjectType):
            ours = OURS.type_map[named.name]
            assert isinstance(ours, GraphQLInputObjectType)
            required = {name for name, field in ours.fields.items() if isinstance(field.type, GraphQLNonNull)}
            assert required <= set(named.fields), named.name


def test_the_committed_file_is_the_schema():
    committed = (HERE.parents[1] / "schema.graphql").read_text("utf-8")
    assert committed == sdl(), "write it again: kessai schema > schema.graphql"


def sentences() -> Iterator[tuple[str, str | None]]:
    for named in own(OURS.type_map):
        yield named.name, named.description
        if isinstance(named, Fields | GraphQLInputObjectType):
            for name, field in named.fields.items():
                yield f"{named.name}.{name}", field.description
                for argument, definition in getattr(field, "args", {}).items():
                    yield f"{named.name}.{name}({argument})", definition.description
        if isinstance(named, GraphQLEnumType):
            for value, meaning in named.values.items():
                yield f"{named.name}.{value}", meaning.description


def test_everything_has_a_sentence():
    poor = [where for where, text in sentences() if not text or len(text) < 10 or text[-1] not in ".。"]
    assert poor == []


def test_a_nullable_field_says_what_null_means():
    silent = [
        f"{named.name}.{name}"
        for named in own(OURS.type_map)
        if isinstance(named, GraphQLObjectType)
        for name, field in named.fields.items()
        if not isinstance(field.type, GraphQLNonNull) and "Null" not in (field.description or "")
    ]
    assert silent == []


def test_scalars_say_where_they_are_specified():
    ours = {t.name: t.specified_by_url for t in own(OURS.type_map) if isinstance(t, GraphQLScalarType)}
    assert set(ours) == {"Amount", "Cursor", "Date", "DateTime", "JSON"}
    assert all(url and url.startswith("https://") for url in ours.values())


def test_one_field_name_has_one_type_over_all_members_of_a_union():
    """Else an ordinary document that asks several members for it is invalid."""
    for union in own(OURS.type_map):
        if isinstance(union, GraphQLUnionType):
            types: dict[str, set[str]] = {}
            for member in union.types:
                for name, field in member.fields.items():
                    types.setdefault(name, set()).add(str(field.type))
            assert {name: found for name, found in types.items() if len(found) > 1} == {}, union.name
