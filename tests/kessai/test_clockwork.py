"""The walk of the clock: from one due instant to the next, ours or the strangers', in their order, each time until it is quiet."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
import pytest
import redis

from domain.store import clock, due, quiet
from domain.store.clock import ClockBackwardsError
from domain.store.connection import Tx, reading, transaction
from kessai.clock_address import make_app
from kessai.clockwork import MOMENT, Clockwork, NotQuiet
from kessai.moves import TOKYO
from kessai.strangers import Status, Strangers
from workers.broker import Enqueuer

START = datetime(2000, 9, 20, 9, tzinfo=TOKYO)


def at(text: str) -> datetime:
    day, _, hour = text.partition(" ")
    return datetime.fromisoformat(f"2000-09-{day}T{hour}:00+09:00")


@dataclass
class World:
    """Strangers, queues and open work that only remember what happened, and when by which clock."""

    theirs: list[datetime] = field(default_factory=list)  # what the strangers will do
    ours: list[datetime] = field(default_factory=list)  # what becomes due here
    diary: list[str] = field(default_factory=list)
    status_: Status = field(default_factory=lambda: Status(START, False, None, True, {}, 0, []))
    messages: int = 0
    busy: list[str] = field(default_factory=list)

    async def status(self) -> Status:
        return replace(self.status_, next=min(self.theirs, default=None))

    async def set_clock(self, now: datetime, *, ticking: bool = False) -> Status:
        done = [instant for instant in self.theirs if instant <= now]
        self.theirs = [instant for instant in self.theirs if instant > now]
        self.status_ = replace(self.status_, now=now, ticking=ticking)
        async with reading() as tx:
            here = (await clock.state(tx)).now(datetime.now(UTC))
        self.diary += [f"they act at {instant:%d %H:%M}, ours stands at {here:%d %H:%M:%S.%f}" for instant in done]
        return await self.status()

    def outstanding(self) -> int:
        if self.messages < 0:
            raise redis.RedisError("away")
        return self.messages

    def scheduler_bell(self) -> "World":
        return self

    def ring(self) -> None:
        """Somebody hears it."""

    async def next_instant(self, tx: Tx, now: datetime) -> datetime | None:
        return min((instant for instant in self.ours if instant > now), default=None)

    async def look(self, tx: Tx, published: Mapping[str, int], machine_now: datetime) -> quiet.Look:
        now = (await clock.state(tx)).now(machine_now)
        for instant in [instant for instant in self.ours if instant <= now]:
            self.ours.remove(instant)
            self.diary.append(f"ours is done at {now:%d %H:%M:%S.%f}")
        return quiet.Look(now, tuple(self.busy), False, 0, tuple(self.busy))


@pytest.fixture
async def world(store: None, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(due, "next_instant", made.next_instant)
    monkeypatch.setattr(quiet, "look", made.look)
    async with transaction() as tx:
        await clock.prepare(tx, sandbox=True, start=START, ticking=False, machine_now=datetime.now(UTC))
    return made


@pytest.fixture
def clockwork(world: World) -> Clockwork:
    return Clockwork(cast("Strangers", world), cast("Enqueuer", world))


async def standing() -> clock.Clock:
    async with reading() as tx:
        return await clock.state(tx)


async def test_it_goes_from_instant_to_instant_in_order(world: World, clockwork: Clockwork):
    world.theirs = [at("20 10:00"), at("21 06:00")]
    world.ours = [at("20 11:00"), at("25 11:00")]
    seen: list[str] = []

    async def step(now: datetime) -> None:
        seen.append(f"{now:%d %H:%M}")

    walked = await clockwork.walk(at("22 09:00"), step)
    assert (walked.now, walked.steps) == (at("22 09:00"), 4)
    assert seen == ["20 10:00", "20 11:00", "21 06:00", "22 09:00"]
    assert world.diary == [
        "they act at 20 10:00, ours stands at 20 10:00:00.000000",
        "ours is done at 20 11:00:00.000000",
        "they act at 21 06:00, ours stands at 21 06:00:00.000000",
    ]
    assert world.ours == [at("25 11:00")]
    assert (await standing()).standing_at == at("22 09:00")
    assert world.status_.now == at("22 09:00")


async def test_at_one_instant_what_comes_in_goes_first(world: World, clockwork: Clockwork):
    world.theirs, world.ours = [at("20 11:00")], [at("20 11:00")]
    walked = await clockwork.walk(at("20 11:00"))
    assert world.diary == ["they act at 20 11:00, ours stands at 20 10:59:59.999999", "ours is done at 20 11:00:00.000000"]
    assert walked.steps == 1


async def test_walking_nowhere_waits_until_it_is_quiet(world: World, clockwork: Clockwork):
    world.busy = ["1 batches to seal"]
    walking = asyncio.create_task(clockwork.walk(START))
    await asyncio.wait({walking}, timeout=0.1)
    assert not walking.done()
    world.busy = []
    assert (await walking).steps == 0


async def test_the_clock_never_goes_back(world: World, clockwork: Clockwork):
    with pytest.raises(ClockBackwardsError):
        await clockwork.walk(START - timedelta(seconds=1))
    assert (await standing()).standing_at == START
    assert not world.diary


@pytest.mark.parametrize(
    "restless, words",
    [
        ({"busy": ["1 batches to seal"]}, "1 batches to seal"),
        ({"messages": 2}, "2 messages in the queues"),
        ({"messages": -1}, "Redis does not answer"),
        ({"status_": Status(START, False, None, False, {}, 0, [])}, "the sandbox is busy"),
        ({"status_": Status(START, False, None, True, {}, 3, [])}, "3 hooks undelivered"),
    ],
)
async def test_what_does_not_become_quiet_is_named(
    world: World, clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch, restless: dict[str, Any], words: str
):
    monkeypatch.setattr("kessai.clockwork.PATIENCE_SECONDS", 0.05)
    for name, value in restless.items():
        setattr(world, name, value)
    world.ours = [at("25 11:00")]
    with pytest.raises(NotQuiet) as stuck:
        await clockwork.walk(at("26 09:00"))
    assert stuck.value.why == words
    assert (await standing()).standing_at == START
    assert world.ours == [at("25 11:00")]


async def test_a_dead_process_ends_the_wait(world: World):
    class Dead(Exception):
        pass

    def alive() -> None:
        raise Dead

    world.busy = ["1 batches to seal"]
    with pytest.raises(Dead):
        await Clockwork(cast("Strangers", world), cast("Enqueuer", world), alive).walk(START)


async def test_a_clock_that_ticks_ticks_on(world: World, clockwork: Clockwork):
    await clockwork.together(ticking=True)
    world.ours = [at("20 11:00")]
    walked = await clockwork.walk(at("21 09:00"))
    assert (walked.now, walked.steps) == (at("21 09:00"), 2)
    after = await standing()
    assert after.standing_at is None
    assert world.status_.ticking
    assert timedelta(0) <= after.now(datetime.now(UTC)) - at("21 09:00") < timedelta(minutes=5)


async def test_a_clock_that_ticked_ticks_on_when_the_walk_is_stuck(world: World, clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kessai.clockwork.PATIENCE_SECONDS", 0.05)
    await clockwork.together(ticking=True)
    world.busy = ["1 batches to seal"]
    with pytest.raises(NotQuiet):
        await clockwork.advance(timedelta(days=1))
    assert (await standing()).standing_at is None
    assert world.status_.ticking


async def test_together_they_stand_where_the_later_one_was(world: World, clockwork: Clockwork):
    world.status_ = replace(world.status_, now=START + MOMENT)
    assert await clockwork.together(ticking=False) == START + MOMENT
    assert (await standing()).standing_at == START + MOMENT


@pytest.mark.parametrize(
    "body, status, code",
    [
        (b'{"advance": "P1D"}', 200, None),
        (b'{"to": "2000-09-21T09:00:00+09:00"}', 200, None),
        (b'{"to": "2000-09-19T09:00:00+09:00"}', 409, "CLOCK_BACKWARDS"),
        (b'{"to": "tomorrow"}', 400, "CLOCK_MOVE"),
        (b'{"to": 5}', 400, "CLOCK_MOVE"),
        (b'{"advance": "P1D", "to": "2000-09-21"}', 400, "CLOCK_MOVE"),
        (b'{"advance": "P1D", "more": 1}', 400, "CLOCK_MOVE"),
        (b"[]", 400, "CLOCK_MOVE"),
        (b"{", 400, "CLOCK_MOVE"),
        (b"\xff", 400, "CLOCK_MOVE"),
    ],
)
async def test_the_clocks_address(world: World, clockwork: Clockwork, body: bytes, status: int, code: str | None):
    transport = httpx2.ASGITransport(app=make_app(clockwork))
    async with httpx2.AsyncClient(transport=transport, base_url="http://clock") as http:
        answer = await http.post("/clock", content=body)
        now = (await http.get("/clock")).json()
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    moved = "2000-09-21T09:00:00+09:00" if status == 200 else "2000-09-20T09:00:00+09:00"
    assert now == {"now": moved, "ticking": False}
    if status == 200:
        assert answer.json() == {"now": moved, "steps": 1}


async def test_the_address_says_what_is_not_quiet(world: World, clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kessai.clockwork.PATIENCE_SECONDS", 0.05)
    world.busy = ["1 batches to seal"]
    transport = httpx2.ASGITransport(app=make_app(clockwork))
    async with httpx2.AsyncClient(transport=transport, base_url="http://clock") as http:
        answer = await http.post("/clock", json={"advance": "P1D"})
    assert answer.status_code == 504
    assert (answer.json()["code"], answer.json()["why"]) == ("NOT_QUIET", "1 batches to seal")


async def test_the_address_survives_what_breaks(world: World, clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch):
    async def away(*_: object) -> None:
        raise ConnectionResetError("the database went away")

    monkeypatch.setattr(due, "next_instant", away)
    transport = httpx2.ASGITransport(app=make_app(clockwork))
    async with httpx2.AsyncClient(transport=transport, base_url="http://clock") as http:
        answer = await http.post("/clock", json={"advance": "P1D"})
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
