"""Programs that may ask for tokens, the keys that sign them, and firms with the parties they hold."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cyclopts import App

from kessai.opened import business_now, with_store
from kessai.screen import PLAIN, Common, print_json, show
from kessai.trouble import Trouble

app = App(
    name="client",
    help="""Keep up programs that may ask for tokens.

For example:

    kessai client add "site 130, backend" --site 130
    kessai client list
""",
)
firm_app = App(
    name="firm",
    help="""Keep up firms and the parties they hold.

For example:

    kessai firm add I社
    kessai firm invite 130 B
    kessai firm list
""",
)
key_app = App(
    name="key",
    help="""Keep up the keys that sign access tokens.

For example:

    kessai key list
    kessai key rotate
""",
)


@app.command
def add(  # noqa: PLR0913 - one option for each way to show who it is
    name: str,
    /,
    *,
    site: int | None = None,
    firm: int | None = None,
    redirect: list[str] | None = None,
    scopes: str | None = None,
    confidential: bool = False,
    key: Path | None = None,
    external: str | None = None,
    common: Common = PLAIN,
) -> None:
    """Make a program for a site or a firm, or a frontend through which people sign in. A secret is shown once: only a hash is kept.

    For example:

        kessai client add "site 130, backend" --site 130
        kessai client add "site 130, signs" --site 130 --key public.jwk.json
        kessai client add "reports" --firm 000100000000000018 --scopes contracts:read
        kessai client add "shop" --redirect https://shop.example/callback
        kessai client add "shop" --external shop-spa

    Parameters
    ----------
    name
        What it is, for the list and the consent page.
    site
        The site it belongs to.
    firm
        The firm it belongs to (its number in `kessai firm list`).
    redirect
        Where people come back to, exactly: it is a frontend then. May be given again.
    scopes
        What it may, separated by commas (default: read and write for a site, read for others).
    confidential
        A frontend that keeps a secret; without it (and without a key) it is public.
    key
        File with its public JWK or JWK set: it signs (private_key_jwt), and there is no secret.
    external
        Its client ID at the external OpenID issuer.
    """
    from domain.store import grants_clients
    from domain.store.administration import create_client
    from kessai.clockwork import machine_now

    wanted = None if scopes is None else tuple(scope.strip() for scope in scopes.split(",") if scope.strip())
    now, jwks = machine_now(), None if key is None else _jwks(key)

    async def work() -> tuple[str, str | None]:
        if external is not None:
            await grants_clients.create_external(external, name, site_id=site, firm_id=firm, scopes=wanted, machine_now=now)
            return external, None
        if redirect:
            return await grants_clients.create_frontend(
                name,
                redirect,
                scopes=wanted or grants_clients.FRONTEND_SCOPES,
                secret=confidential,
                public_jwks=jwks,
                machine_now=now,
            )
        if jwks is not None:
            return await grants_clients.create_keyed(name, jwks, site_id=site, firm_id=firm, scopes=wanted, machine_now=now), None
        return await create_client(name, site_id=site, firm_id=firm, scopes=wanted, machine_now=now)

    client_id, secret = with_store(work)
    if common.json:
        print_json({"client_id": client_id} | ({} if secret is None else {"client_secret": secret}))
    else:
        print(f"client_id      {client_id}" + ("" if secret is None else f"\nclient_secret  {secret}    (shown once)"))


@app.command(name="list")
def list_clients_(*, common: Common = PLAIN) -> None:
    """List the programs, without secrets.

    For example:

        kessai client list --json
    """
    from domain.store.administration import list_clients

    columns = (("client", "client_id"), ("name", "name"), ("site", "site_id"), ("firm", "firm"))
    show(
        common,
        _named(with_store(list_clients)),
        (*columns, ("scopes", "scopes"), ("comes back to", "redirect_uris"), ("stopped", "stopped_at")),
        empty="No clients.",
    )


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


@firm_app.command
def invite(site: int, code: str, /, *, common: Common = PLAIN) -> None:
    """Invite a firm to a site's party: an address that is good once and for 14 days. Send it to the firm alone.

    For example:

        kessai firm invite 130 B

    Parameters
    ----------
    site
        The site that made the party.
    code
        The party's code there.
    """
    from domain.store.people_invited import invite as make
    from kessai.clockwork import machine_now

    token, expires_at = with_store(lambda: make(site, code, machine_now=machine_now()))
    address = f"{os.environ.get('KESSAI_PUBLIC_URL', '').rstrip('/')}/invitation?code={token}"
    if common.json:
        print_json({"party": f"{site}/{code}", "address": address, "expires_at": expires_at.isoformat()})
    else:
        print(f"{address}    (shown once)")


@firm_app.command
def release(site: int, code: str, /, *, by: str, common: Common = PLAIN) -> None:
    """Ask that a firm lets go of a site's party, or agree with the operator who has asked; then its site may invite again.

    A firm does this itself, on its own page or by `releaseParty`. In its place two operators can: each runs this once.

    For example:

        kessai firm release 130 B --by op-1
        kessai firm release 130 B --by op-2

    Parameters
    ----------
    site
        The site that made the party.
    code
        The party's code there.
    by
        The user ID of the operator who asks, or agrees.
    """
    from domain.store.releasing import ask_or_agree_as
    from kessai.clockwork import machine_now

    asked = with_store(lambda: ask_or_agree_as(site, code, by, machine_now=machine_now()))
    if common.json:
        print_json({"party": f"{site}/{code}", "released": asked is None, "asked_by": None if asked is None else asked.by})
    elif asked is None:
        print(f"Party {site}/{code} belongs to no firm.")
    else:
        print(f"Asked for by {asked.by}. Another operator has to agree by {asked.expires_at:%Y-%m-%d}.")


@firm_app.command(name="list")
def list_firms_(*, common: Common = PLAIN) -> None:
    """List the firms and their parties.

    For example:

        kessai firm list
    """
    from domain.store.administration import list_firms

    found = _named(with_store(list_firms))
    show(common, found, (("firm", "firm_id"), ("name", "name"), ("parties", "parties")), empty="No firms.")


@key_app.command
def rotate(*, common: Common = PLAIN) -> None:
    """Make the next key. It is shown to the world at once, signs after five minutes; the one before it ends after its last token.

    For example:

        kessai key rotate
    """
    from api.keys import rotate as make
    from kessai.clockwork import machine_now

    kid, signs_from = with_store(lambda: make(machine_now()))
    if common.json:
        print_json({"kid": kid, "signs_from": signs_from})
    else:
        print(f"{kid} signs from {signs_from:%H:%M} UTC.")


@key_app.command
def retire(kid: str, /, *, common: Common = PLAIN) -> None:
    """End a key at once, with every token it has signed: for one that somebody else has seen. Processes know within a minute.

    For example:

        kessai key retire 3q2cPpZtm1Yw

    Parameters
    ----------
    kid
        Which one, from `kessai key list`.
    """
    from domain.store import credentials
    from domain.store.connection import transaction
    from kessai.clockwork import machine_now

    async def work() -> bool:
        async with transaction() as tx:
            return await credentials.retire_key(tx, kid, machine_now())

    ended = with_store(work)
    if common.json:
        print_json({"kid": kid, "ended": ended})
    else:
        print(f"{kid} is ended." if ended else f"There is no key {kid} that is still good.")


@key_app.command(name="list")
def list_keys(*, common: Common = PLAIN) -> None:
    """List the keys that sign access tokens, the newest first. Their private halves are not shown.

    For example:

        kessai key list
    """
    from domain.store import credentials
    from domain.store.connection import reading

    async def work() -> list[dict[str, Any]]:
        async with reading() as tx:
            return [
                {"kid": key.kid, "signs_from": key.signs_from or key.machine_at, "retired_at": key.retired_at}
                for key in await credentials.keys(tx)
            ]

    show(common, with_store(work), (("key", "kid"), ("signs from", "signs_from"), ("ends", "retired_at")), empty="No keys yet.")


def _jwks(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Trouble(
            "The key cannot be read", why=f"{path}: {type(error).__name__}", do=("give a file with a JWK",), code="KEY"
        ) from error
    if not isinstance(found, dict):
        raise Trouble("The key cannot be read", why=f"{path} holds no JSON object", do=("give a file with a JWK",), code="KEY")
    return found


def _named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Firms' numbers as text: 18 digits do not fit what JSON readers do with numbers."""
    return [row | {"firm_id": None if row["firm_id"] is None else f"{row['firm_id']:018d}"} for row in rows]
