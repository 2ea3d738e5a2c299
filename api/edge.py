"""Around every request: its ID, its log line, who may call from a browser, and a clean answer for whatever nobody planned for."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import Language, language_of
from api.errors import ErrorCode, HttpRefusal, Unauthenticated, Unavailable
from api.masking import MASKED, entry, log, unplanned

GOOD_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}\Z")
RETRY_AFTER = "2"
# What a page of another origin may send beyond the plainest, and read beyond the body (Fetch standard, CORS).
MAY_SEND = "authorization, content-type, graphql-cost, last-event-id, x-request-id"
MAY_READ = "x-request-id, retry-after, ratelimit, ratelimit-policy, www-authenticate"
PREFLIGHT_SECONDS = "7200"


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


def challenge(refused: Unauthenticated, realm: str, request: Request) -> Response:
    """401, with what is wrong with the token and how to show a better one (RFC 6750)."""
    said = f'Bearer realm="{realm}"'
    if refused.reason != "missing":
        said += ', error="invalid_token"'
    return error_response(
        401,
        ErrorCode.UNAUTHENTICATED,
        refused.japanese if language_of(request.headers.get("accept-language")) == "ja" else refused.message,
        request_id_of(request.scope),
        headers={"www-authenticate": said},
        extensions={"reason": refused.reason},
    )


def request_id_of(scope: Scope) -> str:
    """The ID of the request that this scope belongs to."""
    return str(scope["state"]["request_id"])


async def nowhere(request: Request, refused: Exception) -> Response:
    """What the table of routes refuses: no such path, no such method. With a code, like everything else."""
    assert isinstance(refused, HTTPException)
    japanese = language_of(request.headers.get("accept-language")) == "ja"
    if refused.status_code == 405:
        code, message = ErrorCode.BAD_USER_INPUT, "この方法では呼び出せません。" if japanese else "Not by this method."
    else:
        code, message = ErrorCode.NOT_FOUND, "ここには何もありません。" if japanese else "There is nothing here."
    return error_response(refused.status_code, code, message, request_id_of(request.scope), headers=refused.headers)


class Edge:
    """Middleware: X-Request-ID in and out, one log line, CORS, HttpRefusal, Unavailable and all other exceptions as JSON.

    `origins` are those whose pages may call. Cookies are never let through: tokens travel in a header.
    """

    def __init__(self, app: ASGIApp, origins: frozenset[str] = frozenset()) -> None:
        self._app, self._origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        allowed = self._allowed(headers.get("origin"))
        status, began = 0, time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                leaving = MutableHeaders(scope=message)
                leaving["x-request-id"] = request_id
                if self._origins:
                    leaving.add_vary_header("origin")
                if allowed:
                    leaving["access-control-allow-origin"] = allowed
                    leaving["access-control-expose-headers"] = MAY_READ
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                    await _preflight(allowed, request_id)(scope, receive, answer)
                else:
                    await self._app(scope, receive, answer)
            except Exception as error:  # the last door: nothing gets past it but a code
                if status:  # the answer had begun: it can only be cut
                    log.error("answer_cut", error=type(error).__name__)
                    raise
                language = language_of(headers.get("accept-language"))
                await _response_to(error, request_id, language)(scope, receive, answer)
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                milliseconds=round((time.perf_counter() - began) * 1000, 1),
            )

    def _allowed(self, origin: str | None) -> str | None:
        """What Access-Control-Allow-Origin says to a page of this origin, if anything."""
        if origin is None:
            return None
        if "*" in self._origins:
            return "*"
        return origin if origin in self._origins else None


def _preflight(allowed: str | None, request_id: str) -> Response:
    """The answer to a browser that asks whether a page of another origin may call."""
    if allowed is None:
        return error_response(403, ErrorCode.BAD_USER_INPUT, "Pages of this origin may not call here.", request_id)
    return Response(
        status_code=204,
        headers={
            "access-control-allow-methods": "GET, POST",
            "access-control-allow-headers": MAY_SEND,
            "access-control-max-age": PREFLIGHT_SECONDS,
        },
    )


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if GOOD_ID.match(given) else secrets.token_hex(12)


def _response_to(error: Exception, request_id: str, language: Language) -> JSONResponse:
    if isinstance(error, HttpRefusal):
        message = (error.japanese if language == "ja" else None) or error.message
        return error_response(error.status, error.code, message, request_id, headers=error.headers, extensions=error.extensions)
    code, message = unplanned(error, request_id)
    if language == "ja":
        message = MASKED.get(code, message)
    if isinstance(error, Unavailable) or code == ErrorCode.UNAVAILABLE.value:
        return error_response(503, code, message, request_id, headers={"retry-after": RETRY_AFTER})
    return error_response(503 if code == ErrorCode.TIMEOUT.value else 500, code, message, request_id)
