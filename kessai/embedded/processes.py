"""Starting and watching server processes: whose they are, who they are, and that none outlives its keeper."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import pwd

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Owner:
    """The account a server runs under when we are root: PostgreSQL refuses to be root, and Valkey need not be."""

    uid: int
    gid: int


def owner() -> Owner | None:
    """`nobody` when we are root, else None: the server runs as ourselves.

    `initdb` wants an account that stands in the password file; `nobody` does everywhere, and no account is made.
    """
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Owner(entry.pw_uid, entry.pw_gid)


def reachable(path: Path, who: Owner) -> bool:
    """Whether that account can enter every directory down to `path` (root's home is usually closed)."""
    for step in (path, *path.parents):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            status = step.stat()
            mine = status.st_uid == who.uid and status.st_mode & 0o100
            if not (status.st_mode & 0o001 or mine):
                return False
    return True


def give(path: Path, who: Owner | None) -> None:
    """Hand a file or directory to the account the server runs under."""
    if who is not None:
        os.chown(path, who.uid, who.gid)


@dataclass(frozen=True, slots=True)
class Identity:
    """A process and the moment it began: a number alone is given again to somebody else."""

    pid: int
    started: str

    @staticmethod
    def of(pid: int) -> "Identity | None":
        """The process with that number, or None when there is none (a zombie counts as none)."""
        started = _start_time(pid)
        return None if started is None else Identity(pid, started)

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _start_time(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Signal it, if it is still the one we mean."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def _start_time(pid: int) -> str | None:
    if sys.platform.startswith("linux"):
        try:
            # The name in parentheses may hold spaces, so count fields from the last parenthesis.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else fields[19]
    else:  # noqa: RET505 - only this way mypy knows which system the rest is for
        listing = subprocess.run(["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
        state, _, started = listing.stdout.strip().partition(" ")
        return None if not state or state.startswith("Z") else started.strip()


def dies_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """What a child does before it becomes the server, so that it is told when its keeper dies, even by kill -9.

    Linux only. The signal comes when the *thread* that started the child ends: start servers from the main thread.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died between fork and prctl, and no signal will come
            os._exit(1)

    return before_exec


def spawn(argv: list[str], *, log: Path, cwd: Path, stop_signal: signal.Signals, who: Owner | None) -> subprocess.Popen[bytes]:
    """Start a server as a child that ends with us; what it says goes to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            start_new_session=True,  # Ctrl-C in the terminal is for us, not for the servers
            preexec_fn=dies_with_parent(stop_signal),  # noqa: PLW1509 - it calls prctl and nothing else
            user=None if who is None else who.uid,
            group=None if who is None else who.gid,
            extra_groups=None if who is None else [],
        )


def stop(process: subprocess.Popen[bytes], number: signal.Signals, *, timeout_seconds: float) -> None:
    """Ask a server to stop, and kill it when it does not."""
    if process.poll() is not None:
        return
    process.send_signal(number)
    try:
        process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether that port of the loopback interface can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
