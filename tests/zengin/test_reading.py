"""What is wrong with a file, where, and who takes it all the same. Files made by others are read with this codec too."""

from __future__ import annotations

import io
import subprocess
import sys
import tracemalloc
from typing import Any

import pytest

from tests.zengin.examples import HEADER, PAYOUT_HEADER, PAYOUT_LINE, SAMPLES, line, patched, request, result
from zengin import (
    DEBIT_REQUEST,
    DEBIT_RESULT,
    DEBIT_RESULT_FAILED_ONLY,
    NOTICE,
    PAYOUT,
    STATEMENT,
    Code,
    DebitLine,
    Finding,
    Framing,
    HeldLine,
    NoticeLineB,
    ResultCode,
    ZenginReadError,
    check,
    load,
    read,
    write_debit_request,
    write_notice,
    write_payout,
    write_statement,
)
from zengin.layouts import notice

LINES = [line(1), line(2, amount=9_800), line(3, amount=55_000)]
GOOD = request(LINES)
RESULT = result([LINES[0], LINES[1]._replace(result_code=ResultCode.NO_ACCOUNT), LINES[2]])
RECORDS = [GOOD[at : at + 122] for at in range(0, len(GOOD), 122)]
BARE = [record[:120] for record in RECORDS]


def joined(records: list[bytes], separator: bytes = b"\r\n") -> bytes:
    return b"".join(record + separator for record in records)


def found(findings: list[Finding]) -> list[tuple[Code, int, int, str]]:
    return [(finding.code, finding.record, finding.byte, finding.field) for finding in findings]


