"""Every row of the gate matrix, from registration to payout: what leaves when, who is paid when, and that nothing happens earlier.

A journey's expectation is its diary: what happened to the contract, and at which instant of the business clock. Figures and hours are those
of the scenario: a 91 is sealed at 11:00 four days ahead and executed at 15:00, its result comes on the next day at 10:00; a 21 is sealed at
11:00 for the next morning; statements come at 06:00; goods ship three days after the instruction at 09:00.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from domain.statuses import Kind
from domain.store import administration, mandates
from domain.store.administration import Account
from domain.store.registering import Refused, Registered
from kessai import world_data
from tests.journeys.checks import sound
from tests.journeys.town import Town, at, contract, town

DUE = "2000-10-02"
MORNING = "09-20 10:00"


@dataclass(frozen=True)
class Row:
    """One kind of contract: its terms, the carrier's plan for its goods, and its diary after the registration."""

    name: str
    terms: dict[str, Any]
    diary: str
    due: bool = False
    bank: str = "9992"
    model: str = "DEFAULT"
    also: dict[str, Any] = field(default_factory=dict)


def _terms(release: str | None = None, trigger: str | None = None, **also: Any) -> dict[str, Any]:
    return {**({"release": release} if release else {}), **({"deliveryTrigger": trigger} if trigger else {}), **also}


_DEBIT = "09-20 11:00 DEBIT_INSTRUCTED, 09-25 10:00 DEBITED"
_GOODS = "09-25 10:00 DELIVERY_INSTRUCTED"
_FUNDED = "09-27 06:00 FUNDED"
# At a bank that takes ONE file a date the file goes at the last deadline, four days before the date.
_ONE = "09-28 11:00 DEBIT_INSTRUCTED, 09-28 11:00 DEBIT_SCHEDULED"
_SEVERAL = "09-20 11:00 DEBIT_INSTRUCTED, 09-20 11:00 DEBIT_SCHEDULED"
_ON_THE_DAY = "10-03 10:00 DEBITED, 10-05 06:00 FUNDED, 10-05 11:00 PAYOUT_INSTRUCTED, 10-07 06:00 PAID"

ESCROW = (
    Row(
        "on shipment, after debit",
        {},
        f"{_DEBIT}, {_GOODS}, {_FUNDED}, 09-28 09:00 SHIPPED, 09-28 11:00 PAYOUT_INSTRUCTED, 09-30 06:00 PAID",
    ),
    Row(
        "on delivery, after debit: shipped is not delivered (S62)",
        _terms("ON_DELIVERY", "AFTER_DEBIT"),
        f"{_DEBIT}, {_GOODS}, {_FUNDED}, 09-28 09:00 SHIPPED, 09-29 09:00 DELIVERED, 09-29 11:00 PAYOUT_INSTRUCTED, 10-01 06:00 PAID",
        model="DELIVERS",
    ),
    Row(
        "unconditional, after debit: only the shipment is waived, not the money (S08)",
        _terms("UNCONDITIONAL", "AFTER_DEBIT"),
        f"{_DEBIT}, {_GOODS}, {_FUNDED}, 09-27 11:00 PAYOUT_INSTRUCTED, 09-28 09:00 SHIPPED, 09-29 06:00 PAID",
    ),
    Row(
        "unconditional, after settlement",
        _terms("UNCONDITIONAL", "AFTER_SETTLEMENT"),
        f"{_DEBIT}, {_FUNDED}, 09-27 11:00 PAYOUT_INSTRUCTED, 09-29 06:00 PAID, 09-29 06:00 DELIVERY_INSTRUCTED, 10-02 09:00 SHIPPED",
    ),
    Row(
        "on shipment, never shipped: debited and funded, and waits",
        _terms("ON_SHIPMENT"),
        f"{_DEBIT}, {_GOODS}, {_FUNDED}, 10-02 10:00 DELIVERY_UNKNOWN",
        model="SILENT",
    ),
    Row(
        "on delivery, shipped and never delivered: waits",
        _terms("ON_DELIVERY"),
        f"{_DEBIT}, {_GOODS}, {_FUNDED}, 09-28 09:00 SHIPPED",
    ),
    Row(
        "due date at a bank with ONE file a date, on shipment: not paid before the debit (S07, S16, S20)",
        {},
        f"{_ONE}, 09-28 11:00 DELIVERY_INSTRUCTED, 10-01 09:00 SHIPPED, {_ON_THE_DAY}",
        due=True,
    ),
    Row(
        "due date, on delivery, after settlement: the date overrides the trigger (S53)",
        _terms("ON_DELIVERY", "AFTER_SETTLEMENT"),
        f"{_ONE}, 09-28 11:00 DELIVERY_INSTRUCTED, 10-01 09:00 SHIPPED, 10-02 09:00 DELIVERED, {_ON_THE_DAY}",
        due=True,
        model="DELIVERS",
    ),
    Row(
        "due date, unconditional",
        _terms("UNCONDITIONAL"),
        f"{_ONE}, 09-28 11:00 DELIVERY_INSTRUCTED, 10-01 09:00 SHIPPED, {_ON_THE_DAY}",
        due=True,
    ),
    Row(
        "due date, ship before acceptance (claim 9, S18, S19)",
        _terms(shipBeforeAcceptance=True),
        f"09-20 10:00 DELIVERY_INSTRUCTED, 09-23 09:00 SHIPPED, {_ONE}, {_ON_THE_DAY}",
        due=True,
    ),
    Row(
        "due date at a bank with SEVERAL files a date: accepted with the next file",
        {},
        f"{_SEVERAL}, 09-20 11:00 DELIVERY_INSTRUCTED, 09-23 09:00 SHIPPED, {_ON_THE_DAY}",
        due=True,
        bank="9993",
    ),
    Row(
        "due date at SEVERAL, unconditional, after settlement",
        _terms("UNCONDITIONAL", "AFTER_SETTLEMENT"),
        f"{_SEVERAL}, 09-20 11:00 DELIVERY_INSTRUCTED, 09-23 09:00 SHIPPED, {_ON_THE_DAY}",
        due=True,
        bank="9993",
    ),
    Row(
        "no due date at SEVERAL",
        {},
        f"{_DEBIT}, {_GOODS}, {_FUNDED}, 09-28 09:00 SHIPPED, 09-28 11:00 PAYOUT_INSTRUCTED, 09-30 06:00 PAID",
        bank="9993",
    ),
)


