"""Incoming-credit notices (振込入金通知, 01): what a bank announces before its statement says it.

They are read, checked and compared, and never booked: a bank may take a notice back (取消区分), and a statement it may not. What was
announced and is on no statement of its day is an open break (`reconciling`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from domain.store import exceptions
from domain.store.connection import Tx

APPLIED, HELD = 2, 3  # reply.status


@dataclass(frozen=True, slots=True)
class Announcement:
    """One credit, or (`cancels`) the withdrawal of one; `inquiry` is the bank's number of it."""

    line_no: int
    inquiry: str
    amount: int
    cancels: bool
    reference: str | None  # EDI


@dataclass(frozen=True, slots=True)
class CreditNotice:
    """One account, one booking day."""

    bank_code: str
    branch_code: str
    account_type: int
    account_number: str
    booked_on: date
    number: int
    lines: Sequence[Announcement]

    def __repr__(self) -> str:
        return f"CreditNotice({self.bank_code}, {self.booked_on}, {len(self.lines)} lines)"


async def take(tx: Tx, reply_id: int, notice: CreditNotice, *, now: datetime) -> tuple[int, str | None]:
    """Stores a notice; answers the reply's status (2 applied, 3 held) and, if held, why. No money moves in either case."""
    account = await tx.row(
        "select home, account_id from account where bank_code = $1 and branch_code = $2 and account_type = $3 and account_number = $4",
        notice.bank_code,
        notice.branch_code,
        notice.account_type,
        notice.account_number,
    )
    if account is None:
        return await _held(tx, reply_id, "UNKNOWN_ACCOUNT", "a notice for an account that is not ours", now, None)
    place = (account["home"], account["account_id"], notice.booked_on, notice.number)
    await tx.run("update reply set home = $2, account_id = $3 where reply_id = $1", reply_id, *place[:2])
    # Two readers of two files with one number take turns at the account's row.
    await tx.rows("select 1 from account where home = $1 and account_id = $2 for update", *place[:2])
    before = await tx.value(
        "select 1 from credit_notice where home = $1 and account_id = $2 and booked_on = $3 and number = $4 limit 1", *place
    )
    if before is not None:
        return await _held(
            tx, reply_id, "SECOND_NOTICE", "another notice of this account, day and number is here already", now, account["home"]
        )
    await tx.copy_in(
        "credit_notice",
        ("home", "account_id", "booked_on", "number", "line_no", "inquiry", "amount", "cancels", "reference", "reply_id"),
        [(*place, x.line_no, x.inquiry, x.amount, x.cancels, x.reference, reply_id) for x in notice.lines],
    )
    return APPLIED, None


async def _held(tx: Tx, reply_id: int, code: str, reason: str, now: datetime, home: int | None) -> tuple[int, str]:
    await exceptions.record(tx, code=code, reference=f"credits:{reply_id}", reason=reason, now=now, home=home, reply_id=reply_id)
    return HELD, reason
