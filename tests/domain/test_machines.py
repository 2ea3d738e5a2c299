"""Every state against every fact, cell by cell; written down a second time here, so that a changed cell is a failing line.

In a cell: a state = moved there · `=` repeated · `~` overtaken · `!` to exceptions · `-` refused · `w` waits ·
`state/other` = what it does with and without the condition named beside the table.
"""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.machines import (
    BATCH,
    DEBIT,
    DELIVERY,
    EVENT_OF_MOVE,
    PAYOUT,
    STATUS_AFTER,
    SWEEP,
    BatchFact,
    DebitFact,
    DeliveryFact,
    Machine,
    Moved,
    Overtaken,
    PayoutFact,
    Refused,
    Repeated,
    SweepFact,
    ToExceptions,
    Waits,
    event_of_move,
    replay,
)
from domain.statuses import DebitStatus, DeliveryStatus, EventKind, PayoutStatus
from tests.domain.grid import cross

DEBIT_TABLE = """
    state        Instructed    Accepted     FileRefused  Debited  Failed  Overdue  NotExecuted  Cancelled    Reversed
    PENDING      INSTRUCTED    !            !            !        !       ~        !            CANCELLED    !
    INSTRUCTED   -             SCHEDULED/~  PENDING      DEBITED  FAILED  UNKNOWN  PENDING      CANCELLED/-  !
    SCHEDULED    -             =            !            DEBITED  FAILED  UNKNOWN  PENDING      CANCELLED/-  !
    UNKNOWN      -             SCHEDULED/~  PENDING      DEBITED  FAILED  =        PENDING      -            !
    DEBITED      -             ~            !            =        !       ~        !            -            REVERSED
    FAILED       INSTRUCTED/-  ~            !            !        =/!     ~        =            CANCELLED    !
    CANCELLED    -             ~            ~            !        ~/!     ~        =            =            !
    REVERSED     INSTRUCTED/-  ~            !            !        !       ~        !            CANCELLED    =
"""
DEBIT_CONDITIONS = {
    ("INSTRUCTED", "Accepted"): "due_date",
    ("UNKNOWN", "Accepted"): "day_ahead",
    ("INSTRUCTED", "Cancelled"): "recall_confirmed",
    ("SCHEDULED", "Cancelled"): "recall_confirmed",
    ("FAILED", "Instructed"): "by_policy",
    ("FAILED", "Failed"): "same_code",
    ("CANCELLED", "Failed"): "stopped_by_us",
    ("REVERSED", "Instructed"): "two_people",
}

DELIVERY_TABLE = """
    state        Instructed  Accepted    Rejected  Shipped  InTransit   Delivered  Returned  Lost  Stopped  Overdue  AttemptFailed
    PENDING      INSTRUCTED  !           !         !        !           !          !         !     STOPPED  ~        !
    INSTRUCTED   -           =           REJECTED  SHIPPED  IN_TRANSIT  DELIVERED  !         LOST  STOPPED  UNKNOWN  ~
    UNKNOWN      -           INSTRUCTED  REJECTED  SHIPPED  IN_TRANSIT  DELIVERED  !         LOST  STOPPED  =        ~
    REJECTED     INSTRUCTED  !           =         !        !           !          !         !     STOPPED  ~        !
    SHIPPED      -           ~           !         =        IN_TRANSIT  DELIVERED  RETURNED  LOST  !        ~        ~
    IN_TRANSIT   -           ~           !         ~        =           DELIVERED  RETURNED  LOST  !        ~        ~
    DELIVERED    -           ~           !         ~        ~           =          RETURNED  !     !        ~        ~
    RETURNED     -           ~           !         ~        ~           !          =         =     !        ~        ~
    LOST         -           ~           !         ~        ~           !          =         =     !        ~        ~
    STOPPED      -           ~           ~         !        !           !          !         !     =        ~        !
"""

