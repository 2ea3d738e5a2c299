"""What was sent and not answered (結果不明): looked up on the statement, and never sent again (rule 3, I09)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.statement import BY_CREDIT, BY_DEBIT, Heading, Movement, write_statement
from tests.journeys.checks import explained, sound
from tests.journeys.town import Town, contract, day, town

NAME = "03_999330119130003_20000924_001.txt"


def statement(*movements: Movement) -> bytes:
    """The statement of the collecting account at 9993 for 24 September."""
    heading = Heading("9993", "ｷﾞﾝｺｳ", "301", "ﾎﾝﾃﾝ", "1", "9130003", "ｻｲﾄ130", day("09-24"), day("09-25"))
    return write_statement(heading, 0, movements)


def lump(yen: int) -> Movement:
    return Movement("in", BY_DEBIT, yen, summary="91 0924 001")


async def silent(here: Town, *, statements: bool) -> None:
    """A debit file whose result never comes, of two contracts of 90,000 yen."""
    await here.rule("9993", {"silence": ["result"]}, kind="91")
    if not statements:
        await here.rule("9993", {"silence": ["statement"]}, kind="03", date="2000-09-24")
    for number in ("9110001", "9110002"):
        buyer = await here.buyer(number, bank="9993")
        await here.register(130, contract(f"U{number[-1]}", buyer=buyer, terms={"release": "UNCONDITIONAL"}))


PAID = [
    "09-27 10:00 DEBITED",
    "09-27 10:00 DELIVERY_INSTRUCTED",
    "09-29 06:00 FUNDED",
    "09-29 11:00 PAYOUT_INSTRUCTED",
    "09-30 09:00 SHIPPED",
    "10-01 06:00 PAID",
]


async def test_a_lump_of_the_whole_file_has_debited_everybody(store: None, tmp_path: Path) -> None:
    """Looked up when its time is over: the statement shows the full total, so each line of the file is debited."""
    async with town(tmp_path) as here:
        await silent(here, statements=True)
        await here.walk("09-27 09:00")
        assert await here.stands("130/U1") == "INSTRUCTED PENDING PENDING"
        await here.walk("10-03 12:00")
        assert (await here.diary("130/U1"))[2:] == PAID
        assert await here.stands("130/U2") == "DEBITED SHIPPED PAID"
        assert (await here.files())["DEBIT"] == 1
        assert await here.exceptions() == []
        await sound(here)


@pytest.mark.parametrize("code, status, exceptions", [(b"0", 4, []), (b"1", 3, ["CONTRADICTED"])], ids=["the same", "something else"])
async def test_a_result_that_comes_after_all(store: None, tmp_path: Path, code: bytes, status: int, exceptions: list[str]) -> None:
    """It says the same, and is a repeat; or something else, and is held: money has moved, and people look."""
    async with town(tmp_path) as here:
        await silent(here, statements=True)
        await here.walk("09-27 12:00")
        (sent,) = here.sandbox.drops["9993"].taken.glob("91_*")
        content = bytearray(sent.read_bytes())
        content[122 + 111 : 122 + 112] = code
        good, failed = (1, 1) if code == b"1" else (2, 0)
        totals = f"{good:06d}{good * 90_000:012d}{failed:06d}{failed * 90_000:012d}".encode()
        content[3 * 122 + 19 : 3 * 122 + 19 + len(totals)] = totals
        here.put("9993", sent.name + ".result.txt", bytes(content))
        await here.walk("10-03 12:00")
        assert await here.value("select status from reply where name like '%result.txt'") == status
        assert await here.exceptions() == exceptions
        assert await here.stands("130/U1") == "DEBITED SHIPPED PAID"
        await sound(here)


async def test_the_statement_comes_after_the_silence(store: None, tmp_path: Path) -> None:
    """Unknown, and the lump is seen days later."""
    async with town(tmp_path) as here:
        await silent(here, statements=False)
        await here.walk("09-29 12:00")
        assert await here.stands("130/U1") == "UNKNOWN PENDING PENDING"
        here.put("9993", NAME, statement(lump(180_000)))
        await here.settle()
        assert (await here.diary("130/U1"))[-2:] == ["09-29 12:00 DEBITED", "09-29 12:00 DELIVERY_INSTRUCTED"]
        await here.walk("10-06 12:00")
        assert await here.stands("130/U1") == "DEBITED SHIPPED PAID"
        await sound(here)


async def test_a_lump_of_less_says_nothing_of_a_line(store: None, tmp_path: Path) -> None:
    """Somebody was debited, nobody knows who: everything waits for the result."""
    async with town(tmp_path) as here:
        await silent(here, statements=False)
        await here.walk("09-25 12:00")
        here.put("9993", NAME, statement(lump(90_000)))
        await here.walk("10-06 12:00")
        assert await here.stands("130/U1") == await here.stands("130/U2") == "UNKNOWN PENDING PENDING"
        assert (await here.files()) == {"DEBIT": 1}
        assert [x.what for one in await explained(here) for x in one.movements] == ["LUMP_AWAITS_RESULT"]
        await sound(here, level=False)


@pytest.mark.parametrize("when", ["before the silence is over", "after it"])
async def test_a_statement_without_a_lump(store: None, tmp_path: Path, when: str) -> None:
    """The bank's day is closed and shows nothing: listed once, with what to do; nothing is sent again by itself."""
    async with town(tmp_path) as here:
        await silent(here, statements=False)
        await here.walk("09-25 12:00" if when.startswith("before") else "09-28 12:00")
        here.put("9993", NAME, statement(Movement("in", BY_CREDIT, 5, summary="ﾀﾛｳ")))
        await here.walk("10-06 12:00")
        assert await here.stands("130/U1") == "UNKNOWN PENDING PENDING"
        assert sorted(await here.exceptions()) == ["DEBIT_NOT_ON_STATEMENT", "UNMATCHED"]
        assert (await here.files()) == {"DEBIT": 1}
