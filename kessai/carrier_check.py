"""Looking a carrier over before anything is sent to it: settings, keys, days, who uses it, connection, its files and their words. Nothing is
written or sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain import carrier_files, carrier_settings
from domain.calendar import OutsideCalendar, add_days, business_date
from domain.statuses import CalendarKind
from domain.store import administration, sending
from domain.store.connection import Tx, reading
from kessai.looking_over import Finding, connected, days_end, keys, newest, writable
from workers.channels.bank import Listed, PickUp
from workers.channels.carrier import HttpCarrier
from workers.channels.opening import carriers
from workers.formats.carrier_files import read_results, read_statuses
from workers.formats.shapes import Unreadable

NOBODYS = f"{0:018d}"  # the ID of no batch: numbers begin at 1
WORDS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Looked:
    """The carrier as it stands in the database."""

    settings: Mapping[str, Any]
    users: list[Finding]
    address: sending.CarrierAddress
    now: datetime


async def look_over(carrier_id: str, now: datetime) -> list[Finding]:
    """Everything that can be known about a carrier without sending it anything. Raises `NotThere` for one that is not known."""
    async with reading() as tx:
        row = await tx.row("select * from carrier where carrier_id = $1", carrier_id)
        if row is None:
            raise administration.NotThere("carrier", carrier_id)
        looked = _Looked(
            administration.carrier_settings_of(row), await _users(tx, carrier_id), await sending.carrier_address(tx, carrier_id), now
        )
    found = [*_settings(looked), *keys(looked.address.connector, looked.address.address), *_days(looked), *looked.users]
    return [*found, *await connected(lambda: _over_the_channel(looked))]


# -- without a connection -----------------------------------------------------------------------------------------------------------


async def _users(tx: Tx, carrier_id: str) -> list[Finding]:
    sites = [row["site_id"] for row in await tx.rows("select site_id from site where carrier_id = $1 order by site_id", carrier_id)]
    rules = await tx.rows(
        "select site_id, count(*) as rules from site_route where carrier_id = $1 group by site_id order by site_id", carrier_id
    )
    found = [Finding("sites", "fine", f"site {site}: where none of its rules says another") for site in sites]
    found += [Finding("sites", "fine", f"site {row['site_id']}: by {row['rules']} of its rules (kessai site route list)") for row in rules]
    if not found:
        found.append(Finding("sites", "note", f"nobody's goods go with it: kessai site route add SITE {carrier_id} ..."))
    return found


def _settings(looked: _Looked) -> Iterator[Finding]:
    mistakes = carrier_settings.problems(looked.settings)
    for mistake in mistakes:
        yield Finding("settings", "fails", str(mistake))
    if not mistakes:
        yield Finding("settings", "fine", f"{len(carrier_settings.SETTINGS)} settings, all possible")
    if looked.address.takes_files and looked.settings["billing_code"] is None:
        yield Finding("settings", "note", "請求先顧客コード is empty in every row of our files (billing_code)")
    if not looked.settings["deduplicates"]:
        yield Finding("settings", "note", "what may have been lost on the way to it is UNKNOWN and waits for a person (deduplicates no)")


def _days(looked: _Looked) -> Iterator[Finding]:
    calendar, today = CalendarKind(looked.settings["calendar"]), business_date(looked.now)
    try:
        leaves = add_days(calendar, today, looked.settings["ship_days"])
    except OutsideCalendar as error:
        yield Finding("calendar", "fails", f"{error}; nothing is guessed beyond it")
        return
    silent = today + timedelta(days=looked.settings["overdue_days"])
    yield Finding("calendar", "fine", f"instructed today, goods are planned to leave on {leaves}; no word by {silent}: UNKNOWN")
    if calendar is CalendarKind.BANK_DAYS:
        yield from days_end(looked.now)


# -- over the channel ---------------------------------------------------------------------------------------------------------------


async def _over_the_channel(looked: _Looked) -> list[Finding]:
    async with carriers(lambda: datetime.now(UTC))(looked.address) as channel:
        if isinstance(channel, HttpCarrier):
            return await _asked(channel)
        assert not hasattr(channel, "post")
        listed = await channel.list_out()
        await channel.final_exists(carrier_files.request_name(0))  # in/ can be looked at
        where = looked.address
        found = [Finding("connection", "fine", f"{where.connector}: in/ and out/ are there, {len(listed)} files in out/")]
        found += writable(where.connector, where.address)
        found += _names(listed)
        results, statuses = (newest(listed, carrier_files.kind_of, [kind]) for kind in ("shipped", "tracking"))
        found += [await _read_result(channel, file) for file in results]
        return found + await _read_statuses(looked, channel, statuses)


async def _asked(channel: HttpCarrier) -> list[Finding]:
    """A question after a batch that never was: it has to be signed, and changes nothing."""
    if await channel.ask(NOBODYS) is not None:
        return [Finding("connection", "fails", "it says that it knows a batch that was never sent")]
    return [
        Finding("connection", "fine", "http: it answers, and knows no batch that was never sent (404, as a wrong path would answer too)")
    ]


def _names(listed: list[Listed]) -> Iterator[Finding]:
    kinds = Counter(carrier_files.kind_of(file.name) for file in listed)
    words = {"shipped": "results", "tracking": "status files", "other": "that nothing explains"}
    if kinds:
        there = ", ".join(f"{kinds[kind]} {word}" for kind, word in words.items() if kinds[kind])
        yield Finding("names", "note" if kinds["other"] else "fine", there)
    strange = [file.name for file in listed if carrier_files.kind_of(file.name) == "other"]
    if strange:
        shown = ", ".join(repr(name[:60]) for name in strange[:5])
        yield Finding("names", "note", f"kept and listed as UNKNOWN_FILE: {shown}" + (" ..." if len(strange) > 5 else ""))


async def _whole(channel: PickUp, name: str) -> bytes:
    return b"".join([chunk async for chunk in channel.read(name)])


async def _read_result(channel: PickUp, file: Listed) -> Finding:
    try:
        rows = read_results(await _whole(channel, file.name))
    except Unreadable as error:
        return Finding("reading", "fails", f"{file.name}: {error.reason}")
    return Finding("reading", "fine", f"{file.name}: {len(rows):,} rows")


async def _read_statuses(looked: _Looked, channel: PickUp, files: list[Listed]) -> list[Finding]:
    found: list[Finding] = []
    words: Counter[str] = Counter()
    for file in files:
        try:
            said = read_statuses(await _whole(channel, file.name), looked.settings["status_words"])
        except Unreadable as error:
            found.append(Finding("reading", "fails", f"{file.name}: {error.reason}"))
            continue
        found.append(Finding("reading", "fine", f"{file.name}: {len(said.happened):,} rows say what has happened"))
        found += [
            Finding("reading", "fails", f"{file.name}: row {row.row}: {row.column} is not {row.expected}")
            for row in said.unheard[:WORDS_SHOWN]
        ]
        words.update({word: len(rows) for word, rows in said.words.items()})
    found += [
        Finding(
            "words",
            "fails",
            f"{count:,} rows say {word!r}, which no table has: kessai carrier set {looked.address.carrier_id} --word {word}=...",
        )
        for word, count in words.most_common(WORDS_SHOWN)
    ]
    if files and not words:
        found.append(Finding("words", "fine", "every word of the newest status files is known"))
    return found
