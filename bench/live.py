"""`python -m bench.live`: what one delivery of one event to one socket costs the server's CPU, beside a bare write of a ready frame.

Server and readers are processes of their own. Rounds of both kinds take turns in one run, so that whatever else the machine does strikes
both. All sockets follow one site: an event is read and encoded once, and written to each.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import resource
import secrets
import socket
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx2
import orjson
import structlog
import uvloop
from rich.console import Console

from bench.__main__ import _fresh
from bench.town import SITE, bench
from domain.store import administration
from kessai.embedded import start

out = Console()
QUERY = "subscription ($after: Cursor) { contractStatusChanged(after: $after) { id cursor kind occurredAt contract { contractId number debit { status } } } }"
NEXT = b'"type":"next"'
TICKS = os.sysconf("SC_CLK_TCK")


class Reader(asyncio.Protocol):
    """One client: shakes hands, says its piece, and from then on only counts what comes."""

    count = 0

    def __init__(self, path: str, says: list[dict[str, Any]]) -> None:
        self._path, self._says, self._heard, self._ready = path, says, b"", False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks for the upgrade."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one, but does not say so
        key = secrets.token_hex(8)
        self.transport.write(
            f"GET {self._path} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
            f"sec-websocket-key: {key}{'A' * 6}==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Counts events, also one whose mark is cut in two by a packet's end."""
        if not self._ready and b"101 " in data:
            self._ready = True
            for message in self._says:
                body = orjson.dumps(message)
                length = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + struct.pack(">H", len(body))
                self.transport.write(b"\x81" + length + b"\0\0\0\0" + body)  # masked with nothing
            if not self._says:
                self.ready.set_result(None)
        if b"connection_ack" in data and not self.ready.done():
            self.ready.set_result(None)
        heard = self._heard + data
        Reader.count += heard.count(NEXT)
        self._heard = heard[-(len(NEXT) - 1) :]


async def connected(port: int, path: str, count: int, says: list[dict[str, Any]]) -> list[Reader]:
    """So many clients, a hundred at a time."""
    loop, readers = asyncio.get_running_loop(), []
    for first in range(0, count, 100):
        pairs = await asyncio.gather(
            *(loop.create_connection(lambda: Reader(path, says), "127.0.0.1", port) for _ in range(first, min(first + 100, count)))
        )
        readers += [reader for _, reader in pairs]
        await asyncio.gather(*(reader.ready for _, reader in pairs))
    return readers


async def counted(wanted: int) -> None:
    """Returns when so many events have arrived, at all clients together."""
    async with asyncio.timeout(120):
        while Reader.count < wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert Reader.count == wanted, "more has come than was told"


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_kb(pid: int) -> int:
    """Memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def served(database_url: str) -> AsyncIterator[tuple[int, int, int]]:
    """The measured process: its number, its port, the bare one."""
    port, bare_port = free_port(), free_port()
    arguments = ["-m", "bench.live_server", database_url, str(port), str(bare_port)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            for _ in range(1_200):
                with contextlib.suppress(httpx2.TransportError):
                    if (await http.get("/healthz")).status_code == 200:
                        break
                await asyncio.sleep(0.05)
        yield process.pid, port, bare_port
    finally:
        process.terminate()
        await process.wait()


async def measured(database_url: str, root: Path, sockets: int, events: int, rounds: int) -> None:
    """One number of sockets."""
    async with bench(database_url, root) as place, served(database_url) as (pid, port, bare_port):
        client = await administration.create_client("live", site_id=SITE, firm_id=None, machine_now=place.machine)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            answer = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=client)
        authorization = f"Bearer {answer.json()['access_token']}"
        warm = await connected(port, "/graphql", 50, await _from_now(port, authorization))
        await _told(place, 1, 50)
        empty = resident_kb(pid)
        readers = await connected(port, "/graphql", sockets - 50, await _from_now(port, authorization))
        await _told(place, 1, sockets)
        out.print(f"{sockets:,} sockets follow ...")
        per_socket = (resident_kb(pid) - empty) / (sockets - 50)
        bare = await connected(bare_port, "/", sockets, [])
        live_us, bare_us, ratios, rates = [], [], [], []
        for _ in range(rounds):
            began, clock = cpu_seconds(pid), time.perf_counter()
            await _told(place, events, sockets)
            live_us.append((cpu_seconds(pid) - began) / (events * sockets) * 1e6)
            rates.append(events * sockets / (time.perf_counter() - clock))
            began = cpu_seconds(pid)
            wanted = Reader.count + events * sockets
            read, write = await asyncio.open_connection("127.0.0.1", bare_port)
            write.write(f"burst {events}\n".encode())
            await read.readline()
            write.close()
            await counted(wanted)
            bare_us.append((cpu_seconds(pid) - began) / (events * sockets) * 1e6)
            ratios.append(live_us[-1] / bare_us[-1])
        for reader in (*warm, *readers, *bare):
            reader.transport.close()
    out.print(
        f"{sockets:,} sockets: {statistics.median(live_us):.1f} us of CPU a delivery, a bare ready frame {statistics.median(bare_us):.1f} us: "
        f"{statistics.median(ratios):.2f} times (of {', '.join(f'{ratio:.2f}' for ratio in ratios)}; aim: at most 2); "
        f"{per_socket:.1f} KB a socket (aim: at most 30); {statistics.median(rates):,.0f} deliveries a second with the readers beside them"
    )


async def _from_now(port: int, authorization: str) -> list[dict[str, Any]]:
    """What a client says: follow the log from where it stands, however long it takes until the subscription is there."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"authorization": authorization}) as http:
        answer = await http.post("/graphql", json={"query": "{ contracts(first: 1) { asOf } }"})
    place = answer.json()["data"]["contracts"]["asOf"]
    return [
        {"type": "connection_init", "payload": {"Authorization": authorization}},
        {"type": "subscribe", "id": "1", "payload": {"query": QUERY, "variables": {"after": place}}},
    ]


async def _told(place: Any, events: int, sockets: int) -> None:
    """Registers contracts, and waits until everybody has been told."""
    wanted = Reader.count + events * sockets
    for _ in range(events):
        await place.register(1, 1)
    await counted(wanted)


async def _all(url: str, directory: Path, arguments: argparse.Namespace) -> None:
    for sockets in arguments.sockets:
        async with _fresh(url) as database_url:
            await measured(database_url, directory / str(sockets), sockets, arguments.events, arguments.rounds)


def main() -> None:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument("--sockets", type=int, nargs="+", default=[1_000, 4_000], help="numbers of sockets (default 1000 4000)")
    parser.add_argument("--events", type=int, default=50, help="events of a round (default 50)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind (default 5)")
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="kessai-bench-", dir="/var/tmp", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)
        engines = start(Path(directory) / "state")
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_all(engines.database_url, Path(directory), arguments))
        finally:
            engines.stop()


if __name__ == "__main__":
    main()
