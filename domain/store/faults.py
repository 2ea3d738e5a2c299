"""What may go wrong with the database without anybody being wrong. Who runs for ever waits and goes on; everything else is a bug."""

from __future__ import annotations

import asyncpg
from tortoise.exceptions import DBConnectionError

from domain.store.connection import StoreUnavailable

# The server is away, starting, stopping or full, or our connection was cut. Nothing is known about the last commit: look, do not guess.
AWAY: tuple[type[Exception], ...] = (
    OSError,
    StoreUnavailable,
    DBConnectionError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)

# Somebody else was quicker. The transaction has changed nothing and can simply be run again.
TRY_AGAIN: tuple[type[Exception], ...] = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)
