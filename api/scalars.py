"""The five scalars of the public schema.

Two of them have a raw twin for input: `RawAmount` and `RawDate` hand on what the client wrote, if only its JSON type is right.
A wrong value in one of ten thousand contracts is that contract's refusal, with code, sentence and path, not a fault of the whole
call; filters read the raw value with `amount_of` and `date_of`, which refuse it with BAD_USER_INPUT.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from graphql.language import IntValueNode, StringValueNode, ValueNode
from graphql.pyutils import Undefined
from strawberry.types.scalar import ScalarDefinition

from api.errors import ApiError, ErrorCode

JST = dt.timezone(dt.timedelta(hours=9), "JST")
LARGEST = 2**53 - 1  # the largest integer that every JSON reader keeps exactly

Amount = NewType("Amount", int)
Cursor = NewType("Cursor", str)
RawAmount = NewType("RawAmount", object)
RawDate = NewType("RawDate", str)
Json = NewType("Json", object)


def bad_input(message: str) -> ApiError:
    """BAD_USER_INPUT: an argument that cannot be meant. The text says what would be right, and repeats nothing of the input."""
    return ApiError(ErrorCode.BAD_USER_INPUT, message)


def amount_of(raw: object) -> int:
    """An `Amount` of an input: an integer or a string of digits, within 2^53-1."""
    if type(raw) is int and 0 <= raw <= LARGEST:
        return raw
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) <= 16 and int(raw) <= LARGEST:
        return int(raw)
    raise bad_input("An Amount is a whole number of minor units (yen) from 0 to 9007199254740991, or a string of its digits.")


def date_of(raw: str) -> dt.date:
    """A `Date` of an input: `YYYY-MM-DD`, a day that exists."""
    if len(raw) == 10:  # date.fromisoformat also takes 20000925 and 2000-W39-1
        try:
            return dt.date.fromisoformat(raw)
        except ValueError:
            pass
    raise bad_input("A Date is written YYYY-MM-DD and must exist.")


def _write_amount(value: object) -> int:
    if type(value) is not int or abs(value) > LARGEST:
        raise GraphQLError("An amount of ours is not a whole number within 2^53-1.")
    return value


def _read_amount(value: object) -> object:
    if type(value) is int or isinstance(value, str):
        return value
    raise bad_input("An Amount is a whole number, or a string of digits.")


def _amount_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> object:
    if isinstance(node, StringValueNode):
        return node.value
    # Longer numbers are no amounts anyway, and Python refuses to read more than 4,300 digits.
    if isinstance(node, IntValueNode) and len(node.value) <= 20:
        return int(node.value)
    raise bad_input("An Amount is a whole number, or a string of digits.")


def _write_date(value: object) -> str:
    if type(value) is not dt.date:
        raise GraphQLError("A bank date of ours is not a date.")
    return value.isoformat()


def _read_text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise bad_input("A string is wanted here.")


def _write_instant(value: object) -> str:
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise GraphQLError("An instant of ours has no offset.")
    return value.astimezone(JST).isoformat()


def _read_instant(value: object) -> dt.datetime:
    text = value if isinstance(value, str) else ""
    if len(text) > 18 and text[10] in "Tt" and (text[-1] in "Zz" or text[-6] in "+-"):
        try:
            return dt.datetime.fromisoformat(text.upper()).astimezone(JST)
        except (ValueError, OverflowError):  # the last hours of year 9999, and the first ones of year 1
            pass
    raise bad_input("A DateTime is written after RFC 3339 with its offset, for example 2000-09-25T10:00:00+09:00.")


def _text_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> object:
    return _read_text(node.value if isinstance(node, StringValueNode) else Undefined)


def _instant_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> object:
    return _read_instant(node.value if isinstance(node, StringValueNode) else Undefined)


AMOUNT = strawberry.scalar(
    name="Amount",
    description=(
        "Money (金額): a JSON integer of minor units of the currency beside it (yen have no decimals), never above 2^53-1. "
        "On input a string of digits is taken too; nothing else is: no decimals, commas or signs."
    ),
    specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
    serialize=_write_amount,
    parse_value=_read_amount,
    parse_literal=_amount_literal,
)
DATE = strawberry.scalar(
    name="Date",
    description="A bank's business date (銀行日付) in Asia/Tokyo, written YYYY-MM-DD.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
    serialize=_write_date,
    parse_value=_read_text,
    parse_literal=_text_literal,
)
DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="An instant after RFC 3339; answers are written with the offset +09:00, input may have any offset.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
    serialize=_write_instant,
    parse_value=_read_instant,
    parse_literal=_instant_literal,
)
CURSOR = strawberry.scalar(
    name="Cursor",
    description=(
        "A place in the event log (出来事の記録), opaque and signed: it says up to where something is known. "
        "Not to be mixed up with the cursors of pages, which are strings and belong to one list."
    ),
    specified_by_url="https://relay.dev/graphql/connections.htm#sec-Cursor",
    serialize=str,
    parse_value=_read_text,
    parse_literal=_text_literal,
)
JSON = strawberry.scalar(
    name="JSON",
    description="Any JSON value, as it stands in `variables` of a request.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
    serialize=lambda value: value,
    parse_value=lambda value: value,
)

SCALARS: dict[object, ScalarDefinition] = {
    Amount: AMOUNT,
    RawAmount: AMOUNT,
    dt.date: DATE,
    RawDate: DATE,
    dt.datetime: DATE_TIME,
    Cursor: CURSOR,
    Json: JSON,
}
