"""The queues: quick, indifferent to what Redis forgets, and aware of the dead."""

import threading
import time
from collections.abc import Iterator
from typing import Any, Self

import dramatiq
import pytest
import redis
from dramatiq.errors import ConnectionClosed

from workers import broker as queues
from workers.broker import NAMESPACE, QUEUES, Doorbell, Enqueuer, Place, QueueBroker, Ticket, places


@pytest.fixture
def enqueuer(redis_url: str) -> Iterator[Enqueuer]:
    opened = Enqueuer(places(redis_url))
    yield opened
    opened.close()


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


def messages(client: "redis.Redis", queue: str) -> list["dramatiq.Message[Any]"]:
    found: Any = client.hvals(f"{NAMESPACE}:{queue}.msgs")
    return [dramatiq.Message.decode(data) for data in found]


def test_every_queue_has_a_place(redis_url: str):
    assert set(places(redis_url)) == set(QUEUES)


def test_a_place_is_shown_without_its_password():
    assert str(Place("redis://user:secret@host:6380/3")) == "host:6380/3"


def test_a_message_is_open_until_it_is_done(enqueuer: Enqueuer, client: "redis.Redis", redis_url: str):
    first = enqueuer.send("banks", "fetch_bank", {"bank_code": "9991"})
    second = enqueuer.send("runs", "seal_batch", {"home": 1, "batch_id": 2})
    (message,) = messages(client, "banks")
    assert (message.actor_name, message.kwargs) == ("fetch_bank", {"bank_code": "9991"})
    assert enqueuer.open([first, second]) == {first, second}
    assert enqueuer.outstanding() == 2
    broker = QueueBroker(Place(redis_url), [])
    listener = broker.consume("banks")
    taken = next(listener)
    assert taken is not None
    assert enqueuer.open([first, second]) == {first, second}, "it is running"
    listener.ack(taken)
    assert enqueuer.open([first, second]) == {second}
    client.flushdb()
    assert enqueuer.open([first, second]) == set()
    assert enqueuer.outstanding() == 0
    broker.client.close()


def test_a_queue_that_nobody_declared(enqueuer: Enqueuer):
    with pytest.raises(LookupError, match="no queue 'bank'"):
        enqueuer.send("bank", "fetch_bank", {})


def test_nothing_is_delayed(redis_url: str):
    """Dramatiq's delayed messages live in the memory of workers; our waiting happens in PostgreSQL."""
    broker = QueueBroker(Place(redis_url), [])
    broker.declare_queue("banks")
    assert broker.get_declared_queues() == {"banks"}
    assert broker.get_declared_delay_queues() == set()
    with pytest.raises(AssertionError):
        broker.enqueue(dramatiq.Message("banks", "x", (), {}, {}), delay=1000)
    broker.client.close()


class Process:
    """A worker with real threads, without a database."""

    def __init__(self, url: str) -> None:
        self.broker = QueueBroker(Place(url), [Doorbell()])
        self.seen: list[int] = []
        self.news = threading.Condition()

        @dramatiq.actor(broker=self.broker, actor_name="note", queue_name="banks")
        def note(number: int) -> None:
            with self.news:
                self.seen.append(number)
                self.news.notify_all()

        self.worker = dramatiq.Worker(self.broker, worker_threads=2, worker_timeout=50)

    def __enter__(self) -> Self:
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop(timeout=5000)
        self.broker.client.close()

    def wait_for(self, count: int) -> None:
        with self.news:
            assert self.news.wait_for(lambda: len(self.seen) >= count, timeout=20), self.seen


def test_an_idle_worker_is_woken(enqueuer: Enqueuer, redis_url: str, monkeypatch: pytest.MonkeyPatch):
    """With the longest wait far away, only the bell can have done it."""
    monkeypatch.setattr(queues, "BELL_SECONDS", 4.0)
    with Process(redis_url) as process:
        for number in range(5):
            enqueuer.send("banks", "note", {"number": number})
            process.wait_for(number + 1)
        enqueuer.scheduler_bell().wait(10)
        assert process.seen == [0, 1, 2, 3, 4]
        monkeypatch.setattr(queues, "BELL_SECONDS", 0.01)


