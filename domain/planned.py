"""Planned dates, forecast, slip (figure 8). Interface first."""

from dataclasses import dataclass
from datetime import date

from domain.statuses import CalendarKind, DebitFailureReason, DebitStatus, DeliverWhen, DeliveryStatus, PayoutStatus, Release


@dataclass(frozen=True, slots=True)
class StandardDays:
    """Standard days of one contract's way, each counted in the calendar of whom it waits for."""

    delivery_days: int = 0  # the site's, after debited (due date: after registration)
    ship_days: int = 3  # the carrier's, after the delivery instruction
    transit_days: int = 1  # the carrier's, from shipped to delivered
    sweep_days: int = 3  # the site's, after debited
    payout_days: int = 1  # the main bank's
    buyer_bank: CalendarKind = CalendarKind.BANK_DAYS
    carrier: CalendarKind = CalendarKind.BANK_DAYS
    main_bank: CalendarKind = CalendarKind.BANK_DAYS


@dataclass(frozen=True, slots=True)
class Baseline:
    accepted_on: date
    debited_on: date
    delivery_instructed_on: date
    shipped_on: date
    settled_on: date


def baseline(
    registered_on: date, debit_on: date, due: bool, deliver_when: DeliverWhen, release: Release, days: StandardDays
) -> Baseline:
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Facts:
    """What has happened to one contract, as its state row tells."""

    planned: Baseline
    deliver_when: DeliverWhen
    release: Release
    due: bool
    days: StandardDays
    debit: DebitStatus
    delivery: DeliveryStatus
    payout: PayoutStatus
    attempt_count: int = 0
    debit_value_on: date | None = None  # debit date of the attempt in the air, or assigned next
    debited_on: date | None = None  # the bank's date
    debit_answered_on: date | None = None  # the day on which we read the answer
    failure: DebitFailureReason | None = None
    delivery_instructed_on: date | None = None
    shipped_on: date | None = None
    delivered_on: date | None = None
    funded_on: date | None = None
    payout_value_on: date | None = None
    settled_on: date | None = None
    held_up: bool = False


@dataclass(frozen=True, slots=True)
class SlipCause:
    code: str
    message_en: str
    message_ja: str


@dataclass(frozen=True, slots=True)
class Step:
    name: str  # ACCEPTED DEBITED DELIVERY_INSTRUCTED SHIPPED SETTLED
    planned_on: date
    forecast_on: date | None
    actual_on: date | None
    slip_days: int
    slip_cause: SlipCause | None


@dataclass(frozen=True, slots=True)
class Warning_:
    code: str
    message_en: str
    message_ja: str


def progress(facts: Facts, today: date) -> tuple[Step, ...]:
    raise NotImplementedError


def warning_of(reason: DebitFailureReason) -> Warning_:
    raise NotImplementedError
