"""What a worker does with a batch it finds half sent (rule 2 of the house: look before you act).

SEALED -> SENDING -> uploaded under `.tmp` -> RELEASING (committed: the point of no return) -> renamed without
overwriting -> SENT. Up to SENDING the bank has seen nothing. At RELEASING nobody knows how far the dead worker came,
so the traces decide, and where they do not, the batch is UNKNOWN and asked for, never sent again (I09, S04).
"""

from dataclasses import dataclass
from enum import Enum

from domain.statuses import BatchStatus

TRIES_UNTIL_TOLD = 10
"""Failed tries after which a person is told that somebody outside cannot be reached: some ten minutes of sending, an hour of looking."""


class NextStep(Enum):
    """What may be done with a batch."""

    UPLOAD = "upload"  # from the beginning, under the temporary name
    RENAME = "rename"  # the upload is complete: hand it over, without overwriting
    SEND_AGAIN = "send again"  # the same bytes under the same name, over a channel that recognises them
    MARK_SENT = "mark sent"
    MARK_UNKNOWN = "mark unknown"
    NOTHING = "nothing"


class Temporary(Enum):
    """What is left of the upload under its temporary name."""

    COMPLETE = "complete"  # length and hash are those of the sealed file
    PARTIAL = "partial"
    GONE = "gone"
    CANNOT_TELL = "cannot tell"  # no answer, or the channel cannot look


@dataclass(frozen=True, slots=True)
class Traces:
    """What is seen of a batch on the bank's side."""

    temporary: Temporary
    final_name: bool | None = None  # None: cannot tell
    heard: bool = False  # a receipt, a result or a statement line speaks of it


def next_step(state: BatchStatus, traces: Traces, *, deduplicates: bool) -> NextStep:
    """What to do with a batch found in `state`.

    Args:
        state: As committed.
        traces: What a look at the bank's side shows; before RELEASING it is not asked for.
        deduplicates: The channel promises to recognise the same bytes under the same name or key.
    """
    if state in (BatchStatus.SEALED, BatchStatus.SENDING):
        return NextStep.UPLOAD
    if state is not BatchStatus.RELEASING:
        return NextStep.NOTHING
    if traces.heard or traces.final_name:
        return NextStep.MARK_SENT
    if traces.temporary is Temporary.GONE:
        # It was complete before RELEASING was committed and only our rename takes it away: the bank has fetched the
        # final name.
        return NextStep.MARK_SENT
    if traces.temporary is Temporary.COMPLETE:
        return NextStep.RENAME
    return NextStep.SEND_AGAIN if deduplicates else NextStep.MARK_UNKNOWN
