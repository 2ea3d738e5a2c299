"""Who is calling: access tokens after RFC 9068, checked here and nowhere else.

A token says which client it was given to; what the client may do is looked up again and again, so that a client that is stopped is
refused within seconds although its tokens live for ten minutes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError

from api.context import Caller
from api.errors import Unauthenticated, Unavailable
from api.keys import Keys
from domain.access import Viewer, ViewerKind
from domain.store import credentials
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


class Verifier:
    """Turns an Authorization header into a caller."""

    def __init__(self, keys: Keys, issuer: str, audience: str, machine_clock: Callable[[], datetime]) -> None:
        self._keys, self._clock = keys, machine_clock
        self._registry = jwt.JWTClaimsRegistry(
            now=lambda: int(machine_clock().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            client_id={"essential": True},
            jti={"essential": True},
        )
        self._claims: OrderedDict[bytes, dict[str, Any]] = OrderedDict()
        self._clients: OrderedDict[str, _Row] = OrderedDict()

    async def caller(self, authorization: str | None) -> Caller:
        """The caller. Raises Unauthenticated with the reason, Unavailable when the database cannot be asked."""
        if not authorization:
            raise Unauthenticated("missing", "Send an access token: Authorization: Bearer ...")
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > LONGEST or not token.isascii():
            raise Unauthenticated("malformed", "The Authorization header is not `Bearer` and a token.")
        claims = await self._checked(token)
        client = await self._client(str(claims["client_id"]))
        if client is None or client.stopped:
            raise Unauthenticated("stopped", "This client has been stopped.")
        if client.site_id is not None:
            viewer = Viewer(ViewerKind.SITE, client.site_id)
        elif client.firm_id is not None:
            viewer = Viewer(ViewerKind.FIRM, client.firm_id)
        else:
            raise Unauthenticated("invalid", "This client belongs to no site and no firm.")
        scopes = frozenset(str(claims.get("scope") or "").split()) & frozenset(client.scopes)
        return Caller(client.client_id, client.name, client.site_id, client.firm_id, scopes, viewer)

    async def _checked(self, token: str) -> dict[str, Any]:
        digest = sha256(token.encode()).digest()
        claims = self._claims.get(digest)
        try:
            if claims is None:
                claims = await self._decode(token)
                self._claims[digest] = claims
                if len(self._claims) > REMEMBERED:
                    self._claims.popitem(last=False)
            self._registry.validate(claims)
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
                decoded = jwt.decode(token, loaded.verifying, algorithms=[ALGORITHM])
            except JoseError:
                fresh = await self._keys.current(kid=_kid(token))  # perhaps another process has just made it
                if fresh is loaded:
                    raise
                decoded = jwt.decode(token, fresh.verifying, algorithms=[ALGORITHM])
        except BaseException as error:
            if is_unavailable(error):
                raise Unavailable from error
            raise
        if str(decoded.header.get("typ", "")).lower() not in TYPES:
            raise ValueError("not an access token")
        return dict(decoded.claims)

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


def _kid(token: str) -> str | None:
    """Which key the token says it was signed with."""
    found = jws.extract_compact(token.encode()).headers().get("kid")
    return found if isinstance(found, str) else None
