"""Batches: opened when the first contract needs them, closed at their hour, filled, sealed (settlement rule 2).

An OPEN batch is also the list that contracts wait in. Who adds a contract locks the batch row FOR SHARE; who closes it updates the row,
and so waits for all of them: what was committed before the closing is in, and nobody joins after it (I04).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from domain.calendar import business_date
from domain.deadlines import BankRules, answer_due_at, next_credit, next_debit, overdue_at
from domain.statuses import BatchStatus, FilesPerDate, Kind
from domain.store import approvals
from domain.store.connection import Tx, transaction
from domain.store.site_rules import bank_rules

LEASE = timedelta(seconds=15)  # machine time; a worker that is killed is replaced after this
MAX_CLOSED_DATES = 400  # dates in a row that are closed already: something is very wrong
SHIPMENTS_PER_CALL = 1_000  # docs/wire.md section 2


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that takes contracts, and its hours (business time)."""

    batch_id: int
    value_on: date
    seal_at: datetime
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands in the table; `account` is ours (the site's, or a direct seller's)."""

    home: int
    batch_id: int
    kind: Kind
    direct: bool
    site_id: int
    bank_code: str | None
    carrier_id: str | None
    account_id: int | None
    value_on: date
    number: int | None
    status: BatchStatus
    takes_from: int
    closed_at: datetime | None
    line_count: int
    amount: int
    name: str | None
    sha256: bytes | None
    seal_at: datetime
    deadline_at: datetime


_COLUMNS = (
    "home, batch_id, kind, direct, site_id, bank_code, carrier_id, account_id, value_on, number, status, takes_from, closed_at, "
    "line_count, amount, name, sha256, seal_at, deadline_at"
)
_KEY = (
    "home = $1 and kind = $2 and coalesce(account_id, 0) = coalesce($3::bigint, 0) "
    "and coalesce(carrier_id, '') = coalesce($4::text, '') and site_id = $5 and value_on = $6"
)


def _batch(row: Any) -> Batch:
    return Batch(**{**dict(row), "kind": Kind(row["kind"]), "status": BatchStatus(row["status"])})


async def load(tx: Tx, home: int, batch_id: int, *, lock: bool = False) -> Batch | None:
    """The batch, or None. `lock`: until the end of the transaction nobody else changes it."""
    row = await tx.row(f"select {_COLUMNS} from batch where home = $1 and batch_id = $2" + (" for update" if lock else ""), home, batch_id)
    return _batch(row) if row else None


async def open_batch(
    tx: Tx,
    *,
    home: int,
    kind: Kind,
    site_id: int,
    value_on: date,
    seal_at: datetime,
    deadline_at: datetime,
    batch_id: int,
    bank_code: str | None = None,
    carrier_id: str | None = None,
    account_id: int | None = None,
    direct: bool = False,
    one_per_date: bool = False,
) -> int | None:
    """Finds the OPEN batch for these, or makes it under the fresh `batch_id`; locks it FOR SHARE until the transaction ends.

    None: `one_per_date` (a bank that takes one file per debit date) and that date's file is closed already.
    """
    key = (home, int(kind), account_id, carrier_id, site_id, value_on)
    while True:
        found = await tx.value(f"select batch_id from batch where {_KEY} and status = 0 and closed_at is null for share", *key)
        if found is not None:
            return int(found)
        if one_per_date and await tx.value(
            f"select 1 from batch where {_KEY} and coalesce(bank_code, '') = coalesce($7::text, '') and status <> {int(BatchStatus.REFUSED)} "
            "and (status <> 0 or closed_at is not null) limit 1",
            *key,
            bank_code,
        ):
            return None
        made = await tx.value(
            "insert into batch(home, batch_id, kind, direct, site_id, bank_code, carrier_id, account_id, value_on, seal_at, "
            "deadline_at, takes_from) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $2) on conflict do nothing returning batch_id",
            home,
            batch_id,
            int(kind),
            direct,
            site_id,
            bank_code,
            carrier_id,
            account_id,
            value_on,
            seal_at,
            deadline_at,
        )
        if made is not None:
            return int(made)


async def next_open(
    tx: Tx,
    *,
    home: int,
    kind: Kind,
    site_id: int,
    account_id: int,
    bank: BankRules,
    now: datetime,
    batch_id: int,
    direct: bool = False,
    not_before: date | None = None,
) -> OpenBatch:
    """The next batch of a bank account that still takes contracts, skipping dates whose file is closed.

    `batch_id` is used if one must be made. Raises OutsideCalendar beyond the loaded calendar (I19).
    """
    one_per_date = kind is Kind.DEBIT and bank.files_per_debit_date is FilesPerDate.ONE
    for _ in range(MAX_CLOSED_DATES):
        slot = next_debit(bank, now, not_before=not_before) if kind is Kind.DEBIT else next_credit(bank, now)
        got = await open_batch(
            tx,
            home=home,
            kind=kind,
            site_id=site_id,
            value_on=slot.value_on,
            seal_at=slot.seal_at,
            deadline_at=slot.deadline_at,
            batch_id=batch_id,
            bank_code=bank.bank_code,
            account_id=account_id,
            direct=direct,
            one_per_date=one_per_date,
        )
        if got is not None:
            return OpenBatch(got, slot.value_on, slot.seal_at, slot.deadline_at)
        not_before = slot.value_on + timedelta(days=1)
    raise RuntimeError(f"no open date for bank {bank.bank_code} within {MAX_CLOSED_DATES} days")


async def open_delivery(tx: Tx, *, home: int, site_id: int, carrier_id: str, now: datetime, batch_id: int) -> int:
    """The delivery batch of a site and carrier that takes contracts now; it is sealed at once."""
    got = await open_batch(
        tx,
        home=home,
        kind=Kind.DELIVERY,
        site_id=site_id,
        value_on=business_date(now),
        seal_at=now,
        deadline_at=now,
        batch_id=batch_id,
        carrier_id=carrier_id,
    )
    assert got is not None
    return got


async def claim(home: int, batch_id: int, holder: str, machine_now: datetime, statuses: tuple[BatchStatus, ...]) -> Batch | None:
    """Takes the batch for one worker, until the lease runs out. None: somebody else has it, or it is past these statuses."""
    async with transaction() as tx:
        row = await tx.row(
            f"update batch set lease_holder = $3, lease_until = $4 where home = $1 and batch_id = $2 and status = any($5::smallint[]) "
            f"and (lease_until is null or lease_until < $6 or lease_holder = $3) returning {_COLUMNS}",
            home,
            batch_id,
            holder,
            machine_now + LEASE,
            [int(status) for status in statuses],
            machine_now,
        )
    return _batch(row) if row else None


async def let_go(home: int, batch_id: int, holder: str) -> None:
    """Gives the lease back, so that what comes next need not wait for it to run out."""
    async with transaction() as tx:
        await tx.run(
            "update batch set lease_holder = null, lease_until = null where home = $1 and batch_id = $2 and lease_holder = $3",
            home,
            batch_id,
            holder,
        )


async def close(home: int, batch_id: int, now: datetime) -> Batch | None:
    """No newcomers from here on. Waits for whoever is just adding contracts. None: it is not OPEN any more."""
    async with transaction() as tx:
        row = await tx.row(
            f"update batch set closed_at = coalesce(closed_at, $3) where home = $1 and batch_id = $2 and status = 0 returning {_COLUMNS}",
            home,
            batch_id,
            now,
        )
    return _batch(row) if row else None


async def drop_if_empty(home: int, batch_id: int) -> bool:
    """Takes away a closed batch into which nothing came (its contracts were cancelled, or wait for money)."""
    async with transaction() as tx:
        return (
            await tx.run(
                "delete from batch b where home = $1 and batch_id = $2 and status = 0 and closed_at is not null and line_count = 0 "
                "and not exists (select 1 from work w where w.home = b.home and w.batch_id = b.takes_from)",
                home,
                batch_id,
            )
            == 1
        )


async def number_for(tx: Tx, batch: Batch) -> int:
    """The batch's number on its day. Files of one format from one account share their numbers, for the name is made of them."""
    kinds = [int(Kind.DEBIT)] if batch.kind is Kind.DEBIT else [int(k) for k in Kind if k is not Kind.DEBIT]
    return 1 + int(
        await tx.value(
            "select coalesce(max(number), 0) from batch where home = $1 and kind = any($2::smallint[]) "
            "and coalesce(account_id, 0) = coalesce($3::bigint, 0) and coalesce(carrier_id, '') = coalesce($4::text, '') "
            "and site_id = $5 and value_on = $6 and coalesce(bank_code, '') = coalesce($7::text, '')",
            batch.home,
            kinds,
            batch.account_id,
            batch.carrier_id,
            batch.site_id,
            batch.value_on,
            batch.bank_code,
        )
        or 0
    )


