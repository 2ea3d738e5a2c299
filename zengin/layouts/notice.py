"""Incoming-credit notice (振込入金通知), business 01, formats A and B.

B adds 12-digit amounts where A has its EDI information; a line is B if those 24 bytes are
digits.

Source: Zengin standard record formats (JBA), 01.
"""

from __future__ import annotations

from typing import Final

from zengin.charset import EDI, PARTY_NAME
from zengin.layout import Field, Layout
from zengin.layouts.parts import (
    account_number,
    bank_code,
    bank_name,
    branch_code,
    digits,
    dummy,
    end_layout,
    era_date,
    integer,
    opening,
    optional_digits,
    record_type,
    text,
)
from zengin.records import NoticeHeader, NoticeLine, NoticeLineB, NoticeTrailer

ACCOUNT_TYPES: Final = {"1": "普通", "2": "当座", "4": "貯蓄"}
CANCEL_CODES: Final = {"1": "cancels an earlier notice"}

HEADER: Final = Layout(
    "notice header",
    "ヘッダー・レコード",
    [
        *opening("01"),
        era_date("created_ymd", "作成日"),
        era_date("first_ymd", "勘定日（自）"),
        era_date("last_ymd", "勘定日（至）"),
        bank_code("bank_code", "銀行コード"),
        bank_name("bank_name", "銀行名"),
        branch_code("branch_code", "支店コード"),
        bank_name("branch_name", "支店名"),
        digits("account_type", 1, "預金種目", allowed=ACCOUNT_TYPES),
        account_number("account_number", "口座番号"),
        text("account_name", 40, "口座名", PARTY_NAME, private=True),
        dummy(93),
    ],
    NoticeHeader,
)


def _to_cancel_code() -> list[Field]:
    return [
        record_type("2"),
        optional_digits("inquiry_number", 6, "照会番号"),
        era_date("booked_ymd", "勘定日"),
        era_date("value_ymd", "起算日", optional=True),
        integer("amount", 10, "金額", "yen"),
        integer("other_bank_amount", 10, "うち他店券金額", "yen", optional=True),
        optional_digits("remitter_code", 10, "振込依頼人コード"),
        text("remitter_name", 48, "振込依頼人名", PARTY_NAME, private=True),
        bank_name("remitting_bank_name", "仕向銀行名"),
        bank_name("remitting_branch_name", "仕向店名"),
        optional_digits("cancel_code", 1, "取消区分", allowed=CANCEL_CODES),
    ]


LINE: Final = Layout(
    "notice line",
    "データ・レコード",
    [*_to_cancel_code(), text("edi", 20, "EDI情報", EDI), dummy(52)],
    NoticeLine,
)

LINE_B: Final = Layout(
    "notice line B",
    "データ・レコード",
    [
        *_to_cancel_code(),
        integer("large_amount", 12, "金額(2)", "used when more than 10 digits, else zeros"),
        integer("large_other_bank_amount", 12, "うち他店券金額(2)"),
        text("edi", 20, "EDI情報", EDI),
        dummy(28),
    ],
    NoticeLineB,
)

TRAILER: Final = Layout(
    "notice trailer",
    "トレーラ・レコード",
    [
        record_type("8"),
        integer("total_count", 6, "振込合計件数"),
        integer("total_amount", 12, "振込合計金額", "yen"),
        integer("cancelled_count", 6, "取消合計件数", optional=True),
        integer("cancelled_amount", 12, "取消合計金額", "yen", optional=True),
        dummy(163),
    ],
    NoticeTrailer,
)

END: Final = end_layout("notice end", 200)

_LARGE: Final = slice(LINE_B.offset("large_amount"), LINE_B.offset("edi"))


def choose_line(text: str) -> Layout[NoticeLine] | Layout[NoticeLineB]:
    """The layout of a line: B if bytes 129-152 are digits."""
    large = text[_LARGE]
    return LINE_B if large.isascii() and large.isdigit() else LINE
