"""The state machines (状態遷移表): every fact against every state, once.

Three machines run side by side in each contract (debit, delivery, payout), one in each sweep, one in each batch. There is
no second list of moves: the SQL of `domain.store` asks `sources` and `moves`, the diagrams in the docs are printed by
`diagram`, the tests go through every cell. Gates between the machines stand in `domain.gates`.

A row is a state, a column a fact, in the order in which the facts are declared. What a step answers:

* `Moved`: the status changes, and an event tells it;
* `Repeated`: we know this fact, nothing changes;
* `Overtaken`: true once, kept, changes nothing now;
* `ToExceptions`: a person should look; money in it goes to suspense (S06, S61);
* `Refused`: a decision of ours that is not allowed here, as a value;
* `Waits`: cannot be applied before another fact, and is kept for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Generic, TypeVar

from domain.statuses import BatchStatus, DebitStatus, DeliveryStatus, EventKind, PayoutStatus, SweepStatus


class DebitFact(Enum):
    """What can happen to a debit (振替)."""

    INSTRUCTED = "Instructed"  # ours: put into a batch
    ACCEPTED = "Accepted"  # the bank's receipt for the file
    FILE_REFUSED = "FileRefused"  # the bank did not take the file
    DEBITED = "Debited"
    FAILED = "Failed"
    OVERDUE = "Overdue"  # our clock: the answer should have come
    NOT_EXECUTED = "NotExecuted"  # the bank, or two people, say that it was not carried out
    CANCELLED = "Cancelled"
    REVERSED = "Reversed"


class DeliveryFact(Enum):
    """What can happen to a delivery (配送)."""

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
    ATTEMPT_FAILED = "AttemptFailed"  # 配達未了: nobody was there; told in the contract's log, and moves nothing


class PayoutFact(Enum):
    """What can happen to a payout (清算)."""

    INSTRUCTED = "Instructed"
    FILE_REFUSED = "FileRefused"
    PAID_OUT = "PaidOut"  # the lump of its file is booked; direct: the debit's own result
    RETURNED = "Returned"
    OVERDUE = "Overdue"
    NOT_EXECUTED = "NotExecuted"
    CLOSED = "Closed"  # the debit finally failed, the contract was cancelled or refunded


class SweepFact(Enum):
    """What can happen to a sweep (資金集中)."""

    SENT = "Sent"
    FILE_REFUSED = "FileRefused"
    LEFT = "Left"  # the collecting account's statement shows the lump
    ARRIVED = "Arrived"  # in full
    ARRIVED_LESS = "ArrivedLess"
    TOPPED_UP = "ToppedUp"  # the site has made the shortfall good
    OVERDUE = "Overdue"
    RETURNED = "Returned"


class BatchFact(Enum):
    """The steps of sending a batch, each committed before the next begins, and what comes back."""

    SEALED = "Sealed"
    UPLOAD_BEGUN = "UploadBegun"
    RELEASE_BEGUN = "ReleaseBegun"
    SENT = "Sent"
    RECEIPTED = "Receipted"
    ANSWERED = "Answered"
    CLOSED = "Closed"
    REFUSED = "Refused"  # by the bank, or two people say that it was not executed
    OVERDUE = "Overdue"  # no answer in time, or none of the traces can be told


class Condition(Enum):
    """What a cell may depend on: keywords of `Machine.step`. What is not given does not hold."""

    DUE_DATE = "due_date"  # the contract has a due date
    DAY_AHEAD = "day_ahead"  # the debit date has not come yet
    SAME_CODE = "same_code"  # the same reason as the one recorded
    STOPPED_BY_US = "stopped_by_us"  # the bank's code 8: it only confirms our recall
    RECALL_CONFIRMED = "recall_confirmed"  # the bank has given the instruction back
    BY_POLICY = "by_policy"  # re-presentation: short balance, attempts left (S57)
    TWO_PEOPLE = "two_people"  # asked by one, approved by another (I18)
    OTHER_ACCOUNT = "other_account"  # the seller has given another account (S59)
    DIRECT = "direct"  # direct mode: one line, debited and credited at once
    SAFE_TO_REPEAT = "safe_to_repeat"  # see `domain.sending`: the channel deduplicates, or nothing was handed over
    # These three belong to a fact rather than to a cell, and are looked at before the table:
    CLOSED_ATTEMPT = "closed_attempt"  # the fact names an attempt that is over (S05)
    AS_RECORDED = "as_recorded"  # ... and says what was recorded for it
    DATE_IMPOSSIBLE = "date_impossible"  # in the future, or before the instruction (I11, S61)


S = TypeVar("S", bound=IntEnum)
F = TypeVar("F", bound=Enum)


@dataclass(frozen=True, slots=True)
class Moved(Generic[S]):
    """The status becomes `to`."""

    to: S
    infers_ship_date: bool = False  # no shipping notice came: the ship date is taken from this scan


@dataclass(frozen=True, slots=True)
class Repeated:
    """Known already; nothing changes."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Kept, changes nothing."""

    fills_ship_date: bool = False  # but the true ship date replaces the inferred one


