"""A bank as an SFTP server: one pinned host key, one key of ours, plain `rename` (which fails over an existing name)."""

import asyncio
import contextlib
import os
import stat
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from typing import Any

import asyncssh

from domain.sending import Temporary
from workers.channels.bank import CHUNK, MAX_SIZE, TMP, Listed, checked, digest_of, is_plain, upload_state
from workers.channels.errors import LoginRefused, OtherHostKey, Refused, Unavailable, Unclear

CONNECT_SECONDS = 15.0
CALL_SECONDS = 60.0  # for one call or one chunk, never for a whole file
KEEPALIVE_SECONDS = 15.0

IN, OUT = "in", "out"


async def open_sftp(address: Mapping[str, Any], *, deduplicates: bool) -> "SftpChannel":
    """Connects. `address`: host, port, user, key_file, known_host (`ssh-ed25519 AAAA...`). Raises Unavailable, also for a refused login."""
    where = f"sftp {address['host']}:{address.get('port', 22)}"
    with _connecting(where):
        async with asyncio.timeout(CONNECT_SECONDS):
            # The one pinned key and nothing else: neither known_hosts files nor an agent nor the user's configuration have a say.
            connection = await asyncssh.connect(
                address["host"],
                int(address.get("port", 22)),
                username=address["user"],
                client_keys=[address["key_file"]],
                known_hosts=([asyncssh.import_public_key(address["known_host"])], [], []),
                agent_path=None,
                config=None,
                password=None,
                preferred_auth="publickey",
                keepalive_interval=KEEPALIVE_SECONDS,
            )
            try:
                client = await connection.start_sftp_client()
            except BaseException:
                connection.abort()
                raise
    return SftpChannel(where, connection, client, deduplicates=deduplicates)


class SftpChannel:
    """`in` and `out` below the directory that the login leads to."""

    def __init__(self, where: str, connection: asyncssh.SSHClientConnection, client: asyncssh.SFTPClient, *, deduplicates: bool) -> None:
        self._where, self._connection, self._client = where, connection, client
        self.deduplicates = deduplicates

    async def list_out(self) -> list[Listed]:
        """See BankChannel."""
        found = []
        with self._asking("list"):
            async with asyncio.timeout(CALL_SECONDS):
                # As bytes: one name that is not UTF-8 must not hide all the others.
                entries = await self._client.readdir(OUT.encode())
        for entry in entries:
            name, attributes = os.fsdecode(entry.filename), entry.attrs
            regular = attributes.permissions is None or stat.S_ISREG(attributes.permissions)
            if regular and is_plain(name) and not name.endswith(TMP):
                found.append(Listed(name, attributes.size or 0, float(attributes.mtime or 0)))
        return sorted(found, key=lambda file: file.name)

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """See BankChannel."""
        async for chunk in self._read(f"{OUT}/{checked(self._where, name)}"):
            yield chunk

    async def _read(self, path: str) -> AsyncIterator[bytes]:
        with self._asking("read"):
            async with asyncio.timeout(CALL_SECONDS):
                file: Any = await self._client.open(path, "rb")
            try:
                size = 0
                while chunk := await asyncio.wait_for(file.read(CHUNK), CALL_SECONDS):
                    size += len(chunk)
                    if size > MAX_SIZE:
                        raise Refused(self._where, f"{path} is larger than {MAX_SIZE} bytes")
                    yield chunk
            finally:
                await _close(file)

    async def put_tmp(self, name: str, chunks: AsyncIterable[bytes]) -> None:
        """See BankChannel."""
        tmp = self._tmp(name)
        with self._asking("upload"):
            with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                await asyncio.wait_for(self._client.remove(tmp), CALL_SECONDS)
            file = await asyncio.wait_for(self._client.open(tmp, "xb"), CALL_SECONDS)
            size = 0
            try:
                async for chunk in chunks:
                    await asyncio.wait_for(file.write(chunk), CALL_SECONDS)
                    size += len(chunk)
                with contextlib.suppress(asyncssh.SFTPOpUnsupported):
                    await asyncio.wait_for(file.fsync(), CALL_SECONDS)
            finally:
                await _close(file)
            arrived = (await asyncio.wait_for(self._client.stat(tmp), CALL_SECONDS)).size
        if arrived != size:
            raise Unavailable(self._where, f"{arrived} of {size} bytes arrived under {tmp}")

    async def tmp_state(self, name: str, size: int | None, sha256: bytes) -> Temporary:
        """See BankChannel."""
        try:
            return upload_state((size, sha256), await digest_of(self._read(self._tmp(name))))
        except Unavailable as error:
            if isinstance(error.__cause__, asyncssh.SFTPNoSuchFile) and await self._exists(IN):
                return Temporary.GONE
            raise

    async def release(self, name: str) -> None:
        """See BankChannel."""
        tmp = self._tmp(name)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._client.rename(tmp, f"{IN}/{name}")
        except asyncssh.SFTPNoSuchFile as error:
            raise Unavailable(self._where, f"{tmp} is not there") from error
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.DisconnectError, OSError) as error:
            # The request may have reached the server.
            raise Unclear(self._where, f"no answer to the rename of {tmp}: {_words(error)}") from error
        except asyncssh.SFTPError as error:
            if await self.final_exists(name):
                raise Refused(self._where, f"{name} exists") from error
            raise Unavailable(self._where, f"rename of {tmp}: {_words(error)}") from error

    async def final_exists(self, name: str) -> bool:
        """See BankChannel."""
        checked(self._where, name)
        if not await self._exists(IN):
            raise Unavailable(self._where, "there is no directory `in`")
        return await self._exists(f"{IN}/{name}")

    async def close(self) -> None:
        """See BankChannel."""
        self._client.exit()
        self._connection.close()
        with contextlib.suppress(TimeoutError, OSError, asyncssh.Error):
            await asyncio.wait_for(self._connection.wait_closed(), 5)

    async def _exists(self, path: str) -> bool:
        with self._asking("look"):
            try:
                await asyncio.wait_for(self._client.lstat(path), CALL_SECONDS)
            except asyncssh.SFTPNoSuchFile:
                return False
            return True

    def _tmp(self, name: str) -> str:
        return f"{IN}/{checked(self._where, name)}{TMP}"

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """The library's errors in the channel's words; none of these calls changes anything that the bank looks at."""
        try:
            yield
        except (asyncssh.Error, OSError) as error:  # TimeoutError is an OSError
            raise Unavailable(self._where, f"{what}: {_words(error)}") from error


@contextlib.contextmanager
def _connecting(where: str) -> Iterator[None]:
    try:
        yield
    except asyncssh.HostKeyNotVerifiable as error:
        raise OtherHostKey(where, "shows another host key than the one agreed on") from error
    except asyncssh.PermissionDenied as error:
        raise LoginRefused(where, "does not let us in") from error
    except (asyncssh.Error, asyncssh.KeyImportError, OSError) as error:
        raise Unavailable(where, _words(error)) from error


async def _close(file: asyncssh.SFTPClientFile) -> None:
    """Closes without hiding the error that ended the upload; a lost connection closes its files itself."""
    with contextlib.suppress(asyncssh.Error, OSError):
        await asyncio.wait_for(file.close(), CALL_SECONDS)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__} {error}".strip()
