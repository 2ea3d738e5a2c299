"""What a bank of the sandbox reads and writes: Zengin files, ISO 20022, or JSON (docs/wire.md sections 1, 4 and 5).

Behind the counter every bank works on records, as real ones do: the gateway of a format turns what comes in into a `Request` of records,
and what goes out back into the format. So every rule of misbehaviour works over every format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import orjson

from sandbox.bankfile import FileName, Request, ResultShape, read_request, write_result
from sandbox.isofile import IsoFormat
from sandbox.jsonfile import JsonFormat
from sandbox.statement import Heading, Movement, write_statement

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


class ZenginFormat:
    """Section 1."""

    def take(self, name: str, content: bytes) -> tuple[FileName, Request]:
        """See Format."""
        parsed = FileName.parse(name)
        return parsed, read_request(parsed, content)

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
        return write_result(request, codes, shape, amounts)

    def statement(self, heading: Heading, opening: int, movements: Iterable[Movement]) -> bytes:
        """See Format."""
        return write_statement(heading, opening, movements)


FORMATS: Mapping[str, Format] = {"zengin": ZenginFormat(), "iso20022": IsoFormat(), "json": JsonFormat()}
