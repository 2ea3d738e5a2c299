"""XML of strangers, read as a stream: no DTD, no entities, one namespace, limits on everything that could grow.

Python's own advice is to trust no XML from outside. What makes it dangerous (declared entities, external ones, a DTD) has no place in
these messages and ends the reading where it begins. What could fill the memory (depth, a record's elements, a text, one endless token)
has a limit; the length of the whole is the caller's business, since it is read in flat memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from iso20022.errors import IsoError

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
MAX_DEPTH = 24  # the messages here need 12
MAX_RECORD = 400  # elements of one transaction or entry; a full one has some 60
MAX_TEXT = 2_000  # characters of one element; the longest here has 500
MAX_TOKEN = 256 * 1024  # bytes without any event: a tag or a comment that does not end
_FEED = 64 * 1024


@dataclass(slots=True)
class Element:
    """An element of a record, with all that is below it."""

    tag: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, path: str) -> list[Element]:
        """Every element at a path below this one."""
        found = [self]
        for tag in path.split("/"):
            found = [child for element in found for child in element.children if child.tag == tag]
        return found

    def maybe(self, path: str) -> Element | None:
        """The element at a path, or None. Raises IsoError for several."""
        found = self.all(path)
        if len(found) > 1:
            raise IsoError(f"{self.tag}/{path} stands there {len(found)} times", line=self.line)
        return found[0] if found else None

    def one(self, path: str) -> Element:
        """The element at a path. Raises IsoError when it is missing."""
        found = self.maybe(path)
        if found is None:
            raise IsoError(f"{self.tag}/{path} is missing", line=self.line)
        return found

    def word(self, path: str) -> str:
        """The text at a path, which must be there and not empty."""
        found = self.one(path)
        if not found.text:
            raise IsoError(f"{self.tag}/{path} is empty", line=found.line)
        return found.text

    def maybe_word(self, path: str) -> str | None:
        """The text at a path; None when it is missing or empty."""
        found = self.maybe(path)
        return found.text or None if found else None


def records(chunks: Iterable[bytes], message: str, paths: Collection[str]) -> Iterator[tuple[str, Element]]:
    """Reads a message and gives each element at one of `paths` (below the root), in order, as soon as it ends.

    Args:
        chunks: The bytes, in pieces of any size.
        message: Which message it must be, such as `pain.002.001.03`.
        paths: Such as `CstmrPmtStsRpt/GrpHdr`. What is elsewhere is checked for its form and dropped.

    Raises:
        IsoError: Not this message, not well formed, or more than the limits allow.
    """
    reader = _Reader(message, frozenset(paths))
    for piece in _pieces(chunks):
        yield from reader.feed(piece)
    yield from reader.end()


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _FEED):
            yield chunk[start : start + _FEED]


class _Reader:
    def __init__(self, message: str, paths: frozenset[str]) -> None:
        self._prefix, self._message, self._paths = f"{NAMESPACE}{message} ", message, paths
        self._path: list[str] = []
        self._open: list[Element] = []  # from the record's own element inwards; empty outside of records
        self._size = 0
        self._done: list[tuple[str, Element]] = []
        self._fed = 0
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = lambda *_: self._fail("a document type declaration is not allowed")
        parser.EntityDeclHandler = lambda *_: self._fail("an entity declaration is not allowed")
        parser.ProcessingInstructionHandler = lambda *_: self._fail("a processing instruction is not allowed")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def feed(self, piece: bytes) -> list[tuple[str, Element]]:
        if not self._fed and piece[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise IsoError("the message is not in UTF-8", line=1)
        self._fed += len(piece)
        self._parse(piece, last=False)
        if self._fed - max(self._parser.CurrentByteIndex, 0) > MAX_TOKEN + _FEED:
            self._fail("something begins here and does not end")
        return self._take()

    def end(self) -> list[tuple[str, Element]]:
        self._parse(b"", last=True)
        return self._take()

    def _parse(self, piece: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            raise IsoError(f"not well formed: {expat.ErrorString(error.code)}", line=error.lineno) from None
        except UnicodeDecodeError:
            self._fail("a character that is none")

    def _take(self) -> list[tuple[str, Element]]:
        done, self._done = self._done, []
        return done

    def _fail(self, reason: str) -> NoReturn:
        raise IsoError(reason, line=self._parser.CurrentLineNumber)

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.upper() != "UTF-8":
            self._fail("the message is not in UTF-8")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not name.startswith(self._prefix):
            self._fail(f"an element that is not of {self._message}")
        tag = name[len(self._prefix) :]
        if not self._path and tag != "Document":
            self._fail("the root is not Document")
        self._path.append(tag)
        if len(self._path) > MAX_DEPTH:
            self._fail(f"more than {MAX_DEPTH} levels")
        if self._open or "/".join(self._path[1:]) in self._paths:
            self._size += 1
            if self._size > MAX_RECORD:
                self._fail(f"more than {MAX_RECORD} elements in one {self._open[0].tag}")
            element = Element(tag, self._parser.CurrentLineNumber, attributes)
            if self._open:
                self._open[-1].children.append(element)
            self._open.append(element)

    def _text(self, data: str) -> None:
        if not self._open:
            return
        element = self._open[-1]
        element.text += data
        if len(element.text) > MAX_TEXT:
            self._fail(f"more than {MAX_TEXT} characters in {element.tag}")

    def _end(self, _: str) -> None:
        path = "/".join(self._path[1:])
        self._path.pop()
        if not self._open:
            return
        element = self._open.pop()
        element.text = element.text.strip()
        if element.children and element.text:
            self._fail(f"text beside the elements of {element.tag}")
        if not self._open:
            self._size = 0
            self._done.append((path, element))
