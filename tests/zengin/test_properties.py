"""What is written is read as it was, and what is read is written as it was: one table makes both."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.zengin.examples import HEADER, PAYOUT_HEADER, SAMPLES, request
from zengin import (
    DEBIT,
    DEBIT_REQUEST,
    DEBIT_RESULT,
    EBCDIC,
    JIS,
    NOTICE,
    PAYOUT,
    STATEMENT,
    CharacterSet,
    DebitLine,
    FileFormat,
    Framing,
    NoticeHeader,
    StatementHeader,
    check,
    load,
    read,
    to_bank_kana,
    write_debit_request,
    write_debit_result,
    write_notice,
    write_payout,
    write_statement,
)
from zengin.charset import PARTY_NAME
from zengin.kana import HALF_WIDTH, UnconvertibleCharacter, is_clean
from zengin.layout import Field, Kind, Layout
from zengin.layouts import debit, notice, payout, statement
from zengin.writer import encode_record

FRAMINGS = st.sampled_from([Framing.NONE, Framing.CRLF, Framing.INSIDE_CR])
DAYS = st.dates().map(lambda day: f"{day.month:02d}{day.day:02d}")


def values(field: Field) -> st.SearchStrategy[Any]:
    """Everything that may be written into a field."""
    if field.kind is Kind.TEXT:
        assert field.chars is not None
        text = st.text(sorted(field.chars.writable), max_size=field.width).map(lambda value: value.rstrip(" "))
        return text.filter(lambda value: bool(value) or not field.required)
    if field.kind is Kind.INTEGER:
        return st.integers(1 if field.refused else 0, 10**field.width - 1)
    if field.allowed is not None:
        codes = st.sampled_from([*field.allowed, *([] if field.required else ["0" * field.width])])
        return codes if field.convert is None else codes.map(field.convert)
    if field.kind is Kind.MMDD:
        return DAYS
    if field.kind is Kind.ERA_DATE:
        return st.builds("{:02d}{}".format, st.integers(1, 99), DAYS)
    digits = st.integers(0, 10**field.width - 1).map(lambda number: f"{number:0{field.width}d}")
    return digits.filter(lambda value: value not in field.refused)


def records(layout: Layout[Any]) -> st.SearchStrategy[Any]:
    make: Any = layout.record
    return st.tuples(*map(values, layout.values)).map(make._make)


ALL = [
    *(debit.HEADER, debit.REQUEST_LINE, debit.RESULT_LINE, debit.FAILED_LINE, debit.TRAILER),
    *(payout.HEADER, payout.LINE, payout.LINE_WITH_CODES, payout.TRAILER),
    *(statement.HEADER, statement.LINE, statement.TRAILER, statement.END),
    *(notice.HEADER, notice.LINE, notice.LINE_B, notice.TRAILER),
]


WRITERS: list[tuple[FileFormat[Any, Any, Any, Any], Any, Layout[Any], Layout[Any]]] = [
    (DEBIT_REQUEST, write_debit_request, debit.HEADER, debit.REQUEST_LINE),
    (DEBIT_RESULT, write_debit_result, debit.HEADER, debit.RESULT_LINE),
    (DEBIT, write_debit_result, debit.HEADER, debit.FAILED_LINE),
    (PAYOUT, write_payout, payout.HEADER, payout.LINE),
    (PAYOUT, write_payout, payout.HEADER, payout.LINE_WITH_CODES),
    (STATEMENT, write_statement, statement.HEADER, statement.LINE),
    (NOTICE, write_notice, notice.HEADER, notice.LINE),
    (NOTICE, write_notice, notice.HEADER, notice.LINE_B),
]


@pytest.mark.parametrize("layout", ALL, ids=[layout.name for layout in ALL])
@given(st.data())
@settings(max_examples=30)
def test_a_record_survives(layout: Layout[Any], data: st.DataObject):
    record = data.draw(records(layout))
    text = layout.line_format.line(record)
    assert text is not None
    text = text.replace("\t", "")
    assert len(JIS.encode(text)) == layout.width
    assert layout.faults(text) == []
    assert layout.parse(text) == record == layout.build(text)
    assert layout.line_format.faults(record) == []


@pytest.mark.parametrize("layout", ALL, ids=[layout.name for layout in ALL])
@given(st.data())
@settings(max_examples=30)
def test_the_pattern_and_the_fields_agree_on_damage(layout: Layout[Any], data: st.DataObject):
    """The fast way (one pattern) refuses exactly what the slow way (field by field) can explain."""
    text = (layout.line_format.line(data.draw(records(layout))) or "").replace("\t", "")
    at = data.draw(st.integers(0, layout.width - 1))
    char = JIS.decode(bytes([data.draw(st.integers(0, 255))]))
    damaged = text[:at] + char + text[at + 1 :]
    assert (layout.parse(damaged) is None) == bool(layout.faults(damaged))


@given(st.lists(records(debit.REQUEST_LINE), max_size=5), FRAMINGS)
@settings(max_examples=50)
def test_a_request_survives(lines: list[DebitLine], framing: Framing):
    data = b"".join(write_debit_request(HEADER, lines, framing=framing))
    assert check(data, DEBIT_REQUEST, unique_keys=False) == []
    assert [record for record in read(data, DEBIT_REQUEST) if isinstance(record, DebitLine)] == lines


@given(st.lists(records(debit.RESULT_LINE), max_size=5, unique_by=lambda line: line.customer_number))
@settings(max_examples=50)
def test_a_result_is_written_back_byte_for_byte(lines: list[DebitLine]):
    data = b"".join(write_debit_result(HEADER, lines))
    (block,) = load(data, DEBIT_RESULT)
    assert b"".join(write_debit_result(block.header, block.lines)) == data


@given(st.lists(st.one_of(records(payout.LINE), records(payout.LINE_WITH_CODES)), max_size=5), FRAMINGS)
@settings(max_examples=50)
def test_a_payout_file_survives(lines: list[Any], framing: Framing):
    data = b"".join(write_payout(PAYOUT_HEADER, lines, framing=framing))
    (block,) = load(data, PAYOUT)
    assert list(block.lines) == lines
    assert b"".join(write_payout(block.header, block.lines, framing=framing)) == data


@given(records(statement.HEADER), st.lists(records(statement.LINE), max_size=5))
@settings(max_examples=50)
def test_a_statement_survives(header: StatementHeader, lines: list[Any]):
    opening = header.opening_yen
    if opening is not None:  # the closing balance must have room
        moved = sum(line.amount if line.is_credit else -line.amount for line in lines)
        assume(abs(opening + moved) < 10**14)
    data = b"".join(write_statement(header, lines))
    (block,) = load(data, STATEMENT)
    assert (block.header, list(block.lines)) == (header, lines)
    assert b"".join(write_statement(block.header, block.lines)) == data


@given(records(notice.HEADER), st.lists(records(notice.LINE), max_size=5))
@settings(max_examples=50)
def test_a_notice_survives(header: NoticeHeader, lines: list[Any]):
    data = b"".join(write_notice(header, lines))
    (block,) = load(data, NOTICE)
    assert (block.header, list(block.lines)) == (header, lines)
    assert b"".join(write_notice(block.header, block.lines)) == data


def _as_it_stands(data: bytes, file_format: FileFormat[Any, Any, Any, Any], characters: CharacterSet) -> bytes:
    """What is read, written again record by record from the same tables."""
    reader = read(data, file_format, characters=characters)
    layouts = {layout.record: layout for layout in [file_format.header, file_format.trailer, file_format.end]}
    again = [
        encode_record(layouts.get(type(r)) or file_format.choose_line(text), r, characters=characters)
        for r, text in reader.walk()
        if r is not None
    ]
    assert reader.framing is not None
    separator = characters.encode(reader.framing.separator)
    return b"".join(record + separator for record in again)


@given(st.data())
@settings(max_examples=60)
def test_every_file_is_written_back_byte_for_byte(data: st.DataObject):
    """write(read(b)) == b, for every format, with several blocks, in both sets of characters."""
    characters = data.draw(st.sampled_from([JIS, EBCDIC]))
    framing = data.draw(st.sampled_from([Framing.NONE, Framing.CRLF]))
    file_format, write, header, line = data.draw(st.sampled_from(WRITERS))
    blocks = []
    for _ in range(data.draw(st.integers(1, 3))):
        lines = data.draw(st.lists(records(line), max_size=4))
        if line is notice.LINE_B:  # twelve digits must hold the sum
            lines = [record._replace(large_amount=record.large_amount // 10) for record in lines]
        head = data.draw(records(header))
        if isinstance(head, StatementHeader):
            head = head._replace(opening_sign="0", opening_balance=0)
        blocks.append(b"".join(write(head, lines, framing=framing, characters=characters)))
    stride = file_format.record_length + len(framing.separator)
    end = blocks[0][-stride:]
    if file_format is STATEMENT:
        count = sum(len(block) // stride - 1 for block in blocks) + 1
        end = encode_record(statement.END, statement.END.record(count, len(blocks)), characters=characters)
        end += characters.encode(framing.separator)
    whole = b"".join(block[:-stride] for block in blocks) + end
    assert check(whole, file_format, unique_keys=False, characters=characters) == []
    assert _as_it_stands(whole, file_format, characters) == whole


@given(st.data())
@settings(max_examples=200)
def test_damage_is_found_or_harmless_and_never_crashes(data: st.DataObject):
    whole = bytearray((SAMPLES / "91_result.txt").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        match data.draw(st.sampled_from(["change", "drop", "add"])):
            case "change":
                whole[at] = data.draw(st.integers(0, 255))
            case "drop":
                del whole[at]
            case _:
                whole.insert(at, data.draw(st.integers(0, 255)))
    for tolerant in (False, True):
        findings = check(bytes(whole), DEBIT_RESULT, tolerant=tolerant)
        if any(finding.severity != "warning" for finding in findings):
            continue
        (block,) = load(bytes(whole), DEBIT_RESULT, tolerant=tolerant)
        assert block.trailer.total_amount == sum(line.amount for line in block.lines)


@given(st.binary(max_size=500))
def test_rubbish_is_refused(data: bytes):
    assert check(data, DEBIT_REQUEST) != []
    assert check(data, STATEMENT, tolerant=True) != []


@given(st.text(st.one_of(st.sampled_from(sorted(map(chr, HALF_WIDTH))), st.characters())))
def test_conversion_gives_clean_text_or_an_error(text: str):
    refused: UnconvertibleCharacter | None = None
    try:
        half = to_bank_kana(text)
    except UnconvertibleCharacter as error:
        refused = error
    else:
        _clean(half)
    assert refused is None or text[refused.position] == refused.char


def _clean(half: str) -> None:
    assert is_clean(half, PARTY_NAME)
    assert to_bank_kana(half) == half
    assert len(JIS.encode(half)) == len(half)


def test_a_file_of_one_line_has_four_records():
    assert len(request([])) == 3 * 122
