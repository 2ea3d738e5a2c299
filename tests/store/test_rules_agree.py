"""The SQL of the rules says what the domain says: every state, every fact, every condition, compared row by row.

What Python decides for one contract, `rules_sql` selects for a hundred thousand. All combinations there are go to the database as one
list of values; the answers must be the same.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from importlib.resources import files
from typing import Any

import pytest

from domain.calendar import JST
from domain.gates import FINAL_REFUSALS, delivery_gate_open, payout_gate_open
from domain.machines import (
    BATCH,
    DEBIT,
    DELIVERY,
    PAYOUT,
    SWEEP,
    Condition,
    If,
    Machine,
    Moved,
    Overtaken,
    Refused,
    Repeated,
    ToExceptions,
    Waits,
)
from domain.places import Place, is_open, own_place
from domain.statuses import BatchStatus, DebitFailureReason, DebitStatus, DeliverWhen, DeliveryStatus, PayoutStatus, Release
from domain.store import due, rules_sql, standing
from domain.store.connection import reading, transaction

MACHINES: tuple[Machine[Any, Any], ...] = (DEBIT, DELIVERY, PAYOUT, SWEEP, BATCH)
FAILURES: tuple[DebitFailureReason | None, ...] = (None, *DebitFailureReason)


async def all_rows(columns: Mapping[str, str], rows: list[tuple[Any, ...]], expression: str) -> list[Any]:
    """The expression, for each row in its order."""
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(columns.values(), 1))
    async with reading() as tx:
        found = await tx.rows(
            f"select {expression} as answer from unnest({arrays}) with ordinality s({', '.join(columns)}, place) order by place",
            *(list(column) for column in zip(*rows, strict=True)),
        )
    return [row["answer"] for row in found]


async def test_what_is_open_and_where_it_stands(store: Any):
    """The statement that keeps the lists, and the one that filled them first, say what `domain.places` says."""
    rows = list(itertools.product(DebitStatus, DeliveryStatus, PayoutStatus))
    columns = {"debit": "int", "delivery": "int", "payout": "int"}
    assert await all_rows(columns, rows, standing.is_open("s")) == [is_open(*row) for row in rows]
    filled = (files("domain.store.migrations") / "lists_fill.sql").read_text(encoding="utf-8")
    [cases] = re.findall(r"lateral \(values\s+(\(case.*?)\) p\(place\)", filled, re.DOTALL)
    answers = await all_rows(
        columns, rows, f"(select array_agg(place order by place) from (values {cases}) p(place) where place is not null)"
    )
    for row, answer in zip(rows, answers, strict=True):
        places = {own_place(status) for status in row} - {None} | ({Place.OPEN} if is_open(*row) else set())
        assert set(answer or ()) == places, row


async def test_the_delivery_gate(store: Any):
    rows = list(itertools.product(DeliverWhen, DebitStatus, PayoutStatus, FAILURES, DeliveryStatus))
    answers = await all_rows(
        {"deliver_when": "int", "debit": "int", "payout": "int", "failure": "int", "delivery": "int"},
        rows,
        rules_sql.delivery_gate("s"),
    )
    expected = [
        delivery_gate_open(when, debit, payout, debit is DebitStatus.FAILED and failure in FINAL_REFUSALS)
        for when, debit, payout, failure, _ in rows
    ]
    assert answers == expected
    assert len(rows) == 4 * 8 * 6 * 7 * 10
    assert 0 < sum(expected) < len(expected)


async def test_the_payout_gate(store: Any):
    rows = list(itertools.product(Release, DebitStatus, DeliveryStatus, (False, True), (False, True)))
    answers = await all_rows(
        {"release": "int", "debit": "int", "delivery": "int", "funded": "bool", "held_up": "bool"}, rows, rules_sql.payout_gate("s")
    )
    expected = [payout_gate_open(*row) for row in rows]
    assert answers == expected
    assert 0 < sum(expected) < len(expected)


def contexts(machine: Machine[Any, Any], fact: Any) -> Iterator[dict[str, bool]]:
    """Every combination of the conditions that a machine's cells for a fact depend on."""
    conditions: set[Condition] = set()
    for state in machine.states:
        cell = machine.table[state, fact]
        while isinstance(cell, If):
            conditions.add(cell.condition)
            cell = cell.otherwise
    names = sorted(condition.value for condition in conditions)
    for holds in itertools.product((False, True), repeat=len(names)):
        yield dict(zip(names, holds, strict=True))


