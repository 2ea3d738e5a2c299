"""The gate matrix row by row, and the gates against every state."""

from itertools import product

import pytest

from domain.gates import (
    DELIVERY_NEEDS,
    FINAL_REFUSALS,
    MATRIX,
    PAYOUT_NEEDS,
    RELEASED_BY,
    Terms,
    delivery_gate_open,
    payout_gate_open,
    resolve_terms,
)
from domain.problems import InputProblem, ProblemCode
from domain.statuses import DebitFailureReason, DebitStatus, DeliverWhen, DeliveryStatus, DeliveryTrigger, Mode, PayoutStatus, Release
from tests.domain.grid import grid


@pytest.mark.parametrize(
    "mode, due, release, trigger, wanted",
    grid("""
        ESCROW  no   ON_SHIPMENT    AFTER_DEBIT       ON_DEBITED
        ESCROW  no   ON_DELIVERY    AFTER_DEBIT       ON_DEBITED
        ESCROW  no   UNCONDITIONAL  AFTER_DEBIT       ON_DEBITED
        ESCROW  no   UNCONDITIONAL  AFTER_SETTLEMENT  ON_SETTLED
        ESCROW  no   ON_SHIPMENT    AFTER_SETTLEMENT  refused deliveryTrigger   # S47
        ESCROW  no   ON_DELIVERY    AFTER_SETTLEMENT  refused deliveryTrigger   # S47
        ESCROW  yes  ON_SHIPMENT    AFTER_DEBIT       ON_ACCEPTANCE
        ESCROW  yes  ON_DELIVERY    AFTER_DEBIT       ON_ACCEPTANCE
        ESCROW  yes  ON_SHIPMENT    AFTER_SETTLEMENT  ON_ACCEPTANCE             # S53
        ESCROW  yes  ON_DELIVERY    AFTER_SETTLEMENT  ON_ACCEPTANCE             # S53
        ESCROW  yes  UNCONDITIONAL  AFTER_DEBIT       ON_ACCEPTANCE
        ESCROW  yes  UNCONDITIONAL  AFTER_SETTLEMENT  ON_ACCEPTANCE             # S53
        DIRECT  no   -              AFTER_SETTLEMENT  ON_SETTLED
        DIRECT  no   -              AFTER_DEBIT       ON_SETTLED                # the same event
        DIRECT  yes  -              AFTER_SETTLEMENT  ON_ACCEPTANCE
        DIRECT  yes  -              AFTER_DEBIT       ON_ACCEPTANCE
        DIRECT  no   ON_SHIPMENT    AFTER_SETTLEMENT  refused release           # S48
        DIRECT  no   ON_DELIVERY    AFTER_DEBIT       refused release           # S48
        DIRECT  yes  ON_SHIPMENT    AFTER_DEBIT       refused release           # S48
        DIRECT  yes  ON_DELIVERY    AFTER_SETTLEMENT  refused release           # S48
        DIRECT  no   UNCONDITIONAL  AFTER_SETTLEMENT  ON_SETTLED                # says what direct does anyway
        ESCROW  no   -              -                 ON_DEBITED                # the defaults, by mode
        DIRECT  no   -              -                 ON_SETTLED
        -       no   -              -                 ON_DEBITED
        ESCROW  no   -              AFTER_SETTLEMENT  refused deliveryTrigger   # the default release deadlocks too
    """),
)
def test_matrix(mode, due, release, trigger, wanted):
    given = (
        None if mode == "-" else Mode[mode],
        None if release == "-" else Release[release],
        None if trigger == "-" else DeliveryTrigger[trigger],
    )
    terms = resolve_terms(*given, False, due == "yes")
    early = resolve_terms(*given, True, due == "yes")
    if wanted.startswith("refused"):
        assert isinstance(terms, InputProblem)
        assert (terms.code, terms.path) == (ProblemCode.TERMS_DEADLOCK, ("terms", wanted.split()[1]))
        assert early == terms
    else:
        assert isinstance(terms, Terms)
        assert isinstance(early, Terms)
        assert terms.deliver_when is DeliverWhen[wanted]
        # Claim 9, the site's option: only a due date can be shipped for before the bank has accepted it.
        assert early.deliver_when is (DeliverWhen.AT_ONCE if due == "yes" else terms.deliver_when)
        assert (terms.ship_before_acceptance, early.ship_before_acceptance) == (False, due == "yes")


