"""Turning Japanese text into the half-width kana that bank files hold.

``to_bank_kana`` is deterministic and never drops, guesses or cuts: what has no agreed
half-width form is an error with its position. Unicode NFKC does not help, it goes the other
way (half width to full width).

Source: Zengin standard record formats (JBA), 91/21/03/01, characters per field.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final, NamedTuple

from zengin.charset import BRANCH_NAME, EDI, PARTY_NAME, CharClass

__all__ = [
    "BRANCH_NAME",
    "EDI",
    "PARTY_NAME",
    "Change",
    "CharClass",
    "TextTooLong",
    "UnconvertibleCharacter",
    "changes",
    "is_clean",
    "named",
    "to_bank_kana",
    "unconvertible",
]

_FULL: Final = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
_HALF: Final = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝ"
_VOICED: Final = "ガギグゲゴザジズゼゾダヂヅデドバビブベボヴヷヺ"
_VOICED_BASE: Final = "ｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎｳﾜｦ"
_SEMI_VOICED: Final = "パピプペポ"
_SEMI_VOICED_BASE: Final = "ﾊﾋﾌﾍﾎ"
_SMALL: Final = "ァィゥェォッャュョヮヵヶｧｨｩｪｫｯｬｭｮ"
_SMALL_LARGE: Final = "ｱｲｳｴｵﾂﾔﾕﾖﾜｶｹｱｲｳｴｵﾂﾔﾕﾖ"
_OLD: Final = {"ヰ": "ｲ", "ヱ": "ｴ", "ヸ": "ｲﾞ", "ヹ": "ｴﾞ"}
_DASHES: Final = "ーｰ‐‑‒–—―−－"
_SIGNS: Final = {
    "　": " ",
    "・": ".",
    "･": ".",
    "゛": "ﾞ",
    "゜": "ﾟ",
    "\u3099": "ﾞ",
    "\u309a": "ﾟ",
    "「": "｢",
    "」": "｣",
    "¥": "\\",
    "￥": "\\",
}
_HIRAGANA_SHIFT: Final = 0x60
"""Katakana stand 0x60 behind hiragana in Unicode, from ぁ to ゖ."""


def _table() -> dict[int, str]:
    kana: dict[str, str] = dict(zip(_FULL, _HALF, strict=True))
    kana |= {v: base + "ﾞ" for v, base in zip(_VOICED, _VOICED_BASE, strict=True)}
    kana |= {v: base + "ﾟ" for v, base in zip(_SEMI_VOICED, _SEMI_VOICED_BASE, strict=True)}
    kana |= dict(zip(_SMALL, _SMALL_LARGE, strict=True))
    kana |= _OLD
    table = dict(kana)
    for katakana, half in kana.items():
        hiragana = chr(ord(katakana) - _HIRAGANA_SHIFT)
        if "ぁ" <= hiragana <= "ゖ":
            table[hiragana] = half
    for code in range(0x21, 0x7F):  # full-width ASCII stands 0xFEE0 higher
        table[chr(code + 0xFEE0)] = chr(code).upper()
    table |= {chr(code): chr(code).upper() for code in range(ord("a"), ord("z") + 1)}
    table |= dict.fromkeys(_DASHES, "-")
    table |= _SIGNS
    return {ord(char): half for char, half in table.items()}


HALF_WIDTH: Final[Mapping[int, str]] = _table()
"""Character code to half-width text, for ``str.translate``."""


class UnconvertibleCharacter(ValueError):
    """A character that has no form in the wanted class. ``position`` counts from 0."""

    def __init__(self, char: str, position: int, char_class: CharClass) -> None:
        super().__init__(f"character {char!r} at position {position} cannot be written as {char_class.name}")
        self.char = char
        self.position = position
        self.char_class = char_class


class TextTooLong(ValueError):
    """The half-width text has more bytes than its field. The text itself is not kept."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__(f"text takes {length} bytes, the field has {width}")
        self.length = length
        self.width = width


class Change(NamedTuple):
    """One character that is written otherwise. ``position`` counts from 0; ``why`` and ``why_ja`` name the rule."""

    position: int
    char: str
    half: str
    why: str
    why_ja: str


_RULES: Final = (
    (_SMALL, "small kana become large", "小書きの仮名は大きく"),
    (_VOICED + _SEMI_VOICED, "a voiced kana is two characters", "濁点・半濁点は1文字"),
    ("".join(_OLD), "old kana become today's", "旧仮名は現代の仮名に"),
    (_DASHES, "every dash becomes -", "長音・横線は - に"),
    ("・･", "the middle dot becomes a full stop", "中黒は . に"),
    (_FULL, "full width becomes half width", "全角は半角に"),
    ("".join(set(_SIGNS) - {"・", "･"}), "the sign's half-width form", "記号は半角に"),
)


def changes(text: str) -> list[Change]:
    """What ``to_bank_kana`` does to each character of ``text`` that it does not leave alone."""
    return [
        Change(position, char, half, *_rule(char))
        for position, char in enumerate(text)
        if (half := HALF_WIDTH.get(ord(char), char)) != char
    ]


def _rule(char: str) -> tuple[str, str]:
    katakana = chr(ord(char) + _HIRAGANA_SHIFT) if "ぁ" <= char <= "ゖ" else char
    for chars, why, why_ja in _RULES:
        if katakana in chars:
            return (f"hiragana; {why}", f"平仮名、{why_ja}") if katakana != char else (why, why_ja)
    if char.isascii():
        return "letters become upper case", "英字は大文字に"
    return "full width becomes half width", "全角は半角に"


def unconvertible(text: str, char_class: CharClass = PARTY_NAME) -> list[tuple[int, str]]:
    """Every character of ``text`` that has no form in ``char_class``, with its position from 0."""
    return [(position, char) for position, char in enumerate(text) if not char_class.is_clean(char.translate(HALF_WIDTH))]


def named(char: str) -> str:
    """A character for a message: itself if it can be shown, its number, and its name if it has one."""
    shown = f"{char} " if char.isprintable() and not unicodedata.combining(char) else ""
    return f"{shown}(U+{ord(char):04X} {unicodedata.name(char, 'without a name')})"


def is_clean(text: str, char_class: CharClass = PARTY_NAME) -> bool:
    """True if ``text`` is already what ``to_bank_kana`` would return for it."""
    return char_class.is_clean(text)


def to_bank_kana(text: str, char_class: CharClass = PARTY_NAME, *, width: int | None = None) -> str:
    """``text`` in half-width bank kana of ``char_class``; one character is one byte.

    Hiragana, full-width letters and signs are narrowed, letters become upper case, voiced
    kana are split, small kana become large, every dash becomes ``-`` and the middle dot a
    full stop. With ``width`` (bytes) a longer result raises ``TextTooLong``; nothing is ever
    cut. Raises ``UnconvertibleCharacter`` on anything else: kanji, ``&``, comma, ...
    """
    half = text if char_class.is_clean(text) else _converted(text, char_class)
    if width is not None and len(half) > width:
        raise TextTooLong(len(half), width)
    return half


def _converted(text: str, char_class: CharClass) -> str:
    half = text.translate(HALF_WIDTH)
    if char_class.is_clean(half):
        return half
    position, char = unconvertible(text, char_class)[0]  # a class is a set of single characters
    raise UnconvertibleCharacter(char, position, char_class)
