"""What carriers say: the answer to our call, and notices about shipments (発送通知 [0027]). Each line stands for itself (S65).

A notice is judged by the delivery machine: it moves the state, repeats, comes too late, or goes to the exceptions list and is never a
trigger for money (S61). Several notices of one shipment in one message are applied in rounds, in their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import orjson

from domain.calendar import business_date
from domain.machines import DELIVERY, DeliveryFact
from domain.statuses import DeliveryStatus, EventKind, Kind, LineOutcome
from domain.store import exceptions, queueing, rules_sql, stream
from domain.store.connection import Row, Tx, transaction
from domain.store.queueing import Numbers

FACTS: tuple[DeliveryFact, ...] = tuple(DeliveryFact)
"""`reply_line.fact` is a place in this tuple."""

TYPES = {
    "accepted": DeliveryFact.ACCEPTED,
    "rejected": DeliveryFact.REJECTED,
    "picked_up": DeliveryFact.SHIPPED,
    "in_transit": DeliveryFact.IN_TRANSIT,
    "delivered": DeliveryFact.DELIVERED,
    "attempt_failed": DeliveryFact.ATTEMPT_FAILED,
    "returned": DeliveryFact.RETURNED,
    "lost": DeliveryFact.LOST,
    "cancelled": DeliveryFact.STOPPED,
}
"""The words of docs/wire.md section 2."""

_EVENT = {
    DeliveryStatus.INSTRUCTED: EventKind.DELIVERY_ACCEPTED,
    DeliveryStatus.REJECTED: EventKind.DELIVERY_REJECTED,
    DeliveryStatus.SHIPPED: EventKind.SHIPPED,
    DeliveryStatus.IN_TRANSIT: EventKind.IN_TRANSIT,
    DeliveryStatus.DELIVERED: EventKind.DELIVERED,
    DeliveryStatus.RETURNED: EventKind.RETURNED,
    DeliveryStatus.LOST: EventKind.LOST,
    DeliveryStatus.STOPPED: EventKind.DELIVERY_STOPPED,
}
SHIPPING = (DeliveryFact.SHIPPED, DeliveryFact.IN_TRANSIT, DeliveryFact.DELIVERED)


@dataclass(frozen=True, slots=True)
class Notice:
    """One event about one shipment."""

    line_no: int
    home: int
    contract_id: int
    attempt: int
    fact: DeliveryFact
    happened_on: date
    tracking_number: str | None
    reason: str | None
    event_id: str | None = None  # the carrier's own name of the event: the same told again is recognised by it


async def stage(reply_id: int, notices: Iterable[Notice]) -> int:
    """Stages notices of one message; `round` counts the notices of one shipment in their order."""
    seen: dict[int, int] = {}
    records = []
    for x in notices:
        place = seen[x.contract_id] = seen.get(x.contract_id, -1) + 1
        records.append(
            (
                reply_id,
                x.line_no,
                place,
                x.home,
                x.contract_id,
                int(Kind.DELIVERY),
                x.attempt,
                x.happened_on,
                FACTS.index(x.fact),
                x.tracking_number,
                (x.reason or None),
                x.event_id,
            )
        )
    async with transaction() as tx:
        await tx.run("delete from reply_line where reply_id = $1", reply_id)
        return await tx.copy_in(
            "reply_line",
            (
                "reply_id",
                "line_no",
                "round",
                "home",
                "contract_id",
                "kind",
                "attempt",
                "happened_on",
                "fact",
                "tracking_number",
                "problem",
                "event_id",
            ),
            records,
        )


def _judge() -> str:
    """What to make of each staged line of one fact: $1 reply, $2 home, $3 round, $4 fact, $5 today, $6 carrier."""
    by_fact = " ".join(f"when {place} then {rules_sql.verdict(DELIVERY, fact, 's.delivery')}" for place, fact in enumerate(FACTS))
    # A notice for an attempt that is over says nothing new only if it repeats the refusal that ended it (S05).
    return f"""
