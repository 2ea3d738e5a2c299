"""The ledger: accounts, postings, and what each fact posts. Interface first."""

from dataclasses import dataclass
from enum import IntEnum


class AccountKind(IntEnum):
    CASH = 1  # id: bank account
    TRANSIT = 2  # id: site
    OWED = 3  # id: contract
    FEES = 4  # id: site
    OWN = 5  # id: site
    RECEIVABLE_SITE = 6  # id: site
    RECEIVABLE_SELLER = 7  # id: seller party
    SUSPENSE = 8  # id: bank account
    DIRECT = 9  # id: bank code as a number


@dataclass(frozen=True, slots=True)
class Ref:
    kind: AccountKind
    id: int


@dataclass(frozen=True, slots=True)
class Posting:
    source: Ref
    destination: Ref
    amount: int  # yen, > 0
