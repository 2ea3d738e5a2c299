"""Reconciliation: at every moment of a day with all traps each account is explained, and what does not match has a name and an age (I01)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.store import reconciling
from domain.store.connection import reading
from domain.store.reconciling import Reconciled
from sandbox.notice import Announced, write_notice
from sandbox.scenario import scenario
from tests.journeys.checks import explained, sound
from tests.journeys.test_formats import SUFFIX
from tests.journeys.test_money import statement, sweep_reference
from tests.journeys.town import Over, Town, at, contract, day, town


def announcing(bank: str) -> dict[str, Any]:
    """The scenario's world, in which one bank announces credits at 17:00."""
    config = scenario()
    next(x for x in config["banks"] if x["code"] == bank)["notice_at"] = "17:00"
    return config


async def account(here: Town, bank: str, site: int = 130) -> Reconciled:
    now = await here.now()
    async with reading() as tx:
        (found,) = await reconciling.accounts(tx, now=now, site_id=site, bank_code=bank)
    return found


def shown(one: Reconciled) -> list[tuple[str, int, int]]:
    """What is under way, its yen and its age."""
    return [(x.what, x.yen, x.days) for x in one.movements]


async def through(here: Town, to: str) -> dict[str, int]:
    """Walks by hours and looks at every account each time; answers how often each kind of movement was seen."""
    seen: dict[str, int] = {}
    instant, last = await here.now(), at(to)
    while instant < last:
        instant += timedelta(hours=6)
        await here.walk(min(instant, last).isoformat())
        for one in await explained(here):
            for x in one.movements:
                seen[x.what] = seen.get(x.what, 0) + 1
    return seen


async def test_a_day_with_all_traps(store: None, tmp_path: Path) -> None:
    """Late and repeated results, a refused line, a charge, a stranger's credit, returned payouts, a slow notice: nothing is unexplained, ever."""
    async with town(tmp_path, config=announcing("9990")) as here:
        terms = {"release": "UNCONDITIONAL"}
        await here.rule("9991", {"result_delay": {"days": 1}}, times=1, kind="91")
        await here.rule("9993", {"repeat_result": {"name": "same", "content": "different"}}, times=1, kind="91")
        await here.rule("9990", {"charge": 220}, times=1, kind="21")
        await here.register(
            130,
            contract("A", buyer=await here.buyer("9110001", bank="9991"), terms=terms),
            contract("B", buyer=await here.buyer("9110002", bank="9992", yen=10), terms=terms),
            contract("C", buyer=await here.buyer("9110003", bank="9993"), seller=await here.seller("9990102"), terms=terms),
            contract("D", buyer=await here.buyer("9110004", bank="9992"), seller=await here.seller("9990101"), terms=terms),
            contract("E", buyer=await here.buyer("9110005", bank="9990"), terms=terms),
        )
        seen = await through(here, "09-25 20:00")
        await here.deposit("9990", "9130000", 777)  # a stranger's
        for what, times in (await through(here, "10-06 12:00")).items():
            seen[what] = seen.get(what, 0) + times
        assert set(seen) == {
            "DEBIT_SENT", "LUMP_AWAITS_RESULT", "SWEEP_SENT", "PAYOUT_SENT", "ANNOUNCED",
        }  # fmt: skip
        found = await explained(here)
        assert {(x.code, x.yen) for one in found for x in one.breaks} == {("UNMATCHED", 777)}
        (stranger,) = [x for one in found for x in one.breaks]
        assert (stranger.since, stranger.days) == (day("09-25"), 11)
        assert [await here.stands(f"130/{n}") for n in "AE"] == ["DEBITED SHIPPED PAID"] * 2
        assert [await here.stands(f"130/{n}") for n in "CD"] == ["DEBITED SHIPPED RETURNED"] * 2
        await sound(here)


async def test_a_result_before_its_lump(store: None, tmp_path: Path) -> None:
    """What the ledger has and the statement has not; when a statement of that day comes without it, it is a break with an age."""
    async with town(tmp_path) as here:
        await here.rule("9993", {"silence": ["statement"]}, kind="03", date="2000-09-24")
        await here.register(130, contract("L1"))
        await here.walk("09-25 10:30")
        one = await account(here, "9993")
        assert shown(one) == [("LUMP_NOT_ON_STATEMENT", 90_000, 1)]
        assert (one.statement_on, one.ledger, one.pending, one.breaks) == (None, 90_000, 90_000, [])
        await here.deposit("9993", "9130003", 10)
        await here.walk("09-26 07:00")
        one = await account(here, "9993")
        assert [(x.code, x.yen, x.days) for x in one.breaks if x.code != "UNMATCHED"] == [("LUMP_NOT_ON_STATEMENT", 90_000, 2)]


ANNOUNCED = [("kept", "zengin"), ("taken back", "zengin"), ("not on the statement", "zengin"), ("silence", "zengin")]
ANNOUNCED += [("kept", "iso20022"), ("taken back", "iso20022")]


