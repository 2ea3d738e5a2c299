"""What a worker does with a batch that another left behind, for every trace there can be (rule 2, S04, I09)."""

import pytest

from domain.machines import BATCH, BatchFact, Moved, Refused, Repeated
from domain.sending import NextStep, Temporary, Traces, next_step
from domain.statuses import BatchStatus
from tests.domain.grid import grid

KNOWN = {"yes": True, "no": False, "?": None}


@pytest.mark.parametrize(
    "state, temporary, final, heard, plain, deduplicating",
    grid("""
        SEALED     CANNOT_TELL  ?    no   upload        upload
        SENDING    PARTIAL      ?    no   upload        upload
        SENDING    COMPLETE     no   no   upload        upload
        RELEASING  COMPLETE     no   no   rename        rename
        RELEASING  COMPLETE     ?    no   rename        rename
        RELEASING  COMPLETE     yes  no   mark sent     mark sent
        RELEASING  GONE         yes  no   mark sent     mark sent
        RELEASING  GONE         no   no   mark sent     mark sent     # the bank has fetched it
        RELEASING  GONE         ?    no   mark sent     mark sent
        RELEASING  PARTIAL      no   no   mark unknown  send again    # cannot be, so nobody knows
        RELEASING  CANNOT_TELL  no   no   mark unknown  send again
        RELEASING  CANNOT_TELL  ?    no   mark unknown  send again
        RELEASING  CANNOT_TELL  ?    yes  mark sent     mark sent     # a receipt, a result, a statement line
        RELEASING  COMPLETE     no   yes  mark sent     mark sent
        OPEN       CANNOT_TELL  ?    no   nothing       nothing
        SENT       GONE         yes  no   nothing       nothing
        RECEIPTED  GONE         yes  yes  nothing       nothing
        ANSWERED   GONE         yes  yes  nothing       nothing
        CLOSED     GONE         yes  yes  nothing       nothing
        REFUSED    GONE         yes  yes  nothing       nothing
        UNKNOWN    CANNOT_TELL  ?    no   nothing       nothing       # asked for, never sent again
    """),
)
def test_next_step(state, temporary, final, heard, plain, deduplicating):
    traces = Traces(Temporary[temporary], KNOWN[final], KNOWN[heard] is True)
    assert next_step(BatchStatus[state], traces, deduplicates=False) is NextStep(plain)
    assert next_step(BatchStatus[state], traces, deduplicates=True) is NextStep(deduplicating)


ALLOWED = {
    NextStep.UPLOAD: (BatchFact.UPLOAD_BEGUN, {}),
    NextStep.RENAME: (BatchFact.RELEASE_BEGUN, {"safe_to_repeat": True}),
    NextStep.SEND_AGAIN: (BatchFact.RELEASE_BEGUN, {"safe_to_repeat": True}),
    NextStep.MARK_SENT: (BatchFact.SENT, {}),
    NextStep.MARK_UNKNOWN: (BatchFact.OVERDUE, {}),
}


@pytest.mark.parametrize("state", BatchStatus)
@pytest.mark.parametrize("temporary", Temporary)
@pytest.mark.parametrize("final", [True, False, None])
@pytest.mark.parametrize("deduplicates", [True, False])
def test_what_it_says_is_allowed_by_the_machine(state, temporary, final, deduplicates):
    step = next_step(state, Traces(temporary, final), deduplicates=deduplicates)
    if step is not NextStep.NOTHING:
        fact, context = ALLOWED[step]
        assert isinstance(BATCH.step(state, fact, **context), Moved | Repeated)


def test_past_the_point_of_no_return_nothing_goes_back_to_uploading():
    for state in BatchStatus:
        if state >= BatchStatus.RELEASING:
            assert isinstance(BATCH.step(state, BatchFact.UPLOAD_BEGUN, safe_to_repeat=True), Refused)
