"""The process that owns the servers: `python -m kessai.embedded.keeper DIRECTORY`.

It starts them, says so in one JSON line on standard output, starts again what dies, and stops them when nobody holds
users.lock any more or when it is told to. It has no thread: the system ties each server's life to the thread that made it.
"""

import argparse
import contextlib
import fcntl
import json
import os
import select
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import IO

from kessai.embedded.binaries import Binaries, find
from kessai.embedded.engines import Running, Services, remembered_ports
from kessai.embedded.processes import Identity, owner
from kessai.embedded.servers import Plan, Server, start_postgres, start_valkey
from kessai.embedded.trouble import EngineError, from_os

_LOOK_SECONDS = 0.5
_RESTARTS_PER_MINUTE = 5


class Keeper:
    """Both servers and the reason to keep them."""

    def __init__(self, plan: Plan, binaries: Binaries) -> None:
        """Start both; when the second fails, the first is stopped again."""
        self._plan = plan
        self._binaries = binaries
        ports = remembered_ports(plan.state)
        self._postgres = start_postgres(plan, binaries, ports[0])
        try:
            self._valkey = start_valkey(plan, binaries, ports[1])
        except BaseException:
            self._postgres.stop()
            raise
        self._restarts: deque[float] = deque(maxlen=_RESTARTS_PER_MINUTE)
        self.write()

    def write(self) -> None:
        """Tell everybody where the servers are."""
        me = Identity.of(os.getpid())
        if me is None:
            raise RuntimeError("this process cannot find itself")
        Services(
            keeper=me,
            durable=self._plan.durable,
            postgres=_entry(self._postgres, self._binaries.postgres_version),
            valkey=_entry(self._valkey, self._binaries.valkey_version),
        ).write(self._plan.state)

    def mend(self) -> None:
        """Start again what has died, at the same address. Raises EngineError when it keeps dying."""
        for dead in (self._postgres, self._valkey):
            status = dead.process.poll()
            if status is None:
                continue
            now = time.monotonic()
            if len(self._restarts) == _RESTARTS_PER_MINUTE and now - self._restarts[0] < 60:
                raise EngineError(
                    f"{dead.name} keeps ending", why=f"its last status was {status}", do=("read its log",), code="ENGINE_FAILED"
                )
            self._restarts.append(now)
            say(f"{dead.name} ended with status {status}; starting it again")
            if dead is self._postgres:
                self._postgres = start_postgres(self._plan, self._binaries, dead.port)
            else:
                self._valkey = start_valkey(self._plan, self._binaries, dead.port)
            self.write()

    def stop(self) -> None:
        """Stop both, each cleanly."""
        for server in (self._postgres, self._valkey):
            server.stop()


def _entry(server: Server, version: str) -> Running:
    process = Identity.of(server.process.pid)
    if process is None:
        raise EngineError(f"{server.name} ended at once", do=("read its log",), code="ENGINE_FAILED")
    return Running(process, server.port, server.url, version)


def nobody_left(users: IO[bytes]) -> bool:
    """Whether we can have the users' lock for ourselves; from then on new users wait until we are gone."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def say(line: str) -> None:
    """One line to keeper.log."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {line}\n")
    sys.stderr.flush()


def keep(plan: Plan) -> int:
    """Start, say so, watch, stop. The exit status: 0 when the servers were stopped in order."""
    told: list[int] = []
    wake_reader, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: told.append(number))
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # wakes the wait below
    try:
        keeper = Keeper(plan, find(plan.state, plan.who))
    except EngineError as error:
        answer(error.as_dict())
        return 1
    except OSError as error:
        answer(from_os("The embedded servers", error, error.filename or plan.state).as_dict())
        return 1
    try:
        with (plan.state / "users.lock").open("ab") as users:
            answer({"ready": True})
            while not told and not nobody_left(users):
                select.select([wake_reader], [], [], _LOOK_SECONDS)
                with contextlib.suppress(BlockingIOError):
                    os.set_blocking(wake_reader, False)
                    os.read(wake_reader, 4096)
                if not told:
                    keeper.mend()
            keeper.stop()
    except (EngineError, OSError) as error:
        say(str(error))
        keeper.stop()
        return 1
    return 0


def answer(content: dict[str, object]) -> None:
    """The one line the starter waits for; closing the stream lets it go on."""
    with contextlib.suppress(BrokenPipeError):  # the starter was killed meanwhile; users.lock tells the rest
        print(json.dumps(content), flush=True)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def main() -> int:
    """Read the arguments and keep the servers."""
    parser = argparse.ArgumentParser(prog="kessai.embedded.keeper", description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("--durable", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--postgres-port", type=int)
    parser.add_argument("--valkey-port", type=int)
    given = parser.parse_args()
    if os.fork():
        os._exit(0)  # whoever started us waits for this, not for the keeper
    return keep(
        Plan(
            state=given.state,
            who=owner(),
            durable=given.durable,
            postgres_port=given.postgres_port,
            valkey_port=given.valkey_port,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
