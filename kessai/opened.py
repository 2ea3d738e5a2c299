"""Opening what a command needs: the settings, the servers, the store; and saying plainly what is missing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from kessai.places import Places
from kessai.settings import EngineSettings
from kessai.trouble import Trouble

T = TypeVar("T")


def engine_settings() -> EngineSettings:
    """What the environment says about the two servers."""
    return EngineSettings.from_env(os.environ)


def machine_now() -> datetime:
    """The system's clock, for what is not business time."""
    return datetime.now(UTC)


def places(settings: EngineSettings | None = None) -> Places:
    """Where `kessai up` keeps its things."""
    return Places.beside((settings or engine_settings()).state)


def need_servers(settings: EngineSettings, command: str, *, redis: bool = True) -> tuple[str, str]:
    """The two addresses. Raises Trouble when one is missing: a process that runs alone is told where its servers are."""
    missing = [
        name
        for name, value in (("DATABASE_URL", settings.database_url), ("REDIS_URL", settings.redis_url if redis else ""))
        if value is None
    ]
    if missing:
        example = {"DATABASE_URL": "postgresql://user:password@host:5432/kessai", "REDIS_URL": "redis://host:6379/0"}
        raise Trouble(
            f"kessai {command} needs {' and '.join(missing)}",
            why="a process that runs alone is told where its servers are",
            do=(
                *(f"export {name}={example[name]}" for name in missing),
                "kessai up                    starts everything here, servers too",
                'eval "$(kessai status --env)"  uses the servers of the `kessai up` that runs',
            ),
            code=missing[0],
        )
    assert settings.database_url is not None
    return settings.database_url.reveal(), "" if settings.redis_url is None else settings.redis_url.reveal()


def with_store(work: Callable[[], Awaitable[T]]) -> T:
    """Runs a coroutine function with the store open: the database that is named, else the one of `kessai up` here."""
    from domain.store.connection import open_store
    from domain.store.migrate import pending
    from kessai.addresses import servers
    from kessai.embedded.engines import place

    settings = engine_settings()
    if settings.database_url is None and not (place(settings.state, make=False) / "postgres" / "PG_VERSION").exists():
        raise Trouble(
            "There is no world here yet",
            why=f"nothing in {settings.state}, and DATABASE_URL names no database",
            do=("kessai up", "or export DATABASE_URL=postgresql://user:password@host:5432/kessai"),
            code="NO_WORLD",
        )

    async def run(url: str) -> T:
        require_current(await pending(url), url)
        async with open_store(url, application_name="kessai command"):
            return await work()

    with servers(settings, lambda *_: None) as addresses:
        return asyncio.run(run(addresses.database_url))


def require_current(missing: list[str], url: str) -> None:
    """Raises Trouble when the database lacks migrations."""
    if missing:
        from kessai.settings import ServiceUrl

        raise Trouble(
            f"The database lacks what this version needs: {', '.join(missing[:3])}",
            why=f"someone updated the code and not the schema, or DATABASE_URL names another database: {ServiceUrl(url)}",
            do=("kessai migrate --plan      shows what would run", "kessai migrate             runs it"),
            code="SCHEMA_BEHIND",
        )


async def business_now() -> datetime:
    """Business time, once."""
    from domain.store import clock
    from domain.store.connection import reading

    async with reading() as tx:
        return await clock.business_now(tx, machine_now())
