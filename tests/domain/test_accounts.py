"""Bank accounts: what identifies them, who can be debited, and that they do not leak (S39, S40)."""

import pytest

from domain.accounts import BankAccount, mask
from domain.statuses import AccountType
from tests.domain.grid import grid

ACCOUNT = BankAccount("9991", "101", AccountType.ORDINARY, "9000002", "Bｼﾔ")


def test_the_number_and_the_name_stay_out_of_logs():
    for shown in (repr(ACCOUNT), str(ACCOUNT), f"{ACCOUNT}", str([ACCOUNT]), repr({"account": ACCOUNT})):
        assert "9000002" not in shown
        assert "Bｼﾔ" not in shown
    assert repr(ACCOUNT) == "BankAccount(9991-101 ORDINARY *****02)"


def test_mask():
    assert mask("1234567") == "*****67"


def test_s40_what_identifies_an_account():
    assert ACCOUNT.key == ("9991", "101", 1, "9000002")


@pytest.mark.parametrize(
    "bank, kind, debitable",
    grid("""
        9991  ORDINARY  yes
        9991  CURRENT   yes
        9991  SAVINGS   no    # a debit file knows no 4
        9900  ORDINARY  no    # not in this release
    """),
)
def test_who_can_be_debited(bank, kind, debitable):
    account = BankAccount(bank, "101", AccountType[kind], "9000002", "A")
    assert account.debitable is (debitable == "yes")
