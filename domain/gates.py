"""The gates between debit, delivery and payout (配送・清算の条件), as one matrix.

A row of `MATRIX` is a kind of contract: which terms it is made of, when its goods may leave and what releases the
seller's money. Combinations that can never be fulfilled are rows too, with the reason for which they are refused at
registration.

Delivery and payout are decided from the three small tables below it. The SQL that selects what is due is generated
from the same tables, so that a rule is written once (I07, I08).
"""

from dataclasses import dataclass
from functools import cache

from domain.problems import InputProblem, ProblemCode
from domain.statuses import DebitFailureReason, DebitStatus, DeliverWhen, DeliveryStatus, DeliveryTrigger, Mode, PayoutStatus, Release


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one contract, with every default filled in."""

    mode: Mode
    release: Release
    delivery_trigger: DeliveryTrigger
    ship_before_acceptance: bool  # only with a due date; otherwise always False
    deliver_when: DeliverWhen


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the matrix. A set names the values for which it holds."""

    mode: Mode
    due: frozenset[bool]
    release: frozenset[Release]
    trigger: frozenset[DeliveryTrigger]
    deliver_when: DeliverWhen | None  # None: refused
    refusal: InputProblem | None = None


_NO_DUE, _DUE, _ANY_DUE = frozenset({False}), frozenset({True}), frozenset({False, True})
_GOODS = frozenset({Release.ON_SHIPMENT, Release.ON_DELIVERY})
_UNCONDITIONAL, _NONE = frozenset({Release.UNCONDITIONAL}), frozenset({Release.NONE})
_AFTER_DEBIT = frozenset({DeliveryTrigger.AFTER_DEBIT})
_AFTER_SETTLEMENT = frozenset({DeliveryTrigger.AFTER_SETTLEMENT})
_ANY_TRIGGER = _AFTER_DEBIT | _AFTER_SETTLEMENT

_DEADLOCK = InputProblem(
    ProblemCode.TERMS_DEADLOCK,
    "Delivery after settlement and settlement after shipment wait for each other: choose one of the two.",
    "清算後の配送と出荷後の清算は同時に成立しません。どちらか一方にしてください。",
    ("terms", "deliveryTrigger"),
)
_NOTHING_HELD = InputProblem(
    ProblemCode.TERMS_DEADLOCK,
    "In direct mode nobody holds the money, so it cannot wait for the goods: leave `release` out, or use escrow.",
    "直接決済では代金を預からないため、出荷や配達を清算の条件にできません。release を省くか ESCROW にしてください。",
    ("terms", "release"),
)

MATRIX: tuple[Row, ...] = (
    Row(Mode.ESCROW, _NO_DUE, _GOODS, _AFTER_DEBIT, DeliverWhen.ON_DEBITED),
    Row(Mode.ESCROW, _NO_DUE, _UNCONDITIONAL, _AFTER_DEBIT, DeliverWhen.ON_DEBITED),
    Row(Mode.ESCROW, _NO_DUE, _UNCONDITIONAL, _AFTER_SETTLEMENT, DeliverWhen.ON_SETTLED),
    Row(Mode.ESCROW, _NO_DUE, _GOODS, _AFTER_SETTLEMENT, None, _DEADLOCK),  # S47
    Row(Mode.ESCROW, _DUE, _GOODS, _ANY_TRIGGER, DeliverWhen.ON_ACCEPTANCE),  # S53: a due date overrides the trigger
    Row(Mode.ESCROW, _DUE, _UNCONDITIONAL, _ANY_TRIGGER, DeliverWhen.ON_ACCEPTANCE),
    Row(Mode.DIRECT, _NO_DUE, _NONE, _ANY_TRIGGER, DeliverWhen.ON_SETTLED),  # debited and credited are one event
    Row(Mode.DIRECT, _DUE, _NONE, _ANY_TRIGGER, DeliverWhen.ON_ACCEPTANCE),
    Row(Mode.DIRECT, _ANY_DUE, _GOODS, _ANY_TRIGGER, None, _NOTHING_HELD),  # S48
)

_DEFAULT_RELEASE = {Mode.ESCROW: Release.ON_SHIPMENT, Mode.DIRECT: Release.NONE}
_DEFAULT_TRIGGER = {Mode.ESCROW: DeliveryTrigger.AFTER_DEBIT, Mode.DIRECT: DeliveryTrigger.AFTER_SETTLEMENT}


