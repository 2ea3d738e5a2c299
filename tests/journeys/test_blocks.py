"""Files that are full, and dates that the file itself does not say in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.store.registering import Registered
from tests.journeys.checks import sound
from tests.journeys.town import chunks_of, contract, town


@pytest.mark.parametrize("files", ["ONE", "SEVERAL"])
async def test_a_full_block(store: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: str) -> None:
    """999,999 lines, or as many as the bank takes (three here). SEVERAL: the rest takes the date's next number; ONE: the next date, visibly."""
    chunks_of(monkeypatch, 2)
    async with town(tmp_path) as here:
        await here.say("update bank set max_lines = 3, files_per_debit_date = $1 where bank_code = '9992'", 1 if files == "ONE" else 2)
        buyer = await here.buyer("9110001", yen=10_000_000)
        await here.register(130, *(contract(f"M{n}", buyer=buyer, terms={"release": "UNCONDITIONAL"}) for n in range(7)))
        await here.walk("10-04 12:00")
        names = [row["name"] for row in await here.rows("select name from batch where kind = 1 order by name")]
        if files == "ONE":
            assert names == [f"91_0000000130_200009{n}_001.txt" for n in (24, 25, 26)]
            assert await here.exceptions() == ["BLOCK_FULL", "BLOCK_FULL"]
        else:
            assert names == [f"91_0000000130_20000924_00{n}.txt" for n in (1, 2, 3)]
            assert await here.exceptions() == []
        assert [row["line_count"] for row in await here.rows("select line_count from batch where kind = 1 order by name")] == [3, 3, 1]
        assert {await here.stands(number) for number in await here.contracts()} == {"DEBITED SHIPPED PAID"}
        await sound(here)


async def test_a_block_holds_so_many_yen(store: None, tmp_path: Path) -> None:
    """999,999,999,999 yen, or what the bank takes (200,000 here): what would pass it goes into the next file, in the order of the contracts."""
    async with town(tmp_path) as here:
        await here.say("update bank set max_yen = 200000, max_line_yen = 200000, files_per_debit_date = 2")
        buyer = await here.buyer("9110001", yen=10_000_000)
        await here.register(130, *(contract(f"M{n}", buyer=buyer, terms={"release": "UNCONDITIONAL"}) for n in range(5)))
        await here.walk("10-04 12:00")
        amounts = await here.rows("select kind, amount from batch where kind in (1, 3) order by kind, name")
        assert [tuple(row) for row in amounts] == [(1, 180_000), (1, 180_000), (1, 90_000), (3, 180_000), (3, 180_000), (3, 90_000)]
        assert {await here.stands(number) for number in await here.contracts()} == {"DEBITED SHIPPED PAID"}
        await sound(here)


@pytest.mark.parametrize("files", ["ONE", "SEVERAL"])
async def test_a_sweep_is_one_line_of_ten_digits(store: None, tmp_path: Path, files: str) -> None:
    """9,999,999,999 yen: a debit file brings no more than one sweep can carry, and what a sweep cannot carry takes the next one."""
    async with town(tmp_path) as here:
        await here.say("update bank set files_per_debit_date = $1 where bank_code = '9992'", 1 if files == "ONE" else 2)
        buyer = await here.buyer("9110001", yen=30_000_000_000)
        terms = {"release": "UNCONDITIONAL"}
        await here.register(130, *(contract(f"G{n}", amount=6_000_000_000, buyer=buyer, terms=terms) for n in range(2)))
        await here.walk("10-06 12:00")
        amounts = await here.rows("select kind, amount from batch where kind in (1, 6) order by kind")
        assert [row["kind"] for row in amounts] == [1, 1, 6, 6]
        assert {row["amount"] for row in amounts} == {6_000_000_000}
        assert await here.exceptions() == (["BLOCK_FULL"] if files == "ONE" else [])
        assert {await here.stands(number) for number in await here.contracts()} == {"DEBITED SHIPPED PAID"}
        await sound(here)


async def test_the_turn_of_the_year(store: None, tmp_path: Path) -> None:
    """S23: a debit file says month and day. Files are made by bank *and* date, the year stands in the name, and last year's answer is not taken."""
    async with town(tmp_path) as here:
        for number, due in (("Y1", "2000-12-31"), ("Y2", "2001-01-01"), ("Y3", "2001-01-01")):
            (outcome,) = await here.register(130, contract(number, dueOn=due, buyer=await here.buyer(f"911000{number[1]}")))
            assert isinstance(outcome, Registered), outcome
        await here.walk("2001-01-06T12:00:00+09:00")
        names = [row["name"] for row in await here.rows("select name from batch where kind = 1 order by name")]
        assert names == ["91_0000000130_20001231_001.txt", "91_0000000130_20010101_001.txt"]
        found = await here.contracts()
        debited = {number: str(row["debited_on"]) for number, row in found.items()}
        assert debited == {"130/Y1": "2000-12-31", "130/Y2": "2001-01-01", "130/Y3": "2001-01-01"}
        headers = [path.read_bytes()[54:58] for path in sorted(here.sandbox.drops["9992"].taken.glob("91_*"))]
        assert headers == [b"1231", b"0101"]
        # The result of New Year's Day once more, under last year's name: never sent, so never taken.
        (last,) = here.out("9992", "91_*_20010101_001.txt.result.txt")
        here.put("9992", last.name.replace("20010101", "20000101"), last.read_bytes())
        await here.settle()
        assert await here.exceptions() == ["UNKNOWN_BATCH"]
        await sound(here)
