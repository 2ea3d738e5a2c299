"""An external OpenID issuer instead of ours: a second issuer in this process, whose tokens are taken and whose tricks are not."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from api.app import create_app
from api.options import ApiOptions, Issuer
from domain.store import administration as admin
from domain.store import grants_clients, people
from tests.api.oauth.people import HASH
from tests.api.serving import BASE, Clock
from tests.store.trading import Trading

ISSUER, AUDIENCE = "https://login.example.test/realms/trade", "kessai-api"
SHARED: dict[str, str | list[str]] = {"kty": "oct", "k": "c2VjcmV0IHRoYXQgYm90aCB3b3VsZCBoYXZlIHRvIGtub3c", "kid": "shared"}
QUERY = {"query": "{ viewer { clientId userName siteId firmName scopes } }"}


@dataclass
class Other:
    """The other issuer."""

    clock: Clock
    keys: list[Any] = field(default_factory=lambda: [RSAKey.generate_key(2048, auto_kid=True)])
    asked: list[str] = field(default_factory=list)
    calls_itself: str = ISSUER
    status: int = 200

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        if request.url.path.endswith("/.well-known/openid-configuration"):
            return httpx2.Response(self.status, json={"issuer": self.calls_itself, "jwks_uri": f"{ISSUER}/keys"})
        return httpx2.Response(self.status, json={"keys": [*[key.as_dict(private=False) for key in self.keys], SHARED]})

    def token(self, key: Any = None, alg: str = "RS256", *, header: dict[str, Any] | None = None, **change: Any) -> str:
        key = key or self.keys[-1]
        now = int(self.clock.now.timestamp())
        claims = {"iss": ISSUER, "aud": [AUDIENCE, "account"], "sub": "u-1", "azp": "shop-spa", "exp": now + 300, "iat": now,
                  "scope": "openid contracts:read operations", **change}  # fmt: skip
        given = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": alg, "typ": "JWT", "kid": key.kid, **(header or {})}, given, key, algorithms=[alg])


@dataclass
class Joined:
    http: httpx2.AsyncClient
    other: Other

    async def ask(self, token: str) -> tuple[int, Any]:
        answer = await self.http.post("/graphql", json=QUERY, headers={"authorization": f"Bearer {token}"})
        body = answer.json()
        return answer.status_code, body["data"]["viewer"] if "data" in body else body["errors"][0]["extensions"].get("reason")


@contextlib.asynccontextmanager
async def join(database_url: str) -> AsyncIterator[Joined]:
    clock = Clock()
    other = Other(clock)
    issuer = Issuer(ISSUER, AUDIENCE, httpx2.MockTransport(other.answer))
    app = create_app(ApiOptions(database_url=database_url, base_url=BASE, issuer=issuer, machine_clock=clock))
    async with app.router.lifespan_context(app):
        world = await Trading().build()
        firm = await admin.create_firm("B社", now=world.now, machine_now=clock.now)
        await people.create("b-sha", firm_id=firm, subject="u-1", machine_now=clock.now)
        await people.create("op-1", subject="u-2", machine_now=clock.now)
        await grants_clients.create_external("shop-spa", "the shop", machine_now=clock.now)
        await grants_clients.create_external("market-130", "site 130", site_id=130, machine_now=clock.now)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
            yield Joined(http, other)


@pytest.fixture
async def joined(database_url: str) -> AsyncIterator[Joined]:
    async with join(database_url) as found:
        yield found


async def test_people_and_programs_of_the_other_issuer(joined: Joined):
    status, viewer = await joined.ask(joined.other.token())
    assert (status, viewer["userName"], viewer["firmName"], viewer["scopes"]) == (200, "b-sha", "B社", ["contracts:read"])
    _, viewer = await joined.ask(joined.other.token(sub="u-2"))
    assert (viewer["userName"], viewer["firmName"], viewer["scopes"]) == ("op-1", None, ["contracts:read", "operations"])
    program = joined.other.token(azp="market-130", sub="service-account", scope="contracts:read contracts:write", header={"typ": "at+jwt"})
    assert (await joined.ask(program))[1]["siteId"] == "130"
    named = joined.other.token(azp="somebody", client_id="market-130", sub="x")
    assert (await joined.ask(named))[1]["siteId"] == "130"
    assert joined.other.asked.count("/realms/trade/keys") == 1, "its keys are remembered"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.test"},
        {"iss": f"{ISSUER}/"},
        {"aud": "account"},
        {"aud": None},
        {"sub": "nobody"},
        {"sub": None},
        {"sub": 5},
        {"azp": "nobody"},
        {"azp": None},
        {"azp": 5},
        {"exp": None},
        {"exp": "x"},
        {"exp": 10**30},
        {"nonce": "n"},
        {"header": {"typ": "id+jwt"}},
        {"key": RSAKey.generate_key(2048, auto_kid=True)},
        {"key": ECKey.generate_key("P-256", auto_kid=True), "alg": "ES256"},
        {"key": OctKey.import_key(SHARED), "alg": "HS256"},
    ],
)
async def test_tokens_that_are_not_for_us(joined: Joined, change: dict[str, Any]):
    assert await joined.ask(joined.other.token(**change)) == (401, "invalid")


async def test_a_token_ends(joined: Joined):
    token = joined.other.token()
    joined.other.clock.forward(minutes=6)
    assert await joined.ask(token) == (401, "expired")


async def test_a_stopped_user_or_client_has_nothing_within_ten_seconds(joined: Joined):
    person, program = joined.other.token(), joined.other.token(azp="market-130", sub="x")
    assert (await joined.ask(person))[0] == (await joined.ask(program))[0] == 200
    await people.stop("b-sha", machine_now=joined.other.clock.now)
    await admin.stop_client("market-130", machine_now=joined.other.clock.now)
    joined.other.clock.forward(seconds=10)
    assert await joined.ask(person) == (401, "stopped")
    assert await joined.ask(program) == (401, "stopped")


async def test_its_keys_change(joined: Joined):
    assert (await joined.ask(joined.other.token()))[0] == 200
    joined.other.keys.append(ECKey.generate_key("P-256", auto_kid=True))
    assert (await joined.ask(joined.other.token(alg="ES256")))[0] == 401, "it is not asked for each unknown key"
    joined.other.clock.forward(seconds=11)
    assert (await joined.ask(joined.other.token(alg="ES256")))[0] == 200


@pytest.mark.parametrize("change", [{"calls_itself": "https://evil.test"}, {"status": 500}, {"status": 302}])
async def test_an_issuer_that_cannot_be_asked_or_is_another_lets_nobody_in(joined: Joined, change: dict[str, Any]):
    for name, value in change.items():
        setattr(joined.other, name, value)
    assert (await joined.ask(joined.other.token()))[0] == 503


async def test_our_own_doors_are_closed_and_our_own_tokens_worth_nothing(joined: Joined):
    for address in ("/oauth/authorize", "/signin", "/oauth/jwks", "/.well-known/oauth-authorization-server", "/account", "/invitation"):
        assert (await joined.http.get(address)).status_code == 404
    assert (await joined.http.post("/oauth/token", data={})).status_code == 404
    about = (await joined.http.get("/.well-known/oauth-protected-resource/graphql")).json()
    assert (about["resource"], about["authorization_servers"]) == (f"{BASE}/graphql", [ISSUER])


async def test_a_client_or_user_of_ours_is_not_the_issuers(joined: Joined):
    client_id, _ = await admin.create_client("ours", site_id=130, machine_now=joined.other.clock.now)
    await people.create("ours", password_hash=HASH, machine_now=joined.other.clock.now)
    assert await joined.ask(joined.other.token(azp=client_id)) == (401, "invalid")
    assert await joined.ask(joined.other.token(sub="ours")) == (401, "invalid")
