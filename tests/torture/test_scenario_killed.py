"""The scenario's nine contracts, played by processes that are killed: the banks' own books, the ledger and the records come out all the same.

Real files, real calls, the sandbox's banks at the other end. A step that dies is found again when its lease has run out; nothing else helps it.
"""

import asyncio
import contextlib
import random
import signal
import socket
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
import uvicorn

from domain.statuses import BatchStatus, Kind
from domain.store.connection import open_store, transaction
from domain.store.due import Task
from sandbox.app import make_app
from tests.journeys.checks import sound
from tests.journeys.town import Town, registration, town
from tests.torture.children import step
from tests.torture.conftest import without_main
from tests.workers.test_sending import BANK_POINTS, CARRIER_POINTS

AFTER_A_LEASE = timedelta(seconds=16)


class Executioner:
    """Does a town's tasks in child processes and decides which of them dies, and where."""

    def __init__(self, here: Town, nursery: ForkServerContext, database_url: str, path: Path) -> None:
        self.here, self.nursery, self.url, self.path = here, nursery, database_url, path
        self.deaths: Counter[str] = Counter()
        self.alive = here.do

    async def child(self, task: Task, now: datetime, *, crash_at: str | None = None, after: float | None = None) -> bool:
        """One step in a child; True if it died. Then its lease runs out."""
        clocks = (now, self.here.machine)
        spool, log = str(self.path / "spool"), str(self.path / "log")
        process = self.nursery.Process(
            target=step, args=(self.url, spool, log, (task.actor, task.args), clocks, crash_at, after), daemon=True
        )
        with without_main():
            process.start()
        await asyncio.to_thread(process.join, 60)
        code = process.exitcode
        process.close()
        if code in (-signal.SIGKILL, -signal.SIGALRM):
            self.here.machine += AFTER_A_LEASE
            # What it had handed over is on its way, whether it lives to say so or not.
            await self.here.http.post("/clock", json={"now": now.isoformat(), "ticking": False})
            return True
        assert code == 0, (self.path / "log").read_text()[-4000:]
        return False

    async def label(self, task: Task) -> str:
        """The kind of a batch, as crash points name it."""
        async with transaction() as tx:
            row = await tx.row(
                "select kind, direct, status from batch where home = $1 and batch_id = $2", task.args["home"], task.args["batch_id"]
            )
        assert row is not None
        assert BatchStatus(row["status"]) is BatchStatus.SEALED
        return "direct" if row["direct"] else Kind(row["kind"]).name.lower()


class AtEachArrow(Executioner):
    """Every batch's first sender dies; the points go round, kind by kind."""

    def __init__(self, here: Town, nursery: ForkServerContext, database_url: str, path: Path, turn: int) -> None:
        super().__init__(here, nursery, database_url, path)
        self.turns: defaultdict[str, int] = defaultdict(lambda: turn)
        self.dead: set[int] = set()

    async def do(self, task: Task, now: datetime) -> None:
        if task.actor != "send_batch" or task.args["batch_id"] in self.dead:
            await self.alive(task, now)
            return
        self.dead.add(task.args["batch_id"])
        label = await self.label(task)
        points = CARRIER_POINTS if label == "delivery" else BANK_POINTS
        point = f"{label}:{points[self.turns[label] % len(points)]}"
        self.turns[label] += 1
        assert await self.child(task, now, crash_at=point), f"{point} was never reached"
        self.deaths[point] += 1


class AtAnyMoment(Executioner):
    """Any step may die, at any moment of it."""

    def __init__(self, here: Town, nursery: ForkServerContext, database_url: str, path: Path, seed: int) -> None:
        super().__init__(here, nursery, database_url, path)
        self.dice = random.Random(seed)
        self.takes: defaultdict[str, float] = defaultdict(lambda: 0.02)

    async def do(self, task: Task, now: datetime) -> None:
        if self.dice.random() < 0.4:
            began = time.monotonic()
            if await self.child(task, now, after=self.dice.random() * self.takes[task.actor] * 1.5):
                self.deaths[task.actor] += 1
                return
            self.takes[task.actor] = (self.takes[task.actor] + min(time.monotonic() - began, 0.2)) / 2
            await self.here.http.post("/clock", json={"now": now.isoformat(), "ticking": False})
            return
        await self.alive(task, now)


@contextlib.asynccontextmanager
async def served(here: Town) -> AsyncIterator[None]:
    """The sandbox's address for children, who cannot call into this process otherwise."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(here.sandbox), log_level="error", lifespan="off", ws="none"))
    with contextlib.suppress(AttributeError):
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve([listener]))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with transaction() as tx:
        await tx.run("update carrier set url = replace(url, 'https://sandbox.test', $1)", address)
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()


async def play(here: Town) -> None:
    """The nine registrations at their hours, and ten days."""
    for instant, site, numbers in (
        ("09-20 10:00", 130, ("4100", "4101", "4102", "4103")),
        ("09-21 10:00", 130, ("4112",)),
        ("09-22 10:00", 130, ("4332",)),
        ("09-22 10:00", 320, ("1544",)),
        ("09-23 10:00", 320, ("1566",)),
        ("09-24 10:00", 130, ("4662",)),
    ):
        await here.walk(instant)
        await here.register(site, *(registration(number) for number in numbers))
    await here.walk("10-02 07:00")


async def came_out(here: Town) -> None:
    """As if nobody had died: the scenario's files and exceptions, and the banks' books once each."""
    assert await here.exceptions() == []
    assert await here.files() == {"DEBIT": 8, "SWEEP": 8, "PAYOUT": 4, "DELIVERY": 6}
    await sound(here)


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, pytest.param(2, marks=pytest.mark.long)])
async def test_the_first_sender_of_every_file_dies(database_url: str, nursery: ForkServerContext, tmp_path: Path, turn: int):
    async with open_store(database_url), town(tmp_path) as here, served(here):
        death = AtEachArrow(here, nursery, database_url, tmp_path, turn)
        here.how = lambda _, task, now: death.do(task, now)
        await play(here)
        assert death.deaths.total() == 26
        await came_out(here)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_any_step_dies_at_any_moment(database_url: str, nursery: ForkServerContext, tmp_path: Path, seed: int):
    async with open_store(database_url), town(tmp_path) as here, served(here):
        death = AtAnyMoment(here, nursery, database_url, tmp_path, seed)
        here.how = lambda _, task, now: death.do(task, now)
        await play(here)
        assert death.deaths.total() > 10, death.deaths
        await came_out(here)
