"""Debits that fail: each reason, what follows from it, presenting again, and the second answer on the due date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.statuses import DebitFailureReason
from domain.store import mandates
from domain.store.registering import Refused
from tests.journeys.checks import sound
from tests.journeys.town import Town, contract, town

CODES: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (1, "9110001", {"yen": 89_999}),  # one yen short (S51: what is debited is compared, fee included)
    (2, "9110002", {"closed": True}),
    (3, "9110003", {"stopped": True}),
    (4, "9110004", {"known": False}),
    (8, "9990008", {}),
    (9, "9990009", {}),
)


async def _ready(here: Town) -> None:
    for code, number, how in CODES:
        await here.buyer(number, yen=how.get("yen", 1_000_000), known=how.get("known", True))
        if how.get("closed"):
            await here.deposit("9992", number, 0, closed=True)
        if how.get("stopped"):
            consent = {"consignor": "0000000130", "branch": "201", "type": "1", "number": number, "stopped": True}
            assert (await here.http.post("/banks/9992/mandates", json=[consent])).status_code < 300
        await here.register(130, contract(f"F{code}", buyer={**contract("x", like="4101")["buyer"], **_account(number)}))


def _account(number: str) -> dict[str, object]:
    account = contract("x", like="4101")["buyer"]["account"]
    return {"code": f"P{number}", "account": {**account, "number": number}}


async def test_each_reason(store: None, tmp_path: Path) -> None:
    """S32: the bank's own reason is kept; S33: what will never be paid leaves "unsettled"; S65: one failed line stops no other."""
    async with town(tmp_path) as here:
        await _ready(here)
        await here.register(130, contract("OK", buyer=await here.buyer("9110010")))
        await here.walk("10-05 12:00")
        found = await here.contracts()
        assert {n: found[f"130/F{n}"]["failure"] for n, _, _ in CODES} == {n: n for n, _, _ in CODES}
        for code, _, _ in CODES:
            assert await here.diary(f"130/F{code}") == [
                "09-20 09:00 REGISTERED",
                "09-20 11:00 DEBIT_INSTRUCTED",
                "09-25 10:00 DEBIT_FAILED",
                "09-25 10:00 WILL_NOT_SETTLE",
            ]
        assert await here.stands("130/OK") == "DEBITED SHIPPED PAID"
        assert (await here.files())["DEBIT"] == 1
        await sound(here)


STOPPED = {  # code: what is said of the mandates that are turned off; 1 and 8 say nothing about them, 9 is for a person
    2: "the bank has no such account (reason 2)",
    3: "the payer has had debits stopped (reason 3)",
    4: "the bank has no such mandate (reason 4)",
}


async def test_each_reason_has_its_own_consequence(store: None, tmp_path: Path) -> None:
    """What the bank says is not so is turned off, and nothing more is registered on it [0018] (R04, R21); only reason 9 is for a person."""
    async with town(tmp_path) as here:
        await here.say("update site set debit_attempts = 2 where site_id = 130")
        await _ready(here)
        for _, number, _ in CODES:
            await here.consent(number, site=320)  # the same account has consented to another site's debits too
        await here.walk("09-25 10:30")
        found = await here.rows(
            "select m.account_number, a.site_id, m.stopped_because from mandate m join account a using (home, account_id)"
        )
        said = {(row["account_number"], row["site_id"]): row["stopped_because"] for row in found}
        for code, number, _ in CODES:
            assert said[number, 130] == STOPPED.get(code), code
            assert said[number, 320] is None, code  # another home: its own bank file will say it
            again = contract(f"F{code}b", buyer={**contract("x", like="4101")["buyer"], **_account(number)})
            (outcome,) = await here.register(130, again)
            if code in STOPPED:
                assert isinstance(outcome, Refused)
                assert {problem.code.name for problem in outcome.problems} == {"NO_MANDATE"}
            else:
                assert not isinstance(outcome, Refused)
            waits = code == DebitFailureReason.SHORT_BALANCE
            assert (await here.stands(f"130/F{code}")).split()[2] == ("PENDING" if waits else "WILL_NOT_SETTLE"), code
        assert await here.exceptions() == ["DEBIT_REASON_OTHER"]
        assert (await mandates.list_mandates(status=2))[0]["status"] == "STOPPED"
        await sound(here, level=False)  # debits of the new contracts are on their way


