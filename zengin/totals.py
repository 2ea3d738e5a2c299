"""Counting and adding up while lines pass, and comparing that with the trailer.

A trailer is never trusted: its figures are recomputed from the lines, and every figure that
differs is named. Amounts in yen.

Source: Zengin standard record formats (JBA), 91/21/03/01, trailer records.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar

from zengin.records import (
    DebitHeader,
    DebitLine,
    DebitTrailer,
    NoticeHeader,
    NoticeLine,
    NoticeLineB,
    NoticeTrailer,
    PayoutHeader,
    PayoutLine,
    PayoutLineWithCodes,
    PayoutTrailer,
    ResultCode,
    StatementEnd,
    StatementHeader,
    StatementLine,
    StatementTrailer,
)

H = TypeVar("H")
L = TypeVar("L")
T = TypeVar("T")


class Difference(NamedTuple):
    """A trailer field that is not what the lines give."""

    field: str
    expected: str
    found: str


def differences(expected: Any, found: Any) -> list[Difference]:
    """The fields in which two records of one type differ."""
    return [
        Difference(name, str(right), str(wrong))
        for name, right, wrong in zip(expected._fields, expected, found, strict=True)
        if right != wrong
    ]


class Tally(ABC, Generic[H, L, T]):
    """Running totals of one block."""

    def __init__(self, header: H) -> None:
        self.header = header
        self.readable = True
        """False once a line's amount could not be read: then nothing can be verified."""

    @abstractmethod
    def add(self, line: L) -> None:
        """Counts a line."""

    @abstractmethod
    def add_held(self, values: Mapping[str, str]) -> None:
        """Counts a line that is held, as far as its values can be read."""

    @abstractmethod
    def trailer(self) -> T:
        """The trailer that the lines so far give."""

    def compare(self, trailer: T) -> list[Difference]:
        """What in ``trailer`` contradicts the lines."""
        return differences(self.trailer(), trailer)

    def _amount(self, values: Mapping[str, str]) -> int:
        raw = values["amount"]
        if raw.isascii() and raw.isdigit():
            return int(raw)
        self.readable = False
        return 0


class DebitShape(Enum):
    """What a debit file's lines are. A setting of the bank: money moves on no guess of it."""

    REQUEST = "request"  # 依頼明細: the trailer has no outcome yet
    RESULT = "result"  # 結果明細, 全件作成: every line comes back
    RESULT_FAILED_ONLY = "result_failed_only"  # 不能分のみ作成: a missing line was debited
    AS_ITS_TRAILER_SAYS = "as_its_trailer_says"  # for looking at a file, see `shape_of`


def shape_of(trailer: DebitTrailer, count: int, failed_count: int) -> DebitShape:
    """What a debit file of ``count`` lines claims to be, ``failed_count`` of them not debited.

    Good enough to look at a file, never to book from it: a file of failed lines whose trailer is
    wrong looks like another shape.
    """
    if not any(trailer[2:]) and not failed_count:
        return DebitShape.REQUEST
    if trailer.total_count > count == failed_count:
        return DebitShape.RESULT_FAILED_ONLY
    return DebitShape.RESULT


class DebitTally(Tally[DebitHeader, DebitLine, DebitTrailer]):
    """Totals of a debit file (91). A held line counts as not debited."""

    def __init__(self, header: DebitHeader, shape: DebitShape) -> None:
        super().__init__(header)
        self._shape = shape
        self._count = self._amount_all = 0
        self._failed_count = self._failed_amount = 0

    def add(self, line: DebitLine) -> None:
        self._count += 1
        self._amount_all += line.amount
        if line.result_code is not ResultCode.DEBITED:
            self._failed_count += 1
            self._failed_amount += line.amount

    def add_held(self, values: Mapping[str, str]) -> None:
        amount = self._amount(values)
        self._count += 1
        self._amount_all += amount
        self._failed_count += 1
        self._failed_amount += amount

    def trailer(self) -> DebitTrailer:
        return self._trailer_of(self._shape)

    def _trailer_of(self, shape: DebitShape) -> DebitTrailer:
        if shape is DebitShape.REQUEST:
            return DebitTrailer(self._count, self._amount_all, 0, 0, 0, 0)
        return DebitTrailer(
            self._count,
            self._amount_all,
            self._count - self._failed_count,
            self._amount_all - self._failed_amount,
            self._failed_count,
            self._failed_amount,
        )

    def compare(self, trailer: DebitTrailer) -> list[Difference]:
        shape = self._shape
        if shape is DebitShape.AS_ITS_TRAILER_SAYS:
            shape = shape_of(trailer, self._count, self._failed_count)
        expected = self._trailer_of(shape)
        if shape is DebitShape.RESULT_FAILED_ONLY:
            # The debited lines are not in the file: only their arithmetic can be checked here,
            # the rest needs the request (zengin.outcome).
            expected = expected._replace(
                total_count=trailer.debited_count + trailer.failed_count,
                total_amount=trailer.debited_amount + trailer.failed_amount,
                debited_count=trailer.debited_count,
                debited_amount=trailer.debited_amount,
            )
        return differences(expected, trailer)


