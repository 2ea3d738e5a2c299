"""Fetching (docs/wire.md section 1): everything once, raw, and nothing twice that need not be; other bytes under a known name are seen."""

import os
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.bank_names import kind_of
from domain.store.connection import transaction
from tests.workers.conftest import NOW, World
from workers import fetching
from workers.channels.directory import DirectoryChannel
from workers.fetching import fetch_bank
from workers.services import Services

RECEIPT = "91_9000000001_20000924_001.txt.receipt.json"
RESULT = "91_9000000001_20000924_001.txt.result.txt"
STATEMENT = "03_999100119000001_20000924_001.txt"


@pytest.mark.parametrize(
    "name, kind",
    [
        (RECEIPT, "receipt"),
        ("21_9000000001_20000924_001.txt.receipt.json", "receipt"),
        ("91_9000000001_20000924_001.txt.receipt.2.json", "receipt"),
        (RESULT, "result"),
        ("91_9000000001_20000924_001.txt.result.2.txt", "result"),
        (STATEMENT, "statement"),
        ("21_9000000001_20000924_001.txt.result.txt", "other"),
        ("91_9000000001_20000924_001.txt", "other"),
        ("91_９000000001_20000924_001.txt.result.txt", "other"),
        ("x" + RECEIPT, "other"),
        (RECEIPT + "x", "other"),
        ("readme.txt", "other"),
    ],
)
def test_a_name_says_what_a_file_is(name: str, kind: str):
    assert kind_of(name) == kind


