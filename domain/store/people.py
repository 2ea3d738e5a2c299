"""People: who signs in with a user ID and a password [0032], for one firm or as an operator. Machine time throughout.

What they may is said here once; what a token may is that, and what its client may.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.store import grants, ids
from domain.store.administration import FIRMS_HOME, NotThere, Refused
from domain.store.connection import Tx, reading, transaction

FIRM_SCOPES = ("contracts:read", "settlements:read", "webhooks:write", "parties:write")
OPERATOR_SCOPES = ("contracts:read", "settlements:read", "operations")
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 256  # characters; RFC 9700 leaves it open, NIST SP 800-63B wants at least 8


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in. `password_hash` is argon2id's; None: he signs in at the external issuer."""

    user_id: int
    name: str
    firm_id: int | None
    operator: bool
    stopped: bool
    password_hash: str | None = field(repr=False)

    @property
    def scopes(self) -> tuple[str, ...]:
        """What he may do through any client."""
        return OPERATOR_SCOPES if self.operator else FIRM_SCOPES


def normal_name(typed: str) -> str:
    """A user ID as it is kept, from what somebody typed: full-width letters and capitals are the same."""
    return unicodedata.normalize("NFKC", typed).strip().lower()


def check_name(typed: str) -> str:
    """The user ID. Raises `Refused` (USER_NAME)."""
    name = normal_name(typed)
    if not NAME.fullmatch(name):
        raise Refused(
            "USER_NAME", "a user ID has 2 to 64 letters a-z, digits, dots, hyphens, underlines or @, and begins with a letter or digit"
        )
    return name


def check_password(password: str, name: str) -> None:
    """Refuses what would be guessed first. Raises `Refused` (PASSWORD)."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Refused("PASSWORD", f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if name in password.lower() or len(set(password)) < 5:
        raise Refused("PASSWORD", "this password would be guessed: it holds the user ID, or few different characters")


async def by_id(tx: Tx, user_id: int) -> Person | None:
    """A person, stopped ones too."""
    return _person(await tx.row(f"select {_COLUMNS} from person where user_id = $1", user_id))


async def by_name(tx: Tx, name: str) -> Person | None:
    """A person by the user ID as it is kept."""
    return _person(await tx.row(f"select {_COLUMNS} from person where name = $1", name)) if NAME.fullmatch(name) else None


async def by_subject(tx: Tx, subject: str) -> Person | None:
    """A person by what the external issuer calls him."""
    return _person(await tx.row(f"select {_COLUMNS} from person where subject = $1", subject)) if "\0" not in subject else None


async def insert(
    tx: Tx, user_id: int, name: str, *, firm_id: int | None, password_hash: str | None, subject: str | None, machine_now: datetime
) -> None:
    """Stores a person; no firm: an operator. Raises `Refused` (USER_TAKEN)."""
    made = await tx.run(
        "insert into person(user_id, name, firm_id, operator, password_hash, subject, machine_at) values ($1, $2, $3, $4, $5, $6, $7) "
        "on conflict do nothing",
        user_id,
        name,
        firm_id,
        firm_id is None,
        password_hash,
        subject,
        machine_now,
    )
    if not made:
        raise Refused("USER_TAKEN", f"there is somebody with the user ID {name}" + (" or that subject" if subject else ""))


async def create(
    name: str, *, firm_id: int | None = None, password_hash: str | None = None, subject: str | None = None, machine_now: datetime
) -> int:
    """Makes a user of a firm (no firm: an operator), with a password's hash or the external issuer's subject; answers his number."""
    name = check_name(name)
    if (password_hash is None) == (subject is None):
        raise Refused("USER", "a user has a password here, or a subject at the external issuer")
    user_id = await ids.take_one(FIRMS_HOME, machine_now)
    async with transaction() as tx:
        if firm_id is not None and await tx.value("select 1 from firm where firm_id = $1", firm_id) is None:
            raise NotThere("firm", firm_id)
        await insert(tx, user_id, name, firm_id=firm_id, password_hash=password_hash, subject=subject, machine_now=machine_now)
    return user_id


async def set_password(name: str, password_hash: str, *, machine_now: datetime) -> None:
    """Gives a user another password; whoever is signed in with the old one is no longer, and all his tokens end."""
    async with transaction() as tx:
        row = await tx.row("select user_id, subject from person where name = $1 for update", normal_name(name))
        if row is None:
            raise NotThere("user", name)
        if row["subject"] is not None:
            raise Refused("USER", f"{name} signs in at the external issuer")
        await tx.run("update person set password_hash = $2 where user_id = $1", row["user_id"], password_hash)
        await tx.run("delete from browser_session where user_id = $1", row["user_id"])
        await grants.revoke_user(tx, row["user_id"], machine_now)


async def stop(name: str, *, machine_now: datetime) -> bool:
    """Stops a user for good: no sign-in, and what he has is refused within seconds. False when he was stopped before."""
    async with transaction() as tx:
        row = await tx.row("select user_id, stopped_at from person where name = $1 for update", normal_name(name))
        if row is None:
            raise NotThere("user", name)
        if row["stopped_at"] is not None:
            return False
        await tx.run("update person set stopped_at = $2 where user_id = $1", row["user_id"], machine_now)
        await tx.run("delete from browser_session where user_id = $1", row["user_id"])
        await grants.revoke_user(tx, row["user_id"], machine_now)
        await grants.refuse(tx, [f"user:{row['user_id']}"], machine_now)
        return True


async def listed() -> list[dict[str, Any]]:
    """All users with their firms, without passwords."""
    async with reading() as tx:
        rows = await tx.rows(
            "select p.user_id, p.name, p.firm_id, f.name as firm, p.operator, p.subject is not null as external, p.machine_at, p.stopped_at "
            "from person p left join firm f using (firm_id) order by p.machine_at, p.user_id"
        )
    return [dict(row) for row in rows]


async def parties_of(tx: Tx, firm_id: int) -> Sequence[dict[str, Any]]:
    """The parties that a firm holds, with their sites' names."""
    rows = await tx.rows(
        "select p.site_id, s.name as site, p.code, p.name from party p join site s using (site_id) where p.firm_id = $1 "
        "order by p.site_id, p.code",
        firm_id,
    )
    return [dict(row) for row in rows]


_COLUMNS = "user_id, name, firm_id, operator, stopped_at, password_hash"


def _person(row: Any) -> Person | None:
    if row is None:
        return None
    return Person(row["user_id"], row["name"], row["firm_id"], row["operator"], row["stopped_at"] is not None, row["password_hash"])
