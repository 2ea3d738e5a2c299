"""Calls between us and a bank, held against docs/bank-api.yaml: every request and every answer."""

from __future__ import annotations

import base64
import functools
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import jsonschema_rs
import orjson
import yaml

from tests.house.sources import ROOT

BASE = re.compile(r"/banks/[0-9]{4}/api")


@functools.cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "bank-api.yaml").read_text(encoding="utf-8"))
    return found


def mistakes(schema: dict[str, Any], value: Any) -> list[str]:
    """What the document finds wrong with a value."""
    validator = jsonschema_rs.Draft202012Validator({**schema, "components": document()["components"]}, validate_formats=True)
    return [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(value)]


def message_mistakes(value: Any) -> list[str]:
    return mistakes({"$ref": "#/components/schemas/Message"}, value)


@dataclass
class Call:
    """One request and its answer."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes


@dataclass
class Heard:
    """Everything that was said. `over` puts it between us and the banks; `drop` may swallow a request, or its answer."""

    calls: list[Call] = field(default_factory=list)

    def over(self, transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        return _Between(self, transport)

    def pushed_keeps_to_the_document(self, pushed: Sequence[tuple[str, dict[str, str], bytes]], secret: str) -> None:
        """What banks have sent to our hook is what they list (docs/bank-api.yaml, webhooks): content, ID and signature. Raises AssertionError."""
        (operation,) = (way["post"] for way in document()["webhooks"].values())
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert "202" in operation["responses"], "how our hook answers"
        wrong = []
        for bank, headers, body in pushed:
            message, name = orjson.loads(body), headers["webhook-id"]
            wrong += [f"{bank} {name}: {mistake}" for mistake in mistakes(schema, message)]
            wrong += [f"{bank} {name}: {mistake}" for mistake in mistakes({"$ref": "#/components/schemas/MessageId"}, name)]
            if not name.startswith("03_" if message["type"] == "statement" else f"{message['batch_id']}.{message['type']}"):
                wrong.append(f"{bank} {name}: the ID of another message")
            signed = f"{name}.{headers['webhook-timestamp']}.".encode() + body
            mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256").digest()
            if f"v1,{base64.b64encode(mac).decode()}" not in headers["webhook-signature"].split():
                wrong.append(f"{bank} {name}: signed otherwise than the document says")
        assert wrong == []
        assert {orjson.loads(body)["type"] for _, _, body in pushed} == {"receipt", "result", "statement"}

    def keeps_to_the_document(self, *, pushed: bool) -> None:
        """Raises AssertionError with everything that is not as the document says."""
        wrong = [f"{call.method} {call.target}: {mistake}" for call in self.calls for mistake in _wrong_with(call)]
        assert wrong == []
        used = {_operation(call)[1]["operationId"] for call in self.calls}
        assert used >= {"giveBatch", "listMessages"} | (set() if pushed else {"readMessage"})


class _Between(httpx2.AsyncBaseTransport):
    def __init__(self, heard: Heard, inner: httpx2.AsyncBaseTransport) -> None:
        self._heard, self._inner = heard, inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        response = await self._inner.handle_async_request(request)
        answer = await response.aread()
        target = request.url.raw_path.decode()
        self._heard.calls.append(Call(request.method, target, dict(request.headers), body, response.status_code, answer))
        return httpx2.Response(response.status_code, headers=response.headers, content=answer)


def _operation(call: Call) -> tuple[str, dict[str, Any]]:
    path = BASE.sub("", call.target.partition("?")[0])
    for shape, operations in document()["paths"].items():
        if re.fullmatch(re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(shape)), path) and call.method.lower() in operations:
            return shape, operations[call.method.lower()]
    raise AssertionError(f"{call.method} {path} is not in the document")


def _wrong_with(call: Call) -> list[str]:
    _, operation = _operation(call)
    found = [f"no {header}" for header in ("webhook-id", "webhook-timestamp", "webhook-signature") if not call.headers.get(header)]
    if call.method == "POST":
        found += mistakes(operation["requestBody"]["content"]["application/json"]["schema"], orjson.loads(call.body))
        found += [] if call.headers["webhook-id"] == call.headers["idempotency-key"] else ["signed over another key"]
    else:
        found += [] if call.headers["webhook-id"] == f"GET {call.target}" else ["signed over another target"]
    answer = operation["responses"].get(str(call.status))
    if answer is None:
        return [*found, f"status {call.status} is not in the document"]
    while "$ref" in answer:
        answer = document()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return found + mistakes(answer["content"]["application/json"]["schema"], orjson.loads(call.answer))
