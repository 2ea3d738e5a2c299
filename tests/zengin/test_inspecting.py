"""Looking at a file of any kind: what it is, every record, every finding, its totals."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest

from tests.zengin.examples import FORMATS, SAMPLES, line, patched, request, result
from zengin import DEBIT, DEBIT_REQUEST, EBCDIC, Framing, Inspection, NotZengin, ResultCode, check
from zengin.totals import DebitShape

LINES = [line(1), line(2, amount=9_800, result_code=ResultCode.NO_ACCOUNT), line(3, amount=55_000)]
RESULT = result(LINES)
NEAR = date(2026, 12, 1)


@pytest.mark.parametrize(
    "name, kind, shape, lines, amount, dates",
    [
        ("91_request.txt", "91", DebitShape.REQUEST, 3, 189_800, {date(2026, 12, 7)}),
        ("91_request_nobreak.dat", "91", DebitShape.REQUEST, 3, 189_800, {date(2026, 12, 7)}),
        ("91_result.txt", "91", DebitShape.RESULT, 3, 189_800, {date(2026, 12, 7)}),
        ("91_result_failed_only.txt", "91", DebitShape.RESULT_FAILED_ONLY, 2, 64_800, {date(2026, 12, 7)}),
        ("21_request.txt", "21", None, 3, 129_800, {date(2026, 12, 10)}),
        ("03_statement.txt", "03", None, 3, 319_300, {date(2026, 12, 7)}),
        ("01_notice_A.txt", "01", None, 1, 180_000, {date(2026, 12, 7)}),
    ],
)
def test_a_sample_is_recognised(name: str, kind: str, shape: DebitShape | None, lines: int, amount: int, dates: set[date]):
    assert name in FORMATS
    with (SAMPLES / name).open("rb") as file:
        inspection = Inspection(file)
        shown = list(inspection)
    (block,) = inspection.blocks
    assert (inspection.kind_code, block.shape, block.lines, block.amount) == (kind, shape, lines, amount)
    assert (inspection.errors, inspection.warnings, inspection.records) == (0, 0, len(shown))
    assert inspection.bytes == (SAMPLES / name).stat().st_size
    assert set(shown[0].dates(NEAR).values()) == dates


def test_counts_by_result():
    inspection = Inspection(RESULT)
    list(inspection)
    (block,) = inspection.blocks
    assert block.by_result == {"0": 2, "2": 1}
    assert block.amount_by_result == {"0": 180_000, "2": 9_800}


def test_incoming_and_outgoing_are_apart():
    inspection = Inspection((SAMPLES / "03_statement.txt").read_bytes())
    list(inspection)
    (block,) = inspection.blocks
    assert (block.credit_count, block.credit_amount, block.debit_count, block.debit_amount) == (2, 189_500, 1, 129_800)


def test_findings_come_with_their_record_and_are_those_of_check():
    data = patched(patched(RESULT, 3, 112, b"5"), 5, 2, b"000009")
    inspection = Inspection(data, file_format=None)
    shown = {record.record: record for record in inspection}
    assert [finding.code.value for finding in shown[3].findings] == ["not_allowed"]
    assert shown[3].role == "held"
    assert shown[3].values["result_code"] == "5"
    assert shown[5].findings[0].field == "total_count"
    assert [finding for record in shown.values() for finding in record.findings] == check(data, DEBIT)


def test_a_field_that_cannot_be_decoded_is_there_in_bytes():
    (_, held, *_) = Inspection(patched(request([line(1)]), 2, 53, b"\x81\x40\x00"))
    assert held.values["payer_name"] is None
    assert held.undecodable == {"payer_name": request([line(1)])[172:174] + b"\x81\x40\x00" + request([line(1)])[177:202]}
    assert held.values["amount"] == 125_000


def test_a_damaged_record_is_there_in_bytes():
    data = request([line(1), line(2)])
    (_, damaged, *_) = Inspection(data[:200] + data[201:])
    assert (damaged.role, damaged.layout, damaged.values) == ("damaged", None, {})
    assert damaged.raw == data[122:200] + data[201:242]


def test_what_is_missing_at_the_end_is_a_record_of_its_own():
    *_, missing = Inspection(request([line(1)])[:-122])
    assert (missing.role, [finding.code.value for finding in missing.findings]) == ("missing", ["missing_end"])


def test_ebcdic_is_recognised_and_shown_as_it_stands():
    data = EBCDIC.encode((SAMPLES / "91_result.txt").read_bytes().decode("cp932").replace("1910", "1911", 1))
    inspection = Inspection(io.BytesIO(data))
    header, *_ = inspection
    assert (inspection.characters, inspection.framing, inspection.errors) == (EBCDIC, Framing.CRLF, 0)
    assert header.values["code_kind"] == "1"


@pytest.mark.parametrize(
    "data, words, japanese",
    [
        (b"", "empty", "空"),
        (b"\xef\xbb\xbf191", "byte order mark", "BOM"),
        (b"<?xml", "0x3C", "0x3C"),
        (b"111", "kind code is 11", "11"),
        (b"1", "kind code", "種別コード"),
        (b"1\x00\x81", "0x0081", "0x0081"),
    ],
)
def test_what_is_none_of_these_is_refused_with_a_reason(data: bytes, words: str, japanese: str):
    with pytest.raises(NotZengin, match=words) as caught:
        Inspection(data)
    assert japanese in caught.value.message_ja


def test_a_kind_can_be_asked_for():
    assert [finding for record in Inspection(request([line(1)]), file_format=DEBIT_REQUEST) for finding in record.findings] == []
    assert [finding for record in Inspection(RESULT, file_format=DEBIT_REQUEST) for finding in record.findings] != []


@pytest.mark.parametrize("at", range(0, 732, 7))
def test_damage_anywhere_never_raises(at: int):
    for new in (b"\x00", b"\xff", b"\r", b"9"):
        data = (SAMPLES / "91_result.txt").read_bytes()
        damaged = data[:at] + new + data[at + 1 :]
        try:
            inspection: Any = Inspection(damaged)
        except NotZengin:
            assert at < 3
            continue
        for record in inspection:
            assert record.findings or record.values or record.raw
            assert "9000001" not in repr(record)


def test_only_the_last_blocks_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Inspection, "KEPT_BLOCKS", 2)
    block = request([])
    inspection = Inspection(b"".join([block[:-122]] * 5) + block[-122:])
    list(inspection)
    assert (inspection.block_count, len(inspection.blocks), inspection.errors) == (5, 2, 0)
