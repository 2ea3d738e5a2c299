"""The sample files are what the standard's readers agree on: they must be read as the goldens say, and written back
byte for byte. A golden has one field per line, so that a changed field is a changed line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.zengin.examples import FORMATS, GOLDENS, SAMPLES
from zengin import (
    DEBIT_RESULT,
    JIS,
    Block,
    CharacterSet,
    DebitHeader,
    Framing,
    NoticeHeader,
    PayoutHeader,
    ResultCode,
    StatementHeader,
    check,
    load,
    read,
    write_debit_request,
    write_debit_result,
    write_notice,
    write_payout,
    write_statement,
)

HASHES = {
    "01_notice_A.txt": "aa86a4d182ea96de17bb9b536ebabbbd415b3f52bdf96608d861a514f6a221f8",
    "03_statement.txt": "1794d913dfb80b677eb26af22d40f9e0aed6f4203bdc4ba27708ec913a28d609",
    "21_request.txt": "d179e36025636e005c50b1206497e48052e3d04829ba1f3051be7e876207a9a4",
    "91_request.txt": "f0f17335014ee309a8636f76281739cca7a2e875168d2e098b3ec5be1cd3dc7b",
    "91_request_nobreak.dat": "28b6590f5c94670353859678118941bcd077aeff13b7f3dd0a1cde0c050fa386",
    "91_result.txt": "a08bedcb3b92db9c4f932beeb04765bab2fbb07c22ee6ea9346e5ece2a606d70",
    "91_result_failed_only.txt": "c5adabe156d490be80e7ae94654b0a14c0905ef1d9eedf52b4497ee9c8ca3080",
}


def rendered(records: Iterator[Any]) -> str:
    lines = []
    for record in records:
        lines.append(f"[{type(record).__name__}]")
        lines += [f"{name} = {value!r}" for name, value in zip(record._fields, record, strict=True)]
    return "\n".join(lines) + "\n"


def rewritten(block: Block[Any, Any, Any], framing: Framing, all_lines: tuple[Any, ...], characters: CharacterSet = JIS) -> bytes:
    form: Any = {"framing": framing, "characters": characters}
    header: Any = block.header
    match header:
        case DebitHeader() if block.trailer.debited_count or block.trailer.failed_count:
            failed_only = len(block.lines) < len(all_lines)
            chunks = write_debit_result(header, all_lines, failed_only=failed_only, **form)
        case DebitHeader():
            chunks = write_debit_request(header, all_lines, **form)
        case PayoutHeader():
            chunks = write_payout(header, all_lines, **form)
        case StatementHeader():
            chunks = write_statement(header, all_lines, **form)
        case NoticeHeader():
            chunks = write_notice(header, all_lines, **form)
        case _:
            raise AssertionError(header)
    return b"".join(chunks)


@pytest.mark.parametrize("name", FORMATS)
def test_the_sample_is_the_published_one(name: str):
    assert hashlib.sha256((SAMPLES / name).read_bytes()).hexdigest() == HASHES[name]


@pytest.mark.parametrize("name", FORMATS)
def test_the_sample_reads_as_its_golden(name: str):
    file_format: Any = FORMATS[name]
    golden = GOLDENS / f"{name.partition('.')[0]}.golden"
    with (SAMPLES / name).open("rb") as file:
        assert rendered(iter(read(file, file_format))) == golden.read_text("utf-8")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("tolerant", [False, True])
def test_nothing_is_found_in_the_sample(name: str, tolerant: bool):
    file_format: Any = FORMATS[name]
    assert check((SAMPLES / name).read_bytes(), file_format, tolerant=tolerant) == []


@pytest.mark.parametrize("name", FORMATS)
def test_the_sample_is_written_byte_for_byte(name: str):
    file_format: Any = FORMATS[name]
    data = (SAMPLES / name).read_bytes()
    (block,) = load(data, file_format)
    lines = block.lines
    if name == "91_result_failed_only.txt":  # written from all lines, the debited one included
        (whole,) = load((SAMPLES / "91_result.txt").read_bytes(), DEBIT_RESULT)
        lines = whole.lines
    framing = Framing.NONE if name.endswith(".dat") else Framing.CRLF
    assert rewritten(block, framing, lines) == data


def test_the_goldens_show_every_kind_of_record():
    shown = {line for path in GOLDENS.glob("*.golden") for line in path.read_text("utf-8").splitlines()}
    assert {f"result_code = {code!r}" for code in map(ResultCode, "014")} <= shown
    assert {
        "[DebitHeader]",
        "[DebitLine]",
        "[DebitTrailer]",
        "[EndRecord]",
        "[NoticeHeader]",
        "[NoticeLine]",
        "[NoticeTrailer]",
        "[PayoutHeader]",
        "[PayoutLineWithCodes]",
        "[PayoutLine]",
        "[PayoutTrailer]",
        "[StatementEnd]",
        "[StatementHeader]",
        "[StatementLine]",
        "[StatementTrailer]",
    } == {line for line in shown if line.startswith("[")}


def test_no_golden_is_left_over():
    assert {path.stem for path in GOLDENS.glob("*")} == {name.partition(".")[0] for name in FORMATS}
