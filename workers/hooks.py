"""Webhooks and mail on their way out: logs are looked through, stretches rendered, receivers called.

Who renders is handed in: the operations are the API's, and this room does not know it. Receivers are called from one task of the process's
loop, not from the threads that work on messages: one who answers slowly holds nobody up but himself.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from structlog import get_logger

from domain.hooks import Answer, HookChannel
from domain.letters import letter
from domain.store import hook_routing, hook_sending, leases
from domain.store.faults import AWAY, TRY_AGAIN
from domain.store.following import Spot
from domain.store.hook_routing import Letter, Stretch
from domain.store.hook_sending import Parcel
from domain.store.hooks import Hook
from domain.stream import CursorInvalid
from workers.channels.mail import Post
from workers.channels.webhook import Sender

AT_ONCE = 64  # receivers that one process calls at the same time
EACH = 8  # events on their way to one of them
SHAKY, SHAKY_EACH = 5, 1  # failures in a row after which a receiver is tried with one event at a time
PER_HOST = 16  # calls to one host at the same time, whoever's webhooks they are
RENEWED_SECONDS = 5.0
NO_MAIL_HERE = timedelta(minutes=1)  # before a process that can send mail is looked for again
PIECES = 40  # of a stretch in one message


class Rendering(Protocol):
    """What a stretch has for a hook."""

    @property
    def letters(self) -> Sequence[Letter]:
        """What is to be sent, in order."""
        ...

    @property
    def end(self) -> Spot:
        """Up to where the stretch has been told."""
        ...


class Renderer(Protocol):
    """Whoever can run a stored operation: the API's schema, put in by whoever puts the rooms together."""

    async def render(self, stretch: Stretch) -> Rendering:
        """The next letters of a stretch. Raises CursorInvalid when the log does not reach back so far."""
        ...


@dataclass
class Outward:
    """What one process needs for hooks. `mail` None: it sends none, and letters wait for a process that does."""

    renderer: Callable[[], Renderer]
    sender: Sender
    mail: Post | None
    machine_clock: Callable[[], datetime]
    holder: str
    point: Callable[[str], None]
    _renderer: Renderer | None = None
    _pump: "Pump | None" = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def rendering(self) -> Renderer:
        """The renderer, made when it is first needed: it takes a moment, and many processes never need it."""
        async with self._lock:
            if self._renderer is None:
                self._renderer = await asyncio.to_thread(self.renderer)
        return self._renderer

    def poke(self) -> None:
        """Something waits for receivers. Returns at once."""
        if self._pump is None:
            self._pump = Pump(self)
        self._pump.poke()

    async def drain(self) -> None:
        """Calls receivers until nothing is due any more."""
        self.poke()
        assert self._pump is not None
        await self._pump.done()


# ── steps of messages ────────────────────────────────────────────────────────────────────────────────────────────────
async def look_through(log_home: int) -> None:
    """Looks a log through to its end."""
    while await hook_routing.look_through(log_home):
        pass


async def render_hook(home: int, hook_id: int, log_home: int, *, outward: Outward, holder: str) -> None:
    """Renders a stretch, piece by piece, until it is told or the receiver has enough waiting."""
    for _ in range(PIECES):
        stretch = await hook_routing.take(home, hook_id, log_home, holder, outward.machine_clock())
        if stretch is None:
            return
        renderer = await outward.rendering()
        try:
            rendered = await renderer.render(stretch)
        except CursorInvalid:
            get_logger().warning("hook_log_gone", hook=hook_id, log_home=log_home)
            await hook_routing.gone(stretch)
            return
        except (*AWAY, *TRY_AGAIN):
            raise
        except Exception:
            await hook_routing.put_off(home, hook_id, log_home, outward.machine_clock())
            raise
        if not await hook_routing.store(stretch, rendered.letters, rendered.end, holder, outward.machine_clock()):
            return


async def tidy(*, holder: str, machine_now: datetime) -> None:
    """Forgets what is old, once an hour."""
    if await leases.take(hook_routing.TIDIED, holder, machine_now, lasts=hook_routing.TIDIED_EACH):
        changed = await hook_routing.tidy(machine_now)
        if changed:
            get_logger().info("hooks_tidied", rows=changed)


