"""Reading what came in: raw bytes to staged lines, checked as a whole, and VALID or HELD; no money is touched here (settlement rule 4).

Receipts, statements and answers are small and are applied in the transaction that reads them. Results and notices are staged, and applied
by `workers.applying`.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from uuid import uuid4

from structlog import get_logger

from domain.bank_names import Incoming, read_name
from domain.store import batches, credit_notices, leases, outbox, outgoing, receipts, replies, results, statements
from domain.store.connection import transaction
from domain.store.queueing import Numbers
from domain.store.replies import Reply
from domain.store.site_rules import bank_rules
from workers import explaining, formats, reading_carriers
from workers.bodies import small
from workers.formats.shapes import BankFormat, ResultHead, Unreadable
from workers.working import running_from, under_lease


async def read_reply(reply_id: int, *, now: datetime, machine_now: datetime) -> None:
    """Reads one stored reply. Does nothing if another worker has it or it is read already.

    Args:
        reply_id: The reply.
        now: Business time, read once.
        machine_now: Machine time at the start.
    """
    holder = f"read:{uuid4()}"
    reply = await replies.claim(reply_id, holder, machine_now, replies.RECEIVED)
    if reply is None:
        return
    try:
        await under_lease(
            _READERS[reply.kind](reply, now, machine_now),
            lambda at: leases.renew_reply(reply_id, holder, at),
            running_from(machine_now),
        )
    except Unreadable as error:
        get_logger().warning("reply_held", reply=reply_id, channel=reply.channel, name=reply.name, code=error.code)
        async with transaction() as tx:
            await replies.hold(
                tx,
                reply,
                error.code,
                error.reason,
                now,
                home=error.batch.home if error.batch else None,
                batch_id=error.batch.batch_id if error.batch else None,
                places=error.places,
            )
    finally:
        await replies.let_go(reply_id, holder)


# -- receipts -------------------------------------------------------------------------------------------------------------------


async def _receipt(reply: Reply, now: datetime, machine_now: datetime) -> None:
    named = _named(reply)
    receipt = (await _form(reply, named)).receipt(await small(reply), named.request)
    async with transaction() as tx:
        row = await tx.row("select home from batch where bank_code = $1 and name = $2", reply.partner, receipt.file)
    if row is None:
        raise Unreadable("UNKNOWN_BATCH", "a receipt for a file that we have not sent to this bank")
    numbers = await Numbers.take(row["home"], machine_now, 8)
    async with transaction() as tx:
        batch = await receipts.batch_of(tx, reply.partner, receipt.file)
        assert batch is not None
        status, why = await receipts.apply(tx, reply.reply_id, batch, receipt, now=now, numbers=numbers)
        await replies.end(tx, reply.reply_id, status, why)


def _named(reply: Reply) -> Incoming:
    """What the name says; it must say the kind under which the reply is stored."""
    named = read_name(reply.name)
    if named is None or named.kind != reply.kind:
        raise Unreadable("UNKNOWN_FILE", f"the name is not that of a {reply.kind}")
    return named


# -- results --------------------------------------------------------------------------------------------------------------------


async def _result(reply: Reply, now: datetime, _: datetime) -> None:
    named = _named(reply)
    async with transaction() as tx:
        batch = await receipts.batch_of(tx, reply.partner, named.request)
    if batch is None:
        raise Unreadable("UNKNOWN_BATCH", "a result for a file that we have not sent to this bank")
    await results.unstage(reply.reply_id)
    form = await _form(reply, named)
    try:
        head, totals, lines = await _stage_result(reply, form, batch.home)
    except Unreadable as error:
        error.batch = batch
        raise
    account = await outgoing.our_account(batch)
    ours = ResultHead(account.consignor_code, f"{batch.value_on:%m%d}", account.bank_code, account.branch_code, account.account_number)
    if head != ours or head.batch_id not in (None, f"{batch.batch_id:018d}"):
        reason = "consignor, debit date or account in the result's header are not those of the file we sent"
        raise Unreadable("OTHER_HEADER", reason, explaining.of_header(form, head, ours), batch=batch)
    if head.failed_only:
        await results.complete(reply.reply_id, batch, reply.holder, lines)
    async with transaction() as tx:
        current = await batches.load(tx, batch.home, batch.batch_id, lock=True)
        assert current is not None
        checked = await results.check(tx, reply.reply_id, current, totals)
        if checked.status == results.VALID:
            await results.accept(tx, reply.reply_id, current)
            await outbox.add(tx, "replies", "apply_reply", {"reply_id": reply.reply_id})
        elif checked.status == results.HELD:
            differing = await results.differing_lines(tx, reply.reply_id, current, checked.code)
            places = explaining.of_result(form, head, checked, differing, lines)
            await replies.hold(tx, reply, checked.code, checked.reason, now, home=batch.home, batch_id=batch.batch_id, places=places)
        else:
            await replies.end(tx, reply.reply_id, replies.IGNORED, "a repeat: every line is known")


async def _form(reply: Reply, named: Incoming) -> BankFormat:
    """How this bank's files are read."""
    async with transaction() as tx:
        return formats.of(named.format, await bank_rules(tx, reply.partner))


async def _stage_result(reply: Reply, form: BankFormat, home: int) -> tuple[ResultHead, results.ResultTotals, int]:
    """Reads in a thread, stages on the loop, in flat memory; answers the number of lines, too."""
    loop = asyncio.get_running_loop()
    read = 0

    def chunks() -> Iterator[bytes]:
        no = 0
        while (piece := asyncio.run_coroutine_threadsafe(replies.part(reply.reply_id, no), loop).result()) is not None:
            yield piece
            no += 1

    def flush(lines: list[results.ResultLine]) -> None:
        nonlocal read
        read += len(lines)
        asyncio.run_coroutine_threadsafe(results.stage(reply.reply_id, home, lines, reply.holder), loop).result()

    head, totals = await asyncio.to_thread(form.result, chunks(), flush)
    return head, totals, read


# -- statements -----------------------------------------------------------------------------------------------------------------


async def _statement(reply: Reply, now: datetime, machine_now: datetime) -> None:
    named = _named(reply)
    assert named.statement is not None
    if named.statement.bank_code != reply.partner:
        raise Unreadable("UNKNOWN_FILE", "the name is not that of a statement of this bank")
    statement = (await _form(reply, named)).statement(await small(reply), named.statement)
    async with transaction() as tx:
        status, why = await statements.take(tx, reply.reply_id, statement, now=now, machine_now=machine_now)
        await replies.end(tx, reply.reply_id, status, why)


async def _credits(reply: Reply, now: datetime, _machine_now: datetime) -> None:
    named = _named(reply)
    assert named.statement is not None
    if named.statement.bank_code != reply.partner:
        raise Unreadable("UNKNOWN_FILE", "the name is not that of a notice of this bank")
    notice = (await _form(reply, named)).credits(await small(reply), named.statement)
    async with transaction() as tx:
        status, why = await credit_notices.take(tx, reply.reply_id, notice, now=now)
        await replies.end(tx, reply.reply_id, status, why)


# -- the rest ------------------------------------------------------------------------------------------------------------------------


async def _other(_reply: Reply, _now: datetime, _machine_now: datetime) -> None:
    raise Unreadable("UNKNOWN_FILE", "nothing of ours explains this file")


_READERS = {
    "receipt": _receipt,
    "result": _result,
    "statement": _statement,
    "credits": _credits,
    "notices": reading_carriers.notices_of,
    "answer": reading_carriers.answer,
    "shipped": reading_carriers.shipped,
    "tracking": reading_carriers.tracking,
    "other": _other,
}
