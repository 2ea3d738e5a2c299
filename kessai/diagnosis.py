"""`kessai doctor`: what Kessai needs of a machine, each looked at by itself."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from kessai.trouble import Trouble

NEED_MEGABYTES = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    fine: bool
    words: str
    do: str = ""


def examine() -> list[Finding]:
    """Looks at everything; nothing is started or changed."""
    looks: list[tuple[str, Callable[[], str]]] = [
        ("python", _python),
        ("settings", _settings),
        ("engines", _engines),
        ("directory", _directory),
        ("port", _port),
        ("database", _database),
        ("redis", _redis),
        ("world", _world),
    ]
    found: list[Finding] = []
    for what, look in looks:
        try:
            found.append(Finding(what, fine=True, words=look()))
        except Trouble as trouble:
            words = f"{trouble.what}: {trouble.why}" if trouble.why else trouble.what
            found.append(Finding(what, fine=False, words=words, do=trouble.do[0] if trouble.do else ""))
    return found


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _settings() -> str:
    from kessai.settings import UpSettings

    UpSettings.from_env(os.environ)
    given = sorted(name for name in os.environ if name.startswith("KESSAI_") or name in {"DATABASE_URL", "REDIS_URL"})
    return ", ".join(given) or "none given: everything is embedded"


def _engines() -> str:
    from kessai.embedded.binaries import find
    from kessai.embedded.processes import owner
    from kessai.opened import engine_settings

    settings = engine_settings()
    if settings.database_url is not None and settings.redis_url is not None:
        return "not needed: both servers are given"
    binaries = find(settings.state, owner())
    return f"PostgreSQL {binaries.postgres_version} · Valkey {binaries.valkey_version}"


def _directory() -> str:
    from kessai.opened import places

    root = places().root
    there = root
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK):
        raise Trouble(f"{root} cannot be written", do=("name another directory with KESSAI_STATE",), code="ENGINE_STATE")
    free = shutil.disk_usage(there).free // 1_000_000
    if free < NEED_MEGABYTES:
        raise Trouble(f"{free} MB free below {there}", why=f"{NEED_MEGABYTES} MB are needed", code="DISK_FULL")
    return f"{root}, {free:,} MB free"


def _port() -> str:
    from kessai.processes import choose_port

    given = os.environ.get("KESSAI_PORT", "").strip()
    port, moved = choose_port(int(given) if given.isdecimal() else None)
    return f"{port} is free" + (" (8000 is taken)" if moved else "")


def _database() -> str:
    from kessai.opened import engine_settings

    url = engine_settings().database_url
    if url is None:
        return "embedded"
    from domain.store.connection import StoreUnavailable
    from domain.store.migrate import pending

    try:
        missing = asyncio.run(pending(url.reveal()))
    except StoreUnavailable as error:
        raise Trouble("The database does not answer", why=str(error), do=("check DATABASE_URL",), code="DATABASE_URL") from error
    return f"{url}, " + (f"{len(missing)} migrations to run: kessai migrate" if missing else "up to date")


def _redis() -> str:
    from kessai.opened import engine_settings

    url = engine_settings().redis_url
    if url is None:
        return "embedded"
    from kessai.addresses import ping

    ping(url.reveal())
    return f"{url} answers"


def _world() -> str:
    from kessai.opened import places

    running = places().read_running()
    if running is not None:
        return f"running at {running['api']}"
    return "kept, not running: kessai up" if places().credentials.exists() else "none yet: kessai up"
