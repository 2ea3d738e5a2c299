"""The stream of a home, its numbers and the business clock: what must hold when several write at once, and when clocks go back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain import contract_id
from domain.calendar import JST
from domain.store import clock, ids, stream, verify_records
from domain.store.clock import ClockBackwardsError, NotASandboxError
from domain.store.connection import Tx, reading, transaction
from domain.store.stream import StreamEntry

NOW = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
HOME = 7


def entry(number: int, *, kind: int = 1) -> StreamEntry:
    return StreamEntry(130, kind, [number], [1])


async def told() -> list[tuple[int, int, list[int]]]:
    """(day, position, contracts) in the order of the stream."""
    async with reading() as tx:
        rows = await tx.rows("select day, pos, contract_ids from stream where home = $1 order by day, pos", HOME)
    return [(row["day"], row["pos"], list(row["contract_ids"])) for row in rows]


async def unbroken() -> bool:
    """What the checker says of the chain (it also misses the events, of which there are none here)."""
    async with reading() as tx:
        return {finding.what for finding in await verify_records.stream(tx, HOME)} <= {"the stream tells every event once"}


async def test_positions_are_dense_and_in_order_of_commit(store: Any):
    second_waits = asyncio.Event()
    order: list[str] = []

    async def first() -> None:
        async with transaction() as tx:
            await stream.append(tx, HOME, NOW, [entry(1)])
            second_waits.set()
            while not await blocked(tx):  # noqa: ASYNC110 - the one who waits is a connection of the database
                await asyncio.sleep(0.01)
            order.append("first")

    async def second() -> None:
        await second_waits.wait()
        async with transaction() as tx:
            await stream.append(tx, HOME, NOW, [entry(2)])
            order.append("second")

    async with transaction() as tx:
        await stream.ensure_home(tx, HOME)
    await asyncio.gather(first(), second())
    assert order == ["first", "second"], "who appends second waits for the first one's commit"
    assert [(pos, ids_) for _, pos, ids_ in await told()] == [(1, [1]), (2, [2])]
    assert await unbroken()


async def blocked(tx: Tx) -> bool:
    """Whether somebody waits for a lock of this transaction. Asked of the locks: the list of sessions stays as it was first read."""
    return bool(
        await tx.value("select exists (select 1 from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)))")
    )


async def test_a_rollback_gives_its_position_back(store: Any):
    async with transaction() as tx:
        await stream.append(tx, HOME, NOW, [entry(1)])

    class Undo(Exception):
        pass

    with pytest.raises(Undo):  # noqa: PT012 - the transaction is what is tried
        async with transaction() as tx:
            await stream.append(tx, HOME, NOW, [entry(2), entry(3)])
            raise Undo
    async with transaction() as tx:
        await stream.append(tx, HOME, NOW, [entry(4)])
    assert [(pos, ids_) for _, pos, ids_ in await told()] == [(1, [1]), (2, [4])]
    assert await unbroken()


async def test_many_writers_leave_no_gap(store: Any):
    async def write(number: int) -> None:
        async with transaction() as tx:
            await stream.append(tx, HOME, NOW, [entry(number), entry(number, kind=2)])

    await asyncio.gather(*(write(number) for number in range(1, 31)))
    found = await told()
    assert [pos for _, pos, _ in found] == list(range(1, 61))
    assert [ids_ for _, _, ids_ in found[::2]] == [ids_ for _, _, ids_ in found[1::2]], "what one transaction tells stands together"
    assert {ids_[0] for _, _, ids_ in found} == set(range(1, 31))
    assert await unbroken()


async def test_the_day_goes_on_and_never_back(store: Any):
    for days in (0, 1, -3, 2):
        async with transaction() as tx:
            await stream.append(tx, HOME, NOW + timedelta(days=days), [entry(1)])
    first = (await told())[0][0]
    assert [(day - first, pos) for day, pos, _ in await told()] == [(0, 1), (1, 2), (1, 3), (2, 4)]
    assert await unbroken()
    async with reading() as tx:
        assert await stream.heads(tx, [HOME, 99]) == {HOME: (1, first + 2, 4)}


async def test_nothing_to_tell_takes_no_position(store: Any):
    async with transaction() as tx:
        await stream.append(tx, HOME, NOW, [StreamEntry(130, 1, [], [])])
    assert await told() == []


# -- numbers -----------------------------------------------------------------------------------------------------------------


async def test_fifty_at_once_get_different_numbers(store: Any):
    blocks = await asyncio.gather(*(ids.take(HOME, 20, NOW) for _ in range(50)))
    numbers = [number for block in blocks for number in block]
    assert len(set(numbers)) == 1000
    assert all(block == sorted(block) for block in blocks)
    assert {contract_id.home_of(number) for number in numbers} == {HOME}
    assert all(contract_id.parse(contract_id.text(number)) == number for number in numbers)


async def test_a_clock_that_goes_back_gives_no_number_twice(store: Any):
    given: list[int] = []
    for seconds in (0, -3600, -1, 0, 5, -86_400):
        given += await ids.take(HOME, 3, NOW + timedelta(seconds=seconds))
    assert given == sorted(set(given)), "they only rise, whatever the clock says"
    assert await ids.take_one(HOME, NOW - timedelta(days=400)) > given[-1]
    assert contract_id.home_of(await ids.take_one(8, NOW)) == 8


async def test_a_block_may_run_on_into_the_next_second(store: Any):
    many = await ids.take(HOME, 100_050, NOW)
    assert len(set(many)) == 100_050
    assert (await ids.take_one(HOME, NOW)) > many[-1]


# -- the business clock -------------------------------------------------------------------------------------------------------


async def test_without_a_row_business_time_is_the_machines(store: Any):
    async with reading() as tx:
        assert await clock.business_now(tx, NOW) == NOW
        assert (await clock.state(tx)).sandbox is False


async def test_it_stands_ticks_and_never_goes_back(store: Any):
    start = datetime(2000, 9, 20, 9, 0, tzinfo=JST)
    async with transaction() as tx:
        await clock.prepare(tx, sandbox=True, start=start, ticking=False, machine_now=NOW)
        assert await clock.business_now(tx, NOW + timedelta(hours=5)) == start
        moved = await clock.set_standing(tx, start + timedelta(days=1), NOW)
        assert (moved.now(NOW), moved.moves) == (start + timedelta(days=1), 1)
        with pytest.raises(ClockBackwardsError):
            await clock.set_standing(tx, start, NOW)
        await clock.set_ticking(tx, start + timedelta(days=2), NOW)
        assert await clock.business_now(tx, NOW + timedelta(hours=5)) == start + timedelta(days=2, hours=5)
        with pytest.raises(ClockBackwardsError):
            await clock.set_ticking(tx, start + timedelta(days=2), NOW + timedelta(hours=1))
        assert (await clock.state(tx)).moves == 2
        again = await clock.prepare(tx, sandbox=True, start=start, ticking=False, machine_now=NOW)
        assert again.now(NOW) == start + timedelta(days=2), "a world goes on from where it was"
        assert (await clock.business_now(tx, NOW)).utcoffset() == timedelta(hours=9)


async def test_a_real_clock_cannot_be_moved(store: Any):
    async with transaction() as tx:
        await clock.prepare(tx, sandbox=False, start=NOW, ticking=True, machine_now=NOW)
        with pytest.raises(NotASandboxError):
            await clock.set_standing(tx, NOW + timedelta(days=1), NOW)
        assert await clock.business_now(tx, NOW) == NOW
