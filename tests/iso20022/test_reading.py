"""Strangers' XML: what the sandbox's bank writes is valid by the public schemas and read rightly; what is hostile ends early."""

import contextlib
import tracemalloc
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iso20022 import Account, Entry, IsoError, code_of, read_notice, read_receipt, read_result, read_statement, reason_of
from iso20022.reading import MAX_DEPTH, MAX_RECORD, MAX_TEXT, MAX_TOKEN, records
from iso20022.statuses import GroupStatus, ResultHead, ResultLine, ResultTotals
from sandbox.bankfile import ResultShape
from sandbox.config import read_config
from sandbox.formats import FORMATS
from sandbox.notice import Announced
from sandbox.records import Instruction, Order, to_records
from sandbox.statement import Heading, Movement
from tests.iso20022.messages import SPACE, wrong_with

BANK = FORMATS["iso20022"]
OURS, BUYER = "999110119130001", "999110119000002"
BATCH = "057312345001000018"
DAY = date(2000, 9, 24)
CODES = b"012348955"
LINES = [Instruction(BUYER, "Bｼﾔ", 1_000 + n, f"0573120000010000{n:02d}01", 0) for n in range(len(CODES))]
TOTAL = sum(line.amount for line in LINES)
DIGEST = "ab" * 32


def result(codes: bytes = CODES, **shape: object) -> bytes:
    _, request = to_records(Order("91", BATCH, "0000000130", "ｻｲﾄ 130", DAY, OURS, len(LINES), TOTAL), LINES)
    return BANK.result(request, codes, ResultShape(**shape), {})  # type: ignore[arg-type]


def receipt(**changes: object) -> bytes:
    said = {"file": "91_0000000130_20000924_001.xml", "sha256": DIGEST, "count": 9, "amount": 9036, "status": "accepted", "code": None}
    return BANK.receipt({**said, "reason": None, "at": "2000-09-20T11:00:00+09:00", "identity": BATCH, **changes})


MOVES = [
    Movement("in", "14", 125_000, summary=BATCH, identity=BATCH),
    Movement("out", "11", 90_000, summary="057312345001000026", identity="057312345001000026"),
    Movement("in", "11", 30_000, party="Dｼﾔ", edi="P0573120000010000121", summary="ﾌﾘｺﾐｼｷﾝﾍﾝｷﾔｸ", identity=BATCH),
    Movement("out", "18", 110),
]


def statement(moves: list[Movement] = MOVES, opening: int = -500) -> bytes:
    return BANK.statement(Heading("9991", "ﾋﾞ-ｷﾞﾝｺｳ", "101", "ﾎﾝﾃﾝ", "1", "9130001", "ｻｲﾄ 130", DAY, DAY), opening, moves)


def test_the_sandbox_writes_what_the_schemas_say():
    for content in (result(), receipt(), receipt(status="refused", code="LATE", reason="too late"), statement(), statement([], 0)):
        assert wrong_with(content) == []


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_a_result(chunk: int):
    content = result(codes=b"012348900")
    *lines, end = read_result(content[i : i + chunk] for i in range(0, len(content), chunk))
    account = Account("9991", "101", "1", "9000002")
    assert lines == [ResultLine(x.reference, account, x.amount, code - ord("0")) for x, code in zip(LINES, b"012348900", strict=True)]
    assert end == (
        ResultHead(BATCH, "0000000130", DAY, Account("9991", "101", "1", "9130001")),
        ResultTotals(9, TOTAL, 3, 1000 + 1007 + 1008, 6, TOTAL - 3015),
    )


def test_a_code_that_the_standard_does_not_have_is_kept():
    assert [x.code for x in read_result([result()]) if isinstance(x, ResultLine)] == [0, 1, 2, 3, 4, 8, 9, 5, 5]


def test_receipts():
    assert read_receipt([receipt()]) == GroupStatus(BATCH, 9, 9036, True, None, None, bytes.fromhex(DIGEST))
    refused = read_receipt([receipt(status="refused", code="LATE", reason="had to be here by noon")])
    assert (refused.accepted, refused.code, refused.reason) == (False, "LATE", "had to be here by noon")


def test_a_statement():
    found = read_statement([statement()])
    assert (found.account, found.opening, found.closing) == (Account("9991", "101", "1", "9130001"), -500, 64_390)
    assert found.entries == (
        Entry(True, 125_000, DAY, 14, BATCH, None, BATCH),
        Entry(False, 90_000, DAY, 11, "057312345001000026", None, "057312345001000026"),
        Entry(True, 30_000, DAY, 11, None, "P0573120000010000121", "ﾌﾘｺﾐｼｷﾝﾍﾝｷﾔｸ"),
        Entry(False, 110, DAY, 18, None, None, None),
    )


