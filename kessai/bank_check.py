"""Looking a bank over before anything is sent to it: connection, keys, names, calendar, consignors, its files. Nothing is written or sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain import bank_settings
from domain.bank_names import Format, read_name
from domain.calendar import OutsideCalendar, business_date
from domain.deadlines import BankRules, next_credit, next_debit
from domain.statuses import BatchStatus, Kind
from domain.store import administration, sending, site_rules
from domain.store.connection import reading
from kessai.looking_over import Finding, State, connected, days_end, keys, newest, writable
from workers import formats
from workers.channels.bank import Listed, PickUp
from workers.channels.http_bank import HttpBank
from workers.channels.opening import open_bank
from workers.formats.shapes import Unreadable

PROBE = "91_0000000000_19900101_000.txt"


@dataclass(frozen=True, slots=True)
class _Looked:
    """The bank as it stands in the database."""

    row: dict[str, Any]
    rules: BankRules
    accounts: list[dict[str, Any]]
    now: datetime


async def look_over(bank_code: str, now: datetime) -> list[Finding]:
    """Everything that can be known about a bank without sending it anything. Raises `NotThere` for one that is not known."""
    site_rules.forget()
    async with reading() as tx:
        row = await tx.row("select * from bank where bank_code = $1", bank_code)
        if row is None:
            raise administration.NotThere("bank", bank_code)
        accounts = [
            dict(account)
            for account in await tx.rows(
                "select a.*, p.code as seller_code from account a left join party p on p.home = a.home and p.party_id = a.party_id "
                "where a.bank_code = $1 and (a.until_on is null or a.until_on >= $2) order by a.site_id, a.account_id",
                bank_code,
                business_date(now),
            )
        ]
        sites = [line["site_id"] for line in await tx.rows("select site_id from site order by site_id")]
        looked = _Looked(dict(row), await site_rules.bank_rules(tx, bank_code), accounts, now)
    address = await sending.address_of(bank_code)
    found = [*_settings(looked, dict(address.address)), *keys(address.connector, dict(address.address)), *_calendar(looked)]
    found += [*_consignors(looked, sites), *_writing(looked), *_names(looked)]
    return [*found, *await connected(lambda: _over_the_channel(looked, address))]


# -- without a connection -----------------------------------------------------------------------------------------------------------


def _settings(looked: _Looked, address: dict[str, Any]) -> Iterator[Finding]:
    mistakes = bank_settings.problems(looked.row | {"address": address})
    for mistake in mistakes:
        yield Finding("settings", "fails", str(mistake))
    if not mistakes:
        yield Finding("settings", "fine", f"{len(bank_settings.SETTINGS)} settings, all possible")
    if not looked.rules.scheduled_debits:
        yield Finding("settings", "note", "contracts with a due date are refused (scheduled_debits no)")
    if looked.rules.approves_totals:
        yield Finding("settings", "note", "each file waits for `kessai batch approve`")


def _calendar(looked: _Looked) -> Iterator[Finding]:
    rules, now = looked.rules, looked.now
    for what, next_file in (("debits (91)", next_debit), ("credits (21)", next_credit)):
        try:
            slot = next_file(rules, now)
        except OutsideCalendar as error:
            yield Finding("calendar", "fails", f"{what}: {error}; nothing is guessed beyond it")
            continue
        words = f"next file of {what}: sealed {slot.seal_at:%m-%d %H:%M}, there by {slot.deadline_at:%m-%d %H:%M}, for {slot.value_on}"
        yield Finding("calendar", "fine", words)
    yield from days_end(now)


def _consignors(looked: _Looked, sites: Sequence[int]) -> Iterator[Finding]:
    if not looked.accounts:
        yield Finding("consignors", "fails", "no site has an account here: kessai site account SITE --bank ...")
        return
    for account in looked.accounts:
        whose = f"site {account['site_id']}" + (f", seller {account['seller_code']}" if account["seller_code"] else "")
        uses = [use for use in ("main", "collecting") if account[use]] or (["direct"] if account["seller_code"] else ["no use"])
        yield Finding("consignors", "fine", f"{whose}: {account['consignor_code']}, {' and '.join(uses)}")
    without = [site for site in sites if not any(a["site_id"] == site and a["collecting"] for a in looked.accounts)]
    if without:
        yield Finding("consignors", "note", f"sites that debit nobody here: {', '.join(map(str, without[:20]))}")


def _writing(looked: _Looked) -> Iterator[Finding]:
    """A file of one line for each account, made in memory and read again by the reader that will read the result."""
    from domain.store.batches import Batch
    from domain.store.outgoing import FileLine, OurAccount

    if looked.row.get("format", Format.ZENGIN) != Format.ZENGIN:
        return
    for account in looked.accounts:
        ours = OurAccount(
            account["bank_code"],
            looked.row["kana"],
            account["branch_code"],
            account["account_type"],
            account["account_number"],
            account["holder"],
            account["consignor_code"],
            Format.ZENGIN,
        )
        batch = Batch(
            account["home"], 1, Kind.DEBIT, False, account["site_id"], account["bank_code"], None, account["account_id"], business_date(looked.now),
            1, BatchStatus.SEALED, 1, None, 1, 1, None, None, looked.now, looked.now,
        )  # fmt: skip
        line = FileLine(account["bank_code"], account["branch_code"], "1", "9000000", "ﾀﾒｼ", 1, 1, 1)
        try:
            form = formats.of(Format.ZENGIN, looked.rules)
            data = b"".join(form.write(batch, ours, iter([line])))
            _read_back(data, looked.rules)
        except ValueError as error:
            yield Finding("writing", "fails", f"site {account['site_id']}: {error}")
        else:
            yield Finding(
                "writing", "fine", f"site {account['site_id']}: {looked.rules.framing}, {looked.rules.encoding}, {len(data)} bytes"
            )


def _read_back(data: bytes, rules: BankRules) -> None:
    from zengin import DEBIT_REQUEST, character_set, read

    for _ in read(data, DEBIT_REQUEST, tolerant=rules.tolerant, characters=character_set("1" if rules.encoding == "ebcdic" else "0")):
        pass


def _names(looked: _Looked) -> Iterator[Finding]:
    """Bank and branches in the public list of codes, if it is installed. The list is not the banks' own: it warns, and forbids nothing."""
    try:
        from zengin_code import Bank
    except ImportError:
        yield Finding("codes", "note", "not compared with the list of bank codes: pip install 'kessai[banks]'")
        return
    code = looked.row["bank_code"]
    known = Bank.all.get(code)
    if known is None:
        yield Finding("codes", "note", f"{code} is no bank of the public list")
        return
    from zengin import to_bank_kana

    if to_bank_kana(known.kana) != looked.row["kana"]:
        yield Finding("codes", "note", f"the list calls {code} {known.name} ({to_bank_kana(known.kana)}), kana is {looked.row['kana']}")
    else:
        yield Finding("codes", "fine", f"{code} is {known.name}")
    for branch in sorted({account["branch_code"] for account in looked.accounts}):
        if branch not in known.branches:
            yield Finding("codes", "note", f"{known.name} has no branch {branch} in the list")


