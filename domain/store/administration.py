"""What people keep up: banks, carriers, sites, accounts, fees, firms and programs. Mandates have a page of their own
(mandates.py).

Each function is one act of one person and opens its own transaction. Creating again what is there changes it to what
is said now, so
that a script may run twice; what must not change (a site's home, whose an account is) is refused. Nothing here moves
money.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from typing import Any

from domain import bank_settings, carrier_settings, connectors
from domain.money import BASIS, MAX_BATCH_AMOUNT, MAX_BATCH_LINES, MAX_LINE
from domain.statuses import CalendarKind, FilesPerDate, ShiftRule
from domain.store import ids, stream
from domain.store.connection import Tx, reading, transaction

SCOPES = ("contracts:read", "contracts:write", "settlements:read", "webhooks:write", "parties:write", "operations")
SITE_SCOPES = ("contracts:read", "contracts:write", "settlements:read")
FIRM_SCOPES = ("contracts:read", "settlements:read")
FIRMS_HOME = 0  # firms and programs belong to no site; their numbers come from a home of their own


class Refused(Exception):
    """An act that a rule forbids: a code, and a sentence that says what stands in the way."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class NotThere(Refused):
    """Something that was named and does not exist."""

    def __init__(self, what: str, name: object) -> None:
        super().__init__("NOT_FOUND", f"there is no {what} {name}")


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank and the rules of our agreement with it. Times are Asia/Tokyo, days count in its calendar (S24)."""

    bank_code: str
    name: str
    kana: str
    connector: str  # directory | sftp | http
    address: Mapping[str, Any] = field(repr=False)  # what each says: domain.connectors.CONNECTORS; http has a secret in it
    format: str = "zengin"  # | iso20022 | json (with http)
    deduplicates: bool = False  # answers a known name with the first receipt: only then the same bytes go again by themselves
    calendar: int = int(CalendarKind.BANK_DAYS)
    shift_rule: int = int(ShiftRule.NEXT)
    debit_deadline: time = time(12)
    debit_lead_days: int = 4
    credit_deadline: time = time(12)
    credit_lead_days: int = 1
    seal_before_minutes: int = 60
    result_days: int = 1
    result_time: time = time(12)
    statement_time: time = time(6)
    overdue_days: int = 2
    files_per_debit_date: int = int(FilesPerDate.ONE)
    accepts_ahead_days: int = 60
    payout_days: int = 1
    direct_debits: bool = False
    failed_only: bool = False
    framing: str = "crlf"
    encoding: str = "jis"
    tolerant: bool = False
    max_lines: int = MAX_BATCH_LINES
    max_yen: int = MAX_BATCH_AMOUNT
    max_line_yen: int = MAX_LINE
    scheduled_debits: bool = True
    splits_fees: bool = False
    recalls: bool = False
    statements: bool = True
    approves_totals: bool = False


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier and how to reach it: by calls (docs/wire.md section 2), whose secret signs both directions, or by CSV files (section 6)."""

    carrier_id: str
    name: str
    url: str | None = None  # http alone
    secret: str | None = field(default=None, repr=False)  # http alone; two while it is changed
    calendar: int = int(CalendarKind.BANK_DAYS)
    ship_days: int = 3
    overdue_days: int = 7
    deduplicates: bool = True
    connector: str = "http"  # or directory, sftp
    address: Mapping[str, Any] = field(default_factory=dict, repr=False)  # of the files, as a bank's
    billing_code: str | None = None  # 請求先顧客コード: the carrier's code for us, in its files
    status_words: Mapping[str, str] = field(default_factory=dict)  # its own words for what happens: {"配達済": "delivered"}


