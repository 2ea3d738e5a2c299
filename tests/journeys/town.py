"""A town in one process: our runs on a real database, the sandbox's banks and carrier at the other end of real files and calls.

No queue and no scheduler: `settle` does at once what `due.tasks` says is due, as the workers would (the queue is a hint, rule 7). Time is
walked as the real clock is: the earliest instant of ours or of the sandbox, both clocks set there, work until quiet, again.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from domain.registration import NormalContract, normalise
from domain.statuses import Kind
from domain.store import clock, due, inbox, overdue, registering
from domain.store.connection import reading, transaction
from domain.store.due import Task
from domain.store.sending import BankAddress, CarrierAddress
from kessai import world
from sandbox.app import make_app
from sandbox.config import read_config
from sandbox.scenario import registration, scenario
from sandbox.world import World
from workers import applying, fetching, sealing, sending
from workers import reading as reader
from workers.channels.carrier import CarrierChannel, HttpCarrier
from workers.channels.opening import open_bank
from workers.services import Seen, Services
from workers.spool import Spool
from zengin import to_bank_kana

START = "2000-09-20T09:00:00+09:00"
SANDBOX = "http://sandbox.test"


def at(text: str) -> datetime:
    """`09-25 10:00` of the scenario's year 2000 in Tokyo, or a whole instant."""
    return datetime.fromisoformat(text if "T" in text else f"2000-{text.replace(' ', 'T')}:00+09:00")


@dataclass
class Town:
    """The town. `machine` is the machine's clock; move it to let leases run out."""

    services: Services
    sandbox: World
    http: httpx2.AsyncClient
    machine: datetime

    async def now(self) -> datetime:
        """Business time."""
        async with reading() as tx:
            return await clock.business_now(tx, self.machine)

    async def register(self, site: int, *items: dict[str, Any]) -> list[registering.Outcome]:
        """Registers contracts as a site would, without the API."""
        found = []
        for item in items:
            contract = normalise(item, to_kana=to_bank_kana)
            assert isinstance(contract, NormalContract), contract
            found.append(contract)
        return await registering.register(site, found, now=await self.now(), machine_now=self.machine)

    async def walk(self, to: str) -> int:
        """Lets time pass step by step; answers the steps."""
        target, steps = at(to), 0
        await self.settle()
        while True:
            now = await self.now()
            async with reading() as tx:
                ours = await due.next_instant(tx, now)
            status = (await self.http.get("/status")).json()
            theirs = datetime.fromisoformat(status["next"]) if status["next"] else None
            nexts = [x for x in (ours, theirs) if x is not None and now < x <= target]
            instant = min(nexts, default=target)
            answer = await self.http.post("/clock", json={"now": instant.isoformat(), "ticking": False})
            assert answer.status_code == 200, answer.text
            async with transaction() as tx:
                await clock.set_standing(tx, instant, self.machine)
            steps += 1
            await self.settle()
            if instant == target:
                return steps

    async def settle(self) -> None:
        """Works until nothing is due."""
        tasks: list[Task] = []
        for _ in range(200):
            await self.poll()
            now = await self.now()
            async with reading() as tx:
                moves = (await clock.state(tx)).moves
                tasks = await due.tasks(tx, now, self.machine, moves)
            if not tasks:
                return
            await self.do(tasks[0], now)
        raise AssertionError(f"never quiet: {tasks}")

    async def poll(self) -> None:
        """Looks through every bank's out/."""
        now = await self.now()
        async with reading() as tx:
            codes = [row["bank_code"] for row in await tx.rows("select bank_code from bank order by bank_code")]
        for code in codes:
            await fetching.fetch_bank(code, services=self.services, holder="town", now=now, machine_now=self.machine)

    async def do(self, task: Task, now: datetime) -> None:
        """What the actor of a task does."""
        machine = self.machine
        match task.actor:
            case "read_reply":
                await reader.read_reply(**task.args, now=now, machine_now=machine)
            case "apply_reply":
                await applying.apply_reply(**task.args, now=now, machine_now=machine)
            case "carry_fact":
                await applying.carry_fact(**task.args, now=now, machine_now=machine)
            case "seal_batch":
                await sealing.seal_batch(**task.args, now=now, machine_now=machine, spool=self.services.spool)
            case "send_batch":
                await sending.send_batch(**task.args, services=self.services, holder="town", now=now, machine_now=machine)
                await self.http.post("/clock", json={"now": now.isoformat(), "ticking": False})  # the strangers take it at once
            case "mark_overdue":
                await overdue.mark_overdue(**task.args, now=now)
            case _:
                raise AssertionError(task)

    async def contracts(self) -> dict[str, Any]:
        """Every contract's state row, by `site/number`."""
        async with reading() as tx:
            rows = await tx.rows(
                "select c.site_id, c.number, c.contract_id, s.* from contract c join contract_state s using (home, contract_id)"
            )
        return {f"{row['site_id']}/{row['number']}": row for row in rows}

    async def exceptions(self) -> list[str]:
        """Codes on the exceptions list."""
        async with reading() as tx:
            return [row["code"] for row in await tx.rows("select code, reason from exception order by exception_id")]

    async def files(self) -> dict[str, int]:
        """How many batches went out, by kind."""
        async with reading() as tx:
            rows = await tx.rows("select kind, count(*) as n from batch where status >= 4 group by kind")
        return {Kind(row["kind"]).name: row["n"] for row in rows}


@contextlib.asynccontextmanager
async def town(directory: Path, *, config: dict[str, Any] | None = None) -> AsyncIterator[Town]:
    """The scenario's world (or another config of the sandbox), on the opened store."""
    settings = config or scenario()
    settings["sftp"] = None
    settings["api"] = "http://api.test"
    machine = datetime.now(UTC)
    secret = settings["carriers"][0]["secrets"][0]

    async def hook(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        carrier = scope["path"].rpartition("/")[2]
        async with reading() as tx:
            now = await clock.business_now(tx, machine)
        await inbox.store(inbox.carrier_channel(carrier), headers["webhook-id"], "notices", body, now, machine)
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=hook)) as to_api:
        sandbox = World(read_config(settings), directory / "sandbox", to_api)
        app = make_app(sandbox)
        transport = httpx2.ASGITransport(app=app)

        @contextlib.asynccontextmanager
        async def carriers(address: CarrierAddress) -> AsyncIterator[CarrierChannel]:
            yield HttpCarrier(
                address.url, address.secret, lambda: datetime.now(UTC), deduplicates=address.deduplicates, transport=transport
            )

        @contextlib.asynccontextmanager
        async def banks(address: BankAddress) -> AsyncIterator[Any]:
            async with open_bank(address) as channel:
                yield channel

        async with transaction() as tx:
            await clock.prepare(tx, sandbox=True, start=at(START), ticking=False, machine_now=machine)
        await world.make_world(
            banks_root=directory / "sandbox" / "banks", sandbox_url=SANDBOX, secret=secret, now=at(START), machine_now=machine
        )
        async with httpx2.AsyncClient(transport=transport, base_url=SANDBOX) as http:
            try:
                yield Town(
                    Services(Spool(directory / "spool"), banks, carriers, lambda: datetime.now(UTC), "town", Seen()), sandbox, http, machine
                )
            finally:
                sandbox.close()


def contract(number: str, **changes: Any) -> dict[str, Any]:
    """One of the scenario's registrations, changed."""
    base = registration(changes.pop("like", "4102"))
    return {**base, "number": number, **changes}


__all__ = ["Town", "at", "contract", "registration", "timedelta", "town"]
