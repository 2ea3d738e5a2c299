"""The sending protocol (settlement rule 2): a worker that dies after each step, and the world that says no, late, or nothing."""

from typing import Any, Self

import httpx2
import pytest

from domain.statuses import BatchStatus, SweepStatus
from domain.store.connection import transaction
from tests.workers.conftest import BATCH, LABELS, NOW, World
from workers.channels.directory import DirectoryChannel
from workers.channels.errors import Unavailable, Unclear

CONTENT = b"9" * 120 + b"\r\n"
TO_BANKS = [label for label in LABELS if label != "delivery"]
BANK_POINTS = ["after_sending", "after_upload", "after_releasing", "after_rename", "after_sent"]
CARRIER_POINTS = ["after_sending", "after_releasing", "after_post", "after_answer", "after_sent"]
KEY = f"{BATCH:018d}"


@pytest.mark.parametrize("label", TO_BANKS)
async def test_a_file_arrives_once_under_its_name(world: World, label: str):
    name = await world.seal(label)
    await world.send()
    world.book.take()
    await world.send()
    world.book.take()
    assert world.book.taken == [(name, CONTENT)]
    batch = await world.batch()
    assert (BatchStatus(batch["status"]), batch["sent_at"], batch["lease_holder"]) == (BatchStatus.SENT, NOW, None)
    assert await world.exceptions() == []
    if label == "sweep":
        assert await world.sweep() is SweepStatus.SENT


@pytest.mark.parametrize("bank_is_quick", [False, True])
@pytest.mark.parametrize("point", BANK_POINTS)
@pytest.mark.parametrize("label", TO_BANKS)
async def test_a_worker_dies_and_the_bank_has_one_file(either: World, label: str, point: str, bank_is_quick: bool):
    """S04. After each arrow, whether the bank fetches the file before the next worker comes or not."""
    name = await either.seal(label)
    assert await either.send_and_die(f"{label}:{point}")
    if bank_is_quick:
        either.book.take()
    await either.send()  # the dead worker's lease still holds
    either.wait(seconds=16)
    await either.send()
    either.book.take()
    assert either.book.taken == [(name, CONTENT)]
    assert await either.status() is BatchStatus.SENT
    assert await either.exceptions() == []
    if label == "sweep":
        assert await either.sweep() is SweepStatus.SENT


@pytest.mark.parametrize("second", BANK_POINTS)
@pytest.mark.parametrize("first", BANK_POINTS)
async def test_two_workers_die_one_after_the_other(either: World, first: str, second: str):
    name = await either.seal("payout")
    assert await either.send_and_die(f"payout:{first}")
    either.wait(seconds=16)
    await either.send_and_die(f"payout:{second}")
    either.wait(seconds=16)
    await either.send()
    either.book.take()
    assert either.book.taken == [(name, CONTENT)]
    assert await either.status() is BatchStatus.SENT


@pytest.mark.parametrize(
    "point, booked, status",
    [
        ("after_sending", {False: 1, True: 1}, {False: BatchStatus.SENT, True: BatchStatus.SENT}),
        # Nothing had left us, but the next worker cannot know; the plain carrier might have a call in its pipes.
        ("after_releasing", {False: 0, True: 1}, {False: BatchStatus.UNKNOWN, True: BatchStatus.SENT}),
        ("after_post", {False: 1, True: 1}, {False: BatchStatus.SENT, True: BatchStatus.SENT}),
        ("after_answer", {False: 1, True: 1}, {False: BatchStatus.SENT, True: BatchStatus.SENT}),
        ("after_sent", {False: 1, True: 1}, {False: BatchStatus.SENT, True: BatchStatus.SENT}),
    ],
)
async def test_a_worker_dies_and_the_carrier_has_one_batch(
    either: World, deduplicates: bool, point: str, booked: dict[bool, int], status: dict[bool, BatchStatus]
):
    await either.seal("delivery")
    assert await either.send_and_die(f"delivery:{point}")
    either.wait(seconds=16)
    await either.send()
    await either.send()
    assert either.carrier.booked == [KEY] * booked[deduplicates]
    assert await either.status() is status[deduplicates]
    async with transaction() as tx:
        stored = await tx.rows("select channel, name, kind from reply")
    assert [tuple(row) for row in stored] == [("carrier:carrier-x", KEY, "answer")] * booked[deduplicates]
    assert await either.exceptions() == ([] if status[deduplicates] is BatchStatus.SENT else ["SEND_UNKNOWN"])


async def test_a_batch_that_is_unknown_is_never_sent_again(world: World):
    """I09."""
    await world.set("carrier", "deduplicates", value=False)
    world.carrier.deduplicates = False
    await world.seal("delivery")
    await world.send_and_die("delivery:after_releasing")
    world.wait(seconds=16)
    for _ in range(3):
        await world.send()
        world.wait(hours=1)
    assert world.carrier.booked == []
    assert (await world.batch())["tries"] == 0


# -- the world says no --------------------------------------------------------------------------------------------------


