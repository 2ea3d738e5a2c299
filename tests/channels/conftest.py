"""The banks' channels side by side: the same tests run against each (a directory, an SFTP server in this process)."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from workers.channels.bank import BankChannel
from workers.channels.directory import DirectoryChannel
from workers.channels.sftp import open_sftp


class Server(asyncssh.SSHServer):
    """Lets in one user with one key."""

    def begin_auth(self, username: str) -> bool:
        return True


@dataclass
class SftpBank:
    """An SFTP server for one bank, over a directory."""

    path: Path
    port: int
    host_key: str
    key_file: Path
    listener: Any

    @property
    def address(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "kessai",
            "key_file": str(self.key_file),
            "known_host": self.host_key,
        }


@contextlib.asynccontextmanager
async def serve_sftp(path: Path, keys: Path) -> AsyncIterator[SftpBank]:
    keys.mkdir(exist_ok=True)
    host, ours = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    ours.write_private_key(keys / "key")
    (keys / "allowed").write_bytes(ours.export_public_key())
    listener = await asyncssh.create_server(
        Server,
        "127.0.0.1",
        0,
        server_host_keys=[host],
        authorized_client_keys=str(keys / "allowed"),
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(path).encode()),
    )
    try:
        yield SftpBank(path, listener.get_port(), host.export_public_key().decode().strip(), keys / "key", listener)
    finally:
        listener.close()
        await listener.wait_closed()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The bank's directory, seen from the bank."""
    for name in ("in", "out"):
        (tmp_path / "bank" / name).mkdir(parents=True)
    return tmp_path / "bank"


@pytest.fixture
async def sftp_bank(place: Path, tmp_path: Path) -> AsyncIterator[SftpBank]:
    async with serve_sftp(place, tmp_path / "keys") as bank:
        yield bank


@pytest.fixture(params=["directory", "sftp"])
async def channel(request: pytest.FixtureRequest, place: Path, tmp_path: Path) -> AsyncIterator[BankChannel]:
    if request.param == "directory":
        yield DirectoryChannel(place, deduplicates=False)
        return
    async with serve_sftp(place, tmp_path / "keys") as bank:
        opened = await open_sftp(bank.address, deduplicates=False)
        yield opened
        await opened.close()
