"""As whom a command speaks to the API: a site or a firm out of sandbox.json."""

from __future__ import annotations

from dataclasses import dataclass

from kessai.credentials import Client, Credentials
from kessai.places import Places
from kessai.trouble import Trouble

SHORT = {"site": "130", "seller": "B社", "buyer": "D社"}


@dataclass(frozen=True, slots=True)
class Person:
    """A site or firm, its program, and where the API is."""

    name: str
    client: Client
    api: str


def person(places: Places, who: str) -> Person:
    """Finds a site by its number or a firm by its name. Raises Trouble."""
    known = Credentials.read(places.credentials)
    if known is None:
        raise Trouble("There is no world here yet", why=f"no {places.credentials}", do=("kessai up",), code="NO_WORLD")
    name = SHORT.get(who.lower(), who)
    everybody = {**known.sites, **known.parties}
    for candidate in (name, f"{name}社", f"{name.upper()}社", name.replace("-sha", "社").upper()):
        if candidate in everybody:
            return Person(candidate, everybody[candidate], known.api)
    raise Trouble(
        f"There is no {who} here",
        why=f"there are {', '.join([*SHORT, *everybody])}",
        do=("kessai token --as seller",),
        code="NOT_FOUND",
    )
