"""Children: watched, started again, ended with all they started; ports chosen and refused."""

import ast
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kessai.embedded.processes import Identity
from kessai.processes import Child, ProcessDied, Processes, Program, choose_port, until_told
from kessai.trouble import Trouble

STAYS = [sys.executable, "-c", "import signal; print('ready', flush=True); signal.pause()"]
ENDS = [sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"]
STUBBORN = [
    sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); print('ready', flush=True)\nwhile True: signal.pause()",
]  # fmt: skip
# A child with a child of its own, which tells its number.
PARENT = [
    sys.executable,
    "-c",
    """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("ready", child.pid, flush=True)
signal.pause()
""",
]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def processes(tmp_path: Path, said: list[str]) -> Iterator[Processes]:
    made = Processes(tmp_path / "log", said.append)
    yield made
    made.stop(seconds=0.5)


async def soon(what: Callable[[], bool]) -> bool:
    """Whether it becomes true within half a minute; looks at once, and then as often as the loop turns."""
    for _ in range(3000):
        if what():
            return True
        await asyncio.sleep(0.01)
    return False


async def ready(processes: Processes, child: Child) -> None:
    await processes.ready(child, lambda: child.said("ready"), seconds=30)


async def test_all_are_ended_at_once_with_what_they_started(processes: Processes):
    children = [processes.start(Program(name, argv)) for name, argv in (("one", STAYS), ("two", PARENT))]
    for child in children:
        await ready(processes, child)
    grandchild = Identity.of(int(children[1].lines()[0].split()[1]))
    assert grandchild is not None
    assert grandchild.alive()
    assert processes.stop() == []
    assert all(child.ended() == "killed by SIGTERM" for child in children)
    assert await soon(lambda: not grandchild.alive())


async def test_who_does_not_listen_is_forced(processes: Processes):
    child = processes.start(Program("stubborn", STUBBORN))
    await ready(processes, child)
    assert processes.stop(seconds=0.1) == ["stubborn"]
    assert child.ended() == "killed by SIGKILL"


async def test_what_dies_is_started_again_and_said(processes: Processes, said: list[str]):
    child = processes.start(Program("worker", STAYS))
    await ready(processes, child)
    first = child.process.pid
    watching = asyncio.create_task(processes.watch())
    os.kill(first, signal.SIGKILL)
    assert await soon(lambda: bool(said))
    watching.cancel()
    assert said == [f"worker ended (killed by SIGKILL); started again. Its log: {child.log}"]
    assert child.process.pid != first
    assert child.ended() is None


async def test_what_keeps_dying_is_given_up_with_its_last_words(processes: Processes, said: list[str]):
    processes.start(Program("worker", ENDS))
    with pytest.raises(ProcessDied) as died:
        await asyncio.wait_for(processes.watch(), 60)
    assert (died.value.what, died.value.why) == ("worker ended (status 3)", "no such thing")
    assert len(said) == 5


async def test_a_child_that_ends_before_it_is_ready(processes: Processes):
    child = processes.start(Program("api", ENDS))
    with pytest.raises(ProcessDied) as died:
        await ready(processes, child)
    assert (died.value.code, died.value.exit_status) == ("PROCESS_DIED", 1)
    with pytest.raises(ProcessDied):
        processes.check()


async def test_a_child_that_is_never_ready(processes: Processes):
    child = processes.start(Program("api", STAYS))
    with pytest.raises(ProcessDied) as died:
        await processes.ready(child, lambda: False, seconds=0)
    assert died.value.code == "PROCESS_SLOW"


async def test_children_hear_only_the_settings_that_are_theirs(processes: Processes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KESSAI_QUEUES", "banks")
    monkeypatch.setenv("KESSAI_THREADS", "3")
    show = [sys.executable, "-c", "import os, signal; print(sorted(n for n in os.environ if n.startswith('KESSAI_'))); signal.pause()"]
    child = processes.start(Program("worker", show, {"KESSAI_SPOOL": "x"}))
    await processes.ready(child, lambda: child.said("KESSAI"), seconds=30)
    assert child.lines() == ["['KESSAI_SPOOL', 'KESSAI_THREADS']"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_work_ends_when_it_is_told(number: signal.Signals):
    ended: list[str] = []

    async def work() -> None:
        try:
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            ended.append("cleanly")

    try:
        assert await until_told(work()) is False
    finally:
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(other)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert ended == ["cleanly"]


@contextlib.contextmanager
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_given_port_that_is_taken_is_an_error():
    with taken() as port, pytest.raises(Trouble) as refused:
        choose_port(port)
    assert refused.value.code == "PORT_TAKEN"
    assert choose_port(port) == (port, False)


def test_without_a_port_the_next_free_one_is_used(monkeypatch: pytest.MonkeyPatch):
    with taken() as port:
        monkeypatch.setattr("kessai.processes.FIRST_PORT", port)
        monkeypatch.setattr("kessai.processes.LAST_PORT", port)
        chosen, moved = choose_port(None)
    assert moved
    assert chosen != port


async def test_what_is_set_for_the_api_reaches_it_under_up_too(processes: Processes, monkeypatch: pytest.MonkeyPatch):
    """Limits, origins, trusted documents and proxies are settings of the API, however it is started; a child's own words win."""
    given = {
        "KESSAI_LIMITS": "depth=10",
        "KESSAI_CORS_ORIGINS": "https://shop.example",
        "KESSAI_TRUSTED_DOCUMENTS": "/none",
        "KESSAI_TRUSTED_ONLY": "1",
        "KESSAI_TRUSTED_PROXIES": "10.0.0.7",
        "KESSAI_PORT": "9999",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    show = "import os; print('ready', {k: v for k, v in os.environ.items() if k.startswith('KESSAI_')}, flush=True)"
    child = processes.start(Program("shows", [sys.executable, "-c", f"{show}; import signal; signal.pause()"], {"KESSAI_PORT": "8000"}))
    await ready(processes, child)
    (line,) = [line for line in child.log.read_text().splitlines() if line.startswith("ready")]
    assert ast.literal_eval(line.removeprefix("ready ")).items() >= {**given, "KESSAI_PORT": "8000"}.items()
