"""The ledger (元帳): where each yen stands, and what each fact posts.

A posting moves an amount from a source to a destination, so it cannot be unbalanced and the sum over all accounts is
always 0. Postings are appended; a correction is a reversing posting. Decisions reserve, only facts are booked, with
the bank's booking date.

`cash` is what the bank's statement shows. `owed:<contract>` is 0 or less: minus is what the house holds for it.
`own:<site>` above 0 is what the site owes. "Debit" is not used for a side of the books here: it means 振替.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class AccountKind(IntEnum):
    """What an account of the ledger is for; the number is stored. The comment says whose ID goes with it."""

    CASH = 1  # 預金: bank account; the main account is just one of them
    TRANSIT = 2  # 集中途上: site; never below 0
    OWED = 3  # 預り金: contract; never above 0
    FEES = 4  # 手数料: site; owed to the server operator
    OWN = 5  # 運営者自己資金: site; its own money, above 0 the site owes
    RECEIVABLE_SITE = 6  # 立替 (サイト): site
    RECEIVABLE_SELLER = 7  # 立替 (売主): seller's party
    SUSPENSE = 8  # 仮受・仮払: bank account
    DIRECT = 9  # 直接決済: bank code as a number; back at 0 in the same transaction


@dataclass(frozen=True, order=True, slots=True)
class Ref:
    """One account of the ledger."""

    kind: AccountKind
    id: int


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount` yen move from `source` to `destination`."""

    source: Ref
    destination: Ref
    amount: int

    def __post_init__(self) -> None:
        """A posting moves something, somewhere else."""
        if type(self.amount) is not int or self.amount <= 0:
            raise ValueError("a posting moves whole yen, and at least one")
        if self.source == self.destination:
            raise ValueError("a posting moves money from one account to another")


def cash(account_id: int) -> Ref:
    """A bank account of a site."""
    return Ref(AccountKind.CASH, account_id)


def transit(site_id: int) -> Ref:
    """What has left a collecting account and not yet arrived."""
    return Ref(AccountKind.TRANSIT, site_id)


def owed(contract_id: int) -> Ref:
    """What is held for a contract (minus)."""
    return Ref(AccountKind.OWED, contract_id)


def fees(site_id: int) -> Ref:
    """Fees earned on a site's contracts, until they are remitted (minus)."""
    return Ref(AccountKind.FEES, site_id)


def own(site_id: int) -> Ref:
    """A site's own money (minus), or what it owes (plus)."""
    return Ref(AccountKind.OWN, site_id)


def receivable_from_site(site_id: int) -> Ref:
    """What a site has to make good."""
    return Ref(AccountKind.RECEIVABLE_SITE, site_id)


def receivable_from_seller(party_id: int) -> Ref:
    """What a seller has to make good."""
    return Ref(AccountKind.RECEIVABLE_SELLER, party_id)


def suspense(account_id: int) -> Ref:
    """Money on a bank account that nobody has explained yet."""
    return Ref(AccountKind.SUSPENSE, account_id)


def direct(bank_code: str) -> Ref:
    """The point through which direct settlements of a bank pass."""
    return Ref(AccountKind.DIRECT, int(bank_code))


def _moves(*moves: tuple[Ref, Ref, int]) -> tuple[Posting, ...]:
    """The postings among these: a part of 0 yen (no fee, say) is no posting."""
    return tuple(Posting(source, destination, amount) for source, destination, amount in moves if amount != 0)


# -- what each fact posts ---------------------------------------------------------------------------


def deposited(site_id: int, account_id: int, amount: int) -> tuple[Posting, ...]:
    """Opening balance, or the site has paid in money of its own."""
    return _moves((own(site_id), cash(account_id), amount))


def debited(contract_id: int, collecting_id: int, gross: int) -> tuple[Posting, ...]:
    """振替完了: `gross` is amount + buyer fee."""
    return _moves((owed(contract_id), cash(collecting_id), gross))


def sweep_left(site_id: int, collecting_id: int, amount: int) -> tuple[Posting, ...]:
    """資金集中, first half: `amount` is the exact sum of its parts (I12)."""
    return _moves((cash(collecting_id), transit(site_id), amount))


def sweep_arrived(site_id: int, main_id: int, arrived: int) -> tuple[Posting, ...]:
    """資金集中, second half: `arrived` is what the main account's statement shows."""
    return _moves((transit(site_id), cash(main_id), arrived))


