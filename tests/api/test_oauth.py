"""Tokens: who gets one, what stands in it, and how fast a stopped client is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from api.keys import Keys
from domain.store import administration as admin
from domain.store import credentials
from domain.store.connection import reading, transaction
from tests.api.serving import BASE, Served, serving

VIEWER = "{ viewer { clientId siteId firmName scopes } }"


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url) as served:
        yield served


def unsigned(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unverified."""
    parts = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")[:2]]
    return parts[0], parts[1]


async def ask_token(api: Served, auth: tuple[str, str] | None = None, **form: str) -> tuple[int, dict[str, Any]]:
    answer = await api.http.post("/oauth/token", data={"grant_type": "client_credentials", **form}, auth=auth or httpx2.USE_CLIENT_DEFAULT)
    return answer.status_code, answer.json()


# ── the token endpoint ───────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_client_gets_a_token_by_either_way_of_showing_its_secret(api: Served):
    client_id, secret = api.clients["site"]
    status, basic = await ask_token(api, (client_id, secret), scope="contracts:read")
    assert (status, basic["token_type"], basic["expires_in"], basic["scope"]) == (200, "Bearer", 600, "contracts:read")
    status, posted = await ask_token(api, client_id=client_id, client_secret=secret)
    assert (status, sorted(posted["scope"].split())) == (200, sorted(admin.SITE_SCOPES))
    assert "refresh_token" not in basic


async def test_what_stands_in_a_token(api: Served):
    header, claims = unsigned(await api.token("site"))
    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt")
    now = int(api.clock.now.timestamp())
    expected = {
        "iss": BASE,
        "aud": f"{BASE}/graphql",
        "sub": api.clients["site"][0],
        "client_id": api.clients["site"][0],
        "iat": now,
        "exp": now + 600,
        "site_id": "130",
    }
    assert {name: claims[name] for name in expected} == expected
    assert claims["jti"]
    _, firm = unsigned(await api.token("firm"))
    assert "site_id" not in firm
    assert firm["firm_id"].isdigit()


@pytest.mark.parametrize(
    "change, status, error",
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"scope": "contracts:read operations"}, 400, "invalid_scope"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "unsupported_grant_type"),
    ],
)
async def test_what_gets_no_token(api: Served, change: dict[str, str], status: int, error: str):
    client_id, secret = api.clients["site"]
    answer = await ask_token(api, None, **{"client_id": client_id, "client_secret": secret, **change})
    assert (answer[0], answer[1]["error"]) == (status, error)


