"""Every step done twice, by two workers at once, and cut off at any point and done again: the same end as done once (rules 1 and 4, I14)."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.store import due
from domain.store.connection import reading
from domain.store.due import Task
from tests.journeys.checks import sound
from tests.journeys.town import Town, chunks_of, contract, town

LEASE_IS_OVER = timedelta(seconds=60)


async def twice(here: Town, task: Task, now: datetime) -> None:
    """The message came again after the work was done."""
    await here.do(task, now)
    await here.do(task, now)


async def at_once(here: Town, task: Task, now: datetime) -> None:
    """Two workers have the message at the same moment."""
    await asyncio.gather(here.do(task, now), here.do(task, now), here.do(task, now))


def cut_off(seed: int) -> Callable[[Town, Task, datetime], Awaitable[None]]:
    """The worker is stopped somewhere, its lease runs out, and another does the work; that one may be stopped too."""
    chance = random.Random(seed)

    async def how(here: Town, task: Task, now: datetime) -> None:
        for _ in range(chance.choice((1, 2))):
            work = asyncio.create_task(here.do(task, now))
            for _ in range(int(chance.triangular(0, 250, 10))):
                if work.done():
                    break
                await asyncio.sleep(0.0005)
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            here.machine += LEASE_IS_OVER
        await here.do(task, now)

    return how


async def everything_at_once(here: Town, task: Task, now: datetime) -> None:
    """As many workers as there are tasks, each with its own."""
    async with reading() as tx:
        tasks = await due.tasks(tx, now, here.machine, here.moves)
    await asyncio.gather(*(here.do(each, now) for each in tasks))


WAYS: dict[str, Callable[[Town, Task, datetime], Awaitable[None]] | None] = {
    "once": None,
    "twice": twice,
    "three at once": at_once,
    "everything at once": everything_at_once,
    **{f"cut off, seed {seed}": cut_off(seed) for seed in (1, 2, 3, 4)},
}

PAID_AT_THE_SECOND_TRY = """09-20 09:00 REGISTERED, 09-20 11:00 DEBIT_INSTRUCTED, 09-25 10:00 DEBITED, 09-25 10:00 DELIVERY_INSTRUCTED,
 09-27 06:00 FUNDED, 09-27 11:00 PAYOUT_INSTRUCTED, 09-27 11:00 PAYOUT_WITHDRAWN, 09-28 09:00 SHIPPED, 09-28 11:00 PAYOUT_INSTRUCTED,
 09-30 06:00 PAID"""
DIARIES = {
    **{f"A{n}": PAID_AT_THE_SECOND_TRY for n in range(5)},
    "BACK": PAID_AT_THE_SECOND_TRY + ", 09-30 06:00 PAYOUT_RETURNED",
    "POOR": """09-20 09:00 REGISTERED, 09-20 11:00 DEBIT_INSTRUCTED, 09-25 10:00 DEBIT_FAILED, 09-25 11:00 DEBIT_INSTRUCTED,
 09-30 10:00 DEBIT_FAILED, 09-30 10:00 WILL_NOT_SETTLE""",
    "SHIP": """09-20 09:00 REGISTERED, 09-20 11:00 DEBIT_INSTRUCTED, 09-25 10:00 DEBITED, 09-25 10:00 DELIVERY_INSTRUCTED,
 09-27 06:00 FUNDED, 09-28 09:00 SHIPPED, 09-28 11:00 PAYOUT_INSTRUCTED, 09-30 06:00 PAID""",
    "DUE": """09-20 09:00 REGISTERED, 09-21 11:00 DEBIT_INSTRUCTED, 09-21 11:00 DEBIT_SCHEDULED, 09-21 11:00 DELIVERY_INSTRUCTED,
 09-24 09:00 SHIPPED, 09-26 10:00 DEBITED, 09-28 06:00 FUNDED, 09-28 11:00 PAYOUT_INSTRUCTED, 09-30 06:00 PAID""",
    "MUTE": """09-20 09:00 REGISTERED, 09-20 11:00 DEBIT_INSTRUCTED, 09-25 10:00 DEBITED, 09-25 10:00 DELIVERY_INSTRUCTED,
 09-27 06:00 FUNDED, 10-02 10:00 DELIVERY_UNKNOWN""",
    "AWAY": "09-20 09:00 REGISTERED, 09-20 11:00 DEBIT_INSTRUCTED, 09-27 10:00 DEBIT_UNKNOWN",
}
END = {
    "files": {"DEBIT": 4, "SWEEP": 2, "PAYOUT": 2, "DELIVERY": 2},
    "exceptions": ["DELIVERY_SILENT", "FILE_REFUSED", "PAYOUT_RETURNED"],
    "postings": 22,
    "lines": 35,
    "accounts": [("9990", 180_000, 0)],
    "work left": 0,
}
"""180,000 yen are held: for the contract whose goods nobody has seen leave, and for the one whose payout came back."""


async def _register(here: Town) -> None:
    """Something of everything: debited, failed, presented again, due, refused, silent, returned, repeated."""
    await here.say("update site set debit_attempts = 2 where site_id = 130")
    free = {"release": "UNCONDITIONAL"}
    buyer = await here.buyer("9110001")
    await here.rule("9992", {"repeat_result": {"after": {"minutes": 1}}}, kind="91")
    await here.rule("9990", {"refuse": "FORMAT"}, times=1, kind="21")
    await here.rule("9991", {"silence": ["result"]}, kind="91")
    await here.rule("9991", {"silence": ["statement"]}, kind="03")
    await here.register(
        130,
        *(contract(f"A{n}", buyer=buyer, terms=free) for n in range(5)),
        contract("POOR", buyer=await here.buyer("9110002", yen=5)),
        contract("SHIP", buyer=buyer, model="TWICE"),
        contract("DUE", buyer=buyer, dueOn="2000-09-25"),
        contract("BACK", buyer=buyer, terms=free, seller=await here.seller("9990101")),
        contract("MUTE", buyer=buyer, model="SILENT"),
        contract("AWAY", buyer=await here.buyer("9110003", bank="9991")),
    )


async def _end(here: Town) -> dict[str, Any]:
    accounts = await here.rows("select bank_code, booked, reserved from account where booked <> 0 or reserved <> 0 order by 1, 2")
    return {
        "files": await here.files(),
        "exceptions": sorted(await here.exceptions()),
        "postings": await here.value("select count(*) from posting"),
        "lines": await here.value("select count(*) from line"),
        "accounts": [tuple(row) for row in accounts],
        "work left": await here.value("select (select count(*) from work) + (select count(*) from batch_fact)"),
    }


@pytest.mark.parametrize("way", WAYS)
async def test_the_same_end(store: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """S01, S02, S03: one line, one file at the bank, one booking, whatever is done how often; in chunks of two, so that there is much to cut."""
    chunks_of(monkeypatch, 2)
    async with town(tmp_path) as here:
        await _register(here)
        here.how = WAYS[way]
        await here.walk("10-04 12:00")
        diaries = {number: await here.diary(f"130/{number}") for number in DIARIES}
        assert diaries == {number: text.replace("\n", "").split(", ") for number, text in DIARIES.items()}
        assert await _end(here) == END
        await sound(here, level=False)  # the lump of the file whose result never came is awaited
