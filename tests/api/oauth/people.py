"""People with browsers, and frontends that they come through."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2
from argon2 import PasswordHasher

from domain.store import administration as admin
from domain.store import grants_clients, people
from tests.api.serving import BASE, Served, serving

REDIRECT = "https://app.example.test/callback?tab=1"
NATIVE = "http://127.0.0.1/callback"
PASSWORD = "korrekt-Pferd-9"
# Of the same kind, and cheap to compare: a hundred tests sign in, and what a real one costs is measured where it matters (test_signin).
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Browser:
    """A browser with its own cookies. It follows nothing by itself."""

    api: Served
    address: str = "192.0.2.7"
    language: str = "en"
    http: httpx2.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        transport = httpx2.ASGITransport(app=self.api.http._transport.app, client=(self.address, 40_000))  # type: ignore[attr-defined]
        self.http = httpx2.AsyncClient(transport=transport, base_url=BASE, headers={"accept-language": self.language})

    async def get(self, address: str, **more: Any) -> httpx2.Response:
        return await self.http.get(address, **more)

    async def submit(self, page: httpx2.Response, action: str | None = None, /, *, headers: Any = None, **fields: str) -> httpx2.Response:
        """Sends the page's first form (or the one with that action) with these fields."""
        forms = re.findall(r'<form method="post" action="([^"]*)">(.*?)</form>', page.text, re.DOTALL)
        where, inner = next(form for form in forms if action is None or html.unescape(form[0]) == action)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', inner))
        given = {name: html.unescape(value) for name, value in hidden.items()} | fields
        return await self.http.post(html.unescape(where), data=given, headers={"origin": BASE, **(headers or {})})

    async def sign_in(self, name: str = "b-sha", password: str = PASSWORD, goes_on: str = "/account") -> httpx2.Response:
        page = await self.get(f"/signin?{urlencode({'next': goes_on})}")
        assert page.status_code == 200, page.text
        return await self.submit(page, user=name, password=password)


@dataclass
class Flow:
    """One authorization by one frontend."""

    people: People
    client_id: str
    redirect_uri: str = REDIRECT
    scope: str | None = "contracts:read"
    auth: tuple[str, str] | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def query(self, **change: str | None) -> str:
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": "xyz",
            "code_challenge": s256(self.verifier),
            "code_challenge_method": "S256",
        }
        return urlencode({name: value for name, value in {**asked, **change}.items() if value is not None})

    async def authorize(self, browser: Browser, **change: str | None) -> dict[str, str]:
        """What the frontend is told in the end; the person allows what is asked."""
        answer = await browser.get(f"/oauth/authorize?{self.query(**change)}")
        if answer.status_code == 200:
            answer = await browser.submit(answer, decision="allow")
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(self.redirect_uri.partition("?")[0])
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def redeem(self, code: str, **change: str | None) -> httpx2.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.client_id,
            "code_verifier": self.verifier,
            **change,
        }
        return await self._token(form)

    async def refresh(self, token: str, **change: str | None) -> httpx2.Response:
        return await self._token({"grant_type": "refresh_token", "refresh_token": token, "client_id": self.client_id, **change})

    async def tokens(self, browser: Browser) -> dict[str, Any]:
        answer = await self.redeem((await self.authorize(browser))["code"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def _token(self, form: dict[str, str | None]) -> httpx2.Response:
        data = {name: value for name, value in form.items() if value is not None}
        return await self.people.api.http.post("/oauth/token", data=data, auth=self.auth or httpx2.USE_CLIENT_DEFAULT)


@dataclass
class People:
    """The API, a firm with the user b-sha, an operator, and a public frontend."""

    api: Served
    firm_id: int
    user_id: int
    spa: str
    other: str

    def browser(self, **more: Any) -> Browser:
        return Browser(self.api, **more)

    async def signed_in(self, name: str = "b-sha", **more: Any) -> Browser:
        browser = self.browser(**more)
        answer = await browser.sign_in(name)
        assert answer.status_code == 303, answer.text
        return browser

    def flow(self, **more: Any) -> Flow:
        return Flow(self, **{"client_id": self.spa, **more})

    async def viewer(self, token: str) -> httpx2.Response:
        query = "{ viewer { clientId userName siteId firmName scopes } }"
        return await self.api.http.post("/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"})

    async def user(self, name: str, **more: Any) -> int:
        return await people.create(name, password_hash=HASH, machine_now=self.api.clock.now, **more)


@contextlib.asynccontextmanager
async def with_people(database_url: str) -> AsyncIterator[People]:
    async with serving(database_url) as api:
        firm_id = await admin.create_firm("B社", now=api.world.now, machine_now=api.clock.now)
        user_id = await people.create("b-sha", firm_id=firm_id, password_hash=HASH, machine_now=api.clock.now)
        await people.create("op-1", password_hash=HASH, machine_now=api.clock.now)
        wide = ("contracts:read", "settlements:read", "operations")
        spa, _ = await grants_clients.create_frontend("店舗の画面", [REDIRECT, NATIVE], scopes=wide, machine_now=api.clock.now)
        other, _ = await grants_clients.create_frontend("Another", ["https://other.example.test/cb"], machine_now=api.clock.now)
        yield People(api, firm_id, user_id, spa, other)


def told(answer: httpx2.Response) -> dict[str, str]:
    """The parameters that a redirection carries."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