@dataclass(frozen=True, slots=True)
class ToExceptions:
    """Kept for a person to look at; no status moves."""

    alarm: bool = False  # the goods are moving although they must not


@dataclass(frozen=True, slots=True)
class Refused:
    """A decision that is not allowed in this state."""

    too_late: bool = False  # it would have been, before its batch was sealed


@dataclass(frozen=True, slots=True)
class Waits:
    """Kept until `until` has been applied, then applied itself."""

    until: Enum


Verdict = Moved[S] | Repeated | Overtaken | ToExceptions | Refused | Waits


@dataclass(frozen=True, slots=True)
class If(Generic[S]):
    """A cell that depends on something the state does not tell."""

    condition: Condition
    then: "Verdict[S]"
    otherwise: "Verdict[S] | If[S]"


Cell = Verdict[S] | If[S]

_SAME = Repeated()
_LATE = Overtaken()
_DATE = Overtaken(fills_ship_date=True)
_PARK = ToExceptions()
_ALARM = ToExceptions(alarm=True)
_NO = Refused()
_TOO_LATE = Refused(too_late=True)


class Machine(Generic[S, F]):
    """One table. `columns` are the facts, `rows` one tuple of cells for each state; a hole in the table is an error
    at import.
    """

    def __init__(
        self,
        name: str,
        start: S,
        columns: type[F],
        rows: Mapping[S, tuple[Cell[S], ...]],
        *,
        decisions: frozenset[F] = frozenset(),
    ) -> None:
        self.name = name
        self.start = start
        self.states: tuple[S, ...] = tuple(type(start))
        self.facts: tuple[F, ...] = tuple(columns)
        self.decisions = decisions  # ours, not reported from outside: they name no date and no old attempt
        assert set(rows) == set(self.states), f"{name}: a state is missing"
        assert all(len(row) == len(self.facts) for row in rows.values()), f"{name}: a row has a hole"
        self.table: dict[tuple[S, F], Cell[S]] = {
            (state, fact): cell for state in self.states for fact, cell in zip(self.facts, rows[state], strict=True)
        }

    def step(self, state: S, fact: F, **context: bool) -> Verdict[S]:
        """What `fact` does in `state`. `context` names the conditions that hold; an unknown name is a bug
        (TypeError).
        """
        holds = _holding(context)
        if fact not in self.decisions:
            if Condition.CLOSED_ATTEMPT in holds:
                return _SAME if Condition.AS_RECORDED in holds else _PARK
            if Condition.DATE_IMPOSSIBLE in holds:
                return _PARK
        return _resolved(self.table[state, fact], holds)

    def cells(self, fact: F, **context: bool) -> dict[S, Verdict[S]]:
        """The column of `fact`: what it does in every state, under these conditions."""
        return {state: self.step(state, fact, **context) for state in self.states}

    def moves(self, fact: F, **context: bool) -> dict[S, S]:
        """From -> to, for the states in which `fact` moves anything under these conditions."""
        return {state: v.to for state, v in self.cells(fact, **context).items() if isinstance(v, Moved)}

    def sources(self, fact: F, **context: bool) -> tuple[S, ...]:
        """The states from which `fact` moves: what a bulk statement names in its WHERE."""
        return tuple(self.moves(fact, **context))

    def all_moves(self) -> list[tuple[S, S, F, Condition | None]]:
        """Every move there is, with the condition it hangs on, in the order of the table."""
        found: list[tuple[S, S, F, Condition | None]] = []
        for (state, fact), cell in self.table.items():
            found += [(state, to, fact, condition) for to, condition in _moves_in(cell)]
        return found

    def diagram(self) -> str:
        """The table as a Mermaid state diagram. Facts between the same two states share an arrow."""
        labels: dict[tuple[S, S], list[str]] = {}
        for state, to, fact, condition in self.all_moves():
            labels.setdefault((state, to), []).append(
                fact.value if condition is None else f"{fact.value} [{condition.value.replace('_', ' ')}]"
            )
        lines = ["stateDiagram-v2", f"    [*] --> {self.start.name}"]
        lines += [f"    {state.name} --> {to.name}: {', '.join(names)}" for (state, to), names in labels.items()]
        return "\n".join(lines) + "\n"


