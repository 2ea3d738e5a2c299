"""Account debit (預金口座振替), business 91: request and result have the same layout.

The header's account receives, the line's account pays. In a request the result code and the
trailer's outcome are zero; everything else comes back as it was sent.

Source: Zengin standard record formats (JBA), 91.
"""

from __future__ import annotations

from typing import Final

from zengin.charset import PARTY_NAME
from zengin.layout import Field, Kind, Layout
from zengin.layouts.parts import (
    account_number,
    bank_code,
    bank_name,
    branch_code,
    digits,
    dummy,
    end_layout,
    integer,
    mmdd,
    new_code,
    opening,
    party_name,
    positive,
    record_type,
    text,
)
from zengin.records import RESULT_LABELS, DebitHeader, DebitLine, DebitTrailer, ResultCode

COLLECTION_ACCOUNT_TYPES: Final = {"1": "普通", "2": "当座", "9": "その他"}
PAYER_ACCOUNT_TYPES: Final = {"1": "普通", "2": "当座", "3": "納税準備", "9": "その他"}

HEADER: Final = Layout(
    "debit header",
    "ヘッダー・レコード",
    [
        *opening("91"),
        digits("consignor_code", 10, "委託者コード", "issued by the bank per contract"),
        text("consignor_name", 40, "委託者名", PARTY_NAME, required=True),
        mmdd("debit_mmdd", "引落日"),
        bank_code("collection_bank_code", "取引銀行番号"),
        bank_name("collection_bank_name", "取引銀行名"),
        branch_code("collection_branch_code", "取引支店番号"),
        bank_name("collection_branch_name", "取引支店名"),
        digits(
            "collection_account_type",
            1,
            "預金種目（委託者）",
            "where the collected money lands",
            allowed=COLLECTION_ACCOUNT_TYPES,
        ),
        account_number("collection_account_number", "口座番号（委託者）"),
        dummy(17),
    ],
    DebitHeader,
)


def _line(name: str, result_codes: dict[str, str]) -> Layout[DebitLine]:
    result = Field(
        "result_code",
        1,
        Kind.DIGITS,
        "振替結果コード",
        "0 in a request",
        allowed=result_codes,
        convert={code.value: code for code in ResultCode}.__getitem__,
    )
    fields = [
        record_type("2"),
        bank_code("payer_bank_code", "引落銀行番号"),
        bank_name("payer_bank_name", "引落銀行名"),
        branch_code("payer_branch_code", "引落支店番号"),
        bank_name("payer_branch_name", "引落支店名"),
        dummy(4),
        digits("payer_account_type", 1, "預金種目", allowed=PAYER_ACCOUNT_TYPES),
        account_number("payer_account_number", "口座番号"),
        party_name("payer_name", 30, "預金者名"),
        positive("amount", 10, "引落金額", "yen"),
        new_code(),
        digits(
            "customer_number",
            20,
            "顧客番号",
            "the only free key that comes back in the result",
            refused=["0" * 20],
        ),
        result,
        dummy(8),
    ]
    return Layout(name, "データ・レコード", fields, DebitLine)


_NOT_YET: Final = {"0": "request"}
_FAILED: Final = {code: label for code, label in RESULT_LABELS.items() if code != "0"}

REQUEST_LINE: Final = _line("debit line", _NOT_YET)
RESULT_LINE: Final = _line("debit result line", RESULT_LABELS)
FAILED_LINE: Final = _line("failed debit line", _FAILED)

TRAILER: Final = Layout(
    "debit trailer",
    "トレーラ・レコード",
    [
        record_type("8"),
        integer("total_count", 6, "合計件数", "number of lines of the request"),
        integer("total_amount", 12, "合計金額", "sum of 引落金額 of the request"),
        integer("debited_count", 6, "振替済件数", "zeros in a request"),
        integer("debited_amount", 12, "振替済金額", "zeros in a request"),
        integer("failed_count", 6, "振替不能件数", "zeros in a request"),
        integer("failed_amount", 12, "振替不能金額", "zeros in a request"),
        dummy(65),
    ],
    DebitTrailer,
)

END: Final = end_layout("debit end", 120)
