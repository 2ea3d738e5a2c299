"""Does it live, and can it serve?"""

from __future__ import annotations

import asyncio

import redis.asyncio
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.options import ApiOptions
from domain.store.availability import answers, schema_behind

PATIENCE = 2.0  # seconds that a check may take


class Health:
    """`/healthz` and `/readyz`, without tokens and without anything that a stranger should not know."""

    def __init__(self, options: ApiOptions) -> None:
        self._options = options
        self._schema_good = False

    def routes(self) -> list[Route]:
        """For the application's table."""
        return [Route("/healthz", self.live, methods=["GET"]), Route("/readyz", self.ready, methods=["GET"])]

    async def live(self, _request: Request) -> Response:
        """The process answers: that is all this says."""
        return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})

    async def ready(self, _request: Request) -> Response:
        """Each check by name. Database away or schema behind: 503. Redis away: degraded, and 200, for it is only a bell."""
        checks: dict[str, str] = {"database": "ok" if await answers(PATIENCE) else "away"}
        checks["schema"] = await self._schema() if checks["database"] == "ok" else "unknown"
        checks["redis"] = await self._redis()
        serves = checks["database"] == "ok" and checks["schema"] == "ok"
        status = "unavailable" if not serves else "degraded" if checks["redis"] == "away" else "ok"
        headers = {"cache-control": "no-store", **({} if serves else {"retry-after": "2"})}
        return JSONResponse({"status": status, "checks": checks}, 200 if serves else 503, headers=headers)

    async def _schema(self) -> str:
        if not self._schema_good:
            self._schema_good = not await schema_behind(self._options.database_url)
        return "ok" if self._schema_good else "behind"

    async def _redis(self) -> str:
        if self._options.redis_url is None:
            return "none"
        client = redis.asyncio.Redis.from_url(self._options.redis_url, socket_timeout=PATIENCE, retry=None)
        try:
            async with asyncio.timeout(PATIENCE):
                await client.get("")  # as good as a PING, and it has types
        except (TimeoutError, OSError, RedisError):
            return "away"
        else:
            return "ok"
        finally:
            await client.aclose()
