"""Where contracts are found that are not at their usual end: the lists behind the status filters.

A status changes too often to stand in an index of the state row. But of all contracts there ever were, nearly all are at the usual end
(debited, delivered, paid): those are found by going through a viewer's contracts. Whatever else somebody filters by is either still going
on or a rare end, and each of these has a list of its own, a *place*, in which a contract stands from the event that brought it there to
the one that takes it away. Several places at once are usual: open, and the debit unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from domain.machines import DEBIT, DELIVERY, PAYOUT, STATUS_AFTER
from domain.statuses import DebitStatus, DeliveryStatus, EventKind, PayoutStatus


class Place(IntEnum):
    """A list. The numbers are stored: never given a new meaning. Rare ends are ten times the machine (1, 2, 3) and the status."""

    OPEN = 1  # something is still to be done: debit, hand over, pay
    ON_THE_WAY = 2  # the goods have left and have not arrived
    DEBIT_UNKNOWN = 13
    DEBIT_FAILED = 15
    DEBIT_CANCELLED = 16
    DEBIT_REVERSED = 17
    DELIVERY_UNKNOWN = 22
    DELIVERY_REJECTED = 23
    DELIVERY_RETURNED = 27
    DELIVERY_LOST = 28
    DELIVERY_STOPPED = 29
    PAYOUT_UNKNOWN = 32
    PAYOUT_RETURNED = 34
    WILL_NOT_SETTLE = 35


OPEN_DEBIT = frozenset({DebitStatus.PENDING, DebitStatus.INSTRUCTED, DebitStatus.SCHEDULED, DebitStatus.UNKNOWN})
OPEN_DELIVERY = frozenset({DeliveryStatus.PENDING, DeliveryStatus.INSTRUCTED, DeliveryStatus.UNKNOWN, DeliveryStatus.REJECTED})
OPEN_PAYOUT = frozenset({PayoutStatus.PENDING, PayoutStatus.INSTRUCTED, PayoutStatus.UNKNOWN, PayoutStatus.RETURNED})

Status = DebitStatus | DeliveryStatus | PayoutStatus
_UNDER_WAY = frozenset({DeliveryStatus.SHIPPED, DeliveryStatus.IN_TRANSIT})


def is_open(debit: DebitStatus, delivery: DeliveryStatus, payout: PayoutStatus) -> bool:
    """Whether a contract stands in OPEN. Goods that never leave because nothing will be paid keep nothing open."""
    return debit in OPEN_DEBIT or payout in OPEN_PAYOUT or (payout is PayoutStatus.PAID and delivery in OPEN_DELIVERY)


def own_place(status: Status) -> Place | None:
    """The place that a status has to itself. None: it is a usual one, or one of those that OPEN holds."""
    if status in _UNDER_WAY and isinstance(status, DeliveryStatus):
        return Place.ON_THE_WAY
    machine = {DebitStatus: 10, DeliveryStatus: 20, PayoutStatus: 30}[type(status)]
    return Place(machine + status) if machine + status in set(Place) else None


def _seen_in(status: Status) -> frozenset[Place] | None:
    """Where all contracts of a status stand. None: anywhere, it is the usual end."""
    own = own_place(status)
    if own is not None:
        return frozenset({own})
    if status in (DeliveryStatus.PENDING, DeliveryStatus.INSTRUCTED) and isinstance(status, DeliveryStatus):
        return frozenset({Place.OPEN, Place.WILL_NOT_SETTLE})  # nothing is delivered where nothing is debited
    usual = (DebitStatus.DEBITED, DeliveryStatus.DELIVERED, PayoutStatus.PAID)
    return None if any(status is end for end in usual) else frozenset({Place.OPEN})


def places_of(statuses: Iterable[Status]) -> frozenset[Place] | None:
    """The places in which every contract with one of these statuses (of one machine) is found. None: they are anywhere."""
    found: set[Place] = set()
    for status in statuses:
        places = _seen_in(status)
        if places is None:
            return None
        found |= places
    return frozenset(found)


NOT_DEBITED = frozenset({Place.OPEN, Place.DEBIT_FAILED, Place.DEBIT_CANCELLED, Place.DEBIT_REVERSED})
"""Where everything stands that has no date of a debit."""
NOT_SETTLED = frozenset({Place.OPEN, Place.WILL_NOT_SETTLE})
"""Where everything stands that has no date of settlement."""

_STATUSES: Mapping[str, tuple[Status, ...]] = {"debit": DEBIT.states, "delivery": DELIVERY.states, "payout": PAYOUT.states}


def brings_to(kind: EventKind) -> Place | None:
    """The place into which an event brings a contract."""
    return own_place(STATUS_AFTER[kind][1]) if kind in STATUS_AFTER else None  # type: ignore[arg-type]


def takes_from(kind: EventKind) -> tuple[Place, ...]:
    """The places from which an event takes a contract: those of the same machine that are not the new one. OPEN is judged by the state."""
    if kind not in STATUS_AFTER:
        return ()
    machine, _ = STATUS_AFTER[kind]
    places = {own_place(status) for status in _STATUSES[machine]} - {None, brings_to(kind)}
    return tuple(sorted(place for place in places if place is not None))


MAY_END = frozenset(
    {
        EventKind.DEBITED,
        EventKind.DEBIT_FAILED,
        EventKind.CANCELLED,
        EventKind.PAID,
        EventKind.WILL_NOT_SETTLE,
        EventKind.SHIPPED,
        EventKind.IN_TRANSIT,
        EventKind.DELIVERED,
        EventKind.RETURNED,
        EventKind.LOST,
        EventKind.DELIVERY_STOPPED,
    }
)
"""Events after which a contract may not be open any more."""
MAY_OPEN = frozenset({EventKind.PAYOUT_RETURNED, EventKind.DEBIT_INSTRUCTED})
"""Events after which one that had ended may be open again."""
