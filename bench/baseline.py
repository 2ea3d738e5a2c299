"""The bare statements of a cycle: the same tables, indexes and checks, rows generated, no joins, no decisions, one connection.

Per contract: 5 updates of the state row, 6 events, 4 postings, 3 lines and their outcomes, 3 list entries in and out, two 120-byte records
written and fsynced, one reply line copied. Nobody can be faster with this schema; the ratio to it is what our code costs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from domain.store.connection import Tx, transaction
from domain.store.partitions import day_number, first_id_of

RECORD = b"2" + b"0" * 119 + b"\r\n"
ON = date(2026, 6, 5)
HOME = 1


async def prepare(count: int, place: int) -> int:
    """Makes the state rows that the statements will update (not measured); answers the first contract ID."""
    first = first_id_of(datetime.now(UTC).year) + 10_000_000_000 * (place + 1)
    async with transaction() as tx:
        await tx.run(
            "insert into contract_state(home, contract_id, site_id, deliver_when, release, due, direct, gross, net, collecting_id, main_id, "
            "buyer_account_id, seller_account_id, carrier_id) "
            "select $1, $2::bigint + g, 130, 2, 0, false, false, 100, 100, 1, 2, 3, 4, 'bench' from generate_series(1, $3::int) g",
            HOME,
            first,
            count,
        )
    return first


async def run(count: int, first: int, directory: Path) -> dict[str, float]:
    """Runs the statements for `count` contracts; answers seconds by kind."""
    took: dict[str, float] = {}
    now = datetime.now(UTC)
    day = day_number(now)
    last = first + count
    batches = [first * 2 + n for n in range(3)]
    replies = [(1, n, HOME, first + n, 1, 1, "999110191000001", 100, 0) for n in range(1, count + 1)]

    @contextmanager
    def step(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        took[name] = took.get(name, 0.0) + time.perf_counter() - started

    for n, batch in enumerate(batches):
        with step("list in"):
            async with transaction() as tx:
                await _series(tx, "work(home, batch_id, contract_id)", f"{HOME}, {batch}, i", first, last)
        with step("lines"):
            async with transaction() as tx:
                await _series(
                    tx,
                    "line(home, batch_id, contract_id, kind, attempt, amount, account_id)",
                    f"{HOME}, {batch}, i, {n + 1}, 1, 100, 3",
                    first,
                    last,
                )
        with step("list out"):
            async with transaction() as tx:
                await tx.run("delete from work where home = $1 and batch_id = $2", HOME, batch)
    for n in range(5):
        with step("states"):
            async with transaction() as tx:
                await tx.run(
                    "update contract_state set debit = $4::smallint, event_count = event_count + 1, debited_on = $5 "
                    "where home = $1 and contract_id > $2 and contract_id <= $3",
                    HOME,
                    first,
                    last,
                    n,
                    ON,
                )
    for n in range(6):
        with step("events"):
            async with transaction() as tx:
                await _series(
                    tx, "event(home, contract_id, no, kind, at, happened_on)", f"{HOME}, i, {n + 1}, {n + 1}, now(), '{ON}'", first, last
                )
    for n in range(4):
        with step("postings"):
            async with transaction() as tx:
                await _series(
                    tx,
                    "posting(home, day, cause, no, line, source_kind, source, destination_kind, destination, amount, booked_on)",
                    f"{HOME}, {day}, i, {n + 1}, 1, 3, i, 1, 2, 100, '{ON}'",
                    first,
                    last,
                )
    with step("replies"):
        async with transaction() as tx:
            await tx.copy_in(
                "reply_line", ("reply_id", "line_no", "home", "contract_id", "kind", "attempt", "account", "amount", "code"), replies
            )
    for batch in batches:
        with step("outcomes"):
            async with transaction() as tx:
                await tx.run(
                    "update line set outcome = 1, code = 0, outcome_on = $3, part = 1 where home = $1 and batch_id = $2", HOME, batch, ON
                )
    with step("files"):
        for n in range(2):
            with (directory / f"baseline-{n}").open("wb") as file:
                for _ in range(count // 1_000):
                    file.write(RECORD * 1_000)
                file.flush()
                os.fsync(file.fileno())
    async with transaction() as tx:
        await tx.run("delete from reply_line where reply_id = 1")
    return took


async def _series(tx: Tx, table: str, values: str, first: int, last: int) -> None:
    await tx.run(f"insert into {table} select {values} from generate_series({first + 1}::bigint, {last}::bigint) i")
