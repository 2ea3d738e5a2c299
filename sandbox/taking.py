"""Taking files out of `in/`: each is moved away, decided in one transaction, and kept; also across a crash in between."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

from sandbox.publishing import Drop, Publisher
from sandbox.store import Store

Decide = Callable[[str, bytes, datetime], str]
"""Name, content and business time of a file; returns under which name it is kept. Runs within a transaction."""


class Taker:
    """The door of one bank or carrier."""

    def __init__(self, drop: Drop, store: Store, publisher: Publisher, decide: Decide) -> None:
        self._drop = drop
        self._store = store
        self._publisher = publisher
        self._decide = decide

    def waiting(self) -> bool:
        """Does a complete file lie in `in/`?"""
        return bool(self._drop.uploads())

    def take_all(self, now: datetime) -> None:
        """Take what lies in `in/`, in order of name."""
        for name in self._drop.uploads():
            token = _token(name)
            (self._drop.inbox / name).rename(self._drop.work / token)
            self._take(token, now)

    def take_call(self, name: str, content: bytes, now: datetime) -> None:
        """Take what came otherwise, as if it had lain there."""
        token = _token(name)
        (self._drop.work / token).write_bytes(content)
        self._take(token, now)

    def resume(self, now: datetime) -> None:
        """Finish what an earlier process had taken and not answered."""
        for path in sorted(self._drop.work.glob("*~*")):
            self._take(path.name, now)

    def _take(self, token: str, now: datetime) -> None:
        done = self._store.db.execute("SELECT taken_as FROM takings WHERE token = ?", (token,)).fetchone()
        if done is None:
            content = (self._drop.work / token).read_bytes()
            with self._store.transaction():
                taken_as = self._decide(token.split("~", 1)[1], content, now)
                self._store.db.execute("INSERT INTO takings VALUES (?, ?)", (token, taken_as))
        else:
            taken_as = done["taken_as"]
        (self._drop.work / token).replace(self._drop.taken / taken_as)
        self._publisher.flush()


def _token(name: str) -> str:
    return f"{uuid.uuid4().hex}~{name}"
