"""The same journeys over everything that a bank may be: Zengin by SFTP and by directory, ISO 20022, JSON polled and pushed.

Debited and failed, for a due date, swept, paid, and a payout that comes back: what stands in the end is the same, to the yen and the hour.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.bank_contract import Heard
from tests.journeys.checks import sound
from tests.journeys.town import Over, Town, contract, day, town

WAYS = {
    "zengin by directory": Over(),
    "zengin by sftp": Over("sftp"),
    "iso20022 by directory": Over(format="iso20022"),
    "json polled": Over("http", "json"),
    "json pushed": Over("http", "json", pushes=True),
}
SUFFIX = {"zengin": ".txt", "iso20022": ".xml", "json": ""}


async def play(here: Town) -> None:
    at_once = {"release": "UNCONDITIONAL"}
    await here.register(
        130,
        contract("OK", terms=at_once, buyer=await here.buyer("9110001")),
        contract("SHORT", buyer=await here.buyer("9110002", yen=10)),
        contract("CLOSED", buyer=await here.buyer("9990002")),
        contract("DUE", terms=at_once, buyer=await here.buyer("9110003"), dueOn="2000-09-29"),
        contract("BACK", terms=at_once, buyer=await here.buyer("9110004"), seller=await here.seller("9990100")),
    )
    await here.walk("10-06 12:00")


STANDS = {
    "OK": "DEBITED SHIPPED PAID",
    "SHORT": "FAILED PENDING WILL_NOT_SETTLE",
    "CLOSED": "FAILED PENDING WILL_NOT_SETTLE",
    "DUE": "DEBITED SHIPPED PAID",
    "BACK": "DEBITED SHIPPED RETURNED",
}
DUE = [
    "09-20 09:00 REGISTERED",
    "09-25 11:00 DEBIT_INSTRUCTED",
    "09-25 11:00 DEBIT_SCHEDULED",  # the first answer: the receipt
    "09-25 11:00 DELIVERY_INSTRUCTED",
    "09-28 09:00 SHIPPED",
    "09-30 10:00 DEBITED",  # the second: the result
    "10-02 06:00 FUNDED",
    "10-02 11:00 PAYOUT_INSTRUCTED",
    "10-04 06:00 PAID",
]
BACK = [
    "09-20 09:00 REGISTERED",
    "09-20 11:00 DEBIT_INSTRUCTED",
    "09-25 10:00 DEBITED",
    "09-25 10:00 DELIVERY_INSTRUCTED",
    "09-27 06:00 FUNDED",
    "09-27 11:00 PAYOUT_INSTRUCTED",
    "09-28 09:00 SHIPPED",
    "09-29 06:00 PAID",
    "09-30 06:00 PAYOUT_RETURNED",
]


@pytest.mark.parametrize("over", WAYS.values(), ids=WAYS)
async def test_every_way_ends_the_same(store: None, tmp_path: Path, over: Over) -> None:
    heard = Heard()
    async with town(tmp_path, over=over, between=heard.over) as here:
        await play(here)
        if over.format == "json":
            heard.keeps_to_the_document(pushed=over.pushes)
        assert {name: await here.stands(f"130/{name}") for name in STANDS} == STANDS
        found = await here.contracts()
        assert [found[f"130/{name}"]["failure"] for name in ("SHORT", "CLOSED")] == [1, 2]
        assert found["130/OK"]["settled_on"] == day("09-28")
        assert await here.diary("130/DUE") == DUE
        assert await here.diary("130/BACK") == BACK
        rows = await here.rows("select kind, status, problem from reply where channel like 'bank:%'")
        assert {row["kind"] for row in rows} == {"receipt", "result", "statement"}
        assert [row["problem"] for row in rows if row["status"] != 2] == [], "everything that came was understood and used"
        names = [row["name"] for row in await here.rows("select name from batch where bank_code is not null and name is not null")]
        assert {"." + name.partition(".")[2] if "." in name else "" for name in names} == {SUFFIX[over.format]}
        assert await here.exceptions() == ["PAYOUT_RETURNED"]
        await sound(here)
