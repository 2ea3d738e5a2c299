"""A town in one process: our runs on a real database, the sandbox's banks and carrier at the other end of real files and calls.

No queue and no scheduler: `settle` does at once what `due.tasks` says is due, as the workers would (the queue is a hint, rule 7). Time is
walked as the real clock is: the earliest instant of ours or of the sandbox, both clocks set there, work until quiet, again. So the business
time in an event is the instant at which it happened, and a contract's diary says when each thing was done, and that nothing was done before.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest

from domain.bank_names import kind_of
from domain.calendar import JST
from domain.registration import NormalContract, normalise
from domain.statuses import DebitStatus, DeliveryStatus, EventKind, Kind, PayoutStatus
from domain.store import bank_changes, clock, due, facts, filling, inbox, mandates, overdue, registering, results, site_rules
from domain.store.connection import reading, transaction
from domain.store.due import Task
from domain.store.sending import BankAddress
from kessai import world, world_data
from sandbox.app import make_app
from sandbox.config import read_config
from sandbox.scenario import registration, scenario
from sandbox.sftp import SftpGate
from sandbox.world import World
from workers import applying, fetching, sealing, sending, stopping
from workers import reading as reader
from workers.channels import opening
from workers.channels.opening import open_bank
from workers.services import Seen, Services
from workers.spool import Spool
from zengin import to_bank_kana

START = "2000-09-20T09:00:00+09:00"
SANDBOX = "https://sandbox.test"
HOLDER = "ｼﾖｳﾃﾝ"
BANK_SECRET = "whsec_" + "QUJD" * 12


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
    seen: dict[str, frozenset[tuple[str, int]]] = field(default_factory=dict)  # what lay in each bank's out/ at the last look
    moves: int = -1  # the clock's count then
    pushed: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)  # what banks have pushed: bank, headers, body
    gate: SftpGate | None = None  # the strangers' SFTP server
    how: Callable[[Town, Task, datetime], Awaitable[None]] | None = None  # how a task is done, if not once and to its end

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
        for _ in range(400):
            await self.poll()
            now = await self.now()
            async with reading() as tx:
                tasks = await due.tasks(tx, now, self.machine, self.moves)
            if not tasks:
                return
            await (self.how or Town.do)(self, tasks[0], now)
        raise AssertionError(f"never quiet: {tasks}")

    async def poll(self) -> None:
        """Looks through the out/ of each bank that has written something; of the others it is written down that they were heard."""
        async with reading() as tx:
            moves = (await clock.state(tx)).moves
        for code, drop in (self.sandbox.drops | self.sandbox.carrier_drops).items():
            files = frozenset((entry.name, entry.stat().st_mtime_ns) for entry in drop.outbox.iterdir())
            of_bank = code in self.sandbox.config.banks
            if files != self.seen.get(code):
                now = await self.now()
                fetch = fetching.fetch_bank if of_bank else fetching.fetch_carrier
                await fetch(code, services=self.services, holder="town", now=now, machine_now=self.machine)
                self.seen[code] = files
            elif moves != self.moves:
                await (inbox.end_poll if of_bank else inbox.end_carrier_poll)(code, self.machine, moves, None, await self.now())
        self.moves = moves

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
                await sending.send_batch(**task.args, services=self.services, holder=f"town:{uuid4()}", now=now, machine_now=machine)
                await self.http.post("/clock", json={"now": now.isoformat(), "ticking": False})  # the strangers take it at once
            case "stop_shipment":
                await stopping.stop_shipment(**task.args, services=self.services, holder=f"town:{uuid4()}", now=now, machine_now=machine)
            case "mark_overdue":
                await overdue.mark_overdue(**task.args, now=now, machine_now=machine)
            case _:
                raise AssertionError(task)

    async def contracts(self) -> dict[str, Any]:
        """Every contract's state row, by `site/number`."""
        async with reading() as tx:
            rows = await tx.rows(
                "select c.site_id, c.number, c.contract_id, s.* from contract c join contract_state s using (home, contract_id)"
            )
        return {f"{row['site_id']}/{row['number']}": row for row in rows}

    async def stands(self, number: str) -> str:
        """Where a contract stands: debit, delivery and payout, as `DEBITED SHIPPED PENDING`."""
        found = (await self.contracts())[number]
        return f"{DebitStatus(found['debit']).name} {DeliveryStatus(found['delivery']).name} {PayoutStatus(found['payout']).name}"

    async def diary(self, number: str) -> list[str]:
        """What happened to a contract and when: `09-21 11:00 DEBIT_INSTRUCTED`, in order."""
        site, _, short = number.partition("/")
        async with reading() as tx:
            rows = await tx.rows(
                "select e.at, e.kind from event e join contract c using (home, contract_id) where c.site_id = $1 and c.number = $2 order by e.no",
                int(site),
                short,
            )
        return [f"{row['at'].astimezone(JST):%m-%d %H:%M} {EventKind(row['kind']).name}" for row in rows]

    async def value(self, sql: str, *args: Any) -> Any:
        """One value out of the database."""
        async with reading() as tx:
            return await tx.value(sql, *args)

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        """Rows out of the database."""
        async with reading() as tx:
            return list(await tx.rows(sql, *args))

    async def say(self, sql: str, *args: Any) -> None:
        """Changes a setting of ours that no journey's registration can say (how a bank works, say); seen at once."""
        async with transaction() as tx:
            await tx.run(sql, *args)
        site_rules.forget()

    async def later(self, seconds: int) -> None:
        """Lets machine time pass, for leases and pauses; the business clock stands."""
        self.machine += timedelta(seconds=seconds)
        await self.settle()

    async def rule(self, bank: str, action: dict[str, Any], *, times: int | None = None, **match: Any) -> None:
        """Makes a bank of the sandbox misbehave (docs/sandbox.md)."""
        answer = await self.http.post(f"/banks/{bank}/rules", json={"match": match, "action": action, "times": times})
        assert answer.status_code < 300, answer.text

    async def carrier_rule(self, answer: str, times: int = 1) -> None:
        """Makes the carrier misbehave at the next calls."""
        got = await self.http.post(f"/carriers/{world_data.CARRIER_ID}/rules", json={"action": {"answer": answer}, "times": times})
        assert got.status_code < 300, got.text

    async def deposit(self, bank: str, number: str, yen: int, **also: Any) -> None:
        """Opens an account at a bank of the sandbox (if it is not there), and pays something into it."""
        account = {"branch": branch_of(bank), "type": "1", "number": number, "holder": HOLDER, "deposit": yen, **also}
        answer = await self.http.post(f"/banks/{bank}/accounts", json=account)
        assert answer.status_code < 300, answer.text

    async def buyer(self, number: str, *, bank: str = "9992", yen: int = 1_000_000, site: int = 130, known: bool = True) -> dict[str, Any]:
        """A buyer with money and a mandate on both sides (`known`: at the bank too); answers him as a site registers him."""
        await self.deposit(bank, number, yen)
        if known:
            consent = {"consignor": world_data.consignor_code(site), "branch": branch_of(bank), "type": "1", "number": number}
            assert (await self.http.post(f"/banks/{bank}/mandates", json=[consent])).status_code < 300
        await self.consent(number, bank=bank, site=site)
        return party(number, bank)

    async def consent(self, number: str, *, bank: str = "9992", site: int = 130) -> None:
        """The mandate of a buyer's account, as we know it."""
        taken = await mandates.add_mandates(
            site,
            [mandates.Consent(bank, branch_of(bank), 1, number, "paper")],
            now=await self.now(),
            machine_now=self.machine,
        )
        assert not taken.refused, taken.refused

    async def seller(self, number: str, *, bank: str = "9990") -> dict[str, Any]:
        """A seller with an account; answers him as a site registers him."""
        await self.deposit(bank, number, 0)
        return party(number, bank)

    def out(self, bank: str, pattern: str) -> list[Path]:
        """Files that a bank has written, in order of name."""
        return sorted(self.sandbox.drops[bank].outbox.glob(pattern))

    def put(self, bank: str, name: str, content: bytes) -> None:
        """Puts a file into a bank's out/, as if it came from the bank."""
        unfinished = self.sandbox.drops[bank].work / "by-hand"
        unfinished.write_bytes(content)
        unfinished.replace(self.sandbox.drops[bank].outbox / name)

    async def notice(
        self,
        number: str,
        kind: str,
        on: str,
        *,
        carrier: str = world_data.CARRIER_ID,
        attempt: int = 1,
        seq: int = 1,
        event_id: str | None = None,
        message: str = "",
        tracking: str | None = None,
    ) -> None:
        """A notice of a carrier about a contract (or about an ID of nobody's)."""
        rows = await self.rows("select contract_id from contract where site_id || '/' || number = $1", number)
        contract_id = rows[0]["contract_id"] if rows else int(number)
        name = f"by-hand-{number}-{kind}-{on}-{seq}{message}"
        event = {
            "event_id": event_id or name,
            "type": kind,
            "shipment_id": f"{contract_id:018d}{attempt:02d}",
            "occurred_on": f"2000-{on}",
            "sequence": seq,
            "tracking_number": tracking,
            "reason": None,
        }
        channel = inbox.carrier_channel(carrier)
        await inbox.store(channel, name, "notices", orjson.dumps({"events": [event]}), await self.now(), self.machine)
        await self.settle()

    async def exceptions(self) -> list[str]:
        """Codes on the exceptions list."""
        async with reading() as tx:
            return [row["code"] for row in await tx.rows("select code, reason from exception order by exception_id")]

    async def files(self) -> dict[str, int]:
        """How many batches went out, by kind."""
        async with reading() as tx:
            rows = await tx.rows("select kind, count(*) as n from batch where status >= 4 group by kind")
        return {Kind(row["kind"]).name: row["n"] for row in rows}


