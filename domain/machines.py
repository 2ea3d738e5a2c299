"""The state machines (状態遷移表): every fact against every state. Interface first; the tables follow."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Generic, TypeVar

from domain.statuses import BatchStatus, DebitStatus, DeliveryStatus, EventKind, PayoutStatus, SweepStatus


class DebitFact(Enum):
    INSTRUCTED = "Instructed"
    ACCEPTED = "Accepted"
    FILE_REFUSED = "FileRefused"
    DEBITED = "Debited"
    FAILED = "Failed"
    OVERDUE = "Overdue"
    NOT_EXECUTED = "NotExecuted"
    CANCELLED = "Cancelled"
    REVERSED = "Reversed"


class DeliveryFact(Enum):
    INSTRUCTED = "Instructed"
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    SHIPPED = "Shipped"
    IN_TRANSIT = "InTransit"
    DELIVERED = "Delivered"
    RETURNED = "Returned"
    LOST = "Lost"
    STOPPED = "Stopped"
    OVERDUE = "Overdue"


class PayoutFact(Enum):
    INSTRUCTED = "Instructed"
    FILE_REFUSED = "FileRefused"
    PAID_OUT = "PaidOut"
    RETURNED = "Returned"
    OVERDUE = "Overdue"
    NOT_EXECUTED = "NotExecuted"
    CLOSED = "Closed"


class SweepFact(Enum):
    SENT = "Sent"
    FILE_REFUSED = "FileRefused"
    LEFT = "Left"
    ARRIVED = "Arrived"
    ARRIVED_LESS = "ArrivedLess"
    TOPPED_UP = "ToppedUp"
    OVERDUE = "Overdue"
    RETURNED = "Returned"


class BatchFact(Enum):
    SEALED = "Sealed"
    UPLOAD_BEGUN = "UploadBegun"
    RELEASE_BEGUN = "ReleaseBegun"
    SENT = "Sent"
    RECEIPTED = "Receipted"
    ANSWERED = "Answered"
    CLOSED = "Closed"
    REFUSED = "Refused"
    OVERDUE = "Overdue"


class Condition(Enum):
    """Keyword names of `Machine.step(..., due_date=True)`; what is not given does not hold."""

    DUE_DATE = "due_date"
    DAY_AHEAD = "day_ahead"
    SAME_CODE = "same_code"
    STOPPED_BY_US = "stopped_by_us"
    RECALL_CONFIRMED = "recall_confirmed"
    BY_POLICY = "by_policy"
    TWO_PEOPLE = "two_people"
    OTHER_ACCOUNT = "other_account"
    DIRECT = "direct"


S = TypeVar("S", bound=IntEnum)
F = TypeVar("F", bound=Enum)


@dataclass(frozen=True, slots=True)
class Moved(Generic[S]):
    to: S
    infers_ship_date: bool = False


@dataclass(frozen=True, slots=True)
class Repeated: ...


@dataclass(frozen=True, slots=True)
class Overtaken:
    fills_ship_date: bool = False


@dataclass(frozen=True, slots=True)
class ToExceptions:
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    too_late: bool = False


@dataclass(frozen=True, slots=True)
class Waits:
    """Keep the fact until `until` has happened, then apply both."""

    until: Enum


class Machine(Generic[S, F]):
    name: str
    start: S

    def step(self, state: S, fact: F, **context: bool) -> "Moved[S] | Repeated | Overtaken | ToExceptions | Refused | Waits":
        raise NotImplementedError

    def cells(self, fact: F, **context: bool) -> "dict[S, Moved[S] | Repeated | Overtaken | ToExceptions | Refused | Waits]":
        raise NotImplementedError

    def moves(self, fact: F, **context: bool) -> dict[S, S]:
        raise NotImplementedError

    def sources(self, fact: F, **context: bool) -> tuple[S, ...]:
        raise NotImplementedError

    def diagram(self) -> str:
        raise NotImplementedError


DEBIT: Machine[DebitStatus, DebitFact] = Machine()
DELIVERY: Machine[DeliveryStatus, DeliveryFact] = Machine()
PAYOUT: Machine[PayoutStatus, PayoutFact] = Machine()
SWEEP: Machine[SweepStatus, SweepFact] = Machine()
BATCH: Machine[BatchStatus, BatchFact] = Machine()

EVENT_OF_MOVE: dict[tuple[str, IntEnum] | tuple[str, IntEnum, IntEnum], EventKind] = {}  # (name, to) and (name, to, from)
STATUS_AFTER: dict[EventKind, tuple[str, IntEnum]] = {}


def replay(events: Iterable[EventKind]) -> tuple[DebitStatus, DeliveryStatus, PayoutStatus]:
    raise NotImplementedError