_NAMES = {condition.value: condition for condition in Condition}


def _holding(context: Mapping[str, bool]) -> frozenset[Condition]:
    if not context:
        return frozenset()
    unknown = context.keys() - _NAMES.keys()
    if unknown:
        raise TypeError(f"no such condition: {', '.join(sorted(unknown))}")
    return frozenset(_NAMES[name] for name, holds in context.items() if holds)


def _resolved(cell: Cell[S], holds: frozenset[Condition]) -> Verdict[S]:
    while isinstance(cell, If):
        cell = cell.then if cell.condition in holds else cell.otherwise
    return cell


def _moves_in(cell: Cell[S]) -> list[tuple[S, Condition | None]]:
    if isinstance(cell, Moved):
        return [(cell.to, None)]
    if isinstance(cell, If):
        hanging = [(cell.then.to, cell.condition)] if isinstance(cell.then, Moved) else []
        return [*hanging, *_moves_in(cell.otherwise)]
    return []


# -- debit 振替 ---------------------------------------------------------------------------------------

_D = DebitStatus
_pending, _instructed, _unknown = Moved(_D.PENDING), Moved(_D.INSTRUCTED), Moved(_D.UNKNOWN)
_debited, _failed = Moved(_D.DEBITED), Moved(_D.FAILED)
_scheduled, _cancelled, _reversed = Moved(_D.SCHEDULED), Moved(_D.CANCELLED), Moved(_D.REVERSED)
# A debit in a batch is the bank's: only the bank can give it back.
_recall = If(Condition.RECALL_CONFIRMED, _cancelled, _TOO_LATE)
# A receipt for a contract without a due date is kept with its batch; the debit waits on as before.
_for_date = If(Condition.DUE_DATE, _scheduled, _LATE)
_if_ahead = If(Condition.DAY_AHEAD, _scheduled, _LATE)
_next_try = If(Condition.BY_POLICY, _instructed, _NO)
_by_two = If(Condition.TWO_PEOPLE, _instructed, _NO)
_same_code: If[DebitStatus] = If(Condition.SAME_CODE, _SAME, _PARK)
_our_stop: If[DebitStatus] = If(Condition.STOPPED_BY_US, _LATE, _PARK)

# fmt: off
DEBIT: Machine[DebitStatus, DebitFact] = Machine(
    "debit", _D.PENDING, DebitFact, {
        # Instructed, Accepted, FileRefused, Debited, Failed, Overdue, NotExecuted, Cancelled, Reversed
        _D.PENDING: (_instructed, _PARK, _PARK, _PARK, _PARK, _LATE, _PARK, _cancelled, _PARK),
        _D.INSTRUCTED: (_NO, _for_date, _pending, _debited, _failed, _unknown, _pending, _recall, _PARK),
        _D.SCHEDULED: (_NO, _SAME, _PARK, _debited, _failed, _unknown, _pending, _recall, _PARK),
        _D.UNKNOWN: (_NO, _if_ahead, _pending, _debited, _failed, _SAME, _pending, _NO, _PARK),
        _D.DEBITED: (_NO, _LATE, _PARK, _SAME, _PARK, _LATE, _PARK, _NO, _reversed),
        _D.FAILED: (_next_try, _LATE, _PARK, _PARK, _same_code, _LATE, _SAME, _cancelled, _PARK),
        _D.CANCELLED: (_NO, _LATE, _LATE, _PARK, _our_stop, _LATE, _SAME, _SAME, _PARK),
        _D.REVERSED: (_by_two, _LATE, _PARK, _PARK, _PARK, _LATE, _PARK, _cancelled, _SAME),
    },
    decisions=frozenset({DebitFact.INSTRUCTED, DebitFact.OVERDUE, DebitFact.CANCELLED}),
)
# fmt: on

