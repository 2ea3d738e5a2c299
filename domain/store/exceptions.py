"""The exceptions list: what a person should look at. Recording one touches no money (settlement rule 4)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from domain.findings import Place, stored
from domain.store.connection import Tx


async def record(
    tx: Tx,
    *,
    code: str,
    reference: str,
    reason: str,
    now: datetime,
    home: int | None = None,
    channel: str | None = None,
    reply_id: int | None = None,
    batch_id: int | None = None,
    contract_id: int | None = None,
    amount: int | None = None,
    places: Iterable[Place] = (),
    again: bool = False,
) -> bool:
    """Lists a finding once (`reference` says what it is about). True when it is new. `reason` is a sentence without account numbers.

    `again`: one that was closed is open again, for it is so again.

    `places` say where in what came it is, and what was expected there.
    """
    detail = stored(places)
    return (
        await tx.run(
            "insert into exception(reference, home, at, code, reason, channel, reply_id, batch_id, contract_id, amount, detail) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb) on conflict (reference) "
            + ("do update set closed_at = null where exception.closed_at is not null" if again else "do nothing"),
            reference,
            home,
            now,
            code,
            reason,
            channel,
            reply_id,
            batch_id,
            contract_id,
            amount,
            json.dumps(detail, ensure_ascii=False) if detail else None,
        )
        == 1
    )


async def open_outage(
    tx: Tx, *, way: str, channel: str, code: str, reason: str, now: datetime, home: int | None = None, batch_id: int | None = None
) -> None:
    """Lists that a way to or from somebody outside is closed: one row for each `way` (send, fetch) and channel, opened anew each time.

    `at` is when it was listed first since the way was open last.
    """
    await tx.run(
        "insert into exception(reference, home, at, code, reason, channel, batch_id) values ($1, $2, $3, $4, $5, $6, $7) "
        "on conflict (reference) do update set home = $2, code = $4, reason = $5, batch_id = $7, closed_at = null, "
        "at = case when exception.closed_at is null then exception.at else $3 end",
        _outage(way, channel),
        home,
        now,
        code,
        reason,
        channel,
        batch_id,
    )


async def close_outage(tx: Tx, *, way: str, channel: str, now: datetime) -> None:
    """The way is open again; nobody has to close its row by hand."""
    await tx.run("update exception set closed_at = $2 where reference = $1 and closed_at is null", _outage(way, channel), now)


def _outage(way: str, channel: str) -> str:
    return f"outage:{way}:{channel}"