class PayoutTally(Tally[PayoutHeader, PayoutLine | PayoutLineWithCodes, PayoutTrailer]):
    """Totals of a bulk credit file (21)."""

    def __init__(self, header: PayoutHeader) -> None:
        super().__init__(header)
        self._count = self._total = 0

    def add(self, line: PayoutLine | PayoutLineWithCodes) -> None:
        self._count += 1
        self._total += line.amount

    def add_held(self, values: Mapping[str, str]) -> None:
        self._count += 1
        self._total += self._amount(values)

    def trailer(self) -> PayoutTrailer:
        return PayoutTrailer(self._count, self._total)


class StatementTally(Tally[StatementHeader, StatementLine, StatementTrailer]):
    """Totals of one account's statement (03), and its balance if the bank gives it."""

    def __init__(self, header: StatementHeader) -> None:
        super().__init__(header)
        self._credits = self._debits = 0
        self._credit_amount = self._debit_amount = 0

    def add(self, line: StatementLine) -> None:
        if line.is_credit:
            self._credits += 1
            self._credit_amount += line.amount
        else:
            self._debits += 1
            self._debit_amount += line.amount

    def add_held(self, values: Mapping[str, str]) -> None:
        amount = self._amount(values)
        if values["direction"] == "1":
            self._credits += 1
            self._credit_amount += amount
        elif values["direction"] == "2":
            self._debits += 1
            self._debit_amount += amount
        else:
            self.readable = False

    def trailer(self) -> StatementTrailer:
        opening = self.header.opening_yen
        sign, balance = "0", 0
        if opening is not None:
            closing = opening + self._credit_amount - self._debit_amount
            sign, balance = "2" if closing < 0 else "1", abs(closing)
        return StatementTrailer(
            self._credits,
            self._credit_amount,
            self._debits,
            self._debit_amount,
            sign,
            balance,
            self._credits + self._debits,
        )

    def compare(self, trailer: StatementTrailer) -> list[Difference]:
        expected = self.trailer()
        closing = trailer.closing_yen
        given = self.header.opening_yen is not None and closing is not None
        if not given or closing == (expected.closing_yen or 0):
            # Balances are optional, and zero has two signs.
            expected = expected._replace(closing_sign=trailer.closing_sign, closing_balance=trailer.closing_balance)
        return differences(expected, trailer)


class NoticeTally(Tally[NoticeHeader, NoticeLine | NoticeLineB, NoticeTrailer]):
    """Totals of an incoming-credit notice (01). Cancellations are counted apart."""

    def __init__(self, header: NoticeHeader) -> None:
        super().__init__(header)
        self._count = self._total = 0
        self._cancelled_count = self._cancelled_total = 0

    def add(self, line: NoticeLine | NoticeLineB) -> None:
        self._add(line.yen, cancels=line.cancels)

    def add_held(self, values: Mapping[str, str]) -> None:
        amount = self._amount(values)
        if not amount:
            amount = self._amount({"amount": values.get("large_amount", values["amount"])})
        self._add(amount, cancels=values["cancel_code"] == "1")

    def _add(self, amount: int, *, cancels: bool) -> None:
        if cancels:
            self._cancelled_count += 1
            self._cancelled_total += amount
        else:
            self._count += 1
            self._total += amount

    def trailer(self) -> NoticeTrailer:
        return NoticeTrailer(self._count, self._total, self._cancelled_count, self._cancelled_total)

    def compare(self, trailer: NoticeTrailer) -> list[Difference]:
        expected = self.trailer()
        if not trailer.cancelled_count and not trailer.cancelled_amount:  # optional: left out
            expected = expected._replace(cancelled_count=0, cancelled_amount=0)
        return differences(expected, trailer)


def compare_statement_end(end: StatementEnd, records: int, blocks: int) -> list[Difference]:
    """The end of a statement file counts all its records, itself included, and its accounts."""
    return differences(StatementEnd(records, blocks), end)