def sweep_short(site_id: int, shortfall: int) -> tuple[Posting, ...]:
    """Less arrived than left: the site bears it, never a contract (S11)."""
    return _moves((transit(site_id), own(site_id), shortfall))


def paid_out(contract_id: int, site_id: int, main_id: int, net: int, buyer_fee: int, seller_fee: int) -> tuple[Posting, ...]:
    """清算完了: the seller has `net` = amount - seller fee, and both fees are earned now."""
    held = owed(contract_id)
    return _moves((cash(main_id), held, net), (fees(site_id), held, buyer_fee + seller_fee))


def payout_returned(contract_id: int, site_id: int, main_id: int, net: int, buyer_fee: int, seller_fee: int) -> tuple[Posting, ...]:
    """The payout came back: the same back, so that the contract holds its money again (S59)."""
    held = owed(contract_id)
    return _moves((held, cash(main_id), net), (held, fees(site_id), buyer_fee + seller_fee))


def refunded(contract_id: int, account_id: int, amount: int) -> tuple[Posting, ...]:
    """返金: back to the buyer, from whichever account holds it."""
    return _moves((cash(account_id), owed(contract_id), amount))


def fee_remitted(site_id: int, main_id: int, amount: int) -> tuple[Posting, ...]:
    """手数料送金: the operator of the server has got its fees (S50)."""
    return _moves((cash(main_id), fees(site_id), amount))


def bank_charged(site_id: int, account_id: int, charge: int) -> tuple[Posting, ...]:
    """A charge on a statement is the site's, never a contract's money."""
    return _moves((cash(account_id), own(site_id), charge))


def debit_reversed(contract_id: int, account_id: int, gross: int, *, uncovered: int = 0, debtor: Ref | None = None) -> tuple[Posting, ...]:
    """The bank has taken a debit back (S13). After the payout `uncovered` yen are `debtor`'s to make good.

    Args:
        contract_id: The contract.
        account_id: The account on whose statement it shows.
        gross: Amount + buyer fee, as debited.
        uncovered: What the contract no longer holds.
        debtor: `receivable_from_site` or `receivable_from_seller`; needed with `uncovered`.
    """
    back = _moves((cash(account_id), owed(contract_id), gross))
    if not uncovered:
        return back
    if debtor is None:
        raise ValueError("somebody has to make good what is uncovered")
    return back + _moves((owed(contract_id), debtor, uncovered))


def set_off(debtor: Ref, next_contract_id: int, amount: int) -> tuple[Posting, ...]:
    """A receivable is taken from what a later contract would pay out."""
    return _moves((debtor, owed(next_contract_id), amount))


def made_good(debtor: Ref, main_id: int, amount: int) -> tuple[Posting, ...]:
    """The debtor has paid a receivable into the main account."""
    return _moves((debtor, cash(main_id), amount))


def credit_unmatched(account_id: int, amount: int) -> tuple[Posting, ...]:
    """A credit on a statement that nothing explains."""
    return _moves((suspense(account_id), cash(account_id), amount))


def debit_unmatched(account_id: int, amount: int) -> tuple[Posting, ...]:
    """A withdrawal on a statement that nothing explains."""
    return _moves((cash(account_id), suspense(account_id), amount))


def credit_explained(contract_id: int, account_id: int, amount: int) -> tuple[Posting, ...]:
    """An unmatched credit turns out to be a contract's."""
    return _moves((owed(contract_id), suspense(account_id), amount))


def debit_explained(contract_id: int, account_id: int, amount: int) -> tuple[Posting, ...]:
    """An unmatched withdrawal turns out to be a contract's."""
    return _moves((suspense(account_id), owed(contract_id), amount))


def settled_directly(contract_id: int, bank_code: str, amount: int) -> tuple[Posting, ...]:
    """決済: debited and credited in one step inside the bank; no account of ours is touched [0044]."""
    held, through = owed(contract_id), direct(bank_code)
    return _moves((held, through, amount), (through, held, amount))


def balances(postings: Iterable[Posting]) -> Counter[Ref]:
    """The balance of every account touched. Their sum is 0, whatever was posted (I02)."""
    found: Counter[Ref] = Counter()
    for posting in postings:
        found[posting.source] -= posting.amount
        found[posting.destination] += posting.amount
    return found