# -- delivery 配送 ------------------------------------------------------------------------------------

_L = DeliveryStatus
_shipped, _in_transit, _delivered = Moved(_L.SHIPPED), Moved(_L.IN_TRANSIT), Moved(_L.DELIVERED)
_returned, _lost, _stopped, _rejected = Moved(_L.RETURNED), Moved(_L.LOST), Moved(_L.STOPPED), Moved(_L.REJECTED)
_ordered, _silent = Moved(_L.INSTRUCTED), Moved(_L.UNKNOWN)
_in_transit_unseen = Moved(_L.IN_TRANSIT, infers_ship_date=True)
_delivered_unseen = Moved(_L.DELIVERED, infers_ship_date=True)

# fmt: off
DELIVERY: Machine[DeliveryStatus, DeliveryFact] = Machine(
    "delivery", _L.PENDING, DeliveryFact, {
        # Instructed, Accepted, Rejected, Shipped, InTransit, Delivered, Returned, Lost, Stopped, Overdue, AttemptFailed
        _L.PENDING: (_ordered, _PARK, _PARK, _PARK, _PARK, _PARK, _PARK, _PARK, _stopped, _LATE, _PARK),
        _L.INSTRUCTED: (_NO, _SAME, _rejected, _shipped, _in_transit_unseen, _delivered_unseen, _PARK, _lost, _stopped, _silent, _LATE),
        _L.UNKNOWN: (_NO, _ordered, _rejected, _shipped, _in_transit_unseen, _delivered_unseen, _PARK, _lost, _stopped, _SAME, _LATE),
        _L.REJECTED: (_ordered, _PARK, _SAME, _PARK, _PARK, _PARK, _PARK, _PARK, _stopped, _LATE, _PARK),
        _L.SHIPPED: (_NO, _LATE, _PARK, _SAME, _in_transit, _delivered, _returned, _lost, _PARK, _LATE, _LATE),
        _L.IN_TRANSIT: (_NO, _LATE, _PARK, _DATE, _SAME, _delivered, _returned, _lost, _PARK, _LATE, _LATE),
        _L.DELIVERED: (_NO, _LATE, _PARK, _DATE, _LATE, _SAME, _returned, _PARK, _PARK, _LATE, _LATE),
        _L.RETURNED: (_NO, _LATE, _PARK, _LATE, _LATE, _PARK, _SAME, _SAME, _PARK, _LATE, _LATE),
        _L.LOST: (_NO, _LATE, _PARK, _LATE, _LATE, _PARK, _SAME, _SAME, _PARK, _LATE, _LATE),
        _L.STOPPED: (_NO, _LATE, _LATE, _ALARM, _PARK, _PARK, _PARK, _PARK, _SAME, _LATE, _PARK),
    },
    decisions=frozenset({DeliveryFact.INSTRUCTED, DeliveryFact.OVERDUE}),
)
# fmt: on

# -- payout 清算 --------------------------------------------------------------------------------------

_P = PayoutStatus
_payable, _paying, _unclear, _paid = Moved(_P.PENDING), Moved(_P.INSTRUCTED), Moved(_P.UNKNOWN), Moved(_P.PAID)
_sent_back, _never = Moved(_P.RETURNED), Moved(_P.WILL_NOT_SETTLE)
# The single credit of a return can be read before the lump debit it belongs to: booked alone it would make money.
_after_lump = Waits(PayoutFact.PAID_OUT)

# fmt: off
PAYOUT: Machine[PayoutStatus, PayoutFact] = Machine(
    "payout", _P.PENDING, PayoutFact, {
        # Instructed, FileRefused, PaidOut, Returned, Overdue, NotExecuted, Closed
        # Direct mode has no payout instruction: the debit's line is paid out in the transaction that debits it.
        _P.PENDING: (_paying, _PARK, If(Condition.DIRECT, _paid, _PARK), _PARK, _LATE, _PARK, _never),
        _P.INSTRUCTED: (_NO, _payable, _paid, _after_lump, _unclear, _payable, _NO),
        _P.UNKNOWN: (_NO, _payable, _paid, _after_lump, _SAME, _payable, _NO),
        _P.PAID: (_NO, _PARK, _SAME, _sent_back, _LATE, _PARK, _NO),
        _P.RETURNED: (If(Condition.OTHER_ACCOUNT, _paying, _NO), _PARK, _SAME, _SAME, _LATE, _PARK, _never),
        _P.WILL_NOT_SETTLE: (_NO, _PARK, _PARK, _PARK, _LATE, _PARK, _SAME),
    },
    decisions=frozenset({PayoutFact.INSTRUCTED, PayoutFact.OVERDUE, PayoutFact.CLOSED}),
)
# fmt: on

