"""The two servers: how each is prepared, started, asked whether it is ready, and stopped.

Both listen on the loopback interface only and want a password of their own, made when the data directory is made: other
accounts of the machine must not come in. No unix socket: a deep checkout makes its path too long.
"""

import contextlib
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from kessai.embedded.binaries import Binaries
from kessai.embedded.processes import Owner, free_port, give, is_free, spawn, stop
from kessai.embedded.trouble import EngineError, from_os, from_output

_LOG_LIMIT_BYTES = 5_000_000
_DATABASES = 4096  # Valkey keeps an unused one for nothing; tests take one each


@dataclass(slots=True)
class Server:
    """A running server, child of this process."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    url: str
    stop_signal: signal.Signals

    def stop(self) -> None:
        """Stop it cleanly; 20 seconds, then by force."""
        stop(self.process, self.stop_signal, timeout_seconds=20)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the keeper was asked for: where, as whom, and how careful with the disk."""

    state: Path
    who: Owner | None
    durable: bool
    postgres_port: int | None
    valkey_port: int | None


def start_postgres(plan: Plan, binaries: Binaries, remembered_port: int | None = None) -> Server:
    """Start PostgreSQL on the plan's data, made first if there is none.

    A dead server's lock file may name a process that is not yet reaped; the start is tried again for five seconds.
    """
    data = plan.state / "postgres"
    log = plan.state / "postgres.log"
    password = _secret(plan.state / "postgres.secret")
    _check_version(data, binaries)
    if not (data / "PG_VERSION").exists():
        _initdb(plan, binaries, data)
    port = _port("PostgreSQL", plan.postgres_port, remembered_port)
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "jit": "off",  # set-based statements run once per chunk: compiling costs more than it gives
        "max_wal_size": "4GB",
    }
    if not plan.durable:
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
    argv = [str(binaries.postgres), "-D", str(data)]
    for name, value in options.items():
        argv += ["-c", f"{name}={value}"]
    _turn(log)
    give_up_at = time.monotonic() + 5
    while True:
        said_before = log.stat().st_size if log.exists() else 0
        process = spawn(argv, log=log, cwd=Path("/"), stop_signal=signal.SIGINT, who=plan.who)
        if _postgres_ready(process, data / "postmaster.pid"):
            url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
            return Server("PostgreSQL", process, port, url, signal.SIGINT)
        output = _since(log, said_before)
        if "postmaster.pid" not in output or time.monotonic() > give_up_at:
            raise from_output("PostgreSQL", output, str(log))
        time.sleep(0.2)


def start_valkey(plan: Plan, binaries: Binaries, remembered_port: int | None = None) -> Server:
    """Start Valkey on the plan's directory. Durable: everything since the last second survives."""
    data = plan.state / "valkey"
    log = plan.state / "valkey.log"
    password = _secret(plan.state / "valkey.secret")
    port = _port("Valkey", plan.valkey_port, remembered_port)
    data.mkdir(mode=0o700, exist_ok=True)
    give(data, plan.who)
    config = data / "valkey.conf"
    # A file and not arguments: everybody on the machine can read arguments.
    config.touch(mode=0o600)
    config.write_text(
        f"""\
bind 127.0.0.1
port {port}
requirepass {password}
databases {_DATABASES}
save ""
appendonly {"yes" if plan.durable else "no"}
appendfsync everysec
maxmemory-policy noeviction
loglevel warning
""",
        encoding="ascii",
    )
    give(config, plan.who)
    _turn(log)
    said_before = log.stat().st_size if log.exists() else 0
    process = spawn([str(binaries.valkey), str(config)], log=log, cwd=data, stop_signal=signal.SIGTERM, who=plan.who)
    if _valkey_ready(process, port, password):
        return Server("Valkey", process, port, f"redis://:{password}@127.0.0.1:{port}/0", signal.SIGTERM)
    raise from_output("Valkey", _since(log, said_before), str(log))


