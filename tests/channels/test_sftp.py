"""What only an SFTP bank can do to us: another key, no entry, silence, an answer that gets lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from domain.store.sending import BankAddress
from tests.channels.conftest import SftpBank
from workers.channels import sftp
from workers.channels.errors import Refused, Unavailable, Unclear
from workers.channels.opening import open_bank
from workers.channels.sftp import SftpChannel, open_sftp

NAME = "21_9000000001_20000924_001.txt"


async def one(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_another_host_key_is_nobody_we_know(sftp_bank: SftpBank):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(Unavailable, match="another host key"):
        await open_sftp({**sftp_bank.address, "known_host": other}, deduplicates=False)


async def test_a_refused_login_is_said_without_the_key(sftp_bank: SftpBank, tmp_path: Path):
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "other")
    with pytest.raises(Unavailable, match="does not let us in") as caught:
        await open_sftp({**sftp_bank.address, "key_file": str(tmp_path / "other")}, deduplicates=False)
    assert "other" not in str(caught.value)


@pytest.mark.parametrize("change", [{"key_file": "/nowhere/key"}, {"known_host": "ssh-ed25519 nonsense"}, {"port": 1}])
async def test_what_cannot_be_connected_is_unavailable(sftp_bank: SftpBank, change: dict[str, Any]):
    with pytest.raises(Unavailable):
        await open_sftp({**sftp_bank.address, **change}, deduplicates=False)


async def test_a_server_that_says_nothing(sftp_bank: SftpBank, monkeypatch: pytest.MonkeyPatch):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    monkeypatch.setattr(sftp, "CONNECT_SECONDS", 0.05)
    async with server:
        with pytest.raises(Unavailable):
            await open_sftp({**sftp_bank.address, "port": server.sockets[0].getsockname()[1]}, deduplicates=False)


async def test_an_answer_that_gets_lost_at_the_rename_is_unclear(sftp_bank: SftpBank, place: Path):
    """The server renames, and the connection is cut before it can say so."""
    channel = await open_sftp(sftp_bank.address, deduplicates=False)
    await channel.put_tmp(NAME, one(b"1" * 122))

    async def cut(*_: Any) -> None:
        (place / "in" / (NAME + ".tmp")).rename(place / "in" / NAME)
        raise asyncssh.SFTPConnectionLost("cut")

    channel._client.rename = cut  # type: ignore[method-assign, assignment]
    with pytest.raises(Unclear):
        await channel.release(NAME)
    await channel.close()


async def test_a_connection_that_was_cut_before_is_no_answer_either(sftp_bank: SftpBank):
    channel = await open_sftp(sftp_bank.address, deduplicates=False)
    await channel.put_tmp(NAME, one(b"1" * 122))
    channel._connection.abort()
    await channel._connection.wait_closed()
    with pytest.raises(Unclear):
        await channel.release(NAME)
    with pytest.raises(Unavailable):
        await channel.list_out()
    await channel.close()


async def test_opened_by_its_address(sftp_bank: SftpBank, place: Path):
    address = BankAddress("9990", "sftp", sftp_bank.address, deduplicates=True)
    async with open_bank(address) as channel:
        assert isinstance(channel, SftpChannel)
        await channel.put_tmp(NAME, one(b"1"))
        await channel.release(NAME)
        assert channel.deduplicates
    assert [p.name for p in (place / "in").iterdir()] == [NAME]
    assert str(sftp_bank.key_file) not in repr(address)


async def test_a_connector_that_nobody_wrote():
    with pytest.raises(Refused, match="no connector 'pigeon'"):
        async with open_bank(BankAddress("9990", "pigeon", {}, deduplicates=False)):
            pass
