"""Whether everything that was due has been done: what the walk of the clock waits for (settlement rule 8).

Read in one snapshot. Queues are not asked here: they are hints, and whoever walks asks them between two of these looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.store import clock, due, inbox
from domain.store.connection import Tx

BANK_CODE = 4  # digits


@dataclass(frozen=True, slots=True)
class Look:
    """How far the work had come at one moment."""

    now: datetime  # business time
    waiting: tuple[str, ...]  # what is due and not done, in words; empty = quiet as far as the database knows
    files_behind: bool  # a bank or carrier has published what we have not fetched
    messages: int  # how many messages were ever put into the outbox
    progress: tuple[object, ...]  # changes when anything moves


async def look(tx: Tx, published: Mapping[str, int], machine_now: datetime) -> Look:
    """Looks at open work and at what came in. `published`: files each bank (by code) and each carrier that is
    given files (by ID) has ever put out, by distinct (name, bytes).
    """
    standing = await clock.state(tx)
    now = standing.now(machine_now)
    words = await due.open_work(tx, now, standing.moves)
    row = await tx.row(
        "select (select last_value from outbox_outbox_id_seq) as messages, (select last_value from reply_reply_id_seq) as replies, "
        "(select count(*) from reply where status in (0, 1)) as unread, "
        "(select coalesce(sum(applied_through), 0)::bigint from reply where status in (0, 1)) as applied, "
        "(select coalesce(sum(pos), 0)::bigint from stream_head) as positions, "
        "(select count(*) from batch where status in (0, 1, 2, 3)) as unsent"
    )
    assert row is not None
    counted = await tx.rows("select channel, count(*) as files from reply where kind not in ('notices', 'answer') group by channel")
    known = {found["channel"]: found["files"] for found in counted}
    behind = 0
    for who, count in published.items():
        of_bank = who.isdigit() and len(who) == BANK_CODE
        missing = count - known.get(inbox.bank_channel(who) if of_bank else inbox.carrier_channel(who), 0)
        if missing > 0:
            behind += missing
            words.append(f"{missing} files of {'bank' if of_bank else 'carrier'} {who} to fetch")
    return Look(now, tuple(words), behind > 0, row["messages"], (*words, *row.values()))