async def _register(here: Town, rows: tuple[Row, ...], **also: Any) -> None:
    for place, row in enumerate(rows):
        buyer = await here.buyer(f"9110{place:03d}", bank=row.bank)
        item = contract(f"G{place:02d}", buyer=buyer, terms=row.terms, model=row.model, **also, **({"dueOn": DUE} if row.due else {}))
        (outcome,) = await here.register(130, item)
        assert isinstance(outcome, Registered), (row.name, outcome)


async def _compare(here: Town, rows: tuple[Row, ...]) -> None:
    wrong = {}
    for place, row in enumerate(rows):
        diary = await here.diary(f"130/G{place:02d}")
        wanted = [f"{MORNING} REGISTERED", *row.diary.split(", ")]
        if diary != wanted:
            wrong[row.name] = [f"- {line}" for line in wanted if line not in diary] + [f"+ {line}" for line in diary if line not in wanted]
    assert not wrong, wrong


async def test_every_row_in_escrow_mode(store: None, tmp_path: Path) -> None:
    """S07, S08, S16, S17, S18, S19, S20, S53."""
    async with town(tmp_path) as here:
        await here.say("update bank set files_per_debit_date = 2 where bank_code = '9993'")
        await here.walk(MORNING)
        await _register(here, ESCROW)
        await here.walk("10-08 12:00")
        await _compare(here, ESCROW)
        assert await here.exceptions() == ["DELIVERY_SILENT"]
        await sound(here)


async def test_what_is_seen_a_minute_before_each_step(store: None, tmp_path: Path) -> None:
    """The clock stops just before and just at each step: the status, the executed date (S17) and the carrier's own list say the same."""
    steps = (
        ("09-28 10:59", "PENDING PENDING PENDING", None, 0),
        ("09-28 11:00", "SCHEDULED INSTRUCTED PENDING", None, 1),
        ("10-01 08:59", "SCHEDULED INSTRUCTED PENDING", None, 1),
        ("10-01 09:00", "SCHEDULED SHIPPED PENDING", None, 1),
        ("10-03 09:59", "SCHEDULED SHIPPED PENDING", None, 1),
        ("10-03 10:00", "DEBITED SHIPPED PENDING", "2000-10-02", 1),
        ("10-05 10:59", "DEBITED SHIPPED PENDING", "2000-10-02", 1),
        ("10-05 11:00", "DEBITED SHIPPED INSTRUCTED", "2000-10-02", 1),
        ("10-07 05:59", "DEBITED SHIPPED INSTRUCTED", "2000-10-02", 1),
        ("10-07 06:00", "DEBITED SHIPPED PAID", "2000-10-02", 1),
    )
    async with town(tmp_path) as here:
        await here.register(130, contract("S1", dueOn=DUE))
        for instant, stands, debited_on, shipments in steps:
            await here.walk(instant)
            assert await here.stands("130/S1") == stands, instant
            row = (await here.contracts())["130/S1"]
            assert (str(row["debited_on"]) if row["debited_on"] else None) == debited_on, instant
            known = (await here.http.get(f"/carriers/{world_data.CARRIER_ID}/shipments")).json()["shipments"]
            assert len(known) == shipments, instant
        await sound(here)


