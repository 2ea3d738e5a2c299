"""The explorer: served to anybody, from here alone, and it tells nobody anything."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from api.explorer import FILES, HERE
from api.options import Limits
from domain.store import grants_clients
from tests.api.limits.test_limits import code_of
from tests.api.oauth.people import with_people
from tests.api.serving import BASE, Served, serving


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


async def test_it_is_served_without_a_token_and_under_a_policy(api: Served):
    for path, (_, media_type) in FILES.items():
        answer = await api.http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
    assert (await api.http.post("/explorer")).status_code == 405


async def test_a_browser_that_comes_to_the_endpoint_is_led_there(api: Served):
    answer = await api.http.get("/graphql", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/explorer")


async def test_it_can_be_left_out(database_url: str):
    async with serving(database_url, explorer=False) as api:
        assert (await api.http.get("/explorer")).status_code == 404
        assert (await api.http.get("/graphql", headers={"accept": "text/html"})).status_code == 401


def test_it_works_offline():
    """No address of anybody else, no script or style inside the page, no markup made of text."""
    for path in HERE.iterdir():
        if path.suffix not in {".html", ".js", ".css"}:
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?:|[\"'(]//", text), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|localStorage|sessionStorage", text), path.name
        if path.suffix == ".html":
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
            asked = set(re.findall(r"(?:src|href)=\"([^\"]+)\"", text))
            assert asked == {one for one in FILES if one != "/explorer"}


def test_what_it_asks_first_is_within_the_limits():
    script = (HERE / "schema.js").read_text(encoding="utf-8")
    introspection = re.search(r"INTROSPECTION = `(.*?)`", script, re.DOTALL)
    assert introspection
    assert code_of(introspection[1], limits=Limits()) == ""
    first = re.search(r"FIRST = `(.*?)`", (HERE / "explorer.js").read_text(encoding="utf-8"), re.DOTALL)
    assert first
    assert code_of(first[1], limits=Limits()) == ""


async def test_people_sign_in_on_it(database_url: str):
    """The steps that person.js takes, at the endpoints of the server that serves it: code with PKCE, refresh, revocation, no secret."""
    async with with_people(database_url) as town:
        about = (await town.api.http.get("/.well-known/oauth-protected-resource")).json()
        assert about["authorization_servers"] == [BASE], "the page compares its own origin with this, and the answer's `iss`"
        redirect = f"{BASE}/explorer"
        client_id, _ = await grants_clients.create_frontend("explorer", [redirect], machine_now=town.api.clock.now)
        flow = town.flow(client_id=client_id, redirect_uri=redirect, scope=None)
        back = await flow.authorize(await town.signed_in())
        assert back["iss"] == BASE
        assert set(back) == {"code", "state", "iss"}
        first = (await flow.redeem(back["code"])).json()
        assert first["expires_in"] > 60, "it asks again a minute before"
        second = (await flow.refresh(first["refresh_token"])).json()
        assert (await town.viewer(second["access_token"])).json()["data"]["viewer"]["userName"] == "b-sha"
        gone = await town.api.http.post("/oauth/revoke", data={"token": second["refresh_token"], "client_id": client_id})
        assert gone.status_code == 200
        assert (await flow.refresh(second["refresh_token"])).status_code == 400


def test_what_signs_people_in_stays_in_the_page():
    """PKCE and `state` are made anew and compared, the channel is this origin's, and no secret goes into an address."""
    script = (HERE / "person.js").read_text(encoding="utf-8")
    for part in ('code_challenge_method: "S256"', "crypto.getRandomValues", "given.state !== asked.state", "given.iss !== issuer"):
        assert part in script, part
    assert "BroadcastChannel" in script
    assert not re.search(r"postMessage\([^)]*,|document\.cookie|client_secret", script)
    assert script.count("location.search") == 1
    assert 'history.replaceState(null, "", "/explorer")' in script, "the code leaves the address at once"
