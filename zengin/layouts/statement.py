"""Account statement (入出金取引明細), business 03, for ordinary, current and savings accounts.

Time deposits (預金種目 5, 6, 7) use another data layout and are refused. Dates carry the year
of the Japanese era.

Source: Zengin standard record formats (JBA), 03.
"""

from __future__ import annotations

from typing import Final

from zengin.charset import EDI, FREE_TEXT, PARTY_NAME
from zengin.layout import Layout
from zengin.layouts.parts import (
    account_number,
    bank_code,
    bank_name,
    branch_code,
    digits,
    dummy,
    era_date,
    integer,
    opening,
    optional_digits,
    record_type,
    text,
)
from zengin.records import StatementEnd, StatementHeader, StatementLine, StatementTrailer

ACCOUNT_TYPES: Final = {"1": "普通", "2": "当座", "4": "貯蓄"}
SIGNS: Final = {"1": "plus", "2": "minus (overdrawn)"}
PASSBOOK_KINDS: Final = {"1": "通帳", "2": "証書"}
DIRECTIONS: Final = {"1": "入金", "2": "出金"}
ENTRY_KINDS: Final = {
    "10": "現金",
    "11": "振込",
    "12": "他店券入金",
    "13": "交換",
    "14": "振替",
    "15": "継続",
    "18": "その他",
    "19": "訂正",
}
BILL_KINDS: Final = {"1": "小切手", "2": "約束手形", "3": "為替手形"}

HEADER: Final = Layout(
    "statement header",
    "ヘッダー・レコード",
    [
        *opening("03"),
        era_date("created_ymd", "作成日"),
        era_date("first_ymd", "勘定日（自）"),
        era_date("last_ymd", "勘定日（至）"),
        bank_code("bank_code", "銀行コード"),
        bank_name("bank_name", "銀行名"),
        branch_code("branch_code", "支店コード"),
        bank_name("branch_name", "支店名"),
        dummy(3, "0"),
        digits("account_type", 1, "預金種目", allowed=ACCOUNT_TYPES),
        account_number("account_number", "口座番号", 10),
        text("account_name", 40, "口座名", PARTY_NAME, private=True),
        optional_digits("opening_sign", 1, "貸越区分", allowed=SIGNS),
        optional_digits("passbook_kind", 1, "通帳・証書区分", allowed=PASSBOOK_KINDS),
        integer("opening_balance", 14, "取引前残高", "yen", optional=True),
        dummy(71),
    ],
    StatementHeader,
)

LINE: Final = Layout(
    "statement line",
    "データ・レコード",
    [
        record_type("2"),
        optional_digits("inquiry_number", 8, "照会番号", "unique per account and day at best"),
        era_date("booked_ymd", "勘定日"),
        era_date("value_ymd", "預入・払出日", optional=True),
        digits("direction", 1, "入払区分", allowed=DIRECTIONS),
        optional_digits("entry_kind", 2, "取引区分", allowed=ENTRY_KINDS),
        integer("amount", 12, "取引金額", "yen"),
        integer("other_bank_amount", 12, "うち他店券金額", "yen", optional=True),
        era_date("presented_ymd", "交換呈示日", optional=True),
        era_date("dishonoured_ymd", "不渡返還日", optional=True),
        optional_digits("bill_kind", 1, "手形・小切手区分", allowed=BILL_KINDS),
        optional_digits("bill_number", 7, "手形・小切手番号"),
        optional_digits("sister_branch_code", 3, "僚店番号"),
        optional_digits("remitter_code", 10, "振込依頼人コード"),
        text("remitter_name", 48, "振込依頼人名または契約者番号", PARTY_NAME, private=True),
        bank_name("remitting_bank_name", "仕向銀行名"),
        bank_name("remitting_branch_name", "仕向店名"),
        text("description", 20, "摘要内容", FREE_TEXT),
        text("edi", 20, "EDI情報", EDI),
        dummy(1),
    ],
    StatementLine,
)

TRAILER: Final = Layout(
    "statement trailer",
    "トレーラ・レコード",
    [
        record_type("8"),
        integer("credit_count", 6, "入金件数"),
        integer("credit_amount", 13, "入金額合計", "yen"),
        integer("debit_count", 6, "出金件数"),
        integer("debit_amount", 13, "出金額合計", "yen"),
        optional_digits("closing_sign", 1, "貸越区分", allowed=SIGNS),
        integer("closing_balance", 14, "取引後残高", "yen", optional=True),
        integer("line_count", 7, "データ・レコード件数"),
        dummy(139),
    ],
    StatementTrailer,
)

END: Final = Layout(
    "statement end",
    "エンド・レコード",
    [
        record_type("9"),
        integer("record_count", 10, "レコード総件数", "all records of the file"),
        integer("account_count", 5, "口座数", "number of header blocks"),
        dummy(184),
    ],
    StatementEnd,
)
