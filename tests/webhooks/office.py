"""Webhooks end to end in one process: the API, a market, the workers' steps without queues, and receivers on real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from api.app import create_app
from api.options import ApiOptions, Limits
from api.webhooks.renderer import Renderer
from domain.hook_address import Where
from domain.store import administration as admin
from domain.store import hook_routing
from domain.store.connection import reading, transaction
from tests.api.live.lines import House, soon
from tests.api.market import SITES, Market
from tests.api.serving import BASE, Clock
from workers import hooks
from workers.channels.webhook import HttpSender
from workers.hooks import Outward

SCOPES = ("contracts:read", "settlements:read", "webhooks:write")
EVENTS = "subscription ($after: Cursor) { contractStatusChanged(after: $after) { id cursor kind contract { number } } }"
REGISTER = """mutation ($url: String!, $document: String!, $variables: JSON) {
  registerWebhook(input: { url: $url, document: $document, variables: $variables }) {
    ... on WebhookRegistered { secret webhook { id url status } } ... on Problem { code message path } } }"""
LOG = """query ($id: ID!, $first: Int, $after: String, $status: WebhookDeliveryStatus) { webhook(id: $id) { status disabledBecause
  deliveries(first: $first, after: $after, status: $status) { pageInfo { hasNextPage endCursor } edges { cursor node {
    webhookId status kind contractId cursor nextTryAt body bodySha256 note attempts { statusCode error milliseconds } } } } } }"""


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Call:
    """One POST that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """The one event of the body."""
        (found,) = json.loads(self.body)["data"].values()
        return dict(found)