@cache
def resolve_terms(
    mode: Mode | None,
    release: Release | None,
    delivery_trigger: DeliveryTrigger | None,
    ship_before_acceptance: bool,  # noqa: FBT001
    due: bool,  # noqa: FBT001
) -> Terms | InputProblem:
    """The terms that hold, what is left out filled in by mode, or the reason why they cannot (its path begins at
    `terms`).

    Args:
        mode: ESCROW if left out.
        release: By mode if left out. UNCONDITIONAL in direct mode says what direct mode does anyway and is taken as none.
        delivery_trigger: By mode if left out. In direct mode AFTER_DEBIT is taken as AFTER_SETTLEMENT: both are one event.
        ship_before_acceptance: The contract's word or else the site's setting (claim 9); means something only with a due date.
        due: Whether the contract has a due date.
    """
    mode = Mode.ESCROW if mode is None else mode
    release = _DEFAULT_RELEASE[mode] if release is None else release
    trigger = _DEFAULT_TRIGGER[mode] if delivery_trigger is None else delivery_trigger
    if mode is Mode.DIRECT:
        release = Release.NONE if release is Release.UNCONDITIONAL else release
        trigger = DeliveryTrigger.AFTER_SETTLEMENT
    row = next(r for r in MATRIX if r.mode is mode and due in r.due and release in r.release and trigger in r.trigger)
    if row.deliver_when is None:
        assert row.refusal is not None
        return row.refusal
    at_once = due and ship_before_acceptance
    return Terms(mode, release, trigger, at_once, DeliverWhen.AT_ONCE if at_once else row.deliver_when)


@dataclass(frozen=True, slots=True)
class Needs:
    """In which states the other machines must be; None: in any."""

    debit: frozenset[DebitStatus]
    payout: frozenset[PayoutStatus] | None = None


_D = DebitStatus

DELIVERY_NEEDS: dict[DeliverWhen, Needs] = {
    # Whatever the settlement information says, a failed debit included (claim 9, S18); a cancelled or reversed one
    # has no goods to follow it.
    DeliverWhen.AT_ONCE: Needs(frozenset({_D.PENDING, _D.INSTRUCTED, _D.SCHEDULED, _D.UNKNOWN, _D.DEBITED, _D.FAILED})),
    DeliverWhen.ON_ACCEPTANCE: Needs(frozenset({_D.SCHEDULED, _D.DEBITED})),
    DeliverWhen.ON_DEBITED: Needs(frozenset({_D.DEBITED})),
    DeliverWhen.ON_SETTLED: Needs(frozenset({_D.DEBITED}), frozenset({PayoutStatus.PAID})),
}
"""What the delivery gate waits for."""

FINAL_REFUSALS: frozenset[DebitFailureReason] = frozenset(
    {
        DebitFailureReason.NO_ACCOUNT,
        DebitFailureReason.STOPPED_BY_PAYER,
        DebitFailureReason.NO_MANDATE,
        DebitFailureReason.STOPPED_BY_US,
    }
)
"""Refusals that no later try will mend: they close the delivery gate, claim 9 or not (S18)."""

_SENT_OFF = frozenset({DeliveryStatus.SHIPPED, DeliveryStatus.IN_TRANSIT, DeliveryStatus.DELIVERED})

RELEASED_BY: dict[Release, frozenset[DeliveryStatus]] = {
    Release.ON_SHIPMENT: _SENT_OFF,
    Release.ON_DELIVERY: frozenset({DeliveryStatus.DELIVERED}),
    Release.UNCONDITIONAL: frozenset(DeliveryStatus),  # only the shipment is waived, never the money (S08)
    Release.NONE: frozenset(),  # direct: paid in the debit's own transaction, never by an instruction
}
"""Where the goods must be for the seller's money to be free."""

PAYOUT_NEEDS: frozenset[DebitStatus] = frozenset({DebitStatus.DEBITED})
"""How the debit must stand for a payout. That its money has arrived in the main account comes beside it (S07,
S09).
"""


def delivery_gate_open(
    deliver_when: DeliverWhen,
    debit: DebitStatus,
    payout: PayoutStatus,
    refused_finally: bool,  # noqa: FBT001
) -> bool:
    """Whether the carrier may be instructed now.

    Args:
        deliver_when: The contract's gate.
        debit: Where its debit stands.
        payout: Where its payout stands.
        refused_finally: The bank has refused the debit for one of `FINAL_REFUSALS`.
    """
    needs = DELIVERY_NEEDS[deliver_when]
    return not refused_finally and debit in needs.debit and (needs.payout is None or payout in needs.payout)


def payout_gate_open(
    release: Release,
    debit: DebitStatus,
    delivery: DeliveryStatus,
    funded: bool,  # noqa: FBT001
    held_up: bool,  # noqa: FBT001
) -> bool:
    """Whether the seller may be paid now: debited AND concentrated AND released AND nothing holds it up (I07).

    Args:
        release: What releases the money.
        debit: Where the debit stands.
        delivery: Where the goods stand.
        funded: The contract's money has arrived in the main account in full (or was collected there).
        held_up: A hold, a dispute, a refund, a break of the site.
    """
    return debit in PAYOUT_NEEDS and funded and not held_up and delivery in RELEASED_BY[release]
