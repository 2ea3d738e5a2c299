"""The process whose CPU is measured: the API on one port, and on another a WebSocket server that is nothing but writes of ready frames.

    python -m bench.live_server DATABASE_URL PORT BARE_PORT

The other port also takes commands: a line `burst COUNT` writes a frame COUNT times to each of its sockets.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import sys
from typing import cast

import structlog
import uvicorn
import uvloop

from api.app import create_app
from api.options import ApiOptions, Limits

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# As long as what the API sends for the same event.
BODY = b'{"id":"1","type":"next","payload":{"data":{"contractStatusChanged":' + b'"' + b"x" * 300 + b'"' + b"}}}"
FRAME = b"\x81\x7e" + len(BODY).to_bytes(2, "big") + BODY


class Bare(asyncio.Protocol):
    """A socket that is shaken hands with, and written to."""

    sockets: set[asyncio.Transport] = set()  # noqa: RUF012 - there is one server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection; whether it is a socket or a command is seen by what it says."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, but does not say so
        self._heard = b""

    def data_received(self, data: bytes) -> None:
        """Answers a handshake or a command; what a socket says afterwards does not matter."""
        if self._transport in self.sockets:
            return
        self._heard += data
        if self._heard.startswith(b"burst ") and self._heard.endswith(b"\n"):
            self._task = asyncio.get_running_loop().create_task(burst(int(self._heard[6:]), self._transport))
        elif b"\r\n\r\n" in self._heard:
            lines = self._heard.lower().partition(b"\r\n\r\n")[0].split(b"\r\n")
            place = next(n for n, line in enumerate(lines) if line.startswith(b"sec-websocket-key:"))
            key = self._heard.split(b"\r\n")[place].partition(b":")[2].strip()
            accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())  # noqa: S324 - RFC 6455 wants it
            self._transport.write(
                b"HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: " + accept + b"\r\n\r\n"
            )
            self.sockets.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        self.sockets.discard(self._transport)


async def burst(count: int, asker: asyncio.Transport) -> None:
    """Writes the frame so often to everybody; the loop has its turn between two."""
    for _ in range(count):
        for transport in Bare.sockets:
            transport.write(FRAME)
        await asyncio.sleep(0)
    asker.write(b"done\n")


async def _serve(database_url: str, port: int, bare_port: int) -> None:
    bare = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", bare_port, backlog=4_096)
    app = create_app(ApiOptions(database_url=f"{database_url}?maxsize=4", base_url=f"http://127.0.0.1:{port}", limits=Limits(rate=0)))
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        log_level="warning",
        access_log=False,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        timeout_graceful_shutdown=1,
    )
    async with bare:
        await uvicorn.Server(config).serve()


def main() -> None:
    """Serves until it is told to stop."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    database_url, port, bare_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(database_url, port, bare_port))


if __name__ == "__main__":
    main()
