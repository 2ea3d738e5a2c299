"""What settlements add up to, by seller, currency and payout status, without going through them.

The stream tells every change of a status once and in order (I16). What it has told up to `sum_place` is folded into `settlement_sum`, by
a step of the scheduler, a chunk at a time; a reader adds what came after it, from the same snapshot. So the sums are always exact, runs
write nothing for them, and a site with a million contracts has no row that they all wait for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.machines import STATUS_AFTER
from domain.statuses import Currency, EventKind, PayoutStatus
from domain.store.connection import Row, Tx, transaction

WHOLE_SITE = 0  # as seller_id: everybody who sells at the site
ROWS = 200  # of the stream, folded at a time
CONTRACTS = 20_000  # and about so many contracts in them
IDLE = timedelta(seconds=2)
BEHIND = 5  # rows of the stream that are not left to readers any longer


@dataclass(frozen=True, slots=True)
class SumRow:
    """Sum over one currency and payout status: what has been or is to be paid out, after the seller's fee."""

    currency: Currency
    status: PayoutStatus
    rows: int
    amount: int


# What a payout event makes of the status; a contract begins as PENDING.
_AFTER = {EventKind.REGISTERED: PayoutStatus.PENDING} | {
    kind: PayoutStatus(status) for kind, (machine, status) in STATUS_AFTER.items() if machine == "payout"
}
_KINDS = ", ".join(str(int(kind)) for kind in sorted(_AFTER))


def _status(kind: str) -> str:
    whens = " ".join(f"when {int(event)} then {int(status)}" for event, status in sorted(_AFTER.items()))
    return f"(case {kind} {whens} end)::smallint"


# $1 homes; from where each has been folded on, `until`: how far. Each change takes a contract from the status that the last
# payout event before it left, and gives it to the new one.
_CHANGES = f"""
select c.home, c.site_id, c.seller_id, c.currency, x.status, sum(x.sign)::bigint as rows, sum(x.sign * c.net)::bigint as amount
  from (select h.home, coalesce(s.day, 0) as day, coalesce(s.pos, 0) as pos
          from unnest($1::smallint[]) h(home) left join sum_place s using (home)) p
  join stream r on r.home = p.home and (r.day, r.pos) > (p.day, p.pos) {{until}} and r.kind in ({_KINDS})
 cross join lateral unnest(r.contract_ids, r.nos) t(contract_id, no)
 cross join lateral (select home, site_id, seller_id, currency, amount - seller_fee as net from contract
                      where home = p.home and contract_id = t.contract_id limit 1) c
  left join lateral (select e.kind from event e where r.kind <> {int(EventKind.REGISTERED)} and e.home = p.home
                        and e.contract_id = t.contract_id and e.no < t.no and e.kind in ({_KINDS}) order by e.no desc limit 1) was on true
 cross join lateral (values ({_status("r.kind")}, 1), ({_status("was.kind")}, -1)) x(status, sign)
 where x.status is not null {{whose}}
 group by c.home, c.site_id, c.seller_id, c.currency, x.status"""

_FOLD = f"""
insert into settlement_sum as s (home, site_id, seller_id, currency, status, rows, amount)
select home, site_id, coalesce(seller_id, {WHOLE_SITE}), currency, status, sum(rows), sum(amount)
  from ({_CHANGES.format(until="and (r.day, r.pos) <= ($2, $3)", whose="")}) d
 group by grouping sets ((home, site_id, seller_id, currency, status), (home, site_id, currency, status))
having sum(rows) <> 0 or sum(amount) <> 0
on conflict (home, site_id, seller_id, currency, status) do update set rows = s.rows + excluded.rows, amount = s.amount + excluded.amount"""


# $1 home: the sums that are not those of the contracts.
DIFFERING = f"""
select home, concat('site ', site_id, ', seller ', seller_id, ', status ', status, ': ', w.rows, ' rows, ', w.amount, ' yen') as expected,
       concat(t.rows, ' rows, ', t.amount, ' yen') as found
  from (select c.home, c.site_id, coalesce(c.seller_id, {WHOLE_SITE}) as seller_id, c.currency, s.payout as status, count(*) as rows,
               sum(s.net)::bigint as amount from contract c join contract_state s using (home, contract_id) where c.home = $1::smallint
         group by grouping sets ((c.home, c.site_id, c.seller_id, c.currency, s.payout), (c.home, c.site_id, c.currency, s.payout))) w
  full join (
       select home, site_id, seller_id, currency, status, sum(rows)::bigint as rows, sum(amount)::bigint as amount from (
              select home, site_id, seller_id, currency, status, rows, amount from settlement_sum where home = $1::smallint
              union all
              select home, site_id, coalesce(seller_id, {WHOLE_SITE}), currency, status, sum(rows), sum(amount)
                from ({_CHANGES.format(until="", whose="").replace("$1", "array[$1]")}) d
               group by grouping sets ((home, site_id, seller_id, currency, status), (home, site_id, currency, status))) x
        group by home, site_id, seller_id, currency, status having sum(rows) <> 0 or sum(amount) <> 0) t
       using (home, site_id, seller_id, currency, status)
 where (w.rows, w.amount) is distinct from (t.rows, t.amount)"""


