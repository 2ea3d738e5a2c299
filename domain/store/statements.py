"""Statements (入出金取引明細) of our accounts: imported once, checked, and each line matched to what we sent or expect (I01).

A movement is booked when the bank first tells us; the statement is the control. What nothing explains goes to suspense and to the
exceptions list: the ledger always shows what the bank shows, or a named break.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from domain.contract_id import home_of
from domain.ledger import AccountKind
from domain.statuses import BatchStatus, EventKind, Kind, LineOutcome, PayoutStatus
from domain.store import batches, exceptions, facts, looking_up, stream, sweeps
from domain.store.connection import Tx
from domain.store.partitions import day_number
from domain.store.sweeps import AWAITED, MATCHED, SUSPENDED, post

CREDIT, DEBIT_LUMP, CHARGE = 11, 14, 18  # 取引区分 as docs/wire.md uses them: credit or file (11), lump of a debit file (14), else (18)
_NUMBER = re.compile(r"\b(91|21) (\d{4}) (\d{3})\b")
_BATCH_ID = re.compile(r"[0-9]{18}")  # in formats that name our batch
_REFERENCE = re.compile(r"^([PRFS])(\d{18})([1-9A-Z])$")
_CREDIT_KINDS = [int(kind) for kind in (Kind.PAYOUT, Kind.REFUND, Kind.FEE, Kind.SWEEP)]
WAITING = 0  # statement_line.matched: its cause is known and must be written first
_ON_ITS_WAY = [int(s) for s in (BatchStatus.RELEASING, BatchStatus.SENT, BatchStatus.RECEIPTED, BatchStatus.ANSWERED, BatchStatus.UNKNOWN)]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement as the bank booked it."""

    line_no: int
    incoming: bool
    category: int
    amount: int
    reference: str | None  # EDI
    description: str | None  # 摘要


@dataclass(frozen=True, slots=True)
class Statement:
    """One account, one booking day."""

    bank_code: str
    branch_code: str
    account_type: int
    account_number: str
    booked_on: date
    number: int
    opening: int
    closing: int
    lines: Sequence[StatementLine]


@dataclass(frozen=True, slots=True)
class _Here:
    home: int
    account_id: int
    site_id: int
    sellers: bool  # a direct seller's own account: his money, no part of our ledger
    statement: Statement
    reply_id: int
    now: datetime
    machine_now: datetime

    @property
    def day(self) -> int:
        return day_number(self.machine_now)


async def take(tx: Tx, reply_id: int, statement: Statement, *, now: datetime, machine_now: datetime) -> tuple[int, str | None]:
    """Imports a statement in one transaction; answers the reply's status (2 applied, 3 held, 4 a repeat) and, if held, why."""
    account = await tx.row(
        "select home, account_id, site_id, party_id from account where bank_code = $1 and branch_code = $2 and account_type = $3 and account_number = $4",
        statement.bank_code,
        statement.branch_code,
        statement.account_type,
        statement.account_number,
    )
    if account is None:
        return await _held(tx, reply_id, "UNKNOWN_ACCOUNT", "a statement of an account that is not ours", now)
    sellers = account["party_id"] is not None
    here = _Here(account["home"], account["account_id"], account["site_id"], sellers, statement, reply_id, now, machine_now)
    await tx.run("update reply set home = $2, account_id = $3 where reply_id = $1", reply_id, here.home, here.account_id)
    came_in = sum(line.amount for line in statement.lines if line.incoming)
    went_out = sum(line.amount for line in statement.lines if not line.incoming)
    if statement.opening + came_in - went_out != statement.closing:
        return await _held(tx, reply_id, "DOES_NOT_ADD_UP", "opening + credits - debits is not the closing balance", now, here.home)
    before = await tx.row(
        "select reply_id from statement where home = $1 and account_id = $2 and booked_on = $3 and number = $4",
        here.home,
        here.account_id,
        statement.booked_on,
        statement.number,
    )
    if before is not None:
        return await _held(
            tx, reply_id, "SECOND_STATEMENT", "another statement of this account, day and number is here already", now, here.home
        )
    await _lock(tx, here, [line.reference for line in statement.lines])
    before_it = await _booked(tx, here)
    await _check_chain(tx, here)
    await tx.run(
        "insert into statement(home, account_id, booked_on, number, reply_id, opening, credits, debits, closing) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        here.home,
        here.account_id,
        statement.booked_on,
        statement.number,
        reply_id,
        statement.opening,
        came_in,
        went_out,
        statement.closing,
    )
    await tx.copy_in(
        "statement_line",
        ("home", "account_id", "booked_on", "number", "line_no", "incoming", "category", "amount", "reference", "description"),
        [
            (
                here.home,
                here.account_id,
                statement.booked_on,
                statement.number,
                line.line_no,
                line.incoming,
                line.category,
                line.amount,
                line.reference,
                line.description,
            )
            for line in statement.lines
        ],
    )
    entries: list[stream.StreamEntry] = []
    paid_later = 0
    for line in statement.lines:
        matched, batch_id, contract_id, told = await _match(tx, here, line)
        entries += told
        await tx.run(
            "update statement_line set matched = $6, batch_id = $7, contract_id = $8 "
            "where home = $1 and account_id = $2 and booked_on = $3 and number = $4 and line_no = $5",
            here.home,
            here.account_id,
            statement.booked_on,
            statement.number,
            line.line_no,
            matched,
            batch_id,
            contract_id,
        )
        if not line.incoming and line.category == CREDIT and matched == MATCHED:
            kind = await tx.value("select kind from batch where home = $1 and batch_id = $2", here.home, batch_id)
            paid_later += line.amount if kind == Kind.PAYOUT else 0
    await _look_up(tx, here)
    await _explain_opening(tx, here, await _booked(tx, here) - before_it - paid_later)
    await stream.append(tx, here.home, machine_now, entries)
    return 2, None


