"""A result with the failed lines only is believed only if its trailer accounts for every line that is not there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.zengin.examples import line, result
from zengin import (
    DEBIT_RESULT_FAILED_ONLY,
    Code,
    DebitLine,
    DebitTrailer,
    OutcomeMismatch,
    ResultCode,
    complete_failed_only,
    line_differences,
    load,
)

SENT = [line(1, amount=125_000), line(2, amount=9_800), line(3, amount=55_000)]
FAILED = [
    SENT[1]._replace(result_code=ResultCode.INSUFFICIENT_FUNDS),
    SENT[2]._replace(result_code=ResultCode.NO_MANDATE),
]
TRAILER = DebitTrailer(3, 189_800, 1, 125_000, 2, 64_800)


def test_missing_lines_are_debited_when_everything_adds_up():
    assert list(complete_failed_only(SENT, FAILED, TRAILER)) == [SENT[0], *FAILED]


def test_a_whole_file_is_completed():
    (block,) = load(result([SENT[0], *FAILED], failed_only=True), DEBIT_RESULT_FAILED_ONLY)
    assert list(complete_failed_only(SENT, block.lines, block.trailer)) == [SENT[0], *FAILED]


def test_nothing_failed():
    assert list(complete_failed_only(SENT, [], DebitTrailer(3, 189_800, 3, 189_800, 0, 0))) == SENT


UNKNOWN = line(9)._replace(result_code=ResultCode.OTHER)
MISMATCHES: list[tuple[str, list[DebitLine], DebitTrailer, list[tuple[Code, str]]]] = [
    ("one debited line too many", FAILED, TRAILER._replace(debited_count=2), [(Code.TRAILER, "debited_count")]),
    ("one yen too many", FAILED, TRAILER._replace(debited_amount=125_001), [(Code.TRAILER, "debited_amount")]),
    ("another request", FAILED, TRAILER._replace(total_count=4), [(Code.TRAILER, "total_count")]),
    ("another sum", FAILED, TRAILER._replace(total_amount=1), [(Code.TRAILER, "total_amount")]),
    ("failed count", FAILED, TRAILER._replace(failed_count=1), [(Code.TRAILER, "failed_count")]),
    ("failed sum", FAILED, TRAILER._replace(failed_amount=1), [(Code.TRAILER, "failed_amount")]),
    (
        "a failed line was lost on the way",
        FAILED[:1],
        TRAILER,
        [
            (Code.TRAILER, "debited_count"),
            (Code.TRAILER, "debited_amount"),
            (Code.TRAILER, "failed_count"),
            (Code.TRAILER, "failed_amount"),
        ],
    ),
    ("an unknown line", [*FAILED, UNKNOWN], TRAILER, [(Code.UNKNOWN_LINE, "customer_number")]),
    ("a line twice", [*FAILED, FAILED[1]], TRAILER, [(Code.DUPLICATE, "customer_number")]),
    ("another amount", [FAILED[0]._replace(amount=9_801), FAILED[1]], TRAILER, [(Code.LINE_DIFFERS, "amount")]),
    (
        "another account",
        [FAILED[0]._replace(payer_account_number="9000002"), FAILED[1]],
        TRAILER,
        [(Code.LINE_DIFFERS, "payer_account_number")],
    ),
    (
        "a success among the failures",
        [FAILED[0]._replace(result_code=ResultCode.DEBITED), FAILED[1]],
        TRAILER,
        [(Code.NOT_ALLOWED, "result_code")],
    ),
]


@pytest.mark.parametrize("failed, trailer, findings", [row[1:] for row in MISMATCHES], ids=[row[0] for row in MISMATCHES])
def test_the_file_is_held_when_anything_does_not_add_up(failed: list[DebitLine], trailer: DebitTrailer, findings: list[tuple[Code, str]]):
    with pytest.raises(OutcomeMismatch) as caught:
        complete_failed_only(SENT, failed, trailer)
    assert [(finding.code, finding.field) for finding in caught.value.findings] == findings


@pytest.mark.parametrize(
    "name, value",
    [
        ("payer_bank_code", "9992"),
        ("payer_branch_code", "102"),
        ("payer_account_type", "2"),
        ("payer_account_number", "9000002"),
        ("amount", 1),
    ],
)
def test_a_returned_line_must_be_the_one_sent(name: str, value: Any):
    assert line_differences(SENT[0], SENT[0]._replace(**{name: value})) == (name,)


def test_names_and_codes_need_not_match():
    returned = SENT[0]._replace(payer_name="ｶ)ｱｵ", new_code="0", result_code=ResultCode.OTHER)
    assert line_differences(SENT[0], returned) == ()
