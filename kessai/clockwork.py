"""Moving the clock is a walk (settlement rule 8): from one due instant to the next, ours or the strangers', each time
until it is quiet.

One walk at a time. Ours and the sandbox's clock are moved together; the databases' row is ours, the sandbox has an
address. When both have
something to do at one instant, what comes in goes first: the strangers act while our clock stands a microsecond before.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.exceptions import RedisError

from domain.store import clock, due, quiet
from domain.store.clock import TOKYO
from domain.store.connection import reading, transaction
from kessai.strangers import Status, Strangers
from kessai.trouble import Trouble
from workers.broker import Enqueuer

LOOK_SECONDS = 0.01
RING_SECONDS = 0.12
PATIENCE_SECONDS = 60.0
MOMENT = timedelta(microseconds=1)

Step = Callable[[datetime], Awaitable[None]]


class NotQuiet(Trouble):
    """Nothing moved for a minute and something is still due. The clocks stand where they were. Code NOT_QUIET."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Walked:
    """Where the clock stands after a walk, and over how many instants it went."""

    now: datetime
    steps: int


def machine_now() -> datetime:
    """The system's clock, for what is not business time."""
    return datetime.now(UTC)


class Clockwork:
    """The one who moves both clocks. Wants an opened store."""

    def __init__(self, strangers: Strangers, queues: Enqueuer, alive: Callable[[], None] = lambda: None) -> None:
        """`alive` raises when a process that should do the work has ended."""
        self._strangers = strangers
        self._queues = queues
        self._alive = alive
        self._one = asyncio.Lock()

    async def now(self) -> datetime:
        """Business time."""
        async with reading() as tx:
            return await clock.business_now(tx, machine_now())

    async def walk(self, target: datetime, on_step: Step | None = None) -> Walked:
        """Walks to an instant. Raises ClockBackwardsError, NotQuiet. A clock that ticked goes on ticking from there."""
        async with self._one:
            return await self._walk(target, on_step)

    async def advance(self, span: timedelta) -> Walked:
        """Walks that far from now."""
        async with self._one:
            return await self._walk(await self.now() + span, None)

    async def _walk(self, target: datetime, on_step: Step | None) -> Walked:
        async with reading() as tx:
            before = await clock.state(tx)
        ticking, now = before.standing_at is None, before.now(machine_now())
        if target < now:
            raise clock.ClockBackwardsError(now, target.astimezone(TOKYO))
        steps = 0
        try:
            at = await self.together(ticking=False)  # two clocks that tick are never quite together
            target = max(target, at)
            status = await self._until_quiet(at)
            while True:
                async with reading() as tx:
                    ours = await due.next_instant(tx, at)
                following = [instant for instant in (ours, status.next) if instant is not None]
                at_next = min([max(instant, at) for instant in following] + [target])
                status = await self._step(at, at_next, ours=ours, theirs=status.next)
                steps += at_next > at
                at = at_next
                if on_step is not None:
                    await on_step(at.astimezone(TOKYO))
                if at == target:
                    return Walked(at.astimezone(TOKYO), steps)
        finally:
            if ticking:
                await self.together(ticking=True)

    async def _step(self, at: datetime, to: datetime, *, ours: datetime | None, theirs: datetime | None) -> Status:
        """Both clocks to `to`, and everything that is due there done."""
        due_here, due_there = (instant is not None and instant <= to for instant in (ours, theirs))
        if due_here and due_there:
            if to - MOMENT > at:
                await self._stand(to - MOMENT)
            await self._strangers.set_clock(to)
            await self._until_quiet(to - MOMENT)
        elif due_there:
            await self._stand(to)  # nothing of ours is due then: what the strangers send arrives at its own hour
            await self._strangers.set_clock(to)
        else:
            await self._strangers.set_clock(to)
        await self._stand(to)
        return await self._until_quiet(to)

    async def _stand(self, instant: datetime) -> None:
        async with transaction() as tx:
            await clock.set_standing(tx, instant, machine_now())
        with contextlib.suppress(RedisError):  # it is only a bell; the scheduler looks by itself too
            await asyncio.to_thread(self._queues.scheduler_bell().ring)

    async def together(self, *, ticking: bool) -> datetime:
        """Puts both clocks on the later one's instant, there to stand or to tick on."""
        theirs = (await self._strangers.status()).now
        async with transaction() as tx:
            machine = machine_now()
            instant = max((await clock.state(tx, lock=True)).now(machine), theirs)
            await (clock.set_ticking if ticking else clock.set_standing)(tx, instant, machine)
        await self._strangers.set_clock(instant, ticking=ticking)
        return instant.astimezone(TOKYO)

    async def _until_quiet(self, at: datetime) -> Status:
        """Waits until nothing that is due is undone: two looks with the queues and the strangers asked between, and
        nothing new between.
        """
        changed = rung = time.monotonic()
        progress: tuple[object, ...] = ()
        while True:
            status = await self._strangers.status()
            first = await self._look(status)
            messages = await self._messages()
            if not first.waiting and not messages:
                status = await self._strangers.status()
                second = await self._look(status)
                if not second.waiting and second.messages == first.messages and _silent(status):
                    return status
            self._alive()
            moment = time.monotonic()
            # Messages do not count: what fails is sent again and again.
            if (seen := (first.progress, status.hooks_undelivered, status.idle, tuple(status.published.values()))) != progress:
                changed, progress = moment, seen
            elif moment - changed > PATIENCE_SECONDS:
                raise NotQuiet(
                    f"Nothing has moved for {PATIENCE_SECONDS:.0f} seconds at {at.astimezone(TOKYO):%Y-%m-%d %H:%M}",
                    why="; ".join([*first.waiting, *_noise(status), *([_queued(messages)] if messages else [])]),
                    do=("kessai batches --unfinished", "kessai exceptions", "read the logs of worker and scheduler"),
                    code="NOT_QUIET",
                )
            if first.files_behind and not messages and moment - rung > RING_SECONDS:
                rung = moment
                await self._stand(at)  # a move to the same instant: every bank is looked through at once
            await asyncio.sleep(LOOK_SECONDS)

    async def _messages(self) -> int:
        """How many messages are queued or running; -1 when nobody can tell, which is not quiet."""
        try:
            return await asyncio.to_thread(self._queues.outstanding)
        except RedisError:
            return -1

    async def _look(self, status: Status) -> quiet.Look:
        async with reading() as tx:
            return await quiet.look(tx, status.published, machine_now())


def _queued(messages: int) -> str:
    return f"{messages} messages in the queues" if messages > 0 else "Redis does not answer"


def _silent(status: Status) -> bool:
    return status.idle and not status.hooks_undelivered


def _noise(status: Status) -> list[str]:
    words = [] if status.idle else ["the sandbox is busy"]
    return [*words, f"{status.hooks_undelivered} hooks undelivered"] if status.hooks_undelivered else words
