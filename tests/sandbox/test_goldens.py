"""Complete files, byte for byte, as the tables of the standard have them."""

from datetime import date

import pytest

from sandbox.bankfile import FileName, ResultShape, read_request, write_result
from sandbox.masking import masked, masked_name
from sandbox.statement import BY_CREDIT, BY_DEBIT, RETURNED, Heading, Movement, write_statement


def written(*records: tuple[str, int]) -> bytes:
    """Records as text up to their last character; spaces up to the length, CRLF after each."""
    return b"".join(text.ljust(length).encode("cp932") + b"\r\n" for text, length in records)


REQUEST = written(
    ("19100000012345ｴｲﾄﾞｳｹﾂｻｲ(ｶ                             12079991ﾋﾞ-ﾊﾞﾝｸ        101ﾎﾝﾃﾝ           19012345", 120),
    ("29991ﾋﾞ-ﾊﾞﾝｸ        101ﾎﾝﾃﾝ               19000001ｶ)ｱｵｿﾞﾗｼﾖｳｼﾞ                  00001250001000002026120700000110", 120),
    ("29991ﾋﾞ-ﾊﾞﾝｸ        102ｴｷﾏｴ               29000002ﾔﾏﾀﾞ ﾀﾛｳ                      00000098000000002026120700000290", 120),
    ("29991ﾋﾞ-ﾊﾞﾝｸ        103ﾐﾅﾄ                19000003ﾕ)ﾆｼｷﾌﾟﾗﾝ                     00000550000000002026120700000370", 120),
    ("8000003000000189800000000000000000000000000000000000000", 120),
    ("9", 120),
)
NAME = FileName.parse("91_0000012345_20261207_001.txt")


def test_a_request_is_read():
    request = read_request(NAME, REQUEST)
    assert (request.count, request.amount, request.account) == (3, 189_800, "10119012345")
    assert NAME.identity == "91 1207 001"


@pytest.mark.parametrize("failed_only", [False, True])
def test_a_result(failed_only: bool):
    header, first, second, third, _, end = REQUEST.splitlines(keepends=True)
    lines = [second[:111] + b"1" + second[112:], third[:111] + b"4" + third[112:]]
    trailer = written(("8000003000000189800000001000000125000000002000000064800", 120))
    expected = b"".join([header, *([] if failed_only else [first]), *lines, trailer, end])
    assert write_result(read_request(NAME, REQUEST), b"014", ResultShape(failed_only=failed_only)) == expected


@pytest.mark.parametrize(
    "opening, signed_opening, signed_closing",
    [(1_000_000, "100000001000000", "100000001059700"), (-60_000, "200000000060000", "200000000000300")],
)
def test_a_statement(opening: int, signed_opening: str, signed_closing: str):
    heading = Heading("9990", "ﾒｲﾝﾊﾞﾝｸ", "001", "ﾎﾝﾃﾝ", "1", "9099999", "ｴｲﾄﾞｳｹﾂｻｲ(ｶ", date(2026, 12, 7), date(2026, 12, 8))
    edi = "P0573120000010000121"
    content = write_statement(
        heading,
        opening,
        [
            Movement("in", BY_DEBIT, 180_000, summary="91 1207 001"),
            Movement("out", BY_CREDIT, 129_800, summary="21 1207 001"),
            Movement("in", BY_CREDIT, 9_500, "ﾐﾅﾐｼﾖｳﾃﾝ(ｶ", "ｼ-ﾊﾞﾝｸ", "ﾁﾕｳｵｳ", RETURNED, edi),
        ],
    )
    zeros = "0" * 45
    header = f"10300812080812070812079990ﾒｲﾝﾊﾞﾝｸ        001ﾎﾝﾃﾝ           00010009099999{'ｴｲﾄﾞｳｹﾂｻｲ(ｶ':40}"
    assert content == written(
        (f"{header}{signed_opening[0]}1{signed_opening[1:]}", 200),
        (f"200000001081207081207114000000180000{zeros}{'':78}91 1207 001", 200),
        (f"200000002081207081207211000000129800{zeros}{'':78}21 1207 001", 200),
        (f"200000003081207081207111000000009500{zeros}{'ﾐﾅﾐｼﾖｳﾃﾝ(ｶ':48}{'ｼ-ﾊﾞﾝｸ':15}{'ﾁﾕｳｵｳ':15}{RETURNED:20}{edi}", 200),
        (f"800000200000001895000000010000000129800{signed_closing}0000003", 200),
        ("9000000000600001", 200),
    )


def test_nothing_whole_is_logged():
    assert masked("9130001") == "*****01"
    assert masked_name("03_999110119130001_20000924_001.txt") == "03_99911011*****01_20000924_001.txt"
    assert masked_name("91_0000000130_20000924_001.txt") == "91_0000000130_20000924_001.txt"
