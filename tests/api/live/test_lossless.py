"""Nothing is lost and nothing comes twice: whoever writes when, whoever connects when, whatever is cut."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.live import bell, encoding
from api.live.bell import Bell
from domain.contract_id import home_of
from domain.statuses import EventKind
from domain.store import following
from domain.store.connection import reading, transaction
from tests.api.live.lines import House, Line, opened, soon, write

FOLLOW = "subscription ($after: Cursor) { contractStatusChanged(after: $after) { id cursor kind contract { number } } }"
SETTLEMENTS = "subscription ($after: Cursor) { settlementUpdated(after: $after) { id cursor kind settlement { number status } } }"
ON_THE_WAY = (EventKind.DEBIT_INSTRUCTED, EventKind.DEBITED, EventKind.DELIVERY_INSTRUCTED, EventKind.SHIPPED, EventKind.DELIVERED)


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["kind"] for event in events]


def names(*wanted: EventKind) -> list[str]:
    return [kind.name for kind in wanted]


async def following_from(house: House, who: str | int, after: str | None, query: str = FOLLOW) -> Line:
    line = await house.line(who)
    await line.follow(query, {"after": after})
    return line


async def test_from_the_first_event_on(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    await house.tell("130/1", *ON_THE_WAY)
    line = await following_from(house, 130, "0")
    assert kinds(await line.events(6)) == names(EventKind.REGISTERED, *ON_THE_WAY)
    await house.tell("130/1", EventKind.IN_TRANSIT)
    assert (await line.event())["kind"] == "IN_TRANSIT"
    assert await line.silent()


async def test_from_now_on(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    await house.tell("130/1", EventKind.DEBIT_INSTRUCTED, ring=False)
    line = await following_from(house, 130, None)
    await soon(house.joined(1))
    await house.tell("130/1", EventKind.DEBITED)
    assert (await line.event())["kind"] == "DEBITED"
    assert await line.silent()


async def test_a_snapshot_and_its_tail_meet_without_a_gap(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    place = (await house.ask(130, "{ contracts { asOf } }"))["contracts"]["asOf"]
    await house.tell("130/1", EventKind.DEBIT_INSTRUCTED, EventKind.DEBITED)
    line = await following_from(house, 130, place)
    assert kinds(await line.events(2)) == ["DEBIT_INSTRUCTED", "DEBITED"]
    assert await line.silent()


@pytest.mark.parametrize("who", [130, "A"])
async def test_every_cursor_is_a_place_to_go_on_from(house: House, who: str | int):
    for name in ("130/1", "320/1", "130/2"):
        await house.market.contract(name, "A", "B", 1000)
        await house.tell(name, *ON_THE_WAY[:2])
    whole = await following_from(house, who, "0")
    told = await whole.events(9 if who == "A" else 6)
    assert len({event["id"] for event in told}) == len(told)
    for position, event in enumerate(told):
        line = await following_from(house, who, event["cursor"])
        rest = [one["id"] for one in await line.events(len(told) - position - 1)]
        assert rest == [one["id"] for one in told[position + 1 :]]
        assert await line.silent()
        await line.cut()


async def test_a_line_that_is_cut_goes_on_behind_the_last_cursor(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    seen: list[dict[str, Any]] = []
    after: str | None = "0"
    for kind in ON_THE_WAY:
        line = await following_from(house, 130, after)
        await house.tell("130/1", kind)
        while not seen or seen[-1]["kind"] != kind.name:
            seen.append(await line.event())
        after = seen[-1]["cursor"]
        await line.cut()
    assert kinds(seen) == names(EventKind.REGISTERED, *ON_THE_WAY)


async def test_across_a_restart_and_in_another_process(database_url: str):
    async with opened(database_url) as house:
        await house.market.contract("130/1", "A", "B", 1000)
        line = await following_from(house, 130, "0")
        last = (await line.event())["cursor"]
        await house.tell("130/1", EventKind.DEBIT_INSTRUCTED)
        await line.cut()
        market = house.market
    async with opened(database_url, market=market) as house:
        line = await following_from(house, 130, last)
        assert (await line.event())["kind"] == "DEBIT_INSTRUCTED"
        await house.tell("130/1", EventKind.DEBITED)
        assert (await line.event())["kind"] == "DEBITED"
        assert await line.silent()


async def test_the_bell_of_one_process_is_heard_by_the_others(database_url: str, redis_url: str):
    async with opened(database_url, redis_url=redis_url) as house:
        heard = asyncio.Event()
        other = Bell(redis_url, heard.set)
        listening = asyncio.create_task(other.run())
        await soon(heard.wait())  # its first word: it listens
        heard.clear()
        house.live.bell.ring()
        await soon(heard.wait())
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await other.close()


async def test_a_bell_that_is_gone_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bell, "AGAIN_SECONDS", 0.01)
    rung: list[int] = []
    lonely = Bell("redis://127.0.0.1:1/0", lambda: rung.append(1))
    listening = asyncio.create_task(lonely.run())
    lonely.ring()
    await soon(lonely._ringing)
    assert rung == [1], "this process hears itself, whoever else does"
    assert not listening.done()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await lonely.close()


async def test_without_a_bell_the_log_is_looked_at_all_the_same(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    line = await following_from(house, 130, "0")
    await line.event()
    await house.tell("130/1", EventKind.DEBITED, ring=False)
    assert (await line.event())["kind"] == "DEBITED"


async def test_writers_that_commit_out_of_order(house: House):
    """The first to begin commits last: each has written its event long before it takes its place in the stream."""
    for number in (1, 2, 3):
        await house.market.contract(f"130/{number}", "A", "B", 1000)
    early = await following_from(house, 130, "0")
    assert len(await early.events(3)) == 3
    began, may_end = [asyncio.Event() for _ in range(3)], [asyncio.Event() for _ in range(3)]

    async def writer(number: int) -> None:
        contract_id = house.market.ids[f"130/{number + 1}"]
        async with transaction() as tx:
            await tx.value("select txid_current()")  # its number is older than those of the others
            began[number].set()
            await may_end[number].wait()
            await write(tx, contract_id, EventKind.DEBITED, house.clock.now)

    writers = [asyncio.create_task(writer(number)) for number in range(3)]
    for event in began:
        await soon(event.wait())
    for number in (2, 0, 1):
        may_end[number].set()
        await soon(writers[number])
        house.live.hub.ring()
        assert (await early.event())["contract"]["number"] == str(number + 1)
    late = await following_from(house, 130, "0")
    assert [event["contract"]["number"] for event in (await late.events(6))[3:]] == ["3", "1", "2"]
    assert await early.silent()


async def test_many_writers_many_readers_that_come_and_go(house: House):
    contracts = [f"{site}/{number}" for site in (130, 320) for number in range(4)]
    for name in contracts:
        await house.market.contract(name, "A", "B", 1000)
    total = len(contracts) * 6

    async def write_all(name: str) -> None:
        for kind in ON_THE_WAY:
            await house.tell(name, kind)

    async def read_all(cut_every: int) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        after = "0"
        while len(told) < total:
            line = await following_from(house, "A", after)
            while len(told) < total:
                told.append(await line.event())
                after = told[-1]["cursor"]
                if len(told) % cut_every == 0:
                    break
            await line.cut()
        return told

    reading_all = asyncio.gather(read_all(1000), read_all(7), read_all(2))
    await asyncio.gather(*map(write_all, contracts))
    for told in await reading_all:
        assert len({event["id"] for event in told}) == total
        for name in contracts:
            own = [event["kind"] for event in told if event["id"].startswith(f"e{house.market.ids[name]}-")]
            assert own == names(EventKind.REGISTERED, *ON_THE_WAY), "in order, contract by contract"


async def test_those_who_join_while_the_reader_is_at_work(house: House, monkeypatch: pytest.MonkeyPatch):
    """Between the reader's decision who gets an event and its delivery somebody joins: it is his too, once."""
    await house.market.contract("130/1", "A", "B", 1000)
    first = await following_from(house, 130, "0")
    await first.event()
    at_work, go_on = asyncio.Event(), asyncio.Event()
    original = encoding.encode

    async def slow(*args: Any) -> Any:
        if args[2].kind == EventKind.DEBITED and not go_on.is_set():
            at_work.set()
            await go_on.wait()
        return await original(*args)

    monkeypatch.setattr(encoding, "encode", slow)
    await house.tell("130/1", EventKind.DEBITED)
    await soon(at_work.wait())
    second = await house.line("A")
    await second.follow(FOLLOW, {"after": "0"})
    third = await house.line(130)
    await third.follow(FOLLOW, {"after": "0"})
    go_on.set()
    for line in (second, third):
        assert kinds(await line.events(2)) == ["REGISTERED", "DEBITED"]
        assert await line.silent()
    assert (await first.event())["kind"] == "DEBITED"
    assert await first.silent()


