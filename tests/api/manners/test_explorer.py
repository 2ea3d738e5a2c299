"""The explorer: served to anybody, from here alone, and it tells nobody anything."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from api.explorer import FILES, HERE
from api.options import Limits
from tests.api.limits.test_limits import code_of
from tests.api.serving import Served, serving


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
