"""The people of the sandbox's world: a user for each firm, an operator, and a public frontend to come in through.

The password is fixed and well known only while the API listens on loopback; elsewhere it is random. Made twice it changes nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from domain.store import administration, grants_clients, people
from kessai import world_data as world
from kessai.credentials import Credentials, Frontend, Login

DEMO_PASSWORD = "kessai-demo"  # noqa: S105 - known to everybody, and good on loopback only
REDIRECT_URI = "http://127.0.0.1/callback"  # any port: whoever tries it chooses one
EXPLORER_URI = "http://127.0.0.1/explorer"  # people sign in on the explorer's page as well
OPERATOR = "operator"


def is_loopback(host: str) -> bool:
    """Whether only this machine can call."""
    return host in {"localhost", "::1"} or host.startswith("127.")


async def with_people(made: Credentials, known: Credentials | None, *, loopback: bool, machine_now: datetime) -> Credentials:
    """The credentials with everybody's user ID and password: those of the file where they are, else new ones."""
    there = {row["name"] for row in await people.listed()}
    logins: dict[str, Login] = {}
    for firm in world.FIRMS:
        firm_id = (await administration.firms_named(firm.name))[0]
        before = known.people.get(firm.name) if known else None
        logins[firm.name] = await _login(f"{firm.code.lower()}-sha", before, there, firm_id, machine_now, loopback=loopback)
    before = known.operators[0] if known and known.operators else None
    operator = await _login(OPERATOR, before, there, None, machine_now, loopback=loopback)
    frontend = known.frontend if known else None
    if frontend is None or frontend.client_id not in {row["client_id"] for row in await administration.list_clients()}:
        scopes = (*grants_clients.FRONTEND_SCOPES, "operations")
        client_id, _ = await grants_clients.create_frontend(
            "sandbox frontend", [REDIRECT_URI, EXPLORER_URI], scopes=scopes, machine_now=machine_now
        )
        frontend = Frontend(client_id, REDIRECT_URI)
    return replace(made, people=logins, operators=(operator,), frontend=frontend)


async def _login(name: str, before: Login | None, there: set[str], firm_id: int | None, machine_now: datetime, *, loopback: bool) -> Login:
    """The one of the file, unless the user is not there or the well-known password would be seen from elsewhere."""
    exposed = before is not None and before.password == DEMO_PASSWORD and not loopback
    if before is not None and before.username == name and name in there and not exposed:
        return before
    from api.passwords import HASHER

    login = Login(name, DEMO_PASSWORD if loopback else secrets.token_urlsafe(12))
    if name in there:
        await people.set_password(name, HASHER.hash(login.password), machine_now=machine_now)
    else:
        await people.create(name, firm_id=firm_id, password_hash=HASHER.hash(login.password), machine_now=machine_now)
    return login