@pytest.mark.parametrize("how, form", ANNOUNCED, ids=[" ".join(row) for row in ANNOUNCED])
async def test_a_credit_that_is_announced(store: None, tmp_path: Path, how: str, form: str) -> None:
    """01 or camt.054: announced in the evening, nothing is booked; the statement answers it in the morning, or it is a break."""
    async with town(tmp_path, config=announcing("9990"), over=Over(format=form)) as here:
        if how == "taken back":
            await here.rule("9990", {"cancel_notice": True}, kind="01")
        if how == "silence":
            await here.rule("9990", {"silence": ["notice"]}, kind="01")
        await here.register(130, contract("N1"))
        await here.walk("09-26 18:00")
        assert await here.value("select count(*) from credit_notice") == {"taken back": 2, "silence": 0}.get(how, 1)
        assert [path.suffix for path in here.out("9990", "01_*")] == ([] if how == "silence" else [SUFFIX[form]])
        assert await here.value("select count(*) from credit_notice where reference is null or reference = ''") == 0
        one = await account(here, "9990")
        assert one.ledger == 0
        announced = [("ANNOUNCED", 90_000, 0)] if how in {"kept", "not on the statement"} else []
        assert [x for x in shown(one) if x[0] == "ANNOUNCED"] == announced
        if how == "not on the statement":
            await here.rule("9990", {"silence": ["statement"]}, kind="03", times=1)
            here.put("9990", "03_999000119130000_20000926_001.txt", statement("9990", "001", "9130000", "26", 0, [(5, "")]))
        await here.walk("09-27 12:00")
        one = await account(here, "9990")
        broken = [x.code for x in one.breaks if x.code != "UNMATCHED"]
        assert broken == (["ANNOUNCED_NOT_ON_STATEMENT"] if how == "not on the statement" else [])
        if how != "not on the statement":
            assert (one.ledger, one.unexplained, one.movements, one.breaks) == (90_000, 0, [], [])
            await sound(here)


UNREADABLE = (
    ("01_999000119130000_20000926_001.txt", b"rubbish", "MALFORMED"),
    ("01_999000119130000_20000931_001.txt", None, "MALFORMED"),
    ("01_999000119130001_20000926_001.txt", None, "OTHER_HEADER"),
    ("01_999100119130000_20000926_001.txt", None, "UNKNOWN_FILE"),
    ("01_999000119130000_20000927_001.txt", None, "OTHER_DAY"),
    ("01_999000119139999_20000926_001.txt", "9139999", "UNKNOWN_ACCOUNT"),
    ("01_999000119130000_20000926_002.txt", "trailer", "MALFORMED"),
)


@pytest.mark.parametrize("name, content, code", UNREADABLE, ids=[f"{row[2]} {row[0][-16:-4]}" for row in UNREADABLE])
async def test_a_notice_that_cannot_be(store: None, tmp_path: Path, name: str, content: bytes | str | None, code: str) -> None:
    """It is kept and listed, and nothing of it is taken."""
    async with town(tmp_path) as here:
        bank = here.sandbox.config.banks["9990"]
        account_ = content if content == "9139999" else "9130000"
        data = write_notice(bank, f"0011{account_}", "ｻｲﾄ", day("09-26"), [Announced(1, 90_000, "ﾀﾛｳ", "")])
        if content == "trailer":
            data = data.replace(b"8000001000000090000", b"8000001000000090001")
        here.put("9990", name, content if isinstance(content, bytes) else data)
        await here.settle()
        assert await here.exceptions() == [code]
        assert await here.value("select count(*) from credit_notice") == 0


async def test_a_second_notice_of_one_number(store: None, tmp_path: Path) -> None:
    """Other bytes under a known name: the first is kept, the second listed."""
    async with town(tmp_path) as here:
        bank = here.sandbox.config.banks["9990"]
        for yen in (1, 2):
            data = write_notice(bank, "00119130000", "ｻｲﾄ", day("09-26"), [Announced(1, yen * 10**10, "ﾀﾛｳ", "")])
            here.put("9990", "01_999000119130000_20000926_001.txt", data)
            await here.settle()
        assert "SECOND_NOTICE" in await here.exceptions() or "NAME_REUSED" in await here.exceptions()
        assert await here.value("select sum(amount) from credit_notice") == 10**10


async def test_a_sweep_that_does_not_arrive(store: None, tmp_path: Path) -> None:
    """Left on one statement, on none of the other: named, and after some days a break."""
    async with town(tmp_path) as here:
        await here.rule("9990", {"silence": ["statement"]}, kind="03")
        await here.register(130, contract("S1"))
        await here.walk("09-27 12:00")
        one = await account(here, "9990")
        assert ("SWEEP_ON_ITS_WAY", 90_000, 1) in shown(one)
        reference = await sweep_reference(here)
        here.put("9990", "03_999000119130000_20000930_001.txt", statement("9990", "001", "9130000", "30", 0, [(5, "")]))
        await here.walk("10-01 12:00")
        one = await account(here, "9990")
        assert {x.code for x in one.breaks} == {"UNMATCHED", "SWEEP_NOT_ARRIVED"}, reference
        assert {x.days for x in one.breaks if x.code == "SWEEP_NOT_ARRIVED"} == {5}
