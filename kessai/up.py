"""`kessai up`: the whole world on this machine until Ctrl-C. Data and clock stay; the next start goes on from there."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rich.text import Text

from kessai import world_data
from kessai.clock_address import clock_address
from kessai.clockwork import machine_now
from kessai.embedded.processes import Identity
from kessai.places import Places
from kessai.processes import Processes, choose_port, until_told
from kessai.screen import console, print_json, weekday
from kessai.settings import UpSettings
from kessai.stage import Addresses, Stage, Wish, begin_afresh, open_stage, servers, short
from kessai.trouble import Trouble

_STARTING_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    start: datetime | None = None
    port: int | None = None
    reset: bool = False
    sftp: bool = False
    as_json: bool = False


def run_up(options: Options) -> int:
    """Starts everything and stays until it is stopped; when it runs already, says so and where."""
    settings = UpSettings.from_env(os.environ)
    places = Places.beside(settings.api.engines.state)
    places.root.mkdir(parents=True, exist_ok=True)
    with places.lock.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _already(places, options)
        if options.reset:
            begin_afresh(places, settings.api.engines)
        port, moved = choose_port(options.port if options.port is not None else settings.api.port)
        if moved:
            console(error=True).print(Text(f"  Port 8000 is taken; the API listens on {port}."))
        with servers(settings.api.engines, say) as addresses:
            wish = Wish(places, port, options.start or world_data.START, host=settings.api.host, sftp=options.sftp)
            asyncio.run(until_told(_live(wish, addresses, options)))
            return 0


def _already(places: Places, options: Options) -> int:
    """Another `kessai up` holds the lock: wait until it is ready, and print what it printed."""
    if options.reset or options.start is not None:
        raise Trouble(
            "A kessai up runs here already",
            why="it holds the world that would be changed",
            do=("stop it with Ctrl-C in its terminal", "then kessai up --reset"),
            code="ALREADY_RUNNING",
        )
    deadline = time.monotonic() + _STARTING_SECONDS
    while (running := places.read_running()) is None:
        if time.monotonic() > deadline:
            raise Trouble("Another kessai up has been starting for a minute", do=(f"read {places.log}",), code="ALREADY_RUNNING")
        time.sleep(0.2)
    if options.as_json:
        print_json(running | {"already_running": True})
    else:
        console(error=True).print(Text("  Already running."))
        print_block(running, places)
    return 0


async def _live(wish: Wish, addresses: Addresses, options: Options) -> None:
    processes = Processes(wish.places.log, lambda line: console(error=True).print(Text(f"  {line}")))
    try:
        async with open_stage(wish, addresses, processes, say) as stage:
            if stage.found and options.start is not None:
                raise Trouble(
                    "This world has a clock already",
                    why=f"it stands at {await stage.clockwork.now():%Y-%m-%d %H:%M}",
                    do=("kessai up                        goes on from there", "kessai up --reset --from INSTANT  begins afresh"),
                    code="CLOCK_KEPT",
                )
            async with clock_address(stage.clockwork) as clock_url:
                replace(stage.credentials, clock=clock_url).write(wish.places.credentials)
                running = _describe(stage, addresses, clock_url)
                wish.places.write_running(running)
                if options.as_json:
                    print_json(running)
                else:
                    print_block(running, wish.places)
                await processes.watch()
    finally:
        wish.places.running.unlink(missing_ok=True)
        processes.stop()


def say(what: str, words: str, seconds: float) -> None:
    """One line of progress, to standard error."""
    console(error=True).print(Text(f"  ok  {what:<10} {words:<58} {seconds:>5.1f} s"))


def _describe(stage: Stage, addresses: Addresses, clock_url: str) -> dict[str, Any]:
    me = Identity.of(os.getpid())
    assert me is not None
    return {
        "process": {"pid": me.pid, "started": me.started},
        "api": stage.api.url,
        "graphql": f"{stage.api.url}/graphql",
        "clock": clock_url,
        "sandbox": stage.strangers.url,
        "credentials": str(stage.wish.places.credentials),
        "engines": addresses.words,
        "state": None if addresses.state is None else str(addresses.state),
        "log": str(stage.wish.places.log),
        "since": machine_now().isoformat(),
        "processes": {name: child.process.pid for name, child in stage.processes.children.items()},
    }


def print_block(running: Mapping[str, Any], places: Places) -> None:
    """Where everything is and what to do next, to standard output."""
    lines = [
        "",
        f"  GraphQL    {running['graphql']}    token: kessai token --as seller",
        f"  Clock      {running['clock']}      moves business time: kessai sandbox clock +1d",
        f"  Secrets    {short(places.credentials)}    clients and addresses (yours alone, 0600)",
        f"  Logs       {short(places.log)}" + (f"    data {running['state']}" if running.get("state") else ""),
        "",
        "  Try        kessai contract register --example",
        "             kessai sandbox clock +1d",
        "             kessai batches",
        "  Ctrl-C stops it, data stays. `kessai up --reset` begins afresh. `kessai status` prints this again.",
    ]
    console().print(Text("\n".join(lines)))


def now_words(now: datetime, *, ticking: bool) -> str:
    """2000-09-20 09:00 水, and whether it ticks."""
    return f"{now:%Y-%m-%d %H:%M} {weekday(now.date())}, {'ticking' if ticking else 'standing'}"
