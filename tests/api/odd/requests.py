"""Odd requests, seeded: bodies, headers, addresses and operations that nobody sends on purpose."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_object_type,
)

from api.schema import schema

CORE: GraphQLSchema = schema._schema

TEXTS = [
    "", " ", "0", "1", "-1", "c0", "s1", "e1-x", "c" + "9" * 40, "\x00", "\ud7ff", "\U0001f600", "髙", "ﾔﾏﾀﾞ", "ヤマダ", "a" * 5_000, "' OR 1=1 --",
    "{{7*7}}", "../../etc/passwd", "2000-02-30", "2000-09-25", "9999-12-31", "0001-01-01", "2000-09-25T09:00:00+09:00", "2000-09-25T24:00:00Z",
    "NaN", "1e999", "130", "9990", "\u202e", "null", "true", "\r\n\t", "é", "é",
]  # fmt: skip
NUMBERS: list[Any] = [0, 1, -1, 2, 50, 200, 201, 2**31 - 1, 2**31, -(2**31) - 1, 2**53, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308]
OTHERS: list[Any] = [None, True, False, [], {}, [[]], [None], {"": None}, {"a": {"b": []}}]
PATHS = [
    "/graphql",
    "/graphql/",
    "/oauth/token",
    "/hooks/carriers/x",
    "/explorer",
    "/healthz",
    "/",
    "/%00",
    "/oauth/jwks",
    "/graphql?query=",
]
METHODS = ["POST", "GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"]
ACCEPTS = ["*/*", "application/json", "application/graphql-response+json", "text/html", "", "a/b;q=x", ",,;", "application/*;q=0.1", "\xff"]
TYPES = ["application/json", "application/json; charset=utf-8", "text/plain", "", "application/json; charset=utf-16", "multipart/form-data"]


@dataclass
class Odd:
    """One request."""

    method: str = "POST"
    path: str = "/graphql"
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    signed_in: bool = True


class Maker:
    """Makes them; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def request(self) -> Odd:
        """The next one."""
        kinds = [self._operation, self._variables, self._cut, self._bytes, self._shape, self._headers, self._get, self._elsewhere]
        return self.random.choices(kinds, weights=[6, 6, 2, 2, 2, 1, 1, 1])[0]()

    def _json(self, body: Any) -> Odd:
        return Odd(content=json.dumps(body).encode("utf-8", "surrogatepass"), headers={"content-type": "application/json"})

    def _operation(self) -> Odd:
        return self._json({"query": self._text(), "variables": None})

    def _variables(self) -> Odd:
        """A good operation with odd values."""
        root = self.random.choice([CORE.query_type, CORE.mutation_type])
        assert root is not None
        name, definition = self.random.choice(list(root.fields.items()))
        declared = ", ".join(f"${one}: {argument.type}" for one, argument in definition.args.items())
        passed = ", ".join(f"{one}: ${one}" for one in definition.args)
        query = f"{'query' if root is CORE.query_type else 'mutation'}{f' ({declared})' if declared else ''} {{ {name}"
        query += f"{f'({passed})' if passed else ''}{self._selection(definition.type, 2)} }}"
        variables = {one: self._value(argument.type) for one, argument in definition.args.items() if self.random.random() < 0.9}
        return self._json({"query": query, "variables": variables})

    def _cut(self) -> Odd:
        odd = self.random.choice([self._operation, self._variables])()
        content = bytearray(odd.content)
        for _ in range(self.random.randint(1, 4)):
            place = self.random.randrange(len(content) + 1)
            content[place : place + self.random.randint(0, 3)] = self.random.randbytes(self.random.randint(0, 3))
        odd.content = bytes(content)
        return odd

    def _bytes(self) -> Odd:
        content = self.random.choice(
            [
                self.random.randbytes(self.random.randint(0, 200)),
                b"[" * self.random.randint(1, 100_000),
                b'{"query":"{__typename}","variables":' + b'{"a":' * 2_000,
                b'{"query":"{__typename}","variables":{"a":' + b"9" * self.random.randint(1, 6_000) + b"}}",
                b"\xef\xbb\xbf{}",
                b'{"query":"\\ud800"}',
                b'{"query":"{__typename}","query":1}',
                b"null",
                "{}".encode("utf-16"),
            ]
        )
        return Odd(content=content, headers={"content-type": "application/json"})

    def _shape(self) -> Odd:
        body = {
            name: self._anything()
            for name in ("query", "operationName", "variables", "extensions", "documentId")
            if self.random.random() < 0.6
        }
        if self.random.random() < 0.5:
            body["query"] = "query A { __typename } query B { viewer { scopes } }"
        return self._json(body)

    def _headers(self) -> Odd:
        odd = self._operation()
        choose = self.random.choice
        odd.headers = {
            "content-type": choose(TYPES),
            "accept": choose(ACCEPTS),
            "accept-language": choose(["ja", "en;q=x", "*", "\xe9", "ja" * 500]),
        }
        odd.headers |= {
            "x-request-id": choose(["a", "a b", "x" * 999]),
            "graphql-cost": choose(["1", "2", ""]),
            "last-event-id": choose(["0", "x"]),
        }
        odd.headers |= {"content-length": str(len(odd.content)), "origin": choose(["null", "https://x"])}
        if self.random.random() < 0.3:
            odd.headers["content-encoding"] = choose(["gzip", "identity", "br, gzip"])
        if self.random.random() < 0.3:
            odd.headers["authorization"] = choose(["", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "a" * 9_000, "Bearer a.b.c", "\xff"])
            odd.signed_in = False
        odd.method = choose(METHODS)
        return odd

    def _get(self) -> Odd:
        parts = {
            name: self._anything()
            for name in ("query", "variables", "operationName", "extensions", "documentId")
            if self.random.random() < 0.6
        }
        asked = "&".join(
            f"{name}={quote(value if isinstance(value, str) else json.dumps(value), errors='replace')}" for name, value in parts.items()
        )
        return Odd("GET", f"/graphql?{asked[:20_000]}", headers={"accept": self.random.choice(ACCEPTS[:4])})

    def _elsewhere(self) -> Odd:
        method = self.random.choice(METHODS)
        content = self.random.choice(
            [b"", b"grant_type=client_credentials", b"grant_type=%00&client_id=%ff", b"{}", self.random.randbytes(40)]
        )
        kind = self.random.choice([*TYPES, "application/x-www-form-urlencoded"])
        return Odd(method, self.random.choice(PATHS), content, {"content-type": kind}, signed_in=self.random.random() < 0.5)

    # ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _text(self) -> str:
        root = self.random.choice([CORE.query_type, CORE.query_type, CORE.mutation_type, CORE.subscription_type])
        assert root is not None
        kind = {CORE.query_type: "query", CORE.mutation_type: "mutation"}.get(root, "subscription")
        return f"{kind} {self._selection(root, self.random.randint(1, 5))}"

    def _selection(self, type_: Any, depth: int) -> str:
        named = get_named_type(type_)
        if not is_composite_type(named):
            return ""
        if depth == 0:
            return " { __typename }"
        parts = ["__typename"]
        if is_object_type(named) or hasattr(named, "fields"):
            for name, definition in self.random.sample(list(named.fields.items()), min(len(named.fields), self.random.randint(1, 4))):
                alias = self.random.choice(["", "", "", "a: ", "__typename: "])
                parts.append(f"{alias}{name}{self._arguments(definition.args)}{self._selection(definition.type, depth - 1)}")
        elif self.random.random() < 0.8:
            one = self.random.choice(CORE.get_possible_types(named))
            parts.append(f"... on {one.name}{self._selection(one, depth - 1)}")
        if self.random.random() < 0.1:
            parts.append(
                self.random.choice(["nothing", "...Nowhere", "... on Nothing { a }", "@skip", "__schema { types { name } }", "$a", "{}"])
            )
        return " { " + " ".join(parts) + " }"

    def _arguments(self, arguments: dict[str, Any]) -> str:
        given = [f"{name}: {_literal(self._value(one.type))}" for name, one in arguments.items() if self.random.random() < 0.5]
        return f"({', '.join(given)})" if given else ""

    # ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _anything(self) -> Any:
        return self.random.choice([self.random.choice(TEXTS), self.random.choice(NUMBERS), self.random.choice(OTHERS)])

    def _value(self, type_: Any, depth: int = 4) -> Any:
        """A value for an input type: good, nearly good, or something else."""
        if self.random.random() < 0.08 or depth == 0:
            return self._anything()
        if isinstance(type_, GraphQLNonNull):
            return self._value(type_.of_type, depth)
        if isinstance(type_, GraphQLList):
            return [self._value(type_.of_type, depth - 1) for _ in range(self.random.choice([0, 1, 1, 2, 5]))]
        if isinstance(type_, GraphQLInputObjectType):
            return {name: self._value(one.type, depth - 1) for name, one in type_.fields.items() if self.random.random() < 0.85}
        if isinstance(type_, GraphQLEnumType):
            return self.random.choice([*type_.values, "NOTHING"])
        return self.random.choice([True, False]) if type_.name == "Boolean" else self.random.choice([*TEXTS, *NUMBERS])


def _literal(value: Any) -> str:
    """The value as it is written in an operation."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name or 'a'}: {_literal(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, str) and value.isupper() and value.isascii() and value.isidentifier():
        return value
    return json.dumps(value)