@dataclass(frozen=True, slots=True)
class Site:
    """A market site (電子マーケットサイト): a tenant. Its home is chosen once and stays, because contract IDs carry it."""

    site_id: int
    home: int
    name: str
    carrier_id: str | None = None  # where no rule of the site says another (store.routes); none: then every contract needs a rule
    calendar: int = int(CalendarKind.BANK_DAYS)
    delivery_days: int = 0
    sweep_days: int = 3
    ship_before_acceptance: bool = False
    shift_rule: int = int(ShiftRule.REFUSE)
    debit_attempts: int = 1


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a site: one it debits into (collecting), its main one, or a seller's own consignor account
    (direct mode).
    """

    site_id: int
    bank_code: str
    branch_code: str
    account_type: int
    account_number: str = field(repr=False)
    holder: str = field(repr=False)
    consignor_code: str
    collecting: bool = False
    main: bool = False
    from_on: date = date(1990, 1, 1)
    until_on: date | None = None
    seller_code: str | None = None  # the party whose account it is; none = the site's own


@dataclass(frozen=True, slots=True)
class Fees:
    """What both sides pay for a contract registered from a day on: yen plus basis points, each rounded down [0045]."""

    site_id: int
    from_on: date
    buyer_fixed: int = 0
    buyer_basis_points: int = 0
    seller_fixed: int = 0
    seller_basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Party:
    """A trading party as its site knows it. A firm may claim it; equal names or codes never join anything."""

    site_id: int
    code: str
    name: str
    address: str
    postal_code: str | None = None


# ── banks, carriers, sites ───────────────────────────────────────────────────────────────────────────────────────────
async def create_bank(bank: Bank) -> None:
    """Makes a bank known, or changes what is said about it. Raises `Refused` with everything about it that cannot be so."""
    values = asdict(bank)
    async with transaction() as tx:
        await save_bank(tx, values)


async def save_bank(tx: Tx, values: Mapping[str, Any]) -> None:
    """Writes a bank's row, by its columns. Raises `Refused` with everything that cannot be so."""
    if found := bank_settings.problems(values):
        raise Refused("BANK_SETTINGS", f"not saved: {'; '.join(map(str, found))}")
    await _upsert(tx, "bank", ("bank_code",), dict(values) | {"address": json.dumps(dict(values["address"]))})


async def create_carrier(carrier: Carrier) -> None:
    """Makes a carrier known, or changes what is said about it.

    Raises `Refused` with everything about it that cannot be so, and where batches wait to go the way that it had.
    """
    values = asdict(carrier)
    called = {part: values.pop(part) for part in ("url", "secret")}
    values["address"] = dict(values["address"]) | {part: value for part, value in called.items() if value is not None}
    async with transaction() as tx:
        await save_carrier(tx, values)


async def save_carrier(tx: Tx, values: Mapping[str, Any]) -> None:
    """Writes a carrier by its settings (`domain.carrier_settings`). Raises as `create_carrier` does."""
    if found := carrier_settings.problems(values):
        raise Refused("CARRIER_SETTINGS", f"not saved: {'; '.join(map(str, found))}")
    carrier_id, connector = values["carrier_id"], values["connector"]
    row = await tx.row("select connector, billing_code from carrier where carrier_id = $1 for update", carrier_id)
    was = None if row is None else row["connector"]
    if row is not None and row["billing_code"] != values["billing_code"] and (waiting := await _sealed_for(tx, carrier_id)):
        words = (
            f"billing_code: {waiting} batches are sealed with it and not sent; change it when they have gone (kessai batches --unfinished)"
        )
        raise Refused("CARRIER_SETTINGS", words)
    if was not in (None, connector) and (waiting := await _sealed_for(tx, carrier_id)):
        raise Refused(
            "CARRIER_SETTINGS",
            f"connector: {waiting} batches are sealed for {was} and not sent, and cannot go by {connector}; change it when they have gone "
            "(kessai batches --unfinished)",
        )
    address = dict(values["address"])
    called = {part: address.pop(part, None) for part in ("url", "secret")}
    written = {"address": json.dumps(address), "status_words": json.dumps(dict(values["status_words"]))}
    await _upsert(tx, "carrier", ("carrier_id",), dict(values) | called | written)