def signed_by(call: Call, secret: str) -> bool:
    """Standard Webhooks, written down once more from its text: HMAC-SHA256 over `id.timestamp.body`, the key in base64 behind `whsec_`."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = b".".join([call.headers["webhook-id"].encode(), call.headers["webhook-timestamp"].encode(), call.body])
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return wanted in call.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """A small HTTP server. `answer` says what each call gets: a status, or whole bytes; None: it never answers."""

    answer: Callable[[Call], int | bytes | None] = lambda _call: 204
    calls: list[Call] = field(default_factory=list)
    port: int = 0
    server: asyncio.Server | None = None
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> Receiver:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            while line := await reader.readline():
                headers: dict[str, str] = {}
                while (row := (await reader.readline()).decode().rstrip("\r\n")) != "":
                    name, _, value = row.partition(": ")
                    headers[name.lower()] = value
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                call = Call(line.split()[1].decode(), headers, body)
                self.calls.append(call)
                answer = self.answer(call)
                if answer is None:
                    await asyncio.get_running_loop().create_future()
                writer.write(answer if isinstance(answer, bytes) else f"HTTP/1.1 {answer} X\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
            for writer in self.open:
                writer.close()

    def ids(self) -> list[str]:
        return [call.headers["webhook-id"] for call in self.calls]

    def kinds(self, number: str | None = None) -> list[str]:
        """What it was told, in order (of one contract)."""
        return [call.told["kind"] for call in self.calls if number is None or call.told["contract"]["number"] == number]


@dataclass
class Office(House):
    """A house with webhooks."""

    outward: Outward | None = None
    receivers: list[Receiver] = field(default_factory=list)
    crash_at: str | None = None

    @property
    def out(self) -> Outward:
        assert self.outward is not None
        return self.outward

    async def bearer(self, who: str | int, scope: str | None = None) -> str:
        name = f"{who} {scope}"
        if name not in self.tokens:
            owner: dict[str, Any] = {"site_id": who} if isinstance(who, int) else {"firm_id": self.market.firms[who]}
            granted = tuple(scope.split()) if scope else SCOPES
            client_id, secret = await admin.create_client(name, machine_now=self.clock.now, scopes=granted, **owner)
            answer = await self.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
            self.tokens[name], self.clients[name] = f"Bearer {answer.json()['access_token']}", client_id
        return self.tokens[name]

    async def run(self, who: str | int, query: str, variables: Any = None, *, scope: str | None = None, **headers: str) -> Any:
        """The data of an answer that must have no errors."""
        if self.clock.now.timestamp() - getattr(self, "token_at", 0) > 300:
            self.token_at = self.clock.now.timestamp()
            self.tokens.clear()
        given = {"authorization": await self.bearer(who, scope), **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = (await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=given)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def act(self, who: str | int, name: str, more: str = "", **given: Any) -> Any:
        """A mutation on a webhook."""
        fields = ", ".join(f"{key}: {json.dumps(value) if not isinstance(value, Raw) else value}" for key, value in given.items())
        query = f"mutation {{ {name}(input: {{ {fields} }}) {{ __typename ... on Problem {{ code path message }} {more} }} }}"
        return (await self.run(who, query))[name]

    async def receiver(self, answer: Callable[[Call], int | bytes | None] | None = None) -> Receiver:
        made = Receiver() if answer is None else Receiver(answer)
        self.receivers.append(made)
        return await made.start()

    async def hook(
        self, who: str | int, url: str, document: str = EVENTS, variables: Any = None, *, scope: str | None = None
    ) -> tuple[str, str]:
        """Registers: (ID, secret)."""
        data = await self.run(who, REGISTER, {"url": url, "document": document, "variables": variables}, scope=scope)
        made = data["registerWebhook"]
        assert "secret" in made, made
        return made["webhook"]["id"], made["secret"]

    async def log(self, who: str | int, hook: str, **more: Any) -> list[dict[str, Any]]:
        found = await self.run(who, LOG, {"id": hook, **more})
        return [edge["node"] for edge in found["webhook"]["deliveries"]["edges"]]

    async def status(self, who: str | int, hook: str) -> tuple[str, str | None]:
        found = (await self.run(who, LOG, {"id": hook}))["webhook"]
        return found["status"], found["disabledBecause"]

    async def work(self, *, steps: tuple[str, ...] = ("look_through", "render_hook", "deliver_hooks"), most: int = 200) -> None:
        """What the scheduler finds and workers do, until nothing is due."""
        for _ in range(most):
            async with reading() as tx:
                due = [task for task in await hook_routing.tasks(tx, self.clock.now) if task.actor in steps]
            if not due:
                return
            for task in due:
                if task.actor == "look_through":
                    await hooks.look_through(**task.args)
                elif task.actor == "render_hook":
                    await hooks.render_hook(**task.args, outward=self.out, holder="renderer")
                else:
                    await soon(self.out.drain())
        raise AssertionError("it never comes to rest")

    async def waiting(self) -> int:
        async with transaction() as tx:
            return int(await tx.value("select count(*) from hook_work"))


async def cleared(office: Office) -> Office:
    """The office of a whole file, as it was at its beginning: no hooks, no contracts, nobody's rights changed. The log goes on."""
    for receiver in office.receivers:
        await receiver.stop()
    office.receivers.clear()
    office.tokens.clear()
    office.clients.clear()
    office.crash_at, office.out.mail = None, None
    async with transaction() as tx:
        for table in TABLES:
            await tx.run(f"delete from {table}")
        for (site_id, letter), party_id in office.market.parties.items():
            firm = office.market.firms[letter]
            await tx.run("update party set firm_id = $3 where home = $1 and party_id = $2", SITES[site_id], party_id, firm)
    return office


TABLES = (
    "hook_attempt", "hook_work", "hook_delivery", "hook_wake", "hook_head", "hook",
    "event", "contract_state", "delivery_record", "contract", "contract_number", "contract_date", "standing", "settlement_sum", "sum_place",
)  # fmt: skip


class Raw(str):
    """An enum value or another literal that is not quoted."""

    __slots__ = ()


@contextlib.asynccontextmanager
async def opened(database_url: str, *, where: Where | None = None, limits: Limits | None = None, **more: Any) -> AsyncIterator[Office]:
    """An API with a market, and a process for hooks."""
    clock, place = Clock(), where or Where(allow_private=True)
    options = ApiOptions(
        database_url=database_url, base_url=BASE, limits=limits or Limits(), hooks=place, mails=True, machine_clock=clock, **more
    )
    app = create_app(options)
    async with app.router.lifespan_context(app):
        market = await Market(machine_now=clock.now).build()
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
            office = Office(app, http, market, clock)

            def point(name: str) -> None:
                if office.crash_at == name:
                    raise Killed(name)

            sender = HttpSender(place, clock, answer_seconds=2.0)
            office.outward = Outward(lambda: Renderer(clock), sender, None, clock, "tester", point)
            try:
                yield office
            finally:
                await sender.close()
                for receiver in office.receivers:
                    await receiver.stop()
                await office.close()