PAYOUT_TABLE = """
    state            Instructed    FileRefused  PaidOut  Returned  Overdue  NotExecuted  Closed
    PENDING          INSTRUCTED    !            PAID/!   !         ~        !            WILL_NOT_SETTLE
    INSTRUCTED       -             PENDING      PAID     w         UNKNOWN  PENDING      -
    UNKNOWN          -             PENDING      PAID     w         =        PENDING      -
    PAID             -             !            =        RETURNED  ~        !            -
    RETURNED         INSTRUCTED/-  !            =        =         ~        !            WILL_NOT_SETTLE
    WILL_NOT_SETTLE  -             !            !        !         ~        !            =
"""
PAYOUT_CONDITIONS = {("PENDING", "PaidOut"): "direct", ("RETURNED", "Instructed"): "other_account"}

SWEEP_TABLE = """
    state     Sent  FileRefused  Left  Arrived  ArrivedLess  ToppedUp  Overdue  Returned
    PREPARED  SENT  !            !     !        !            !         ~        !
    SENT      =     VOID         LEFT  ARRIVED  SHORT        !         UNKNOWN  !
    LEFT      ~     !            =     ARRIVED  SHORT        !         UNKNOWN  VOID
    ARRIVED   ~     !            ~     =        !            ~         ~        !
    SHORT     ~     !            ~     !        =            ARRIVED   ~        VOID
    UNKNOWN   ~     VOID         LEFT  ARRIVED  SHORT        !         =        !
    VOID      !     =            !     !        !            !         ~        =
"""

BATCH_TABLE = """
    state      Sealed  UploadBegun  ReleaseBegun  Sent  Receipted  Answered  Closed  Refused  Overdue
    OPEN       SEALED  -            -             -     !          !         -       !        ~
    SEALED     =       SENDING      -             -     !          !         -       !        ~
    SENDING    -       =            RELEASING     -     !          !         -       !        ~
    RELEASING  -       -            =/-           SENT  RECEIPTED  ANSWERED  -       REFUSED  UNKNOWN
    SENT       -       -            -             =     RECEIPTED  ANSWERED  -       REFUSED  UNKNOWN
    RECEIPTED  -       -            -             ~     =          ANSWERED  -       !        UNKNOWN
    ANSWERED   -       -            -             ~     ~          =         CLOSED  !        ~
    CLOSED     -       -            -             ~     ~          =         =       !        ~
    REFUSED    -       -            -             ~     !          !         -       =        ~
    UNKNOWN    -       -            -             SENT  RECEIPTED  ANSWERED  -       REFUSED  =
"""
BATCH_CONDITIONS = {("RELEASING", "ReleaseBegun"): "safe_to_repeat"}

Anything = Machine[Any, Any]
Conditions = dict[tuple[str, str], str]
MACHINES: dict[str, tuple[Anything, str, Conditions]] = {
    "debit": (DEBIT, DEBIT_TABLE, DEBIT_CONDITIONS),
    "delivery": (DELIVERY, DELIVERY_TABLE, {}),
    "payout": (PAYOUT, PAYOUT_TABLE, PAYOUT_CONDITIONS),
    "sweep": (SWEEP, SWEEP_TABLE, {}),
    "batch": (BATCH, BATCH_TABLE, BATCH_CONDITIONS),
}
CONTRACT_MACHINES: dict[str, Anything] = {"debit": DEBIT, "delivery": DELIVERY, "payout": PAYOUT}


def sign(verdict):
    for kind, mark in ((Repeated, "="), (Overtaken, "~"), (ToExceptions, "!"), (Refused, "-"), (Waits, "w")):
        if isinstance(verdict, kind):
            return mark
    assert isinstance(verdict, Moved)
    return verdict.to.name


def cases():
    for name, (machine, table, conditions) in MACHINES.items():
        for (state, fact), cell in cross(table).items():
            yield pytest.param(machine, state, fact, cell, conditions.get((state, fact)), id=f"{name}-{state}-{fact}")


