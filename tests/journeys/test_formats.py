"""The same journeys over everything that a bank may be: Zengin and ISO 20022, each by SFTP and by directory, JSON polled and pushed.

Debited and failed, for a due date, swept, paid, and a payout that comes back: what stands in the end is the same, to the yen and the hour.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.store.bank_changes import change_bank
from sandbox.scenario import scenario
from tests.journeys.bank_contract import Heard
from tests.journeys.checks import sound
from tests.journeys.town import BANK_SECRET, Over, Town, contract, day, town
from zengin import EBCDIC

WAYS = {
    "zengin by directory": Over(),
    "zengin by sftp": Over("sftp"),
    "iso20022 by directory": Over(format="iso20022"),
    "iso20022 by sftp": Over("sftp", "iso20022"),
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


async def ended_well(here: Town) -> None:
    """What stands after `play`, whatever it was played over."""
    assert {name: await here.stands(f"130/{name}") for name in STANDS} == STANDS
    found = await here.contracts()
    assert [found[f"130/{name}"]["failure"] for name in ("SHORT", "CLOSED")] == [1, 2]
    assert found["130/OK"]["settled_on"] == day("09-28")
    assert await here.diary("130/DUE") == DUE
    assert await here.diary("130/BACK") == BACK
    rows = await here.rows("select kind, status, problem from reply where channel like 'bank:%'")
    assert {"receipt", "result", "statement"} <= {row["kind"] for row in rows}
    assert [row["problem"] for row in rows if row["status"] != 2] == [], "everything that came was understood and used"
    assert await here.exceptions() == ["PAYOUT_RETURNED"]
    await sound(here)


@pytest.mark.parametrize("over", WAYS.values(), ids=WAYS)
async def test_every_way_ends_the_same(store: None, tmp_path: Path, over: Over) -> None:
    heard = Heard()
    async with town(tmp_path, over=over, between=heard.over) as here:
        await play(here)
        if over.format == "json":
            heard.keeps_to_the_document(pushed=over.pushes)
        if over.pushes:
            heard.pushed_keeps_to_the_document(here.pushed, BANK_SECRET)
        await ended_well(here)
        names = [row["name"] for row in await here.rows("select name from batch where bank_code is not null and name is not null")]
        assert {"." + name.partition(".")[2] if "." in name else "" for name in names} == {SUFFIX[over.format]}


RECORDS = {
    # framing, encoding: bytes a record of a request takes, what stands behind the first
    ("none", "ebcdic"): (120, b"\xf2"),
    ("inside_crlf", "jis"): (120, b"2"),
    ("inside_cr", "ebcdic"): (120, b"\xf2"),
}


@pytest.mark.parametrize("framing, encoding", RECORDS)
async def test_records_as_the_bank_wants_them(store: None, tmp_path: Path, framing: str, encoding: str) -> None:
    """Line breaks inside the records or none, EBCDIC: banks that read nothing else take every file, and we read every answer; 01 notices too."""
    config = scenario()
    for bank in config["banks"]:
        bank.update(framing=framing, encoding=encoding, notice_at="17:00")
    async with town(tmp_path, config=config) as here:
        for bank in config["banks"]:
            changes = {"framing": framing, "encoding": encoding}
            await change_bank(bank["code"], changes, now=await here.now(), machine_now=here.machine)
        await play(here)
        await ended_well(here)
        assert await here.value("select count(*) from reply where kind = 'credits'") > 0
        (first, *_) = sorted(here.sandbox.drops["9992"].taken.glob("*91_*"))
        data, (step, second) = first.read_bytes(), RECORDS[framing, encoding]
        assert (len(data) % step, data[step : step + 1]) == (0, second)
        assert data.startswith(EBCDIC.encode("1911") if encoding == "ebcdic" else b"1910")
