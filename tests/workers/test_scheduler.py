"""The scheduler and the relay: what is due is found in PostgreSQL, by one at a time, again and again (settlement rule 7)."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import dramatiq
import pytest
import redis

from domain.statuses import BatchStatus
from domain.store import outbox
from domain.store.connection import transaction
from tests.workers.conftest import BATCH, HOME, NOW, World
from workers import relay
from workers.broker import NAMESPACE, QUEUES, Enqueuer, places
from workers.scheduler import Rhythm, Scheduler

RHYTHM = Rhythm(tick=0.01, poll=30, eager_poll=10)
FETCH = ("banks", "fetch_bank", (("bank_code", "9991"),))
SEND = ("banks", "send_batch", (("batch_id", BATCH), ("home", HOME)))


@pytest.fixture
def enqueuer(redis_url: str) -> Iterator[Enqueuer]:
    opened = Enqueuer(places(redis_url))
    yield opened
    opened.close()


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


def queued(client: "redis.Redis") -> Counter[Any]:
    found: Counter[Any] = Counter()
    for queue in QUEUES:
        waiting: Any = client.hvals(f"{NAMESPACE}:{queue}.msgs")
        for data in waiting:
            message: dramatiq.Message[Any] = dramatiq.Message.decode(data)
            found[queue, message.actor_name, tuple(sorted(message.kwargs.items()))] += 1
    return found


def scheduler(world: World, enqueuer: Enqueuer, holder: str = "a") -> Scheduler:
    return Scheduler(enqueuer, holder, lambda: world.machine_now, rhythm=RHYTHM, sandbox=RHYTHM)


async def polled(world: World, moves: int = 0, problem: str | None = None) -> None:
    from domain.store import inbox

    await inbox.end_poll("9991", world.machine_now, moves, problem, NOW)


async def test_what_is_due_is_sent_once(world: World, enqueuer: Enqueuer, client: "redis.Redis"):
    await world.seal("payout")
    one = scheduler(world, enqueuer)
    for _ in range(3):
        await one.tick()
    assert queued(client) == {FETCH: 1, SEND: 1}


async def test_of_two_schedulers_one_acts(world: World, enqueuer: Enqueuer, client: "redis.Redis"):
    await world.seal("payout")
    both = [scheduler(world, enqueuer, "a"), scheduler(world, enqueuer, "b")]
    for _ in range(3):
        await asyncio.gather(*(one.tick() for one in both))
    assert queued(client) == {FETCH: 1, SEND: 1}
    assert sorted(one.leads for one in both) == [False, True]


async def test_another_takes_over_when_the_first_is_dead(world: World, enqueuer: Enqueuer, client: "redis.Redis"):
    first, second = scheduler(world, enqueuer, "a"), scheduler(world, enqueuer, "b")
    await first.tick()
    await second.tick()
    assert (first.leads, second.leads) == (True, False)
    world.wait(seconds=6)
    await second.tick()
    await first.tick()
    assert (first.leads, second.leads) == (False, True)


async def test_a_stopped_scheduler_leaves_at_once(world: World, enqueuer: Enqueuer):
    first, second = scheduler(world, enqueuer, "a"), scheduler(world, enqueuer, "b")
    await first.tick()
    await second.tick()
    assert (first.leads, second.leads) == (True, False)
    stop = asyncio.Event()
    stop.set()
    await first.run(stop)
    await second.tick()
    assert second.leads


async def test_what_redis_has_lost_is_sent_again(world: World, enqueuer: Enqueuer, client: "redis.Redis"):
    """I15."""
    await world.seal("payout")
    one = scheduler(world, enqueuer)
    await one.tick()
    client.flushdb()
    await one.tick()
    assert queued(client) == {FETCH: 1, SEND: 1}


async def test_work_under_a_lease_is_left_alone_until_it_runs_out(world: World, enqueuer: Enqueuer, client: "redis.Redis"):
    """The repair: a dead worker's batch is due again by itself."""
    await world.seal("payout")
    await polled(world)
    assert await world.send_and_die("payout:after_releasing")
    one = scheduler(world, enqueuer)
    await one.tick()
    assert queued(client) == {}
    world.wait(seconds=16)
    await one.tick()
    assert queued(client) == {SEND: 1}


async def test_what_rests_is_left_alone(world: World, enqueuer: Enqueuer, client: "redis.Redis"):
    await world.seal("payout")
    (world.book.path / "in").rename(world.path / "away")
    await world.send()
    await polled(world)
    one = scheduler(world, enqueuer)
    await one.tick()
    assert queued(client) == {}
    world.wait(seconds=2)
    await one.tick()
    assert queued(client) == {SEND: 1}


