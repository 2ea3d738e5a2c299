"""Sweeps (資金集中): whole debit batches, or parts of them, moved in exact sums to the site's main account (S10, S12, I12).

A sweep is a batch of kind SWEEP with one line, itself; `sweep_part` says what it carries. Only when it has arrived in full are the
contracts of its parts funded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from domain.ledger import AccountKind
from domain.machines import SWEEP, SweepFact
from domain.money import MAX_LINE
from domain.statuses import Kind, LineOutcome, SweepStatus
from domain.store import batches, exceptions, facts, rules_sql
from domain.store.batches import Batch
from domain.store.connection import Row, Tx
from domain.store.site_rules import bank_rules

MATCHED, AWAITED, SUSPENDED = 1, 2, 3  # statement_line.matched


async def add_part(tx: Tx, batch: Batch, part: int, amount: int, *, now: datetime, number: int) -> int | None:
    """Puts what a result brought into the next sweep of its account. None: the account is the main account, there is nothing to move (S12)."""
    assert batch.account_id is not None
    assert batch.bank_code is not None
    main = await tx.value(
        # of one that was debited: what failed may wait for another batch, which goes to the main account of its own day
        "select main_id from contract_state where home = $1 and contract_id = "
        "(select contract_id from line where home = $1 and batch_id = $2 and outcome = $3 limit 1)",
        batch.home,
        batch.batch_id,
        int(LineOutcome.DONE),
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


async def fix_amount(tx: Tx, home: int, sweep_id: int, *, now: datetime, numbers: list[int]) -> int:
    """The exact sum of a closed sweep's parts, reserved on the account it leaves; answers it. Running it again changes nothing (I12).

    What the account does not cover (a charge was taken from it, say) waits for the next sweep: a bank says nothing of a file without cover.
    So does what one line cannot hold, of which a sweep is made; no part alone is too large for it, `domain.store.filling` sees to that.
    `numbers`: fresh IDs, for a sweep that may have to be made.
    """
    sweep = await tx.row("select from_account, amount from sweep where home = $1 and sweep_id = $2 for update", home, sweep_id)
    if sweep is None:  # nothing was covered, and we were stopped before its empty batch was taken away
        return 0
    free = await tx.value(
        "select booked - reserved from account where home = $1 and account_id = $2 for update", home, sweep["from_account"]
    )
    room, amount = int(free) + sweep["amount"], 0
    parts = await tx.rows(
        "select batch_id, part, amount from sweep_part where home = $1 and sweep_id = $2 order by batch_id, part", home, sweep_id
    )
    for place, part in enumerate(parts):
        if amount + part["amount"] > min(room, MAX_LINE):
            await _put_off(tx, home, parts[place:], now=now, numbers=numbers)
            if amount + part["amount"] > room:
                await _say_uncovered(tx, home, sweep_id, parts[place:], now)
            break
        amount += part["amount"]
    await tx.run("update sweep set amount = $3 where home = $1 and sweep_id = $2", home, sweep_id, amount)
    await tx.run("update batch set line_count = $4, amount = $3 where home = $1 and batch_id = $2", home, sweep_id, amount, int(amount > 0))
    await tx.run(
        "update account set reserved = reserved + $3 where home = $1 and account_id = $2",
        home,
        sweep["from_account"],
        amount - sweep["amount"],
    )
    if not amount:
        await tx.run("delete from sweep where home = $1 and sweep_id = $2", home, sweep_id)
    return amount


async def _put_off(tx: Tx, home: int, parts: Sequence[Row], *, now: datetime, numbers: list[int]) -> None:
    for part in parts:
        await tx.run("delete from sweep_part where home = $1 and batch_id = $2 and part = $3", home, part["batch_id"], part["part"])
        debit = await batches.load(tx, home, part["batch_id"])
        assert debit is not None
        await add_part(tx, debit, part["part"], part["amount"], now=now, number=numbers[0])


async def _say_uncovered(tx: Tx, home: int, sweep_id: int, parts: Sequence[Row], now: datetime) -> None:
    await exceptions.record(
        tx,
        code="SWEEP_UNCOVERED",
        reference=f"uncovered:{parts[0]['batch_id']}:{parts[0]['part']}",
        reason="the account holds less than was debited into it (a charge or a withdrawal); the money waits for a sweep that is covered",
        now=now,
        home=home,
        batch_id=sweep_id,
        amount=sum(part["amount"] for part in parts),
    )


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
        await add_part(tx, debit, part["part"], part["amount"], now=now, number=numbers[0])  # all of them go into one


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
    await tx.run("update batch set status = 7, answered_at = $3, overdue_at = null where home = $1 and batch_id = $2", home, sweep_id, now)
    await post(tx, home, day, sweep_id, 2, (AccountKind.TRANSIT, row["site_id"]), (AccountKind.CASH, row["to_account"]), amount, on)
    await tx.run("update account set booked = booked + $3 where home = $1 and account_id = $2", home, row["to_account"], amount)
    await heal(tx, home, row["to_account"])
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
    for part in await tx.rows("select batch_id, part from sweep_part where home = $1 and sweep_id = $2", home, sweep_id):
        await facts.announce(tx, home, part["batch_id"], facts.BatchNews.FUNDED, happened_on=on, now=now, part=part["part"])
    return True


async def compare_lump(tx: Tx, batch: Batch, now: datetime, day: int) -> None:
    """The lump that a statement showed before the result came must be what the result says was debited."""
    lump = await tx.row(
        "select l.amount, l.booked_on, l.number, l.line_no, t.reply_id from statement_line l "
        "join statement t using (home, account_id, booked_on, number) "
        "where l.home = $1 and l.account_id = $2 and l.batch_id = $3 and l.matched = $4",
        batch.home,
        batch.account_id,
        batch.batch_id,
        AWAITED,
    )
    if lump is None:
        return
    debited = await debited_in(tx, batch.home, batch.batch_id)
    if lump["amount"] != debited and not batch.direct:
        cause = (lump["reply_id"], lump["line_no"])
        await lump_differs(tx, batch, lump["amount"] - debited, cause, on=lump["booked_on"], now=now, day=day)
    await tx.run(
        "update statement_line set matched = $6 where home = $1 and account_id = $2 and booked_on = $3 and number = $4 and line_no = $5",
        batch.home,
        batch.account_id,
        lump["booked_on"],
        lump["number"],
        lump["line_no"],
        MATCHED if lump["amount"] == debited else SUSPENDED,
    )


async def debited_in(tx: Tx, home: int, batch_id: int) -> int:
    """Yen that the results of a debit batch say were debited."""
    return int(
        await tx.value(
            "select coalesce(sum(amount), 0)::bigint from line where home = $1 and batch_id = $2 and outcome = $3",
            home,
            batch_id,
            int(LineOutcome.DONE),
        )
    )


async def lump_differs(tx: Tx, batch: Batch, more: int, cause: tuple[int, int], *, on: date, now: datetime, day: int) -> None:
    """The bank booked another sum than its result says: the difference (`more`, or less) is in suspense, for a person (I01).

    `cause`: the statement's reply and line. The contracts keep what the result says; the account shows what the bank shows.
    """
    assert batch.account_id is not None
    cash, suspense = (int(AccountKind.CASH), batch.account_id), (int(AccountKind.SUSPENSE), batch.account_id)
    await post(tx, batch.home, day, *cause, *((suspense, cash) if more > 0 else (cash, suspense)), abs(more), on)
    await exceptions.record(
        tx,
        code="LUMP_DIFFERS",
        reference=f"lump:{batch.batch_id}",
        reason=f"the statement shows {abs(more)} yen {'more' if more > 0 else 'less'} for a debit file than its result says",
        now=now,
        home=batch.home,
        batch_id=batch.batch_id,
        amount=abs(more),
    )
    await move(tx, batch.home, batch.account_id, more, now)


async def heal(tx: Tx, home: int, account_id: int | None) -> None:
    """An account that is covered again, and whose break no person has to look at, pays again."""
    await tx.run(
        "update account set overdraft_break = null where home = $1 and account_id = $2 and overdraft_break is not null and reserved <= booked "
        "and not exists (select 1 from exception where code = 'OVERDRAWN' and closed_at is null and reference like $3)",
        home,
        account_id,
        f"overdrawn:{home}:{account_id}:%",
    )


async def move(tx: Tx, home: int, account_id: int, yen: int, now: datetime, *, explained: bool = False) -> None:
    """Books a movement of the bank's that we did not order. Less than is reserved: the account is broken, and pays nobody until a person looks.

    `explained`: we know what it is (a charge). Then the break heals by itself as soon as the account is covered again.
    """
    broken = await tx.value(
        "update account set booked = booked + $3, overdraft_break = case when booked + $3 < reserved then coalesce(overdraft_break, $4) "
        "else overdraft_break end where home = $1 and account_id = $2 returning overdraft_break = $4",
        home,
        account_id,
        yen,
        now,
    )
    if broken and not explained:
        await exceptions.record(
            tx,
            code="OVERDRAWN",
            reference=f"overdrawn:{home}:{account_id}:{now.isoformat()}",
            reason="the bank took more from an account than was free on it; nobody is paid from it until a person has looked",
            now=now,
            home=home,
            amount=abs(yen),
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
