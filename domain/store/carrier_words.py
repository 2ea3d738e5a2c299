"""Rows of a status file that were not understood, understood later: a word that has become known is read again where it stood."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domain.carrier_files import event_of
from domain.store import due, outbox, replies
from domain.store.connection import Tx

CODE = "STATUS_WORD"


def reference(reply_id: int, word: str) -> str:
    """What the exception about a word in a file is called."""
    return f"word:{reply_id}:{word}"


async def read_again(tx: Tx, channel: str, words: Mapping[str, str], now: datetime) -> int:
    """Files of this channel that hold a word which is known now are read again, and the word's exceptions close; answers how many files.

    What those files said before is known and changes nothing; only the rows with the word are news.

    Args:
        tx: The transaction in which the words become known.
        channel: The carrier's channel.
        words: All of its own words, as they stand now.
        now: Business time, for the exceptions.
    """
    rows = await tx.rows(
        "select e.exception_id, e.reference, e.reply_id, r.kind from exception e join reply r using (reply_id) "
        "where e.code = $1 and e.channel = $2 and e.closed_at is null and r.status = $3 order by e.exception_id for update of e, r",
        CODE,
        channel,
        replies.APPLIED,
    )
    known = [row for row in rows if event_of(row["reference"].split(":", 2)[2], words)]
    files = {row["reply_id"]: row["kind"] for row in known}
    if files:
        await tx.run(
            "update exception set closed_at = $2 where exception_id = any($1::bigint[])", [row["exception_id"] for row in known], now
        )
        await tx.run("update reply set status = $2, problem = null where reply_id = any($1::bigint[])", list(files), replies.RECEIVED)
        for reply_id, kind in files.items():
            await outbox.add(tx, due.queue_of(kind), "read_reply", {"reply_id": reply_id})
    return len(files)
