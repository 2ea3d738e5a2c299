"""What every bank channel promises (docs/wire.md section 1). A new one is added to the fixture `channel` and to nothing else."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.sending import Temporary
from workers.channels import bank, directory, sftp
from workers.channels.bank import BankChannel
from workers.channels.errors import Refused, Unavailable

NAME = "91_9000000001_20000924_001.txt"
BYTES = b"1" * 120 + b"\r\n"


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def whole(channel: BankChannel, name: str) -> bytes:
    return b"".join([chunk async for chunk in channel.read(name)])


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


async def test_what_goes_out_appears_by_rename(channel: BankChannel, place: Path):
    await channel.put_tmp(NAME, chunks(BYTES[:50], BYTES[50:]))
    assert [p.name for p in (place / "in").iterdir()] == [NAME + ".tmp"]
    assert not await channel.final_exists(NAME)
    await channel.release(NAME)
    assert [p.name for p in (place / "in").iterdir()] == [NAME]
    assert (place / "in" / NAME).read_bytes() == BYTES
    assert await channel.final_exists(NAME)


async def test_an_existing_name_is_never_overwritten(channel: BankChannel, place: Path):
    (place / "in" / NAME).write_bytes(b"older")
    await channel.put_tmp(NAME, chunks(BYTES))
    with pytest.raises(Refused):
        await channel.release(NAME)
    assert (place / "in" / NAME).read_bytes() == b"older"
    assert (place / "in" / (NAME + ".tmp")).read_bytes() == BYTES


async def test_an_upload_is_replaced_by_the_next(channel: BankChannel, place: Path):
    await channel.put_tmp(NAME, chunks(BYTES, BYTES))
    await channel.put_tmp(NAME, chunks(BYTES))
    assert (place / "in" / (NAME + ".tmp")).read_bytes() == BYTES


async def test_a_stalled_writer_does_not_write_into_the_next_upload(channel: BankChannel, place: Path):
    """Two workers, one stalled: what the first still holds open is not what the second releases."""
    old = (place / "in" / (NAME + ".tmp")).open("wb")
    with old:
        await channel.put_tmp(NAME, chunks(BYTES))
        old.write(b"x" * 500)
    assert (place / "in" / (NAME + ".tmp")).read_bytes() == BYTES


async def test_a_cut_upload_leaves_nothing_that_a_bank_would_read(channel: BankChannel, place: Path):
    async def cut() -> AsyncIterator[bytes]:
        yield BYTES[:60]
        raise ConnectionError("cut")

    with pytest.raises(Unavailable):
        await channel.put_tmp(NAME, cut())
    assert not await channel.final_exists(NAME)
    assert {p.name for p in (place / "in").iterdir()} <= {NAME + ".tmp"}
    assert await channel.tmp_state(NAME, len(BYTES), digest(BYTES)) is Temporary.PARTIAL


@pytest.mark.parametrize(
    "lying, expected",
    [
        (None, Temporary.GONE),
        (BYTES, Temporary.COMPLETE),
        (BYTES[:-1], Temporary.PARTIAL),
        (b"2" + BYTES[1:], Temporary.PARTIAL),
        (b"", Temporary.PARTIAL),
    ],
)
async def test_what_is_left_of_an_upload(channel: BankChannel, place: Path, lying: bytes | None, expected: Temporary):
    if lying is not None:
        (place / "in" / (NAME + ".tmp")).write_bytes(lying)
    assert await channel.tmp_state(NAME, len(BYTES), digest(BYTES)) is expected
    assert await channel.tmp_state(NAME, None, digest(BYTES)) is expected


async def test_a_directory_that_is_away_is_not_an_empty_one(channel: BankChannel, place: Path):
    (place / "in").rename(place / "gone")
    (place / "out").rename(place / "gone too")
    for look in (
        channel.list_out(),
        channel.final_exists(NAME),
        channel.tmp_state(NAME, None, digest(BYTES)),
        channel.put_tmp(NAME, chunks(BYTES)),
        channel.release(NAME),
    ):
        with pytest.raises(Unavailable):
            await look


async def test_a_release_without_an_upload_has_done_nothing(channel: BankChannel, place: Path):
    with pytest.raises(Unavailable):
        await channel.release(NAME)
    assert list((place / "in").iterdir()) == []


async def test_the_list_shows_complete_files_only(channel: BankChannel, place: Path):
    out = place / "out"
    (out / f"{NAME}.receipt.json").write_bytes(b"{}")
    (out / "b.txt").write_bytes(BYTES)
    (out / "b.txt.tmp").write_bytes(BYTES)
    (out / ".hidden").write_bytes(BYTES)
    (out / "folder").mkdir()
    (out / "link").symlink_to(out / "b.txt")
    os.utime(out / "b.txt", (1_000_000_000, 1_000_000_000))
    listed = await channel.list_out()
    assert [(file.name, file.size) for file in listed] == [(f"{NAME}.receipt.json", 2), ("b.txt", 122)]
    assert listed[1].modified == 1_000_000_000


async def test_a_name_in_no_known_encoding_hides_no_other(channel: BankChannel, place: Path):
    (place / "out" / os.fsdecode(b"\xff\xfe")).write_bytes(b"")
    (place / "out" / "日本.txt").write_bytes(b"1")
    assert [file.name for file in await channel.list_out()] == ["日本.txt"]


async def test_reading_goes_in_chunks(channel: BankChannel, place: Path):
    data = os.urandom(3 * bank.CHUNK + 17)
    (place / "out" / "a.txt").write_bytes(data)
    sizes = [len(chunk) async for chunk in channel.read("a.txt")]
    assert max(sizes) <= bank.CHUNK
    assert await whole(channel, "a.txt") == data


async def test_reading_what_is_not_there(channel: BankChannel):
    with pytest.raises(Unavailable):
        await whole(channel, "nothing.txt")


async def test_a_file_over_the_limit_is_refused(channel: BankChannel, place: Path, monkeypatch: pytest.MonkeyPatch):
    for module in (directory, sftp):
        monkeypatch.setattr(module, "MAX_SIZE", 1000)
    (place / "out" / "a.txt").write_bytes(b"1" * 1001)
    with pytest.raises(Refused, match="larger than 1000 bytes"):
        await whole(channel, "a.txt")


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "..", ".", "", "a/b", "/etc/hostname", "a\\b", "a\0b", "a\nb", ".hidden", "x.tmp", "n" * 201, "日" * 67],
)
async def test_a_name_stays_in_its_directory(channel: BankChannel, place: Path, name: str):
    (place / "out.txt").write_bytes(b"outside")
    for look in (
        channel.put_tmp(name, chunks(BYTES)),
        channel.release(name),
        channel.final_exists(name),
        channel.tmp_state(name, None, digest(BYTES)),
        whole(channel, name),
    ):
        with pytest.raises(Refused):
            await look
    assert list((place / "in").iterdir()) == []
    assert sorted(p.name for p in place.iterdir()) == ["in", "out", "out.txt"]


async def test_nothing_is_deleted_or_moved_at_the_bank(channel: BankChannel, place: Path):
    (place / "out" / "a.txt").write_bytes(BYTES)
    await channel.list_out()
    await whole(channel, "a.txt")
    assert [p.name for p in (place / "out").iterdir()] == ["a.txt"]


async def test_a_full_bank_is_unavailable(place: Path, monkeypatch: pytest.MonkeyPatch):
    """Only the directory can be made full here: no room is no reason to think that anything happened."""
    channel = directory.DirectoryChannel(place, deduplicates=False)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        await channel.put_tmp(NAME, chunks(BYTES))
    assert not await channel.final_exists(NAME)


async def test_killed_between_link_and_unlink(place: Path):
    """The bank has taken the final name away; the temporary one is still there and must not be handed over again."""
    channel = directory.DirectoryChannel(place, deduplicates=False)
    await channel.put_tmp(NAME, chunks(BYTES))
    tmp, final = place / "in" / (NAME + ".tmp"), place / "in" / NAME
    os.link(tmp, final)
    final.rename(place / "taken")
    assert await channel.tmp_state(NAME, len(BYTES), digest(BYTES)) is Temporary.GONE
