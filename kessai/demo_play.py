"""Playing the demo: make a world, walk its clock from day to day, ask at the figures' hours, compare at the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from domain.store import books, verify
from domain.store.connection import reading
from kessai import demo_checks, demo_story
from kessai import demo_expected as want
from kessai.addresses import Addresses, servers
from kessai.checking import Checks
from kessai.embedded.processes import free_port
from kessai.figures import Asker, figure_8, figure_9
from kessai.places import Places
from kessai.processes import Processes, choose_port, until_told
from kessai.settings import EngineSettings
from kessai.stage import Stage, Wish, open_stage
from kessai.world_data import CARRIER_ID


@dataclass(slots=True)
class Demo:
    """One run: where, what it shows, what it found."""

    root: Path
    screen: Console
    checks: Checks = field(default_factory=Checks)
    figure_8: dict[str, Any] | None = None
    figure_9: list[dict[str, Any]] | None = None

    def say(self, what: str, words: str, seconds: float) -> None:
        """A part of the world is ready."""
        self.screen.print(Text(f"  ok  {what:<10} {words.partition('    ')[0]:<70} {seconds:>5.1f} s"))


def play(run: Demo, port: int | None) -> None:
    """Plays it all. Raises Trouble when the world cannot be made or dies on the way."""
    chosen = free_port() if port is None else choose_port(port)[0]
    places = Places.beside(run.root / "state")
    with servers(EngineSettings(state=places.state), run.say, durable=False) as addresses:
        wish = Wish(places, chosen, ticking=False, play=True)
        if not asyncio.run(until_told(_play(run, wish, addresses))):
            raise KeyboardInterrupt


async def _play(run: Demo, wish: Wish, addresses: Addresses) -> None:
    processes = Processes(wish.places.log, lambda line: run.screen.print(Text(line)))
    try:
        async with open_stage(wish, addresses, processes, run.say) as stage:
            run.screen.print()
            await _days(run, stage)
            await _compare(run, stage)
    finally:
        processes.stop()


async def _days(run: Demo, stage: Stage) -> None:
    """Day after day, with the figures at their hours."""
    told: set[str] = set()
    for day in want.DAYS:
        start, end = demo_story.span(day)
        if start <= want.FIGURE_8_AT < end:
            await stage.clockwork.walk(want.FIGURE_8_AT)
            await _tell(run, day, told)
            run.figure_8 = await _asker(stage, "F社").contract("130/4102")
            demo_checks.check_figure_8(run.checks, run.figure_8)
            if run.figure_8 is not None:
                _show(run, figure_8(run.figure_8, "F社"))
        await stage.clockwork.walk(min(end - timedelta(hours=1), want.END_AT))
        await _tell(run, day, told)
    run.figure_9 = await _asker(stage, "B社").settlements()
    demo_checks.check_figure_9(run.checks, run.figure_9)
    _show(run, figure_9(run.figure_9, "B社"))


def _show(run: Demo, table: object) -> None:
    run.screen.print()
    run.screen.print(table)
    run.screen.print()


def _asker(stage: Stage, name: str) -> Asker:
    return Asker(stage.api, name, stage.credentials.parties[name])


async def _tell(run: Demo, day: date, told: set[str]) -> None:
    """Prints what has happened on that day and was not told yet."""
    start, end = demo_story.span(day)
    async with reading() as tx:
        happened = await books.happened(tx, start, end)
        batches = [batch for batch in await books.sent_batches(tx) if start <= batch.sealed_at < end]
    for line in demo_story.tell(day, happened, batches):
        if line not in told:
            told.add(line)
            run.screen.print(Text(line))


async def _compare(run: Demo, stage: Stage) -> None:
    """Everything that the scenario says, beside what the records, the banks and the carrier say."""
    checks = run.checks
    banks = await stage.strangers.banks()
    shipments = await stage.strangers.shipments(CARRIER_ID)
    status = await stage.strangers.status()
    warnings = {name: await _asker(stage, name).contract("130/4100") for name in ("A社", "B社")}
    stranger = await _asker(stage, "C社").contract("130/4100")
    async with reading() as tx:
        demo_checks.check_files(checks, await books.sent_batches(tx))
        await demo_checks.check_results(checks, tx)
        await demo_checks.check_events(checks, tx)
        await demo_checks.check_states(checks, tx)
        await demo_checks.check_books(checks, tx, banks)
    demo_checks.check_goods(checks, shipments)
    demo_checks.check_warnings(checks, warnings)
    checks.equal("kessai verify", [str(finding) for finding in await verify.check()], [])
    checks.equal("#100 is not there for others", stranger, None)
    checks.equal("the sandbox has nothing to complain of", status.failed_actions, [])
    checks.equal("the clock", status.now, want.END_AT)
    run.screen.print(
        Text(
            f"{len(want.DEBIT_FILES)} debit files, {len(want.RESULTS)} results, {len(want.SWEEPS)} sweeps, "
            f"{len(want.PAYOUTS)} payout "
            "files; every account at every bank beside our ledger; the events replayed"
        )
    )
