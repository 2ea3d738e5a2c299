"""Money is whole yen (I20), and fees are whole yen rounded down. Interface first."""

from dataclasses import dataclass

MAX_LINE = 9_999_999_999
MAX_BATCH_AMOUNT = 999_999_999_999
MAX_BATCH_LINES = 999_999


@dataclass(frozen=True, order=True, slots=True)
class Yen:
    amount: int


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    buyer_fixed: int = 0
    buyer_basis_points: int = 0
    seller_fixed: int = 0
    seller_basis_points: int = 0


def fees_of(amount: int, schedule: FeeSchedule) -> tuple[int, int]:
    """(buyer_fee, seller_fee) in yen."""
    raise NotImplementedError
