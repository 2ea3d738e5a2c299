"""Bulk credit (総合振込), business 21.

The header's account pays, the line's account receives: the opposite of 91 at the same bytes,
hence other names. The 20 bytes from 92 hold EDI information if 識別表示 is Y, two customer
codes otherwise. There is no result file.

Source: Zengin standard record formats (JBA), 21.
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
    fixed,
    integer,
    mmdd,
    new_code,
    opening,
    optional_digits,
    party_name,
    positive,
    record_type,
    text,
)
from zengin.records import PayoutHeader, PayoutLine, PayoutLineWithCodes, PayoutTrailer

PAYER_ACCOUNT_TYPES: Final = {"1": "普通", "2": "当座", "9": "その他"}
PAYEE_ACCOUNT_TYPES: Final = {"1": "普通", "2": "当座", "4": "貯蓄", "9": "その他"}
ROUTING_KINDS: Final = {"7": "電信", "8": "文書"}

HEADER: Final = Layout(
    "payout header",
    "ヘッダー・レコード",
    [
        *opening("21"),
        digits("payer_code", 10, "振込依頼人コード", "issued by the bank per contract"),
        text("payer_name", 40, "振込依頼人名", PARTY_NAME, required=True),
        mmdd("execution_mmdd", "取組日"),
        bank_code("payer_bank_code", "仕向銀行番号"),
        bank_name("payer_bank_name", "仕向銀行名"),
        branch_code("payer_branch_code", "仕向支店番号"),
        bank_name("payer_branch_name", "仕向支店名"),
        optional_digits(
            "payer_account_type",
            1,
            "預金種目（依頼人）",
            "most banks want it",
            allowed=PAYER_ACCOUNT_TYPES,
        ),
        account_number("payer_account_number", "口座番号（依頼人）"),
        dummy(17),
    ],
    PayoutHeader,
)


def _to_new_code() -> list[Field]:
    return [
        record_type("2"),
        bank_code("payee_bank_code", "被仕向銀行番号"),
        bank_name("payee_bank_name", "被仕向銀行名"),
        branch_code("payee_branch_code", "被仕向支店番号"),
        bank_name("payee_branch_name", "被仕向支店名"),
        optional_digits("clearing_house_number", 4, "手形交換所番号", "unused"),
        digits("payee_account_type", 1, "預金種目", allowed=PAYEE_ACCOUNT_TYPES),
        account_number("payee_account_number", "口座番号"),
        party_name("payee_name", 30, "受取人名"),
        positive("amount", 10, "振込金額", "yen"),
        new_code(),
    ]


def _routing_kind() -> Field:
    return optional_digits("routing_kind", 1, "振込指定区分", "write 7", allowed=ROUTING_KINDS)


LINE: Final = Layout(
    "payout line",
    "データ・レコード",
    [
        *_to_new_code(),
        text("edi", 20, "EDI情報", EDI),
        _routing_kind(),
        fixed("edi_marker", "Y", "識別表示"),
        dummy(7),
    ],
    PayoutLine,
)

LINE_WITH_CODES: Final = Layout(
    "payout line with customer codes",
    "データ・レコード",
    [
        *_to_new_code(),
        optional_digits("customer_code_1", 10, "顧客コード1"),
        optional_digits("customer_code_2", 10, "顧客コード2"),
        _routing_kind(),
        fixed("edi_marker", " ", "識別表示"),
        dummy(7),
    ],
    PayoutLineWithCodes,
)

TRAILER: Final = Layout(
    "payout trailer",
    "トレーラ・レコード",
    [
        record_type("8"),
        integer("total_count", 6, "合計件数"),
        integer("total_amount", 12, "合計金額"),
        dummy(101),
    ],
    PayoutTrailer,
)

END: Final = end_layout("payout end", 120)

_MARKER: Final = slice(LINE.offset("edi_marker"), LINE.offset("edi_marker") + 1)


def choose_line(text: str) -> Layout[PayoutLine] | Layout[PayoutLineWithCodes]:
    """The layout of a line, by its 識別表示."""
    return LINE if text[_MARKER] == "Y" else LINE_WITH_CODES
