"""The grants: client_credentials for programs, authorization_code with PKCE and refresh_token for frontends; and the end of tokens.

Another grant is a class here, registered in `Server.__init__`, with its storage in `domain.store`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from authlib.oauth2 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749 import InvalidGrantError, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import KeySet
from starlette.responses import Response

from api.oauth.bridge import on_loop, turn
from api.oauth.clients import ANY_METHOD, KEY_METHOD, PROVEN, Assertions, Client
from api.options import ApiOptions
from api.tokens import ALGORITHM, LIFE, Claims
from domain.store import credentials, people
from domain.store import grants as stored_grants

SCOPES = ("contracts:read", "contracts:write", "settlements:read", "webhooks:write", "parties:write", "operations")

# At DEBUG Authlib writes whole tokens.
logging.getLogger("authlib").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Holder:
    """A person with the family that a token of his belongs to: what Authlib calls the user."""

    person: people.Person
    family_id: str

    def get_user_id(self) -> str:
        """`sub` of the token."""
        return str(self.person.user_id)


@dataclass(frozen=True, slots=True)
class UsedCode:
    """A code as Authlib asks for it."""

    code: stored_grants.Code

    code_challenge_method = "S256"

    @property
    def code_challenge(self) -> str:
        """What the verifier must hash to."""
        return self.code.challenge

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return self.code.scope


@dataclass(frozen=True, slots=True)
class UsedRefresh:
    """A refresh token as Authlib asks for it."""

    refresh: stored_grants.Refresh

    def check_client(self, client: Client) -> bool:
        return self.refresh.client_id == client.client_id

    def get_scope(self) -> str:
        return self.refresh.scope

    def is_expired(self) -> bool:
        return not self.refresh.live

    def is_revoked(self) -> bool:
        return not self.refresh.live


@dataclass(frozen=True, slots=True)
class Access:
    """An access token that somebody asks about. `claims` are None for one that is not good."""

    claims: dict[str, Any]
    live: bool

    def check_client(self, client: Client) -> bool:
        return bool(self.claims["client_id"] == client.client_id)

    def is_expired(self) -> bool:
        return not self.live

    def is_revoked(self) -> bool:
        return not self.live


class _Generator(JWTBearerTokenGenerator):  # type: ignore[misc]
    """Access tokens after RFC 9068: ES256, ten minutes, for this API and nobody else."""

    def __init__(self, options: ApiOptions) -> None:
        super().__init__(
            options.base_url,
            alg=ALGORITHM,
            refresh_token_generator=lambda **_: secrets.token_urlsafe(32),
            expires_generator=lambda *_: int(LIFE.total_seconds()),
        )
        self._options = options

    def get_jwks(self) -> KeySet:
        return KeySet([turn.get().loaded.signing])

    def get_audiences(self, client: Client, user: Any, scope: str) -> str:
        return self._options.audience

    def get_extra_claims(self, client: Client, grant_type: str, user: Holder | None, scope: str) -> dict[str, Any]:
        """Whose the token is; and issue and end by our machine clock."""
        issued = int(turn.get().machine_now.timestamp())
        claims: dict[str, Any] = {"iat": issued, "exp": issued + int(LIFE.total_seconds())}
        of = client.stored if user is None else user.person
        if isinstance(of, credentials.StoredClient) and of.site_id is not None:
            claims["site_id"] = str(of.site_id)
        if of is not None and of.firm_id is not None:
            claims["firm_id"] = str(of.firm_id)
        if user is not None:
            claims["family"] = user.family_id
            claims["operator"] = user.person.operator
        return claims


class ClientCredentials(grants.ClientCredentialsGrant):  # type: ignore[misc]
    """A program speaks for itself: a site's, or a firm's own system."""

    TOKEN_ENDPOINT_AUTH_METHODS = PROVEN


class AuthorizationCode(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """A frontend redeems the code that it got at the authorization endpoint (api.oauth.authorize)."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_METHOD

    def query_authorization_code(self, code: str, client: Client) -> UsedCode | None:
        now = turn.get()
        found = on_loop(stored_grants.take_code, now.tx, code, client.client_id, now.machine_now)
        return None if found is None else UsedCode(found)

    def delete_authorization_code(self, authorization_code: UsedCode) -> None:
        """It was used up when it was looked at."""

    def authenticate_user(self, authorization_code: UsedCode) -> Holder | None:
        return _holder(authorization_code.code.user_id, authorization_code.code.family_id)


