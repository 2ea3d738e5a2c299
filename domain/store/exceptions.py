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
) -> bool:
    """Lists a finding once (`reference` says what it is about). True when it is new. `reason` is a sentence without account numbers.

    `places` say where in what came it is, and what was expected there.
    """
    detail = stored(places)
    return (
        await tx.run(
            "insert into exception(reference, home, at, code, reason, channel, reply_id, batch_id, contract_id, amount, detail) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb) on conflict (reference) do nothing",
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
