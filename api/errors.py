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
    UNAUTHENTICATED = "UNAUTHENTICATED"
    INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE"
    PAGE_TOO_LARGE = "PAGE_TOO_LARGE"
    BATCH_TOO_LARGE = "BATCH_TOO_LARGE"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    CURSOR_INVALID = "CURSOR_INVALID"
    NOT_FOUND = "NOT_FOUND"
    TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class ApiError(GraphQLError):
    """A planned error: its message and its extensions are meant for the caller."""

    def __init__(self, code: ErrorCode, message: str, **extensions: Any) -> None:
        super().__init__(message, extensions={"code": code.value, **extensions})
        self.code = code


class Unauthenticated(Exception):
    """No token, or one that is not (or no longer) good. Answered with 401 before anything else is looked at.

    Attributes:
        reason: A word for programs: `missing`, `malformed`, `invalid`, `expired`, `stopped`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


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
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers, self.extensions = dict(headers or {}), dict(extensions or {})

    @classmethod
    def bad(cls, message: str) -> HttpRefusal:
        """400: it cannot be read."""
        return cls(400, ErrorCode.BAD_USER_INPUT, message)

    @classmethod
    def media_type(cls, wanted: str) -> HttpRefusal:
        """415: it is in another form."""
        return cls(415, ErrorCode.BAD_USER_INPUT, f"Send {wanted}.", headers={"accept": wanted})
