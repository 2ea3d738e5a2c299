"""A made-up event for a stored operation: what the receiver will get, with values that nobody has.

The operation is run on the schema's text, without resolvers and without the database, so a sample cannot tell anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    execute,
)

from api.documents import Prepared
from domain.statuses import EventKind

TEXTS = {
    "contractId": "000000000000000000",
    "number": "SAMPLE-1",
    "name": "見本",
    "address": "見本",
    "code": "sample",
    "postalCode": "000-0000",
    "bankCode": "9999",
    "branchCode": "000",
    "holder": "ﾐﾎﾝ",
    "siteId": "0",
    "trackingNumber": "SAMPLE",
}
NUMBERS = {"Int": 1, "Float": 1.0, "Amount": 30_000}
EVENT_KINDS = "ContractEventKind"  # as the schema calls it
INSTANT, DAY = "2000-09-25T10:00:00+09:00", "2000-09-25"


@cache
def _plain() -> GraphQLSchema:
    from api.schema import sdl  # noqa: PLC0415 - the schema's own module imports this one

    return build_schema(sdl())


def sample(document: Prepared, variables: Mapping[str, Any], kind: EventKind, cursor: str, machine_now: datetime) -> str:
    """The body of a sample. `cursor` is a real place, in case a receiver keeps it. `extensions.sample` says what it is."""

    def resolve(_source: Any, info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
        return _value(info.return_type, info.field_name, kind, cursor)

    result = execute(
        _plain(),
        document.document,
        root_value={},
        variable_values=dict(variables),
        field_resolver=resolve,
        type_resolver=_first,
    )
    assert isinstance(result, ExecutionResult)
    assert result.errors is None, result.errors
    body = {"data": result.data, "extensions": {"sample": True, "sentAt": machine_now.isoformat()}}
    return orjson.dumps(body).decode()


def _first(_value: Any, info: GraphQLResolveInfo[Any], abstract: GraphQLInterfaceType | GraphQLUnionType) -> str:
    return info.schema.get_possible_types(abstract)[0].name


def _value(kind_of: Any, name: str, kind: EventKind, cursor: str) -> Any:
    if isinstance(kind_of, GraphQLNonNull):
        return _value(kind_of.of_type, name, kind, cursor)
    if isinstance(kind_of, GraphQLList):
        return [_value(kind_of.of_type, name, kind, cursor)]
    if isinstance(kind_of, GraphQLEnumType):
        return kind.name if kind_of.name == EVENT_KINDS else next(iter(kind_of.values))
    if isinstance(kind_of, GraphQLScalarType):
        return _leaf(kind_of.name, name, cursor)
    assert isinstance(kind_of, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
    return {}


def _leaf(scalar: str, name: str, cursor: str) -> Any:
    if scalar in NUMBERS:
        return NUMBERS[scalar]
    plain = {"Boolean": True, "Cursor": cursor, "Date": DAY, "DateTime": INSTANT, "ID": "sample"}
    return plain.get(scalar, TEXTS.get(name, "sample"))
