"""Partitions by birth: contracts and what belongs to them by contract ID, ledger and stream by day (scale decision 5).

Bounds are years of the machine clock, since contract IDs carry its time. The scheduler makes them a year ahead; there is no default
partition, so a missing one is an error and not a slow surprise.
"""

from __future__ import annotations

from datetime import UTC, datetime

from domain.store.connection import Tx

ID_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)  # second 0 of a contract ID
BY_CONTRACT = ("contract", "delivery_record", "contract_state", "event", "line", "contract_date")
BY_DAY = ("posting", "stream")
FILLFACTOR = {"contract_state": 45, "line": 45}
"""Rows that change once or more, whole pages of them in one statement: each needs room for its new version beside the old."""


def first_id_of(year: int) -> int:
    """The smallest contract ID that can be born in a year (IDs: seconds, home, number, check; 9+3+5+1 digits)."""
    seconds = int((datetime(year, 1, 1, tzinfo=UTC) - ID_EPOCH).total_seconds())
    return seconds * 1_000_000_000


def day_number(instant: datetime) -> int:
    """Days since 1970-01-01 UTC on the machine clock: the `day` of ledger and stream."""
    return int(instant.timestamp() // 86_400)


async def ensure_partitions(tx: Tx, machine_now: datetime) -> list[str]:
    """Makes the partitions of this year and the next where they are missing; answers what it made."""
    have = {row["relname"] for row in await tx.rows("select relname from pg_class where relispartition and relkind = 'r'")}
    made: list[str] = []
    for year in (machine_now.year, machine_now.year + 1):
        for table in BY_CONTRACT:
            name = f"{table}_{year}"
            if name not in have:
                option = f" with (fillfactor = {FILLFACTOR[table]})" if table in FILLFACTOR else ""
                await tx.script(
                    f"create table if not exists {name} partition of {table} "
                    f"for values from ({first_id_of(year)}) to ({first_id_of(year + 1)}){option}"
                )
                made.append(name)
        for table in BY_DAY:
            name = f"{table}_{year}"
            first = day_number(datetime(year, 1, 1, tzinfo=UTC))
            last = day_number(datetime(year + 1, 1, 1, tzinfo=UTC))
            if name not in have:
                await tx.script(f"create table if not exists {name} partition of {table} for values from ({first}) to ({last})")
                made.append(name)
    return made
