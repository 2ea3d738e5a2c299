"""Reading files as a stream of typed records, and saying what is wrong with them.

``read`` walks through a file in flat memory and raises at the first thing that forbids using
it. Since the trailer comes last, nothing read may be acted on before the iteration has ended.
``check`` reads on and returns every finding. ``load`` reads a small file at once.

Both a strict and a tolerant reader take: the wide character set in names, spaces in optional
numbers, several blocks, a missing last separator, one 0x1A and further end records behind the
end. A tolerant reader (a setting per bank) also takes LF, CR, stripped trailing spaces, other
printable characters, filled fillers and zero amounts, each with a warning.

Source: Zengin standard record formats (JBA), 91/21/03/01.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from zengin.charset import JIS, CharacterSet, detect_characters
from zengin.findings import Code, Finding, Severity, ZenginReadError, printable
from zengin.formats import FileFormat
from zengin.framing import SUB, Framing, Splitter
from zengin.keys import KeySet
from zengin.layout import Fault, Layout
from zengin.totals import Tally

H = TypeVar("H")
L = TypeVar("L")
T = TypeVar("T")
E = TypeVar("E")
R = TypeVar("R")

_CHUNK: Final = 1 << 16
_MAY_FOLLOW: Final = {"": "1", "1": "28", "2": "28", "8": "19", "9": "9"}
"""Record type to the types that may come next. An empty block is legal."""
_BEFORE_LINES: Final = frozenset("12")
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HEAD: Final = 4
"""First bytes that name a foreign encoding."""


class BinaryFile(Protocol):
    """Anything with ``read(size)`` that gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""


Source = bytes | BinaryFile | Iterable[bytes]


class HeldLine(NamedTuple):
    """A line that must wait for a person; the other lines stand.

    ``values`` are its fields as they stand, unchecked. ``record`` counts from 1, ``byte``
    from 0.
    """

    record: int
    byte: int
    values: Mapping[str, str]
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return f"HeldLine(record={self.record}, byte={self.byte}, findings={self.findings})"


@dataclass(frozen=True, slots=True)
class Block(Generic[H, L, T]):
    """A header with its lines and trailer."""

    header: H
    lines: tuple[L, ...]
    trailer: T


