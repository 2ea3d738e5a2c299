"""Invitations: how a firm comes to hold a party (records, section 1).

A party is made by its site and starts unclaimed; equal names, codes or accounts never join anything. An invitation is for one party, made
by that party's own site or by an operator, good once and for 14 days. It opens that party and nothing else. Machine time, but for the firm's
own `created_at`, which is business time.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.store import ids, people
from domain.store.administration import FIRMS_HOME, NotThere, Refused, home_of
from domain.store.connection import Tx, transaction
from domain.store.grants import digest

INVITATION_LIFE = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the invited sees before accepting."""

    site_id: int
    site_name: str
    party_code: str
    party_name: str
    expires_at: datetime


async def invite(site_id: int, code: str, *, machine_now: datetime) -> tuple[str, datetime]:
    """Makes an invitation for a party of that site; answers the secret that goes into its address, and when it
    ends. An open one before it is withdrawn.

    Raises `Refused` (PARTY_CLAIMED) for a party that a firm holds: releasing it is that firm's.
    """
    token = secrets.token_urlsafe(32)
    async with transaction() as tx:
        home = await home_of(tx, site_id)
        row = await tx.row(
            "select party_id, firm_id from party where home = $1 and site_id = $2 and code = $3 for update", home, site_id, code
        )
        if row is None:
            raise NotThere("party", f"{site_id}/{code}")
        if row["firm_id"] is not None:
            raise Refused("PARTY_CLAIMED", f"party {site_id}/{code} belongs to a firm already")
        await tx.run(
            "update invitation set withdrawn_at = $3 where home = $1 and party_id = $2 and accepted_at is null and withdrawn_at is null",
            home,
            row["party_id"],
            machine_now,
        )
        await tx.run(
            "insert into invitation(token_hash, home, party_id, site_id, machine_at, expires_at) values ($1, $2, $3, $4, $5, $6)",
            digest(token),
            home,
            row["party_id"],
            site_id,
            machine_now,
            machine_now + INVITATION_LIFE,
        )
    return token, machine_now + INVITATION_LIFE


async def show(tx: Tx, token: str, machine_now: datetime) -> Invitation | None:
    """The invitation if it can be accepted now: one that is unknown, used, withdrawn or old looks the same."""
    row = await tx.row(
        "select i.site_id, s.name as site_name, p.code, p.name, i.expires_at from invitation i join site s using (site_id) "
        "join party p on p.home = i.home and p.party_id = i.party_id "
        "where i.token_hash = $1 and i.accepted_at is null and i.withdrawn_at is null and i.expires_at > $2 and p.firm_id is null",
        digest(token),
        machine_now,
    )
    return None if row is None else Invitation(row["site_id"], row["site_name"], row["code"], row["name"], row["expires_at"])


async def accept(token: str, user_id: int, *, machine_now: datetime) -> Invitation:
    """A signed-in user's firm takes the party. Raises `Refused` (INVITATION, OPERATOR)."""
    async with transaction() as tx:
        person = await people.by_id(tx, user_id)
        if person is None or person.stopped or person.firm_id is None:
            raise Refused("OPERATOR", "only a firm holds parties")
        return await _take(tx, token, person.firm_id, user_id, machine_now)


async def accept_as_new(
    token: str, *, firm_name: str, name: str, password_hash: str, now: datetime, machine_now: datetime
) -> tuple[Invitation, int]:
    """Makes a firm and its first user, and gives it the party; answers the user too. Raises `Refused` (INVITATION, USER_NAME, USER_TAKEN)."""
    name, firm_name = people.check_name(name), firm_name.strip()
    if not 1 <= len(firm_name) <= 100 or not firm_name.isprintable():
        raise Refused("FIRM_NAME", "a firm's name has 1 to 100 characters")
    firm_id, user_id = await ids.take(FIRMS_HOME, 2, machine_now)
    async with transaction() as tx:
        await tx.run("insert into firm(firm_id, name, created_at) values ($1, $2, $3)", firm_id, firm_name, now)
        await people.insert(tx, user_id, name, firm_id=firm_id, password_hash=password_hash, subject=None, machine_now=machine_now)
        return await _take(tx, token, firm_id, user_id, machine_now), user_id


async def _take(tx: Tx, token: str, firm_id: int, user_id: int, machine_now: datetime) -> Invitation:
    row = await tx.row("select home, party_id from invitation where token_hash = $1", digest(token))
    if row is not None:  # the party first, as `invite` does: two who wait for each other would both lose
        await tx.run("select 1 from party where home = $1 and party_id = $2 for update", row["home"], row["party_id"])
        await tx.run("select 1 from invitation where token_hash = $1 for update", digest(token))
    found = await show(tx, token, machine_now)
    if row is None or found is None:
        raise Refused("INVITATION", "this invitation cannot be accepted (any more)")
    await tx.run("update party set firm_id = $3 where home = $1 and party_id = $2", row["home"], row["party_id"], firm_id)
    await tx.run(
        "update invitation set accepted_at = $2, firm_id = $3, user_id = $4 where token_hash = $1",
        digest(token),
        machine_now,
        firm_id,
        user_id,
    )
    return found
