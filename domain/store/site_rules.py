"""What a site's registrations are checked against: banks, its accounts, its fees. Reference data, remembered for some seconds."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from tortoise.connection import get_connection

from domain.acceptance import AccountKey, CarrierDays, OwnAccount, SiteRules
from domain.deadlines import BankRules
from domain.money import NO_FEES, FeeSchedule
from domain.statuses import CalendarKind, FilesPerDate, ShiftRule
from domain.store import routes
from domain.store.connection import Tx

KEEP_SECONDS = 2.0  # machine time; a change of reference data is seen after at most this

T = TypeVar("T")


class SiteNotReady(Exception):
    """The site does not exist, or has no main account on that day: nothing can be registered for it."""

    def __init__(self, site_id: int, what: str) -> None:
        super().__init__(f"site {site_id} {what}")
        self.site_id = site_id


@dataclass(frozen=True, slots=True)
class Tenant:
    """A site as its row says, beside the rules."""

    site_id: int
    home: int


@dataclass(slots=True)
class _Memory:
    values: dict[Any, tuple[float, Any]] = field(default_factory=dict)


_memories: WeakKeyDictionary[Any, _Memory] = WeakKeyDictionary()  # by pool: another database, another memory


def forget() -> None:
    """Reads everything anew at the next call: for whoever has just changed reference data and cannot wait."""
    _memories.clear()


async def _remembered(key: Any, read: Callable[[], Awaitable[T]]) -> T:
    client: Any = get_connection("default")  # inside a transaction: a wrapper around the real one
    memory = _memories.setdefault(getattr(client, "_parent", client), _Memory())
    known = memory.values.get(key)
    moment = time.monotonic()
    if known is not None and moment - known[0] < KEEP_SECONDS:
        value: T = known[1]
        return value
    fresh = await read()
    if len(memory.values) > 10_000:
        memory.values.clear()
    memory.values[key] = (moment, fresh)
    return fresh


async def banks(tx: Tx) -> dict[str, BankRules]:
    """The rules of all banks, by code."""
    return await _remembered("banks", lambda: _read_banks(tx))


async def bank_rules(tx: Tx, bank_code: str) -> BankRules:
    """One bank's rules. Raises KeyError when there is no such bank."""
    return (await banks(tx))[bank_code]


async def tenant(tx: Tx, site_id: int) -> Tenant:
    """The site's home. Raises SiteNotReady."""
    return await _remembered(("tenant", site_id), lambda: _read_tenant(tx, site_id))


async def load(tx: Tx, site_id: int, on: date) -> SiteRules:
    """Everything that a registration at this site on this bank date is checked against. Raises SiteNotReady."""
    return await _remembered(("rules", site_id, on), lambda: _read_rules(tx, site_id, on))


async def _read_banks(tx: Tx) -> dict[str, BankRules]:
    return {row["bank_code"]: rules_of(row) for row in await tx.rows("select * from bank")}


def rules_of(row: Mapping[str, Any]) -> BankRules:
    """The rules that a bank's settings make, by their columns."""
    return BankRules(
        bank_code=row["bank_code"],
        calendar=CalendarKind(row["calendar"]),
        debit_deadline=row["debit_deadline"],
        debit_lead_days=row["debit_lead_days"],
        credit_deadline=row["credit_deadline"],
        credit_lead_days=row["credit_lead_days"],
        result_days=row["result_days"],
        result_time=row["result_time"],
        statement_time=row["statement_time"],
        overdue_days=row["overdue_days"],
        seal_before=row["seal_before_minutes"],
        files_per_debit_date=FilesPerDate(row["files_per_debit_date"]),
        accepts_ahead_days=row["accepts_ahead_days"],
        payout_days=row["payout_days"],
        shift_rule=ShiftRule(row["shift_rule"]),
        scheduled_debits=row["scheduled_debits"],
        splits_fees=row["splits_fees"],
        max_lines=row["max_lines"],
        max_yen=row["max_yen"],
        max_line_yen=row["max_line_yen"],
        framing=row["framing"],
        encoding=row["encoding"],
        tolerant=row["tolerant"],
        failed_only=row["failed_only"],
        approves_totals=row["approves_totals"],
    )


async def _read_tenant(tx: Tx, site_id: int) -> Tenant:
    row = await tx.row("select home from site where site_id = $1", site_id)
    if row is None:
        raise SiteNotReady(site_id, "does not exist")
    return Tenant(site_id, row["home"])


async def _read_rules(tx: Tx, site_id: int, on: date) -> SiteRules:
    site = await tx.row("select * from site where site_id = $1", site_id)
    if site is None:
        raise SiteNotReady(site_id, "does not exist")
    fees = await tx.row(
        "select buyer_fixed, buyer_basis_points, seller_fixed, seller_basis_points from fee_schedule "
        "where site_id = $1 and from_on <= $2 order by from_on desc limit 1",
        site_id,
        on,
    )
    main: OwnAccount | None = None
    collecting: dict[str, OwnAccount] = {}
    direct: dict[AccountKey, OwnAccount] = {}
    for row in await tx.rows(
        "select * from account where home = $1 and site_id = $2 and from_on <= $3 and (until_on is null or until_on >= $3)",
        site["home"],
        site_id,
        on,
    ):
        own = OwnAccount(row["account_id"], row["bank_code"], row["consignor_code"])
        if row["party_id"] is not None:
            key = (row["bank_code"], row["branch_code"], row["account_type"], row["account_number"])
            direct[key] = own
            continue
        if row["main"]:
            main = own
        if row["collecting"]:
            collecting[own.bank_code] = own
    if main is None:
        raise SiteNotReady(site_id, f"has no main account on {on}")
    return SiteRules(
        site_id=str(site_id),
        banks=await banks(tx),
        collecting=collecting,
        main=main,
        fees=FeeSchedule(**dict(fees)) if fees else NO_FEES,
        ship_before_acceptance=site["ship_before_acceptance"],
        delivery_days=site["delivery_days"],
        sweep_days=site["sweep_days"],
        carriers={
            row["carrier_id"]: CarrierDays(CalendarKind(row["calendar"]), row["ship_days"], labels=row["connector"] != "http")
            for row in await tx.rows("select carrier_id, calendar, ship_days, connector from carrier")
        },
        carrier_id=site["carrier_id"],
        routes=await routes.of_site(tx, site_id),
        direct_consignors=direct,
        late_due_dates=ShiftRule(site["shift_rule"]),
    )
