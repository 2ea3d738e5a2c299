"""`GET /exports/settlements`: a month in one streamed snapshot, for whoever may see settlements."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.context import Caller, Context, language_of
from api.edge import challenge, request_id_of
from api.errors import ApiError, ErrorCode, HttpRefusal, Unauthenticated
from api.exporting import MEDIA_TYPES, Wanted, export
from api.keys import Keys
from api.limits.door import Door, address_of
from api.options import ApiOptions
from api.queries import READ_SETTLEMENTS
from api.scalars import date_of
from api.types.asking import site_of
from domain.store import clock
from domain.store.connection import reading

LONGEST = dt.timedelta(days=366)
NOBODY = 0  # a site that there is none of: finds nothing, like one that is not yours
AT_ONCE = 2  # files of one process: each holds a connection while it is sent
STALLED = 30.0  # seconds that a client may take for one piece
KNOWN = frozenset({"site", "from", "to", "by", "format"})


class Exports:
    """The files of one application."""

    def __init__(self, options: ApiOptions, door: Door, keys: Keys) -> None:
        self._options, self._door, self._keys = options, door, keys
        self._clock: Callable[[], datetime] = options.machine_clock
        self._turns = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[Route]:
        """For the application's table."""
        return [Route("/exports/settlements", self.settlements, methods=["GET"])]

    async def settlements(self, request: Request) -> Response:
        """The file; 401, 403 (scope), 400 (what is asked for), 429 (rate, or too many files at once)."""
        try:
            caller = await self._door.caller(request.headers.get("authorization"), address_of(request))
        except Unauthenticated as refused:
            return challenge(refused, self._options.base_url, request)
        allowance = await self._door.take(caller)
        if READ_SETTLEMENTS not in caller.scopes:
            raise HttpRefusal(
                403,
                ErrorCode.INSUFFICIENT_SCOPE,
                f"This needs the scope {READ_SETTLEMENTS}.",
                japanese=f"この操作にはスコープ {READ_SETTLEMENTS} が必要です。",
                extensions={"wanted": READ_SETTLEMENTS},
            )
        wanted = wanted_of(request.query_params, [name for name, _ in request.query_params.multi_items()])
        if self._turns.locked():
            raise HttpRefusal(
                429,
                ErrorCode.RATE_LIMITED,
                "Other files are being sent; try again in a moment.",
                japanese="ほかのファイルを送信中です。しばらくしてからもう一度お試しください。",
                headers={"retry-after": "5"},
                extensions={"retryAfter": 5},
            )
        context = await self._context(request, caller)
        return _File(self._turns, context, wanted, allowance.headers() if allowance else {})

    async def _context(self, request: Request, caller: Caller) -> Context:
        machine_now = self._clock()
        async with reading() as tx:
            now = await clock.business_now(tx, machine_now)
        return Context(
            caller=caller,
            request_id=request_id_of(request.scope),
            now=now,
            machine_now=machine_now,
            language=language_of(request.headers.get("accept-language")),
            cursor_key=(await self._keys.current()).cursor_key,
            batch_items=0,
            loose_items=0,
        )


def wanted_of(given: Mapping[str, str], names: list[str]) -> Wanted:
    """What an address asks for. Raises HttpRefusal (400) with what would be right."""
    if unknown := sorted(set(names) - KNOWN):
        raise HttpRefusal.bad(f"`{unknown[0][:40]}` is not a parameter; there are {', '.join(sorted(KNOWN))}.")
    if len(names) != len(set(names)):
        raise HttpRefusal.bad("Give each parameter once.", "各パラメーターは 1 回だけ指定してください。")
    file_format, by = given.get("format", "csv"), given.get("by", "debitedOn")
    if file_format not in MEDIA_TYPES:
        raise HttpRefusal.bad("`format` is csv or jsonl.", "`format` は csv または jsonl です。")
    if by not in {"debitedOn", "settledOn"}:
        raise HttpRefusal.bad("`by` is debitedOn or settledOn.", "`by` は debitedOn または settledOn です。")
    first, last = _day(given, "from"), _day(given, "to")
    if last < first or last - first > LONGEST:
        raise HttpRefusal.bad("`to` is not before `from`, and at most a year after it.", "`to` は `from` 以降、1 年以内の日付です。")
    site = given.get("site")
    site_id = None if site is None else site_of(site) or NOBODY
    return Wanted(site_id, first, last, cast("Any", by), file_format)


def _day(given: Mapping[str, str], name: str) -> dt.date:
    try:
        return date_of(given.get(name, ""))
    except ApiError as error:
        raise HttpRefusal.bad(f"`{name}`: {error.message}", f"`{name}` は YYYY-MM-DD の実在する日付です。") from None


class _File(Response):
    """The file on its way: begun when its first piece is there, cut (so that the client notices) when something fails after that."""

    def __init__(self, turns: asyncio.Semaphore, context: Context, wanted: Wanted, headers: Mapping[str, str]) -> None:
        super().__init__(media_type=None)
        del self.headers["content-length"]
        name = f"settlements-{wanted.first}-{wanted.last}.{wanted.format}"
        self.headers.update({
            "content-type": MEDIA_TYPES[wanted.format],
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            **headers,
        })  # fmt: skip
        self._turns, self._asked, self._wanted = turns, context, wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it. A client that takes nothing for a while loses the connection: it holds one of ours."""
        begun = False
        async with self._turns, reading() as tx:
            async for piece in export(tx, self._asked, self._wanted):
                if not begun:
                    await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                    begun = True
                async with asyncio.timeout(STALLED):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