async def behind(tx: Tx, machine_now: datetime) -> list[int]:
    """The homes whose sums should be folded: much has been told since, or something some time ago."""
    rows = await tx.rows(
        "select h.home from stream_head h left join sum_place p using (home) "
        "where (h.day, h.pos) > (coalesce(p.day, 0), coalesce(p.pos, 0)) "
        "and (p.home is null or h.pos - p.pos >= $1 or p.machine_at <= $2) order by h.home",
        BEHIND,
        machine_now - IDLE,
    )
    return [row["home"] for row in rows]


async def fold(home: int, machine_now: datetime) -> bool:
    """Folds one chunk of a home's stream, in one transaction of its own. True when there is more. Two at once take turns."""
    async with transaction() as tx:
        await tx.run("insert into sum_place(home, day, pos, machine_at) values ($1, 0, 0, $2) on conflict do nothing", home, machine_now)
        place = await tx.row("select day, pos from sum_place where home = $1 for update", home)
        assert place is not None
        told = await tx.rows(
            "select day, pos, cardinality(contract_ids) as contracts from stream where home = $1 and (day, pos) > ($2, $3) "
            "order by day, pos limit $4",
            home,
            place["day"],
            place["pos"],
            ROWS,
        )
        end = _end(told)
        if end is not None:
            await tx.run(_FOLD, [home], end["day"], end["pos"])
            place = end
        await tx.run(
            "update sum_place set day = $2, pos = $3, machine_at = $4 where home = $1", home, place["day"], place["pos"], machine_now
        )
        return end is not None and (len(told) == ROWS or end is not told[-1])


def _end(told: Sequence[Row]) -> Row | None:
    """The row of the stream with which a chunk ends: at least one, and not many more contracts than a chunk should have."""
    contracts, last = 0, None
    for row in told:
        contracts += row["contracts"]
        if last is not None and contracts > CONTRACTS:
            break
        last = row
    return last


async def of_sellers(tx: Tx, sellers: Sequence[tuple[int, int, int]]) -> list[SumRow]:
    """What parties (home, site, party) have to get as sellers. Exact in this snapshot."""
    return await _of(tx, sellers, "and c.seller_id = any($2::bigint[])", [party for _, _, party in sellers])


async def of_sites(tx: Tx, sites: Sequence[tuple[int, int]]) -> list[SumRow]:
    """What everybody who sells at these sites (home, site) has to get. Exact in this snapshot."""
    keys = [(home, site, WHOLE_SITE) for home, site in sites]
    return await _of(tx, keys, "and c.site_id = any($2::bigint[])", [site for _, site in sites])


async def _of(tx: Tx, keys: Sequence[tuple[int, int, int]], whose: str, ids: list[int]) -> list[SumRow]:
    homes = sorted({home for home, _, _ in keys})
    if not homes:
        return []
    answer = await tx.rows(
        "select currency, status, sum(rows)::bigint as rows, sum(amount)::bigint as amount from ("
        "select s.currency, s.status, s.rows, s.amount from unnest($3::smallint[], $4::int[], $5::bigint[]) k(home, site_id, seller_id) "
        "join settlement_sum s on s.home = k.home and s.site_id = k.site_id and s.seller_id = k.seller_id "
        f"union all select currency, status, rows, amount from ({_CHANGES.format(until='', whose=whose)}) d) x "
        "group by currency, status having sum(rows) <> 0 order by currency, status",
        homes,
        ids,
        [home for home, _, _ in keys],
        [site for _, site, _ in keys],
        [seller for _, _, seller in keys],
    )
    return [SumRow(Currency(row["currency"]), PayoutStatus(row["status"]), row["rows"], row["amount"]) for row in answer]