async def nothing_to_send(tx: Tx, batch: Batch, now: datetime) -> None:
    """ANSWERED without having gone out: no line of a sealed batch could be written, and each has been rejected for it."""
    await tx.run(
        "update batch set status = $3, answered_at = $4, overdue_at = null where home = $1 and batch_id = $2 and status = $5",
        batch.home,
        batch.batch_id,
        int(BatchStatus.ANSWERED),
        now,
        int(BatchStatus.SEALED),
    )


async def seal(
    tx: Tx,
    batch: Batch,
    *,
    number: int,
    name: str,
    sha256: bytes,
    line_count: int,
    amount: int,
    holder: str,
    now: datetime,
    sibling_id: int | None,
) -> bool:
    """SEALED: content, name, number and hash are fixed from here on. The bytes are in the spool already (records section 6).

    `sibling_id`: this batch was full; a batch of that ID takes the rest of its work. False: the lease or the state was lost.
    """
    if batch.bank_code is None:
        answer_due = overdue = None
        awaits = False
        days = await tx.value("select overdue_days from carrier where carrier_id = $1", batch.carrier_id)
        overdue = now + timedelta(days=days)
    else:
        bank = await bank_rules(tx, batch.bank_code)
        answer_due = answer_due_at(bank, batch.kind, batch.value_on)
        overdue = overdue_at(bank, batch.kind, batch.value_on)
        awaits = bank.approves_totals
    sealed = await tx.run(
        "update batch set status = $3, number = $4, name = $5, sha256 = $6, sealed_at = $7, answer_due_at = $8, overdue_at = $9, "
        "tries = 0, next_try_at = null, problem = null, awaits_approval = $13 where home = $1 and batch_id = $2 and status = 0 "
        "and closed_at is not null and line_count = $10 and amount = $11 and lease_holder = $12",
        batch.home,
        batch.batch_id,
        int(BatchStatus.SEALED),
        number,
        name,
        sha256,
        now,
        answer_due,
        overdue,
        line_count,
        amount,
        holder,
        awaits,
    )
    if sealed and awaits:
        await approvals.ask(tx, batch, name=name, sha256=sha256, line_count=line_count, amount=amount, now=now)
    if sealed and sibling_id is not None:
        await tx.run(
            "insert into batch(home, batch_id, kind, direct, site_id, bank_code, carrier_id, account_id, value_on, seal_at, deadline_at, "
            "closed_at, takes_from) select home, $3, kind, direct, site_id, bank_code, carrier_id, account_id, value_on, seal_at, "
            "deadline_at, closed_at, takes_from from batch where home = $1 and batch_id = $2",
            batch.home,
            batch.batch_id,
            sibling_id,
        )
    return sealed == 1
