"""Writing files as a stream of bytes, from the same tables that read them.

Every line is formatted with one precompiled template and checked with one precompiled
pattern, which holds the standard's strict characters: what passes is right by construction,
what does not is looked at field by field and refused with its address. Nothing is cut, padded
with guesses or corrected. One block per file.

The functions are generators: a refused line raises ``ZenginWriteError`` in the middle, so write
to a file that is given its name only afterwards.

Source: Zengin standard record formats (JBA), 91/21/03/01.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple, NoReturn

from zengin.charset import JIS, CharacterSet
from zengin.findings import Code, Finding, Severity, ZenginWriteError
from zengin.framing import Framing
from zengin.layout import SEPARATOR, Fault, Kind, Layout, LineFormat
from zengin.layouts import debit, notice, payout, statement
from zengin.records import (
    DebitHeader,
    DebitLine,
    DebitTrailer,
    EndRecord,
    NoticeHeader,
    NoticeLine,
    NoticeLineB,
    PayoutHeader,
    PayoutLine,
    PayoutLineWithCodes,
    PayoutTrailer,
    ResultCode,
    StatementEnd,
    StatementHeader,
    StatementLine,
)
from zengin.totals import DebitShape, DebitTally, NoticeTally, PayoutTally, StatementTally

DebitRow = tuple[str, str, str, str, str, int, str, str]
"""Bank, branch, account type, account number, holder in kana, yen, new code, customer number."""

PayoutRow = tuple[str, str, str, str, str, int, str, str]
"""Bank, branch, account type, account number, payee in kana, yen, new code, EDI."""

LINES_PER_CHUNK: Final = 2048
MAX_COUNT: Final = 999_999
"""Lines per file: the trailer has six digits."""
MAX_TOTAL: Final = 999_999_999_999
"""Yen per file: the trailer has twelve digits."""

_DEBIT_LINE: Final = debit.REQUEST_LINE.line_format
_DEBIT_ROW: Final = LineFormat(
    debit.REQUEST_LINE,
    [
        "payer_bank_code",
        "payer_branch_code",
        "payer_account_type",
        "payer_account_number",
        "payer_name",
        "amount",
        "new_code",
        "customer_number",
    ],
)
_PAYOUT_ROW: Final = LineFormat(
    payout.LINE,
    [
        "payee_bank_code",
        "payee_branch_code",
        "payee_account_type",
        "payee_account_number",
        "payee_name",
        "amount",
        "new_code",
        "edi",
    ],
    {"routing_kind": "7"},
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some encoded lines. ``count`` and ``total`` (yen) are those of all chunks so far."""

    data: bytes
    count: int
    total: int


class _Form(NamedTuple):
    """How records become bytes."""

    framing: Framing
    characters: CharacterSet


class _Place(NamedTuple):
    """Where a record stands, for findings."""

    record: int
    framing: Framing
    length: int

    def refuse(self, layout: Layout[Any], faults: Iterable[Fault]) -> NoReturn:
        """Raises what forbids the record here."""
        stride = self.length - self.framing.cut + len(self.framing.separator)
        start = (self.record - 1) * stride
        raise ZenginWriteError(
            [
                Finding(
                    fault.code,
                    Severity.FILE,
                    self.record,
                    start + layout.offset(fault.field.name) + fault.position,
                    layout.offset(fault.field.name) + fault.position + 1,
                    fault.field.name,
                    fault.field.label,
                    fault.field.expectation if fault.expected is None else fault.expected,
                    fault.found,
                )
                for fault in faults
            ]
        )


def encode_debit_rows(
    rows: Iterable[DebitRow],
    *,
    framing: Framing = Framing.CRLF,
    characters: CharacterSet = JIS,
    lines_per_chunk: int = LINES_PER_CHUNK,
) -> Iterator[Chunk]:
    """The lines of a debit request (91) without header and trailer, in bulk.

    Bank and branch names stay blank. The first row is taken for the file's second record.
    Raises ``ZenginWriteError`` on a row that may not be written, or on more than ``MAX_COUNT``
    lines or ``MAX_TOTAL`` yen.
    """
    return _encode(_DEBIT_ROW, rows, debit.TRAILER, _Form(framing, characters), lines_per_chunk)


def encode_payout_rows(
    rows: Iterable[PayoutRow],
    *,
    framing: Framing = Framing.CRLF,
    characters: CharacterSet = JIS,
    lines_per_chunk: int = LINES_PER_CHUNK,
) -> Iterator[Chunk]:
    """The lines of a bulk credit file (21) with EDI, as ``encode_debit_rows``."""
    return _encode(_PAYOUT_ROW, rows, payout.TRAILER, _Form(framing, characters), lines_per_chunk)