class Reader(Generic[H, L, T, E]):
    """Iterates over the records of a file once, in order, as typed records.

    ``findings`` grows while it goes: warnings, and the findings of held lines. ``framing`` is
    known after the first record, ``record`` and ``byte`` are the address of the last one.

    Raises ``ZenginReadError`` while iterating. With ``hold_lines`` a bad line becomes a
    ``HeldLine`` instead. ``unique_keys`` also refuses a file in which a line's key (顧客番号)
    repeats; that takes up to 27 bytes of memory per line. With ``collect`` nothing raises: reading goes on as
    far as it can and stops after that many findings.
    """

    def __init__(
        self,
        source: Source,
        file_format: FileFormat[H, L, T, E],
        *,
        tolerant: bool = False,
        hold_lines: bool = False,
        unique_keys: bool = False,
        collect: int | None = None,
        characters: CharacterSet = JIS,
    ) -> None:
        self.findings: list[Finding] = []
        self.record = 0
        self.byte = 0
        self._format = file_format
        self._tolerant = tolerant
        self._hold_lines = hold_lines
        self._collect = collect
        self._characters = characters
        self._chunks = chunks_of(source)
        self._head = b""
        self._splitter = Splitter(
            self._from_head(),
            file_format.record_length,
            characters,
            self._report_record,
            tolerant=tolerant,
        )
        self._records = iter(self._splitter)
        self._keys: KeySet | None = KeySet() if unique_keys and file_format.key else None
        self._tally: Tally[H, L, T] | None = None
        self._blocks = 0
        self._started = False
        self._enough = self._given_up = False

    @property
    def framing(self) -> Framing | None:
        """How the file's records are separated; None before the first."""
        return self._splitter.framing

    def __iter__(self) -> Iterator[H | L | T | E | HeldLine]:
        for record, _ in self.walk():
            if record is not None:
                yield record

    def walk(self) -> Iterator[tuple[H | L | T | E | HeldLine | None, str]]:
        """As iterating, but each record comes with its text, damaged ones as None with what is there of it."""
        if self._started:
            raise RuntimeError("a reader goes through its source once")
        self._started = True
        if not self._is_in_set():
            return
        previous = ""
        choose_line, keys = self._format.choose_line, self._keys
        for offset, text in self._records:
            if self._enough:
                return
            self.byte = offset
            self.record += 1
            record_type = text[:1]
            record: H | L | T | E | HeldLine | None
            if record_type == "2" and previous in _BEFORE_LINES:  # nearly every record
                record = line = choose_line(text).parse(text)
                if line is None:
                    record = self._faulty_line(text)
                elif self._tally is not None:
                    self._tally.add(line)
                if keys is not None and record is not None:
                    self._check_key(record, keys)
            else:
                if not self._in_order(previous, text):
                    yield None, text
                    if self._given_up:
                        return
                    continue
                record = self._frame(record_type, text)
            previous = record_type
            yield record, text
        if previous != "9":
            self._missing_end(previous)

    def _frame(self, record_type: str, text: str) -> H | T | E | None:
        if record_type == "1":
            return self._header(text)
        if record_type == "8":
            return self._trailer(text)
        return self._end(text) if record_type == "9" else None

    def _from_head(self) -> Iterator[bytes]:
        head, self._head = self._head, b""
        if head:
            yield head
        yield from self._chunks

    def _missing_end(self, previous: str) -> None:
        if self.record:
            expected = " or ".join(_MAY_FOLLOW[previous])
            self.record += 1
            self._report_record(Code.MISSING_END, Severity.FILE, self.byte, expected, "")

    def _in_order(self, previous: str, text: str) -> bool:
        """True if the record may be read. Otherwise it is reported, or is nothing to read."""
        record_type = text[:1]
        if not record_type:
            return False  # an empty record has been reported for its length
        if record_type in _MAY_FOLLOW[previous]:
            return previous != "9"  # further end records say nothing
        expected = " or ".join(_MAY_FOLLOW[previous])
        self._given_up = True
        if text == SUB:
            if previous != "9":
                self._report_record(Code.MISSING_END, Severity.FILE, self.byte, expected, "0x1A")
            self._only_end_follows()
            return False
        if previous == "9":
            self._report_record(Code.DATA_AFTER_END, Severity.FILE, self.byte, "", repr(record_type))
            return False
        known = record_type in "1289"
        code = Code.RECORD_ORDER if known else Code.RECORD_TYPE
        self._report_record(code, Severity.FILE, self.byte, expected, repr(record_type))
        self._given_up = self.framing is Framing.NONE  # the boundaries are lost: all else would be noise
        return known and not self._given_up

    def _only_end_follows(self) -> None:
        for offset, text in self._records:
            self._report_record(Code.DATA_AFTER_END, Severity.FILE, offset, "", repr(text[:1]))
            return

    def _is_in_set(self) -> bool:
        """False, and reported, if the file's first bytes are of Unicode or of the other set: then all else would be noise."""
        while len(self._head) < _HEAD and (chunk := next(self._chunks, None)) is not None:
            self._head += chunk
        if self._head.startswith(_BYTE_ORDER_MARKS):
            name = self._characters.name
            self._report_record(Code.BYTE_ORDER_MARK, Severity.FILE, 0, name, "")
            return False
        other = detect_characters(self._head)
        if other is not None and other is not self._characters:
            self._report_record(Code.CHARACTER_SET, Severity.FILE, 0, _described(self._characters), _described(other))
            return False
        return True

    def _header(self, text: str) -> H | None:
        if self._characters is not JIS:
            text = self._in_own_set(text)
        header = self._record(self._format.header, text)
        self._blocks += 1
        self._tally = None if header is None else self._format.tally(header)
        return header

    def _in_own_set(self, text: str) -> str:
        """The header as the layouts have it, which are written down with JIS's code kind."""
        layout = self._format.header
        at = layout.offset("code_kind")
        said, own = text[at : at + 1], self._characters.code_kind
        if said and said != own:
            fault = Fault(Code.CHARACTER_SET, Severity.FILE, layout.field("code_kind"), repr(said), _described(self._characters))
            self._report(self._findings(layout, [(at, fault)]))
        return text[:at] + JIS.code_kind + text[at + 1 :] if said else text

    def _faulty_line(self, text: str) -> L | HeldLine | None:
        tally = self._tally
        if len(text) != self._format.record_length:  # damaged, and reported for its length
            if tally is not None:
                tally.readable = False
            return None
        if "\r" in text or "\n" in text:  # not a bad line but a lost boundary
            length = str(self._format.record_length)
            at = str(min(text.find(char) for char in "\r\n" if char in text))
            self._report_record(Code.RECORD_LENGTH, Severity.FILE, self.byte, length, at)
        layout = self._format.choose_line(text)
        found = self._findings(layout, layout.faults(text))
        self._report(found)
        if all(finding.severity is Severity.WARNING for finding in found):
            line = layout.build(text)
            if tally is not None:
                tally.add(line)
            return line
        held = HeldLine(self.record, self.byte, layout.raw(text), tuple(found))
        if tally is not None:
            tally.add_held(held.values)
        return held

    def _check_key(self, line: object, keys: KeySet) -> None:
        """Reports a line whose key has been there before."""
        name = self._format.key
        if name is None:
            return
        key = line.values[name] if isinstance(line, HeldLine) else getattr(line, name)
        if not keys.add(key):
            layout = self._format.choose_line("")
            fault = Fault(Code.DUPLICATE, Severity.FILE, layout.field(name), printable(key), "")
            self._report(self._findings(layout, [(layout.offset(name), fault)]))

    def _trailer(self, text: str) -> T | None:
        trailer = self._record(self._format.trailer, text)
        tally, self._tally = self._tally, None
        if trailer is None or tally is None:
            return trailer
        if not tally.readable:
            self._report_record(Code.UNVERIFIABLE, Severity.FILE, self.byte, "", "")
        else:
            self._report_differences(self._format.trailer, tally.compare(trailer))
        return trailer

    def _end(self, text: str) -> E | None:
        end = self._record(self._format.end, text)
        compare = self._format.compare_end
        if end is not None and compare is not None:
            self._report_differences(self._format.end, compare(end, self.record, self._blocks))
        return end

    def _report_differences(self, layout: Layout[Any], found: Iterable[Any]) -> None:
        faults = [
            (
                layout.offset(name),
                Fault(Code.TRAILER, Severity.FILE, layout.field(name), wrong, expected),
            )
            for name, expected, wrong in found
        ]
        self._report(self._findings(layout, faults))

    def _record(self, layout: Layout[R], text: str) -> R | None:
        record = layout.parse(text)
        if record is not None or len(text) != layout.width:
            return record
        found = [
            replace(finding, severity=Severity.FILE) if finding.severity is Severity.LINE else finding
            for finding in self._findings(layout, layout.faults(text))
        ]
        self._report(found)
        if any(finding.severity is Severity.FILE for finding in found):
            return None
        return layout.build(text)

    def _findings(self, layout: Layout[Any], faults: Iterable[tuple[int, Fault]]) -> list[Finding]:
        found = []
        for offset, fault in faults:
            code, severity, field, shown, expected, _ = fault
            if severity is Severity.WARNING and not self._tolerant:
                severity = Severity.LINE
            if field.name == "code_kind":
                code, expected = Code.CHARACTER_SET, _described(self._characters)
            found.append(
                Finding(
                    code,
                    severity,
                    self.record,
                    self.byte + offset,
                    offset + 1,
                    field.name,
                    field.label,
                    field.expectation if expected is None else expected,
                    shown,
                )
            )
        return found

    def _report_record(self, code: Code, severity: Severity, byte: int, expected: str, found: str) -> None:
        """Reports on a record as a whole. The splitter speaks of the record after ours."""
        record = self.record if byte == self.byte and self.record else self.record + 1
        self._report([Finding(code, severity, record, byte, 1, "", "", expected, found)])

    def _report(self, found: list[Finding]) -> None:
        self.findings += found
        if self._collect is not None:
            self._enough = len(self.findings) >= self._collect
            return
        fatal = [finding for finding in found if self._is_fatal(finding)]
        if fatal:
            raise ZenginReadError(fatal)

    def _is_fatal(self, finding: Finding) -> bool:
        if finding.severity is Severity.LINE:
            return not self._hold_lines
        return finding.severity is Severity.FILE