async def test_short_balance_is_presented_again(store: None, tmp_path: Path) -> None:
    """S05, S57: only this reason, as often as the site says; the attempt stands in the customer number, and each result is for its own."""
    async with town(tmp_path) as here:
        await here.say("update site set debit_attempts = 2 where site_id = 130")
        poor, broke = await here.buyer("9110001", yen=100), await here.buyer("9110002", yen=100)
        await here.register(130, contract("P1", buyer=poor), contract("P2", buyer=broke))
        await here.walk("09-25 10:59")
        assert await here.stands("130/P1") == "FAILED PENDING PENDING"  # and not WILL_NOT_SETTLE: there is another attempt
        assert str((await here.contracts())["130/P1"]["retry_on"]) == "2000-09-29"
        await here.deposit("9992", "9110001", 500_000)
        await here.walk("10-06 12:00")
        assert await here.diary("130/P1") == [
            "09-20 09:00 REGISTERED",
            "09-20 11:00 DEBIT_INSTRUCTED",
            "09-25 10:00 DEBIT_FAILED",
            "09-25 11:00 DEBIT_INSTRUCTED",
            "09-30 10:00 DEBITED",
            "09-30 10:00 DELIVERY_INSTRUCTED",
            "10-02 06:00 FUNDED",
            "10-03 09:00 SHIPPED",
            "10-03 11:00 PAYOUT_INSTRUCTED",
            "10-05 06:00 PAID",
        ]
        assert await here.diary("130/P2") == [
            "09-20 09:00 REGISTERED",
            "09-20 11:00 DEBIT_INSTRUCTED",
            "09-25 10:00 DEBIT_FAILED",
            "09-25 11:00 DEBIT_INSTRUCTED",
            "09-30 10:00 DEBIT_FAILED",
            "09-30 10:00 WILL_NOT_SETTLE",
        ]
        book = (await here.http.get("/banks/9992/book", params={"account": "20119110001"})).json()["bookings"]
        taken = [x for x in book if x["kind"] == "debit"]
        assert [x["reference"][18:] for x in taken] == ["02"]
        await sound(here)


async def test_a_result_for_the_first_attempt_does_not_answer_the_second(store: None, tmp_path: Path) -> None:
    """S05: the bank repeats its first answer, and worse, says something else about it, while the second attempt is on its way."""
    async with town(tmp_path) as here:
        await here.say("update site set debit_attempts = 2 where site_id = 130")
        await here.register(130, contract("P1", buyer=await here.buyer("9110001", yen=100)))
        await here.walk("09-26 09:00")
        (first,) = here.out("9992", "91_*.result.txt")
        content = first.read_bytes()
        line = content.split(b"\r\n")[1]
        assert line[111:112] == b"1"
        here.put("9992", first.name.replace(".result.txt", ".result.2.txt"), content)
        debited = content.replace(line, line[:111] + b"0" + line[112:])
        trailer = content.split(b"\r\n")[2]
        assert trailer[1:19] == b"000001000000090000"
        debited = debited.replace(trailer, trailer[:19] + b"000001000000090000" + b"0" * 18 + trailer[55:])
        here.put("9992", first.name.replace(".result.txt", ".result.3.txt"), debited)
        await here.settle()
        assert await here.exceptions() == ["CONTRADICTED"]
        assert await here.stands("130/P1") == "INSTRUCTED PENDING PENDING"
        await here.walk("09-30 12:00")
        assert await here.stands("130/P1") == "FAILED PENDING WILL_NOT_SETTLE"
        await sound(here)


@pytest.mark.parametrize("reason", [1, 4])
async def test_the_due_date_fails_on_the_day_after_shipment(store: None, tmp_path: Path, reason: int) -> None:
    """S16, S07, S19: accepted, shipped, and then not paid. The seller is told and never paid out of other contracts' money (S09)."""
    async with town(tmp_path) as here:
        await here.register(130, contract("OK"))  # its money is in the main account when the other fails
        buyer = await here.buyer("9110001", yen=100, known=reason != DebitFailureReason.NO_MANDATE)
        await here.register(130, contract("D1", buyer=buyer, dueOn="2000-09-29", terms={"release": "UNCONDITIONAL"}))
        await here.walk("10-06 12:00")
        assert await here.diary("130/D1") == [
            "09-20 09:00 REGISTERED",
            "09-25 11:00 DEBIT_INSTRUCTED",
            "09-25 11:00 DEBIT_SCHEDULED",
            "09-25 11:00 DELIVERY_INSTRUCTED",
            "09-28 09:00 SHIPPED",
            "09-30 10:00 DEBIT_FAILED",
            "09-30 10:00 WILL_NOT_SETTLE",
        ]
        row = (await here.contracts())["130/D1"]
        assert (row["failure"], row["debited_on"], row["held"], row["settled"]) == (reason, None, 0, 0)  # S17: nothing was executed
        assert await here.stands("130/OK") == "DEBITED SHIPPED PAID"
        await sound(here)


async def test_claim_9_ships_whatever_the_bank_says(store: None, tmp_path: Path) -> None:
    """S18, S19: at once, at registration; and the seller, who took the risk, is not paid (S08)."""
    async with town(tmp_path) as here:
        terms = {"shipBeforeAcceptance": True, "release": "UNCONDITIONAL"}
        await here.register(130, contract("C9", buyer=await here.buyer("9990002"), dueOn="2000-09-24", terms=terms))
        await here.walk("09-29 12:00")
        assert await here.diary("130/C9") == [
            "09-20 09:00 REGISTERED",
            "09-20 09:00 DELIVERY_INSTRUCTED",
            "09-20 11:00 DEBIT_INSTRUCTED",
            "09-20 11:00 DEBIT_SCHEDULED",
            "09-23 09:00 SHIPPED",
            "09-25 10:00 DEBIT_FAILED",
            "09-25 10:00 WILL_NOT_SETTLE",
        ]
        await sound(here)
