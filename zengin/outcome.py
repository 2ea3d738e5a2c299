"""Completing a debit result that holds the failed lines only.

Some banks return only what failed; then a missing line means success. That is believed only if
the trailer's figures fit the request exactly: as many debited lines and yen as are missing, as
many failed as are there. Otherwise the whole file is held.

Source: Zengin standard record formats (JBA), 91, result in the 不能分のみ作成 shape.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from zengin.findings import Code, Finding, Severity, ZenginError
from zengin.layouts.debit import RESULT_LINE, TRAILER
from zengin.records import DebitLine, DebitTrailer, ResultCode
from zengin.totals import differences

MATCHED_FIELDS: Final = (
    "payer_bank_code",
    "payer_branch_code",
    "payer_account_type",
    "payer_account_number",
    "amount",
)
"""What a returned line must have in common with the line sent, besides its customer number."""


class OutcomeMismatch(ZenginError):
    """A result that does not answer the request. Hold the file.

    Its findings have no byte; ``record`` is the place among the result's lines, 0 for the
    trailer.
    """


def line_differences(sent: DebitLine, returned: DebitLine) -> tuple[str, ...]:
    """The matched fields in which a returned line is not the one sent."""
    return tuple(name for name in MATCHED_FIELDS if getattr(sent, name) != getattr(returned, name))


def complete_failed_only(sent: Collection[DebitLine], failed: Iterable[DebitLine], trailer: DebitTrailer) -> Iterator[DebitLine]:
    """Every line sent, in order, with its outcome.

    ``sent`` is gone through twice: first everything is checked, before the first line is given.
    Raises ``OutcomeMismatch`` if a failed line is unknown, twice there, marked as debited or
    different, or if the trailer's counts and sums are not exactly those of ``sent`` and
    ``failed``.
    """
    outcomes: dict[str, DebitLine] = {}
    findings = []
    for number, line in enumerate(failed, 1):
        if line.customer_number in outcomes:
            findings.append(_finding(Code.DUPLICATE, number, line.customer_number))
        if line.result_code is ResultCode.DEBITED:
            findings.append(_code_finding(number))
        outcomes[line.customer_number] = line
    findings += _unmatched(sent, outcomes)
    findings += _trailer_findings(sent, outcomes, trailer)
    if findings:
        raise OutcomeMismatch(findings)
    return (
        line._replace(result_code=outcomes[line.customer_number].result_code if line.customer_number in outcomes else ResultCode.DEBITED)
        for line in sent
    )


def _unmatched(sent: Iterable[DebitLine], outcomes: dict[str, DebitLine]) -> Iterator[Finding]:
    numbers = {key: number for number, key in enumerate(outcomes, 1)}
    unknown = dict(outcomes)
    for line in sent:
        returned = unknown.pop(line.customer_number, None)
        if returned is not None:
            for name in line_differences(line, returned):
                yield _finding(Code.LINE_DIFFERS, numbers[line.customer_number], "", name)
    for key in unknown:
        yield _finding(Code.UNKNOWN_LINE, numbers[key], key)


def _trailer_findings(sent: Iterable[DebitLine], outcomes: dict[str, DebitLine], trailer: DebitTrailer) -> Iterator[Finding]:
    count = total = failed_count = failed_total = 0
    for line in sent:
        count += 1
        total += line.amount
        if line.customer_number in outcomes:
            failed_count += 1
            failed_total += line.amount
    expected = DebitTrailer(count, total, count - failed_count, total - failed_total, failed_count, failed_total)
    for name, right, wrong in differences(expected, trailer):
        field = TRAILER.field(name)
        column = TRAILER.offset(name) + 1
        yield Finding(Code.TRAILER, Severity.FILE, 0, 0, column, name, field.label, right, wrong)


def _finding(code: Code, number: int, found: str, name: str = "customer_number") -> Finding:
    field = RESULT_LINE.field(name)
    column = RESULT_LINE.offset(name) + 1
    return Finding(code, Severity.FILE, number, 0, column, name, field.label, "", found)


def _code_finding(number: int) -> Finding:
    field = RESULT_LINE.field("result_code")
    column = RESULT_LINE.offset("result_code") + 1
    return Finding(
        Code.NOT_ALLOWED,
        Severity.FILE,
        number,
        0,
        column,
        field.name,
        field.label,
        "a failure",
        ResultCode.DEBITED.value,
    )