class Office:
    """One worker process in front of the bank: its memory, and what it has downloaded."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.services, self.read = world, world.services(), list[str]()
        read = DirectoryChannel.read

        def reading(channel: DirectoryChannel, name: str) -> Any:
            self.read.append(name)
            return read(channel, name)

        monkeypatch.setattr(DirectoryChannel, "read", reading)

    async def fetch(self, services: Services | None = None) -> list[str]:
        """One round; answers what was downloaded."""
        self.read.clear()
        await fetch_bank("9991", services=services or self.services, holder="a", now=NOW, machine_now=self.world.machine_now)
        return list(self.read)

    def put(self, name: str, data: bytes = b"x" * 122, *, modified: datetime | None = None) -> None:
        file = self.world.book.path / "out" / name
        file.write_bytes(data)
        stamp = (modified or self.world.machine_now).timestamp()
        os.utime(file, (stamp, stamp))


@pytest.fixture
def office(world: World, monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(world, monkeypatch)


async def replies() -> list[tuple[Any, ...]]:
    async with transaction() as tx:
        rows = await tx.rows("select name, kind, status, problem from reply order by reply_id")
    return [tuple(row) for row in rows]


async def poll() -> Any:
    async with transaction() as tx:
        return await tx.row("select moves, machine_at, problem, failures from bank_poll where bank_code = '9991'")


async def test_new_files_are_stored_raw_with_word_to_their_reader(office: Office):
    office.put(RECEIPT, b"{}")
    office.put(STATEMENT, b"\xb1" * 3_000_000)
    assert await office.fetch() == [STATEMENT, RECEIPT]
    assert await replies() == [(STATEMENT, "statement", 0, None), (RECEIPT, "receipt", 0, None)]
    async with transaction() as tx:
        parts = await tx.rows("select octet_length(body) as size from reply_body order by reply_id, no")
        body = await tx.value("select string_agg(body, '' order by no) from reply_body where reply_id = (select min(reply_id) from reply)")
        messages = await tx.rows("select queue, actor, args->>'reply_id' as reply from outbox order by outbox_id")
        ids = [str(row["reply_id"]) for row in await tx.rows("select reply_id from reply order by reply_id")]
    assert [row["size"] for row in parts] == [1_048_576, 1_048_576, 902_848, 2]
    assert body == b"\xb1" * 3_000_000
    assert [tuple(row) for row in messages] == [("replies", "read_reply", number) for number in ids]


async def test_nothing_is_downloaded_twice(office: Office):
    office.put(RECEIPT)
    assert await office.fetch() == [RECEIPT]
    assert await office.fetch() == []
    assert len(await replies()) == 1


async def test_another_process_looks_at_recent_files_once(office: Office):
    old, recent = datetime(2026, 11, 1, tzinfo=UTC), office.world.machine_now
    office.put(RECEIPT, modified=old)
    office.put(RESULT, modified=recent)
    await office.fetch()
    other = office.world.services("other")
    assert await office.fetch(other) == [RESULT]
    assert await office.fetch(other) == []
    assert len(await replies()) == 2


@pytest.mark.parametrize("same_size", [True, False])
async def test_other_bytes_under_a_known_name_are_held(office: Office, same_size: bool):
    """S04: the second is kept, shown to a person, and read by nobody."""
    office.put(RECEIPT, b"first ")
    await office.fetch()
    office.world.wait(days=30)
    office.put(RECEIPT, b"second" if same_size else b"other")
    assert await office.fetch() == [RECEIPT]
    assert await replies() == [(RECEIPT, "receipt", 0, None), (RECEIPT, "receipt", 3, "NAME_REUSED")]
    assert await office.world.exceptions() == ["NAME_REUSED"]
    async with transaction() as tx:
        assert await tx.value("select count(*) from outbox") == 1


async def test_the_same_bytes_again_leave_nothing(office: Office):
    office.put(RECEIPT)
    await office.fetch()
    office.world.wait(days=30)
    office.put(RECEIPT)
    assert await office.fetch() == [RECEIPT]
    assert len(await replies()) == 1
    assert await office.world.exceptions() == []


async def test_a_name_that_we_do_not_know(office: Office):
    office.put("お知らせ.txt")
    await office.fetch()
    assert await replies() == [("お知らせ.txt", "other", 3, "UNKNOWN_FILE")]
    assert await office.world.exceptions() == ["UNKNOWN_FILE"]


async def test_one_file_that_cannot_be_read_does_not_stop_the_others(office: Office, monkeypatch: pytest.MonkeyPatch):
    """S65."""
    office.put(RECEIPT)
    office.put(RESULT)
    (office.world.book.path / "out" / RECEIPT).chmod(0)
    read = DirectoryChannel.read

    async def torn(channel: DirectoryChannel, name: str) -> Any:
        async for chunk in read(channel, name):
            yield chunk[: -1 if name == RECEIPT else None]

    with monkeypatch.context() as patched:
        patched.setattr(DirectoryChannel, "read", torn)
        await office.fetch()
    assert [row[0] for row in await replies()] == [RESULT]
    state = await poll()
    assert state["failures"] == 1
    assert "121 bytes came, the list says 122" in state["problem"]
    await office.fetch()
    assert [row[0] for row in await replies()] == [RESULT, RECEIPT]
    assert (await poll())["failures"] == 0


async def test_what_is_too_large_is_not_downloaded(office: Office, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetching, "MAX_SIZE", 100)
    office.put(STATEMENT, b"x" * 101)
    assert await office.fetch() == []
    assert await office.fetch() == []
    assert await office.world.exceptions() == ["FILE_TOO_LARGE"]


async def test_a_bank_that_is_away_is_written_down(office: Office):
    (office.world.book.path / "out").rename(office.world.path / "away")
    await office.fetch()
    await office.fetch()
    state = await poll()
    assert (state["failures"], state["machine_at"]) == (2, office.world.machine_now)
    assert "No such file" in state["problem"]
    (office.world.path / "away").rename(office.world.book.path / "out")
    await office.fetch()
    assert tuple(await poll())[2:] == (None, 0)


async def test_the_round_counts_for_the_instant_at_which_it_began(office: Office, monkeypatch: pytest.MonkeyPatch):
    """The clock moves while the list is being read: what the bank says at the new instant has not been heard yet."""
    async with transaction() as tx:
        await tx.run("insert into business_clock(id, standing_at, moves, sandbox) values (1, $1, 7, true)", NOW)
    listing = DirectoryChannel.list_out

    async def moving(channel: DirectoryChannel) -> Any:
        listed = await listing(channel)
        await office.world.set("business_clock", "moves", 8)
        return listed

    monkeypatch.setattr(DirectoryChannel, "list_out", moving)
    await office.fetch()
    assert (await poll())["moves"] == 7


async def test_two_workers_do_not_look_at_once(office: Office, monkeypatch: pytest.MonkeyPatch):
    office.put(RECEIPT)
    async with transaction() as tx:
        await tx.run(
            "insert into lease(name, holder, until) values ('bank:9991', 'another', $1::timestamptz + interval '1 second')",
            office.world.machine_now,
        )
    assert await office.fetch() == []
    assert await poll() is None
    office.world.wait(seconds=2)
    assert await office.fetch() == [RECEIPT]
    async with transaction() as tx:
        assert await tx.value("select count(*) from lease") == 0


async def test_ten_years_of_files_cost_one_list(office: Office):
    """A new process asks the database for names, downloads nothing old, and does not ask again."""
    stamp = datetime(2020, 1, 1, tzinfo=UTC)
    names = [f"03_999100119{n:06d}_20000924_001.txt" for n in range(300)]
    for name in names:
        office.put(name, modified=stamp)
    async with transaction() as tx:
        await tx.copy_in(
            "reply",
            ["channel", "name", "sha256", "size", "kind", "status", "at", "machine_at"],
            [("bank:9991", name, b"x", 122, "statement", 2, NOW, stamp) for name in names],
        )
    assert await office.fetch() == []
    assert office.services.seen.news("bank:9991", await DirectoryChannel(office.world.book.path, deduplicates=False).list_out()) == []
