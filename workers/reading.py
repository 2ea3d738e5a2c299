"""Reading what came in: raw bytes to staged lines, checked as a whole, and VALID or HELD; no money is touched here (settlement rule 4).

Receipts, statements and answers are small and are applied in the transaction that reads them. Results and notices are staged, and applied
by `workers.applying`.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from uuid import uuid4

import orjson
from structlog import get_logger

from domain import contract_id as contract_ids
from domain.store import batches, leases, notices, outbox, outgoing, receipts, replies, results, statements
from domain.store.connection import transaction
from domain.store.queueing import Numbers
from domain.store.replies import Reply
from workers.working import running_from, under_lease
from zengin import DEBIT_RESULT, STATEMENT, DebitHeader, DebitLine, DebitTrailer, StatementHeader, ZenginReadError, load, read
from zengin import StatementLine as ZenginStatementLine
from zengin.dates import InvalidZenginDate, resolve_era, to_mmdd

RECEIPT = re.compile(r"^((?:91|21)_\d{10}_\d{8}_\d{3}\.txt)\.receipt(?:\.\d{1,3})?\.json$")
RESULT = re.compile(r"^(91_\d{10}_\d{8}_\d{3}\.txt)\.result(?:\.\d{1,3})?\.txt$")
STATEMENT_NAME = re.compile(r"^03_(\d{4})(\d{3})(\d)(\d{7})_(\d{8})_(\d{3})\.txt$")
SMALL = 4 << 20  # bytes of a receipt, statement, answer or notice
STAGED_AT_ONCE = 10_000
MAX_EVENTS = 1_000


class Unreadable(Exception):
    """The bytes are not what their name says. `code` and `reason` go to the exceptions list; no account number is in them."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


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
            await replies.hold(tx, reply, error.code, error.reason, now)
    finally:
        await replies.let_go(reply_id, holder)


# -- receipts -------------------------------------------------------------------------------------------------------------------


async def _receipt(reply: Reply, now: datetime, machine_now: datetime) -> None:
    named = RECEIPT.match(reply.name)
    if named is None:
        raise Unreadable("UNKNOWN_FILE", "the name is not that of a receipt")
    receipt = _parse_receipt(await _small(reply), named[1])
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


