"""Browsers that are signed in, and how often somebody has tried to be. Machine time throughout."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.store.connection import Tx
from domain.store.grants import digest

SESSION_LIFE = timedelta(hours=8)
WINDOW = timedelta(minutes=15)
PAIR_TRIES = 10  # one address for one name, in a window
NAME_TRIES = 30  # all addresses for one name
ADDRESS_TRIES = 100  # one address for all names: a whole firm may sit behind it


@dataclass(frozen=True, slots=True)
class Tried:
    """A try to sign in that was counted. `retry_after`: it is one too many; how long to wait."""

    keys: tuple[str, str, str]
    retry_after: timedelta | None


async def begin(tx: Tx, user_id: int, machine_now: datetime) -> str:
    """Signs a browser in; answers what its cookie holds. Always a fresh one: nobody can have planted it."""
    token = secrets.token_urlsafe(32)
    await tx.run(
        "insert into browser_session(session_hash, user_id, machine_at, expires_at) values ($1, $2, $3, $4)",
        digest(token),
        user_id,
        machine_now,
        machine_now + SESSION_LIFE,
    )
    return token


async def user_of(tx: Tx, token: str, machine_now: datetime) -> int | None:
    """Who is signed in with that cookie; nobody who was stopped. Held until the end of the transaction: he is not stopped meanwhile."""
    found = await tx.value(
        "select s.user_id from browser_session s join person p using (user_id) "
        "where s.session_hash = $1 and s.expires_at > $2 and p.stopped_at is null for share of p",
        digest(token),
        machine_now,
    )
    return None if found is None else int(found)


async def end(tx: Tx, token: str) -> None:
    """Signs a browser out."""
    await tx.run("delete from browser_session where session_hash = $1", digest(token))


async def count_try(tx: Tx, name: str, address: str, machine_now: datetime) -> Tried:
    """Counts a try before its password is looked at, so that many at once cannot slip through.

    By what was typed, whether there is such a user or not: a lock tells nobody who exists.
    """
    keys = (digest(f"pair\n{name}\n{address}"), digest(f"name\n{name}"), digest(f"address\n{address}"))
    limits = dict(zip(keys, (PAIR_TRIES, NAME_TRIES, ADDRESS_TRIES), strict=True))
    rows = await tx.rows(
        "insert into throttle(key, tries, since) select k, 1, $2 from unnest($1::text[]) k on conflict (key) do update set "
        "tries = case when throttle.since <= $3 then 1 else throttle.tries + 1 end, "
        "since = case when throttle.since <= $3 then $2 else throttle.since end returning key, tries, since",
        sorted(keys),
        machine_now,
        machine_now - WINDOW,
    )
    waits = [row["since"] + WINDOW - machine_now for row in rows if row["tries"] > limits[row["key"]]]
    await tx.run(
        "delete from throttle where key in (select key from throttle where since < $1 limit 100 for update skip locked)",
        machine_now - WINDOW,
    )
    return Tried(keys, max(waits, default=None))


async def good_try(tx: Tx, tried: Tried) -> None:
    """The password was right: the tries for this name do not count any more, and for its address this one does not."""
    pair, name, address = tried.keys
    await tx.run("delete from throttle where key = any($1::text[])", [pair, name])
    await tx.run("update throttle set tries = greatest(tries - 1, 0) where key = $1", address)
