"""Reading what carriers say: answers to calls, notices, results and status files; staged here, applied by `workers.applying`."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime

import orjson

from domain import carrier_files
from domain import contract_id as contract_ids
from domain.calendar import business_date
from domain.findings import Place
from domain.machines import DeliveryFact
from domain.statuses import BatchStatus
from domain.store import carrier_words, exceptions, notices, outbox, outgoing, replies
from domain.store.batches import Batch
from domain.store.connection import Tx, reading, transaction
from domain.store.replies import Reply
from workers.bodies import SMALL, small
from workers.formats.carrier_files import OURS, Happened, Statuses, Taken, Unheard, read_results, read_statuses, writable
from workers.formats.shapes import Unreadable, words

_ORDER = {
    kind: place
    for place, kind in enumerate(
        ("accepted", "rejected", "picked_up", "in_transit", "attempt_failed", "delivered", "returned", "lost", "cancelled")
    )
}
MAX_EVENTS = 1_000
MOST_EVENTS = 100  # of one shipment in one status file: they are applied one after the other
_GONE_OUT = (BatchStatus.RELEASING, BatchStatus.SENT, BatchStatus.ANSWERED, BatchStatus.UNKNOWN)


async def notices_of(reply: Reply, now: datetime, _machine_now: datetime) -> None:
    """Notices about shipments, of any batch (docs/wire.md section 2)."""
    try:
        events = orjson.loads(await small(reply))["events"]
        if not isinstance(events, list) or len(events) > MAX_EVENTS:
            raise TypeError("events")
        ordered = sorted(enumerate(events), key=lambda x: (int(x[1].get("sequence") or 0), x[0]))
        found = [_notice(line_no, event, date.fromisoformat(event["occurred_on"])) for line_no, (_, event) in enumerate(ordered, 1)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("MALFORMED", f"the notices cannot be read: {type(error).__name__}") from error
    await _stage(reply, found, now)


async def answer(reply: Reply, now: datetime, _: datetime) -> None:
    """A carrier's answer to our call: what it accepted or rejected."""
    batch_id = int(reply.name)
    try:
        said = orjson.loads(await small(reply))
        if said.get("code") == "INVALID":  # the carrier takes none of them: each is rejected
            found = await _all_rejected(reply, now)
        else:
            listed = said["results"]
            if said["batch_id"] != reply.name or not isinstance(listed, list) or len(listed) > MAX_EVENTS:
                raise TypeError("results")
            found = [_notice(line_no, {**line, "type": line["status"]}, business_date(now)) for line_no, line in enumerate(listed, 1)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("MALFORMED", f"the answer cannot be read: {type(error).__name__}") from error
    await _answered(reply, contract_ids.home_of(batch_id), batch_id, found, now)


async def _answered(reply: Reply, home: int, batch_id: int, found: list[notices.Notice], now: datetime) -> None:
    """A batch has its first answer: what was accepted or rejected in it."""
    async with transaction() as tx:  # before the reply is done with: who dies here reads it again
        # INSTRUCTED stays INSTRUCTED: an acceptance is news only after the silence has made it UNKNOWN. The parcel's number is news at once.
        in_time = await tx.value("select overdue_at is not null from batch where home = $1 and batch_id = $2", home, batch_id)
        accepted = [x for x in found if in_time and x.fact is DeliveryFact.ACCEPTED]
        await tx.run(
            "update batch set status = 6, answered_at = $4, sent_at = coalesce(sent_at, $4) where home = $1 and batch_id = $2 and carrier_id = $3 "
            "and status in (3, 4, 9)",
            home,
            batch_id,
            reply.partner,
            now,
        )
        await notices.fill_tracking_numbers(tx, home, reply.partner, accepted)
    await _stage(reply, [x for x in found if not (in_time and x.fact is DeliveryFact.ACCEPTED)], now)


async def _all_rejected(reply: Reply, now: datetime) -> list[notices.Notice]:
    batch = await outgoing.batch_of(contract_ids.home_of(int(reply.name)), int(reply.name))
    if batch is None or batch.carrier_id != reply.partner:
        raise KeyError("batch_id")
    _, shipments = await outgoing.shipments(batch)
    return [_notice(n, {**x, "type": "rejected", "reason": "INVALID"}, business_date(now)) for n, x in enumerate(shipments, 1)]


# -- files --------------------------------------------------------------------------------------------------------------------------


async def shipped(reply: Reply, now: datetime, _: datetime) -> None:
    """A result file: which shipments of a file of ours the carrier takes. Taken whole or held whole; of two the first stands."""
    try:
        number = carrier_files.answered_batch(reply.name)
    except ValueError as error:
        raise Unreadable("UNKNOWN_FILE", "the name is not that of a result") from error
    home = contract_ids.home_of(number)
    batch = await outgoing.batch_of(home, number)
    if batch is None or batch.carrier_id != reply.partner or not carrier_files.is_file(batch.name or ""):
        raise Unreadable("UNKNOWN_BATCH", "a result for a file that we have not sent to this carrier")
    if batch.status not in _GONE_OUT:
        raise Unreadable("NOT_SENT", "a result for a file that has not gone out", batch=batch)
    try:
        rows = read_results(await small(reply))
        await _complete(batch, rows)
        repeated = await _repeats(reply, batch, rows)
    except Unreadable as error:
        error.batch = batch
        raise
    if repeated:
        async with transaction() as tx:
            await replies.end(tx, reply.reply_id, replies.IGNORED, "a repeat: every row is known")
        return
    found = [
        _notice(
            row.row,
            {
                "shipment_id": row.shipment_id,
                "type": "accepted" if row.taken else "rejected",
                "tracking_number": row.tracking_number,
                "reason": row.reason,
            },
            business_date(now),
        )
        for row in rows
    ]
    await _answered(reply, home, number, found, now)


async def _complete(batch: Batch, rows: list[Taken]) -> None:
    """Every row of our file, and no other, has an answer. Raises Unreadable."""
    _, shipments = await outgoing.shipments(batch)
    sent = {shipment["shipment_id"] for shipment in shipments if writable(shipment)}
    counted = Counter(row.shipment_id for row in rows)
    for code, reason, bad in (
        ("UNKNOWN_LINES", "rows that are not in the file we sent", [row for row in rows if row.shipment_id not in sent]),
        ("DOUBLED_LINES", "shipments that are answered twice", [row for row in rows if counted[row.shipment_id] > 1]),
    ):
        if bad:
            raise Unreadable(code, f"{len(bad):,} {reason}", [Place(row.row, None, None, OURS, "", "", row.shipment_id) for row in bad])
    if missing := sorted(sent - counted.keys()):
        places = [Place(None, None, None, OURS, "", shipment_id, "", shipment_id[:18]) for shipment_id in missing]
        raise Unreadable("MISSING_LINES", f"{len(missing):,} of {len(sent):,} shipments have no answer", places)


async def _repeats(reply: Reply, batch: Batch, rows: list[Taken]) -> bool:
    """Whether a result of this file was taken before, and says the same. Raises Unreadable when it says something else."""
    assert batch.name is not None
    async with reading() as tx:
        first = await replies.taken(tx, reply.channel, carrier_files.answers(batch.name))
    if first is None or first == reply.reply_id:
        return False
    before = {row.shipment_id: row.taken for row in read_results(await replies.whole(first, SMALL))}
    differing = [row for row in rows if before.get(row.shipment_id) is not row.taken]
    if differing:
        places = [Place(row.row, None, None, OURS, "", "", row.shipment_id, row.shipment_id[:18]) for row in differing]
        raise Unreadable("CONTRADICTED", f"a second result says something else of {len(differing):,} shipments; the first stands", places)
    return True


async def tracking(reply: Reply, now: datetime, _: datetime) -> None:
    """A status file: each row stands for itself. What a row with an unknown word says is taken once the word is known (`store.carrier_words`)."""
    async with reading() as tx:
        own = await outgoing.status_words(tx, reply.partner)
    found = await asyncio.to_thread(read_statuses, await small(reply), own)
    async with reading() as tx:
        homes = await replies.homes(tx)
    strangers = [row for row in found.happened if contract_ids.home_of(int(row.shipment_id[:18])) not in homes]
    found.unheard.extend(Unheard(row.row, OURS, "a shipment of ours", row.shipment_id) for row in strangers)
    happened = [row for row in found.happened if row not in strangers] if strangers else found.happened
    once = {row.event_id: row for row in reversed(happened)}  # the same told twice in one file is told once
    often = Counter(row.shipment_id for row in once.values()).most_common(1)
    if often and often[0][1] > MOST_EVENTS:
        raise Unreadable(
            "MALFORMED", f"{often[0][1]:,} different events of one shipment in one file; more than {MOST_EVENTS} cannot be meant"
        )
    # By day and hour; what has no hour, or the same, in the order in which it happens to goods: exports often have the newest row first.
    ordered = sorted(once.values(), key=lambda row: (row.on, row.time.zfill(5), _ORDER[row.kind], row.row))
    async with transaction() as tx:
        await _list_unheard(tx, reply, found, now)
    await _stage(reply, [_happened(row) for row in ordered], now)


def _happened(row: Happened) -> notices.Notice:
    event = {
        "shipment_id": row.shipment_id,
        "type": row.kind,
        "tracking_number": row.tracking_number,
        "reason": row.reason,
        "event_id": row.event_id,
    }
    return _notice(row.row, event, row.on)  # by its row: read again, it is the same line


async def _list_unheard(tx: Tx, reply: Reply, found: Statuses, now: datetime) -> None:
    for word, rows in found.words.items():
        await exceptions.record(
            tx,
            code=carrier_words.CODE,
            reference=carrier_words.reference(reply.reply_id, word),
            reason=f"{len(rows):,} rows of {reply.name} say {word!r}, a word that is in no table; they move nothing",
            now=now,
            channel=reply.channel,
            reply_id=reply.reply_id,
            places=[row.place() for row in rows],
            again=True,
        )
    if found.unheard:
        await exceptions.record(
            tx,
            code="STATUS_ROWS",
            reference=f"rows:{reply.reply_id}",
            reason=f"{len(found.unheard):,} rows of {reply.name} cannot be meant; they move nothing, the others count",
            now=now,
            channel=reply.channel,
            reply_id=reply.reply_id,
            places=[row.place() for row in found.unheard],
        )


# -- both ---------------------------------------------------------------------------------------------------------------------------


def _shipment(event: Mapping[str, object]) -> str:
    shipment = str(event["shipment_id"])
    if len(shipment) != len("000000000000000000") + 2 or not (shipment.isascii() and shipment.isdigit()):
        raise ValueError("shipment_id")
    return shipment


def _notice(line_no: int, event: Mapping[str, object], happened_on: date) -> notices.Notice:
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


async def end_applied(tx: Tx, reply: Reply, now: datetime) -> None:
    """APPLIED; and read again at once if a word that was strange when it was read has become known since."""
    await replies.end(tx, reply.reply_id, replies.APPLIED)
    if reply.kind == "tracking":
        await carrier_words.read_again(tx, reply.channel, await outgoing.status_words(tx, reply.partner, held=True), now)


async def _stage(reply: Reply, found: list[notices.Notice], now: datetime) -> None:
    if found:
        await notices.stage(reply.reply_id, found)
    async with transaction() as tx:
        if not found:
            await end_applied(tx, reply, now)
            return
        await replies.end(tx, reply.reply_id, replies.VALID)
        await outbox.add(tx, "notices", "apply_reply", {"reply_id": reply.reply_id})
