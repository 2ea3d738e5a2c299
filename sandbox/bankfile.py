"""Reading and answering the firm's files: 91 (debits 振替) and 21 (credits 総合振込).

A file is one block: header, lines, trailer, end; 120 bytes a record and CRLF after each. What a bank refuses as a whole is
raised as `Unreadable` (code FORMAT or TOTALS); what it answers line by line is left to the execution, which asks
`debit_line_is_sound`. Lines stay bytes: a file of 100,000 of them is checked with one expression each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sandbox.layouts import CREDIT_HEADER, CREDIT_LINE, CREDIT_TRAILER, DEBIT_HEADER, DEBIT_LINE, DEBIT_TRAILER, END, Layout, decode

DEBIT = "91"
CREDIT = "21"
_LENGTH = 120
_STEP = _LENGTH + 2
_HEADERS: dict[str, Layout] = {DEBIT: DEBIT_HEADER, CREDIT: CREDIT_HEADER}
_TRAILERS: dict[str, Layout] = {DEBIT: DEBIT_TRAILER, CREDIT: CREDIT_TRAILER}
_ILLEGAL = bytes(b for b in range(256) if not (0x20 <= b <= 0x7E or 0xA1 <= b <= 0xDF))

_AMOUNT = DEBIT_LINE.places["amount"]
_RESULT_AT = DEBIT_LINE.places["result"].start
# Both kinds of line have bank, branch, type, account and amount in the same places.
_BANK, _BRANCH, _TYPE, _NUMBER = (DEBIT_LINE.places[n] for n in ("bank", "branch", "type", "account"))
_CUSTOMER = DEBIT_LINE.places["customer_number"]
_EDI = CREDIT_LINE.places["edi"]
_EDI_MARK = CREDIT_LINE.places["edi_mark"]
_HOLDER = CREDIT_LINE.places["holder"]

# The wide set of names: the standard's characters, and those that banks are known to take (ｦ ｰ , / \ ｢ ｣). Small kana and
# lower case are in neither.
_NAME = rb"[A-Z0-9 ()\-.,/\\\xA2\xA3\xA6\xB0\xB1-\xDF]"
_SOUND_DEBIT = re.compile(
    rb"2(?!0000|9999)\d{4}.{15}(?!999)\d{3}.{15} {4}[1239]\d{7}" + _NAME + rb"{30}(?!0{10})\d{10}[ 012]\d{20}0 {8}",
    re.DOTALL,
)
_SOUND_CREDIT = re.compile(
    rb"2\d{4}.{15}\d{3}.{15}(?:0000| {4})[1249]\d{7}" + _NAME + rb"{30}(?!0{10})\d{10}[ 012]"
    rb"(?:[A-Z0-9 ()\-./\\\xA2\xA3\xA6\xB1-\xDF]{20}[ 078]Y|[ 0-9]{20}[ 078] ) {7}",
    re.DOTALL,
)
_NAME_PATTERN = re.compile(r"(91|21)_(\d{10})_(\d{8})_(\d{3})\.txt")


class Unreadable(ValueError):
    """The whole file is refused: `code` is FORMAT or TOTALS."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FileName:
    """What the name of a file says: the Zengin header has no identity and no year."""

    kind: str
    consignor: str
    on: date
    number: str

    @classmethod
    def parse(cls, name: str) -> FileName:
        """Raises Unreadable (FORMAT)."""
        match = _NAME_PATTERN.fullmatch(name)
        if match is None:
            raise Unreadable("FORMAT", "the name is not <91|21>_<consignor 10>_<YYYYMMDD>_<number 3>.txt")
        try:
            on = date(int(match[3][:4]), int(match[3][4:6]), int(match[3][6:]))
        except ValueError:
            raise Unreadable("FORMAT", f"{match[3]} in the name is not a date") from None
        return cls(match[1], match[2], on, match[4])

    @property
    def identity(self) -> str:
        """What a statement's 摘要 says of a file: `91 0924 001`."""
        return f"{self.kind} {self.on:%m%d} {self.number}"