# What is wrong: name, file, and (code, record, byte, field) of every finding of the strict reader.
WRONG: list[tuple[str, bytes, list[tuple[Code, int, int, str]]]] = [
    ("empty", b"", [(Code.EMPTY_FILE, 1, 0, "")]),
    (
        "119 bytes in a line",
        joined([*BARE[:2], BARE[2][:119], *BARE[3:]]),
        [(Code.RECORD_LENGTH, 3, 244, ""), (Code.UNVERIFIABLE, 5, 487, "")],
    ),
    (
        "121 bytes in a line",
        joined([*BARE[:2], BARE[2] + b" ", *BARE[3:]]),
        [(Code.RECORD_LENGTH, 3, 244, ""), (Code.UNVERIFIABLE, 5, 489, "")],
    ),
    (
        "119 bytes in the header",
        joined([BARE[0][:119], *BARE[1:]]),
        [(Code.RECORD_LENGTH, 1, 0, "")],
    ),
    (
        "121 bytes in the header",
        joined([BARE[0] + b" ", *BARE[1:]]),
        [(Code.RECORD_LENGTH, 1, 0, "")],
    ),
    ("cut off", GOOD[:-30], [(Code.RECORD_LENGTH, 6, 610, "")]),
    ("a record too short without line breaks", b"".join([BARE[0], BARE[1][:119], *BARE[2:]]), [
        (Code.DUMMY, 2, 232, "dummy"),
        (Code.RECORD_ORDER, 3, 240, ""),
    ]),
    ("a two-byte character", patched(GOOD, 2, 51, "ア".encode("cp932")), [(Code.CHARACTER, 2, 172, "payer_name")]),
    ("a small kana", patched(GOOD, 2, 53, b"\xa7"), [(Code.CHARACTER, 2, 174, "payer_name")]),
    ("lower case", patched(GOOD, 2, 53, b"a"), [(Code.CHARACTER, 2, 174, "payer_name")]),
    ("0xB0 is taken", patched(GOOD, 2, 53, b"\xb0"), []),
    ("wo is taken", patched(GOOD, 2, 53, b"\xa6"), []),
    ("a control character", patched(GOOD, 2, 53, b"\x00"), [(Code.CHARACTER, 2, 174, "payer_name")]),
    ("no name", patched(GOOD, 2, 51, b" " * 30), [(Code.REQUIRED, 2, 172, "payer_name")]),
    ("letters in the amount", patched(GOOD, 2, 90, b"x"), [(Code.NOT_DIGITS, 2, 202, "amount"), (Code.UNVERIFIABLE, 5, 488, "")]),
    ("a blank new code is taken", patched(GOOD, 2, 91, b" "), []),
    ("an unknown account type", patched(GOOD, 2, 43, b"5"), [(Code.NOT_ALLOWED, 2, 164, "payer_account_type")]),
    ("a result in a request", patched(GOOD, 2, 112, b"1"), [(Code.NOT_ALLOWED, 2, 233, "result_code")]),
    ("something in the filler", patched(GOOD, 2, 113, b"X"), [(Code.DUMMY, 2, 234, "dummy")]),
    ("30 February", patched(GOOD, 1, 55, b"0230"), [(Code.DATE, 1, 54, "debit_mmdd")]),
    ("business 21", patched(GOOD, 1, 2, b"21"), [(Code.FIXED_VALUE, 1, 1, "kind_code")]),
    ("EBCDIC declared", patched(GOOD, 1, 4, b"1"), [(Code.CHARACTER_SET, 1, 3, "code_kind")]),
    ("EBCDIC", b"\xf1" + GOOD[1:], [(Code.CHARACTER_SET, 1, 0, "")]),
    ("a byte order mark", b"\xef\xbb\xbf" + GOOD, [(Code.BYTE_ORDER_MARK, 1, 0, "")]),
    ("count off by one", patched(GOOD, 5, 2, b"000004"), [(Code.TRAILER, 5, 489, "total_count")]),
    ("amount off by one", patched(GOOD, 5, 8, b"000000189801"), [(Code.TRAILER, 5, 495, "total_amount")]),
    ("an outcome in a request", patched(GOOD, 5, 20, b"000003"), [(Code.TRAILER, 5, 507, "debited_count")]),
    ("two headers", joined([BARE[0], *BARE]), [(Code.RECORD_ORDER, 2, 122, "")]),
    ("a line before the header", joined([BARE[1], *BARE]), [(Code.RECORD_ORDER, 1, 0, ""), (Code.RECORD_ORDER, 2, 122, "")]),
    ("a line behind the trailer", joined([*BARE[:5], BARE[1], BARE[5]]), [
        (Code.RECORD_ORDER, 6, 610, ""),
        (Code.RECORD_ORDER, 7, 732, ""),
    ]),
    ("no trailer", joined([*BARE[:4], BARE[5]]), [(Code.RECORD_ORDER, 5, 488, "")]),
    ("no end", joined(BARE[:5]), [(Code.MISSING_END, 6, 488, "")]),
    ("no end but 0x1A", joined(BARE[:5]) + b"\x1a", [(Code.MISSING_END, 6, 610, "")]),
    ("an unknown record", joined([*BARE[:2], b"3" + BARE[2][1:], *BARE[3:]]), [
        (Code.RECORD_TYPE, 3, 244, ""),
        (Code.TRAILER, 5, 489, "total_count"),
        (Code.TRAILER, 5, 495, "total_amount"),
    ]),
    ("data behind the end", GOOD + RECORDS[1], [(Code.DATA_AFTER_END, 7, 732, "")]),
    ("data behind 0x1A", GOOD + b"\x1a\r\n" + RECORDS[1], [(Code.DATA_AFTER_END, 8, 735, "")]),
    ("0x1A behind the end", GOOD + b"\x1a", []),
    ("0x1A instead of the last break", GOOD[:-2] + b"\x1a", []),
    ("0x1A and a break", GOOD + b"\x1a\r\n", []),
    ("more end records", GOOD + RECORDS[5] * 3, []),
    ("no last break", GOOD[:-2], []),
    ("no breaks", b"".join(BARE), []),
    ("no breaks and 0x1A", b"".join(BARE) + b"\x1a", []),
    ("an empty block", request([]), []),
    ("two blocks", joined(BARE[:5]) + request([line(4)]), []),
    ("the same customer number twice", request([line(1), line(1)]), [(Code.DUPLICATE, 3, 335, "customer_number")]),
    ("the same customer number in two blocks", joined(BARE[:5]) + GOOD, [
        (Code.DUPLICATE, 7, 823, "customer_number"),
        (Code.DUPLICATE, 8, 945, "customer_number"),
        (Code.DUPLICATE, 9, 1067, "customer_number"),
    ]),
    ("LF", joined(BARE, b"\n"), [(Code.FRAMING_REFUSED, 1, 0, "")]),
    ("CR", joined(BARE, b"\r"), [(Code.FRAMING_REFUSED, 1, 0, "")]),
    ("LF after CRLF", joined(BARE[:2]) + joined(BARE[2:3], b"\n") + joined(BARE[3:]), [(Code.FRAMING_CHANGED, 3, 244, "")]),
    ("an empty line", joined(BARE[:2]) + b"\r\n" + joined(BARE[2:]), [(Code.RECORD_LENGTH, 3, 244, "")]),
]  # fmt: skip