async def _sealed_for(tx: Tx, carrier_id: str) -> int:
    """Batches to a carrier whose bytes are fixed and have not gone: SEALED, SENDING, RELEASING, as the small index of those to send has them."""
    rows = await tx.rows(
        "select home, count(*) as waiting from batch where carrier_id = $1 and status in (1, 2, 3) group by home order by home", carrier_id
    )
    return sum(row["waiting"] for row in rows)


def carrier_settings_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A carrier's row by its settings: its address in one mapping, secret and all."""
    values = dict(row) | {"status_words": json.loads(row["status_words"])}
    called = {part: values.pop(part) for part in ("url", "secret")}
    return values | {"address": json.loads(row["address"]) | {part: value for part, value in called.items() if value is not None}}


async def create_site(site: Site) -> None:
    """Makes a market site, or changes its settings. Raises `Refused` when its home would change, or its carrier is
    not known.
    """
    async with transaction() as tx:
        if site.carrier_id is not None and await tx.value("select 1 from carrier where carrier_id = $1", site.carrier_id) is None:
            raise NotThere("carrier", site.carrier_id)
        home = await tx.value("select home from site where site_id = $1 for update", site.site_id)
        if home is not None and home != site.home:
            raise Refused("HOME_FIXED", f"site {site.site_id} lives in home {home}; contract IDs carry it, so it stays")
        await _upsert(tx, "site", ("site_id",), asdict(site))
        await stream.ensure_home(tx, site.home)


async def set_fees(fees: Fees) -> None:
    """Sets a site's fee schedule from a day on. Contracts that are registered already keep the yen they have.

    Raises `Refused` for what is no fee.
    """
    if not all(0 <= yen <= MAX_LINE for yen in (fees.buyer_fixed, fees.seller_fixed)):
        raise Refused("FEES", f"a fixed fee is 0 to {MAX_LINE:,} yen")
    if not all(0 <= points <= BASIS for points in (fees.buyer_basis_points, fees.seller_basis_points)):
        raise Refused("FEES", f"basis points are 0 to {BASIS:,}")
    async with transaction() as tx:
        await home_of(tx, fees.site_id)
        await _upsert(tx, "fee_schedule", ("site_id", "from_on"), asdict(fees))


async def home_of(tx: Tx, site_id: int) -> int:
    """The home of a site. Raises `NotThere`."""
    home = await tx.value("select home from site where site_id = $1", site_id)
    if home is None:
        raise NotThere("site", site_id)
    return int(home)


# ── accounts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def create_account(account: Account, *, machine_now: datetime) -> int:
    """Opens an account for a site (or for one of its sellers) and answers its id; the same account again answers the
    same id.

    Raises `Refused` when it is somebody else's, when the site has another main account or another collecting account
    at that bank in
    force on the same day, or when the bank cannot credit a seller's own account (direct mode). Money and code never
    change.
    """
    _check_digits(account)
    async with reading() as tx:
        home = await home_of(tx, account.site_id)
    fresh = await ids.take_one(home, machine_now)
    async with transaction() as tx:
        bank = await tx.row("select direct_debits, statements from bank where bank_code = $1", account.bank_code)
        if bank is None:
            raise NotThere("bank", account.bank_code)
        if account.main and not bank["statements"]:
            raise Refused("NO_STATEMENTS", f"bank {account.bank_code} sends no statements, and only they show that a payout was made")
        party_id = None
        if account.seller_code is not None:
            if not bank["direct_debits"]:
                raise Refused(
                    "DIRECT_NOT_POSSIBLE",
                    f"bank {account.bank_code} does not credit a seller's own account (its setting direct_debits)",
                )
            if account.collecting or account.main:
                raise Refused("ACCOUNT", "a seller's own account is neither collecting nor main")
            party_id = await tx.value(
                "select party_id from party where home = $1 and site_id = $2 and code = $3",
                home,
                account.site_id,
                account.seller_code,
            )
            if party_id is None:
                raise NotThere("party", f"{account.site_id}/{account.seller_code}")
        await _only_one(tx, home, account)
        known = await tx.row(
            "select account_id, site_id, party_id from account where bank_code = $1 and branch_code = $2 and account_type = $3 "
            "and account_number = $4 for update",
            account.bank_code,
            account.branch_code,
            account.account_type,
            account.account_number,
        )
        if known is not None and (known["site_id"], known["party_id"]) != (account.site_id, party_id):
            raise Refused("ACCOUNT_TAKEN", "this account belongs to another site or seller")
        # The bank's consents, and the names of files there, are per consignor code.
        if await tx.value(
            "select 1 from account where bank_code = $1 and consignor_code = $2 and (site_id, coalesce(party_id, 0)) <> ($3, coalesce($4::bigint, 0))",
            account.bank_code,
            account.consignor_code,
            account.site_id,
            party_id,
        ):
            raise Refused("CONSIGNOR_TAKEN", f"bank {account.bank_code} knows another site or seller under this consignor code")
        values = asdict(account)
        del values["seller_code"]
        values |= {"home": home, "party_id": party_id, "account_id": fresh if known is None else known["account_id"]}
        await _upsert(tx, "account", ("home", "account_id"), values)
        return int(values["account_id"])