@dataclass(frozen=True, slots=True)
class Request:
    """A file as the bank took it."""

    kind: str
    content: bytes
    header: Mapping[str, str]
    count: int
    amount: int
    on: str = ""
    """Its date, YYYY-MM-DD."""
    identity: str = ""
    """What a statement calls it."""

    @property
    def account(self) -> str:
        """The header's account: branch 3, type 1, number 7."""
        return self.header["branch"] + self.header["type"] + self.header["account"]

    def line(self, index: int) -> bytes:
        start = (index + 1) * _STEP
        return self.content[start : start + _LENGTH]

    def lines(self) -> Iterator[bytes]:
        content = self.content
        for start in range(_STEP, (self.count + 1) * _STEP, _STEP):
            yield content[start : start + _LENGTH]


def line_account(line: bytes) -> str:
    """Branch 3, type 1, number 7 of a line."""
    return (line[_BRANCH] + line[_TYPE] + line[_NUMBER]).decode("latin-1")


def line_bank(line: bytes) -> str:
    return line[_BANK].decode("latin-1")


def line_amount(line: bytes) -> int:
    return int(line[_AMOUNT])


def line_result(line: bytes) -> int:
    """The result code of a debit line."""
    return int(line[_RESULT_AT : _RESULT_AT + 1])


def debit_reference(line: bytes) -> str:
    """The customer number (20)."""
    return line[_CUSTOMER].decode("latin-1")


def credit_reference(line: bytes) -> str:
    """The EDI information, when the mark says that there is one."""
    return decode(line[_EDI]).rstrip() if line[_EDI_MARK] == b"Y" else ""


def credit_holder(line: bytes) -> str:
    return decode(line[_HOLDER]).rstrip()


def debit_line_is_sound(line: bytes, bank: str) -> bool:
    """False for what a bank answers with 9: bad bank or branch, account kind, character, amount 0, code already filled."""
    return _SOUND_DEBIT.fullmatch(line) is not None and line[_BANK] == bank.encode()


def read_request(name: FileName, content: bytes) -> Request:
    """Check the file as a whole; raises Unreadable."""
    records = _record_count(content)
    if len(content.translate(None, _ILLEGAL)) != records * _LENGTH:
        raise Unreadable("FORMAT", "a byte that is no character of the bank files")
    kinds = content[0::_STEP]
    if records < 3 or kinds != b"1" + b"2" * (records - 3) + b"89":
        raise Unreadable("FORMAT", "the records are not one header, lines, one trailer and one end")
    header = _fields(_HEADERS[name.kind], content[:_LENGTH], "header")
    trailer = _fields(_TRAILERS[name.kind], content[-2 * _STEP :][:_LENGTH], "trailer")
    _fields(END, content[-_STEP:][:_LENGTH], "end")
    if header["consignor"] != name.consignor:
        raise Unreadable("FORMAT", "the consignor of the header is not the one of the name")
    if header["month_day"] != f"{name.on:%m%d}":
        raise Unreadable("FORMAT", f"the date of the header is not {name.on:%m%d}")
    request = Request(name.kind, content, header, records - 3, 0, name.on.isoformat(), name.identity)
    amount = _amount_of(request)
    if int(trailer["count"]) != request.count or int(trailer["amount"]) != amount:
        raise Unreadable("TOTALS", f"the lines are {request.count} and {amount} yen, the trailer says otherwise")
    filled = ("debited_count", "debited_amount", "failed_count", "failed_amount")
    if name.kind == DEBIT and any(int(trailer[field]) for field in filled):
        raise Unreadable("FORMAT", "the result part of the trailer is filled in a request")
    return replace(request, amount=amount)


def _record_count(content: bytes) -> int:
    records, rest = divmod(len(content), _STEP)
    if rest or not records:
        raise Unreadable("FORMAT", "records are not 120 bytes with CRLF after each")
    if content[120::_STEP] != b"\r" * records or content[121::_STEP] != b"\n" * records:
        raise Unreadable("FORMAT", "CRLF does not stand after every 120 bytes")
    return records


