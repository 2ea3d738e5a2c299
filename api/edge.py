"""Around every request: its ID, its log line, and a clean answer for whatever nobody planned for."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ErrorCode, HttpRefusal, Unavailable
from api.masking import entry, log, unplanned

GOOD_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}\Z")
RETRY_AFTER = "2"


def error_response(
    status: int,
    code: ErrorCode | str,
    message: str,
    request_id: str,
    *,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """An answer that is nothing but one error, in GraphQL's shape."""
    body = {"errors": [entry(ErrorCode(code), message, request_id, **(extensions or {}))]}
    return JSONResponse(body, status, headers=dict(headers or {}))


def request_id_of(scope: Scope) -> str:
    """The ID of the request that this scope belongs to."""
    return str(scope["state"]["request_id"])


class Edge:
    """Middleware: X-Request-ID in and out, one log line, HttpRefusal, Unavailable and all other exceptions as JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status, began = 0, time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, answer)
            except Exception as error:  # the last door: nothing gets past it but a code
                if status:  # the answer had begun: it can only be cut
                    log.error("answer_cut", error=type(error).__name__)
                    raise
                await _response_to(error, request_id)(scope, receive, answer)
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                milliseconds=round((time.perf_counter() - began) * 1000, 1),
            )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if GOOD_ID.match(given):
                return str(given)
    return secrets.token_hex(12)


def _response_to(error: Exception, request_id: str) -> JSONResponse:
    if isinstance(error, HttpRefusal):
        return error_response(error.status, error.code, error.message, request_id, headers=error.headers, extensions=error.extensions)
    code, message = unplanned(error, request_id)
    if isinstance(error, Unavailable) or code == ErrorCode.UNAVAILABLE.value:
        return error_response(503, code, message, request_id, headers={"retry-after": RETRY_AFTER})
    return error_response(503 if code == ErrorCode.TIMEOUT.value else 500, code, message, request_id)
