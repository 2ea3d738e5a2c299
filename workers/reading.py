"""Reading what came in: raw bytes to staged lines, checked as a whole, and VALID or HELD; no money is touched here (settlement rule 4).

Receipts, statements and answers are small and are applied in the transaction that reads them. Results and notices are staged, and applied
by `workers.applying`.
"""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime
from uuid import uuid4

import orjson
from structlog import get_logger

from domain import contract_id as contract_ids
from domain.bank_names import Incoming, read_name
from domain.calendar import business_date
from domain.machines import DeliveryFact
from domain.store import batches, credit_notices, leases, notices, outbox, outgoing, receipts, replies, results, statements
from domain.store.connection import transaction
from domain.store.queueing import Numbers
from domain.store.replies import Reply
from domain.store.site_rules import bank_rules
from workers import explaining, formats
from workers.formats.shapes import BankFormat, ResultHead, Unreadable, words
from workers.working import running_from, under_lease

SMALL = 4 << 20  # bytes of a receipt, statement, answer or notice
MAX_EVENTS = 1_000


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
    receipt = (await _form(reply, named)).receipt(await _small(reply), named.request)
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
    statement = (await _form(reply, named)).statement(await _small(reply), named.statement)
    async with transaction() as tx:
        status, why = await statements.take(tx, reply.reply_id, statement, now=now, machine_now=machine_now)
        await replies.end(tx, reply.reply_id, status, why)


async def _credits(reply: Reply, now: datetime, _machine_now: datetime) -> None:
    named = _named(reply)
    assert named.statement is not None
    if named.statement.bank_code != reply.partner:
        raise Unreadable("UNKNOWN_FILE", "the name is not that of a notice of this bank")
    notice = (await _form(reply, named)).credits(await _small(reply), named.statement)
    async with transaction() as tx:
        status, why = await credit_notices.take(tx, reply.reply_id, notice, now=now)
        await replies.end(tx, reply.reply_id, status, why)


# -- carriers -------------------------------------------------------------------------------------------------------------------


async def _notices(reply: Reply, _now: datetime, _machine_now: datetime) -> None:
    try:
        events = orjson.loads(await _small(reply))["events"]
        if not isinstance(events, list) or len(events) > MAX_EVENTS:
            raise TypeError("events")
        ordered = sorted(enumerate(events), key=lambda x: (int(x[1].get("sequence") or 0), x[0]))
        found = [_notice(line_no, event, date.fromisoformat(event["occurred_on"])) for line_no, (_, event) in enumerate(ordered, 1)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("MALFORMED", f"the notices cannot be read: {type(error).__name__}") from error
    await _stage_notices(reply, found)


async def _answer(reply: Reply, now: datetime, _: datetime) -> None:
    """A carrier's answer to our call: what it accepted or rejected."""
    home, batch_id = contract_ids.home_of(int(reply.name)), int(reply.name)
    async with transaction() as tx:
        in_time = await tx.value("select overdue_at is not null from batch where home = $1 and batch_id = $2", home, batch_id)
    try:
        answer = orjson.loads(await _small(reply))
        if answer.get("code") == "INVALID":  # the carrier takes none of them: each is rejected
            found = await _all_rejected(reply, now)
        else:
            listed = answer["results"]
            if answer["batch_id"] != reply.name or not isinstance(listed, list) or len(listed) > MAX_EVENTS:
                raise TypeError("results")
            found = [_notice(line_no, {**line, "type": line["status"]}, business_date(now)) for line_no, line in enumerate(listed, 1)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("MALFORMED", f"the answer cannot be read: {type(error).__name__}") from error
    # INSTRUCTED stays INSTRUCTED: an acceptance is news only after the silence has made it UNKNOWN. The parcel's number is news at once.
    accepted = [x for x in found if in_time and x.fact is DeliveryFact.ACCEPTED]
    async with transaction() as tx:  # before the reply is done with: who dies here reads it again
        await tx.run(
            "update batch set status = 6, answered_at = $4, sent_at = coalesce(sent_at, $4) where home = $1 and batch_id = $2 and carrier_id = $3 "
            "and status in (3, 4, 9)",
            home,
            batch_id,
            reply.partner,
            now,
        )
        await notices.fill_tracking_numbers(tx, home, reply.partner, accepted)
    await _stage_notices(reply, [x for x in found if not (in_time and x.fact is DeliveryFact.ACCEPTED)])


async def _all_rejected(reply: Reply, now: datetime) -> list[notices.Notice]:
    batch = await outgoing.batch_of(contract_ids.home_of(int(reply.name)), int(reply.name))
    if batch is None or batch.carrier_id != reply.partner:
        raise KeyError("batch_id")
    _, shipments = await outgoing.shipments(batch)
    return [_notice(n, {**x, "type": "rejected", "reason": "INVALID"}, business_date(now)) for n, x in enumerate(shipments, 1)]


def _shipment(event: dict[str, object]) -> str:
    shipment = str(event["shipment_id"])
    if len(shipment) != len("000000000000000000") + 2 or not (shipment.isascii() and shipment.isdigit()):
        raise ValueError("shipment_id")
    return shipment


def _notice(line_no: int, event: dict[str, object], happened_on: date) -> notices.Notice:
    shipment = _shipment(event)
    number = int(shipment[:18])
    return notices.Notice(
        line_no=line_no,
        home=contract_ids.home_of(number),
        contract_id=number,
        attempt=int(shipment[18:]),
        fact=notices.TYPES[str(event["type"])],
        happened_on=happened_on,
        tracking_number=words(event.get("tracking_number"), 64),
        reason=words(event.get("reason"), 200),
        event_id=words(event.get("event_id"), 200),
    )


async def _stage_notices(reply: Reply, found: list[notices.Notice]) -> None:
    if found:
        await notices.stage(reply.reply_id, found)
    async with transaction() as tx:
        if not found:
            await replies.end(tx, reply.reply_id, replies.APPLIED)
            return
        await replies.end(tx, reply.reply_id, replies.VALID)
        await outbox.add(tx, "notices", "apply_reply", {"reply_id": reply.reply_id})


async def _other(_reply: Reply, _now: datetime, _machine_now: datetime) -> None:
    raise Unreadable("UNKNOWN_FILE", "nothing of ours explains this file")


async def _small(reply: Reply) -> bytes:
    try:
        return await replies.whole(reply.reply_id, SMALL)
    except ValueError as error:
        raise Unreadable("TOO_LARGE", f"larger than {SMALL} bytes") from error


_READERS = {
    "receipt": _receipt,
    "result": _result,
    "statement": _statement,
    "credits": _credits,
    "notices": _notices,
    "answer": _answer,
    "other": _other,
}
