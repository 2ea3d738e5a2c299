"""The file formats: which layouts follow each other, and what their trailers must say.

Source: Zengin standard record formats (JBA), 91/21/03/01.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

from zengin.layout import Layout
from zengin.layouts import debit, notice, payout, statement
from zengin.records import (
    DebitHeader,
    DebitLine,
    DebitTrailer,
    EndRecord,
    NoticeHeader,
    NoticeLine,
    NoticeLineB,
    NoticeTrailer,
    PayoutHeader,
    PayoutLine,
    PayoutLineWithCodes,
    PayoutTrailer,
    StatementEnd,
    StatementHeader,
    StatementLine,
    StatementTrailer,
)
from zengin.totals import DebitShape, DebitTally, Difference, NoticeTally, PayoutTally, StatementTally, Tally, compare_statement_end

H_co = TypeVar("H_co", covariant=True)
L_co = TypeVar("L_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)
E_co = TypeVar("E_co", covariant=True)


@dataclass(frozen=True, slots=True)
class FileFormat(Generic[H_co, L_co, T_co, E_co]):
    """One kind of file: ``1 (header)  2* (lines)  8 (trailer)``, repeated, then ``9 (end)``.

    ``choose_line`` gives the layout of a line by its text. ``compare_end`` takes the end
    record, the number of records and of blocks read. ``key`` is the line's field that must
    not repeat within a file, if there is one.
    """

    name: str
    header: Layout[H_co]
    choose_line: Callable[[str], Layout[L_co]]
    trailer: Layout[T_co]
    end: Layout[E_co]
    tally: Callable[[H_co], Tally[H_co, L_co, T_co]]
    compare_end: Callable[[E_co, int, int], list[Difference]] | None = None
    key: str | None = None

    @property
    def record_length(self) -> int:
        """Bytes per record: 120 or 200."""
        return self.header.width


def _debit(shape: DebitShape, line: Layout[DebitLine]) -> FileFormat[DebitHeader, DebitLine, DebitTrailer, EndRecord]:
    return FileFormat(
        f"91 {shape.value}",
        debit.HEADER,
        lambda _: line,
        debit.TRAILER,
        debit.END,
        partial(DebitTally, shape=shape),
        key="customer_number",
    )


DEBIT_REQUEST: Final = _debit(DebitShape.REQUEST, debit.REQUEST_LINE)
"""91, what we send."""

DEBIT_RESULT: Final = _debit(DebitShape.RESULT, debit.RESULT_LINE)
"""91, what comes back, with all lines."""

DEBIT_RESULT_FAILED_ONLY: Final = _debit(DebitShape.RESULT_FAILED_ONLY, debit.FAILED_LINE)
"""91, what comes back, with the failed lines only: see ``zengin.outcome``."""

DEBIT: Final = _debit(DebitShape.AS_ITS_TRAILER_SAYS, debit.RESULT_LINE)
"""91 of any shape, to look at. Which one a bank sends is a setting: book from the formats above."""

PAYOUT: Final[FileFormat[PayoutHeader, PayoutLine | PayoutLineWithCodes, PayoutTrailer, EndRecord]] = FileFormat(
    "21",
    payout.HEADER,
    payout.choose_line,
    payout.TRAILER,
    payout.END,
    PayoutTally,
)
"""21, bulk credit."""

STATEMENT: Final[FileFormat[StatementHeader, StatementLine, StatementTrailer, StatementEnd]] = FileFormat(
    "03",
    statement.HEADER,
    lambda _: statement.LINE,
    statement.TRAILER,
    statement.END,
    StatementTally,
    compare_statement_end,
)
"""03, account statement."""

NOTICE: Final[FileFormat[NoticeHeader, NoticeLine | NoticeLineB, NoticeTrailer, EndRecord]] = FileFormat(
    "01",
    notice.HEADER,
    notice.choose_line,
    notice.TRAILER,
    notice.END,
    NoticeTally,
)
"""01, incoming-credit notice."""
