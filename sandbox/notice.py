"""Writing an incoming-credit notice 01 (振込入金通知): one account, one day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sandbox.config import BankConfig
from sandbox.layouts import NOTICE_END, NOTICE_HEADER, NOTICE_LINE, NOTICE_LINE_B, NOTICE_TRAILER, era_date

SMALL = 9_999_999_999
"""What fits into the ten digits of format A."""


@dataclass(frozen=True, slots=True)
class Announced:
    """One credit; `cancels`: it takes the notice of that number back."""

    number: int
    amount: int
    party: str
    edi: str
    cancels: bool = False


def write_notice(bank: BankConfig, key: str, holder: str, day: date, announced: Sequence[Announced]) -> bytes:
    """The file, CRLF after each record; format B as soon as one amount needs it."""
    on = era_date(day)
    header = NOTICE_HEADER.pack(
        {
            "made_on": on,
            "from_on": on,
            "to_on": on,
            "bank": bank.code,
            "bank_name": bank.kana,
            "branch": key[:3],
            "branch_name": bank.branches.get(key[:3], ""),
            "type": key[3],
            "account": key[4:],
            "holder": holder,
        }
    )
    large = any(credit.amount > SMALL for credit in announced)
    lines = []
    for credit in announced:
        values: dict[str, str | int] = {
            "inquiry_number": credit.number,
            "booked_on": on,
            "value_on": on,
            "amount": 0 if credit.amount > SMALL else credit.amount,
            "party": credit.party,
            "cancel": "1" if credit.cancels else " ",
            "edi": credit.edi,
        }
        if large:
            values["large_amount"] = credit.amount if credit.amount > SMALL else 0
        lines.append((NOTICE_LINE_B if large else NOTICE_LINE).pack(values))
    told, taken_back = [x for x in announced if not x.cancels], [x for x in announced if x.cancels]
    trailer = NOTICE_TRAILER.pack(
        {
            "count": len(told),
            "total": sum(x.amount for x in told),
            "cancelled_count": len(taken_back),
            "cancelled_total": sum(x.amount for x in taken_back),
        }
    )
    return b"".join(record + b"\r\n" for record in (header, *lines, trailer, NOTICE_END.pack({})))
