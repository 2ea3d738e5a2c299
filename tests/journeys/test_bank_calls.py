"""A bank that is called, when an answer is lost: asked after by the batch's ID, and never sent the same again by itself (I09)."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.statuses import Kind
from domain.store import inquiries
from tests.journeys.bank_contract import Heard
from tests.journeys.checks import sound
from tests.journeys.town import Over, Town, contract, town

PLAIN, DEDUPLICATING = "9993", "9992"
OVER = Over("http", "json")


async def status(here: Town) -> int:
    return int(await here.value("select status from batch where kind = $1", int(Kind.DEBIT)))


def posts(heard: Heard) -> list[int]:
    return [call.status for call in heard.calls if call.method == "POST" and b'"kind":"debit"' in call.body]


@pytest.mark.parametrize("bank", [PLAIN, DEDUPLICATING])
async def test_a_lost_answer_is_asked_for(store: None, tmp_path: Path, bank: str) -> None:
    heard = Heard()
    async with town(tmp_path, over=OVER, between=heard.over) as here:
        await here.rule(bank, {"api_answer": "error_after"}, times=1)
        await here.register(130, contract("A1", buyer=await here.buyer("9110001", bank=bank)))
        await here.walk("09-25 12:00")
        assert posts(heard) == [500]
        assert any(call.target.endswith(call.headers["webhook-id"][4:]) and "/batches/" in call.target for call in heard.calls)
        assert (await here.stands("130/A1")).startswith("DEBITED")
        assert await here.exceptions() == []
        heard.keeps_to_the_document(pushed=False)


async def test_a_call_that_came_late_is_found_by_asking(store: None, tmp_path: Path) -> None:
    """The bank says that it knows nothing of the batch; the call arrives when everybody has given it up; asked again, the bank knows."""
    heard = Heard()
    async with town(tmp_path, over=OVER, between=heard.over) as here:
        await here.rule(PLAIN, {"api_answer": "error_before"}, times=1)
        await here.register(130, contract("A1", buyer=await here.buyer("9110001", bank=PLAIN)))
        await here.walk("09-20 11:30")
        assert (posts(heard), await status(here), await here.exceptions()) == ([500], 9, ["SEND_UNKNOWN"])
        await here.walk("09-20 11:40")
        here.seen.clear()
        await here.later(60)
        assert await here.exceptions() == ["SEND_UNKNOWN", "UNKNOWN_AT_BANK"]
        assert (posts(heard), await status(here)) == ([500], 9), "asked, and not sent again"
        (late,) = [call for call in heard.calls if call.method == "POST"]
        answer = await here.http.post(late.target, content=late.body, headers={k: v for k, v in late.headers.items() if k != "host"})
        assert answer.status_code == 201
        await here.later(120)
        assert await status(here) == 5, "the bank has it: its receipt was fetched"
        await here.walk("09-25 12:00")
        assert (await here.stands("130/A1")).startswith("DEBITED")
        assert posts(heard) == [500]
        await sound(here)


async def test_who_is_asked_after_and_how_often(store: None, tmp_path: Path) -> None:
    async with town(tmp_path, over=OVER) as here:
        await here.rule(PLAIN, {"api_answer": "error_before"}, times=1)
        await here.register(130, contract("A1", buyer=await here.buyer("9110001", bank=PLAIN)))
        await here.walk("09-20 11:30")
        await here.say("update batch set next_try_at = null where status = 9")
        assert [x.bank_code for x in await inquiries.unknown_at(PLAIN, here.machine)] == [PLAIN]
        assert await inquiries.unknown_at(PLAIN, here.machine) == [], "once a minute"
        assert len(await inquiries.unknown_at(PLAIN, here.machine + inquiries.AGAIN_AFTER)) == 1
        assert await inquiries.unknown_at(DEDUPLICATING, here.machine + 2 * inquiries.AGAIN_AFTER) == []
