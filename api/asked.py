"""What a request asks: the parts of a body, or of an address, checked one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from starlette.datastructures import QueryParams

from api import batch
from api.errors import HttpRefusal
from api.trusted import Trusted
from api.turns import Turns

AT_ONCE = 262_144  # bytes that are decoded in one go
NOT_JSON = "The body is not a JSON object."
NOT_JSON_JA = "本文が JSON のオブジェクトではありません。"


@dataclass(slots=True)
class Asked:
    """A request as it was sent. `raw_variables` are still JSON where the body is large."""

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None
    raw_variables: msgspec.Raw | None
    size: int


def not_json() -> HttpRefusal:
    """400: the body cannot be read."""
    return HttpRefusal.bad(NOT_JSON, NOT_JSON_JA)


def of_body(body: bytes, trusted: Trusted) -> Asked:
    """The parts of a request body. Raises HttpRefusal."""
    try:
        return _of_body(body, trusted)
    except (orjson.JSONDecodeError, msgspec.DecodeError, RecursionError):
        raise not_json() from None


def of_address(given: QueryParams, trusted: Trusted) -> Asked:
    """The parts of a GET request: `variables` and `extensions` are JSON there. Raises HttpRefusal."""
    found: dict[str, Any] = {name: given.get(name) for name in ("query", "operationName", "documentId")}
    for name in ("variables", "extensions"):
        try:
            found[name] = orjson.loads(given[name]) if given.get(name) else None
        except orjson.JSONDecodeError:
            raise HttpRefusal.bad(f"`{name}` is not JSON.", f"`{name}` が JSON ではありません。") from None
    return _checked(found, None, 0, trusted)


def _of_body(body: bytes, trusted: Trusted) -> Asked:
    raw: msgspec.Raw | None = None
    if len(body) <= AT_ONCE:
        whole = orjson.loads(body)
        if not isinstance(whole, dict):
            raise not_json()
        return _checked(whole, None, len(body), trusted)
    parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    found: dict[str, Any] = {
        key: orjson.loads(bytes(parts[key])) for key in ("query", "operationName", "documentId", "extensions") if key in parts
    }
    raw = parts.get("variables")
    if raw is not None and bytes(raw).lstrip()[:1] != b"{":
        found["variables"], raw = orjson.loads(bytes(raw)), None
    return _checked(found, raw, len(body), trusted)


def _checked(found: dict[str, Any], raw: msgspec.Raw | None, size: int, trusted: Trusted) -> Asked:
    name, variables, extensions = found.get("operationName"), found.get("variables"), found.get("extensions")
    if not isinstance(name, str | None):
        raise HttpRefusal.bad("`operationName` is a text.", "`operationName` は文字列です。")
    if not isinstance(variables, dict | None):
        raise HttpRefusal.bad("`variables` is an object.", "`variables` はオブジェクトです。")
    if not isinstance(extensions, dict | None):
        raise HttpRefusal.bad("`extensions` is an object.", "`extensions` はオブジェクトです。")
    query = trusted.text(found.get("query"), found.get("documentId"), extensions)
    return Asked(query, name or None, variables, raw, size)


async def opened(plan: batch.Plan, raw: msgspec.Raw) -> dict[str, Any] | None:
    """The variables of a large body, the contracts in them left as pieces of JSON; each step is short."""
    turns = Turns.begin()
    try:
        variables: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        for name, value in variables.items():
            await turns.pause()
            if name != plan.variable:
                variables[name] = orjson.loads(bytes(value))
            elif plan.whole:
                parts: dict[str, Any] = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
                await turns.pause()
                for part, inner in parts.items():
                    parts[part] = _list(inner) if part == "contracts" else orjson.loads(bytes(inner))
                variables[name] = parts
            else:
                variables[name] = _list(value)
    except msgspec.ValidationError:
        return None  # no object or no list where one should be: the ordinary way says so
    except (orjson.JSONDecodeError, msgspec.DecodeError, RecursionError):
        raise not_json() from None
    return variables


def _list(raw: msgspec.Raw) -> Any:
    return msgspec.json.decode(raw, type=list[msgspec.Raw])


async def all_variables(asked: Asked) -> dict[str, Any]:
    """The variables, decoded whole: for bodies within the ordinary limit."""
    if asked.raw_variables is None:
        return asked.variables or {}
    try:
        found = orjson.loads(bytes(asked.raw_variables))
    except orjson.JSONDecodeError:
        raise not_json() from None
    return dict(found)
