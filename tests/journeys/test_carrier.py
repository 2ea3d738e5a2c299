"""What the carrier does and says: refuses, is silent, repeats, comes out of order, loses, and speaks of what was never asked of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.store import batches, filling
from tests.journeys.checks import sound
from tests.journeys.town import chunks_of, contract, town
from workers.channels.carrier import HttpCarrier

_DEBITED = ["09-20 09:00 REGISTERED", "09-20 11:00 DEBIT_INSTRUCTED", "09-25 10:00 DEBITED", "09-25 10:00 DELIVERY_INSTRUCTED"]
_FUNDED = "09-27 06:00 FUNDED"
_PAID = ["09-28 11:00 PAYOUT_INSTRUCTED", "09-30 06:00 PAID"]

PLANS: tuple[tuple[str, str, dict[str, Any], list[str]], ...] = (
    ("rejected at once", "REJECT", {}, ["09-25 10:00 DELIVERY_REJECTED", _FUNDED]),
    ("rejected a day later", "REJECT_LATER", {}, ["09-26 09:00 DELIVERY_REJECTED", _FUNDED]),
    ("taken back by the sender", "CANCELLED", {}, ["09-26 09:00 DELIVERY_STOPPED", _FUNDED]),
    ("silent", "SILENT", {}, [_FUNDED, "10-02 10:00 DELIVERY_UNKNOWN"]),
    ("told twice", "TWICE", {}, [_FUNDED, "09-28 09:00 SHIPPED", *_PAID]),
    (
        "nobody was there, twice",
        "ABSENT",
        {},
        [
            _FUNDED,
            "09-28 09:00 SHIPPED",
            _PAID[0],
            "09-29 09:00 DELIVERY_ATTEMPT_FAILED",
            _PAID[1],
            "09-30 09:00 DELIVERY_ATTEMPT_FAILED",
            "10-01 09:00 DELIVERED",
        ],
    ),
    (
        "everything told backwards",
        "BACKWARDS",
        {},
        [
            _FUNDED,
            "09-29 09:00 DELIVERED",
            "09-29 10:00 DELIVERY_ATTEMPT_FAILED",
            "09-29 11:00 PAYOUT_INSTRUCTED",
            "10-01 06:00 PAID",
        ],
    ),
    ("in transit before picked up", "DISORDER", {}, [_FUNDED, "09-28 09:00 IN_TRANSIT", *_PAID]),
    (
        "every step",
        "NOTICES",
        {},
        [_FUNDED, "09-28 09:00 SHIPPED", "09-28 11:00 PAYOUT_INSTRUCTED", "09-28 15:00 IN_TRANSIT", "09-29 09:00 DELIVERED"],
    ),
    (
        "delivered without a shipping notice",
        "SKIPS",
        {"release": "ON_DELIVERY"},
        [_FUNDED, "09-29 09:00 DELIVERED", "09-29 11:00 PAYOUT_INSTRUCTED", "10-01 06:00 PAID"],
    ),
    ("returned before the release", "RETURNED", {"release": "ON_DELIVERY"}, [_FUNDED, "09-28 09:00 SHIPPED", "09-30 09:00 RETURNED"]),
    ("lost before the release", "LOST", {"release": "ON_DELIVERY"}, [_FUNDED, "09-28 09:00 SHIPPED", "09-30 09:00 LOST"]),
    ("returned after the release", "RETURNED", {}, [_FUNDED, "09-28 09:00 SHIPPED", *_PAID, "09-30 09:00 RETURNED"]),
    ("lost before it was picked up", "LOST_BEFORE", {}, [_FUNDED, "09-28 09:00 LOST"]),
)


async def test_every_plan(store: None, tmp_path: Path) -> None:
    """S03, S62, R29: each shipment is instructed once; what is shipped is not delivered; what is not shipped is not paid."""
    async with town(tmp_path) as here:
        for place, (_, model, terms, _) in enumerate(PLANS):
            await here.register(130, contract(f"C{place:02d}", model=model, terms=terms, buyer=await here.buyer(f"91100{place:02d}")))
        await here.walk("10-04 12:00")
        wrong = {}
        for place, (name, _, _, after) in enumerate(PLANS):
            diary, wanted = await here.diary(f"130/C{place:02d}"), [*_DEBITED, *after]
            if name == "every step":
                wanted.append(_PAID[1])
            if diary != wanted:
                wrong[name] = [f"- {x}" for x in wanted if x not in diary] + [f"+ {x}" for x in diary if x not in wanted] or diary
        assert not wrong, wrong
        found = await here.contracts()
        dates = {PLANS[n][0]: (found[f"130/C{n:02d}"]["shipped_on"], found[f"130/C{n:02d}"]["delivered_on"]) for n in range(len(PLANS))}
        assert [str(x) for x in dates["delivered without a shipping notice"]] == ["2000-09-29", "2000-09-29"]  # inferred
        assert str(dates["in transit before picked up"][0]) == "2000-09-28"
        assert await here.exceptions() == ["DELIVERY_SILENT"]
        assert await here.files() == {"DEBIT": 1, "SWEEP": 1, "PAYOUT": 2, "DELIVERY": 1}
        await sound(here)


NEVER: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    # notice, on, how, is it listed
    ("picked_up", "09-20", {}, "a contract that was never instructed"),
    ("delivered", "09-20", {}, "the same, delivered"),
    ("picked_up", "09-20", {"carrier": "other-carrier"}, "another carrier"),
    ("picked_up", "09-20", {"attempt": 2}, "an attempt that never was"),
)


@pytest.mark.parametrize("kind, on, how, what", NEVER, ids=[row[3] for row in NEVER])
async def test_a_notice_about_what_was_never_instructed(
    store: None, tmp_path: Path, kind: str, on: str, how: dict[str, Any], what: str
) -> None:
    """S61, S06: quarantined, never a trigger for money."""
    async with town(tmp_path) as here:
        await here.register(130, contract("N1"))
        await here.walk("09-20 12:00")
        await here.notice("130/N1", kind, on, **how)
        assert await here.exceptions() == ["NOTICE"], what
        assert await here.stands("130/N1") == "INSTRUCTED PENDING PENDING"
        await here.walk("09-28 08:00")
        assert await here.stands("130/N1") == "DEBITED INSTRUCTED PENDING"
        await here.walk("10-01 12:00")
        assert await here.stands("130/N1") == "DEBITED SHIPPED PAID"
        await sound(here)


async def test_notices_that_cannot_be(store: None, tmp_path: Path) -> None:
    """S61 (I11): in the future, before the instruction, of another carrier, of nobody's contract, and bytes that are no notices at all."""
    async with town(tmp_path) as here:
        await here.register(130, contract("N1", model="SILENT"))
        await here.walk("09-26 12:00")
        await here.notice("130/N1", "picked_up", "09-27")
        await here.notice("130/N1", "picked_up", "09-24")
        await here.notice("130/N1", "picked_up", "09-26", carrier="other-carrier")
        await here.notice("057312000001000012", "picked_up", "09-26")
        assert await here.exceptions() == ["NOTICE"] * 4
        assert await here.stands("130/N1") == "DEBITED INSTRUCTED PENDING"
        await here.notice("130/N1", "picked_up", "09-26", seq=2)
        assert await here.stands("130/N1") == "DEBITED SHIPPED PENDING"
        await here.notice("130/N1", "rejected", "09-26")  # too late to refuse
        assert await here.exceptions() == ["NOTICE"] * 5
        await here.walk("09-30 12:00")
        assert await here.stands("130/N1") == "DEBITED SHIPPED PAID"
        await sound(here)


