"""A bank through its days: files in, money moved, files out."""

import pytest

from tests.sandbox.worlds import (
    Sandbox,
    credit_file,
    credit_name,
    customer,
    debit_file,
    debit_name,
    result_codes,
    sha256,
    statement,
    statement_name,
    totals,
)


async def test_debits_from_file_to_statement(sandbox: Sandbox):
    name, content = debit_name("09-24"), debit_file("09-24", [("9000002", 25_000), ("9000008", 12_000)])
    assert await sandbox.send("9991", name, content) == {
        "file": name,
        "sha256": sha256(content),
        "count": 2,
        "amount": 37_000,
        "status": "accepted",
        "code": None,
        "reason": None,
        "at": "2000-09-20T09:00:00+09:00",
    }
    assert (sandbox.directory / "banks" / "9991" / "taken" / name).read_bytes() == content
    assert not list((sandbox.directory / "banks" / "9991" / "in").iterdir())

    status = await sandbox.clock("09-24 14:59")
    assert status["next"] == "2000-09-24T15:00:00+09:00"
    assert await sandbox.balances("9991") == {"9000002": 10_000, "9000008": 500_000}

    await sandbox.clock("09-24 15:00")
    assert await sandbox.balances("9991") == {"9000002": 10_000, "9000008": 488_000, "9130001": 12_000}
    assert await sandbox.book("9991", "10119000008") == [
        ("2000-09-20", "in", 500_000, "deposit", None, ""),
        ("2000-09-24", "out", 12_000, "debit", name, customer(2)),
    ]
    assert await sandbox.book("9991", "10119130001") == [("2000-09-24", "in", 12_000, "lump", name, "")]
    assert sandbox.out("9991") == [f"{name}.receipt.json"]

    await sandbox.clock("09-25 10:00")
    assert sandbox.out("9991") == [statement_name("9991", "10119130001", "09-24"), f"{name}.receipt.json", f"{name}.result.txt"]
    result = sandbox.read("9991", f"{name}.result.txt")
    assert result_codes(result) == "10"
    assert totals(result) == (1, 12_000, 1, 25_000)
    # Everything but byte 112 and the trailer is what was sent.
    sent, answered = content.split(b"\r\n"), result.split(b"\r\n")
    assert [r[:111] + r[112:] for r in answered[1:3]] == [r[:111] + r[112:] for r in sent[1:3]]
    assert (answered[0], answered[-2:]) == (sent[0], sent[-2:])

    opening, lines, closing = statement(sandbox.read("9991", statement_name("9991", "10119130001", "09-24")))
    assert (opening, closing) == (0, 12_000)
    assert lines == [("1", "14", "12000", "", "91 0924 001", "")]


async def test_credits_between_banks_clear_the_same_day(sandbox: Sandbox):
    await fund(sandbox, 100_000)
    edi = "S0000573120000010001"
    name = credit_name("09-22")
    lines = [("9990", "001", "9130000", 60_000, edi), ("9990", "001", "9000001", 30_000, "P05731200000100001Z")]
    receipt = await sandbox.send("9991", name, credit_file("09-22", lines))
    assert (receipt["status"], receipt["count"], receipt["amount"]) == ("accepted", 2, 90_000)
    await sandbox.clock("09-22 09:00")
    assert (await sandbox.balances("9991"))["9130001"] == 10_000
    assert await sandbox.balances("9990") == {"9000001": 30_000, "9000003": 50_000, "9130000": 60_000}

    await sandbox.clock("09-23 06:00")
    paid = statement(sandbox.read("9991", statement_name("9991", "10119130001", "09-22")))
    assert paid == (100_000, [("2", "11", "90000", "", "21 0922 001", "")], 10_000)
    arrived = statement(sandbox.read("9990", statement_name("9990", "00119130000", "09-22")))
    assert arrived == (0, [("1", "11", "60000", "ｻｲﾄ", "21 0922 001", edi)], 60_000)
    # A seller is not asked to be reported on.
    assert [n for n in sandbox.out("9990") if n.startswith("03_")] == [statement_name("9990", "00119130000", "09-22")]


async def fund(sandbox: Sandbox, amount: int) -> None:
    answer = await sandbox.http.post("/banks/9991/accounts", json={"branch": "101", "type": "1", "number": "9130001", "deposit": amount})
    assert (answer.status_code, answer.json()["balance"]) == (201, amount)


async def test_a_file_without_cover_is_left_alone_silently(sandbox: Sandbox):
    name = credit_name("09-22")
    lines = [("9990", "001", "9130000", 60_000, "S0573120000010000121")]
    assert (await sandbox.send("9991", name, credit_file("09-22", lines)))["status"] == "accepted"
    await sandbox.clock("09-30 00:00")
    assert sandbox.out("9991") == [f"{name}.receipt.json"]
    assert await sandbox.book("9991", "10119130001") == []
    assert await sandbox.book("9990", "00119130000") == []


