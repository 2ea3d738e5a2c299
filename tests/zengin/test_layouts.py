"""Where every field stands. The library computes offsets from widths; these are the standard's own, typed by hand, so
that a wrong width cannot hide behind a test that computes it the same way."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from zengin.charset import PARTY_NAME
from zengin.layout import Field, Kind, Layout
from zengin.layouts import debit, notice, payout, statement
from zengin.layouts.parts import digits, dummy, fixed
from zengin.records import EndRecord

PLACES = {
    debit.HEADER: """
        record_type 1 1 | kind_code 2 2 | code_kind 4 1 | consignor_code 5 10 | consignor_name 15 40
        debit_mmdd 55 4 | collection_bank_code 59 4 | collection_bank_name 63 15 | collection_branch_code 78 3
        collection_branch_name 81 15 | collection_account_type 96 1 | collection_account_number 97 7
    """,
    debit.REQUEST_LINE: """
        record_type 1 1 | payer_bank_code 2 4 | payer_bank_name 6 15 | payer_branch_code 21 3 | payer_branch_name 24 15
        payer_account_type 43 1 | payer_account_number 44 7 | payer_name 51 30 | amount 81 10 | new_code 91 1
        customer_number 92 20 | result_code 112 1
    """,
    debit.TRAILER: """
        record_type 1 1 | total_count 2 6 | total_amount 8 12 | debited_count 20 6 | debited_amount 26 12
        failed_count 38 6 | failed_amount 44 12
    """,
    debit.END: "record_type 1 1",
    payout.HEADER: """
        record_type 1 1 | kind_code 2 2 | code_kind 4 1 | payer_code 5 10 | payer_name 15 40 | execution_mmdd 55 4
        payer_bank_code 59 4 | payer_bank_name 63 15 | payer_branch_code 78 3 | payer_branch_name 81 15
        payer_account_type 96 1 | payer_account_number 97 7
    """,
    payout.LINE: """
        record_type 1 1 | payee_bank_code 2 4 | payee_bank_name 6 15 | payee_branch_code 21 3 | payee_branch_name 24 15
        clearing_house_number 39 4 | payee_account_type 43 1 | payee_account_number 44 7 | payee_name 51 30
        amount 81 10 | new_code 91 1 | edi 92 20 | routing_kind 112 1 | edi_marker 113 1
    """,
    payout.LINE_WITH_CODES: """
        record_type 1 1 | payee_bank_code 2 4 | payee_bank_name 6 15 | payee_branch_code 21 3 | payee_branch_name 24 15
        clearing_house_number 39 4 | payee_account_type 43 1 | payee_account_number 44 7 | payee_name 51 30
        amount 81 10 | new_code 91 1 | customer_code_1 92 10 | customer_code_2 102 10 | routing_kind 112 1
        edi_marker 113 1
    """,
    payout.TRAILER: "record_type 1 1 | total_count 2 6 | total_amount 8 12",
    statement.HEADER: """
        record_type 1 1 | kind_code 2 2 | code_kind 4 1 | created_ymd 5 6 | first_ymd 11 6 | last_ymd 17 6
        bank_code 23 4 | bank_name 27 15 | branch_code 42 3 | branch_name 45 15 | account_type 63 1
        account_number 64 10 | account_name 74 40 | opening_sign 114 1 | passbook_kind 115 1 | opening_balance 116 14
    """,
    statement.LINE: """
        record_type 1 1 | inquiry_number 2 8 | booked_ymd 10 6 | value_ymd 16 6 | direction 22 1 | entry_kind 23 2
        amount 25 12 | other_bank_amount 37 12 | presented_ymd 49 6 | dishonoured_ymd 55 6 | bill_kind 61 1
        bill_number 62 7 | sister_branch_code 69 3 | remitter_code 72 10 | remitter_name 82 48
        remitting_bank_name 130 15 | remitting_branch_name 145 15 | description 160 20 | edi 180 20
    """,
    statement.TRAILER: """
        record_type 1 1 | credit_count 2 6 | credit_amount 8 13 | debit_count 21 6 | debit_amount 27 13
        closing_sign 40 1 | closing_balance 41 14 | line_count 55 7
    """,
    statement.END: "record_type 1 1 | record_count 2 10 | account_count 12 5",
    notice.HEADER: """
        record_type 1 1 | kind_code 2 2 | code_kind 4 1 | created_ymd 5 6 | first_ymd 11 6 | last_ymd 17 6
        bank_code 23 4 | bank_name 27 15 | branch_code 42 3 | branch_name 45 15 | account_type 60 1
        account_number 61 7 | account_name 68 40
    """,
    notice.LINE: """
        record_type 1 1 | inquiry_number 2 6 | booked_ymd 8 6 | value_ymd 14 6 | amount 20 10 | other_bank_amount 30 10
        remitter_code 40 10 | remitter_name 50 48 | remitting_bank_name 98 15 | remitting_branch_name 113 15
        cancel_code 128 1 | edi 129 20
    """,
    notice.LINE_B: """
        record_type 1 1 | inquiry_number 2 6 | booked_ymd 8 6 | value_ymd 14 6 | amount 20 10 | other_bank_amount 30 10
        remitter_code 40 10 | remitter_name 50 48 | remitting_bank_name 98 15 | remitting_branch_name 113 15
        cancel_code 128 1 | large_amount 129 12 | large_other_bank_amount 141 12 | edi 153 20
    """,
    notice.TRAILER: """
        record_type 1 1 | total_count 2 6 | total_amount 8 12 | cancelled_count 20 6 | cancelled_amount 26 12
    """,
}


def places(table: str) -> dict[str, tuple[int, int]]:
    cells = [cell.split() for line in table.strip().splitlines() for cell in line.split("|")]
    return {name: (int(column), int(width)) for name, column, width in cells}


@pytest.mark.parametrize("layout, table", PLACES.items(), ids=[layout.name for layout in PLACES])
def test_every_field_stands_where_the_standard_puts_it(layout: Layout[object], table: str):
    assert {name: (at + 1, layout.field(name).width) for name, at in layout.offsets.items()} == places(table)


@pytest.mark.parametrize("layout", PLACES, ids=[layout.name for layout in PLACES])
def test_a_record_has_120_or_200_bytes(layout: Layout[object]):
    assert layout.width == (200 if layout.name.startswith(("statement", "notice")) else 120)


@pytest.mark.parametrize("layout", PLACES, ids=[layout.name for layout in PLACES])
def test_every_field_has_a_japanese_label(layout: Layout[object]):
    assert [field.name for field in layout.fields if field.label.isascii()] == []


class Sole(NamedTuple):
    number: str


@pytest.mark.parametrize(
    "fields, record, reason",
    [
        ([fixed("record_type", "9", "区分"), dummy(118)], EndRecord, "widths add up to 119"),
        ([fixed("record_type", "9", "区分"), dummy(120)], EndRecord, "widths add up to 121"),
        ([digits("code", 1, "番号"), dummy(119)], Sole, "the record's fields are not the layout's"),
        ([fixed("a", "9", "区分"), fixed("a", "9", "区分"), dummy(118)], EndRecord, "stands twice"),
        ([Field("a", 2, Kind.FIXED, "区分", value="9"), dummy(118)], EndRecord, "value and width differ"),
    ],
)
def test_a_wrong_table_is_refused_at_import(fields: list[Field], record: type, reason: str):
    with pytest.raises(ValueError, match=reason):
        Layout("made up", "試作", fields, record)


def test_a_text_field_knows_its_characters():
    assert debit.REQUEST_LINE.field("payer_name").chars is PARTY_NAME
