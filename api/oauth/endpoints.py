"""The machine's doors: token, revocation, introspection, public keys, discovery."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.to_thread
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.errors import HttpRefusal, Unavailable
from api.keys import Keys
from api.limits.door import Door, address_of
from api.oauth.bridge import FormRequest, Turn, read_form, refused, turn
from api.oauth.clients import ANY_METHOD, ASSERTION_ALGORITHMS, PROVEN, mechanisms, readable
from api.oauth.grants import SCOPES, Endpoint, Server
from api.options import ApiOptions
from domain.store.availability import is_unavailable
from domain.store.connection import transaction

GRANTS = ["client_credentials", "authorization_code", "refresh_token"]
FAILURES = frozenset({400, 401})
AT_ONCE = 8  # protocol calls in worker threads, each with a connection


class OAuth:
    """The OAuth endpoints of one application."""

    def __init__(self, options: ApiOptions, keys: Keys, door: Door) -> None:
        self._options, self._keys, self._door = options, keys, door
        self._server = Server(options)
        self._limiter: anyio.CapacityLimiter | None = None

    def routes(self) -> list[Route]:
        """For the application's table."""
        return [
            Route("/oauth/token", self.token, methods=["POST"]),
            Route("/oauth/revoke", self.revoke, methods=["POST"]),
            Route("/oauth/introspect", self.introspect, methods=["POST"]),
            Route("/oauth/jwks", self.jwks, methods=["GET"]),
            Route("/.well-known/oauth-authorization-server", self.metadata, methods=["GET"]),
        ]

    async def token(self, request: Request) -> Response:
        """The token endpoint (RFC 6749 section 3.2)."""
        return await self._call(request, self._server.create_token_response)

    async def revoke(self, request: Request) -> Response:
        """The revocation endpoint (RFC 7009)."""
        return await self._call(request, lambda asked: self._server.create_endpoint_response("revocation", asked))

    async def introspect(self, request: Request) -> Response:
        """The introspection endpoint (RFC 7662)."""
        return await self._call(request, lambda asked: self._server.create_endpoint_response("introspection", asked))

    async def jwks(self, _request: Request) -> Response:
        """The public keys (RFC 7517)."""
        try:
            loaded = await self._keys.current()
        except Exception as error:
            if is_unavailable(error):
                raise Unavailable from error
            raise
        return JSONResponse(loaded.public(), headers={"cache-control": "public, max-age=60"})

    async def metadata(self, _request: Request) -> Response:
        """Where everything is, and what it can do (RFC 8414)."""
        base = self._options.base_url
        found = AuthorizationServerMetadata(
            issuer=base,
            authorization_endpoint=f"{base}/oauth/authorize",
            token_endpoint=f"{base}/oauth/token",
            revocation_endpoint=f"{base}/oauth/revoke",
            introspection_endpoint=f"{base}/oauth/introspect",
            jwks_uri=f"{base}/oauth/jwks",
            grant_types_supported=GRANTS,
            response_types_supported=["code"],
            response_modes_supported=["query"],
            scopes_supported=list(SCOPES),
            code_challenge_methods_supported=["S256"],
            token_endpoint_auth_methods_supported=ANY_METHOD,
            token_endpoint_auth_signing_alg_values_supported=ASSERTION_ALGORITHMS,
            revocation_endpoint_auth_methods_supported=ANY_METHOD,
            revocation_endpoint_auth_signing_alg_values_supported=ASSERTION_ALGORITHMS,
            introspection_endpoint_auth_methods_supported=PROVEN,
            introspection_endpoint_auth_signing_alg_values_supported=ASSERTION_ALGORITHMS,
            ui_locales_supported=["en", "ja"],
        )
        return JSONResponse({**dict(found), "authorization_response_iss_parameter_supported": True})

    async def _call(self, request: Request, endpoint: Endpoint) -> Response:
        """What fails is counted by address: nobody has a reason to fail so often, and each try costs a transaction."""
        address = address_of(request)
        barred = self._door.barred(address)
        if barred is None:
            answer = await self._answer(request, endpoint)
            if answer.status_code not in FAILURES:
                return answer
            try:
                await self._door.failed(address)
            except HttpRefusal as refusal:
                barred = refusal
            else:
                return answer
        return refused("temporarily_unavailable", barred.message, barred.status, barred.headers)

    async def _answer(self, request: Request, endpoint: Endpoint) -> Response:
        try:
            form = await read_form(request)
        except HttpRefusal as refusal:
            return refused("invalid_request", refusal.message, refusal.status)
        fields = dict(form)
        if any("\0" in value for value in fields.values()):  # which no text of the database can hold
            return refused("invalid_request", "A parameter holds a character that cannot be.", 400)
        if mechanisms(fields, request.headers.get("authorization")) > 1:
            return refused("invalid_request", "Show in one way who you are, not in two.", 400)
        if not readable(request.headers.get("authorization")):
            return refused("invalid_client", "The Authorization header cannot be read.", 401, {"www-authenticate": "Basic"})
        asked = FormRequest(request.method, self._options.base_url + request.url.path, request.headers, form)
        self._limiter = self._limiter or anyio.CapacityLimiter(AT_ONCE)
        try:
            return await self._in_thread(endpoint, asked, self._limiter)
        except OAuth2Error as error:
            return refused(error.error, error.description or "", error.status_code)
        except Exception as error:
            if is_unavailable(error):
                return refused("temporarily_unavailable", "Try again in a moment.", 503, {"retry-after": "2"})
            raise

    async def _in_thread(self, endpoint: Endpoint, asked: OAuth2Request, limiter: anyio.CapacityLimiter) -> Response:
        loaded = await self._keys.current()
        async with transaction() as tx:
            turn.set(Turn(tx, loaded, self._options.machine_clock()))
            answer: Any = await anyio.to_thread.run_sync(endpoint, asked, limiter=limiter)
        return _kept_nowhere(answer)


def _kept_nowhere(answer: Response) -> Response:
    answer.headers.setdefault("cache-control", "no-store")
    return answer
