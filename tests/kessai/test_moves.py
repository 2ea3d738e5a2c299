"""Where to move the clock, as people and programs write it."""

from datetime import datetime, timedelta

import pytest

from kessai import moves
from kessai.moves import TOKYO, BadMove


@pytest.mark.parametrize(
    "text, span",
    [
        ("P1D", timedelta(days=1)),
        ("PT3H", timedelta(hours=3)),
        ("P1DT2H30M5S", timedelta(days=1, hours=2, minutes=30, seconds=5)),
        ("p2w", timedelta(weeks=2)),
        ("+1d", timedelta(days=1)),
        ("+3h", timedelta(hours=3)),
        ("+30m", timedelta(minutes=30)),
        (" +30min ", timedelta(minutes=30)),
        ("+0s", timedelta(0)),
    ],
)
def test_spans(text: str, span: timedelta):
    assert moves.span(text) == span


@pytest.mark.parametrize(
    "text, instant",
    [
        ("2000-09-25T09:00:00+09:00", datetime(2000, 9, 25, 9, tzinfo=TOKYO)),
        ("2000-09-25T00:00:00Z", datetime(2000, 9, 25, 9, tzinfo=TOKYO)),
        ("2000-09-25 09:00", datetime(2000, 9, 25, 9, tzinfo=TOKYO)),
        ("2000-09-25", datetime(2000, 9, 25, tzinfo=TOKYO)),
    ],
)
def test_instants(text: str, instant: datetime):
    assert moves.instant(text) == instant
    assert moves.instant(text).utcoffset() == timedelta(hours=9)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "+", "+1", "+d", "+1y", "P1Y", "-1d", "P-1D", "+1.5d", "1d", "+9999999d", "P99999999999D", "+１d"]
)
def test_what_is_no_span(text: str):
    with pytest.raises(BadMove) as refused:
        moves.span(text)
    assert refused.value.code == "CLOCK_MOVE"


@pytest.mark.parametrize("text", ["", "tomorrow", "2000-13-01", "2000-09-25T25:00", "25.9.2000"])
def test_what_is_no_instant(text: str):
    with pytest.raises(BadMove):
        moves.instant(text)


def test_a_target_is_either():
    now = datetime(2000, 9, 20, 9, tzinfo=TOKYO)
    assert moves.target("+1d", now) == datetime(2000, 9, 21, 9, tzinfo=TOKYO)
    assert moves.target("PT1H", now) == datetime(2000, 9, 20, 10, tzinfo=TOKYO)
    assert moves.target("2000-10-02 07:00", now) == datetime(2000, 10, 2, 7, tzinfo=TOKYO)
