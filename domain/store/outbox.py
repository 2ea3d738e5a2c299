"""The outbox: messages written with the data they are about, in the same transaction, and relayed to the queues afterwards.

A message carries IDs only, and the queue is a hint: what a lost message would have said is found again by the scheduler's
look at what is due. The outbox makes it quick, not safe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.store.connection import Tx


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has not been relayed yet."""

    outbox_id: int
    queue: str
    actor: str
    args: Mapping[str, Any]


async def add(tx: Tx, queue: str, actor: str, args: Mapping[str, Any]) -> None:
    """Leaves a message for a worker. It goes out only if the transaction commits."""
    await tx.run(
        # The database's clock: a row's age is read by operators, and decides nothing.
        "insert into outbox(queue, actor, args, machine_at) values ($1, $2, $3::jsonb, now())",
        queue,
        actor,
        json.dumps(dict(args)),
    )


async def claim(tx: Tx, limit: int) -> list[Waiting]:
    """The oldest messages that no other relay is holding; they stay this transaction's until it ends."""
    rows = await tx.rows("select outbox_id, queue, actor, args from outbox order by outbox_id limit $1 for update skip locked", limit)
    return [Waiting(row["outbox_id"], row["queue"], row["actor"], json.loads(row["args"])) for row in rows]


async def forget(tx: Tx, relayed: Sequence[Waiting]) -> None:
    """Takes relayed messages away, in the transaction that claimed them."""
    await tx.run("delete from outbox where outbox_id = any($1::bigint[])", [message.outbox_id for message in relayed])


async def count(tx: Tx) -> int:
    """How many messages wait."""
    return int(await tx.value("select count(*) from outbox"))
