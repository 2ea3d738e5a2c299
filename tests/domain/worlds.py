"""The banks of the demo's world, and a Japanese bank as they usually are."""

from datetime import date, datetime, time
from typing import Any

from domain.calendar import JST
from domain.deadlines import BankRules
from domain.statuses import CalendarKind


def at(text: str) -> datetime:
    """`09-20 10:00` in Tokyo, in the year 2000 unless a year is given."""
    full = text if text.count("-") == 2 else f"2000-{text}"
    return datetime.fromisoformat(full).replace(tzinfo=JST)


def on(text: str) -> date:
    return date.fromisoformat(text if text.count("-") == 2 else f"2000-{text}")


def demo_bank(code: str = "9991", **changes: Any) -> BankRules:
    """All banks of the demo: every day, 91 due 12:00 four days before, 21 one day before, results 10:00 on the next day."""
    settings: dict[str, Any] = {
        "bank_code": code,
        "calendar": CalendarKind.EVERY_DAY,
        "debit_deadline": time(12),
        "debit_lead_days": 4,
        "credit_deadline": time(12),
        "credit_lead_days": 1,
        "result_days": 1,
        "result_time": time(10),
        "statement_time": time(6),
        "overdue_days": 2,
    }
    return BankRules(**(settings | changes))


def usual_bank(code: str = "9994", **changes: Any) -> BankRules:
    return demo_bank(code, **({"calendar": CalendarKind.BANK_DAYS} | changes))