def _check_digits(account: Account) -> None:
    for name, width in (("bank_code", 4), ("branch_code", 3), ("account_number", 7), ("consignor_code", 10)):
        value = getattr(account, name)
        if len(value) != width or not (value.isascii() and value.isdecimal()):
            raise Refused("ACCOUNT", f"{name} has {width} digits")
    if account.account_type not in (1, 2):
        raise Refused("ACCOUNT", "account_type is 1 (ordinary) or 2 (current)")


async def _only_one(tx: Tx, home: int, account: Account) -> None:
    """Which account a run uses must follow from the date alone."""
    for flag, same_bank, what in (
        ("main", False, "a main account"),
        ("collecting", True, f"a collecting account at {account.bank_code}"),
    ):
        if not getattr(account, flag):
            continue
        other = await tx.value(
            f"select 1 from account where home = $1 and site_id = $2 and {flag} and ($3::text is null or bank_code "
            f"= $3) "
            "and daterange(from_on, until_on, '[]') && daterange($4, $5, '[]') "
            "and (bank_code, branch_code, account_type, account_number) <> ($6::char(4), $7::char(3), $8::smallint, "
            "$9::char(7))",
            home,
            account.site_id,
            account.bank_code if same_bank else None,
            account.from_on,
            account.until_on,
            account.bank_code,
            account.branch_code,
            account.account_type,
            account.account_number,
        )
        if other:
            raise Refused("ACCOUNT", f"site {account.site_id} has {what} in those days; end that one first (until_on)")


# ── parties and firms ────────────────────────────────────────────────────────────────────────────────────────────────
async def create_party(party: Party, *, machine_now: datetime) -> int:
    """Makes a party of a site before its first contract (registration makes them by itself); answers its id."""
    async with reading() as tx:
        home = await home_of(tx, party.site_id)
    fresh = await ids.take_one(home, machine_now)
    async with transaction() as tx:
        return int(
            await tx.value(
                "insert into party (home, party_id, site_id, code, name, postal_code, address) values ($1, $2, $3, "
                "$4, $5, $6, $7) "
                "on conflict (home, site_id, code) do update set name = excluded.name, postal_code = "
                "excluded.postal_code, "
                "address = excluded.address returning party_id",
                home,
                fresh,
                party.site_id,
                party.code,
                party.name,
                party.postal_code,
                party.address,
            )
        )


async def create_firm(name: str, *, now: datetime, machine_now: datetime) -> int:
    """Makes a firm, which signs in and holds parties of one or more sites; answers its number. Names need not be
    unique.
    """
    fresh = await ids.take_one(FIRMS_HOME, machine_now)
    async with transaction() as tx:
        await tx.run("insert into firm (firm_id, name, created_at) values ($1, $2, $3)", fresh, name, now)
    return fresh


