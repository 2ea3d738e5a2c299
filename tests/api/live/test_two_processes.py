"""Two API processes as they are started, real sockets over the network, writers that commit out of order, and one process killed on the way.

Nothing is lost and nothing comes twice: each reader is told the whole log, in its order, though half of it comes from another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import orjson
import websockets

from domain.contract_id import home_of
from domain.statuses import EventKind
from domain.store import administration as admin
from domain.store.connection import Tx, reading, transaction
from kessai.embedded.processes import free_port
from tests.api.live.lines import write
from tests.api.market import Market

ROOT = Path(__file__).resolve().parents[3]
PUBLIC = "https://kessai.test"
FOLLOW = "subscription ($after: Cursor) { contractStatusChanged(after: $after) { id cursor kind contract { number } } }"
PATIENCE = 180.0  # seconds for anything, on a busy machine
KINDS = (EventKind.DEBIT_INSTRUCTED, EventKind.DEBITED, EventKind.DELIVERY_INSTRUCTED, EventKind.SHIPPED, EventKind.DELIVERED)
CONTRACTS, ROUNDS = 6, 20
LOST_AFTER = 40  # events that a reader has seen when his process is killed


@dataclass
class Api:
    """One `kessai api`."""

    process: asyncio.subprocess.Process
    port: int

    async def ready(self) -> None:
        assert self.process.stdout is not None
        assert json.loads(await self.process.stdout.readline())["ready"]
        async with httpx2.AsyncClient() as http:
            while True:
                with contextlib.suppress(httpx2.TransportError):
                    if (await http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


@contextlib.asynccontextmanager
async def process(database_url: str, redis_url: str) -> AsyncIterator[Api]:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KESSAI_")}
    environment |= {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "KESSAI_PUBLIC_URL": PUBLIC, "KESSAI_LOG_LEVEL": "error"}
    command = [sys.executable, "-X", "utf8", "-m", "kessai", "api", "--port", str(port), "--json"]
    started = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE)
    try:
        yield Api(started, port)
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.wait()
        started._transport.close()  # type: ignore[attr-defined]  # else it is closed by the garbage collector, after the loop


@dataclass
class Reader:
    """A client with a socket to one process, which goes on at the next when that one is gone."""

    ports: list[int]
    token: str
    total: int
    told: list[dict[str, Any]] = field(default_factory=list)
    lines: int = 0
    far: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        for port in self.ports:
            self.lines += 1
            with contextlib.suppress(websockets.ConnectionClosedError, ConnectionError):
                await self._follow(port)
            if len(self.told) >= self.total:
                return

    async def _follow(self, port: int) -> None:
        address = f"ws://127.0.0.1:{port}/graphql"
        async with websockets.connect(address, subprotocols=[websockets.Subprotocol("graphql-transport-ws")]) as line:
            await line.send(json.dumps({"type": "connection_init", "payload": {"Authorization": self.token}}))
            assert json.loads(await line.recv()) == {"type": "connection_ack"}
            after = self.told[-1]["cursor"] if self.told else "0"
            await line.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": FOLLOW, "variables": {"after": after}}}))
            while len(self.told) < self.total:
                message = orjson.loads(await line.recv())
                assert message["type"] == "next", message
                self.told.append(message["payload"]["data"]["contractStatusChanged"])
                if len(self.told) >= LOST_AFTER:
                    self.far.set()
            await line.send('{"type":"ping"}')
            assert json.loads(await line.recv()) == {"type": "pong"}, "nothing comes after the last"


async def token_of(port: int, market: Market) -> str:
    client_id, secret = await admin.create_client("firm", firm_id=market.firms["A"], machine_now=datetime.now(UTC))
    async with httpx2.AsyncClient() as http:
        form = {"grant_type": "client_credentials"}
        answer = await http.post(f"http://127.0.0.1:{port}/oauth/token", data=form, auth=(client_id, secret))
    return f"Bearer {answer.json()['access_token']}"


def name_of(number: int) -> str:
    """Contracts 0 and 1 are of one site, 2 and 3 of the other ..."""
    return f"{(130, 320)[number // 2 % 2]}/{number}"


async def write_out_of_order(market: Market, first: int, kind: EventKind) -> None:
    """Two transactions of one site: the one that begins first commits last."""
    began, done = asyncio.Event(), asyncio.Event()

    async def one(number: int, mine: asyncio.Event, waits_for: asyncio.Event) -> None:
        async with transaction() as tx:
            if mine is began:
                await tx.value("select txid_current()")
                mine.set()
            await waits_for.wait()
            await write(tx, market.ids[name_of(number)], kind, datetime.now(UTC))
        mine.set()

    await asyncio.gather(one(first, began, done), one(first + 1, done, began))


async def in_order(tx: Tx) -> dict[int, list[int]]:
    """The contracts of the log's events, home by home."""
    rows = await tx.rows(
        "select s.home, u.contract_id from stream s cross join lateral unnest(s.contract_ids) with ordinality u(contract_id, i) "
        "order by s.home, s.day, s.pos, u.i"
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["home"], []).append(row["contract_id"])
    return found


async def test_nothing_is_lost_and_nothing_comes_twice(store: Any, database_url: str, redis_url: str):
    market = await Market().build()
    for number in range(CONTRACTS):
        await market.contract(name_of(number), "A", "B", 1_000)
    total = CONTRACTS + CONTRACTS * ROUNDS
    async with asyncio.timeout(PATIENCE), process(database_url, redis_url) as one, process(database_url, redis_url) as two:
        await asyncio.gather(one.ready(), two.ready())
        token = await token_of(one.port, market)
        moving, staying = Reader([one.port, two.port], token, total), Reader([two.port], token, total)
        readers = [asyncio.create_task(reader.run()) for reader in (moving, staying)]

        async def kill() -> None:
            await moving.far.wait()
            await one.kill()

        killing = asyncio.create_task(kill())
        for turn in range(ROUNDS):
            if turn == ROUNDS // 2:
                await killing  # in the midst of what it told; the rest is told while the reader is on his way to the other
            await asyncio.gather(*[write_out_of_order(market, first, KINDS[turn % len(KINDS)]) for first in range(0, CONTRACTS, 2)])
        await asyncio.gather(*readers)
    assert (moving.lines, staying.lines) == (2, 1), "the process was killed while it told"
    async with reading() as tx:
        log = await in_order(tx)
    by_number = {name.partition("/")[2]: contract_id for name, contract_id in market.ids.items()}
    pair = [contract_id for contract_id in log[1][4:] if contract_id in {by_number["0"], by_number["1"]}]
    assert pair == [by_number["1"], by_number["0"]] * ROUNDS, "whoever began first came last, each time"
    for reader in (moving, staying):
        assert len({event["id"] for event in reader.told}) == total == len(reader.told)
        told = [by_number[event["contract"]["number"]] for event in reader.told]
        for home, places in log.items():
            assert [contract_id for contract_id in told if home_of(contract_id) == home] == places, f"home {home}, in the order of its log"
    assert {event["id"] for event in moving.told} == {event["id"] for event in staying.told}
