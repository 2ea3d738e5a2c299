"""Reconciliation (照合): each of our accounts by its ledger, by its bank's statement, and what lies between the two (I01, K1).

    balance on the last statement = ledger - what the bank has not shown yet + what the ledger does not show yet + unexplained

Everything between is named: a movement under way, or an open break with its age. `unexplained` is 0 unless something is wrong with us.
Read-only, in one snapshot, from accounts, open batches and the list of exceptions; never from the postings of years.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from domain.calendar import business_date
from domain.statuses import BatchStatus, Kind, LineOutcome, SweepStatus
from domain.store.connection import Tx
from domain.store.facts import BatchNews
from domain.store.sweeps import AWAITED, MATCHED

_DEBITED = f"l.outcome in ({int(LineOutcome.DONE)}, {int(LineOutcome.REVERSED)})"
_UNDER_WAY = [int(s) for s in (BatchStatus.RELEASING, BatchStatus.SENT, BatchStatus.RECEIPTED, BatchStatus.ANSWERED, BatchStatus.UNKNOWN)]
LISTED = 500
"""Movements and breaks of one account that are listed at most; the sums count all."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Money under way: what it is, of which batch, the yen (signed as the account will see them), and since which bank date.

    `on_statement` and `in_ledger` say which side shows it already; neither: it was ordered and nobody has booked it.
    """

    what: str
    batch_id: int | None
    contract_id: int | None
    name: str | None
    yen: int
    since: date
    days: int
    on_statement: bool = False
    in_ledger: bool = False


@dataclass(frozen=True, slots=True)
class Break:
    """What does not match and waits for a person: `yen` is null where no sum belongs to it."""

    code: str
    reason: str
    yen: int | None
    since: date
    days: int
    exception_id: int | None = None
    batch_id: int | None = None
    contract_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One of our accounts. Yen throughout; `statement_on` and `statement` are null before its first statement.

    `pending`: in the ledger, not yet on a statement (net). `ahead`: on a statement, not yet in the ledger (net).
    """

    home: int
    account_id: int
    site_id: int
    bank_code: str
    branch_code: str
    account_type: int
    account_number: str
    main: bool
    ledger: int
    reserved: int
    statement_on: date | None
    statement: int | None
    pending: int
    ahead: int
    unexplained: int | None
    movements: list[Movement] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Reconciled({self.bank_code}, site {self.site_id}, ledger {self.ledger}, unexplained {self.unexplained})"


# In the ledger and not on a statement: a debit's result came before the lump ...
_LUMPS_TO_COME = f"""
select b.home, b.account_id, b.batch_id, b.name, b.value_on,
       (select coalesce(sum(l.amount), 0) from line l where l.home = b.home and l.batch_id = b.batch_id and {_DEBITED})::bigint as yen
  from batch b
 where b.home = $1 and b.kind = {int(Kind.DEBIT)} and not b.direct and b.parts > 0 and b.account_id = any($2::bigint[])
   and not exists (select 1 from statement_line s where s.home = b.home and s.account_id = b.account_id and s.booked_on = b.value_on
                      and s.batch_id = b.batch_id and s.incoming)"""
# ... or a sweep arrived before the statement of the account that it left was here.
_SWEEPS_TO_LEAVE = """
select w.home, w.from_account as account_id, b.batch_id, b.name, b.value_on, -w.amount as yen
  from sweep w join batch b on b.home = w.home and b.batch_id = w.sweep_id
 where w.home = $1 and w.left_on is not null and w.from_account = any($2::bigint[])
   and not exists (select 1 from statement_line s where s.home = w.home and s.account_id = w.from_account and s.booked_on = b.value_on
                      and s.batch_id = w.sweep_id and not s.incoming)"""
# On a statement and not in the ledger: a lump whose result is still due (or half applied), a return that came before its payout's
# booking, and a payout file whose booking is being carried to its contracts.
_TO_BE_BOOKED = f"""
select x.home, x.account_id, x.batch_id, x.contract_id, b.name, x.booked_on as value_on, x.yen, x.what from (
  select s.home, s.account_id, s.batch_id, null::bigint as contract_id, s.booked_on, 'LUMP_AWAITS_RESULT' as what,
         s.amount - (select coalesce(sum(l.amount), 0) from line l where l.home = s.home and l.batch_id = s.batch_id and {_DEBITED})::bigint as yen
    from statement_line s where s.home = $1 and s.account_id = any($2::bigint[]) and s.matched = {AWAITED} and s.incoming
  union all
  select s.home, s.account_id, s.batch_id, s.contract_id, s.booked_on, 'RETURN_AWAITS_PAYOUT', case when s.incoming then s.amount else -s.amount end
    from statement_line s where s.home = $1 and s.account_id = any($2::bigint[]) and s.matched = 0
  union all
  select s.home, s.account_id, s.batch_id, null, s.booked_on, 'PAYOUT_BEING_BOOKED',
         (select coalesce(sum(l.amount), 0) from line l where l.home = s.home and l.batch_id = s.batch_id
             and l.outcome in ({int(LineOutcome.DONE)}, {int(LineOutcome.RETURNED)}))::bigint - s.amount
    from batch_fact f
    join statement_line s on s.home = f.home and s.batch_id = f.batch_id and s.booked_on = f.happened_on and not s.incoming and s.matched = {MATCHED}
   where f.home = $1 and f.fact = {int(BatchNews.PAID)} and s.account_id = any($2::bigint[])) x
  left join batch b on b.home = x.home and b.batch_id = x.batch_id where x.yen <> 0"""
