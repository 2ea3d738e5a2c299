"""OAuth clients and the keys that sign access tokens. Machine time throughout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from domain.store.connection import Tx


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A program: of a site, of a firm, or (bound to neither) a frontend through which people come.

    `secret_hash` is SHA-256 of its 256 random bits. With neither secret nor keys it is public: everybody can see its code.
    """

    client_id: str
    name: str
    secret_hash: bytes | None
    site_id: int | None
    firm_id: int | None
    scopes: tuple[str, ...]
    stopped: bool
    public_jwks: dict[str, Any] | None = None
    redirect_uris: tuple[str, ...] = ()
    external: bool = False

    def __repr__(self) -> str:
        """Without the hash."""
        return f"StoredClient({self.client_id!r}, stopped={self.stopped})"

    @property
    def frontend(self) -> bool:
        """Whether people come through it; else it speaks for itself."""
        return self.site_id is None and self.firm_id is None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key with its private half. It signs from `signs_from` on (None: at once) and is good until `retired_at`."""

    kid: str
    private_jwk: dict[str, Any]
    machine_at: datetime
    signs_from: datetime | None
    retired_at: datetime | None

    def __repr__(self) -> str:
        """Without the key."""
        return f"StoredKey({self.kid!r})"

    def signs(self, machine_now: datetime) -> bool:
        """Whether it may sign now."""
        return self.verifies(machine_now) and (self.signs_from is None or self.signs_from <= machine_now)

    def verifies(self, machine_now: datetime) -> bool:
        """Whether what it has signed is still good."""
        return self.retired_at is None or machine_now < self.retired_at


async def client(tx: Tx, client_id: str) -> StoredClient | None:
    """A client by its ID, stopped ones too."""
    if "\0" in client_id:  # which no text of the database can hold
        return None
    row = await tx.row(
        "select client_id, name, secret_hash, site_id, firm_id, scopes, stopped_at, public_jwks, redirect_uris, external "
        "from oauth_client where client_id = $1",
        client_id,
    )
    if row is None:
        return None
    return StoredClient(
        row["client_id"],
        row["name"],
        None if row["secret_hash"] is None else bytes(row["secret_hash"]),
        row["site_id"],
        row["firm_id"],
        tuple(row["scopes"]),
        row["stopped_at"] is not None,
        None if row["public_jwks"] is None else orjson.loads(row["public_jwks"]),
        tuple(row["redirect_uris"]),
        row["external"],
    )


async def assertion_is_new(tx: Tx, client_id: str, jti_hash: str, expires_at: datetime) -> bool:
    """Remembers an assertion of a client; False when it was shown before."""
    return bool(
        await tx.run(
            "insert into oauth_assertion(client_id, jti_hash, expires_at) values ($1, $2, $3) on conflict do nothing",
            client_id,
            jti_hash,
            expires_at,
        )
    )


async def keys(tx: Tx) -> list[StoredKey]:
    """All signing keys, the newest first; retired ones too."""
    rows = await tx.rows(
        "select kid, private_jwk, machine_at, signs_from, retired_at from oauth_key order by coalesce(signs_from, machine_at) desc, kid desc"
    )
    return [
        StoredKey(row["kid"], orjson.loads(row["private_jwk"]), row["machine_at"], row["signs_from"], row["retired_at"]) for row in rows
    ]


async def first_key(tx: Tx, kid: str, private_jwk: dict[str, Any], machine_now: datetime) -> None:
    """Stores a key where there is none. Two processes that start at once may both store theirs; both keys verify."""
    await tx.run(
        "insert into oauth_key(kid, private_jwk, machine_at) select $1, $2::jsonb, $3 where not exists (select 1 from oauth_key)",
        kid,
        orjson.dumps(private_jwk).decode(),
        machine_now,
    )


async def add_key(
    tx: Tx, kid: str, private_jwk: dict[str, Any], *, signs_from: datetime, others_until: datetime, machine_now: datetime
) -> None:
    """Stores the next key. It signs from `signs_from`; the keys before it verify until `others_until`, when nothing of theirs is left."""
    await tx.run(
        "update oauth_key set retired_at = $1 where retired_at is null or retired_at > $1",
        others_until,
    )
    await tx.run(
        "insert into oauth_key(kid, private_jwk, machine_at, signs_from) values ($1, $2::jsonb, $3, $4)",
        kid,
        orjson.dumps(private_jwk).decode(),
        machine_now,
        signs_from,
    )


async def retire_key(tx: Tx, kid: str, machine_now: datetime) -> bool:
    """Ends a key at once, with everything it has signed. False when there is no such key or it has ended before."""
    return bool(
        await tx.run("update oauth_key set retired_at = $2 where kid = $1 and (retired_at is null or retired_at > $2)", kid, machine_now)
    )
