"""Who holds a party, by GraphQL: its site invites, its firm lets it go, and so do two operators, never one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.store import administration as admin
from domain.store import people, releasing
from domain.store.administration import Refused
from domain.store.connection import reading
from tests.api.market import counted
from tests.api.oauth.people import HASH, Browser, People, with_people
from tests.api.serving import BASE, serving

INVITE = """mutation ($input: InvitePartyInput!) { inviteParty(input: $input) { __typename
  ... on PartyInvited { siteId partyCode address expiresAt } ... on Problem { code message path } } }"""
RELEASE = """mutation ($input: ReleasePartyInput!) { releaseParty(input: $input) { __typename
  ... on PartyReleased { siteId partyCode } ... on PartyReleaseAsked { siteId partyCode askedBy askedAt expiresAt }
  ... on Problem { code message path } } }"""
PARTY = {"siteId": "130", "partyCode": "p1"}


@pytest.fixture
async def town(database_url: str) -> AsyncIterator[People]:
    async with with_people(database_url) as found:
        for site, code in ((130, "p1"), (130, "p2"), (320, "p1")):
            await admin.create_party(admin.Party(site, code, f"取引先{code}", "港区青山"), machine_now=found.api.clock.now)
        await people.create("op-2", password_hash=HASH, machine_now=found.api.clock.now)
        yield found


async def ask(town: People, bearer: dict[str, str], query: str, given: dict[str, Any]) -> dict[str, Any]:
    answer = await town.api.http.post("/graphql", json={"query": query, "variables": {"input": given}}, headers=bearer)
    body = answer.json()
    if "errors" in body:
        return dict(body["errors"][0]["extensions"])
    (found,) = body["data"].values()
    return dict(found)


async def bearer_of(town: People, name: str, scope: str = "contracts:read parties:write operations") -> dict[str, str]:
    """A person's token, with as much of that scope as he may have. The frontend may have all of it."""
    from domain.store import grants_clients
    from tests.api.oauth.people import NATIVE

    spa, _ = await grants_clients.create_frontend(f"for {name}", [NATIVE], scopes=tuple(scope.split()), machine_now=town.api.clock.now)
    browser = await town.signed_in(name)
    given = await town.flow(client_id=spa, redirect_uri=NATIVE, scope=scope).tokens(browser)
    return {"authorization": f"Bearer {given['access_token']}"}


async def holder(site: int = 130, code: str = "p1") -> int | None:
    async with reading() as tx:
        found: int | None = await tx.value("select firm_id from party where site_id = $1 and code = $2", site, code)
        return found


async def invited(town: People, **given: str) -> str:
    """The secret of an invitation that site 130 has made."""
    found = await ask(town, await town.api.bearer("site"), INVITE, {"partyCode": "p1", **given})
    assert found["__typename"] == "PartyInvited", found
    return str(parse_qs(urlsplit(found["address"]).query)["code"][0])


async def take(town: People, browser: Browser, token: str) -> None:
    page = await browser.get(f"/invitation?code={token}")
    assert (await browser.submit(page, act="accept")).status_code in {200, 303}


# ── invitations ──────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_site_invites_and_the_firm_takes_the_party(town: People):
    found = await ask(town, await town.api.bearer("site"), INVITE, {"partyCode": "p1"})
    assert (found["__typename"], found["siteId"], found["partyCode"]) == ("PartyInvited", "130", "p1")
    assert found["address"].startswith(f"{BASE}/invitation?code=")
    assert found["expiresAt"].endswith("+09:00")
    again = await invited(town, siteId="130")
    browser = await town.signed_in()
    first = parse_qs(urlsplit(found["address"]).query)["code"][0]
    assert (await browser.get(f"/invitation?code={first}")).status_code == 404, "only the latest is good"
    await take(town, browser, again)
    assert (await holder(), await holder(130, "p2"), await holder(320, "p1")) == (town.firm_id, None, None)