def _described(characters: CharacterSet) -> str:
    return f"{characters.code_kind} {characters.name}"


def chunks_of(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        return iter([source])
    if isinstance(source, Iterable):
        return _file_chunks(source) if hasattr(source, "read") else iter(source)
    return _file_chunks(source)


def _file_chunks(file: Any) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def read(
    source: Source,
    file_format: FileFormat[H, L, T, E],
    *,
    tolerant: bool = False,
    hold_lines: bool = False,
    unique_keys: bool = False,
    characters: CharacterSet = JIS,
) -> Reader[H, L, T, E]:
    """A reader over ``source`` (bytes, an open binary file, or chunks of bytes)."""
    return Reader(
        source,
        file_format,
        tolerant=tolerant,
        hold_lines=hold_lines,
        unique_keys=unique_keys,
        characters=characters,
    )


def check(
    source: Source,
    file_format: FileFormat[H, L, T, E],
    *,
    tolerant: bool = False,
    unique_keys: bool = True,
    limit: int = 100,
    characters: CharacterSet = JIS,
) -> list[Finding]:
    """Everything that is wrong with a file, the first ``limit`` findings; empty if nothing."""
    reader = Reader(source, file_format, tolerant=tolerant, unique_keys=unique_keys, collect=limit, characters=characters)
    for _ in reader:
        pass
    return reader.findings[:limit]


def load(
    source: Source,
    file_format: FileFormat[H, L, T, E],
    *,
    tolerant: bool = False,
    characters: CharacterSet = JIS,
) -> list[Block[H, L, T]]:
    """The blocks of a file, all in memory. Raises ``ZenginReadError``."""
    blocks: list[Block[H, L, T]] = []
    header: Any = None
    lines: list[Any] = []
    for record in Reader(source, file_format, tolerant=tolerant, unique_keys=True, characters=characters):
        kind: Any = type(record)
        if kind is file_format.header.record:
            header, lines = record, []
        elif kind is file_format.trailer.record:
            trailer: Any = record
            blocks.append(Block(header, tuple(lines), trailer))
        elif kind is not file_format.end.record:
            lines.append(record)
    return blocks