def _secret(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _port(engine: str, given: int | None, remembered: int | None) -> int:
    """The port asked for, or an error; else the one it had, so that addresses stay; else a free one."""
    if given is not None:
        if not is_free(given):
            raise EngineError(
                f"{engine} cannot listen on port {given}: it is taken",
                why="another program listens there",
                do=("stop that program", "or give no port: then a free one is chosen"),
                code="PORT_TAKEN",
            )
        return given
    return remembered if remembered is not None and is_free(remembered) else free_port()


def _check_version(data: Path, binaries: Binaries) -> None:
    made_by = data / "PG_VERSION"
    if not made_by.exists():
        return
    has, wants = made_by.read_text(encoding="ascii").strip(), binaries.postgres_version.partition(".")[0]
    if has != wants:
        raise EngineError(
            f"The data in {data} were made by PostgreSQL {has}, and this is {wants}",
            why="a new major version does not read the old one's files",
            do=("kessai up --reset    begins afresh", f"or move {data} away and keep it"),
            code="ENGINE_VERSION",
        )


def _initdb(plan: Plan, binaries: Binaries, data: Path) -> None:
    """Make the data directory, under another name until it is whole: an interrupted one leaves nothing half-made."""
    unfinished = data.with_name("postgres.new")
    secret = plan.state / "postgres.secret"
    handed_over = plan.state / "postgres.initdb"
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give(unfinished, plan.who)
        handed_over.unlink(missing_ok=True)
        handed_over.touch(mode=0o600)
        handed_over.write_text(secret.read_text(encoding="ascii"), encoding="ascii")
        give(handed_over, plan.who)
        argv = [str(binaries.initdb), "-D", str(unfinished), "-U", "postgres", "-A", "scram-sha-256"]
        # The password is 128 random bits: one round of hashing is enough, and connecting stays quick.
        argv += ["--pwfile", str(handed_over), "-c", "scram_iterations=1", "-E", "UTF8", "--no-locale", "--no-instructions"]
        argv += [] if plan.durable else ["--no-sync"]
        made = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=None if plan.who is None else plan.who.uid,
            group=None if plan.who is None else plan.who.gid,
            extra_groups=None if plan.who is None else [],
        )
        if made.returncode != 0:
            raise from_output("PostgreSQL", made.stdout + made.stderr, str(plan.state))
        unfinished.rename(data)
    except OSError as error:
        raise from_os("PostgreSQL", error, data) from error
    finally:
        handed_over.unlink(missing_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)


def _postgres_ready(process: subprocess.Popen[bytes], pidfile: Path) -> bool:
    """Wait until the server says `ready` in the eighth line of its lock file; False when it ended instead."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        with contextlib.suppress(OSError, IndexError, ValueError):
            lines = pidfile.read_text(encoding="utf-8").splitlines()
            if int(lines[0]) == process.pid and lines[7].strip() == "ready":
                return True
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise _slow("PostgreSQL")


def _valkey_ready(process: subprocess.Popen[bytes], port: int, password: str) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as link:
            link.sendall(f"AUTH {password}\r\nPING\r\n".encode("ascii"))
            said = b""
            while said.count(b"\r\n") < 2 and (more := link.recv(256)):
                said += more
            if b"+PONG" in said:
                return True
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise _slow("Valkey")


def _slow(engine: str) -> EngineError:
    return EngineError(
        f"{engine} was not ready after 60 seconds", why="the machine may be overloaded", do=("try again",), code="ENGINE_SLOW"
    )


def _turn(log: Path) -> None:
    """Keep one old log; a server that runs for months must not fill the disk."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.rename(log.with_suffix(".log.1"))


def _since(log: Path, offset: int) -> str:
    with contextlib.suppress(OSError), log.open("rb") as lines:
        lines.seek(offset)
        return lines.read()[-4000:].decode("utf-8", errors="replace")
    return ""