def test_a_notice_as_the_sandbox_writes_it():
    """camt.054: a credit and what takes it back, each under the bank's own number; valid, and read as it was meant."""
    told = [Announced(1, 30_000, "Dｼﾔ&", "P0573120000010000121"), Announced(1, 30_000, "Dｼﾔ&", "P0573120000010000121", cancels=True)]
    told += [Announced(2, 10**10, "", "")]
    bank = read_config({"clock": {"now": "2000-09-24T09:00:00+09:00"}, "banks": [{"code": "9991", "kana": "ﾋﾞ-", "notice_at": "17:00"}]})
    content = BANK.notice(bank.banks["9991"], OURS[4:], "ｻｲﾄ <130>", DAY, told)
    assert wrong_with(content) == []
    found = read_notice([content])
    assert found.account == Account("9991", "101", "1", "9130001")
    assert [(x.incoming, x.reversal, x.amount, x.reference, x.bank_reference, x.category) for x in found.entries] == [
        (True, False, 30_000, "P0573120000010000121", "1", 11),
        (False, True, 30_000, "P0573120000010000121", "1", 11),
        (True, False, 10**10, None, "2", 11),
    ]
    assert wrong_with(BANK.notice(bank.banks["9991"], OURS[4:], "ｻｲﾄ", DAY, told[:1])) == []


def test_a_notice():
    notice = statement().replace(b"camt.053.001.02", b"camt.054.001.02").replace(b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn")
    notice = notice.replace(b"<Stmt>", b"<Ntfctn>").replace(b"</Stmt>", b"</Ntfctn>")
    notice = b"".join([notice[: notice.index(b"<Bal>")], notice[notice.rindex(b"</Bal>") + 6 :]])
    assert wrong_with(notice) == []
    assert read_notice([notice]).entries == read_statement([statement()]).entries


CODES_TABLE = [
    # status, reason, notes, code
    ("ACSC", None, ["ZENGIN 0"], 0),
    ("ACSC", None, [], 0),
    ("RJCT", "AM04", [], 1),
    ("RJCT", "AC01", [], 2),
    ("RJCT", "AC04", [], 2),
    ("RJCT", "AC06", [], 2),
    ("RJCT", "BE01", [], 2),
    ("RJCT", "MS02", [], 3),
    ("RJCT", "MD01", [], 4),
    ("RJCT", "DS02", [], 8),
    ("RJCT", "CUST", [], 8),
    ("RJCT", "MS03", [], 9),
    ("RJCT", "NARR", ["as you like"], 9),
    ("RJCT", None, [], 9),
    ("RJCT", "AM04", ["ZENGIN 3"], 3),  # the bank's own digit counts
    ("RJCT", "NARR", ["ZENGIN 5"], 5),  # also one that is held later
    ("RJCT", "AM04", ["ZENGIN 0"], None),
    ("ACSC", None, ["ZENGIN 1"], None),
    ("RJCT", None, ["ZENGIN 1", "ZENGIN 2"], None),
    ("PDNG", None, [], None),
    ("ACCP", None, ["ZENGIN 0"], None),
    ("", None, [], None),
]


@pytest.mark.parametrize("status, reason, notes, code", CODES_TABLE)
def test_reasons(status, reason, notes, code):
    if code is None:
        with pytest.raises(IsoError):
            code_of(status, reason, notes)
    else:
        assert code_of(status, reason, notes) == code


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 8, 9])
def test_reasons_go_both_ways(code):
    reason = reason_of(code)
    assert code_of("RJCT" if code else "ACSC", reason, []) == code


def document(content: str, message: str = "pain.002.001.03", before: str = "") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>{before}<Document xmlns="{SPACE}{message}">{content}</Document>'.encode()


BOMB = '<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
GROUP = "<CstmrPmtStsRpt><OrgnlGrpInfAndSts>{}</OrgnlGrpInfAndSts></CstmrPmtStsRpt>"
HOSTILE = {
    "entities": (document("&b;", before=BOMB), "document type"),
    "an external entity": (document("&x;", before='<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/hostname">]>'), "document type"),
    "a document type alone": (document("", before="<!DOCTYPE Document>"), "document type"),
    "a processing instruction": (document("", before="<?xml-stylesheet href='x'?>"), "processing instruction"),
    "depth": (document("<a>" * (MAX_DEPTH + 1)), "levels"),
    "a long text": (document(GROUP.format("x" * (MAX_TEXT + 1))), "characters"),
    "many elements": (document(GROUP.format("<a></a>" * (MAX_RECORD + 1))), "elements"),
    "an endless tag": (document(f"<a {'x' * (2 * MAX_TOKEN)}"), "does not end|not well formed"),
    "another message": (document("", message="pain.001.001.03"), "not of pain.002"),
    "another namespace inside": (document('<x xmlns="urn:other"/>'), "not of pain.002"),
    "no namespace": (b"<Document/>", "not of pain.002"),
    "another root": (document("").replace(b"Document", b"Dokument"), "not Document"),
    "UTF-16": (document("").decode().replace("UTF-8", "UTF-16").encode("utf-16"), "UTF-8"),
    "Shift_JIS": (document("").replace(b"UTF-8", b"Shift_JIS"), "UTF-8|not well formed"),
    "bytes that are no UTF-8": (document(GROUP.format("@")).replace(b"@", b"\xff\xfe"), "not well formed"),
    "mixed text": (document(GROUP.format("x<GrpSts>ACTC</GrpSts>")), "text beside"),
    "nothing": (b"", "not well formed"),
    "cut": (result()[:-20], "not well formed"),
    "a second document": (document("") * 2, "not well formed"),
    "not XML": (b"1" * 120, "not well formed"),
}


