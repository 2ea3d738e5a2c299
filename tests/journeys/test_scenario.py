"""The scenario's nine contracts through the runs alone, without queue, API or demo: every account and every state at the end."""

from __future__ import annotations

from pathlib import Path

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
        assert found["130/4100"]["payout"] == PayoutStatus.WILL_NOT_SETTLE