async def _look_up(tx: Tx, here: _Here) -> None:
    """Debit files of that day or earlier that are UNKNOWN: their lump may be here now, or is missing for good."""
    rows = await tx.rows(
        "select batch_id from batch where home = $1 and account_id = $2 and kind = $3 and status = $4 and value_on <= $5 order by batch_id for update",
        here.home,
        here.account_id,
        int(Kind.DEBIT),
        int(BatchStatus.UNKNOWN),
        here.statement.booked_on,
    )
    for row in rows:
        batch = await batches.load(tx, here.home, row["batch_id"])
        assert batch is not None
        await looking_up.by_lump(tx, batch, now=here.now, machine_now=here.machine_now)


async def _booked(tx: Tx, here: _Here) -> int:
    return int(await tx.value("select booked from account where home = $1 and account_id = $2", here.home, here.account_id))


async def _explain_opening(tx: Tx, here: _Here, change: int) -> None:
    """An account's first statement took what was there for the site's own; one of an earlier day that comes late tells what it was.

    `change`: what this statement has booked, or had booked by a fact that is still on its way to its contracts.
    """
    first = await tx.row(
        "select t.booked_on from statement t join posting p on p.home = t.home and p.cause = t.reply_id and p.no = 0 and p.source_kind = $4 "
        "where t.home = $1 and t.account_id = $2 and t.booked_on > $3 and not exists (select 1 from statement e where e.home = t.home "
        "and e.account_id = t.account_id and e.booked_on < t.booked_on and (e.booked_on, e.number) <> ($3, $5))",
        here.home,
        here.account_id,
        here.statement.booked_on,
        int(AccountKind.OWN),
        here.statement.number,
    )
    if first is None or change == 0:
        return
    own, cash = (int(AccountKind.OWN), here.site_id), (int(AccountKind.CASH), here.account_id)
    await post(
        tx, here.home, here.day, here.reply_id, 0, *((cash, own) if change > 0 else (own, cash)), abs(change), first["booked_on"], line=2
    )
    await sweeps.move(tx, here.home, here.account_id, -change, here.now, explained=True)


async def _lock(tx: Tx, here: _Here, references: Sequence[str | None]) -> None:
    """Contracts first, then accounts, each in order, as every chunk does; a sweep is on the statements of two accounts at once."""
    named = [_REFERENCE.match((reference or "").strip()) for reference in references]
    returned = [int(match[2]) for match in named if match is not None and match[1] == "P"]
    await tx.rows(
        "select 1 from contract_state where home = $1 and contract_id = any($2::bigint[]) order by contract_id for update",
        here.home,
        returned,
    )
    await tx.rows(
        "select 1 from account where home = $1 and site_id = $2 and (party_id is null or account_id = $3) order by account_id for update",
        here.home,
        here.site_id,
        here.account_id,
    )


