"""Programs beyond those with a secret: frontends through which people come, programs with a key, and those of an external issuer."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from domain.store.administration import FIRM_SCOPES, SCOPES, SITE_SCOPES, NotThere, Refused, home_of, secret_hash
from domain.store.connection import transaction

FRONTEND_SCOPES = ("contracts:read", "settlements:read")
LOOPBACK = frozenset({"127.0.0.1", "::1"})
APP_SCHEME = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9-]+)+")  # reverse domain, so that it belongs to somebody (RFC 8252 section 7.1)
CLIENT_ID = re.compile(r"[A-Za-z0-9._:/-]{1,200}")


async def create_frontend(
    name: str,
    redirect_uris: Sequence[str],
    *,
    scopes: Sequence[str] = FRONTEND_SCOPES,
    secret: bool = False,
    public_jwks: Mapping[str, Any] | None = None,
    machine_now: datetime,
) -> tuple[str, str | None]:
    """Makes a frontend: (client_id, secret). Public without secret and keys: a page or an app, whose code everybody sees.

    Raises `Refused` for an address that others could listen on: https, an app's own scheme in reverse domain form, or http to loopback only.
    """
    _check_scopes(scopes)
    if "contracts:write" in scopes:
        raise Refused("CLIENT", "only a site registers contracts")
    if not redirect_uris:
        raise Refused("REDIRECT_URI", "a frontend has at least one address that people come back to")
    for uri in redirect_uris:
        check_redirect_uri(uri)
    if secret and public_jwks is not None:
        raise Refused("CLIENT", "a client shows who it is by a secret or by a key, not by both")
    given = secrets.token_urlsafe(32) if secret else None
    client_id = f"app-{secrets.token_hex(6)}"
    await _insert(
        client_id,
        name,
        machine_now=machine_now,
        scopes=list(scopes),
        secret_hash=None if given is None else secret_hash(given),
        public_jwks=None if public_jwks is None else json.dumps(public_keys(public_jwks)),
        redirect_uris=list(redirect_uris),
    )
    return client_id, given


async def create_keyed(
    name: str,
    public_jwks: Mapping[str, Any],
    *,
    site_id: int | None = None,
    firm_id: int | None = None,
    scopes: Sequence[str] | None = None,
    machine_now: datetime,
) -> str:
    """Makes a site's or firm's program that signs with its own key (private_key_jwt): we hold nothing that could be stolen."""
    granted = _bound(site_id, firm_id, scopes)
    client_id = f"{'firm' if site_id is None else f'site-{site_id}'}-{secrets.token_hex(6)}"
    keys = json.dumps(public_keys(public_jwks))
    await _insert(client_id, name, machine_now=machine_now, scopes=granted, public_jwks=keys, site_id=site_id, firm_id=firm_id)
    return client_id


async def create_external(
    client_id: str,
    name: str,
    *,
    site_id: int | None = None,
    firm_id: int | None = None,
    scopes: Sequence[str] | None = None,
    machine_now: datetime,
) -> None:
    """Says what a program of the external issuer may do here, under the ID that it has there; bound to nothing: people come through it."""
    if not CLIENT_ID.fullmatch(client_id):
        raise Refused("CLIENT", "the issuer's client ID has 1 to 200 letters, digits and . _ : / -")
    if site_id is None and firm_id is None:
        granted = list(scopes or (*FRONTEND_SCOPES, "operations"))
        _check_scopes(granted)
    else:
        granted = _bound(site_id, firm_id, scopes)
    await _insert(client_id, name, machine_now=machine_now, scopes=granted, external=True, site_id=site_id, firm_id=firm_id)


def check_redirect_uri(uri: str) -> None:
    """Raises `Refused` (REDIRECT_URI)."""
    try:
        parts = urlsplit(uri)
        host, scheme = parts.hostname or "", parts.scheme
        _ = parts.port
    except ValueError:
        raise Refused("REDIRECT_URI", "this address cannot be read") from None
    if (
        len(uri) > 1000
        or not uri.isascii()
        or not uri.isprintable()
        or any(sign in uri for sign in " \"'<>\\;,*")
        or "#" in uri
        or "@" in parts.netloc
    ):
        raise Refused("REDIRECT_URI", "an address has at most 1000 plain characters, no fragment, no user, no wildcard")
    safe = (scheme == "https" and host) or (scheme == "http" and host in LOOPBACK) or (APP_SCHEME.fullmatch(scheme) and not parts.netloc)
    if not safe or uri.split(":", 1)[0] != scheme:
        raise Refused("REDIRECT_URI", "https://..., http://127.0.0.1/... (any port) for an app, or com.example.app:/...")


def public_keys(given: Mapping[str, Any]) -> dict[str, Any]:
    """The JWK set with nothing secret in it. Raises `Refused` (KEY)."""
    keys = given.get("keys", [given] if "kty" in given else None)
    if not isinstance(keys, list) or not 1 <= len(keys) <= 5 or not all(isinstance(key, dict) for key in keys):
        raise Refused("KEY", "give a JWK, or a JWK set with 1 to 5 keys")
    for key in keys:
        if {"d", "k", "p", "q", "dp", "dq", "qi"} & set(key):
            raise Refused("KEY", "this holds the private half of a key; keep it, and give the public half")
        if (key.get("kty"), key.get("crv")) != ("EC", "P-256") and key.get("kty") != "RSA":
            raise Refused("KEY", "a key is EC P-256 (ES256) or RSA (PS256)")
        if key.get("kty") == "RSA" and len(str(key.get("n", ""))) < 342:
            raise Refused("KEY", "an RSA key has at least 2048 bits")
    return {"keys": keys}


def _bound(site_id: int | None, firm_id: int | None, scopes: Sequence[str] | None) -> list[str]:
    if (site_id is None) == (firm_id is None):
        raise Refused("CLIENT", "a client belongs to one site or to one firm")
    granted = scopes if scopes is not None else SITE_SCOPES if site_id is not None else FIRM_SCOPES
    _check_scopes(granted)
    if firm_id is not None and "contracts:write" in granted:
        raise Refused("CLIENT", "only a site registers contracts")
    if "operations" in granted:
        raise Refused("CLIENT", "operations are for people")
    return list(granted)


def _check_scopes(scopes: Sequence[str]) -> None:
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise Refused("CLIENT", f"no such scope: {', '.join(unknown)}. There are {', '.join(SCOPES)}")


async def _insert(client_id: str, name: str, *, machine_now: datetime, **values: Any) -> None:
    values |= {"client_id": client_id, "name": name, "machine_at": machine_now}
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    async with transaction() as tx:
        if values.get("site_id") is not None:
            await home_of(tx, values["site_id"])
        if values.get("firm_id") is not None and await tx.value("select 1 from firm where firm_id = $1", values["firm_id"]) is None:
            raise NotThere("firm", values["firm_id"])
        if not await tx.run(f"insert into oauth_client ({', '.join(values)}) values ({places}) on conflict do nothing", *values.values()):
            raise Refused("CLIENT", f"there is a client {client_id}")
