"""The record layouts of the bank files 91, 21, 03 and 01, as tables.

91 預金口座振替 and 21 総合振込 have records of 120 bytes, 03 入出金取引明細 and 01 振込入金通知 of 200. Every legal character is one byte: ASCII
0x20-0x7E and half-width katakana 0xA1-0xDF (JIS X 0201). Offsets follow from the widths and are written nowhere.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

_UNDEFINED = "\ufffe"
_DECODING = "".join(
    chr(byte) if 0x20 <= byte <= 0x7E else chr(0xFF61 + byte - 0xA1) if 0xA1 <= byte <= 0xDF else _UNDEFINED for byte in range(256)
)
_ENCODING = {ord(char): byte for byte, char in enumerate(_DECODING) if char != _UNDEFINED} | {0xA5: 0x5C}


class BadText(ValueError):
    """A character that has no single byte in the bank files, or a byte that is no character there."""


def encode(text: str) -> bytes:
    """Half-width text as one byte a character; raises BadText."""
    try:
        return codecs.charmap_encode(text, "strict", _ENCODING)[0]
    except UnicodeEncodeError as error:
        raise BadText(f"U+{ord(text[error.start]):04X} cannot be written into a bank file") from None


def decode(data: bytes) -> str:
    try:
        return codecs.charmap_decode(data, "strict", _DECODING)[0]
    except UnicodeDecodeError as error:
        raise BadText(f"byte {error.object[error.start]:02X} at offset {error.start + 1}") from None


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `N` digits, right-justified with zeros; `C` text, left-justified with spaces."""

    name: str
    width: int
    kind: str
    label: str
    fixed: str | None = None


class Layout:
    """A record as a row of fields."""

    def __init__(self, *fields: Field) -> None:
        self.fields = fields
        self.places: dict[str, slice] = {}
        start = 0
        for field in fields:
            self.places[field.name] = slice(start, start + field.width)
            start += field.width
        self.length = start

    def pack(self, values: Mapping[str, str | int]) -> bytes:
        """One record; what is left out is zeros or spaces. Raises ValueError for what does not fit, never cuts."""
        parts: list[bytes] = []
        for field in self.fields:
            value = str(values.get(field.name, field.fixed if field.fixed is not None else ""))
            if len(value) > field.width:
                raise ValueError(f"{field.label} has {field.width} places")
            if field.kind == "N" and value and not (value.isascii() and value.isdigit()):
                raise ValueError(f"{field.label} takes digits")
            parts.append(encode(value.rjust(field.width, "0") if field.kind == "N" else value.ljust(field.width)))
        unknown = values.keys() - self.places.keys()
        if unknown:
            raise ValueError(f"no such field: {sorted(unknown)}")
        return b"".join(parts)

    def unpack(self, record: bytes) -> dict[str, str]:
        """The fields as text, spaces on the right taken off. Raises ValueError for a wrong length, fixed value or digit."""
        if len(record) != self.length:
            raise ValueError(f"{len(record)} bytes instead of {self.length}")
        values: dict[str, str] = {}
        for field in self.fields:
            place = self.places[field.name]
            value = decode(record[place])
            if field.fixed is not None and value.rstrip() != field.fixed.rstrip():
                raise ValueError(f"{field.label} (byte {place.start + 1}) must be {field.fixed!r}")
            if field.kind == "N" and not (value.isascii() and value.isdigit()):
                raise ValueError(f"{field.label} (byte {place.start + 1}) takes digits")
            values[field.name] = value.rstrip()
        return values


def _n(name: str, width: int, label: str, fixed: str | None = None) -> Field:
    return Field(name, width, "N", label, fixed)


def _c(name: str, width: int, label: str, fixed: str | None = None) -> Field:
    return Field(name, width, "C", label, fixed)


def _filler(width: int) -> Field:
    return _c("filler", width, "ダミー", "")


DEBIT_HEADER = Layout(
    _n("data_kind", 1, "データ区分", "1"),
    _n("business", 2, "種別コード", "91"),
    _n("code_kind", 1, "コード区分", "0"),
    _n("consignor", 10, "委託者コード"),
    _c("consignor_name", 40, "委託者名"),
    _n("month_day", 4, "引落日"),
    _n("bank", 4, "取引銀行番号"),
    _c("bank_name", 15, "取引銀行名"),
    _n("branch", 3, "取引支店番号"),
    _c("branch_name", 15, "取引支店名"),
    _n("type", 1, "預金種目"),
    _n("account", 7, "口座番号"),
    _filler(17),
)
"""The account in this header receives the money."""

