"""What each fact posts, and that money is conserved whatever happens (I02, I03, I12, S11, S13, S50)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import ledger
from domain.ledger import AccountKind, Posting, Ref, balances
from tests.domain.grid import grid

CONTRACT, SITE, COLLECTING, MAIN, SELLER = 42, 130, 11, 10, 7
NAMES = {
    Ref(AccountKind.CASH, COLLECTING): "collecting",
    Ref(AccountKind.CASH, MAIN): "main",
    Ref(AccountKind.TRANSIT, SITE): "transit",
    Ref(AccountKind.OWED, CONTRACT): "owed",
    Ref(AccountKind.FEES, SITE): "fees",
    Ref(AccountKind.OWN, SITE): "own",
    Ref(AccountKind.RECEIVABLE_SITE, SITE): "receivable site",
    Ref(AccountKind.RECEIVABLE_SELLER, SELLER): "receivable seller",
    Ref(AccountKind.SUSPENSE, COLLECTING): "suspense",
    Ref(AccountKind.DIRECT, 9991): "direct",
}
SITE_OWES, SELLER_OWES = ledger.receivable_from_site(SITE), ledger.receivable_from_seller(SELLER)

FACTS = {
    "deposited": ledger.deposited(SITE, MAIN, 500),
    "debited": ledger.debited(CONTRACT, COLLECTING, 1_030),
    "sweep left": ledger.sweep_left(SITE, COLLECTING, 1_030),
    "sweep arrived": ledger.sweep_arrived(SITE, MAIN, 1_020),
    "sweep short": ledger.sweep_short(SITE, 10),
    "paid out": ledger.paid_out(CONTRACT, SITE, MAIN, 980, 30, 20),
    "payout returned": ledger.payout_returned(CONTRACT, SITE, MAIN, 980, 30, 20),
    "refunded": ledger.refunded(CONTRACT, MAIN, 1_030),
    "fee remitted": ledger.fee_remitted(SITE, MAIN, 50),
    "bank charged": ledger.bank_charged(SITE, COLLECTING, 110),
    "reversed": ledger.debit_reversed(CONTRACT, COLLECTING, 1_030),
    "reversed after payout": ledger.debit_reversed(CONTRACT, COLLECTING, 1_030, uncovered=1_030, debtor=SITE_OWES),
    "set off": ledger.set_off(SELLER_OWES, CONTRACT, 400),
    "made good": ledger.made_good(SITE_OWES, MAIN, 1_030),
    "credit unmatched": ledger.credit_unmatched(COLLECTING, 70),
    "debit unmatched": ledger.debit_unmatched(COLLECTING, 70),
    "credit explained": ledger.credit_explained(CONTRACT, COLLECTING, 70),
    "debit explained": ledger.debit_explained(CONTRACT, COLLECTING, 70),
    "direct": ledger.settled_directly(CONTRACT, "9991", 900),
}


@pytest.mark.parametrize(
    "fact, source, destination, yen",
    grid("""
        deposited              own                collecting|main  500
        debited                owed               collecting       1030
        sweep left             collecting         transit          1030
        sweep arrived          transit            main             1020
        sweep short            transit            own              10
        paid out               main               owed             980
        paid out               fees               owed             50
        payout returned        owed               main             980
        payout returned        owed               fees             50
        refunded               main               owed             1030
        fee remitted           main               fees             50
        bank charged           collecting         own              110
        reversed               collecting         owed             1030
        reversed after payout  collecting         owed             1030
        reversed after payout  owed               receivable site  1030
        set off                receivable seller  owed             400
        made good              receivable site    main             1030
        credit unmatched       suspense           collecting       70
        debit unmatched        collecting         suspense         70
        credit explained       owed               suspense         70
        debit explained        suspense           owed             70
        direct                 owed               direct           900
        direct                 direct             owed             900
    """),
)
def test_postings(fact, source, destination, yen):
    posted = [(NAMES[p.source], NAMES[p.destination], p.amount) for p in FACTS[fact]]
    assert [p for p in posted if p[0] == source and p[1] in destination.split("|") and p[2] == int(yen)]


def test_the_table_has_every_posting():
    assert sum(len(postings) for postings in FACTS.values()) == 23


def test_a_part_of_nothing_is_no_posting():
    assert len(ledger.paid_out(CONTRACT, SITE, MAIN, 1_000, 0, 0)) == 1
    assert ledger.sweep_short(SITE, 0) == ()


@pytest.mark.parametrize("amount", [0, -1, 1.0, True])
def test_i20_a_posting_moves_whole_yen(amount):
    with pytest.raises(ValueError, match="whole yen"):
        Posting(ledger.cash(1), ledger.cash(2), amount)


def test_a_posting_needs_two_accounts():
    with pytest.raises(ValueError, match="another"):
        Posting(ledger.cash(1), ledger.cash(1), 5)


def test_what_is_uncovered_is_somebodys():
    with pytest.raises(ValueError, match="make good"):
        ledger.debit_reversed(CONTRACT, COLLECTING, 100, uncovered=50)


yen = st.integers(1, 9_999_999_999)


@given(st.lists(st.sampled_from(sorted(FACTS)), max_size=30))
def test_the_books_sum_to_zero_whatever_is_posted(facts):
    assert sum(balances(p for fact in facts for p in FACTS[fact]).values()) == 0


@given(yen, st.integers(0, 1000), st.integers(0, 1000), st.booleans())
def test_i02_a_finished_contract_holds_nothing(net, buyer_fee, seller_fee, returned_once):
    """Collected = settled + fees + refunded + held, at every point of the way."""
    amount = net + seller_fee
    gross = amount + buyer_fee
    way = [
        ledger.debited(CONTRACT, COLLECTING, gross),
        ledger.sweep_left(SITE, COLLECTING, gross),
        ledger.sweep_arrived(SITE, MAIN, gross),
        ledger.paid_out(CONTRACT, SITE, MAIN, net, buyer_fee, seller_fee),
    ]
    if returned_once:
        way += [ledger.payout_returned(CONTRACT, SITE, MAIN, net, buyer_fee, seller_fee), way[-1]]
    if buyer_fee + seller_fee:
        way.append(ledger.fee_remitted(SITE, MAIN, buyer_fee + seller_fee))
    posted: list[Posting] = []
    for postings in way:
        posted += postings
        found = balances(posted)
        assert found[ledger.owed(CONTRACT)] in {0, -gross}
        assert found[ledger.transit(SITE)] >= 0
        assert found[ledger.cash(MAIN)] >= 0
    assert all(balance == 0 for balance in balances(posted).values())


@given(yen, yen)
def test_s11_a_shortfall_is_the_sites(arrived, shortfall):
    postings = [
        *ledger.debited(CONTRACT, COLLECTING, arrived + shortfall),
        *ledger.sweep_left(SITE, COLLECTING, arrived + shortfall),
        *ledger.sweep_arrived(SITE, MAIN, arrived),
        *ledger.sweep_short(SITE, shortfall),
    ]
    found = balances(postings)
    assert found[ledger.own(SITE)] == shortfall  # above 0: the site owes
    assert found[ledger.owed(CONTRACT)] == -(arrived + shortfall)  # the contract's money is untouched
    assert found[ledger.transit(SITE)] == 0
    again = balances([*postings, *ledger.deposited(SITE, MAIN, shortfall)])
    assert (again[ledger.own(SITE)], again[ledger.cash(MAIN)]) == (0, arrived + shortfall)


@given(yen, st.booleans())
def test_s13_a_reversal_after_the_payout_is_set_off_or_made_good(amount, set_off):
    debtor = SELLER_OWES if set_off else SITE_OWES
    postings = [
        *ledger.debited(CONTRACT, COLLECTING, amount),
        *ledger.sweep_left(SITE, COLLECTING, amount),
        *ledger.sweep_arrived(SITE, MAIN, amount),
        *ledger.paid_out(CONTRACT, SITE, MAIN, amount, 0, 0),
        *ledger.debit_reversed(CONTRACT, COLLECTING, amount, uncovered=amount, debtor=debtor),
    ]
    found = balances(postings)
    assert (found[ledger.owed(CONTRACT)], found[debtor], found[ledger.cash(COLLECTING)]) == (0, amount, -amount)
    if set_off:
        postings += [*ledger.debited(43, MAIN, amount), *ledger.set_off(debtor, 43, amount)]
    else:
        postings += ledger.made_good(debtor, MAIN, amount)
    assert balances(postings)[debtor] == 0
    assert balances(postings)[ledger.owed(43)] == 0