class RefreshToken(grants.RefreshTokenGrant):  # type: ignore[misc]
    """A frontend goes on, with a new refresh token each time."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_METHOD
    INCLUDE_NEW_REFRESH_TOKEN = True

    def _validate_request_token(self, client: Client) -> UsedRefresh:
        """The client is asked for with the token: a stranger who shows it must not end the family of the one it belongs to."""
        self.request.client = client
        return super()._validate_request_token(client)  # type: ignore[no-any-return]

    def authenticate_refresh_token(self, refresh_token: str) -> UsedRefresh | None:
        now = turn.get()
        found = on_loop(stored_grants.use_refresh, now.tx, refresh_token, self.request.client.client_id, now.machine_now)
        return None if found is None else UsedRefresh(found)

    def authenticate_user(self, refresh_token: UsedRefresh) -> Holder | None:
        found = _holder(refresh_token.refresh.user_id, refresh_token.refresh.family_id)
        if found is None:
            raise InvalidGrantError("This user has been stopped.")
        return found

    def revoke_old_credential(self, refresh_token: UsedRefresh) -> None:
        on_loop(stored_grants.spend, turn.get().tx, refresh_token.refresh, turn.get().machine_now)


class _Query:
    """How both endpoints find a token: ours or not, a refresh token or an access token, whatever the hint says."""

    claims: Claims

    def query_token(self, token_string: str, token_type_hint: str | None) -> UsedRefresh | Access | None:
        now = turn.get()
        refresh = on_loop(stored_grants.refresh_of, now.tx, token_string, now.machine_now)
        if refresh is not None:
            return UsedRefresh(refresh)
        claims = self.claims.of_good(token_string, now.loaded)
        if claims is None:
            return None
        return Access(claims, on_loop(_stands, claims))


class Revocation(_Query, RevocationEndpoint):  # type: ignore[misc]
    """RFC 7009. A refresh token takes its family with it, an access token goes alone."""

    CLIENT_AUTH_METHODS = ANY_METHOD

    def revoke_token(self, token: UsedRefresh | Access, request: OAuth2Request) -> None:
        now = turn.get()
        if isinstance(token, UsedRefresh):
            on_loop(stored_grants.revoke_family, now.tx, token.refresh.family_id, now.machine_now)
        else:
            on_loop(stored_grants.refuse, now.tx, [f"token:{token.claims['jti']}"], now.machine_now)


class Introspection(_Query, IntrospectionEndpoint):  # type: ignore[misc]
    """RFC 7662, for clients that have shown who they are, about tokens that were given to them."""

    CLIENT_AUTH_METHODS = PROVEN

    def check_permission(self, token: UsedRefresh | Access, client: Client, request: OAuth2Request) -> bool:
        return token.check_client(client)

    def introspect_token(self, token: UsedRefresh | Access) -> dict[str, Any]:
        if isinstance(token, UsedRefresh):
            refresh = token.refresh
            return {
                "active": True,
                "client_id": refresh.client_id,
                "sub": str(refresh.user_id),
                "scope": refresh.scope,
                "iat": int(refresh.machine_at.timestamp()),
                "exp": int(refresh.expires_at.timestamp()),
            }
        shown = ("iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "site_id", "firm_id")
        return {"active": True, "token_type": "Bearer", **{name: token.claims[name] for name in shown if name in token.claims}}


class Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server with our storage. Called in a worker thread, inside a `Turn`."""

    def __init__(self, options: ApiOptions) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.register_token_generator("default", _Generator(options))
        self.register_client_auth_method(KEY_METHOD, Assertions(frozenset({options.base_url, f"{options.base_url}/oauth/token"})))
        self.register_grant(ClientCredentials)
        self.register_grant(AuthorizationCode, [CodeChallenge(required=True)])
        self.register_grant(RefreshToken)
        for endpoint in (Revocation, Introspection):
            endpoint.claims = Claims(options.base_url, options.audience, options.machine_clock)
            self.register_endpoint(endpoint)

    def query_client(self, client_id: str) -> Client:
        return Client(client_id, on_loop(credentials.client, turn.get().tx, client_id))

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Access tokens carry what they say. A refresh token has the scope of the one before, even if this time less was asked for."""
        if "refresh_token" in token:
            used = request.authorization_code or request.refresh_token
            now = turn.get()
            on_loop(stored_grants.add_refresh, now.tx, token["refresh_token"], request.user.family_id, used.get_scope(), now.machine_now)

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        content = orjson.dumps(body) if isinstance(body, dict) else body
        return Response(content, status, dict(headers))


Endpoint = Callable[[OAuth2Request], Response]


def _holder(user_id: int, family_id: str) -> Holder | None:
    person = on_loop(people.by_id, turn.get().tx, user_id)
    return None if person is None or person.stopped else Holder(person, family_id)


async def _stands(claims: dict[str, Any]) -> bool:
    """Whether an access token is good now: by the database itself, not by what a process remembers."""
    now = turn.get()
    client = await credentials.client(now.tx, str(claims["client_id"]))
    refused = await stored_grants.refused(now.tx, now.machine_now)
    return client is not None and not client.stopped and not refused & Claims.subjects(claims)