# ── calling ──────────────────────────────────────────────────────────────────────────────────────────────────────────
class Pump:
    """Takes receivers that are due and calls each in a task of its own, as long as there are any."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward
        self._poked = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._hosts: Counter[str] = Counter()
        self._host_free = asyncio.Condition()

    def poke(self) -> None:
        """Runs, or looks once more."""
        self._poked.set()
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def done(self) -> None:
        """Returns when there is nothing to do any more."""
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        tasks: dict[asyncio.Task[None], Hook] = {}
        renewed = asyncio.get_running_loop().time()
        try:
            while True:
                self._poked.clear()
                room = AT_ONCE - len(tasks)
                taken = await hook_sending.claim(self._outward.holder, self._outward.machine_clock(), room) if room else []
                for hook in taken:
                    tasks[asyncio.create_task(self._serve(hook))] = hook
                if not tasks:
                    return
                if not taken:
                    await self._wait(list(tasks))
                for task in [task for task in tasks if task.done()]:
                    del tasks[task]
                    if not task.cancelled() and (ended_by := task.exception()) is not None:
                        raise ended_by  # nobody catches what kills a process
                renewed = await self._renewed(tasks, renewed)
        except (*AWAY, *TRY_AGAIN) as error:
            get_logger().warning("hooks_wait", reason=f"{type(error).__name__}: {error}")
        except Exception:  # noqa: BLE001 - the last one who can say what went wrong; what waits is found again
            get_logger().exception("hooks_failed")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait(self, tasks: list[asyncio.Task[None]]) -> None:
        """Until a receiver has been served, somebody pokes, or leases must be renewed."""
        poked = asyncio.create_task(self._poked.wait())
        try:
            await asyncio.wait([*tasks, poked], timeout=RENEWED_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            poked.cancel()

    async def _renewed(self, tasks: dict[asyncio.Task[None], Hook], last: float) -> float:
        """Renews the leases every few seconds; who has lost his is stopped. Answers when it was done last."""
        now = asyncio.get_running_loop().time()
        if not tasks or now - last < RENEWED_SECONDS:
            return last
        kept = await hook_sending.renew(self._outward.holder, list(tasks.values()), self._outward.machine_clock())
        for task, hook in tasks.items():
            if hook.hook_id not in kept:
                task.cancel()
        return now

    async def _serve(self, hook: Hook) -> None:
        """One receiver: what is due, a few at a time, one of each contract."""
        out = self._outward
        try:
            while True:
                now = out.machine_clock()
                if (pause := self._not_before(hook, now)) is not None:
                    await hook_sending.wait_until(hook, out.holder, pause)
                    return
                careful = hook.failures >= SHAKY or hook.channel is HookChannel.MAIL
                parcels = await hook_sending.ready(hook, now, SHAKY_EACH if careful else EACH)
                if not parcels:
                    break
                results = await asyncio.gather(*(self._send(hook, parcel) for parcel in parcels))
                fresh = await hook_sending.fresh(hook)  # its address or secret may have changed
                if fresh is None or not all(results):
                    break
                hook = fresh
            await hook_sending.finish(hook, out.holder)
        except (*AWAY, *TRY_AGAIN) as error:
            get_logger().warning("hook_waits", hook=hook.hook_id, reason=f"{type(error).__name__}")
        except Exception:  # noqa: BLE001 - its lease runs out, and it is tried again
            get_logger().exception("hook_failed", hook=hook.hook_id)

    def _not_before(self, hook: Hook, now: datetime) -> datetime | None:
        """Until when nothing may go to this receiver, whatever is due; None: something may."""
        if hook.channel is not HookChannel.MAIL:
            return None
        return now + NO_MAIL_HERE if self._outward.mail is None else hook_sending.mails_again_at(hook, now)

    async def _send(self, hook: Hook, parcel: Parcel) -> bool:
        """One try, and its record. A process that dies between the two tries again with the same ID."""
        out = self._outward
        answer = await (self._mail(hook, parcel) if hook.channel is HookChannel.MAIL else self._call(hook, parcel))
        out.point("hook:after_post")
        if answer.error is not None:
            get_logger().info("hook_not_taken", hook=hook.hook_id, delivery=parcel.delivery_id, tries=parcel.tries + 1, error=answer.error)
        return await hook_sending.record(hook, parcel, answer, out.machine_clock())

    async def _call(self, hook: Hook, parcel: Parcel) -> Answer:
        host = urlsplit(hook.address).netloc
        async with self._host_free:
            await self._host_free.wait_for(lambda: self._hosts[host] < PER_HOST)
            self._hosts[host] += 1
        try:
            secrets = hook.secrets(self._outward.machine_clock())
            return await self._outward.sender.post(hook.address, parcel.message_id, parcel.body.encode(), secrets)
        finally:
            async with self._host_free:
                self._hosts[host] -= 1
                if not self._hosts[host]:
                    del self._hosts[host]
                self._host_free.notify_all()

    async def _mail(self, hook: Hook, parcel: Parcel) -> Answer:
        out = self._outward
        assert out.mail is not None
        told: dict[str, Any] = json.loads(parcel.body)
        if told.get("errors"):
            return Answer(None, "what it should say could not be read", 0, hopeless=True)
        subject, text = letter(hook.language, parcel.event_kind, told)
        await hook_sending.count_mail(hook, out.machine_clock())
        return await out.mail.send(hook.address, subject, text, parcel.message_id)
