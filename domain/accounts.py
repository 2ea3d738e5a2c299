"""Bank accounts (口座). Bank name and number do not identify a Japanese account (S40): bank, branch, type, number and
kana holder do.
"""

from dataclasses import dataclass

from domain.statuses import AccountType

AccountKey = tuple[str, str, int, str]
"""Bank code, branch code, type, number: what identifies an account; the holder is checked against it by the bank."""

DEBITABLE_TYPES = frozenset({AccountType.ORDINARY, AccountType.CURRENT})
"""What a debit file allows of our types."""

NOT_DEBITABLE_BANK = "9900"
"""ゆうちょ銀行: its debits go another way, not in this release."""


def mask(number: str) -> str:
    """An account number as others than its owner see it: `*****67`."""
    return "*" * (len(number) - 2) + number[-2:]


@dataclass(frozen=True, slots=True, repr=False)
class BankAccount:
    """An account, already checked: 4, 3 and 7 digits, holder in the banks' characters."""

    bank_code: str
    branch_code: str
    type: AccountType
    number: str
    holder: str

    @property
    def key(self) -> AccountKey:
        """What identifies it."""
        return (self.bank_code, self.branch_code, int(self.type), self.number)

    @property
    def debitable(self) -> bool:
        """Whether a buyer can be debited there."""
        return self.type in DEBITABLE_TYPES and self.bank_code != NOT_DEBITABLE_BANK

    def __repr__(self) -> str:
        """Without the number and the name: a repr ends up in logs."""
        return f"BankAccount({self.bank_code}-{self.branch_code} {self.type.name} {mask(self.number)})"
