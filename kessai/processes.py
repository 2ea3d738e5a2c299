"""Our own processes: started, watched, started again when one dies, and ended all at once.

Each child leads a session of its own: Ctrl-C in the terminal is for us, and we end the children, with whatever they
started. On Linux
the system ends them when we are killed. Only processes that were started here are ever signalled.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kessai.embedded.processes import dies_with_parent, free_port, is_free
from kessai.trouble import Trouble

LOOK_SECONDS = 0.2
STOP_SECONDS = 8.0
RESTARTS_PER_MINUTE = 5
LOG_LIMIT_BYTES = 20_000_000
# Settings of ours that go on to children as they are; the others are said for each child.
INHERITED = frozenset(
    {
        "KESSAI_MAIL_FROM",
        "KESSAI_HOOKS_ALLOW_PRIVATE",
        "KESSAI_HOOKS_PORTS",
        "KESSAI_LOG_LEVEL",
        "KESSAI_THREADS",
        "KESSAI_PUBLIC_URL",
        "KESSAI_LIMITS",
        "KESSAI_CORS_ORIGINS",
        "KESSAI_TRUSTED_DOCUMENTS",
        "KESSAI_TRUSTED_ONLY",
        "KESSAI_TRUSTED_PROXIES",
        "KESSAI_CRASH_AT",
    }
)
FIRST_PORT, LAST_PORT = 8000, 8099


class ProcessDied(Trouble):
    """A process ended that should run. Code PROCESS_DIED."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Program:
    """What to start: a name for people, the command, what its environment has beside ours."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def python(*arguments: str) -> list[str]:
    """A command of this very Python."""
    return [sys.executable, "-X", "utf8", *arguments]


def import_path() -> str:
    """PYTHONPATH for children, so that they find the rooms wherever we were started."""
    rooms = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join([rooms, *filter(None, [os.environ.get("PYTHONPATH")])])


class Child:
    """A started program and its log."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self.restarts: deque[float] = deque(maxlen=RESTARTS_PER_MINUTE)
        self.log_from = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self.log_from = self.log.stat().st_size if self.log.exists() else 0
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KESSAI_") or name in INHERITED}
        environment = {**inherited, "PYTHONPATH": import_path(), "PYTHONUNBUFFERED": "1", **self.program.environment}
        with self.log.open("ab") as output:
            return subprocess.Popen(
                self.program.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it calls prctl and nothing else
            )

    def restart(self) -> bool:
        """Start it again; False when it keeps dying."""
        now = time.monotonic()
        if len(self.restarts) == RESTARTS_PER_MINUTE and now - self.restarts[0] < 60:
            return False
        self.restarts.append(now)
        self.process = self._start()
        return True

    def ended(self) -> str | None:
        """How it ended, in words; None while it runs."""
        status = self.process.poll()
        if status is None:
            return None
        return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"

    def lines(self) -> list[str]:
        """What it wrote first since it was started."""
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(self.log_from)
            return file.read(100_000).decode("utf-8", errors="replace").splitlines()
        return []

    def said(self, word: str) -> bool:
        """Whether a word stands in what it wrote when it started."""
        return any(word in line for line in self.lines())

    def last_words(self) -> str:
        """The last line that it wrote since it was started and that says something."""
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(max(self.log_from, self.log.stat().st_size - 20_000))
            for line in reversed(file.read().decode("utf-8", errors="replace").strip().splitlines()):
                if words := _words(line):
                    return words[:300]
        return ""

    def signal_all(self, number: signal.Signals) -> None:
        """Signals it and what it started. A child leads its session, so its number is its group's too."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def died(self) -> ProcessDied:
        """The trouble to raise when it has ended and should not have."""
        return ProcessDied(
            f"{self.program.name} ended ({self.ended()})", why=self.last_words(), do=(f"read {self.log}",), code="PROCESS_DIED"
        )


def _words(line: str) -> str:
    """What a line of a log says: of one in JSON the event, of a traceback its last line; nothing where it only says that it ends."""
    text = line.strip()
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            text = str(found.get("exception") or found.get("event") or "").strip()
    text = text.splitlines()[-1].strip() if text else ""
    return "" if text.startswith("Application startup failed") else text


class Processes:
    """All children. Make it and start children in the main thread: the system ties a child's life to the thread that
    made it.
    """

    def __init__(self, log: Path, say: Callable[[str], None]) -> None:
        """`say` gets one line when a child dies."""
        self._log = log
        self._say = say
        self.children: dict[str, Child] = {}

    def start(self, program: Program) -> Child:
        """Start a program; its log is log/<name>.log."""
        self._log.mkdir(parents=True, exist_ok=True)
        child = Child(program, self._log / f"{program.name.replace(' ', '-')}.log")
        self.children[program.name] = child
        return child

    async def ready(self, child: Child, check: Callable[[], object], *, seconds: float = 60.0) -> None:
        """Wait until `check` (a coroutine function or a plain one) says yes. Raises ProcessDied when it ends instead,
        or takes too long.
        """
        deadline = time.monotonic() + seconds
        while True:
            answer = check()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return
            if child.ended() is not None:
                raise child.died()
            if time.monotonic() > deadline:
                raise ProcessDied(
                    f"{child.program.name} is not ready after {seconds:.0f} seconds",
                    why=child.last_words(),
                    do=(f"read {child.log}",),
                    code="PROCESS_SLOW",
                )
            await asyncio.sleep(0.03)

    async def watch(self) -> None:
        """Start again what dies, saying so; raises ProcessDied when something keeps dying. Runs until it is
        cancelled.
        """
        while True:
            for child in self.children.values():
                how = child.ended()
                if how is None:
                    continue
                if not child.restart():
                    raise child.died()
                self._say(f"{child.program.name} ended ({how}); started again. Its log: {child.log}")
            await asyncio.sleep(LOOK_SECONDS)

    def check(self) -> None:
        """Raises ProcessDied when a child has ended."""
        for child in self.children.values():
            if child.ended() is not None:
                raise child.died()

    def stop(self, seconds: float = STOP_SECONDS) -> list[str]:
        """End all children at once, first asking, then by force; answers the names of those that had to be forced."""
        running = [child for child in self.children.values() if child.ended() is None]
        for child in running:
            child.signal_all(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        forced: list[str] = []
        for child in running:
            try:
                child.process.wait(max(deadline - time.monotonic(), 0.01))
            except subprocess.TimeoutExpired:
                forced.append(child.program.name)
            child.signal_all(signal.SIGKILL)  # and what it may have left behind in its session
            child.process.wait()
        self.children.clear()
        return forced


async def until_told(work: Coroutine[Any, Any, None]) -> bool:
    """Runs the work until it ends by itself, or is cancelled because somebody said stop (Ctrl-C, SIGTERM, a closed
    terminal).

    Answers whether it ended by itself. What it raises is raised.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told.set)
    task, waiter = asyncio.ensure_future(work), asyncio.ensure_future(told.wait())
    await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    if task.done():
        await task
        return True
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return False


def choose_port(given: int | None) -> tuple[int, bool]:
    """The API's port and whether it is another than the usual one: a given one that is taken is an error, else the
    next free one.
    """
    if given is not None:
        if not is_free(given):
            raise Trouble(
                f"Cannot listen on port {given}: it is taken",
                why="another program listens there",
                do=("stop that program", "or give no port: then the next free one is used"),
                code="PORT_TAKEN",
            )
        return given, False
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if is_free(port):
            return port, port != FIRST_PORT
    return free_port(), True
