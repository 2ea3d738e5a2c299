"""Those who show no good token: counted by address, and in nobody's way but their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.requests import HTTPConnection
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.limits.door import address_of
from api.options import Limits
from kessai.settings import ApiSettings
from tests.api.oauth.people import HASH, PASSWORD, Browser
from tests.api.serving import BASE, Served, serving

SIX = Limits(strangers=6, rate_seconds=10)
BAD = {"authorization": "Bearer a.b.c"}


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url, limits=SIX) as served:
        yield served


async def tried(http: httpx2.AsyncClient, headers: dict[str, str] | None = None, times: int = 8) -> list[int]:
    return [(await http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)).status_code for _ in range(times)]


@contextlib.asynccontextmanager
async def elsewhere(api: Served, address: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=api.http._transport.app, client=(address, 1))  # type: ignore[attr-defined]
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as http:
        yield http


@pytest.mark.parametrize("headers", [{}, BAD, {"authorization": "Basic eDp5"}])
async def test_so_often_then_a_pause(api: Served, headers: dict[str, str]):
    assert await tried(api.http, headers) == [401] * 6 + [429] * 2
    answer = await api.http.post("/graphql", json={"query": "{ __typename }"}, headers={**headers, "accept-language": "ja"})
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert 0 < error["extensions"]["retryAfter"] == int(answer.headers["retry-after"]) <= 10
    assert answer.headers["ratelimit-policy"] == '"address";q=6;w=10'
    api.clock.forward(seconds=10)
    assert await tried(api.http, headers, 1) == [401]


async def test_a_good_token_is_never_in_the_way_of_others(api: Served):
    await api.bearer("site")
    assert (await tried(api.http))[-1] == 429
    assert (await api.post("{ __typename }")).status_code == 200
    async with elsewhere(api, "198.51.100.1") as http:
        assert await tried(http, times=1) == [401]


async def test_good_requests_count_for_no_address(api: Served):
    for _ in range(20):
        assert (await api.post("{ __typename }")).status_code == 200
    assert await tried(api.http, times=7) == [401] * 6 + [429]


async def test_the_token_endpoint_looks_at_nothing_from_such_an_address(api: Served, monkeypatch: pytest.MonkeyPatch):
    form = {"grant_type": "client_credentials"}
    codes = [(await api.http.post("/oauth/token", data=form, auth=("nobody", "x"))).status_code for _ in range(7)]
    assert codes == [401] * 6 + [429]
    from api.oauth.endpoints import OAuth

    async def never(*_: object) -> None:
        raise AssertionError("it was looked at")

    monkeypatch.setattr(OAuth, "_answer", never)
    for path in ("token", "revoke", "introspect"):
        answer = await api.http.post(f"/oauth/{path}", data=form, auth=("nobody", "x"))
        assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
        assert int(answer.headers["retry-after"]) <= 10
    monkeypatch.undo()
    api.clock.forward(seconds=10)
    assert await api.token("site")


async def test_nobody_counts_where_that_is_configured(database_url: str):
    async with serving(database_url, limits=Limits(strangers=0)) as api:
        assert set(await tried(api.http, times=130)) == {401}


async def test_people_of_one_frontend_are_counted_one_by_one(database_url: str):
    from domain.store import administration, grants_clients, people
    from tests.api.oauth.people import NATIVE, People

    async with serving(database_url, limits=Limits(rate=3)) as api:
        firm_id = await administration.create_firm("B社", now=api.world.now, machine_now=api.clock.now)
        for name in ("b-1", "b-2"):
            await people.create(name, firm_id=firm_id, password_hash=HASH, machine_now=api.clock.now)
        spa, _ = await grants_clients.create_frontend("店舗の画面", [NATIVE], machine_now=api.clock.now)
        town = People(api, firm_id, 0, spa, spa)
        found = []
        for name in ("b-1", "b-2"):
            browser = Browser(api)
            await browser.sign_in(name, PASSWORD)
            token = (await town.flow(redirect_uri=NATIVE).tokens(browser))["access_token"]
            found.append([(await town.viewer(token)).status_code for _ in range(4)])
        assert found == [[200, 200, 200, 429]] * 2


def test_where_somebody_comes_from():
    def of(host: str | None) -> str:
        return address_of(HTTPConnection({"type": "http", "client": None if host is None else (host, 1)}))

    assert of("192.0.2.1") == of("::ffff:192.0.2.1") == "192.0.2.1"
    assert of("2001:db8::1") == of("2001:db8::ffff") != of("2001:db8:0:1::1")
    assert of(None) == of("a socket") == "elsewhere"


@pytest.mark.parametrize(
    "environ, proxy, seen",
    [
        ({}, "127.0.0.1", "203.0.113.9"),
        ({}, "10.1.0.7", "10.1.0.7"),
        ({"KESSAI_TRUSTED_PROXIES": "10.1.0.0/16"}, "10.1.0.7", "203.0.113.9"),
        ({"KESSAI_TRUSTED_PROXIES": "10.1.0.0/16"}, "127.0.0.1", "127.0.0.1"),
        ({"KESSAI_TRUSTED_PROXIES": "10.1.0.0/16,10.2.0.1"}, "10.2.0.1", "203.0.113.9"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_only_proxies_that_are_named_are_believed(environ: dict[str, str], proxy: str, seen: str, kind: str):
    """As the server is started: uvicorn reads the header, for requests and sockets alike. What the client wrote itself does not count."""
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def app(scope, receive, send):
        found.set_result(address_of(HTTPConnection(scope)))

    around = ProxyHeadersMiddleware(app, list(ApiSettings.from_env(environ).trusted_proxies))
    scope = {"type": kind, "scheme": "http", "client": (proxy, 1), "headers": [(b"x-forwarded-for", b"198.51.100.66, 203.0.113.9")]}
    await around(scope, None, None)  # type: ignore[arg-type]
    assert await found == seen
