"""Programs that sign with a key of their own (RFC 7523), and the end of tokens: revocation (RFC 7009), introspection (RFC 7662)."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import uuid
from collections import Counter
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from api import keys as api_keys
from api.errors import Unavailable
from api.keys import Keys
from api.tokens import Verifier
from domain.store import administration as admin
from domain.store import credentials, grants, grants_clients
from domain.store.connection import transaction
from tests.api.oauth.people import People
from tests.api.serving import BASE

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EC = ECKey.generate_key("P-256", auto_kid=True)
RSA = RSAKey.generate_key(2048, auto_kid=True)
STRANGER = ECKey.generate_key("P-256", auto_kid=True)


def public(*keys: Any) -> dict[str, Any]:
    return {"keys": [dict(key.as_dict(private=False)) for key in keys]}


async def keyed(town: People) -> str:
    return await grants_clients.create_keyed("backend", public(EC, RSA), site_id=130, machine_now=town.api.clock.now)


def assertion(town: People, client_id: str, key: Any = EC, alg: str = "ES256", **change: Any) -> str:
    now = int(town.api.clock.now.timestamp())
    claims = {"iss": client_id, "sub": client_id, "aud": BASE, "exp": now + 60, "iat": now, "jti": uuid.uuid4().hex, **change}
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid}, given, key, algorithms=[alg])


async def ask(town: People, signed: str, **more: str) -> httpx2.Response:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": signed, **more}
    return await town.api.http.post("/oauth/token", data=form)


# ── private_key_jwt ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("key, alg", [(EC, "ES256"), (RSA, "PS256")])
@pytest.mark.parametrize("audience", [BASE, f"{BASE}/oauth/token"])
async def test_a_program_shows_who_it_is_by_its_key(town: People, key: Any, alg: str, audience: str):
    client_id = await keyed(town)
    answer = await ask(town, assertion(town, client_id, key, alg, aud=audience), client_id=client_id)
    assert answer.status_code == 200, answer.text
    assert (await town.viewer(answer.json()["access_token"])).json()["data"]["viewer"]["siteId"] == "130"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"sub": None},
        {"sub": 5},
        {"aud": "https://elsewhere.test"},
        {"aud": [BASE, "https://elsewhere.test"]},
        {"aud": [BASE]},
        {"aud": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 10**18},
        {"jti": None},
        {"jti": "short"},
        {"jti": 5},
        {"key": STRANGER},
        {"key": RSA, "alg": "RS256"},
    ],
)
async def test_assertions_that_are_not_good(town: People, change: dict[str, Any]):
    client_id = await keyed(town)
    answer = await ask(town, assertion(town, client_id, **change))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_an_assertion_is_good_for_minutes_and_once(town: People):
    client_id, now = await keyed(town), int(town.api.clock.now.timestamp())
    assert (await ask(town, assertion(town, client_id, exp=now - 20))).status_code == 401
    assert (await ask(town, assertion(town, client_id, exp=now + 3600))).status_code == 401, "too long a life"
    signed = assertion(town, client_id)
    answers = await asyncio.gather(*[ask(town, signed) for _ in range(10)])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 9}


async def test_an_assertion_by_a_public_key_taken_for_a_secret(town: People):
    client_id = await keyed(town)
    head, body, _ = assertion(town, client_id).split(".")
    for alg in ("HS256", "none"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": EC.kid}).encode()).rstrip(b"=").decode()
        proof = hmac.digest(EC.as_pem(private=False), f"{head}.{body}".encode(), "sha256") if alg == "HS256" else b""
        forged = f"{head}.{body}.{base64.urlsafe_b64encode(proof).rstrip(b'=').decode()}"
        assert (await ask(town, forged)).status_code == 401
    for odd in ("", "a.b", "a.b.c", "é" * 10, "x" * 5_000, "..", "eyJhbGciOiJub25lIn0.e30."):
        assert (await ask(town, odd)).status_code == 401


async def test_each_client_has_one_way_to_show_who_it_is(town: People):
    client_id = await keyed(town)
    plain, secret = town.api.clients["site"]
    form = {"grant_type": "client_credentials"}
    for data, auth in (
        ({"client_id": client_id}, None),
        ({"client_id": client_id, "client_secret": ""}, None),
        ({}, (client_id, "x")),
        ({"client_id": plain}, None),
        ({"client_id": plain, "client_secret": secret, "client_assertion": "x"}, None),
        ({"client_id": plain, "client_secret": secret}, (plain, secret)),
    ):
        answer = await town.api.http.post("/oauth/token", data={**form, **data}, auth=auth or httpx2.USE_CLIENT_DEFAULT)
        assert (answer.status_code, answer.json()["error"]) in {(401, "invalid_client"), (400, "invalid_request")}
    assert (await ask(town, assertion(town, plain))).status_code == 401
    public_client = await town.api.http.post("/oauth/token", data={**form, "client_id": town.spa})
    assert public_client.json()["error"] in {"unauthorized_client", "invalid_client"}


@pytest.mark.parametrize(
    "given, code",
    [
        ({"keys": []}, "KEY"),
        ({"keys": [dict(EC.as_dict(private=True))]}, "KEY"),
        ({"keys": [dict(ECKey.generate_key("P-384").as_dict(private=False))]}, "KEY"),
        ({"keys": [{"kty": "RSA", "n": "x" * 171, "e": "AQAB"}]}, "KEY"),
        ({"keys": [{"kty": "oct", "k": "x"}]}, "KEY"),
        ({"keys": "x"}, "KEY"),
    ],
)
def test_keys_that_are_not_taken(given: dict[str, Any], code: str):
    with pytest.raises(admin.Refused) as refused:
        grants_clients.public_keys(given)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "uri",
    [
        "http://shop.example/cb", "http://localhost/cb", "https://shop.example/cb#x", "https://u:p@shop.example/", "https://*.shop.example/",
        "javascript:alert(1)", "app:/cb", "ftp://x/", "https:///x", "", "https://shop.example/a b", "https://shop.example:x/", "HTTPS://shop.example/",
        "data:text/html,x", "com.example.app://host/x",
    ],
)  # fmt: skip
def test_redirect_addresses_that_are_not_registered(uri: str):
    with pytest.raises(admin.Refused):
        grants_clients.check_redirect_uri(uri)


@pytest.mark.parametrize("uri", ["https://shop.example/cb?x=1", "http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"])
def test_redirect_addresses_that_are(uri: str):
    grants_clients.check_redirect_uri(uri)


# ── revocation and introspection ─────────────────────────────────────────────────────────────────────────────────────
async def post(town: People, endpoint: str, token: str, auth: tuple[str, str] | None = None, **form: str) -> httpx2.Response:
    return await town.api.http.post(f"/oauth/{endpoint}", data={"token": token, **form}, auth=auth or httpx2.USE_CLIENT_DEFAULT)


async def test_a_program_takes_back_its_access_token(town: People):
    token, auth = await town.api.token("site"), town.api.clients["site"]
    assert (await town.viewer(token)).status_code == 200
    assert (await post(town, "introspect", token, auth)).json()["active"]
    for _ in range(2):
        assert (await post(town, "revoke", token, auth, token_type_hint="refresh_token")).status_code == 200
    assert (await post(town, "introspect", token, auth)).json() == {"active": False}
    town.api.clock.forward(seconds=10)
    assert (await town.viewer(token)).status_code == 401
    other = await town.api.token("site")
    assert (await town.viewer(other)).status_code == 200, "that one only"


async def test_a_frontend_ends_its_family(town: People):
    flow = town.flow()
    given = await flow.tokens(await town.signed_in())
    assert (await post(town, "revoke", given["refresh_token"], client_id=town.spa)).status_code == 200
    assert (await flow.refresh(given["refresh_token"])).status_code == 400
    town.api.clock.forward(seconds=10)
    assert (await town.viewer(given["access_token"])).status_code == 401


async def test_tokens_of_others_are_neither_revoked_nor_told_about(town: People):
    given = await town.flow().tokens(await town.signed_in())
    site = await town.api.token("site")
    for token in (given["access_token"], given["refresh_token"], site):
        stranger = town.api.clients["other"]
        assert (await post(town, "introspect", token, stranger)).json() == {"active": False}
        assert (await post(town, "revoke", token, stranger)).status_code == 400
        assert (await post(town, "introspect", token)).json()["error"] == "invalid_client"
        assert (await post(town, "introspect", token, client_id=town.spa)).json()["error"] == "invalid_client", "it shows nothing"
    assert (await town.viewer(given["access_token"])).status_code == 200
    assert (await post(town, "revoke", "unknown", town.api.clients["site"])).status_code == 200
    assert (await post(town, "revoke", "", town.api.clients["site"])).status_code == 200
    missing = await town.api.http.post("/oauth/revoke", data={"x": "y"}, auth=town.api.clients["site"])
    assert missing.json()["error"] == "invalid_request"
    odd = await post(town, "introspect", site, town.api.clients["site"], token_type_hint="id_token")
    assert odd.json()["error"] == "unsupported_token_type"


async def test_what_introspection_tells_of_both_kinds(town: People):
    confidential, secret = await grants_clients.create_frontend(
        "server side", ["https://server.example.test/cb"], secret=True, machine_now=town.api.clock.now
    )
    assert secret is not None
    flow = town.flow(client_id=confidential, redirect_uri="https://server.example.test/cb", auth=(confidential, secret))
    code = (await flow.authorize(await town.signed_in()))["code"]
    given = (await flow.redeem(code, client_id=None)).json()
    access = (await post(town, "introspect", given["access_token"], flow.auth)).json()
    now = int(town.api.clock.now.timestamp())
    assert {name: access[name] for name in ("active", "client_id", "sub", "scope", "exp", "firm_id")} == {
        "active": True,
        "client_id": confidential,
        "sub": str(town.user_id),
        "scope": "contracts:read",
        "exp": now + 600,
        "firm_id": str(town.firm_id),
    }
    refresh = (await post(town, "introspect", given["refresh_token"], flow.auth)).json()
    assert (refresh["active"], refresh["sub"], refresh["exp"]) == (True, str(town.user_id), now + 30 * 86_400)
    await admin.stop_client(confidential, machine_now=town.api.clock.now)
    assert (await post(town, "introspect", given["access_token"], flow.auth)).status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "authorization_code"},
        {"grant_type": "authorization_code", "code": "x", "code_verifier": "\u0000"},
        {"grant_type": "refresh_token"},
        {"grant_type": "refresh_token", "refresh_token": "無い"},
        {"grant_type": "refresh_token", "refresh_token": "a\u0000b"},
        {"grant_type": 'implicit"\\'},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x"},
        {"grant_type": "password", "username": "b-sha", "password": "x"},
        {},
    ],
)
async def test_odd_token_requests_have_a_code_and_are_nobodys_fault(town: People, form: dict[str, str]):
    for client in ({"client_id": town.spa}, {"client_id": "é\u3042"}, {"client_id": "x\u0000"}):
        answer = await town.api.http.post("/oauth/token", data={**form, **client} if form else None)
        assert answer.status_code in ({400, 401} if form else {415})
        assert answer.json()["error"]
        assert answer.headers["cache-control"] == "no-store"
    for header in ("Basic", "Basic !!!", "Basic " + "x" * 3_000, "Basic bm9jb2xvbg==", "Bearer x", "Basic 44GC44GC", "Basic AAAA"):
        answer = await town.api.http.post("/oauth/token", data={"x": "y", **form}, headers={"authorization": header})
        assert answer.status_code in {400, 401}, header[:20]


# ── keys, and a database that cannot be asked ────────────────────────────────────────────────────────────────────────
async def test_a_new_key_is_shown_before_it_signs_and_the_old_one_ends_after_its_last_token(town: People):
    clock = town.api.clock
    (old,) = (await town.api.http.get("/oauth/jwks")).json()["keys"]
    first = await town.api.token("site")
    kid, signs_from = await api_keys.rotate(clock.now)
    clock.forward(seconds=61)
    shown = (await town.api.http.get("/oauth/jwks")).json()["keys"]
    assert {key["kid"] for key in shown} == {old["kid"], kid}
    assert all("d" not in key for key in shown)
    assert (await Keys(clock).current()).signing.kid == old["kid"], "nobody may know the new one yet"
    assert (await town.viewer(first)).status_code == 200
    clock.now = signs_from
    clock.forward(seconds=61)
    assert (await Keys(clock).current()).signing.kid == kid
    late = await town.api.token("site")
    assert (await town.viewer(late)).status_code == 200
    clock.forward(minutes=16)
    assert [key["kid"] for key in (await town.api.http.get("/oauth/jwks")).json()["keys"]] == [kid]


async def test_a_key_that_was_lost_is_ended_at_once_with_all_it_has_signed(town: People):
    token = await town.api.token("site")
    (lost,) = (await town.api.http.get("/oauth/jwks")).json()["keys"]
    async with transaction() as tx:
        assert await credentials.retire_key(tx, lost["kid"], town.api.clock.now)
        assert not await credentials.retire_key(tx, lost["kid"], town.api.clock.now)
        assert not await credentials.retire_key(tx, "none", town.api.clock.now)
    town.api.clock.forward(seconds=61)
    fresh = await town.api.token("site")
    assert (await town.viewer(fresh)).status_code == 200
    verifier = Verifier(Keys(town.api.clock), BASE, f"{BASE}/graphql", town.api.clock)
    with pytest.raises(Exception, match="not good here"):
        await verifier.caller(f"Bearer {token}")


async def test_who_cannot_read_revocations_for_ten_seconds_lets_nobody_in(town: People, monkeypatch: pytest.MonkeyPatch):
    authorization = f"Bearer {await town.api.token('site')}"
    verifier = Verifier(Keys(town.api.clock), BASE, f"{BASE}/graphql", town.api.clock)
    await verifier.caller(authorization)

    async def away(*_: Any) -> frozenset[str]:
        raise ConnectionRefusedError

    monkeypatch.setattr(grants, "refused", away)
    town.api.clock.forward(seconds=9)
    await verifier.caller(authorization)
    town.api.clock.forward(seconds=2)
    with pytest.raises(Unavailable):
        await verifier.caller(authorization)
