"""The whole world on this machine: engines, database, our side and the strangers' side, API, worker and scheduler.

`kessai up` and `kessai demo` stand on it. First the servers (addresses.py), then everything on them (`open_stage`); both end with their
block.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from domain.store import clock
from domain.store.connection import open_store, transaction
from domain.store.databases import ensure_database
from domain.store.migrate import differences, migrate
from kessai import world_data
from kessai.addresses import DATABASE, Addresses, Say, ping
from kessai.asking import Api
from kessai.block import clock_words
from kessai.clockwork import Clockwork, machine_now
from kessai.credentials import Credentials, write_private
from kessai.embedded.engines import remove
from kessai.embedded.processes import free_port
from kessai.places import Places
from kessai.processes import Child, Processes, Program, import_path, python
from kessai.settings import EngineSettings
from kessai.strangers import Strangers
from kessai.trouble import Trouble
from kessai.world import Sftp, carrier_secret, make_clients, make_world
from kessai.world_people import is_loopback, with_people
from workers.broker import Enqueuer
from workers.broker import places as queue_places


@dataclass(frozen=True, slots=True)
class Wish:
    """What kind of world is wanted."""

    places: Places
    port: int  # of the API
    start: datetime = world_data.START
    ticking: bool = True
    play: bool = False  # the sites register the patent's contracts at their hours
    host: str = "127.0.0.1"
    sftp: bool = False  # the banks by SFTP instead of directories


@dataclass(frozen=True, slots=True)
class Stage:
    """A world that runs."""

    wish: Wish
    api: Api
    strangers: Strangers
    clockwork: Clockwork
    credentials: Credentials
    processes: Processes
    found: bool  # it was there before, and goes on


@contextlib.asynccontextmanager
async def open_stage(wish: Wish, addresses: Addresses, processes: Processes, say: Say) -> AsyncIterator[Stage]:
    """Everything on the servers: schema, our side of the world, the strangers, API, worker and scheduler, all ready.

    Yesterday's world is found again, with its clock. The children end with `processes`, which is the caller's.
    """
    began = time.monotonic()
    wish.places.root.mkdir(parents=True, exist_ok=True)
    scenario = asyncio.create_task(asyncio.to_thread(_run_sandbox, wish))
    if addresses.server_url is not None:
        await ensure_database(addresses.server_url, DATABASE)
    ran = await migrate(addresses.database_url)
    await scenario
    say("database", f"{len(ran)} migration{'s' if len(ran) > 1 else ''}" if ran else "up to date", time.monotonic() - began)
    began = time.monotonic()
    async with contextlib.AsyncExitStack() as held:
        await held.enter_async_context(open_store(addresses.database_url, application_name="kessai up"))
        ping(addresses.redis_url)
        queues = Enqueuer(queue_places(addresses.redis_url))
        held.callback(queues.close)
        api_url, sandbox_port = f"http://{_callable(wish.host)}:{wish.port}", free_port()
        strangers = await held.enter_async_context(Strangers(f"http://127.0.0.1:{sandbox_port}"))
        api = await held.enter_async_context(Api(api_url))
        await require_this_version()
        now, found = await _clock(wish)
        _complete_sandbox_config(wish, api_url, now)
        children = _start(wish, addresses, processes, sandbox_port)
        await make_world(
            banks_root=wish.places.banks,
            carriers_root=wish.places.carriers,
            sandbox_url=strangers.url,
            secret=carrier_secret(wish.places.carrier_secret),
            now=now,
            machine_now=machine_now(),
            sftp=await _sftp(children["sandbox"], processes) if wish.sftp else None,
        )
        known = Credentials.read(wish.places.credentials)
        credentials = await make_clients(known, api=api_url, machine_now=machine_now())
        credentials = await with_people(credentials, known, loopback=is_loopback(wish.host), machine_now=machine_now())
        credentials.write(wish.places.credentials)
        await processes.ready(children["sandbox"], strangers.ready)
        say(
            "sandbox",
            f"{len(world_data.BANKS)} banks · 2 carriers · sites {', '.join(map(str, world_data.SITES))} · clock {clock_words(now)}",
            time.monotonic() - began,
        )
        began = time.monotonic()
        await processes.ready(children["api"], api.ready)
        for name in ("worker", "scheduler"):
            await processes.ready(children[name], partial(children[name].said, f"{name}_ready"))
        say("workers", "debit · delivery · sweep · payout", time.monotonic() - began)
        clockwork = Clockwork(strangers, queues, processes.check)
        await clockwork.together(ticking=wish.ticking)
        try:
            yield Stage(wish, api, strangers, clockwork, credentials, processes, found)
        finally:
            # The clock is kept with the data: it stands while nobody is here, and the next start goes on from it.
            with contextlib.suppress(Exception):
                await clockwork.together(ticking=False)


async def require_this_version() -> None:
    """Refuses a world that a development version has left: every migration is written down there, and yet the tables are others."""
    async with transaction() as tx:
        found = await differences(tx)
    if found:
        raise Trouble(
            "This world was made by another version of Kessai",
            why=found[0] if len(found) == 1 else f"{found[0]}, and {len(found) - 1} more",
            do=("kessai up --reset    deletes it and begins afresh", "or use the version that made it"),
            code="WORLD_OUTDATED",
        )


def _callable(host: str) -> str:
    """The address under which this machine calls itself when it listens on `host`."""
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not listened on


async def _sftp(sandbox: Child, processes: Processes) -> Sftp:
    """How the sandbox's SFTP server is reached: it says so when it is ready."""
    await processes.ready(sandbox, partial(sandbox.said, '"ready"'))
    said = next(json.loads(line) for line in sandbox.lines() if line.startswith("{") and '"ready"' in line)["sftp"]
    keys = {code: user["key_file"] for code, user in said["users"].items()}
    return Sftp(said["host"], said["port"], said["host_key"], keys)