DIRECT = (
    Row(
        "direct, no due date: debited and credited are one event",
        _terms(mode="DIRECT"),
        f"{_DEBIT}, 09-25 10:00 PAID, {_GOODS}, 09-28 09:00 SHIPPED",
        bank="9991",
    ),
    Row(
        "direct, after debit is the same thing",
        _terms(mode="DIRECT", trigger="AFTER_DEBIT"),
        f"{_DEBIT}, 09-25 10:00 PAID, {_GOODS}, 09-28 09:00 SHIPPED",
        bank="9991",
    ),
    Row(
        "direct, due date: the goods leave when the bank has accepted it",
        _terms(mode="DIRECT"),
        f"{_ONE}, 09-28 11:00 DELIVERY_INSTRUCTED, 10-01 09:00 SHIPPED, 10-03 10:00 DEBITED, 10-03 10:00 PAID",
        due=True,
        bank="9991",
    ),
    Row(
        "direct, the buyer's balance is short",
        _terms(mode="DIRECT"),
        "09-20 11:00 DEBIT_INSTRUCTED, 09-25 10:00 DEBIT_FAILED, 09-25 10:00 WILL_NOT_SETTLE",
        bank="9991",
        also={"yen": 5},
    ),
)


async def direct_seller(here: Town, number: str = "9120001", *, bank: str = "9991", consignor: str = "0000009120") -> dict[str, Any]:
    """A seller with a consignor code of his own at the buyers' bank (`kessai bank consignor`)."""
    await here.say("update bank set direct_debits = true where bank_code = $1", bank)
    seller = await here.seller(number, bank=bank)
    await here.deposit(bank, number, 7_000, consignor=consignor)
    party = administration.Party(130, seller["code"], seller["name"], seller["address"])
    await administration.create_party(party, machine_now=here.machine)
    await administration.create_account(
        Account(130, bank, "101", 1, number, seller["account"]["holder"], consignor, seller_code=seller["code"]), machine_now=here.machine
    )
    return seller


async def direct_buyer(here: Town, number: str, seller: dict[str, Any], *, bank: str = "9991", yen: int = 1_000_000) -> dict[str, Any]:
    """A buyer whose mandate is for that seller's consignor code."""
    buyer = await here.buyer(number, bank=bank, yen=yen)
    consent = {"consignor": "0000009120", "branch": "101", "type": "1", "number": number}
    assert (await here.http.post(f"/banks/{bank}/mandates", json=[consent])).status_code < 300
    taken = await mandates.add_mandates(
        130,
        [mandates.Consent(bank, "101", 1, number, "paper", seller_code=seller["code"])],
        now=await here.now(),
        machine_now=here.machine,
    )
    assert taken.added == 1, taken
    return buyer


async def test_every_row_in_direct_mode(store: None, tmp_path: Path) -> None:
    """One file for each seller and date; no account of the site is touched, nothing is swept (S48, S52). The seller's own balance is his own."""
    async with town(tmp_path) as here:
        await here.http.delete("/banks/9991/rules")
        seller = await direct_seller(here)
        await here.walk(MORNING)
        for place, row in enumerate(DIRECT):
            buyer = await direct_buyer(here, f"9110{place:03d}", seller, **row.also)
            item = contract(f"G{place:02d}", buyer=buyer, seller=seller, terms=row.terms, **({"dueOn": DUE} if row.due else {}))
            (outcome,) = await here.register(130, item)
            assert isinstance(outcome, Registered), (row.name, outcome)
        await here.walk("10-05 12:00")
        await _compare(here, DIRECT)
        assert await here.exceptions() == []
        assert await here.files() == {"DEBIT": 2, "DELIVERY": 2}
        book = (await here.http.get("/banks/9991/book", params={"account": "10119120001"})).json()["bookings"]
        assert [(x["on"], x["amount"], x["kind"]) for x in book if x["kind"] != "deposit"] == [
            ("2000-09-24", 180_000, "lump"),
            ("2000-10-02", 90_000, "lump"),
        ]
        # What passed through is back at nothing, and the seller's own 7,000 yen are no money of the site's.
        through = await here.value("select coalesce(sum(case when destination_kind = 9 then amount else -amount end), 0) from posting")
        assert through == 0
        assert await here.value("select count(*) from posting where 9 not in (source_kind, destination_kind)") == 0
        assert await here.value("select count(*) from statement_line where matched = 2") == 0
        await sound(here)


