"""What may be written: the standard's strict set, and nothing corrected on the way."""

from __future__ import annotations

from itertools import chain, repeat
from typing import Any

import pytest

from tests.zengin.examples import HEADER, LINE, PAYOUT_HEADER, PAYOUT_LINE, SAMPLES, line, request
from zengin import (
    DEBIT_REQUEST,
    PAYOUT,
    STATEMENT,
    Code,
    Framing,
    ResultCode,
    ZenginWriteError,
    check,
    encode_debit_rows,
    encode_payout_rows,
    load,
    write_debit_request,
    write_debit_rows,
    write_payout,
    write_payout_rows,
    write_statement,
)
from zengin.layouts import debit
from zengin.writer import encode_record

DEBIT_ROW = ("9991", "101", "1", "9000001", "ｶ)ｱｵｿﾞﾗｼﾖｳｼﾞ", 125_000, "0", "00000020261207000001")
PAYOUT_ROW = ("9992", "201", "1", "9000001", "ｶ)ｷﾀﾏﾁﾓｸｻﾞｲ", 120_000, "0", "P0000000000000000001")

REFUSED = [
    ("payer_name", "ｧ", Code.CHARACTER),  # small kana
    ("payer_name", "ｱｰ", Code.CHARACTER),  # 0xB0
    ("payer_name", "abc", Code.CHARACTER),
    ("payer_name", "ｦ", Code.CHARACTER),
    ("payer_name", "ア", Code.CHARACTER),  # two bytes in Shift_JIS
    ("payer_name", "ｱ,ｲ", Code.CHARACTER),
    ("payer_name", "ｱ\tｲ", Code.CHARACTER),
    ("payer_name", "ｱ\r\n", Code.CHARACTER),
    ("payer_name", "", Code.REQUIRED),
    ("payer_name", "ｱ" * 31, Code.WIDTH),
    ("payer_name", "ｱ" * 30 + "1", Code.WIDTH),
    ("payer_bank_name", "ｱ ｲ", Code.CHARACTER),  # a space only as padding
    ("payer_bank_name", "ｱ" * 16, Code.WIDTH),
    ("payer_bank_code", "999", Code.WIDTH),
    ("payer_bank_code", "99911", Code.WIDTH),
    ("payer_bank_code", "999A", Code.NOT_DIGITS),
    ("payer_bank_code", "999１", Code.NOT_DIGITS),
    ("payer_bank_code", "0000", Code.NOT_ALLOWED),
    ("payer_bank_code", "9999", Code.NOT_ALLOWED),
    ("payer_account_type", "4", Code.NOT_ALLOWED),
    ("payer_account_number", "900001", Code.WIDTH),
    ("payer_account_number", "900-001", Code.NOT_DIGITS),
    ("amount", 0, Code.NOT_ALLOWED),
    ("amount", -1, Code.NOT_DIGITS),
    ("amount", 10_000_000_000, Code.WIDTH),
    ("amount", 1.5, Code.TYPE),
    ("amount", "100", Code.TYPE),
    ("new_code", "3", Code.NOT_ALLOWED),
    ("new_code", " ", Code.NOT_ALLOWED),
    ("customer_number", "1", Code.WIDTH),
    ("customer_number", "0" * 20, Code.NOT_ALLOWED),
    ("result_code", ResultCode.OTHER, Code.NOT_ALLOWED),  # not in a request
]


@pytest.mark.parametrize("name, value, code", REFUSED)
def test_a_line_that_may_not_be_written(name: str, value: Any, code: Code):
    lines = [line(1), line(2), LINE._replace(**{name: value})]
    with pytest.raises(ZenginWriteError) as caught:
        request(lines)
    (finding,) = caught.value.findings
    start = 3 * 122 + debit.REQUEST_LINE.offset(name)
    assert (finding.code, finding.record, finding.field) == (code, 4, name)
    assert start <= finding.byte < start + debit.REQUEST_LINE.field(name).width
    assert finding.column == finding.byte - 3 * 122 + 1


def test_a_field_too_long_is_not_made_up_for_by_a_neighbour_too_short():
    shifted = LINE._replace(payer_name="ｱ" * 30 + "0", customer_number="0" * 18 + "1")
    with pytest.raises(ZenginWriteError) as caught:
        request([shifted])
    assert [finding.field for finding in caught.value.findings] == ["payer_name", "customer_number"]


@pytest.mark.parametrize(
    "index, value, field",
    [(0, "999", "payer_bank_code"), (4, "ｱ" * 31, "payer_name"), (5, 2.0, "amount"), (5, None, "amount")],
)
def test_a_row_that_may_not_be_written(index: int, value: Any, field: str):
    row: Any = (*DEBIT_ROW[:index], value, *DEBIT_ROW[index + 1 :])
    with pytest.raises(ZenginWriteError) as caught:
        list(encode_debit_rows([DEBIT_ROW, row]))
    assert [(finding.record, finding.field) for finding in caught.value.findings] == [(3, field)]


def test_a_row_of_the_wrong_length_is_a_programming_error():
    row: Any = DEBIT_ROW[:-1]
    with pytest.raises(TypeError, match="8 values, not 7"):
        list(encode_debit_rows([row]))