async def match_waiting(tx: Tx, home: int, batch_id: int, *, now: datetime, machine_now: datetime) -> int:
    """Looks again at lines of a batch's account that waited for their cause to be written (a return seen before its payout's booking).

    Answers how many were matched.
    """
    account_id = await tx.value("select account_id from batch where home = $1 and batch_id = $2", home, batch_id)
    rows = await tx.rows(
        "select l.booked_on, l.number, l.line_no, l.incoming, l.category, l.amount, l.reference, l.description, t.reply_id, a.site_id, "
        "a.party_id is not null as sellers "
        "from statement_line l join statement t using (home, account_id, booked_on, number) join account a using (home, account_id) "
        "where l.home = $1 and l.account_id = $2 and l.matched = 0 order by l.booked_on, l.number, l.line_no for update of l",
        home,
        account_id,
    )
    entries: list[stream.StreamEntry] = []
    done = 0
    for row in rows:
        statement = Statement("", "", 0, "", row["booked_on"], row["number"], 0, 0, ())
        here = _Here(home, account_id, row["site_id"], row["sellers"], statement, row["reply_id"], now, machine_now)
        if not done:
            await _lock(tx, here, [other["reference"] for other in rows])
        line = StatementLine(row["line_no"], row["incoming"], row["category"], row["amount"], row["reference"], row["description"])
        matched, cause, contract_id, told = await _match(tx, here, line)
        entries += told
        done += matched != WAITING
        await tx.run(
            "update statement_line set matched = $6, batch_id = $7, contract_id = $8 "
            "where home = $1 and account_id = $2 and booked_on = $3 and number = $4 and line_no = $5",
            home,
            account_id,
            row["booked_on"],
            row["number"],
            row["line_no"],
            matched,
            cause,
            contract_id,
        )
    await stream.append(tx, home, machine_now, entries)
    return done


async def _held(tx: Tx, reply_id: int, code: str, reason: str, now: datetime, home: int | None = None) -> tuple[int, str]:
    await exceptions.record(
        tx,
        code=code,
        reference=f"statement:{reply_id}",
        reason=f"{reason}; nothing of it was booked",
        now=now,
        home=home,
        reply_id=reply_id,
    )
    return 3, reason


async def _check_chain(tx: Tx, here: _Here) -> None:
    """The opening balance must be the closing one of the statement before; a gap is listed, the statement is taken all the same.

    The first statement of an account may open with money that was there before us: it is the site's own.
    """
    before = await tx.row(
        "select closing, booked_on from statement where home = $1 and account_id = $2 and (booked_on, number) < ($3, $4) "
        "order by booked_on desc, number desc limit 1",
        here.home,
        here.account_id,
        here.statement.booked_on,
        here.statement.number,
    )
    if before is None:
        ours = await tx.value(
            "select coalesce(sum(case when destination_kind = $3 and destination = $2 then amount else -amount end), 0)::bigint from posting "
            "where home = $1 and ((destination_kind = $3 and destination = $2) or (source_kind = $3 and source = $2)) and booked_on < $4",
            here.home,
            here.account_id,
            int(AccountKind.CASH),
            here.statement.booked_on,
        )
        there = here.statement.opening - int(ours)
        if here.sellers:
            return
        if there < 0:
            await _gap(tx, here, f"the first statement opens with {-there} yen less than we hold to be there")
        if there > 0:
            opening = StatementLine(0, incoming=True, category=0, amount=there, reference=None, description=None)
            await _book(tx, here, opening, (int(AccountKind.OWN), here.site_id), (int(AccountKind.CASH), here.account_id))
    elif before["closing"] != here.statement.opening:
        await _gap(
            tx,
            here,
            f"the statement of {here.statement.booked_on} opens with another balance than that of {before['booked_on']} closed with",
        )


async def _gap(tx: Tx, here: _Here, reason: str) -> None:
    await exceptions.record(
        tx,
        code="STATEMENT_GAP",
        reference=f"statement-gap:{here.reply_id}",
        reason=reason,
        now=here.now,
        home=here.home,
        reply_id=here.reply_id,
    )


_Matched = tuple[int, int | None, int | None, list[stream.StreamEntry]]


async def _match(tx: Tx, here: _Here, line: StatementLine) -> _Matched:
    if here.sellers:  # only the lumps of our files say something to us; what else moves there is the seller's business
        lump = await _debit_lump(tx, here, line) if line.incoming and line.category == DEBIT_LUMP else None
        return lump or (MATCHED, None, None, [])
    if line.incoming and line.category == DEBIT_LUMP:
        return await _debit_lump(tx, here, line) or await _suspense(tx, here, line)
    if not line.incoming and line.category == CREDIT:
        return await _file_debited(tx, here, line) or await _suspense(tx, here, line)
    if line.incoming and line.category == CREDIT:
        return await _credited(tx, here, line) or await _suspense(tx, here, line)
    if not line.incoming and line.category == CHARGE:
        return await _charge(tx, here, line)
    return await _suspense(tx, here, line)


