"""The authorization server: Authlib behind Starlette.

Authlib's server side is synchronous. Each protocol call runs in a worker thread inside one database transaction; its storage hooks come
back to the event loop and join that transaction, so what a grant reads and writes is atomic.

Here: client_credentials for sites and for firms' own systems. Another grant is a class beside `ClientCredentials`, registered in
`Server.__init__`, with its storage in `domain.store`.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import anyio.from_thread
import anyio.to_thread
import orjson
from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Payload, grants
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import KeySet
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.body import read_body
from api.errors import HttpRefusal, Unavailable
from api.keys import Keys, Loaded
from api.options import ApiOptions
from api.tokens import ALGORITHM, LIFE
from domain.store import credentials
from domain.store.availability import is_unavailable
from domain.store.connection import Tx, transaction

SCOPES = ("contracts:read", "contracts:write", "settlements:read", "webhooks:write", "operations")
FORM_BYTES = 16_384
AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

# At DEBUG Authlib writes whole tokens.
logging.getLogger("authlib").setLevel(logging.INFO)

T = TypeVar("T")
_tx: ContextVar[Tx] = ContextVar("oauth_transaction")


def _on_loop(function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
    """Runs a coroutine function on the event loop and waits for it: the way from Authlib's thread to the database."""
    return anyio.from_thread.run(function, *args)