@pytest.mark.parametrize("machine, state, fact, cell, condition", list(cases()))
def test_cell(machine, state, fact, cell, condition):
    state = next(s for s in machine.states if s.name == state)
    fact = next(f for f in machine.facts if f.value == fact)
    wanted, _, without = cell.partition("/")
    if condition:
        assert sign(machine.step(state, fact, **{condition: True})) == wanted
        assert sign(machine.step(state, fact)) == without
    else:
        assert without == ""
        assert sign(machine.step(state, fact)) == wanted


@pytest.mark.parametrize("name", MACHINES)
def test_the_tables_here_have_every_cell(name):
    machine, table, _ = MACHINES[name]
    assert set(cross(table)) == {(state.name, fact.value) for state in machine.states for fact in machine.facts}


@pytest.mark.parametrize("name", MACHINES)
def test_a_cell_without_a_condition_does_not_depend_on_any(name):
    machine, _, conditions = MACHINES[name]
    every = {"due_date", "day_ahead", "same_code", "stopped_by_us", "recall_confirmed", "by_policy", "two_people"}
    every |= {"other_account", "direct", "safe_to_repeat"}
    for state in machine.states:
        for fact in machine.facts:
            if (state.name, fact.value) not in conditions:
                alone = machine.step(state, fact)
                assert all(machine.step(state, fact, **{condition: True}) == alone for condition in every)


def test_a_condition_that_does_not_exist_is_a_bug():
    with pytest.raises(TypeError, match="duedate"):
        DEBIT.step(DebitStatus.INSTRUCTED, DebitFact.ACCEPTED, duedate=True)


# -- facts that name an attempt or a date ----------------------------------------------------------


@pytest.mark.parametrize("state", DebitStatus)
@pytest.mark.parametrize("fact", [DebitFact.DEBITED, DebitFact.FAILED, DebitFact.ACCEPTED, DebitFact.REVERSED])
def test_s05_a_fact_for_a_closed_attempt_never_moves_the_one_that_is_open(state, fact):
    assert DEBIT.step(state, fact, closed_attempt=True, as_recorded=True) == Repeated()
    assert DEBIT.step(state, fact, closed_attempt=True) == ToExceptions()


@pytest.mark.parametrize("state", DeliveryStatus)
@pytest.mark.parametrize("fact", [f for f in DeliveryFact if f not in {DeliveryFact.INSTRUCTED, DeliveryFact.OVERDUE}])
def test_i11_s61_a_date_in_the_future_or_before_the_instruction_is_for_a_person(state, fact):
    assert DELIVERY.step(state, fact, date_impossible=True) == ToExceptions()


def test_our_own_decisions_name_no_attempt_and_no_date():
    for machine in CONTRACT_MACHINES.values():
        instructed = next(f for f in machine.facts if f.name == "INSTRUCTED")
        assert isinstance(machine.step(machine.start, instructed, closed_attempt=True, date_impossible=True), Moved)


def test_a_scan_without_a_shipping_notice_gives_the_ship_date_and_the_notice_corrects_it():
    for state in (DeliveryStatus.INSTRUCTED, DeliveryStatus.UNKNOWN):
        for fact in (DeliveryFact.IN_TRANSIT, DeliveryFact.DELIVERED):
            assert DELIVERY.step(state, fact) == Moved(DeliveryStatus[fact.name], infers_ship_date=True)
        assert DELIVERY.step(state, DeliveryFact.SHIPPED) == Moved(DeliveryStatus.SHIPPED)
    for state in (DeliveryStatus.IN_TRANSIT, DeliveryStatus.DELIVERED):
        assert DELIVERY.step(state, DeliveryFact.SHIPPED) == Overtaken(fills_ship_date=True)
    for state in (DeliveryStatus.RETURNED, DeliveryStatus.LOST):
        assert DELIVERY.step(state, DeliveryFact.SHIPPED) == Overtaken()