@pytest.mark.parametrize("content, reason", HOSTILE.values(), ids=HOSTILE)
def test_hostile_messages_end_early(content, reason):
    with pytest.raises(IsoError, match=reason):
        list(records([content], "pain.002.001.03", {"CstmrPmtStsRpt/OrgnlGrpInfAndSts"}))


WRONG = {
    "two blocks": (
        lambda x: x.replace(
            b"</OrgnlPmtInfAndSts>", b"</OrgnlPmtInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>1</OrgnlPmtInfId></OrgnlPmtInfAndSts>"
        ),
        "second",
    ),
    "another block": (lambda x: x.replace(b"<OrgnlPmtInfId>0", b"<OrgnlPmtInfId>1"), "not that of the message"),
    "another date in one": (lambda x: x.replace(b"2000-09-24</ReqdColltnDt>", b"2000-09-25</ReqdColltnDt>", 1), "another date"),
    "no such date": (lambda x: x.replace(b"2000-09-24</ReqdColltnDt>", b"2000-02-30</ReqdColltnDt>", 1), "not a date"),
    "another currency": (lambda x: x.replace(b'Ccy="JPY"', b'Ccy="EUR"', 1), "not in JPY"),
    "a fraction": (lambda x: x.replace(b">1001</InstdAmt>", b">1001.5</InstdAmt>"), "whole yen"),
    "a sign": (lambda x: x.replace(b">1001</InstdAmt>", b">-1001</InstdAmt>"), "whole yen"),
    "no transactions": (lambda x: x[: x.index(b"<TxInfAndSts>")] + x[x.rindex(b"</TxInfAndSts>") + 14 :], "lacks its transactions"),
    "no totals": (lambda x: x.replace(f"<OrgnlCtrlSum>{TOTAL}</OrgnlCtrlSum>".encode(), b""), "lacks total"),
    "a status in between": (lambda x: x.replace(b"<TxSts>ACSC", b"<TxSts>ACSP", 1), "does not say"),
    "an IBAN": (lambda x: x.replace(b"<Othr><Id>9000002</Id></Othr>", b"<IBAN>DE02120300000000202051</IBAN>", 1), "missing"),
    "another clearing system": (lambda x: x.replace(b"JPZGN", b"USABA", 1), "JPZGN"),
    "an account of six digits": (lambda x: x.replace(b">9000002<", b">900000<", 1), "7 digits"),
}


@pytest.mark.parametrize("change, reason", WRONG.values(), ids=WRONG)
def test_a_result_that_cannot_be_used(change, reason):
    changed = change(result())
    assert changed != result()
    with pytest.raises(IsoError, match=reason) as caught:
        list(read_result([changed]))
    assert "9000002" not in str(caught.value)


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda x: x.replace(b"OPBD", b"PRCD"), "opening and its closing"),
        (lambda x: x.replace(b"OPBD", b"CLBD"), "opening and its closing"),
        (lambda x: x.replace(b"<Sts>BOOK", b"<Sts>PDNG", 1), "not booked"),
        (lambda x: x.replace(b"<NbOfNtries>2", b"<NbOfNtries>3", 1), "TtlCdtNtries"),
        (lambda x: x.replace(b"<Sum>155000", b"<Sum>155001"), "TtlCdtNtries"),
        (lambda x: x.replace(b">110</Amt>", b">0</Amt>"), "moves nothing"),
        (lambda x: x.replace(b"<CdtDbtInd>CRDT", b"<CdtDbtInd>BOTH"), "neither"),
        (lambda x: x.replace(b"<Id>91300012000", b"<Id>1</Id><Id>91300012000"), "2 accounts"),
    ],
)
def test_a_statement_that_cannot_be_used(change, reason):
    changed = change(statement())
    assert changed != statement()
    with pytest.raises(IsoError, match=reason):
        read_statement([changed])


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 4_000), gone=st.integers(0, 40), put=st.binary(max_size=8))
def test_a_mutated_result_is_read_or_refused_and_nothing_else(at: int, gone: int, put: bytes):
    content = result()
    with contextlib.suppress(IsoError):
        list(read_result([content[:at] + put + content[at + gone :]]))


def test_thousands_of_results_are_read_in_flat_memory():
    content = result(codes=b"0" * 9)
    start, end = content.index(b"<TxInfAndSts>"), content.index(b"</TxInfAndSts>") + 15
    head, one, tail = content[:start], content[start:end], content[content.rindex(b"</TxInfAndSts>") + 14 :]

    def chunks() -> Iterator[bytes]:
        yield head
        for _ in range(40):
            yield one * 100
        yield tail

    tracemalloc.start()
    try:
        assert sum(isinstance(x, ResultLine) for x in read_result(chunks())) == 4_000
        assert tracemalloc.get_traced_memory()[1] < 1_500_000
    finally:
        tracemalloc.stop()
