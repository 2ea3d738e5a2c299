"""Looking at a file of any kind: what it is, every record field by field, every finding, totals.

For people and programs that look at a file, not for booking from it: nothing here raises on a
bad file, everything that is wrong comes with the record where it is. Memory stays flat.

Source: Zengin standard record formats (JBA), 91/21/03/01.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Any, Final

from zengin.charset import CHARACTER_SETS, CharacterSet, detect_characters, undefined_byte
from zengin.dates import InvalidZenginDate, resolve_era, resolve_mmdd
from zengin.findings import Finding
from zengin.formats import DEBIT, NOTICE, PAYOUT, STATEMENT, FileFormat
from zengin.framing import Framing
from zengin.layout import Field, Kind, Layout
from zengin.reader import HeldLine, Reader, Source, chunks_of
from zengin.records import DebitTrailer, NoticeTrailer, PayoutTrailer, StatementTrailer
from zengin.totals import DebitShape, shape_of

BY_KIND_CODE: Final[dict[str, FileFormat[Any, Any, Any, Any]]] = {"91": DEBIT, "21": PAYOUT, "03": STATEMENT, "01": NOTICE}
"""種別コード to format."""

BUSINESS: Final = {
    "91": ("account debit", "預金口座振替"),
    "21": ("bulk credit", "総合振込"),
    "03": ("account statement", "入出金取引明細"),
    "01": ("incoming-credit notice", "振込入金通知"),
}
"""種別コード to its name in English and Japanese."""

_HEAD: Final = 3
"""Bytes that tell record type and kind code."""


class NotZengin(ValueError):
    """The first bytes are not those of a file of the four kinds. ``message_ja`` says it in Japanese."""

    def __init__(self, message: str, message_ja: str) -> None:
        super().__init__(message)
        self.message_ja = message_ja


@dataclass(frozen=True, slots=True)
class InspectedRecord:
    """One record as it stands.

    ``record`` counts from 1, ``byte`` from 0. ``role`` is header, line, trailer, end, or damaged:
    then there is no layout and only ``raw``. ``values`` holds int for amounts and counts, text
    without padding for the others, None where a field cannot be decoded: ``undecodable`` then
    has its bytes. Values are not masked, findings are.
    """

    record: int
    byte: int
    role: str
    layout: Layout[Any] | None
    values: dict[str, int | str | None]
    undecodable: dict[str, bytes]
    raw: bytes
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return f"InspectedRecord(record={self.record}, byte={self.byte}, role={self.role!r}, findings={len(self.findings)})"

    def dates(self, near: date) -> dict[str, date]:
        """The record's dates by field, in the year or era that brings them nearest to ``near``; no entry for one that is
        absent or no date.
        """
        found = {}
        for item in () if self.layout is None else self.layout.values:
            value = self.values[item.name]
            if item.kind in (Kind.MMDD, Kind.ERA_DATE) and isinstance(value, str):
                day = _day(item, value, near)
                if day is not None:
                    found[item.name] = day
        return found


@dataclass(slots=True)
class BlockTotals:
    """What one block holds, counted from its lines, beside what its trailer says. Amounts in yen.

    ``by_result`` counts the lines of a debit file by result code. ``credits`` are incoming lines
    (03: 入金; 01: not cancelled), ``debits`` the others. A line whose amount cannot be read
    counts with nothing.
    """

    header: InspectedRecord | None
    lines: int = 0
    amount: int = 0
    by_result: Counter[str] = field(default_factory=Counter)
    amount_by_result: Counter[str] = field(default_factory=Counter)
    credit_count: int = 0
    credit_amount: int = 0
    debit_count: int = 0
    debit_amount: int = 0
    trailer: DebitTrailer | PayoutTrailer | StatementTrailer | NoticeTrailer | None = None

    @property
    def shape(self) -> DebitShape | None:
        """What a debit file claims to be; None for others, and before the trailer."""
        if not isinstance(self.trailer, DebitTrailer):
            return None
        return shape_of(self.trailer, self.lines, self.lines - self.by_result["0"])

    def add(self, values: dict[str, int | str | None]) -> None:
        """Counts a line."""
        amount = _whole(values["amount"]) or _whole(values.get("large_amount"))
        self.lines += 1
        self.amount += amount
        if "result_code" in values:
            code = str(values["result_code"])
            self.by_result[code] += 1
            self.amount_by_result[code] += amount
        elif "direction" in values or "cancel_code" in values:
            if values.get("direction") == "2" or values.get("cancel_code") == "1":
                self.debit_count += 1
                self.debit_amount += amount
            else:
                self.credit_count += 1
                self.credit_amount += amount


class Inspection:
    """Goes through a file once, record by record.

    ``kind_code``, ``characters`` and ``record_length`` are known at once, ``framing`` after the
    first record, ``records``, ``bytes``, ``errors``, ``warnings`` and ``blocks`` grow. Only the
    last ``KEPT_BLOCKS`` blocks are kept, so that a file of any size can be looked at.

    ``file_format`` and ``characters`` are told by the first bytes where they are not given.
    Raises ``NotZengin`` if they cannot be told.
    """

    KEPT_BLOCKS = 1_000

    def __init__(
        self,
        source: Source,
        *,
        tolerant: bool = False,
        file_format: FileFormat[Any, Any, Any, Any] | None = None,
        characters: CharacterSet | None = None,
    ) -> None:
        chunks = chunks_of(source)
        head = b""
        while len(head) < _HEAD and (chunk := next(chunks, None)) is not None:
            head += chunk
        self.characters = characters or _characters(head)
        self.file_format = file_format or _file_format(head, self.characters)
        self.kind_code = self.file_format.header.field("kind_code").value
        self.record_length = self.file_format.record_length
        self.records = self.bytes = self.errors = self.warnings = self.block_count = 0
        self.blocks: list[BlockTotals] = []
        self._reader = Reader(
            chain([head], self._counted(chunks)),
            self.file_format,
            tolerant=tolerant,
            unique_keys=True,
            collect=sys.maxsize,
            characters=self.characters,
        )
        self.bytes += len(head)

    @property
    def framing(self) -> Framing | None:
        """How records are separated; None before the first."""
        return self._reader.framing

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.bytes += len(chunk)
            yield chunk

    def __iter__(self) -> Iterator[InspectedRecord]:
        reader = self._reader
        for record, text in reader.walk():
            findings = tuple(reader.findings)
            reader.findings.clear()
            if record is None and not findings:
                continue  # further end records and 0x1A behind the end say nothing
            shown = self._shown(record, text, findings)
            self._count(record, shown)
            yield shown
        if reader.findings:  # what is missing at the end
            last = tuple(reader.findings)
            reader.findings.clear()
            self._count_findings(last)
            yield InspectedRecord(last[0].record, last[0].byte, "missing", None, {}, {}, b"", last)

    def _shown(self, record: Any, text: str, findings: tuple[Finding, ...]) -> InspectedRecord:
        layout, role = self._layout(record, text)
        raw = self.characters.encode(text)
        reader = self._reader
        if role == "line" and record is not None:  # nearly every record
            return InspectedRecord(reader.record, reader.byte, role, layout, {"record_type": "2", **record._asdict()}, {}, raw, findings)
        values: dict[str, int | str | None] = {}
        undecodable = {}
        for item in () if layout is None else layout.fields:
            if item.kind is Kind.DUMMY:
                continue
            at = layout.offset(item.name) if layout is not None else 0
            piece = text[at : at + item.width]
            if any(undefined_byte(char) is not None or char < " " for char in piece):
                values[item.name] = None
                undecodable[item.name] = raw[at : at + item.width]
            else:
                values[item.name] = _value(item, piece)
        return InspectedRecord(reader.record, reader.byte, role, layout, values, undecodable, raw, findings)

    def _layout(self, record: object, text: str) -> tuple[Layout[Any] | None, str]:
        form = self.file_format
        if len(text) != form.record_length:
            return None, "damaged"
        by_type = {"1": (form.header, "header"), "8": (form.trailer, "trailer"), "9": (form.end, "end")}
        if text[:1] == "2":
            return form.choose_line(text), "held" if isinstance(record, HeldLine) else "line"
        return by_type.get(text[:1], (None, "damaged"))

    def _count(self, record: object, shown: InspectedRecord) -> None:
        self.records += 1
        self._count_findings(shown.findings)
        if shown.role == "header":
            self.block_count += 1
            self.blocks.append(BlockTotals(shown))
            del self.blocks[: -self.KEPT_BLOCKS]
        elif self.blocks and shown.role in ("line", "held") and record is not None:
            self.blocks[-1].add(shown.values)
        elif self.blocks and isinstance(record, (DebitTrailer, PayoutTrailer, StatementTrailer, NoticeTrailer)):
            self.blocks[-1].trailer = record

    def _count_findings(self, findings: tuple[Finding, ...]) -> None:
        warnings = sum(1 for finding in findings if finding.severity == "warning")
        self.warnings += warnings
        self.errors += len(findings) - warnings


def _characters(head: bytes) -> CharacterSet:
    characters = detect_characters(head)
    if characters is not None:
        return characters
    if not head:
        raise NotZengin("the file is empty", "ファイルが空です")
    if head.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise NotZengin("the file starts with a byte order mark: it is Unicode", "先頭にBOMがあります(Unicode)")
    names = " or ".join(characters.name for characters in CHARACTER_SETS.values())
    raise NotZengin(
        f"the first byte is 0x{head[0]:02X}, not the record type 1 in {names}",
        f"先頭の1バイト 0x{head[0]:02X} がデータ区分 1 ではありません",
    )


def _file_format(head: bytes, characters: CharacterSet) -> FileFormat[Any, Any, Any, Any]:
    text = characters.decode(head[:_HEAD])
    found = BY_KIND_CODE.get(text[1:])
    if found is None:
        shown = text[1:] if text.isprintable() and len(text) == _HEAD else f"0x{head[1:_HEAD].hex().upper()}"
        known = ", ".join(BY_KIND_CODE)
        raise NotZengin(
            f"the kind code is {shown}, not one of {known}",
            f"種別コードが {shown} です({known} に対応しています)",
        )
    return found


def _value(item: Field, piece: str) -> int | str | None:
    if item.kind is Kind.INTEGER:
        stripped = piece.replace(" ", "0") if not item.required else piece
        return int(stripped) if stripped.isascii() and stripped.isdigit() else piece
    return piece.rstrip(" ")


def _whole(value: int | str | None) -> int:
    return value if isinstance(value, int) else 0


def _day(item: Field, value: str, near: date) -> date | None:
    try:
        return resolve_mmdd(value, near) if item.kind is Kind.MMDD else resolve_era(value, near)
    except InvalidZenginDate:
        return None
