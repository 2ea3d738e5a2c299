"""What people have let frontends do: consents, authorization codes, refresh tokens, and what was revoked. Machine time throughout.

Tokens of one consent are a family. A code is good for one try, a refresh token for one use; the second use of either means that somebody
else has it, and ends the family (RFC 9700, 4.14.2). All of them are kept as SHA-256 of 256 random bits.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.store import hooks
from domain.store.connection import Tx

CODE_LIFE = timedelta(seconds=60)
REFRESH_LIFE = timedelta(days=30)  # unused
FAMILY_LIFE = timedelta(days=90)  # however often it is used: then the person signs in again
REFUSED_FOR = timedelta(minutes=15)  # longer than an access token lives: a revocation need not be remembered longer
KEPT = timedelta(days=1)  # a used code is remembered, so that its second use is seen


def digest(value: str) -> str:
    """How codes, refresh tokens, sessions and invitations are kept: SHA-256 of their 256 random bits."""
    return hashlib.sha256(value.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code that was found and is now used up."""

    family_id: str
    user_id: int
    redirect_uri: str
    scope: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token."""

    token_hash: str
    family_id: str
    client_id: str
    user_id: int
    scope: str
    machine_at: datetime
    expires_at: datetime
    live: bool  # neither used nor revoked nor expired


# ── consents ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def consented(tx: Tx, user_id: int, client_id: str) -> frozenset[str]:
    """The scopes that a person has let a client have."""
    found = await tx.value("select scopes from consent where user_id = $1 and client_id = $2", user_id, client_id)
    return frozenset(found or ())


async def remember_consent(tx: Tx, user_id: int, client_id: str, scopes: Sequence[str], machine_now: datetime) -> None:
    """Stores what was said now; what was said before stays."""
    await tx.run(
        "insert into consent(user_id, client_id, scopes, machine_at) values ($1, $2, $3, $4) on conflict (user_id, client_id) do update "
        "set scopes = array(select distinct unnest(consent.scopes || excluded.scopes) order by 1), machine_at = excluded.machine_at",
        user_id,
        client_id,
        sorted(scopes),
        machine_now,
    )


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def new_code(tx: Tx, *, client_id: str, user_id: int, redirect_uri: str, scope: str, challenge: str, machine_now: datetime) -> str:
    """Begins a family and gives its code."""
    family_id, code = secrets.token_hex(16), secrets.token_urlsafe(32)
    await tx.run(
        "insert into oauth_family(family_id, client_id, user_id, machine_at, expires_at) values ($1, $2, $3, $4, $5)",
        family_id,
        client_id,
        user_id,
        machine_now,
        machine_now + FAMILY_LIFE,
    )
    await tx.run(
        "insert into oauth_code(code_hash, family_id, redirect_uri, scope, challenge, expires_at) values ($1, $2, $3, $4, $5, $6)",
        digest(code),
        family_id,
        redirect_uri,
        scope,
        challenge,
        machine_now + CODE_LIFE,
    )
    return code


async def take_code(tx: Tx, code: str, client_id: str, machine_now: datetime) -> Code | None:
    """The code, used up from now on whatever comes of it. A second try ends its family. Another client's is not found."""
    row = await tx.row(
        "select c.*, f.user_id, f.revoked_at from oauth_code c join oauth_family f using (family_id) "
        "where c.code_hash = $1 and f.client_id = $2 for update of f, c",
        digest(code),
        client_id,
    )
    if row is None:
        return None
    if row["used_at"] is not None:
        await revoke_family(tx, row["family_id"], machine_now)
        return None
    await tx.run("update oauth_code set used_at = $2 where code_hash = $1", row["code_hash"], machine_now)
    if row["revoked_at"] is not None or row["expires_at"] <= machine_now:
        return None
    return Code(row["family_id"], row["user_id"], row["redirect_uri"], row["scope"], row["challenge"])


# ── refresh tokens ───────────────────────────────────────────────────────────────────────────────────────────────────
async def add_refresh(tx: Tx, token: str, family_id: str, scope: str, machine_now: datetime) -> None:
    """Stores a family's next refresh token."""
    await tx.run(
        "insert into oauth_refresh(token_hash, family_id, scope, expires_at) "
        "select $1, $2, $3, least($4, f.expires_at) from oauth_family f where f.family_id = $2",
        digest(token),
        family_id,
        scope,
        machine_now + REFRESH_LIFE,
    )


