"""Sealing a batch at its hour: close, fill, write the file to the spool, and fix its name, number and hash (settlement rule 2).

Everything here may be stopped and run again: each chunk of filling is a transaction, the bytes are in the spool before the database names
them, and the same lines give the same bytes.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import orjson
from structlog import get_logger

from domain import carrier_files
from domain.bank_names import Format, format_of, request_name
from domain.calendar import business_date
from domain.findings import Place
from domain.statuses import BatchStatus, FilesPerDate, Kind
from domain.store import batches, exceptions, filling, ids, inbox, leases, outgoing, sweeps
from domain.store.batches import Batch
from domain.store.connection import Tx, reading, transaction
from domain.store.outgoing import FileLine, OurAccount
from domain.store.sending import carrier_address
from domain.store.site_rules import bank_rules
from workers import formats
from workers.formats.carrier_files import LeftOut
from workers.formats.carrier_files import write as write_csv
from workers.spool import Spool
from workers.working import running_from, under_lease


async def seal_batch(home: int, batch_id: int, *, now: datetime, machine_now: datetime, spool: Spool) -> None:
    """Closes, fills and seals one batch. Does nothing if another worker has it or it is sealed already.

    Args:
        home: The batch's home.
        batch_id: The batch.
        now: Business time, read once.
        machine_now: Machine time at the start.
        spool: Where sealed bytes lie.
    """
    holder = f"seal:{uuid4()}"
    batch = await batches.claim(home, batch_id, holder, machine_now, (BatchStatus.OPEN,))
    if batch is None:
        return
    try:
        await under_lease(
            _seal(home, batch_id, holder, now, machine_now, spool),
            lambda at: leases.renew_batch(home, batch_id, holder, at),
            running_from(machine_now),
        )
    finally:
        await batches.let_go(home, batch_id, holder)


async def _seal(home: int, batch_id: int, holder: str, now: datetime, machine_now: datetime, spool: Spool) -> None:
    closed = await batches.close(home, batch_id, now)
    if closed is None:
        return
    full = False
    if closed.kind is Kind.SWEEP:
        numbers = [await ids.take_one(home, machine_now)]
        async with transaction() as tx:
            await sweeps.fix_amount(tx, home, batch_id, now=now, numbers=numbers)
    else:
        full = await _fill(closed, now, machine_now)
    batch = await outgoing.batch_of(home, batch_id)
    assert batch is not None
    if batch.line_count == 0:
        await batches.drop_if_empty(home, batch_id)
        return
    done = await write(batch, spool)
    account = None if batch.kind is Kind.DELIVERY else await outgoing.our_account(batch)
    sibling = await ids.take_one(home, machine_now) if full else None
    async with transaction() as tx:
        if done.name is not None and done.name != await _shipments_name(tx, batch, held=True):
            get_logger().info("carrier_changed", home=home, batch=batch_id, carrier=batch.carrier_id)
            return  # between writing and sealing it took to files, or to calls: it is written again
        number = await batches.number_for(tx, batch)
        name = done.name or _name(batch, account, number)
        sealed = await batches.seal(
            tx,
            batch,
            number=number,
            name=name,
            sha256=done.sha256,
            line_count=done.lines,
            amount=done.yen,
            holder=holder,
            now=now,
            sibling_id=sibling,
        )
        if sealed and done.left_out:
            await _reject(tx, batch, done.left_out, now, machine_now)
            if len(done.left_out) == done.lines:
                await batches.nothing_to_send(tx, batch, now)
    get_logger().info(
        "batch_sealed" if sealed else "batch_not_sealed",
        home=home,
        batch=batch_id,
        kind=batch.kind.name,
        name=name,
        lines=done.lines,
        amount=done.yen,
    )


async def _fill(closed: Batch, now: datetime, machine_now: datetime) -> bool:
    """Fills until nothing is left. True: the batch is full and a sibling must take the rest."""
    while True:
        try:
            filled = await filling.fill(closed.home, closed.batch_id, now=now, machine_now=machine_now)
        except filling.OvertakenError:
            continue  # judged again as it is now
        if filled.short or (filled.full and await _one_file_a_date(closed)):
            moved = await filling.put_off(closed, now=now, number=await ids.take_one(closed.home, machine_now))
            if filled.full:
                await _say_full(closed, moved, now)
            return False
        if filled.full or not filled.left:
            return filled.full


async def _one_file_a_date(batch: Batch) -> bool:
    if batch.kind is not Kind.DEBIT or batch.bank_code is None:
        return False
    async with transaction() as tx:
        return (await bank_rules(tx, batch.bank_code)).files_per_debit_date is FilesPerDate.ONE


async def _say_full(batch: Batch, moved: int, now: datetime) -> None:
    async with transaction() as tx:
        await exceptions.record(
            tx,
            code="BLOCK_FULL",
            reference=f"full:{batch.batch_id}",
            reason=f"the bank takes one file for {batch.value_on} and its block is full; {moved} contracts go on the next debit date",
            now=now,
            home=batch.home,
            batch_id=batch.batch_id,
        )


def _name(batch: Batch, account: OurAccount | None, number: int) -> str:
    """The name of what goes out: its identity at the bank (docs/wire.md section 1); what goes as a call has the batch's ID for a key."""
    if account is None or account.format is Format.JSON:
        return f"{batch.batch_id:018d}"
    return request_name(batch.kind is Kind.DEBIT, account.consignor_code, batch.value_on, number, account.format)