@pytest.mark.parametrize(
    "number, on",
    [
        ("9009999", "2000-09-23"),  # nobody's account: the bank's usual delay, one day
        ("9990100", "2000-09-23"),
        ("9990101", "2000-09-22"),
        ("9990102", "2000-09-24"),
        ("9990103", "2000-09-25"),
    ],
)
async def test_a_credit_that_finds_no_account_comes_back(sandbox: Sandbox, number: str, on: str):
    await fund(sandbox, 50_000)
    edi, name = "P0573120000010000121", credit_name("09-22")
    await sandbox.send("9991", name, credit_file("09-22", [("9990", "001", number, 40_000, edi)]))
    await sandbox.clock("09-26 06:00")
    assert await sandbox.book("9991", "10119130001") == [
        ("2000-09-20", "in", 50_000, "deposit", None, ""),
        ("2000-09-22", "out", 40_000, "file", name, ""),
        (on, "in", 40_000, "return", name, edi),
    ]
    _, lines, closing = statement(sandbox.read("9991", statement_name("9991", "10119130001", on[5:])))
    assert lines[-1] == ("1", "11", "40000", "ｳｹﾄﾘﾆﾝ", "ﾌﾘｺﾐｼｷﾝﾍﾝｷﾔｸ", edi)
    assert closing == 50_000


async def test_a_closed_account_neither_pays_nor_takes(sandbox: Sandbox):
    await fund(sandbox, 50_000)
    closing = {"branch": "101", "type": "1", "number": "9000008", "closed": True}
    await sandbox.http.post("/banks/9991/accounts", json=closing)
    await sandbox.send("9991", debit_name("09-24"), debit_file("09-24", [("9000008", 1)]))
    payout = credit_file("09-24", [("9991", "101", "9000008", 1, "P0573120000010000121")])
    await sandbox.send("9991", credit_name("09-24"), payout)
    await sandbox.clock("09-25 10:00")
    assert result_codes(sandbox.read("9991", f"{debit_name('09-24')}.result.txt")) == "2"
    assert await sandbox.balances("9991") == {"9000002": 10_000, "9000008": 500_000, "9130001": 50_000}


async def test_balance_is_counted_down_line_by_line(sandbox: Sandbox):
    lines = [("9000002", 6_000), ("9000002", 5_000), ("9000002", 4_000), ("9000002", 1)]
    await sandbox.send("9991", debit_name("09-24"), debit_file("09-24", lines))
    await sandbox.clock("09-25 10:00")
    assert result_codes(sandbox.read("9991", f"{debit_name('09-24')}.result.txt")) == "0101"
    assert await sandbox.balances("9991") == {"9000008": 500_000, "9130001": 10_000}


async def test_direct_debit_credits_the_seller(sandbox: Sandbox):
    """A seller with a consignor code of his own: the header account is his."""
    seller = {"branch": "101", "type": "1", "number": "9000077", "holder": "ｳﾘﾃ", "consignor": "0000000777"}
    await sandbox.http.post("/banks/9991/accounts", json=seller)
    mandate = {"consignor": "0000000777", "branch": "101", "type": "1", "number": "9000008"}
    await sandbox.http.post("/banks/9991/mandates", json=[mandate])
    name = debit_name("09-24", consignor="0000000777")
    content = debit_file("09-24", [("9000008", 700), ("9000002", 300)], account="10119000077", consignor="0000000777")
    assert (await sandbox.send("9991", name, content))["status"] == "accepted"
    await sandbox.clock("09-25 10:00")
    assert result_codes(sandbox.read("9991", f"{name}.result.txt")) == "04"
    assert await sandbox.book("9991", "10119000077") == [("2000-09-24", "in", 700, "lump", name, "")]
    assert statement(sandbox.read("9991", statement_name("9991", "10119000077", "09-24")))[2] == 700


async def test_nothing_debited_is_no_lump_and_no_statement(sandbox: Sandbox):
    await sandbox.send("9991", debit_name("09-24"), debit_file("09-24", [("9000002", 10_001)]))
    await sandbox.clock("09-26 00:00")
    assert not [name for name in sandbox.out("9991") if name.startswith("03_")]


async def test_a_tmp_is_nobodys_business(sandbox: Sandbox):
    sandbox.upload("9991", debit_name("09-24") + ".tmp", b"half")
    status = await sandbox.settle()
    assert status["idle"]
    assert sandbox.out("9991") == []


async def test_an_upload_waits_for_nobody_who_does_not_look(sandbox: Sandbox):
    sandbox.upload("9991", "hello.txt", b"")
    assert not (await sandbox.http.get("/status")).json()["idle"]
    status = await sandbox.settle()
    assert status["idle"]
    assert status["published"] == {"9990": 0, "9991": 1}
