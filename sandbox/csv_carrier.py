"""A carrier that is given files: shipments come as `ship_….csv`, results and statuses lie in its `out/` (docs/wire.md section 6).

What it takes it carries by the same plans as a carrier that is called. A file that it cannot read at all is an import that
failed: it says nothing, and whoever sent it does not know.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from sandbox.agenda import Agenda, Rank
from sandbox.carrier_files import (
    MAX_STATUS_ROWS,
    NOT_TAKEN,
    REASONS,
    RESULT_COLUMNS,
    STATUS_COLUMNS,
    TAKEN,
    Row,
    Table,
    Unreadable,
    read_shipments,
    shaped,
    status_row,
)
from sandbox.config import CarrierConfig
from sandbox.masking import masked_name
from sandbox.publishing import Drop, Publisher
from sandbox.rules import Behaviour, RuleBook, delay_of
from sandbox.shipments import TOLD_IN_A_FILE, Consignment, Shipments
from sandbox.store import Store
from sandbox.taking import Taker

log = logging.getLogger("sandbox.carrier")
_NAME = re.compile(r"ship_([0-9]{18})\.csv", re.ASCII)


class CsvCarrier:
    """One carrier of format csv: the files it takes, its shipments, the files it writes."""

    def __init__(self, config: CarrierConfig, drop: Drop, store: Store, agenda: Agenda, publisher: Publisher) -> None:
        self.config = config
        self.shipments = Shipments(config, store.db, agenda)
        self.door = Taker(drop, store, publisher, self._decide)
        self._store = store
        self._db: sqlite3.Connection = store.db
        self._agenda = agenda
        self._publisher = publisher
        self._rules = RuleBook(store.db)

    # -- what comes in -----------------------------------------------------------------------------------------------

    def _decide(self, name: str, content: bytes, now: datetime) -> str:
        """Take a file: once under its name, whatever comes under it later. Returns under which name it is kept."""
        digest = hashlib.sha256(content).hexdigest()
        known = self._db.execute("SELECT * FROM carrier_files WHERE carrier = ? AND name = ?", (self.config.id, name)).fetchone()
        try:
            rows = self._read(name, content)
        except Unreadable as error:
            log.info("%s: cannot read %s: %s", self.config.id, masked_name(name), error)
            rows = None
        if known is not None:
            self._answer_again(known, rows, same=known["sha256"] == digest)
            return f"{name}.{digest[:16]}"
        behaviour = Behaviour({}, ()) if rows is None else self._behaviour("ship", name, [row.reference for row in rows], now)
        if behaviour.action.get("lose"):  # nothing of it is known afterwards
            self._rules.forget_use("ship", name)
            return f"{name}.lost"
        result = None if rows is None else shaped(self._result(name, rows, behaviour, now), behaviour.action)
        self._db.execute(
            "INSERT INTO carrier_files(carrier, name, sha256, result) VALUES (?, ?, ?, ?)", (self.config.id, name, digest, result)
        )
        if rows is not None and not behaviour.is_silent_about("result"):
            self._hand_out(name, behaviour, now)
            log.info("%s: took %s", self.config.id, name)
        return name

    def _read(self, name: str, content: bytes) -> list[Row]:
        if not _NAME.fullmatch(name):
            raise Unreadable("no name of a file with shipments")
        return read_shipments(content, self.config.billing_code)

    def _behaviour(self, kind: str, name: str, references: Sequence[str], now: datetime) -> Behaviour:
        facts = {"kind": kind, "date": now.date().isoformat(), "lines": len(references), "name": name}
        return self._rules.behaviour(f"carrier:{self.config.id}", facts, lambda: [("", 0, reference) for reference in references])

    def _result(self, name: str, rows: Sequence[Row], behaviour: Behaviour, now: datetime) -> Table:
        """Take what can be taken, and say of each row what became of it."""
        refused = behaviour.action.get("refuse")
        mistakes = [[str(refused)] if refused else row.mistakes for row in rows]
        sound = [self._consignment(row) for row, wrong in zip(rows, mistakes, strict=True) if not wrong]
        verdicts = iter(self.shipments.accept(name.removeprefix("ship_").removesuffix(".csv"), sound, now))
        said = []
        for row, wrong in zip(rows, mistakes, strict=True):
            verdict = None if wrong else next(verdicts)
            if verdict is None or verdict.tracking_number is None:
                reasons = wrong if verdict is None else [REASONS.get(verdict.reason or "", verdict.reason or "")]
                said.append((row.reference, "", NOT_TAKEN, " ".join(reasons)))
            else:
                said.append((row.reference, verdict.tracking_number, TAKEN, ""))
        return Table(RESULT_COLUMNS, said)

    def _consignment(self, row: Row) -> Consignment:
        return Consignment(row.reference, row.reference[:18], row.number, self.shipments.plan_of(row.words), row.load)

    def _hand_out(self, name: str, behaviour: Behaviour, now: datetime) -> None:
        """Publish the result, now or as late as a rule says; and again, where a rule says so."""
        delay = delay_of(behaviour.action.get("result_delay"))
        first = {"carrier": self.config.id, "file": name, "as": f"{name}.result.csv"}
        if delay:
            self._agenda.add(now + delay, Rank.RESULT, "carrier_result", first)
        else:
            self.publish_result(first)
        repeat = behaviour.action.get("repeat_result")
        if repeat is not None:
            again = {
                "carrier": self.config.id,
                "file": name,
                "as": first["as"] if repeat.get("name") == "same" else f"{name}.result.2.csv",
                "different": repeat.get("content") == "different",
            }
            if again["as"] != first["as"]:
                self._db.execute("UPDATE carrier_files SET answers = 2 WHERE carrier = ? AND name = ?", (self.config.id, name))
            self._agenda.add(now + delay + delay_of(repeat.get("after", {"hours": 1})), Rank.RESULT, "carrier_result", again)

    def publish_result(self, payload: Any) -> None:
        """Let the result of a file appear. Runs within a transaction."""
        row = self._db.execute(
            "SELECT result FROM carrier_files WHERE carrier = ? AND name = ?", (self.config.id, payload["file"])
        ).fetchone()
        content: bytes = row["result"]
        if payload.get("different"):
            taken, not_taken = (f'"{word}"'.encode("cp932") for word in (TAKEN, NOT_TAKEN))
            content = content.replace(taken, not_taken, 1) if taken in content else content.replace(not_taken, taken, 1)
        self._publisher.publish(self.config.id, payload["as"], content)

    def _answer_again(self, known: sqlite3.Row, rows: Sequence[Row] | None, *, same: bool) -> None:
        """A name that was here before: the first result again, or one beside it that refuses every row. The first result stays."""
        name, number = known["name"], known["answers"] + 1
        if same and self.config.deduplicates:
            if known["result"] is not None:
                self._publisher.publish(self.config.id, f"{name}.result.csv", known["result"])
        elif rows is not None:
            self._db.execute("UPDATE carrier_files SET answers = ? WHERE carrier = ? AND name = ?", (number, self.config.id, name))
            reason = "二重登録" if same else "同名別内容"
            refusal = Table(RESULT_COLUMNS, [(row.reference, "", NOT_TAKEN, reason) for row in rows])
            self._publisher.publish(self.config.id, f"{name}.result.{number}.csv", refusal.write())
            log.info("%s: refused %s: %s", self.config.id, name, "DUPLICATE" if same else "NAME_REUSED")

    # -- what goes out -----------------------------------------------------------------------------------------------

    def pack(self, now: datetime) -> None:
        """Put what is to be told into files of at most 20,000 rows. Runs within a transaction."""
        while events := self.shipments.untold(MAX_STATUS_ROWS):
            rows = [status_row(orjson.loads(event["body"]), self.config.words) for event in events]
            name = self._next_name(now)
            behaviour = self._behaviour("status", name, [row[0] for row in rows], now)
            if not behaviour.is_silent_about("status"):
                self._publisher.publish(self.config.id, name, shaped(Table(STATUS_COLUMNS, rows), behaviour.action))
            self.shipments.told(events[-1]["id"], TOLD_IN_A_FILE)

    def _next_name(self, now: datetime) -> str:
        """Numbered by the day; the number of a file that a rule swallowed is not given again."""
        key = f"status/{self.config.id}/{now:%Y%m%d}"
        number = int(self._store.recall(key) or 0) + 1
        self._store.remember(key, str(number))
        return f"status_{now:%Y%m%d}_{number:03d}.csv"
