"""What a carrier's notices are checked against."""

from __future__ import annotations

from domain.store.connection import Tx


async def secrets_of(tx: Tx, carrier_id: str) -> list[str]:
    """The secrets that a carrier's notices may be signed with (two while one is changed); none for an unknown carrier."""
    row = await tx.row("select secret from carrier where carrier_id = $1", carrier_id)
    return row["secret"].split() if row else []


async def other_bytes(tx: Tx, channel: str, name: str, sha256: bytes) -> bool:
    """Whether this message ID stood over other bytes before these: a replay, which is held."""
    problem = await tx.value("select problem from reply where channel = $1 and name = $2 and sha256 = $3", channel, name, sha256)
    return bool(problem == "NAME_REUSED")
