"""The queues: Dramatiq on Redis, with what it takes to be quick, to notice the dead and to stop cleanly.

The queue is a hint (settlement rule 7). Nothing here retries: what failed stands in PostgreSQL and is found there again. So
messages are few, hold IDs only, and losing all of Redis costs one look at what is due.

Dramatiq polls idle queues; here a consumer waits on a bell (a small Redis list) instead, which is quicker by two orders of
magnitude and costs an idle process next to nothing.
"""

import asyncio
import threading
import time
import uuid
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import dramatiq
import redis
import uvloop
from dramatiq.asyncio import EventLoopThread, get_event_loop_thread, set_event_loop_thread
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import AsyncIO, Middleware, TimeLimit
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from structlog import get_logger

from domain.store import connection

# banks: send and fetch; carriers: send; replies: read and apply; runs: seal, overdue; notices: carriers' notices;
# hooks: webhooks and mail, which go out.
QUEUES = ("banks", "carriers", "replies", "runs", "notices", "hooks")
NAMESPACE = "kessai"

HEARTBEAT_MS = 10_000  # a process that says nothing for so long is dead, and its messages go back into the queue
ALWAYS = 1_000_000  # of a million commands, those that look for dead processes: the default, one in a thousand, takes minutes
TIME_LIMIT_MS = 30 * 60 * 1000  # a step that takes longer hangs; its lease has run out long before if it has stopped
BELL_TOKENS = 64
BELL_SECONDS = 0.5  # the longest wait for a bell: how long a clean stop may take, and how late a lost ring is noticed
MAX_PAUSE = 3.0  # seconds between knocks at a Redis that is away


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a queue lives. Dramatiq looks for dead processes with KEYS: give it a Redis database of its own in the URL."""

    url: str
    namespace: str = NAMESPACE

    def client(self) -> "redis.Redis":
        """A client that fails in seconds. A command may run twice after a lost answer; ours are harmless then."""
        return redis.Redis.from_url(
            self.url, socket_timeout=5, socket_connect_timeout=2, retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 2)
        )

    def bell_key(self, name: str) -> str:
        """Outside the namespace, so that who counts messages does not count bells."""
        return f"{self.namespace}-bell:{name}"

    def __str__(self) -> str:
        """Without the password."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port or 6379}{parts.path}"


def places(redis_url: str, *, namespace: str = NAMESPACE) -> dict[str, Place]:
    """The one table of which queue lives where. All in one Redis now; a queue that outgrows it gets a row of its own."""
    return dict.fromkeys(QUEUES, Place(redis_url, namespace))


class Bell:
    """Wakes one who waits. A ring may be lost, so nobody waits for ever; too many rings only wake somebody for nothing."""

    def __init__(self, client: "redis.Redis", key: str) -> None:
        self._client, self._key = client, key

    def ring(self) -> None:
        """Raises redis.RedisError."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.rpush(self._key, b"!")
            pipeline.ltrim(self._key, -BELL_TOKENS, -1)
            pipeline.expire(self._key, 60)
            pipeline.execute()

    def wait(self, seconds: float) -> None:
        """Until it rings, or the seconds have passed. Raises redis.RedisError."""
        self._client.blpop([self._key], timeout=seconds)


class QueueBroker(RedisBroker):
    """RedisBroker without delayed messages (waiting happens in PostgreSQL) and with bells instead of polling."""

    def __init__(self, place: Place, middleware: list[Middleware]) -> None:
        self.place = place
        super().__init__(  # type: ignore[no-untyped-call]
            client=place.client(),
            namespace=place.namespace,
            heartbeat_timeout=HEARTBEAT_MS,
            maintenance_chance=ALWAYS,
            middleware=middleware,
        )

    def declare_queue(self, queue_name: str) -> None:
        """Declares the queue alone: Dramatiq's would come with a second one for delays, polled for nothing."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: "dramatiq.Message[Any]", *, delay: int | None = None) -> "dramatiq.Message[Any]":
        """Puts a message into its queue and rings."""
        assert delay is None, "a message that must wait waits in PostgreSQL"
        sent = super().enqueue(message)
        self.bell(message.queue_name).ring()
        return sent

    def bell(self, name: str) -> Bell:
        """A bell at this place."""
        return Bell(self.client, self.place.bell_key(name))

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """A consumer that waits on the queue's bell."""
        return _Listener(self, queue_name, super().consume(queue_name, prefetch, timeout=1))


