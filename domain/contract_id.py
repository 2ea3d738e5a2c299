"""Contract IDs (契約ID): time(9) home(3) number(5) check(1), 18 digits, never used twice [0021] (R11).

They sort by birth, they name the logical shard (`home`) of their site without a directory, and with two digits of
attempt they fill the 20-digit customer number of a debit file (S44). The check digit is Damm's: it finds every single
wrong digit and every swap of neighbours.

The time is the machine's: the business clock may stand in the year 2000. Numbers come in blocks from one counter row
per home, where counter = seconds x 100,000 + number; a counter only rises, so no clock has to be trusted.
"""

from datetime import UTC, datetime

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
DIGITS = 18
MAX_SECONDS = 999_999_999  # into the year 2056
MAX_HOME = 999
PER_SECOND = 100_000

_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


class BadContractId(ValueError):
    """Not an ID of ours: not digits, too long, or the check digit does not fit."""


def _damm(digits: str, state: int = 0) -> int:
    for digit in digits:
        state = _DAMM[state][ord(digit) - 48]
    return state


def make(seconds: int, home: int, number: int) -> int:
    """The contract ID born `seconds` after EPOCH in `home`. Raises ValueError outside 9, 3 and 5 digits."""
    if not (0 <= seconds <= MAX_SECONDS and 0 <= home <= MAX_HOME and 0 <= number < PER_SECOND):
        raise ValueError("time has 9 digits, home 3, number 5")
    body = (seconds * 1000 + home) * PER_SECOND + number
    return body * 10 + _damm(f"{body:017d}")


def home_of(contract_id: int) -> int:
    """The home (logical shard) of a contract."""
    return contract_id // 1_000_000 % 1000


def text(contract_id: int) -> str:
    """As it is written everywhere: 18 digits."""
    return f"{contract_id:018d}"


def parse(written: str) -> int:
    """The ID that somebody has typed or a file brings back. Leading zeros may be missing. Raises BadContractId."""
    if not (written.isascii() and written.isdigit() and len(written) <= DIGITS):
        raise BadContractId("a contract ID has at most 18 digits")
    if _damm(written) != 0:  # leading zeros leave Damm's state at 0
        raise BadContractId("the check digit does not fit")
    return int(written)


def seconds_of(machine_now: datetime) -> int:
    """Whole seconds from EPOCH to an instant of the machine clock."""
    if machine_now.tzinfo is None:
        raise ValueError("an instant has a zone")
    delta = machine_now - EPOCH
    return delta.days * 86_400 + delta.seconds


def block(next_: int, now_seconds: int, n: int) -> tuple[int, int]:
    """Take `n` numbers: (first counter of the block, new value of the counter row).

    The same arithmetic as the statement that takes them: next = greatest(next, now x 100,000) + n. A clock that went
    back changes nothing.
    """
    first = max(next_, now_seconds * PER_SECOND)
    return first, first + n


def ids(first: int, n: int, home: int) -> list[int]:
    """The `n` contract IDs of the block that begins at counter `first`; a block may run on into the next second."""
    made: list[int] = []
    last = first + n
    if not (0 <= home <= MAX_HOME and first >= 0 and n >= 0 and last <= (MAX_SECONDS + 1) * PER_SECOND):
        raise ValueError("time has 9 digits, home 3, number 5")
    while first < last:
        seconds, number = divmod(first, PER_SECOND)
        upto = min(PER_SECOND, number + last - first)
        head = seconds * 1000 + home
        state = _damm(f"{head:012d}")  # shared by all numbers of one second
        made += [(head * PER_SECOND + k) * 10 + _damm(f"{k:05d}", state) for k in range(number, upto)]
        first += upto - number
    return made


def born_between(from_: datetime, before: datetime) -> tuple[int, int]:
    """All IDs born in [from_, before), whatever their home, as [lowest, first beyond): the bounds of a partition."""
    return seconds_of(from_) * 1_000_000_000, seconds_of(before) * 1_000_000_000