def number_of(verdict: Any) -> int:
    numbers = {
        Moved: rules_sql.MOVES,
        Repeated: rules_sql.REPEATED,
        Overtaken: rules_sql.OVERTAKEN,
        ToExceptions: rules_sql.TO_EXCEPTIONS,
        Refused: rules_sql.REFUSED,
        Waits: rules_sql.WAITS,
    }
    return numbers[type(verdict)]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
async def test_what_a_fact_does_in_a_state(store: Any, machine: Machine[Any, Any]):
    states = [(state,) for state in machine.states]
    for fact in machine.facts:
        for context in contexts(machine, fact):
            verdicts = [machine.step(state, fact, **context) for state in machine.states]
            can_move = rules_sql.can_move(machine, fact, "s.x", **context)
            next_state = rules_sql.next_state(machine, fact, "s.x", **context) if machine.sources(fact, **context) else "s.x"
            verdict = rules_sql.verdict(machine, fact, "s.x", **context)
            answers = await all_rows({"x": "int"}, states, f"array[({can_move})::int, {next_state}, {verdict}]")
            expected = [
                [int(isinstance(v, Moved)), int(v.to) if isinstance(v, Moved) else int(state), number_of(v)]
                for state, v in zip(machine.states, verdicts, strict=True)
            ]
            assert answers == expected, (fact, context)


async def test_a_set_of_values(store: Any):
    class Some(IntEnum):
        A, B, C = 1, 5, 9

    rows = [(number,) for number in range(12)]
    assert await all_rows({"x": "int"}, rows, rules_sql.one_of("s.x", [Some.C, Some.A])) == [number in (1, 9) for (number,) in rows]
    assert await all_rows({"x": "int"}, rows, rules_sql.one_of("s.x", [])) == [False] * 12


# -- what is due ------------------------------------------------------------------------------------------------------------

NOW = datetime(2000, 9, 25, 11, 0, tzinfo=JST)
MACHINE = NOW + timedelta(days=9500)
BEFORE, THEN, AFTER = NOW - timedelta(minutes=20), NOW, NOW + timedelta(minutes=20)
TIMES = (None, MACHINE - timedelta(seconds=1), MACHINE, MACHINE + timedelta(seconds=1))


def free(until: datetime | None) -> bool:
    return until is None or until < MACHINE


def rested(at: datetime | None) -> bool:
    return at is None or at <= MACHINE


BATCHES = list(itertools.product(BatchStatus, (BEFORE, THEN, AFTER), (None, BEFORE, THEN, AFTER), TIMES, TIMES))
"""status, seal_at, overdue_at, lease_until, next_try_at: each combination is one batch."""


async def write_batches() -> dict[int, tuple[Any, ...]]:
    """All combinations as batches of home 1 at one bank, deadline an hour after sealing."""
    numbered = dict(enumerate(BATCHES, 1))
    async with transaction() as tx:
        await tx.run("insert into bank(bank_code, name, kana, connector, address) values ('9990', 'x', 'x', 'directory', '{}')")
        await tx.run("insert into bank_poll(bank_code, machine_at, moves) values ('9990', $1, 7)", MACHINE)
        await tx.copy_in(
            "batch",
            (
                "home", "batch_id", "kind", "site_id", "bank_code", "value_on", "number", "status", "seal_at", "deadline_at", "closed_at",
                "name", "sha256", "takes_from", "overdue_at", "lease_until", "next_try_at",
            ),
            [
                (
                    1, number, 3, number, "9990", NOW.date(), 1, status, seal_at, seal_at + timedelta(hours=1), BEFORE,
                    f"f{number}", b"x", number, overdue_at, lease_until, next_try_at,
                )
                for number, (status, seal_at, overdue_at, lease_until, next_try_at) in numbered.items()
            ],
        )  # fmt: skip
    return numbered