@dataclass(frozen=True, slots=True)
class Over:
    """What all banks of a town speak, and over what: a connector, a format, and whether messages are pushed as well as listed."""

    connector: str = "directory"
    format: str = "zengin"
    pushes: bool = False


@contextlib.asynccontextmanager
async def town(
    directory: Path,
    *,
    config: dict[str, Any] | None = None,
    over: Over | None = None,
    between: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] | None = None,
) -> AsyncIterator[Town]:
    """The scenario's world (or another config of the sandbox), on the opened store. `between`: something that hears the calls to banks."""
    settings, over = config or scenario(), over or Over()
    settings["sftp"] = {"port": 0} if over.connector == "sftp" else None
    settings["api"] = "http://api.test"
    for bank in settings["banks"]:
        bank.update(format=over.format, pushes=over.pushes, secrets=[BANK_SECRET])
    machine = datetime.now(UTC)
    secret = settings["carriers"][0]["secrets"][0]
    pushed: list[tuple[str, dict[str, str], bytes]] = []

    async def hook(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        whose, who = scope["path"].split("/")[-2:]
        name = headers["webhook-id"]
        if whose == "banks":
            pushed.append((who, headers, body))
        channel, kind = (inbox.bank_channel(who), kind_of(name)) if whose == "banks" else (inbox.carrier_channel(who), "notices")
        async with reading() as tx:
            now = await clock.business_now(tx, machine)
        await inbox.store(channel, name, kind, body, now, machine)
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=hook)) as to_api:
        sandbox = World(read_config(settings), directory / "sandbox", to_api)
        gate = SftpGate(sandbox, 0) if over.connector == "sftp" else None
        if gate is not None:
            await gate.open()
        transport = httpx2.ASGITransport(app=make_app(sandbox, gate))

        open_carrier = opening.carriers(lambda: datetime.now(UTC), transport=transport)

        @contextlib.asynccontextmanager
        async def banks(address: BankAddress) -> AsyncIterator[Any]:
            async with open_bank(address, transport=between(transport) if between else transport) as channel:
                yield channel

        async with transaction() as tx:
            await clock.prepare(tx, sandbox=True, start=at(START), ticking=False, machine_now=machine)
        await world.make_world(
            banks_root=directory / "sandbox" / "banks",
            carriers_root=directory / "sandbox" / "carriers",
            sandbox_url=SANDBOX,
            secret=secret,
            now=at(START),
            machine_now=machine,
            sftp=_sftp(gate.describe()) if gate else None,
        )
        for bank in settings["banks"]:
            await bank_changes.change_bank(bank["code"], _settings(bank["code"], over), now=at(START), machine_now=machine)
        async with httpx2.AsyncClient(transport=transport, base_url=SANDBOX) as http:
            try:
                services = Services(Spool(directory / "spool"), banks, open_carrier, lambda: datetime.now(UTC), "town", Seen())
                yield Town(services, sandbox, http, machine, pushed=pushed, gate=gate)
            finally:
                if gate is not None:
                    await gate.close()
                sandbox.close()


