"""The scenario's nine contracts through the runs alone, without queue, API or demo: every account and every state at the end."""

from __future__ import annotations

from pathlib import Path

from domain.calendar import JST
from domain.statuses import DebitStatus, DeliveryStatus, PayoutStatus
from tests.journeys.checks import sound
from tests.journeys.town import registration, town


async def test_the_scenario_comes_out(store, tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        await here.walk("09-20 10:00")
        await here.register(130, *(registration(n) for n in ("4100", "4101", "4102", "4103")))
        await here.walk("09-21 10:00")
        await here.register(130, registration("4112"))
        await here.walk("09-22 10:00")
        await here.register(130, registration("4332"))
        await here.register(320, registration("1544"))
        await here.walk("09-23 10:00")
        await here.register(320, registration("1566"))
        await here.walk("09-24 10:00")
        await here.register(130, registration("4662"))
        await here.walk("09-25 10:00")
        found = await here.contracts()
        instructed = {number for number, row in found.items() if row["delivery"] == DeliveryStatus.INSTRUCTED}
        assert instructed == {"130/4101", "130/4102"}  # [0026]
        await here.walk("10-02 07:00")
        await sound(here)
        found = await here.contracts()
        assert await here.exceptions() == []
        assert await here.files() == {"DEBIT": 8, "SWEEP": 8, "PAYOUT": 4, "DELIVERY": 6}
        assert found["130/4100"]["debit"] == DebitStatus.FAILED
        assert found["130/4100"]["payout"] == PayoutStatus.WILL_NOT_SETTLE  # S33
        # S25, S26: the baseline is what it was at registration, though the delivery was instructed a day later.
        (baseline,) = await here.rows("select * from contract where number = '4102'")
        planned = ("planned_debited_on", "planned_delivery_on", "planned_shipped_on")
        assert [f"{baseline[name]:%m-%d}" for name in planned] == ["09-24", "09-24", "09-27"]
        assert f"{found['130/4102']['delivery_instructed_on']:%m-%d}" == "09-25"
        assert f"{baseline['registered_at'].astimezone(JST):%m-%d}" == "09-20"
        # S28: the settled amount is the net one, and there is none before. S29: the older of two may well be settled later.
        older, newer = found["320/1544"], found["320/1566"]
        assert older["debited_on"] < newer["debited_on"]
        assert (older["settled"], older["settled_on"]) == (0, None)
        assert (newer["settled"], f"{newer['settled_on']:%m-%d}") == (850_000, "10-01")
