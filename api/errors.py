"""Errors of the transport: everything that is not an answer. Each carries a code; what nobody planned for is masked.

Refusals of the domain are not here: they are data, members of a result union (`api.inputs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from graphql import GraphQLError


class ErrorCode(Enum):
    """`extensions.code` of an entry in `errors`. An open set."""

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE"
    TOO_MANY_TOKENS = "TOO_MANY_TOKENS"
    TOO_DEEP = "TOO_DEEP"
    TOO_MANY_ALIASES = "TOO_MANY_ALIASES"
    TOO_COSTLY = "TOO_COSTLY"
    PAGE_TOO_LARGE = "PAGE_TOO_LARGE"
    BATCH_TOO_LARGE = "BATCH_TOO_LARGE"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    CURSOR_INVALID = "CURSOR_INVALID"
    NOT_FOUND = "NOT_FOUND"
    TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS"
    RATE_LIMITED = "RATE_LIMITED"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class ApiError(GraphQLError):
    """A planned error: its message and its extensions are meant for the caller.

    `japanese` is the same message, for errors made where the caller's language is not known.
    """

    def __init__(self, code: ErrorCode, message: str, *, japanese: str | None = None, **extensions: Any) -> None:
        super().__init__(message, extensions={"code": code.value, **extensions})
        self.code, self.japanese = code, japanese


class Unauthenticated(Exception):
    """No token, or one that is not (or no longer) good. Answered with 401 before anything else is looked at.

    Attributes:
        reason: A word for programs: `missing`, `malformed`, `invalid`, `expired`, `stopped`, `revoked`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message
        self.japanese = NOT_LET_IN.get(reason, NOT_LET_IN["invalid"])


NOT_LET_IN = {
    "missing": "アクセストークンを送ってください（Authorization: Bearer ...）。",
    "malformed": "Authorization ヘッダーが `Bearer` とトークンの形になっていません。",
    "invalid": "このアクセストークンはここでは使えません。",
    "expired": "アクセストークンの期限が切れました。新しいものを取得してください。",
    "stopped": "このクライアントは停止されています。",
    "revoked": "このアクセストークンは取り消されました。",
}


class Unavailable(Exception):
    """The database cannot be asked now. Nothing is lost; the caller tries again."""


class HttpRefusal(Exception):
    """A request that is refused before it is an operation: method, size, media type, not JSON."""

    def __init__(
        self,
        status: int,
        code: ErrorCode,
        message: str,
        *,
        japanese: str | None = None,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.japanese = status, code, message, japanese
        self.headers, self.extensions = dict(headers or {}), dict(extensions or {})

    @classmethod
    def bad(cls, message: str, japanese: str | None = None) -> HttpRefusal:
        """400: it cannot be read."""
        return cls(400, ErrorCode.BAD_USER_INPUT, message, japanese=japanese)

    @classmethod
    def media_type(cls, wanted: str) -> HttpRefusal:
        """415: it is in another form."""
        japanese = f"{wanted} で送ってください。"
        return cls(415, ErrorCode.BAD_USER_INPUT, f"Send {wanted}.", japanese=japanese, headers={"accept": wanted})