async def test_a_bank_that_is_away_is_tried_again_later(world: World):
    name = await world.seal("debit")
    (world.book.path / "in").rename(world.path / "away")
    for tries, seconds in ((1, 1), (2, 2), (3, 4)):
        await world.send()
        batch = await world.batch()
        assert BatchStatus(batch["status"]) is BatchStatus.SENDING
        assert batch["tries"] == tries
        assert "No such file" in batch["problem"]
        assert seconds <= (batch["next_try_at"] - world.machine_now).total_seconds() <= seconds * 1.1
        assert batch["lease_holder"] is None
        await world.send()  # too early: nothing happens
        assert (await world.batch())["tries"] == tries
        world.wait(seconds=seconds * 1.2)
    (world.path / "away").rename(world.book.path / "in")
    await world.send()
    world.book.take()
    assert [taken for taken, _ in world.book.taken] == [name]
    batch = await world.batch()
    assert (batch["tries"], batch["problem"], batch["next_try_at"]) == (0, None, None)


async def test_waits_do_not_grow_without_end(world: World):
    await world.seal("debit")
    await world.set("batch", "tries", 40)
    (world.book.path / "in").rename(world.path / "away")
    await world.send()
    assert 300 <= ((await world.batch())["next_try_at"] - world.machine_now).total_seconds() <= 330


class Failing(DirectoryChannel):
    """A bank that is lost sight of at the worst moment."""

    def __init__(self, world: World, *, error: Exception, renamed: bool) -> None:
        super().__init__(world.book.path, deduplicates=False)
        self.error, self.renamed = error, renamed

    async def release(self, name: str) -> None:
        if self.renamed:
            await super().release(name)
        raise self.error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return


@pytest.mark.parametrize("bank_is_quick", [False, True])
@pytest.mark.parametrize(
    "error, renamed", [(Unavailable("bank", "cut"), False), (Unclear("bank", "cut"), False), (Unclear("bank", "cut"), True)]
)
async def test_a_rename_whose_answer_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, renamed: bool, bank_is_quick: bool
):
    name = await world.seal("payout")
    with monkeypatch.context() as patched:
        patched.setattr(World, "open_bank", lambda self, _: Failing(self, error=error, renamed=renamed))
        await world.send()
    batch = await world.batch()
    assert (BatchStatus(batch["status"]), batch["tries"]) == (BatchStatus.RELEASING, 1)
    if bank_is_quick:
        world.book.take()
    world.wait(seconds=2)
    await world.send()
    world.book.take()
    assert world.book.taken == [(name, CONTENT)]
    assert await world.status() is BatchStatus.SENT


async def test_a_name_that_somebody_else_has_used(world: World):
    """Nothing is overwritten, and nobody can say what the bank will make of it."""
    name = await world.seal("payout")
    (world.book.path / "in" / name).write_bytes(b"other")
    await world.send()
    assert (world.book.path / "in" / name).read_bytes() == b"other"
    assert await world.status() is BatchStatus.UNKNOWN
    assert await world.exceptions() == ["SEND_UNKNOWN"]


async def test_a_sweep_whose_file_is_unknown_is_unknown_too(world: World):
    name = await world.seal("sweep")
    (world.book.path / "in" / name).write_bytes(b"other")
    await world.send()
    assert await world.sweep() is SweepStatus.UNKNOWN


@pytest.mark.parametrize("left, expected", [(b"half", {False: BatchStatus.UNKNOWN, True: BatchStatus.SENT})])
async def test_something_else_under_the_temporary_name(either: World, deduplicates: bool, left: bytes, expected: dict[bool, BatchStatus]):
    """Cannot be told: only a bank that recognises the same bytes gets them again."""
    name = await either.seal("debit")
    await either.send_and_die("debit:after_releasing")
    (either.book.path / "in" / f"{name}.tmp").write_bytes(left)
    either.wait(seconds=16)
    await either.send()
    either.book.take()
    assert await either.status() is expected[deduplicates]
    assert either.book.taken == ([(name, CONTENT)] if deduplicates else [])


@pytest.mark.parametrize("suffix", [".receipt.json", ".result.txt"])
async def test_a_bank_that_speaks_of_the_file_has_it(world: World, suffix: str):
    """Even if something else can be seen in the directory."""
    name = await world.seal("debit")
    await world.send_and_die("debit:after_releasing")
    async with transaction() as tx:
        await tx.run(
            "insert into reply(channel, name, sha256, size, kind, at, machine_at) values ('bank:9991', $1, 'x', 1, 'receipt', $2, $2)",
            name + suffix,
            NOW,
        )
    world.wait(seconds=16)
    await world.send()
    assert await world.status() is BatchStatus.SENT
    world.book.take()
    assert world.book.taken == []


async def test_a_worker_without_its_lease_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch):
    """A stalled worker wakes up after another has taken over: it stops before the point of no return."""
    await world.seal("debit")
    upload = DirectoryChannel.put_tmp

    async def stalled(channel: DirectoryChannel, name: str, chunks: Any) -> None:
        await upload(channel, name, chunks)
        await world.set("batch", "lease_holder", "another")

    monkeypatch.setattr(DirectoryChannel, "put_tmp", stalled)
    with pytest.raises(Exception, match="in other hands"):
        await world.send()
    assert await world.status() is BatchStatus.SENDING
    world.book.take()
    assert world.book.taken == []