def _fields(layout: Layout, record: bytes, what: str) -> dict[str, str]:
    try:
        return layout.unpack(record)
    except ValueError as error:
        raise Unreadable("FORMAT", f"{what}: {error}") from None


def _amount_of(request: Request) -> int:
    """The sum of the lines. Credits must be sound in every line, since there is no answer by line for them."""
    total = 0
    for index, line in enumerate(request.lines(), 1):
        if not line[_AMOUNT].isdigit():
            raise Unreadable("FORMAT", f"line {index}: the amount is not a number")
        if request.kind == CREDIT and _SOUND_CREDIT.fullmatch(line) is None:
            raise Unreadable("FORMAT", f"line {index} cannot be read")
        total += int(line[_AMOUNT])
    return total


@dataclass(frozen=True, slots=True)
class ResultShape:
    """How a result file is written, and how it may be wrong (docs/sandbox.md, rules)."""

    failed_only: bool = False
    wrong_total: int = 0
    """Yen added to the total that the trailer says was debited."""
    unknown_line: bool = False
    """One more line, with a customer number that nobody sent."""
    missing_line: bool = False
    duplicate_line: bool = False
    garbage: bool = False


def write_result(request: Request, codes: bytes, shape: ResultShape | None = None, amounts: Mapping[int, int] | None = None) -> bytes:
    """The result of a 91 file: our bytes back, byte 112 of each line and the results in the trailer filled.

    Args:
        request: the file.
        codes: one digit a line.
        shape: all lines and nothing wrong, when left out.
        amounts: lines (by index) that come back with another amount than they had.
    """
    shape = shape or ResultShape()
    if shape.garbage:
        return b"\x00\xff" + request.content[: _STEP * 2 - 7][::-1] + b"\n"
    lines = result_lines(request, codes, shape, amounts or {})
    debited_count, debited_amount = debited_totals(request, codes)
    trailer = DEBIT_TRAILER.pack(
        {
            "count": request.count,
            "amount": request.amount,
            "debited_count": debited_count,
            "debited_amount": debited_amount + shape.wrong_total,
            "failed_count": request.count - debited_count,
            "failed_amount": request.amount - debited_amount,
        }
    )
    return b"".join((request.content[:_STEP], *lines, trailer, b"\r\n", request.content[-_STEP:]))


def result_lines(request: Request, codes: bytes, shape: ResultShape, amounts: Mapping[int, int]) -> list[bytes]:
    """The answered lines with their line breaks, as the shape wants them."""
    lines = list(_answered(request, codes, amounts))
    if shape.failed_only:
        lines = [line for line in lines if line[_RESULT_AT] != ord("0")]
    if shape.missing_line:
        lines = lines[:-1]
    if shape.duplicate_line:
        lines = lines[:1] + lines
    if shape.unknown_line and request.count:
        stranger = request.line(0)
        lines.append(stranger[: _CUSTOMER.start] + b"9" * 20 + b"0" + stranger[_RESULT_AT + 1 :] + b"\r\n")
    return lines


def debited_totals(request: Request, codes: Sequence[int]) -> tuple[int, int]:
    """Count and yen of the lines with code 0."""
    debited = [line_amount(line) for line, code in zip(request.lines(), codes, strict=True) if code == ord("0")]
    return len(debited), sum(debited)


def _answered(request: Request, codes: bytes, amounts: Mapping[int, int]) -> Iterable[bytes]:
    for index, line in enumerate(request.lines()):
        answered = line
        if index in amounts:
            answered = line[: _AMOUNT.start] + b"%010d" % amounts[index] + line[_AMOUNT.stop :]
        yield answered[:_RESULT_AT] + codes[index : index + 1] + answered[_RESULT_AT + 1 :] + b"\r\n"
