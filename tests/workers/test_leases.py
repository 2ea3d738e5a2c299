"""Leases on the machine clock, and work that stops when its lease is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg
import pytest

from domain.store import leases
from tests.workers.conftest import World
from workers.working import LeaseLost, under_lease

SOON = timedelta(milliseconds=5)


async def test_one_holds_it_until_it_runs_out(world: World):
    now = world.machine_now
    assert await leases.take("x", "a", now)
    assert not await leases.take("x", "b", now + timedelta(seconds=15))
    assert await leases.take("x", "a", now + timedelta(seconds=10))
    assert not await leases.take("x", "b", now + timedelta(seconds=25))
    assert await leases.take("x", "b", now + timedelta(seconds=25, milliseconds=1))
    assert not await leases.take("x", "a", now + timedelta(seconds=26))


async def test_only_its_holder_gives_it_back(world: World):
    now = world.machine_now
    await leases.take("x", "a", now)
    await leases.let_go("x", "b")
    assert not await leases.take("x", "b", now)
    await leases.let_go("x", "a")
    assert await leases.take("x", "b", now)


async def test_many_ask_at_once_and_one_gets_it(world: World):
    got = await asyncio.gather(*(leases.take("x", f"h{n}", world.machine_now) for n in range(8)))
    assert sum(got) == 1


async def test_a_batch_is_renewed_for_its_holder_only(world: World):
    await world.seal("debit")
    await world.set("batch", "lease_holder", "a")
    batch = await world.batch()
    at = world.machine_now + timedelta(seconds=5)
    assert not await leases.renew_batch(batch["home"], batch["batch_id"], "b", at)
    assert (await world.batch())["lease_until"] is None
    assert await leases.renew_batch(batch["home"], batch["batch_id"], "a", at)
    assert (await world.batch())["lease_until"] == at + leases.LASTS


class Work:
    """Goes on until it is stopped."""

    def __init__(self) -> None:
        self.begun, self.cleaned = asyncio.Event(), False
        self.finish = asyncio.Event()

    async def __call__(self) -> str:
        self.begun.set()
        try:
            await self.finish.wait()
        finally:
            await asyncio.sleep(0)
            self.cleaned = True
        return "done"


Renew = Callable[[datetime], Awaitable[bool]]


async def test_work_goes_on_while_its_lease_is_renewed(world: World):
    work, renewed = Work(), 0

    async def renew(_: datetime) -> bool:
        nonlocal renewed
        renewed += 1
        if renewed == 3:
            work.finish.set()
        return True

    assert await under_lease(work(), renew, lambda: world.machine_now, each=SOON) == "done"
    assert renewed == 3


async def test_work_whose_lease_is_anothers_is_stopped(world: World):
    work = Work()

    async def renew(_: datetime) -> bool:
        return False

    with pytest.raises(LeaseLost):
        await under_lease(work(), renew, lambda: world.machine_now, each=SOON)
    assert work.cleaned


async def test_a_database_that_is_away_stops_the_work_before_the_lease_ends(world: World):
    """Otherwise two would work at once: the lease is taken over when it has run out."""
    work, asked = Work(), list[datetime]()

    async def renew(at: datetime) -> bool:
        asked.append(at)
        raise asyncpg.ConnectionDoesNotExistError("gone")

    def clock() -> datetime:
        world.wait(seconds=5)
        return world.machine_now

    with pytest.raises(LeaseLost):
        await under_lease(work(), renew, clock, each=SOON)
    assert work.cleaned
    assert asked[-1] - asked[0] == timedelta(seconds=10), "taken at 0, tried at 5 and 10, given up at 15"


async def test_cancelling_reaches_the_work(world: World):
    work = Work()

    async def renew(_: datetime) -> bool:
        return True

    task = asyncio.create_task(under_lease(work(), renew, lambda: world.machine_now))
    await work.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.cleaned


async def test_an_error_of_the_work_comes_through(world: World):
    async def work() -> None:
        raise ValueError("mine")

    async def renew(_: datetime) -> bool:
        return True

    with pytest.raises(ValueError, match="mine"):
        await under_lease(work(), renew, lambda: world.machine_now)