def _sftp(described: dict[str, Any]) -> world.Sftp:
    keys = {code: user["key_file"] for code, user in described["users"].items()}
    return world.Sftp(described["host"], described["port"], described["host_key"], keys)


def _settings(bank: str, over: Over) -> dict[str, Any]:
    """What is told about a bank, beside what the world says of it."""
    if over.connector != "http":
        return {"format": over.format}
    address = {"address.url": f"http://127.0.0.1:9/banks/{bank}/api", "address.secret": BANK_SECRET}
    return {"connector": "http", "format": "json", "max_lines": 10_000, **address}


def chunks_of(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Makes every run work in small chunks, so that a few contracts are many transactions."""
    for function, name in ((facts.carry, "limit"), (results.apply_chunk, "limit"), (filling.fill, "chunk")):
        assert function.__kwdefaults__ is not None
        monkeypatch.setitem(function.__kwdefaults__, name, size)


def branch_of(bank: str) -> str:
    """The one branch that a bank of this world has."""
    return next(entry.branch for entry in world_data.BANKS if entry.code == bank)


def party(number: str, bank: str) -> dict[str, Any]:
    """The owner of an account, as a site registers him."""
    account = {"bankCode": bank, "branchCode": branch_of(bank), "type": "ORDINARY", "number": number, "holder": HOLDER}
    return {"code": f"P{number}", "name": f"{number}商店", "address": "港区新橋", "account": account}


def contract(number: str, **changes: Any) -> dict[str, Any]:
    """One of the scenario's registrations (#102: E社 sells to F社 for 90,000 yen), changed. `model`: what the carrier makes of the goods."""
    base = registration(changes.pop("like", "4102"))
    if "model" in changes:
        changes["goods"] = [{"name": "雑貨", "model": changes.pop("model"), "quantity": 1}]
    return {**base, "number": number, **changes}


def day(text: str) -> date:
    """`09-25` of the year 2000."""
    return date.fromisoformat(f"2000-{text}")


__all__ = ["BANK_SECRET", "Over", "Town", "at", "chunks_of", "contract", "day", "party", "registration", "timedelta", "town"]
