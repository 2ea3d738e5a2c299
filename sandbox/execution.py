"""Carrying files out: 91 on the debit date, 21 on its date, returns some days later; then results and statements."""

from __future__ import annotations

import logging
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from typing import Any

import orjson

from sandbox.agenda import Agenda, Rank
from sandbox.bankfile import (
    DEBIT,
    FileName,
    Request,
    ResultShape,
    credit_holder,
    credit_reference,
    debit_line_is_sound,
    debit_reference,
    debited_totals,
    line_account,
    line_amount,
    line_bank,
)
from sandbox.books import Account, Booking, Books
from sandbox.config import BankConfig
from sandbox.formats import format_of
from sandbox.instants import instant_on
from sandbox.intake import behaviour_of
from sandbox.notice import Announced
from sandbox.publishing import Drop, Publisher
from sandbox.rules import Behaviour, RuleBook, delay_of
from sandbox.statement import BY_CASH, BY_CREDIT, BY_DEBIT, OTHER, RETURNED, Heading, Movement

log = logging.getLogger("sandbox.bank")
_SHAPES = ("failed_only", "wrong_total", "unknown_line", "missing_line", "duplicate_line", "garbage")
_OK = ord("0")


class Execution:
    """What all banks do on their days. Every method runs within the transaction of its agenda item."""

    def __init__(
        self,
        banks: Mapping[str, BankConfig],
        drops: Mapping[str, Drop],
        db: sqlite3.Connection,
        agenda: Agenda,
        publisher: Publisher,
    ) -> None:
        self._banks = banks
        self._drops = drops
        self._db = db
        self._agenda = agenda
        self._publisher = publisher
        self._books = Books(db)
        self._rules = RuleBook(db)

    def handlers(self) -> dict[str, Callable[[Any, datetime], None]]:
        """What each kind of agenda item of a bank does."""
        return {
            "execute": self._execute,
            "return": self._return,
            "receipt": self._receipt,
            "result": self._result,
            "statements": self._statements,
            "notices": self._notices,
        }

    def book(self, day: date, bookings: Iterable[Booking]) -> None:
        """Book, and see to the statements of the day where an account is reported on."""
        for code in self._books.reported_banks(self._books.book(day, bookings)):
            bank = self._banks[code]
            at = instant_on(bank.calendar.shift(day, bank.statement_days), bank.statement_at)
            payload = {"bank": code, "day": day.isoformat()}
            self._agenda.add(at, Rank.STATEMENT, "statements", payload, once=f"statements/{code}/{day}")
            if bank.notice_at is not None and bank.format != "json":
                self._agenda.add(instant_on(day, bank.notice_at), Rank.NOTICE, "notices", payload, once=f"notices/{code}/{day}")

    # -- files -------------------------------------------------------------------------------------------------------

    def _load(self, file: int) -> tuple[sqlite3.Row, BankConfig, FileName, Request]:
        row = self._db.execute("SELECT * FROM files WHERE id = ?", (file,)).fetchone()
        bank = self._banks[row["bank"]]
        content = (self._drops[row["bank"]].taken / row["taken_as"]).read_bytes()
        return row, bank, *format_of(bank).take(row["name"], content)

    def _execute(self, payload: Any, now: datetime) -> None:
        row, bank, name, request = self._load(payload["file"])
        behaviour = behaviour_of(self._rules, bank.code, row["name"], name, request)
        done = False
        if behaviour.action.get("not_executed"):
            log.info("%s: %s left alone by rule", bank.code, row["name"])
        elif name.kind == DEBIT:
            done = self._debit(row, bank, name, request, behaviour, now)
        else:
            done = self._credit(row, bank, name, request, behaviour, now)
        self._db.execute("INSERT OR REPLACE INTO executions VALUES (?, ?)", (row["id"], done))

    def _charge(self, bank: BankConfig, request: Request, file: str, behaviour: Behaviour, account: int) -> list[Booking]:
        yen = int(behaviour.action.get("charge", 0)) + bank.charge_per_line.get(request.kind, 0) * request.count
        return [Booking(account, "out", yen, "charge", file)] if yen else []

    # -- 91 ----------------------------------------------------------------------------------------------------------

    def _debit(self, row: sqlite3.Row, bank: BankConfig, name: FileName, request: Request, behaviour: Behaviour, now: datetime) -> bool:
        """Debit line by line in the order of the file; what was taken is credited in one lump."""
        keys = {line_account(line) for line in request.lines()}
        payers = self._books.find(bank.code, keys)
        decide = partial(_debit_code, bank.code, payers, self._books.mandates(bank.code, name.consignor, keys))
        codes = bytearray()
        amounts: dict[int, int] = {}
        for index, line in enumerate(request.lines()):
            key, amount = line_account(line), line_amount(line)
            special = behaviour.for_line(key, amount, debit_reference(line))
            code = decide(line, key, amount, special.get("code"))
            codes.append(code)
            if "wrong_amount" in special:
                amounts[index] = amount + int(special["wrong_amount"])
        main = self._books.find(bank.code, [request.account])[request.account]
        _, taken = debited_totals(request, codes)

        def bookings() -> Iterator[Booking]:
            for line, code in zip(request.lines(), codes, strict=True):
                if code == _OK:
                    payer = payers[line_account(line)].id
                    yield Booking(payer, "out", line_amount(line), "debit", row["name"], debit_reference(line))
            if taken:
                yield Booking(main.id, "in", taken, "lump", row["name"])
            yield from self._charge(bank, request, row["name"], behaviour, main.id)

        self.book(now.date(), bookings())
        shape = {key: behaviour.action[key] for key in _SHAPES if key in behaviour.action}
        answer = {"shape": {"failed_only": bank.result_failed_only} | shape, "amounts": list(amounts.items())}
        self._db.execute("UPDATE files SET codes = ?, answer = ? WHERE id = ?", (bytes(codes), orjson.dumps(answer).decode(), row["id"]))
        self._announce_result(row, bank, name, behaviour)
        return True

    def _announce_result(self, row: sqlite3.Row, bank: BankConfig, name: FileName, behaviour: Behaviour) -> None:
        if behaviour.is_silent_about("result"):
            return
        at = instant_on(bank.calendar.shift(name.on, bank.result_days), bank.result_at)
        at += delay_of(behaviour.action.get("result_delay"))
        first = {
            "file": row["id"],
            "as": format_of(bank).answer_name(row["name"], "result", 1),
            "swap": bool(behaviour.action.get("swap_results")),
        }
        self._agenda.add(at, Rank.RESULT, "result", first)
        repeat = behaviour.action.get("repeat_result")
        if repeat is not None:
            again = {
                "file": row["id"],
                "as": first["as"] if repeat.get("name") == "same" else format_of(bank).answer_name(row["name"], "result", 2),
                "different": repeat.get("content") == "different",
            }
            self._agenda.add(at + delay_of(repeat.get("after", {"hours": 1})), Rank.RESULT, "result", again)

    def _result(self, payload: Any, now: datetime) -> None:
        """Publish one result; a result held back for disorder follows the next one of its bank."""
        row, bank, _, request = self._load(payload["file"])
        if payload.get("swap"):
            held = orjson.dumps(payload | {"swap": False}).decode()
            self._db.execute("INSERT INTO held_results(bank, payload) VALUES (?, ?)", (bank.code, held))
            return
        answer = orjson.loads(row["answer"])
        codes: bytes = row["codes"]
        if payload.get("different") and codes:
            codes = (b"0" if codes[:1] != b"0" else b"1") + codes[1:]
        shape = ResultShape(**answer["shape"])
        self._publisher.publish(bank.code, payload["as"], format_of(bank).result(request, codes, shape, dict(answer["amounts"])))
        waiting = self._db.execute("SELECT * FROM held_results WHERE bank = ? ORDER BY id", (bank.code,)).fetchall()
        self._db.execute("DELETE FROM held_results WHERE bank = ?", (bank.code,))
        for held_row in waiting:
            self._result(orjson.loads(held_row["payload"]), now)

    # -- 21 ----------------------------------------------------------------------------------------------------------

    def _credit(self, row: sqlite3.Row, bank: BankConfig, name: FileName, request: Request, behaviour: Behaviour, now: datetime) -> bool:
        """Debit the total once and credit every payee the same day; without cover nothing is done and nothing said."""
        payer = self._books.find(bank.code, [request.account])[request.account]
        if payer.balance < request.amount or not request.count:
            log.info("%s: %s is not covered", bank.code, row["name"])
            return False
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for line in request.lines():
            wanted[line_bank(line)].add(line_account(line))
        payees = {code: self._books.find(code, keys) for code, keys in wanted.items() if code in self._banks}
        returned: defaultdict[int, list[int]] = defaultdict(list)

        def bookings() -> Iterator[Booking]:
            yield Booking(payer.id, "out", request.amount, "file", row["name"])
            source, party = bank.code + request.header["branch"], request.header["consignor_name"]
            for index, line in enumerate(request.lines()):
                key, amount, reference = line_account(line), line_amount(line), credit_reference(line)
                payee = payees.get(line_bank(line), {}).get(key)
                special = behaviour.for_line(key, amount, reference[1:])
                if payee is None or payee.closed or "return_after" in special:
                    returned[int(special.get("return_after", bank.return_days))].append(index)
                else:
                    yield Booking(payee.id, "in", amount, "credit", row["name"], reference, party, source)
            yield from self._charge(bank, request, row["name"], behaviour, payer.id)

        self.book(now.date(), bookings())
        for days, indexes in sorted(returned.items()):
            on = bank.calendar.shift(name.on, days) if days else name.on
            at = max(now, instant_on(on, bank.credit.executes_at))
            self._agenda.add(at, Rank.EXECUTION, "return", {"file": row["id"], "lines": indexes})
        return True

    def _return(self, payload: Any, now: datetime) -> None:
        """Lines that could not be credited come back, each with its EDI."""
        row, bank, _, request = self._load(payload["file"])
        payer = self._books.find(bank.code, [request.account])[request.account]

        def bookings() -> Iterator[Booking]:
            for index in payload["lines"]:
                line = request.line(index)
                source = line_bank(line) + line_account(line)[:3]
                yield Booking(payer.id, "in", line_amount(line), "return", row["name"], credit_reference(line), credit_holder(line), source)

        self.book(now.date(), bookings())

    # -- what a bank writes ------------------------------------------------------------------------------------------

    def _receipt(self, payload: Any, now: datetime) -> None:
        content = format_of(self._banks[payload["bank"]]).receipt(payload["receipt"])
        self._publisher.publish(payload["bank"], payload["name"], content)

    def _statements(self, payload: Any, now: datetime) -> None:
        """One file for each reported account with a line on that day."""
        bank, day = self._banks[payload["bank"]], date.fromisoformat(payload["day"])
        for account in self._books.reported_on(bank.code, day):
            key = account["key"]
            name = format_of(bank).statement_name(f"03_{bank.code}{key}_{day:%Y%m%d}_001")
            facts = {"kind": "03", "date": day.isoformat(), "name": name}
            behaviour = self._rules.behaviour(bank.code, facts, partial(_one_account, key))
            if behaviour.is_silent_about("statement"):
                continue
            heading = Heading(
                bank=bank.code,
                bank_name=bank.kana,
                branch=key[:3],
                branch_name=bank.branches.get(key[:3], ""),
                type=key[3],
                number=key[4:],
                holder=account["holder"],
                day=day,
                made_on=now.date(),
            )
            movements = (self._movement(bank.code, booking) for booking in self._books.bookings_on(account["id"], day))
            self._publisher.publish(bank.code, name, format_of(bank).statement(heading, account["opening"], movements))

    def _notices(self, payload: Any, now: datetime) -> None:
        """Once a day, one file for each reported account that was credited by somebody; with the rule, each credit is taken back at once."""
        bank, day = self._banks[payload["bank"]], date.fromisoformat(payload["day"])
        for account in self._books.reported_on(bank.code, day):
            key = account["key"]
            credited = [x for x in self._books.bookings_on(account["id"], day) if x["kind"] in {"credit", "return"}]
            name = format_of(bank).statement_name(f"01_{bank.code}{key}_{day:%Y%m%d}_001")
            facts = {"kind": "01", "date": day.isoformat(), "name": name}
            behaviour = self._rules.behaviour(bank.code, facts, partial(_one_account, key))
            if not credited or behaviour.is_silent_about("notice") or self._publisher.knows(bank.code, name):
                continue
            announced = [
                Announced(number, x["amount"], x["party"], x["reference"], cancels=cancels)
                for number, x in enumerate(credited, 1)
                for cancels in ((False, True) if behaviour.action.get("cancel_notice") else (False,))
            ]
            self._publisher.publish(bank.code, name, format_of(bank).notice(bank, key, account["holder"], day, announced))

    def _movement(self, bank: str, booking: sqlite3.Row) -> Movement:
        kind = booking["kind"]
        origin = self._banks.get(booking["source"][:4])
        identity = self._identity(origin.code if kind == "credit" and origin else bank, booking["file"])
        basis = Movement(booking["direction"], BY_CREDIT, booking["amount"], summary=identity, identity=identity)
        changes: dict[str, str] = {
            "lump": {"transaction": BY_DEBIT},
            "file": {},
            "debit": {"transaction": BY_DEBIT, "party": booking["reference"]},
            "credit": {"party": booking["party"], "edi": booking["reference"]},
            "return": {"party": booking["party"], "edi": booking["reference"], "summary": RETURNED},
            "charge": {"transaction": OTHER},
            "deposit": {"transaction": BY_CASH},
        }[kind]
        if origin is not None:
            changes |= {
                "from_bank": origin.kana,
                "from_branch": origin.branches.get(booking["source"][4:], ""),
            }
        return Movement(**(asdict(basis) | changes))

    def _identity(self, bank: str, file: str | None) -> str:
        """How the sender of a file is told which one it was."""
        row = self._db.execute("SELECT identity FROM identities WHERE bank = ? AND name = ?", (bank, file)).fetchone()
        return str(row["identity"]) if row else FileName.parse(file).identity if file else ""


def _one_account(key: str) -> list[tuple[str, int, str]]:
    return [(key, 0, "")]


def _debit_code(
    bank: str,
    payers: Mapping[str, Account],
    mandates: Mapping[str, bool],
    line: bytes,
    key: str,
    amount: int,
    forced: str | None,
) -> int:
    """The answer to one line: 0 debited (and the payer's balance counted down), 1, 2, 3, 4 or 9."""
    code = forced or _refusal(bank, payers.get(key), stopped=mandates.get(key), line=line, key=key, amount=amount)
    if code == "0":
        payers[key].balance -= amount
    return ord(code)


def _refusal(bank: str, payer: Account | None, *, stopped: bool | None, line: bytes, key: str, amount: int) -> str:
    """In the order in which a bank looks: the line itself, the account, the mandate, the payer's wish, the balance."""
    if key.endswith("9999999") or not debit_line_is_sound(line, bank):
        return "9"
    if payer is None or payer.closed or key.endswith("0000000"):
        return "2"
    if stopped is None:
        return "4"
    if stopped:
        return "3"
    return "1" if payer.balance < amount else "0"
