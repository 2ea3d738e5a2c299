"""The sandbox from the command line: its clock, and what its banks hold."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import httpx2
from cyclopts import App, Parameter

from kessai import moves
from kessai.opened import places
from kessai.screen import PLAIN, Common, console, instant, print_json, table, yen
from kessai.trouble import Trouble

app = App(
    name="sandbox",
    help="""Move the sandbox's clock, and look at its banks.

For example:

    kessai sandbox clock +1d
    kessai sandbox banks
""",
)

WALK_SECONDS = 600


class WalkRefused(Trouble):
    """The clock did not get there."""

    exit_status = 3


def _running() -> dict[str, Any]:
    running = places().read_running()
    if running is None:
        raise Trouble("Nothing runs here", why="the sandbox is started by kessai up", do=("kessai up",), code="NOT_RUNNING")
    return running


@app.command
def clock(to: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None, /, *, common: Common = PLAIN) -> None:
    """Show the business clock, or walk it forward; the answer comes when everything that was due has been done.

    For example:

        kessai sandbox clock
        kessai sandbox clock +1d
        kessai sandbox clock "2000-09-25 10:00"

    Parameters
    ----------
    to
        A span (+1d, +3h, +30m, P1DT2H) or an instant in Tokyo.
    """
    if to is not None and to.strip().startswith("-"):
        raise WalkRefused(
            "The clock only goes forward",
            why="what has gone to a bank cannot be called back by a clock",
            do=("kessai sandbox clock +1d", "kessai up --reset    begins afresh"),
            code="CLOCK_BACKWARDS",
        )
    url = _running()["clock"]
    body = None if to is None else {"advance": to} if to.strip()[:1] in "+pP" else {"to": to}
    if to is not None:
        moves.span(to) if body == {"advance": to} else moves.instant(to)
    answer = asyncio.run(_ask(url, body))
    if common.json:
        print_json(answer)
    elif to is None:
        print(f"{instant(answer['now'])}  {'ticking' if answer['ticking'] else 'standing'}")
    else:
        print(f"{instant(answer['now'])}  {answer['steps']} steps; everything due has been done")


async def _ask(url: str, body: dict[str, str] | None) -> dict[str, Any]:
    async with httpx2.AsyncClient(timeout=WALK_SECONDS, trust_env=False) as http:
        try:
            answer = await (http.get(url) if body is None else http.post(url, json=body))
            content: dict[str, Any] = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise Trouble("The clock does not answer", why=type(error).__name__, do=("kessai status",), code="NOT_RUNNING") from error
    if answer.status_code >= 400:
        kind = WalkRefused if answer.status_code == 409 else Trouble
        raise kind(content["what"], why=content["why"], do=tuple(content["do"]), code=content["code"])
    return content


@app.command
def banks(*, common: Common = PLAIN) -> None:
    """Show the sandbox banks' accounts and balances: the banks' own books, not ours.

    For example:

        kessai sandbox banks
        kessai sandbox banks --json
    """
    from kessai.strangers import Strangers

    async def ask() -> list[dict[str, Any]]:
        async with Strangers(_running()["sandbox"]) as strangers:
            return await strangers.banks()

    found = asyncio.run(ask())
    if common.json:
        print_json(found)
        return
    rows = [
        [
            bank["code"],
            bank["name"],
            f"{account['branch']} {account['type']} {account['number']}",
            account["holder"],
            yen(account["balance"]),
        ]
        for bank in found
        for account in bank["accounts"]
    ]
    console().print(table(["bank", "name", "account", "holder", "yen"], rows, right=("yen",)))
