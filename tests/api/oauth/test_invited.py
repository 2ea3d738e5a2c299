"""Invitations: one party, one use, fourteen days, for a firm that is there or a new one."""

from __future__ import annotations

import asyncio
from collections import Counter
from urllib.parse import urlencode

import httpx2
import pytest

from domain.store import administration as admin
from domain.store import people_invited, releasing
from domain.store.administration import NotThere, Party, Refused
from domain.store.connection import reading
from tests.api.oauth.people import PASSWORD, Browser, People

NEW = {"firm": "新しい会社", "user": "new-user", "password": "a long new sentence"}


async def invited(town: People, code: str = "p1", site: int = 130) -> str:
    await admin.create_party(Party(site, code, f"取引先{code}", "港区"), machine_now=town.api.clock.now)
    return (await people_invited.invite(site, code, machine_now=town.api.clock.now))[0]


async def holder(site: int, code: str) -> int | None:
    async with reading() as tx:
        found = await tx.value("select firm_id from party where site_id = $1 and code = $2", site, code)
    return None if found is None else int(found)


async def page_of(browser: Browser, token: str) -> httpx2.Response:
    return await browser.get(f"/invitation?{urlencode({'code': token})}")


async def test_a_firm_sees_who_invites_and_takes_the_party(town: People):
    token, browser = await invited(town), await town.signed_in()
    page = await page_of(browser, token)
    assert "市場130" in page.text
    assert "取引先p1" in page.text
    assert await holder(130, "p1") is None, "looking is not accepting"
    assert (await browser.submit(page)).headers["location"] == "/account"
    assert await holder(130, "p1") == town.firm_id
    assert "取引先p1" in (await browser.get("/account")).text
    assert (await page_of(browser, token)).status_code == 404, "once"
    assert (await browser.submit(page)).status_code == 404


async def test_a_new_firm_is_made_and_signed_in(town: People):
    token, browser = await invited(town), town.browser()
    answer = await browser.submit(await page_of(browser, token), **NEW)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    account = (await browser.get("/account")).text
    assert "新しい会社" in account
    assert "取引先p1" in account
    assert await holder(130, "p1") not in {None, town.firm_id}
    assert (await town.browser().sign_in("new-user", NEW["password"])).status_code == 303


async def test_somebody_signs_in_first_and_comes_back(town: People):
    token, browser = await invited(town), town.browser()
    goes_on = f"/invitation?{urlencode({'code': token})}"
    assert (await browser.sign_in("b-sha", PASSWORD, goes_on)).headers["location"] == goes_on
    assert (await browser.submit(await browser.get(goes_on))).status_code == 303


@pytest.mark.parametrize(
    "change, says",
    [
        ({"user": "B-Sha"}, "taken"),
        ({"user": "x"}, "A user ID has"),
        ({"password": "short"}, "10 to 256"),
        ({"firm": "  "}, "name"),
        ({"firm": "a\u0007b"}, "name"),
    ],
)
async def test_what_a_new_firm_gives_wrongly_costs_nothing(town: People, change: dict[str, str], says: str):
    token, browser = await invited(town), town.browser()
    answer = await browser.submit(await page_of(browser, token), **{**NEW, **change})
    assert answer.status_code == 400
    assert says in answer.text
    assert await holder(130, "p1") is None
    assert (await browser.submit(answer, **NEW)).status_code == 303


async def test_invitations_that_cannot_be_accepted_look_alike(town: People):
    old = await invited(town, "old")
    town.api.clock.forward(days=14)
    replaced = await invited(town, "replaced")
    await people_invited.invite(130, "replaced", machine_now=town.api.clock.now)
    claimed = await invited(town, "claimed")
    await admin.claim_party(town.firm_id, 130, "claimed")
    pages = {(await page_of(await town.signed_in(), token)).text for token in (old, replaced, claimed, "unknown", "", "x\u0000", "é")}
    assert len(pages) == 1
    for token in (old, replaced, claimed):
        with pytest.raises(Refused, match="cannot be accepted"):
            await people_invited.accept(token, town.user_id, machine_now=town.api.clock.now)


async def test_ten_firms_at_once_and_one_has_it(town: People):
    token = await invited(town)
    users = [await town.user(f"user-{n}", firm_id=await admin.create_firm(f"{n}", now=town.api.world.now, machine_now=town.api.clock.now))
             for n in range(10)]  # fmt: skip
    answers = await asyncio.gather(
        *[people_invited.accept(token, user, machine_now=town.api.clock.now) for user in users], return_exceptions=True
    )
    assert Counter(type(answer).__name__ for answer in answers) == {"Invitation": 1, "Refused": 9}


async def test_it_opens_that_party_and_nothing_else(town: People):
    token = await invited(town, "same")
    await admin.create_party(Party(320, "same", "取引先same", "港区"), machine_now=town.api.clock.now)
    await people_invited.accept(token, town.user_id, machine_now=town.api.clock.now)
    assert await holder(130, "same") == town.firm_id
    assert await holder(320, "same") is None, "equal codes and names join nothing"


async def test_a_site_cannot_invite_for_a_claimed_party_until_its_firm_lets_it_go(town: People):
    token, browser = await invited(town), await town.signed_in()
    await browser.submit(await page_of(browser, token))
    with pytest.raises(Refused) as refused:
        await people_invited.invite(130, "p1", machine_now=town.api.clock.now)
    assert refused.value.code == "PARTY_CLAIMED"
    stranger = await admin.create_firm("他社", now=town.api.world.now, machine_now=town.api.clock.now)
    with pytest.raises(NotThere):
        await releasing.release(stranger, 130, "p1")
    answer = await browser.submit(await browser.get("/account"), "/account", act="release", what="130/p1")
    assert answer.status_code == 303
    assert await holder(130, "p1") is None
    await people_invited.invite(130, "p1", machine_now=town.api.clock.now)
    assert (await browser.submit(await browser.get("/account"), "/account", act="release", what="130/p1")).status_code == 404
    with pytest.raises(NotThere):
        await people_invited.invite(130, "unheard of", machine_now=town.api.clock.now)


async def test_operators_hold_no_parties(town: People):
    token, browser = await invited(town), await town.signed_in("op-1")
    page = await page_of(browser, token)
    assert "Operators hold no parties" in page.text
    assert "<form" not in page.text
    async with reading() as tx:
        user_id = await tx.value("select user_id from person where operator")
    with pytest.raises(Refused):
        await people_invited.accept(token, user_id, machine_now=town.api.clock.now)


async def test_the_secret_of_an_invitation_is_not_kept(town: People):
    token = await invited(town)
    async with reading() as tx:
        assert token not in str(await tx.rows("select i::text from invitation i"))