async def test_an_unknown_client_and_a_wrong_secret_have_one_answer(api: Served):
    unknown = await api.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("nobody", "x"))
    wrong = await api.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(api.clients["site"][0], "x"))
    assert (unknown.status_code, unknown.json()) == (wrong.status_code, wrong.json())
    assert unknown.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "content, media_type, status",
    [
        (b'{"grant_type":"client_credentials"}', "application/json", 415),
        (b"grant_type=client_credentials&grant_type=client_credentials", "application/x-www-form-urlencoded", 400),
        (b"grant_type=%ff", "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 20_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_odd_forms_are_refused(api: Served, content: bytes, media_type: str, status: int):
    answer = await api.http.post("/oauth/token", content=content, headers={"content-type": media_type}, auth=api.clients["site"])
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")


async def test_parameters_in_the_address_do_not_count(api: Served):
    client_id, secret = api.clients["site"]
    address = f"/oauth/token?grant_type=client_credentials&client_id={client_id}&client_secret={secret}"
    answer = await api.http.post(address, content=b"", headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 400


async def test_secrets_are_kept_as_hashes(api: Served):
    client_id, secret = api.clients["site"]
    async with reading() as tx:
        client = await credentials.client(tx, client_id)
    assert client is not None
    assert client.secret_hash == hashlib.sha256(secret.encode()).digest()
    assert repr(client.secret_hash) not in repr(client)


# ── discovery and keys ───────────────────────────────────────────────────────────────────────────────────────────────
async def test_discovery_and_public_keys(api: Served):
    found = (await api.http.get("/.well-known/oauth-authorization-server")).json()
    assert {name: value for name, value in found.items() if not name.startswith(("revocation", "introspection"))} == {
        "issuer": BASE,
        "authorization_endpoint": f"{BASE}/oauth/authorize",
        "token_endpoint": f"{BASE}/oauth/token",
        "jwks_uri": f"{BASE}/oauth/jwks",
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "scopes_supported": ["contracts:read", "contracts:write", "settlements:read", "webhooks:write", "parties:write", "operations"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256"],
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": ["en", "ja"],
    }
    for endpoint in ("revocation", "introspection"):
        assert found[f"{endpoint}_endpoint"].startswith(f"{BASE}/oauth/")
        assert ("none" in found[f"{endpoint}_endpoint_auth_methods_supported"]) is (endpoint == "revocation")
    (key,) = (await api.http.get("/oauth/jwks")).json()["keys"]
    assert (key["kty"], key["crv"], key["use"], "d" in key) == ("EC", "P-256", "sig", False)
    claims = jwt.decode(await api.token("site"), KeySet([ECKey.import_key(key)]), algorithms=["ES256"]).claims
    assert claims["site_id"] == "130"


async def test_the_key_is_made_once_and_a_new_one_signs_while_the_old_one_verifies(api: Served):
    old = await api.token("site")
    again = Keys(api.clock)
    assert (await again.current()).public() == (await api.http.get("/oauth/jwks")).json()
    made = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": "ES256"}, auto_kid=True)
    async with transaction() as tx:
        await tx.run(
            "insert into oauth_key(kid, private_jwk, machine_at) values ($1, $2::jsonb, $3)",
            made.kid,
            json.dumps(made.as_dict(private=True)),
            datetime(2030, 1, 1, tzinfo=UTC),
        )
    before = (await again.current()).cursor_key
    api.clock.forward(seconds=61)
    assert unsigned(await api.token("site"))[0]["kid"] == made.kid
    assert (await again.current()).cursor_key == before, "cursors outlive a change of keys"
    for token in (old, await api.token("site")):
        answer = await api.http.post("/graphql", json={"query": VIEWER}, headers={"authorization": f"Bearer {token}"})
        assert answer.json()["data"]["viewer"]["siteId"] == "130"


# ── using a token ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_viewer_says_who_holds_the_token(api: Served):
    site = (await api.ask(VIEWER))["viewer"]
    assert site == {
        "clientId": api.clients["site"][0],
        "siteId": "130",
        "firmName": None,
        "scopes": ["contracts:read", "contracts:write", "settlements:read"],
    }
    assert (await api.ask(VIEWER, who="firm"))["viewer"]["firmName"] == "甲社"


async def refused(api: Served, authorization: str | None) -> tuple[int, str, str]:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = await api.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    return answer.status_code, error["extensions"]["reason"], answer.headers["www-authenticate"]


async def signed(api: Served, *, header: dict[str, Any] | None = None, **change: Any) -> str:
    """A token signed with the true key, with other claims."""
    keys = await Keys(api.clock).current()
    now = int(api.clock.now.timestamp())
    client_id = api.clients["site"][0]
    claims = {
        "iss": BASE,
        "aud": f"{BASE}/graphql",
        "sub": client_id,
        "client_id": client_id,
        "iat": now,
        "exp": now + 600,
        "jti": "x",
        "scope": "contracts:read",
        **change,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    head = {"alg": "ES256", "typ": "at+jwt", "kid": keys.signing.kid, **(header or {})}
    return jwt.encode(head, claims, keys.signing, algorithms=["ES256"])


async def test_a_token_of_our_own_making_is_good(api: Served):
    token = await signed(api)
    answer = await api.http.post("/graphql", json={"query": VIEWER}, headers={"authorization": f"bearer {token}"})
    assert answer.json()["data"]["viewer"]["scopes"] == ["contracts:read"]


@pytest.mark.parametrize(
    "authorization, reason",
    [
        (None, "missing"),
        ("Basic Zm9vOmJhcg==", "malformed"),
        ("Bearer", "malformed"),
        ("Bearer " + "x" * 9_000, "malformed"),
        ("Bearer nonsense", "invalid"),
        ("Bearer a.b.c", "invalid"),
    ],
)
async def test_without_a_good_token_there_is_nothing(api: Served, authorization: str | None, reason: str):
    status, found, challenge = await refused(api, authorization)
    assert (status, found) == (401, reason)
    assert ('error="invalid_token"' in challenge) is (reason != "missing")


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://elsewhere.test"},
        {"aud": "https://elsewhere.test"},
        {"aud": None},
        {"client_id": None},
        {"exp": None},
        {"header": {"typ": "JWT"}},
    ],
)
async def test_a_token_for_something_else_is_refused(api: Served, change: dict[str, Any]):
    assert (await refused(api, f"Bearer {await signed(api, **change)}"))[:2] == (401, "invalid")


async def test_a_token_signed_by_another_key_is_refused(api: Served):
    stranger = ECKey.generate_key("P-256", auto_kid=True)
    _, claims = unsigned(await api.token("site"))
    forged = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": stranger.kid}, claims, stranger, algorithms=["ES256"])
    assert (await refused(api, f"Bearer {forged}"))[:2] == (401, "invalid")


async def test_a_token_ends_after_ten_minutes_of_machine_time(api: Served):
    await api.ask(VIEWER)
    api.clock.forward(minutes=9, seconds=59)
    await api.ask(VIEWER)
    api.clock.forward(seconds=10)
    assert (await refused(api, (await api.bearer("site"))["authorization"]))[:2] == (401, "expired")


async def test_a_stopped_client_is_refused_within_ten_seconds(api: Served):
    await api.ask(VIEWER)
    await admin.stop_client(api.clients["site"][0], machine_now=api.clock.now)
    assert (await ask_token(api, api.clients["site"]))[1]["error"] == "invalid_client"
    api.clock.forward(seconds=10)
    assert (await refused(api, (await api.bearer("site"))["authorization"]))[:2] == (401, "stopped")


async def test_a_scope_that_the_client_has_lost_is_lost(api: Served):
    await api.ask(VIEWER)
    async with transaction() as tx:
        await tx.run("update oauth_client set scopes = '{settlements:read}' where client_id = $1", api.clients["site"][0])
    api.clock.forward(seconds=10)
    assert (await api.ask(VIEWER))["viewer"]["scopes"] == ["settlements:read"]
