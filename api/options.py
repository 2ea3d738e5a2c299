"""What the API is told when it starts. Nothing below the composition root reads the environment or asks what time it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from domain.hook_address import Where

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport


def system_clock() -> datetime:
    """Machine time: tokens, signatures and caches go by it. Business time is read from the database (two clocks)."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask. Sizes in bytes."""

    body: int = 1_000_000  # any request
    batch_body: int = 16_000_000  # `registerContracts` with a site's token
    batch_items: int = 10_000  # contracts in one `registerContracts`
    loose_items: int = 100  # contracts in one call that is not in the form that is decoded apart (api.batch)
    hook_body: int = 1_000_000
    documents: int = 512  # parsed and validated operations that are remembered
    document_chars: int = 50_000  # longest operation that is remembered
    document: int = 100_000  # characters of an operation
    tokens: int = 2_500  # of a document, without comments
    comments: int = 500  # in a document
    operations: int = 20  # in a document
    depth: int = 14  # levels of fields
    aliases: int = 60  # in an operation, fragments written out
    cost: int = 80_000  # see api.limits.price
    page: int = 200  # rows of a page, 200 at most
    rate: int = 1_200  # requests of a client ...
    rate_seconds: int = 10  # ... in so many seconds; a rate of 0: nobody counts
    strangers: int = 120  # requests without a good token from one address in `rate_seconds`; 0: nobody counts
    request_seconds: float = 30.0  # then TIMEOUT
    subscriptions: int = 100  # at once on one socket
    init_seconds: float = 5.0  # until a socket has said who it is
    unread: int = 2_000  # messages that wait for a slow reader; then he is told, and cut off
    unread_chars: int = 4_000_000

    @property
    def nesting(self) -> int:
        """Levels of any kind: fields, inline fragments and named ones."""
        return 4 * self.depth


@dataclass(frozen=True, slots=True)
class Issuer:
    """An external issuer.

    Attributes:
        url: As it stands in `iss`, exactly.
        audience: What its access tokens for us have in `aud`.
        transport: How it is reached; None: by the network. Tests give another.
    """

    url: str
    audience: str
    transport: AsyncBaseTransport | None = None


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """Everything that `create_app` needs.

    Attributes:
        database_url: PostgreSQL.
        base_url: How the world reaches us, without a slash at the end; also the issuer of our tokens.
        redis_url: The bell. None: there is none, and `/readyz` does not ask for it.
        limits: See `Limits`.
        cors_origins: Whose pages may call us from a browser: `https://shop.example`, exactly; `*` is everybody's. None: nobody's.
        trusted: Documents by SHA-256 of their text (api.trusted).
        trusted_only: Whether others are refused.
        explorer: Whether `/explorer` is served.
        issuer: An external OpenID issuer instead of our own authorization server and its pages.
        hooks: Where webhooks may go.
        mails: Whether workers can send mail.
        machine_clock: Machine time; tests move it.
    """

    database_url: str
    base_url: str
    redis_url: str | None = None
    limits: Limits = field(default_factory=Limits)
    cors_origins: frozenset[str] = frozenset()
    trusted: Mapping[str, str] = field(default_factory=dict)
    trusted_only: bool = False
    explorer: bool = True
    issuer: Issuer | None = None
    hooks: Where = field(default_factory=Where)
    mails: bool = False
    machine_clock: Callable[[], datetime] = system_clock

    @property
    def audience(self) -> str:
        """Whom our access tokens are for (RFC 9068 `aud`)."""
        return f"{self.base_url}/graphql"
