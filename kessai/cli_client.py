"""Programs that may ask for tokens, and firms with the parties they hold."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from kessai.opened import business_now, with_store
from kessai.screen import PLAIN, Common, print_json, show

app = App(name="client", help="Keep up programs that may ask for tokens.")
firm_app = App(name="firm", help="Keep up firms and the parties they hold.")


@app.command
def add(name: str, /, *, site: int | None = None, firm: int | None = None, scopes: str | None = None, common: Common = PLAIN) -> None:
    """Make a program for a site or a firm. Its secret is shown once: only a hash is kept.

    For example:

        kessai client add "site 130, backend" --site 130
        kessai client add "reports" --firm 000100000000000018 --scopes contracts:read

    Parameters
    ----------
    name
        What it is, for the list.
    site
        The site it belongs to.
    firm
        The firm it belongs to (its number in `kessai firm list`).
    scopes
        What it may, separated by commas (default: read and write for a site, read for a firm).
    """
    from domain.store.administration import create_client
    from kessai.opened import machine_now

    wanted = None if scopes is None else tuple(scope.strip() for scope in scopes.split(",") if scope.strip())
    client_id, secret = with_store(lambda: create_client(name, site_id=site, firm_id=firm, scopes=wanted, machine_now=machine_now()))
    if common.json:
        print_json({"client_id": client_id, "client_secret": secret})
    else:
        print(f"client_id      {client_id}\nclient_secret  {secret}    (shown once)")


@app.command(name="list")
def list_clients_(*, common: Common = PLAIN) -> None:
    """List the programs, without secrets.

    For example:

        kessai client list --json
    """
    from domain.store.administration import list_clients

    columns = (("client", "client_id"), ("name", "name"), ("site", "site_id"), ("firm", "firm"))
    show(common, _named(with_store(list_clients)), (*columns, ("scopes", "scopes"), ("stopped", "stopped_at")), empty="No clients.")


@app.command
def stop(client_id: str, /, *, common: Common = PLAIN) -> None:
    """Stop a program: no new tokens, and those it has are refused within seconds.

    For example:

        kessai client stop site-130-0123456789ab

    Parameters
    ----------
    client_id
        Which one.
    """
    from domain.store.administration import stop_client
    from kessai.opened import machine_now

    stopped = with_store(lambda: stop_client(client_id, machine_now=machine_now()))
    if common.json:
        print_json({"client_id": client_id, "stopped": stopped})
    else:
        print(f"{client_id} is stopped." if stopped else f"{client_id} was stopped before.")


@firm_app.command(name="add")
def add_firm(name: str, /, *, common: Common = PLAIN) -> None:
    """Make a firm; answers its number.

    For example:

        kessai firm add I社

    Parameters
    ----------
    name
        Its name.
    """
    from domain.store.administration import create_firm
    from kessai.opened import machine_now

    async def work() -> int:
        return await create_firm(name, now=await business_now(), machine_now=machine_now())

    number = f"{with_store(work):018d}"
    print_json({"firm_id": number}) if common.json else print(f"{name} is firm {number}. Next: kessai firm claim {number} SITE CODE")


@firm_app.command
def claim(firm: int, site: int, code: str, /, *, common: Common = PLAIN) -> None:
    """Give a site's party to a firm. Refused when another firm holds it.

    For example:

        kessai firm claim 000100000000000018 130 B

    Parameters
    ----------
    firm
        The firm's number.
    site
        The site that made the party.
    code
        The party's code there.
    """
    from domain.store.administration import claim_party

    with_store(lambda: claim_party(firm, site, code))
    if common.json:
        print_json({"firm_id": f"{firm:018d}", "party": f"{site}/{code}"})
    else:
        print(f"Party {site}/{code} belongs to firm {firm:018d}.")


@firm_app.command(name="list")
def list_firms_(*, common: Common = PLAIN) -> None:
    """List the firms and their parties.

    For example:

        kessai firm list
    """
    from domain.store.administration import list_firms

    found = _named(with_store(list_firms))
    show(common, found, (("firm", "firm_id"), ("name", "name"), ("parties", "parties")), empty="No firms.")


def _named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Firms' numbers as text: 18 digits do not fit what JSON readers do with numbers."""
    return [row | {"firm_id": None if row["firm_id"] is None else f"{row['firm_id']:018d}"} for row in rows]
