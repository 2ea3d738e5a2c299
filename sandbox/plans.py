"""What becomes of a shipment: its *plan*, chosen by the model of its goods.

`EXPRESS` ships after two days, `SILENT` never, and so on (`PLANS`). All other goods ship by the plan DEFAULT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EVENT_TYPES = ("accepted", "rejected", "picked_up", "in_transit", "delivered", "attempt_failed", "returned", "lost", "cancelled")
"""What can be told of a shipment (docs/wire.md section 2)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event: `days` after shipping (after the instruction, with `from_instruction`), `hours` after the usual hour."""

    type: str
    days: int = 0
    hours: int = 0
    sequence: int = 1
    from_instruction: bool = False
    repeat: bool = False
    """The same event again, in another message or file."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to a shipment; `ship_days` of the carrier when None."""

    steps: tuple[Step, ...]
    ship_days: int | None = None
    rejected: str | None = None
    leaves_at_once: bool = False
    """It is on its way as soon as it is instructed, whatever is told: too late to stop."""


_PICKED_UP = Step("picked_up")
PLANS: Mapping[str, Plan] = {
    "DEFAULT": Plan((_PICKED_UP,)),
    "EXPRESS": Plan((_PICKED_UP,), ship_days=2),
    "SILENT": Plan(()),
    "REJECT": Plan((), rejected="not carried by this carrier"),
    "REJECT_LATER": Plan((Step("rejected", days=1, from_instruction=True, reason="damaged before pick-up"),)),
    "CANCELLED": Plan((Step("cancelled", days=1, from_instruction=True, reason="cancelled by the sender"),)),
    "HURRIED": Plan((_PICKED_UP,), leaves_at_once=True),
    "DELIVERS": Plan((_PICKED_UP, Step("delivered", days=1, sequence=2))),
    "NOTICES": Plan(
        (
            Step("accepted", from_instruction=True, hours=1),
            Step("picked_up", sequence=2),
            Step("in_transit", hours=6, sequence=3),
            Step("delivered", days=1, sequence=4),
        )
    ),
    "RETURNED": Plan((_PICKED_UP, Step("returned", days=2, sequence=2, reason="refused by the receiver"))),
    "LOST": Plan((_PICKED_UP, Step("lost", days=2, sequence=2, reason="not found"))),
    "LOST_BEFORE": Plan((Step("lost", days=0, reason="not found"),)),
    "ABSENT": Plan(
        (
            _PICKED_UP,
            Step("attempt_failed", days=1, sequence=2, reason="nobody was there"),
            Step("attempt_failed", days=1, hours=1, repeat=True),
            Step("attempt_failed", days=2, sequence=3, reason="nobody was there"),
            Step("delivered", days=3, sequence=4),
        )
    ),
    "BACKWARDS": Plan(
        (
            Step("delivered", days=1, sequence=4),
            Step("attempt_failed", days=1, hours=1, sequence=3, reason="nobody was there"),
            Step("in_transit", days=1, hours=2, sequence=2),
            Step("picked_up", days=1, hours=3),
        )
    ),
    "TWICE": Plan((_PICKED_UP, Step("picked_up", hours=1, repeat=True))),
    "DISORDER": Plan((Step("in_transit", sequence=2), Step("picked_up", hours=1))),
    "SKIPS": Plan((Step("delivered", days=1, sequence=3),)),
}
