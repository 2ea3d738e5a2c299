"""docs/reference.md: the public schema as a page to read, made from the schema and never by hand.

Every type has a heading of its own, and every mention of a type leads there. What null means is a column of its own, because it is the first
thing that a reader of a field asks.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_list_type,
    is_non_null_type,
    is_specified_scalar_type,
    print_ast,
)

HEAD = """\
# Schema reference

Every type, field, argument and value of the API, made from [schema.graphql](../schema.graphql) by `make schema`; do not edit it. How to begin: [the API, by
doing](api.md).

`!` behind a type: never null. What null means where it can come stands beside the field. In inputs null is the same as left out.
"""
KINDS = ("Queries", "Mutations", "Subscriptions", "Objects", "Interfaces", "Unions", "Inputs", "Enums", "Scalars")
NULL = re.compile(r"\s*\bNull(?: or left out)?: (.+)\Z", re.DOTALL)

Member = GraphQLField | GraphQLInputField | GraphQLArgument


def reference(sdl: str) -> str:
    """The page, as Markdown."""
    schema = build_schema(sdl)
    types = {
        name: kind for name, kind in sorted(schema.type_map.items()) if not name.startswith("__") and not is_specified_scalar_type(kind)
    }
    uses = _uses(types)
    index: defaultdict[str, list[str]] = defaultdict(list)
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for root, kind in _roots(schema):
        for name, field in sorted(root.fields.items()):
            title = f"{root.name}.{name}"
            index[kind].append(_link(title))
            parts[kind].append("\n".join([f"### {title}", "", *_root_field(field)]))
    for name, found in types.items():
        if found not in {root for root, _ in _roots(schema)}:
            kind = _kind(found)
            index[kind].append(_link(name))
            parts[kind].append("\n".join([f"### {name}", "", *_type(found, schema), *_used(uses.get(name, []))]))
    lines = [HEAD, *(f"- **{kind}**: {' · '.join(index[kind])}" for kind in KINDS if index[kind])]
    for kind in KINDS:
        if parts[kind]:
            lines += ["", f"## {kind}", "", "\n\n".join(parts[kind])]
    return "\n".join(lines) + "\n"


def _roots(schema: GraphQLSchema) -> Iterator[tuple[GraphQLObjectType, str]]:
    for root, kind in zip((schema.query_type, schema.mutation_type, schema.subscription_type), KINDS, strict=False):
        if root is not None:
            yield root, kind


def _kind(found: GraphQLNamedType) -> str:
    kinds = {
        GraphQLObjectType: "Objects",
        GraphQLInterfaceType: "Interfaces",
        GraphQLUnionType: "Unions",
        GraphQLInputObjectType: "Inputs",
        GraphQLEnumType: "Enums",
        GraphQLScalarType: "Scalars",
    }
    return kinds[type(found)]


def _uses(types: dict[str, GraphQLNamedType]) -> dict[str, list[str]]:
    """Which fields bring each type, and which take it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, kind in types.items():
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            continue
        for field_name, field in kind.fields.items():
            found[get_named_type(field.type).name].append(f"{name}.{field_name}")
            for argument in getattr(field, "args", {}).values():
                found[get_named_type(argument.type).name].append(f"{name}.{field_name}")
    return found


def _used(places: list[str]) -> list[str]:
    """Where a type is met; a type that is met everywhere needs no list."""
    links = list(dict.fromkeys(_place(place) for place in sorted(places)))
    return ["", f"Met in {', '.join(links)}."] if 0 < len(links) <= 12 else []


def _place(place: str) -> str:
    owner, _, name = place.partition(".")
    return _link(place) if owner in {"Query", "Mutation", "Subscription"} else f"[{owner}](#{owner.lower()}).{name}"


def _link(title: str) -> str:
    return f"[{title}](#{title.lower().replace('.', '')})"


def _linked(kind: object) -> str:
    """A type as it is written in the schema, with the name leading to its heading."""
    if is_non_null_type(kind):
        return f"{_linked(kind.of_type)}!"
    if is_list_type(kind):
        return f"[{_linked(kind.of_type)}]"
    assert isinstance(kind, GraphQLNamedType)
    return f"`{kind.name}`" if is_specified_scalar_type(kind) else _link(kind.name)


def _said(member: Member) -> tuple[str, str]:
    """What a field or argument means, and what null means there."""
    text = " ".join((member.description or "").split())
    null = NULL.search(text)
    meaning, nothing = (text[: null.start()], null[1]) if null else (text, "")
    if member.deprecation_reason:
        meaning += f" **Deprecated.** {member.deprecation_reason}"
    if not isinstance(member, GraphQLField) and member.ast_node is not None and member.ast_node.default_value is not None:
        meaning += f" Default: `{print_ast(member.ast_node.default_value)}`."
    return _cell(meaning), _cell(nothing) or ("never" if is_non_null_type(member.type) else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(members: dict[str, Member], word: str) -> list[str]:
    lines = [f"| {word} | type | meaning | null |", "|---|---|---|---|"]
    for name, member in sorted(members.items()):
        meaning, null = _said(member)
        for argument_name, argument in sorted(getattr(member, "args", {}).items()):
            said, default = _said(argument)
            meaning += f"<br>`{argument_name}` {_linked(argument.type)}: {said}" + (
                f" Null: {default}" if default not in {"", "never"} else ""
            )
        lines.append(f"| `{name}` | {_linked(member.type)} | {meaning} | {null} |")
    return lines


def _root_field(field: GraphQLField) -> list[str]:
    meaning, null = _said(field)
    lines = [meaning, "", f"Answers {_linked(field.type)}." + (f" Null: {null}" if null not in {"", "never"} else "")]
    return [*lines, "", *_table(dict(field.args), "argument")] if field.args else lines


def _type(found: GraphQLNamedType, schema: GraphQLSchema) -> list[str]:
    lines = [" ".join((found.description or "").split())]
    match found:
        case GraphQLObjectType() | GraphQLInterfaceType():
            if found.interfaces:
                lines += ["", f"Implements {_names([kind.name for kind in found.interfaces])}."]
            if isinstance(found, GraphQLInterfaceType):
                lines += ["", f"Implemented by {_names([kind.name for kind in schema.get_possible_types(found)])}."]
            lines += ["", *_table(dict(found.fields), "field")]
        case GraphQLInputObjectType():
            if found.is_one_of:
                lines += ["", "Exactly one of the fields."]
            lines += ["", *_table(dict(found.fields), "field")]
        case GraphQLUnionType():
            lines += ["", f"One of {_names([kind.name for kind in found.types])}."]
        case GraphQLEnumType():
            lines += ["", "| value | meaning |", "|---|---|"]
            for name, value in sorted(found.values.items()):
                gone = f" **Deprecated.** {value.deprecation_reason}" if value.deprecation_reason else ""
                lines.append(f"| `{name}` | {_cell(' '.join((value.description or '').split()))}{gone} |")
        case GraphQLScalarType() if found.specified_by_url:
            lines += ["", f"[Specification]({found.specified_by_url})"]
        case _:
            pass
    return lines


def _names(names: list[str]) -> str:
    order: Callable[[str], str] = str.lower
    return ", ".join(_link(name) for name in sorted(names, key=order))
