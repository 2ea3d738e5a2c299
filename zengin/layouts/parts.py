"""Fields that several layouts share, and short ways to write the others down.

Source: Zengin standard record formats (JBA), 91/21/03/01.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from zengin.charset import BRANCH_NAME, JIS, PARTY_NAME, CharClass
from zengin.layout import Field, Kind, Layout, Mask
from zengin.records import EndRecord

NO_BANK: Final = ("0000", "9999")
"""Bank codes that banks treat as input errors."""


def digits(
    name: str,
    width: int,
    label: str,
    note: str = "",
    *,
    allowed: Mapping[str, str] | None = None,
    refused: Sequence[str] = (),
    mask: Mask = Mask.NONE,
) -> Field:
    """A code or number that must be there."""
    return Field(name, width, Kind.DIGITS, label, note, allowed=allowed, refused=tuple(refused), mask=mask)


def optional_digits(name: str, width: int, label: str, note: str = "", *, allowed: Mapping[str, str] | None = None) -> Field:
    """A code or number that may be left out: zeros, read also as spaces."""
    return Field(name, width, Kind.DIGITS, label, note, required=False, allowed=allowed)


def integer(name: str, width: int, label: str, note: str = "", *, optional: bool = False) -> Field:
    """Yen or a count."""
    return Field(name, width, Kind.INTEGER, label, note, required=not optional)


def positive(name: str, width: int, label: str, note: str = "") -> Field:
    """Yen, more than zero."""
    return Field(name, width, Kind.INTEGER, label, note, refused=("0" * width,))


def text(
    name: str,
    width: int,
    label: str,
    chars: CharClass,
    *,
    required: bool = False,
    private: bool = False,
) -> Field:
    """Half-width text."""
    mask = Mask.TEXT if private else Mask.NONE
    return Field(name, width, Kind.TEXT, label, required=required, chars=chars, mask=mask)


def fixed(name: str, value: str, label: str, note: str = "") -> Field:
    """One value and no other."""
    return Field(name, len(value), Kind.FIXED, label, note, value=value)


def dummy(width: int, fill: str = " ") -> Field:
    """Filler."""
    return Field("dummy", width, Kind.DUMMY, "ダミー", value=fill * width)


def mmdd(name: str, label: str) -> Field:
    """Month and day without a year."""
    return Field(name, 4, Kind.MMDD, label, "MMDD")


def era_date(name: str, label: str, note: str = "", *, optional: bool = False) -> Field:
    """Date with the year of the Japanese era."""
    return Field(name, 6, Kind.ERA_DATE, label, note, required=not optional)


def record_type(value: str) -> Field:
    """The first byte of every record."""
    return fixed("record_type", value, "データ区分")


def opening(kind_code: str) -> list[Field]:
    """The first four bytes of every header."""
    return [
        record_type("1"),
        fixed("kind_code", kind_code, "種別コード"),
        fixed("code_kind", JIS.code_kind, "コード区分", "0 JIS, 1 EBCDIC"),
    ]


def account_number(name: str, label: str, width: int = 7) -> Field:
    """Account number, shown masked."""
    return digits(name, width, label, "right-justified, zero-filled", mask=Mask.DIGITS)


def bank_code(name: str, label: str) -> Field:
    """Code of a bank (統一金融機関番号)."""
    return digits(name, 4, label, "統一金融機関番号", refused=NO_BANK)


def branch_code(name: str, label: str) -> Field:
    """Code of a branch (統一店番号)."""
    return digits(name, 3, label, "統一店番号")


def bank_name(name: str, label: str) -> Field:
    """Name of a bank or branch; may be left out."""
    return text(name, 15, label, BRANCH_NAME)


def party_name(name: str, width: int, label: str) -> Field:
    """Name of whom an account belongs to; must be there, shown masked."""
    return text(name, width, label, PARTY_NAME, required=True, private=True)


NEW_CODES: Final = {"0": "other", "1": "first time", "2": "account changed"}


def new_code() -> Field:
    """新規コード; banks tolerate a blank, which is read as 0."""
    return optional_digits("new_code", 1, "新規コード", allowed=NEW_CODES)


def end_layout(name: str, width: int) -> Layout[EndRecord]:
    """The end record without content."""
    fields = [record_type("9"), dummy(width - 1)]
    return Layout(name, "エンド・レコード", fields, EndRecord)
