"""Results that hold the failed lines only (不能分のみ作成): what is missing was debited, if and only if every line and yen is accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.checks import sound
from tests.journeys.test_money import ledger
from tests.journeys.test_replies import AS_IT_SHOULD, CODE_AT, changed, stands, three
from tests.journeys.town import Town, chunks_of, contract, town


async def a_bank_of_failures(here: Town) -> None:
    """9992's results hold the failed lines only: at the bank, and in our settings."""
    await here.say("update bank set failed_only = true where bank_code = '9992'")
    await here.rule("9992", {"failed_only": True}, kind="91")


async def test_what_is_missing_was_debited(store: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lines sent, one comes back; chunk by chunk (here one contract each), like any other result."""
    chunks_of(monkeypatch, 1)
    async with town(tmp_path) as here:
        await a_bank_of_failures(here)
        await three(here)
        await here.walk("10-01 12:00")
        (came,) = here.out("9992", "91_*.result.txt")
        assert came.read_bytes().count(b"\r\n2") == 1
        assert await stands(here) == AS_IT_SHOULD
        assert await here.exceptions() == []
        await sound(here)


async def test_nothing_failed_and_nothing_came_but_the_totals(store: None, tmp_path: Path) -> None:
    """An empty block: all were debited."""
    async with town(tmp_path) as here:
        await a_bank_of_failures(here)
        await here.register(130, contract("T1", buyer=await here.buyer("9110001")))
        await here.walk("10-04 12:00")
        (came,) = here.out("9992", "91_*.result.txt")
        assert b"\r\n2" not in came.read_bytes()
        assert await here.stands("130/T1") == "DEBITED SHIPPED PAID"
        await sound(here)


async def test_the_same_failures_again_and_others(store: None, tmp_path: Path) -> None:
    """A repeat is recognised although none of its debited lines is in it; another list of failures contradicts the first."""
    async with town(tmp_path) as here:
        await a_bank_of_failures(here)
        await three(here)
        await here.walk("09-25 12:00")
        (came,) = here.out("9992", "91_*.result.txt")
        here.put("9992", came.name.replace(".result.txt", ".result.2.txt"), came.read_bytes())
        other = changed(came.read_bytes(), 1, slice(CODE_AT, CODE_AT + 1), b"9")
        here.put("9992", came.name.replace(".result.txt", ".result.3.txt"), other)
        await here.settle()
        assert [row["status"] for row in await here.rows("select status from reply where kind = 'result' order by reply_id")] == [2, 4, 3]
        assert await here.exceptions() == ["CONTRADICTED"]
        await here.walk("10-01 12:00")
        assert await stands(here) == AS_IT_SHOULD
        await sound(here)


COUNT, YEN = slice(19, 25), slice(25, 37)  # of the trailer: 振替済


@pytest.mark.parametrize(
    "what, code",
    [
        ("one debited line less than is missing", "TRAILER"),
        ("other yen than is missing", "TRAILER"),
        ("a file of fewer lines", "TRAILER"),
        ("all lines", "MALFORMED"),  # a debited line has no place in such a file
    ],
)
async def test_a_file_that_does_not_account_for_everything_is_held(store: None, tmp_path: Path, what: str, code: str) -> None:
    """Held whole, nothing applied; the true file settles it."""
    async with town(tmp_path) as here:
        await here.say("update bank set failed_only = true where bank_code = '9992'")
        await here.rule("9992", {"silence": ["result"]}, kind="91")
        await three(here)
        await here.walk("09-25 12:00")
        (sent,) = here.sandbox.drops["9992"].taken.glob("91_*")
        records = sent.read_bytes().split(b"\r\n")
        failed = records[2][:CODE_AT] + b"1" + records[2][CODE_AT + 1 :]
        blank = records[4][55:]
        yen = int(failed[80:90])

        def file(lines: list[bytes], figures: tuple[tuple[int, int], ...]) -> bytes:
            trailer = b"8" + b"".join(b"%06d%012d" % pair for pair in figures) + blank
            return b"\r\n".join([records[0], *lines, trailer, *records[5:]])

        true = file([failed], ((3, 180_000 + yen), (2, 180_000), (1, yen)))
        false = {
            "one debited line less than is missing": file([failed], ((2, 180_000 + yen), (1, 180_000), (1, yen))),
            "other yen than is missing": file([failed], ((3, 179_999 + yen), (2, 179_999), (1, yen))),
            "a file of fewer lines": file([failed], ((2, 90_000 + yen), (1, 90_000), (1, yen))),
            "all lines": file([records[1], failed, records[3]], ((3, 180_000 + yen), (2, 180_000), (1, yen))),
        }[what]
        here.put("9992", sent.name + ".result.txt", false)
        await here.settle()
        assert await here.exceptions() == [code]
        assert set((await stands(here)).values()) == {"INSTRUCTED PENDING PENDING"}
        assert await ledger(here) == {}
        here.put("9992", sent.name + ".result.2.txt", true)
        await here.settle()
        assert {state.split()[0] for state in (await stands(here)).values()} == {"DEBITED", "FAILED"}
        await here.walk("10-02 12:00")
        assert await stands(here) == AS_IT_SHOULD
        await sound(here)