def _parse_receipt(data: bytes, name: str) -> receipts.Receipt:
    try:
        found = orjson.loads(data)
        receipt = receipts.Receipt(
            file=str(found["file"]),
            sha256=bytes.fromhex(found["sha256"]),
            count=_whole(found["count"]),
            amount=_whole(found["amount"]),
            accepted={"accepted": True, "refused": False}[found["status"]],
            code=_words(found.get("code"), 40),
            reason=_words(found.get("reason"), 200),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable("MALFORMED", f"the receipt cannot be read: {type(error).__name__}") from error
    if receipt.file != name:
        raise Unreadable("MALFORMED", "the receipt speaks of another file than its name says")
    return receipt


def _words(value: object, limit: int) -> str | None:
    """A stranger's words, for lists: no control characters, which neither a database nor a terminal takes for text."""
    return None if value is None else "".join(c if c.isprintable() else " " for c in str(value)[:limit])


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("not a whole number")
    return value


# -- results --------------------------------------------------------------------------------------------------------------------


async def _result(reply: Reply, now: datetime, _: datetime) -> None:
    named = RESULT.match(reply.name)
    if named is None:
        raise Unreadable("UNKNOWN_FILE", "the name is not that of a debit result")
    async with transaction() as tx:
        batch = await receipts.batch_of(tx, reply.partner, named[1])
    if batch is None:
        raise Unreadable("UNKNOWN_BATCH", "a result for a file that we have not sent to this bank")
    await results.unstage(reply.reply_id)
    header, totals = await _stage_result(reply, batch.home)
    account = await outgoing.our_account(batch)
    ours = (account.consignor_code, to_mmdd(batch.value_on), account.bank_code, account.branch_code, account.account_number)
    theirs = (
        header.consignor_code,
        header.debit_mmdd,
        header.collection_bank_code,
        header.collection_branch_code,
        header.collection_account_number,
    )
    if ours != theirs:
        raise Unreadable("OTHER_HEADER", "consignor, debit date or account in the result's header are not those of the file we sent")
    async with transaction() as tx:
        current = await batches.load(tx, batch.home, batch.batch_id, lock=True)
        assert current is not None
        checked = await results.check(tx, reply.reply_id, current, totals)
        if checked.status == results.VALID:
            await results.accept(tx, reply.reply_id, current)
            await outbox.add(tx, "replies", "apply_reply", {"reply_id": reply.reply_id})
        elif checked.status == results.HELD:
            await replies.hold(tx, reply, checked.code, checked.reason, now, home=batch.home, batch_id=batch.batch_id)
        else:
            await replies.end(tx, reply.reply_id, replies.IGNORED, "a repeat: every line is known")


async def _stage_result(reply: Reply, home: int) -> tuple[DebitHeader, results.ResultTotals]:
    """Reads in a thread, stages on the loop, in flat memory."""
    loop = asyncio.get_running_loop()

    def chunks() -> Iterator[bytes]:
        no = 0
        while (piece := asyncio.run_coroutine_threadsafe(replies.part(reply.reply_id, no), loop).result()) is not None:
            yield piece
            no += 1

    def flush(lines: list[results.ResultLine]) -> None:
        asyncio.run_coroutine_threadsafe(results.stage(reply.reply_id, home, lines, reply.holder), loop).result()

    try:
        return await asyncio.to_thread(_read_result, chunks(), flush)
    except ZenginReadError as error:
        raise Unreadable("MALFORMED", f"the result cannot be read: {error}"[:500]) from error


def _read_result(chunks: Iterator[bytes], flush: Callable[[list[results.ResultLine]], None]) -> tuple[DebitHeader, results.ResultTotals]:
    header: DebitHeader | None = None
    trailer: DebitTrailer | None = None
    pending: list[results.ResultLine] = []
    line_no = 0
    for record in read(chunks, DEBIT_RESULT):
        if isinstance(record, DebitLine):
            line_no += 1
            pending.append(_result_line(line_no, record))
            if len(pending) == STAGED_AT_ONCE:
                flush(pending)
                pending = []
        elif isinstance(record, DebitTrailer):
            trailer = record
        elif isinstance(record, DebitHeader):
            if header is not None:
                raise Unreadable("SEVERAL_BLOCKS", "the result has several blocks, our files have one")
            header = record
    flush(pending)
    if header is None or trailer is None:
        raise Unreadable("MALFORMED", "the result has no header or no trailer")
    return header, results.ResultTotals(*trailer)


def _result_line(line_no: int, line: DebitLine) -> results.ResultLine:
    number = line.customer_number
    return results.ResultLine(
        line_no,
        int(number[:18]),
        int(number[18:]),
        f"{line.payer_bank_code}{line.payer_branch_code}{line.payer_account_type}{line.payer_account_number}",
        line.amount,
        int(line.result_code),
    )


# -- statements -----------------------------------------------------------------------------------------------------------------


async def _statement(reply: Reply, now: datetime, machine_now: datetime) -> None:
    named = STATEMENT_NAME.match(reply.name)
    if named is None or named[1] != reply.partner:
        raise Unreadable("UNKNOWN_FILE", "the name is not that of a statement of this bank")
    try:
        booked_on = date.fromisoformat(f"{named[5][:4]}-{named[5][4:6]}-{named[5][6:]}")
        blocks = load(await _small(reply), STATEMENT)
    except ZenginReadError as error:
        raise Unreadable("MALFORMED", f"the statement cannot be read: {error}"[:500]) from error
    except ValueError as error:
        raise Unreadable("MALFORMED", "the statement's name has no real date") from error
    if len(blocks) != 1:
        raise Unreadable("SEVERAL_BLOCKS", "a statement has one account and one block")
    header, trailer = blocks[0].header, blocks[0].trailer
    opening, closing = header.opening_yen, trailer.closing_yen
    if opening is None or closing is None:
        raise Unreadable("NO_BALANCE", "the statement does not say its balances")
    if not _is_of(header, named[2], named[3], named[4]):
        raise Unreadable("OTHER_HEADER", "the statement's header names another account than its name")
    statement = statements.Statement(
        bank_code=named[1],
        branch_code=named[2],
        account_type=int(named[3]),
        account_number=named[4],
        booked_on=booked_on,
        number=int(named[6]),
        opening=opening,
        closing=closing,
        lines=[_movement(no, line, booked_on) for no, line in enumerate(blocks[0].lines, 1)],
    )
    async with transaction() as tx:
        status, why = await statements.take(tx, reply.reply_id, statement, now=now, machine_now=machine_now)
        await replies.end(tx, reply.reply_id, status, why)


def _is_of(header: StatementHeader, branch: str, kind: str, number: str) -> bool:
    return (header.branch_code, header.account_type, header.account_number.zfill(10)) == (branch, kind, number.zfill(10))


def _movement(line_no: int, line: ZenginStatementLine, booked_on: date) -> statements.StatementLine:
    try:
        day = resolve_era(line.booked_ymd, booked_on)
    except InvalidZenginDate as error:
        raise Unreadable("MALFORMED", f"line {line_no} of the statement has no real date") from error
    if day != booked_on:
        raise Unreadable("OTHER_DAY", f"line {line_no} of the statement is of another day than its name says")
    if line.amount == 0:
        raise Unreadable("MALFORMED", f"line {line_no} of the statement moves nothing")
    return statements.StatementLine(
        line_no=line_no,
        incoming=line.is_credit,
        category=int(line.entry_kind or 0),
        amount=line.amount,
        reference=line.edi or None,
        description=line.description or None,
    )


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
            found = [
                _notice(line_no, {**line, "type": line["status"]}, now.date())
                for line_no, line in enumerate(listed, 1)
                # INSTRUCTED stays INSTRUCTED: an acceptance is news only after the silence has made it UNKNOWN
                if not (in_time and line["status"] == "accepted" and _shipment(line))
            ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("MALFORMED", f"the answer cannot be read: {type(error).__name__}") from error
    await _stage_notices(reply, found)
    async with transaction() as tx:
        await tx.run(
            "update batch set status = 6, answered_at = $4, sent_at = coalesce(sent_at, $4) where home = $1 and batch_id = $2 and carrier_id = $3 "
            "and status in (3, 4, 9)",
            home,
            batch_id,
            reply.partner,
            now,
        )


async def _all_rejected(reply: Reply, now: datetime) -> list[notices.Notice]:
    batch = await outgoing.batch_of(contract_ids.home_of(int(reply.name)), int(reply.name))
    if batch is None or batch.carrier_id != reply.partner:
        raise KeyError("batch_id")
    _, shipments = await outgoing.shipments(batch)
    return [_notice(n, {**x, "type": "rejected", "reason": "INVALID"}, now.date()) for n, x in enumerate(shipments, 1)]


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
        tracking_number=_words(event.get("tracking_number"), 64),
        reason=_words(event.get("reason"), 200),
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
    "notices": _notices,
    "answer": _answer,
    "other": _other,
}
