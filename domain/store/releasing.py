"""Letting a claim go: the firm's own act, or that of two operators of whom one asks and another agrees (records, section 1; I18).

Afterwards the party belongs to nobody, its contracts are seen by its site alone, and its site may invite again. Machine time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.store import ids, people
from domain.store.administration import FIRMS_HOME, NotThere, Refused
from domain.store.connection import Tx, transaction

ASKED_LIFE = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Asked:
    """One operator has asked; the party goes when another agrees before `expires_at`."""

    by: str
    at: datetime
    expires_at: datetime


async def release(firm_id: int, site_id: int, code: str) -> None:
    """A firm lets a party go. Raises `NotThere` for a party that the firm does not hold, whether it exists or not."""
    async with transaction() as tx:
        row = await _held(tx, site_id, code, firm_id)
        if row is None:
            raise NotThere("party", f"{site_id}/{code}")
        await _let_go(tx, row["home"], row["party_id"])


async def ask_or_agree(site_id: int, code: str, user_id: int, *, machine_now: datetime) -> Asked | None:
    """An operator asks for the release of a party, or agrees with another one who has asked; None: it is released.

    Raises `NotThere` for a party that no firm holds, `Refused`: SAME_PERSON to whoever has asked himself, OPERATOR to whoever is none.
    """
    release_id = await ids.take_one(FIRMS_HOME, machine_now)
    async with transaction() as tx:
        person = await people.by_id(tx, user_id)
        if person is None or person.stopped or not person.operator:
            raise Refused("OPERATOR", "only operators release a claim that is not their own firm's")
        row = await _held(tx, site_id, code, None)
        if row is None:
            raise NotThere("claimed party", f"{site_id}/{code}")
        known = await tx.row(
            "select r.release_id, r.asked_by, r.firm_id, r.machine_at, r.expires_at, p.name, p.stopped_at from claim_release r "
            "join person p on p.user_id = r.asked_by "
            "where r.home = $1 and r.party_id = $2 and r.approved_at is null and r.withdrawn_at is null for update of r",
            row["home"],
            row["party_id"],
        )
        # Asked for too long ago, of another firm, or by somebody who is no operator any more: that is not agreed with.
        stands = (
            known is not None and known["expires_at"] > machine_now and known["firm_id"] == row["firm_id"] and known["stopped_at"] is None
        )
        if known is not None and not stands:
            await tx.run(
                "update claim_release set withdrawn_at = $3 where home = $1 and release_id = $2",
                row["home"],
                known["release_id"],
                machine_now,
            )
        if known is None or not stands:
            await tx.run(
                "insert into claim_release(home, release_id, party_id, firm_id, asked_by, machine_at, expires_at) "
                "values ($1, $2, $3, $4, $5, $6, $7)",
                row["home"],
                release_id,
                row["party_id"],
                row["firm_id"],
                user_id,
                machine_now,
                machine_now + ASKED_LIFE,
            )
            return Asked(person.name, machine_now, machine_now + ASKED_LIFE)
        if known["asked_by"] == user_id:
            raise Refused("SAME_PERSON", f"{known['name']} has asked for this already; another operator has to agree")
        await tx.run(
            "update claim_release set approved_by = $3, approved_at = $4 where home = $1 and release_id = $2",
            row["home"],
            known["release_id"],
            user_id,
            machine_now,
        )
        await _let_go(tx, row["home"], row["party_id"])
        return None


async def ask_or_agree_as(site_id: int, code: str, name: str, *, machine_now: datetime) -> Asked | None:
    """As `ask_or_agree`, by the operator's user ID."""
    async with transaction() as tx:
        person = await people.by_name(tx, people.normal_name(name))
    if person is None:
        raise NotThere("user", name)
    return await ask_or_agree(site_id, code, person.user_id, machine_now=machine_now)


async def _held(tx: Tx, site_id: int, code: str, firm_id: int | None) -> dict[str, int] | None:
    """The party if that firm (None: any) holds it, locked: whoever accepts an invitation waits. One statement, whatever there is."""
    row = await tx.row(
        "select p.home, p.party_id, p.firm_id from party p join site s on s.home = p.home and s.site_id = p.site_id "
        "where p.site_id = $1 and p.code = $2 and p.firm_id is not null and ($3::bigint is null or p.firm_id = $3) for update of p",
        site_id,
        code,
        firm_id,
    )
    return None if row is None else dict(row)


async def _let_go(tx: Tx, home: int, party_id: int) -> None:
    await tx.run("update party set firm_id = null where home = $1 and party_id = $2", home, party_id)
