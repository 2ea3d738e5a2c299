"""Fees and what the ledger says of each; sweeps, statements, payouts that come back or never leave."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from domain.ledger import AccountKind
from domain.store import administration
from domain.store.administration import Account, Fees
from sandbox.statement import BY_CREDIT, Heading, Movement, write_statement
from tests.journeys.checks import sound
from tests.journeys.town import Town, contract, day, town

FEES = (
    # buyer fixed, buyer basis points, seller fixed, seller basis points; debited, paid, kept
    ("buyer's side", (200, 10, 0, 0), 90_290, 90_000, 290),
    ("seller's side", (0, 0, 300, 25), 90_000, 89_475, 525),
    ("both sides", (200, 10, 300, 25), 90_290, 89_475, 815),
    ("rounded down", (0, 1, 0, 3), 90_009, 89_973, 36),
    ("none", (0, 0, 0, 0), 90_000, 90_000, 0),
)


async def ledger(here: Town) -> dict[str, int]:
    """Every kind of account of the ledger that is not at nothing."""
    sums: Counter[str] = Counter()
    for row in await here.rows("select source_kind, destination_kind, amount from posting"):
        sums[AccountKind(row["source_kind"]).name] -= row["amount"]
        sums[AccountKind(row["destination_kind"]).name] += row["amount"]
    assert sum(sums.values()) == 0
    return {kind: yen for kind, yen in sums.items() if yen}


@pytest.mark.parametrize("name, fees, debited, paid, kept", FEES, ids=[row[0] for row in FEES])
async def test_fees(store: None, tmp_path: Path, name: str, fees: tuple[int, int, int, int], debited: int, paid: int, kept: int) -> None:
    """S49, S50, S51 (I06): debit = amount + buyer's fee, payout = amount - seller's fee, both fees stay in the main account."""
    async with town(tmp_path) as here:
        await administration.set_fees(Fees(130, day("01-01"), *fees))
        await here.register(130, contract("F1", terms={"release": "UNCONDITIONAL"}, buyer=await here.buyer("9110001", yen=debited)))
        await here.walk("09-26 10:00")
        assert await ledger(here) == {"CASH": debited, "OWED": -debited}
        await here.walk("09-30 12:00")
        row = (await here.contracts())["130/F1"]
        assert (row["gross"], row["net"], row["settled"], row["held"]) == (debited, paid, paid, 0)
        assert await ledger(here) == ({"CASH": kept, "FEES": -kept} if kept else {})
        book = (await here.http.get("/banks/9990/book", params={"account": "00119000005"})).json()["bookings"]
        assert [x["amount"] for x in book] == [paid], name
        assert str(row["settled_on"]) == "2000-09-28"  # S30: the day on which the main account was debited
        await sound(here)


async def test_a_balance_that_covers_the_amount_and_not_the_fee(store: None, tmp_path: Path) -> None:
    """S51: gross everywhere."""
    async with town(tmp_path) as here:
        await administration.set_fees(Fees(130, day("01-01"), 1))
        await here.register(130, contract("F1", buyer=await here.buyer("9110001", yen=90_000)))
        await here.walk("09-26 12:00")
        assert (await here.contracts())["130/F1"]["failure"] == 1
        await sound(here)


async def test_collected_in_the_main_account(store: None, tmp_path: Path) -> None:
    """S12: the buyer's bank is the main account's: no sweep from an account to itself, the money is there at once."""
    async with town(tmp_path) as here:
        await here.register(130, contract("M1", buyer=await here.buyer("9110001", bank="9990"), terms={"release": "UNCONDITIONAL"}))
        await here.walk("09-27 12:00")
        assert await here.diary("130/M1") == [
            "09-20 09:00 REGISTERED",
            "09-20 11:00 DEBIT_INSTRUCTED",
            "09-25 10:00 DEBITED",
            "09-25 10:00 FUNDED",
            "09-25 10:00 DELIVERY_INSTRUCTED",
            "09-25 11:00 PAYOUT_INSTRUCTED",
            "09-27 06:00 PAID",
        ]
        assert "SWEEP" not in await here.files()
        await sound(here)


async def test_two_sites_at_one_bank(store: None, tmp_path: Path) -> None:
    """S42, S43: each with its own account, consignor, batches, sweeps and main account, though bank, buyer and date are the same."""
    async with town(tmp_path) as here:
        for site in (130, 320):
            await here.register(site, contract("T1", buyer=await here.buyer("9110001", site=site), amount=site * 100))
        await here.walk("10-01 12:00")
        assert await here.stands("130/T1") == await here.stands("320/T1") == "DEBITED SHIPPED PAID"
        assert await here.files() == {"DEBIT": 2, "SWEEP": 2, "PAYOUT": 2, "DELIVERY": 2}
        assert await ledger(here) == {}
        await sound(here)


@pytest.mark.parametrize("collecting_before", [False, True], ids=["elsewhere", "at the old main account"])
async def test_the_main_account_moves_while_money_is_in_flight(store: None, tmp_path: Path, collecting_before: bool) -> None:
    """S14: contracts of one debit file that were registered before and after the move, and money that was swept before it. None strands."""
    async with town(tmp_path) as here:
        bank = "9990" if collecting_before else "9992"
        terms = {"release": "UNCONDITIONAL"}
        await here.register(130, contract("OLD", buyer=await here.buyer("9110001", bank=bank), terms=terms))
        await here.walk("09-21 10:00")
        await here.register(130, contract("B1", buyer=await here.buyer("9110002", bank=bank), terms=terms, dueOn="2000-09-27"))
        await here.say("update account set until_on = '2000-09-21' where site_id = 130 and main")
        await here.say("update account set main = false where site_id = 130 and main and not collecting")
        await here.deposit("9993", "9555555", 0, consignor="0000005555")
        fresh = Account(130, "9993", "301", 1, "9555555", "ｻｲﾄ", "0000005555", main=True, from_on=day("09-22"))
        await administration.create_account(fresh, machine_now=here.machine)
        if collecting_before:  # the old account goes on collecting, and is the main one no longer
            await here.say("update account set until_on = null, main = false where site_id = 130 and bank_code = '9990'")
        await here.walk("09-22 10:00")
        await here.register(130, contract("B2", buyer=await here.buyer("9110003", bank=bank), terms=terms, dueOn="2000-09-27"))
        await here.walk("10-05 12:00")
        found = await here.contracts()
        assert {n: await here.stands(n) for n in found} == dict.fromkeys(found, "DEBITED SHIPPED PAID")
        assert await here.exceptions() == []
        assert await ledger(here) == {}
        await sound(here)


# -- payouts that come back -----------------------------------------------------------------------------------------------------

RETURNS = (
    ("9990101", "09-29 06:00", "the same day, on the statement of its lump"),
    ("9990100", "09-30 06:00", "next day"),
    ("9990103", "10-02 06:00", "three days later"),
)


@pytest.mark.parametrize("number, known_at, when", RETURNS, ids=[row[2] for row in RETURNS])
async def test_a_payout_comes_back(store: None, tmp_path: Path, number: str, known_at: str, when: str) -> None:
    """S59: held again, on the list, and not sent again by itself; the fees are held again too. Nobody else's payout is touched."""
    async with town(tmp_path) as here:
        await administration.set_fees(Fees(130, day("01-01"), 200, 0, 300, 0))
        terms = {"release": "UNCONDITIONAL"}
        await here.register(130, contract("R1", seller=await here.seller(number), terms=terms), contract("R2", terms=terms))
        await here.walk("10-06 12:00")
        assert (await here.diary("130/R1"))[-2:] == ["09-29 06:00 PAID", f"{known_at} PAYOUT_RETURNED"], when
        row = (await here.contracts())["130/R1"]
        assert (row["held"], row["reserved"], row["settled"], row["settled_on"]) == (90_200, 0, 0, None)
        assert await here.stands("130/R2") == "DEBITED SHIPPED PAID"
        assert await here.exceptions() == ["PAYOUT_RETURNED"]
        assert (await here.files())["PAYOUT"] == 1
        assert await here.value("select count(*) from statement_line where matched in (0, 2)") == 0
        await sound(here)