async def test_settlements(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    await house.tell("130/1", EventKind.DEBIT_INSTRUCTED, EventKind.DEBITED, EventKind.SHIPPED, EventKind.PAID)
    line = await following_from(house, "A", "0", SETTLEMENTS)
    events = await line.events(3)
    assert kinds(events) == ["REGISTERED", "DEBITED", "PAID"], "what changes a row of the list"
    assert all(event["id"].startswith("t") and event["settlement"]["number"] == "1" for event in events)
    again = await house.ask("A", f'{{ node(id: "{events[-1]["id"]}") {{ id ... on SettlementEvent {{ kind }} }} }}')
    assert again["node"] == {"id": events[-1]["id"], "kind": "PAID"}


async def test_one_event_reads_as_it_does_in_the_timeline(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    await house.tell("130/1", EventKind.DEBITED)
    query = "{ contracts { edges { node { timeline { edges { node { id cursor kind occurredAt happenedOn } } } } } } }"
    (edge,) = (await house.ask(130, query))["contracts"]["edges"]
    timeline = [one["node"] for one in edge["node"]["timeline"]["edges"]]
    line = await house.line(130)
    await line.follow('subscription { contractStatusChanged(after: "0") { id kind occurredAt happenedOn } }')
    assert await line.events(2) == [{name: value for name, value in event.items() if name != "cursor"} for event in timeline]
    later = await following_from(house, 130, timeline[0]["cursor"])
    assert (await later.event())["id"] == timeline[1]["id"], "the cursor of an event in a timeline is a place as well"


# ── places that are not there ────────────────────────────────────────────────────────────────────────────────────────
async def refused(house: House, who: str | int, after: str) -> str:
    line = await following_from(house, who, after)
    message = await line.next()
    assert message["type"] == "next"
    assert "data" not in message["payload"]
    (error,) = message["payload"]["errors"]
    assert (await line.next())["type"] == "complete"
    await line.cut()
    return str(error["extensions"]["code"])


async def test_what_is_no_place_of_this_log(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    good = (await house.ask(130, "{ contracts { asOf } }"))["contracts"]["asOf"]
    other = (await house.ask(320, "{ contracts { asOf } }"))["contracts"]["asOf"]
    altered = ("A" if good[3] != "A" else "B").join((good[:3], good[4:]))
    for after in ("", "1", "nonsense", altered, good + "A", other, "e1-2", f"e{house.market.ids['130/1']}-0", "日"):
        assert await refused(house, 130, after) == "CURSOR_INVALID", after


async def test_a_place_of_before_a_restore(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    place = (await house.ask(130, "{ contracts { asOf } }"))["contracts"]["asOf"]
    line = await following_from(house, 130, "0")
    await line.event()
    async with transaction() as tx:
        await tx.run("update stream_head set epoch = epoch + 1 where home = 1")
    house.live.hub.ring()
    message = await line.next()
    assert message["payload"]["errors"][0]["extensions"]["code"] == "CURSOR_INVALID", "whoever is there is told"
    assert (await line.next())["type"] == "complete"
    assert await refused(house, 130, place) == "CURSOR_INVALID"
    assert await refused(house, "A", (await house.ask("A", "{ contracts { asOf } }"))["contracts"]["asOf"][:-1]) == "CURSOR_INVALID"


async def test_a_place_whose_tail_has_been_thrown_away(house: House):
    await house.market.contract("130/1", "A", "B", 1000)
    place = (await house.ask(130, "{ contracts { asOf } }"))["contracts"]["asOf"]
    await house.tell("130/1", EventKind.DEBIT_INSTRUCTED, EventKind.DEBITED)
    async with transaction() as tx:
        await tx.run("delete from stream where home = 1 and pos = 2")
    assert await refused(house, 130, place) == "CURSOR_INVALID", "better no answer than one with a hole"
    line = await following_from(house, 130, "0")
    assert (await line.event())["kind"] == "REGISTERED"


async def test_pieces_of_the_log_join_without_a_seam(house: House, monkeypatch: pytest.MonkeyPatch):
    for number in range(5):
        await house.market.contract(f"130/{number}", "A", "B", 1000)
        await house.tell(f"130/{number}", *ON_THE_WAY[:2])
    monkeypatch.setattr(following, "ROWS", 2)
    async with reading() as tx:
        upto = (await following.heads(tx))[1].spot
        spot, pieces, told = following.BEGINNING, 0, []
        while spot < upto:
            chunk = await following.read(tx, 1, spot, upto)
            told += [one.spot for one in chunk.events]
            spot, pieces = chunk.end, pieces + 1
    assert (pieces, len(told), sorted(set(told))) == (8, 15, told)
    assert home_of(house.market.ids["130/1"]) == 1
