"""How records follow each other in a file, and cutting a stream of bytes into them.

Source: Zengin standard record formats (JBA), 91/21/03/01; line breaks are bank practice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final

from zengin.charset import CharacterSet
from zengin.findings import Code, Severity

Report = Callable[[Code, Severity, int, str, str], None]
"""Takes code, severity, byte offset, what was expected, what was found."""

SUB: Final = "\x1a"
"""End-of-file mark that some systems append."""


class Framing(Enum):
    """What separates records: the separator, and how many filler bytes it overwrites."""

    NONE = ("", 0)  # fixed blocks, host style
    CRLF = ("\r\n", 0)  # the usual file: 122 or 202 bytes per record
    INSIDE_CRLF = ("\r\n", 2)  # 118 + CRLF
    INSIDE_CR = ("\r", 1)  # 119 + CR
    LF = ("\n", 0)  # seen from software; a tolerant reader takes it, nothing writes it
    CR = ("\r", 0)  # as LF

    @property
    def separator(self) -> str:
        """The bytes between records, as text."""
        return self.value[0]

    @property
    def cut(self) -> int:
        """Bytes of the record's last filler that the separator takes the place of."""
        return self.value[1]

    @property
    def is_standard(self) -> bool:
        """False for framings that only a tolerant reader takes."""
        return self not in (Framing.LF, Framing.CR)


_BREAK: Final = re.compile("\r\n|\r|\n")
_BREAK_NAMES: Final = {"": "nothing", "\r\n": "CRLF", "\n": "LF", "\r": "CR"}
_APPENDED: Final = {"\r\n": Framing.CRLF, "\n": Framing.LF, "\r": Framing.CR}
_FAR: Final = 40
"""A first break this far behind the record's end belongs to something else."""


def detect(head: str, length: int) -> Framing:
    """The framing of a file that starts with ``head``, by the place of its first line break.

    A first record of wrong length does not hide the framing: it is then reported as such.
    """
    first = _BREAK.search(head, 0, length + _FAR)
    if first is None:
        return Framing.NONE
    at, found = first.start(), first.group()
    if at == length - 2 and found == "\r\n":
        return Framing.INSIDE_CRLF
    if at == length - 1 and found == "\r":
        return Framing.INSIDE_CR
    return _APPENDED[found]


class Splitter:
    """Cuts chunks of bytes into records of ``length`` characters; memory stays flat.

    Yields the record's byte offset and text. Text of another length is a damaged record,
    already reported, except ``SUB`` which stands alone. A tolerant splitter takes LF and CR
    and fills stripped spaces up again, with a warning at the first.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        length: int,
        characters: CharacterSet,
        report: Report,
        *,
        tolerant: bool,
    ) -> None:
        self.framing: Framing | None = None
        self._chunks = chunks
        self._length = length
        self._characters = characters
        self._report = report
        self._tolerant = tolerant
        self._warned = False

    def __iter__(self) -> Iterator[tuple[int, str]]:
        text = self._head()
        if not text:
            self._report(Code.EMPTY_FILE, Severity.FILE, 0, "", "")
            return
        self.framing = detect(text, self._length)
        if not self.framing.is_standard:
            severity = Severity.WARNING if self._tolerant else Severity.FILE
            self._report(Code.FRAMING_REFUSED, severity, 0, "CRLF", self.framing.name)
        separator, cut = self.framing.separator, self.framing.cut
        size = self._length - cut
        stride = size + len(separator)
        pad = " " * cut
        strict = not self._tolerant  # then a break within a record is found with its characters
        base = position = 0
        while True:
            if separator:
                while text.startswith(separator, position + size) and (strict or text.find(separator, position, position + size) < 0):
                    yield base + position, text[position : position + size] + pad
                    position += stride
            else:
                while position + size <= len(text):
                    yield base + position, text[position : position + size]
                    position += size
            if len(text) - position < 2 * self._length + _FAR:
                more = next(self._chunks, None)
                if more is not None:
                    base += position
                    text, position = text[position:] + self._characters.decode(more), 0
                    continue
            if position >= len(text):
                return
            used, records = self._irregular(text, position, base)
            yield from records
            position += used

    def _head(self) -> str:
        text = ""
        while len(text) < 2 * self._length + _FAR:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            text += self._characters.decode(chunk)
        return text

    def _irregular(self, text: str, position: int, base: int) -> tuple[int, list[tuple[int, str]]]:
        """One record that does not end where it should, or the last one."""
        assert self.framing is not None
        offset = base + position
        found = _BREAK.search(text, position) if self.framing.separator else None
        if found is None:
            return len(text) - position, self._tail(text[position:], offset)
        piece = text[position : found.start()]
        if found.group() != self.framing.separator:
            expected = _BREAK_NAMES[self.framing.separator]
            name = _BREAK_NAMES[found.group()]
            self._report(Code.FRAMING_CHANGED, Severity.FILE, offset, expected, name)
        return found.end() - position, self._piece(piece, offset)

    def _tail(self, rest: str, offset: int) -> list[tuple[int, str]]:
        """What is left at the end: a record without separator, 0x1A, or damage."""
        assert self.framing is not None
        body = rest.removesuffix(SUB)
        records = self._piece(body, offset) if body else []
        if body != rest:
            records.append((offset + len(body), SUB))
        return records

    def _piece(self, piece: str, offset: int) -> list[tuple[int, str]]:
        assert self.framing is not None
        size = self._length - self.framing.cut
        if len(piece) == size:
            return [(offset, piece.ljust(self._length))]
        if piece == SUB:
            return [(offset, SUB)]
        expected, found = str(size), str(len(piece))
        if self._tolerant and len(piece) < size:
            if not self._warned:
                self._warned = True
                self._report(Code.STRIPPED_SPACES, Severity.WARNING, offset, expected, found)
            return [(offset, piece.ljust(self._length))] if piece else []
        self._report(Code.RECORD_LENGTH, Severity.FILE, offset, expected, found)
        return [(offset, piece)]
