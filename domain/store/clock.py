"""The business clock: one row. Dates, deadlines, waiting times and every `_on` and `_at` of business rows come from it (settlement rule 8).

Outside the sandbox it is the machine's clock and nothing moves it. In the sandbox it stands still between moves, or ticks with an offset. It
never goes back. Machine time (leases, tokens, back-off) never comes from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from domain.store.connection import Tx

TOKYO = timezone(timedelta(hours=9), "JST")  # no daylight saving time: a fixed offset is the whole rule


class ClockBackwardsError(Exception):
    """The business clock was asked to go back. Nothing has changed."""

    def __init__(self, now: datetime, asked: datetime) -> None:
        super().__init__(f"it is {now.isoformat()} already; the clock does not go back to {asked.isoformat()}")
        self.now, self.asked = now, asked


class NotASandboxError(Exception):
    """The clock of a real settlement server cannot be moved."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A reading of the clock's row. `moves` is raised with each move, so that who polls sees that time has jumped."""

    standing_at: datetime | None
    offset: timedelta
    moves: int
    sandbox: bool

    def now(self, machine_now: datetime) -> datetime:
        """The business instant, in Tokyo, that belongs to a machine instant."""
        return (self.standing_at or machine_now + self.offset).astimezone(TOKYO)


SYSTEM = Clock(standing_at=None, offset=timedelta(0), moves=0, sandbox=False)


async def state(tx: Tx, *, lock: bool = False) -> Clock:
    """The clock's row; without one it is the system's clock."""
    row = await tx.row("select standing_at, offset_us, moves, sandbox from business_clock where id = 1" + (" for update" if lock else ""))
    if row is None:
        return SYSTEM
    return Clock(row["standing_at"], timedelta(microseconds=row["offset_us"]), row["moves"], row["sandbox"])


async def business_now(tx: Tx, machine_now: datetime) -> datetime:
    """Business time, to be read once per unit of work and passed down."""
    return (await state(tx)).now(machine_now)


async def prepare(tx: Tx, *, sandbox: bool, start: datetime, ticking: bool, machine_now: datetime) -> Clock:
    """Makes the clock's row where there is none: a world begins at `start`. An existing clock goes on from where it was."""
    standing = None if ticking else start
    offset = start - machine_now if ticking else timedelta(0)
    await tx.run(
        "insert into business_clock(id, standing_at, offset_us, sandbox) values (1, $1, $2, $3) on conflict (id) do nothing",
        standing,
        _microseconds(offset),
        sandbox,
    )
    return await state(tx)


async def set_standing(tx: Tx, instant: datetime, machine_now: datetime) -> Clock:
    """Moves the clock to an instant and lets it stand there. Raises ClockBackwardsError, NotASandboxError."""
    await _movable(tx, instant, machine_now)
    await tx.run("update business_clock set standing_at = $1, moves = moves + 1 where id = 1", instant)
    return await state(tx)


async def set_ticking(tx: Tx, instant: datetime, machine_now: datetime) -> Clock:
    """Moves the clock to an instant and lets it tick from there. Raises ClockBackwardsError, NotASandboxError."""
    await _movable(tx, instant, machine_now)
    await tx.run(
        "update business_clock set standing_at = null, offset_us = $1, moves = moves + 1 where id = 1",
        _microseconds(instant - machine_now),
    )
    return await state(tx)


async def _movable(tx: Tx, instant: datetime, machine_now: datetime) -> None:
    clock = await state(tx, lock=True)
    if not clock.sandbox:
        raise NotASandboxError("only a sandbox's clock can be moved")
    if instant < clock.now(machine_now):
        raise ClockBackwardsError(clock.now(machine_now), instant.astimezone(TOKYO))


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
