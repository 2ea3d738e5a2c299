"""The API as its clients see it: the whole application, a real database, tokens from its own token endpoint."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from api.app import create_app
from api.options import ApiOptions, Limits
from domain.store import administration as admin
from tests.store.trading import MACHINE, Trading

BASE = "https://kessai.test"


@dataclass
class Clock:
    """Machine time that a test moves."""

    now: datetime = MACHINE

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Served:
    """A running API with a world behind it."""

    http: httpx2.AsyncClient
    world: Trading
    clock: Clock
    clients: dict[str, tuple[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    async def client(self, name: str, **more: Any) -> tuple[str, str]:
        """A client `name`, with its secret."""
        self.clients[name] = await admin.create_client(name, machine_now=self.clock.now, **more)
        return self.clients[name]

    async def token(self, name: str, scope: str | None = None) -> str:
        form = {"grant_type": "client_credentials", **({} if scope is None else {"scope": scope})}
        answer = await self.http.post("/oauth/token", data=form, auth=self.clients[name])
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def bearer(self, name: str) -> dict[str, str]:
        if name not in self.tokens:
            self.tokens[name] = await self.token(name)
        return {"authorization": f"Bearer {self.tokens[name]}"}

    async def post(self, query: str, variables: Any = None, *, who: str = "site", headers: dict[str, str] | None = None) -> httpx2.Response:
        body = {"query": query, "variables": variables}
        return await self.http.post("/graphql", json=body, headers={**await self.bearer(who), **(headers or {})})

    async def ask(self, query: str, variables: Any = None, **more: Any) -> Any:
        """The data of an answer that must have no errors."""
        answer = await self.post(query, variables, **more)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert "errors" not in body, body
        return body["data"]

    async def errors(self, query: str, variables: Any = None, **more: Any) -> list[dict[str, Any]]:
        """The errors of an answer, without their request IDs."""
        body = (await self.post(query, variables, **more)).json()
        for error in body["errors"]:
            assert error["extensions"].pop("requestId")
        return list(body["errors"])


@contextlib.asynccontextmanager
async def serving(database_url: str, *, limits: Limits | None = None, **more: Any) -> AsyncIterator[Served]:
    """The API on a database, with further `ApiOptions`; clients `site` (130), `other` (320) and `firm`."""
    clock = Clock()
    options = ApiOptions(database_url=database_url, base_url=BASE, limits=limits or Limits(), machine_clock=clock, **more)
    app = create_app(options)
    async with app.router.lifespan_context(app):
        world = await Trading().build()
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
            served = Served(http, world, clock)
            await served.client("site", site_id=130)
            await served.client("other", site_id=320)
            firm = await admin.create_firm("甲社", now=world.now, machine_now=clock.now)
            await served.client("firm", firm_id=firm)
            yield served
