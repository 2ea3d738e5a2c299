"""`kessai up`: the whole world on this machine until Ctrl-C. Data and clock stay; the next start goes on from there."""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from kessai.block import print_block
from kessai.places import Places
from kessai.screen import console, print_json
from kessai.settings import UpSettings
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
        from kessai.live import stay  # only now: a second `kessai up` answers at once

        stay(options, settings, places)
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
