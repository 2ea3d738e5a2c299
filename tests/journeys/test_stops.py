"""Asking a carrier to stop a shipment: stored first, asked until it answers, and only the carrier's own notice stops anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.statuses import StopAnswer
from domain.store import due, people, stops
from domain.store.administration import NotThere, Refused
from domain.store.connection import reading
from tests.journeys.checks import sound
from tests.journeys.town import Town, contract, town
from workers import stopping

INSTRUCTED = "09-25 12:00"


async def ask(here: Town, number: str, *, settled: bool = True) -> stops.Asked:
    site, _, short = number.partition("/")
    found = await stops.ask(int(site), short, by="op-1", reason="the buyer is gone", now=await here.now(), machine_now=here.machine)
    if settled:
        await here.settle()
    return found


async def operator(here: Town) -> None:
    await people.create("op-1", firm_id=None, password_hash="x", subject=None, machine_now=here.machine)


async def rows(number: str) -> list[Any]:
    return [(r["asked_by"], r["reason"], r["answer"], r["delivery"]) for r in await stops.listed() if r["contract"] == number]


TABLE: tuple[tuple[str, str, str, StopAnswer, str, list[str]], ...] = (
    # goods, when it is asked, what it is answered at once, in the end, and what is listed
    ("GOODS", INSTRUCTED, "DEBITED STOPPED PENDING", StopAnswer.STOPPED, "09-25 12:00 DELIVERY_STOPPED", []),
    ("HURRIED", INSTRUCTED, "DEBITED INSTRUCTED PENDING", StopAnswer.TOO_LATE, "09-30 06:00 PAID", ["STOP_TOO_LATE"]),
    ("GOODS", "09-20 09:00", "PENDING STOPPED PENDING", StopAnswer.STOPPED, "09-27 06:00 FUNDED", []),
    ("REJECT", INSTRUCTED, "DEBITED STOPPED PENDING", StopAnswer.STOPPED, "09-25 12:00 DELIVERY_STOPPED", []),
    ("SILENT", "10-03 12:00", "DEBITED STOPPED PENDING", StopAnswer.STOPPED, "10-03 12:00 DELIVERY_STOPPED", ["DELIVERY_SILENT"]),
)


@pytest.mark.parametrize(
    "model, when, stands, answer, last, listed", TABLE, ids=["stays", "has left", "not instructed", "rejected", "unknown"]
)
async def test_a_shipment_is_asked_to_stay(
    store: None, tmp_path: Path, model: str, when: str, stands: str, answer: StopAnswer, last: str, listed: list[str]
) -> None:
    """Before a carrier has it the decision is ours; later only its notice `cancelled` stops it, and too late changes nothing."""
    async with town(tmp_path) as here:
        await operator(here)
        await here.register(130, contract("S1", model=model))
        await here.walk(when)
        await ask(here, "130/S1")
        assert await here.stands("130/S1") == stands
        assert await rows("130/S1") == [("op-1", "the buyer is gone", answer.name, stands.split()[1])]
        assert not (again := await ask(here, "130/S1")).new
        assert again.answer is answer
        await here.walk("10-04 12:00")
        diary = await here.diary("130/S1")
        assert last in diary
        assert sum("DELIVERY_STOPPED" in line for line in diary) == (answer is StopAnswer.STOPPED)
        assert not any("SHIPPED" in line for line in diary) or answer is StopAnswer.TOO_LATE
        assert await here.exceptions() == listed
        await sound(here)


@pytest.mark.parametrize("answer", ["busy", "error_before", "error_after"])
async def test_a_carrier_that_does_not_answer_is_asked_again(store: None, tmp_path: Path, answer: str) -> None:
    """The request is a row: with every message lost `due` finds it again, and asking twice is asking once."""
    async with town(tmp_path) as here:
        await operator(here)
        await here.register(130, contract("S1"))
        await here.walk(INSTRUCTED)
        rule = {"action": {"stop_answer": answer}, "times": 2}
        assert (await here.http.post("/carriers/sandbox-carrier/rules", json=rule)).status_code == 201
        await ask(here, "130/S1")
        assert (await stops.listed(waiting=True))[0]["tries"] == 1
        assert "500" in (problem := (await stops.listed())[0]["problem"]) or "503" in problem
        now = await here.now()
        async with reading() as tx:
            assert await due.tasks(tx, now, here.machine, here.moves) == []  # it rests
        await here.later(2)
        await here.later(4)
        assert await stops.listed(waiting=True) == []
        assert await rows("130/S1") == [("op-1", "the buyer is gone", "STOPPED", "STOPPED")]
        await sound(here)


async def test_a_shipment_that_the_carrier_does_not_know(store: None, tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        await operator(here)
        await here.register(130, contract("S1", model="SILENT"))
        await here.walk(INSTRUCTED)
        here.sandbox._store.db.execute("delete from shipments")
        await ask(here, "130/S1")
        assert await rows("130/S1") == [("op-1", "the buyer is gone", "UNKNOWN_THERE", "INSTRUCTED")]
        assert await here.exceptions() == ["STOP_UNKNOWN"]


async def test_what_has_not_gone_out_is_asked_for_later(store: None, tmp_path: Path) -> None:
    """The carrier cannot stop what it has not got: the request waits until the call with the shipment has gone out."""
    async with town(tmp_path) as here:
        await operator(here)
        await here.carrier_rule("busy", 1)
        await here.register(130, contract("S1"))
        await here.walk("09-25 10:00")
        assert await here.stands("130/S1") == "DEBITED INSTRUCTED PENDING"
        await ask(here, "130/S1")
        assert [x["tries"] for x in await stops.listed(waiting=True)] == [0]
        await here.later(60)
        assert await rows("130/S1") == [("op-1", "the buyer is gone", "STOPPED", "STOPPED")]
        await sound(here)


async def test_two_workers_ask_once(store: None, tmp_path: Path) -> None:
    """A message that is delivered twice finds the request in other hands, or answered."""
    async with town(tmp_path) as here:
        await operator(here)
        await here.register(130, contract("S1"))
        await here.walk(INSTRUCTED)
        asked = await ask(here, "130/S1", settled=False)
        home = await here.value("select home from delivery_stop")
        first = await stops.take(home, asked.contract_id, "one", here.machine)
        assert first is not None
        assert await stops.take(home, asked.contract_id, "two", here.machine) is None
        here.machine += stops.LASTS * 2  # the first one has died
        await stopping.stop_shipment(
            home, asked.contract_id, services=here.services, holder="two", now=await here.now(), machine_now=here.machine
        )
        await stops.answered(first, StopAnswer.TOO_LATE, await here.now())  # and wakes up
        await here.settle()
        assert await rows("130/S1") == [("op-1", "the buyer is gone", "STOPPED", "STOPPED")]
        assert await here.exceptions() == []


async def test_what_cannot_be_asked(store: None, tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        await operator(here)
        await here.register(130, contract("S1"))
        await here.walk("09-28 12:00")
        for site, number, by, reason, code in (
            (130, "S1", "op-1", "x", "TOO_LATE"),
            (130, "S1", "op-1", " ", "REASON"),
            (130, "S1", "op-1", "x\ny", "REASON"),
            (130, "S1", "op-2", "x", "NOT_FOUND"),
            (130, "S2", "op-1", "x", "NOT_FOUND"),
            (999, "S1", "op-1", "x", "NOT_FOUND"),
        ):
            with pytest.raises(Refused) as refused:
                await stops.ask(site, number, by=by, reason=reason, now=await here.now(), machine_now=here.machine)
            assert refused.value.code == code
            assert isinstance(refused.value, NotThere) == (code == "NOT_FOUND")
        assert await stops.listed() == []
