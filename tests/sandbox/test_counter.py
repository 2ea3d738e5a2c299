"""What a bank refuses at the counter, and what it does with a name that it knows."""

from collections.abc import Callable

import pytest

from tests.sandbox.conftest import Maker
from tests.sandbox.worlds import Sandbox, configuration, credit_file, credit_name, debit_file, debit_name, result_codes, sha256

LINES = [("9000008", 12_000), ("9000002", 3_000)]
GOOD = debit_file("09-24", LINES)
NAME = debit_name("09-24")
# The records of GOOD start here: header, two lines, trailer, end; 122 bytes each.
LINE_1, TRAILER, END = 122, 366, 488


def patched(offset: int, value: bytes) -> bytes:
    return GOOD[:offset] + value + GOOD[offset + len(value) :]


@pytest.mark.parametrize(
    "content, code",
    [
        (GOOD, None),
        (b"", "FORMAT"),
        (GOOD[:-2], "FORMAT"),  # the last CRLF is missing
        (GOOD.replace(b"\r\n", b"\n"), "FORMAT"),
        (GOOD.replace(b"\r\n", b""), "FORMAT"),
        (GOOD + b"\x1a", "FORMAT"),
        (GOOD[:END], "FORMAT"),  # no end record
        (GOOD[LINE_1:], "FORMAT"),  # no header
        (GOOD + GOOD, "FORMAT"),  # two blocks
        (patched(LINE_1, b"3"), "FORMAT"),  # no such record
        (patched(LINE_1 + 60, b"\x81\x40"), "FORMAT"),  # a character of two bytes
        (patched(LINE_1 + 60, b"\r\n"), "FORMAT"),
        (patched(LINE_1 + 80, b"00000x2000"), "FORMAT"),  # an amount that is no number
        (patched(1, b"21"), "FORMAT"),  # another kind than the name says
        (patched(3, b"1"), "FORMAT"),  # EBCDIC
        (patched(4, b"0000000131"), "FORMAT"),  # another consignor than the name says
        (patched(54, b"0925"), "FORMAT"),  # another day than the name says
        (patched(TRAILER + 1, b"000003"), "TOTALS"),
        (patched(TRAILER + 18, b"1"), "TOTALS"),
        (patched(TRAILER + 24, b"1"), "FORMAT"),  # a result in a request
        (patched(END + 5, b"x"), "FORMAT"),
        (debit_file("09-24", LINES, bank="9990"), "CONSIGNOR"),
        (debit_file("09-24", LINES, account="10119000008"), "CONSIGNOR"),
        (debit_file("09-24", LINES, account="10219130001"), "CONSIGNOR"),
    ],
)
async def test_what_is_refused_as_a_whole(sandbox: Sandbox, content: bytes, code: str | None):
    receipt = await sandbox.send("9991", NAME, content)
    assert (receipt["code"], receipt["status"]) == (code, "refused" if code else "accepted")
    assert receipt["sha256"] == sha256(content)
    assert (receipt["reason"] is None) == (code is None)
    assert ((await sandbox.settle())["next"] is None) == (code is not None)  # what is refused is not carried out


@pytest.mark.parametrize(
    "name",
    [
        "91_0000000130_20000924_1.txt",
        "91_0000000130_20000230_001.txt",
        "92_0000000130_20000924_001.txt",
        "91_130_20000924_001.txt",
        "91_0000000130_20000924_001.dat",
        "hello",
    ],
)
async def test_names_that_say_nothing(sandbox: Sandbox, name: str):
    assert (await sandbox.send("9991", name, GOOD))["code"] == "FORMAT"


async def test_an_unknown_consignor(sandbox: Sandbox):
    name = debit_name("09-24", consignor="0000000131")
    assert (await sandbox.send("9991", name, debit_file("09-24", LINES, consignor="0000000131")))["code"] == "CONSIGNOR"


@pytest.mark.parametrize(
    "name, content, at, code",
    [
        (NAME, GOOD, "09-20 12:00", None),
        (NAME, GOOD, "09-20 12:01", "LATE"),
        (debit_name("09-19"), debit_file("09-19", LINES), "09-20 09:00", "LATE"),
        (credit_name("09-21"), credit_file("09-21", [("9990", "001", "9000001", 1, "P")]), "09-20 12:00", None),
        (credit_name("09-21"), credit_file("09-21", [("9990", "001", "9000001", 1, "P")]), "09-20 12:01", "LATE"),
    ],
)
async def test_deadlines(sandbox: Sandbox, name: str, content: bytes, at: str, code: str | None):
    await sandbox.clock(at)
    assert (await sandbox.send("9991", name, content))["code"] == code


