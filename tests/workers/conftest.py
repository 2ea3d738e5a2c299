"""A small world for the machinery: a bank and a carrier that only keep books, sealed batches, and a machine clock that is moved by hand."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx2
import pytest

from domain import carrier_files
from domain.statuses import BatchStatus, Kind, SweepStatus
from domain.store.connection import open_store, transaction
from domain.store.sending import BankAddress
from kessai.embedded import Engines
from tests.conftest import a_database
from workers.channels.opening import carriers, open_bank
from workers.sending import send_batch
from workers.services import Services
from workers.spool import Spool

TOKYO = timezone(timedelta(hours=9))
NOW = datetime(2000, 9, 20, 11, 0, tzinfo=TOKYO)
HOME, SITE, BATCH = 1, 130, 57_312_345_001_000_018
SECRET = "whsec_a2Vzc2FpLXRlc3Qtc2VjcmV0LTAwMDE="
LABELS = {
    "debit": (Kind.DEBIT, False),
    "direct": (Kind.DEBIT, True),
    "sweep": (Kind.SWEEP, False),
    "payout": (Kind.PAYOUT, False),
    "fee": (Kind.FEE, False),
    "refund": (Kind.REFUND, False),
    "delivery": (Kind.DELIVERY, False),
}


TABLES = (
    "business_clock", "bank_poll", "carrier_poll", "reply_line", "reply_body", "reply", "exception", "outbox", "lease", "sweep", "batch", "bank", "carrier"
)  # fmt: skip


class Crash(BaseException):
    """The process dies here. Nobody catches it, as nobody catches a SIGKILL."""


@dataclass
class Book:
    """What a bank has taken from `in/`: it moves files away and remembers names and bytes for ever."""

    path: Path
    taken: list[tuple[str, bytes]] = field(default_factory=list)

    def take(self) -> None:
        for file in sorted((self.path / "in").iterdir()):
            if not file.name.endswith(".tmp"):
                self.taken.append((file.name, file.read_bytes()))
                file.rename(self.path / f"taken-{len(self.taken)}")


@dataclass
class CarrierBook:
    """A carrier after docs/wire.md: `booked` counts what it would ship, by key."""

    deduplicates: bool
    answers: dict[str, bytes] = field(default_factory=dict)
    booked: list[str] = field(default_factory=list)
    fail: Callable[[httpx2.Request], httpx2.Response | None] | None = (
        None  # called with the request; may answer, or raise instead of the answer
    )
    after: Callable[[httpx2.Request], None] | None = None  # called with the request when it has been booked: an answer that gets lost

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if self.fail is not None and (failed := self.fail(request)) is not None:
            return failed
        if request.method == "GET":
            body = self.answers.get(request.url.path.rsplit("/", 1)[1])
            return httpx2.Response(200, content=body) if body else httpx2.Response(404)
        key = request.headers["idempotency-key"]
        if key in self.answers:
            if self.deduplicates:
                return httpx2.Response(200, content=self.answers[key])
            return httpx2.Response(409, json={"code": "DUPLICATE"})
        self.booked.append(key)
        self.answers[key] = json.dumps({"batch_id": key, "results": []}).encode()
        if self.after is not None:
            self.after(request)
        return httpx2.Response(201, content=self.answers[key])


@dataclass
class World:
    """Everything that a step touches, and shortcuts to look at it."""

    path: Path
    spool: Spool
    book: Book
    carrier: CarrierBook
    machine_now: datetime = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    crash_at: str | None = None
    holders: int = 0

    def point(self, name: str) -> None:
        if name == self.crash_at:
            raise Crash(name)

    def services(self, holder: str = "tester") -> Services:
        open_carrier = carriers(lambda: self.machine_now, transport=httpx2.MockTransport(self.carrier))
        return Services(self.spool, self.open_bank, open_carrier, lambda: self.machine_now, holder, point=self.point)

    def open_bank(self, address: BankAddress) -> Any:
        return open_bank(address)

    async def send(self) -> None:
        self.holders += 1
        await send_batch(
            HOME,
            BATCH,
            services=self.services(),
            holder=f"worker-{self.holders}",
            now=NOW,
            machine_now=self.machine_now,
        )

    async def send_and_die(self, point: str) -> bool:
        """True if it died at this point."""
        self.crash_at = point
        try:
            await self.send()
        except Crash:
            return True
        finally:
            self.crash_at = None
        return False

    def wait(self, **span: float) -> None:
        self.machine_now += timedelta(**span)

    async def seal(self, label: str, content: bytes = b"9" * 120 + b"\r\n", *, spooled: bool = True, by_file: bool = False) -> str:
        """A sealed batch of this kind (`by_file`: for a carrier that is given files); answers its name."""
        kind, direct = LABELS[label]
        sha256 = hashlib.sha256(content).digest()
        if spooled:
            with self.spool.writer() as file:
                file.write(content)
                assert file.finish() == (sha256, len(content))
        delivery = kind is Kind.DELIVERY
        name = f"{91 if kind is Kind.DEBIT else 21}_9000000001_20000924_001.txt"
        if delivery:
            name = carrier_files.request_name(BATCH) if by_file else f"{BATCH:018d}"
        async with transaction() as tx:
            await tx.run(
                "insert into batch(home, batch_id, kind, direct, site_id, bank_code, carrier_id, account_id, value_on, number, status, "
                "seal_at, deadline_at, closed_at, line_count, amount, name, sha256, sealed_at, takes_from) values "
                "($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $11, $11, 1, 1000, $12, $13, $11, $2)",
                HOME,
                BATCH,
                int(kind),
                direct,
                SITE,
                None if delivery else "9991",
                "carrier-x" if delivery else None,
                None if delivery else 1,
                date(2000, 9, 24),
                int(BatchStatus.SEALED),
                NOW,
                name,
                sha256,
            )
            if kind is Kind.SWEEP:
                await tx.run(
                    "insert into sweep(home, sweep_id, site_id, from_account, to_account) values ($1, $2, $3, 1, 2)", HOME, BATCH, SITE
                )
        return name

    async def batch(self) -> Any:
        async with transaction() as tx:
            return await tx.row("select * from batch where home = $1 and batch_id = $2", HOME, BATCH)

    async def status(self) -> BatchStatus:
        return BatchStatus((await self.batch())["status"])

    async def sweep(self) -> SweepStatus:
        async with transaction() as tx:
            return SweepStatus(await tx.value("select status from sweep where home = $1 and sweep_id = $2", HOME, BATCH))

    async def exceptions(self) -> list[str]:
        async with transaction() as tx:
            return [row["code"] for row in await tx.rows("select code from exception order by exception_id")]

    async def set(self, table: str, column: str, value: Any) -> None:
        async with transaction() as tx:
            await tx.run(f"update {table} set {column} = $1", value)


@pytest.fixture(params=[False, True], ids=["plain", "deduplicating"])
def deduplicates(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
async def shared_url(engines: Engines, template_database: str) -> AsyncIterator[str]:
    """One database for all tests of a file: there are hundreds of them, and each empties the few tables it uses."""
    async with a_database(engines, template_database) as url:
        yield url


@pytest.fixture(scope="module")
async def shared_store(shared_url: str) -> AsyncIterator[None]:
    async with open_store(shared_url):
        yield


@pytest.fixture
async def world(shared_store: None, tmp_path: Path) -> World:
    place = tmp_path / "bank"
    for name in ("in", "out"):
        (place / name).mkdir(parents=True)
    async with transaction() as tx:
        for table in TABLES:
            await tx.run(f"delete from {table}")
        await tx.run(
            "insert into bank(bank_code, name, kana, connector, address) values ('9991', 'A銀行', 'A', 'directory', $1::jsonb)",
            json.dumps({"path": str(place)}),
        )
        await tx.run("insert into carrier(carrier_id, name, url, secret) values ('carrier-x', 'X', 'http://carrier.test', $1)", SECRET)
    return World(tmp_path, Spool(tmp_path / "spool"), Book(place), CarrierBook(deduplicates=True))


@pytest.fixture
async def either(world: World, deduplicates: bool) -> World:
    """The world with a plain and with a deduplicating bank and carrier."""
    await world.set("bank", "deduplicates", deduplicates)
    await world.set("carrier", "deduplicates", deduplicates)
    world.carrier.deduplicates = deduplicates
    return world