class _Listener(Consumer):
    """Dramatiq's consumer, asked when there is something to ask for. While Redis is away it waits, and says so once."""

    def __init__(self, broker: QueueBroker, queue_name: str, inner: Consumer) -> None:
        self._broker, self._queue, self._inner = broker, queue_name, inner
        self._bell = broker.bell(queue_name)
        self._pause = 0.0
        self._beaten = time.monotonic()

    def ack(self, message: MessageProxy) -> None:
        """Done. Raises ConnectionClosed."""
        self._translated(self._inner.ack, message)

    def nack(self, message: MessageProxy) -> None:
        """Not for us (an unknown actor). Raises ConnectionClosed."""
        self._translated(self._inner.nack, message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Gives back what was fetched and not begun. Raises ConnectionClosed."""
        self._translated(self._inner.requeue, messages)

    def __next__(self) -> MessageProxy | None:
        """The next message, or None after at most BELL_SECONDS."""
        try:
            message = next(self._inner)
            if message is None:
                self._wait()
        except (ConnectionClosed, redis.RedisError) as error:
            if not self._pause:
                get_logger().warning("queue_away", queue=self._queue, place=str(self._broker.place), reason=str(error))
            self._pause = min(max(self._pause * 2, 0.25), MAX_PAUSE)
            time.sleep(self._pause)
            return None
        if self._pause:
            get_logger().info("queue_back", queue=self._queue, place=str(self._broker.place))
            self._pause = 0.0
        return message

    def _wait(self) -> None:
        inner: Any = self._inner
        if inner.outstanding_message_count < inner.prefetch:
            self._bell.wait(BELL_SECONDS)
            return
        # All hands are full, so nothing is fetched, and fetching is what tells the others that we live.
        time.sleep(0.01)
        if time.monotonic() - self._beaten > HEARTBEAT_MS / 10_000:
            self._broker.do_requeue(self._queue)
            self._beaten = time.monotonic()

    def close(self) -> None:
        """Nothing of ours is open."""
        self._inner.close()

    @staticmethod
    def _translated(call: Any, argument: Any) -> None:
        try:
            call(argument)
        except redis.RedisError as error:  # a time-out is not a ConnectionError there
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]


# -- middleware -------------------------------------------------------------------------------------------------------------


class Loop(AsyncIO):
    """One uvloop per process, with the store open on it. At the end what still runs is cancelled and waited for, not dropped."""

    grace = 3.0

    def __init__(self, database_url: str) -> None:
        super().__init__()
        self._url = database_url
        self.failed: connection.StoreUnavailable | None = None  # why the store could not be opened

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Starts the loop's thread and opens the store. Dramatiq would log what is raised here and go on, so it is kept."""
        thread = _LoopThread(self.logger)
        thread.start(timeout=5.0)
        set_event_loop_thread(thread)
        try:
            _on_loop(connection.connect(self._url, application_name="kessai worker"))
        except connection.StoreUnavailable as error:
            self.failed = error

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Cancels what is left, closes the store, stops the loop."""
        cancelled = _on_loop(self._drain())
        if cancelled:
            get_logger().warning("steps_cancelled", count=cancelled)
        _on_loop(connection.disconnect())
        super().after_worker_shutdown(broker, worker)  # type: ignore[no-untyped-call]

    async def _drain(self) -> int:
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=self.grace)
        return len(rest)


class _LoopThread(EventLoopThread):
    def __init__(self, logger: Any) -> None:
        super().__init__(logger)
        self.loop.close()
        self.loop = uvloop.new_event_loop()
        self.daemon = True


class Doorbell(Middleware):
    """Rings for the scheduler whenever a step has ended: what follows from it is due now, not at the next tick."""

    def after_ack(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        """A lost ring costs a tick."""
        assert isinstance(broker, QueueBroker)
        ring_scheduler(broker.client, broker.place)


def _on_loop(work: Coroutine[Any, Any, T]) -> T:
    thread = get_event_loop_thread()
    assert thread is not None
    return asyncio.run_coroutine_threadsafe(work, thread.loop).result()


def ring_scheduler(client: "redis.Redis", place: Place) -> None:
    """Asks the scheduler to look at once what is due. A Redis that is away loses the ring, and the next tick does it."""
    try:
        Bell(client, place.bell_key("scheduler")).ring()
    except redis.RedisError as error:
        get_logger().debug("bell_lost", reason=str(error))


def worker_broker(place: Place, loop: Loop) -> QueueBroker:
    """The broker of a worker process."""
    return QueueBroker(place, [loop, TimeLimit(time_limit=TIME_LIMIT_MS), Doorbell()])


# -- enqueueing -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ticket:
    """A message that was put into a queue: with it one can ask whether it is still queued or running."""

    queue: str
    redis_id: str


class Enqueuer:
    """Puts messages into queues, from outside a worker.

    Its calls block, and raise redis.RedisError; on a loop they belong into a thread.
    """

    def __init__(self, where: Mapping[str, Place]) -> None:
        self._where = where
        self._brokers = {place: QueueBroker(place, []) for place in set(where.values())}
        self._lock = threading.Lock()

    def send(self, queue: str, actor: str, args: Mapping[str, Any], *, message_id: str | None = None) -> Ticket:
        """Puts one message into its queue."""
        message: dramatiq.Message[Any] = dramatiq.Message(
            queue_name=queue,
            actor_name=actor,
            args=(),
            kwargs=dict(args),
            options={},
            message_id=message_id or str(uuid.uuid4()),
        )
        with self._lock:
            sent = self._broker(queue).enqueue(message)
        return Ticket(queue, sent.options["redis_message_id"])

    def open(self, tickets: Sequence[Ticket]) -> set[Ticket]:
        """Those that are still queued or running; one that Redis has forgotten is not."""
        found: set[Ticket] = set()
        for place, broker in self._brokers.items():
            mine = [ticket for ticket in tickets if self._where[ticket.queue] == place]
            if not mine:
                continue
            with broker.client.pipeline(transaction=False) as pipeline:
                for ticket in mine:
                    pipeline.hexists(f"{place.namespace}:{ticket.queue}.msgs", ticket.redis_id)
                found |= {ticket for ticket, there in zip(mine, pipeline.execute(), strict=True) if there}
        return found

    def outstanding(self) -> int:
        """How many messages are queued or running, in all queues."""
        total = 0
        for queue, place in self._where.items():
            total += int(self._brokers[place].client.hlen(f"{place.namespace}:{queue}.msgs"))
        return total

    def scheduler_bell(self) -> Bell:
        """The bell on which the scheduler waits."""
        return self._broker("runs").bell("scheduler")

    def close(self) -> None:
        """Closes the connections."""
        for broker in self._brokers.values():
            broker.client.close()

    def _broker(self, queue: str) -> QueueBroker:
        try:
            return self._brokers[self._where[queue]]
        except KeyError:
            raise LookupError(f"there is no queue {queue!r}") from None