async def refresh_of(tx: Tx, token: str, machine_now: datetime, *, lock: bool = False) -> Refresh | None:
    """A refresh token, dead ones too. With `lock` nobody else uses it (or ends its family) until the end of the transaction."""
    row = await tx.row(
        "select r.*, f.client_id, f.user_id, f.machine_at, f.revoked_at from oauth_refresh r join oauth_family f using (family_id) "
        f"where r.token_hash = $1{' for update of f, r' if lock else ''}",
        digest(token),
    )
    if row is None:
        return None
    live = row["used_at"] is None and row["revoked_at"] is None and row["expires_at"] > machine_now
    return Refresh(
        row["token_hash"],
        row["family_id"],
        row["client_id"],
        row["user_id"],
        row["scope"],
        row["machine_at"],
        row["expires_at"],
        live,
    )


async def use_refresh(tx: Tx, token: str, client_id: str, machine_now: datetime) -> Refresh | None:
    """The refresh token if it may be used; it is locked, `spend` comes when the next one has been made.

    One that was used before ends its family: two have it, and nobody knows which of them should.
    """
    found = await refresh_of(tx, token, machine_now, lock=True)
    if found is None or found.client_id != client_id:
        return None
    if found.live:
        return found
    await revoke_family(tx, found.family_id, machine_now)
    return None


async def spend(tx: Tx, refresh: Refresh, machine_now: datetime) -> None:
    """Marks a refresh token as used."""
    await tx.run("update oauth_refresh set used_at = $2 where token_hash = $1", refresh.token_hash, machine_now)


# ── revocations ──────────────────────────────────────────────────────────────────────────────────────────────────────
async def revoke_family(tx: Tx, family_id: str, machine_now: datetime) -> None:
    """Ends a family: its refresh tokens at once, its access tokens as soon as the processes have read it."""
    if await tx.run("update oauth_family set revoked_at = $2 where family_id = $1 and revoked_at is null", family_id, machine_now):
        await refuse(tx, [f"family:{family_id}"], machine_now)


async def revoke_user(tx: Tx, user_id: int, machine_now: datetime, client_id: str | None = None) -> int:
    """Ends all families of a person (with one client), his webhooks, and forgets his consent; answers how many families."""
    rows = await tx.rows(
        "update oauth_family set revoked_at = $2 where user_id = $1 and revoked_at is null and ($3::text is null or client_id = $3) "
        "returning family_id",
        user_id,
        machine_now,
        client_id,
    )
    await tx.run("delete from consent where user_id = $1 and ($2::text is null or client_id = $2)", user_id, client_id)
    await refuse(tx, [f"family:{row['family_id']}" for row in rows], machine_now)
    await hooks.disable_of(tx, user_id, client_id)
    return len(rows)


async def refuse(tx: Tx, subjects: Iterable[str], machine_now: datetime) -> None:
    """Access tokens of these (`token:`, `family:`, `user:`) are refused until the last of them has expired."""
    await tx.run(
        "insert into oauth_revocation(subject, expires_at) select s, $2 from unnest($1::text[]) s "
        "on conflict (subject) do update set expires_at = excluded.expires_at",
        sorted(subjects),
        machine_now + REFUSED_FOR,
    )


async def refused(tx: Tx, machine_now: datetime) -> frozenset[str]:
    """All that are refused now: what every process keeps in memory. As many as were revoked in a quarter of an hour."""
    rows = await tx.rows("select subject from oauth_revocation where expires_at > $1", machine_now)
    return frozenset(row["subject"] for row in rows)


async def forget_expired(tx: Tx, machine_now: datetime) -> None:
    """Takes away what nobody can use any more. Some at a time, so that whoever comes by can do it."""
    for table, key, limit in (
        ("oauth_revocation", "subject", machine_now),
        ("oauth_assertion", "jti_hash", machine_now),
        ("browser_session", "session_hash", machine_now),
        ("oauth_code", "code_hash", machine_now - KEPT),
        ("oauth_refresh", "token_hash", machine_now - KEPT),
        ("oauth_family", "family_id", machine_now - KEPT),
    ):
        await tx.run(
            f"delete from {table} where {key} in "
            f"(select {key} from {table} where expires_at < $1 limit 100 for update skip locked) and expires_at < $1",
            limit,
        )


async def consents_of(tx: Tx, user_id: int) -> list[dict[str, Any]]:
    """The frontends that hold living tokens of a person, for his page."""
    rows = await tx.rows(
        "select c.client_id, c.name, max(f.machine_at) as machine_at from oauth_family f join oauth_client c using (client_id) "
        "where f.user_id = $1 and f.revoked_at is null group by c.client_id, c.name order by c.name, c.client_id",
        user_id,
    )
    return [dict(row) for row in rows]
