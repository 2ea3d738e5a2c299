"""Replies on their way from raw bytes to applied: taken by one worker, read in parts, ended with a status (settlement rule 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.findings import Place
from domain.store import exceptions
from domain.store.connection import Tx, transaction
from domain.store.leases import LASTS

RECEIVED, VALID, APPLIED, HELD, IGNORED = 0, 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Reply:
    """A stored reply: where it came from and what it claims to be."""

    reply_id: int
    channel: str
    name: str
    kind: str
    size: int
    holder: str  # who reads it now

    @property
    def partner(self) -> str:
        """The bank's code or the carrier's name."""
        return self.channel.partition(":")[2]


class TakenOver(Exception):
    """The lease has gone to somebody else: whoever still works on the reply must stop."""


async def claim(reply_id: int, holder: str, machine_now: datetime, status: int) -> Reply | None:
    """Takes a reply for one worker. None: another has it, or it is past that status."""
    async with transaction() as tx:
        row = await tx.row(
            "update reply set lease_holder = $2, lease_until = $3 where reply_id = $1 and status = $4 "
            "and (lease_until is null or lease_until < $5 or lease_holder = $2) returning reply_id, channel, name, kind, size",
            reply_id,
            holder,
            machine_now + LASTS,
            status,
            machine_now,
        )
    return Reply(**dict(row), holder=holder) if row else None


async def let_go(reply_id: int, holder: str) -> None:
    """Gives the lease back."""
    async with transaction() as tx:
        await tx.run("update reply set lease_holder = null, lease_until = null where reply_id = $1 and lease_holder = $2", reply_id, holder)


async def part(reply_id: int, no: int) -> bytes | None:
    """The `no`th part of the raw bytes; None at the end."""
    async with transaction() as tx:
        found: bytes | None = await tx.value("select body from reply_body where reply_id = $1 and no = $2", reply_id, no)
    return found


async def whole(reply_id: int, limit: int) -> bytes:
    """All raw bytes of a small reply. Raises ValueError when it is larger than `limit`."""
    parts: list[bytes] = []
    while (piece := await part(reply_id, len(parts))) is not None:
        parts.append(piece)
        if sum(map(len, parts)) > limit:
            raise ValueError(f"more than {limit} bytes")
    return b"".join(parts)


async def homes(tx: Tx) -> set[int]:
    """The homes that have a site: a reference of any other is nobody's."""
    return {row["home"] for row in await tx.rows("select distinct home from site")}


async def taken(tx: Tx, channel: str, names: Sequence[str]) -> int | None:
    """The first of several answers under these names that was found good."""
    found: int | None = await tx.value(
        "select min(reply_id) from reply where channel = $1 and name = any($2::text[]) and status = any($3::smallint[])",
        channel,
        list(names),
        [VALID, APPLIED],
    )
    return found


async def end(tx: Tx, reply_id: int, status: int, problem: str | None = None) -> None:
    """Writes how a reply ended."""
    await tx.run("update reply set status = $2, problem = $3 where reply_id = $1", reply_id, status, problem)


async def hold(
    tx: Tx,
    reply: Reply,
    code: str,
    reason: str,
    now: datetime,
    *,
    home: int | None = None,
    batch_id: int | None = None,
    places: Iterable[Place] = (),
) -> None:
    """Holds a reply whole and lists why, and where in it; it has touched nothing."""
    await end(tx, reply.reply_id, HELD, f"{code}: {reason}")
    await exceptions.record(
        tx,
        code=code,
        reference=f"reply:{reply.reply_id}",
        reason=reason,
        now=now,
        home=home,
        channel=reply.channel,
        reply_id=reply.reply_id,
        batch_id=batch_id,
        places=places,
    )
