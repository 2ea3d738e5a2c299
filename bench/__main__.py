"""`python -m bench`: contracts a second for each step of a cycle, and ratios against the bare statements in the same run."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import secrets
import statistics
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from rich.console import Console
from rich.table import Table

from bench import baseline, filled
from bench.cycle import cycle, finished
from bench.town import Bench, bench, peak_mb
from domain.store.connection import open_store
from domain.store.migrate import migrate
from kessai.embedded import start

out = Console()


def main() -> None:
    """Reads the arguments and runs what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--contracts", type=int, default=100_000, help="contracts of a round (default 100,000)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds of cycle and baseline (default 3)")
    parser.add_argument("--beside", type=int, default=500_000, help="finished contracts beside which a run is measured; 0 leaves that out")
    parser.add_argument("--beside-contracts", type=int, default=50_000, help="contracts of a run beside them (default 50,000)")
    parser.add_argument("--beside-rounds", type=int, default=5, help="interleaved rounds of that (default 5)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON on stdout")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="kessai-bench-", dir="/var/tmp", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)
        engines = start(Path(directory) / "state")
        try:
            figures = asyncio.run(_all(engines.database_url, Path(directory), arguments))
        finally:
            engines.stop()
    if arguments.json:
        print(json.dumps(figures, indent=1))


async def _all(url: str, directory: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    figures = await _cycles(url, directory, arguments.contracts, arguments.rounds)
    if arguments.beside:
        figures |= await _beside(url, directory, arguments.beside, arguments.beside_contracts, arguments.beside_rounds)
    return figures


async def _cycles(url: str, directory: Path, count: int, rounds: int) -> dict[str, Any]:
    ours: list[dict[str, float]] = []
    single: list[float] = []
    double: list[float] = []
    bare: list[dict[str, float]] = []
    memory: list[float] = []
    async with _fresh(url) as bare_url:
        for n in range(rounds):
            out.print(f"round {n + 1} of {rounds}: {count:,} contracts ...")
            root = directory / f"cycle-{n}"
            async with _fresh(url) as place_url, bench(place_url, root) as place:
                ours.append(await _whole(place, count))
                single.append(place.elapsed)
            async with _fresh(url) as place_url, bench(place_url, directory / f"double-{n}", at_once=2) as place:
                await _whole(place, count)
                double.append(place.elapsed)
            memory.append(peak_mb())
            async with open_store(bare_url):
                bare.append(await baseline.run(count, await baseline.prepare(count, n), directory))
    steps = {name: statistics.median(took.get(name, 0.0) for took in ours) for name in ours[0]}
    whole, paired = statistics.median(single), statistics.median(double)
    bottom = statistics.median(sum(took.values()) for took in bare)
    table = Table(title=f"{count:,} contracts, median of {rounds}")
    for column in ("step", "seconds", "contracts/s"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for name, seconds in steps.items():
        table.add_row(name, f"{seconds:.2f}", f"{count / seconds:,.0f}" if seconds else "-")
    table.add_row("whole cycle, one task at a time", f"{whole:.2f}", f"{count / whole:,.0f}")
    table.add_row("whole cycle, two at a time", f"{paired:.2f}", f"{count / paired:,.0f}")
    for name in bare[0]:
        seconds = statistics.median(took[name] for took in bare)
        table.add_row(f"bare: {name}", f"{seconds:.2f}", f"{count / seconds:,.0f}")
    table.add_row("bare statements", f"{bottom:.2f}", f"{count / bottom:,.0f}")
    out.print(table)
    out.print(f"ratio to the bare statements: {bottom / paired:.2f} two tasks at a time, {bottom / whole:.2f} one at a time   (aim 0.5)")
    out.print(f"peak memory of this process after each round: {', '.join(f'{m:.0f} MB' for m in memory)}")
    return {
        "steps": steps,
        "cycle_per_second": count / paired,
        "cycle_per_second_one_at_a_time": count / whole,
        "bare_per_second": count / bottom,
        "ratio": bottom / paired,
        "ratio_one_at_a_time": bottom / whole,
        "peak_mb": memory,
    }


async def _whole(place: Bench, count: int) -> dict[str, float]:
    took = await cycle(place, count)
    paid, failed = await finished()
    assert paid + failed == count, (paid, failed)
    return took


async def _beside(url: str, directory: Path, past: int, count: int, rounds: int) -> dict[str, Any]:
    out.print(f"filling in {past:,} finished contracts ...")
    alone: list[float] = []
    beside: list[float] = []
    async with _fresh(url) as full_url:
        async with bench(full_url, directory / "full"):
            await filled.fill(past)
        for n in range(rounds):
            alone.append(await _one(url, directory / f"alone-{n}", count, None))
            beside.append(await _one(url, directory / f"beside-{n}", count, full_url))
            out.print(f"round {n + 1} of {rounds}: {count:,} in an empty database {alone[-1]:.1f} s, beside {past:,} {beside[-1]:.1f} s")
    ratio = statistics.median(beside) / statistics.median(alone)
    out.print(f"beside {past:,} finished contracts: {ratio:.2f} times the run in an empty database   (aim: at most 1.3)")
    return {"beside_ratio": ratio}


async def _one(url: str, root: Path, count: int, template: str | None) -> float:
    async with _fresh(url, template) as place_url, bench(place_url, root) as place:
        return sum((await cycle(place, count)).values())


@contextlib.asynccontextmanager
async def _fresh(url: str, template: str | None = None) -> AsyncIterator[str]:
    """A migrated database, or a copy of another, gone at the end of the block."""
    name = f"bench_{secrets.token_hex(4)}"
    like = f' template "{template.rpartition("/")[2]}" strategy file_copy' if template else ""
    admin = await asyncpg.connect(url)
    await admin.execute(f'create database "{name}"{like}')
    await admin.close()
    made = f"{url.rpartition('/')[0]}/{name}"
    try:
        if template is None:
            await migrate(made)
        yield made
    finally:
        admin = await asyncpg.connect(url)
        await admin.execute(f'drop database "{name}" with (force)')
        await admin.close()


if __name__ == "__main__":
    main()