async def firms_named(name: str) -> list[int]:
    """The firms of that name, oldest first."""
    async with reading() as tx:
        return [row["firm_id"] for row in await tx.rows("select firm_id from firm where name = $1 order by firm_id", name)]


async def claim_party(firm_id: int, site_id: int, code: str) -> None:
    """Gives a party to a firm. Raises `Refused` when another firm has it: releasing a claim is that firm's."""
    async with transaction() as tx:
        home = await home_of(tx, site_id)
        if await tx.value("select 1 from firm where firm_id = $1", firm_id) is None:
            raise NotThere("firm", firm_id)
        row = await tx.row(
            "select party_id, firm_id from party where home = $1 and site_id = $2 and code = $3 for update",
            home,
            site_id,
            code,
        )
        if row is None:
            raise NotThere("party", f"{site_id}/{code}")
        if row["firm_id"] not in (None, firm_id):
            raise Refused("PARTY_CLAIMED", f"party {site_id}/{code} belongs to another firm")
        await tx.run("update party set firm_id = $3 where home = $1 and party_id = $2", home, row["party_id"], firm_id)


async def list_firms() -> list[dict[str, Any]]:
    """All firms with the parties they hold."""
    async with reading() as tx:
        rows = await tx.rows(
            "select f.firm_id, f.name, f.created_at, coalesce(array_agg(p.site_id || '/' || p.code order by "
            "p.site_id, p.code) "
            "filter (where p.party_id is not null), '{}') as parties "
            "from firm f left join party p on p.firm_id = f.firm_id group by f.firm_id order by f.firm_id"
        )
    return [dict(row) for row in rows]


# ── programs (OAuth clients) ─────────────────────────────────────────────────────────────────────────────────────────
def secret_hash(secret: str) -> bytes:
    """How a client's secret is kept. It is 256 random bits, so one round of SHA-256 cannot be guessed back."""
    return hashlib.sha256(secret.encode()).digest()


async def create_client(
    name: str,
    *,
    site_id: int | None = None,
    firm_id: int | None = None,
    scopes: tuple[str, ...] | None = None,
    machine_now: datetime,
) -> tuple[str, str]:
    """Makes a program that may ask for tokens, bound to one site or one firm: (client_id, secret). The secret is kept
    only as a hash.
    """
    if (site_id is None) == (firm_id is None):
        raise Refused("CLIENT", "a client belongs to one site or to one firm")
    granted = scopes if scopes is not None else SITE_SCOPES if site_id is not None else FIRM_SCOPES
    if unknown := [scope for scope in granted if scope not in SCOPES]:
        raise Refused("CLIENT", f"no such scope: {', '.join(unknown)}. There are {', '.join(SCOPES)}")
    if firm_id is not None and "contracts:write" in granted:
        raise Refused("CLIENT", "only a site registers contracts")
    prefix = f"site-{site_id}" if site_id is not None else "firm"
    client_id, secret = f"{prefix}-{secrets.token_hex(6)}", secrets.token_urlsafe(32)
    async with transaction() as tx:
        if site_id is not None:
            await home_of(tx, site_id)
        elif await tx.value("select 1 from firm where firm_id = $1", firm_id) is None:
            raise NotThere("firm", firm_id)
        await tx.run(
            "insert into oauth_client (client_id, name, secret_hash, site_id, firm_id, scopes, machine_at) values "
            "($1, $2, $3, $4, $5, $6, $7)",
            client_id,
            name,
            secret_hash(secret),
            site_id,
            firm_id,
            list(granted),
            machine_now,
        )
    return client_id, secret


