"""The code flow: consent, PKCE, one try for a code, one use for a refresh token, and everything that is refused on the way."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from domain.store import people as store_people
from domain.store.connection import reading, transaction
from tests.api.oauth.people import NATIVE, REDIRECT, People, told
from tests.api.serving import BASE


# ── the way that is meant ────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_person_signs_in_allows_and_the_frontend_sees_his_firm(town: People):
    browser, flow = town.browser(), town.flow(scope="contracts:read settlements:read")
    answer = await browser.get(f"/oauth/authorize?{flow.query()}")
    assert answer.status_code == 303
    page = await browser.get(answer.headers["location"])
    answer = await browser.submit(page, user="B-Ｓha ", password="korrekt-Pferd-9")
    assert answer.status_code == 303, "full width and capitals are the same user ID"
    page = await browser.get(answer.headers["location"])
    assert "店舗の画面" in page.text
    assert "b-sha" in page.text
    answer = await browser.submit(page, decision="allow")
    assert answer.headers["location"].startswith("https://app.example.test/callback?tab=1&code=")
    assert {name: told(answer)[name] for name in ("state", "iss", "tab")} == {"state": "xyz", "iss": BASE, "tab": "1"}
    given = (await flow.redeem(told(answer)["code"])).json()
    assert (given["token_type"], given["expires_in"], given["scope"]) == ("Bearer", 600, "contracts:read settlements:read")
    viewer = (await town.viewer(given["access_token"])).json()["data"]["viewer"]
    assert viewer == {
        "clientId": town.spa,
        "userName": "b-sha",
        "siteId": None,
        "firmName": "B社",
        "scopes": ["contracts:read", "settlements:read"],
    }


async def test_a_token_has_what_client_and_user_both_may(town: People):
    flow = town.flow(scope=None)
    firm = await flow.tokens(await town.signed_in())
    assert firm["scope"] == "contracts:read settlements:read", "an operator's scope is not a firm's"
    operator = await town.flow(scope=None).tokens(await town.signed_in("op-1"))
    assert operator["scope"] == "contracts:read settlements:read operations"
    viewer = (await town.viewer(operator["access_token"])).json()["data"]["viewer"]
    assert (viewer["userName"], viewer["firmName"]) == ("op-1", None)


async def test_what_was_allowed_is_remembered_for_https_only(town: People):
    browser, flow = await town.signed_in(), town.flow()
    await flow.authorize(browser)
    assert (await browser.get(f"/oauth/authorize?{flow.query()}")).status_code == 303
    more = await browser.get(f"/oauth/authorize?{flow.query(scope='contracts:read settlements:read')}")
    assert more.status_code == 200, "more than was allowed is asked for"
    native = town.flow(redirect_uri="http://127.0.0.1:49152/callback")
    await native.authorize(browser)
    assert (await browser.get(f"/oauth/authorize?{native.query()}")).status_code == 200, "any program may listen there"


async def test_no_is_an_answer(town: People):
    browser, flow = await town.signed_in(), town.flow()
    page = await browser.get(f"/oauth/authorize?{flow.query()}")
    answer = told(await browser.submit(page, decision="deny"))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "xyz", BASE)
    operator = await town.signed_in("b-sha")
    only_operators = await operator.get(f"/oauth/authorize?{flow.query(scope='operations')}")
    assert told(only_operators)["error"] == "access_denied"


# ── what stays here: nothing is sent to an address that is not known to be good ──────────────────────────────────────
@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        "https://app.example.test/callback",
        "https://app.example.test/callback?tab=1&x=2",
        "https://app.example.test/callback?tab=1#x",
        "https://app.example.test/callback/?tab=1",
        "https://app.example.test/Callback?tab=1",
        "https://app.example.test:443/callback?tab=1",
        "HTTPS://app.example.test/callback?tab=1",
        "http://app.example.test/callback?tab=1",
        "https://app.example.test.evil.test/callback?tab=1",
        "https://app.example.test@evil.test/callback?tab=1",
        "https://evil.test/callback?tab=1",
        "https://app.example.test/x/../callback?tab=1",
        "https://app.example.test/callback%3Ftab=1",
        "//app.example.test/callback?tab=1",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://localhost:5000/callback",
        "http://127.0.0.1:5000/other",
        "http://127.0.0.1:5000@evil.test/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.2:5000/callback",
        "http://[::1]:5000/callback",
        "https://other.example.test/cb",
        "https://app.example.test/callback?tab=1\u0000",
        "https://app.example.test/call\u3000back",
        'https://app.example.test/"><script>',
    ],
)
async def test_near_misses_of_the_redirect_address_are_not_followed(town: People, uri: str | None):
    browser = await town.signed_in()
    answer = await browser.get(f"/oauth/authorize?{town.flow().query(redirect_uri=uri)}")
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert "<script" not in answer.text


@pytest.mark.parametrize("uri", [NATIVE, "http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback"])
async def test_an_apps_loopback_port_is_its_own(town: People, uri: str):
    assert "code" in await town.flow(redirect_uri=uri).authorize(await town.signed_in())


@pytest.mark.parametrize("change", [{"client_id": "nobody"}, {"client_id": None}, {"client_id": "a\u0000b"}])
async def test_an_unknown_client_is_sent_nothing(town: People, change: dict[str, str | None]):
    answer = await (await town.signed_in()).get(f"/oauth/authorize?{town.flow().query(**change)}")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_a_program_that_speaks_for_itself_gets_no_codes_and_a_stopped_frontend_neither(town: People):
    browser = await town.signed_in()
    answer = await browser.get(f"/oauth/authorize?{town.flow(client_id=town.api.clients['site'][0]).query()}")
    assert answer.status_code == 400
    from domain.store.administration import stop_client

    await stop_client(town.spa, machine_now=town.api.clock.now)
    assert (await browser.get(f"/oauth/authorize?{town.flow().query()}")).status_code == 400


async def test_a_parameter_that_stands_twice_is_refused(town: People):
    browser = await town.signed_in()
    for name in ("client_id", "redirect_uri", "state", "code_challenge"):
        answer = await browser.get(f"/oauth/authorize?{town.flow().query()}&{name}=x")
        assert (answer.status_code, "location" in answer.headers) == (400, False)


# ── what the frontend is told ────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "change, error",
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "コード"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "=" * 43}, "invalid_request"),
        ({"scope": "contracts:read everything"}, "invalid_scope"),
        ({"scope": "contracts:write"}, "invalid_scope"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://evil.test"}, "request_uri_not_supported"),
        ({"resource": "https://elsewhere.test"}, "invalid_target"),
    ],
)
async def test_what_a_frontend_asks_wrongly(town: People, change: dict[str, str | None], error: str):
    for browser in (town.browser(), await town.signed_in()):
        answer = await browser.get(f"/oauth/authorize?{town.flow().query(**change)}")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("https://app.example.test/callback?tab=1&error=")
        assert (told(answer)["error"], told(answer)["state"], told(answer)["iss"]) == (error, "xyz", BASE)


async def test_a_state_that_cannot_be_is_not_repeated(town: People):
    answer = await town.browser().get(f"/oauth/authorize?{town.flow().query(state='x' * 1001)}")
    assert told(answer)["error"] == "invalid_request"
    assert "state" not in told(answer)


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": None},
        {"code_verifier": "short"},
        {"redirect_uri": None},
        {"redirect_uri": "https://app.example.test/callback"},
        {"redirect_uri": NATIVE},
    ],
)
async def test_a_code_that_is_shown_wrongly_is_used_up(town: People, change: dict[str, str | None]):
    flow = town.flow()
    code = (await flow.authorize(await town.signed_in()))["code"]
    wrong = await flow.redeem(code, **change)
    assert (wrong.status_code, wrong.json()["error"]) in {(400, "invalid_grant"), (400, "invalid_request")}
    assert (await flow.redeem(code)).json()["error"] == "invalid_grant", "whoever tries has it from somewhere"


async def test_another_client_cannot_use_a_code_and_does_not_use_it_up(town: People):
    flow = town.flow()
    code = (await flow.authorize(await town.signed_in()))["code"]
    assert (await flow.redeem(code, client_id=town.other)).json()["error"] == "invalid_grant"
    site_id, secret = town.api.clients["site"]
    theft = await flow.redeem(code, client_id=site_id, client_secret=secret)
    assert theft.json()["error"] == "unauthorized_client"
    assert (await flow.redeem(code)).status_code == 200


async def test_a_code_lives_a_minute(town: People):
    flow = town.flow()
    code = (await flow.authorize(await town.signed_in()))["code"]
    town.api.clock.forward(seconds=60)
    assert (await flow.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_code_that_is_shown_again_ends_what_it_gave(town: People):
    flow = town.flow()
    code = (await flow.authorize(await town.signed_in()))["code"]
    given = (await flow.redeem(code)).json()
    assert (await town.viewer(given["access_token"])).status_code == 200
    assert (await flow.redeem(code)).json()["error"] == "invalid_grant"
    assert (await flow.refresh(given["refresh_token"])).json()["error"] == "invalid_grant"
    town.api.clock.forward(seconds=10)
    refused = await town.viewer(given["access_token"])
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["reason"]) == (401, "revoked")


async def test_ten_at_once_with_one_code(town: People):
    flow = town.flow()
    code = (await flow.authorize(await town.signed_in()))["code"]
    answers = await asyncio.gather(*[flow.redeem(code) for _ in range(10)])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 9}
    (good,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await flow.refresh(good["refresh_token"])).status_code == 400, "two have the code: nobody keeps anything"


# ── refresh tokens ───────────────────────────────────────────────────────────────────────────────────────────────────
async def test_refresh_tokens_rotate_and_a_second_use_ends_the_family(town: People):
    flow = town.flow()
    first = await flow.tokens(await town.signed_in())
    second = (await flow.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await town.viewer(second["access_token"])).status_code == 200
    assert (await flow.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await flow.refresh(second["refresh_token"])).json()["error"] == "invalid_grant", "the family has ended"
    town.api.clock.forward(seconds=10)
    for token in (first["access_token"], second["access_token"]):
        assert (await town.viewer(token)).status_code == 401


async def test_ten_at_once_with_one_refresh_token(town: People):
    flow = town.flow()
    given = await flow.tokens(await town.signed_in())
    answers = await asyncio.gather(*[flow.refresh(given["refresh_token"]) for _ in range(10)])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 9}
    (good,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await flow.refresh(good["refresh_token"])).status_code == 400


async def test_another_clients_use_is_refused_and_ends_nothing(town: People):
    flow = town.flow()
    given = await flow.tokens(await town.signed_in())
    assert (await flow.refresh(given["refresh_token"], client_id=town.other)).json()["error"] == "invalid_grant"
    assert (await flow.refresh(given["refresh_token"])).status_code == 200


async def test_less_may_be_asked_for_but_never_more(town: People):
    flow = town.flow(scope="contracts:read settlements:read")
    given = await flow.tokens(await town.signed_in())
    assert (await flow.refresh(given["refresh_token"], scope="contracts:read operations")).json()["error"] == "invalid_scope"
    less = (await flow.refresh(given["refresh_token"], scope="contracts:read")).json()
    assert less["scope"] == "contracts:read"
    assert (await flow.refresh(less["refresh_token"])).json()["scope"] == "contracts:read settlements:read"


async def test_refresh_tokens_end_after_thirty_days_unused_and_ninety_in_all(town: People):
    flow = town.flow()
    idle = await flow.tokens(await town.signed_in())
    used = await flow.tokens(await town.signed_in())
    for _ in range(4):
        town.api.clock.forward(days=22)
        answer = await flow.refresh(used["refresh_token"])
        assert answer.status_code == 200
        used = answer.json()
    assert (await flow.refresh(idle["refresh_token"])).status_code == 400
    town.api.clock.forward(days=3)
    assert (await flow.refresh(used["refresh_token"])).status_code == 400, "ninety days: sign in again"


async def test_a_user_who_is_stopped_or_has_another_password_has_nothing_left(town: People):
    for end in ("stop", "password"):
        name = f"user-{end}"
        await town.user(name, firm_id=town.firm_id)
        browser, flow = await town.signed_in(name), town.flow()
        given, unused = await flow.tokens(browser), (await flow.authorize(browser))["code"]
        if end == "stop":
            assert await store_people.stop(name, machine_now=town.api.clock.now)
            assert (await town.browser().sign_in(name)).status_code == 400
        else:
            await store_people.set_password(name, "x", machine_now=town.api.clock.now)
        assert (await browser.get("/account")).status_code == 303, "not signed in any more"
        assert (await flow.refresh(given["refresh_token"])).status_code == 400
        assert (await flow.redeem(unused)).status_code == 400
        town.api.clock.forward(seconds=10)
        assert (await town.viewer(given["access_token"])).status_code == 401


async def test_nothing_that_opens_something_is_kept_as_it_is(town: People):
    flow, browser = town.flow(), await town.signed_in()
    code = (await flow.authorize(browser))["code"]
    given = (await flow.redeem(code)).json()
    cookie = browser.http.cookies["__Host-kessai-session"]
    async with reading() as tx:
        tables = ("browser_session", "oauth_code", "oauth_refresh", "oauth_family", "person", "oauth_client", "consent", "throttle")
        kept = "".join([str(await tx.rows(f"select t::text from {table} t")) for table in tables])
    for secret in (code, given["refresh_token"], given["access_token"], cookie, "korrekt-Pferd-9", town.api.clients["site"][1]):
        assert secret not in kept
    assert "$argon2id$v=19$" in kept


async def test_what_nobody_can_use_any_more_is_forgotten(town: People):
    flow = town.flow()
    await flow.tokens(await town.signed_in())
    town.api.clock.forward(days=92)
    await town.signed_in()
    async with transaction() as tx:
        for table in ("oauth_code", "oauth_refresh", "oauth_family", "oauth_revocation"):
            assert await tx.value(f"select count(*) from {table}") == 0, table
        assert await tx.value("select count(*) from browser_session") == 1


def test_the_registered_addresses_are_what_the_tests_say():
    assert (REDIRECT, NATIVE) == ("https://app.example.test/callback?tab=1", "http://127.0.0.1/callback")
