"""Programs as Authlib asks for them, and how they show who they are: by a secret, by an assertion signed with their key, or not at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.oauth.bridge import on_loop, turn
from domain.store import credentials

SECRET_METHODS = ("client_secret_basic", "client_secret_post")
KEY_METHOD = "private_key_jwt"
PROVEN = [*SECRET_METHODS, KEY_METHOD]
ANY_METHOD = [*PROVEN, "none"]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ["ES256", "PS256"]
ASSERTION_LIFE = timedelta(minutes=5)
LEEWAY = timedelta(seconds=10)
LONGEST_ASSERTION = 4_096


class Client(ClientMixin):  # type: ignore[misc]
    """A client as Authlib asks for it. An unknown or stopped one is here too, with a secret that nobody has: one answer for all."""

    def __init__(self, client_id: str, stored: credentials.StoredClient | None) -> None:
        self.client_id = client_id
        self.stored = None if stored is None or stored.stopped or stored.external else stored

    def get_client_id(self) -> str:
        return self.client_id

    @property
    def frontend(self) -> bool:
        """Whether people come through it."""
        return self.stored is not None and self.stored.frontend

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What was asked for if all of it is allowed; None is invalid_scope, never silently less. Nothing asked: everything."""
        allowed = self.stored.scopes if self.stored else ()
        asked = scope.split() if scope else list(allowed)
        return " ".join(dict.fromkeys(asked)) if all(one in allowed for one in asked) else None

    def check_client_secret(self, client_secret: str) -> bool:
        kept = self.stored.secret_hash if self.stored else None
        return hmac.compare_digest(kept or secrets.token_bytes(32), hashlib.sha256(client_secret.encode()).digest())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Each client has one way to show who it is. A secret may come in the header or in the form."""
        if self.stored is None:
            return method in SECRET_METHODS  # where it fails
        if self.stored.public_jwks is not None:
            return method == KEY_METHOD
        return method in SECRET_METHODS if self.stored.secret_hash is not None else method == "none"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ({"authorization_code", "refresh_token"} if self.frontend else {"client_credentials"})


def mechanisms(form: dict[str, str], authorization: str | None) -> int:
    """In how many ways a request shows whose it is; more than one is refused (RFC 6749 section 2.3)."""
    return sum((authorization is not None, "client_secret" in form, "client_assertion" in form))


def readable(authorization: str | None) -> bool:
    """Whether an Authorization header can be read at all; Authlib stumbles over bytes that are no text."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return True
    try:
        return "\0" not in base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except ValueError:
        return False


class Assertions:
    """private_key_jwt (RFC 7523) as a method of Authlib's.

    Its own class takes any algorithm and the system's clock; this one takes ES256 and PS256, our clock, a short life, and each assertion once.
    The audience is the issuer or the token endpoint, alone and as a text: with a list, another server could be meant as well.
    """

    def __init__(self, audiences: frozenset[str]) -> None:
        self._audiences = audiences

    def __call__(self, query_client: Callable[[str], Client], request: OAuth2Request) -> Client | None:
        """The client whose assertion is good; None goes on to invalid_client."""
        form = request.form
        assertion = form.get("client_assertion", "")
        if form.get("client_assertion_type") != ASSERTION_TYPE or not assertion.isascii() or not 0 < len(assertion) <= LONGEST_ASSERTION:
            return None
        now = turn.get().machine_now
        try:
            client = query_client(_subject(assertion))
            if client.stored is None or client.stored.public_jwks is None:
                return None
            if form.get("client_id", client.client_id) != client.client_id:
                return None
            keys = KeySet.import_key_set(client.stored.public_jwks)  # type: ignore[arg-type]
            claims = jwt.decode(assertion, keys, algorithms=ASSERTION_ALGORITHMS).claims
            self._validate(claims, client.client_id, now)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return None
        digest = hashlib.sha256(claims["jti"].encode()).hexdigest()
        until = datetime.fromtimestamp(claims["exp"], UTC) + LEEWAY
        return client if on_loop(credentials.assertion_is_new, turn.get().tx, client.client_id, digest, until) else None

    def _validate(self, claims: dict[str, Any], client_id: str, now: datetime) -> None:
        """Raises JoseError or ValueError."""
        jwt.JWTClaimsRegistry(
            now=lambda: int(now.timestamp()),
            leeway=int(LEEWAY.total_seconds()),
            iss={"essential": True, "value": client_id},
            sub={"essential": True, "value": client_id},
            exp={"essential": True},
            jti={"essential": True},
            aud={"essential": True},
        ).validate(claims)
        if not isinstance(claims["aud"], str) or claims["aud"] not in self._audiences:
            raise ValueError("aud")
        if not isinstance(claims["jti"], str) or not 8 <= len(claims["jti"]) <= 200:
            raise ValueError("jti")
        if type(claims["exp"]) is not int or claims["exp"] > (now + ASSERTION_LIFE + LEEWAY).timestamp():
            raise ValueError("exp")


def _subject(assertion: str) -> str:
    """Whose assertion it says it is, unverified: only to find the key."""
    subject = orjson.loads(jws.extract_compact(assertion.encode()).payload)["sub"]
    if not isinstance(subject, str):
        raise TypeError("sub")
    return subject
