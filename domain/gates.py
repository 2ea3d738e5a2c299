"""The gates between debit, delivery and payout. Interface first; the tables follow."""

from dataclasses import dataclass

from domain.problems import InputProblem
from domain.statuses import DebitFailureReason, DebitStatus, DeliverWhen, DeliveryStatus, DeliveryTrigger, Mode, PayoutStatus, Release


@dataclass(frozen=True, slots=True)
class Terms:
    mode: Mode
    release: Release
    delivery_trigger: DeliveryTrigger
    ship_before_acceptance: bool
    deliver_when: DeliverWhen


@dataclass(frozen=True, slots=True)
class Needs:
    debit: frozenset[DebitStatus]
    payout: frozenset[PayoutStatus] | None = None  # None: whatever the payout is


DELIVERY_NEEDS: dict[DeliverWhen, Needs] = {}
RELEASED_BY: dict[Release, frozenset[DeliveryStatus]] = {}
PAYOUT_NEEDS: frozenset[DebitStatus] = frozenset({DebitStatus.DEBITED})
FINAL_REFUSALS: frozenset[DebitFailureReason] = frozenset()


def resolve_terms(
    mode: Mode | None,
    release: Release | None,
    delivery_trigger: DeliveryTrigger | None,
    ship_before_acceptance: bool,
    due: bool,
) -> Terms | InputProblem:
    raise NotImplementedError


def delivery_gate_open(deliver_when: DeliverWhen, debit: DebitStatus, payout: PayoutStatus, refused_finally: bool) -> bool:
    raise NotImplementedError


def payout_gate_open(release: Release, debit: DebitStatus, delivery: DeliveryStatus, funded: bool, held_up: bool) -> bool:
    raise NotImplementedError