select r.line_no, r.contract_id, r.happened_on, r.tracking_number, r.problem as reason, r.event_id,
       case when s.contract_id is null or s.carrier_id <> $6 or r.attempt > s.delivery_attempt then {rules_sql.TO_EXCEPTIONS}
            when r.attempt < s.delivery_attempt then
                 case when r.fact = {FACTS.index(DeliveryFact.REJECTED)} then {rules_sql.REPEATED} else {rules_sql.TO_EXCEPTIONS} end
            when r.happened_on > $5 or r.happened_on < s.delivery_instructed_on then {rules_sql.TO_EXCEPTIONS}
            else case r.fact {by_fact} end end as verdict,
       coalesce({rules_sql.released("s.release", "s.delivery")}, false) as released
  from reply_line r
  left join contract_state s on s.home = $2 and s.contract_id = r.contract_id
 where r.reply_id = $1 and r.home = $2 and r.round = $3 and r.fact = $4"""


def _move(fact: DeliveryFact) -> str:
    # $1 home $2 contracts $3 {contract: [day, tracking number, whether the release was met before]} $4 now
    shipped = fact in SHIPPING
    status = rules_sql.next_state(DELIVERY, fact, "s.delivery")
    kinds = " ".join(f"when {int(status_)} then {int(kind)}" for status_, kind in _EVENT.items())
    outcome = {DeliveryFact.REJECTED: LineOutcome.FAILED, DeliveryFact.STOPPED: LineOutcome.WITHDRAWN}.get(fact, LineOutcome.DONE)
    closes = fact is not DeliveryFact.ACCEPTED
    # What each notice says comes as one object by contract: a look-up costs the same in a message of one and of thousands.
    said = "($3::jsonb -> s.contract_id::text)"
    day = f"({said} ->> 0)::date"
    return f"""
with u as (update contract_state s set delivery = {status}, event_count = s.event_count + 1,
                  {f"shipped_on = coalesce(s.shipped_on, {day})," if shipped else ""}
                  {f"delivered_on = {day}," if fact is DeliveryFact.DELIVERED else ""}
                  tracking_number = coalesce({said} ->> 1, s.tracking_number)
            where s.home = $1 and s.contract_id = any($2::bigint[]) and {rules_sql.can_move(DELIVERY, fact, "s.delivery")}
          returning s.contract_id, s.event_count, s.delivery, s.site_id, s.main_id, {day} as happened_on,
                    {rules_sql.payout_gate("s")} and not ({said} ->> 2)::boolean as pay),
     l as (update line s set outcome = {int(outcome)}, outcome_on = {day}{", blocking = false" if outcome is not LineOutcome.DONE else ""}
            where {"true" if closes else "false"} and s.home = $1 and s.contract_id = any($2::bigint[])
              and s.kind = {int(Kind.DELIVERY)} and s.blocking and s.outcome = {int(LineOutcome.OPEN)}),
     e as (insert into event(home, contract_id, no, kind, at, happened_on)
           select $1, contract_id, event_count, case delivery {kinds} end, $4, happened_on from u)
