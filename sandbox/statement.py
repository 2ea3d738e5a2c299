"""Writing a statement 03 (入出金取引明細): one account, one day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sandbox.layouts import STATEMENT_END, STATEMENT_HEADER, STATEMENT_LINE, STATEMENT_TRAILER, era_date

BY_CASH = "10"
BY_CREDIT = "11"  # 振込
BY_DEBIT = "14"  # 振替
OTHER = "18"  # その他: charges

RETURNED = "ﾌﾘｺﾐｼｷﾝﾍﾝｷﾔｸ"
"""The 摘要 of a credit that comes back: its account could not be credited."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a statement; `direction` is `in` or `out`."""

    direction: str
    transaction: str
    amount: int
    party: str = ""
    from_bank: str = ""
    from_branch: str = ""
    summary: str = ""
    edi: str = ""
    identity: str = ""
    """The sender's ID of the file that was booked, in formats that have a place for it."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Whose statement it is, and of which day."""

    bank: str
    bank_name: str
    branch: str
    branch_name: str
    type: str
    number: str
    holder: str
    day: date
    made_on: date


def write_statement(heading: Heading, opening: int, movements: Iterable[Movement]) -> bytes:
    """The file, CRLF after each record. Balances below 0 carry their sign in the 貸越区分 beside them."""
    day = era_date(heading.day)
    lines: list[bytes] = []
    counts, sums = {"in": 0, "out": 0}, {"in": 0, "out": 0}
    for number, movement in enumerate(movements, 1):
        counts[movement.direction] += 1
        sums[movement.direction] += movement.amount
        lines.append(
            STATEMENT_LINE.pack(
                {
                    "inquiry_number": number,
                    "booked_on": day,
                    "value_on": day,
                    "direction": "1" if movement.direction == "in" else "2",
                    "transaction": movement.transaction,
                    "amount": movement.amount,
                    "party": movement.party,
                    "from_bank": movement.from_bank,
                    "from_branch": movement.from_branch,
                    "summary": movement.summary,
                    "edi": movement.edi,
                }
            )
        )
    closing = opening + sums["in"] - sums["out"]
    header = STATEMENT_HEADER.pack(
        {
            "made_on": era_date(heading.made_on),
            "from_on": day,
            "to_on": day,
            "bank": heading.bank,
            "bank_name": heading.bank_name,
            "branch": heading.branch,
            "branch_name": heading.branch_name,
            "type": heading.type,
            "account": heading.number,
            "holder": heading.holder,
            "opening_sign": _sign(opening),
            "opening": abs(opening),
        }
    )
    trailer = STATEMENT_TRAILER.pack(
        {
            "in_count": counts["in"],
            "in_amount": sums["in"],
            "out_count": counts["out"],
            "out_amount": sums["out"],
            "closing_sign": _sign(closing),
            "closing": abs(closing),
            "line_count": len(lines),
        }
    )
    end = STATEMENT_END.pack({"record_count": len(lines) + 3, "account_count": 1})
    return b"".join(record + b"\r\n" for record in (header, *lines, trailer, end))


def _sign(balance: int) -> str:
    return "2" if balance < 0 else "1"
