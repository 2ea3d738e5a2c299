"""Whether everything that was due has been done: what the walk of the clock waits for (settlement rule 8).

Read in one snapshot. Queues are not asked here: they are hints, and whoever walks asks them between two of these looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.store import clock, due
from domain.store.connection import Tx


@dataclass(frozen=True, slots=True)
class Look:
    """How far the work had come at one moment."""

    now: datetime  # business time
    waiting: tuple[str, ...]  # what is due and not done, in words; empty = quiet as far as the database knows
    files_behind: bool  # a bank has published what we have not fetched
    messages: int  # how many messages were ever put into the outbox
    progress: tuple[int, ...]  # changes when anything moves


async def look(tx: Tx, published: Mapping[str, int], machine_now: datetime) -> Look:
    """Looks at open work, outbox, replies and polls. `published`: files each bank has ever put out, by distinct
    (name, bytes).
    """
    standing = await clock.state(tx)
    now = standing.now(machine_now)
    words = list(await due.open_work(tx, now, machine_now))
    row = await tx.row(
        "select (select count(*) from outbox) as queued, (select last_value from outbox_outbox_id_seq) as messages, "
        "(select last_value from reply_reply_id_seq) as replies, (select count(*) from reply where status in (0, "
        "1)) as unread, "
        "(select coalesce(sum(applied_through), 0) from reply where status in (0, 1)) as applied, "
        "(select coalesce(sum(pos), 0) from stream_head) as positions"
    )
    assert row is not None
    if row["queued"]:
        words.append(f"{row['queued']} messages in the outbox")
    if row["unread"]:
        words.append(f"{row['unread']} replies not yet applied")
    known = {
        found["bank_code"]: found
        for found in await tx.rows(
            "select b.bank_code, p.moves, (select count(*) from reply r where r.channel = 'bank:' || b.bank_code) "
            "as files "
            "from bank b left join bank_poll p using (bank_code)"
        )
    }
    behind = False
    for bank_code, count in published.items():
        files = known[bank_code]["files"] if bank_code in known else 0
        if files < count:
            behind = True
            words.append(f"bank {bank_code}: {count - files} files not yet fetched")
    words += [
        f"bank {bank_code}: not looked through since the clock moved"
        for bank_code, found in known.items()
        if found["moves"] is None or found["moves"] < standing.moves
    ]
    progress = (len(words), row["messages"], row["replies"], row["unread"], int(row["applied"]), int(row["positions"]))
    return Look(now, tuple(words), behind, row["messages"], progress)