select contract_id, event_count, site_id, main_id, pay, (case delivery {kinds} end) as kind from u order by contract_id"""


async def homes_of(tx: Tx, reply_id: int) -> list[int]:
    """The homes that a staged message speaks of; it is applied home by home, each its own transaction."""
    rows = await tx.rows("select distinct home from reply_line where reply_id = $1 order by home", reply_id)
    return [row["home"] for row in rows]


async def apply(reply_id: int, home: int, carrier_id: str, *, now: datetime, machine_now: datetime) -> None:
    """Applies everything that a message says of one home. Running it again changes nothing: what was applied is a repetition."""
    numbers = await Numbers.take(home, machine_now, 16)
    async with transaction() as tx:
        steps = await tx.rows(
            "select distinct round, fact from reply_line where reply_id = $1 and home = $2 order by round, fact", reply_id, home
        )
        entries: list[stream.StreamEntry] = []
        for step in steps:
            judged = await tx.rows(_judge(), reply_id, home, step["round"], step["fact"], business_date(now), carrier_id)
            fact = FACTS[step["fact"]]
            await _except(tx, reply_id, home, carrier_id, fact, [r for r in judged if r["verdict"] == rules_sql.TO_EXCEPTIONS], now)
            known = [r for r in judged if r["verdict"] in (rules_sql.REPEATED, rules_sql.OVERTAKEN)]
            await _fill_tracking_number(tx, home, known)
            if fact is DeliveryFact.SHIPPED:
                await _fill_ship_date(tx, home, [r for r in known if r["verdict"] == rules_sql.OVERTAKEN])
            elif fact is DeliveryFact.ATTEMPT_FAILED:
                entries += await _tell_attempts(tx, home, known, now)
            moving = sorted((r for r in judged if r["verdict"] == rules_sql.MOVES), key=lambda r: r["contract_id"])
            if moving:
                entries += await _apply_moves(tx, home, fact, moving, now, numbers)
        await stream.append(tx, home, machine_now, entries)


async def _apply_moves(
    tx: Tx, home: int, fact: DeliveryFact, moving: list[Row], now: datetime, numbers: Numbers
) -> list[stream.StreamEntry]:
    rows = await tx.rows(
        _move(fact),
        home,
        [r["contract_id"] for r in moving],
        orjson.dumps({str(r["contract_id"]): (r["happened_on"], r["tracking_number"], r["released"]) for r in moving}).decode(),
        now,
    )
    await queueing.pay(tx, home, [(r["contract_id"], r["site_id"], r["main_id"]) for r in rows if r["pay"]], now, numbers)
    return _entries(rows)


def _entries(rows: Iterable[Row]) -> list[stream.StreamEntry]:
    told: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
    for r in rows:
        contract_ids, nos = told.setdefault((r["site_id"], r["kind"]), ([], []))
        contract_ids.append(r["contract_id"])
        nos.append(r["event_count"])
    return [stream.StreamEntry(site_id, kind, *lists) for (site_id, kind), lists in told.items()]


async def fill_tracking_numbers(tx: Tx, home: int, carrier_id: str, accepted: Iterable[Notice]) -> None:
    """The parcels' numbers (送り状番号) that came with a carrier's acceptance; no event, since nothing has happened to the goods.

    A number that is there stays, and one for another carrier's shipment, another home's or an attempt that is over is no news of ours.
    """
    named = [x for x in accepted if x.home == home and x.tracking_number is not None]
    if named:
        await tx.run(
            "update contract_state s set tracking_number = r.number "
            "from unnest($2::bigint[], $3::smallint[], $4::text[]) r(contract_id, attempt, number) "
            "where s.home = $1 and s.contract_id = r.contract_id and s.delivery_attempt = r.attempt and s.carrier_id = $5 "
            "and s.tracking_number is null",
            home,
            [x.contract_id for x in named],
            [x.attempt for x in named],
            [x.tracking_number for x in named],
            carrier_id,
        )


async def _fill_tracking_number(tx: Tx, home: int, known: list[Row]) -> None:
    """A notice that moves nothing may still be the first to name the parcel."""
    named = {r["contract_id"]: r["tracking_number"] for r in known if r["tracking_number"] is not None}
    if named:
        await tx.run(
            "update contract_state s set tracking_number = r.number from unnest($2::bigint[], $3::text[]) r(contract_id, number) "
            "where s.home = $1 and s.contract_id = r.contract_id and s.tracking_number is null",
            home,
            list(named),
            list(named.values()),
        )


_ATTEMPTS = f"""
with u as (update contract_state s set event_count = s.event_count + 1
            where s.home = $1 and s.contract_id = any($2::bigint[])
              and not exists (select 1 from event e where e.home = $1 and e.contract_id = s.contract_id
                                and e.kind = {int(EventKind.DELIVERY_ATTEMPT_FAILED)}
                                and e.data ->> 'event' = $3::jsonb -> s.contract_id::text ->> 1)
          returning s.contract_id, s.event_count, s.site_id, $3::jsonb -> s.contract_id::text as said),
     e as (insert into event(home, contract_id, no, kind, at, happened_on, data)
           select $1, contract_id, event_count, {int(EventKind.DELIVERY_ATTEMPT_FAILED)}, $4, (said ->> 0)::date,
                  jsonb_build_object('event', said ->> 1, 'reason', said ->> 2) from u)
select contract_id, event_count, site_id, {int(EventKind.DELIVERY_ATTEMPT_FAILED)} as kind from u order by contract_id"""


async def _tell_attempts(tx: Tx, home: int, tried: list[Row], now: datetime) -> list[stream.StreamEntry]:
    """配達未了: each into the contract's log once, for both parties to see; no status moves."""
    if not tried:
        return []
    said = {str(r["contract_id"]): (r["happened_on"], r["event_id"] or str(r["happened_on"]), r["reason"]) for r in tried}
    rows = await tx.rows(_ATTEMPTS, home, sorted(r["contract_id"] for r in tried), orjson.dumps(said).decode(), now)
    return _entries(rows)


async def _fill_ship_date(tx: Tx, home: int, late: list[Row]) -> None:
    """The shipping notice came after later scans: it only corrects the ship date that was inferred from them (R29)."""
    if not late:
        return
    await tx.run(
        "update contract_state s set shipped_on = r.happened_on from unnest($2::bigint[], $3::date[]) r(contract_id, happened_on) "
        "where s.home = $1 and s.contract_id = r.contract_id and s.delivery in (5, 6) and s.shipped_on > r.happened_on",
        home,
        [r["contract_id"] for r in late],
        [r["happened_on"] for r in late],
    )


async def _except(tx: Tx, reply_id: int, home: int, carrier_id: str, fact: DeliveryFact, rows: list[Row], now: datetime) -> None:
    for r in rows:
        await exceptions.record(
            tx,
            code="NOTICE",
            reference=f"notice:{reply_id}:{r['line_no']}",
            reason=f"carrier {carrier_id} says {fact.name} of {r['happened_on']} for a contract where that cannot be; nothing was changed",
            now=now,
            home=home,
            channel=f"carrier:{carrier_id}",
            reply_id=reply_id,
            contract_id=r["contract_id"],
        )
