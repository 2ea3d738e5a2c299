"""A bank as a pair of directories, local or mounted. File calls block, so they run in threads."""

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from pathlib import Path

from domain.sending import Temporary
from workers.channels.bank import CHUNK, MAX_SIZE, TMP, Listed, checked, digest_of, is_plain, upload_state
from workers.channels.errors import Refused, Unavailable


class DirectoryChannel:
    """`<path>/in` and `<path>/out`. Final names appear by `link`, which fails over an existing name, as no kind of rename does."""

    def __init__(self, path: Path, *, deduplicates: bool) -> None:
        self._in, self._out = path / "in", path / "out"
        self.deduplicates = deduplicates

    async def list_out(self) -> list[Listed]:
        """See BankChannel."""
        return await asyncio.to_thread(self._list_out)

    def _list_out(self) -> list[Listed]:
        found = []
        with _outside(self._out), os.scandir(self._out) as entries:
            for entry in entries:
                # A link could lead out of the directory, and a file that was taken away meanwhile is simply not there.
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_file(follow_symlinks=False) and is_plain(entry.name) and not entry.name.endswith(TMP):
                        status = entry.stat(follow_symlinks=False)
                        found.append(Listed(entry.name, status.st_size, status.st_mtime))
        return sorted(found, key=lambda file: file.name)

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """See BankChannel."""
        async for chunk in self._read(self._out / checked(str(self._out), name)):
            yield chunk

    async def _read(self, path: Path) -> AsyncIterator[bytes]:
        with _outside(path):
            descriptor = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as file:
                size = 0
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    size += len(chunk)
                    if size > MAX_SIZE:
                        raise Refused(str(path), f"larger than {MAX_SIZE} bytes")
                    yield chunk

    async def put_tmp(self, name: str, chunks: AsyncIterable[bytes]) -> None:
        """See BankChannel."""
        tmp = self._tmp(name)
        with _outside(tmp):
            # Not truncated but made anew: a stalled worker that still holds the old file must not write into ours.
            await asyncio.to_thread(tmp.unlink, missing_ok=True)
            file = await asyncio.to_thread(tmp.open, "xb")
            try:
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(file.flush)
                await asyncio.to_thread(os.fsync, file.fileno())
            finally:
                await asyncio.to_thread(file.close)
            await asyncio.to_thread(_sync, self._in)

    async def tmp_state(self, name: str, size: int | None, sha256: bytes) -> Temporary:
        """See BankChannel."""
        tmp = self._tmp(name)
        try:
            with _outside(tmp):
                status = await asyncio.to_thread(tmp.stat)
            if status.st_nlink > 1:
                # Killed between link and unlink: the final name was given, though the bank may have taken it since.
                return Temporary.GONE
            return upload_state((size, sha256), await digest_of(self._read(tmp)))
        except Unavailable as error:
            if isinstance(error.__cause__, FileNotFoundError) and await asyncio.to_thread(self._in.is_dir):
                return Temporary.GONE
            raise

    async def release(self, name: str) -> None:
        """See BankChannel."""
        await asyncio.to_thread(self._release, name)

    def _release(self, name: str) -> None:
        tmp, final = self._tmp(name), self._in / name
        with _outside(final):
            try:
                os.link(tmp, final, follow_symlinks=False)
            except FileExistsError:
                raise Refused(str(final), "the name exists") from None
            tmp.unlink(missing_ok=True)
            _sync(self._in)

    async def final_exists(self, name: str) -> bool:
        """See BankChannel."""
        final = self._in / checked(str(self._in), name)
        with _outside(self._in):
            await asyncio.to_thread(os.stat, self._in)  # a directory that is not mounted must not look like an empty one
            return await asyncio.to_thread(os.path.lexists, final)

    async def close(self) -> None:
        """Nothing is kept open."""

    def _tmp(self, name: str) -> Path:
        return self._in / (checked(str(self._in), name) + TMP)


@contextlib.contextmanager
def _outside(place: Path) -> Iterator[None]:
    """The operating system's errors in the channel's words."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR):
            raise Refused(str(place), "is not a file") from error
        raise Unavailable(str(place), error.strerror or type(error).__name__) from error


def _sync(directory: Path) -> None:
    """A new name is on the disk only when its directory is."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
