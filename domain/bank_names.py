"""How files and messages between us and a bank are called (docs/wire.md): the name is their identity, and says what they are.

One stem for what goes out, `<91|21>_<consignor 10>_<date>_<number 3>`; what a format puts behind it is here and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Format(StrEnum):
    """What a bank's files are written in: a setting of the bank, beside its transport."""

    ZENGIN = "zengin"
    ISO20022 = "iso20022"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Endings:
    """What a format puts behind the stem of a request, behind `.receipt` and `.result`, and behind a statement's or notice's name."""

    request: str
    receipt: str
    result: str
    statement: str


ENDINGS = {
    Format.ZENGIN: Endings(".txt", ".json", ".txt", ".txt"),
    Format.ISO20022: Endings(".xml", ".xml", ".xml", ".xml"),
    Format.JSON: Endings("", "", "", ""),
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """What the name of something that came in says."""

    kind: str  # receipt, result, statement or credits
    format: Format
    request: str = ""  # the name of the file of ours that a receipt or a result answers
    statement: StatementName | None = None


@dataclass(frozen=True, slots=True)
class StatementName:
    """Account, booking date and number in the name of a statement (03) or of a notice of credits (01)."""

    bank_code: str
    branch_code: str
    account_type: str
    account_number: str
    date_text: str  # YYYYMMDD, not yet known to be a date
    number: int

    def booked_on(self) -> date:
        """The booking date. Raises ValueError for one that does not exist."""
        return date(int(self.date_text[:4]), int(self.date_text[4:6]), int(self.date_text[6:]))


_FILE = {True: r"91_[0-9]{10}_[0-9]{8}_[0-9]{3}", False: r"(?:91|21)_[0-9]{10}_[0-9]{8}_[0-9]{3}"}  # debits only, or both
_BATCH_ID = r"[0-9]{18}"  # a batch that goes as a call has no other name
_ACCOUNT_AND_DAY = r"([0-9]{4})([0-9]{3})([0-9])([0-9]{7})_([0-9]{8})_([0-9]{3})"


def _patterns(form: Format, of: Endings) -> dict[str, re.Pattern[str]]:
    request, receipt, result, statement = map(re.escape, (of.request, of.receipt, of.result, of.statement))
    stems = dict.fromkeys((True, False), _BATCH_ID) if form is Format.JSON else _FILE
    found = {
        "receipt": re.compile(rf"({stems[False]}{request})\.receipt(?:\.[0-9]{{1,3}})?{receipt}"),
        "result": re.compile(rf"({stems[True]}{request})\.result(?:\.[0-9]{{1,3}})?{result}"),
        "statement": re.compile(rf"03_{_ACCOUNT_AND_DAY}{statement}"),
    }
    if form is not Format.JSON:  # a bank that is called tells its movements by statement
        found["credits"] = re.compile(rf"01_{_ACCOUNT_AND_DAY}{statement}")
    return found


_PATTERNS = {form: _patterns(form, endings) for form, endings in ENDINGS.items()}


def read_name(name: str) -> Incoming | None:
    """What the name of something that came in says; None for a name that nothing of ours explains."""
    for form, patterns in _PATTERNS.items():
        for kind, pattern in patterns.items():
            found = pattern.fullmatch(name)
            if found is None:
                continue
            if kind in ("receipt", "result"):
                return Incoming(kind, form, found[1])
            bank, branch, account_type, account, day, number = found.groups()
            return Incoming(kind, form, statement=StatementName(bank, branch, account_type, account, day, int(number)))
    return None


def kind_of(name: str) -> str:
    """What something is, by its name: receipt, result, statement, credits, or `other`."""
    found = read_name(name)
    return found.kind if found else "other"


def format_of(request: str) -> Format:
    """The format in which something of ours went out under this name."""
    return next(form for form, endings in ENDINGS.items() if endings.request == _suffix(request))


def request_name(debit: bool, consignor_code: str, value_on: date, number: int, form: Format) -> str:  # noqa: FBT001 - 91 or 21
    """The name of a file that goes out: its identity at the bank. What goes as a call has none but the batch's ID."""
    return f"{'91' if debit else '21'}_{consignor_code}_{value_on:%Y%m%d}_{number:03d}{ENDINGS[form].request}"


def first_answers(request: str) -> list[str]:
    """The names under which the first receipt of a request and its first result come."""
    endings = ENDINGS[format_of(request)]
    return [f"{request}.receipt{endings.receipt}", f"{request}.result{endings.result}"]


def _suffix(request: str) -> str:
    return request[request.rindex(".") :] if "." in request else ""
