"""Passwords: argon2id, in worker threads, few at a time. Each takes 64 MiB and some 50 ms: more at once would be an attack by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=2)
AT_ONCE = 2
QUEUE = 64  # who comes when so many wait is sent away
# Nobody's: whoever names a user that there is not waits as long as for one that there is.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=2$74pVuaevoanVoW7xyHyAQA$iWwSiwSbqryAsNcDlDg82h9X99OCyORXhN74Kj75OQg"


T = TypeVar("T")


class Busy(Exception):
    """Too many passwords are being looked at."""


class Passwords:
    """Makes and compares hashes for one application."""

    def __init__(self) -> None:
        self._limiter: anyio.CapacityLimiter | None = None
        self._waiting = 0

    async def make(self, password: str) -> str:
        """A hash to keep. Raises Busy."""
        return await self._run(HASHER.hash, password)

    async def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password; without a hash it is not, after as long a time. Raises Busy."""
        good = await self._run(_fits, password_hash or NOBODY, password)
        return good and password_hash is not None

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= QUEUE:
            raise Busy
        self._limiter = self._limiter or anyio.CapacityLimiter(AT_ONCE)
        self._waiting += 1
        try:
            return await anyio.to_thread.run_sync(work, *arguments, limiter=self._limiter)
        finally:
            self._waiting -= 1


def _fits(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
