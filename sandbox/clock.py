"""The business clock of the sandbox: it stands where it was put, or ticks with the machine. It never goes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson

from sandbox.instants import JST, from_machine, parse_instant, write_instant
from sandbox.store import Store

TICKING_TOLERANCE = timedelta(seconds=2)
"""How far behind a ticking clock may be set without being called backwards: two clocks never tick as one."""


class ClockBackwards(Exception):
    """The clock would go back."""


class Clock:
    """Business time. While it ticks, business = machine + an offset that is fixed when it is set."""

    def __init__(self, store: Store, start: datetime, machine: Callable[[], float], *, ticking: bool) -> None:
        self._store = store
        self._machine = machine
        kept = store.recall("clock")
        if kept is not None:
            # A second start goes on from the clock that the first one had; the time between does not count.
            state: Any = orjson.loads(kept)
            start, ticking = parse_instant(state["now"]), state["ticking"]
        self._at = start.astimezone(JST)
        self._set_on = from_machine(machine())
        self.ticking = ticking
        self.keep()

    def now(self) -> datetime:
        if not self.ticking:
            return self._at
        passed = from_machine(self._machine()) - self._set_on
        return self._at + max(passed, timedelta())

    def check(self, to: datetime) -> datetime:
        """The instant that a move to `to` leads to; raises ClockBackwards."""
        now = self.now()
        if to >= now:
            return to
        if self.ticking and now - to <= TICKING_TOLERANCE:
            return now
        raise ClockBackwards

    def set(self, to: datetime, *, ticking: bool) -> None:
        """Stand at, or tick from, an instant."""
        self._at, self._set_on, self.ticking = max(to, self.now()).astimezone(JST), from_machine(self._machine()), ticking
        self.keep()

    def keep(self) -> None:
        """Write down what time it is, for the next start."""
        state = {"now": write_instant(self.now()), "ticking": self.ticking}
        self._store.remember("clock", orjson.dumps(state).decode())
