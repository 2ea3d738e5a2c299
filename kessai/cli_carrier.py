"""Carriers: how they are reached, their days, and their own words for what happens to a shipment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from kessai.cli_settings import as_shown, read_changes, rows_of, say_changed, say_found, secret_of, show_settings, way
from kessai.opened import with_store
from kessai.screen import PLAIN, Common, print_json, show
from kessai.trouble import Trouble

app = App(
    name="carrier",
    help="""Keep up carriers (運送会社): how they are reached, their days, their own words. docs/carriers.md walks through a new one.

Which goods go with which carrier is a site's rule: `kessai site route`, and `kessai site add --carrier` where none fits.

For example:

    kessai carrier list
    kessai carrier add north 北運輸 --directory /srv/carriers/north
    kessai carrier set north ship_days=2 --word 配達済=delivered
    kessai carrier test north
""",
)

FLAG = Annotated[bool, Parameter(negative="")]
WORDS = Annotated[tuple[str, ...], Parameter(name="--word")]
ADDED = {"name", "connector", "deduplicates", "calendar", "ship_days", "overdue_days", "billing_code"}
"""What `carrier add` says; said again it leaves the rest, which is `carrier set`'s, as it is."""


@app.command
def add(  # noqa: PLR0913 - each is an option of the command
    carrier: str,
    name: str,
    /,
    *,
    directory: Path | None = None,
    sftp: str | None = None,
    key_file: Path | None = None,
    known_host: str | None = None,
    url: str | None = None,
    secret_file: Path | None = None,
    plain: FLAG = False,
    every_day: FLAG = False,
    ship_days: int = 3,
    overdue_days: int = 7,
    billing_code: str | None = None,
    common: Common = PLAIN,
) -> None:
    """Make a carrier known, or change what was agreed with it.

    For example:

        kessai carrier add north 北運輸 --url https://north.example/kessai --secret-file north.secret
        kessai carrier add south 南運輸 --directory /srv/carriers/south --billing-code 0123456789-01
        kessai carrier add west 西運輸 --sftp user@host:22 --key-file key --known-host "ssh-ed25519 AAAA..."

    Parameters
    ----------
    carrier
        Its ID: 1 to 40 of a-z, 0-9 and -. It stands in the address of its notices and never changes.
    name
        Its name, as people read it.
    directory
        Where its `in` and `out` are, for a carrier that is given CSV files in a directory.
    sftp
        user@host:port, for a carrier that is given CSV files by SFTP.
    key_file
        The private key of that user.
    known_host
        The carrier's host key; another one is refused.
    url
        Its API, for a carrier that is called with JSON (docs/wire.md section 2).
    secret_file
        A file with the secret that signs both ways, `whsec_` and base64.
    plain
        It does not recognise a key or file name that it knows; else the same bytes may go again by themselves.
    every_day
        It works every day; else on bank days.
    ship_days
        Standard days from the delivery instruction until the goods have left.
    overdue_days
        Days after which an instruction without any word is UNKNOWN.
    billing_code
        Its code for us (請求先顧客コード), for its files.
    """
    from domain.statuses import CalendarKind
    from domain.store.administration import Carrier, create_carrier, list_carriers

    connector, address = way(
        "carrier", directory=directory, sftp=sftp, key_file=key_file, known_host=known_host, url=url, secret_file=secret_file
    )
    entry = Carrier(
        carrier,
        name,
        calendar=int(CalendarKind.EVERY_DAY if every_day else CalendarKind.BANK_DAYS),
        ship_days=ship_days,
        overdue_days=overdue_days,
        deduplicates=not plain,
        connector=connector,
        address=address,
        billing_code=billing_code,
    )

    async def work() -> None:
        from dataclasses import replace

        known = next((row for row in await list_carriers() if row["carrier_id"] == carrier), None)
        await create_carrier(entry if known is None else replace(entry, status_words=known["status_words"]))

    with_store(work)
    if common.json:
        print_json({"carrier": carrier})
    else:
        print(f"Carrier {carrier} is known. Next: kessai carrier test {carrier}, then kessai site route add SITE {carrier} ...")


@app.command(name="show")
def show_(carrier: str, /, *, common: Common = PLAIN) -> None:
    """Show everything that is set about a carrier, with its meaning. Secrets are not shown.

    For example:

        kessai carrier show north
        kessai carrier show north --json

    Parameters
    ----------
    carrier
        Its ID.
    """
    from domain import carrier_settings
    from domain.carrier_files import KINDS
    from domain.store.administration import NotThere, list_carriers

    known = {row["carrier_id"]: row for row in with_store(list_carriers)}
    if carrier not in known:
        raise NotThere("carrier", carrier)
    row = known[carrier]
    rows = rows_of(carrier_settings.SETTINGS, row)
    rows += [
        {
            "name": f"{carrier_settings.WORD}{word}",
            "value": kind,
            "may_be": " | ".join(KINDS),
            "japanese": "状況の語",
            "meaning": "A word of its own in its status files.",
            "group": "its words",
        }
        for word, kind in sorted(row["status_words"].items())
    ]
    if common.json:
        print_json({"carrier": carrier, "settings": rows, "problem": row["problem"]})
        return
    show_settings(common, rows)
    if row["problem"]:
        print(f"\nIt was not reached when we looked last: {row['problem']}")