async def remake(home: int, batch_id: int, spool: Spool) -> None:
    """Writes a sealed batch's bytes again from its lines; whether the hash is the sealed one is the caller's to see."""
    batch = await outgoing.batch_of(home, batch_id)
    if batch is not None:
        await write(batch, spool)


@dataclass(frozen=True, slots=True)
class Sealable:
    """What has been written: hash, lines and yen of the batch, and the shipments of it that could not be written."""

    sha256: bytes
    lines: int
    yen: int
    left_out: list[LeftOut] = field(default_factory=list)
    name: str | None = None  # of a batch to a carrier: whether it was written as a file or as a call


async def write(batch: Batch, spool: Spool) -> Sealable:
    """Writes what goes out to the spool, in flat memory."""
    if batch.kind is Kind.DELIVERY:
        return await _write_shipments(batch, spool)
    account = await outgoing.our_account(batch)
    # What is sealed keeps the format that it was sealed in, whatever has been set about the bank since.
    written = format_of(batch.name) if batch.name else account.format
    async with reading() as tx:
        form = formats.of(written, await bank_rules(tx, account.bank_code))
    loop = asyncio.get_running_loop()
    tally = _Tally()

    def pages() -> Iterator[FileLine]:
        """Runs in a thread, and asks the loop for a page whenever the writer has used one up."""
        after = 0
        while page := asyncio.run_coroutine_threadsafe(outgoing.lines(batch, after), loop).result():
            for line in page:
                tally.count += 1
                tally.amount += line.amount
                yield line
            after = page[-1].number

    def work() -> bytes:
        with spool.writer() as file:
            for chunk in form.write(batch, account, pages()):
                file.write(chunk)
            return file.finish()[0]

    return Sealable(await asyncio.to_thread(work), tally.count, tally.amount)


class _Tally:
    count = 0
    amount = 0


async def _shipments_name(tx: Tx, batch: Batch, *, held: bool = False) -> str:
    """The name of a file for a carrier; what goes as a call has the batch's ID for a key. `held`: as in `carrier_address`."""
    assert batch.carrier_id is not None
    takes_files = (await carrier_address(tx, batch.carrier_id, held=held)).takes_files
    return carrier_files.request_name(batch.batch_id) if takes_files else f"{batch.batch_id:018d}"


async def _write_shipments(batch: Batch, spool: Spool) -> Sealable:
    """The body of a call to a carrier (docs/wire.md section 2), or the file for it (section 6)."""
    day, shipments = await outgoing.shipments(batch)
    assert batch.carrier_id is not None
    async with reading() as tx:
        # What is sealed stays a call or a file, whatever the carrier has become since.
        name = batch.name or await _shipments_name(tx, batch)
        billing_code = await outgoing.billing_code(tx, batch.carrier_id)

    is_file = carrier_files.is_file(name)

    def work() -> tuple[bytes, list[LeftOut]]:
        left_out: list[LeftOut] = []
        if is_file:
            written = write_csv(shipments, day, billing_code)
            content, left_out = written.content, written.left_out
        else:
            head = {"batch_id": f"{batch.batch_id:018d}", "site_id": str(batch.site_id), "instructed_on": day.isoformat()}
            content = orjson.dumps(head | {"shipments": shipments})
        with spool.writer() as file:
            file.write(content)
            return file.finish()[0], left_out

    sha256, left_out = await asyncio.to_thread(work)
    return Sealable(sha256, len(shipments), 0, left_out, name)


async def _reject(tx: Tx, batch: Batch, left_out: list[LeftOut], now: datetime, machine_now: datetime) -> None:
    """What cannot be written is rejected as if the carrier had said so: stored with the sealed batch, read and applied like its own notices."""
    assert batch.carrier_id is not None
    day = business_date(now).isoformat()
    events = [
        {"type": "rejected", "shipment_id": one.shipment_id, "occurred_on": day, "reason": f"left out of the file: {one.reason}"}
        for one in left_out
    ]
    channel, name = inbox.carrier_channel(batch.carrier_id), f"{batch.batch_id:018d}.left-out"
    await inbox.store_in(tx, channel, name, "notices", orjson.dumps({"events": events}), now, machine_now)
    await exceptions.record(
        tx,
        code="LEFT_OUT",
        reference=f"left-out:{batch.batch_id}",
        reason=f"{len(left_out):,} shipments cannot be written into the carrier's file and are REJECTED: debited perhaps, and not shipped",
        now=now,
        home=batch.home,
        channel=channel,
        batch_id=batch.batch_id,
        places=[Place(None, None, None, "", "", "what Shift_JIS and the label hold", one.reason, one.shipment_id[:18]) for one in left_out],
    )
    get_logger().warning("shipments_left_out", batch=batch.batch_id, carrier=batch.carrier_id, count=len(left_out))
