"""Records and files that the tests of the codec start from. Account numbers are invented: they start with 9."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zengin import (
    DEBIT_REQUEST,
    DEBIT_RESULT,
    DEBIT_RESULT_FAILED_ONLY,
    NOTICE,
    PAYOUT,
    STATEMENT,
    DebitHeader,
    DebitLine,
    Framing,
    PayoutHeader,
    PayoutLine,
    write_debit_request,
    write_debit_result,
)

SAMPLES = Path(__file__).parent / "samples"
GOLDENS = Path(__file__).parent / "goldens"

FORMATS = {
    "91_request.txt": DEBIT_REQUEST,
    "91_request_nobreak.dat": DEBIT_REQUEST,
    "91_result.txt": DEBIT_RESULT,
    "91_result_failed_only.txt": DEBIT_RESULT_FAILED_ONLY,
    "21_request.txt": PAYOUT,
    "03_statement.txt": STATEMENT,
    "01_notice_A.txt": NOTICE,
}

HEADER = DebitHeader(
    consignor_code="0000012345",
    consignor_name="ｴｲﾄﾞｳｹﾂｻｲ(ｶ",
    debit_mmdd="1207",
    collection_bank_code="9991",
    collection_bank_name="ﾋﾞ-ﾊﾞﾝｸ",
    collection_branch_code="101",
    collection_branch_name="ﾎﾝﾃﾝ",
    collection_account_type="1",
    collection_account_number="9012345",
)

LINE = DebitLine(
    payer_bank_code="9991",
    payer_bank_name="ﾋﾞ-ﾊﾞﾝｸ",
    payer_branch_code="101",
    payer_branch_name="ﾎﾝﾃﾝ",
    payer_account_type="1",
    payer_account_number="9000001",
    payer_name="ｶ)ｱｵｿﾞﾗｼﾖｳｼﾞ",
    amount=125_000,
    new_code="1",
    customer_number="00000020261207000001",
)

PAYOUT_HEADER = PayoutHeader(
    payer_code="0000012345",
    payer_name="ｴｲﾄﾞｳｹﾂｻｲ(ｶ",
    execution_mmdd="1210",
    payer_bank_code="9990",
    payer_bank_name="ﾒｲﾝﾊﾞﾝｸ",
    payer_branch_code="001",
    payer_branch_name="ﾎﾝﾃﾝ",
    payer_account_type="1",
    payer_account_number="9099999",
)

PAYOUT_LINE = PayoutLine(
    payee_bank_code="9992",
    payee_bank_name="",
    payee_branch_code="201",
    payee_branch_name="",
    clearing_house_number="0000",
    payee_account_type="1",
    payee_account_number="9000001",
    payee_name="ｶ)ｷﾀﾏﾁﾓｸｻﾞｲ",
    amount=120_000,
    new_code="1",
    edi="P0000000000000000001",
)


def line(number: int, **changes: Any) -> DebitLine:
    """A debit with a customer number of its own."""
    return LINE._replace(customer_number=f"{number:020d}", **changes)


def request(lines: list[DebitLine], framing: Framing = Framing.CRLF) -> bytes:
    return b"".join(write_debit_request(HEADER, lines, framing=framing))


def result(lines: list[DebitLine], *, failed_only: bool = False) -> bytes:
    return b"".join(write_debit_result(HEADER, lines, failed_only=failed_only))


def patched(data: bytes, record: int, column: int, new: bytes, stride: int = 122) -> bytes:
    """``data`` with ``new`` at ``column`` (from 1) of ``record`` (from 1)."""
    at = (record - 1) * stride + column - 1
    return data[:at] + new + data[at + len(new) :]
