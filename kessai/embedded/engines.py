"""Sharing: who uses the servers of a state directory, and who may start and stop them.

    start.lock      held alone while somebody starts, adopts or stops
    users.lock      held together by every process that uses the servers; the system lets go of it even after kill -9
    services.json   who runs, since when, and where (0600: the addresses hold passwords)

The servers are children of a keeper process (keeper.py), not of the first user, so that the first user may leave. The
keeper stops them when it can have users.lock for itself; when the keeper is killed, the system stops them.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from kessai.embedded.processes import Identity, owner, reachable
from kessai.embedded.trouble import EngineError, from_os

_START_SECONDS = 150
_STOP_SECONDS = 45


@dataclass(frozen=True, slots=True, repr=False)
class Running:
    """One server as services.json tells it."""

    process: Identity
    port: int
    url: str
    version: str


@dataclass(frozen=True, slots=True, repr=False)
class Services:
    """All of services.json while the keeper runs."""

    keeper: Identity
    durable: bool
    postgres: Running
    valkey: Running

    def alive(self) -> bool:
        """Whether the keeper and both servers still are the processes that were written down."""
        return all(process.alive() for process in (self.keeper, self.postgres.process, self.valkey.process))

    def write(self, state: Path) -> None:
        """Replace the file as a whole; only its owner may read it."""
        _write(state, asdict(self))

    @staticmethod
    def read(state: Path) -> "Services | None":
        """What was written last, or None when nothing runs (or the file is not ours to understand)."""
        try:
            raw = json.loads(_file(state).read_text(encoding="utf-8"))
            return Services(
                keeper=Identity(**raw["keeper"]),
                durable=bool(raw["durable"]),
                postgres=_running(raw["postgres"]),
                valkey=_running(raw["valkey"]),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def remembered_ports(state: Path) -> tuple[int | None, int | None]:
    """The ports the servers had the last time, so that addresses stay the same where they can."""
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        raw = json.loads(_file(state).read_text(encoding="utf-8"))
        return int(raw["postgres"]["port"]), int(raw["valkey"]["port"])
    return None, None


class Engines:
    """The servers, for as long as this process uses them."""

    def __init__(self, state: Path, services: Services, users: IO[bytes], *, adopted: bool) -> None:
        """Made by `start`; `users` is our share of users.lock."""
        self.state = state
        self.database_url = services.postgres.url
        self.redis_url = services.valkey.url
        self.postgres_version = services.postgres.version
        self.valkey_version = services.valkey.version
        self.adopted = adopted
        self._users: IO[bytes] | None = users

    def __repr__(self) -> str:
        """Without the addresses, which hold passwords."""
        return f"Engines({str(self.state)!r}, PostgreSQL {self.postgres_version}, Valkey {self.valkey_version})"

    def stop(self) -> None:
        """Use them no more. The last user waits until they have stopped; calling it again does nothing."""
        if self._users is None:
            return
        users, self._users = self._users, None
        with users, _start_lock(self.state):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # others use them still
            services = Services.read(self.state)
            if services is not None:
                _end(services)

    def __enter__(self) -> Self:
        """Use them in a `with` block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop at the end of the block."""
        self.stop()


def start(state: Path, *, durable: bool = True, postgres_port: int | None = None, valkey_port: int | None = None) -> Engines:
    """Start both servers on that directory, or adopt them if they run.

    `durable=False` is for tests: nothing is forced to disk. As root the servers run as `nobody`; when that account cannot
    reach `state`, a directory below /var/tmp takes its place, and `Engines.state` says which. Raises `EngineError` with one
    clear line: no program for this machine, a port taken, a full disk, a directory that cannot be written.
    """
    state = place(state)
    try:
        state.mkdir(mode=0o711, parents=True, exist_ok=True)
        users = (state / "users.lock").open("ab")
        lock = _start_lock(state)
    except OSError as error:
        raise from_os("The embedded servers", error, state) from error
    try:
        with lock:
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while a keeper is closing down
            services = Services.read(state)
            adopted = services is not None and _usable(state, services)
            if not adopted:
                if services is not None:
                    _end(services)
                _start_keeper(state, durable=durable, postgres_port=postgres_port, valkey_port=valkey_port)
            services = Services.read(state)
            if services is None:
                raise _gone(state)
            if adopted and durable and not services.durable:
                raise EngineError(
                    f"The servers in {state} run without writing to disk",
                    why="they were started for tests",
                    do=("stop the tests", "or name another directory with KESSAI_STATE"),
                    code="ENGINE_STATE",
                )
            return Engines(state, services, users, adopted=adopted)
    except BaseException:
        users.close()
        raise


def look(state: Path) -> Services | None:
    """What runs on that directory now, without starting or using it."""
    services = Services.read(place(state, make=False))
    return services if services is not None and services.alive() else None


def remove(state: Path) -> None:
    """Delete the servers' data, programs and logs. Refused while somebody uses them."""
    state = place(state, make=False)
    if not state.exists():
        return
    with _start_lock(state), (state / "users.lock").open("ab") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EngineError(
                f"The data in {state} are in use", why="another process runs on them", do=("stop it first",), code="ENGINE_STATE"
            ) from error
        services = Services.read(state)
        if services is not None:
            _end(services)
        shutil.rmtree(state)


