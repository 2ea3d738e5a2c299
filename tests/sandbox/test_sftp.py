"""The banks' directories over SFTP, and the rules that make it misbehave."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sandbox.app import make_app
from sandbox.sftp import SftpGate
from tests.sandbox.worlds import Sandbox, debit_file, debit_name

NAME = debit_name("09-24")
CONTENT = debit_file("09-24", [("9000008", 12_000)] * 400)


@pytest.fixture
async def gate(sandbox: Sandbox) -> AsyncIterator[SftpGate]:
    gate = SftpGate(sandbox.world, 0)
    await gate.open()
    import httpx2

    sandbox.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=make_app(sandbox.world, gate)), base_url="http://sandbox.invalid")
    yield gate
    await gate.close()


@contextlib.asynccontextmanager
async def client(gate: SftpGate, user: str = "9991", key: str | None = None) -> AsyncIterator[asyncssh.SFTPClient]:
    place = gate.describe()
    async with (
        asyncssh.connect(
            place["host"],
            place["port"],
            username=user,
            client_keys=[key or place["users"][user]["key_file"]],
            known_hosts=([asyncssh.import_public_key(place["host_key"])], [], []),
            agent_path=None,
            config=None,
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):
        yield sftp


async def upload(sftp: asyncssh.SFTPClient, name: str, content: bytes) -> None:
    async with sftp.open(f"in/{name}.tmp", "wb") as file:
        for start in range(0, len(content), 8_000):
            await file.write(content[start : start + 8_000])
    await sftp.rename(f"in/{name}.tmp", f"in/{name}")


async def test_a_file_and_its_receipt(sandbox: Sandbox, gate: SftpGate):
    async with client(gate) as sftp:
        await upload(sftp, NAME, CONTENT)
        await sandbox.settle()
        assert sorted({str(n) for n in await sftp.listdir("out")} - {".", ".."}) == [f"{NAME}.receipt.json"]
        async with sftp.open(f"out/{NAME}.receipt.json", "rb") as file:
            fetched: object = await file.read()
        assert fetched == sandbox.read("9991", f"{NAME}.receipt.json")


async def test_a_plain_rename_refuses_a_name_that_is_there(sandbox: Sandbox, gate: SftpGate):
    async with client(gate) as sftp:
        await upload(sftp, NAME, CONTENT)
        with pytest.raises(asyncssh.SFTPError):
            await upload(sftp, NAME, b"other")
        with pytest.raises(asyncssh.SFTPError):
            await sftp.posix_rename(f"in/{NAME}.tmp", f"in/{NAME}")
        assert sorted(n for n in await sftp.listdir("in") if NAME in str(n)) == [NAME, f"{NAME}.tmp"]
        await sftp.remove(f"in/{NAME}.tmp")
    assert (sandbox.directory / "banks" / "9991" / "in" / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("path", ["out/x", "work/x", "taken/x", "x", "in/../out/x", "/out/x"])
async def test_only_in_may_be_written_to(sandbox: Sandbox, gate: SftpGate, path: str):
    async with client(gate) as sftp:
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.open(path, "wb")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.remove(path)
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.mkdir("in/new")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.symlink("/etc", "in/etc")


async def test_each_bank_is_locked_into_its_directory(sandbox: Sandbox, gate: SftpGate):
    async with client(gate, "9990") as sftp:
        await upload(sftp, NAME, CONTENT)
        assert not await sftp.exists("../9991/in")
        assert await sftp.realpath("..") == "/"
    assert (sandbox.directory / "banks" / "9990" / "in" / NAME).exists()


async def test_who_may_come_in(sandbox: Sandbox, gate: SftpGate):
    place = gate.describe()
    other = place["users"]["9990"]["key_file"]
    with pytest.raises(asyncssh.PermissionDenied):
        async with client(gate, "9991", key=other):
            pass
    async with client(gate, "9991", key=place["key_file"]) as sftp:  # the key that all banks take
        assert await sftp.exists("in")
    for key in (place["key_file"], other):
        assert Path(key).stat().st_mode & 0o077 == 0


async def test_keys_are_kept(sandbox: Sandbox, gate: SftpGate):
    again = SftpGate(sandbox.world, 0)
    assert again.describe()["host_key"] == gate.describe()["host_key"]
    assert again.describe()["users"] == gate.describe()["users"]


async def rule(sandbox: Sandbox, action: dict[str, Any]) -> None:
    answer = await sandbox.http.post("/banks/9991/rules", json={"action": action, "times": 1})
    assert answer.status_code == 201


async def test_refused_login(sandbox: Sandbox, gate: SftpGate):
    await rule(sandbox, {"sftp_refuse_login": True})
    with pytest.raises(asyncssh.PermissionDenied):
        async with client(gate):
            pass
    async with client(gate) as sftp:
        assert await sftp.exists("in")


async def test_a_connection_cut_while_uploading(sandbox: Sandbox, gate: SftpGate):
    await rule(sandbox, {"sftp_cut_after": 20_000})
    with pytest.raises((asyncssh.SFTPError, asyncssh.ConnectionLost)):
        async with client(gate) as sftp:
            await upload(sftp, NAME, CONTENT)
    inbox = sandbox.directory / "banks" / "9991" / "in"
    assert [(p.name, p.stat().st_size) for p in inbox.iterdir()] == [(f"{NAME}.tmp", 20_000)]
    async with client(gate) as sftp:
        await upload(sftp, NAME, CONTENT)
    await sandbox.settle()
    assert sandbox.receipt("9991", NAME)["count"] == 400


async def test_another_host_key(sandbox: Sandbox, gate: SftpGate):
    pinned, port = gate.describe()["host_key"], gate.describe()["port"]
    await rule(sandbox, {"sftp_changed_host_key": True})
    assert (gate.describe()["host_key"], gate.describe()["port"]) == (pinned, port)
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        async with client(gate):
            pass
    await sandbox.http.delete("/banks/9991/rules")
    async with client(gate) as sftp:
        assert await sftp.exists("in")
