"""Live connections as their clients see them: the whole application in this process, and lines that a test can cut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson
from starlette.applications import Starlette

from api.app import create_app
from api.live.operations import Live
from api.options import ApiOptions, Limits
from domain.contract_id import home_of
from domain.statuses import EventKind
from domain.store import administration as admin
from domain.store.connection import Tx, transaction
from domain.store.stream import StreamEntry, append
from tests.api.market import SITES, Market, at
from tests.api.serving import BASE, Clock

PATIENCE = 10.0  # seconds until a test gives up on something that should come at once


async def soon(waiting: Any) -> Any:
    """What must come, or the test has failed."""
    async with asyncio.timeout(PATIENCE):
        return await waiting


async def write(tx: Tx, contract_id: int, kind: EventKind, machine_now: Any) -> None:
    """One more event of a contract, as those who decide write it: the stream last."""
    home = home_of(contract_id)
    row = await tx.row(
        "update contract_state set event_count = event_count + 1 where home = $1 and contract_id = $2 returning event_count, site_id",
        home,
        contract_id,
    )
    assert row is not None
    await tx.run(
        "insert into event(home, contract_id, no, kind, at) values ($1, $2, $3, $4, $5)",
        home,
        contract_id,
        row["event_count"],
        int(kind),
        at("09-25 10:00"),
    )
    await append(tx, home, machine_now, [StreamEntry(row["site_id"], int(kind), [contract_id], [row["event_count"]])])


@dataclass
class Line:
    """One WebSocket. `stalled`: the other side does not read, so that nothing that is sent arrives."""

    inbox: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    outbox: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    async def send(self, **message: Any) -> None:
        await self.text(orjson.dumps(message).decode())

    async def text(self, text: str) -> None:
        await self.inbox.put({"type": "websocket.receive", "text": text})

    async def next(self) -> dict[str, Any]:
        """The next message, decoded; a close is `{"close": code, "reason": ...}`."""
        sent = await soon(self.outbox.get())
        if sent["type"] == "websocket.close":
            return {"close": sent.get("code", 1000), "reason": sent.get("reason")}
        assert sent["type"] == "websocket.send", sent
        assert isinstance(sent.get("text"), str), "graphql-transport-ws is text"
        return dict(orjson.loads(sent["text"]))

    async def event(self) -> dict[str, Any]:
        """The next event of whatever is followed."""
        message = await self.next()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (found,) = message["payload"]["data"].values()
        return dict(found)

    async def events(self, count: int) -> list[dict[str, Any]]:
        return [await self.event() for _ in range(count)]

    async def silent(self) -> bool:
        """Whether nothing has come that was not asked for: what was sent before a ping's answer would stand before it."""
        await self.send(type="ping")
        return await self.next() == {"type": "pong"}

    async def follow(self, query: str, variables: dict[str, Any] | None = None, *, name: str = "1") -> None:
        await self.send(type="subscribe", id=name, payload={"query": query, "variables": variables})

    async def cut(self) -> None:
        """The line breaks."""
        await self.inbox.put({"type": "websocket.disconnect", "code": 1006})
        assert self.task is not None
        await soon(asyncio.gather(self.task, return_exceptions=True))


@dataclass
class Stream:
    """One server-sent event stream."""

    status: int
    headers: dict[str, str]
    chunks: asyncio.Queue[bytes | None]
    task: asyncio.Task[None]
    gone: asyncio.Event
    reads: asyncio.Event

    async def frame(self) -> dict[str, str] | None:
        """The next frame that is more than a comment; None: the stream has ended."""
        while True:
            chunk = await soon(self.chunks.get())
            if chunk is None:
                return None
            lines = [line.partition(": ") for line in chunk.decode().splitlines() if line and not line.startswith(":")]
            if lines:
                return {name.rstrip(":"): value for name, _, value in lines}

    async def cut(self) -> None:
        self.gone.set()
        await soon(asyncio.gather(self.task, return_exceptions=True))