@pytest.mark.parametrize(
    "on, at, code",
    [
        # 2000-09-23 is a holiday, a Saturday; 09-22 a Friday. Four bank days before Thursday the 28th: Friday the 22nd.
        ("09-23", "09-18 09:00", "DATE"),
        ("09-24", "09-18 09:00", "DATE"),
        ("09-26", "09-20 12:00", None),
        ("09-26", "09-20 12:01", "LATE"),
        ("09-28", "09-22 12:00", None),
        ("09-28", "09-22 12:01", "LATE"),
        ("12-31", "09-18 09:00", "DATE"),
    ],
)
async def test_bank_days(make_sandbox: Maker, on: str, at: str, code: str | None):
    config = configuration(holidays=["2000-09-23"], clock={"now": "2000-09-18T09:00:00+09:00"})
    config["banks"][1]["calendar"] = "BANK_DAYS"
    sandbox = await make_sandbox(config)
    await sandbox.clock(at)
    assert (await sandbox.send("9991", debit_name(on), debit_file(on, LINES)))["code"] == code


async def test_bank_days_carry_results_and_statements_over_the_weekend(make_sandbox: Maker):
    config = configuration(clock={"now": "2000-09-18T09:00:00+09:00"})
    config["banks"][1]["calendar"] = "BANK_DAYS"
    sandbox = await make_sandbox(config)
    name = debit_name("09-22")
    await sandbox.send("9991", name, debit_file("09-22", LINES))
    before = await sandbox.clock("09-25 05:59")
    assert before["next"] == "2000-09-25T06:00:00+09:00"
    assert sandbox.out("9991") == [f"{name}.receipt.json"]
    await sandbox.clock("09-25 10:00")
    assert len(sandbox.out("9991")) == 3


@pytest.mark.parametrize("limit", [{"max_lines": 1}, {"max_amount": 14_999}])
async def test_limits(make_sandbox: Maker, limit: dict[str, int]):
    config = configuration()
    config["banks"][1] |= limit
    sandbox = await make_sandbox(config)
    assert (await sandbox.send("9991", NAME, GOOD))["code"] == "LIMIT"
    small = debit_file("09-24", LINES[1:])
    assert (await sandbox.send("9991", debit_name("09-24", 2), small))["code"] is None


@pytest.mark.parametrize(
    "offset, value",
    [
        (42, b"5"),  # an account kind that debits do not have
        (80, b"0000000000"),
        (90, b"7"),  # 新規コード
        (91, b"x"),  # the customer number
    ],
)
async def test_a_credit_line_that_cannot_be_read_refuses_the_file(sandbox: Sandbox, offset: int, value: bytes):
    content = credit_file("09-22", [("9990", "001", "9000001", 1, "P")])
    start = LINE_1 + offset
    content = content[:start] + value + content[start + len(value) :]
    assert (await sandbox.send("9991", credit_name("09-22"), content))["code"] in {"FORMAT", "TOTALS"}


