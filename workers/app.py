"""The worker and scheduler processes: put together here, from options that are handed in. Both run until SIGTERM or SIGINT."""

import asyncio
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import dramatiq
import uvloop
from structlog import get_logger

from domain.hook_address import Where
from domain.store.connection import open_store
from workers.actors import declare
from workers.broker import QUEUES, Enqueuer, Loop, places, worker_broker
from workers.channels.mail import MailServer
from workers.hooks import Renderer
from workers.ringing import Ringing
from workers.scheduler import EVERYDAY, SANDBOX, Rhythm, Scheduler
from workers.services import Services, machine_clock, real_outward

STOP_MS = 5_000  # how long a stop waits for running steps; then they are cancelled, and found again by their leases


def a_holder() -> str:
    """A name for this process in leases, that no other process has or had."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What workers and schedulers are told. The addresses may hold passwords and are not shown.

    `renderer` makes whoever runs the operations of webhooks: they are the API's, which this room does not know. None: no webhooks here.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    spool: Path
    renderer: Callable[[], Renderer] | None = field(default=None, repr=False)
    hooks: Where = field(default_factory=Where)
    mail: MailServer | None = None
    holder: str = field(default_factory=a_holder)
    rhythm: Rhythm = EVERYDAY
    sandbox_rhythm: Rhythm = SANDBOX


class UnknownQueue(ValueError):
    """A queue that nobody fills."""


def run_worker(
    options: WorkerOptions, queues: Sequence[str] = (), threads: int = 8, *, on_ready: Callable[[], None] = lambda: None
) -> None:
    """Works on these queues (none named: all) until SIGTERM or SIGINT; call it from the main thread.

    Args:
        options: Addresses and places.
        queues: Names out of `workers.broker.QUEUES`.
        threads: How many steps run at once.
        on_ready: Called once when messages are being taken.

    Raises:
        UnknownQueue: There is no such queue.
        domain.store.connection.StoreUnavailable: No database answers at the start. One that goes away later is waited for.
    """
    serves = QUEUES if options.renderer is not None else tuple(queue for queue in QUEUES if queue != "hooks")
    wanted = tuple(queues) or serves
    if strange := sorted(set(wanted) - set(QUEUES)):
        raise UnknownQueue(f"there is no queue {', '.join(strange)}; there are {', '.join(QUEUES)}")
    table = places(options.redis_url)
    (place,) = {table[queue] for queue in wanted}  # one broker, one place; queues that live apart need processes of their own
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # A step may hold one connection for its work and another to renew its lease.
    loop = Loop(with_pool(options.database_url, 2 * threads + 2))
    broker = worker_broker(place, loop)
    for queue in wanted:
        broker.declare_queue(queue)
    broker.add_middleware(Ringing(broker.client))
    outward = None if options.renderer is None else real_outward(options.renderer, options.holder, options.hooks, options.mail)
    declare(broker, Services.real(options.spool, options.holder, outward))
    worker = dramatiq.Worker(broker, queues=set(wanted), worker_threads=threads, worker_timeout=200)
    worker.start()
    try:
        if loop.failed is None:
            get_logger().info("worker_ready", queues=wanted, threads=threads, holder=options.holder)
            on_ready()
            stop.wait()
    finally:
        worker.stop(timeout=STOP_MS)
        broker.client.close()
    if loop.failed is not None:
        raise loop.failed
    get_logger().info("worker_stopped", holder=options.holder)


def run_scheduler(options: WorkerOptions, *, on_ready: Callable[[], None] = lambda: None) -> None:
    """Schedules and relays until SIGTERM or SIGINT. Raises StoreUnavailable as `run_worker` does."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_schedule(options, on_ready))


async def _schedule(options: WorkerOptions, on_ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    enqueuer = Enqueuer(places(options.redis_url))
    scheduler = Scheduler(enqueuer, options.holder, machine_clock, rhythm=options.rhythm, sandbox=options.sandbox_rhythm)
    try:
        async with open_store(with_pool(options.database_url, 4), application_name="kessai scheduler"):
            get_logger().info("scheduler_ready", holder=options.holder)
            on_ready()
            await scheduler.run(stop)
    finally:
        enqueuer.close()
    get_logger().info("scheduler_stopped", holder=options.holder)


def with_pool(database_url: str, size: int) -> str:
    """The address with a pool of `size` connections, if it does not name one."""
    parts = urlsplit(database_url)
    options = dict(parse_qsl(parts.query))
    options.setdefault("maxsize", str(size))
    return urlunsplit(parts._replace(query=urlencode(options)))