def test_stopped_goods_that_move_raise_an_alarm():
    assert DELIVERY.step(DeliveryStatus.STOPPED, DeliveryFact.SHIPPED) == ToExceptions(alarm=True)
    assert DELIVERY.step(DeliveryStatus.PENDING, DeliveryFact.SHIPPED) == ToExceptions()


def test_cancelling_what_the_bank_has_is_too_late():
    assert DEBIT.step(DebitStatus.INSTRUCTED, DebitFact.CANCELLED) == Refused(too_late=True)
    assert DEBIT.step(DebitStatus.SCHEDULED, DebitFact.CANCELLED) == Refused(too_late=True)
    assert DEBIT.step(DebitStatus.DEBITED, DebitFact.CANCELLED) == Refused()


def test_a_return_is_held_until_the_lump_of_its_file_is_booked():
    for state in (PayoutStatus.INSTRUCTED, PayoutStatus.UNKNOWN):
        assert PAYOUT.step(state, PayoutFact.RETURNED) == Waits(PayoutFact.PAID_OUT)
        after = PAYOUT.step(state, PayoutFact.PAID_OUT)
        assert after == Moved(PayoutStatus.PAID)
        assert PAYOUT.step(PayoutStatus.PAID, PayoutFact.RETURNED) == Moved(PayoutStatus.RETURNED)


# -- what the traps ask of the tables --------------------------------------------------------------


def test_s01_s02_s03_what_is_instructed_cannot_be_instructed_again():
    assert DEBIT.sources(DebitFact.INSTRUCTED) == (DebitStatus.PENDING,)
    assert PAYOUT.sources(PayoutFact.INSTRUCTED) == (PayoutStatus.PENDING,)
    assert set(DELIVERY.sources(DeliveryFact.INSTRUCTED)) == {DeliveryStatus.PENDING, DeliveryStatus.REJECTED}


def test_s04_i09_unknown_is_never_instructed_again_and_only_an_answer_ends_it():
    for machine in CONTRACT_MACHINES.values():
        unknown = next(s for s in machine.states if s.name == "UNKNOWN")
        instructed = next(f for f in machine.facts if f.name == "INSTRUCTED")
        every = {"by_policy": True, "two_people": True, "other_account": True}
        assert isinstance(machine.step(unknown, instructed, **every), Refused)
        decisions = [f for f in machine.facts if f in machine.decisions]
        assert not [f for f in decisions if isinstance(machine.step(unknown, f, **every), Moved)]


def test_s13_a_debit_can_be_reversed_after_it_was_final():
    assert DEBIT.moves(DebitFact.REVERSED) == {DebitStatus.DEBITED: DebitStatus.REVERSED}


def test_s16_scheduled_is_not_the_end():
    ends = {fact.value for fact in DEBIT.facts if isinstance(DEBIT.step(DebitStatus.SCHEDULED, fact), Moved)}
    assert ends == {"Debited", "Failed", "Overdue", "NotExecuted"}


def test_s33_a_finally_failed_debit_makes_its_payout_leave_the_unsettled_ones():
    assert PAYOUT.moves(PayoutFact.CLOSED) == {
        PayoutStatus.PENDING: PayoutStatus.WILL_NOT_SETTLE,
        PayoutStatus.RETURNED: PayoutStatus.WILL_NOT_SETTLE,
    }


def test_s11_a_short_sweep_is_arrived_only_when_it_is_topped_up():
    assert [f for f in SweepFact if SWEEP.moves(f).get(SWEEP.states[4]) is SWEEP.states[3]] == [SweepFact.TOPPED_UP]


def test_i10_a_status_goes_back_only_by_a_named_event():
    order = {"PENDING": 0, "INSTRUCTED": 1, "SCHEDULED": 2, "UNKNOWN": 2, "DEBITED": 4, "FAILED": 4, "CANCELLED": 5, "REVERSED": 5}
    back = {f.value for s, to, f, _ in DEBIT.all_moves() if order[to.name] < order[s.name]}
    assert back == {"FileRefused", "NotExecuted", "Instructed"}  # withdrawn by the bank, or a new attempt of ours


