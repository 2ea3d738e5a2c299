"""Server-sent events for those without WebSockets: one request, one operation, events with their cursor as `id`.

The form is that of graphql-sse in "distinct connections" mode. A browser's EventSource and every other reader sends the last `id` back as
`Last-Event-ID`, and goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.context import Caller
from api.errors import ApiError, Unauthenticated
from api.live.encoding import Selection
from api.live.operations import Entries, Live, scope_lost
from api.live.outbox import Outbox
from api.masking import entries

EVENT_STREAM = "text/event-stream"
ALIVE_SECONDS = 12.0  # a comment so often, so that nobody between us takes the line for dead
HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


class EventStream(Response):
    """The answer that goes on. `found` is what to follow, or errors that are the only thing it says."""

    def __init__(self, live: Live, found: Selection | Entries, caller: Caller, authorization: str, request_id: str) -> None:
        super().__init__(None, 200, HEADERS, EVENT_STREAM)
        del self.headers["content-length"]
        limits = live.options.limits
        self._live, self._found, self._caller = live, found, caller
        self.authorization, self._request_id = authorization, request_id
        self._outbox = Outbox(limits.unread, limits.unread_chars)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until either side has had enough."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        tasks = [asyncio.create_task(self._operate()), asyncio.create_task(self._write(send)), asyncio.create_task(_left(receive))]
        self._live.watch.add(self)
        try:
            await asyncio.wait(tasks[1:], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._live.watch.remove(self)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _operate(self) -> None:
        if not isinstance(self._found, Selection):
            self._end(self._found)
            return
        try:
            async with self._live.hub.follow(self._found, self):
                await asyncio.get_running_loop().create_future()
        except ApiError as error:
            self.failed(error)

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
        while True:
            try:
                async with asyncio.timeout(ALIVE_SECONDS):
                    taken = await self._outbox.take()
            except TimeoutError:
                await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
                continue
            if taken is None:
                break
            text, cursor = taken
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            self._outbox.wrote(cursor)
        if self._outbox.overflowed:
            behind = f": too slow; go on after {self._outbox.sent}\n\n" if self._outbox.sent else ": too slow\n\n"
            await send({"type": "http.response.body", "body": behind.encode(), "more_body": True})

    # ── what the hub and the watch say ───────────────────────────────────────────────────────────────────────────────
    def event(self, body: str, cursor: str) -> None:
        """One event; its cursor is the frame's ID."""
        self._outbox.put(f"id: {cursor}\nevent: next\ndata: {body}\n\n", cursor)

    def failed(self, error: ApiError) -> None:
        """An error, and the end."""
        self._end(entries([error], self._request_id))

    async def room(self) -> None:
        """Waits for a slow reader while the past is told."""
        await self._outbox.room()

    def renewed(self, caller: Caller) -> None:
        """Rights as they are now."""
        if caller.viewer != self._caller.viewer:
            self._outbox.close()
        elif isinstance(self._found, Selection) and self._found.wish.right not in caller.scopes:
            self._end(scope_lost(self._found.wish.right, self._request_id))

    def refused(self, refusal: Unauthenticated) -> None:
        """The token has ended: so does the stream, without `complete`, so that the client comes back with a fresh one."""
        self._outbox.close()

    def _end(self, errors: Entries) -> None:
        answer: dict[str, Any] = {"errors": errors}
        self._outbox.put(f"event: next\ndata: {orjson.dumps(answer).decode()}\n\n")
        self._outbox.put("event: complete\ndata:\n\n")
        self._outbox.finish()


async def _left(receive: Receive) -> None:
    """Returns when the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