async def test_an_operator_invites_for_any_site(town: People):
    operator = await bearer_of(town, "op-1")
    found = await ask(town, operator, INVITE, {"siteId": "320", "partyCode": "p1"})
    assert (found["__typename"], found["siteId"]) == ("PartyInvited", "320")
    assert (await ask(town, operator, INVITE, {"partyCode": "p1"}))["code"] == "REQUIRED"


async def test_invitations_that_are_refused(town: People):
    site = await town.api.bearer("site")
    await take(town, await town.signed_in(), await invited(town, partyCode="p2"))
    for given, code, path in (
        ({"partyCode": "unheard of"}, "NOT_FOUND", ["partyCode"]),
        ({"partyCode": "p\0"}, "NOT_FOUND", ["partyCode"]),
        ({"partyCode": ""}, "NOT_FOUND", ["partyCode"]),
        ({"partyCode": "p1", "siteId": "320"}, "NOT_FOUND", ["siteId"]),
        ({"partyCode": "p1", "siteId": "777"}, "NOT_FOUND", ["siteId"]),
        ({"partyCode": "p1", "siteId": "x"}, "NOT_FOUND", ["siteId"]),
        ({"partyCode": "p2"}, "PARTY_CLAIMED", ["partyCode"]),
    ):
        found = await ask(town, site, INVITE, given)
        assert (found["__typename"], found["code"], found["path"]) == ("PartyNotInvited", code, path), given
    japanese = await ask(town, {**site, "accept-language": "ja"}, INVITE, {"partyCode": "p2"})
    assert "会社に属しています" in japanese["message"]
    firm = await ask(town, await town.api.bearer("firm"), INVITE, {"partyCode": "p1"})
    assert (firm["code"], firm["wanted"]) == ("INSUFFICIENT_SCOPE", "contracts:write")


async def test_there_is_no_invitation_where_people_sign_in_elsewhere(database_url: str):
    from api.http import GraphQL

    async with serving(database_url) as api:
        town = People(api, 0, 0, "", "")
        endpoint = next(route.endpoint for route in api.http._transport.app.routes if getattr(route, "path", "") == "/graphql")  # type: ignore[attr-defined]
        graphql: GraphQL = endpoint.__self__
        object.__setattr__(graphql._options, "issuer", object())
        found = await ask(town, await api.bearer("site"), INVITE, {"partyCode": "p1"})
        assert (found["__typename"], found["code"]) == ("PartyNotInvited", "NOT_POSSIBLE_HERE")


# ── releases ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_firm_lets_its_party_go(town: People):
    await take(town, await town.signed_in(), await invited(town))
    person = await bearer_of(town, "b-sha")
    found = await ask(town, person, RELEASE, PARTY)
    assert found == {"__typename": "PartyReleased", "siteId": "130", "partyCode": "p1"}
    assert await holder() is None
    assert await invited(town), "the site may invite again"
    program = {"authorization": f"Bearer {await with_scope(town)}"}
    await take(town, await town.signed_in(), await invited(town))
    assert (await ask(town, program, RELEASE, PARTY))["__typename"] == "PartyReleased", "the firm's own program may, given the scope"


async def with_scope(town: People) -> str:
    await town.api.client("writer", firm_id=town.firm_id, scopes=("contracts:read", "parties:write"))
    return await town.api.token("writer")


async def test_releases_that_are_refused(town: People):
    """Not the firm's, not there, not at that site: one answer, by the same statements."""
    person = await bearer_of(town, "b-sha")
    other = await admin.create_firm("丙社", now=town.api.world.now, machine_now=town.api.clock.now)
    await admin.claim_party(other, 130, "p2")
    answers, works = [], []
    for given in (
        {**PARTY, "partyCode": "p2"},
        PARTY,
        {**PARTY, "partyCode": "x"},
        {**PARTY, "siteId": "777"},
        {"siteId": "", "partyCode": "\0"},
    ):
        await ask(town, person, RELEASE, given)
        with counted() as statements:
            answers.append(await ask(town, person, RELEASE, given))
        works.append(len(statements))
    assert answers[0] == {
        "__typename": "PartyNotReleased",
        "code": "NOT_FOUND",
        "message": "There is no such party, or it is not yours.",
        "path": ["partyCode"],
    }
    assert answers == answers[:1] * 5
    assert works == works[:1] * 5
    assert await holder(130, "p2") == other
    for bearer in (await town.api.bearer("site"), await town.api.bearer("firm"), await bearer_of(town, "b-sha", "contracts:read")):
        found = await ask(town, bearer, RELEASE, PARTY)
        assert (found["code"], found["wanted"]) == ("INSUFFICIENT_SCOPE", "parties:write")


