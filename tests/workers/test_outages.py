"""What breaks on the way to a bank, or to a carrier that is given files, and what those who watch it see: words, exception, and its end.

Over a directory and over SFTP, each broken at the bank's own end: a disk or a line that fails half-way, no room, no directory, an answer that
gets lost, another host key, a refused login. Whatever it was, when it is mended the bank has the file once (S04).
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Self

import asyncssh
import httpx2
import pytest

from domain.advice import ADVICE
from domain.sending import TRIES_UNTIL_TOLD
from domain.statuses import BatchStatus
from domain.store.connection import transaction
from tests.workers.conftest import NOW, World
from workers.fetching import fetch_bank, fetch_carrier
from workers.services import Services

CONTENT = b"".join(b"%0120d\r\n" % n for n in range(3_000))
HALF = len(CONTENT) // 2


class Bank:
    """A bank at the other end of a directory; `trouble` says what is wrong there now."""

    def __init__(self, world: World, whose: str) -> None:
        self.world, self.whose, self.trouble = world, whose, ""
        self.channel = "bank:9991" if whose == "bank" else "carrier:carrier-x"
        self.incoming = "03_999100119000001_20000924_001.txt" if whose == "bank" else "status_20000924_001.csv"

    async def agree(self, connector: str, address: dict[str, Any]) -> None:
        """How it is reached, as we know it."""
        no_calls = ", url = null, secret = null" if self.whose == "carrier" else ""
        async with transaction() as tx:
            await tx.run(f"update {self.whose} set connector = $1, address = $2::jsonb{no_calls}", connector, json.dumps(address))

    async def seal(self) -> str:
        """Something that goes there as a file."""
        return await self.world.seal("payout" if self.whose == "bank" else "delivery", CONTENT, by_file=self.whose == "carrier")

    async def look(self, services: Services) -> None:
        """Looks through its out/ once."""
        machine = self.world.machine_now
        if self.whose == "bank":
            await fetch_bank("9991", services=services, holder="looker", now=NOW, machine_now=machine)
        else:
            await fetch_carrier("carrier-x", services=services, holder="looker", now=NOW, machine_now=machine)

    async def open(self) -> None:
        """Begins to serve."""

    async def close(self) -> None:
        """Serves no more."""

    async def begin(self, trouble: str) -> None:
        self.trouble = trouble
        if trouble == "away":
            for name in ("in", "out"):
                (self.world.book.path / name).rename(self.world.path / f"away-{name}")

    async def mend(self) -> None:
        if self.trouble == "away":
            for name in ("in", "out"):
                (self.world.path / f"away-{name}").rename(self.world.book.path / name)
        self.trouble = ""

    def left(self, done: int, data: bytes) -> bytes:
        """What of some more bytes still gets through."""
        return data[: max(HALF - done, 0)] if self.trouble in ("cut", "full") else data

    def error(self) -> OSError:
        return OSError(errno.ENOSPC, "No space left on device") if self.trouble == "full" else OSError(errno.EIO, "Input/output error")


class Torn:
    """A file of the bank's that breaks off."""

    def __init__(self, file: Any, bank: Bank) -> None:
        self.file, self.bank, self.done = file, bank, 0

    def write(self, data: bytes) -> int:
        self.done += self.file.write(kept := self.bank.left(self.done, data))
        if len(kept) < len(data):
            raise self.bank.error()
        return len(kept)

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        if self.bank.left(self.done, data) != data:
            raise self.bank.error()
        self.done += len(data)
        return bytes(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


class DirectoryBank(Bank):
    """Reached by its directory: disks break."""

    def __init__(self, world: World, whose: str, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(world, whose)
        opened, descriptor = Path.open, os.fdopen

        def to_write(path: Path, mode: str = "r", *args: Any, **more: Any) -> Any:
            file = opened(path, mode, *args, **more)
            return Torn(file, self) if mode == "xb" and path.parent == world.book.path / "in" else file

        def to_read(fd: int, mode: str = "r", *args: Any, **more: Any) -> Any:
            file = descriptor(fd, mode, *args, **more)
            ours = Path(f"/proc/self/fd/{fd}").resolve().is_relative_to(world.book.path)
            return Torn(file, self) if ours else file

        monkeypatch.setattr(Path, "open", to_write)
        monkeypatch.setattr(os, "fdopen", to_read)

    async def open(self) -> None:
        await self.agree("directory", {"path": str(self.world.book.path)})


class SftpBank(Bank):
    """Reached by SFTP: lines break, too, and keys and logins are looked at."""

    def __init__(self, world: World, whose: str) -> None:
        super().__init__(world, whose)
        self.port, self.logins_elsewhere = 0, 0
        self.listener: asyncssh.SSHAcceptor | None = None
        self.ours, self.host, self.other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))

    async def open(self) -> None:
        self.listener = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=lambda: Door(self),
            server_host_keys=[self.other if self.trouble == "host key" else self.host],
            sftp_factory=lambda channel: Files(channel, self),
            reuse_address=True,
        )
        self.port = self.listener.get_port()
        self.ours.write_private_key(self.world.path / "key")
        shown = self.host.export_public_key().decode().strip()
        address = {"host": "127.0.0.1", "port": self.port, "user": "kessai", "key_file": str(self.world.path / "key"), "known_host": shown}
        await self.agree("sftp", address)

    async def close(self) -> None:
        assert self.listener is not None
        self.listener.close()
        await self.listener.wait_closed()

    async def begin(self, trouble: str) -> None:
        await super().begin(trouble)
        await self._other_key(trouble)

    async def mend(self) -> None:
        trouble = self.trouble
        await super().mend()
        await self._other_key(trouble)

    async def _other_key(self, trouble: str) -> None:
        if trouble == "host key":
            await self.close()
            await self.open()


