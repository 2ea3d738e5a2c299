"""Applying what was read and found valid: chunk by chunk, each chunk one transaction, to its end (settlement rule 4)."""

from datetime import datetime
from uuid import uuid4

from structlog import get_logger

from domain.store import facts, leases, notices, replies, results, statements
from domain.store.connection import transaction
from domain.store.facts import BatchNews
from workers.reading_carriers import end_applied
from workers.working import running_from, under_lease


async def apply_reply(reply_id: int, *, now: datetime, machine_now: datetime) -> None:
    """Applies one VALID reply. Does nothing if another worker has it or it is applied already.

    Args:
        reply_id: The reply.
        now: Business time, read once.
        machine_now: Machine time at the start.
    """
    holder = f"apply:{uuid4()}"
    reply = await replies.claim(reply_id, holder, machine_now, replies.VALID)
    if reply is None:
        return
    work = _result(reply, now, machine_now) if reply.kind == "result" else _notices(reply, now, machine_now)
    try:
        await under_lease(work, lambda at: leases.renew_reply(reply_id, holder, at), running_from(machine_now))
    finally:
        await replies.let_go(reply_id, holder)


async def _result(reply: replies.Reply, now: datetime, machine_now: datetime) -> None:
    while await results.apply_chunk(reply.reply_id, now=now, machine_now=machine_now):
        pass
    get_logger().info("result_applied", reply=reply.reply_id, channel=reply.channel, name=reply.name)


async def _notices(reply: replies.Reply, now: datetime, machine_now: datetime) -> None:
    async with transaction() as tx:
        homes = await notices.homes_of(tx, reply.reply_id)
    for home in homes:  # one transaction, one home (scale decision 6)
        await notices.apply(reply.reply_id, home, reply.partner, now=now, machine_now=machine_now)
    async with transaction() as tx:
        await end_applied(tx, reply, now)


async def carry_fact(home: int, batch_id: int, fact: int, part: int, *, now: datetime, machine_now: datetime) -> None:
    """Carries a fact about a whole batch to its contracts. Two workers at once take turns at the fact's row; nothing happens twice."""
    news = BatchNews(fact)
    while await facts.carry(home, batch_id, news, part, now=now, machine_now=machine_now):
        pass
    async with transaction() as tx:
        await facts.done(tx, home, batch_id, news, part)
        if news is BatchNews.PAID:
            await statements.match_waiting(tx, home, batch_id, now=now, machine_now=machine_now)
