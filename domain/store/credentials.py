"""OAuth clients and the keys that sign access tokens. Machine time throughout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from domain.store.connection import Tx


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A program that may ask for tokens. `secret_hash` is SHA-256 of its 256 random bits."""

    client_id: str
    name: str
    secret_hash: bytes
    site_id: int | None
    firm_id: int | None
    scopes: tuple[str, ...]
    stopped: bool

    def __repr__(self) -> str:
        """Without the hash."""
        return f"StoredClient({self.client_id!r}, stopped={self.stopped})"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key with its private half."""

    kid: str
    private_jwk: dict[str, Any]
    retired: bool

    def __repr__(self) -> str:
        """Without the key."""
        return f"StoredKey({self.kid!r}, retired={self.retired})"


async def client(tx: Tx, client_id: str) -> StoredClient | None:
    """A client by its ID, stopped ones too."""
    row = await tx.row(
        "select client_id, name, secret_hash, site_id, firm_id, scopes, stopped_at from oauth_client where client_id = $1",
        client_id,
    )
    if row is None:
        return None
    return StoredClient(
        row["client_id"],
        row["name"],
        bytes(row["secret_hash"]),
        row["site_id"],
        row["firm_id"],
        tuple(row["scopes"]),
        row["stopped_at"] is not None,
    )


async def keys(tx: Tx) -> list[StoredKey]:
    """All signing keys, the newest first."""
    rows = await tx.rows("select kid, private_jwk, retired_at from oauth_key order by machine_at desc, kid desc")
    return [StoredKey(row["kid"], orjson.loads(row["private_jwk"]), row["retired_at"] is not None) for row in rows]


async def first_key(tx: Tx, kid: str, private_jwk: dict[str, Any], machine_now: datetime) -> None:
    """Stores a key where there is none. Two processes that start at once may both store theirs; both keys verify."""
    await tx.run(
        "insert into oauth_key(kid, private_jwk, machine_at) select $1, $2::jsonb, $3 where not exists (select 1 from oauth_key)",
        kid,
        orjson.dumps(private_jwk).decode(),
        machine_now,
    )