def test_the_matrix_has_neither_holes_nor_overlaps():
    releases = {Mode.ESCROW: set(Release) - {Release.NONE}, Mode.DIRECT: set(Release) - {Release.UNCONDITIONAL}}
    for mode, due, trigger in product(Mode, (False, True), DeliveryTrigger):
        for release in releases[mode]:
            rows = [r for r in MATRIX if r.mode is mode and due in r.due and release in r.release and trigger in r.trigger]
            assert len(rows) == 1, (mode, due, release, trigger)


def test_defaults_come_by_mode():
    escrow = resolve_terms(None, None, None, False, False)
    assert escrow == Terms(Mode.ESCROW, Release.ON_SHIPMENT, DeliveryTrigger.AFTER_DEBIT, False, DeliverWhen.ON_DEBITED)
    direct = resolve_terms(Mode.DIRECT, None, None, False, False)
    assert direct == Terms(Mode.DIRECT, Release.NONE, DeliveryTrigger.AFTER_SETTLEMENT, False, DeliverWhen.ON_SETTLED)


# -- delivery --------------------------------------------------------------------------------------

OPENS = {
    "AT_ONCE": {"PENDING", "INSTRUCTED", "SCHEDULED", "UNKNOWN", "DEBITED", "FAILED"},
    "ON_ACCEPTANCE": {"SCHEDULED", "DEBITED"},
    "ON_DEBITED": {"DEBITED"},
    "ON_SETTLED": {"DEBITED"},
}


@pytest.mark.parametrize("when", DeliverWhen)
@pytest.mark.parametrize("debit", DebitStatus)
@pytest.mark.parametrize("payout", PayoutStatus)
def test_delivery_gate(when, debit, payout):
    wanted = debit.name in OPENS[when.name] and (when is not DeliverWhen.ON_SETTLED or payout is PayoutStatus.PAID)
    assert delivery_gate_open(when, debit, payout, False) is wanted
    assert delivery_gate_open(when, debit, payout, True) is False  # S18: a final refusal always blocks


def test_s20_claim_6_and_the_due_date_are_two_guards():
    assert DELIVERY_NEEDS[DeliverWhen.ON_DEBITED].debit == {DebitStatus.DEBITED}
    assert DebitStatus.SCHEDULED in DELIVERY_NEEDS[DeliverWhen.ON_ACCEPTANCE].debit


def test_s18_what_no_later_try_mends_is_final():
    assert set(DebitFailureReason) - FINAL_REFUSALS == {DebitFailureReason.SHORT_BALANCE, DebitFailureReason.OTHER}


# -- payout ----------------------------------------------------------------------------------------

FREES = {
    "ON_SHIPMENT": {"SHIPPED", "IN_TRANSIT", "DELIVERED"},
    "ON_DELIVERY": {"DELIVERED"},
    "UNCONDITIONAL": {status.name for status in DeliveryStatus},
    "NONE": set(),
}


@pytest.mark.parametrize("release", Release)
@pytest.mark.parametrize("delivery", DeliveryStatus)
@pytest.mark.parametrize("debit", DebitStatus)
def test_i07_payout_gate(release, delivery, debit):
    """Debited, concentrated, released, not held up: all four, always (S07, S08, S09)."""
    for funded, held_up in product((True, False), repeat=2):
        wanted = debit is DebitStatus.DEBITED and funded and not held_up and delivery.name in FREES[release.name]
        assert payout_gate_open(release, debit, delivery, funded, held_up) is wanted


def test_s07_goods_that_left_before_the_due_date_do_not_free_money_that_is_not_there():
    assert not payout_gate_open(Release.ON_SHIPMENT, DebitStatus.SCHEDULED, DeliveryStatus.SHIPPED, False, False)
    assert not payout_gate_open(Release.ON_SHIPMENT, DebitStatus.SCHEDULED, DeliveryStatus.SHIPPED, True, False)


def test_every_term_has_its_line():
    assert set(DELIVERY_NEEDS) == set(DeliverWhen)
    assert set(RELEASED_BY) == set(Release)
    assert {DebitStatus.DEBITED} == PAYOUT_NEEDS
