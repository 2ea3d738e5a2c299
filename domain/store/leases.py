"""Leases: who is working on what, on the machine clock. A lease that runs out frees the work of a dead process (repair needs nothing else).

A lease keeps two workers from doing the same work, no more. That nothing happens twice is the business of conditional updates and unique
indexes, since a stalled process may wake up after its lease.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.store.connection import transaction

LASTS = timedelta(seconds=15)


async def take(name: str, holder: str, machine_now: datetime, *, lasts: timedelta = LASTS) -> bool:
    """Takes or renews a named lease (`scheduler`, `bank:9991`). False: somebody else holds it."""
    async with transaction() as tx:
        return bool(
            await tx.run(
                "insert into lease(name, holder, until) values ($1, $2, $3) "
                "on conflict (name) do update set holder = excluded.holder, until = excluded.until "
                "where lease.holder = excluded.holder or lease.until < $4",
                name,
                holder,
                machine_now + lasts,
                machine_now,
            )
        )


async def let_go(name: str, holder: str) -> None:
    """Gives a named lease back, so that the next one need not wait for it to run out."""
    async with transaction() as tx:
        await tx.run("delete from lease where name = $1 and holder = $2", name, holder)


async def renew_batch(home: int, batch_id: int, holder: str, machine_now: datetime) -> bool:
    """Keeps a batch for the worker that has it. False: it has been taken over, and the worker must stop."""
    async with transaction() as tx:
        return bool(
            await tx.run(
                "update batch set lease_until = $4 where home = $1 and batch_id = $2 and lease_holder = $3",
                home,
                batch_id,
                holder,
                machine_now + LASTS,
            )
        )


async def renew_reply(reply_id: int, holder: str, machine_now: datetime) -> bool:
    """Keeps a reply for the worker that has it. False: it has been taken over, and the worker must stop."""
    async with transaction() as tx:
        return bool(
            await tx.run(
                "update reply set lease_until = $3 where reply_id = $1 and lease_holder = $2",
                reply_id,
                holder,
                machine_now + LASTS,
            )
        )
