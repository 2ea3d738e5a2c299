"""The bell: somebody has written, so the log is worth a look. It may be gone for a while, and nobody misses anything by that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.stream import BELL

log = structlog.get_logger("api.live")

PATIENCE_SECONDS = 2.0
AGAIN_SECONDS = 1.0


class Bell:
    """One connection that listens and one that rings, for one process."""

    def __init__(self, url: str | None, heard: Callable[[], None]) -> None:
        self._url, self._heard = url, heard
        self._ringer: redis.Redis | None = None
        self._ringing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Listens until it is cancelled. After a silence it says once that there may be something."""
        if self._url is None:
            return
        away = False
        while True:
            try:
                async with redis.from_url(self._url, socket_timeout=None, retry=Retry(NoBackoff(), 0)) as client, client.pubsub() as ear:
                    await ear.subscribe(BELL)
                    away = False
                    async for _ in ear.listen():  # its first word is that we are listening
                        self._heard()
            except (RedisError, OSError) as error:
                if not away:
                    log.warning("bell_away", error=type(error).__name__)
                away = True
                await asyncio.sleep(AGAIN_SECONDS)

    def ring(self) -> None:
        """Tells this process at once and the others soon; one ring at a time is enough. Never waits, never fails."""
        self._heard()
        if self._url is not None and (self._ringing is None or self._ringing.done()):
            self._ringing = asyncio.get_running_loop().create_task(self._ring(self._url))

    async def _ring(self, url: str) -> None:
        if self._ringer is None:
            self._ringer = redis.from_url(url, socket_timeout=PATIENCE_SECONDS, retry=Retry(NoBackoff(), 0))
        with contextlib.suppress(RedisError, OSError):
            await self._ringer.publish(BELL, b"")

    async def close(self) -> None:
        """Hangs up."""
        if self._ringing is not None:
            self._ringing.cancel()
            await asyncio.gather(self._ringing, return_exceptions=True)
        if self._ringer is not None:
            await self._ringer.aclose()