class Door(asyncssh.SSHServer):
    """Who is let in."""

    def __init__(self, bank: SftpBank) -> None:
        self.bank = bank

    def begin_auth(self, username: str) -> bool:
        self.bank.logins_elsewhere += self.bank.trouble == "host key"
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self.bank.trouble != "login" and key.public_data == self.bank.ours.public_data


class Files(asyncssh.SFTPServer):
    """The bank's directory, as long as its line and its disk hold."""

    def __init__(self, channel: Any, bank: SftpBank) -> None:
        super().__init__(channel, chroot=str(bank.world.book.path).encode())
        self.bank = bank

    def write(self, file_obj: Any, offset: int, data: bytes) -> Any:
        kept = self.bank.left(offset, data)
        super().write(file_obj, offset, kept)
        if len(kept) < len(data):
            self.breaks()
        return len(data)

    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        if len(self.bank.left(offset, bytes(size))) < size:
            self.breaks()
        return super().read(file_obj, offset, size)

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        super().rename(oldpath, newpath)
        if self.bank.trouble == "deaf":
            self.breaks()

    def breaks(self) -> None:
        if self.bank.trouble == "full":
            raise self.bank.error()
        self.connection.abort()
        raise asyncssh.SFTPConnectionLost("cut")


@pytest.fixture
async def bank(request: pytest.FixtureRequest, world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bank]:
    way, whose = request.param
    found = SftpBank(world, whose) if way == "sftp" else DirectoryBank(world, whose, monkeypatch)
    await found.open()
    yield found
    await found.close()


ONLY_SFTP = ("deaf", "host key", "login")
LASTING = {"host key": "HOST_KEY_CHANGED", "login": "LOGIN_REFUSED"}  # listed at once: they do not pass by themselves

SENDING = {
    # trouble: how far the batch is, and the words at the batch
    "cut": (BatchStatus.SENDING, ("Input/output error", "Connection lost", "Connection closed", "SFTPNoConnection")),
    "full": (BatchStatus.SENDING, ("No space left on device",)),
    "away": (BatchStatus.SENDING, ("No such file",)),
    "host key": (BatchStatus.SEALED, ("shows another host key than the one agreed on",)),
    "login": (BatchStatus.SEALED, ("does not let us in",)),
}
FETCHING = {
    "cut": SENDING["cut"][1],
    "away": ("No such file",),
    "host key": SENDING["host key"][1],
    "login": SENDING["login"][1],
}


async def listed(bank: Bank) -> list[tuple[str, bool]]:
    """Codes on the list, and whether they are done with."""
    async with transaction() as tx:
        rows = await tx.rows("select code, channel, closed_at, reason from exception order by exception_id")
    assert all(row["channel"] == bank.channel and row["code"] in ADVICE for row in rows)
    assert all("PRIVATE" not in row["reason"] for row in rows)
    return [(row["code"], row["closed_at"] is not None) for row in rows]


def ways(troubles: Iterable[str]) -> pytest.MarkDecorator:
    """Each trouble over each way on which it can happen, at a bank and at a carrier that is given files."""
    each = [
        ((way, whose), x)
        for whose in ("bank", "carrier")
        for way in ("directory", "sftp")
        for x in troubles
        if way == "sftp" or x not in ONLY_SFTP
    ]
    return pytest.mark.parametrize("bank, trouble", each, indirect=["bank"], ids=[f"{x} {' '.join(at)}" for at, x in each])


