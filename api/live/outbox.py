"""What waits for one reader: bounded, so that one who does not read costs no more than a little memory, and is told."""

from __future__ import annotations

import asyncio
from collections import deque


class Outbox:
    """Messages of one socket, in order, each with the cursor behind it (None: it is no event)."""

    __slots__ = ("_changed", "_chars", "_emptied", "_most", "_most_chars", "_waiting", "closed", "overflowed", "sent")

    def __init__(self, most: int, most_chars: int) -> None:
        self._most, self._most_chars = most, most_chars
        self._waiting: deque[tuple[str, str | None]] = deque()
        self._chars = 0
        self._changed: asyncio.Future[None] | None = None
        self._emptied: asyncio.Future[None] | None = None
        self.closed = self.overflowed = False
        self.sent: str | None = None  # the cursor behind the last event that was written

    def put(self, text: str, cursor: str | None = None) -> None:
        """Adds a message. One too many: what waits is thrown away, `overflowed` is set, and nothing more is taken."""
        if self.closed:
            return
        self._waiting.append((text, cursor))
        self._chars += len(text)
        if len(self._waiting) > self._most or self._chars > self._most_chars:
            self.overflowed = True
            self.close()
            return
        self._wake()

    def close(self) -> None:
        """Throws away what waits: there will be no more."""
        self.closed = True
        self._waiting.clear()
        self._chars = 0
        self._wake()
        self._let_in()

    def finish(self) -> None:
        """Takes nothing more; what waits still leaves."""
        self.closed = True
        self._wake()

    async def take(self) -> tuple[str, str | None] | None:
        """The next message, when there is one; None: it has been closed and all has left."""
        while not self._waiting:
            self._let_in()
            if self.closed:
                return None
            self._changed = asyncio.get_running_loop().create_future()
            await self._changed
        text, cursor = self._waiting.popleft()
        self._chars -= len(text)
        if self._emptied is not None and len(self._waiting) * 2 <= self._most and self._chars * 2 <= self._most_chars:
            self._let_in()
        return text, cursor

    def wrote(self, cursor: str | None) -> None:
        """The message has been given to the socket."""
        if cursor is not None:
            self.sent = cursor

    async def room(self) -> None:
        """Waits until at least half of the room is free, or the outbox closed."""
        while not self.closed and (len(self._waiting) * 2 > self._most or self._chars * 2 > self._most_chars):
            if self._emptied is None or self._emptied.done():
                self._emptied = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._emptied)

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def _let_in(self) -> None:
        if self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)
        self._emptied = None