async def test_a_carrier_that_answers_after_all(store: None, tmp_path: Path) -> None:
    """UNKNOWN after seven days of silence; a late notice settles it, and the seller is paid then."""
    async with town(tmp_path) as here:
        await here.register(130, contract("A1", model="SILENT"))
        await here.walk("10-03 12:00")
        assert await here.stands("130/A1") == "DEBITED UNKNOWN PENDING"
        await here.notice("130/A1", "picked_up", "10-03")
        await here.walk("10-06 12:00")
        assert (await here.diary("130/A1"))[-3:] == ["10-03 12:00 SHIPPED", "10-04 11:00 PAYOUT_INSTRUCTED", "10-06 06:00 PAID"]
        assert (await here.files())["DELIVERY"] == 1  # not ordered again meanwhile (S03)
        await sound(here)


async def test_the_ship_date_is_corrected(store: None, tmp_path: Path) -> None:
    """R29: inferred from a later scan, and put right by the shipping notice that comes after it; the payout does not move back."""
    async with town(tmp_path) as here:
        await here.register(130, contract("D1", model="SILENT"))
        await here.walk("09-28 10:00")
        await here.notice("130/D1", "in_transit", "09-28")
        await here.notice("130/D1", "picked_up", "09-26")
        await here.notice("130/D1", "picked_up", "09-28", seq=2)
        row = (await here.contracts())["130/D1"]
        assert (str(row["shipped_on"]), row["event_count"]) == ("2000-09-26", 6)
        await here.walk("09-30 12:00")
        assert await here.stands("130/D1") == "DEBITED IN_TRANSIT PAID"
        await sound(here)


