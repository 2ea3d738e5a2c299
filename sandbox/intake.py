"""Taking files at a bank's counter: checks, receipt, and the day on which they will be carried out.

A bank takes a file by moving it out of `in/`, remembers its name for ever, and answers with a receipt. What it refuses it
does not carry out; what it accepts goes onto the agenda.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import uuid
from datetime import datetime
from typing import Any

import orjson

from sandbox.agenda import Agenda, Rank
from sandbox.bankfile import (
    DEBIT,
    FileName,
    Request,
    Unreadable,
    credit_reference,
    debit_reference,
    line_account,
    line_amount,
    read_request,
)
from sandbox.books import Books
from sandbox.config import BankConfig, FileTerms
from sandbox.instants import instant_on, write_instant
from sandbox.masking import masked_name
from sandbox.publishing import Drop, Publisher
from sandbox.rules import Behaviour, RuleBook, delay_of
from sandbox.store import Store

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


class Counter:
    """Where one bank takes files."""

    def __init__(self, bank: BankConfig, drop: Drop, store: Store, agenda: Agenda, publisher: Publisher) -> None:
        self._bank = bank
        self._drop = drop
        self._store = store
        self._db: sqlite3.Connection = store.db
        self._agenda = agenda
        self._publisher = publisher
        self._books = Books(store.db)
        self._rules = RuleBook(store.db)

    def take_all(self, now: datetime) -> int:
        """Take what lies in `in/`; returns how many files that were."""
        names = self._drop.uploads()
        for name in names:
            token = f"{uuid.uuid4().hex}~{name}"
            (self._drop.inbox / name).rename(self._drop.work / token)
            self._take(token, now)
        return len(names)

    def resume(self, now: datetime) -> None:
        """Finish what an earlier process had taken and not answered."""
        for path in sorted(self._drop.work.glob("*~*")):
            self._take(path.name, now)

    def _take(self, token: str, now: datetime) -> None:
        name = token.split("~", 1)[1]
        done = self._db.execute("SELECT taken_as FROM takings WHERE token = ?", (token,)).fetchone()
        if done is None:
            content = (self._drop.work / token).read_bytes()
            with self._store.transaction():
                taken_as = self._decide(name, content, now)
                self._db.execute("INSERT INTO takings VALUES (?, ?)", (token, taken_as))
        else:
            taken_as = done["taken_as"]
        (self._drop.work / token).replace(self._drop.taken / taken_as)
        self._publisher.flush()

    def _decide(self, name: str, content: bytes, now: datetime) -> str:
        """Answer the file; returns under which name it is kept."""
        digest = hashlib.sha256(content).hexdigest()
        known = self._db.execute("SELECT * FROM files WHERE bank = ? AND name = ?", (self._bank.code, name)).fetchone()
        if known is not None:
            return self._answer_again(known, digest, now)
        receipt = _receipt(name, digest, now)
        behaviour = Behaviour({}, ())
        parsed = None
        try:
            parsed = FileName.parse(name)
            request = read_request(parsed, content)
            receipt.update(count=request.count, amount=request.amount)
            behaviour = behaviour_of(self._rules, self._bank.code, name, parsed, request)
            self._check(parsed, request, behaviour, now)
        except (Unreadable, Refused) as refusal:
            receipt.update(status="refused", code=refusal.code, reason=refusal.reason)
            log.info("%s: refused %s: %s", self._bank.code, masked_name(name), refusal.code)
        if parsed is not None and behaviour.action.get("lose"):
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
            self._agenda.add(at, Rank.RECEIPT, "receipt", {"bank": self._bank.code, "name": f"{name}.receipt.json", "receipt": late})
        else:
            self._publisher.publish(self._bank.code, f"{name}.receipt.json", orjson.dumps(receipt))

    def _answer_again(self, known: sqlite3.Row, digest: str, now: datetime) -> str:
        """A name that was here before: the first receipt again, or a refusal beside it. The first receipt stays."""
        name, number = known["name"], known["receipts"] + 1
        self._db.execute("UPDATE files SET receipts = ? WHERE id = ?", (number, known["id"]))
        same = digest == known["sha256"]
        if same and self._bank.deduplicates:
            self._publisher.publish(self._bank.code, f"{name}.receipt.json", known["receipt"].encode())
            return f"{name}.{number}"
        code, reason = (
            ("DUPLICATE", "a file of this name was here before")
            if same
            else ("NAME_REUSED", "a file of this name with other bytes was here before")
        )
        first = orjson.loads(known["receipt"])
        receipt = _receipt(name, digest, now) | {"status": "refused", "code": code, "reason": reason}
        if same:
            receipt |= {"count": first["count"], "amount": first["amount"]}
        self._publisher.publish(self._bank.code, f"{name}.receipt.{number}.json", orjson.dumps(receipt))
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
    }
