"""Comparing the played scenario with what it must come to: files, goods, figures, books, states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.statuses import EventKind, Kind
from domain.store import books
from domain.store.books import SentBatch
from domain.store.clock import TOKYO
from domain.store.connection import Tx
from domain.store.inbox import bank_channel
from kessai import demo_expected as want
from kessai import world_data
from kessai.checking import Checks
from kessai.demo_expected import day


def _when(at: datetime) -> str:
    return at.astimezone(TOKYO).strftime("%m-%d %H:%M")


def check_files(checks: Checks, batches: Sequence[SentBatch]) -> None:
    """Every file and call that went out: when, to whom, for how much, with which contracts; and how many of each
    kind.
    """
    by_kind = {kind: [batch for batch in batches if batch.kind is kind] for kind in Kind}
    checks.equal_each(
        "debit file",
        {(b.to, b.site_id, str(b.value_on)): (_when(b.sealed_at), b.amount, b.numbers) for b in by_kind[Kind.DEBIT]},
        {(bank, site, str(day(on))): (f"{sealed} 11:00", yen, numbers) for bank, site, on, sealed, yen, numbers in want.DEBIT_FILES},
    )
    checks.equal_each(
        "sweep",
        {(b.to, b.site_id, str(b.value_on), b.amount): _when(b.sealed_at) for b in by_kind[Kind.SWEEP]},
        {(bank, site, str(day(on)), yen): f"{sealed} 11:00" for bank, site, on, sealed, yen in want.SWEEPS},
    )
    checks.equal_each(
        "payout file",
        {(b.site_id, str(b.value_on)): (_when(b.sealed_at), b.amount, b.numbers) for b in by_kind[Kind.PAYOUT]},
        {(site, str(day(on))): (f"{sealed} 11:00", yen, numbers) for site, on, sealed, yen, numbers in want.PAYOUTS},
    )
    checks.equal_each(
        "delivery",
        {b.numbers: _when(b.sealed_at) for b in by_kind[Kind.DELIVERY]},
        {numbers: f"{on} 10:00" for on, numbers in want.DELIVERIES},
    )
    counts = {kind.name: len(found) for kind, found in by_kind.items() if kind is not Kind.DELIVERY}
    checks.equal_each(
        "files",
        counts,
        {"DEBIT": len(want.DEBIT_FILES), "SWEEP": len(want.SWEEPS), "PAYOUT": len(want.PAYOUTS), "REFUND": 0, "FEE": 0},
    )


async def check_results(checks: Checks, tx: Tx) -> None:
    """Eight results, each from its bank at its hour."""
    found = Counter((channel, _when(at), name.split("_")[2][4:]) for channel, at, name in await books.applied_results(tx))
    expected = Counter((bank_channel(bank), f"{came} 10:00", day(on).strftime("%m%d")) for bank, came, on in want.RESULTS)
    checks.equal_each("result", found, expected)
    checks.equal("files: results", found.total(), len(want.RESULTS))


async def check_events(checks: Checks, tx: Tx) -> None:
    """When each contract was registered and its goods left."""
    start, end = world_data.START, want.END_AT
    happened = await books.happened(tx, start, end)
    checks.equal_each(
        "registered",
        {event.number: _when(event.at) for event in happened if event.kind is EventKind.REGISTERED},
        {sold.number: f"{sold.registered} 10:00" for sold in want.CONTRACTS},
    )
    checks.equal_each(
        "shipped",
        {event.number: (str(event.happened_on), _when(event.at)) for event in happened if event.kind is EventKind.SHIPPED},
        {number: (str(day(on)), f"{on} 09:00") for number, on in want.SHIPMENTS.items()},
    )


async def check_states(checks: Checks, tx: Tx) -> None:
    """Each contract's three states, equal to the replay of its events, without a gap in their numbers."""
    found = await books.standings(tx)
    checks.equal_each(
        "states",
        {entry.number: tuple(state.name for state in entry.states) for entry in found},
        {sold.number: (sold.debit, sold.delivery, sold.payout) for sold in want.CONTRACTS},
    )
    for entry in found:
        checks.equal(f"replay of the events: {entry.number}", entry.replayed, entry.states)
    checks.equal("events without a gap", [entry.number for entry in found if entry.gaps], [])


