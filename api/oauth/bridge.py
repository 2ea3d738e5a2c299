"""Between Authlib and us. Its server side is synchronous: each protocol call runs in a worker thread inside one database transaction; its
storage hooks come back to the event loop and join that transaction, so what a grant reads and writes is atomic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import anyio.from_thread
from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import OAuth2Payload
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.body import read_body
from api.errors import HttpRefusal
from api.keys import Loaded
from domain.store.connection import Tx

FORM_BYTES = 16_384
FORM = "application/x-www-form-urlencoded"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn:
    """One protocol call: its transaction, the keys, and machine time, read once."""

    tx: Tx
    loaded: Loaded
    machine_now: datetime


turn: ContextVar[Turn] = ContextVar("oauth_turn")


def on_loop(function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
    """Runs a coroutine function on the event loop and waits for it: the way from Authlib's thread to the database."""
    return anyio.from_thread.run(function, *args)


class _Payload(OAuth2Payload):  # type: ignore[misc]
    """The form, and nothing but the form: parameters in the address end up in logs."""

    def __init__(self, form: list[tuple[str, str]]) -> None:
        self._form = form

    @cached_property
    def data(self) -> dict[str, str]:
        return dict(self._form)

    @cached_property
    def datalist(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name, value in self._form:
            found[name].append(value)
        return found


class FormRequest(OAuth2Request):  # type: ignore[misc]
    """A request under its public address: behind a proxy the one that arrives is plain http, which Authlib refuses."""

    def __init__(self, method: str, uri: str, headers: Mapping[str, str], form: list[tuple[str, str]]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = _Payload(form)

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


async def read_form(request: Request) -> list[tuple[str, str]]:
    """The form of a request, each parameter at most once (RFC 6749 section 3.2)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise HttpRefusal.media_type(FORM)
    return read_pairs(await read_body(request, FORM_BYTES))


def read_pairs(encoded: bytes) -> list[tuple[str, str]]:
    """Names and values of a form or of the part after the question mark. Raises HttpRefusal."""
    try:
        pairs = parse_qsl(encoded.decode("utf-8"), keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise HttpRefusal.bad("The form cannot be read.") from None
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise HttpRefusal.bad("A parameter stands twice.")
    return pairs


def refused(error: str, description: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An error of the machine's doors (RFC 6749 section 5.2)."""
    return JSONResponse(
        {"error": error, "error_description": description},
        status,
        headers={"cache-control": "no-store", "pragma": "no-cache", **(headers or {})},
    )
