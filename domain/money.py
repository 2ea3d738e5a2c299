"""Money is whole yen (I20), bounded by what a bank's record can carry, and fees are rounded down.

Sums inside the house are plain `int` yen, because millions of them pass through; `Yen` stands where a single amount
crosses an edge and must not be anything else.
"""

from dataclasses import dataclass
from enum import Enum

MAX_LINE = 9_999_999_999
"""The ten digits of an amount in a debit or credit record. A price that does not fit is refused at registration, not
at the bank.
"""
MAX_BATCH_AMOUNT = 999_999_999_999
"""The twelve digits of a trailer's total."""
MAX_BATCH_LINES = 999_999
"""The six digits of a trailer's count."""

BASIS = 10_000
"""Basis points in the whole."""


@dataclass(frozen=True, order=True, slots=True)
class Yen:
    """An amount of yen, never negative: direction belongs to the posting."""

    amount: int

    def __post_init__(self) -> None:
        """Refuse what is not a whole number: `bool`, `float` and `Decimal` included."""
        if type(self.amount) is not int:
            raise TypeError("yen are whole numbers")
        if self.amount < 0:
            raise ValueError("direction belongs to the posting, not to the amount")

    def __add__(self, other: "Yen") -> "Yen":
        return Yen(self.amount + other.amount)

    def __sub__(self, other: "Yen") -> "Yen":
        return Yen(self.amount - other.amount)

    def __str__(self) -> str:
        return f"¥{self.amount:,}"


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """What the server operator earns on each contract of a site [0045]: fixed yen and basis points of the amount, for
    each side.

    Consumption tax is included. A contract stores the yen at registration, so a new schedule never changes an old
    contract.
    """

    buyer_fixed: int = 0
    buyer_basis_points: int = 0
    seller_fixed: int = 0
    seller_basis_points: int = 0

    def __post_init__(self) -> None:
        """Fees are neither negative nor broken, and no share is more than the whole."""
        for value in (self.buyer_fixed, self.buyer_basis_points, self.seller_fixed, self.seller_basis_points):
            if type(value) is not int:
                raise TypeError("fees are whole yen and whole basis points")
            if value < 0:
                raise ValueError("a fee is not negative")
        if max(self.buyer_basis_points, self.seller_basis_points) > BASIS:
            raise ValueError("10,000 basis points are the whole amount")


NO_FEES = FeeSchedule()


class FeeRefusal(Enum):
    """Why a contract cannot be taken at these fees."""

    SELLER_GETS_NOTHING = "seller fee >= amount"
    TOO_LARGE = "amount + buyer fee does not fit a debit record"


def fees_of(amount: int, schedule: FeeSchedule) -> tuple[int, int]:
    """(buyer fee, seller fee) in yen: fixed + amount x basis points / 10,000, each part rounded down."""
    return (
        schedule.buyer_fixed + amount * schedule.buyer_basis_points // BASIS,
        schedule.seller_fixed + amount * schedule.seller_basis_points // BASIS,
    )


def fee_refusal(amount: int, buyer_fee: int, seller_fee: int) -> FeeRefusal | None:
    """None if the contract can carry its fees. Debit, mandate limit and balance check use the gross figure (S51)."""
    if amount + buyer_fee > MAX_LINE:
        return FeeRefusal.TOO_LARGE
    if seller_fee >= amount:
        return FeeRefusal.SELLER_GETS_NOTHING
    return None
