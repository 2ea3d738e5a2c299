"""What every test may ask for: real servers, a database of its own, a Redis database of its own, an opened store.

Nothing starts until a test asks. The servers run once for all processes of a test run (and for runs at the same time);
each test with `database_url` gets a clone of a migrated template database and leaves nothing behind.

    engines         the servers (session)          database_url    a fresh migrated database
    redis_url       an empty Redis database        redis_namespace a prefix no other test has (channels know no database)
    store           `domain.store.connection.open_store(database_url)` around the test
    empty_database_url  a database without any table, for tests of the migrations themselves
"""

import asyncio
import contextlib
import fcntl
import hashlib
import itertools
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import redis
from hypothesis import HealthCheck, settings
from tortoise.models import MetaInfo

from kessai.embedded import Engines, start
from kessai.embedded.processes import give, owner

ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")
ROOM = 1 << 30  # bytes that must be free there; a test's database has a hundredth of it
# These rooms are pure: their tests run in a second or two and start nothing.
PURE = ("tests/domain/", "tests/zengin/")
SERVERS = {"engines", "template_database", "database_url", "empty_database_url", "redis_url", "redis_namespace", "store"}

# Time limits of single examples say more about the machine than about the code.
settings.register_profile("kessai", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kessai")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a pure test that asks for a server."""
    for item in items:
        asked = SERVERS & set(getattr(item, "fixturenames", ()))
        if asked and item.nodeid.startswith(PURE):
            raise pytest.UsageError(f"{item.nodeid} is a test of a pure room and asks for {', '.join(sorted(asked))}")


def only_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """The network is closed: a test that calls out is slow, flaky and tells strangers about us."""
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not (str(address[0]).startswith("127.") or address[0] in {"::1", "localhost"}):
            raise PermissionError(f"tests do not call out: {address[0]}")


sys.addaudithook(only_loopback)


def filters_once(meta: MetaInfo, make: Callable[[MetaInfo], None] = MetaInfo._generate_filters) -> None:
    """Tortoise makes every filter of every model each time it is opened; a process of ours opens it once, a test run thousands of times."""
    if not meta.filters:
        make(meta)


MetaInfo._generate_filters = filters_once  # type: ignore[assignment]


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    with start(ROOT / "var" / "test", durable=False) as running:
        yield running


def on_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def migrations_digest() -> str:
    """What the template depends on: the domain's files (the migrations import what their columns default to)."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "domain").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(ROOT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextlib.asynccontextmanager
async def alone(engines: Engines) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the server, with every other test process locked out: for making and dropping templates."""
    with (engines.state / "template.lock").open("ab") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        connection = await asyncpg.connect(engines.database_url)
        try:
            yield connection
        finally:
            await connection.close()


@pytest.fixture(scope="session")
async def template_database(engines: Engines) -> str:
    """The name of a migrated database to clone: made once for each state of the migrations."""
    from domain.store.migrate import migrate

    name = f"template_{migrations_digest()}"
    async with alone(engines) as admin:
        await drop_leftovers(admin)
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return name
        unfinished = f"new_{name}"
        await admin.execute(f'DROP DATABASE IF EXISTS "{unfinished}" WITH (FORCE)')
        await admin.execute(f'CREATE DATABASE "{unfinished}"')
        await migrate(on_database(engines.database_url, unfinished))
        # Nobody may connect any more: a database that is being cloned must have no visitor, not even a vacuum.
        await admin.execute(f'ALTER DATABASE "{unfinished}" WITH ALLOW_CONNECTIONS false')
        await admin.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    return name


async def drop_leftovers(admin: asyncpg.Connection) -> None:
    """Drop what killed runs left, and old templates (another run may still use the last few)."""
    rows = await admin.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%' OR datname LIKE 'template\\_%' ORDER BY oid")
    names = [row["datname"] for row in rows if row["datname"] not in {"template0", "template1"}]
    templates = [name for name in names if name.startswith("template_")]
    dead = [name for name in names if name.startswith("test_") and not Path(f"/proc/{name.split('_')[1]}").exists()]
    for name in [*templates[:-4], *(dead if sys.platform.startswith("linux") else [])]:
        with contextlib.suppress(asyncpg.InvalidCatalogNameError, asyncpg.ObjectInUseError):
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


_tablespaces: dict[str, str] = {}


async def tablespace(engines: Engines) -> str:
    """Where databases of tests lie: in memory where there is room, for a clone is six hundred files and a disk takes ten times as long."""
    if engines.database_url not in _tablespaces:
        async with alone(engines) as admin:
            _tablespaces[engines.database_url] = await _in_memory(admin)
    return _tablespaces[engines.database_url]


async def _in_memory(admin: asyncpg.Connection) -> str:
    for row in await admin.fetch("SELECT spcname, pg_tablespace_location(oid) AS place FROM pg_tablespace WHERE spcname LIKE 'memory\\_%'"):
        if Path(row["place"]).is_dir():  # else the machine has been started anew, and has forgotten it
            return str(row["spcname"])
    try:
        if shutil.disk_usage(MEMORY).free < ROOM:
            return "pg_default"
        place = Path(tempfile.mkdtemp(prefix="kessai-tests-", dir=MEMORY))
    except OSError:
        return "pg_default"
    give(place, owner())
    name = f"memory_{secrets.token_hex(4)}"
    await admin.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'")
    return name


@contextlib.asynccontextmanager
async def a_database(engines: Engines, like: str) -> AsyncIterator[str]:
    """A database for one test; the number of the process in its name tells whose it was."""
    name = f"test_{os.getpid()}_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(engines.database_url)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}" STRATEGY wal_log TABLESPACE {await tablespace(engines)}')
        try:
            yield on_database(engines.database_url, name)
        finally:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


@pytest.fixture
async def database_url(engines: Engines, template_database: str) -> AsyncIterator[str]:
    async with a_database(engines, template_database) as url:
        yield url


@pytest.fixture
async def empty_database_url(engines: Engines) -> AsyncIterator[str]:
    async with a_database(engines, "template1") as url:
        yield url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Any]:
    from domain.store.connection import open_store

    async with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def redis_url(engines: Engines) -> Iterator[str]:
    with redis.Redis.from_url(engines.redis_url) as counter:
        for _ in itertools.count():
            number = 1 + int(counter.incr("tests:database")) % 4000
            url = engines.redis_url.rsplit("/", 1)[0] + f"/{number}"
            with redis.Redis.from_url(url) as own:
                if counter.set(f"tests:taken:{number}", os.getpid(), nx=True, ex=3600):
                    own.flushdb()
                    yield url
                    own.flushdb()
                    counter.delete(f"tests:taken:{number}")
                    return


@pytest.fixture
def redis_namespace(redis_url: str) -> str:
    return f"test-{redis_url.rsplit('/', 1)[1]}-{secrets.token_hex(4)}"
