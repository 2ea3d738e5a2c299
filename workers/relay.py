"""The outbox's relay: from PostgreSQL into the queues. Any number may run; each claims rows that no other holds.

A message leaves the outbox in the transaction that claimed it, after it is in its queue. A crash in between sends it twice,
which is harmless.
"""

import asyncio

from domain.store import outbox
from domain.store.connection import transaction
from workers.broker import Enqueuer

AT_ONCE = 200


async def drain(enqueuer: Enqueuer) -> int:
    """Relays what waits; answers how many. Raises redis.RedisError, and then what was not relayed is still there."""
    total = 0
    while True:
        async with transaction() as tx:
            waiting = await outbox.claim(tx, AT_ONCE)
            if waiting:
                await asyncio.to_thread(_push, enqueuer, waiting)
                await outbox.forget(tx, waiting)
        total += len(waiting)
        if len(waiting) < AT_ONCE:
            return total


def _push(enqueuer: Enqueuer, waiting: list[outbox.Waiting]) -> None:
    for message in waiting:
        enqueuer.send(message.queue, message.actor, message.args, message_id=f"outbox-{message.outbox_id}")