async def test_a_payout_that_the_bank_leaves_alone(store: None, tmp_path: Path) -> None:
    """S60, S04 (I09): no cover, no word. UNKNOWN after its time-out, and never sent again; a statement line that comes late settles it."""
    async with town(tmp_path) as here:
        await here.rule("9990", {"not_executed": True}, kind="21")
        await here.register(130, contract("U1", terms={"release": "UNCONDITIONAL"}))
        await here.walk("09-30 12:00")
        assert await here.stands("130/U1") == "DEBITED SHIPPED INSTRUCTED"
        await here.walk("10-15 12:00")
        assert await here.stands("130/U1") == "DEBITED SHIPPED UNKNOWN"
        assert (await here.diary("130/U1"))[-1] == "10-01 06:00 PAYOUT_UNKNOWN"
        assert (await here.files())["PAYOUT"] == 1
        row = (await here.contracts())["130/U1"]
        assert (row["held"], row["reserved"]) == (90_000, 90_000)
        assert await here.value("select reserved from account where main and site_id = 130") == 90_000
        await sound(here)


async def test_payouts_wait_for_money(store: None, tmp_path: Path) -> None:
    """S09 (I07): the bank took a charge from the main account; the longest run that is covered is paid, the rest waits and is seen waiting."""
    async with town(tmp_path) as here:
        terms = {"release": "UNCONDITIONAL"}
        await here.rule("9990", {"charge": 500}, times=1, kind="21")
        await here.register(130, contract("W1", terms=terms))
        await here.walk("09-22 09:00")
        await here.register(130, contract("W2", terms=terms))
        await here.walk("09-29 10:00")
        assert await here.stands("130/W1") == "DEBITED SHIPPED PAID"
        await here.walk("10-02 12:00")
        assert await here.stands("130/W2") == "DEBITED SHIPPED PENDING"
        assert (await ledger(here)) == {"CASH": 89_500, "OWED": -90_000, "OWN": 500}
        await here.deposit("9990", "9130000", 500)  # the site makes it good; nothing explains it but a person
        await here.walk("10-06 12:00")
        assert await here.stands("130/W2") == "DEBITED SHIPPED PAID"
        assert "UNMATCHED" in await here.exceptions()
        await sound(here)


