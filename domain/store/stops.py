"""Requests that a shipment stays (配送中止依頼): who asked, when, why, and what the carrier says.

Stored first, then asked by a worker, again and again until the carrier answers. The answer itself moves nothing: what moves the delivery to
STOPPED is the carrier's notice `cancelled` (S61), as with every fact of its own. Before a carrier has the shipment the decision is ours alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.calendar import business_date
from domain.machines import DELIVERY, DeliveryFact, Moved
from domain.statuses import DeliveryStatus, EventKind, StopAnswer
from domain.store import exceptions, outbox, stream
from domain.store.administration import NotThere, Refused
from domain.store.connection import Row, Tx, reading, transaction
from domain.store.due import SHIPMENT_GONE_OUT
from domain.store.sending import CarrierAddress, carrier_address

LONGEST_REASON = 200
LASTS = timedelta(minutes=1)  # longer than a carrier may take to answer
_ASKABLE = (DeliveryStatus.INSTRUCTED, DeliveryStatus.UNKNOWN)
_OURS = (DeliveryStatus.PENDING, DeliveryStatus.REJECTED)
_SAID = {
    StopAnswer.TOO_LATE: ("STOP_TOO_LATE", "it is too late to stop this shipment: it has left. The delivery goes on as before"),
    StopAnswer.NOT_OFFERED: (
        "STOP_NOT_OFFERED",
        "it takes no such request in its files. Call it; the delivery is STOPPED once its status file says so",
    ),
    StopAnswer.UNKNOWN_THERE: ("STOP_UNKNOWN", "it does not know the shipment that was to be stopped. Ask it what it has"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it stands. `new`: made by this call."""

    contract_id: int
    carrier_id: str
    answer: StopAnswer
    new: bool


@dataclass(frozen=True, slots=True)
class Request:
    """One request in a worker's hands."""

    home: int
    contract_id: int
    attempt: int
    reason: str
    to: CarrierAddress

    @property
    def shipment_id(self) -> str:
        """As docs/wire.md section 2 makes it."""
        return f"{self.contract_id:018d}{self.attempt:02d}"


async def ask(site_id: int, number: str, *, by: str, reason: str, now: datetime, machine_now: datetime) -> Asked:
    """Asks that a contract's goods stay. Asked again for the same shipment, it answers how the first request stands.

    Args:
        site_id: The contract's site.
        number: Its number there.
        by: An operator's user name.
        reason: Why, for people and the carrier; 1 to 200 characters.
        now: Business time.
        machine_now: Machine time, for the stream.

    Raises:
        NotThere: No such contract or operator.
        Refused: REASON; TOO_LATE when the goods have left; STOPPED when they are stopped already.
    """
    words = reason.strip()
    if not 0 < len(words) <= LONGEST_REASON or not words.isprintable():
        raise Refused("REASON", f"a reason has 1 to {LONGEST_REASON} visible characters")
    async with transaction() as tx:
        person = await tx.value("select user_id from person where name = $1 and operator and stopped_at is null", by)
        if person is None:
            raise NotThere("operator", by)
        key = await tx.row(
            "select home, contract_id from site join contract_number using (home, site_id) where site_id = $1 and number = $2",
            site_id,
            number,
        )
        if key is None:
            raise NotThere("contract", f"{site_id}/{number}")
        state = await tx.row(
            "select site_id, carrier_id, delivery, delivery_attempt from contract_state where home = $1 and contract_id = $2 for update",
            key["home"],
            key["contract_id"],
        )
        assert state is not None
        delivery = DeliveryStatus(state["delivery"])
        if delivery is DeliveryStatus.STOPPED:
            return Asked(key["contract_id"], state["carrier_id"], StopAnswer.STOPPED, new=False)
        if delivery not in (*_ASKABLE, *_OURS):
            raise Refused("TOO_LATE", f"the goods cannot be stopped any more: {site_id}/{number} is {delivery.name}")
        ours = delivery in _OURS
        new = await tx.value(
            "insert into delivery_stop(home, contract_id, attempt, carrier_id, asked_by, asked_at, reason, answer, answered_at) "
            "values ($1, $2, $3, $4, $5, $6::timestamptz, $7, $8::smallint, case when $8::smallint <> 0 then $6::timestamptz end) "
            "on conflict (home, contract_id, attempt) do update set answer = excluded.answer, answered_at = excluded.answered_at "
            "where excluded.answer <> 0 returning answer",
            key["home"],
            key["contract_id"],
            state["delivery_attempt"],
            state["carrier_id"],
            person,
            now,
            words,
            int(StopAnswer.STOPPED if ours else StopAnswer.WAITS),
        )
        if ours:
            await _decide(tx, key, state, delivery, now, machine_now)
        elif new is not None:
            await outbox.add(tx, "carriers", "stop_shipment", dict(key))
        answer = await tx.value(
            "select answer from delivery_stop where home = $1 and contract_id = $2 and attempt = $3",
            key["home"],
            key["contract_id"],
            state["delivery_attempt"],
        )
    return Asked(key["contract_id"], state["carrier_id"], StopAnswer(answer), new is not None)


