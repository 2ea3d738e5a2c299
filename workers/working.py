"""Working under a lease: it is renewed while the work goes on, and the work is stopped when the lease is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from structlog import get_logger

from domain.store.faults import AWAY
from domain.store.leases import LASTS

RENEWED_EACH = LASTS / 3

T = TypeVar("T")


class LeaseLost(Exception):
    """Somebody else may be doing this work now. What we were doing has been stopped."""


async def under_lease(
    work: Coroutine[Any, Any, T],
    renew: Callable[[datetime], Awaitable[bool]],
    machine_clock: Callable[[], datetime],
    *,
    each: timedelta = RENEWED_EACH,
) -> T:
    """Runs `work` and renews its lease meanwhile.

    Raises LeaseLost, after cancelling the work, when the lease is gone or could not be renewed in time.

    Args:
        work: What is to be done; the lease has just been taken for it.
        renew: Renews the lease from a machine instant on; False when it is another's.
        machine_clock: The clock of the lease.
        each: How often it is renewed.
    """
    good_until = machine_clock() + LASTS
    task = asyncio.create_task(work)
    try:
        while True:
            done, _ = await asyncio.wait({task}, timeout=each.total_seconds())
            if done:
                return task.result()
            machine_now = machine_clock()
            try:
                if await renew(machine_now):
                    good_until = machine_now + LASTS
                    continue
            except AWAY as error:
                # A database that is away does not take the lease from us; time does, one renewal before it has passed.
                get_logger().warning("lease_not_renewed", reason=str(error))
                if machine_now + each < good_until:
                    continue
            raise LeaseLost("the lease ran out while the work went on")
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


def running_from(machine_now: datetime) -> Callable[[], datetime]:
    """A machine clock that goes on from an instant that was handed in: a test that moves machine time is obeyed."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    return lambda: machine_now + timedelta(seconds=loop.time() - started)
