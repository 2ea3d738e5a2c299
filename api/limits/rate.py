"""How often a client may ask. Counters live in Redis so that all processes count together; lost ones only let somebody ask more.

A process takes its share from Redis in blocks, not one by one: most requests cost no round trip. While Redis is away (or where there is
none) each process counts by itself.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import redis.asyncio
from redis.exceptions import RedisError

from api.errors import ErrorCode, HttpRefusal
from api.masking import log
from api.options import Limits

PATIENCE = 0.25  # seconds for Redis
AWAY = timedelta(seconds=5)  # so long it is not asked again
BLOCKS = 40  # shares of a window
CLIENTS = 10_000  # remembered at once


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left: `remaining` of `quota` requests in a window of `window` seconds that ends in `reset` seconds.

    `whose` says what is counted together: a client, or an address.
    """

    whose: str
    quota: int
    window: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """RateLimit and RateLimit-Policy, as structured fields."""
        return {
            "ratelimit-policy": f'"{self.whose}";q={self.quota};w={self.window}',
            "ratelimit": f'"{self.whose}";r={self.remaining};t={self.reset}',
        }


@dataclass(frozen=True, slots=True)
class _Window:
    """One client's count in this process: `held` may be spent without asking, `taken` is what all processes have taken."""

    number: int
    held: int
    taken: int


class Rate:
    """One counter of an application: of requests by client, or of failures by address. `quota`: another than that of clients."""

    def __init__(self, limits: Limits, redis_url: str | None, *, quota: int | None = None, whose: str = "client") -> None:
        self._quota, self._window, self._whose = limits.rate if quota is None else quota, limits.rate_seconds, whose
        self._block = max(1, self._quota // BLOCKS)
        self._redis: Any = None
        if redis_url is not None:
            self._redis = redis.asyncio.Redis.from_url(redis_url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=None)
        self._away_until: datetime | None = None
        self._clients: OrderedDict[str, _Window] = OrderedDict()

    async def close(self) -> None:
        """Lets go of Redis."""
        if self._redis is not None:
            await self._redis.aclose()

    def spent(self, client_id: str, machine_now: datetime) -> HttpRefusal | None:
        """The refusal, if this process knows that nothing is left; takes nothing and asks nobody."""
        second = int(machine_now.timestamp())
        known = self._clients.get(client_id)
        if self._quota == 0 or known is None or known.number != second // self._window or known.held or known.taken < self._quota:
            return None
        return rate_limited(Allowance(self._whose, self._quota, self._window, 0, self._window - second % self._window))

    async def take(self, client_id: str, machine_now: datetime) -> Allowance | None:
        """One request of a client. None: nobody counts. Raises HttpRefusal (429) with the time to wait."""
        if self._quota == 0:
            return None
        second = int(machine_now.timestamp())
        number = second // self._window
        reset = self._window - second % self._window
        known = self._clients.get(client_id)
        if known is None or known.number != number:
            known = _Window(number, 0, 0)
        if known.held == 0 and known.taken < self._quota:
            taken = await self._block_of(client_id, known, machine_now)
            again = self._clients.get(client_id)
            if again is not None and again.number == number:  # others of this client have asked meanwhile
                known = again
            gained = max(0, min(self._block, self._quota - (taken - self._block)))
            known = _Window(number, known.held + gained, max(known.taken, taken))
        if known.held == 0:
            self._remember(client_id, known)
            raise rate_limited(Allowance(self._whose, self._quota, self._window, 0, reset))
        known = replace(known, held=known.held - 1)
        self._remember(client_id, known)
        return Allowance(self._whose, self._quota, self._window, max(0, self._quota - known.taken) + known.held, reset)

    def _remember(self, client_id: str, known: _Window) -> None:
        self._clients[client_id] = known
        self._clients.move_to_end(client_id)
        if len(self._clients) > CLIENTS:
            self._clients.popitem(last=False)

    async def _block_of(self, client_id: str, known: _Window, machine_now: datetime) -> int:
        """Takes a block, and says how many requests all processes together have taken in this window."""
        if self._redis is None or (self._away_until is not None and machine_now < self._away_until):
            return known.taken + self._block
        key = f"kessai:rate:{self._whose}:{known.number}:{client_id}"
        try:
            async with asyncio.timeout(PATIENCE), self._redis.pipeline(transaction=False) as pipe:
                pipe.incrby(key, self._block)
                pipe.expire(key, 2 * self._window)
                taken, _ = await pipe.execute()
        except (TimeoutError, OSError, RedisError) as error:
            log.warning("rate_counters_away", error=type(error).__name__)
            self._away_until = machine_now + AWAY
            return known.taken + self._block
        self._away_until = None
        return int(taken)


def rate_limited(allowance: Allowance) -> HttpRefusal:
    """429, with the time to wait."""
    return HttpRefusal(
        429,
        ErrorCode.RATE_LIMITED,
        f"More than {allowance.quota} requests in {allowance.window} seconds; ask again in {allowance.reset}.",
        japanese=f"{allowance.window} 秒間に {allowance.quota} 回を超えました。{allowance.reset} 秒後にもう一度送ってください。",
        headers={"retry-after": str(allowance.reset), **allowance.headers()},
        extensions={"retryAfter": allowance.reset},
    )