async def test_a_failed_attempt_is_told_once_and_moves_nothing(store: None, tmp_path: Path) -> None:
    """配達未了, by the carrier's own name of the event: again in another message it is the same, another one on that day is not."""
    async with town(tmp_path) as here:
        await here.register(130, contract("T1", model="SILENT"))
        await here.walk("09-26 12:00")
        await here.say(_UNNAMED)
        for event, tracking in (("a", None), ("a", "900000000077"), ("b", "900000000078")):
            await here.notice("130/T1", "attempt_failed", "09-26", event_id=event, message=f"{event}{tracking}", tracking=tracking)
        row = (await here.contracts())["130/T1"]
        assert (await here.diary("130/T1"))[-3:] == [_DEBITED[-1], *["09-26 12:00 DELIVERY_ATTEMPT_FAILED"] * 2]
        assert (await here.stands("130/T1"), row["tracking_number"]) == ("DEBITED INSTRUCTED PENDING", "900000000077")
        told = await here.rows("select data ->> 'event' as event, data ->> 'reason' as reason from event where kind = 27 order by no")
        assert [tuple(x) for x in told] == [("a", None), ("b", None)]
        assert await here.exceptions() == []
        await here.register(130, contract("T2", model="REJECT"))
        await here.walk("10-01 12:00")
        await here.notice("130/T2", "attempt_failed", "10-01")
        assert (await here.exceptions())[-1] == "NOTICE"
        await sound(here)


_UNNAMED = "update contract_state set tracking_number = null"  # of a carrier that does not name parcels when it accepts them


