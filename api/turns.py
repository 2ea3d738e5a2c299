"""Taking turns on the event loop: whoever has much to do lets the others go on in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strawberry.extensions import FieldExtension

TURN = 0.015  # seconds on the event loop before others have their turn


@dataclass(slots=True)
class Turns:
    """Lets others have their turn on the event loop when ours has lasted long enough."""

    began: float

    @classmethod
    def begin(cls) -> Turns:
        """From now."""
        return cls(time.perf_counter())

    @property
    def over(self) -> bool:
        """Whether ours has lasted long enough."""
        return time.perf_counter() - self.began > TURN

    async def pause(self) -> None:
        """A turn for others, if ours is over."""
        if self.over:
            await asyncio.sleep(0)
            self.began = time.perf_counter()


class TakesTurns(FieldExtension):
    """For a field of which an answer can have many, with much below each: when the turn is over, the rest waits for the next one.

    The library completes a list in one go, half a second for the dearest that is allowed. A value that has to be waited for ends that.
    """

    def resolve(self, next_: Callable[..., Any], source: Any, info: Any, **kwargs: Any) -> Any:
        """The value, or its promise."""
        found, turns = next_(source, info, **kwargs), info.context.turns
        return _later(found, turns) if turns.over else found


async def _later(found: Any, turns: Turns) -> Any:
    await turns.pause()
    return found