@pytest.mark.parametrize(
    "failures, awaited, seconds, due",
    [
        (0, False, 29, False),
        (0, False, 30, True),
        (0, True, 9, False),
        (0, True, 10, True),
        (1, False, 59, False),
        (1, False, 60, True),
        (1, True, 59, False),  # a bank that does not answer is not asked more often because we wait
        (2, False, 120, True),
        (12, False, 599, False),
        (12, False, 600, True),
    ],
)
async def test_when_a_bank_is_looked_at(
    world: World, enqueuer: Enqueuer, client: "redis.Redis", failures: int, awaited: bool, seconds: int, due: bool
):
    if awaited:
        await world.seal("payout")
        await world.set("batch", "status", int(BatchStatus.SENT))
        await world.set("batch", "overdue_at", world.machine_now + timedelta(days=2))
    await polled(world)
    await world.set("bank_poll", "failures", failures)
    world.wait(seconds=seconds)
    await scheduler(world, enqueuer).tick()
    assert queued(client) == ({FETCH: 1} if due else {})


async def test_a_clock_that_has_moved_makes_every_bank_due(world: World, enqueuer: Enqueuer, client: "redis.Redis"):
    async with transaction() as tx:
        await tx.run("insert into business_clock(id, standing_at, moves, sandbox) values (1, $1, 3, true)", NOW)
    await polled(world, moves=3)
    one = scheduler(world, enqueuer)
    await one.tick()
    assert queued(client) == {}
    await world.set("business_clock", "moves", 4)
    await one.tick()
    assert queued(client) == {FETCH: 1}


async def test_a_sandbox_ticks_quicker(world: World, enqueuer: Enqueuer):
    async with transaction() as tx:
        await tx.run("insert into business_clock(id, standing_at, sandbox) values (1, $1, true)", NOW)
    one = Scheduler(enqueuer, "a", lambda: world.machine_now, rhythm=Rhythm(tick=7), sandbox=Rhythm(tick=3))
    assert one.wait_seconds == 7
    await one.tick()
    assert one.wait_seconds == 3


# -- the relay ------------------------------------------------------------------------------------------------------------


async def leave(*numbers: int) -> None:
    async with transaction() as tx:
        for number in numbers:
            await outbox.add(tx, "replies", "read_reply", {"reply_id": number})


async def waiting() -> int:
    async with transaction() as tx:
        return await outbox.count(tx)


def reply(number: int) -> Any:
    return ("replies", "read_reply", (("reply_id", number),))


async def test_a_message_of_a_transaction_that_fails_was_never_there(world: World):
    async def fail() -> None:
        async with transaction() as tx:
            await outbox.add(tx, "replies", "read_reply", {"reply_id": 1})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await waiting() == 0


async def test_two_relays_share_the_work(world: World, enqueuer: Enqueuer, client: "redis.Redis", monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relay, "AT_ONCE", 5)
    await leave(*range(57))
    moved = await asyncio.gather(relay.drain(enqueuer), relay.drain(enqueuer))
    assert sum(moved) == 57
    assert queued(client) == {reply(number): 1 for number in range(57)}
    assert await waiting() == 0


async def test_who_does_not_lead_relays_all_the_same(world: World, enqueuer: Enqueuer, client: "redis.Redis"):
    first, second = scheduler(world, enqueuer, "a"), scheduler(world, enqueuer, "b")
    await polled(world)
    await first.tick()
    await leave(1)
    assert await second.tick() == 1
    assert not second.leads
    assert queued(client) == {reply(1): 1}


async def test_a_redis_that_is_away_costs_no_message(world: World, client: "redis.Redis", redis_url: str):
    await leave(1, 2)
    nowhere = Enqueuer(places("redis://127.0.0.1:1/0"))
    with pytest.raises(redis.RedisError):
        await relay.drain(nowhere)
    nowhere.close()
    assert await waiting() == 2
    back = Enqueuer(places(redis_url))
    assert await relay.drain(back) == 2
    back.close()


class Broken(Scheduler):
    """Its ticks end as told."""

    def __init__(self, world: World, enqueuer: Enqueuer, ends: list[Exception | None], stop: asyncio.Event) -> None:
        super().__init__(enqueuer, "a", lambda: world.machine_now, rhythm=RHYTHM, sandbox=RHYTHM)
        self.ends, self.stop, self.pauses = ends, stop, list[float]()

    async def tick(self) -> int:
        end = self.ends.pop(0)
        if not self.ends:
            self.stop.set()
        if end is not None:
            raise end
        return 0


async def test_a_server_that_goes_away_is_waited_for(world: World, enqueuer: Enqueuer, monkeypatch: pytest.MonkeyPatch):
    from structlog.testing import capture_logs

    from workers import scheduler as module

    pauses: list[float] = []

    async def until(_: asyncio.Event, seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(module, "_until", until)
    gone = asyncpg.CannotConnectNowError("starting up")
    ends: list[Exception | None] = [gone] * 5 + [None, redis.ConnectionError("refused"), None, ValueError("a bug"), None]
    stop = asyncio.Event()
    with capture_logs() as logs:
        await Broken(world, enqueuer, ends, stop).run(stop)
    assert [(line["event"], line.get("server")) for line in logs] == [
        ("server_away", "database"),
        ("server_back", "database"),
        ("server_away", "queues"),
        ("server_back", "queues"),
        ("tick_failed", None),
    ]
    assert pauses[:5] == [0.25, 0.5, 1.0, 3.0, 3.0]
