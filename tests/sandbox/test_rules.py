"""Misbehaviour on order: each rule does what docs/sandbox.md says, and nothing else changes."""

from typing import Any

import pytest

from tests.sandbox.conftest import Maker
from tests.sandbox.worlds import (
    Sandbox,
    credit_file,
    credit_name,
    customer,
    debit_file,
    debit_name,
    result_codes,
    statement,
    statement_name,
    totals,
)

NAME = debit_name("09-24")
LINES = [("9000008", 12_000), ("9000002", 3_000)]
RESULT = f"{NAME}.result.txt"


async def sent(sandbox: Sandbox, lines: list[tuple[str, int]] | None = None, number: int = 1) -> None:
    sandbox.upload("9991", debit_name("09-24", number), debit_file("09-24", lines or LINES))
    await sandbox.settle()


# -- which lines and files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "match, codes",
    [
        ({}, "99"),
        ({"account": "9000002"}, "09"),
        ({"account": "10119000002"}, "09"),
        ({"account": "20119000002"}, "00"),
        ({"amount": 12_000}, "90"),
        ({"contract": customer(2)[:18]}, "09"),
        ({"contract": "0573"}, "99"),
        ({"contract": "1"}, "00"),
        ({"account": "9000002", "amount": 12_000}, "00"),
        ({"kind": "91"}, "99"),
        ({"kind": "21"}, "00"),
        ({"date": "2000-09-24"}, "99"),
        ({"date": "2000-09-25"}, "00"),
        ({"lines": 2}, "99"),
        ({"lines": 1}, "00"),
        ({"consignor": "0000000130"}, "99"),
        ({"name": "91_*_001.txt"}, "99"),
        ({"name": "91_*_002.txt"}, "00"),
    ],
)
async def test_matching(sandbox: Sandbox, match: dict[str, Any], codes: str):
    await sandbox.rule("9991", {"code": "9"}, **match)
    await sent(sandbox)
    await sandbox.clock("09-25 10:00")
    assert result_codes(sandbox.read("9991", RESULT)) == codes


async def test_later_rules_win_and_delete_empties_them(sandbox: Sandbox):
    await sandbox.rule("9991", {"code": "1"})
    await sandbox.rule("9991", {"code": "3"}, account="9000002")
    await sent(sandbox)
    await sandbox.clock("09-25 10:00")
    assert result_codes(sandbox.read("9991", RESULT)) == "13"
    assert (await sandbox.http.delete("/banks/9991/rules")).status_code == 204
    sandbox.upload("9991", debit_name("09-29"), debit_file("09-29", LINES))
    await sandbox.clock("09-30 10:00")
    assert result_codes(sandbox.read("9991", f"{debit_name('09-29')}.result.txt")) == "00"


async def test_times_counts_files(sandbox: Sandbox):
    rule = {"match": {"kind": "91"}, "action": {"code": "9"}, "times": 2}
    assert (await sandbox.http.post("/banks/9991/rules", json=rule)).status_code == 201
    for number in (1, 2, 3):
        await sent(sandbox, number=number)
    await sandbox.clock("09-25 10:00")
    found = [result_codes(sandbox.read("9991", f"{debit_name('09-24', n)}.result.txt")) for n in (1, 2, 3)]
    assert found == ["99", "99", "00"]


@pytest.mark.parametrize(
    "rule",
    [
        {},
        [],
        {"action": {}},
        {"action": {"explode": True}},
        {"match": {"moon": "full"}, "action": {"code": "1"}},
        {"action": {"code": "0"}},
        {"action": {"code": 1}},
        {"action": {"silence": ["everything"]}},
        {"action": {"result_delay": {"weeks": 1}}},
        {"action": {"code": "1"}, "times": 0},
        {"action": {"answer": "busy"}},
        {"actions": {"code": "1"}},
    ],
)
async def test_a_rule_that_nobody_understands(sandbox: Sandbox, rule: Any):
    answer = await sandbox.http.post("/banks/9991/rules", json=[rule])
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID")


# -- codes --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digit", ["1", "2", "3", "4", "5", "8", "9"])
async def test_magic_accounts(sandbox: Sandbox, digit: str):
    """They need neither account nor mandate, and no money moves."""
    await sent(sandbox, [(f"999000{digit}", 5), ("9000008", 7)])
    await sandbox.clock("09-25 10:00")
    result = sandbox.read("9991", RESULT)
    assert result_codes(result) == digit + "0"
    assert totals(result) == (1, 7, 1, 5)
    assert (await sandbox.balances("9991"))["9130001"] == 7


async def test_every_magic_account_is_told(sandbox: Sandbox):
    magic = (await sandbox.http.get("/magic")).json()["accounts"]
    assert magic["9990001"] == {"code": "1"}
    assert all(number.startswith("9990") for number in magic)