def place(state: Path, *, make: bool = True) -> Path:
    """The directory that is really used: `state`, or one below /var/tmp when root's servers could not reach it."""
    state = state.absolute()
    who = owner()
    if who is None or reachable(state, who):
        return state
    digest = hashlib.sha256(str(state).encode()).hexdigest()[:12]
    other = Path("/var/tmp") / f"kessai-{digest}"  # noqa: S108 - a fixed place, so that the next start finds the data; checked below
    if make:
        with contextlib.suppress(FileExistsError):
            other.mkdir(mode=0o711)
    with contextlib.suppress(FileNotFoundError):
        # Everybody may write to /var/tmp: the directory must be ours and closed to others.
        status = other.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise EngineError(
                f"{other} is not a directory of ours",
                why="somebody else made it, and root must not trust it",
                do=(f"remove {other}", "or name another directory with KESSAI_STATE"),
                code="ENGINE_STATE",
            )
    return other


def _usable(state: Path, services: Services) -> bool:
    """Whether the running servers can be adopted. A keeper that is just restarting one of them gets ten seconds."""
    deadline = time.monotonic() + 10
    while services.keeper.alive():
        if services.alive():
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
        services = Services.read(state) or services
    return False


def _start_keeper(state: Path, *, durable: bool, postgres_port: int | None, valkey_port: int | None) -> None:
    """Start the keeper and wait until it says that both servers are ready."""
    argv = [sys.executable, "-m", "kessai.embedded.keeper", str(state)]
    argv += [] if durable else ["--no-durable"]
    argv += [] if postgres_port is None else ["--postgres-port", str(postgres_port)]
    argv += [] if valkey_port is None else ["--valkey-port", str(valkey_port)]
    import_path = [str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    # English messages: what the servers say while starting is read (trouble.py).
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(import_path), "LC_ALL": "C", "LANGUAGE": "C"}
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as answers, (state / "keeper.log").open("ab") as log:
        try:
            # What we start forks at once and ends: the keeper is nobody's child, and may outlive us.
            subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=writer, stderr=log, cwd="/", env=environment, start_new_session=True)
        finally:
            os.close(writer)
        ready, _, _ = select.select([answers], [], [], _START_SECONDS)
        said = answers.read() if ready else b""
    try:
        answer = json.loads(said)
    except ValueError as error:
        raise _gone(state) from error
    if answer != {"ready": True}:
        raise EngineError(answer["what"], why=answer["why"], do=tuple(answer["do"]), code=answer["code"])


def _end(services: Services) -> None:
    """Stop the keeper and wait for it; stop what it may have left behind (where the system does not do that for us)."""
    for process, number in (
        (services.keeper, signal.SIGTERM),
        (services.postgres.process, signal.SIGINT),
        (services.valkey.process, signal.SIGTERM),
    ):
        process.signal(number)
        deadline = time.monotonic() + _STOP_SECONDS
        while process.alive():
            if time.monotonic() > deadline:
                process.signal(signal.SIGKILL)
            time.sleep(0.01)


@contextlib.contextmanager
def _holding(lock: IO[bytes]) -> Iterator[None]:
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start_lock(state: Path) -> contextlib.AbstractContextManager[None]:
    return _holding((state / "start.lock").open("ab"))


def _gone(state: Path) -> EngineError:
    return EngineError(
        "The embedded servers did not start", why="their keeper ended", do=(f"read {state / 'keeper.log'}",), code="ENGINE_FAILED"
    )


def _file(state: Path) -> Path:
    return state / "services.json"


def _write(state: Path, content: dict[str, object]) -> None:
    unfinished = state / "services.json.new"
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=1), encoding="utf-8")
    unfinished.replace(_file(state))


def _running(raw: dict[str, object]) -> Running:
    process = raw["process"]
    if not isinstance(process, dict):
        raise TypeError("process")
    return Running(Identity(**process), int(str(raw["port"])), str(raw["url"]), str(raw["version"]))