async def _debit_lump(tx: Tx, here: _Here, line: StatementLine) -> _Matched | None:
    """The one credit of a debit file: explained by its result, or awaited until the result comes."""
    rows = await _candidates(tx, here, line, [int(Kind.DEBIT)], "91")
    fitting = []
    for row in rows:
        if row["status"] == BatchStatus.ANSWERED:
            if await sweeps.debited_in(tx, here.home, row["batch_id"]) == line.amount:
                fitting.append((MATCHED, row["batch_id"]))
        elif line.amount <= row["amount"]:
            fitting.append((AWAITED, row["batch_id"]))
    if len(fitting) == 1:
        return fitting[0][0], fitting[0][1], None, []
    if not fitting and len(rows) == 1 and rows[0]["status"] == BatchStatus.ANSWERED and not here.sellers:
        batch = await batches.load(tx, here.home, rows[0]["batch_id"])
        assert batch is not None
        more = line.amount - await sweeps.debited_in(tx, here.home, batch.batch_id)
        cause = (here.reply_id, line.line_no)
        await sweeps.lump_differs(tx, batch, more, cause, on=here.statement.booked_on, now=here.now, day=here.day)
        return SUSPENDED, batch.batch_id, None, []
    return None


async def _file_debited(tx: Tx, here: _Here, line: StatementLine) -> _Matched | None:
    """The one debit of a 21 file: a sweep has left, or sellers are paid."""
    rows = [row for row in await _candidates(tx, here, line, _CREDIT_KINDS, "21") if row["amount"] == line.amount]
    if len(rows) != 1:
        return None
    row = rows[0]
    on = here.statement.booked_on
    if row["kind"] == Kind.SWEEP:
        await sweeps.left(tx, here.home, row["batch_id"], on, here.day)
    elif row["kind"] == Kind.PAYOUT:
        await facts.announce(tx, here.home, row["batch_id"], facts.BatchNews.PAID, happened_on=on, now=here.now)
    else:
        return None
    if row["status"] != BatchStatus.CLOSED:
        await tx.run(
            # a sweep that has left is still awaited at the other end
            "update batch set status = $3, sent_at = coalesce(sent_at, $4), answered_at = $4, overdue_at = case when $5 then overdue_at end "
            "where home = $1 and batch_id = $2",
            here.home,
            row["batch_id"],
            int(BatchStatus.ANSWERED if row["kind"] == Kind.SWEEP else BatchStatus.CLOSED),
            here.now,
            row["kind"] == Kind.SWEEP,
        )
    return MATCHED, row["batch_id"], None, []


async def _candidates(tx: Tx, here: _Here, line: StatementLine, kinds: list[int], layout: str) -> list[Any]:
    """Batches of this account and day that no statement line has explained yet; the file's number decides where the bank says it.

    They are locked: who ends the batch's result waits, and then sees what became of this line.
    """
    rows = await tx.rows(
        "select batch_id, kind, status, amount, number, parts from batch b where home = $1 and account_id = $2 and value_on = $3 "
        "and kind = any($4::smallint[]) and (status = any($5::smallint[]) or (kind = $6 and status = 7)) and not exists "
        "(select 1 from statement_line l where l.home = b.home and l.account_id = b.account_id and l.booked_on = b.value_on "  # not all its years
        "and l.batch_id = b.batch_id and l.matched in (1, 2) and l.incoming = $7) for update",
        here.home,
        here.account_id,
        here.statement.booked_on,
        kinds,
        _ON_ITS_WAY,
        int(Kind.SWEEP),
        line.incoming,
    )
    if _BATCH_ID.fullmatch(line.description or ""):
        return [row for row in rows if row["batch_id"] == int(line.description or "")]
    named = _NUMBER.search(line.description or "")
    if named and named[1] == layout:
        return [row for row in rows if row["number"] == int(named[3])]
    return rows


async def _credited(tx: Tx, here: _Here, line: StatementLine) -> _Matched | None:
    """A credit with our reference: a sweep has arrived, or a payout has come back."""
    named = _REFERENCE.match((line.reference or "").strip())
    if named is None:
        return None
    number = int(named[2])
    if home_of(number) != here.home:
        return None
    if named[1] == "S" and await sweeps.arrived(
        tx, here.home, number, here.account_id, line.amount, here.statement.booked_on, now=here.now, day=here.day
    ):
        return MATCHED, number, None, []
    if named[1] == "P":
        return await _payout_returned(tx, here, line, number, int(named[3], 36))
    return None


