"""The world of `kessai up` while it lives: made, told, watched, and put down in order."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import Any

from rich.text import Text

from kessai import world_data
from kessai.addresses import Addresses, servers
from kessai.block import print_block
from kessai.clock_address import clock_address
from kessai.clockwork import machine_now
from kessai.embedded.engines import look
from kessai.embedded.processes import Identity
from kessai.places import Places
from kessai.processes import LOOK_SECONDS, Processes, choose_port, until_told
from kessai.screen import console, print_json
from kessai.settings import UpSettings
from kessai.stage import Stage, Wish, begin_afresh, open_stage
from kessai.trouble import Trouble
from kessai.up import Options


def stay(options: Options, settings: UpSettings, places: Places) -> None:
    """Starts everything and stays until it is told to stop. The caller holds the lock."""
    if options.reset:
        begin_afresh(places, settings.api.engines)
    port, moved = choose_port(options.port if options.port is not None else settings.api.port)
    if moved:
        console(error=True).print(Text(f"  Port 8000 is taken; the API listens on {port}."))
    with servers(settings.api.engines, say) as addresses:
        wish = Wish(places, port, options.start or world_data.START, host=settings.api.host, sftp=options.sftp)
        asyncio.run(until_told(_live(wish, addresses, options)))


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
                engines = asyncio.create_task(_watch_engines(addresses))
                try:
                    await processes.watch()
                finally:
                    engines.cancel()
    finally:
        wish.places.running.unlink(missing_ok=True)
        processes.stop()


async def _watch_engines(addresses: Addresses) -> None:
    """Says when one of our servers has died and was started again: the keeper does that, and writes it only into its log."""
    if addresses.state is None:
        return
    known = look(addresses.state)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = look(addresses.state)
        if now is None or now == known:
            continue
        if known is not None:
            for name, before, after in (("PostgreSQL", known.postgres, now.postgres), ("Valkey", known.valkey, now.valkey)):
                if before.process != after.process:
                    console(error=True).print(Text(f"  {name} ended; started again. Its log: {addresses.state / 'keeper.log'}"))
        known = now


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
