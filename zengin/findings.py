"""What is wrong in a file, where, and what was expected; in English and Japanese.

Every finding has an address: record number, byte offset in the file, field name. Account
numbers and names of people never appear in one: they are masked before the finding is made.

Source: Zengin standard record formats (JBA), 91/21/03/01; the wording is ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """What a finding forbids."""

    FILE = "file"  # the whole file must be refused
    LINE = "line"  # this line must be held for a person, the others stand
    WARNING = "warning"  # read all the same; only a tolerant reader gives these


class Code(StrEnum):
    """What kind of thing is wrong. Stable: programs may compare them."""

    EMPTY_FILE = "empty_file"
    BYTE_ORDER_MARK = "byte_order_mark"
    CHARACTER_SET = "character_set"
    FRAMING_REFUSED = "framing_refused"
    FRAMING_CHANGED = "framing_changed"
    RECORD_LENGTH = "record_length"
    STRIPPED_SPACES = "stripped_spaces"
    RECORD_TYPE = "record_type"
    RECORD_ORDER = "record_order"
    MISSING_END = "missing_end"
    DATA_AFTER_END = "data_after_end"
    FIXED_VALUE = "fixed_value"
    DUMMY = "dummy"
    NOT_DIGITS = "not_digits"
    NOT_ALLOWED = "not_allowed"
    REQUIRED = "required"
    DATE = "date"
    CHARACTER = "character"
    WIDTH = "width"
    TYPE = "type"
    TRAILER = "trailer"
    UNVERIFIABLE = "unverifiable"
    LIMIT = "limit"
    DUPLICATE = "duplicate"
    UNKNOWN_LINE = "unknown_line"
    LINE_DIFFERS = "line_differs"


_MESSAGES: Final[dict[Code, tuple[str, str]]] = {
    Code.EMPTY_FILE: ("the file is empty", "ファイルが空です"),
    Code.BYTE_ORDER_MARK: (
        "the file starts with a byte order mark: it is Unicode, not {expected}",
        "先頭にBOMがあります(Unicode)。{expected}で作成してください",
    ),
    Code.CHARACTER_SET: (
        "code kind {found} is not supported, expected {expected}",
        "コード区分 {found} には対応していません({expected})",
    ),
    Code.FRAMING_REFUSED: (
        "records are separated by {found}, expected {expected}",
        "改行コードが {found} です({expected})",
    ),
    Code.FRAMING_CHANGED: (
        "the record ends with {found}, the records before with {expected}",
        "改行コードが途中で変わっています: {found}(それまで {expected})",
    ),
    Code.RECORD_LENGTH: (
        "the record has {found} bytes, expected {expected}",
        "レコード長が {found} バイトです({expected} バイト)",
    ),
    Code.STRIPPED_SPACES: (
        "trailing spaces are missing: {found} bytes of {expected}",
        "末尾の空白がありません: {found}/{expected} バイト",
    ),
    Code.RECORD_TYPE: (
        "record type {found}, expected {expected}",
        "データ区分が {found} です({expected})",
    ),
    Code.RECORD_ORDER: (
        "record type {found} cannot stand here, expected {expected}",
        "データ区分 {found} の位置が不正です({expected})",
    ),
    Code.MISSING_END: (
        "the file ends here, expected record type {expected}",
        "ファイルが途中で終わっています(データ区分 {expected} がありません)",
    ),
    Code.DATA_AFTER_END: (
        "there is data after the end record: {found}",
        "エンド・レコードの後にデータがあります: {found}",
    ),
    Code.FIXED_VALUE: (
        "{field} is {found}, expected {expected}",
        "{label}が {found} です({expected})",
    ),
    Code.DUMMY: (
        "the filler is not {expected}",
        "ダミーが{expected}ではありません",
    ),
    Code.NOT_DIGITS: (
        "{field} is {found}, expected {expected}",
        "{label}が数字ではありません: {found}({expected})",
    ),
    Code.NOT_ALLOWED: (
        "{field} is {found}, allowed: {expected}",
        "{label}の値 {found} は使用できません({expected})",
    ),
    Code.REQUIRED: ("{field} is missing", "{label}が未設定です"),
    Code.DATE: (
        "{field} is {found}, expected {expected}",
        "{label}が日付ではありません: {found}({expected})",
    ),
    Code.CHARACTER: (
        "{field} holds {found}, which {expected} does not allow",
        "{label}に使用できない文字があります: {found}({expected})",
    ),
    Code.WIDTH: (
        "{field} has {found} characters, expected {expected}",
        "{label}が {found} 文字です({expected} 文字)",
    ),
    Code.TYPE: (
        "{field} is a {found}, expected {expected}",
        "{label}の型が {found} です({expected})",
    ),
    Code.TRAILER: (
        "{field} is {found}, the records give {expected}",
        "{label}が {found} です(明細からの計算値 {expected})",
    ),
    Code.UNVERIFIABLE: (
        "the trailer cannot be verified: an amount above is unreadable",
        "金額を読めない明細があるため、トレーラを検証できません",
    ),
    Code.LIMIT: (
        "{field} is {found}, the limit is {expected}",
        "{label} {found} が上限 {expected} を超えています",
    ),
    Code.DUPLICATE: (
        "{field} {found} has been used before in this file",
        "{label} {found} が重複しています",
    ),
    Code.UNKNOWN_LINE: (
        "{field} {found} is not among the lines we sent",
        "{label} {found} は依頼明細にありません",
    ),
    Code.LINE_DIFFERS: (
        "the line differs from the one we sent in {field}",
        "{label}が依頼明細と異なります",
    ),
}


_JAPANESE: Final = {
    "spaces": "空白",
    "text": "文字",
    "another value": "他の値",
    "a failure": "振替不能のコード",
    "nothing": "なし",
    "party name": "名義の文字",
    "bank or branch name": "銀行名・支店名の文字",
    "EDI information": "EDI情報の文字",
    "free text": "摘要の文字",
}
_NUMBER_OF_DIGITS: Final = re.compile(r"(\d+) digits")


def _in_japanese(words: str) -> str:
    """What the layouts expect, and what was found instead of it, in Japanese where it is words."""
    words = _JAPANESE.get(words, words)
    return _NUMBER_OF_DIGITS.sub(r"数字\1桁", words).replace(" or ", "・").replace("byte 0x", "バイト 0x")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    ``record`` counts the file's records from 1. ``byte`` is the offset of the field's first
    byte in the file, from 0, as hex editors count. ``column`` is the field's position in the
    record, from 1, as the standard's tables count. ``found`` is masked where it must be.
    """

    code: Code
    severity: Severity
    record: int
    byte: int
    column: int
    field: str
    label: str
    expected: str
    found: str

    @property
    def message(self) -> str:
        """The finding in English, without its address."""
        return self._text(0, self.expected, self.found)

    @property
    def message_ja(self) -> str:
        """The finding in Japanese, without its address."""
        return self._text(1, self.expected_ja, _in_japanese(self.found))

    @property
    def expected_ja(self) -> str:
        """What was expected, in Japanese."""
        return _in_japanese(self.expected)

    def _text(self, language: int, expected: str, found: str) -> str:
        return _MESSAGES[self.code][language].format(field=self.field, label=self.label, expected=expected, found=found)

    def __str__(self) -> str:
        where = f"record {self.record}, byte {self.byte}"
        return f"{where}, {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


class ZenginError(ValueError):
    """A file, record or value that must not be used; ``findings`` says why, first first."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"{findings[0]}{more}")
        self.findings = tuple(findings)


class ZenginReadError(ZenginError):
    """A file that must not be used as it stands."""


class ZenginWriteError(ZenginError):
    """A record that may not be written. ``byte`` in its findings is the place it would take."""


def printable(text: str) -> str:
    """Text that may be shown and stored: a character that is none on a screen becomes ``?``."""
    return "".join(char if char.isprintable() else "?" for char in text)


def masked_digits(text: str) -> str:
    """Digits with all but the last two hidden: ``*****67``."""
    keep = max(len(text) - 2, 0)
    return printable("".join("*" if char.isalnum() else char for char in text[:keep]) + text[keep:])


MASKED_TEXT: Final = "***"
"""Stands for a name."""