@dataclass
class House:
    """The application, a market behind it, and tokens."""

    app: Starlette
    http: httpx2.AsyncClient
    market: Market
    clock: Clock
    tokens: dict[str, str] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)  # lines and streams that were opened

    async def close(self) -> None:
        """Ends what a test has left open: a task that nobody holds would be an error in some later test."""
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=5)

    @property
    def live(self) -> Live:
        found: Live = self.app.state.live
        return found

    async def bearer(self, who: str | int, scope: str | None = None) -> str:
        """An Authorization header of a firm (letter) or a site (number)."""
        name = f"{who} {scope}"
        if name not in self.tokens:
            owner: dict[str, Any] = {"site_id": who} if isinstance(who, int) else {"firm_id": self.market.firms[who]}
            client_id, secret = await admin.create_client(name, machine_now=self.clock.now, **owner)
            form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
            answer = await self.http.post("/oauth/token", data=form, auth=(client_id, secret))
            self.tokens[name], self.clients[name] = f"Bearer {answer.json()['access_token']}", client_id
        return self.tokens[name]

    async def ask(self, who: str | int, query: str) -> Any:
        answer = await self.http.post("/graphql", json={"query": query}, headers={"authorization": await self.bearer(who)})
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    async def tell(self, name: str, *kinds: EventKind, ring: bool = True) -> None:
        """Lets things happen to a contract, each in a transaction of its own."""
        for kind in kinds:
            async with transaction() as tx:
                await write(tx, self.market.ids[name], kind, self.clock.now)
        if ring:
            self.live.hub.ring()

    async def joined(self, count: int) -> None:
        """Returns when so many follow live."""
        while sum(len(group.followers) for groups in self.live.hub._groups.values() for group in groups.values()) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def plug(self, **headers: str) -> Line:
        """A socket that has been opened, and has said nothing yet."""
        line = Line()
        line.reads.set()
        offered = headers.pop("protocol", "graphql-transport-ws")
        scope = {
            "type": "websocket",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "query_string": b"",
            "root_path": "",
            "scheme": "wss",
            "headers": [(b"host", b"kessai.test"), *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())],
            "subprotocols": [offered] if offered else [],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
            "state": {},
            "asgi": {"version": "3.0"},
        }

        async def send(message: Any) -> None:
            await line.reads.wait()
            await line.outbox.put(message)
            if message["type"] == "websocket.close":
                await line.inbox.put({"type": "websocket.disconnect", "code": message.get("code", 1000)})

        await line.inbox.put({"type": "websocket.connect"})
        line.task = asyncio.create_task(self.app(scope, line.inbox.get, send))
        self.tasks.append(line.task)
        return line

    async def line(self, who: str | int, scope: str | None = None, **headers: str) -> Line:
        """A socket of somebody, ready for operations."""
        line = await self.plug(**headers)
        assert (await soon(line.outbox.get()))["type"] == "websocket.accept"
        await line.send(type="connection_init", payload={"Authorization": await self.bearer(who, scope)})
        assert await line.next() == {"type": "connection_ack"}
        return line

    async def stream(self, who: str | int, query: str, variables: Any = None, **headers: str) -> Stream:
        """A request that is answered by server-sent events."""
        body = orjson.dumps({"query": query, "variables": variables})
        given = {"authorization": await self.bearer(who), "content-type": "application/json", "accept": "text/event-stream"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "query_string": b"",
            "root_path": "",
            "scheme": "https",
            "http_version": "1.1",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
            "state": {},
            "asgi": {"version": "3.0"},
        }
        waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        waiting.put_nowait({"type": "http.request", "body": body, "more_body": False})
        started: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        gone, reads = asyncio.Event(), asyncio.Event()
        reads.set()

        async def receive() -> dict[str, Any]:
            if not waiting.empty():
                return waiting.get_nowait()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            await reads.wait()
            if message["type"] == "http.response.start":
                started.set_result(message)
            else:
                await chunks.put(message.get("body", b""))
                if not message.get("more_body"):
                    await chunks.put(None)

        task = asyncio.create_task(self.app(scope, receive, send))
        self.tasks.append(task)
        first = await soon(started)
        return Stream(first["status"], {k.decode(): v.decode() for k, v in first["headers"]}, chunks, task, gone, reads)


@contextlib.asynccontextmanager
async def opened(
    database_url: str, *, limits: Limits | None = None, redis_url: str | None = None, market: Market | None = None, **more: Any
) -> AsyncIterator[House]:
    """An API with a market: sites 130 and 320, firms A to H. `market`: one that is there already. `more`: further `ApiOptions`."""
    clock = Clock()
    options = ApiOptions(
        database_url=database_url, base_url=BASE, redis_url=redis_url, limits=limits or Limits(), machine_clock=clock, **more
    )
    app = create_app(options)
    async with app.router.lifespan_context(app):
        if market is None:
            market = await Market(machine_now=clock.now).build()
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
            house = House(app, http, market, clock)
            try:
                yield house
            finally:
                await house.close()


__all__ = ["SITES", "House", "Line", "Stream", "opened", "soon", "write"]
