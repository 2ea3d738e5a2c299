"""The records of the four formats as typed, immutable tuples.

Names carry direction: in a debit file (91) the header's account *receives* (``collection_``)
and the line's account *pays* (``payer_``); in a credit file (21) the header's account *pays*
(``payer_``) and the line's *receives* (``payee_``). Numbers and codes are text of their full
width with leading zeros, amounts are whole yen as ``int``, names are half-width kana without
padding. Fields of fixed content are not shown.

``*_mmdd`` is month and day, ``*_ymd`` year of the Japanese era, month, day: see
``zengin.dates``. Account numbers and names are masked in ``repr``.

Source: Zengin standard record formats (JBA), 91/21/03/01.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple

from zengin.findings import MASKED_TEXT, masked_digits

_PRIVATE_NAMES: Final = frozenset({"payer_name", "payee_name", "remitter_name", "account_name"})


def _masked(record: Any) -> str:
    parts = []
    for name, value in zip(record._fields, record, strict=True):
        if name.endswith("account_number"):
            value = masked_digits(value)  # noqa: PLW2901 - the value as shown
        elif name in _PRIVATE_NAMES:
            value = MASKED_TEXT  # noqa: PLW2901
        parts.append(f"{name}={value!r}")
    return f"{type(record).__name__}({', '.join(parts)})"


class ResultCode(StrEnum):
    """Outcome of one debit (振替結果コード). 5, 6 and 7 are not defined."""

    DEBITED = "0"  # 振替済: the money is taken. In a request: not yet known
    INSUFFICIENT_FUNDS = "1"  # 資金不足: may be tried again at a later date
    NO_ACCOUNT = "2"  # 取引なし: closed, or bank, branch, type, number or name does not match
    STOPPED_BY_PAYER = "3"  # 預金者の都合による振替停止: ask the payer, do not retry
    NO_MANDATE = "4"  # 預金口座振替依頼書なし: the mandate is missing, late or faulty
    STOPPED_BY_CONSIGNOR = "8"  # 委託者の都合による振替停止: we cancelled it
    OTHER = "9"  # その他: also input errors such as a bad character

    @property
    def label(self) -> str:
        """The standard's Japanese wording."""
        return RESULT_LABELS[self.value]

    @property
    def meaning(self) -> str:
        """The wording in English."""
        return _RESULT_MEANINGS[self.value]


RESULT_LABELS: Final = {
    "0": "振替済",
    "1": "資金不足",
    "2": "取引なし",
    "3": "預金者の都合による振替停止",
    "4": "預金口座振替依頼書なし",
    "8": "委託者の都合による振替停止",
    "9": "その他",
}
_RESULT_MEANINGS: Final = {
    "0": "debited",
    "1": "insufficient funds",
    "2": "no such account",
    "3": "stopped at the depositor's wish",
    "4": "no mandate registered for the account",
    "8": "stopped at the consignor's wish",
    "9": "other, including input errors",
}


class EndRecord(NamedTuple):
    """End of a 91, 21 or 01 file (エンド・レコード)."""


class DebitHeader(NamedTuple):
    """Header of a debit file (91). The account named here receives what is collected."""

    consignor_code: str
    consignor_name: str
    debit_mmdd: str
    collection_bank_code: str
    collection_bank_name: str
    collection_branch_code: str
    collection_branch_name: str
    collection_account_type: str
    collection_account_number: str

    def __repr__(self) -> str:
        return _masked(self)


class DebitLine(NamedTuple):
    """One debit (91). The account named here pays. ``amount`` in yen."""

    payer_bank_code: str
    payer_bank_name: str
    payer_branch_code: str
    payer_branch_name: str
    payer_account_type: str
    payer_account_number: str
    payer_name: str
    amount: int
    new_code: str
    customer_number: str
    result_code: ResultCode = ResultCode.DEBITED

    def __repr__(self) -> str:
        return _masked(self)


class DebitTrailer(NamedTuple):
    """Totals of a debit file; in a request the last four are zero. Amounts in yen."""

    total_count: int
    total_amount: int
    debited_count: int
    debited_amount: int
    failed_count: int
    failed_amount: int


class PayoutHeader(NamedTuple):
    """Header of a bulk credit file (21). The account named here pays."""

    payer_code: str
    payer_name: str
    execution_mmdd: str
    payer_bank_code: str
    payer_bank_name: str
    payer_branch_code: str
    payer_branch_name: str
    payer_account_type: str
    payer_account_number: str

    def __repr__(self) -> str:
        return _masked(self)


class PayoutLine(NamedTuple):
    """One credit (21) with EDI information (識別表示 Y). The account named here receives."""

    payee_bank_code: str
    payee_bank_name: str
    payee_branch_code: str
    payee_branch_name: str
    clearing_house_number: str
    payee_account_type: str
    payee_account_number: str
    payee_name: str
    amount: int
    new_code: str
    edi: str
    routing_kind: str = "7"

    def __repr__(self) -> str:
        return _masked(self)