# Ordered, and booked by nobody yet.
_ORDERED = f"""
select b.home, b.account_id, b.batch_id, b.name, b.value_on, b.kind, case when b.kind = {int(Kind.DEBIT)} then b.amount else -b.amount end as yen
  from batch b
 where b.home = $1 and b.account_id = any($2::bigint[]) and not b.direct and b.status = any($3::smallint[])
   and (b.kind <> {int(Kind.DEBIT)} or b.parts = 0)
   and not exists (select 1 from statement_line s where s.home = b.home and s.account_id = b.account_id and s.booked_on = b.value_on
                      and s.batch_id = b.batch_id)"""
# Between two accounts of a site.
_BETWEEN = f"""
select w.home, w.to_account as account_id, w.sweep_id as batch_id, b.name, w.left_on as value_on, w.amount as yen
  from sweep w join batch b on b.home = w.home and b.batch_id = w.sweep_id
 where w.home = $1 and w.to_account = any($2::bigint[]) and w.left_on is not null and w.arrived_on is null and w.status <> {int(SweepStatus.VOID)}"""

# Announced by the bank, not taken back, and not on a statement: a statement line of that day, amount and reference answers one notice.
_ANNOUNCED = """
select n.home, n.account_id, n.booked_on as value_on, n.reference as name, null::bigint as batch_id,
       (n.amount * (n.told - (select count(*) from statement_line s where s.home = n.home and s.account_id = n.account_id
           and s.booked_on = n.booked_on and s.incoming and s.amount = n.amount and coalesce(s.reference, '') = n.reference)))::bigint as yen
  from (select home, account_id, booked_on, amount, coalesce(reference, '') as reference, sum(case when cancels then -1 else 1 end) as told
          from credit_notice where home = $1 and account_id = any($2::bigint[]) and booked_on > $3 group by 1, 2, 3, 4, 5) n"""
_BREAKS = """
select coalesce(t.account_id, r.account_id, b.account_id, k.account_id) as account_id, x.exception_id, x.code, x.reason, x.amount, x.batch_id, x.contract_id,
       coalesce(t.booked_on, (x.at at time zone 'Asia/Tokyo')::date) as since
  from exception x
  left join lateral (select account_id, booked_on from statement t where t.home = $1 and t.reply_id = x.reply_id limit 1) t on true
  left join lateral (select account_id from reply r where r.reply_id = x.reply_id limit 1) r on true
  left join lateral (select account_id from batch b where b.home = $1 and b.batch_id = x.batch_id limit 1) b on true
  left join lateral (select account_id from account a where a.home = $1
       and x.reference like 'overdrawn:' || $1 || ':' || a.account_id || ':%' limit 1) k on true
 where x.closed_at is null and x.home = $1 and x.code = any($3::text[]) and coalesce(t.account_id, r.account_id, b.account_id, k.account_id) = any($2::bigint[])
 order by x.exception_id"""
MONEY = (
    "UNMATCHED",
    "LUMP_DIFFERS",
    "STATEMENT_GAP",
    "SECOND_STATEMENT",
    "DOES_NOT_ADD_UP",
    "SWEEP_SHORT",
    "SWEEP_UNCOVERED",
    "OVERDRAWN",
)
"""Codes of the exceptions list that are about an account's money."""

ANNOUNCED_DAYS = 400
"""Notices of so many days are compared with the statements."""

ARRIVAL_DAYS = 3
"""A sweep that has left and is not in the main account's statement of so many days later is a break."""


async def accounts(tx: Tx, *, now: datetime, site_id: int | None = None, bank_code: str | None = None) -> list[Reconciled]:
    """All accounts of ours (or of one site, or at one bank), main accounts first within their site.

    Args:
        tx: An open snapshot.
        now: Business time; ages are counted in days up to its date.
        site_id: Only this site's.
        bank_code: Only at this bank.
    """
    rows = await tx.rows(
        "select a.home, a.account_id, a.site_id, a.bank_code, a.branch_code, a.account_type, a.account_number, a.main, a.booked, a.reserved, "
        "t.booked_on, t.closing from account a left join lateral (select booked_on, closing from statement t where t.home = a.home "
        "and t.account_id = a.account_id order by booked_on desc, number desc limit 1) t on true "
        "where a.party_id is null and ($1::int is null or a.site_id = $1) and ($2::text is null or a.bank_code = $2) "
        "order by a.site_id, a.main desc, a.bank_code, a.account_id",
        site_id,
        bank_code,
    )
    homes: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        homes[row["home"]].append(row)
    today = business_date(now)
    found = {}
    for home, own in homes.items():
        for one in await _home(tx, home, own, today):
            found[one.account_id] = one
    return [found[row["account_id"]] for row in rows]


