"""What goes out by itself: webhooks of sites and firms, and mail [0038]. When it is tried again, and when it is given up.

Machine time throughout: a receiver that is away is away by the clock on the wall, whatever the sandbox's clock says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum


class HookChannel(IntEnum):
    """How it goes out."""

    WEBHOOK = 0  # a signed POST
    MAIL = 1  # a letter [0038]


class HookStatus(IntEnum):
    """Whether a hook is served."""

    ACTIVE = 0
    DISABLED = 1  # by its owner, by a 410, after days of failure, or because its owner has lost the right
    UNCONFIRMED = 2  # a mail address that nobody has confirmed: only the code goes there


class HookReason(Enum):
    """Why a hook is disabled."""

    BY_OWNER = "BY_OWNER"
    GONE = "GONE"  # the receiver answered 410
    FAILING = "FAILING"  # nothing was taken for days
    OWNER_STOPPED = "OWNER_STOPPED"  # client or user stopped, consent taken back, password changed, or a scope lost
    LOG_GONE = "LOG_GONE"  # what it still had to tell is not in the log any more


class DispatchStatus(IntEnum):
    """How far one event of one hook has come."""

    WAITING = 0
    DELIVERED = 1
    GIVEN_UP = 2
    DROPPED = 3  # not sent: the right to it was lost, or a replay tells it again


PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600)
)
"""Between the tries of one event: ten tries in a little more than three days, as Standard Webhooks recommends."""

JITTER = 0.1  # a pause is up to a tenth longer, so that all who failed together do not come back together
HONOURED = timedelta(hours=24)  # the longest Retry-After that is obeyed
FAILING_FOR = timedelta(days=3)  # when an event is given up and nothing was taken for so long, the hook is disabled
SECRET_OVERLAP = timedelta(hours=24)  # so long the secret before a rotation signs, too
BODIES_KEPT = timedelta(days=7)
LOG_KEPT = timedelta(days=30)
MOST_HOOKS = 20  # of one site or firm
MOST_WAITING = 2_000  # events that wait for one receiver; what comes after stays in the log until there is room
ROOM_AGAIN = 1_000
MOST_MAILS = 60  # to one address in an hour; the others wait

NOTICES: Mapping[str, int] = {"SHIPPED": 8, "DEBIT_FAILED": 5, "PAID": 15}
"""What one can be mailed about, by the number of the event; `WEBHOOK_DISABLED` beside them is none of the log."""

WRITE = "webhooks:write"
"""The scope of those who register webhooks."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one try.

    Attributes:
        status_code: Of HTTP, or of SMTP. None: there was no answer.
        error: Why it did not succeed, in words without secrets. None: it did.
        milliseconds: How long it took.
        retry_after: The pause that the receiver asked for.
        gone: It does not want to be called again.
        hopeless: It will never take this one.
    """

    status_code: int | None
    error: str | None
    milliseconds: int
    retry_after: timedelta | None = None
    gone: bool = False
    hopeless: bool = False

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.error is None


def next_try(tries: int, machine_now: datetime, chance: float, retry_after: timedelta | None = None) -> datetime | None:
    """When to try again after `tries` failures; None: never, it is given up.

    Args:
        tries: How often it has been tried, at least once.
        machine_now: When the last try failed.
        chance: From 0 to 1, where in the jitter.
        retry_after: What the receiver asked for; it only makes the pause longer.
    """
    if tries > len(PAUSES):
        return None
    pause = PAUSES[tries - 1]
    pause += pause * JITTER * chance
    if retry_after is not None:
        pause = max(pause, min(retry_after, HONOURED))
    return machine_now + pause