async def _payout_returned(tx: Tx, here: _Here, line: StatementLine, contract_id: int, attempt: int) -> _Matched | None:
    """The seller's bank could not credit it: back to payable, to another account only (S59). Waits for the payout's own booking."""
    # The state is locked first and the line read after it: a worker may just be writing to both that this payout was booked.
    state = await tx.row(
        "select payout, gross, net, site_id from contract_state where home = $1 and contract_id = $2 for update", here.home, contract_id
    )
    found = await tx.row(
        "select l.batch_id, l.outcome, l.amount, b.account_id from line l join batch b using (home, batch_id) "
        "where l.home = $1 and l.contract_id = $2 and l.kind = $3 and l.attempt = $4",
        here.home,
        contract_id,
        int(Kind.PAYOUT),
        attempt,
    )
    if state is None or found is None or (found["amount"], found["account_id"]) != (line.amount, here.account_id):
        return None
    row = {**dict(state), **dict(found)}
    if row["payout"] in (PayoutStatus.INSTRUCTED, PayoutStatus.UNKNOWN) and row["outcome"] == LineOutcome.OPEN:
        return WAITING, row["batch_id"], contract_id, []
    if row["payout"] != PayoutStatus.PAID or row["outcome"] != LineOutcome.DONE:
        return None
    await tx.run(
        "update line set outcome = $5, blocking = false where home = $1 and contract_id = $2 and kind = $3 and attempt = $4",
        here.home,
        contract_id,
        int(Kind.PAYOUT),
        attempt,
        int(LineOutcome.RETURNED),
    )
    no = await tx.value(
        "update contract_state set payout = $3, held = held + gross, settled = 0, settled_on = null, event_count = event_count + 1 "
        "where home = $1 and contract_id = $2 returning event_count",
        here.home,
        contract_id,
        int(PayoutStatus.RETURNED),
    )
    on = here.statement.booked_on
    await tx.run(
        "insert into event(home, contract_id, no, kind, at, happened_on) values ($1, $2, $3, $4, $5, $6)",
        here.home,
        contract_id,
        no,
        int(EventKind.PAYOUT_RETURNED),
        here.now,
        on,
    )
    owed, main = (int(AccountKind.OWED), contract_id), (int(AccountKind.CASH), here.account_id)
    await post(tx, here.home, here.day, contract_id, no, owed, main, row["net"], on)
    if row["gross"] > row["net"]:
        fees = (int(AccountKind.FEES), row["site_id"])
        await post(tx, here.home, here.day, contract_id, no, owed, fees, row["gross"] - row["net"], on, line=2)
    await tx.run("update account set booked = booked + $3 where home = $1 and account_id = $2", here.home, here.account_id, row["net"])
    await exceptions.record(
        tx,
        code="PAYOUT_RETURNED",
        reference=f"returned:{contract_id}:{attempt}",
        reason="the seller's bank sent the payout back; the seller must give another account, nothing is sent again by itself",
        now=here.now,
        home=here.home,
        batch_id=row["batch_id"],
        contract_id=contract_id,
        amount=line.amount,
    )
    return MATCHED, row["batch_id"], contract_id, [stream.StreamEntry(row["site_id"], int(EventKind.PAYOUT_RETURNED), [contract_id], [no])]


async def _charge(tx: Tx, here: _Here, line: StatementLine) -> _Matched:
    """A charge of the bank is the site's own, never a contract's money (S11)."""
    await _book(tx, here, line, (int(AccountKind.CASH), here.account_id), (int(AccountKind.OWN), here.site_id))
    return MATCHED, None, None, []


async def _suspense(tx: Tx, here: _Here, line: StatementLine) -> _Matched:
    """What nothing explains: booked as the bank shows it, against suspense, and listed for a person."""
    cash, suspense = (int(AccountKind.CASH), here.account_id), (int(AccountKind.SUSPENSE), here.account_id)
    await _book(tx, here, line, *((suspense, cash) if line.incoming else (cash, suspense)))
    await exceptions.record(
        tx,
        code="UNMATCHED",
        reference=f"unmatched:{here.reply_id}:{line.line_no}",
        reason=f"a {'credit' if line.incoming else 'debit'} of {line.amount} yen on {here.statement.booked_on} that nothing of ours explains",
        now=here.now,
        home=here.home,
        reply_id=here.reply_id,
        amount=line.amount,
    )
    return SUSPENDED, None, None, []


async def _book(tx: Tx, here: _Here, line: StatementLine, source: tuple[int, int], destination: tuple[int, int]) -> None:
    await post(tx, here.home, here.day, here.reply_id, line.line_no, source, destination, line.amount, here.statement.booked_on)
    change = line.amount if line.incoming else -line.amount
    await sweeps.move(tx, here.home, here.account_id, change, here.now, explained=line.category == CHARGE)
