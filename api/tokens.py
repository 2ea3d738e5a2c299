"""Who is calling: access tokens after RFC 9068, checked here and nowhere else.

A token says which client it was given to, and for whom; what the client may do and what was revoked is looked up again and again, so that
a client or user who is stopped is refused within seconds although tokens live for ten minutes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwt import ClaimsOption

from api.context import Caller
from api.errors import Unauthenticated, Unavailable
from api.keys import Keys, Loaded
from domain.access import Viewer, ViewerKind
from domain.store import credentials, grants
from domain.store.availability import is_unavailable
from domain.store.connection import reading

LIFE = timedelta(minutes=10)
LEEWAY_SECONDS = 5
ALGORITHM = "ES256"
TYPES = frozenset({"at+jwt", "application/at+jwt"})
FRESH = timedelta(seconds=5)  # a client's row is believed so long ...
STALE = timedelta(seconds=10)  # ... and when it cannot be read again, at most so long
REMEMBERED = 10_000
LONGEST = 8_192  # characters of a token


@dataclass(frozen=True, slots=True)
class _Row:
    client: credentials.StoredClient | None
    read_at: datetime


@dataclass(frozen=True, slots=True)
class _Refused:
    subjects: frozenset[str]
    read_at: datetime


class Claims:
    """What must be true of an access token of ours, whoever asks (RFC 9068 section 4)."""

    also: ClassVar[Mapping[str, ClaimsOption]] = {name: {"essential": True} for name in ("iat", "client_id", "jti")}

    def __init__(self, issuer: str, audience: str, machine_clock: Callable[[], datetime]) -> None:
        self._registry = jwt.JWTClaimsRegistry(
            now=lambda: int(machine_clock().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
            **self.also,
        )

    def validate(self, claims: dict[str, Any]) -> None:
        """Raises JoseError (ExpiredTokenError for one that is too old), ValueError, TypeError."""
        self._registry.validate(claims)
        for name in ("sub", "client_id", "jti"):
            if not isinstance(claims[name], str):
                raise TypeError(name)

    def of_good(self, token: str, loaded: Loaded) -> dict[str, Any] | None:
        """The claims of a token whose signature, type and time are good; else None."""
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            claims = decoded(token, loaded)
            self.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return claims

    @staticmethod
    def subjects(claims: Mapping[str, Any]) -> frozenset[str]:
        """Under which names a token can have been revoked."""
        found = {f"token:{claims['jti']}"}
        if "family" in claims:
            found |= {f"family:{claims['family']}", f"user:{claims['sub']}"}
        return frozenset(found)


def decoded(token: str, loaded: Loaded) -> dict[str, Any]:
    """The claims of a token that one of our keys has signed as an access token. Raises JoseError, ValueError."""
    found = jwt.decode(token, loaded.verifying, algorithms=[ALGORITHM])
    if str(found.header.get("typ", "")).lower() not in TYPES:
        raise ValueError("not an access token")
    return dict(found.claims)


class Verifier:
    """Turns an Authorization header into a caller."""

    def __init__(self, keys: Keys, issuer: str, audience: str, machine_clock: Callable[[], datetime]) -> None:
        self._keys, self._clock = keys, machine_clock
        self._rules = Claims(issuer, audience, machine_clock)
        self._claims: OrderedDict[bytes, dict[str, Any]] = OrderedDict()
        self._clients: OrderedDict[str, _Row] = OrderedDict()
        self._refused: _Refused | None = None

    async def caller(self, authorization: str | None) -> Caller:
        """The caller. Raises Unauthenticated with the reason, Unavailable when the database cannot be asked.

        A socket asks again now and then with the same header: that is cheap, and says when its token has ended.
        """
        return await self._caller(await self._checked(bearer(authorization)))

    async def _caller(self, claims: dict[str, Any]) -> Caller:
        client = await self._client(str(claims["client_id"]))
        if client is None or client.stopped:
            raise Unauthenticated("stopped", "This client has been stopped.")
        if Claims.subjects(claims) & await self._refusals():
            raise Unauthenticated("revoked", "This access token has been revoked.")
        scopes = frozenset(str(claims.get("scope") or "").split()) & frozenset(client.scopes)
        return caller_of(claims, client, scopes)

    async def _checked(self, token: str) -> dict[str, Any]:
        digest = sha256(token.encode()).digest()
        claims = self._claims.get(digest)
        try:
            if claims is None:
                claims = await self._decode(token)
                self._claims[digest] = claims
                if len(self._claims) > REMEMBERED:
                    self._claims.popitem(last=False)
            self._rules.validate(claims)
        except ExpiredTokenError:
            self._claims.pop(digest, None)
            raise Unauthenticated("expired", "The access token has expired; ask for a new one.") from None
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            self._claims.pop(digest, None)
            raise Unauthenticated("invalid", "The access token is not good here.") from None
        return claims

    async def _decode(self, token: str) -> dict[str, Any]:
        try:
            loaded = await self._keys.current()
            try:
                return decoded(token, loaded)
            except JoseError:
                fresh = await self._keys.current(kid=_kid(token))  # perhaps another process has just made it
                if fresh is loaded:
                    raise
                return decoded(token, fresh)
        except BaseException as error:
            if is_unavailable(error):
                raise Unavailable from error
            raise

    async def _refusals(self) -> frozenset[str]:
        """What was revoked. When it cannot be read for ten seconds nobody is let in: a revoked token might be among them."""
        known, moment = self._refused, self._clock()
        if known is not None and moment - known.read_at < FRESH:
            return known.subjects
        try:
            async with asyncio.timeout(STALE.total_seconds()), reading() as tx:
                found = _Refused(await grants.refused(tx, moment), moment)
        except Exception as error:
            if not (is_unavailable(error) or isinstance(error, TimeoutError)):
                raise
            if known is not None and self._clock() - known.read_at < STALE:
                return known.subjects
            raise Unavailable from error
        self._refused = found
        return found.subjects

    async def _client(self, client_id: str) -> credentials.StoredClient | None:
        known, moment = self._clients.get(client_id), self._clock()
        if known is not None and moment - known.read_at < FRESH:
            return known.client
        try:
            async with asyncio.timeout(STALE.total_seconds()), reading() as tx:
                row = _Row(await credentials.client(tx, client_id), moment)
        except Exception as error:
            if not (is_unavailable(error) or isinstance(error, TimeoutError)):
                raise
            if known is not None and self._clock() - known.read_at < STALE:
                return known.client
            raise Unavailable from error
        self._clients[client_id] = row
        if len(self._clients) > REMEMBERED:
            self._clients.popitem(last=False)
        return row.client


def bearer(authorization: str | None) -> str:
    """The token of a header. Raises Unauthenticated."""
    if not authorization:
        raise Unauthenticated("missing", "Send an access token: Authorization: Bearer ...")
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST or not token.isascii():
        raise Unauthenticated("malformed", "The Authorization header is not `Bearer` and a token.")
    return token


def caller_of(claims: Mapping[str, Any], client: credentials.StoredClient, scopes: frozenset[str]) -> Caller:
    """Who calls: a site's or firm's program, or a person of a firm or an operator through a frontend. Raises Unauthenticated."""
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    if not client.frontend:
        if "family" in claims:
            raise Unauthenticated("invalid", "This client speaks for itself, not for a person.")
        if client.site_id is not None:
            viewer = Viewer(ViewerKind.SITE, client.site_id)
        else:
            assert client.firm_id is not None
            viewer = Viewer(ViewerKind.FIRM, client.firm_id)
        return Caller(client.client_id, client.name, client.site_id, client.firm_id, scopes, viewer, expires_at=expires_at)
    try:
        user_id = int(claims["sub"])
        firm_id = int(claims["firm_id"]) if "firm_id" in claims else None
        if not claims["family"] or (firm_id is None) is not (claims["operator"] is True):
            raise ValueError("neither of a firm nor an operator")
    except (KeyError, TypeError, ValueError):
        raise Unauthenticated("invalid", "This client belongs to no site and no firm.") from None
    viewer = Viewer(ViewerKind.OPERATOR, user_id) if firm_id is None else Viewer(ViewerKind.FIRM, firm_id)
    return Caller(client.client_id, client.name, None, firm_id, scopes, viewer, user_id=user_id, expires_at=expires_at)


def _kid(token: str) -> str | None:
    """Which key the token says it was signed with."""
    found = jws.extract_compact(token.encode()).headers().get("kid")
    return found if isinstance(found, str) else None