# -- over the channel ---------------------------------------------------------------------------------------------------------------


async def _over_the_channel(looked: _Looked, address: sending.BankAddress) -> list[Finding]:
    async with open_bank(address) as bank:
        listed = await bank.list_out()
        if isinstance(bank, HttpBank):
            unknown = await bank.messages_of(f"{0:018d}")  # a question after nothing: the inquiry works, and changes nothing
            found = [Finding("connection", "fine", f"http: it knows our signature, {len(listed)} messages are listed")]
            if unknown is not None:
                found.append(Finding("connection", "fails", "it says that it knows a batch that was never sent"))
            return found + [await _read_one(looked, bank, file) for file in newest(listed, _kind_of, ("result", "statement"))]
        await bank.final_exists(PROBE)  # in/ can be looked at
        found = [Finding("connection", "fine", f"{address.connector}: in/ and out/ are there, {len(listed)} files in out/")]
        found += writable(address.connector, address.address)
        kinds = Counter(_kind_of(file.name) for file in listed)
        if listed:
            state: State = "note" if kinds["other"] else "fine"
            found.append(Finding("names", state, ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))))
        return found + [await _read_one(looked, bank, file) for file in newest(listed, _kind_of, ("result", "statement"))]


def _kind_of(name: str) -> str:
    named = read_name(name)
    return named.kind if named else "other"


async def _read_one(looked: _Looked, bank: PickUp, file: Listed) -> Finding:
    """Reads a file of the bank's by the settings, without taking anything from it."""
    named = read_name(file.name)
    assert named is not None
    data = b"".join([chunk async for chunk in bank.read(file.name)])
    form = formats.of(named.format, looked.rules)
    try:
        if named.statement is not None:
            form.statement(data, named.statement)
        else:
            form.result(iter([data]), lambda _: None)
    except Unreadable as error:
        return Finding("reading", "fails", f"{file.name}: {error.reason}")
    return Finding("reading", "fine", file.name)