REFUSED: tuple[tuple[str, dict[str, Any], dict[str, Any], str], ...] = (
    ("escrow: delivery after settlement, settlement after shipment (S47)", _terms("ON_SHIPMENT", "AFTER_SETTLEMENT"), {}, "TERMS_DEADLOCK"),
    ("escrow: the same on delivery", _terms("ON_DELIVERY", "AFTER_SETTLEMENT"), {}, "TERMS_DEADLOCK"),
    ("direct: nobody holds the money (S48)", _terms("ON_SHIPMENT", mode="DIRECT"), {}, "TERMS_DEADLOCK"),
    ("direct, due date, on delivery", _terms("ON_DELIVERY", mode="DIRECT"), {"dueOn": DUE}, "TERMS_DEADLOCK"),
    ("direct: no consignor of the seller's at the buyer's bank (S52)", _terms(mode="DIRECT"), {}, "DIRECT_NOT_POSSIBLE"),
    ("due date in the past (S22)", {}, {"dueOn": "2000-09-19"}, "DATE_NOT_POSSIBLE"),
    ("due date after the last file (S22)", {}, {"dueOn": "2000-09-22"}, "DATE_NOT_POSSIBLE"),
    ("due date beyond the calendar (I19)", {}, {"dueOn": "2500-01-05"}, "DATE_NOT_POSSIBLE"),
)


async def test_refused_rows_leave_nothing_behind(store: None, tmp_path: Path) -> None:
    """S15, S22, S47, S48, S52."""
    async with town(tmp_path) as here:
        await here.say("update bank set calendar = 0 where bank_code = '9993'")  # bank days: they end somewhere
        for name, terms, also, code in REFUSED:
            (outcome,) = await here.register(130, contract("R1", terms=terms, **also))
            assert isinstance(outcome, Refused), name
            assert code in {problem.code.name for problem in outcome.problems}, (name, outcome)
        await here.say("update account set collecting = false where site_id = 130 and bank_code = '9993'")
        (outcome,) = await here.register(130, contract("R1"))
        assert isinstance(outcome, Refused)
        assert {problem.code.name for problem in outcome.problems} == {"NOT_ROUTABLE"}
        for table in ("contract", "contract_number", "event", "work", "batch"):
            assert await here.value(f"select count(*) from {table}") == 0, table
        await here.walk("09-20 12:00")
        assert await here.files() == {}


@pytest.mark.parametrize("files", ["ONE", "SEVERAL"])
async def test_a_sealed_date_is_left_for_the_next(store: None, tmp_path: Path, files: str) -> None:
    """A contract without a due date that comes after the sealing takes the next date; a minute before, it is still in."""
    async with town(tmp_path) as here:
        await here.say("update bank set files_per_debit_date = $1 where bank_code = '9993'", 1 if files == "ONE" else 2)
        await here.walk("09-20 10:59")
        await here.register(130, contract("B1"))
        await here.walk("09-20 11:00")
        await here.register(130, contract("A1"), contract("A2", dueOn="2000-09-25"))
        days = await here.rows("select number, debit_on from contract order by number")
        assert [(x["number"], x["debit_on"].isoformat()) for x in days] == [
            ("A1", "2000-09-25"),
            ("A2", "2000-09-25"),
            ("B1", "2000-09-24"),
        ]
        await here.walk("09-26 11:00")
        assert [await here.stands(f"130/{n}") for n in ("A1", "A2", "B1")] == [
            "DEBITED INSTRUCTED PENDING",
            "DEBITED SHIPPED PENDING",
            "DEBITED INSTRUCTED PENDING",
        ]
        assert await here.value("select count(*) from batch where kind = $1", int(Kind.DEBIT)) == 2
        assert (await here.now()) == at("09-26 11:00")
        await sound(here, level=False)  # the sweeps of the day are on their way


async def test_two_files_of_one_date(store: None, tmp_path: Path) -> None:
    """SEVERAL: a file at each deadline, numbered; the receipt of each schedules its own contracts."""
    async with town(tmp_path) as here:
        await here.say("update bank set files_per_debit_date = 2 where bank_code = '9993'")
        await here.register(130, contract("T1", dueOn=DUE))
        await here.walk("09-21 09:00")
        await here.register(130, contract("T2", dueOn=DUE))
        assert [await here.stands(f"130/{n}") for n in ("T1", "T2")] == ["SCHEDULED INSTRUCTED PENDING", "PENDING PENDING PENDING"]
        await here.walk("10-07 12:00")
        names = await here.rows("select name from batch where kind = 1 order by name")
        assert [x["name"] for x in names] == ["91_0000000130_20001002_001.txt", "91_0000000130_20001002_002.txt"]
        assert [await here.stands(f"130/{n}") for n in ("T1", "T2")] == ["DEBITED SHIPPED PAID"] * 2
        assert await here.exceptions() == []
        await sound(here)