def test_rows_and_lines_give_the_same_file():
    blank = LINE._replace(payer_bank_name="", payer_branch_name="", new_code="0", customer_number="00000020261207000001")
    assert b"".join(write_debit_rows(HEADER, [DEBIT_ROW])) == request([blank])
    credit = PAYOUT_LINE._replace(new_code="0")
    assert b"".join(write_payout_rows(PAYOUT_HEADER, [PAYOUT_ROW])) == b"".join(write_payout(PAYOUT_HEADER, [credit]))


def test_bulk_rows_come_in_chunks_with_running_totals():
    chunks = list(encode_debit_rows([DEBIT_ROW] * 5, lines_per_chunk=2))
    assert [(len(chunk.data), chunk.count, chunk.total) for chunk in chunks] == [
        (244, 2, 250_000),
        (244, 4, 500_000),
        (122, 5, 625_000),
    ]
    payouts = list(encode_payout_rows([PAYOUT_ROW] * 3, framing=Framing.NONE))
    assert [(len(chunk.data), chunk.count, chunk.total) for chunk in payouts] == [(360, 3, 360_000)]


def test_a_file_is_written_while_its_lines_come():
    asked = 0

    def rows():
        nonlocal asked
        for _ in range(100_000):
            asked += 1
            yield DEBIT_ROW

    chunks = encode_debit_rows(rows(), lines_per_chunk=10)
    assert next(chunks).count == 10
    assert asked == 10


def test_the_trailer_is_computed():
    (block,) = load(request([line(1, amount=1), line(2, amount=9_999_999_999)]), DEBIT_REQUEST)
    assert block.trailer == (2, 10_000_000_000, 0, 0, 0, 0)


def test_an_empty_block_is_written():
    data = request([])
    assert len(data) == 3 * 122
    assert check(data, DEBIT_REQUEST) == []


@pytest.mark.slow
def test_as_many_lines_as_the_trailer_can_count():
    chunks = encode_debit_rows(repeat(DEBIT_ROW, 1_000_000), lines_per_chunk=333_333)
    assert [next(chunks).count for _ in range(3)] == [333_333, 666_666, 999_999]
    with pytest.raises(ZenginWriteError) as caught:
        next(chunks)
    (finding,) = caught.value.findings
    assert (finding.code, finding.field) == (Code.LIMIT, "total_count")
    assert (finding.found, finding.expected) == ("1000000", "999999")


def test_as_much_yen_as_the_trailer_can_hold():
    most = (*DEBIT_ROW[:5], 9_999_999_999, *DEBIT_ROW[6:])
    rest = (*DEBIT_ROW[:5], 99, *DEBIT_ROW[6:])
    one = (*DEBIT_ROW[:5], 1, *DEBIT_ROW[6:])
    *_, last = encode_debit_rows(chain(repeat(most, 100), [rest]))
    assert last.total == 999_999_999_999
    with pytest.raises(ZenginWriteError) as caught:
        list(encode_debit_rows(chain(repeat(most, 100), [rest, one])))
    assert [(f.code, f.field) for f in caught.value.findings] == [(Code.LIMIT, "total_amount")]


@pytest.mark.parametrize(
    "framing, size, end",
    [
        (Framing.NONE, 120, b" "),
        (Framing.CRLF, 122, b"\r\n"),
        (Framing.INSIDE_CRLF, 120, b"\r\n"),
        (Framing.INSIDE_CR, 120, b"\r"),
    ],
)
def test_records_are_framed_as_asked(framing: Framing, size: int, end: bytes):
    data = request([line(1)], framing)
    assert len(data) == 4 * size
    assert data.endswith(end)
    (block,) = load(data, DEBIT_REQUEST)
    assert block.lines == (line(1),)


@pytest.mark.parametrize("framing", [Framing.LF, Framing.CR])
def test_framings_outside_the_standard_are_not_written(framing: Framing):
    with pytest.raises(ValueError, match="read, never written"):
        next(write_debit_request(HEADER, [], framing=framing))


def test_a_statement_line_has_no_room_for_a_break_of_two_bytes():
    (block,) = load((SAMPLES / "03_statement.txt").read_bytes(), STATEMENT)
    with pytest.raises(ValueError, match="no room"):
        list(write_statement(block.header, block.lines, framing=Framing.INSIDE_CRLF))
    data = b"".join(write_statement(block.header, block.lines, framing=Framing.INSIDE_CR))
    assert load(data, STATEMENT) == [block]


def test_a_bad_header_is_refused():
    with pytest.raises(ZenginWriteError) as caught:
        next(write_debit_request(HEADER._replace(debit_mmdd="0230", consignor_name=""), []))
    assert [finding.field for finding in caught.value.findings] == ["consignor_name", "debit_mmdd"]


def test_a_total_of_a_payout_file_is_compared():
    data = b"".join(write_payout(PAYOUT_HEADER, [PAYOUT_LINE] * 2))
    assert check(data, PAYOUT) == []


def test_a_single_record_can_be_encoded():
    assert len(encode_record(debit.REQUEST_LINE, LINE)) == 120
