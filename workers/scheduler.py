"""The scheduler: finds what is due and sends a message for it. Any number may run; one acts, the others wait for its lease to run out.

It keeps nothing that matters: what is due stands in PostgreSQL, and is asked for again at each tick. That is also the repair: a step whose
worker died is due again when its lease has run out, and a message that Redis has lost is simply sent again.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import redis
from structlog import get_logger

from domain.store import clock, due, hook_routing, inbox, leases, sums
from domain.store.clock import Clock
from domain.store.connection import transaction
from domain.store.due import Task
from domain.store.faults import AWAY, TRY_AGAIN
from domain.store.partitions import ensure_partitions
from workers import relay
from workers.broker import Enqueuer, Ticket

LEADERSHIP = "scheduler"
LEADS_FOR = timedelta(seconds=5)
MAX_PAUSE = 3.0  # seconds between tries while a server is away
NOT_NOW: tuple[type[Exception], ...] = (*AWAY, *TRY_AGAIN, redis.RedisError)

Key = tuple[str, tuple[tuple[str, Any], ...]]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often to look, in seconds of machine time; quicker in a sandbox, whose clock jumps."""

    tick: float = 0.5
    poll: float = 30.0
    eager_poll: float = 10.0  # of a bank that owes a receipt


EVERYDAY = Rhythm()
SANDBOX = Rhythm(tick=0.1, poll=1.0, eager_poll=0.1)


@dataclass(slots=True)
class Memory:
    """What was sent and has not come to an end yet, so that a tick does not send it again. Losing it costs a few idle messages."""

    tickets: dict[Key, Ticket] = field(default_factory=dict)

    def new(self, tasks: Sequence[Task], open_tickets: set[Ticket]) -> list[Task]:
        """Those of `tasks` that are neither queued nor running, each once, in their order."""
        self.tickets = {key: ticket for key, ticket in self.tickets.items() if ticket in open_tickets}
        return list({key: task for task in tasks if (key := key_of(task)) not in self.tickets}.values())


def key_of(task: Task) -> Key:
    """Two tasks with one key are the same work."""
    return task.actor, tuple(sorted(task.args.items()))


class Scheduler:
    """One candidate. `holder` must differ between processes."""

    def __init__(
        self,
        enqueuer: Enqueuer,
        holder: str,
        machine_clock: Callable[[], datetime],
        *,
        rhythm: Rhythm = EVERYDAY,
        sandbox: Rhythm = SANDBOX,
    ) -> None:
        self._enqueuer, self._holder, self._machine_clock = enqueuer, holder, machine_clock
        self._rhythms = {False: rhythm, True: sandbox}
        self._memory = Memory()
        self._partitioned_on: date | None = None
        self.leads = False
        self.wait_seconds = rhythm.tick

    async def tick(self) -> int:
        """One look: relays the outbox, and, if this scheduler leads, sends what is due. Answers how many messages it sent."""
        sent = await relay.drain(self._enqueuer)
        machine_now = self._machine_clock()
        leads = await leases.take(LEADERSHIP, self._holder, machine_now, lasts=LEADS_FOR)
        if leads != self.leads:
            get_logger().info("scheduler_leads" if leads else "scheduler_follows", holder=self._holder)
            self.leads, self._memory = leads, Memory()
        if not leads:
            return sent
        tasks, standing = await self._due(machine_now)
        rhythm = self._rhythms[standing.sandbox]
        self.wait_seconds = rhythm.tick
        often = {"every_seconds": rhythm.poll, "eager_seconds": rhythm.eager_poll}
        banks = await inbox.polls_due(machine_now, standing.moves, **often)
        carriers = await inbox.carrier_polls_due(machine_now, standing.moves, **often)
        # Incoming before decisions before sending: what banks and carriers have to say may open or close a gate.
        polls = [Task("banks", "fetch_bank", {"bank_code": code}) for code in banks]
        polls += [Task("carriers", "fetch_carrier", {"carrier_id": carrier_id}) for carrier_id in carriers]
        return sent + await asyncio.to_thread(self._send, [*polls, *tasks])

    async def _due(self, machine_now: datetime) -> tuple[list[Task], Clock]:
        async with transaction() as tx:
            if self._partitioned_on != machine_now.date():
                made = await ensure_partitions(tx, machine_now)
                if made:
                    get_logger().info("partitions_made", names=made)
            standing = await clock.state(tx)
            tasks = await due.tasks(tx, standing.now(machine_now), machine_now, standing.moves)
            tasks += await hook_routing.tasks(tx, machine_now)
            # Last: nobody waits for it, readers add what has not been folded yet.
            tasks += [Task("runs", "fold_sums", {"home": home}) for home in await sums.behind(tx, machine_now)]
        self._partitioned_on = machine_now.date()
        return list(tasks), standing

    def _send(self, tasks: Sequence[Task]) -> int:
        still_open = self._enqueuer.open(list(self._memory.tickets.values())) if self._memory.tickets else set()
        new = self._memory.new(tasks, still_open)
        for task in new:
            self._memory.tickets[key_of(task)] = self._enqueuer.send(task.queue, task.actor, task.args)
        return len(new)

    async def run(self, stop: asyncio.Event) -> None:
        """Ticks until `stop`. A server that goes away is waited for: one line when it goes, one when it is back."""
        away: str | None = None
        pauses = itertools.chain((0.25, 0.5, 1.0), itertools.repeat(MAX_PAUSE))
        while not stop.is_set():
            try:
                await self.tick()
            except NOT_NOW as error:
                name = "queues" if isinstance(error, redis.RedisError) else "database"
                if away != name:
                    get_logger().warning("server_away", server=name, reason=f"{type(error).__name__}: {error}")
                    away, pauses = name, itertools.chain((0.25, 0.5, 1.0), itertools.repeat(MAX_PAUSE))
                await _until(stop, next(pauses))
            except Exception:  # noqa: BLE001 - a bug must not stop everything else; it is said each time, slowly
                get_logger().exception("tick_failed")
                await _until(stop, MAX_PAUSE)
            else:
                if away is not None:
                    get_logger().info("server_back", server=away)
                    away = None
                await self._rest(stop)
        if self.leads:
            try:
                await leases.let_go(LEADERSHIP, self._holder)
            except AWAY as error:
                get_logger().info("leadership_kept", reason=str(error))

    async def _rest(self, stop: asyncio.Event) -> None:
        """Until the next tick, or until a worker rings because a step has ended. Who does not lead leaves the bell to who does."""
        if not self.leads:
            await _until(stop, self.wait_seconds)
            return
        try:
            await asyncio.to_thread(self._enqueuer.scheduler_bell().wait, self.wait_seconds)
        except redis.RedisError:
            await _until(stop, self.wait_seconds)


async def _until(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
