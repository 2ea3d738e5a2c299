"""What a bank of the sandbox reads and writes: Zengin files, ISO 20022, or JSON (docs/wire.md sections 1, 4 and 5).

Behind the counter every bank works on records, as real ones do: the gateway of a format turns what comes in into a `Request` of records,
and what goes out back into the format. So every rule of misbehaviour works over every format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

import orjson

from sandbox.bankfile import FileName, Request, ResultShape, read_request, write_result
from sandbox.config import BankConfig
from sandbox.isofile import IsoFormat
from sandbox.jsonfile import JsonFormat
from sandbox.notice import Announced, write_notice
from sandbox.statement import Heading, Movement, write_statement
from sandbox.wire import CRLF_IN_JIS, Wire

_RECEIPT = ("file", "sha256", "count", "amount", "status", "code", "reason", "at")


class Format(Protocol):
    """One format, as a bank needs it."""

    def take(self, name: str, content: bytes) -> tuple[FileName, Request]:
        """What came in under a name. Raises Unreadable."""
        ...

    def answer_name(self, name: str, what: str, number: int) -> str:
        """The name of the `number`th `receipt` or `result` of a request."""
        ...

    def statement_name(self, stem: str) -> str:
        """The name of a statement; `stem` is `03_<account>_<date>_<number>`."""
        ...

    def receipt(self, receipt: Mapping[str, Any]) -> bytes:
        """`receipt`: what the receipt of a file says (docs/wire.md section 1), and `identity`."""
        ...

    def result(self, request: Request, codes: bytes, shape: ResultShape, amounts: Mapping[int, int]) -> bytes:
        """The result of a debit request: a digit a line."""
        ...

    def statement(self, heading: Heading, opening: int, movements: Iterable[Movement]) -> bytes:
        """One account, one day."""
        ...

    def notice(self, bank: BankConfig, key: str, holder: str, day: date, announced: Sequence[Announced]) -> bytes:
        """Credits of one account and day, told before the statement; `key` is branch 3, type 1, number 7."""
        ...


_REQUEST_RECORD, _REPORT_RECORD = 120, 200  # bytes


@dataclass(frozen=True, slots=True)
class ZenginFormat:
    """Section 1."""

    wire: Wire = CRLF_IN_JIS

    def take(self, name: str, content: bytes) -> tuple[FileName, Request]:
        """See Format."""
        parsed = FileName.parse(name)
        return parsed, read_request(parsed, self.wire.read(content, _REQUEST_RECORD))

    def answer_name(self, name: str, what: str, number: int) -> str:
        """See Format."""
        middle = "" if number == 1 else f".{number}"
        return f"{name}.{what}{middle}{'.json' if what == 'receipt' else '.txt'}"

    def statement_name(self, stem: str) -> str:
        """See Format."""
        return f"{stem}.txt"

    def receipt(self, receipt: Mapping[str, Any]) -> bytes:
        """See Format."""
        return orjson.dumps({key: receipt[key] for key in _RECEIPT})

    def result(self, request: Request, codes: bytes, shape: ResultShape, amounts: Mapping[int, int]) -> bytes:
        """See Format."""
        written = write_result(request, codes, shape, amounts)
        return written if shape.garbage else self.wire.write(written, _REQUEST_RECORD)

    def statement(self, heading: Heading, opening: int, movements: Iterable[Movement]) -> bytes:
        """See Format."""
        return self._behind.write(write_statement(heading, opening, movements), _REPORT_RECORD)

    def notice(self, bank: BankConfig, key: str, holder: str, day: date, announced: Sequence[Announced]) -> bytes:
        """See Format."""
        return self._behind.write(write_notice(bank, key, holder, day, announced), _REPORT_RECORD)

    @property
    def _behind(self) -> Wire:
        """A line of a 03 is full up to its last byte but one: CRLF stands behind the records of such a bank's reports."""
        return replace(self.wire, framing="crlf") if self.wire.framing == "inside_crlf" else self.wire


FORMATS: Mapping[str, Format] = {"zengin": ZenginFormat(), "iso20022": IsoFormat(), "json": JsonFormat()}


def format_of(bank: BankConfig) -> Format:
    """What this bank reads and writes."""
    return ZenginFormat(Wire(bank.framing, bank.encoding)) if bank.format == "zengin" else FORMATS[bank.format]
