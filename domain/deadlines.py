"""When a bank must have a file, when we seal it, and when its answer is due.

A deadline is when the file must be there; it is sealed `seal_before` minutes earlier, and what was committed before
that moment is in it. Days are counted in the bank's own calendar without the debit day itself.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum

from domain.calendar import JST, OutsideCalendar, add_days, business_date, days_between, on_or_after, shift
from domain.money import MAX_BATCH_AMOUNT, MAX_BATCH_LINES, MAX_LINE
from domain.statuses import CalendarKind, FilesPerDate, Kind, ShiftRule

_STATEMENT_DAYS = 1  # a statement tells of the day before


@dataclass(frozen=True, slots=True)
class BankRules:
    """How one bank works (銀行の取扱規則): all of it a setting, since no two banks agree. Times are Tokyo times."""

    bank_code: str
    calendar: CalendarKind
    debit_deadline: time  # 91: the file must be there
    debit_lead_days: int  # 91: this many days before the debit date
    credit_deadline: time  # 21
    credit_lead_days: int  # 21: this many days before the transfer date
    result_days: int  # the 91 result comes this many days after the debit date
    result_time: time
    statement_time: time  # 03 of a day: on the next day at this time
    overdue_days: int  # after the answer was due, before it counts as unknown
    seal_before: int = 60  # minutes
    files_per_debit_date: FilesPerDate = FilesPerDate.ONE
    accepts_ahead_days: int = 30  # SEVERAL: how many days before the debit date a file may come at the earliest
    payout_days: int = 1  # as main bank: standard days of a payout
    shift_rule: ShiftRule = ShiftRule.REFUSE  # for due dates on days on which it does not work
    scheduled_debits: bool = True  # takes debits for a due date (期日振替)
    splits_fees: bool = False  # its channel can split a fee off a direct debit-and-credit (S49)
    max_lines: int = MAX_BATCH_LINES  # a file
    max_yen: int = MAX_BATCH_AMOUNT  # a file
    max_line_yen: int = MAX_LINE
    framing: str = "crlf"  # of what we write (`domain.bank_settings`)
    encoding: str = "jis"
    tolerant: bool = False  # how its files are read
    failed_only: bool = False  # its results hold the failed lines only
    approves_totals: bool = False  # a person approves count, amount and hash of a file before it goes

    def __post_init__(self) -> None:
        """Settings that would send a file before it is written, or count backwards, are refused."""
        days = (self.debit_lead_days, self.credit_lead_days, self.result_days, self.overdue_days, self.payout_days)
        if min(*days, self.seal_before, self.accepts_ahead_days) < 0:
            raise ValueError("days and minutes are counted forwards")


@dataclass(frozen=True, slots=True)
class Slot:
    """One file's place: the date it is for, when we seal it, and when the bank must have it."""

    value_on: date
    seal_at: datetime
    deadline_at: datetime


class DateReason(Enum):
    """Why a due date is not possible (S22)."""

    PAST = "past"
    TOO_LATE = "the last file for this date is sealed"
    HOLIDAY = "the bank does not work on this day"
    BEYOND_CALENDAR = "beyond the calendar of bank days"


@dataclass(frozen=True, slots=True)
class DateProblem:
    """A due date that cannot be met, and the next date that could."""

    reason: DateReason
    earliest_on: date | None = None


def _debit_slot_on(rules: BankRules, day: date, value_on: date) -> Slot:
    deadline_at = datetime.combine(day, rules.debit_deadline, JST)
    return Slot(value_on, deadline_at - timedelta(minutes=rules.seal_before), deadline_at)


def _next_deadline_day(calendar: CalendarKind, deadline: time, seal_before: int, now: datetime) -> date:
    """The first day whose sealing is still ahead. At the very minute of sealing it is too late."""
    day = on_or_after(calendar, business_date(now))
    while datetime.combine(day, deadline, JST) - timedelta(minutes=seal_before) <= now:
        day = add_days(calendar, day, 1)
    return day


