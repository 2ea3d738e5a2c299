"""Sweeps (資金集中): whole debit batches, or parts of them, moved in exact sums to the site's main account (S10, S12, I12).

A sweep is a batch of kind SWEEP with one line, itself; `sweep_part` says what it carries. Only when it has arrived in full are the
contracts of its parts funded.
"""

from __future__ import annotations

from datetime import date, datetime

from domain.ledger import AccountKind
from domain.machines import SWEEP, SweepFact
from domain.statuses import Kind, LineOutcome, SweepStatus
from domain.store import batches, exceptions, facts, rules_sql
from domain.store.batches import Batch
from domain.store.connection import Tx
from domain.store.site_rules import bank_rules

MATCHED, AWAITED, SUSPENDED = 1, 2, 3  # statement_line.matched


async def add_part(tx: Tx, batch: Batch, part: int, amount: int, *, now: datetime, number: int) -> int | None:
    """Puts what a result brought into the next sweep of its account. None: the account is the main account, there is nothing to move (S12)."""
    assert batch.account_id is not None
    assert batch.bank_code is not None
    main = await tx.value(
        "select main_id from contract_state where home = $1 and contract_id = (select contract_id from line where home = $1 and batch_id = $2 limit 1)",
        batch.home,
        batch.batch_id,
    )
    if main == batch.account_id:
        return None
    found = await batches.next_open(
        tx,
        home=batch.home,
        kind=Kind.SWEEP,
        site_id=batch.site_id,
        account_id=batch.account_id,
        bank=await bank_rules(tx, batch.bank_code),
        now=now,
        batch_id=number,
    )
    await tx.run(
        "insert into sweep(home, sweep_id, site_id, from_account, to_account) values ($1, $2, $3, $4, $5) on conflict do nothing",
        batch.home,
        found.batch_id,
        batch.site_id,
        batch.account_id,
        main,
    )
    await tx.run(
        "insert into sweep_part(home, batch_id, part, sweep_id, amount) values ($1, $2, $3, $4, $5) on conflict do nothing",
        batch.home,
        batch.batch_id,
        part,
        found.batch_id,
        amount,
    )
    return found.batch_id


async def fix_amount(tx: Tx, home: int, sweep_id: int) -> int:
    """The exact sum of a closed sweep's parts, reserved on the account it leaves; answers it. Running it again changes nothing (I12)."""
    amount = int(
        await tx.value("select coalesce(sum(amount), 0)::bigint from sweep_part where home = $1 and sweep_id = $2", home, sweep_id)
    )
    before = await tx.value(
        "update sweep s set amount = $3 from (select amount from sweep where home = $1 and sweep_id = $2 for update) o "
        "where s.home = $1 and s.sweep_id = $2 returning o.amount",
        home,
        sweep_id,
        amount,
    )
    await tx.run("update batch set line_count = 1, amount = $3 where home = $1 and batch_id = $2", home, sweep_id, amount)
    await tx.run(
        "update account a set reserved = a.reserved + $3 from sweep s where s.home = $1 and s.sweep_id = $2 "
        "and a.home = $1 and a.account_id = s.from_account",
        home,
        sweep_id,
        amount - (before or 0),
    )
    return amount


async def void(tx: Tx, batch: Batch, *, now: datetime, numbers: list[int]) -> None:
    """The bank refused the sweep's file: its parts are free again and go into the next one."""
    moved = await tx.run(
        f"update sweep set status = {int(SweepStatus.VOID)} where home = $1 and sweep_id = $2 and "
        f"{rules_sql.can_move(SWEEP, SweepFact.FILE_REFUSED, 'status')}",
        batch.home,
        batch.batch_id,
    )
    if not moved:
        return
    await tx.run(
        "update account set reserved = reserved - $3 where home = $1 and account_id = $2", batch.home, batch.account_id, batch.amount
    )
    parts = await tx.rows(
        "delete from sweep_part where home = $1 and sweep_id = $2 returning batch_id, part, amount", batch.home, batch.batch_id
    )
    for part in parts:
        debit = await batches.load(tx, batch.home, part["batch_id"])
        assert debit is not None
        await add_part(tx, debit, part["part"], part["amount"], now=now, number=numbers.pop())


async def left(tx: Tx, home: int, sweep_id: int, on: date, day: int) -> bool:
    """The sweep's money has left the collecting account: cash to transit. False when that was booked before."""
    row = await tx.row(
        f"update sweep set status = {rules_sql.next_state(SWEEP, SweepFact.LEFT, 'status')}, left_on = $3 "
        f"where home = $1 and sweep_id = $2 and left_on is null and {rules_sql.can_move(SWEEP, SweepFact.LEFT, 'status')} "
        "returning site_id, from_account, amount",
        home,
        sweep_id,
        on,
    )
    if row is None:
        return False
    await post(
        tx, home, day, sweep_id, 1, (AccountKind.CASH, row["from_account"]), (AccountKind.TRANSIT, row["site_id"]), row["amount"], on
    )
    await tx.run(
        "update account set booked = booked - $3, reserved = reserved - $3 where home = $1 and account_id = $2",
        home,
        row["from_account"],
        row["amount"],
    )
    return True


