"""What leaves the house when something goes wrong. Planned errors go out as they are; all others become a code and a request ID."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import structlog
from graphql import GraphQLError

from api.context import Language
from api.errors import ApiError, ErrorCode, Unavailable
from domain.store.availability import is_unavailable

log = structlog.get_logger("api")

SUGGESTION = re.compile(r" Did you mean .*", re.DOTALL)  # they rebuild the schema for whoever has no right to read it
LONGEST = 1_000  # characters of a message: the library repeats what it was sent


# What the library says about an operation stays as it is, behind a sentence that says what it is about.
LEADS = {
    ErrorCode.GRAPHQL_PARSE_FAILED.value: "操作を GraphQL として読めません：",
    ErrorCode.GRAPHQL_VALIDATION_FAILED.value: "操作がスキーマに合いません：",
    ErrorCode.BAD_USER_INPUT.value: "入力が正しくありません：",
}
MASKED = {
    ErrorCode.UNAVAILABLE.value: "データベースに接続できません。しばらくしてからもう一度お試しください。",
    ErrorCode.TIMEOUT.value: "時間がかかりすぎたため中止しました。",
    ErrorCode.INTERNAL.value: "サーバーで問題が起きました。記録はリクエスト ID で確認できます。",
}


def entry(code: ErrorCode, message: str, request_id: str, *, path: list[str | int] | None = None, **extensions: Any) -> dict[str, Any]:
    """One entry of `errors`."""
    found: dict[str, Any] = {"message": message}
    if path is not None:
        found["path"] = path
    found["extensions"] = {"code": code.value, "requestId": request_id, **extensions}
    return found


def entries(
    errors: Iterable[GraphQLError], request_id: str, *, fallback: ErrorCode | None = None, language: Language = "en"
) -> list[dict[str, Any]]:
    """Entries for what graphql-core reports.

    Args:
        errors: As they come out of parsing, validation or execution.
        request_id: Goes with each of them.
        fallback: The code of errors that the library itself raised before anything ran.
        language: Of the messages.
    """
    return [_entry(error, request_id, fallback, language) for error in errors]


def _entry(error: GraphQLError, request_id: str, fallback: ErrorCode | None, language: Language) -> dict[str, Any]:
    code, message, more = _judged(error, request_id, fallback)
    if language == "ja":
        message = _japanese(error, code, message)
    found: dict[str, Any] = {"message": SUGGESTION.sub("", message)[:LONGEST]}
    if error.locations:
        found["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        found["path"] = error.path
    found["extensions"] = {"code": code, "requestId": request_id, **more}
    return found


def _japanese(error: GraphQLError, code: str, message: str) -> str:
    """The message in Japanese, as far as it is ours."""
    planned = error if isinstance(error, ApiError) else error.original_error
    if isinstance(planned, ApiError):
        return planned.japanese or message
    if isinstance((error.extensions or {}).get("code"), str):
        return message  # said in the caller's language where it was raised
    return MASKED.get(code) or LEADS.get(code, "") + message


def _judged(error: GraphQLError, request_id: str, fallback: ErrorCode | None) -> tuple[str, str, dict[str, Any]]:
    """Code, message and further extensions of an error, as strangers may see them."""
    extensions = dict(error.extensions or {})
    if isinstance(extensions.get("code"), str):  # planned, by us
        return extensions.pop("code"), error.message, extensions
    cause = error.original_error
    if cause is None or (isinstance(cause, GraphQLError) and not isinstance(cause, ApiError)):
        if fallback is not None:
            return fallback.value, error.message, {}
        # The library refused a variable or an argument; nothing of ours has failed.
        return ErrorCode.BAD_USER_INPUT.value, error.message, {}
    return (*unplanned(cause, request_id, error.path), {})


def unplanned(cause: BaseException, request_id: str, path: Any = None) -> tuple[str, str]:
    """Code and message for an exception that nobody planned for. One log line, without variables: they hold names and accounts."""
    if isinstance(cause, Unavailable) or is_unavailable(cause):
        log.warning("database_away", request_id=request_id, error=type(cause).__name__)
        return ErrorCode.UNAVAILABLE.value, "The service cannot reach its database; try again in a moment."
    if isinstance(cause, TimeoutError):
        log.warning("request_timeout", request_id=request_id, path=path)
        return ErrorCode.TIMEOUT.value, "This took too long and was stopped."
    log.error("unplanned_error", request_id=request_id, path=path, error=type(cause).__name__, where=_where(cause))
    return ErrorCode.INTERNAL.value, "Something went wrong here. The request ID finds it in our log."


def _where(error: BaseException) -> list[str]:
    """The innermost places of a traceback: file and line, no values."""
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-4:]
