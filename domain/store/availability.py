"""Is the database there, and is it the one that this version needs?"""

from __future__ import annotations

import asyncio

import asyncpg
from tortoise.connection import get_connection
from tortoise.exceptions import DBConnectionError
from tortoise.migrations.executor import MigrationExecutor

from domain.store.connection import StoreUnavailable, config_of, reading

_GONE: tuple[type[BaseException], ...] = (
    StoreUnavailable,
    DBConnectionError,
    OSError,  # refused, reset, no route
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # a connection that was lost in the middle is reported like this
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


def is_unavailable(error: BaseException | None) -> bool:
    """Whether an error means that the database is away (and not that something is wrong with what was asked)."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, _GONE) and not isinstance(error, TimeoutError):  # which is an OSError
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


async def answers(seconds: float) -> bool:
    """Whether the database answers within so many (machine) seconds."""
    try:
        async with asyncio.timeout(seconds), reading() as tx:
            return bool(await tx.value("select 1"))
    except Exception as error:
        if isinstance(error, TimeoutError) or is_unavailable(error):
            return False
        raise


async def schema_behind(database_url: str) -> list[str]:
    """Migrations that this version has and the database of the open store has not run."""
    executor = MigrationExecutor(get_connection("default"), config_of(database_url)["apps"])
    return [step.migration.name for step in await executor.plan()]