async def _decide(tx: Tx, key: Row, state: Row, delivery: DeliveryStatus, now: datetime, machine_now: datetime) -> None:
    """No carrier has it: STOPPED by our own decision. What waits in a list is passed over when the list is filled."""
    stopped = DELIVERY.step(delivery, DeliveryFact.STOPPED)
    assert isinstance(stopped, Moved)
    no = await tx.value(
        "update contract_state set delivery = $3, event_count = event_count + 1 where home = $1 and contract_id = $2 returning event_count",
        key["home"],
        key["contract_id"],
        int(stopped.to),
    )
    kind = int(EventKind.DELIVERY_STOPPED)
    await tx.run(
        "insert into event(home, contract_id, no, kind, at, happened_on) values ($1, $2, $3, $4, $5, $6)",
        key["home"],
        key["contract_id"],
        no,
        kind,
        now,
        business_date(now),
    )
    await stream.append(tx, key["home"], machine_now, [stream.StreamEntry(state["site_id"], kind, [key["contract_id"]], [no])])


async def take(home: int, contract_id: int, holder: str, machine_now: datetime) -> Request | None:
    """Takes a request for one worker. None: it is answered, rests after a failure, or another has it."""
    async with transaction() as tx:
        row = await tx.row(
            "update delivery_stop x set lease_holder = $3, lease_until = $4 where home = $1 and contract_id = $2 and answer = 0 "
            f"and {SHIPMENT_GONE_OUT} and (lease_until is null or lease_until < $5) and (next_try_at is null or next_try_at <= $5) "
            "returning attempt, carrier_id, reason",
            home,
            contract_id,
            holder,
            machine_now + LASTS,
            machine_now,
        )
        if row is None:
            return None
        return Request(home, contract_id, row["attempt"], row["reason"], await carrier_address(tx, row["carrier_id"]))


async def put_off(home: int, contract_id: int, problem: str, machine_now: datetime, *, at_least_seconds: float = 0) -> None:
    """The carrier could not be asked: the request rests (twice as long each time, up to five minutes), and lists show the problem."""
    async with transaction() as tx:
        await tx.run(
            "update delivery_stop set tries = tries + 1, problem = $3, lease_holder = null, lease_until = null, next_try_at = $4::timestamptz "
            "+ greatest(least(power(2, least(tries, 10)), 300), $5::float8) * interval '1 second' "
            "where home = $1 and contract_id = $2 and answer = 0",
            home,
            contract_id,
            problem,
            machine_now,
            at_least_seconds,
        )


async def answered(request: Request, answer: StopAnswer, now: datetime) -> None:
    """Stores what the carrier says. What does not stop the goods is listed for a person."""
    async with transaction() as tx:
        stored = await tx.run(
            "update delivery_stop set answer = $4, answered_at = $5, problem = null, lease_holder = null, lease_until = null, next_try_at = null "
            "where home = $1 and contract_id = $2 and attempt = $3 and answer = 0",
            request.home,
            request.contract_id,
            request.attempt,
            int(answer),
            now,
        )
        if stored and answer in _SAID:
            code, words = _SAID[answer]
            await exceptions.record(
                tx,
                code=code,
                reference=f"{code}:{request.shipment_id}",
                reason=f"carrier {request.to.carrier_id}: {words}",
                now=now,
                home=request.home,
                channel=f"carrier:{request.to.carrier_id}",
                contract_id=request.contract_id,
            )


async def listed(*, waiting: bool = False, limit: int = 200) -> list[dict[str, Any]]:
    """Requests, newest first: who asked, when, why, and the answer. `waiting`: only those without one."""
    async with reading() as tx:
        rows = await tx.rows(
            "select c.site_id, c.number, x.contract_id, x.carrier_id, p.name as asked_by, x.asked_at, x.reason, x.answer, x.answered_at, "
            "x.tries, x.problem, s.delivery from delivery_stop x join person p on p.user_id = x.asked_by "
            "join contract c on c.home = x.home and c.contract_id = x.contract_id "
            "join contract_state s on s.home = x.home and s.contract_id = x.contract_id "
            "where x.answer = 0 or not $1 order by x.asked_at desc, x.contract_id desc limit $2",
            waiting,
            limit,
        )
    return [
        dict(row)
        | {
            "contract_id": f"{row['contract_id']:018d}",
            "contract": f"{row['site_id']}/{row['number']}",
            "answer": StopAnswer(row["answer"]).name,
            "delivery": DeliveryStatus(row["delivery"]).name,
        }
        for row in rows
    ]
