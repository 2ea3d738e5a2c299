"""Starting the world, asking how it stands, and getting a token."""

from __future__ import annotations

import asyncio
import os
import shlex
from typing import Annotated

from cyclopts import Parameter

from kessai.opened import places as places_of
from kessai.screen import PLAIN, Common, print_json
from kessai.trouble import Trouble


def up(
    *,
    start: Annotated[str | None, Parameter(name="--from")] = None,
    port: int | None = None,
    reset: Annotated[bool, Parameter(negative="")] = False,
    sftp: Annotated[bool, Parameter(negative="")] = False,
    common: Common = PLAIN,
) -> int:
    """Start everything on this machine: servers, API, worker, scheduler, and sandbox banks, carrier and sites.

    The world begins at 2000-09-20 09:00 Tokyo time and ticks with the machine; `kessai sandbox clock` moves it.
    Ctrl-C stops
    everything, data and clock stay. A second `kessai up` says that it runs already, and where.

    For example:

        kessai up
        kessai up --reset --from now
        DATABASE_URL=postgresql://user:password@host/kessai kessai up --port 8080

    Parameters
    ----------
    start
        When the business clock of a new world begins: an instant, or `now`.
    port
        Port of the API; a given one that is taken is an error (default 8000, or the next free one).
    reset
        Delete the data of this world and begin afresh.
    sftp
        Reach the sandbox banks by SFTP instead of directories.
    """
    from datetime import UTC, datetime

    from kessai.moves import instant
    from kessai.up import Options, run_up

    begin = None if start is None else datetime.now(UTC) if start == "now" else instant(start)
    return run_up(Options(begin, port, reset, sftp, common.json))


def status(*, env: Annotated[bool, Parameter(negative="")] = False, common: Common = PLAIN) -> int:
    """Say whether the world of `kessai up` runs here, where, and what time it is in it. Exit status 2 when it does not.

    For example:

        kessai status
        eval "$(kessai status --env)"    then `kessai worker` in this terminal works on that world

    Parameters
    ----------
    env
        Print the servers' addresses as shell variables. They hold passwords.
    """
    from kessai.block import now_words, print_block

    places = places_of()
    running = places.read_running()
    if running is None:
        raise Trouble("Nothing runs here", why=f"no `kessai up` holds {places.root}", do=("kessai up",), code="NOT_RUNNING")
    if env:
        _print_env(running)
        return 0
    now = asyncio.run(_clock(running["clock"]))
    if common.json:
        print_json(running | {"now": now[0], "ticking": now[1]})
        return 0
    from datetime import datetime

    print(f"  Running since {running['since'][:19]}Z; it is {now_words(datetime.fromisoformat(now[0]), ticking=now[1])}.")
    print_block(running, places)
    return 0


async def _clock(url: str) -> tuple[str, bool]:
    import httpx2

    async with httpx2.AsyncClient(timeout=10, trust_env=False) as http:
        try:
            answer = (await http.get(url)).json()
        except (httpx2.HTTPError, ValueError) as error:
            raise Trouble("The clock does not answer", why=type(error).__name__, do=("kessai up",), code="NOT_RUNNING") from error
    return answer["now"], answer["ticking"]


def _print_env(running: dict[str, object]) -> None:
    from domain.store.databases import on_server
    from kessai.addresses import DATABASE
    from kessai.embedded.engines import look
    from kessai.opened import engine_settings

    settings = engine_settings()
    services = look(settings.state)
    values = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)}
    if services is not None:
        values.setdefault("DATABASE_URL", on_server(services.postgres.url, DATABASE))
        values.setdefault("REDIS_URL", services.valkey.url)
    values["KESSAI_SPOOL"] = str(places_of(settings).spool)
    values["KESSAI_PUBLIC_URL"] = str(running["api"])
    for name, value in values.items():
        print(f"export {name}={shlex.quote(value)}")


def token(
    *,
    who: Annotated[str, Parameter(name="--as")] = "site",
    common: Common = PLAIN,
) -> None:
    """Print an access token for the API of `kessai up`; it is good for ten minutes.

    For example:

        T=$(kessai token --as seller)
        kessai token --as 320
        kessai token --as F社 --json

    Parameters
    ----------
    who
        `site` (130), another site's number, `seller` (B社), `buyer` (D社), or a firm by its name (A社 to H社).
    """
    from kessai.asking import Api
    from kessai.persons import person

    found = person(places_of(), who)

    async def ask() -> tuple[str, int]:
        async with Api(found.api) as api:
            return await api.token(found.client)

    text, seconds = asyncio.run(ask())
    if common.json:
        print_json({"access_token": text, "expires_in": seconds, "as": found.name, "api": found.api})
    else:
        print(text)
