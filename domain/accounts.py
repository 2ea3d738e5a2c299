"""Bank accounts (口座). Interface first."""

from dataclasses import dataclass

from domain.statuses import AccountType


def mask(number: str) -> str:
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class BankAccount:
    bank_code: str
    branch_code: str
    type: AccountType
    number: str
    holder: str

    @property
    def key(self) -> tuple[str, str, int, str]:
        raise NotImplementedError
