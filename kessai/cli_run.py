"""Running one process alone, bringing a database up to date, writing the schema, and looking whether this machine
can.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from kessai.opened import need_servers, require_current
from kessai.screen import PLAIN, Common, print_json
from kessai.trouble import Trouble


def api(*, host: str | None = None, port: int | None = None, common: Common = PLAIN) -> None:
    """Serve GraphQL, OAuth and hooks until Ctrl-C. Wants DATABASE_URL and REDIS_URL.

    For example:

        DATABASE_URL=postgresql://user:password@host/kessai REDIS_URL=redis://host/0 kessai api
        kessai api --host 0.0.0.0 --port 8080

    Parameters
    ----------
    host
        Address to listen on (default KESSAI_HOST, or 127.0.0.1).
    port
        Port to listen on (default KESSAI_PORT, else 8000 or the next free one).
    """
    from kessai.logs import configure
    from kessai.processes import choose_port
    from kessai.settings import ApiSettings

    settings = ApiSettings.from_env(os.environ)
    database_url, redis_url = need_servers(settings.engines, "api")
    configure(settings.logs)
    _check_schema(database_url)
    address = host or settings.host
    chosen, _ = choose_port(port if port is not None else settings.port)
    import uvicorn

    from api.app import create_app
    from api.options import ApiOptions, Issuer
    from domain.hook_address import Where
    from kessai.api_limits import limits_of, trusted_of

    limits, trusted = limits_of(settings.limits), trusted_of(settings.trusted_documents)
    base_url = settings.public_url or f"http://{address}:{chosen}"
    _announce(common, "api", base_url)
    issuer = None if settings.oidc is None else Issuer(*settings.oidc)
    options = ApiOptions(
        database_url=database_url,
        base_url=base_url,
        redis_url=redis_url,
        limits=limits,
        cors_origins=settings.cors_origins,
        trusted=trusted,
        trusted_only=settings.trusted_only,
        issuer=issuer,
        hooks=Where(allow_private=settings.hooks.allow_private, ports=settings.hooks.ports),
        mails=settings.hooks.smtp_url is not None,
    )
    uvicorn.run(
        create_app(options),
        host=address,
        port=chosen,
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        server_header=False,
        forwarded_allow_ips=list(settings.trusted_proxies),
        ws_max_size=options.limits.body,
        ws_per_message_deflate=False,  # it costs more than half of a delivery, and tens of kilobytes a socket
    )


def worker(*, queues: str | None = None, threads: int | None = None, common: Common = PLAIN) -> None:
    """Work on messages until Ctrl-C: seal, send, fetch, read and apply. Any number may run. Wants DATABASE_URL and
    REDIS_URL.

    For example:

        kessai worker
        kessai worker --queues banks,carriers --threads 16

    Parameters
    ----------
    queues
        Only these, separated by commas: banks, carriers, replies, runs, notices, hooks (default KESSAI_QUEUES, or all).
    threads
        How many messages at once (default KESSAI_THREADS, or 8).
    """
    from kessai.health import beside_worker
    from kessai.logs import configure
    from kessai.settings import WorkerSettings

    settings = WorkerSettings.from_env(os.environ)
    database_url, redis_url = need_servers(settings.engines, "worker")
    configure(settings.logs)
    _check_schema(database_url)
    from workers.app import UnknownQueue, WorkerOptions, run_worker

    def ready() -> None:
        beside_worker(settings.health_port, redis_url)
        _announce(common, "worker")

    from kessai.outward import hook_options

    more = hook_options(settings.hooks)
    options = WorkerOptions(database_url=database_url, redis_url=redis_url, spool=settings.spool.absolute(), **more)
    names = tuple(name.strip() for name in queues.split(",") if name.strip()) if queues else settings.queues
    try:
        run_worker(options, names, threads or settings.threads, on_ready=ready)
    except UnknownQueue as error:
        raise Trouble(str(error)[:1].upper() + str(error)[1:], code="COMMAND") from error


def scheduler(*, common: Common = PLAIN) -> None:
    """Find what is due and ring for the workers, until Ctrl-C. Any number may run, one acts. Wants DATABASE_URL and
    REDIS_URL.

    For example:

        kessai scheduler
    """
    from kessai.health import beside_scheduler
    from kessai.logs import configure
    from kessai.settings import SchedulerSettings

    settings = SchedulerSettings.from_env(os.environ)
    database_url, redis_url = need_servers(settings.engines, "scheduler")
    configure(settings.logs)
    _check_schema(database_url)
    from workers.app import WorkerOptions, run_scheduler

    def ready() -> None:
        beside_scheduler(settings.health_port, redis_url)
        _announce(common, "scheduler")

    run_scheduler(WorkerOptions(database_url=database_url, redis_url=redis_url, spool=Path("var/spool")), on_ready=ready)


def _announce(common: Common, what: str, url: str | None = None) -> None:
    """Says on standard output that a process serves: the address, or that it is ready."""
    if common.json:
        print(json.dumps({"process": what, "ready": True, "url": url}), flush=True)
    else:
        print(url or f"{what} ready", flush=True)


def _check_schema(database_url: str) -> None:
    from domain.store.migrate import pending

    require_current(asyncio.run(pending(database_url)), database_url)


def migrate(*, plan: Annotated[bool, Parameter(negative="")] = False, common: Common = PLAIN) -> None:
    """Bring the database up to this version. Safe while older processes serve, and from any number of processes at
    once.

    For example:

        kessai migrate --plan
        DATABASE_URL=postgresql://user:password@host/kessai kessai migrate

    Parameters
    ----------
    plan
        Only say what would run.
    """
    from domain.store.migrate import migrate as run
    from domain.store.migrate import pending
    from kessai.opened import engine_settings

    settings = engine_settings()
    url, _ = need_servers(settings, "migrate", redis=False)
    names = asyncio.run(pending(url))
    if not plan:
        names = asyncio.run(run(url))
    if common.json:
        print_json({"would_run" if plan else "ran": names})
        return
    if not names:
        print("The schema is up to date.")
    for name in names:
        print(f"{'would run' if plan else 'ran'}  {name}")


def schema(
    *,
    write: Annotated[bool, Parameter(negative="")] = False,
    reference: Annotated[bool, Parameter(negative="")] = False,
    changes: Annotated[bool, Parameter(negative="")] = False,
    file: Path | None = None,
    common: Common = PLAIN,
) -> None:
    """Print the GraphQL schema, the page that explains it, or what has come to it since the last release; or write them to their files.

    For example:

        kessai schema > schema.graphql
        kessai schema --write
        kessai schema --reference --write
        kessai schema --changes

    Parameters
    ----------
    write
        Write it to the file.
    reference
        The page with every type, field and value (docs/reference.md), made from the schema.
    changes
        What has come since docs/released.graphql, and what leaves (docs/api-changes.md).
    file
        Which file (default schema.graphql, docs/reference.md or docs/api-changes.md).
    """
    from api.schema import sdl
    from kessai import __version__, api_changes
    from kessai.reference import reference as page

    what, text, usual = "schema", sdl(), Path("schema.graphql")
    if reference:
        what, text, usual = "reference", page(text), Path("docs/reference.md")
    elif changes:
        released = Path("docs/released.graphql").read_text(encoding="utf-8")
        what, text, usual = "changes", api_changes.page(released, text, __version__), Path("docs/api-changes.md")
    if not write:
        print_json({what: text}) if common.json else print(text, end="")
        return
    target = file or usual
    changed = not target.exists() or target.read_text(encoding="utf-8") != text
    target.write_text(text, encoding="utf-8")
    if common.json:
        print_json({"file": str(target), "changed": changed})
    else:
        print(f"{target}: {'written' if changed else 'unchanged'}")


def doctor(*, common: Common = PLAIN) -> int:
    """Look whether everything that Kessai needs is here, and say what to do where it is not. Exit status 2 if
    something is missing.

    For example:

        kessai doctor
    """
    from kessai.diagnosis import examine

    found = examine()
    if common.json:
        print_json(found)
    else:
        for finding in found:
            mark = "ok  " if finding.fine else "MISS"
            print(f"  {mark} {finding.what:<12} {finding.words}", file=sys.stdout)
            if finding.do:
                print(f"       {'':<12} do: {finding.do}")
    return 0 if all(finding.fine for finding in found) else 2
