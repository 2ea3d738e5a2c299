"""A port of their own for processes that have no API: does it live, and can it work?

    GET /healthz    the process's loop still turns; nothing else is touched
    GET /readyz     each check by name, and what is due and not done yet

Redis away is "degraded" and 200, for it is only a bell; database away, or a loop that stands still, is 503. On loopback only.
"""

import asyncio
import concurrent.futures
import json
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kessai.trouble import Trouble

PATIENCE_SECONDS = 2.0

T = TypeVar("T")


class Health:
    """The checks of one process. `loop` is the one its work runs on, with the store open."""

    def __init__(self, process: str, loop: asyncio.AbstractEventLoop, redis_url: str) -> None:
        self._process = process
        self._loop = loop
        self._redis_url = redis_url

    def live(self) -> bool:
        """Whether the loop takes something up within the time we are patient."""
        return self._on_loop(_beat()) is not None

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether it can work, and what to show."""
        began = time.monotonic()
        checks: dict[str, Any] = {"loop": "ok" if self.live() else "stands still"}
        beat = time.monotonic() - began
        work = self._on_loop(_open_work()) if checks["loop"] == "ok" else None
        checks["database"] = "unknown" if checks["loop"] != "ok" else "away" if work is None else "ok"
        checks["redis"] = "ok" if self._rings() else "away"
        able = checks["loop"] == "ok" and checks["database"] == "ok"
        status = "unavailable" if not able else "degraded" if checks["redis"] == "away" else "ok"
        return able, {
            "status": status,
            "process": self._process,
            "checks": checks,
            "beat_ms": round(beat * 1000),
            "open_work": work or [],
        }

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T | None:
        try:
            asked = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop is closed: the process is ending
            work.close()
            return None
        try:
            return asked.result(PATIENCE_SECONDS)
        except (TimeoutError, concurrent.futures.CancelledError):
            asked.cancel()
            return None

    def _rings(self) -> bool:
        with redis.Redis.from_url(self._redis_url, socket_timeout=PATIENCE_SECONDS, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(client.ping())
            except (redis.RedisError, OSError):
                return False


async def _beat() -> bool:
    return True


async def _open_work() -> list[str] | None:
    """What is due and not done yet; None when the database does not answer."""
    from domain.store import clock, due
    from domain.store.availability import answers
    from domain.store.connection import reading

    if not await answers(PATIENCE_SECONDS):
        return None
    async with reading() as tx:
        now = await clock.state(tx)
        return await due.open_work(tx, now.now(datetime.now(UTC)), now.moves)


def serve(port: int, health: Health) -> Callable[[], None]:
    """Answer on 127.0.0.1 in a thread of its own; call what is returned to end it. Raises Trouble (PORT_TAKEN)."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._say(200 if health.live() else 503, {"process": "alive"})
            elif self.path == "/readyz":
                able, shown = health.ready()
                self._say(200 if able else 503, shown)
            else:
                self._say(404, {"there_is": ["/healthz", "/readyz"]})

        def _say(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content, ensure_ascii=False).encode() + b"\n"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
            """Say nothing: somebody asks every few seconds."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Answer)
    except OSError as error:
        raise Trouble(
            f"The health port {port} cannot be used",
            why=error.strerror or str(error),
            do=("give another one: KESSAI_HEALTH_PORT=9101", "or none"),
            code="PORT_TAKEN",
        ) from error
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()

    def end() -> None:
        server.shutdown()
        server.server_close()

    return end


def beside_worker(port: int | None, redis_url: str) -> None:
    """Serve health beside a running worker; call it when the worker is ready. No port, no health."""
    if port is None:
        return
    from dramatiq.asyncio import get_event_loop_thread

    thread = get_event_loop_thread()
    assert thread is not None, "the worker is not ready yet"
    serve(port, Health("worker", thread.loop, redis_url))


def beside_scheduler(port: int | None, redis_url: str) -> None:
    """Serve health beside a running scheduler; call it on the scheduler's loop when it is ready."""
    if port is not None:
        serve(port, Health("scheduler", asyncio.get_running_loop(), redis_url))
