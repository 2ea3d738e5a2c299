"""Contract IDs: 18 digits, time(9) home(3) number(5) check(1). Interface first."""

from datetime import UTC, datetime

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


class BadContractId(ValueError):
    """Not an ID of ours: wrong length, or the check digit does not fit."""


def make(seconds: int, home: int, number: int) -> int:
    raise NotImplementedError


def home_of(contract_id: int) -> int:
    return contract_id // 1_000_000 % 1000


def text(contract_id: int) -> str:
    return f"{contract_id:018d}"


def parse(written: str) -> int:
    raise NotImplementedError


def seconds_of(machine_now: datetime) -> int:
    raise NotImplementedError


def block(next_: int, now_seconds: int, n: int) -> tuple[int, int]:
    """(first counter of the block, new value of `next`): next = greatest(next, now*100000) + n."""
    raise NotImplementedError


def ids(first: int, n: int, home: int) -> list[int]:
    """The n contract IDs of the block that begins at counter `first`."""
    raise NotImplementedError


def born_between(from_: datetime, before: datetime) -> tuple[int, int]:
    """Half-open range of IDs (lowest, first beyond)."""
    raise NotImplementedError