async def _home(tx: Tx, home: int, rows: list[Any], today: date) -> list[Reconciled]:
    ids = [row["account_id"] for row in rows]
    through = {row["account_id"]: row["booked_on"] for row in rows}
    pending: dict[int, int] = defaultdict(int)
    ahead: dict[int, int] = defaultdict(int)
    movements: dict[int, list[Movement]] = defaultdict(list)
    breaks: dict[int, list[Break]] = defaultdict(list)
    for what, sql in (("LUMP_NOT_ON_STATEMENT", _LUMPS_TO_COME), ("SWEEP_NOT_ON_STATEMENT", _SWEEPS_TO_LEAVE)):
        for row in await tx.rows(sql, home, ids):
            if row["yen"]:
                pending[row["account_id"]] += row["yen"]
                movements[row["account_id"]].append(_movement(what, row, today, in_ledger=True))
                _missing(breaks, row, what, through, today)
    for row in await tx.rows(_TO_BE_BOOKED, home, ids):
        ahead[row["account_id"]] += row["yen"]
        movements[row["account_id"]].append(_movement(row["what"], row, today, on_statement=True))
    for row in await tx.rows(_ORDERED, home, ids, _UNDER_WAY):
        what = f"{Kind(row['kind']).name}_SENT"
        movements[row["account_id"]].append(_movement(what, row, today))
        if row["kind"] != Kind.DEBIT:  # a debit file may debit nobody, and then there is no lump
            _missing(breaks, row, f"{Kind(row['kind']).name}_NOT_ON_STATEMENT", through, today)
    for row in await tx.rows(_BETWEEN, home, ids):
        movements[row["account_id"]].append(_movement("SWEEP_ON_ITS_WAY", row, today))
        seen = through[row["account_id"]]
        if seen is not None and (seen - row["value_on"]).days >= ARRIVAL_DAYS:
            reason = f"a sweep left on {row['value_on']} and is on no statement of the main account up to {seen}"
            breaks[row["account_id"]].append(_break("SWEEP_NOT_ARRIVED", reason, row, today))
    for row in await tx.rows(_ANNOUNCED, home, ids, today - timedelta(days=ANNOUNCED_DAYS)):
        if row["yen"] > 0:
            movements[row["account_id"]].append(_movement("ANNOUNCED", row, today))
            _missing(breaks, row, "ANNOUNCED_NOT_ON_STATEMENT", through, today)
    for row in await tx.rows(_BREAKS, home, ids, list(MONEY)):
        breaks[row["account_id"]].append(
            Break(
                row["code"],
                row["reason"],
                row["amount"],
                row["since"],
                (today - row["since"]).days,
                row["exception_id"],
                row["batch_id"],
                row["contract_id"],
            )
        )
    return [_one(row, pending, ahead, movements, breaks) for row in rows]


def _one(
    row: Any, pending: dict[int, int], ahead: dict[int, int], movements: dict[int, list[Movement]], breaks: dict[int, list[Break]]
) -> Reconciled:
    account = row["account_id"]
    closing = row["closing"]
    return Reconciled(
        row["home"],
        account,
        row["site_id"],
        row["bank_code"],
        row["branch_code"],
        row["account_type"],
        row["account_number"],
        row["main"],
        row["booked"],
        row["reserved"],
        row["booked_on"],
        closing,
        pending[account],
        ahead[account],
        None if closing is None else closing - (row["booked"] - pending[account] + ahead[account]),
        _oldest(movements[account]),
        _oldest(breaks[account]),
    )


_Dated = TypeVar("_Dated", Movement, Break)


def _oldest(found: Iterable[_Dated]) -> list[_Dated]:
    return sorted(found, key=lambda x: (x.since, x.batch_id or 0))[:LISTED]


def _movement(what: str, row: Any, today: date, *, on_statement: bool = False, in_ledger: bool = False) -> Movement:
    contract_id = row.get("contract_id")
    days = (today - row["value_on"]).days
    return Movement(what, row["batch_id"], contract_id, row["name"], row["yen"], row["value_on"], days, on_statement, in_ledger)


def _break(code: str, reason: str, row: Any, today: date) -> Break:
    return Break(code, reason, abs(row["yen"]), row["value_on"], (today - row["value_on"]).days, None, row["batch_id"])


def _missing(breaks: dict[int, list[Break]], row: Any, what: str, through: dict[int, date | None], today: date) -> None:
    """A statement of the movement's day, or of a later one, is here and does not show it."""
    seen = through[row["account_id"]]
    if seen is not None and seen >= row["value_on"]:
        reason = f"expected for {row['value_on']}, and on no statement up to {seen}"
        breaks[row["account_id"]].append(_break(what, reason, row, today))