async def check_books(checks: Checks, tx: Tx, banks: Sequence[dict[str, Any]]) -> None:
    """Every account of the sandbox banks beside our ledger, and both beside the scenario."""
    at_bank = {
        (bank["code"], f"{account['branch']}{account['type']}{account['number']}"): account["balance"]
        for bank in banks
        for account in bank["accounts"]
    }
    ours = await books.cash_books(tx)
    for entry in ours:
        where = f"{world_bank(entry.bank_code)}, site {entry.site_id}"
        expected = want.OUR_BALANCES.get((entry.site_id, entry.bank_code), 0)
        checks.equal(f"our account at {where}: bank", at_bank.pop((entry.bank_code, entry.account), None), expected)
        checks.equal(f"our account at {where}: ledger", (entry.ledger, entry.booked, entry.reserved), (expected, expected, 0))
    moved = {(entry.bank_code, entry.account): entry for entry in await books.customer_books(tx)}
    for firm in world_data.FIRMS:
        before, after = want.CUSTOMERS[firm.code]
        key = (firm.bank_code, f"{firm.branch}1{firm.number}")
        checks.equal(f"{firm.name}'s account: bank", at_bank.pop(key, None), after)
        entry_of = moved.get(key)
        checks.equal(f"{firm.name}'s account: ledger", before - entry_of.debited + entry_of.paid if entry_of else None, after)
    checks.equal("no other account at any bank", sorted(at_bank), [])
    sums = await books.balances(tx)
    checks.equal("sum of all postings", sum(sums.values()), 0)
    resting = {kind.name: amount for kind, amount in sums.items() if kind.name in {"TRANSIT", "OWN", "SUSPENSE", "FEES", "DIRECT"}}
    checks.equal("nothing on the way, in suspense or our own", {name: yen for name, yen in resting.items() if yen}, {})
    checks.equal("exceptions", await books.open_exceptions(tx), [])


def world_bank(code: str) -> str:
    """A bank's name."""
    return next(bank.name for bank in world_data.BANKS if bank.code == code)


def check_goods(checks: Checks, shipments: Sequence[dict[str, Any]]) -> None:
    """Figure 3 as the carrier has it."""
    known = {shipment["number"]: shipment for shipment in shipments}
    for number, seller, from_, buyer, to, goods, model, quantity in want.FIGURE_3:
        shipment = known.get(number.partition("/")[2])
        found = None
        if shipment is not None:
            line = shipment["goods"][0]
            found = (
                (shipment["ship_from"]["name"], shipment["ship_from"]["address"]),
                (shipment["ship_to"]["name"], shipment["ship_to"]["address"]),
                (line["name"], line["model"], line["quantity"]),
            )
        checks.equal(f"figure 3 at the carrier: {number}", found, ((seller, from_), (buyer, to), (goods, model, quantity)))
    instructed = Counter(shipment["instructed_on"] for shipment in shipments)
    expected = Counter(str(day(on)) for on, numbers in want.DELIVERIES for _ in numbers)
    checks.equal("instructions at the carrier, by day", dict(instructed), dict(expected))


def check_figure_8(checks: Checks, contract: dict[str, Any] | None) -> None:
    """Every cell of figure 8."""
    steps = {} if contract is None else {step["step"]: step for step in contract["progress"]["steps"]}
    checks.equal("figure 8: steps", list(steps), [row[0] for row in want.FIGURE_8])
    for step, planned, actual, forecast, slip in want.FIGURE_8:
        found = steps.get(step, {})
        checks.equal(f"figure 8: {step} planned", found.get("plannedOn"), str(day(planned)))
        checks.equal(f"figure 8: {step} actual", found.get("actualOn"), None if actual is None else str(day(actual)))
        checks.equal(f"figure 8: {step} slip", found.get("slipDays"), slip)
        if forecast is not None:
            checks.equal(f"figure 8: {step} forecast", found.get("forecastOn"), str(day(forecast)))


def check_figure_9(checks: Checks, settlements: Sequence[dict[str, Any]]) -> None:
    """Every cell of figure 9, and its order."""
    found = {f"{row['siteId']}/{row['number']}": row for row in settlements}
    checks.equal("figure 9: rows", list(found), [row[0] for row in want.FIGURE_9])
    for number, debited, settled, amount, expected in want.FIGURE_9:
        row = found.get(number, {})
        checks.equal(f"figure 9: {number} 振替実行日", row.get("debitedOn"), str(day(debited)))
        checks.equal(f"figure 9: {number} 清算完了日", row.get("settledOn"), None if settled is None else str(day(settled)))
        checks.equal(f"figure 9: {number} 金額", row.get("settledAmount"), amount)
        checks.equal(f"figure 9: {number} expected", row.get("expectedAmount"), expected)


def check_warnings(checks: Checks, seen: dict[str, dict[str, Any] | None]) -> None:
    """[0035]: both sides of #100 are told, with the true reason."""
    for who, contract in seen.items():
        warning = None if contract is None else contract["progress"]["warning"]
        checks.equal(f"#100's warning to {who}", None if warning is None else warning["code"], "SHORT_BALANCE")
        checks.equal(f"#100's warning to {who} says it", warning is not None and "残高不足" in warning["message"], True)
