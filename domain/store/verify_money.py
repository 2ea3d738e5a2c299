"""Accounts, ledger and statements against each other (K1, I01). Statements over one home: `$1` home."""

from __future__ import annotations

from domain.ledger import AccountKind
from domain.statuses import Kind, LineOutcome, SweepStatus
from domain.store.connection import Tx
from domain.store.facts import BatchNews
from domain.store.sweeps import AWAITED, MATCHED
from domain.store.verify_findings import Finding, Rule, run

_CASH, _TRANSIT, _OWED, _DIRECT = (int(kind) for kind in (AccountKind.CASH, AccountKind.TRANSIT, AccountKind.OWED, AccountKind.DIRECT))


def _sums(kind: int, *, by_day: bool = False) -> str:
    """What each account of a kind holds, or what moved on it each day, by its postings."""
    day = ", booked_on" if by_day else ""
    return (
        f"select id{day}, sum(yen)::bigint as yen from ("
        f"select destination as id, booked_on, amount as yen from posting where home = $1 and destination_kind = {kind} union all "
        f"select source, booked_on, -amount from posting where home = $1 and source_kind = {kind}) moved group by id{day}"
    )


_BOOKED = f"""
select a.account_id, coalesce(c.yen, 0) as expected, a.booked as found
  from account a left join ({_sums(_CASH)}) c on c.id = a.account_id where a.home = $1 and a.booked <> coalesce(c.yen, 0)"""

_RESERVED = f"""
select a.account_id, coalesce(p.yen, 0) + coalesce(s.yen, 0) as expected, a.reserved as found
  from account a
  left join (select b.account_id, sum(l.amount)::bigint as yen from line l join batch b on b.home = l.home and b.batch_id = l.batch_id
              where l.home = $1 and l.kind = {int(Kind.PAYOUT)} and l.outcome = {int(LineOutcome.OPEN)} group by b.account_id) p
    on p.account_id = a.account_id
  left join (select from_account, sum(amount)::bigint as yen from sweep
              where home = $1 and left_on is null and status <> {int(SweepStatus.VOID)} group by from_account) s on s.from_account = a.account_id
 where a.home = $1 and a.reserved <> coalesce(p.yen, 0) + coalesce(s.yen, 0)"""

_IN_TRANSIT = f"""
select t.id as site_id, coalesce(s.yen, 0) as expected, t.yen as found from ({_sums(_TRANSIT)}) t
  left join (select site_id, sum(amount)::bigint as yen from sweep
              where home = $1 and left_on is not null and arrived_on is null and status <> {int(SweepStatus.VOID)} group by site_id) s
    on s.site_id = t.id
 where t.yen <> coalesce(s.yen, 0) or t.yen < 0"""

_THROUGH = f"select 0 as expected, yen as found from ({_sums(_DIRECT)}) d where yen <> 0"

_STRAY = f"""
select distinct case when source_kind = {_OWED} then source else destination end as contract_id, 'under its contract' as expected,
       'under ' || cause as found
  from posting where home = $1 and (source_kind = {_OWED} and source <> cause or destination_kind = {_OWED} and destination <> cause)"""

_STATEMENT_LINES = """
select t.account_id, t.credits || ' in, ' || t.debits || ' out' as expected, coalesce(l.came, 0) || ' in, ' || coalesce(l.went, 0) || ' out' as found
  from statement t left join (
       select account_id, booked_on, number, coalesce(sum(amount) filter (where incoming), 0) as came,
              coalesce(sum(amount) filter (where not incoming), 0) as went
         from statement_line where home = $1 group by account_id, booked_on, number
       ) l using (account_id, booked_on, number)
 where t.home = $1 and (t.credits <> coalesce(l.came, 0) or t.debits <> coalesce(l.went, 0))"""

# A gap that a person knows of is not found again: it is on the list until it is closed.
_KNOWN_GAP = (
    "exists (select 1 from exception e join statement g on g.reply_id = e.reply_id and g.home = $1 and g.account_id = x.account_id "
    "and g.booked_on <= x.booked_on where e.code = 'STATEMENT_GAP' and e.closed_at is null)"
)
_CHAIN = f"""
select account_id, before as expected, opening as found from (
       select account_id, booked_on, opening, lag(closing) over (partition by account_id order by booked_on, number) as before
         from statement where home = $1) x
  join account a using (account_id)
 where a.home = $1 and opening <> before and a.party_id is null and not {_KNOWN_GAP}"""

# What a statement shows and the ledger does not show yet, each with its name: a lump whose result is awaited, applied in part or
# different (LUMP_DIFFERS); a return that waits for its payout; a payout file whose booking is on its way to its contracts.
_NAMED = f"""
select l.account_id, l.booked_on, l.amount - coalesce((select sum(x.amount) from line x where x.home = $1 and x.batch_id = l.batch_id
       and x.outcome in ({int(LineOutcome.DONE)}, {int(LineOutcome.REVERSED)})), 0) as yen
  from statement_line l where l.home = $1 and l.matched = {AWAITED} and l.incoming
union all
select account_id, booked_on, case when incoming then amount else -amount end from statement_line where home = $1 and matched = 0
union all
select l.account_id, l.booked_on, coalesce((select sum(x.amount) from line x where x.home = $1 and x.batch_id = l.batch_id
       and x.outcome in ({int(LineOutcome.DONE)}, {int(LineOutcome.RETURNED)})), 0) - l.amount
  from statement_line l join batch_fact f on f.home = $1 and f.batch_id = l.batch_id and f.fact = {int(BatchNews.PAID)}
 where l.home = $1 and l.matched = {MATCHED} and not l.incoming"""

_DAYS = f"""
select account_id, closing as expected, ledger + named as found from (
       select t.account_id, t.booked_on, t.closing,
              (select coalesce(sum(m.yen), 0) from moved m where m.id = t.account_id and m.booked_on <= t.booked_on)::bigint as ledger,
              (select coalesce(sum(n.yen), 0) from named n where n.account_id = t.account_id and n.booked_on <= t.booked_on)::bigint as named
         from last t) x
 where closing <> ledger + named and not {_KNOWN_GAP}"""
_LEDGER = f"""
with moved as materialized ({_sums(_CASH, by_day=True)}), named as materialized ({_NAMED}),
     last as (select distinct on (account_id, booked_on) account_id, booked_on, closing from statement join account a using (home, account_id)
               where home = $1 and a.party_id is null order by account_id, booked_on, number desc)
{_DAYS}"""

RULES = (
    Rule("an account's row is what the ledger says", _BOOKED, "I01"),
    Rule("reserved is what open payouts and sweeps will take", _RESERVED, "I01"),
    Rule("what is between two accounts has left one and not reached the other", _IN_TRANSIT, "K1"),
    Rule("nothing stays with a bank in direct settlements", _THROUGH, "K1"),
    Rule("what moves a contract's money stands under the contract", _STRAY, "K1"),
    Rule("a statement's lines add up to its totals", _STATEMENT_LINES, "I01"),
    Rule("a statement opens as the one before it closed", _CHAIN, "I01"),
    Rule("the ledger shows what the bank's statement shows", _LEDGER, "I01"),
)


async def check(tx: Tx, home: int) -> list[Finding]:
    """All accounts and statements of a home."""
    return await run(tx, RULES, home)
