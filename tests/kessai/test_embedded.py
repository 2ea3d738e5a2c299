"""The embedded servers: shared, adopted, started again, and gone with the last process that uses them.

The tests kill real processes; what they wait for is an event (a process ends, a line is written), never a length of time.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kessai.embedded import EngineError, Engines, engines, start
from kessai.embedded.engines import Services, look, place, remove
from kessai.embedded.processes import Identity, Owner, is_free, owner, reachable
from kessai.embedded.trouble import from_os, from_output

ROOT = Path(__file__).resolve().parents[2]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children that their parent died")

USER = """
import sys
from pathlib import Path
from kessai.embedded import start
used = start(Path(sys.argv[1]), durable=False)
print("adopted" if used.adopted else "started", flush=True)
sys.stdin.readline()
used.stop()
"""


@pytest.fixture
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory that the servers' account can reach (pytest's own is closed to others)."""
    directory = ROOT / "var" / f"engines-{os.getpid()}-{time.monotonic_ns()}"
    yield directory
    with contextlib.suppress(EngineError):
        remove(directory)


@contextlib.contextmanager
def user(state: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the servers until it is told or killed."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        yield process
        if process.poll() is None:
            with contextlib.suppress(BrokenPipeError):
                process.communicate("\n", timeout=60)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def until(fact: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def services(state: Path) -> Services:
    found = Services.read(place(state))
    assert found is not None
    return found


def everything(found: Services) -> list[Identity]:
    return [found.keeper, found.postgres.process, found.valkey.process]


def query(url: str, sql: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_both_answer_and_data_survive_a_stop(state: Path):
    with start(state) as first:
        assert not first.adopted
        assert str(query(first.database_url, "SELECT version()")).startswith(f"PostgreSQL {first.postgres_version}")
        query(first.database_url, "CREATE TABLE kept (yen bigint)")
        with redis.Redis.from_url(first.redis_url) as valkey:
            valkey.set("kept", "1")
        began = everything(services(state))
    assert not any(process.alive() for process in began)
    with start(state) as second:
        # the same addresses, so that what people wrote down still holds
        assert (second.database_url, second.redis_url) == (first.database_url, first.redis_url)
        assert query(second.database_url, "SELECT count(*) FROM kept") == 0
        with redis.Redis.from_url(second.redis_url) as valkey:
            assert valkey.get("kept") == b"1"


def test_the_last_user_stops_them(state: Path):
    with user(state) as first, user(state) as second:
        assert sorted([said(first), said(second)]) == ["adopted", "started"]
        running = services(state)
        first.communicate("\n", timeout=60)
        assert running.alive()
        second.communicate("\n", timeout=60)
        assert not any(process.alive() for process in everything(running))
        assert look(state) is None


def test_four_at_once_start_them_once(state: Path):
    with contextlib.ExitStack() as stack:
        users = [stack.enter_context(user(state)) for _ in range(4)]
        assert sorted(said(process) for process in users) == ["adopted", "adopted", "adopted", "started"]


def test_killed_users_leave_nothing(state: Path):
    with user(state) as process:
        said(process)
        running = services(state)
        process.kill()
        until(lambda: not any(identity.alive() for identity in everything(running)))


@linux
def test_a_killed_keeper_takes_the_servers_along_and_they_are_started_again(state: Path):
    with start(state, durable=False) as first:
        running = services(state)
        running.keeper.signal(signal.SIGKILL)
        until(lambda: not any(identity.alive() for identity in everything(running)))
        with start(state, durable=False) as second:
            assert not second.adopted
            assert query(second.database_url, "SELECT 1") == 1
        assert first.database_url == second.database_url


def test_a_killed_postgres_is_started_again_with_its_data_at_the_same_address(state: Path):
    with start(state) as used:
        query(used.database_url, "CREATE TABLE kept (yen bigint)")
        before = services(state).postgres.process
        before.signal(signal.SIGKILL)
        until(lambda: services(state).postgres.process != before and services(state).alive())
        assert query(used.database_url, "SELECT count(*) FROM kept") == 0


def test_a_killed_valkey_is_started_again(state: Path):
    with start(state, durable=False) as used:
        before = services(state).valkey.process
        before.signal(signal.SIGKILL)
        until(lambda: services(state).valkey.process != before and services(state).alive())
        with redis.Redis.from_url(used.redis_url) as valkey:
            assert valkey.ping()


def test_a_number_given_to_another_process_is_not_taken_for_the_server():
    me = Identity.of(os.getpid())
    assert me is not None
    assert me.alive()
    assert not Identity(me.pid, "long ago").alive()
    Identity(me.pid, "long ago").signal(signal.SIGKILL)  # and is not killed for it


def test_nobody_comes_in_without_the_password(state: Path):
    with start(state, durable=False) as used:
        without = used.database_url.replace(used.database_url.split(":")[2].split("@")[0], "guessed")
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(without, "SELECT 1")
        with (
            pytest.raises(redis.AuthenticationError),
            redis.Redis(port=services(state).valkey.port, retry=Retry(NoBackoff(), 0)) as valkey,
        ):
            valkey.ping()
        secret_files = [used.state / name for name in ("services.json", "postgres.secret", "valkey.secret")]
        assert {oct(file.stat().st_mode & 0o777) for file in secret_files} == {"0o600"}
        secret = (used.state / "postgres.secret").read_text()
        assert secret in used.database_url
        assert secret not in repr(used) + repr(services(state))


def test_a_port_that_is_given_and_taken_is_named(state: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(EngineError) as caught:
            start(state, durable=False, postgres_port=port)
        assert caught.value.code == "PORT_TAKEN"
        assert str(port) in caught.value.what
        with pytest.raises(EngineError) as caught:
            start(state, durable=False, valkey_port=port)
        assert caught.value.what.startswith("Valkey")
    assert look(state) is None


def test_a_port_that_was_remembered_and_is_taken_gives_way(state: Path):
    with start(state, durable=False) as first:
        port = services(state).postgres.port
    with socket.create_server(("127.0.0.1", port)), start(state, durable=False) as second:
        assert first.database_url != second.database_url


def test_data_of_another_major_version_are_left_alone(state: Path):
    with start(state, durable=False) as used:
        version_file = used.state / "postgres" / "PG_VERSION"
    version_file.write_text("12\n")
    with pytest.raises(EngineError) as caught:
        start(state, durable=False)
    assert caught.value.code == "ENGINE_VERSION"
    assert "PostgreSQL 12" in caught.value.what
    assert version_file.exists()


def test_an_interrupted_initdb_leaves_nothing_half_made(state: Path):
    used_place = place(state)
    (used_place / "postgres.new" / "base").mkdir(parents=True)
    used_place.chmod(0o711)  # as start makes it
    with start(state, durable=False) as used:
        assert query(used.database_url, "SELECT 1") == 1
    assert not (used_place / "postgres.new").exists()


def test_durable_work_does_not_adopt_servers_that_do_not_write(state: Path):
    with start(state, durable=False):
        with pytest.raises(EngineError, match="without writing to disk"):
            start(state)
        with start(state, durable=False) as again:
            assert again.adopted


def test_data_in_use_are_not_removed(state: Path):
    with start(state, durable=False) as used:
        with pytest.raises(EngineError, match="in use"):
            remove(state)
        directory = used.state
    remove(state)
    assert not directory.exists()


def test_a_directory_that_cannot_be_used_is_one_clear_line(state: Path):
    in_the_way = place(state) / "users.lock"
    in_the_way.mkdir(parents=True)
    with pytest.raises(EngineError) as caught:
        start(state)
    in_the_way.rmdir()
    assert caught.value.code == "ENGINE_STATE"
    assert str(in_the_way.parent) in caught.value.what


def test_cleaning_removes_what_nobody_uses(state: Path):
    clean = [sys.executable, "-m", "kessai.embedded", str(state)]
    with start(state, durable=False) as used:
        refused = subprocess.run(clean, cwd=ROOT, capture_output=True, text=True)
        assert refused.returncode == 2
        assert "in use" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert subprocess.run(clean, cwd=ROOT).returncode == 0
    assert not used.state.exists()


@pytest.mark.skipif(owner() is None, reason="only root's servers run under another account")
def test_root_uses_a_place_the_servers_account_can_reach(tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    other = place(closed / "state")
    try:
        assert other.parent == Path("/var/tmp")
        assert other.name.startswith("kessai-")
        assert place(closed / "state") == other
        who = owner()
        assert who is not None
        assert reachable(other, who)
        other.chmod(0o777)
        with pytest.raises(EngineError, match="not a directory of ours"):
            place(closed / "state")
    finally:
        other.rmdir()
    other.symlink_to(tmp_path)
    try:
        with pytest.raises(EngineError, match="not a directory of ours"):
            place(closed / "state")
    finally:
        other.unlink()


@pytest.mark.skipif(owner() is None, reason="only root's servers run under another account")
def test_programs_out_of_reach_are_copied_once(state: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kessai.embedded.binaries.reachable", lambda _path, _who: False)
    from kessai.embedded.binaries import find

    state.mkdir(parents=True, mode=0o711)
    found = find(state, owner())
    assert found.postgres.is_relative_to(state / "programs")
    assert found.valkey.is_relative_to(state / "programs")
    made = found.postgres.stat().st_mtime_ns
    assert find(state, owner()).postgres.stat().st_mtime_ns == made
    assert not [entry for entry in (state / "programs").iterdir() if entry.name.endswith(".new")]


def test_reach_is_a_matter_of_every_directory_on_the_way(tmp_path: Path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    stranger = Owner(uid=os.geteuid() + 1, gid=os.getegid() + 1)
    (tmp_path / "a").chmod(0o700)
    assert not reachable(inner, stranger)
    assert reachable(inner, Owner(uid=os.geteuid(), gid=os.getegid()))
    assert reachable(Path("/usr/bin"), stranger)
    assert reachable(Path("/usr/not/there/yet"), stranger)


@pytest.mark.parametrize(
    "output, code",
    [
        ("FATAL:  could not write lock file: No space left on device", "DISK_FULL"),
        ("LOG:  could not bind IPv4 address: Address already in use\nFATAL:  could not create any TCP/IP sockets", "PORT_TAKEN"),
        ("*** FATAL CONFIG FILE ERROR ***\nBad directive", "ENGINE_FAILED"),
        ("", "ENGINE_FAILED"),
    ],
)
def test_last_words_become_one_line(output: str, code: str):
    error = from_output("PostgreSQL", output, "postgres.log")
    assert error.code == code
    assert error.do
    assert "\n" not in str(error)


def test_a_full_disk_is_named_whoever_finds_it():
    assert from_os("Valkey", OSError(28, "No space left on device"), "/x").code == "DISK_FULL"
    assert from_os("Valkey", PermissionError(13, "Permission denied"), "/x").code == "ENGINE_STATE"


def test_a_wheel_that_is_missing_is_named(state: Path, monkeypatch: pytest.MonkeyPatch):
    from kessai.embedded import binaries

    monkeypatch.setattr(binaries, "_package", lambda _name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError) as caught:
        binaries.find(state, None)
    assert caught.value.code == "ENGINE_MISSING"
    assert "DATABASE_URL" in " ".join(caught.value.do)


def test_stopping_twice_is_stopping_once(state: Path):
    used: Engines = start(state, durable=False)
    used.stop()
    used.stop()
    assert look(state) is None


def test_a_share_of_the_lock_is_not_inherited_by_children(state: Path):
    """Otherwise a process that we start would keep the servers alive after us."""
    with start(state, durable=False) as used:
        assert used._users is not None
        assert fcntl.fcntl(used._users, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    assert engines.look(state) is None
