"""What the demo must come to, cell by cell. Money, dates and states of the figures are the patent's (JP 2002-140645
A: figures 2, 3, 8,
9, [0022], [0026]); what the figures leave open is invented: contract numbers and yen of #100 to #103, yen of 1544 and
4662, banks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kessai.world_data import START, TOKYO

FIGURE_8_AT = datetime(2000, 9, 26, 9, tzinfo=TOKYO)
END_AT = datetime(2000, 10, 2, 7, tzinfo=TOKYO)
DAYS = tuple(START.date() + timedelta(days=n) for n in range((END_AT.date() - START.date()).days + 1))

# How the patent calls four of them.
FIGURE_NAMES = {"130/4100": "#100", "130/4101": "#101", "130/4102": "#102", "130/4103": "#103"}


def day(month_day: str) -> date:
    """A day of the year 2000."""
    return date.fromisoformat(f"2000-{month_day}")


@dataclass(frozen=True, slots=True)
class Sold:
    """One of the nine contracts, and how it ends."""

    number: str
    registered: str  # day, at 10:00
    yen: int
    seller: str
    buyer: str
    debit: str
    delivery: str
    payout: str


CONTRACTS = (
    Sold("130/4100", "09-20", 25_000, "A社", "B社", "FAILED", "PENDING", "WILL_NOT_SETTLE"),
    Sold("130/4101", "09-20", 198_000, "C社", "D社", "DEBITED", "SHIPPED", "PAID"),
    Sold("130/4102", "09-20", 90_000, "E社", "F社", "DEBITED", "SHIPPED", "PAID"),
    Sold("130/4103", "09-20", 12_000, "G社", "H社", "DEBITED", "SHIPPED", "PAID"),
    Sold("130/4112", "09-21", 30_000, "B社", "D社", "DEBITED", "SHIPPED", "PAID"),
    Sold("130/4332", "09-22", 100_000, "B社", "F社", "DEBITED", "SHIPPED", "PAID"),
    Sold("130/4662", "09-24", 60_000, "B社", "F社", "DEBITED", "INSTRUCTED", "PENDING"),
    Sold("320/1544", "09-22", 45_000, "B社", "H社", "DEBITED", "INSTRUCTED", "PENDING"),
    Sold("320/1566", "09-23", 850_000, "B社", "D社", "DEBITED", "SHIPPED", "PAID"),
)

# bank, site, debit date, sealed (11:00), yen, contracts. The first three are [0022].
DEBIT_FILES = (
    ("9991", 130, "09-24", "09-20", 37_000, ("130/4100", "130/4103")),
    ("9992", 130, "09-24", "09-20", 198_000, ("130/4101",)),
    ("9993", 130, "09-24", "09-20", 90_000, ("130/4102",)),
    ("9992", 130, "09-25", "09-21", 30_000, ("130/4112",)),
    ("9993", 130, "09-26", "09-22", 100_000, ("130/4332",)),
    ("9991", 320, "09-26", "09-22", 45_000, ("320/1544",)),
    ("9992", 320, "09-27", "09-23", 850_000, ("320/1566",)),
    ("9993", 130, "09-28", "09-24", 60_000, ("130/4662",)),
)

# bank, day on which the result came (10:00), debit date. B銀行 answered a day late for 09-24.
RESULTS = (
    ("9992", "09-25", "09-24"),
    ("9993", "09-25", "09-24"),
    ("9991", "09-26", "09-24"),
    ("9992", "09-26", "09-25"),
    ("9991", "09-27", "09-26"),
    ("9993", "09-27", "09-26"),
    ("9992", "09-28", "09-27"),
    ("9993", "09-29", "09-28"),
)

# day, contracts the carrier was told of. The first is [0026]: exactly #101 and #102.
DELIVERIES = (
    ("09-25", ("130/4101", "130/4102")),
    ("09-26", ("130/4103", "130/4112")),
    ("09-27", ("130/4332",)),
    ("09-27", ("320/1544",)),
    ("09-28", ("320/1566",)),
    ("09-29", ("130/4662",)),
)

# bank it leaves, site, execution date, sealed (11:00), yen
SWEEPS = (
    ("9992", 130, "09-26", "09-25", 198_000),
    ("9993", 130, "09-26", "09-25", 90_000),
    ("9991", 130, "09-27", "09-26", 12_000),
    ("9992", 130, "09-27", "09-26", 30_000),
    ("9993", 130, "09-28", "09-27", 100_000),
    ("9991", 320, "09-28", "09-27", 45_000),
    ("9992", 320, "09-29", "09-28", 850_000),
    ("9993", 130, "09-30", "09-29", 60_000),
)

# site, execution date, sealed (11:00), yen, contracts
PAYOUTS = (
    (130, "09-29", "09-28", 288_000, ("130/4101", "130/4102")),
    (130, "09-30", "09-29", 42_000, ("130/4103", "130/4112")),
    (130, "10-01", "09-30", 100_000, ("130/4332",)),
    (320, "10-01", "09-30", 850_000, ("320/1566",)),
)

# contract, day shipped (09:00)
SHIPMENTS = {
    "130/4101": "09-28",
    "130/4102": "09-28",
    "130/4103": "09-29",
    "130/4112": "09-29",
    "130/4332": "09-30",
    "320/1566": "09-30",
}

# Figure 3 (配送データ): contract, from, address, to, address, goods, model, quantity. #100 was never instructed, so the
# carrier lacks #25.
FIGURE_3 = (
    ("130/4101", "C社", "渋谷区恵比寿", "D社", "港区青山", "プリンタ", "MM100", 1),
    ("130/4102", "E社", "浦和市白幡", "F社", "中央区銀座", "デスク", "AP55", 1),
    ("130/4103", "G社", "甲府市中央", "H社", "中央区京橋", "トナー", "TP10", 10),
)
FIGURE_3_KEPT = ("130/4100", "A社", "千代田区丸の内", "B社", "港区新橋", "コピー用紙", "A4-W", 500)

# Figure 8 (F社, 130/4102, seen 09-26 09:00): step, planned, actual, forecast, slip in days
FIGURE_8 = (
    ("ACCEPTED", "09-20", "09-20", None, 0),
    ("DEBITED", "09-24", "09-24", None, 0),
    ("DELIVERY_INSTRUCTED", "09-24", "09-25", None, 1),
    ("SHIPPED", "09-27", None, "09-28", 1),
)

# Figure 9 (B社 as seller, seen 10-02 07:00): contract, debited, settled, settled yen, expected yen
FIGURE_9 = (
    ("130/4112", "09-25", "09-30", 30_000, 30_000),
    ("130/4332", "09-26", "10-01", 100_000, 100_000),
    ("320/1544", "09-26", None, None, 45_000),
    ("320/1566", "09-27", "10-01", 850_000, 850_000),
    ("130/4662", "09-28", None, None, 60_000),
)

# site, bank -> yen on our account there at the end; all others 0
OUR_BALANCES = {(130, "9990"): 60_000, (320, "9990"): 45_000}
# firm -> yen before and after
CUSTOMERS = {
    "A": (0, 0),
    "B": (10_000, 990_000),
    "C": (0, 198_000),
    "D": (2_000_000, 922_000),
    "E": (0, 90_000),
    "F": (1_000_000, 750_000),
    "G": (0, 12_000),
    "H": (500_000, 443_000),
}