# -- receipts -----------------------------------------------------------------------------------------------------------------------


async def test_refuse(sandbox: Sandbox):
    await sandbox.rule("9991", {"refuse": "LIMIT"})
    await sent(sandbox)
    assert sandbox.receipt("9991", NAME)["code"] == "LIMIT"
    assert (await sandbox.settle())["next"] is None


async def test_receipt_delay(sandbox: Sandbox):
    await sandbox.rule("9991", {"receipt_delay": {"days": 1, "hours": 2}})
    await sent(sandbox)
    await sandbox.clock("09-21 10:59")
    assert sandbox.out("9991") == []
    await sandbox.clock("09-21 11:00")
    assert sandbox.receipt("9991", NAME)["at"] == "2000-09-21T11:00:00+09:00"


@pytest.mark.parametrize(
    "what, left",
    [
        ("receipt", {RESULT, statement_name("9991", "10119130001", "09-24")}),
        ("result", {f"{NAME}.receipt.json", statement_name("9991", "10119130001", "09-24")}),
    ],
)
async def test_silence(sandbox: Sandbox, what: str, left: set[str]):
    await sandbox.rule("9991", {"silence": [what]})
    await sent(sandbox)
    await sandbox.clock("09-30 00:00")
    assert set(sandbox.out("9991")) == left
    assert (await sandbox.balances("9991"))["9130001"] == 15_000


async def test_silence_about_a_statement(sandbox: Sandbox):
    await sandbox.rule("9991", {"silence": ["statement"]}, kind="03", account="9130001", date="2000-09-24")
    await sent(sandbox)
    await sandbox.clock("09-30 00:00")
    assert sandbox.out("9991") == [f"{NAME}.receipt.json", RESULT]


async def test_lose(sandbox: Sandbox):
    """The file is gone as if it had never come: no receipt, no execution; and its name is free."""
    rule = {"action": {"lose": True}, "times": 1}
    await sandbox.http.post("/banks/9991/rules", json=rule)
    await sent(sandbox)
    status = await sandbox.settle()
    assert (sandbox.out("9991"), status["next"], status["idle"]) == ([], None, True)
    await sent(sandbox)
    assert sandbox.receipt("9991", NAME)["status"] == "accepted"


async def test_not_executed(sandbox: Sandbox):
    await sandbox.rule("9991", {"not_executed": True})
    await sent(sandbox)
    await sandbox.clock("09-30 00:00")
    assert sandbox.out("9991") == [f"{NAME}.receipt.json"]
    assert "9130001" not in await sandbox.balances("9991")


# -- results -----------------------------------------------------------------------------------------------------------------------


async def test_result_delay(sandbox: Sandbox):
    await sandbox.rule("9991", {"result_delay": {"days": 1, "hours": 1}}, date="2000-09-24")
    await sent(sandbox)
    await sandbox.clock("09-26 10:59")
    assert RESULT not in sandbox.out("9991")
    await sandbox.clock("09-26 11:00")
    assert RESULT in sandbox.out("9991")


@pytest.mark.parametrize(
    "repeat, second, codes",
    [
        ({}, f"{NAME}.result.2.txt", "00"),
        ({"content": "different"}, f"{NAME}.result.2.txt", "10"),
        ({"content": "different", "name": "same"}, RESULT, "10"),
    ],
)
async def test_result_twice(sandbox: Sandbox, repeat: dict[str, Any], second: str, codes: str):
    await sandbox.rule("9991", {"repeat_result": {"after": {"hours": 2}} | repeat})
    await sent(sandbox)
    before = (await sandbox.clock("09-25 11:59"))["published"]["9991"]
    assert result_codes(sandbox.read("9991", RESULT)) == "00"
    after = (await sandbox.clock("09-25 12:00"))["published"]["9991"]
    assert after == before + 1
    assert result_codes(sandbox.read("9991", second)) == codes
    assert (await sandbox.balances("9991"))["9130001"] == 15_000


async def test_two_results_swapped(sandbox: Sandbox):
    await sandbox.rule("9991", {"swap_results": True}, date="2000-09-24")
    await sent(sandbox)
    later = debit_name("09-26")
    sandbox.upload("9991", later, debit_file("09-26", LINES))
    await sandbox.clock("09-27 09:59")
    assert RESULT not in sandbox.out("9991")
    await sandbox.clock("09-27 10:00")
    assert {RESULT, f"{later}.result.txt"} <= set(sandbox.out("9991"))


async def test_wrong_amount_in_a_line(sandbox: Sandbox):
    await sandbox.rule("9991", {"wrong_amount": 5}, account="9000002")
    await sent(sandbox)
    await sandbox.clock("09-25 10:00")
    records = sandbox.read("9991", RESULT).split(b"\r\n")
    assert [int(r[80:90]) for r in records if r[:1] == b"2"] == [12_000, 3_005]


