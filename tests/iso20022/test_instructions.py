"""What we write is what the public schemas say, and carries what it was given."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from iso20022 import Account, IsoError, Line, Order, write_credits, write_debits
from tests.iso20022.messages import SPACE, wrong_with

OURS = Account("9991", "101", "1", "9130001", "ｻｲﾄ 130")
ORDER = Order("057312345001000018", datetime(2000, 9, 20, 2, tzinfo=UTC), 2, 288_000, "0000000130", date(2000, 9, 24), OURS)
LINES = (
    Line(Account("9991", "101", "1", "9000002", "Bｼﾔ"), 198_000, "05731200000100001201"),
    Line(Account("9992", "201", "2", "9000004", "A&B <ﾀﾝ>"), 90_000, "P057312000001000012A"),
)


@pytest.mark.parametrize("write", [write_debits, write_credits])
def test_what_is_written_is_valid(write):
    assert wrong_with(write(ORDER, LINES)) == []


def test_the_schemas_can_say_no():
    assert wrong_with(b"".join(write_debits(ORDER, LINES)).replace(b"<PmtMtd>DD", b"<PmtMtd>TRF")) != []


@pytest.mark.parametrize(
    "write, root, line, theirs, ours, day",
    [
        (write_debits, "CstmrDrctDbtInitn", "DrctDbtTxInf", "Dbtr", "Cdtr", "ReqdColltnDt"),
        (write_credits, "CstmrCdtTrfInitn", "CdtTrfTxInf", "Cdtr", "Dbtr", "ReqdExctnDt"),
    ],
)
def test_what_is_written_says_what_it_was_given(write, root, line, theirs, ours, day):
    document = etree.fromstring(b"".join(write(ORDER, LINES)))
    spaces = {"x": str(etree.QName(document).namespace)}

    def all_of(path: str) -> list[str]:
        return [element.text for element in document.findall("/".join(f"x:{tag}" for tag in path.split("/")), spaces)]

    payment = f"{root}/PmtInf"
    assert all_of(f"{root}/GrpHdr/MsgId") == all_of(f"{payment}/PmtInfId") == ["057312345001000018"]
    assert all_of(f"{root}/GrpHdr/InitgPty/Id/OrgId/Othr/Id") == ["0000000130"]
    assert all_of(f"{root}/GrpHdr/NbOfTxs") == all_of(f"{payment}/NbOfTxs") == ["2"]
    assert all_of(f"{root}/GrpHdr/CtrlSum") == all_of(f"{payment}/CtrlSum") == ["288000"]
    assert all_of(f"{payment}/{day}") == ["2000-09-24"]
    assert all_of(f"{payment}/{ours}Acct/Id/Othr/Id") == ["9130001"]
    one = f"{payment}/{line}"
    assert all_of(f"{one}/PmtId/EndToEndId") == [x.reference for x in LINES]
    assert all_of(f"{one}/{theirs}/Nm") == ["Bｼﾔ", "A&B <ﾀﾝ>"]
    assert all_of(f"{one}/{theirs}Acct/Id/Othr/Id") == ["9000002", "9000004"]
    assert all_of(f"{one}/{theirs}Acct/Tp/Prtry") == ["1", "2"]
    assert all_of(f"{one}/{theirs}Agt/FinInstnId/ClrSysMmbId/MmbId") == ["9991", "9992"]
    assert all_of(f"{one}/{theirs}Agt/FinInstnId/ClrSysMmbId/ClrSysId/Cd") == ["JPZGN"] * 2
    assert all_of(f"{one}/{theirs}Agt/BrnchId/Id") == ["101", "201"]


@pytest.mark.parametrize(
    "order, lines",
    [
        (replace(ORDER, count=3), LINES),
        (replace(ORDER, total=288_001), LINES),
        (ORDER, LINES[:1]),
        (ORDER, (LINES[0], replace(LINES[1], account=replace(LINES[1].account, holder="a\0b")))),
        (ORDER, (LINES[0], replace(LINES[1], account=replace(LINES[1].account, holder="\ud800")))),
        (ORDER, (LINES[0], replace(LINES[1], account=replace(LINES[1].account, holder="")))),
        (ORDER, (LINES[0], replace(LINES[1], reference="x" * 36))),
        (replace(ORDER, message_id="x" * 36), LINES),
    ],
)
def test_what_cannot_be_said_is_not_written(order, lines):
    with pytest.raises(IsoError):
        b"".join(write_debits(order, lines))


def test_the_same_lines_give_the_same_bytes_and_an_account_is_not_shown():
    assert b"".join(write_debits(ORDER, LINES)) == b"".join(write_debits(ORDER, iter(LINES)))
    assert "9130001" not in repr(ORDER)
    assert "9000002" not in repr(LINES)


@settings(max_examples=60, deadline=None)
@given(holder=st.text(min_size=1, max_size=140))
def test_any_name_is_refused_or_comes_back_the_same(holder: str):
    line = replace(LINES[0], account=replace(LINES[0].account, holder=holder))
    order = replace(ORDER, count=1, total=line.amount)
    try:
        content = b"".join(write_debits(order, [line]))
    except IsoError:
        return
    document = etree.fromstring(content)
    names = [x.text for x in document.iter(f"{{{SPACE}pain.008.001.02}}Nm")]
    # XML itself reads every line break as one LF
    assert names[2] == holder.replace("\r\n", "\n").replace("\r", "\n")


def test_a_hundred_thousand_lines_are_written_in_flat_memory():
    import tracemalloc

    tracemalloc.start()
    try:
        size = sum(map(len, write_debits(replace(ORDER, count=100_000, total=19_800_000_000), (LINES[0] for _ in range(100_000)))))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 30_000_000
    assert peak < 2_000_000
