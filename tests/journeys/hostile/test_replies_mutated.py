"""Ten thousand replies that are not what they should be, and three thousand in ISO 20022: no crash, nothing applied in part, none over two seconds.

A few hundred here; `make fuzz` sends them all.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from domain.store import replies, verify
from sandbox.scenario import scenario
from tests.journeys.carriers import csv_town
from tests.journeys.hostile.desk import Desk, at_desk
from tests.journeys.hostile.mutations import Mutator
from tests.journeys.town import Over, Town, contract, town

SEEDS = [int(seed) for seed in os.environ.get("KESSAI_FUZZ_SEEDS", "1").split(",")]
COUNT = int(os.environ.get("KESSAI_FUZZ_COUNT", "150"))
LONGEST = 2.0  # seconds
SWEEP_AT = 400  # cases: then the rows that were put back are cleared away

# Kind, until when it comes, its smallest size (one with lines), and its share of the cases.
KINDS = [
    ("receipt", "09-21 09:00", 0, 0.15),
    ("result", "09-25 12:00", 0, 0.35),
    ("answer", "09-25 12:00", 0, 0.1),
    ("statement", "09-26 12:00", 4 * 202, 0.25),
    ("notices", "09-30 12:00", 0, 0.1),
    ("credits", "09-30 12:00", 0, 0.05),
    ("shipped", "09-25 12:00", 0, 0.1),
    ("tracking", "09-30 12:00", 0, 0.1),
]
ISO = [
    ("receipt", "09-21 09:00", 0, 0.05),
    ("result", "09-25 12:00", 0, 0.1),
    ("statement", "09-26 12:00", 1_000, 0.1),
    ("credits", "09-30 12:00", 0, 0.05),
]
WAYS = [(Over(), *row) for row in KINDS] + [(Over(format="iso20022"), *row) for row in ISO]
BY_FILE = ("shipped", "tracking")  # of a carrier that is given CSV files


async def market(here: Town) -> None:
    """Some contracts at one bank, of which one cannot be debited."""
    for number, yen in (("9110001", 90_000), ("9110002", 5), ("9110003", 90_000), ("9110004", 90_000)):
        buyer = await here.buyer(number, yen=yen)
        await here.register(130, contract(f"T{number[-1]}", buyer=buyer, terms={"release": "UNCONDITIONAL"}))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("over, kind, to, least, share", WAYS, ids=[f"{row[1]}-{row[0].format}" for row in WAYS])
async def test_no_reply_breaks_anything(
    store: None, database_url: str, tmp_path: Path, over: Over, kind: str, to: str, least: int, share: float, seed: int
) -> None:
    config = scenario()
    for bank in config["banks"]:
        bank["notice_at"] = "17:00"
    async with csv_town(tmp_path) if kind in BY_FILE else town(tmp_path, config=config, over=over) as here:
        await market(here)
        async with at_desk(here, database_url, to, kind, least=least) as desk:
            before = await desk.digest()
            good = await desk.feed(desk.content)
            assert good.status == replies.APPLIED, "the reply itself is a good one"
            after = await desk.digest()
            assert after != before or kind in ("answer", "receipt", "credits", "shipped")
            await desk.restore()
            assert await desk.digest() == before
            mutator = Mutator(seed)
            statuses: Counter[int] = Counter()
            for number in range(max(15, int(COUNT * share))):
                statuses[await _one(desk, mutator, before, number)] += 1
            assert statuses[replies.HELD] > 0
            assert statuses.total() == max(15, int(COUNT * share))


async def _one(desk: Desk, mutator: Mutator, before: str, number: int) -> int:
    content = mutator.changed(desk.content)
    told = f"case {number}: {len(content)} bytes: {content[:3000]!r}"
    name = desk.name if mutator.random.random() < 0.97 or desk.kind == "answer" else mutator.name(desk.name)
    try:
        ended = await desk.feed(content, name=name)
    except Exception as error:
        error.add_note(told)
        raise
    assert ended.seconds < LONGEST, f"{ended.seconds:.1f} s, {told}"
    if ended.status == replies.APPLIED:
        findings = await verify.check()
        assert findings == [], (findings, told)
        await _complete(desk, told)
    else:
        assert await desk.digest() == before, (ended, told)
    if ended.status == replies.HELD:
        (listed,) = await desk.raw.fetch("select code, reason from exception where reply_id = (select max(reply_id) from reply)")
        assert listed["code"], told
        assert listed["reason"], told
    await desk.restore(touched=ended.status == replies.APPLIED)
    if number % SWEEP_AT == SWEEP_AT - 1:
        await desk.raw.execute("vacuum")
    return ended.status


async def _complete(desk: Desk, told: str) -> None:
    """A result that was applied has answered every line of its batch."""
    if desk.kind == "result":
        open_ = await desk.raw.fetchval(
            "select count(*) from line l join batch b using (home, batch_id) where b.kind = 1 and l.outcome = 0"
        )
        assert open_ == 0, told
