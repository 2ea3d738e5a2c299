"""Places: what the events keep is what the statuses say, whatever way a contract has come."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from domain.machines import DEBIT, DELIVERY, PAYOUT, STATUS_AFTER, event_of_move
from domain.places import MAY_END, MAY_OPEN, NOT_DEBITED, NOT_SETTLED, Place, brings_to, is_open, own_place, places_of, takes_from
from domain.statuses import DebitStatus, DeliveryStatus, EventKind, PayoutStatus

ALL = list(itertools.product(DebitStatus, DeliveryStatus, PayoutStatus))


def standing(debit: DebitStatus, delivery: DeliveryStatus, payout: PayoutStatus) -> set[Place]:
    """By the statuses alone."""
    found = {own_place(debit), own_place(delivery), own_place(payout)} - {None}
    return {place for place in found if place} | ({Place.OPEN} if is_open(debit, delivery, payout) else set())


MOVES = [(machine.name, old, new) for machine in (DEBIT, DELIVERY, PAYOUT) for old, new, _, _ in machine.all_moves()]


@given(st.lists(st.integers(0, 1_000), max_size=30))
def test_events_keep_a_contract_where_its_statuses_say(choices: list[int]):
    now = {"debit": DebitStatus.PENDING, "delivery": DeliveryStatus.PENDING, "payout": PayoutStatus.PENDING}
    kept = {Place.OPEN}
    for choice in choices:
        possible = [(name, old, new) for name, old, new in MOVES if now[name] is old]
        if not possible:
            break
        name, old, new = possible[choice % len(possible)]
        now[name] = new
        kind = event_of_move(name, new, old)
        taken = kept & set(takes_from(kind))
        kept -= taken
        if (place := brings_to(kind)) is not None:
            kept.add(place)
        if kind in MAY_OPEN and (taken or kind is EventKind.PAYOUT_RETURNED) and is_open(**now):  # type: ignore[arg-type]
            kept.add(Place.OPEN)
        if kind in MAY_END and not is_open(**now):  # type: ignore[arg-type]
            kept.discard(Place.OPEN)
        assert kept == standing(**now), (kind, now)  # type: ignore[arg-type]


def test_whoever_is_filtered_for_stands_in_the_places_that_are_read():
    for debit, delivery, payout in ALL:
        here = standing(debit, delivery, payout)
        # Goods wait for ever only where nothing is paid; and who is paid has been debited.
        if payout is PayoutStatus.PAID and debit not in (DebitStatus.DEBITED, DebitStatus.REVERSED):
            continue
        for status in (debit, delivery, payout):
            places = places_of([status])
            assert places is None or places & here, (status, here)
        if debit is not DebitStatus.DEBITED:
            assert NOT_DEBITED & here
        if payout is not PayoutStatus.PAID:
            assert NOT_SETTLED & here


def test_usual_ends_have_no_list():
    for status in (DebitStatus.DEBITED, DeliveryStatus.DELIVERED, PayoutStatus.PAID):
        assert own_place(status) is None
        assert places_of([status]) is None
    assert standing(DebitStatus.DEBITED, DeliveryStatus.DELIVERED, PayoutStatus.PAID) == set()
    assert places_of([DebitStatus.FAILED, DebitStatus.PENDING]) == frozenset({Place.DEBIT_FAILED, Place.OPEN})
    assert places_of([]) == frozenset()


def test_each_place_is_reached_by_an_event_and_left_by_one():
    rare = set(Place) - {Place.OPEN}
    assert {brings_to(kind) for kind in STATUS_AFTER} - {None} == rare
    assert {place for kind in EventKind for place in takes_from(kind)} == rare
    assert brings_to(EventKind.REGISTERED) is None
    assert takes_from(EventKind.FUNDED) == ()