class PayoutLineWithCodes(NamedTuple):
    """One credit (21) with two customer codes in the place of EDI information."""

    payee_bank_code: str
    payee_bank_name: str
    payee_branch_code: str
    payee_branch_name: str
    clearing_house_number: str
    payee_account_type: str
    payee_account_number: str
    payee_name: str
    amount: int
    new_code: str
    customer_code_1: str = "0000000000"
    customer_code_2: str = "0000000000"
    routing_kind: str = "7"

    def __repr__(self) -> str:
        return _masked(self)


class PayoutTrailer(NamedTuple):
    """Totals of a bulk credit file. Amount in yen."""

    total_count: int
    total_amount: int


class StatementHeader(NamedTuple):
    """Header of one account's statement (03). ``account_number`` has ten digits here."""

    created_ymd: str
    first_ymd: str
    last_ymd: str
    bank_code: str
    bank_name: str
    branch_code: str
    branch_name: str
    account_type: str
    account_number: str
    account_name: str
    opening_sign: str
    passbook_kind: str
    opening_balance: int

    def __repr__(self) -> str:
        return _masked(self)

    @property
    def opening_yen(self) -> int | None:
        """Balance before the first entry, negative when overdrawn; None if left out."""
        return _signed(self.opening_sign, self.opening_balance)


class StatementLine(NamedTuple):
    """One entry of a statement (03). ``direction`` 1 is a credit, 2 a debit."""

    inquiry_number: str
    booked_ymd: str
    value_ymd: str
    direction: str
    entry_kind: str
    amount: int
    other_bank_amount: int
    presented_ymd: str
    dishonoured_ymd: str
    bill_kind: str
    bill_number: str
    sister_branch_code: str
    remitter_code: str
    remitter_name: str
    remitting_bank_name: str
    remitting_branch_name: str
    description: str
    edi: str

    def __repr__(self) -> str:
        return _masked(self)

    @property
    def is_credit(self) -> bool:
        """True if the money came in (入金)."""
        return self.direction == "1"


class StatementTrailer(NamedTuple):
    """Totals of one account's statement (03). Amounts in yen."""

    credit_count: int
    credit_amount: int
    debit_count: int
    debit_amount: int
    closing_sign: str
    closing_balance: int
    line_count: int

    @property
    def closing_yen(self) -> int | None:
        """Balance after the last entry, negative when overdrawn; None if left out."""
        return _signed(self.closing_sign, self.closing_balance)


class StatementEnd(NamedTuple):
    """End of a statement file (03): all its records, and its accounts."""

    record_count: int
    account_count: int


class NoticeHeader(NamedTuple):
    """Header of one account's incoming-credit notice (01)."""

    created_ymd: str
    first_ymd: str
    last_ymd: str
    bank_code: str
    bank_name: str
    branch_code: str
    branch_name: str
    account_type: str
    account_number: str
    account_name: str

    def __repr__(self) -> str:
        return _masked(self)


class NoticeLine(NamedTuple):
    """One incoming credit (01, format A: ten-digit amounts)."""

    inquiry_number: str
    booked_ymd: str
    value_ymd: str
    amount: int
    other_bank_amount: int
    remitter_code: str
    remitter_name: str
    remitting_bank_name: str
    remitting_branch_name: str
    cancel_code: str
    edi: str

    def __repr__(self) -> str:
        return _masked(self)

    @property
    def yen(self) -> int:
        """The amount, whichever format the line is in."""
        return self.amount

    @property
    def cancels(self) -> bool:
        """True if the line takes an earlier notice back."""
        return self.cancel_code == "1"


class NoticeLineB(NamedTuple):
    """One incoming credit (01, format B): amounts of 11 and 12 digits stand apart."""

    inquiry_number: str
    booked_ymd: str
    value_ymd: str
    amount: int
    other_bank_amount: int
    remitter_code: str
    remitter_name: str
    remitting_bank_name: str
    remitting_branch_name: str
    cancel_code: str
    large_amount: int
    large_other_bank_amount: int
    edi: str

    def __repr__(self) -> str:
        return _masked(self)

    @property
    def yen(self) -> int:
        """The amount, whichever of the two fields holds it."""
        return self.amount or self.large_amount

    @property
    def cancels(self) -> bool:
        """True if the line takes an earlier notice back."""
        return self.cancel_code == "1"


class NoticeTrailer(NamedTuple):
    """Totals of an incoming-credit notice (01); cancellations are counted apart. Yen."""

    total_count: int
    total_amount: int
    cancelled_count: int
    cancelled_amount: int


def _signed(sign: str, balance: int) -> int | None:
    if sign == "0" and not balance:
        return None
    return -balance if sign == "2" else balance