# -- sweep 資金集中 -------------------------------------------------------------------------------------

_W = SweepStatus
_out, _left, _arrived, _short = Moved(_W.SENT), Moved(_W.LEFT), Moved(_W.ARRIVED), Moved(_W.SHORT)
_adrift, _void = Moved(_W.UNKNOWN), Moved(_W.VOID)

# fmt: off
SWEEP: Machine[SweepStatus, SweepFact] = Machine(
    "sweep", _W.PREPARED, SweepFact, {
        # Sent, FileRefused, Left, Arrived, ArrivedLess, ToppedUp, Overdue, Returned
        _W.PREPARED: (_out, _PARK, _PARK, _PARK, _PARK, _PARK, _LATE, _PARK),
        _W.SENT: (_SAME, _void, _left, _arrived, _short, _PARK, _adrift, _PARK),
        _W.LEFT: (_LATE, _PARK, _SAME, _arrived, _short, _PARK, _adrift, _void),
        _W.ARRIVED: (_LATE, _PARK, _LATE, _SAME, _PARK, _LATE, _LATE, _PARK),
        _W.SHORT: (_LATE, _PARK, _LATE, _PARK, _SAME, _arrived, _LATE, _void),
        # The file was refused after all, or the statement shows it: both end the doubt.
        _W.UNKNOWN: (_LATE, _void, _left, _arrived, _short, _PARK, _SAME, _PARK),
        _W.VOID: (_PARK, _SAME, _PARK, _PARK, _PARK, _PARK, _LATE, _SAME),
    },
    decisions=frozenset({SweepFact.SENT, SweepFact.OVERDUE, SweepFact.TOPPED_UP}),
)
# fmt: on

# -- batch ------------------------------------------------------------------------------------------

_B = BatchStatus
_sealed, _sending, _releasing, _gone = Moved(_B.SEALED), Moved(_B.SENDING), Moved(_B.RELEASING), Moved(_B.SENT)
_receipted, _answered, _closed = Moved(_B.RECEIPTED), Moved(_B.ANSWERED), Moved(_B.CLOSED)
_refused, _lost_sight = Moved(_B.REFUSED), Moved(_B.UNKNOWN)
_again: If[BatchStatus] = If(Condition.SAFE_TO_REPEAT, _SAME, _NO)

# fmt: off
BATCH: Machine[BatchStatus, BatchFact] = Machine(
    "batch", _B.OPEN, BatchFact, {
        # Sealed, UploadBegun, ReleaseBegun, Sent, Receipted, Answered, Closed, Refused, Overdue
        _B.OPEN: (_sealed, _NO, _NO, _NO, _PARK, _PARK, _NO, _PARK, _LATE),
        _B.SEALED: (_SAME, _sending, _NO, _NO, _PARK, _PARK, _NO, _PARK, _LATE),
        # A worker that finds SENDING may upload again: the bank has seen nothing under the final name.
        _B.SENDING: (_NO, _SAME, _releasing, _NO, _PARK, _PARK, _NO, _PARK, _LATE),
        # The point of no return. An answer is a trace: whoever hears the bank speak of the file knows that it was
        # sent.
        _B.RELEASING: (_NO, _NO, _again, _gone, _receipted, _answered, _NO, _refused, _lost_sight),
        _B.SENT: (_NO, _NO, _NO, _SAME, _receipted, _answered, _NO, _refused, _lost_sight),
        _B.RECEIPTED: (_NO, _NO, _NO, _LATE, _SAME, _answered, _NO, _PARK, _lost_sight),
        _B.ANSWERED: (_NO, _NO, _NO, _LATE, _LATE, _SAME, _closed, _PARK, _LATE),
        _B.CLOSED: (_NO, _NO, _NO, _LATE, _LATE, _SAME, _SAME, _PARK, _LATE),
        _B.REFUSED: (_NO, _NO, _NO, _LATE, _PARK, _PARK, _NO, _SAME, _LATE),
        _B.UNKNOWN: (_NO, _NO, _NO, _gone, _receipted, _answered, _NO, _refused, _SAME),
    },
    decisions=frozenset(BatchFact) - {BatchFact.RECEIPTED, BatchFact.ANSWERED, BatchFact.REFUSED},
)
# fmt: on

