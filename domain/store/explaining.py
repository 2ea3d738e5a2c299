"""One exception, explained from what is kept: what it says, what came, which batch and contract it is about. Reads only, masks accounts."""

from __future__ import annotations

import json
from typing import Any

from domain import contract_id as contract_ids
from domain.findings import where
from domain.statuses import BatchStatus, Kind
from domain.store.administration import NotThere
from domain.store.connection import Tx, reading

_STATUSES = ("RECEIVED", "VALID", "APPLIED", "HELD", "IGNORED")  # reply.status


async def explain(exception_id: int) -> dict[str, Any]:
    """Everything about one exception. Raises `NotThere`."""
    async with reading() as tx:
        row = await tx.row("select * from exception where exception_id = $1", exception_id)
        if row is None:
            raise NotThere("exception", exception_id)
        places = json.loads(row["detail"]) if row["detail"] else []
        return {
            "exception_id": row["exception_id"],
            "code": row["code"],
            "reason": row["reason"],
            "at": row["at"],
            "closed_at": row["closed_at"],
            "channel": row["channel"],
            "amount": row["amount"],
            "places": [place | {"where": where(place)} for place in places],
            "reply": await _reply(tx, row["reply_id"]),
            "batch": await _batch(tx, row["batch_id"]),
            "contract": await _contract(tx, row["contract_id"]),
        }


async def _reply(tx: Tx, reply_id: int | None) -> dict[str, Any] | None:
    row = await tx.row("select reply_id, channel, name, kind, size, sha256, status, at from reply where reply_id = $1", reply_id)
    return None if row is None else dict(row) | {"sha256": row["sha256"].hex(), "status": _STATUSES[row["status"]]}


async def _batch(tx: Tx, batch_id: int | None) -> dict[str, Any] | None:
    if batch_id is None:
        return None
    row = await tx.row(
        "select batch_id, kind, direct, site_id, bank_code, carrier_id, value_on, name, status, line_count, amount, seal_at, deadline_at, "
        "sent_at, awaits_approval from batch where home = $1 and batch_id = $2",
        contract_ids.home_of(batch_id),
        batch_id,
    )
    if row is None:  # it was empty and was taken away
        return None
    return dict(row) | {
        "batch_id": contract_ids.text(batch_id),
        "kind": Kind(row["kind"]).name,
        "status": BatchStatus(row["status"]).name,
    }


async def _contract(tx: Tx, contract_id: int | None) -> dict[str, Any] | None:
    if contract_id is None:
        return None
    row = await tx.row(
        "select contract_id, site_id, number from contract where home = $1 and contract_id = $2",
        contract_ids.home_of(contract_id),
        contract_id,
    )
    return None if row is None else dict(row) | {"contract_id": contract_ids.text(contract_id)}
