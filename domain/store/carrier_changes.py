"""Changing a carrier's settings while shipments are on their way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain import carrier_settings
from domain.store import carrier_words, inbox
from domain.store.administration import NotThere, carrier_settings_of, save_carrier
from domain.store.connection import Tx, transaction


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did: (was, is) by setting, and how many batches that went the old way have no answer yet (only when the way has changed)."""

    settings: Mapping[str, tuple[Any, Any]]
    unanswered: int = 0
    read_again: int = 0  # status files that hold a word which is known now


async def change_carrier(carrier_id: str, changes: Mapping[str, Any], *, now: datetime) -> Changed:
    """Changes settings of a known carrier (columns, `address.<part>`, `word.<word>`), as `carrier_settings.read_change` reads them.

    A change holds for what is sealed, sent or read after it. Raises `NotThere`, and `Refused` with everything that cannot be so, also where
    batches are sealed for the connector that would leave: then nothing is changed.
    """
    async with transaction() as tx:
        row = await tx.row("select * from carrier where carrier_id = $1 for update", carrier_id)
        if row is None:
            raise NotThere("carrier", carrier_id)
        before = carrier_settings_of(row)
        after = carrier_settings.changed(before, changes)
        await save_carrier(tx, after)
        unanswered = await _unanswered(tx, carrier_id) if after["connector"] != before["connector"] else 0
        again = await carrier_words.read_again(tx, inbox.carrier_channel(carrier_id), after["status_words"], now)
    return Changed({name: (before[name], after[name]) for name in after if before[name] != after[name]}, unanswered, again)


async def _unanswered(tx: Tx, carrier_id: str) -> int:
    """Batches that a carrier has and has not answered, silent ones too."""
    rows = await tx.rows(
        "select home, count(*) as sent from batch where carrier_id = $1 and status = 4 group by home order by home",
        carrier_id,
    )
    return sum(row["sent"] for row in rows)
