"""`kessai up` as people use it: once, twice, stopped, found again, killed."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kessai.embedded.engines import look, remove
from kessai.embedded.processes import Identity
from kessai.places import Places

ROOT = Path(__file__).resolve().parents[2]


class Here:
    """A directory in which commands are given."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.places = Places.beside(directory / "var" / "state")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KESSAI_", "DATABASE_", "REDIS_"))}
        self.environment = {**kept, "PYTHONPATH": str(ROOT)}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "kessai", *arguments],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=240)
        return process.returncode, out, err

    def json(self, *arguments: str) -> Any:
        status, out, err = self.run(*arguments, "--json")
        assert status == 0, out + err
        return json.loads(out)

    @contextlib.contextmanager
    def up(self, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
        """A `kessai up` that is ready, and what it says of itself."""
        process = self.start("up", *arguments)
        assert process.stdout is not None
        try:
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("  Ctrl-C stops it"):
                    break
            running = self.places.read_running()
            assert running is not None, said + (process.stderr.read() if process.stderr else "")
            yield process, running
        finally:
            process.kill()
            process.communicate()


def identities(running: dict[str, Any]) -> list[Identity]:
    found = [Identity.of(pid) for pid in running["processes"].values()]
    return [identity for identity in found if identity is not None]


def ended(process: "subprocess.Popen[str]", number: signal.Signals) -> int:
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def gone(child: Identity) -> bool:
    """Whether a process that is not ours to wait for ends within half a minute."""
    try:
        handle = os.pidfd_open(child.pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 30)[0])
    finally:
        os.close(handle)


def restarted(here: Here, process: "subprocess.Popen[str]") -> bool:
    """Whether `kessai up` says that a server has died and was started again."""
    services = look(here.places.state)
    assert services is not None
    assert process.stderr is not None
    os.kill(services.valkey.process.pid, signal.SIGKILL)
    too_long = threading.Timer(60, process.kill)
    too_long.start()
    try:
        return any("Valkey ended; started again" in line for line in process.stderr)
    finally:
        too_long.cancel()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    made = Here(tmp_path)
    yield made
    remove(made.places.state)


@pytest.mark.slow
def test_a_world_is_started_once_stopped_cleanly_and_found_again(here: Here):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        status, _, err = here.run("up", "--port", str(listener.getsockname()[1]))
        assert (status, "PORT_TAKEN" in err) == (2, True)

    with here.up() as (process, running):
        assert here.json("up")["already_running"] is True
        assert here.run("up", "--reset")[0] == 2
        registered = here.json("contract", "register", "--example")
        walked = here.json("sandbox", "clock", "+1d")
        assert (registered["debitOn"], walked["now"][:10], walked["steps"] >= 2) == ("2000-09-24", "2000-09-21", True)
        assert [(batch["status"], batch["amount"]) for batch in here.json("batches")] == [("RECEIPTED", 30_000)]
        assert here.run("sandbox", "clock", "2000-09-20")[0] == 3
        assert (here.places.credentials.stat().st_mode & 0o777) == 0o600
        children = identities(running)
        assert len(children) == 4
        assert ended(process, signal.SIGINT) == 0
        assert not any(child.alive() for child in children)
    assert here.run("status")[0] == 2

    before = here.places.credentials.read_text(encoding="utf-8")
    with here.up() as (process, running):
        again = here.json("status")
        assert "2000-09-21T09" in again["now"]
        assert again["ticking"] is True
        (contract,) = here.json("contract", "list")["contracts"]
        assert contract["contractId"] == registered["contract"]["contractId"]
        assert json.loads(before)["sites"] == json.loads(here.places.credentials.read_text(encoding="utf-8"))["sites"]
        assert restarted(here, process)
        children = identities(running)
        assert ended(process, signal.SIGKILL) == -signal.SIGKILL
        if sys.platform.startswith("linux"):  # elsewhere nobody tells the children of the killed
            assert all(gone(child) for child in children)
    assert here.run("status")[0] == 2
