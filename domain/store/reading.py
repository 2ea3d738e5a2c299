"""What somebody may look at, set by set: many contracts in one query, each with state, delivery record, parties and accounts.

Who the viewer is stands in every query (S34): a contract that he has no part in is not found, exactly like one that does not
exist (I17). Which *fields* of a contract he sees is decided where rows become answers, by `domain.access`.

All functions take a `Tx` of `connection.reading()`: one snapshot, so that `as_of` is the place in the log up to which the answer
is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.access import Viewer, ViewerKind
from domain.contract_id import home_of
from domain.store.connection import Row, Tx
from domain.store.stream import heads
from domain.stream import Place


@dataclass(frozen=True, slots=True)
class PartyRef:
    """A party that the viewing firm holds."""

    home: int
    party_id: int
    site_id: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a viewer's contracts can be. Rights are looked up for each request: this is read in the answer's own snapshot.

    Attributes:
        viewer: Who looks.
        homes: The homes that he has something in, ascending.
        site_ids: The sites that he has something at, ascending.
        parties: Of a firm: the parties that it holds. Else empty.
        sites: The sites with their homes, ascending.
    """

    viewer: Viewer
    homes: tuple[int, ...]
    site_ids: tuple[int, ...]
    parties: tuple[PartyRef, ...] = ()
    sites: tuple[tuple[int, int], ...] = ()

    @property
    def party_ids(self) -> list[int]:
        """The numbers of the firm's parties."""
        return [party.party_id for party in self.parties]


async def scope_of(tx: Tx, viewer: Viewer) -> Scope:
    """Looks up what belongs to the viewer. One query."""
    parties: tuple[PartyRef, ...] = ()
    if viewer.kind is ViewerKind.FIRM:
        rows = await tx.rows("select home, party_id, site_id from party where firm_id = $1 order by home, party_id", viewer.id)
        parties = tuple(PartyRef(row["home"], row["party_id"], row["site_id"]) for row in rows)
    elif viewer.kind is ViewerKind.SITE:
        rows = await tx.rows("select home, site_id from site where site_id = $1", viewer.id)
    else:
        rows = await tx.rows("select home, site_id from site order by site_id")
    sites = tuple(sorted({(row["home"], row["site_id"]) for row in rows}))
    return Scope(viewer, tuple(sorted({home for home, _ in sites})), tuple(sorted({site for _, site in sites})), parties, sites)


async def as_of(tx: Tx, scope: Scope) -> tuple[Place, ...]:
    """How far the log has come in this snapshot, home by home: the places after which nothing in the answer is known yet."""
    stands = await heads(tx, scope.homes)
    return tuple(Place(epoch, home, day, pos) for home, (epoch, day, pos) in sorted(stands.items()))


# The party check: one clause for each kind of viewer, over `c`. $4 are the numbers that the clause speaks of.
MINE = {
    ViewerKind.SITE: "c.site_id = any($4::bigint[])",
    ViewerKind.FIRM: "(c.buyer_id = any($4::bigint[]) or c.seller_id = any($4::bigint[]))",
    ViewerKind.OPERATOR: "$4::bigint[] is not null",
}


def mine(scope: Scope) -> list[int]:
    """The numbers that `MINE` speaks of."""
    if scope.viewer.kind is ViewerKind.FIRM:
        return scope.party_ids
    return list(scope.site_ids)


