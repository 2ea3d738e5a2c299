"""Taking files at a bank's counter: checks, receipt, and the day on which they will be carried out.

A bank takes a file by moving it out of `in/`, remembers its name for ever, and answers with a receipt. What it refuses it
does not carry out; what it accepts goes onto the agenda.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from sandbox.agenda import Agenda, Rank
from sandbox.bankfile import DEBIT, FileName, Request, Unreadable, credit_reference, debit_reference, line_account, line_amount
from sandbox.books import Books
from sandbox.config import BankConfig, FileTerms
from sandbox.formats import format_of
from sandbox.instants import instant_on, write_instant
from sandbox.masking import masked_name
from sandbox.publishing import Drop, Publisher
from sandbox.rules import Behaviour, RuleBook, delay_of
from sandbox.store import Store
from sandbox.taking import Taker

log = logging.getLogger("sandbox.bank")


class Refused(Exception):
    """The file is not carried out; `code` goes into the receipt."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def behaviour_of(rules: RuleBook, bank: str, name: str, parsed: FileName, request: Request) -> Behaviour:
    """What the bank's rules make of this file, now."""

    def lines() -> list[tuple[str, int, str]]:
        if parsed.kind == DEBIT:
            return [(line_account(ln), line_amount(ln), debit_reference(ln)) for ln in request.lines()]
        return [(line_account(ln), line_amount(ln), credit_reference(ln)[1:]) for ln in request.lines()]

    facts = {
        "kind": parsed.kind,
        "date": parsed.on.isoformat(),
        "lines": request.count,
        "consignor": parsed.consignor,
        "name": name,
    }
    return rules.behaviour(bank, facts, lines)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a JSON bank answers to a call."""

    status: int
    body: bytes
    retry_after: int | None = None


class Counter:
    """Where one bank takes files."""

    def __init__(self, bank: BankConfig, drop: Drop, store: Store, agenda: Agenda, publisher: Publisher) -> None:
        self._bank = bank
        self.door = Taker(drop, store, publisher, self._decide)
        self._drop = drop
        self._db: sqlite3.Connection = store.db
        self._agenda = agenda
        self._publisher = publisher
        self._books = Books(store.db)
        self._rules = RuleBook(store.db)
        self._format = format_of(bank)

    def take_call(self, name: str, content: bytes, now: datetime) -> Reply:
        """Take one batch that came as a call, and answer it at once where the answer is known."""
        digest = hashlib.sha256(content).hexdigest()
        known = self._file(name)
        if known is not None:
            if known["sha256"] != digest:
                return Reply(409, orjson.dumps({"code": "KEY_REUSED", "message": "this key came with other bytes before"}))
            if not self._bank.deduplicates:
                return Reply(409, orjson.dumps({"code": "DUPLICATE", "message": "this key was here before"}))
            return self._answered(name, known, again=True)
        self.door.take_call(name, content, now)
        return self._answered(name, self._file(name), again=False)

    def standing(self, name: str) -> dict[str, Any] | None:
        """Where a batch stands, for whoever asks by its ID; None for one that was never here."""
        known = self._file(name)
        if known is None:
            return None
        rows = self._db.execute(
            "SELECT DISTINCT name FROM publications WHERE bank = ? AND published AND (name LIKE ? OR name LIKE ?) ORDER BY id",
            (self._bank.code, f"{name}.receipt%", f"{name}.result%"),
        )
        messages = [row["name"] for row in rows]
        receipt = orjson.loads(known["receipt"])
        told = self._format.answer_name(name, "receipt", 1) in messages
        status = receipt["status"] if told else "received"
        if status == "accepted" and known["executed"] is not None:
            status = "executed" if known["executed"] else "not_executed"
        return {
            "batch_id": name,
            "sha256": known["sha256"],
            "status": status,
            "messages": messages,
        }

    def _file(self, name: str) -> Any:
        return self._db.execute(
            "SELECT f.*, e.executed FROM files f LEFT JOIN executions e ON e.file = f.id WHERE f.bank = ? AND f.name = ?",
            (self._bank.code, name),
        ).fetchone()

    def _answered(self, name: str, known: Any, *, again: bool) -> Reply:
        told = known is not None and (self._drop.outbox / self._format.answer_name(name, "receipt", 1)).exists()
        if not told:
            return Reply(202, orjson.dumps({"batch_id": name, "status": "received"}))
        receipt = orjson.loads(known["receipt"])
        status = 422 if receipt["status"] == "refused" else 200 if again else 201
        return Reply(status, self._format.receipt(receipt))

    def _decide(self, name: str, content: bytes, now: datetime) -> str:
        """Answer the file; returns under which name it is kept."""
        digest = hashlib.sha256(content).hexdigest()
        known = self._db.execute("SELECT * FROM files WHERE bank = ? AND name = ?", (self._bank.code, name)).fetchone()
        if known is not None:
            return self._answer_again(known, digest, now)
        receipt = _receipt(name, digest, now)
        behaviour = Behaviour({}, ())
        parsed: FileName | None = None
        try:
            parsed, request = self._format.take(name, content)
            receipt.update(count=request.count, amount=request.amount, identity=request.identity)
            self._db.execute("INSERT OR IGNORE INTO identities VALUES (?, ?, ?)", (self._bank.code, name, request.identity))
            behaviour = behaviour_of(self._rules, self._bank.code, name, parsed, request)
            self._check(parsed, request, behaviour, now)
        except (Unreadable, Refused) as refusal:
            receipt.update(status="refused", code=refusal.code, reason=refusal.reason)
            log.info("%s: refused %s: %s", self._bank.code, masked_name(name), refusal.code)
        if parsed is not None and behaviour.action.get("lose"):  # nothing of it is known afterwards
            self._rules.forget_use(parsed.kind, name)
            return f"{name}.lost"
        accepted = receipt["status"] == "accepted"
        cursor = self._db.execute(
            "INSERT INTO files(bank, name, sha256, taken_as, receipt) VALUES (?, ?, ?, ?, ?)",
            (self._bank.code, name, digest, name, orjson.dumps(receipt).decode()),
        )
        if not behaviour.is_silent_about("receipt"):
            self._hand_out(name, receipt, now, behaviour)
        if accepted and parsed is not None:
            at = instant_on(parsed.on, self._terms(parsed).executes_at)
            self._agenda.add(max(at, now), Rank.EXECUTION, "execute", {"file": cursor.lastrowid})
            log.info("%s: took %s", self._bank.code, name)
        return name

    def _terms(self, name: FileName) -> FileTerms:
        return self._bank.debit if name.kind == DEBIT else self._bank.credit

    def _check(self, name: FileName, request: Request, behaviour: Behaviour, now: datetime) -> None:
        """What a bank looks at before it accepts; raises Refused."""
        bank, terms = self._bank, self._terms(name)
        if code := behaviour.action.get("refuse"):
            raise Refused(str(code), "a rule of the sandbox says so")
        known = self._books.knows_consignor(bank.code, name.consignor, request.account)
        if request.header["bank"] != bank.code or not known:
            raise Refused("CONSIGNOR", "the consignor and the account of the header are not known together here")
        if not bank.calendar.is_open(name.on):
            raise Refused("DATE", f"the bank does not work on {name.on}")
        due = instant_on(bank.calendar.shift(name.on, -terms.lead_days), terms.deadline)
        if now > due:
            raise Refused("LATE", f"the file had to be here by {write_instant(due)}")
        if request.count > bank.max_lines or request.amount > bank.max_amount:
            raise Refused("LIMIT", f"at most {bank.max_lines} lines and {bank.max_amount} yen")

    def _hand_out(self, name: str, receipt: dict[str, Any], now: datetime, behaviour: Behaviour) -> None:
        delay = delay_of(behaviour.action.get("receipt_delay"))
        if delay:
            at = now + delay
            late = receipt | {"at": write_instant(at)}
            called = self._format.answer_name(name, "receipt", 1)
            self._agenda.add(at, Rank.RECEIPT, "receipt", {"bank": self._bank.code, "name": called, "receipt": late})
        else:
            self._publish(name, receipt)

    def _publish(self, name: str, receipt: dict[str, Any], number: int = 1) -> None:
        self._publisher.publish(self._bank.code, self._format.answer_name(name, "receipt", number), self._format.receipt(receipt))

    def _answer_again(self, known: sqlite3.Row, digest: str, now: datetime) -> str:
        """A name that was here before: the first receipt again, or a refusal beside it. The first receipt stays."""
        name, number = known["name"], known["receipts"] + 1
        self._db.execute("UPDATE files SET receipts = ? WHERE id = ?", (number, known["id"]))
        same = digest == known["sha256"]
        if same and self._bank.deduplicates:
            self._publish(name, orjson.loads(known["receipt"]))
            return f"{name}.{number}"
        code, reason = (
            ("DUPLICATE", "a file of this name was here before")
            if same
            else ("NAME_REUSED", "a file of this name with other bytes was here before")
        )
        first = orjson.loads(known["receipt"])
        receipt = _receipt(name, digest, now) | {"status": "refused", "code": code, "reason": reason}
        if same:
            receipt |= {"count": first["count"], "amount": first["amount"], "identity": first.get("identity", "")}
        self._publish(name, receipt, number)
        log.info("%s: refused %s: %s", self._bank.code, masked_name(name), code)
        return f"{name}.{number}"


def _receipt(name: str, digest: str, now: datetime) -> dict[str, Any]:
    return {
        "file": name,
        "sha256": digest,
        "count": 0,
        "amount": 0,
        "status": "accepted",
        "code": None,
        "reason": None,
        "at": write_instant(now),
        "identity": "",
    }
