"""What will happen and when: one list for all banks, carriers and sites, in the order of business time.

At one instant banks come first (execution, then results, then statements and notices), then carriers, then the sites' registrations.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

import orjson

from sandbox.instants import from_micros, micros


class Rank(IntEnum):
    """The order within one instant."""

    EXECUTION = 0
    RECEIPT = 1
    RESULT = 2
    STATEMENT = 3
    NOTICE = 4
    CARRIER = 5
    SITE = 8


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do."""

    id: int
    at: datetime
    rank: int
    kind: str
    payload: Any


class Agenda:
    """The list, in the store; an item is taken off in the transaction that does it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, at: datetime, rank: Rank, kind: str, payload: Any, *, once: str | None = None) -> None:
        """Put something on the list; with `once` a second of that name changes nothing while the first waits."""
        self._db.execute(
            "INSERT OR IGNORE INTO agenda(at, rank, kind, payload, once) VALUES (?, ?, ?, ?, ?)",
            (micros(at), int(rank), kind, orjson.dumps(payload).decode(), once),
        )

    def next_at(self) -> datetime | None:
        """The earliest instant on the list."""
        row = self._db.execute("SELECT min(at) FROM agenda").fetchone()
        return None if row[0] is None else from_micros(row[0])

    def first(self, until: datetime) -> Item | None:
        """The first item that is due by then."""
        row = self._db.execute("SELECT * FROM agenda WHERE at <= ? ORDER BY at, rank, id LIMIT 1", (micros(until),)).fetchone()
        if row is None:
            return None
        return Item(row["id"], from_micros(row["at"]), row["rank"], row["kind"], orjson.loads(row["payload"]))

    def remove(self, item: Item) -> None:
        self._db.execute("DELETE FROM agenda WHERE id = ?", (item.id,))