async def test_the_answer_names_the_parcel(store: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An acceptance in time moves nothing and is no event, but its 送り状番号 is there at once; of nobody's shipment it is no news."""
    answered = HttpCarrier.post

    async def also_of_others(self: HttpCarrier, key: str, body: bytes) -> Any:
        answer = await answered(self, key, body)
        assert answer is not None
        listed = orjson.loads(answer.body)
        one = listed["results"][0]["shipment_id"]
        strange = (f"{one[:18]}02", f"{int(other):018d}01", "057312000001000012" + "01")
        listed["results"] += [{"shipment_id": x, "status": "accepted", "reason": None, "tracking_number": "777"} for x in strange]
        return replace(answer, body=orjson.dumps(listed))

    async with town(tmp_path) as here:
        await here.register(130, contract("T1", model="SILENT"))
        await here.register(130, contract("T2", buyer=await here.buyer("9110009", yen=1)))  # never debited, never instructed
        other = (await here.contracts())["130/T2"]["contract_id"]
        monkeypatch.setattr(HttpCarrier, "post", also_of_others)
        await here.walk("09-25 12:00")
        found = await here.contracts()
        assert (found["130/T1"]["tracking_number"], await here.diary("130/T1")) == ("900000000001", _DEBITED)
        assert found["130/T2"]["tracking_number"] is None
        await here.notice("130/T1", "in_transit", "09-25", tracking="900000000078")
        assert [x["status"] for x in await here.rows("select status from batch where kind = 2")] == [6]
        assert await here.exceptions() == []


async def test_a_later_notice_fills_in_the_tracking_number(store: None, tmp_path: Path) -> None:
    """What moves nothing may still be the first to name the parcel; a number that is there stays."""
    async with town(tmp_path) as here:
        await here.register(130, contract("T1", model="SILENT"))
        await here.walk("09-26 12:00")
        await here.say(_UNNAMED)
        await here.notice("130/T1", "delivered", "09-26")
        for kind, tracking in (("in_transit", "900000000077"), ("picked_up", "900000000078")):
            await here.notice("130/T1", kind, "09-26", tracking=tracking)
            assert (await here.contracts())["130/T1"]["tracking_number"] == "900000000077"
        assert (await here.stands("130/T1")).split()[1] == "DELIVERED"
        assert await here.exceptions() == []


@pytest.mark.parametrize("answer, times", [("busy", 1), ("error_before", 1), ("error_after", 1)])
async def test_a_call_that_fails(store: None, tmp_path: Path, answer: str, times: int) -> None:
    """Busy, or an error before or after the carrier took the batch: in the end it has each shipment once."""
    async with town(tmp_path) as here:
        await here.carrier_rule(answer, times)
        await here.register(130, contract("F1"))
        await here.walk("09-25 10:00")
        await here.later(60)
        known = (await here.http.get("/carriers/sandbox-carrier/shipments")).json()["shipments"]
        assert len(known) == 1
        await here.walk("10-01 12:00")
        assert await here.stands("130/F1") == "DEBITED SHIPPED PAID"
        await sound(here)


async def test_more_shipments_than_a_call_takes(store: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call carries at most 1,000 (three here): siblings take the rest, each shipment once, chunk by chunk."""
    monkeypatch.setattr(filling, "SHIPMENTS_PER_CALL", 3)
    chunks_of(monkeypatch, 2)
    async with town(tmp_path) as here:
        buyer = await here.buyer("9110001", yen=10_000_000)
        await here.register(130, *(contract(f"M{n}", buyer=buyer) for n in range(8)))
        await here.walk("10-01 12:00")
        assert await here.files() == {"DEBIT": 1, "SWEEP": 1, "PAYOUT": 1, "DELIVERY": 3}
        assert [row["line_count"] for row in await here.rows("select line_count from batch where kind = 2 order by batch_id")] == [3, 3, 2]
        found = await here.contracts()
        assert {await here.stands(number) for number in found} == {"DEBITED SHIPPED PAID"}
        assert batches.SHIPMENTS_PER_CALL == 1_000
        await sound(here)


async def test_a_call_that_is_refused_whole_rejects_each_shipment(store: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A carrier that takes none of a batch (422): every shipment is REJECTED, nothing is left waiting for an answer that never comes."""
    monkeypatch.setattr("sandbox.carrier._mistakes", lambda _batch, _key: [{"field": "shipments", "message": "no"}])
    async with town(tmp_path) as here:
        await here.register(130, contract("C1"), contract("C2"))
        await here.walk("09-25 12:00")
        for number in ("130/C1", "130/C2"):
            assert (await here.diary(number))[-1] == "09-25 10:00 DELIVERY_REJECTED"
        await sound(here)
