"""The sandbox's own books: one SQLite file in its directory, so that a second start finds yesterday's world."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS memory(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS agenda(
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, rank INTEGER NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL,
    once TEXT UNIQUE);
CREATE INDEX IF NOT EXISTS agenda_in_order ON agenda(at, rank, id);
CREATE TABLE IF NOT EXISTS failed_actions(id INTEGER PRIMARY KEY, what TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS accounts(
    id INTEGER PRIMARY KEY, bank TEXT NOT NULL, key TEXT NOT NULL, holder TEXT NOT NULL, closed INTEGER NOT NULL DEFAULT 0,
    balance INTEGER NOT NULL DEFAULT 0, UNIQUE(bank, key));
CREATE TABLE IF NOT EXISTS consignors(
    bank TEXT NOT NULL, code TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY(bank, code, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS consignors_by_account ON consignors(bank, key);
CREATE TABLE IF NOT EXISTS mandates(
    bank TEXT NOT NULL, consignor TEXT NOT NULL, key TEXT NOT NULL, stopped INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(bank, consignor, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bookings(
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts(id), day TEXT NOT NULL, direction TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), kind TEXT NOT NULL, file TEXT, reference TEXT NOT NULL DEFAULT '',
    party TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS bookings_of_account ON bookings(account, day);

CREATE TABLE IF NOT EXISTS files(
    id INTEGER PRIMARY KEY, bank TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, taken_as TEXT NOT NULL,
    receipt TEXT NOT NULL, receipts INTEGER NOT NULL DEFAULT 1, codes BLOB, answer TEXT, UNIQUE(bank, name));
CREATE TABLE IF NOT EXISTS identities(
    bank TEXT NOT NULL, name TEXT NOT NULL, identity TEXT NOT NULL, PRIMARY KEY(bank, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS executions(file INTEGER PRIMARY KEY REFERENCES files(id), executed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS takings(token TEXT PRIMARY KEY, taken_as TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS publications(
    id INTEGER PRIMARY KEY, bank TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, published INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS publications_waiting ON publications(id) WHERE NOT published;
CREATE TABLE IF NOT EXISTS held_results(id INTEGER PRIMARY KEY, bank TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rules(id INTEGER PRIMARY KEY, owner TEXT NOT NULL, rule TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rule_uses(
    rule INTEGER NOT NULL REFERENCES rules(id) ON DELETE CASCADE, what TEXT NOT NULL, PRIMARY KEY(rule, what)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS carrier_batches(
    carrier TEXT NOT NULL, batch_id TEXT NOT NULL, sha256 TEXT NOT NULL, answer BLOB NOT NULL,
    PRIMARY KEY(carrier, batch_id));
CREATE TABLE IF NOT EXISTS shipments(
    id INTEGER PRIMARY KEY, carrier TEXT NOT NULL, shipment_id TEXT NOT NULL, batch_id TEXT NOT NULL,
    contract_id TEXT NOT NULL, number TEXT NOT NULL, plan TEXT NOT NULL, status TEXT NOT NULL, tracking_number TEXT, reason TEXT,
    instructed_on TEXT NOT NULL, load TEXT NOT NULL,
    UNIQUE(carrier, shipment_id));
CREATE INDEX IF NOT EXISTS shipments_of_batch ON shipments(carrier, batch_id, plan);
CREATE TABLE IF NOT EXISTS events(
    id INTEGER PRIMARY KEY, carrier TEXT NOT NULL, shipment_id TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL,
    hook INTEGER);
CREATE INDEX IF NOT EXISTS events_unsent ON events(carrier, id) WHERE hook IS NULL;
CREATE INDEX IF NOT EXISTS events_of_shipment ON events(carrier, shipment_id);
CREATE TABLE IF NOT EXISTS carrier_files(
    carrier TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, result BLOB, answers INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY(carrier, name));
CREATE TABLE IF NOT EXISTS hooks(
    id INTEGER PRIMARY KEY, carrier TEXT NOT NULL, message_id TEXT NOT NULL, body BLOB NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL DEFAULT 0, delivered INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS hooks_waiting ON hooks(id) WHERE NOT delivered;
"""


class Store:
    """The connection. One thread at a time uses it: the world holds a lock around every unit of work."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One unit of work: all of it or nothing."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def recall(self, key: str) -> str | None:
        row = self.db.execute("SELECT value FROM memory WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row["value"])

    def remember(self, key: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (key, value))

    def close(self) -> None:
        self.db.close()