async def stop_client(client_id: str, *, machine_now: datetime) -> bool:
    """Stops a client: no more tokens, and those it has are refused within seconds. False when it was stopped before."""
    async with transaction() as tx:
        if await tx.value("select 1 from oauth_client where client_id = $1", client_id) is None:
            raise NotThere("client", client_id)
        return bool(
            await tx.run(
                "update oauth_client set stopped_at = $2 where client_id = $1 and stopped_at is null",
                client_id,
                machine_now,
            )
        )


async def list_clients() -> list[dict[str, Any]]:
    """All clients, without secrets."""
    async with reading() as tx:
        rows = await tx.rows(
            "select c.client_id, c.name, c.site_id, c.firm_id, f.name as firm, c.scopes, c.redirect_uris, c.machine_at, c.stopped_at "
            "from oauth_client c left join firm f using (firm_id) order by c.machine_at, c.client_id"
        )
    return [dict(row) for row in rows]


async def client_works(client_id: str, secret: str) -> bool:
    """Whether this pair would get a token."""
    async with reading() as tx:
        row = await tx.row("select secret_hash, stopped_at from oauth_client where client_id = $1", client_id)
    if row is None or row["stopped_at"] is not None or row["secret_hash"] is None:
        return False
    return secrets.compare_digest(bytes(row["secret_hash"]), secret_hash(secret))


# ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────────
async def list_sites() -> list[dict[str, Any]]:
    """All sites with their accounts (numbers masked) and the fee schedules."""
    async with reading() as tx:
        sites = [dict(row) for row in await tx.rows("select * from site order by site_id")]
        accounts = await tx.rows(
            "select a.*, b.name as bank_name, p.code as seller_code from account a join bank b using (bank_code) "
            "left join party p on p.home = a.home and p.party_id = a.party_id order by a.site_id, a.main desc, "
            "a.bank_code, a.account_id"
        )
        fees = await tx.rows("select * from fee_schedule order by site_id, from_on")
    for site in sites:
        site["accounts"] = [
            {
                "bank_code": row["bank_code"],
                "bank_name": row["bank_name"],
                "branch_code": row["branch_code"],
                "account_type": row["account_type"],
                "account_number": _masked(row["account_number"]),
                "consignor_code": row["consignor_code"],
                "use": _use(row),
                "from_on": row["from_on"],
                "until_on": row["until_on"],
            }
            for row in accounts
            if row["site_id"] == site["site_id"]
        ]
        site["fees"] = [dict(row) for row in fees if row["site_id"] == site["site_id"]]
    return sites


async def list_banks() -> list[dict[str, Any]]:
    """All banks with their rules, and when each was last looked through. Secrets of their addresses are masked."""
    async with reading() as tx:
        rows = await tx.rows(
            "select b.*, p.machine_at as polled_at, p.problem from bank b left join bank_poll p using (bank_code) order by bank_code"
        )
    return [dict(row) | {"address": connectors.shown(json.loads(row["address"]))} for row in rows]


async def list_carriers() -> list[dict[str, Any]]:
    """All carriers by their settings, and when each that is given files was last looked through. Secrets of their addresses are masked."""
    async with reading() as tx:
        rows = await tx.rows(
            "select c.*, p.machine_at as polled_at, p.problem from carrier c left join carrier_poll p using (carrier_id) order by carrier_id"
        )
    found = [carrier_settings_of(row) for row in rows]
    return [values | {"address": connectors.shown(values["address"])} for values in found]


def _use(row: Mapping[str, Any]) -> str:
    if row["seller_code"] is not None:
        return f"seller {row['seller_code']}"
    return " and ".join(name for name in ("main", "collecting") if row[name]) or "none"


def _masked(number: str) -> str:
    return "*" * (len(number) - 2) + number[-2:]


async def _upsert(tx: Tx, table: str, keys: tuple[str, ...], values: Mapping[str, Any]) -> None:
    columns = list(values)
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in keys)
    await tx.run(
        f"insert into {table} ({', '.join(columns)}) values ({places}) on conflict ({', '.join(keys)}) do update set {changes}",
        *values.values(),
    )