# LATERAL with LIMIT 1 keeps every step a look-up by primary key: the planner cannot decide to read a whole partition for a page.
_CONTRACTS = """
select c.home, c.contract_id, c.site_id, c.number, c.amount, c.currency, c.buyer_fee, c.seller_fee, c.due_on, c.debit_on,
       c.mode, c.release, c.delivery_trigger, c.ship_before_acceptance, c.registered_at,
       c.planned_debited_on, c.planned_delivery_on, c.planned_shipped_on, c.planned_settled_on,
       site.name as site_name, site.sweep_days, site.delivery_days,
       carrier.name as carrier_name, carrier.ship_days, carrier.calendar as carrier_calendar,
       buyer_bank.calendar as buyer_bank_calendar, buyer_bank.debit_lead_days, buyer_bank.files_per_debit_date,
       main.calendar as main_bank_calendar, main.payout_days,
       s.debit, s.delivery, s.payout, s.event_count, s.deliver_when, s.due, s.gross, s.net, s.settled, s.debit_attempt,
       s.funded, s.held_up, s.scheduled_on, s.debited_on, s.failure, s.failed_on, s.retry_on, s.result_on,
       s.delivery_instructed_on, s.shipped_on, s.delivered_on, s.tracking_number, s.settled_on, s.credited_on,
       d.seller_name, d.seller_postal_code, d.seller_address, d.buyer_name, d.buyer_postal_code, d.buyer_address, d.goods,
       buyer.code as buyer_code, buyer.firm_id as buyer_firm, seller.code as seller_code, seller.firm_id as seller_firm,
       ba.bank_code as buyer_bank_code, ba.branch_code as buyer_branch_code, ba.account_type as buyer_account_type,
       ba.account_number as buyer_account_number, ba.holder as buyer_holder,
       sa.bank_code as seller_bank_code, sa.branch_code as seller_branch_code, sa.account_type as seller_account_type,
       sa.account_number as seller_account_number, sa.holder as seller_holder,
       debit_batch.value_on as debit_value_on, debit_batch.deadline_at as debit_deadline_at,
       payout_batch.value_on as payout_value_on, funding.arrived_on as funded_on
  from unnest($1::smallint[], $2::bigint[]) w(home, contract_id)
 cross join lateral (select * from contract x where x.home = w.home and x.contract_id = w.contract_id
                        and x.contract_id between $3 and $5 limit 1) c
 cross join lateral (select * from contract_state x where x.home = w.home and x.contract_id = w.contract_id
                        and x.contract_id between $3 and $5 limit 1) s
 cross join lateral (select * from delivery_record x where x.home = w.home and x.contract_id = w.contract_id
                        and x.contract_id between $3 and $5 limit 1) d
 cross join lateral (select * from party x where x.home = w.home and x.party_id = c.buyer_id limit 1) buyer
 cross join lateral (select * from party x where x.home = w.home and x.party_id = c.seller_id limit 1) seller
 cross join lateral (select * from party_account x
                      where x.home = w.home and x.party_account_id = c.buyer_account_id limit 1) ba
 cross join lateral (select * from party_account x
                      where x.home = w.home and x.party_account_id = c.seller_account_id limit 1) sa
 cross join lateral (select b.calendar, b.payout_days from account x join bank b using (bank_code)
                      where x.home = w.home and x.account_id = c.main_id limit 1) main
  join site on site.site_id = c.site_id
  join carrier on carrier.carrier_id = c.carrier_id
  left join bank buyer_bank on buyer_bank.bank_code = ba.bank_code
  left join lateral (select x.value_on, x.deadline_at from batch x
                      where x.home = w.home and x.batch_id = s.debit_batch limit 1) debit_batch on true
  left join lateral (select x.value_on from batch x
                      where x.home = w.home and x.batch_id = s.payout_batch limit 1) payout_batch on true
  left join lateral (select sweep.arrived_on from sweep_part x
                       join sweep on sweep.home = x.home and sweep.sweep_id = x.sweep_id
                      where x.home = w.home and x.batch_id = s.debit_batch and x.part = coalesce(s.debit_part, 0)
                      limit 1) funding on s.funded
 where {mine}
"""


def _of_homes(contract_ids: Sequence[int]) -> list[int]:
    return [home_of(contract_id) for contract_id in contract_ids]


async def contracts(tx: Tx, scope: Scope, contract_ids: Iterable[int]) -> dict[int, Row]:
    """Those of the contracts that the viewer has a part in, by ID, each with everything that an answer can ask of it. One query.

    The rows are raw: show them only through the mapper that asks `domain.access` field by field.
    """
    ids = sorted(set(contract_ids))
    if not ids or not scope.homes:
        return {}
    sql = _CONTRACTS.format(mine=MINE[scope.viewer.kind])
    rows = await tx.rows(sql, _of_homes(ids), ids, ids[0], mine(scope), ids[-1])
    return {row["contract_id"]: row for row in rows}


async def id_of_number(tx: Tx, scope: Scope, site_id: int, number: str) -> int | None:
    """The contract that has a number at a site at which the viewer has anything. Not yet the party check."""
    if site_id not in scope.site_ids:
        return None
    found: int | None = await tx.value(
        "select contract_id from contract_number where home = any($1::smallint[]) and site_id = $2 and number = $3",
        list(scope.homes),
        site_id,
        number,
    )
    return found


_EVENTS = """
select e.home, e.contract_id, e.no, e.kind, e.at, e.happened_on
  from unnest($1::smallint[], $2::bigint[], $3::integer[]) w(home, contract_id, event_count)
 cross join lateral (select * from event x where x.home = w.home and x.contract_id = w.contract_id and x.no <= w.event_count
                        and x.contract_id between $4 and $5 order by x.no) e
 order by e.contract_id, e.no
"""


async def events(tx: Tx, counts: dict[int, int]) -> dict[int, list[Row]]:
    """The events of contracts that the viewer has been found to have a part in, oldest first.

    Args:
        tx: Any snapshot, also a later one: events are only ever added, and
        counts: names for each contract how many there were when the contract was read.
    """
    ids = sorted(counts)
    told: dict[int, list[Row]] = {contract_id: [] for contract_id in ids}
    if ids:
        for row in await tx.rows(_EVENTS, _of_homes(ids), ids, [counts[contract_id] for contract_id in ids], ids[0], ids[-1]):
            told[row["contract_id"]].append(row)
    return told


async def firm_name(tx: Tx, firm_id: int) -> str | None:
    """The name of a firm."""
    name: str | None = await tx.value("select name from firm where firm_id = $1", firm_id)
    return name