# -- tables made from the table --------------------------------------------------------------------


def test_cells_moves_and_sources_are_one_column():
    assert DEBIT.moves(DebitFact.FAILED) == {
        DebitStatus.INSTRUCTED: DebitStatus.FAILED,
        DebitStatus.SCHEDULED: DebitStatus.FAILED,
        DebitStatus.UNKNOWN: DebitStatus.FAILED,
    }
    assert DEBIT.sources(DebitFact.INSTRUCTED, by_policy=True) == (DebitStatus.PENDING, DebitStatus.FAILED)
    assert sign(DEBIT.cells(DebitFact.FAILED)[DebitStatus.DEBITED]) == "!"
    assert list(DEBIT.cells(DebitFact.FAILED)) == list(DebitStatus)


def test_diagram_has_every_move_once():
    printed = DEBIT.diagram()
    assert printed.startswith("stateDiagram-v2\n    [*] --> PENDING\n    PENDING --> INSTRUCTED: Instructed\n")
    assert "    INSTRUCTED --> PENDING: FileRefused, NotExecuted\n" in printed
    assert "    FAILED --> INSTRUCTED: Instructed [by policy]\n" in printed
    for machine, _, _ in MACHINES.values():
        lines = re.findall(r"^    (\w+) --> (\w+): ", machine.diagram(), re.MULTILINE)
        assert len(lines) == len(set(lines))
        assert set(lines) == {(state.name, to.name) for state, to, _, _ in machine.all_moves()}


# -- events ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONTRACT_MACHINES)
def test_every_move_of_a_contract_writes_an_event_that_replays_to_it(name):
    machine = CONTRACT_MACHINES[name]
    for state, to, _, _ in machine.all_moves():
        assert STATUS_AFTER[event_of_move(name, to, state)] == (name, to)


def test_every_event_but_three_moves_a_status():
    assert set(EventKind) - set(STATUS_AFTER) == {EventKind.REGISTERED, EventKind.FUNDED, EventKind.DELIVERY_ATTEMPT_FAILED}
    assert set(EVENT_OF_MOVE.values()) == set(STATUS_AFTER)


def test_an_answer_after_silence_is_no_new_instruction():
    instructed, unknown = DeliveryStatus.INSTRUCTED, DeliveryStatus.UNKNOWN
    assert event_of_move("delivery", instructed, unknown) is EventKind.DELIVERY_ACCEPTED
    assert event_of_move("delivery", instructed, DeliveryStatus.PENDING) is EventKind.DELIVERY_INSTRUCTED
    assert event_of_move("delivery", instructed, DeliveryStatus.REJECTED) is EventKind.DELIVERY_INSTRUCTED


@given(st.lists(st.tuples(st.sampled_from(sorted(CONTRACT_MACHINES)), st.integers(0, 9), st.booleans()), max_size=40))
def test_i16_replaying_the_events_gives_the_states(steps):
    states = {name: machine.start for name, machine in CONTRACT_MACHINES.items()}
    events = [EventKind.REGISTERED]
    holds = ("due_date", "by_policy", "two_people", "other_account", "recall_confirmed", "direct", "day_ahead")
    for name, number, conditions in steps:
        machine = CONTRACT_MACHINES[name]
        fact = machine.facts[number % len(machine.facts)]
        verdict = machine.step(states[name], fact, **dict.fromkeys(holds, conditions))
        if isinstance(verdict, Moved):
            events.append(event_of_move(name, verdict.to, states[name]))
            states[name] = verdict.to
    assert replay(events) == (states["debit"], states["delivery"], states["payout"])


def test_facts_are_past_and_named_once():
    for facts in (DebitFact, DeliveryFact, PayoutFact, SweepFact, BatchFact):
        assert len({fact.value for fact in facts}) == len(facts)
