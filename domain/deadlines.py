"""When a bank must have a file, when we seal it, and when its answer is due. Interface first."""

from dataclasses import dataclass
from datetime import date, datetime, time

from domain.statuses import CalendarKind, FilesPerDate, Kind, ShiftRule


@dataclass(frozen=True, slots=True)
class BankRules:
    bank_code: str
    calendar: CalendarKind
    debit_deadline: time
    debit_lead_days: int
    credit_deadline: time
    credit_lead_days: int
    result_days: int
    result_time: time
    statement_time: time
    overdue_days: int
    seal_before: int = 60  # minutes
    files_per_debit_date: FilesPerDate = FilesPerDate.ONE
    accepts_ahead_days: int = 30
    payout_days: int = 1
    shift_rule: ShiftRule = ShiftRule.REFUSE
    splits_fees: bool = False  # the bank's channel can split a fee off a direct debit


@dataclass(frozen=True, slots=True)
class Slot:
    value_on: date
    seal_at: datetime
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class DateProblem:
    reason: str
    earliest_on: date | None = None


def next_debit(rules: BankRules, now: datetime, *, not_before: date | None = None) -> Slot:
    raise NotImplementedError


def debit_slot(rules: BankRules, now: datetime, due_on: date) -> Slot | DateProblem:
    raise NotImplementedError


def next_credit(rules: BankRules, now: datetime) -> Slot:
    raise NotImplementedError


def answer_due_at(rules: BankRules, kind: Kind, value_on: date) -> datetime:
    raise NotImplementedError


def overdue_at(rules: BankRules, kind: Kind, value_on: date) -> datetime:
    raise NotImplementedError
