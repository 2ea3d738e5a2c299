"""What the records say, whole: for the demo, and for tests that compare a small world with what should have come of it.

Everything here reads all contracts. Runs and lists never do (lists.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from domain.ledger import AccountKind
from domain.machines import replay
from domain.statuses import BatchStatus, DebitStatus, DeliveryStatus, EventKind, Kind, PayoutStatus
from domain.store.connection import Tx


@dataclass(frozen=True, slots=True)
class CashBook:
    """One of our accounts: what the ledger says, and what its row says."""

    site_id: int
    bank_code: str
    account: str  # branch 3, type 1, number 7
    main: bool
    ledger: int
    booked: int
    reserved: int


@dataclass(frozen=True, slots=True)
class CustomerBook:
    """A buyer's or seller's account: what went out by our debits and in by our payouts."""

    bank_code: str
    account: str
    debited: int
    paid: int


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch that went out, with the contracts in it (a sweep: those of the debits it carries)."""

    kind: Kind
    status: BatchStatus
    site_id: int
    to: str  # bank or carrier
    value_on: date
    amount: int
    sealed_at: datetime
    name: str
    numbers: tuple[str, ...]  # site/number


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of one contract."""

    at: datetime
    kind: EventKind
    number: str
    happened_on: date | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A contract's states, and what its events say they must be."""

    number: str
    states: tuple[DebitStatus, DeliveryStatus, PayoutStatus]
    replayed: tuple[DebitStatus, DeliveryStatus, PayoutStatus]
    gaps: bool  # whether a number is missing among its events
    debited_on: date | None
    settled_on: date | None


async def cash_books(tx: Tx) -> list[CashBook]:
    """All our accounts."""
    rows = await tx.rows(
        "with moved as (select home, destination as account_id, amount from posting where destination_kind = $1 "
        "union all select home, source, -amount from posting where source_kind = $1) "
        "select a.site_id, a.bank_code, a.branch_code || a.account_type || a.account_number as account, a.main, "
        "a.booked, a.reserved, "
        "coalesce((select sum(m.amount) from moved m where m.home = a.home and m.account_id = a.account_id), "
        "0)::bigint as ledger "
        "from account a order by a.site_id, a.bank_code",
        int(AccountKind.CASH),
    )
    return [CashBook(**dict(row)) for row in rows]


async def customer_books(tx: Tx) -> list[CustomerBook]:
    """All accounts of buyers and sellers that a contract names."""
    rows = await tx.rows(
        "with moved as ("
        "select home, buyer_account_id as account_id, gross as debited, 0::bigint as paid from contract_state where "
        "debit = $1 "
        "union all select home, seller_account_id, 0, net from contract_state where payout = $2) "
        "select p.bank_code, p.branch_code || p.account_type || p.account_number as account, "
        "coalesce(sum(m.debited), 0)::bigint as debited, coalesce(sum(m.paid), 0)::bigint as paid "
        "from party_account p left join moved m on m.home = p.home and m.account_id = p.party_account_id "
        "group by 1, 2 order by 1, 2",
        int(DebitStatus.DEBITED),
        int(PayoutStatus.PAID),
    )
    return [CustomerBook(**dict(row)) for row in rows]


async def balances(tx: Tx) -> dict[AccountKind, int]:
    """The ledger's sum for each kind of account; all of them together are 0."""
    rows = await tx.rows(
        "select kind, sum(amount)::bigint as amount from (select destination_kind as kind, amount from posting "
        "union all select source_kind, -amount from posting) x group by kind order by kind"
    )
    return {AccountKind(row["kind"]): row["amount"] for row in rows}


async def sent_batches(tx: Tx) -> list[SentBatch]:
    """All batches that were sealed, in the order of sealing."""
    rows = await tx.rows(
        "with carried as (select b.home, b.batch_id, l.contract_id from batch b join line l using (home, batch_id) "
        "union select p.home, p.sweep_id, l.contract_id from sweep_part p join line l on l.home = p.home and "
        "l.batch_id = p.batch_id "
        "and l.part = p.part) "
        "select b.kind, b.status, b.site_id, coalesce(b.bank_code, b.carrier_id) as to, b.value_on, b.amount, "
        "b.sealed_at, b.name, "
        "array(select c.site_id || '/' || c.number from carried x join contract c on c.home = x.home and "
        "c.contract_id = x.contract_id "
        "where x.home = b.home and x.batch_id = b.batch_id order by c.site_id, c.number) as numbers "
        "from batch b where b.sealed_at is not null order by b.sealed_at, b.kind, b.bank_code, b.batch_id"
    )
    return [
        SentBatch(
            **dict(row)
            | {
                "kind": Kind(row["kind"]),
                "status": BatchStatus(row["status"]),
                "numbers": tuple(row["numbers"]),
            }
        )
        for row in rows
    ]


async def applied_results(tx: Tx) -> list[tuple[str, datetime, str]]:
    """Debit results that were applied: channel, when they came, file name."""
    rows = await tx.rows("select channel, at, name from reply where kind = 'result' and status = 2 order by at, channel, name")
    return [(row["channel"], row["at"], row["name"]) for row in rows]


async def happened(tx: Tx, since: datetime, before: datetime) -> list[Happened]:
    """The events of a span of business time, in their order."""
    rows = await tx.rows(
        "select e.at, e.kind, c.site_id || '/' || c.number as number, e.happened_on from event e join contract c "
        "using (home, contract_id) "
        "where e.at >= $1 and e.at < $2 order by e.at, e.kind, c.site_id, c.number, e.no",
        since,
        before,
    )
    return [Happened(row["at"], EventKind(row["kind"]), row["number"], row["happened_on"]) for row in rows]


async def standings(tx: Tx) -> list[Standing]:
    """Every contract's states beside the replay of its events."""
    rows = await tx.rows(
        "select c.site_id || '/' || c.number as number, s.debit, s.delivery, s.payout, s.event_count, s.debited_on, "
        "s.settled_on, "
        "array_agg(e.kind order by e.no) as kinds, array_agg(e.no order by e.no) as nos "
        "from contract c join contract_state s using (home, contract_id) left join event e using (home, contract_id) "
        "group by c.home, c.contract_id, c.site_id, c.number, s.home, s.contract_id, s.debit, s.delivery, s.payout, "
        "s.event_count, "
        "s.debited_on, s.settled_on order by c.site_id, c.number"
    )
    return [
        Standing(
            row["number"],
            (DebitStatus(row["debit"]), DeliveryStatus(row["delivery"]), PayoutStatus(row["payout"])),
            replay(EventKind(kind) for kind in row["kinds"]),
            list(row["nos"]) != list(range(1, row["event_count"] + 1)),
            row["debited_on"],
            row["settled_on"],
        )
        for row in rows
    ]


async def open_exceptions(tx: Tx) -> list[str]:
    """The exceptions that nobody has closed, in words."""
    return [
        f"{row['code']}: {row['reason']}"
        for row in await tx.rows("select code, reason from exception where closed_at is null order by exception_id")
    ]
