"""SQL made from the tables of `domain.machines` and `domain.gates`: each rule has one home, and it is not here.

What Python decides for one contract, these fragments select for a hundred thousand; a property test shows that they agree
(tests/store/test_rules_agree.py). Numbers are written out as literals, so that the planner sees them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

from domain.gates import DELIVERY_NEEDS, FINAL_REFUSALS, PAYOUT_NEEDS, RELEASED_BY
from domain.machines import Machine, Overtaken, Repeated, ToExceptions, Waits
from domain.statuses import DebitStatus


def one_of(column: str, values: Iterable[IntEnum]) -> str:
    """`column` holds one of the values; none at all is false."""
    numbers = sorted(int(value) for value in values)
    return f"{column} in ({', '.join(map(str, numbers))})" if numbers else "false"


def delivery_gate(row: str) -> str:
    """True where the goods of a `contract_state` row (by its alias) may leave: domain.gates.delivery_gate_open as SQL."""
    options = []
    for when, needs in DELIVERY_NEEDS.items():
        payout = "" if needs.payout is None else f" and {one_of(f'{row}.payout', needs.payout)}"
        options.append(f"({row}.deliver_when = {int(when)} and {one_of(f'{row}.debit', needs.debit)}{payout})")
    refused = f"({row}.debit = {int(DebitStatus.FAILED)} and {one_of(f'{row}.failure', FINAL_REFUSALS)})"
    return f"(({' or '.join(options)}) and {refused} is not true)"


def released(release: str, delivery: str) -> str:
    """True where the goods have gone as far as the release asks; arguments are SQL expressions."""
    options = [f"({release} = {int(kind)} and {one_of(delivery, statuses)})" for kind, statuses in RELEASED_BY.items() if statuses]
    return f"({' or '.join(options)})"


def payout_gate(row: str) -> str:
    """True where the seller may be paid: domain.gates.payout_gate_open as SQL."""
    return (
        f"({one_of(f'{row}.debit', PAYOUT_NEEDS)} and {row}.funded and not {row}.held_up "
        f"and {released(f'{row}.release', f'{row}.delivery')})"
    )


def next_state(machine: Machine[Any, Any], fact: Any, column: str, **context: bool) -> str:
    """The state after a fact, as a CASE over the column; only for rows that `can_move` selects."""
    moves: Mapping[IntEnum, IntEnum] = machine.moves(fact, **context)
    whens = " ".join(f"when {int(old)} then {int(new)}" for old, new in sorted(moves.items()))
    return f"(case {column} {whens} else {column} end)"


def can_move(machine: Machine[Any, Any], fact: Any, column: str, **context: bool) -> str:
    """True where a fact moves the state."""
    return one_of(column, machine.sources(fact, **context))


MOVES, REPEATED, OVERTAKEN, TO_EXCEPTIONS, REFUSED, WAITS = 0, 1, 2, 3, 4, 5
"""Verdicts on a staged line (`reply_line.verdict`)."""


def verdict(machine: Machine[Any, Any], fact: Any, column: str, **context: bool) -> str:
    """What the machine says to a fact in each state, as a CASE giving the numbers above."""
    moving = set(machine.sources(fact, **context))
    whens = []
    for state, cell in sorted(machine.cells(fact, **context).items()):
        if state in moving:
            number = MOVES
        elif isinstance(cell, Repeated):
            number = REPEATED
        elif isinstance(cell, Overtaken):
            number = OVERTAKEN
        elif isinstance(cell, ToExceptions):
            number = TO_EXCEPTIONS
        elif isinstance(cell, Waits):
            number = WAITS
        else:
            number = REFUSED
        whens.append(f"when {int(state)} then {number}")
    return f"(case {column} {' '.join(whens)} else {TO_EXCEPTIONS} end)"
