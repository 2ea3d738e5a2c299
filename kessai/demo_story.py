"""The demo tells what happens, day by day and hour by hour, out of the records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from domain.statuses import EventKind, Kind
from domain.store.books import Happened, SentBatch
from domain.store.clock import TOKYO
from kessai import world_data
from kessai.demo_expected import FIGURE_NAMES
from kessai.screen import weekday, yen

BANK_NAMES = {bank.code: bank.name for bank in world_data.BANKS}
# In the order of an instant: what comes in, what follows, what goes out.
WORDS = {
    EventKind.REGISTERED: "{} registered",
    EventKind.DEBITED: "{} 振替完了 ({on})",
    EventKind.DEBIT_FAILED: "{} 振替不能",
    EventKind.SHIPPED: "{} 発送済み",
    EventKind.PAID: "{} 清算完了 ({on})",
    EventKind.DELIVERY_INSTRUCTED: "carrier instructed: {}",
}
FILES = {Kind.DEBIT: "debit files for {}: ", Kind.SWEEP: "sweeps for {}: ", Kind.PAYOUT: "payouts for {}: "}


def name(number: str) -> str:
    """#101 for a contract that the patent calls so, else its number at its site."""
    return FIGURE_NAMES.get(number, number.partition("/")[2])


def tell(day: date, happened: Iterable[Happened], batches: Iterable[SentBatch]) -> list[str]:
    """The lines of one day: the hour, and what happened then."""
    at_hour: dict[str, list[str]] = defaultdict(list)
    events: dict[tuple[str, EventKind, date | None], list[str]] = defaultdict(list)
    for event in happened:
        if event.kind in WORDS:
            on = event.happened_on if event.kind in {EventKind.DEBITED, EventKind.PAID} else None
            events[_hour(event.at), event.kind, on].append(name(event.number))
    for kind, words in WORDS.items():
        for (hour, of, on), names in events.items():
            if of is kind:
                at_hour[hour].append(words.format(" ".join(names), on="" if on is None else f"{on:%m-%d}"))
    files: dict[tuple[str, Kind, date], list[SentBatch]] = defaultdict(list)
    for batch in batches:
        if batch.kind in FILES:
            files[_hour(batch.sealed_at), batch.kind, batch.value_on].append(batch)
    for (hour, sort, on), group in files.items():
        amounts = [f"{BANK_NAMES.get(batch.to, batch.to)} {yen(batch.amount)}" for batch in group]
        if sort is not Kind.DEBIT:
            amounts = [yen(batch.amount) for batch in group]
        at_hour[hour].append(FILES[sort].format(f"{on:%m-%d}") + " · ".join(amounts))
    lines: list[str] = []
    for hour in sorted(at_hour):
        lead = f"{day:%m-%d} {weekday(day)}" if not lines else " " * 8
        lines.append(f"{lead}  {hour}  {'; '.join(at_hour[hour])}")
    return lines


def span(day: date) -> tuple[datetime, datetime]:
    """A day in Tokyo."""
    start = datetime(day.year, day.month, day.day, tzinfo=TOKYO)
    return start, start + timedelta(days=1)


def _hour(at: datetime) -> str:
    return at.astimezone(TOKYO).strftime("%H:%M")
