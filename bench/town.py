"""The place that is measured: one site at three banks, thousands of buyers and sellers with consents, our steps run one after another.

Steps are called as the actors call them, without the queue: what is measured is the work. One at a time, on one connection as in the
baseline, shows what each step costs; two at a time is what a worker process does with its default settings.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import orjson

from api.app import create_app
from api.options import ApiOptions
from bench import strangers
from domain.statuses import CalendarKind, Kind
from domain.store import administration, clock, due, facts, inbox, mandates, overdue
from domain.store.administration import Account, Bank, Site
from domain.store.administration import Carrier as CarrierRow
from domain.store.connection import reading, transaction
from domain.store.sending import CarrierAddress
from workers import applying, fetching, sealing, sending
from workers import reading as reader
from workers.channels.carrier import CarrierChannel, HttpCarrier
from workers.channels.opening import open_bank
from workers.services import Seen, Services
from workers.spool import Spool

BANKS = ("9991", "9992", "9993")
MAIN = "9990"
SITE = 130
BUYERS, SELLERS = 3_000, 900
START = datetime.fromisoformat("2026-06-01T09:00:00+09:00")
SECRET = "whsec_" + "YmVuY2gtc2VjcmV0LWJlbmNoLXNlY3JldA=="
URL = "http://127.0.0.1:8000"


@dataclass
class Bench:
    """Everything that a round needs; `took` collects seconds by step, `elapsed` the seconds of everything but registration."""

    root: Path
    services: Services
    carrier: strangers.Carrier
    http: httpx2.AsyncClient
    token: str
    machine: datetime
    at_once: int = 1
    elapsed: float = 0.0
    took: dict[str, float] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**9)))
    balances: dict[int, int] = field(default_factory=dict)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Adds the seconds of the block to a step."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.took[name] = self.took.get(name, 0.0) + time.perf_counter() - started

    async def now(self) -> datetime:
        """Business time."""
        async with reading() as tx:
            return await clock.business_now(tx, self.machine)

    async def register(self, count: int, size: int) -> None:
        """Registers contracts through GraphQL, `size` a call."""
        document = (
            "mutation ($input: RegisterContractsInput!) { registerContracts(input: $input) { __typename "
            "... on ContractsRegistered { registeredCount refusedCount results { __typename } } ... on Problem { code message } } }"
        )
        for start in range(0, count, size):
            items = [contract(next(self.numbers)) for _ in range(min(size, count - start))]
            body = orjson.dumps({"query": document, "variables": {"input": {"contracts": items}}})
            with self.step("register"):
                answer = await self.http.post(
                    "/graphql", content=body, headers={"authorization": f"Bearer {self.token}", "content-type": "application/json"}
                )
            data = answer.json()["data"]["registerContracts"]
            assert data.get("registeredCount") == len(items), orjson.dumps(data)[:500]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Adds the seconds of the block to those of the cycle."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.elapsed += time.perf_counter() - started

    async def work(self) -> None:
        """Does everything that is due, `at_once` tasks at a time, and books the seconds of each task under its step."""
        free = asyncio.Semaphore(self.at_once)

        async def one(task: due.Task, now: datetime) -> None:
            async with free:
                name = await _step_of(task)
                with self.step(name):
                    await self._do(task, now)

        while True:
            now = await self.now()
            with self.running():
                async with reading() as tx:
                    tasks = await due.tasks(tx, now, self.machine, (await clock.state(tx)).moves)
                if not tasks:
                    return
                async with asyncio.TaskGroup() as group:
                    for task in tasks:
                        group.create_task(one(task, now))

    async def _do(self, task: due.Task, now: datetime) -> None:
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
                await sending.send_batch(**task.args, services=self.services, holder="bench", now=now, machine_now=machine)
            case "mark_overdue":
                await overdue.mark_overdue(**task.args, now=now, machine_now=machine)
            case _:
                raise AssertionError(task)

    async def move(self, instant: datetime) -> None:
        """Time passes; banks are looked at, and what is due is done."""
        async with transaction() as tx:
            await clock.set_standing(tx, instant, self.machine)
        now = await self.now()
        with self.running(), self.step("fetch and store"):
            for code in (*BANKS, MAIN):
                await fetching.fetch_bank(code, services=self.services, holder="bench", now=now, machine_now=self.machine)
        await self.work()

    async def statements(self, on: date) -> None:
        """Every bank says what happened on a day: lumps of debit files, files executed, credits that arrived."""
        async with reading() as tx:
            accounts = await tx.rows("select * from account order by account_id")
            batches = await tx.rows(
                "select b.*, (select coalesce(sum(l.amount), 0) from line l where l.home = b.home and l.batch_id = b.batch_id and l.outcome = 1)::bigint "
                "as debited from batch b where value_on = $1 and status between 4 and 6 and bank_code is not null order by batch_id",
                on,
            )
            sweeps = {row["sweep_id"]: row for row in await tx.rows("select * from sweep")}
        for account in accounts:
            movements: list[tuple[bool, str, int, str, str]] = []
            for b in batches:
                text = f"{'91' if b['kind'] == Kind.DEBIT else '21'} {on:%m%d} {b['number']:03d}"
                if b["account_id"] == account["account_id"]:
                    if b["kind"] == Kind.DEBIT:
                        movements.append((True, "14", b["debited"], "", text))
                    else:
                        movements.append((False, "11", b["amount"], "", text))
                elif b["kind"] == Kind.SWEEP and sweeps[b["batch_id"]]["to_account"] == account["account_id"]:
                    movements.append((True, "11", b["amount"], f"S{b['batch_id']:018d}1", text))
            movements = [m for m in movements if m[2]]
            if movements:
                opening = self.balances.get(account["account_id"], 0)
                name, data, self.balances[account["account_id"]] = strangers.statement(account, on, opening, movements)
                strangers.put(self.root / account["bank_code"], name, data)
        for code in (*BANKS, MAIN):
            for path in (self.root / code / "in").glob("21_*.txt"):
                path.unlink()


async def _step_of(task: due.Task) -> str:
    """The step of the cycle that a task belongs to."""
    async with reading() as tx:
        if "reply_id" in task.args:
            kind = await tx.value("select kind from reply where reply_id = $1", task.args["reply_id"])
            return f"{REPLIES[kind]}: {'check' if task.actor == 'read_reply' else 'apply'}"
        if task.actor == "carry_fact":
            return f"all of a batch: {facts.BatchNews(task.args['fact']).name.lower()}"
        kind = await tx.value("select kind from batch where home = $1 and batch_id = $2", task.args["home"], task.args["batch_id"])
    return f"{Kind(kind).name.lower()}: {'fill and write' if task.actor == 'seal_batch' else 'send'}"


REPLIES = {
    "receipt": "receipts",
    "result": "results",
    "statement": "statements",
    "answer": "carrier's answers",
    "notices": "shipping notices",
}


def contract(n: int) -> dict[str, Any]:
    """The nth registration: buyers spread over three banks, sellers at the main bank."""
    return {
        "number": f"b-{n}",
        "amount": 100 + n * 37 % 100_000,
        "currency": "JPY",
        "seller": party("S", n % SELLERS, MAIN, 9_200_000),
        "buyer": party("B", n % BUYERS, BANKS[n % BUYERS % 3], 9_100_000),
        "goods": [{"name": "コピー用紙", "model": "A4-W", "quantity": 1 + n % 9}],
    }


def party(letter: str, n: int, bank: str, first: int) -> dict[str, Any]:
    """A buyer or seller of the bench."""
    return {
        "code": f"{letter}{n}",
        "name": f"{letter}{n}社",
        "address": f"中央区銀座 {n}",
        "account": {"bankCode": bank, "branchCode": "101", "type": "ORDINARY", "number": str(first + n), "holder": f"{letter}ｼﾔ"},
    }


@contextlib.asynccontextmanager
async def bench(database_url: str, root: Path, at_once: int = 1) -> AsyncIterator[Bench]:
    """Makes the place in a fresh migrated database; `at_once` tasks run at a time."""
    machine = datetime.now(UTC)
    carrier = strangers.Carrier()
    transport = httpx2.ASGITransport(app=carrier)
    app = create_app(ApiOptions(database_url=f"{database_url}?maxsize=4", base_url=URL))

    @contextlib.asynccontextmanager
    async def carriers(address: CarrierAddress) -> AsyncIterator[CarrierChannel]:
        yield HttpCarrier(
            address.address["url"], address.address["secret"], lambda: datetime.now(UTC), deduplicates=True, transport=transport
        )

    async with app.router.lifespan_context(app):
        client = await _found(root, machine)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=URL) as http:
            answer = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=client)
            services = Services(Spool(root / "spool"), open_bank, carriers, lambda: datetime.now(UTC), "bench", Seen())
            yield Bench(root, services, carrier, http, answer.json()["access_token"], machine, at_once)


async def _found(root: Path, machine: datetime) -> tuple[str, str]:
    async with transaction() as tx:
        await clock.prepare(tx, sandbox=True, start=START, ticking=False, machine_now=machine)
    for code in (*BANKS, MAIN):
        for side in ("in", "out"):
            (root / code / side).mkdir(parents=True, exist_ok=True)
        await administration.create_bank(
            Bank(code, f"bank {code}", "ﾊﾞﾝｸ", "directory", {"path": str(root / code)}, calendar=int(CalendarKind.EVERY_DAY))
        )
    await administration.create_carrier(CarrierRow("bench", "bench", "https://carrier.test", SECRET))
    await administration.create_site(Site(SITE, 1, "bench", "bench", calendar=int(CalendarKind.EVERY_DAY)))
    for place, code in enumerate((MAIN, *BANKS)):
        await administration.create_account(
            Account(SITE, code, "001", 1, f"91300{place:02d}", "ｻｲﾄ", f"{SITE:010d}", collecting=True, main=code == MAIN),
            machine_now=machine,
        )
    consents = [
        mandates.Consent(a["bankCode"], a["branchCode"], 1, a["number"], "bench")
        for a in (party("B", n, BANKS[n % 3], 9_100_000)["account"] for n in range(BUYERS))
    ]
    await mandates.add_mandates(SITE, consents, now=START, machine_now=machine)
    return await administration.create_client("bench", site_id=SITE, firm_id=None, machine_now=machine)


async def notices(place: Bench, on: date) -> None:
    """The carrier's notices arrive, and are worked on."""
    now = await place.now()
    for n, body in enumerate(place.carrier.notices(on)):
        with place.running(), place.step("fetch and store"):
            await inbox.store("carrier:bench", f"msg-{on}-{n}", "notices", body, now, place.machine)
    await place.work()


def peak_mb() -> float:
    """Peak memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
