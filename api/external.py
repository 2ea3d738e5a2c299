"""An external OpenID issuer instead of our own authorization server, by configuration.

The issuer says who somebody is, never what he may: programs (`client_id` or `azp`) and people (`sub`) must be known here under the names that
the issuer gives them, with a site, a firm or the operator's role. A token has what it, its client and its user all may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx2
import orjson
from joserfc import jws, jwt
from joserfc.jwk import KeySet
from joserfc.jwt import ClaimsOption

from api.context import Caller
from api.errors import Unauthenticated, Unavailable
from api.keys import Keys
from api.options import Issuer
from api.tokens import FRESH, STALE, Claims, Verifier, caller_of
from domain.store import people
from domain.store.availability import is_unavailable
from domain.store.connection import reading

ALGORITHMS = ["ES256", "ES384", "PS256", "RS256", "EdDSA"]  # asymmetric only: a public key must not pass for a secret
TYPES = frozenset({"at+jwt", "application/at+jwt", "jwt", ""})  # many issuers say JWT; the audience tells an ID token apart
KEEP = timedelta(minutes=5)  # its keys
RELOAD = timedelta(seconds=10)  # at most so often for a key that we have not seen
LARGEST = 200_000  # bytes of a document
SECONDS = 5.0
LAST = 2**33  # no token lives longer than dates go


@dataclass(frozen=True, slots=True)
class _Known:
    keys: KeySet
    read_at: datetime


@dataclass(frozen=True, slots=True)
class _PersonRow:
    person: people.Person | None
    read_at: datetime


class IssuerAway(Unavailable):
    """The issuer's keys cannot be read, and we have none that are young enough."""


class ExternalVerifier(Verifier):
    """Turns an Authorization header with a token of the external issuer into a caller."""

    def __init__(self, keys: Keys, issuer: Issuer, machine_clock: Callable[[], datetime]) -> None:
        super().__init__(keys, issuer.url, issuer.audience, machine_clock)
        self._rules = _ExternalClaims(issuer.url, issuer.audience, machine_clock)
        self._issuer = issuer
        self._known: _Known | None = None
        self._people: dict[str, _PersonRow] = {}
        self._reading = asyncio.Lock()

    async def _caller(self, claims: dict[str, Any]) -> Caller:
        client = await self._client(client_of(claims))
        if client is None or not client.external:
            raise Unauthenticated("invalid", "This client is not known here.")
        if client.stopped:
            raise Unauthenticated("stopped", "This client has been stopped.")
        scopes = frozenset(_scopes(claims)) & frozenset(client.scopes)
        if not client.frontend:
            return caller_of(claims, client, scopes)
        person = await self._person(str(claims["sub"]))
        if person is None:
            raise Unauthenticated("invalid", "This user is not known here.")
        if person.stopped:
            raise Unauthenticated("stopped", "This user has been stopped.")
        firm = {} if person.firm_id is None else {"firm_id": str(person.firm_id)}
        ours = {"exp": claims["exp"], "sub": str(person.user_id), "family": "external", "operator": person.operator, **firm}
        return caller_of(ours, client, scopes & frozenset(person.scopes))

    async def _decode(self, token: str) -> dict[str, Any]:
        kid = _kid(token)
        try:
            found = jwt.decode(token, await self._keys_for(kid), algorithms=ALGORITHMS)
        except httpx2.HTTPError as error:
            raise IssuerAway from error
        if str(found.header.get("typ", "")).lower() not in TYPES:
            raise ValueError("not an access token")
        return dict(found.claims)

    async def _keys_for(self, kid: str | None) -> KeySet:
        async with self._reading:
            known, moment = self._known, self._clock()
            if known is not None:
                seen = kid is None or any(key.kid == kid for key in known.keys.keys)
                if moment - known.read_at < (KEEP if seen else RELOAD):
                    return known.keys
            self._known = _Known(await self._read(), moment)
            return self._known.keys

    async def _read(self) -> KeySet:
        """Its keys, by way of its own description (OpenID Connect Discovery 4.3: it must name itself as we know it)."""
        transport = self._issuer.transport
        async with httpx2.AsyncClient(transport=transport, timeout=SECONDS, follow_redirects=False, trust_env=False) as http:
            about = await _document(http, f"{self._issuer.url.rstrip('/')}/.well-known/openid-configuration")
            if about.get("issuer") != self._issuer.url or not isinstance(about.get("jwks_uri"), str):
                raise httpx2.RequestError("the issuer does not name itself")
            keys = await _document(http, about["jwks_uri"])
        good = [key for key in keys.get("keys", []) if isinstance(key, dict) and key.get("use", "sig") == "sig" and key.get("kty") != "oct"]
        return KeySet.import_key_set({"keys": good})

    async def _person(self, subject: str) -> people.Person | None:
        known, moment = self._people.get(subject), self._clock()
        if known is not None and moment - known.read_at < FRESH:
            return known.person
        try:
            async with asyncio.timeout(STALE.total_seconds()), reading() as tx:
                row = _PersonRow(await people.by_subject(tx, subject), moment)
        except Exception as error:
            if not (is_unavailable(error) or isinstance(error, TimeoutError)):
                raise
            if known is not None and self._clock() - known.read_at < STALE:
                return known.person
            raise Unavailable from error
        if len(self._people) >= 10_000:
            self._people.clear()
        self._people[subject] = row
        return row.person


class _ExternalClaims(Claims):
    """As for tokens of ours; `jti` and `iat` are not everybody's custom, and the client may stand in `azp`."""

    also: ClassVar[Mapping[str, ClaimsOption]] = {}

    def validate(self, claims: dict[str, Any]) -> None:
        """Raises JoseError, ValueError, TypeError."""
        self._registry.validate(claims)
        if not isinstance(claims["sub"], str) or not client_of(claims) or "nonce" in claims:
            raise ValueError("not an access token")
        if not 0 < claims["exp"] < LAST:
            raise ValueError("exp")


def client_of(claims: Mapping[str, Any]) -> str:
    """Which program has the token, as the issuer calls it."""
    found = claims.get("client_id", claims.get("azp"))
    return found if isinstance(found, str) else ""


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    found = claims.get("scope", "")
    return found.split() if isinstance(found, str) else []


async def _document(http: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    """A JSON object. Raises httpx2.HTTPError."""
    async with http.stream("GET", url) as answer:
        answer.raise_for_status()
        body = b""
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > LARGEST:
                raise httpx2.RequestError("too large")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise httpx2.RequestError("not JSON") from None
    if not isinstance(found, dict):
        raise httpx2.RequestError("not a JSON object")
    return found


def _kid(token: str) -> str | None:
    found = jws.extract_compact(token.encode()).headers().get("kid")
    return found if isinstance(found, str) else None