# -- sweeps ---------------------------------------------------------------------------------------------------------------------


async def test_a_sweep_moves_exact_amounts(store: None, tmp_path: Path) -> None:
    """S10: money of somebody else on the collecting account stays there, and is the site's own from the first statement on (opening balance)."""
    async with town(tmp_path) as here:
        await here.deposit("9993", "9130003", 70_000)
        await here.walk("09-22 09:00")
        assert await ledger(here) == {"SUSPENSE": -70_000, "CASH": 70_000}
        await here.register(130, contract("E1"))
        await here.walk("09-29 12:00")
        assert await here.value("select booked from account where bank_code = '9993' and site_id = 130") == 70_000
        assert await here.value("select amount from sweep") == 90_000
        await sound(here)


async def test_an_opening_balance_is_the_sites_own(store: None, tmp_path: Path) -> None:
    """What was on an account before its first statement is no surprise; what comes later without a reason is (I01)."""
    async with town(tmp_path) as here:
        await here.rule("9993", {"silence": ["statement"]}, kind="03", date="2000-09-20")
        await here.deposit("9993", "9130003", 70_000)
        await here.walk("09-22 09:00")
        await here.register(130, contract("E1"))
        await here.walk("09-29 12:00")
        assert await here.exceptions() == []
        assert (await ledger(here))["OWN"] == -70_000
        await sound(here)


async def test_a_charge_on_the_collecting_account(store: None, tmp_path: Path) -> None:
    """S11: the site's, never a contract's. What the account does not cover any more waits for a sweep that is covered, and is listed."""
    async with town(tmp_path) as here:
        await here.rule("9993", {"charge": 330}, times=1, kind="91")
        await here.register(130, contract("C1", terms={"release": "UNCONDITIONAL"}))
        await here.walk("09-27 12:00")
        assert await here.stands("130/C1") == "DEBITED INSTRUCTED PENDING"
        assert await here.exceptions() == ["SWEEP_UNCOVERED"]
        assert "SWEEP" not in await here.files()
        assert await ledger(here) == {"CASH": 89_670, "OWED": -90_000, "OWN": 330}
        await here.deposit("9993", "9130003", 330)
        await here.walk("10-02 12:00")
        assert await here.stands("130/C1") == "DEBITED SHIPPED PAID"
        assert (await here.value("select overdraft_break from account where bank_code = '9993' and site_id = 130")) is None
        await sound(here)


