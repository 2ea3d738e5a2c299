"""The clock's address: moving the sandbox's business time over HTTP, on loopback, while `kessai up` runs.

GET  /clock                                  {"now", "ticking"}
POST /clock {"advance": "P1D"}               {"now", "steps"} when everything due up to then has been done
POST /clock {"to": "2000-09-25T09:00:00+09:00"}
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain.store import clock
from domain.store.clock import ClockBackwardsError
from domain.store.connection import reading
from kessai import moves
from kessai.clockwork import Clockwork, NotQuiet, machine_now
from kessai.moves import BadMove
from kessai.trouble import Trouble

BODY_LIMIT = 10_000


class _Server(uvicorn.Server):
    """Signals belong to `kessai up`, not to this server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def make_app(clockwork: Clockwork) -> Starlette:
    """The application. Errors are {"what", "why", "do", "code"} with 400, 409 (CLOCK_BACKWARDS), 504 (NOT_QUIET) or
    503.
    """

    async def read(_: Request) -> JSONResponse:
        async with reading() as tx:
            state = await clock.state(tx)
        return JSONResponse({"now": state.now(machine_now()).isoformat(), "ticking": state.standing_at is None})

    async def move(request: Request) -> JSONResponse:
        body = await request.body()
        try:
            found = _wish(body)
        except BadMove as trouble:
            return _error(400, trouble)
        try:
            walked = await (clockwork.advance(found) if isinstance(found, timedelta) else clockwork.walk(found))
        except ClockBackwardsError as error:
            return _error(409, Trouble(f"It is {str(error).removeprefix('it is ')}", code="CLOCK_BACKWARDS"))
        except NotQuiet as trouble:
            return _error(504, trouble)
        except Trouble as trouble:
            return _error(503, trouble)
        except Exception as error:  # noqa: BLE001 - the database going away has many names; the walk can be begun again
            why = f"{type(error).__name__}; everything that was done is kept"
            return _error(503, Trouble("The walk broke off", why=why, do=("walk again",), code="UNAVAILABLE"))
        return JSONResponse({"now": walked.now.isoformat(), "steps": walked.steps})

    return Starlette(routes=[Route("/clock", read, methods=["GET"]), Route("/clock", move, methods=["POST"])])


def _wish(body: bytes) -> timedelta | datetime:
    """How far, or to when. Raises BadMove."""
    try:
        wish = json.loads(body[:BODY_LIMIT])
    except ValueError:
        wish = None
    match wish:
        case {"advance": str(text), **others} if not others:
            return moves.span(text)
        case {"to": str(text), **others} if not others:
            return moves.instant(text)
    raise BadMove('The body is {"advance": "P1D"} or {"to": "2000-09-25T09:00:00+09:00"}', code="CLOCK_MOVE")


def _error(status: int, trouble: Trouble) -> JSONResponse:
    return JSONResponse(trouble.as_dict(), status)


@contextlib.asynccontextmanager
async def clock_address(clockwork: Clockwork) -> AsyncIterator[str]:
    """Serves the address as long as the block lasts; answers its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Server(
            uvicorn.Config(make_app(clockwork), log_config=None, log_level="critical", timeout_graceful_shutdown=1, lifespan="off")
        )
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/clock"
        finally:
            server.should_exit = True
            await asyncio.wait({serving}, timeout=3)