def _next_debit_day(rules: BankRules, now: datetime) -> date:
    return _next_deadline_day(rules.calendar, rules.debit_deadline, rules.seal_before, now)


def next_debit(rules: BankRules, now: datetime, *, not_before: date | None = None) -> Slot:
    """The earliest debit date, not before `not_before`, whose sealing is still ahead of `now`. Raises
    OutsideCalendar.
    """
    day = _next_debit_day(rules, now)
    value_on = add_days(rules.calendar, on_or_after(rules.calendar, day), rules.debit_lead_days)
    if not_before is not None and value_on < not_before:
        value_on = on_or_after(rules.calendar, not_before)
        day = add_days(rules.calendar, value_on, -rules.debit_lead_days)
    return _debit_slot_on(rules, day, value_on)


def debit_slot(rules: BankRules, now: datetime, due_on: date) -> Slot | DateProblem:
    """The file in which a contract with this due date goes out, or why it cannot.

    A bank that takes ONE file a date gets it at the last deadline for that date. One that takes SEVERAL gets it at
    the next deadline from which the date is within `accepts_ahead_days`. `Slot.value_on` is the effective date: the
    due date, or where the bank's shift rule moves it.
    """
    try:
        effective = shift(rules.calendar, rules.shift_rule, due_on)
        earliest_on = next_debit(rules, now).value_on
        if due_on < business_date(now):
            return DateProblem(DateReason.PAST, earliest_on)
        if effective is None:
            return DateProblem(DateReason.HOLIDAY, max(earliest_on, on_or_after(rules.calendar, due_on)))
        if effective < earliest_on:
            return DateProblem(DateReason.TOO_LATE, earliest_on)
        last_day = add_days(rules.calendar, effective, -rules.debit_lead_days)
        if rules.files_per_debit_date is FilesPerDate.ONE:
            return _debit_slot_on(rules, last_day, effective)
        day = _next_debit_day(rules, now)
        if days_between(rules.calendar, day, effective) > rules.accepts_ahead_days:
            day = min(last_day, add_days(rules.calendar, effective, -rules.accepts_ahead_days))
        return _debit_slot_on(rules, day, effective)
    except OutsideCalendar:
        return DateProblem(DateReason.BEYOND_CALENDAR)


def next_credit(rules: BankRules, now: datetime) -> Slot:
    """The next 21 file of this bank (payout, sweep, refund, fee) whose sealing is ahead of `now`. Raises
    OutsideCalendar.
    """
    day = _next_deadline_day(rules.calendar, rules.credit_deadline, rules.seal_before, now)
    deadline_at = datetime.combine(day, rules.credit_deadline, JST)
    value_on = add_days(rules.calendar, day, rules.credit_lead_days)
    return Slot(value_on, deadline_at - timedelta(minutes=rules.seal_before), deadline_at)


def answer_due_at(rules: BankRules, kind: Kind, value_on: date) -> datetime:
    """When the bank should have told us what became of a file: its result (91), or the statement of the day (21).

    Raises OutsideCalendar; a delivery is not a bank's, so asking for one is a ValueError.
    """
    if kind is Kind.DELIVERY:
        raise ValueError("a delivery is answered by a carrier")
    if kind is Kind.DEBIT:
        return datetime.combine(add_days(rules.calendar, value_on, rules.result_days), rules.result_time, JST)
    return datetime.combine(add_days(rules.calendar, value_on, _STATEMENT_DAYS), rules.statement_time, JST)


def overdue_at(rules: BankRules, kind: Kind, value_on: date) -> datetime:
    """When silence becomes UNKNOWN (S04): `overdue_days` after the answer was due."""
    due_at = answer_due_at(rules, kind, value_on)
    return datetime.combine(add_days(rules.calendar, due_at.date(), rules.overdue_days), due_at.timetz())