# -- the spool ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["debit", "delivery"])
@pytest.mark.parametrize("remade, status", [(CONTENT, BatchStatus.SENT), (b"other", BatchStatus.SENDING), (None, BatchStatus.SENDING)])
async def test_a_lost_file_is_made_again_or_everything_stops(
    world: World, monkeypatch: pytest.MonkeyPatch, label: str, remade: bytes | None, status: BatchStatus
):
    from workers import sealing

    async def remake(home: int, batch_id: int, spool: Any) -> None:
        if remade is not None:
            with spool.writer() as file:
                file.write(remade)
                file.finish()

    monkeypatch.setattr(sealing, "remake", remake)
    await world.seal(label, spooled=False)
    await world.send()
    world.book.take()
    assert await world.status() is status
    went_out = len(world.book.taken) + len(world.carrier.booked)
    assert went_out == (1 if status is BatchStatus.SENT else 0)
    assert await world.exceptions() == ([] if status is BatchStatus.SENT else ["SPOOL_LOST"])


async def test_an_altered_spool_file_is_not_sent(world: World, monkeypatch: pytest.MonkeyPatch):
    from workers import sealing

    async def remake(*_: object) -> None:
        """The lines are gone as well."""

    monkeypatch.setattr(sealing, "remake", remake)
    await world.seal("payout")
    world.spool.path_of((await world.batch())["sha256"]).write_bytes(b"8" * 122)
    await world.send()
    world.book.take()
    assert world.book.taken == []
    assert await world.exceptions() == ["SPOOL_LOST"]


# -- carriers -------------------------------------------------------------------------------------------------------------


def cut(_: httpx2.Request) -> None:
    raise httpx2.ReadTimeout("cut")


def away(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused")


def busy(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(503, headers={"retry-after": "90"})


async def test_an_answer_that_is_lost_is_asked_for(either: World):
    either.carrier.after = cut
    await either.seal("delivery")
    await either.send()
    assert either.carrier.booked == [KEY]
    assert await either.status() is BatchStatus.SENT


@pytest.mark.parametrize("fail, seconds", [(away, 1), (busy, 90)])
async def test_a_carrier_that_has_not_begun_is_called_again(either: World, fail: Any, seconds: int):
    """A refused connection and a 503 say that nothing happened, so that even a plain carrier may be called again."""
    either.carrier.fail = fail
    await either.seal("delivery")
    await either.send()
    batch = await either.batch()
    assert (BatchStatus(batch["status"]), batch["untouched"], batch["tries"]) == (BatchStatus.RELEASING, True, 1)
    assert seconds <= (batch["next_try_at"] - either.machine_now).total_seconds() <= 100
    either.wait(seconds=100)
    await either.send()  # still away: nothing is learned, and nothing forgotten
    assert (await either.batch())["untouched"]
    either.carrier.fail = None
    either.wait(seconds=300)
    await either.send()
    assert either.carrier.booked == [KEY]
    batch = await either.batch()
    assert (BatchStatus(batch["status"]), batch["untouched"]) == (BatchStatus.SENT, False)


async def test_a_call_that_is_repeated_is_not_untouched_any_more(world: World):
    """It was called again after a 503, and died there: what the 503 said does not hold any more."""
    await world.set("carrier", "deduplicates", value=False)
    world.carrier.deduplicates = False
    world.carrier.fail = busy
    await world.seal("delivery")
    await world.send()
    world.carrier.fail = None
    world.wait(seconds=100)
    assert await world.send_and_die("delivery:after_releasing")
    world.wait(seconds=16)
    await world.send()
    assert world.carrier.booked == []
    assert await world.status() is BatchStatus.UNKNOWN


@pytest.mark.parametrize("status", [500, 302])
async def test_a_plain_carrier_that_says_nothing_clear_makes_it_unknown(world: World, status: int):
    await world.set("carrier", "deduplicates", value=False)
    world.carrier.deduplicates = False
    world.carrier.fail = lambda request: httpx2.Response(status if request.method == "POST" else 404)
    await world.seal("delivery")
    await world.send()
    assert await world.status() is BatchStatus.UNKNOWN


async def test_another_content_under_our_key_makes_it_unknown(world: World):
    world.carrier.fail = lambda _: httpx2.Response(409, json={"code": "KEY_REUSED"})
    await world.seal("delivery")
    await world.send()
    assert await world.status() is BatchStatus.UNKNOWN
    assert await world.exceptions() == ["SEND_UNKNOWN"]


async def test_a_refused_call_goes_the_way_of_all_replies(world: World):
    world.carrier.fail = lambda _: httpx2.Response(422, content=b'{"code": "INVALID", "errors": []}')
    await world.seal("delivery")
    await world.send()
    assert await world.status() is BatchStatus.SENT
    async with transaction() as tx:
        assert await tx.value("select body from reply_body") == b'{"code": "INVALID", "errors": []}'
        assert await tx.value("select actor from outbox") == "read_reply"