def test_what_redis_forgets_in_the_middle_stops_nobody(enqueuer: Enqueuer, redis_url: str, client: "redis.Redis"):
    """I15, as far as it is the queues' business: they go on as if nothing had been."""
    with Process(redis_url) as process:
        enqueuer.send("banks", "note", {"number": 1})
        process.wait_for(1)
        client.flushdb()
        client.script_flush()
        enqueuer.send("banks", "note", {"number": 2})
        process.wait_for(2)


def test_the_messages_of_a_dead_process_come_back(enqueuer: Enqueuer, redis_url: str, client: "redis.Redis"):
    """The default notices once in a thousand commands; ours at each (it took minutes, and luck)."""
    dead = QueueBroker(Place(redis_url), [])
    ticket = enqueuer.send("banks", "note", {"number": 7})
    assert next(dead.consume("banks")) is not None
    dead.client.close()
    client.zadd(f"{NAMESPACE}:__heartbeats__", {dead.broker_id: int(time.time() * 1000) - queues.HEARTBEAT_MS - 1})
    assert enqueuer.open([ticket]) == {ticket}
    with Process(redis_url) as process:
        process.wait_for(1)
        assert process.seen == [7]


def test_a_process_whose_hands_are_full_still_lives(
    redis_url: str, enqueuer: Enqueuer, client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
):
    """It fetches nothing, and fetching was its heartbeat."""
    broker = QueueBroker(Place(redis_url), [])
    listener = broker.consume("banks", prefetch=1)
    monkeypatch.setattr(queues, "HEARTBEAT_MS", 0)
    enqueuer.send("banks", "note", {"number": 1})
    assert next(listener) is not None
    client.zadd(f"{NAMESPACE}:__heartbeats__", {broker.broker_id: 0})
    assert next(listener) is None
    score: Any = client.zscore(f"{NAMESPACE}:__heartbeats__", broker.broker_id)
    assert score > 0
    broker.client.close()


class Away:
    """A Redis that is not there."""

    def __init__(self) -> None:
        self.outstanding_message_count, self.prefetch = 0, 1
        self.answers: list[Exception | str | None] = []

    def __next__(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ack(self, _: object) -> None:
        raise redis.TimeoutError

    def close(self) -> None: ...


def test_a_redis_that_goes_away_is_waited_for(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    broker = QueueBroker(Place(redis_url), [])
    away = Away()
    listener = queues._Listener(broker, "banks", away)  # type: ignore[arg-type]
    refused = redis.ConnectionError("refused")
    away.answers = [refused, redis.TimeoutError("late"), refused, refused, refused, refused, "message"]
    assert [next(listener) for _ in range(7)] == [None] * 6 + ["message"]
    assert slept == [0.25, 0.5, 1.0, 2.0, 3.0, 3.0]
    away.answers = [refused]
    assert next(listener) is None
    assert slept[-1] == 0.25, "it was back in between"
    with pytest.raises(ConnectionClosed):
        listener.ack("message")  # type: ignore[arg-type]
    broker.client.close()


def test_a_ring_at_a_redis_that_is_away_is_lost_and_no_more():
    place = Place("redis://127.0.0.1:1/0")
    client = place.client()
    queues.ring_scheduler(client, place)
    client.close()


def test_tickets_tell_messages_apart(enqueuer: Enqueuer):
    same = [enqueuer.send("banks", "fetch_bank", {"bank_code": "9991"}, message_id="outbox-1") for _ in range(2)]
    assert len(set(same)) == 2
    assert enqueuer.open([*same, Ticket("banks", "never")]) == set(same)