class Client(ClientMixin):  # type: ignore[misc]
    """A client as Authlib asks for it. An unknown or stopped one is here too, with a secret that nobody has: one answer for all."""

    def __init__(self, client_id: str, stored: credentials.StoredClient | None) -> None:
        self.client_id = client_id
        self.stored = None if stored is None or stored.stopped else stored
        self._hash = self.stored.secret_hash if self.stored else secrets.token_bytes(32)

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str | None:
        """What was asked for if all of it is allowed; None is invalid_scope, never silently less. Nothing asked: everything."""
        allowed = self.stored.scopes if self.stored else ()
        asked = scope.split() if scope else list(allowed)
        return " ".join(asked) if all(one in allowed for one in asked) else None

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(self._hash, hashlib.sha256(client_secret.encode()).digest())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in AUTH_METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class _Payload(OAuth2Payload):  # type: ignore[misc]
    """The form, and nothing but the form: parameters in the address end up in logs."""

    def __init__(self, form: list[tuple[str, str]]) -> None:
        self._form = form

    @cached_property
    def data(self) -> dict[str, str]:
        return dict(self._form)

    @cached_property
    def datalist(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name, value in self._form:
            found[name].append(value)
        return found


class _OAuthRequest(OAuth2Request):  # type: ignore[misc]
    """A request under its public address: behind a proxy the one that arrives is plain http, which Authlib refuses."""

    def __init__(self, method: str, uri: str, headers: Mapping[str, str], form: list[tuple[str, str]]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = _Payload(form)

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


class _Generator(JWTBearerTokenGenerator):  # type: ignore[misc]
    """Access tokens after RFC 9068: ES256, ten minutes, for this API and nobody else."""

    def __init__(self, options: ApiOptions, loaded: Callable[[], Loaded]) -> None:
        super().__init__(
            options.base_url,
            alg=ALGORITHM,
            refresh_token_generator=lambda **_: secrets.token_urlsafe(32),
            expires_generator=lambda *_: int(LIFE.total_seconds()),
        )
        self._options, self._loaded = options, loaded

    def get_jwks(self) -> KeySet:
        return KeySet([self._loaded().signing])

    def get_audiences(self, client: Client, user: Any, scope: str) -> str:
        return self._options.audience

    def get_extra_claims(self, client: Client, grant_type: str, user: Any, scope: str) -> dict[str, Any]:
        """Whose the token is; and issue and end by our machine clock."""
        issued = int(self._options.machine_clock().timestamp())
        claims: dict[str, Any] = {"iat": issued, "exp": issued + int(LIFE.total_seconds())}
        stored = client.stored
        if stored is not None and stored.site_id is not None:
            claims["site_id"] = str(stored.site_id)
        if stored is not None and stored.firm_id is not None:
            claims["firm_id"] = str(stored.firm_id)
        return claims


class ClientCredentials(grants.ClientCredentialsGrant):  # type: ignore[misc]
    """A program speaks for itself: a site's, or a firm's own system."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS


class Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server with our storage. Called in a worker thread, inside `_call`."""

    def __init__(self, options: ApiOptions) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.loaded: ContextVar[Loaded] = ContextVar("oauth_keys")
        self.register_token_generator("default", _Generator(options, self.loaded.get))
        self.register_grant(ClientCredentials)

    def query_client(self, client_id: str) -> Client:
        return Client(client_id, _on_loop(credentials.client, _tx.get(), client_id))

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Nothing to keep: access tokens carry what they say, and this grant gives no refresh tokens."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        content = orjson.dumps(body) if isinstance(body, dict) else body
        return Response(content, status, dict(headers))


class OAuth:
    """The OAuth endpoints of one application."""

    def __init__(self, options: ApiOptions, keys: Keys) -> None:
        self._options, self._keys = options, keys
        self._server = Server(options)
        self._limiter: anyio.CapacityLimiter | None = None

    def routes(self) -> list[Route]:
        """For the application's table."""
        return [
            Route("/oauth/token", self.token, methods=["POST"]),
            Route("/oauth/jwks", self.jwks, methods=["GET"]),
            Route("/.well-known/oauth-authorization-server", self.metadata, methods=["GET"]),
        ]

    async def token(self, request: Request) -> Response:
        """The token endpoint (RFC 6749 section 3.2)."""
        try:
            form = await _form(request)
        except HttpRefusal as refusal:
            return _refused("invalid_request", refusal.message, refusal.status)
        return await self._call(request, form, self._server.create_token_response)

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
        """Where everything is (RFC 8414)."""
        base = self._options.base_url
        found = AuthorizationServerMetadata(
            issuer=base,
            token_endpoint=f"{base}/oauth/token",
            jwks_uri=f"{base}/oauth/jwks",
            grant_types_supported=["client_credentials"],
            response_types_supported=[],
            scopes_supported=list(SCOPES),
            token_endpoint_auth_methods_supported=AUTH_METHODS,
            token_endpoint_auth_signing_alg_values_supported=None,
        )
        return JSONResponse({name: value for name, value in dict(found).items() if value is not None})

    async def _call(self, request: Request, form: list[tuple[str, str]], endpoint: Callable[[OAuth2Request], Response]) -> Response:
        wrapped = _OAuthRequest(request.method, self._options.base_url + request.url.path, request.headers, form)
        self._limiter = self._limiter or anyio.CapacityLimiter(8)
        try:
            self._server.loaded.set(await self._keys.current())
            async with transaction() as tx:
                _tx.set(tx)
                return await anyio.to_thread.run_sync(endpoint, wrapped, limiter=self._limiter)
        except OAuth2Error as error:
            return _refused(error.error, error.description or "", error.status_code)
        except Exception as error:
            if is_unavailable(error):
                return _refused("temporarily_unavailable", "Try again in a moment.", 503, {"retry-after": "2"})
            raise


async def _form(request: Request) -> list[tuple[str, str]]:
    """The form of a request, each parameter at most once (RFC 6749 section 3.2)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise HttpRefusal.media_type("application/x-www-form-urlencoded")
    body = await read_body(request, FORM_BYTES)
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise HttpRefusal.bad("The form cannot be read.") from None
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise HttpRefusal.bad("A parameter stands twice.")
    return pairs


def _refused(error: str, description: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(
        {"error": error, "error_description": description},
        status,
        headers={"cache-control": "no-store", "pragma": "no-cache", **(headers or {})},
    )