def write_debit_rows(
    header: DebitHeader,
    rows: Iterable[DebitRow],
    *,
    framing: Framing = Framing.CRLF,
    characters: CharacterSet = JIS,
) -> Iterator[bytes]:
    """A debit request (91) from plain tuples; see ``encode_debit_rows``."""
    form = _Form(framing, characters)
    return _bulk_debit(header, _encode(_DEBIT_ROW, rows, debit.TRAILER, form), form)


def write_debit_request(
    header: DebitHeader,
    lines: Iterable[DebitLine],
    *,
    framing: Framing = Framing.CRLF,
    characters: CharacterSet = JIS,
) -> Iterator[bytes]:
    """A debit request (91). Every result code must be 0."""
    form = _Form(framing, characters)
    return _bulk_debit(header, _encode(_DEBIT_LINE, lines, debit.TRAILER, form), form)


def _bulk_debit(header: DebitHeader, chunks: Iterator[Chunk], form: _Form) -> Iterator[bytes]:
    yield _record(debit.HEADER, header, 1, form)
    count = total = 0
    for chunk in chunks:
        count, total = chunk.count, chunk.total
        yield chunk.data
    trailer = DebitTrailer(count, total, 0, 0, 0, 0)
    yield _record(debit.TRAILER, trailer, count + 2, form)
    yield _record(debit.END, EndRecord(), count + 3, form)


def write_payout_rows(
    header: PayoutHeader,
    rows: Iterable[PayoutRow],
    *,
    framing: Framing = Framing.CRLF,
    characters: CharacterSet = JIS,
) -> Iterator[bytes]:
    """A bulk credit file (21) from plain tuples; see ``encode_payout_rows``."""
    form = _Form(framing, characters)
    yield _record(payout.HEADER, header, 1, form)
    count = total = 0
    for chunk in _encode(_PAYOUT_ROW, rows, payout.TRAILER, form):
        count, total = chunk.count, chunk.total
        yield chunk.data
    yield _record(payout.TRAILER, PayoutTrailer(count, total), count + 2, form)
    yield _record(payout.END, EndRecord(), count + 3, form)


def write_debit_result(
    header: DebitHeader,
    lines: Iterable[DebitLine],
    *,
    failed_only: bool = False,
    framing: Framing = Framing.CRLF,
    characters: CharacterSet = JIS,
) -> Iterator[bytes]:
    """A debit result (91), as a bank makes it.

    ``lines`` are all lines of the request with their outcome. With ``failed_only`` the debited
    ones are left out of the file but counted in its trailer.
    """
    form = _Form(framing, characters)
    tally = DebitTally(header, DebitShape.RESULT)
    yield _record(debit.HEADER, header, 1, form)
    record = 1
    for line in lines:
        tally.add(line)
        if not (failed_only and line.result_code is ResultCode.DEBITED):
            record += 1
            yield _record(debit.RESULT_LINE, line, record, form)
    yield _record(debit.TRAILER, tally.trailer(), record + 1, form)
    yield _record(debit.END, EndRecord(), record + 2, form)


def write_payout(
    header: PayoutHeader,
    lines: Iterable[PayoutLine | PayoutLineWithCodes],
    *,
    framing: Framing = Framing.CRLF,
    characters: CharacterSet = JIS,
) -> Iterator[bytes]:
    """A bulk credit file (21)."""
    form = _Form(framing, characters)
    tally = PayoutTally(header)
    yield _record(payout.HEADER, header, 1, form)
    record = yield from _tallied(lines, tally.add, form)
    yield _record(payout.TRAILER, tally.trailer(), record + 1, form)
    yield _record(payout.END, EndRecord(), record + 2, form)


def write_statement(
    header: StatementHeader,
    lines: Iterable[StatementLine],
    *,
    framing: Framing = Framing.CRLF,
    characters: CharacterSet = JIS,
) -> Iterator[bytes]:
    """An account statement (03) of one account; the closing balance follows from the opening."""
    form = _Form(framing, characters)
    tally = StatementTally(header)
    yield _record(statement.HEADER, header, 1, form)
    record = yield from _tallied(lines, tally.add, form)
    yield _record(statement.TRAILER, tally.trailer(), record + 1, form)
    yield _record(statement.END, StatementEnd(record + 2, 1), record + 2, form)