@ways(SENDING)
async def test_a_file_that_cannot_be_sent(world: World, bank: Bank, trouble: str):
    """It rests with its words, a person is told (once) when it lasts, nothing is at the bank, and mended it goes, once."""
    status, words = SENDING[trouble]
    name = await bank.seal()
    await bank.begin(trouble)
    await world.send()
    batch = await world.batch()
    assert (BatchStatus(batch["status"]), batch["tries"], batch["lease_holder"]) == (status, 1, None)
    assert any(some in batch["problem"] for some in words), batch["problem"]
    code = LASTING.get(trouble, "OUT_OF_REACH")
    assert await listed(bank) == ([(code, False)] if trouble in LASTING else [])
    await world.set("batch", "tries", TRIES_UNTIL_TOLD - 1)
    for _ in range(2):
        world.wait(hours=1)
        await world.send()
        assert await listed(bank) == [(code, False)]
    assert await world.status() is status
    await bank.mend()
    world.book.take()
    assert world.book.taken == []
    for _ in range(2):
        world.wait(hours=1)
        await world.send()
        world.book.take()
        assert world.book.taken == [(name, CONTENT)]
    batch = await world.batch()
    assert (BatchStatus(batch["status"]), batch["tries"], batch["problem"]) == (BatchStatus.SENT, 0, None)
    assert await listed(bank) == [(code, True)]
    assert getattr(bank, "logins_elsewhere", 0) == 0, "no login was tried at a server that is not the bank's"


@pytest.mark.parametrize("bank_is_quick", [False, True])
@ways(["deaf"])
async def test_a_rename_whose_answer_is_lost(world: World, bank: Bank, trouble: str, bank_is_quick: bool):
    """The line breaks when the bank has it: RELEASING, looked for, SENT, and not handed over again."""
    name = await bank.seal()
    await bank.begin(trouble)
    await world.send()
    assert await world.status() is BatchStatus.RELEASING
    assert "no answer to the rename" in (await world.batch())["problem"]
    if bank_is_quick:
        world.book.take()
    await bank.mend()
    world.wait(hours=1)
    await world.send()
    world.book.take()
    assert (await world.status(), world.book.taken) == (BatchStatus.SENT, [(name, CONTENT)])
    assert await listed(bank) == []


@ways(FETCHING)
async def test_a_pick_up_that_breaks_off(world: World, bank: Bank, trouble: str):
    """Nothing is stored of a part, the look says why, a person is told when it lasts; mended, the file comes once and the list is clear."""
    (world.book.path / "out" / bank.incoming).write_bytes(CONTENT)
    services = world.services()

    async def look(services: Services = services) -> Any:
        await bank.look(services)
        async with transaction() as tx:
            stored = await tx.rows(
                "select r.name, string_agg(b.body, '' order by b.no) from reply r join reply_body b using (reply_id) group by 1"
            )
            poll = await tx.row(f"select problem, failures from {bank.whose}_poll")
        return [tuple(row) for row in stored], poll

    await bank.begin(trouble)
    stored, poll = await look()
    assert (stored, poll["failures"]) == ([], 1)
    assert any(some in poll["problem"] for some in FETCHING[trouble]), poll["problem"]
    code = LASTING.get(trouble, "OUT_OF_REACH")
    assert await listed(bank) == ([(code, False)] if trouble in LASTING else [])
    await world.set(f"{bank.whose}_poll", "failures", TRIES_UNTIL_TOLD - 1)
    for _ in range(2):
        await look()
        assert await listed(bank) == [(code, False)]
    await bank.mend()
    for reader in (services, world.services("another process")):
        stored, poll = await look(reader)
        assert (stored, tuple(poll)) == ([(bank.incoming, CONTENT)], (None, 0))
    assert await listed(bank) == [(code, True)]
    await bank.begin(trouble)  # and again: the same row, open anew
    await world.set(f"{bank.whose}_poll", "failures", TRIES_UNTIL_TOLD)
    if trouble != "cut":
        await look()
        assert await listed(bank) == [(code, False)]
    await bank.mend()
    assert getattr(bank, "logins_elsewhere", 0) == 0


async def test_a_carrier_that_does_not_take_our_signature(world: World):
    """The same for whoever is called: listed at once, and taken back when the call goes through."""
    world.carrier.fail = lambda _: httpx2.Response(401)
    await world.seal("delivery")
    await world.send()
    batch = await world.batch()
    assert (BatchStatus(batch["status"]), batch["problem"]) == (BatchStatus.RELEASING, "carrier at carrier.test: answers 401")
    assert await world.exceptions() == ["LOGIN_REFUSED"]
    world.carrier.fail = None
    world.wait(hours=1)
    await world.send()
    async with transaction() as tx:
        assert await tx.value("select count(*) from exception where closed_at is null") == 0
    assert (await world.status(), len(world.carrier.booked)) == (BatchStatus.SENT, 1)
