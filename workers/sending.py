"""Sending a sealed batch: SEALED -> SENDING -> uploaded -> RELEASING -> handed over -> SENT, each step committed before the next.

Up to SENDING the other side has seen nothing, and everything may be done again. RELEASING is the point of no return: a
worker that finds it looks before it acts, and what it cannot tell becomes UNKNOWN (settlement rules 1 to 3; S04, I09).
`domain.sending` decides; this is the hand.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from structlog import get_logger
from structlog.contextvars import bound_contextvars

from domain import carrier_files
from domain.bank_names import first_answers
from domain.machines import BatchFact
from domain.sending import TRIES_UNTIL_TOLD, NextStep, Temporary, Traces, next_step
from domain.statuses import BatchStatus
from domain.store import inbox, leases, sending
from domain.store.sending import BankAddress, CarrierAddress, Outgoing
from workers import sealing
from workers.channels.bank import CHUNK, BankChannel
from workers.channels.carrier import Answer, CarrierChannel
from workers.channels.errors import ChannelError, Refused, Unavailable, Unclear
from workers.channels.http_bank import HttpBank
from workers.services import Services
from workers.working import LeaseLost, under_lease

MAX_BACK_OFF = timedelta(minutes=5)
UNTIL_A_PERSON_ACTS = timedelta(hours=1)  # stopped batches are tried again now and then: the person may have mended it


class SpoolLost(Exception):
    """The sealed bytes are not in the spool and cannot be made again with the same hash. Nothing may be sent in their place."""


async def send_batch(home: int, batch_id: int, *, services: Services, holder: str, now: datetime, machine_now: datetime) -> None:
    """Sends a sealed batch, or goes on with one that a dead worker left. Does nothing for a batch that another has, or that has gone out.

    Args:
        home: The batch's home.
        batch_id: The batch.
        services: Spool and channels.
        holder: Unique to this piece of work: two deliveries of one message must not share a lease.
        now: Business time, read once; `sent_at`.
        machine_now: Machine time at the start, for the lease and the back-off.
    """
    batch = await sending.take(home, batch_id, holder, machine_now)
    if batch is None:
        return
    with bound_contextvars(home=home, batch=batch_id, channel=batch.channel, kind=batch.label):
        await under_lease(
            Sender(services, now).send(batch),
            lambda at: leases.renew_batch(home, batch_id, holder, at),
            services.machine_clock,
        )


@dataclass(frozen=True, slots=True)
class Sender:
    """One batch's way out. `now` is its business time."""

    services: Services
    now: datetime

    async def send(self, batch: Outgoing) -> None:
        """Takes the batch as far as it goes now; what stands in the way is written on it."""
        log = get_logger()
        try:
            if isinstance(batch.to, BankAddress):
                async with self.services.banks(batch.to) as bank:
                    sent = await (self._by_call(batch, bank) if isinstance(bank, HttpBank) else self._by_file(batch, bank))
            else:
                async with self.services.carriers(batch.to) as carrier:
                    sent = await self._to_carrier(batch, carrier)
        except SpoolLost as error:
            log.error("spool_lost", reason=str(error))  # noqa: TRY400 - what happened is in the words, not in the stack
            retry_at = self.services.machine_clock() + UNTIL_A_PERSON_ACTS
            await sending.stop(batch, "SPOOL_LOST", str(error), retry_at, self.now)
        except _Postponed as error:
            await self._put_off(error.batch, error.reason, untouched=error.untouched)
        except ChannelError as error:  # before the first step: no connection
            await self._put_off(batch, error, untouched=batch.untouched)
        else:
            if sent:
                log.info("batch_sent", name=batch.name)

    # -- files ------------------------------------------------------------------------------------------------------------

    async def _by_file(self, batch: Outgoing, bank: BankChannel) -> bool:
        traces = Traces(Temporary.GONE)
        if batch.status is BatchStatus.RELEASING:
            traces = await self._traces(batch, bank)
        todo = next_step(batch.status, traces, deduplicates=bank.deduplicates)
        if todo in (NextStep.UPLOAD, NextStep.SEND_AGAIN):
            return await self._upload(batch, bank)
        if todo is NextStep.RENAME:
            return await self._release(batch, bank)
        return await self._conclude(batch, todo, f"found half sent, and {bank_words(traces)}")

    async def _traces(self, batch: Outgoing, bank: BankChannel) -> Traces:
        if await sending.heard_of(batch):
            return Traces(Temporary.CANNOT_TELL, heard=True)
        try:
            if await bank.final_exists(batch.name):
                return Traces(Temporary.CANNOT_TELL, final_name=True)
            temporary = await bank.tmp_state(batch.name, await self._size(batch), batch.sha256)
        except ChannelError as error:
            raise _Postponed(batch, error) from error
        return Traces(temporary, final_name=False)

    async def _upload(self, batch: Outgoing, bank: BankChannel) -> bool:
        if batch.status is not BatchStatus.RELEASING:
            batch = await self._step(batch, BatchFact.UPLOAD_BEGUN)
            self._point(batch, "after_sending")
        await self._have_bytes(batch)
        try:
            async with contextlib.aclosing(self._bytes(batch)) as chunks:  # a channel that breaks off leaves them half read
                await bank.put_tmp(batch.name, chunks)
        except ChannelError as error:
            raise _Postponed(batch, error) from error
        self._point(batch, "after_upload")
        return await self._release(batch, bank)

    async def _release(self, batch: Outgoing, bank: BankChannel) -> bool:
        batch = await self._step(batch, BatchFact.RELEASE_BEGUN)
        self._point(batch, "after_releasing")
        try:
            await bank.release(batch.name)
        except (Unavailable, Unclear) as error:
            raise _Postponed(batch, error) from error
        except Refused:
            # The name exists. If ours is gone too, a stalled worker was quicker than we; otherwise somebody's bytes lie under our name.
            if await bank.tmp_state(batch.name, await self._size(batch), batch.sha256) is not Temporary.GONE:
                return await self._conclude(batch, NextStep.MARK_UNKNOWN, "something lies there under this name already")
        self._point(batch, "after_rename")
        return await self._conclude(batch, NextStep.MARK_SENT, "")

    # -- carriers, and banks that are called --------------------------------------------------------------------------------------------

    async def _to_carrier(self, batch: Outgoing, carrier: CarrierChannel | BankChannel) -> bool:
        assert isinstance(batch.to, CarrierAddress)
        if carrier_files.is_file(batch.name) != batch.to.takes_files:
            sealed = "a file" if carrier_files.is_file(batch.name) else "a call"
            raise Refused(f"carrier {batch.to.carrier_id}", f"this batch was sealed as {sealed}, which its connector does not take")
        if batch.to.takes_files:
            return await self._by_file(batch, cast("BankChannel", carrier))
        return await self._by_call(batch, cast("CarrierChannel", carrier))

    async def _by_call(self, batch: Outgoing, other: CarrierChannel | HttpBank) -> bool:
        key = f"{batch.batch_id:018d}"
        if batch.status is not BatchStatus.RELEASING:
            batch = await self._step(batch, BatchFact.UPLOAD_BEGUN)
            self._point(batch, "after_sending")
        else:
            if await sending.heard_of(batch):
                return await self._conclude(batch, NextStep.MARK_SENT, "")
            answer = await self._asked(batch, other, key)
            if answer is not None:
                return await self._answered(batch, key, answer)
            # It knows nothing of the batch. That may change while a lost call is still on its way, unless nothing ever left us.
            todo = next_step(batch.status, Traces(Temporary.CANNOT_TELL), deduplicates=other.deduplicates or batch.untouched)
            if todo is not NextStep.SEND_AGAIN:
                return await self._conclude(batch, todo, "the other side does not know this batch, and a call may have been lost")
        return await self._post(batch, other, key)

    async def _post(self, batch: Outgoing, other: CarrierChannel | HttpBank, key: str) -> bool:
        await self._have_bytes(batch)
        body = await asyncio.to_thread(self._whole, batch)
        batch = await self._step(batch, BatchFact.RELEASE_BEGUN)
        self._point(batch, "after_releasing")
        try:
            answer = await other.post(key, body)
        except Unavailable as error:
            raise _Postponed(batch, error, untouched=True) from error
        except Unclear as error:
            get_logger().warning("answer_lost", reason=str(error))
            answer = None
        except Refused as error:
            return await self._conclude(batch, NextStep.MARK_UNKNOWN, error.reason)
        self._point(batch, "after_post")
        if answer is None:
            answer = await self._asked(batch, other, key)
        if answer is not None:
            return await self._answered(batch, key, answer)
        if other.deduplicates:
            raise _Postponed(batch, Unclear(key, "neither the call nor the question was answered"))
        return await self._conclude(batch, NextStep.MARK_UNKNOWN, "the call was not answered, and the other side does not know this batch")

    async def _asked(self, batch: Outgoing, other: CarrierChannel | HttpBank, key: str) -> Answer | None:
        try:
            return await other.ask(key)
        except ChannelError as error:
            raise _Postponed(batch, error, untouched=batch.untouched) from error

    async def _answered(self, batch: Outgoing, key: str, answer: Answer) -> bool:
        # Stored raw before the batch is SENT: if we die between, the answer is a trace, and the batch is SENT for it.
        if isinstance(batch.to, CarrierAddress):
            await inbox.store(batch.channel, key, "answer", answer.body, self.now, self.services.machine_clock())
        elif answer.body:
            name, *_ = first_answers(batch.name)
            await inbox.store(batch.channel, name, "receipt", answer.body, self.now, self.services.machine_clock())
        self._point(batch, "after_answer")
        return await self._conclude(batch, NextStep.MARK_SENT, "")

    # -- both -------------------------------------------------------------------------------------------------------------

    async def _conclude(self, batch: Outgoing, todo: NextStep, reason: str) -> bool:
        if todo is NextStep.MARK_UNKNOWN:
            get_logger().error("batch_unknown", reason=reason)
            await sending.mark_unknown(batch, reason, self.now)
            return False
        assert todo is NextStep.MARK_SENT, todo
        sent = await sending.mark_sent(batch, self.now)
        self._point(batch, "after_sent")
        return sent

    async def _step(self, batch: Outgoing, fact: BatchFact) -> Outgoing:
        moved = await sending.step(batch, fact)
        if moved is None:
            raise LeaseLost(f"batch {batch.batch_id} is in other hands")
        return moved

    async def _have_bytes(self, batch: Outgoing) -> None:
        """The sealed bytes are in the spool after this, made again if they must be. Raises SpoolLost."""
        spool = self.services.spool
        if await asyncio.to_thread(spool.has, batch.sha256):
            return
        get_logger().warning("spool_file_missing", sha256=batch.sha256.hex())
        await sealing.remake(batch.home, batch.batch_id, spool)
        if not await asyncio.to_thread(spool.has, batch.sha256):
            raise SpoolLost("the sealed bytes are lost, and made again from the lines they have another hash")

    async def _size(self, batch: Outgoing) -> int | None:
        try:
            return await asyncio.to_thread(self.services.spool.size, batch.sha256)
        except FileNotFoundError:
            return None

    async def _bytes(self, batch: Outgoing) -> AsyncGenerator[bytes]:
        # Opened here and not in a thread: a worker that is stopped while it waits for the thread would leave the file open.
        with self.services.spool.open(batch.sha256) as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk

    def _whole(self, batch: Outgoing) -> bytes:
        with self.services.spool.open(batch.sha256) as file:
            return file.read()

    def _point(self, batch: Outgoing, step: str) -> None:
        self.services.point(f"{batch.label}:{step}")

    async def _put_off(self, batch: Outgoing, error: ChannelError, *, untouched: bool) -> None:
        get_logger().warning("sending_put_off", reason=str(error), tries=batch.tries + 1)
        told = not error.passes or batch.tries + 1 >= TRIES_UNTIL_TOLD
        await sending.put_off(
            batch, str(error), self._next_try(batch, error), self.now, untouched=untouched, code=error.code if told else None
        )

    def _next_try(self, batch: Outgoing, error: ChannelError) -> datetime:
        wait = min(timedelta(seconds=2 ** min(batch.tries, 10)), MAX_BACK_OFF)
        if isinstance(error, Unavailable) and error.retry_after is not None:
            wait = max(wait, timedelta(seconds=error.retry_after))
        # A tenth of disorder, so that batches that failed together do not knock together.
        return self.services.machine_clock() + wait * (1 + random.random() / 10)  # noqa: S311 - not a secret


class _Postponed(Exception):
    """The outside said: not now. The batch as it was committed last, and whether the other side is known not to have begun."""

    def __init__(self, batch: Outgoing, reason: ChannelError, *, untouched: bool = False) -> None:
        super().__init__(str(reason))
        self.batch, self.reason, self.untouched = batch, reason, untouched


def bank_words(traces: Traces) -> str:
    """What a look at the other side has shown, for people."""
    return {
        Temporary.PARTIAL: "under its temporary name lies something else",
        Temporary.CANNOT_TELL: "the other side cannot be looked at",
        Temporary.COMPLETE: "it is complete under its temporary name",
        Temporary.GONE: "its temporary name is gone",
    }[traces.temporary]