def changed_line(offset: int, value: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[: LINE_1 + offset] + value + content[LINE_1 + offset + len(value) :]


@pytest.mark.parametrize(
    "change, code",
    [
        (changed_line(0, b"2"), "0"),
        (changed_line(1, b"0000"), "9"),
        (changed_line(1, b"9999"), "9"),
        (changed_line(1, b"9990"), "9"),  # another bank's account
        (changed_line(20, b"999"), "9"),
        (changed_line(42, b"4"), "9"),  # savings are not debited
        (changed_line(42, b"2"), "2"),
        (changed_line(43, b"0000000"), "2"),
        (changed_line(43, b"9999999"), "9"),
        (changed_line(43, b"9000555"), "2"),
        (changed_line(50, b"a"), "9"),  # lower case
        (changed_line(50, b"\xa7"), "9"),  # small kana
        (changed_line(50, b"\xb0\xa6"), "0"),  # ｰ and ｦ are taken, though not in the strict set
        (changed_line(90, b" "), "0"),
        (changed_line(90, b"3"), "9"),
        (changed_line(91, b"x"), "9"),
        (changed_line(111, b"1"), "9"),  # a result in a request
        (changed_line(112, b"x"), "9"),
    ],
)
async def test_what_is_answered_line_by_line(sandbox: Sandbox, change: Callable[[bytes], bytes], code: str):
    assert (await sandbox.send("9991", NAME, change(GOOD)))["status"] == "accepted"
    await sandbox.clock("09-25 10:00")
    assert result_codes(sandbox.read("9991", f"{NAME}.result.txt")) == code + "0"


async def test_mandates(sandbox: Sandbox):
    """4 without one, 3 when the payer has stopped it; the balance is not even looked at."""
    for number in ("9000041", "9000042", "9000043"):
        await sandbox.http.post("/banks/9991/accounts", json={"branch": "101", "type": "1", "number": number, "deposit": 5})
    mandates = [
        {"consignor": "0000000130", "branch": "101", "type": "1", "number": "9000042"},
        {"consignor": "0000000130", "branch": "101", "type": "1", "number": "9000043", "stopped": True},
        {"consignor": "0000000999", "branch": "101", "type": "1", "number": "9000041"},
    ]
    assert (await sandbox.http.post("/banks/9991/mandates", json=mandates)).json() == {"mandates": 3}
    lines = [("9000041", 1), ("9000042", 1), ("9000043", 1), ("9000041", 6), ("9000043", 6), ("9000042", 6)]
    await sandbox.send("9991", NAME, debit_file("09-24", lines))
    await sandbox.clock("09-25 10:00")
    assert result_codes(sandbox.read("9991", f"{NAME}.result.txt")) == "403431"


# -- a known name ----------------------------------------------------------------------------------------------------------------


async def test_a_deduplicating_bank_gives_the_first_receipt_again(sandbox: Sandbox):
    content = debit_file("09-24", [("9000003", 1_000)], bank="9990", account="00119130000")
    first = await sandbox.send("9990", NAME, content)
    (sandbox.directory / "banks" / "9990" / "out" / f"{NAME}.receipt.json").unlink()
    await sandbox.clock("09-20 13:00")  # after the deadline: what is known is not late
    assert await sandbox.send("9990", NAME, content) == first
    assert sandbox.out("9990") == [f"{NAME}.receipt.json"]
    status = await sandbox.clock("09-25 10:00")
    assert await sandbox.balances("9990") == {"9000003": 49_000, "9130000": 1_000}
    assert status["published"]["9990"] == 3  # receipt, statement, result: the repeated receipt is the same file


async def test_a_plain_bank_refuses_it_beside_the_first(sandbox: Sandbox):
    first = await sandbox.send("9991", NAME, GOOD)
    for number in (2, 3):
        sandbox.upload("9991", NAME, GOOD)
        await sandbox.settle()
        refused = sandbox.receipt("9991", NAME, number)
        assert (refused["status"], refused["code"], refused["sha256"]) == ("refused", "DUPLICATE", sha256(GOOD))
    assert sandbox.receipt("9991", NAME) == first
    await sandbox.clock("09-25 10:00")
    assert (await sandbox.balances("9991"))["9130001"] == 15_000


@pytest.mark.parametrize("bank, account, payer", [("9990", "00119130000", "9000003"), ("9991", "10119130001", "9000008")])
async def test_both_refuse_other_bytes_under_a_known_name(sandbox: Sandbox, bank: str, account: str, payer: str):
    first, other = (debit_file("09-24", [(payer, yen)], bank=bank, account=account) for yen in (1_000, 2_000))
    receipt = await sandbox.send(bank, NAME, first)
    sandbox.upload(bank, NAME, other)
    await sandbox.settle()
    refused = sandbox.receipt(bank, NAME, 2)
    assert (refused["code"], refused["sha256"]) == ("NAME_REUSED", sha256(other))
    assert sandbox.receipt(bank, NAME) == receipt
    taken = sandbox.directory / "banks" / bank / "taken"
    assert (taken / NAME).read_bytes() == first
    assert (taken / f"{NAME}.2").read_bytes() == other
    await sandbox.clock("09-25 10:00")
    assert (await sandbox.balances(bank))[account[4:]] == 1_000


async def test_a_refused_name_is_known_for_ever(sandbox: Sandbox):
    await sandbox.send("9991", NAME, b"nonsense")
    sandbox.upload("9991", NAME, GOOD)
    await sandbox.settle()
    assert sandbox.receipt("9991", NAME, 2)["code"] == "NAME_REUSED"
    assert (await sandbox.settle())["next"] is None
