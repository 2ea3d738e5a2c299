"""What looking a bank or a carrier over has in common: what a finding is, an SFTP address's keys, and a connection that does not come.

Each finding says what was looked at and whether it would fail: `fine`, `note` (worth knowing, nothing fails for it) or `fails`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from domain.calendar import business_date, horizon
from workers.channels.bank import Listed
from workers.channels.errors import ChannelError

State = Literal["fine", "note", "fails"]
RECENT_FILES = 5  # of each kind in out/ that are read through
LARGEST = 4 << 20  # bytes of a file that is read through here
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    words: str


def keys(connector: str, address: Mapping[str, Any]) -> Iterator[Finding]:
    """Our key and the other side's, where there are such."""
    if connector != "sftp":
        return
    key = Path(address["key_file"])
    if not key.is_file():
        yield Finding("key", "fails", f"there is no file {key}")
    elif not os.access(key, os.R_OK):
        yield Finding("key", "fails", f"{key} cannot be read by this user")
    elif key.stat().st_mode & 0o077:
        yield Finding("key", "note", f"{key} can be read by others: chmod 600")
    else:
        yield Finding("key", "fine", f"{key} is there and private")
    import asyncssh

    try:
        host = asyncssh.import_public_key(address["known_host"])
    except (asyncssh.KeyImportError, ValueError):
        yield Finding("host key", "fails", "address.known_host is no public key; it looks like `ssh-ed25519 AAAA...`")
    else:
        yield Finding("host key", "fine", f"{host.get_algorithm()} {host.get_fingerprint()}; another one is refused")


def writable(connector: str, address: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether files could be put into a directory's in/. Of a server it shows only when one is."""
    if connector == "directory" and not os.access(Path(address["path"]) / "in", os.W_OK | os.X_OK):
        yield Finding("connection", "fails", "in/ cannot be written by this user")


def days_end(now: datetime) -> Iterator[Finding]:
    """Whether bank days are known for long enough from a business instant on."""
    last = horizon()[1]
    if business_date(now) + timedelta(days=90) > last:
        yield Finding("calendar", "note", f"bank days are known through {last} only: time for a new version")


async def connected(look: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    """What `look` finds over an open channel, or why there is none."""
    try:
        async with asyncio.timeout(SECONDS):
            return await look()
    except TimeoutError:
        return [Finding("connection", "fails", f"no answer within {SECONDS:.0f} seconds")]
    except ChannelError as error:
        return [Finding("connection", "fails", str(error))]


def newest(listed: Sequence[Listed], kind_of: Callable[[str], str], kinds: Sequence[str]) -> list[Listed]:
    """The last files of each of these kinds that are small enough to be read through here."""
    chosen: list[Listed] = []
    for kind in kinds:
        files = [file for file in listed if kind_of(file.name) == kind and file.size <= LARGEST]
        chosen += sorted(files, key=lambda file: (file.modified, file.name))[-RECENT_FILES:]
    return chosen