DEBIT_LINE = Layout(
    _n("data_kind", 1, "データ区分", "2"),
    _n("bank", 4, "引落銀行番号"),
    _c("bank_name", 15, "引落銀行名"),
    _n("branch", 3, "引落支店番号"),
    _c("branch_name", 15, "引落支店名"),
    _c("clearing_house", 4, "ダミー", ""),
    _n("type", 1, "預金種目"),
    _n("account", 7, "口座番号"),
    _c("holder", 30, "預金者名"),
    _n("amount", 10, "引落金額"),
    _c("new_code", 1, "新規コード"),
    _n("customer_number", 20, "顧客番号"),
    _n("result", 1, "振替結果コード"),
    _filler(8),
)
DEBIT_TRAILER = Layout(
    _n("data_kind", 1, "データ区分", "8"),
    _n("count", 6, "合計件数"),
    _n("amount", 12, "合計金額"),
    _n("debited_count", 6, "振替済件数"),
    _n("debited_amount", 12, "振替済金額"),
    _n("failed_count", 6, "振替不能件数"),
    _n("failed_amount", 12, "振替不能金額"),
    _filler(65),
)
CREDIT_HEADER = Layout(
    _n("data_kind", 1, "データ区分", "1"),
    _n("business", 2, "種別コード", "21"),
    _n("code_kind", 1, "コード区分", "0"),
    _n("consignor", 10, "振込依頼人コード"),
    _c("consignor_name", 40, "振込依頼人名"),
    _n("month_day", 4, "取組日"),
    _n("bank", 4, "仕向銀行番号"),
    _c("bank_name", 15, "仕向銀行名"),
    _n("branch", 3, "仕向支店番号"),
    _c("branch_name", 15, "仕向支店名"),
    _n("type", 1, "預金種目"),
    _n("account", 7, "口座番号"),
    _filler(17),
)
"""The account in this header pays."""

CREDIT_LINE = Layout(
    _n("data_kind", 1, "データ区分", "2"),
    _n("bank", 4, "被仕向銀行番号"),
    _c("bank_name", 15, "被仕向銀行名"),
    _n("branch", 3, "被仕向支店番号"),
    _c("branch_name", 15, "被仕向支店名"),
    _n("clearing_house", 4, "手形交換所番号"),
    _n("type", 1, "預金種目"),
    _n("account", 7, "口座番号"),
    _c("holder", 30, "受取人名"),
    _n("amount", 10, "振込金額"),
    _c("new_code", 1, "新規コード"),
    _c("edi", 20, "EDI情報"),
    _c("urgency", 1, "振込指定区分"),
    _c("edi_mark", 1, "識別表示"),
    _filler(7),
)
CREDIT_TRAILER = Layout(
    _n("data_kind", 1, "データ区分", "8"),
    _n("count", 6, "合計件数"),
    _n("amount", 12, "合計金額"),
    _filler(101),
)
END = Layout(_n("data_kind", 1, "データ区分", "9"), _filler(119))

