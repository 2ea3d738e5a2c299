"""The API of a JSON bank (docs/bank-api.yaml): every call signed, a batch taken once under its key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.signing import is_genuine
from sandbox.world import World

Endpoint = Callable[[Request], Awaitable[Response]]
PAGE = 1000


class Unknown(Exception):
    """No such bank, carrier or site."""


def bank_calls(world: World) -> list[tuple[str, str, Endpoint]]:
    """Method, path and endpoint of each call."""
    api = _BankApi(world)
    return [
        ("POST", "/banks/{bank}/api/batches", api.take),
        ("GET", "/banks/{bank}/api/batches/{batch_id}", api.batch),
        ("GET", "/banks/{bank}/api/messages", api.messages),
        ("GET", "/banks/{bank}/api/messages/{message_id}", api.message),
    ]


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _refusal(status: int, code: str, message: str) -> Response:
    return _json({"code": code, "message": message}, status)


class _BankApi:
    def __init__(self, world: World) -> None:
        self._world = world

    async def take(self, request: Request) -> Response:
        """POST: the key is the batch ID, and the signed message ID too."""
        body = await request.body()
        bank, refused = self._checked(request, body, request.headers.get("idempotency-key", ""))
        if refused is not None:
            return refused
        key = request.headers.get("idempotency-key", "")
        if not 0 < len(key) <= 35 or not all(c.isascii() and (c.isalnum() or c in "_-") for c in key):
            return _refusal(400, "KEY", "Idempotency-Key is the batch ID: 1 to 35 letters, digits, _ and -")
        reply = await self._world.call_bank(bank, key, body)
        headers = {} if reply.retry_after is None else {"retry-after": str(reply.retry_after)}
        return Response(reply.body, reply.status, headers, media_type="application/json")

    async def batch(self, request: Request) -> Response:
        bank, refused = self._checked(request, b"", _target(request))
        if refused is not None:
            return refused
        found = await self._world.batch_of_bank(bank, request.path_params["batch_id"])
        return _refusal(404, "UNKNOWN_BATCH", "no such batch was ever here") if found is None else _json(found)

    async def messages(self, request: Request) -> Response:
        bank, refused = self._checked(request, b"", _target(request))
        if refused is not None:
            return refused
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit()):
            return _refusal(400, "CURSOR", "after is a cursor of an earlier page")
        found = await self._world.messages_of_bank(bank, int(after), PAGE)
        return _json({"messages": found, "next": found[-1]["cursor"] if len(found) == PAGE else None})

    async def message(self, request: Request) -> Response:
        bank, refused = self._checked(request, b"", _target(request))
        if refused is not None:
            return refused
        found = await self._world.message_of_bank(bank, request.path_params["message_id"])
        if found is None:
            return _refusal(404, "UNKNOWN_MESSAGE", "no such message was ever here")
        return Response(found, media_type="application/json")

    def _checked(self, request: Request, body: bytes, message_id: str) -> tuple[str, Response | None]:
        """The bank, and a refusal unless the call is signed for it and over what it asks."""
        bank = self._world.config.banks.get(str(request.path_params["bank"]))
        if bank is None or bank.format != "json":
            raise Unknown
        genuine = is_genuine(bank.secrets, request.headers, body, self._world.machine_seconds())
        if not genuine or request.headers.get("webhook-id") != message_id:
            return bank.code, _refusal(401, "SIGNATURE", "not signed by a key that is known here, or over something else")
        return bank.code, None


def _target(request: Request) -> str:
    """What the signature of a GET is over: path and query as they were called."""
    query = request.url.query
    return f"GET {request.url.path}{'?' + query if query else ''}"
