"""Accounts, mandates and bookings of all banks: opening + in - out = closing, for every account, always.

Accounts open at 0; whatever is on them came by a booking. The balance on the account row is their running sum, kept in
the same transaction.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from sandbox.masking import masked


@dataclass(slots=True)
class Account:
    """An account as a unit of work sees it; `balance` is counted down while a file is gone through."""

    id: int
    key: str
    closed: bool
    balance: int

    def __repr__(self) -> str:
        return f"Account({masked(self.key)}, closed={self.closed})"


@dataclass(frozen=True, slots=True)
class Booking:
    """One movement on one account. `kind`: debit, lump, file, credit, return, charge or deposit."""

    account: int
    direction: str
    amount: int
    kind: str
    file: str | None = None
    reference: str = ""
    party: str = ""
    source: str = ""
    """Bank 4 and branch 3 that a credit came from."""


class Books:
    """All banks' books."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    # -- accounts ----------------------------------------------------------------------------------------------------

    def open_account(self, bank: str, key: str, holder: str) -> None:
        """An account that is there already stays as it is."""
        self._db.execute("INSERT OR IGNORE INTO accounts(bank, key, holder) VALUES (?, ?, ?)", (bank, key, holder))

    def set_closed(self, bank: str, key: str, *, closed: bool) -> None:
        self._db.execute("UPDATE accounts SET closed = ? WHERE bank = ? AND key = ?", (closed, bank, key))

    def find(self, bank: str, keys: Iterable[str]) -> dict[str, Account]:
        """The accounts that exist among those keys, in one statement."""
        rows = self._db.execute(
            "SELECT a.id, a.key, a.closed, a.balance FROM json_each(?) j CROSS JOIN accounts a ON a.bank = ? AND a.key = j.value",
            (orjson.dumps(list(keys)).decode(), bank),
        )
        return {row["key"]: Account(row["id"], row["key"], bool(row["closed"]), row["balance"]) for row in rows}

    def listing(self, bank: str) -> list[dict[str, Any]]:
        """All accounts with what moved on them."""
        rows = self._db.execute(
            "SELECT a.key, a.holder, a.closed, a.balance,"
            " coalesce(sum(b.amount) FILTER (WHERE b.direction = 'in'), 0) AS total_in,"
            " coalesce(sum(b.amount) FILTER (WHERE b.direction = 'out'), 0) AS total_out"
            " FROM accounts a LEFT JOIN bookings b ON b.account = a.id WHERE a.bank = ? GROUP BY a.id ORDER BY a.key",
            (bank,),
        )
        return [
            {
                "account": row["key"],
                "branch": row["key"][:3],
                "type": row["key"][3],
                "number": row["key"][4:],
                "holder": row["holder"],
                "closed": bool(row["closed"]),
                "balance": row["balance"],
                "total_in": row["total_in"],
                "total_out": row["total_out"],
            }
            for row in rows
        ]

    # -- consignors and mandates -------------------------------------------------------------------------------------

    def add_consignors(self, bank: str, consignors: Iterable[tuple[str, str]]) -> None:
        """Pairs of consignor code and account: who may send files, and for which account."""
        self._db.executemany("INSERT OR IGNORE INTO consignors VALUES (?, ?, ?)", ((bank, c, k) for c, k in consignors))

    def knows_consignor(self, bank: str, code: str, key: str) -> bool:
        row = self._db.execute("SELECT 1 FROM consignors WHERE bank = ? AND code = ? AND key = ?", (bank, code, key))
        return row.fetchone() is not None

    def add_mandates(self, bank: str, mandates: Iterable[tuple[str, str, bool]]) -> None:
        """Triples of consignor code, payer account and whether the payer has stopped it; the last word counts."""
        self._db.executemany("INSERT OR REPLACE INTO mandates VALUES (?, ?, ?, ?)", ((bank, c, k, stopped) for c, k, stopped in mandates))

    def mandates(self, bank: str, consignor: str, keys: Iterable[str]) -> dict[str, bool]:
        """For the keys that have a mandate for the consignor: is it stopped?"""
        rows = self._db.execute(
            "SELECT m.key, m.stopped FROM json_each(?) j CROSS JOIN mandates m ON m.bank = ? AND m.consignor = ? AND m.key = j.value",
            (orjson.dumps(list(keys)).decode(), bank, consignor),
        )
        return {row["key"]: bool(row["stopped"]) for row in rows}

    # -- bookings ----------------------------------------------------------------------------------------------------

    def book(self, day: date, bookings: Iterable[Booking]) -> set[int]:
        """Write the movements and move the balances with them; returns the accounts that were touched."""
        deltas: defaultdict[int, int] = defaultdict(int)

        def rows() -> Iterator[tuple[int, str, str, int, str, str | None, str, str, str]]:
            text = day.isoformat()
            for b in bookings:
                deltas[b.account] += b.amount if b.direction == "in" else -b.amount
                yield (b.account, text, b.direction, b.amount, b.kind, b.file, b.reference, b.party, b.source)

        self._db.executemany(
            "INSERT INTO bookings(account, day, direction, amount, kind, file, reference, party, source)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows(),
        )
        self._db.executemany("UPDATE accounts SET balance = balance + ? WHERE id = ?", ((delta, id_) for id_, delta in deltas.items()))
        return set(deltas)

    def reported_banks(self, accounts: Iterable[int]) -> list[str]:
        """The banks at which one of these accounts is a consignor's, so that its statement is written."""
        rows = self._db.execute(
            "SELECT DISTINCT a.bank FROM json_each(?) j CROSS JOIN accounts a ON a.id = j.value"
            " WHERE EXISTS (SELECT 1 FROM consignors c WHERE c.bank = a.bank AND c.key = a.key) ORDER BY a.bank",
            (orjson.dumps(list(accounts)).decode(),),
        )
        return [row["bank"] for row in rows]

    def reported_on(self, bank: str, day: date) -> list[Mapping[str, Any]]:
        """The consignors' accounts with a line on that day, with their balance before it."""
        rows = self._db.execute(
            "SELECT a.id, a.key, a.holder, a.balance - (SELECT coalesce(sum(CASE direction WHEN 'in' THEN amount"
            "   ELSE -amount END), 0) FROM bookings b WHERE b.account = a.id AND b.day >= ?) AS opening"
            " FROM accounts a WHERE a.bank = ? AND EXISTS (SELECT 1 FROM consignors c WHERE c.bank = a.bank AND c.key = a.key)"
            " AND EXISTS (SELECT 1 FROM bookings b WHERE b.account = a.id AND b.day = ?) ORDER BY a.key",
            (day.isoformat(), bank, day.isoformat()),
        )
        return [dict(row) for row in rows]

    def bookings_on(self, account: int, day: date) -> Iterator[sqlite3.Row]:
        yield from self._db.execute("SELECT * FROM bookings WHERE account = ? AND day = ? ORDER BY id", (account, day.isoformat()))

    def book_of(self, bank: str, key: str | None, after: int = 0, limit: int = -1) -> list[dict[str, Any]]:
        """The bookings of one account, or of the whole bank, after a number."""
        rows = self._db.execute(
            'SELECT a.key AS account, b.day AS "on", b.direction, b.amount, b.kind, b.file, b.reference, b.id AS no'
            " FROM accounts a JOIN bookings b ON b.account = a.id"
            " WHERE a.bank = ? AND (? IS NULL OR a.key = ?) AND b.id > ? ORDER BY b.id LIMIT ?",
            (bank, key, key, after, limit),
        )
        return [dict(row) for row in rows]