STATEMENT_HEADER = Layout(
    _n("data_kind", 1, "データ区分", "1"),
    _n("business", 2, "種別コード", "03"),
    _n("code_kind", 1, "コード区分", "0"),
    _n("made_on", 6, "作成日"),
    _n("from_on", 6, "勘定日（自）"),
    _n("to_on", 6, "勘定日（至）"),
    _n("bank", 4, "銀行コード"),
    _c("bank_name", 15, "銀行名"),
    _n("branch", 3, "支店コード"),
    _c("branch_name", 15, "支店名"),
    _n("zeros", 3, "ダミー", "000"),
    _n("type", 1, "預金種目"),
    _n("account", 10, "口座番号"),
    _c("holder", 40, "口座名"),
    _n("opening_sign", 1, "貸越区分"),
    _n("book_kind", 1, "通帳・証書区分", "1"),
    _n("opening", 14, "取引前残高"),
    _filler(71),
)
STATEMENT_LINE = Layout(
    _n("data_kind", 1, "データ区分", "2"),
    _n("inquiry_number", 8, "照会番号"),
    _n("booked_on", 6, "勘定日"),
    _n("value_on", 6, "預入・払出日"),
    _n("direction", 1, "入払区分"),
    _n("transaction", 2, "取引区分"),
    _n("amount", 12, "取引金額"),
    _n("foreign_bills", 12, "うち他店券金額"),
    _n("presented_on", 6, "交換呈示日"),
    _n("dishonoured_on", 6, "不渡返還日"),
    _n("bill_kind", 1, "手形・小切手区分"),
    _n("bill_number", 7, "手形・小切手番号"),
    _n("sister_branch", 3, "僚店番号"),
    _n("remitter_code", 10, "振込依頼人コード"),
    _c("party", 48, "振込依頼人名または契約者番号"),
    _c("from_bank", 15, "仕向銀行名"),
    _c("from_branch", 15, "仕向店名"),
    _c("summary", 20, "摘要内容"),
    _c("edi", 20, "EDI情報"),
    _filler(1),
)
STATEMENT_TRAILER = Layout(
    _n("data_kind", 1, "データ区分", "8"),
    _n("in_count", 6, "入金件数"),
    _n("in_amount", 13, "入金額合計"),
    _n("out_count", 6, "出金件数"),
    _n("out_amount", 13, "出金額合計"),
    _n("closing_sign", 1, "貸越区分"),
    _n("closing", 14, "取引後残高"),
    _n("line_count", 7, "データ・レコード件数"),
    _filler(139),
)
STATEMENT_END = Layout(
    _n("data_kind", 1, "データ区分", "9"),
    _n("record_count", 10, "レコード総件数"),
    _n("account_count", 5, "口座数"),
    _filler(184),
)

NOTICE_HEADER = Layout(
    _n("data_kind", 1, "データ区分", "1"),
    _n("business", 2, "種別コード", "01"),
    _n("code_kind", 1, "コード区分", "0"),
    _n("made_on", 6, "作成日"),
    _n("from_on", 6, "勘定日（自）"),
    _n("to_on", 6, "勘定日（至）"),
    _n("bank", 4, "銀行コード"),
    _c("bank_name", 15, "銀行名"),
    _n("branch", 3, "支店コード"),
    _c("branch_name", 15, "支店名"),
    _n("type", 1, "預金種目"),
    _n("account", 7, "口座番号"),
    _c("holder", 40, "口座名"),
    _filler(93),
)
_NOTICE_LINE = (
    _n("data_kind", 1, "データ区分", "2"),
    _n("inquiry_number", 6, "照会番号"),
    _n("booked_on", 6, "勘定日"),
    _n("value_on", 6, "起算日"),
    _n("amount", 10, "金額"),
    _n("foreign_bills", 10, "うち他店券金額"),
    _n("remitter_code", 10, "振込依頼人コード"),
    _c("party", 48, "振込依頼人名"),
    _c("from_bank", 15, "仕向銀行名"),
    _c("from_branch", 15, "仕向店名"),
    _c("cancel", 1, "取消区分"),
)
NOTICE_LINE = Layout(*_NOTICE_LINE, _c("edi", 20, "EDI情報"), _filler(52))
"""Format A: amounts up to ten digits."""
NOTICE_LINE_B = Layout(
    *_NOTICE_LINE,
    _n("large_amount", 12, "金額(2)"),
    _n("large_foreign_bills", 12, "うち他店券金額(2)"),
    _c("edi", 20, "EDI情報"),
    _filler(28),
)
"""Format B: larger amounts stand in a field of their own."""
NOTICE_TRAILER = Layout(
    _n("data_kind", 1, "データ区分", "8"),
    _n("count", 6, "振込合計件数"),
    _n("total", 12, "振込合計金額"),
    _n("cancelled_count", 6, "取消合計件数"),
    _n("cancelled_total", 12, "取消合計金額"),
    _filler(163),
)
NOTICE_END = Layout(_n("data_kind", 1, "データ区分", "9"), _filler(199))

_ERAS = ((date(2019, 5, 1), 2018), (date(1989, 1, 8), 1988), (date(1926, 12, 25), 1925))


def era_date(day: date) -> str:
    """YYMMDD with the year of the Japanese era (和暦), without an era letter: 2000-09-24 is `120924`."""
    for start, before_first in _ERAS:
        if day >= start:
            return f"{day.year - before_first:02d}{day.month:02d}{day.day:02d}"
    raise ValueError(f"no era is known for {day}")
