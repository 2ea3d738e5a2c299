"""The bank channel: a directory `in/` to the bank and a directory `out/` from it (docs/wire.md section 1).

Whatever goes out is uploaded under `<name>.tmp` and appears by a rename that never overwrites; nobody reads a `.tmp`.
Nothing is ever deleted or moved at the bank.
"""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from domain.sending import Temporary
from workers.channels.errors import Refused

TMP = ".tmp"
CHUNK = 256 * 1024  # bytes at a time, in both directions
MAX_NAME = 200  # bytes; directories commonly take 255, and receipts add a suffix
# 999,999 lines and their frame make 120 MB as a 91 and 200 MB as a 03; nothing that a bank may send is larger.
MAX_SIZE = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Listed:
    """A complete file in out/. `modified` is in seconds on the bank's own clock."""

    name: str
    size: int
    modified: float


class PickUp(Protocol):
    """One bank, connected, as it is looked through. All calls raise Unavailable, Unclear or Refused, and nothing else for what happens outside."""

    deduplicates: bool  # the bank promises to recognise the same bytes under the same name or key

    async def list_out(self) -> list[Listed]:
        """All complete files in out/; never a `.tmp`."""
        ...

    def read(self, name: str) -> AsyncIterator[bytes]:
        """A file of out/ in chunks. Raises Refused for a name outside the directory or content over MAX_SIZE."""
        ...

    async def close(self) -> None:
        """Ends the connection."""
        ...


class BankChannel(PickUp, Protocol):
    """A bank that is given files."""

    async def put_tmp(self, name: str, chunks: AsyncIterable[bytes]) -> None:
        """Uploads to in/ under `<name>.tmp`, complete and durable when it returns. What was there under the temporary name is replaced."""
        ...

    async def tmp_state(self, name: str, size: int | None, sha256: bytes) -> Temporary:
        """What is left of an upload. GONE also when the final name has been given to it and the bank has taken that away."""
        ...

    async def release(self, name: str) -> None:
        """Gives the upload its final name, without overwriting. Raises Refused when that name exists, Unclear when the answer got lost."""
        ...

    async def final_exists(self, name: str) -> bool:
        """Whether the final name is in in/ now. A bank takes files away, so False does not say that it never was."""
        ...


def checked(where: str, name: str) -> str:
    """The name, if it names a file inside the directory and could not be a temporary one. Raises Refused."""
    if not is_plain(name) or name.endswith(TMP):
        raise Refused(where, f"{name!r:.80} is not the name of a file here")
    return name


def is_plain(name: str) -> bool:
    """Whether a name stays in its directory on every system, and shows itself in a list."""
    return (
        0 < len(name.encode(errors="surrogateescape")) <= MAX_NAME
        and not name.startswith(".")
        and not any(c in "/\\" or ord(c) < 32 or "\ud800" <= c <= "\udfff" for c in name)
    )


def upload_state(expected: tuple[int | None, bytes], found: tuple[int, bytes]) -> Temporary:
    """Compares an upload with what it should be: (size, SHA-256)."""
    size, sha256 = expected
    complete = found[1] == sha256 and size in (None, found[0])
    return Temporary.COMPLETE if complete else Temporary.PARTIAL


async def digest_of(chunks: AsyncIterable[bytes]) -> tuple[int, bytes]:
    """Size and SHA-256 of a stream."""
    digest, size = hashlib.sha256(), 0
    async for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return size, digest.digest()
