"""The two servers everything stands on: those that are named, and embedded ones for the others."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from domain.store.databases import on_server
from kessai import embedded
from kessai.block import short
from kessai.settings import EngineSettings
from kessai.trouble import Trouble

DATABASE = "kessai"

Say = Callable[[str, str, float], None]  # a part of the world, what it is, how many seconds it took


@dataclass(frozen=True, slots=True, repr=False)
class Addresses:
    """The two servers everything stands on. Ours are made when they are missing, others are used as they are."""

    database_url: str
    redis_url: str
    server_url: str | None  # PostgreSQL itself, when it is ours
    words: str  # for people
    state: Path | None  # where our servers keep their data


@contextlib.contextmanager
def servers(settings: EngineSettings, say: Say, *, durable: bool = True) -> Iterator[Addresses]:
    """The two servers, for as long as the block lasts: those that are named, and embedded ones for the others."""
    began = time.monotonic()
    database, bell = settings.database_url, settings.redis_url
    if database is not None and bell is not None:
        yield Addresses(database.reveal(), bell.reveal(), None, f"{database} · {bell}", None)
        return
    with embedded.start(settings.state, durable=durable) as engines:
        words = " · ".join(
            [
                f"PostgreSQL {engines.postgres_version}" if database is None else str(database),
                f"Valkey {engines.valkey_version}" if bell is None else str(bell),
            ]
        )
        say("engines", f"{words}    {short(engines.state)}", time.monotonic() - began)
        yield Addresses(
            on_server(engines.database_url, DATABASE) if database is None else database.reveal(),
            engines.redis_url if bell is None else bell.reveal(),
            engines.database_url if database is None else None,
            words,
            engines.state,
        )


def ping(redis_url: str) -> None:
    """Raises Trouble when nobody answers there."""
    import redis  # takes longer to import than most commands run

    try:
        with redis.Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=5) as client:
            client.ping()
    except redis.RedisError as error:
        where = urlsplit(redis_url)
        raise Trouble(
            f"No Redis at {where.hostname}:{where.port or 6379}",
            why=type(error).__name__,
            do=("start it", "or leave REDIS_URL out: then a Valkey is started here"),
            code="REDIS_URL",
        ) from error