async def test_two_operators_let_a_party_go(town: People):
    await take(town, await town.signed_in(), await invited(town))
    one, two = await bearer_of(town, "op-1"), await bearer_of(town, "op-2")
    asked = await ask(town, one, RELEASE, PARTY)
    assert (asked["__typename"], asked["askedBy"], asked["siteId"], asked["partyCode"]) == ("PartyReleaseAsked", "op-1", "130", "p1")
    again = await ask(town, one, RELEASE, PARTY)
    assert (again["__typename"], again["code"], again["path"]) == ("PartyNotReleased", "NEEDS_ANOTHER_PERSON", [])
    assert await holder() == town.firm_id, "nothing has changed yet"
    assert (await ask(town, two, RELEASE, PARTY))["__typename"] == "PartyReleased"
    assert await holder() is None
    assert (await ask(town, two, RELEASE, PARTY))["code"] == "NOT_FOUND"
    async with reading() as tx:
        row = await tx.row("select asked_by, approved_by, firm_id from claim_release")
    assert row is not None
    assert row["asked_by"] != row["approved_by"]
    assert row["firm_id"] == town.firm_id


async def op(town: People, name: str) -> int:
    async with reading() as tx:
        found = await people.by_name(tx, name)
    assert found is not None
    return found.user_id


async def test_what_one_has_asked_for_does_not_stand_for_ever(town: People):
    """Nor for another firm, nor when who asked is no operator any more; and who has no part in it cannot agree."""
    await admin.claim_party(town.firm_id, 130, "p1")
    one, two = await op(town, "op-1"), await op(town, "op-2")
    now = town.api.clock.now

    async def by(user_id: int) -> str:
        found = await releasing.ask_or_agree(130, "p1", user_id, machine_now=town.api.clock.now)
        return "released" if found is None else f"asked by {found.by}"

    assert await by(one) == "asked by op-1"
    town.api.clock.forward(days=14)
    assert await by(two) == "asked by op-2", "too old"
    await releasing.release(town.firm_id, 130, "p1")
    other = await admin.create_firm("丙社", now=town.api.world.now, machine_now=now)
    await admin.claim_party(other, 130, "p1")
    assert await by(one) == "asked by op-1", "the other firm was not meant"
    await people.stop("op-1", machine_now=town.api.clock.now)
    assert await by(two) == "asked by op-2", "nobody agrees with somebody who was stopped"
    with pytest.raises(Refused, match="only operators"):
        await by(one)
    with pytest.raises(Refused, match="only operators"):
        await by(town.user_id)
    assert await holder() == other


async def test_ten_operators_at_once(town: People):
    """One asks, one agrees, the others find nothing to let go, or that they have to wait for somebody else."""
    await admin.claim_party(town.firm_id, 130, "p1")
    users = [await op(town, "op-1"), await op(town, "op-2")]
    tries = [releasing.ask_or_agree(130, "p1", users[n % 2], machine_now=town.api.clock.now) for n in range(10)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(one is None for one in found) == 1
    assert sum(isinstance(one, releasing.Asked) for one in found) == 1
    assert all(isinstance(one, Refused) for one in found if one is not None and not isinstance(one, releasing.Asked))
    async with reading() as tx:
        assert await tx.value("select count(*) from claim_release where approved_at is not null and asked_by <> approved_by") == 1
