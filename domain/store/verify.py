"""Does everything still agree? One read-only look at the whole database (K1 to K9), for operators and after every test run.

All of it is one snapshot, so that it may run beside the work. Contracts are looked at in slices, by key; batches, accounts and statements
in statements that answer only what is wrong: the memory of this process does not grow with the number of contracts.

| | what is compared | where |
|---|---|---|
| K1, I02 | postings, what is held, reserved and settled of each contract | `verify_contracts` |
| I01 | accounts, ledger, statements | `verify_money` |
| K3, K4, I05, I07, I08, I16 | the path of each contract: machines, gates, statuses | `verify_histories` |
| I04, I06, I11, I13 | lines, dates and what never changes of each contract | `verify_contracts` |
| I12, I14, K5 | batches, sweeps, waiting work, what is open past its time | `verify_instructions` |
| K6 | replies: raw, whole, ended or listed | `verify_records` |
| K9 | lists and sums against the states that they follow | `verify_lists` |
| K7 | the stream: dense, unbroken, every event once | `verify_records` |

K2 needs the banks' own books, which only a test has; K8 is this: nothing here asks Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.calendar import business_date
from domain.store import clock, verify_contracts, verify_histories, verify_instructions, verify_lists, verify_money, verify_records
from domain.store.connection import Tx, reading
from domain.store.verify_findings import Finding

SLICE = 5_000
LAST = 2**63 - 1

__all__ = ["Finding", "Progress", "check"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the look has come."""

    home: int | None  # None: what belongs to no home
    step: str  # contracts, instructions, money, sums, stream, replies
    done: int  # contracts looked at, of all homes so far


async def check(
    *, homes: Sequence[int] | None = None, machine_now: datetime | None = None, progress: Callable[[Progress], None] | None = None
) -> list[Finding]:
    """Looks at everything; answers what is wrong. Empty: sound.

    Args:
        homes: Only these; None looks at all, and at the replies that belong to none.
        machine_now: The machine's time, if not that of this machine.
        progress: Is told about each step and slice.
    """
    machine = machine_now or datetime.now(UTC)
    tell = progress or (lambda _: None)
    found: list[Finding] = []
    done = 0
    async with reading() as tx:
        now = await clock.business_now(tx, machine)
        for home in await _homes(tx) if homes is None else sorted(homes):
            after = 0
            while True:
                through, count = await _slice(tx, home, after)
                done += count
                found += await verify_histories.check(tx, home, after, through)
                found += await verify_contracts.check(tx, home, after, through, business_date(now))
                found += await verify_lists.check(tx, home, after, through)
                tell(Progress(home, "contracts", done))
                if through == LAST:
                    break
                after = through
            tell(Progress(home, "instructions", done))
            found += await verify_instructions.check(tx, home, now)
            tell(Progress(home, "money", done))
            found += await verify_money.check(tx, home)
            tell(Progress(home, "sums", done))
            found += await verify_lists.totals(tx, home)
            tell(Progress(home, "stream", done))
            found += await verify_records.stream(tx, home)
        tell(Progress(None, "replies", done))
        found += await verify_records.replies(tx, None if homes is None else list(homes), now, machine)
    return found


async def _homes(tx: Tx) -> list[int]:
    rows = await tx.rows("select home from site union select home from id_head union select home from stream_head order by home")
    return [row["home"] for row in rows]


async def _slice(tx: Tx, home: int, after: int) -> tuple[int, int]:
    """(the last contract of the next slice, how many it has). Behind the last contract comes whatever belongs to none."""
    row = await tx.row(
        "select max(contract_id) as through, count(*) as n from "
        "(select contract_id from contract_state where home = $1 and contract_id > $2 order by contract_id limit $3) x",
        home,
        after,
        SLICE,
    )
    assert row is not None
    return (row["through"] if row["n"] == SLICE else LAST), row["n"]