async def test_wrong_total(sandbox: Sandbox):
    await sandbox.rule("9991", {"wrong_total": 1})
    await sent(sandbox)
    await sandbox.clock("09-25 10:00")
    assert totals(sandbox.read("9991", RESULT)) == (2, 15_001, 0, 0)


@pytest.mark.parametrize(
    "action, codes",
    [("failed_only", "1"), ("unknown_line", "0100"), ("missing_line", "01"), ("duplicate_line", "0010")],
)
async def test_lines_too_many_and_too_few(sandbox: Sandbox, action: str, codes: str):
    await sandbox.rule("9991", {action: True})
    await sent(sandbox, [("9000008", 12_000), ("9000002", 30_000), ("9000008", 1)])
    await sandbox.clock("09-25 10:00")
    result = sandbox.read("9991", RESULT)
    assert result_codes(result) == codes
    assert totals(result) == (2, 12_001, 1, 30_000)  # the trailer is that of the whole file all the same
    strange = [r[91:111] for r in result.split(b"\r\n") if r[91:111] == b"9" * 20]
    assert len(strange) == (1 if action == "unknown_line" else 0)


async def test_garbage(sandbox: Sandbox):
    await sandbox.rule("9991", {"garbage": True})
    await sent(sandbox)
    await sandbox.clock("09-25 10:00")
    result = sandbox.read("9991", RESULT)
    assert result[:2] == b"\x00\xff"
    assert len(result) % 122


async def test_failed_only_as_a_setting(make_sandbox: Maker):
    from tests.sandbox.worlds import configuration

    config = configuration()
    config["banks"][1]["result_shape"] = "FAILED_ONLY"
    sandbox = await make_sandbox(config)
    await sent(sandbox, [("9000008", 1), ("9000002", 30_000)])
    await sandbox.clock("09-25 10:00")
    assert result_codes(sandbox.read("9991", RESULT)) == "1"


# -- money -------------------------------------------------------------------------------------------------------------------------


async def test_return_of_a_credit_by_contract(sandbox: Sandbox):
    account = {"branch": "101", "type": "1", "number": "9130001", "deposit": 500}
    await sandbox.http.post("/banks/9991/accounts", json=account)
    await sandbox.rule("9991", {"return_after": 2}, contract=customer(2)[:18])
    lines = [("9990", "001", "9000001", 100 + n, f"P{customer(n)[:18]}1") for n in (1, 2)]
    name = credit_name("09-22")
    sandbox.upload("9991", name, credit_file("09-22", lines))
    await sandbox.clock("09-25 06:00")
    assert (await sandbox.balances("9990"))["9000001"] == 101
    assert (await sandbox.book("9991", "10119130001"))[-1] == ("2000-09-24", "in", 102, "return", name, lines[1][4])


async def test_charge(sandbox: Sandbox):
    await sandbox.rule("9991", {"charge": 330}, kind="91")
    await sent(sandbox)
    await sandbox.clock("09-25 10:00")
    opening, lines, closing = statement(sandbox.read("9991", statement_name("9991", "10119130001", "09-24")))
    assert (opening, closing) == (0, 14_670)
    assert lines == [("1", "14", "15000", "", "91 0924 001", ""), ("2", "18", "330", "", "91 0924 001", "")]


async def test_charges_by_line_as_a_setting(make_sandbox: Maker):
    from tests.sandbox.worlds import configuration

    config = configuration()
    config["banks"][1]["charge_per_line"] = {"91": 10}
    sandbox = await make_sandbox(config)
    await sent(sandbox)
    await sandbox.clock("09-25 10:00")
    assert (await sandbox.book("9991", "10119130001"))[-1][1:4] == ("out", 20, "charge")


@pytest.mark.parametrize(
    "number, files, receipt",
    [
        ("9990020", set(), None),
        ("9990021", {RESULT}, None),
        ("9990022", {RESULT, f"{NAME}.result.2.txt"}, None),
        ("9990026", set(), "LIMIT"),
    ],
)
async def test_magic_accounts_of_whole_files(sandbox: Sandbox, number: str, files: set[str], receipt: str | None):
    account = {"branch": "101", "type": "1", "number": number, "deposit": 10}
    await sandbox.http.post("/banks/9991/accounts", json=account)
    mandate = {"consignor": "0000000130", "branch": "101", "type": "1", "number": number}
    await sandbox.http.post("/banks/9991/mandates", json=mandate)
    await sent(sandbox, [(number, 5)])
    assert sandbox.receipt("9991", NAME)["code"] == receipt
    await sandbox.clock("09-26 10:00")
    assert {name for name in sandbox.out("9991") if ".result" in name} == files
    assert (await sandbox.balances("9991")).get("9130001") == (None if receipt else 5)
