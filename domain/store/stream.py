"""The stream of a home: one row per transaction and kind of event, dense and in commit order (scale decision 10).

Whoever writes events appends here as the last statement before COMMIT. The row lock on the head lasts until commit, so positions are
in commit order; a rollback gives the number back, so there is no gap. Subscriptions, webhooks, mails and audit all read this one log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.statuses import EventKind
from domain.store import standing
from domain.store.connection import Tx
from domain.store.partitions import day_number

_APPEND = """
with old as (select day, pos, chain from stream_head where home = $1::smallint for update),
     new as (select greatest(day, $2::int) as day, pos + 1 as pos,
                    sha256(chain || convert_to(concat_ws('|', $1::smallint, greatest(day, $2::int), pos + 1, $3::int, $4::smallint,
                           $6::bigint[]::text, $7::int[]::text), 'UTF8')) as chain
               from old),
     head as (update stream_head h set day = new.day, pos = new.pos, chain = new.chain from new where h.home = $1::smallint)
insert into stream(home, day, pos, site_id, kind, machine_at, chain, contract_ids, nos)
select $1::smallint, new.day, new.pos, $3::int, $4::smallint, $5::timestamptz, new.chain, $6::bigint[], $7::int[] from new
"""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """What one transaction tells: events of one kind at one site, by contract and event number."""

    site_id: int
    kind: int
    contract_ids: Sequence[int]
    nos: Sequence[int]


async def ensure_home(tx: Tx, home: int) -> None:
    """Makes the head of a home's stream and of its numbers, where there is none."""
    await tx.run("insert into stream_head(home, epoch, day, pos, chain) values ($1, 1, 0, 0, '') on conflict (home) do nothing", home)
    await tx.run("insert into id_head(home, next) values ($1, 0) on conflict (home) do nothing", home)


async def append(tx: Tx, home: int, machine_now: datetime, entries: Iterable[StreamEntry]) -> None:
    """Appends what this transaction has to tell, and keeps the lists that follow it (`standing`): first, since nobody else can append to
    this home from here to the commit. Must be the transaction's last call; entries without contracts are left out.
    """
    day = day_number(machine_now)
    told = [entry for entry in entries if entry.contract_ids]
    for entry in told:
        await standing.keep(tx, home, EventKind(entry.kind), entry.contract_ids)
    for entry in told:
        args = (home, day, entry.site_id, entry.kind, machine_now, list(entry.contract_ids), list(entry.nos))
        if await tx.run(_APPEND, *args) == 0:
            await ensure_home(tx, home)
            await tx.run(_APPEND, *args)


async def heads(tx: Tx, homes: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """Where each home's stream stands in this snapshot: home -> (epoch, day, pos)."""
    rows = await tx.rows("select home, epoch, day, pos from stream_head where home = any($1::smallint[])", list(homes))
    return {row["home"]: (row["epoch"], row["day"], row["pos"]) for row in rows}
