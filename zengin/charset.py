"""Bytes and characters of Zengin files.

One byte is one character. Code kind 0 is JIS X 0201: the ASCII range and the half-width
katakana 0xA1-0xDF. The mapping is an explicit table: Python's ``shift_jis`` and ``cp932``
codecs take two-byte characters, which would shift every field behind them. Code kind 1 is
EBCDIC in its Japanese katakana page (IBM 290), of which Python has no codec.

A byte outside the table is decoded to a private-use character, so that positions in text
stay positions in bytes and a finding can still name the byte.

Source: Zengin standard record formats (JBA), 91/21/03/01, character appendix.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

_UNDEFINED: Final = 0xF700
"""Byte b outside the table becomes U+F700+b (private use: never legal in any field)."""


def _decoded(byte: int) -> str:
    if byte < 0x7F:
        return chr(byte)  # control characters stay: the framing needs CR, LF and 0x1A
    if 0xA1 <= byte <= 0xDF:
        return chr(0xFF61 + byte - 0xA1)
    return chr(_UNDEFINED + byte)


_JIS_TABLE: Final = "".join(_decoded(byte) for byte in range(256))


_NONE: Final = "\0"
"""Stands in the rows below for a byte without a character, or with one that no file may hold."""

_EBCDIC_ROWS: Final = {
    0x00: "\0\0\0\0\0\0\0\0\0\0\0\0\0\r\0\0",
    0x20: "\0\0\0\0\0\n\0\0\0\0\0\0\0\0\0\0",
    0x30: "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x1a",
    0x40: " ｡｢｣､･ｦｧｨｩ\0.<(+|",
    0x50: "&ｪｫｬｭｮｯ\0ｰ\0!\\*);\0",
    0x60: "-/abcdefgh\0,%_>?",
    0x70: "[ijklmnop`:#@'=\"",
    0x80: "]ｱｲｳｴｵｶｷｸｹｺqｻｼｽｾ",
    0x90: "ｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉr\0ﾊﾋﾌ",
    0xA0: "~\0ﾍﾎﾏﾐﾑﾒﾓﾔﾕsﾖﾗﾘﾙ",
    0xB0: "^\0\0tuvwxyzﾚﾛﾜﾝﾞﾟ",
    0xC0: "{ABCDEFGHI\0\0\0\0\0\0",
    0xD0: "}JKLMNOPQR\0\0\0\0\0\0",
    0xE0: "$\0STUVWXYZ\0\0\0\0\0\0",
    0xF0: "0123456789\0\0\0\0\0\0",
}
"""The yen sign (0x5B) is the backslash of text, as in JIS; the page's own backslash is not used."""


def _ebcdic(byte: int) -> str:
    row = _EBCDIC_ROWS.get(byte & 0xF0)
    char = _NONE if row is None else row[byte & 0x0F]
    return chr(_UNDEFINED + byte) if char == _NONE else char


_EBCDIC_TABLE: Final = "".join(_ebcdic(byte) for byte in range(256))


class UnsupportedCharacterSet(ValueError):
    """A code kind that the standard does not have, or a head of a file in no set of it."""

    def __init__(self, code_kind: str) -> None:
        super().__init__(f"code kind {code_kind!r} is not supported, only 0 (JIS X 0201) and 1 (EBCDIC, IBM 290)")
        self.code_kind = code_kind


class CharacterSet:
    """A single-byte character set as declared in the header's code kind (コード区分).

    ``table`` has 256 characters, one per byte. Another set joins by its table and an entry in
    ``CHARACTER_SETS``.
    """

    __slots__ = ("_encoding", "_table", "code_kind", "name")

    def __init__(self, code_kind: str, name: str, table: str) -> None:
        self.code_kind = code_kind
        self.name = name
        self._table = table
        self._encoding = codecs.charmap_build(table)

    def decode(self, data: bytes) -> str:
        """Text of the same length as ``data``; never raises, see ``undefined_byte``."""
        return codecs.charmap_decode(data, "strict", self._table)[0]

    def encode(self, text: str) -> bytes:
        """Bytes of the same length as ``text``; the yen sign shares the backslash's byte.

        Raises ``UnicodeEncodeError`` on a character outside the set.
        """
        return codecs.charmap_encode(text.replace("¥", "\\"), "strict", self._encoding)[0]

    def __repr__(self) -> str:
        return f"CharacterSet({self.code_kind!r}, {self.name!r})"


JIS: Final = CharacterSet("0", "JIS X 0201", _JIS_TABLE)

EBCDIC: Final = CharacterSet("1", "EBCDIC (IBM 290)", _EBCDIC_TABLE)

CHARACTER_SETS: Final = {characters.code_kind: characters for characters in (JIS, EBCDIC)}


def character_set(code_kind: str) -> CharacterSet:
    """The character set of a code kind; raises ``UnsupportedCharacterSet``."""
    try:
        return CHARACTER_SETS[code_kind]
    except KeyError:
        raise UnsupportedCharacterSet(code_kind) from None


def detect_characters(head: bytes) -> CharacterSet | None:
    """The set in which a file starts with the record type 1, as each must; None if in none."""
    for characters in CHARACTER_SETS.values():
        if head.startswith(characters.encode("1")):
            return characters
    return None


def undefined_byte(char: str) -> int | None:
    """The byte behind a character that ``decode`` could not map, else None."""
    code = ord(char) - _UNDEFINED
    return code if 0 <= code <= 0xFF else None


_KANA: Final = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝﾞﾟ"
_LATIN: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS: Final = "0123456789"
_BASE: Final = _KANA + _LATIN + _DIGITS
_PRINTABLE: Final = "".join(_decoded(byte) for byte in range(256) if 0x20 <= byte <= 0x7E or 0xA1 <= byte <= 0xDF)
_WIDE: Final = _BASE + "ｦｰ ()-.,/\\｢｣"
"""What is taken when reading names: banks are known to send these beyond the standard."""


class CharClass:
    """The characters that one class of text fields may hold.

    ``writable`` is the standard's strict set, ``readable`` what is accepted from others.
    ``inner_space`` tells whether a space may stand inside the text when writing; padding at
    the end is always spaces.
    """

    __slots__ = ("_clean", "inner_space", "name", "name_ja", "readable", "writable")

    def __init__(self, name: str, name_ja: str, writable: str, readable: str) -> None:
        self.name = name
        self.name_ja = name_ja
        self.writable = frozenset(writable)
        self.readable = frozenset(readable)
        self.inner_space = " " in self.writable
        self._clean = re.compile(f"[{re.escape(writable)}]*")

    def is_clean(self, text: str) -> bool:
        """True if ``text`` may be written as it stands (padding not included)."""
        return self._clean.fullmatch(text) is not None

    def __repr__(self) -> str:
        return f"CharClass({self.name!r})"


BRANCH_NAME: Final = CharClass("bank or branch name", "銀行名・支店名", _BASE + "-", _WIDE)
PARTY_NAME: Final = CharClass("party name", "名義", _BASE + " ()-.", _WIDE)
EDI: Final = CharClass("EDI information", "EDI情報", _BASE + "ｦ \\｢｣()-/.", _WIDE.replace(",", ""))
FREE_TEXT: Final = CharClass("free text", "摘要", _BASE + "ｦ \\｢｣()-/.", _PRINTABLE)
"""摘要: the standard gives no list of its own, so anything printable is read."""
