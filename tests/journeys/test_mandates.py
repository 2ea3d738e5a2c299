"""A consent that is withdrawn between registration and sealing, and brought again [0018]."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.store import administration, mandates
from tests.journeys.checks import sound
from tests.journeys.town import Town, contract, town


async def _stop(here: Town, number: str) -> None:
    await mandates.stop_mandates(130, "9992", "201", 1, number, because="the buyer wrote", now=await here.now())


@pytest.mark.parametrize("due", [False, True])
async def test_stopped_parked_and_given_again(store: None, tmp_path: Path, due: bool) -> None:
    """Looked at again when the batch is filled: nothing is sent, it is listed, the others of the file go; a new consent lets it go on, once."""
    async with town(tmp_path) as here:
        also = {"dueOn": "2000-09-29"} if due else {}
        if due:
            await here.say("update bank set files_per_debit_date = 2 where bank_code = '9992'")
        await here.register(130, contract("M1", buyer=await here.buyer("9110001"), **also))
        await here.register(130, contract("M2", buyer=await here.buyer("9110002"), **also))
        await _stop(here, "9110001")
        await here.walk("09-20 12:00")
        assert await here.exceptions() == ["NO_MANDATE"]
        assert await here.stands("130/M1") == "PENDING PENDING PENDING"
        assert (await here.stands("130/M2")).split()[0] == ("SCHEDULED" if due else "INSTRUCTED")
        await here.walk("09-21 12:00")
        assert await here.value("select count(*) from parked") == 1
        await here.consent("9110001")
        await here.consent("9110001")
        assert await here.value("select count(*) from parked") == 0
        assert await here.value("select count(*) from exception where closed_at is null") == 0
        await here.walk("10-08 12:00")
        assert await here.stands("130/M1") == await here.stands("130/M2") == "DEBITED SHIPPED PAID"
        debited = {number: str(row["debited_on"]) for number, row in (await here.contracts()).items()}
        # No due date: the next file. A due date: the next file for that very date, never an earlier one.
        assert debited == ({"130/M1": "2000-09-29", "130/M2": "2000-09-29"} if due else {"130/M1": "2000-09-26", "130/M2": "2000-09-24"})
        await sound(here)


async def test_stopped_twice_is_listed_twice(store: None, tmp_path: Path) -> None:
    """What waits again is a new finding; a contract that nobody brings a consent for is never sent."""
    async with town(tmp_path) as here:
        await here.register(130, contract("M1", buyer=await here.buyer("9110001")))
        await _stop(here, "9110001")
        await here.walk("09-20 12:00")
        await here.consent("9110001")
        await _stop(here, "9110001")
        await here.walk("09-25 12:00")
        assert await here.exceptions() == ["NO_MANDATE", "NO_MANDATE"]
        assert await here.value("select count(*) from exception where closed_at is null") == 1
        assert await here.files() == {}
        assert await here.stands("130/M1") == "PENDING PENDING PENDING"
        await sound(here)


async def test_a_limit_below_the_gross_amount(store: None, tmp_path: Path) -> None:
    """S51: the limit is compared with amount + buyer's fee, at registration and again when the batch is filled."""
    async with town(tmp_path) as here:
        await administration.set_fees(
            administration.Fees(130, here.services.machine_clock().date().replace(year=2000, month=1, day=1), 200)
        )
        await here.register(130, contract("M1", buyer=await here.buyer("9110001")))

        async def limited(yen: int) -> None:
            consent = mandates.Consent("9992", "201", 1, "9110001", "paper", limit=yen)
            await mandates.add_mandates(130, [consent], now=await here.now(), machine_now=here.machine)

        await limited(90_199)
        await here.walk("09-20 12:00")
        assert await here.exceptions() == ["NO_MANDATE"]
        await limited(90_200)
        await here.walk("10-01 12:00")
        assert await here.stands("130/M1") == "DEBITED SHIPPED PAID"
        await sound(here)
