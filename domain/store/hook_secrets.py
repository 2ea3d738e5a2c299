"""What the messages of carriers and banks are checked against."""

from __future__ import annotations

from domain.store.connection import Tx


async def of_carrier(tx: Tx, carrier_id: str) -> list[str]:
    """The secrets that a carrier's notices may be signed with (two while one is changed); none for an unknown carrier."""
    return _split(await tx.value("select secret from carrier where carrier_id = $1", carrier_id))


async def of_bank(tx: Tx, bank_code: str) -> list[str]:
    """The same for a bank's messages; none for an unknown bank, and for one that is given files."""
    return _split(await tx.value("select address->>'secret' from bank where bank_code = $1 and connector = 'http'", bank_code))


def _split(secrets: str | None) -> list[str]:
    return secrets.split() if secrets else []


async def other_bytes(tx: Tx, channel: str, name: str, sha256: bytes) -> bool:
    """Whether this message ID stood over other bytes before these: a replay, which is held."""
    problem = await tx.value("select problem from reply where channel = $1 and name = $2 and sha256 = $3", channel, name, sha256)
    return bool(problem == "NAME_REUSED")