@pytest.mark.parametrize("data, findings", [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_the_strict_reader_says_what_is_wrong_and_where(data: bytes, findings: list[tuple[Code, int, int, str]]):
    assert found(check(data, DEBIT_REQUEST)) == findings


@pytest.mark.parametrize("data, findings", [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_reading_raises_on_the_first_finding(data: bytes, findings: list[tuple[Code, int, int, str]]):
    if not findings:
        assert len(list(read(data, DEBIT_REQUEST))) >= 3
        return
    with pytest.raises(ZenginReadError) as caught:
        list(read(data, DEBIT_REQUEST, unique_keys=True))
    assert found([caught.value.findings[0]]) == findings[:1]


@pytest.mark.parametrize("size", [1, 7, 121, 122, 4096])
@pytest.mark.parametrize("row", WRONG, ids=[row[0] for row in WRONG])
def test_the_size_of_the_pieces_makes_no_difference(size: int, row: tuple[str, bytes, list[Any]]):
    _, data, findings = row
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    assert found(check(pieces, DEBIT_REQUEST)) == findings


@pytest.mark.parametrize(
    "name, data",
    [
        ("LF", joined(BARE, b"\n")),
        ("CR", joined(BARE, b"\r")),
        ("stripped spaces", joined([record.rstrip() for record in BARE])),
        ("stripped spaces and LF", joined([record.rstrip() for record in BARE], b"\n")),
        ("a cut end record", GOOD[:-30]),
        ("a cut end record without breaks", b"".join(BARE)[:-30]),
        ("an empty line at the end", GOOD + b"\r\n"),
    ],
)
def test_the_tolerant_reader_takes_more(name: str, data: bytes):
    reader = read(data, DEBIT_REQUEST, tolerant=True)
    assert [record for record in reader if isinstance(record, DebitLine)] == LINES
    assert {str(finding.severity) for finding in reader.findings} == {"warning"}, name
    with pytest.raises(ZenginReadError):
        list(read(data, DEBIT_REQUEST))


@pytest.mark.parametrize(
    "record, column, new, code",
    [
        (2, 53, b"a", Code.CHARACTER),
        (2, 53, b"\xa7", Code.CHARACTER),
        (2, 113, b"X", Code.DUMMY),
        (1, 104, b"X", Code.DUMMY),
        (2, 51, b" " * 30, Code.REQUIRED),
        (2, 2, b"0000", Code.NOT_ALLOWED),
    ],
)
def test_the_tolerant_reader_warns_where_the_meaning_is_clear(record: int, column: int, new: bytes, code: Code):
    reader = read(patched(GOOD, record, column, new), DEBIT_REQUEST, tolerant=True)
    assert len(list(reader)) == 6
    assert [(finding.code, finding.severity.value) for finding in reader.findings] == [(code, "warning")]


@pytest.mark.parametrize(
    "record, column, new",
    [(2, 51, b"\x83\x41"), (2, 53, b"\x00"), (2, 90, b"x"), (2, 43, b"5"), (2, 112, b"1"), (5, 2, b"000004"), (1, 55, b"0230")],
)
def test_the_tolerant_reader_does_not_guess(record: int, column: int, new: bytes):
    with pytest.raises(ZenginReadError):
        list(read(patched(GOOD, record, column, new), DEBIT_REQUEST, tolerant=True))


@pytest.mark.parametrize("unknown", [b"5", b"6", b"7", b" ", b"X"])
def test_a_line_with_an_unknown_result_is_held(unknown: bytes):
    data = patched(RESULT, 3, 112, unknown)
    with pytest.raises(ZenginReadError):
        list(read(data, DEBIT_RESULT))
    reader = read(data, DEBIT_RESULT, hold_lines=True)
    records = list(reader)
    held = records[2]
    assert isinstance(held, HeldLine)
    assert (held.record, held.byte) == (3, 244)
    assert held.values["customer_number"] == LINES[1].customer_number
    assert found(list(held.findings)) == [((Code.REQUIRED if unknown == b" " else Code.NOT_ALLOWED), 3, 244 + 111, "result_code")]
    assert [record for record in records if isinstance(record, DebitLine)] == [LINES[0], LINES[2]]
    assert len(records) == 6  # the others stand, and the trailer still adds up


def test_a_held_line_whose_amount_is_unreadable_holds_the_file():
    data = patched(RESULT, 3, 81, b"XXXXXXXXXX")
    with pytest.raises(ZenginReadError) as caught:
        list(read(data, DEBIT_RESULT, hold_lines=True))
    assert [finding.code for finding in caught.value.findings] == [Code.UNVERIFIABLE]


@pytest.mark.parametrize(
    "column, new, field",
    [
        (2, b"000004", "total_count"),
        (8, b"000000189801", "total_amount"),
        (20, b"000003", "debited_count"),
        (26, b"000000180001", "debited_amount"),
        (38, b"000002", "failed_count"),
        (44, b"000000009801", "failed_amount"),
    ],
)
def test_every_figure_of_a_result_is_recomputed(column: int, new: bytes, field: str):
    assert check(RESULT, DEBIT_RESULT) == []
    (finding,) = check(patched(RESULT, 5, column, new), DEBIT_RESULT)
    assert (finding.code, finding.field, finding.byte) == (Code.TRAILER, field, 4 * 122 + column - 1)


FAILED_ONLY = result([LINES[0], LINES[1]._replace(result_code=ResultCode.NO_ACCOUNT), LINES[2]], failed_only=True)


@pytest.mark.parametrize(
    "column, new, fields",
    [
        (2, b"000004", ["total_count"]),
        (8, b"000000189801", ["total_amount"]),
        (20, b"000003", ["total_count"]),
        (38, b"000002", ["total_count", "failed_count"]),
        (44, b"000000009801", ["total_amount", "failed_amount"]),
    ],
)
def test_a_failed_only_result_must_add_up_in_itself(column: int, new: bytes, fields: list[str]):
    assert check(FAILED_ONLY, DEBIT_RESULT_FAILED_ONLY) == []
    findings = check(patched(FAILED_ONLY, 3, column, new), DEBIT_RESULT_FAILED_ONLY)
    assert [finding.field for finding in findings] == fields


def test_the_shape_is_not_inferred():
    assert {finding.code for finding in check(FAILED_ONLY, DEBIT_RESULT)} == {Code.TRAILER}
    first = check(RESULT, DEBIT_RESULT_FAILED_ONLY)[0]
    assert (first.code, first.record) == (Code.NOT_ALLOWED, 2)


def test_findings_never_show_an_account_or_a_name():
    data = patched(patched(GOOD, 2, 44, b"90A0001"), 2, 53, b"a")
    findings = check(data, DEBIT_REQUEST)
    assert [(finding.field, finding.found) for finding in findings] == [
        ("payer_account_number", "*****01"),
        ("payer_name", "'a'"),
    ]
    text = " ".join(f"{finding} {finding.message_ja} {finding!r}" for finding in findings)
    assert "90A00" not in text
    assert "ｱｵｿﾞﾗ" not in text


@pytest.mark.parametrize("char", [b"\x00", b"\x1b", b"\x81", b"\x07"])
@pytest.mark.parametrize("layout_column", [*range(1, 121)])
def test_findings_hold_nothing_that_a_screen_or_a_database_does_not_take(char: bytes, layout_column: int):
    data = request([line(1), line(2)])
    for record in (1, 2, 4):
        found = check(patched(patched(data, record, layout_column, char), 3, 92, data[213:233]), DEBIT_REQUEST)
        assert [finding for finding in found if not (finding.message + finding.message_ja).isprintable()] == []


def test_records_do_not_show_an_account_or_a_name():
    text = repr(LINES[0]) + repr(HEADER) + repr(PAYOUT_HEADER) + repr(PAYOUT_LINE)
    assert "9000001" not in text
    assert "9012345" not in text
    assert "ｱｵｿﾞﾗ" not in text
    assert "payer_account_number='*****01'" in text


def test_a_held_line_does_not_show_its_values():
    held = HeldLine(3, 244, {"payer_account_number": "9000001"}, ())
    assert "9000001" not in repr(held)


def test_a_finding_speaks_english_and_japanese():
    (finding,) = check(patched(GOOD, 5, 2, b"000004"), DEBIT_REQUEST)
    assert str(finding) == "record 5, byte 489, total_count: total_count is 4, the records give 3"
    assert finding.message_ja == "合計件数が 4 です(明細からの計算値 3)"
    assert finding.column == 2


@pytest.mark.parametrize(
    "record, column, new, english, japanese",
    [
        (2, 53, b"a", "which party name does not allow", "使用できない文字があります: 'a'(名義の文字)"),
        (2, 53, b"\xff", "byte 0xFF", "バイト 0xFF"),
        (2, 44, b"x", "payer_account_number is *****01, expected 7 digits", "口座番号が数字ではありません: *****01(数字7桁)"),
        (2, 113, b"X", "the filler is not spaces", "ダミーが空白ではありません"),
        (3, 1, b"9", "record type '9' cannot stand here, expected 2 or 8", "データ区分 '9' の位置が不正です(2・8)"),
    ],
)
def test_what_was_expected_is_said_in_both_languages(record: int, column: int, new: bytes, english: str, japanese: str):
    finding = check(patched(GOOD, record, column, new), DEBIT_REQUEST)[0]
    assert english in finding.message
    assert japanese in finding.message_ja


def test_every_code_has_both_messages():
    for code in Code:
        finding = Finding(code, check(b"", DEBIT_REQUEST)[0].severity, 1, 0, 1, "amount", "引落金額", "1", "2")
        assert finding.message.isascii()
        assert not finding.message_ja.isascii()


def test_the_number_of_findings_is_limited():
    data = request([line(number) for number in range(1, 200)])
    for record in range(2, 201):
        data = patched(data, record, 112, b"5")
    assert len(check(data, DEBIT_REQUEST, limit=10)) == 10


def test_an_open_file_is_read_piece_by_piece():
    reader = read(io.BytesIO(GOOD), DEBIT_REQUEST)
    framings = [reader.framing]
    assert len(list(reader)) == 6
    framings.append(reader.framing)
    assert framings == [None, Framing.CRLF]
    assert (reader.record, reader.byte) == (6, 610)
    with pytest.raises(RuntimeError, match="once"):
        list(reader)


def test_reading_starts_before_the_file_has_ended():
    given = 0

    def pieces():
        nonlocal given
        for record in RECORDS:
            given += 1
            yield record

    reader = iter(read(pieces(), DEBIT_REQUEST))
    next(reader)
    assert given < len(RECORDS)


def test_memory_stays_flat_both_ways():
    def peak(count: int) -> int:
        lines = (line(number) for number in range(1, count + 1))
        tracemalloc.start()
        read_back = sum(1 for _ in read(write_debit_request(HEADER, lines), DEBIT_REQUEST))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert read_back == count + 3
        return most

    assert peak(20_000) < 1.2 * peak(5_000)


PEAK = """
import resource, sys
from tests.zengin.examples import HEADER, line
from zengin import DEBIT_REQUEST, Inspection, read, write_debit_request

def peak(count):
    data = write_debit_request(HEADER, (line(number) for number in range(1, count + 1)))
    assert sum(1 for _ in (Inspection(data) if sys.argv[1] == "inspect" else read(data, DEBIT_REQUEST))) == count + 3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

few = peak(5_000)
print(peak(999_999) - few)
"""


@pytest.mark.long
@pytest.mark.parametrize("how, most", [("read", 4 << 10), ("inspect", 48 << 10)])
def test_memory_stays_flat_up_to_the_trailers_limit(how: str, most: int):
    """999,999 lines, written and read at once (KB more than 5,000 take); an inspection also remembers every customer number."""
    said = subprocess.run([sys.executable, "-c", PEAK, how], capture_output=True, text=True, check=True, cwd=SAMPLES.parents[2])
    assert int(said.stdout) * (1 if sys.platform.startswith("linux") else 1 / 1024) < most


# -- 21, 03 and 01


def test_the_20_bytes_are_edi_or_customer_codes():
    data = b"".join(write_payout(PAYOUT_HEADER, [PAYOUT_LINE]))
    codes = patched(data, 2, 113, b" ")
    assert [(finding.code, finding.field) for finding in check(codes, PAYOUT)] == [(Code.NOT_DIGITS, "customer_code_1")]
    assert [(f.code, f.field) for f in check(patched(data, 2, 113, b"X"), PAYOUT)][-1] == (Code.FIXED_VALUE, "edi_marker")


@pytest.mark.parametrize("column, new", [(39, b"    "), (112, b" "), (112, b"0"), (91, b" ")])
def test_spaces_in_an_optional_number_are_absent(column: int, new: bytes):
    data = b"".join(write_payout(PAYOUT_HEADER, [PAYOUT_LINE]))
    (block,) = load(patched(data, 2, column, new), PAYOUT)
    names = {39: "clearing_house_number", 112: "routing_kind", 91: "new_code"}
    assert getattr(block.lines[0], names[column]) == "0" * len(new)


STATEMENT_FILE = (SAMPLES / "03_statement.txt").read_bytes()


@pytest.mark.parametrize(
    "record, column, new, field",
    [
        (5, 2, b"000003", "credit_count"),
        (5, 8, b"0000000189501", "credit_amount"),
        (5, 21, b"000002", "debit_count"),
        (5, 27, b"0000000129801", "debit_amount"),
        (5, 41, b"00000001059701", "closing_balance"),
        (5, 40, b"2", "closing_sign"),
        (5, 55, b"0000004", "line_count"),
        (6, 2, b"0000000005", "record_count"),
        (6, 12, b"00002", "account_count"),
    ],
)
def test_every_figure_of_a_statement_is_recomputed(record: int, column: int, new: bytes, field: str):
    findings = check(patched(STATEMENT_FILE, record, column, new, 202), STATEMENT)
    assert [(finding.code, finding.record, finding.field) for finding in findings] == [(Code.TRAILER, record, field)]


@pytest.mark.parametrize("blank", [b" " * 15, b"0" * 15])
def test_balances_may_be_left_out(blank: bytes):
    closing_left_out = patched(STATEMENT_FILE, 5, 40, blank, 202)
    assert check(closing_left_out, STATEMENT) == []
    opening_left_out = patched(patched(STATEMENT_FILE, 1, 114, b" ", 202), 1, 116, b" " * 14, 202)
    assert check(opening_left_out, STATEMENT) == []


def test_an_overdrawn_account_has_a_sign():
    (block,) = load(STATEMENT_FILE, STATEMENT)
    overdrawn = block.header._replace(opening_sign="2", opening_balance=200_000)
    data = b"".join(write_statement(overdrawn, block.lines))
    (again,) = load(data, STATEMENT)
    assert (overdrawn.opening_yen, again.trailer.closing_yen) == (-200_000, -140_300)


def test_a_time_deposit_is_refused():
    findings = check(patched(STATEMENT_FILE, 1, 63, b"6", 202), STATEMENT)
    assert [(finding.code, finding.field) for finding in findings] == [(Code.NOT_ALLOWED, "account_type")]


def test_two_accounts_in_one_statement_file():
    (block,) = load(STATEMENT_FILE, STATEMENT)
    first = STATEMENT_FILE[: 5 * 202]
    second = b"".join(write_statement(block.header._replace(account_number="0009000002"), block.lines))
    both = patched(first + second, 11, 2, b"000000001100002", 202)
    assert check(both, STATEMENT) == []
    assert [len(block.lines) for block in load(both, STATEMENT)] == [3, 3]


NOTICE_FILE = (SAMPLES / "01_notice_A.txt").read_bytes()


def test_a_notice_in_format_b_is_told_by_its_digits():
    (block,) = load(NOTICE_FILE, NOTICE)
    one = block.lines[0]
    large = NoticeLineB(*one[:3], 0, 0, *one[5:10], 12_345_678_901, 0, "INV-1")
    data = b"".join(write_notice(block.header, [large, one]))
    (again,) = load(data, NOTICE)
    assert again.lines == (large, one)
    assert [type(line) for line in again.lines] == [NoticeLineB, type(one)]
    assert [line.yen for line in again.lines] == [12_345_678_901, 180_000]
    assert again.trailer == (2, 12_345_858_901, 0, 0)
    assert notice.LINE_B.offset("edi") == 152


def test_cancellations_are_counted_apart_or_left_out():
    (block,) = load(NOTICE_FILE, NOTICE)
    one = block.lines[0]
    data = b"".join(write_notice(block.header, [one, one._replace(cancel_code="1")]))
    assert load(data, NOTICE)[0].trailer == (1, 180_000, 1, 180_000)
    assert check(patched(data, 4, 20, b" " * 18, 202), NOTICE) == []
    findings = check(patched(data, 4, 20, b"000002", 202), NOTICE)
    assert [finding.field for finding in findings] == ["cancelled_count"]


# -- result codes


def test_result_codes_carry_both_meanings():
    assert [(code.value, code.label) for code in ResultCode] == [
        ("0", "振替済"),
        ("1", "資金不足"),
        ("2", "取引なし"),
        ("3", "預金者の都合による振替停止"),
        ("4", "預金口座振替依頼書なし"),
        ("8", "委託者の都合による振替停止"),
        ("9", "その他"),
    ]
    assert ResultCode("1").meaning == "insufficient funds"
    assert all(code.meaning for code in ResultCode)
