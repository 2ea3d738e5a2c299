"""The bank files' records: widths, bytes and complete files, byte for byte."""

from datetime import date

import pytest

from sandbox import layouts

ALL_120 = ("DEBIT_HEADER", "DEBIT_LINE", "DEBIT_TRAILER", "CREDIT_HEADER", "CREDIT_LINE", "CREDIT_TRAILER", "END")
ALL_200 = ("STATEMENT_HEADER", "STATEMENT_LINE", "STATEMENT_TRAILER", "STATEMENT_END")


@pytest.mark.parametrize("name, length", [(n, 120) for n in ALL_120] + [(n, 200) for n in ALL_200])
def test_widths_add_up(name, length):
    assert getattr(layouts, name).length == length


@pytest.mark.parametrize(
    "layout, field, byte, width",
    [
        # 1-based offsets, as the standard's tables print them
        ("DEBIT_HEADER", "consignor", 5, 10),
        ("DEBIT_HEADER", "month_day", 55, 4),
        ("DEBIT_HEADER", "account", 97, 7),
        ("DEBIT_LINE", "branch", 21, 3),
        ("DEBIT_LINE", "type", 43, 1),
        ("DEBIT_LINE", "account", 44, 7),
        ("DEBIT_LINE", "amount", 81, 10),
        ("DEBIT_LINE", "customer_number", 92, 20),
        ("DEBIT_LINE", "result", 112, 1),
        ("DEBIT_TRAILER", "debited_count", 20, 6),
        ("DEBIT_TRAILER", "failed_amount", 44, 12),
        ("CREDIT_HEADER", "month_day", 55, 4),
        ("CREDIT_LINE", "account", 44, 7),
        ("CREDIT_LINE", "amount", 81, 10),
        ("CREDIT_LINE", "edi", 92, 20),
        ("CREDIT_LINE", "edi_mark", 113, 1),
        ("CREDIT_TRAILER", "amount", 8, 12),
        ("STATEMENT_HEADER", "account", 64, 10),
        ("STATEMENT_HEADER", "opening", 116, 14),
        ("STATEMENT_LINE", "direction", 22, 1),
        ("STATEMENT_LINE", "amount", 25, 12),
        ("STATEMENT_LINE", "party", 82, 48),
        ("STATEMENT_LINE", "summary", 160, 20),
        ("STATEMENT_LINE", "edi", 180, 20),
        ("STATEMENT_TRAILER", "closing", 41, 14),
        ("STATEMENT_TRAILER", "line_count", 55, 7),
        ("STATEMENT_END", "account_count", 12, 5),
    ],
)
def test_places(layout, field, byte, width):
    assert getattr(layouts, layout).places[field] == slice(byte - 1, byte - 1 + width)


def test_a_record_in_bytes():
    record = layouts.DEBIT_LINE.pack(
        {
            "bank": "9991",
            "bank_name": "ﾋﾞ-ﾊﾞﾝｸ",
            "branch": "101",
            "branch_name": "ﾎﾝﾃﾝ",
            "type": "1",
            "account": "9000001",
            "holder": "ｶ)ｱｵｿﾞﾗｼﾖｳｼﾞ",
            "amount": 125000,
            "new_code": "1",
            "customer_number": "20261207000001",
        }
    )
    assert record.hex() == (
        "3239393931cbde2dcadeddb82020202020202020313031ceddc3dd20202020202020202020202020"
        "20203139303030303031b629b1b5bfded7bcd6b3bcde202020202020202020202020202020202020"
        "3030303031323530303031303030303030"
        "323032363132303730303030303130"
        "2020202020202020"
    )
    assert layouts.DEBIT_LINE.pack(layouts.DEBIT_LINE.unpack(record)) == record


@pytest.mark.parametrize(
    "day, written",
    [
        (date(2000, 9, 24), "120924"),
        (date(2026, 12, 7), "081207"),
        (date(2016, 5, 3), "280503"),
        (date(2019, 4, 30), "310430"),
        (date(2019, 5, 1), "010501"),
        (date(1989, 1, 7), "640107"),
    ],
)
def test_era(day, written):
    assert layouts.era_date(day) == written


@pytest.mark.parametrize("text", ["カ", "髙", "é", "\n", "\x7f"])
def test_what_has_no_byte(text):
    with pytest.raises(layouts.BadText):
        layouts.encode(text)


@pytest.mark.parametrize("byte", [0x00, 0x0A, 0x1A, 0x7F, 0x80, 0xA0, 0xE0, 0xFF])
def test_what_is_no_character(byte):
    with pytest.raises(layouts.BadText):
        layouts.decode(bytes([byte]))


def test_yen_sign_and_kana():
    assert layouts.encode("¥ｱﾟ") == b"\x5c\xb1\xdf"
    assert layouts.decode(b"\xa1\xdf ~") == "｡ﾟ ~"


@pytest.mark.parametrize("values", [{"account": "12345678"}, {"amount": "1.5"}, {"amount": -1}, {"holder": "ｱ" * 31}, {"nothing": 1}])
def test_what_does_not_fit_is_refused(values):
    with pytest.raises(ValueError):  # noqa: PT011 -- the message depends on the field
        layouts.DEBIT_LINE.pack(values)