async def arrived(tx: Tx, home: int, sweep_id: int, account_id: int, amount: int, on: date, *, now: datetime, day: int) -> bool:
    """Money of a sweep is in an account: transit to cash; in full, its parts are funded. False: it cannot be this sweep's."""
    row = await tx.row("select * from sweep where home = $1 and sweep_id = $2 for update", home, sweep_id)
    if row is None or row["arrived"] or amount > row["amount"] or row["to_account"] != account_id:
        return False
    fact = SweepFact.ARRIVED if amount == row["amount"] else SweepFact.ARRIVED_LESS
    await left(tx, home, sweep_id, on, day)  # a main account's statement can be read before the collecting account's
    moved = await tx.run(
        f"update sweep set status = {rules_sql.next_state(SWEEP, fact, 'status')}, arrived = $3, arrived_on = $4 "
        f"where home = $1 and sweep_id = $2 and {rules_sql.can_move(SWEEP, fact, 'status')}",
        home,
        sweep_id,
        amount,
        on,
    )
    if not moved:
        return False
    await post(tx, home, day, sweep_id, 2, (AccountKind.TRANSIT, row["site_id"]), (AccountKind.CASH, row["to_account"]), amount, on)
    await tx.run("update account set booked = booked + $3 where home = $1 and account_id = $2", home, row["to_account"], amount)
    if fact is SweepFact.ARRIVED_LESS:
        short = row["amount"] - amount
        await post(tx, home, day, sweep_id, 3, (AccountKind.TRANSIT, row["site_id"]), (AccountKind.OWN, row["site_id"]), short, on)
        await exceptions.record(
            tx,
            code="SWEEP_SHORT",
            reference=f"sweep-short:{sweep_id}",
            reason=f"{short} yen of the sweep did not arrive; the site bears them, its payouts wait until it has made them good",
            now=now,
            home=home,
            batch_id=sweep_id,
            amount=short,
        )
        return True
    await tx.run("update batch set status = 7, answered_at = $3, overdue_at = null where home = $1 and batch_id = $2", home, sweep_id, now)
    for part in await tx.rows("select batch_id, part from sweep_part where home = $1 and sweep_id = $2", home, sweep_id):
        await facts.announce(tx, home, part["batch_id"], facts.BatchNews.FUNDED, happened_on=on, now=now, part=part["part"])
    return True


async def compare_lump(tx: Tx, batch: Batch, now: datetime) -> None:
    """The lump that a statement showed before the result came must be what the result says was debited."""
    debited = await tx.value(
        "select coalesce(sum(amount), 0)::bigint from line where home = $1 and batch_id = $2 and outcome = $3",
        batch.home,
        batch.batch_id,
        int(LineOutcome.DONE),
    )
    lump = await tx.row(
        "select amount, booked_on from statement_line where home = $1 and account_id = $2 and batch_id = $3 and matched = $4",
        batch.home,
        batch.account_id,
        batch.batch_id,
        AWAITED,
    )
    if lump is None:
        return
    if lump["amount"] == debited:
        await tx.run(
            "update statement_line set matched = $4 where home = $1 and account_id = $2 and batch_id = $3",
            batch.home,
            batch.account_id,
            batch.batch_id,
            MATCHED,
        )
        return
    await exceptions.record(
        tx,
        code="LUMP_DIFFERS",
        reference=f"lump:{batch.batch_id}",
        reason=f"the statement shows {lump['amount']} yen for a debit file whose result says {debited}",
        now=now,
        home=batch.home,
        batch_id=batch.batch_id,
        amount=abs(lump["amount"] - debited),
    )


async def post(
    tx: Tx,
    home: int,
    day: int,
    cause: int,
    no: int,
    source: tuple[int, int],
    destination: tuple[int, int],
    amount: int,
    on: date,
    line: int = 1,
) -> None:
    """One posting that belongs to no contract's event (sweeps, statements): `cause` and `no` say what it is for, once."""
    await tx.run(
        "insert into posting(home, day, cause, no, line, source_kind, source, destination_kind, destination, amount, booked_on) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        home,
        day,
        cause,
        no,
        line,
        int(source[0]),
        source[1],
        int(destination[0]),
        destination[1],
        amount,
        on,
    )