async def test_a_sweep_that_arrives_short(store: None, tmp_path: Path) -> None:
    """S11: less arrives than left. The site bears it, nobody is paid with other contracts' money, nothing is swept a second time."""
    async with town(tmp_path) as here:
        await here.register(130, contract("S1", terms={"release": "UNCONDITIONAL"}))
        await here.rule("9990", {"silence": ["statement"]}, kind="03")
        await here.walk("09-27 12:00")
        short = statement("9990", "001", "9130000", "26", 0, [(89_600, await sweep_reference(here))])
        here.put("9990", "03_999000119130000_20000926_001.txt", short)
        await here.walk("10-03 12:00")
        assert await here.stands("130/S1") == "DEBITED SHIPPED PENDING"
        assert await here.exceptions() == ["SWEEP_SHORT"]
        assert await ledger(here) == {"CASH": 89_600, "OWED": -90_000, "OWN": 400}
        assert await here.files() == {"DEBIT": 1, "SWEEP": 1, "DELIVERY": 1}
        await sound(here, level=False)  # the bank's true book has it all: it is the statement that was made by hand


async def sweep_reference(here: Town) -> str:
    """The EDI of the only sweep."""
    return f"S{await here.value('select sweep_id from sweep'):018d}1"


def statement(bank: str, branch: str, number: str, on: str, opening: int, credits_: list[tuple[int, str]]) -> bytes:
    """A statement of one day of September 2000 with credits of payments (振込), as the sandbox writes them."""
    heading = Heading(bank, "ｷﾞﾝｺｳ", branch, "ﾎﾝﾃﾝ", "1", number, "ｻｲﾄ130", day(f"09-{on}"), day(f"09-{on}"))
    return write_statement(heading, opening, [Movement("in", BY_CREDIT, yen, edi=edi) for yen, edi in credits_])


async def test_a_refused_sweep_frees_its_parts(store: None, tmp_path: Path) -> None:
    """They are swept with the next file, once, under another number."""
    async with town(tmp_path) as here:
        await here.rule("9993", {"refuse": "FORMAT"}, times=1, kind="21")
        await here.register(130, contract("V1", terms={"release": "UNCONDITIONAL"}))
        await here.walk("10-01 12:00")
        assert await here.stands("130/V1") == "DEBITED SHIPPED PAID"
        assert (await here.diary("130/V1"))[4] == "09-28 06:00 FUNDED"
        assert sorted(row["status"] for row in await here.rows("select status from sweep")) == [3, 6]
        assert await here.exceptions() == ["FILE_REFUSED"]
        await sound(here)


# -- statements -----------------------------------------------------------------------------------------------------------------


async def test_a_strangers_credit_is_in_suspense(store: None, tmp_path: Path) -> None:
    """Booked as the bank shows it, listed, and never a contract's money (I01)."""
    async with town(tmp_path) as here:
        await here.register(130, contract("X1", terms={"release": "UNCONDITIONAL"}))
        await here.walk("09-26 12:00")
        await here.deposit("9990", "9130000", 1_234)
        await here.walk("09-30 12:00")
        assert await here.exceptions() == ["UNMATCHED"]
        assert await ledger(here) == {"CASH": 1_234, "SUSPENSE": -1_234}
        assert await here.stands("130/X1") == "DEBITED SHIPPED PAID"
        await sound(here)


async def test_a_statement_is_missing(store: None, tmp_path: Path) -> None:
    """The gap is named; the next statements are taken all the same, and the missing one when it comes."""
    async with town(tmp_path) as here:
        await here.rule("9990", {"silence": ["statement"]}, kind="03", date="2000-09-26")
        await here.register(130, contract("G1", terms={"release": "UNCONDITIONAL"}))
        await here.walk("09-28 12:00")
        assert await here.stands("130/G1") == "DEBITED SHIPPED PENDING"
        await here.deposit("9990", "9130000", 10)
        await here.walk("09-29 12:00")
        found = await here.exceptions()
        assert sorted(found) == ["UNMATCHED"]  # the first statement of an account: what was there before is taken for the site's own
        assert (await ledger(here))["OWN"] == -90_000
        await here.walk("10-02 12:00")
        here.put(
            "9990",
            "03_999000119130000_20000926_001.txt",
            statement("9990", "001", "9130000", "26", 0, [(90_000, await sweep_reference(here))]),
        )
        await here.settle()
        assert await ledger(here) == {"CASH": 90_010, "OWED": -90_000, "SUSPENSE": -10}  # it was not the site's own after all
        await here.walk("10-06 12:00")
        assert await here.stands("130/G1") == "DEBITED SHIPPED PAID"
        await sound(here)
