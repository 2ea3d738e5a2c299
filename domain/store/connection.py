"""Connections and transactions.

One store per process: a Tortoise connection pool on asyncpg. Two doors to it: `transaction()` for everything that writes and
`reading()` for answers that must fit one snapshot. Both give a `Tx`, a thin face over asyncpg: sets in, sets out.

Tortoise's own `in_transaction()` loses its pooled connection when the task is cancelled while it enters; a closed socket or a time
limit does just that. `transaction()` gives the connection back in every case, and is the only place that may call it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.client import TransactionContextPooled
from tortoise.connection import get_connections
from tortoise.transactions import in_transaction

LEVELS = frozenset({"read committed", "repeatable read", "serializable"})
MODELS = "domain.store.models"

Row = Mapping[str, Any]


class _Quiet(asyncpg.Connection):
    """A connection that is not reset when it goes back to the pool.

    We change no session state (only `set local`), and the reset costs a round trip per request.
    """

    def get_reset_query(self) -> str:
        return ""


class Tx:
    """An open transaction (or snapshot). All money moves through one of these."""

    def __init__(self, raw: asyncpg.Connection[Any]) -> None:
        self.raw = raw

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        """All rows of a query."""
        return await self.raw.fetch(sql, *args)

    async def row(self, sql: str, *args: Any) -> Any | None:
        """The first row, or None."""
        return await self.raw.fetchrow(sql, *args)

    async def value(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        return await self.raw.fetchval(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        """Runs a statement; answers how many rows it touched."""
        status = await self.raw.execute(sql, *args)
        last = status.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    async def script(self, sql: str) -> None:
        """Runs several statements without arguments."""
        await self.raw.execute(sql)

    async def copy_in(self, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]) -> int:
        """COPY: the fastest way in. Answers the number of rows."""
        status = await self.raw.copy_records_to_table(table, records=records, columns=list(columns))
        return int(status.rsplit(" ", 1)[-1])


def config_of(database_url: str, *, application_name: str = "kessai") -> dict[str, Any]:
    """Tortoise's configuration for a PostgreSQL URL (pool options as query parameters: minsize, maxsize, command_timeout)."""
    url = urlsplit(database_url)
    options: dict[str, Any] = dict(parse_qsl(url.query))
    credentials: dict[str, Any] = {
        "host": unquote(url.hostname or "127.0.0.1"),
        "port": url.port or 5432,
        "user": unquote(url.username or "postgres"),
        "password": unquote(url.password or ""),
        "database": url.path.lstrip("/") or "postgres",
        "minsize": int(options.pop("minsize", 1)),
        "maxsize": int(options.pop("maxsize", 10)),
        "application_name": options.pop("application_name", application_name),
        "connection_class": _Quiet,
    }
    if "command_timeout" in options:
        credentials["command_timeout"] = float(options.pop("command_timeout"))
    if "host" in options:  # a unix socket directory: postgresql:///kessai?host=/run/postgresql
        credentials["host"] = options.pop("host")
    return {
        "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
        "apps": {
            "store": {"models": [MODELS], "default_connection": "default", "migrations": "domain.store.migrations"},
        },
        "use_tz": True,
        "timezone": "UTC",
    }


@contextlib.asynccontextmanager
async def open_store(database_url: str, *, application_name: str = "kessai") -> AsyncIterator[None]:
    """Opens the process's pool for as long as the block lasts. Raises `StoreUnavailable` when nobody answers."""
    await connect(database_url, application_name=application_name)
    try:
        yield
    finally:
        await disconnect()


class StoreUnavailable(Exception):
    """The database cannot be reached (or refuses us); the text names host and database, never the password."""


async def connect(database_url: str, *, application_name: str = "kessai") -> None:
    """Opens the pool of this process; see `open_store`."""
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)  # a stack for each try at a server that is away; we say it once
    await Tortoise.init(config=config_of(database_url, application_name=application_name), _enable_global_fallback=True)
    try:
        async with reading() as tx:
            await tx.value("select 1")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        await disconnect()
        url = urlsplit(database_url)
        raise StoreUnavailable(
            f"no database at {url.hostname}:{url.port or 5432}{url.path}: {error.__class__.__name__}: {error}"
        ) from error


async def disconnect() -> None:
    """Closes the pool of this process."""
    await Tortoise.close_connections()


def _forget(context: TransactionContextPooled) -> None:
    """Takes the transaction out of this task's context, where it would make the next one look nested.

    Must run in the task that entered: another one (a shield makes one) has a context of its own.
    """
    if token := getattr(context, "token", None):
        with contextlib.suppress(ValueError):
            get_connections().reset(token)


async def _abandon(context: TransactionContextPooled) -> None:
    """Gives back a connection whose BEGIN may or may not have run: it is cut, not reused."""
    connection, pool = context.client._connection, context.client._parent._pool
    if connection is not None and pool is not None:
        connection.terminate()
        await pool.release(connection)


@contextlib.asynccontextmanager
async def transaction(isolation: str | None = None) -> AsyncIterator[Tx]:
    """One explicit transaction: commits at the end of the block, rolls back when anything is raised.

    Keep it short, and never call the outside world inside it (settlement rule 4). Safe against cancellation at every point.
    """
    context = in_transaction()
    assert isinstance(context, TransactionContextPooled), "transactions do not nest"
    try:
        async with _entered(context, isolation) as tx:
            yield tx
    except asyncpg.InternalClientError as error:
        # A server that dies in the middle of an answer leaves the driver between two states, and it says so about itself.
        raise StoreUnavailable(f"the connection broke under a statement: {error}") from error


@contextlib.asynccontextmanager
async def _entered(context: TransactionContextPooled, isolation: str | None) -> AsyncIterator[Tx]:
    try:
        client: Any = await context.__aenter__()
    except BaseException:
        _forget(context)
        await asyncio.shield(_abandon(context))
        raise
    try:
        if isolation:
            assert isolation in LEVELS
            await client._connection.execute(f"set transaction isolation level {isolation}")
        yield Tx(client._connection)
    except BaseException as error:
        if isinstance(error, asyncpg.InternalClientError):
            client._connection.terminate()  # no second statement on it, not even ROLLBACK
        await context.__aexit__(*sys.exc_info())
        raise
    else:
        await _committed(context)


async def _committed(context: TransactionContextPooled) -> None:
    under = context.client._connection._con
    try:
        await context.__aexit__(None, None, None)
    except asyncpg.InternalClientError:
        under.terminate()  # it went back to the pool, which looks before it lends
        raise


@contextlib.asynccontextmanager
async def reading() -> AsyncIterator[Tx]:
    """One snapshot for an answer: repeatable read, read only. What it shows was true at one moment, `asOf` included."""
    async with transaction() as tx:
        await tx.script("set transaction isolation level repeatable read, read only")
        yield tx