async def due_now(moves: int = 7) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {"seal_batch": set(), "send_batch": set(), "mark_overdue": set()}
    async with reading() as tx:
        for task in await due.tasks(tx, NOW, MACHINE, moves, limit=10_000):
            if task.actor in found:
                found[task.actor].add(task.args["batch_id"])
    return found


async def test_which_batches_are_due(store: Any):
    numbered = await write_batches()
    awaited = (BatchStatus.SENT, BatchStatus.RECEIPTED, BatchStatus.ANSWERED)
    unsent = (BatchStatus.SEALED, BatchStatus.SENDING, BatchStatus.RELEASING)
    assert await due_now() == {
        "seal_batch": {
            n
            for n, (status, seal_at, _, lease, rest) in numbered.items()
            if status == 0 and seal_at <= NOW and free(lease) and rested(rest)
        },
        "send_batch": {n for n, (status, _, _, lease, rest) in numbered.items() if status in unsent and free(lease) and rested(rest)},
        "mark_overdue": {
            n
            for n, (status, _, overdue, lease, _) in numbered.items()
            if status in awaited and overdue is not None and overdue <= NOW and free(lease)
        },
    }


@pytest.mark.parametrize(
    "what, waits",
    [
        ("insert into batch_fact(home, batch_id, fact, happened_on, at) values (1, 1, 1, '2000-09-25', now())", True),
        ("insert into batch_fact(home, batch_id, fact, happened_on, at) values (2, 1, 1, '2000-09-25', now())", False),
        ("insert into reply(channel, name, sha256, size, kind, at, machine_at) values ('c', 'n', 'x', 1, 'result', now(), now())", True),
        ("insert into reply(channel, name, sha256, size, kind, at, machine_at, tries) values ('c', 'n', 'x', 1, 'result', now(), now(), 5)", False),
        ("insert into reply(channel, name, sha256, size, kind, at, machine_at, status, home) values ('c', 'n', 'x', 1, 'result', now(), now(), 1, 1)", True),
        ("insert into reply(channel, name, sha256, size, kind, at, machine_at, status, home) values ('c', 'n', 'x', 1, 'result', now(), now(), 1, 2)", False),
        ("insert into reply(channel, name, sha256, size, kind, at, machine_at, status) values ('c', 'n', 'x', 1, 'result', now(), now(), 3)", False),
        ("update bank_poll set moves = 6", True),
        ("update bank_poll set moves = 6, failures = 1", False),
    ],
)  # fmt: skip
async def test_decisions_wait_for_what_comes_in(store: Any, what: str, waits: bool):
    await write_batches()
    free_of_news = await due_now()
    async with transaction() as tx:
        await tx.run(what)
    now = await due_now()
    assert now["send_batch"] == free_of_news["send_batch"]
    if waits:  # ... but not until the bank's deadline has passed
        assert now["mark_overdue"] == set()
        assert now["seal_batch"] == set()
        async with transaction() as tx:
            await tx.run("update batch set deadline_at = $1 where status = 0", NOW + due.PATIENCE)
        assert (await due_now())["seal_batch"] == free_of_news["seal_batch"]
    else:
        assert now == free_of_news


async def test_the_next_instant(store: Any):
    numbered = await write_batches()
    async with reading() as tx:
        assert await due.next_instant(tx, NOW) == AFTER
        assert await due.next_instant(tx, AFTER) is None
        assert await due.next_instant(tx, BEFORE) == THEN
    assert any(seal_at == AFTER for _, seal_at, *_ in numbered.values())