@app.command(name="set")
def set_(carrier: str, /, *changes: str, word: WORDS = (), secret_file: Path | None = None, common: Common = PLAIN) -> None:
    """Change settings of a carrier. They hold for what is sealed, sent or read after it; nothing is changed if one of them cannot be.

    For example:

        kessai carrier set north ship_days=2 calendar=every_day
        kessai carrier set north --word 配達済=delivered --word 持出=in_transit
        kessai carrier set north --word 持出=
        kessai carrier set north connector=directory address.path=/srv/carriers/north

    Parameters
    ----------
    carrier
        Its ID.
    changes
        name=value, as many as you like; `kessai carrier show ID` lists the names and what each may be.
    word
        A word of its own in its status files and what it means, word=event; word= takes it away.
    secret_file
        A file with the secret that signs both ways; two in it, with a space between, while one is changed.
    """
    from domain import carrier_settings
    from domain.store.carrier_changes import Changed, change_carrier
    from kessai.opened import business_now

    look = f"kessai carrier show {carrier}"
    if not (changes or word or secret_file):
        raise Trouble("Say what to change: name=value, --word or --secret-file", do=(look,), code="COMMAND")
    wanted = read_changes(changes, carrier_settings.read_change, look) | read_changes(word, carrier_settings.read_word, look)
    if secret_file is not None:
        wanted["address.secret"] = secret_of(secret_file)

    async def work() -> Changed:
        return await change_carrier(carrier, wanted, now=await business_now())

    changed = with_store(work)
    shown = {name: (_as_shown(name, before), _as_shown(name, after)) for name, (before, after) in changed.settings.items()}
    if common.json:
        print_json({"carrier": carrier, "changed": shown, "unanswered": changed.unanswered, "read_again": changed.read_again})
        return
    say_changed(shown)
    if changed.read_again:
        print(f"{changed.read_again} status files that hold such a word are read again.")
    if changed.unanswered:
        print(
            f"{changed.unanswered} batches went the old way and have no answer yet. Nobody looks there any more: each becomes UNKNOWN "
            "in its time (kessai unknown) and is for a person."
        )


def _as_shown(name: str, value: Any) -> str:
    from domain import carrier_settings

    if name == "status_words":
        return ", ".join(f"{word}={kind}" for word, kind in sorted(value.items())) or "none"
    return as_shown(carrier_settings.SETTINGS, name, value)


@app.command(name="test")
def look_over_(carrier: str, /, *, common: Common = PLAIN) -> int:
    """Look a carrier over: connection, keys, days, its files and their words, who uses it. Sends nothing, and says what would fail.

    Exit status 0 if nothing would fail, 1 if something would, 2 if there is no such carrier or no world.

    For example:

        kessai carrier test north
        kessai carrier test north --json

    Parameters
    ----------
    carrier
        Its ID.
    """
    from domain.store.administration import NotThere
    from kessai.carrier_check import look_over
    from kessai.looking_over import Finding
    from kessai.opened import business_now

    async def work() -> list[Finding]:
        return await look_over(carrier, await business_now())

    try:
        found = with_store(work)
    except NotThere as error:
        raise Trouble(
            error.reason[:1].upper() + error.reason[1:], do=("kessai carrier list", "kessai carrier add ID NAME ..."), code=error.code
        ) from None
    return say_found(common, "carrier", carrier, found)


@app.command(name="list")
def list_(*, common: Common = PLAIN) -> None:
    """List the carriers, their rules, and whether those that are given files can be reached.

    For example:

        kessai carrier list
    """
    from domain.statuses import CalendarKind
    from domain.store.administration import list_carriers

    found = [
        row | {"calendar": CalendarKind(row["calendar"]).name, "given": "JSON" if row["connector"] == "http" else "CSV"}
        for row in with_store(list_carriers)
    ]
    columns = (("carrier", "carrier_id"), ("name", "name"), ("by", "connector"), ("given", "given"), ("deduplicates", "deduplicates"))
    more = (("works on", "calendar"), ("ships in", "ship_days"), ("unknown after", "overdue_days"), ("problem", "problem"))
    show(common, found, (*columns, *more), empty="No carriers. kessai up makes some.")