# -- events -----------------------------------------------------------------------------------------

_EVENTS: dict[str, dict[IntEnum, EventKind]] = {
    "debit": {
        _D.PENDING: EventKind.DEBIT_WITHDRAWN,
        _D.INSTRUCTED: EventKind.DEBIT_INSTRUCTED,
        _D.SCHEDULED: EventKind.DEBIT_SCHEDULED,
        _D.UNKNOWN: EventKind.DEBIT_UNKNOWN,
        _D.DEBITED: EventKind.DEBITED,
        _D.FAILED: EventKind.DEBIT_FAILED,
        _D.CANCELLED: EventKind.CANCELLED,
        _D.REVERSED: EventKind.DEBIT_REVERSED,
    },
    "delivery": {
        _L.INSTRUCTED: EventKind.DELIVERY_INSTRUCTED,
        _L.UNKNOWN: EventKind.DELIVERY_UNKNOWN,
        _L.REJECTED: EventKind.DELIVERY_REJECTED,
        _L.SHIPPED: EventKind.SHIPPED,
        _L.IN_TRANSIT: EventKind.IN_TRANSIT,
        _L.DELIVERED: EventKind.DELIVERED,
        _L.RETURNED: EventKind.RETURNED,
        _L.LOST: EventKind.LOST,
        _L.STOPPED: EventKind.DELIVERY_STOPPED,
    },
    "payout": {
        _P.PENDING: EventKind.PAYOUT_WITHDRAWN,
        _P.INSTRUCTED: EventKind.PAYOUT_INSTRUCTED,
        _P.UNKNOWN: EventKind.PAYOUT_UNKNOWN,
        _P.PAID: EventKind.PAID,
        _P.RETURNED: EventKind.PAYOUT_RETURNED,
        _P.WILL_NOT_SETTLE: EventKind.WILL_NOT_SETTLE,
    },
}
# The same state is reached by an instruction and by a late answer to it; only the first is an instruction.
_EVENTS_FROM: dict[tuple[str, IntEnum, IntEnum], EventKind] = {
    ("delivery", _L.INSTRUCTED, _L.UNKNOWN): EventKind.DELIVERY_ACCEPTED,
}

EVENT_OF_MOVE: dict[tuple[str, IntEnum] | tuple[str, IntEnum, IntEnum], EventKind] = {
    **{(name, to): kind for name, row in _EVENTS.items() for to, kind in row.items()},
    **dict(_EVENTS_FROM.items()),
}
"""(machine, to) -> the event that the move writes; (machine, to, from) where it depends on where one comes from."""


def event_of_move(machine: str, to: IntEnum, from_: IntEnum) -> EventKind:
    """The event that a move of a contract's machine writes. A machine without events (sweep, batch) is a KeyError."""
    return EVENT_OF_MOVE.get((machine, to, from_)) or EVENT_OF_MOVE[machine, to]


STATUS_AFTER: dict[EventKind, tuple[str, IntEnum]] = {
    **{kind: (name, to) for name, row in _EVENTS.items() for to, kind in row.items()},
    **{kind: (name, to) for (name, to, _), kind in _EVENTS_FROM.items()},
}
"""What a contract's status is after an event; REGISTERED, FUNDED and DELIVERY_ATTEMPT_FAILED move none."""


def replay(events: Iterable[EventKind]) -> tuple[DebitStatus, DeliveryStatus, PayoutStatus]:
    """The three statuses that a contract must have if these are its events, in order (I16)."""
    now: dict[str, IntEnum] = {"debit": DEBIT.start, "delivery": DELIVERY.start, "payout": PAYOUT.start}
    for kind in events:
        if kind in STATUS_AFTER:
            machine, status = STATUS_AFTER[kind]
            now[machine] = status
    return DebitStatus(now["debit"]), DeliveryStatus(now["delivery"]), PayoutStatus(now["payout"])