def write_notice(
    header: NoticeHeader,
    lines: Iterable[NoticeLine | NoticeLineB],
    *,
    framing: Framing = Framing.CRLF,
    characters: CharacterSet = JIS,
) -> Iterator[bytes]:
    """An incoming-credit notice (01) of one account."""
    form = _Form(framing, characters)
    tally = NoticeTally(header)
    yield _record(notice.HEADER, header, 1, form)
    record = yield from _tallied(lines, tally.add, form)
    yield _record(notice.TRAILER, tally.trailer(), record + 1, form)
    yield _record(notice.END, EndRecord(), record + 2, form)


_LINE_LAYOUTS: Final[Mapping[type, Layout[Any]]] = {
    layout.record: layout
    for layout in (
        payout.LINE,
        payout.LINE_WITH_CODES,
        statement.LINE,
        notice.LINE,
        notice.LINE_B,
    )
}


def _tallied(lines: Iterable[Any], add: Callable[[Any], None], form: _Form) -> Generator[bytes, None, int]:
    record = 1
    for line in lines:
        record += 1
        data = _record(_LINE_LAYOUTS[type(line)], line, record, form)
        add(line)
        yield data
    return record


def encode_record(layout: Layout[Any], record: tuple[Any, ...], *, characters: CharacterSet = JIS) -> bytes:
    """One record without separator. Raises ``ZenginWriteError``."""
    return _record(layout, record, 1, _Form(Framing.NONE, characters))


def _record(layout: Layout[Any], values: tuple[Any, ...], number: int, form: _Form) -> bytes:
    text = layout.line_format.line(values)
    if text is None:
        _Place(number, form.framing, layout.width).refuse(layout, layout.line_format.faults(values))
    return _framed([text], layout, form)


def _framed(lines: list[str], layout: Layout[Any], form: _Form) -> bytes:
    """The bytes of checked lines, their field separators taken out."""
    framing, characters = form
    separator, cut = framing.separator, framing.cut
    if not framing.is_standard:
        raise ValueError(f"{framing.name} framing is read, never written")
    if cut:
        last = layout.fields[-1]
        if last.kind is not Kind.DUMMY or last.width < cut:
            raise ValueError(f"{layout.name} has no room for a line break inside")
        lines = [line[:-cut] for line in lines]
    lines.append("")
    text = separator.join(lines).replace(SEPARATOR, "")
    if characters is not JIS and "code_kind" in layout.offsets:  # layouts are written down with JIS's
        at = layout.offset("code_kind")
        text = text[:at] + characters.code_kind + text[at + 1 :]
    return characters.encode(text)


def _encode(
    line_format: LineFormat,
    rows: Iterable[tuple[Any, ...]],
    trailer: Layout[Any],
    form: _Form,
    lines_per_chunk: int = LINES_PER_CHUNK,
) -> Iterator[Chunk]:
    layout, framing = line_format.layout, form.framing
    template, matches = line_format.template, line_format.matches
    amount = next(i for i, field in enumerate(line_format.fields) if field.name == "amount")
    rows = iter(rows)
    count = total = 0
    while batch := list(islice(rows, lines_per_chunk)):
        lines: list[str] = []
        append = lines.append
        try:
            for row in batch:
                text = template % row
                if matches(text) is None:
                    break
                append(text)
                total += row[amount]
        except (TypeError, ValueError):
            pass  # explained below
        if len(lines) < len(batch):
            place = _Place(count + len(lines) + 2, framing, layout.width)
            place.refuse(layout, line_format.faults(batch[len(lines)]))
        if type(total) is not int:  # a float passes %d, cut to whole yen
            _refuse_fraction(line_format, batch, count, framing)
        count += len(batch)
        _check_limits(trailer, count, total, framing)
        yield Chunk(_framed(lines, layout, form), count, total)


def _refuse_fraction(line_format: LineFormat, batch: list[tuple[Any, ...]], count: int, framing: Framing) -> NoReturn:
    layout = line_format.layout
    for number, row in enumerate(batch, count + 2):
        faults = line_format.faults(row)
        if faults:
            _Place(number, framing, layout.width).refuse(layout, faults)
    raise AssertionError("only an amount that is no int makes a total that is none")


def _check_limits(trailer: Layout[Any], count: int, total: int, framing: Framing) -> None:
    for name, value, limit in (
        ("total_count", count, MAX_COUNT),
        ("total_amount", total, MAX_TOTAL),
    ):
        if value > limit:
            field = trailer.field(name)
            fault = Fault(Code.LIMIT, Severity.FILE, field, str(value), str(limit))
            _Place(count + 2, framing, trailer.width).refuse(trailer, [fault])
