"""The directories of a bank or carrier: `in/` to it, `out/` from it, `taken/` what it took, `work/` what is on the way.

Whatever appears in `out/` is written in `work/` first and comes by rename, after the transaction that decided it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from sandbox.masking import masked_name

log = logging.getLogger("sandbox.files")
_UNFINISHED = ".tmp"
LARGEST_PUSH = 1 << 20  # bytes; what is larger is only listed


class Drop:
    """The four directories of one bank or carrier."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.inbox, self.outbox, self.taken, self.work = (root / n for n in ("in", "out", "taken", "work"))
        for directory in (self.inbox, self.outbox, self.taken, self.work):
            directory.mkdir(parents=True, exist_ok=True)

    def uploads(self) -> list[str]:
        """The names of complete files in `in/`, in order of name: nobody reads a `.tmp`."""
        with os.scandir(self.inbox) as entries:
            return sorted(e.name for e in entries if not e.name.endswith(_UNFINISHED) and e.is_file())


class Publisher:
    """Puts files into `out/`, each once the transaction that decided it is committed.

    `owner` is a bank's code or a carrier's ID; in the store the column is called `bank`.
    """

    def __init__(self, db: sqlite3.Connection, drops: Mapping[str, Drop], pushing: Iterable[str] = ()) -> None:
        self._db = db
        self._drops = drops
        self._pushing = frozenset(pushing)

    def publish(self, owner: str, name: str, content: bytes) -> None:
        """Decide, within a transaction, that this file appears."""
        digest = hashlib.sha256(content).hexdigest()
        cursor = self._db.execute("INSERT INTO publications(bank, name, sha256) VALUES (?, ?, ?)", (owner, name, digest))
        self._waiting(owner, cursor.lastrowid).write_bytes(content)

    def knows(self, owner: str, name: str) -> bool:
        """Whether a file of this name was ever published or is about to be."""
        return self._db.execute("SELECT 1 FROM publications WHERE bank = ? AND name = ?", (owner, name)).fetchone() is not None

    def flush(self) -> None:
        """Let everything that was decided appear, in the order of the decisions; also what a crash left behind."""
        waiting = self._db.execute("SELECT id, bank, name FROM publications WHERE NOT published ORDER BY id").fetchall()
        for row in waiting:
            source = self._waiting(row["bank"], row["id"])
            if source.exists():
                if row["bank"] in self._pushing and source.stat().st_size <= LARGEST_PUSH:
                    self._db.execute(
                        "INSERT INTO hooks(carrier, message_id, body) VALUES (?, ?, ?)",
                        (f"bank:{row['bank']}", row["name"], source.read_bytes()),
                    )
                source.replace(self._drops[row["bank"]].outbox / row["name"])
            self._db.execute("UPDATE publications SET published = 1 WHERE id = ?", (row["id"],))
            log.info("%s: published %s", row["bank"], masked_name(row["name"]))

    def counts(self, owners: Iterable[str]) -> dict[str, int]:
        """How many files were ever published, by distinct name and bytes."""
        rows = self._db.execute("SELECT bank, count(DISTINCT name || '/' || sha256) AS n FROM publications WHERE published GROUP BY bank")
        found = {row["bank"]: int(row["n"]) for row in rows}
        return {owner: found.get(owner, 0) for owner in owners}

    def listed(self, bank: str, after: int, limit: int) -> list[sqlite3.Row]:
        """What a bank has published after a number, each name once, in order."""
        return self._db.execute(
            "SELECT name, max(id) AS id FROM publications WHERE bank = ? AND published GROUP BY name HAVING max(id) > ? ORDER BY 2 LIMIT ?",
            (bank, after, limit),
        ).fetchall()

    def _waiting(self, owner: str, publication: int | None) -> Path:
        return self._drops[owner].work / f"out-{publication}"