async def _clock(wish: Wish) -> tuple[datetime, bool]:
    """The business clock, made where there is none; and whether there was one."""
    async with transaction() as tx:
        before = await tx.value("select 1 from business_clock")
        standing = await clock.prepare(tx, sandbox=True, start=wish.start, ticking=False, machine_now=machine_now())
    if not standing.sandbox:
        raise Trouble(
            "This database is not a sandbox",
            why="its clock is the system's, and nothing may move it",
            do=("name another database with DATABASE_URL", "or leave it out: then one is made"),
            code="NOT_A_SANDBOX",
        )
    return standing.now(machine_now()), before is not None


def _run_sandbox(wish: Wish) -> None:
    """Lets the sandbox write its own world. Raises Trouble with what it said."""
    arguments = ["--write-scenario", str(wish.places.sandbox_config), *(["--play"] if wish.play else [])]
    done = subprocess.run(
        python("-m", "sandbox", *arguments),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": import_path()},
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise Trouble("The sandbox cannot be prepared", why=said[:300], code="SANDBOX_CONFIG")


def _complete_sandbox_config(wish: Wish, api_url: str, now: datetime) -> None:
    """Adds what only we know: where we are, what time it is, and our half of each secret."""
    places = wish.places
    content: dict[str, Any] = json.loads(places.sandbox_config.read_text(encoding="utf-8"))
    secret = carrier_secret(places.carrier_secret)
    content["api"] = api_url
    content["credentials_file"] = str(places.credentials)
    content["sftp"] = {"port": free_port()} if wish.sftp else None
    content["clock"] = {"now": now.isoformat(), "ticking": False}
    for carrier in content["carriers"]:
        if carrier["id"] == world_data.CARRIER_ID:  # the other one is given files
            carrier["secrets"] = carrier["hook_secrets"] = [secret]
    write_private(places.sandbox_config, json.dumps(content, ensure_ascii=False, indent=1))


def _start(wish: Wish, addresses: Addresses, processes: Processes, sandbox_port: int) -> dict[str, Child]:
    """Start the four processes. Each is the command that an operator would use."""
    places = wish.places
    environment = {
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "KESSAI_SPOOL": str(places.spool),
        "KESSAI_HOST": wish.host,
        "KESSAI_PORT": str(wish.port),
        "KESSAI_LOG_FORMAT": "json",
        # Receivers of a world on this machine are on this machine, too.
        "KESSAI_HOOKS_ALLOW_PRIVATE": "1" if wish.host in {"127.0.0.1", "::1", "localhost"} else "0",
    }
    sandbox = ["--dir", str(places.sandbox), "--config", str(places.sandbox_config), "--port", str(sandbox_port), "--print-ready"]
    programs = [
        Program("sandbox", python("-m", "sandbox", *sandbox)),
        Program("api", python("-m", "kessai", "api"), environment),
        Program("worker", python("-m", "kessai", "worker"), environment),
        Program("scheduler", python("-m", "kessai", "scheduler"), environment),
    ]
    places.spool.mkdir(parents=True, exist_ok=True)
    return {program.name: processes.start(program) for program in programs}


def begin_afresh(places: Places, settings: EngineSettings) -> None:
    """Deletes the world: data, books, spool, logs, secrets. Refused while it runs, and for a database that is not
    ours.
    """
    if settings.database_url is not None:
        raise Trouble(
            "The database is not ours to empty",
            why="DATABASE_URL names it",
            do=("empty it yourself", "or leave DATABASE_URL out"),
            code="RESET_NOT_OURS",
        )
    remove(places.state)
    for directory in (places.sandbox, places.spool, places.log):
        shutil.rmtree(directory, ignore_errors=True)
    for file in (places.sandbox_config, places.carrier_secret, places.credentials, places.running):
        file.unlink(missing_ok=True)
