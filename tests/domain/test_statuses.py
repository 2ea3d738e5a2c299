"""Numbers that are stored for ever, and names that clients rely on."""

from enum import IntEnum

import pytest

from domain import statuses
from tests.domain.grid import grid


@pytest.mark.parametrize(
    "name, members",
    grid("""
        DebitStatus         PENDING=0 INSTRUCTED=1 SCHEDULED=2 UNKNOWN=3 DEBITED=4 FAILED=5 CANCELLED=6 REVERSED=7
        DeliveryStatus      PENDING=0 INSTRUCTED=1 UNKNOWN=2 REJECTED=3 SHIPPED=4 IN_TRANSIT=5 DELIVERED=6 RETURNED=7 LOST=8 STOPPED=9
        PayoutStatus        PENDING=0 INSTRUCTED=1 UNKNOWN=2 PAID=3 RETURNED=4 WILL_NOT_SETTLE=5
        SweepStatus         PREPARED=0 SENT=1 LEFT=2 ARRIVED=3 SHORT=4 UNKNOWN=5 VOID=6
        BatchStatus         OPEN=0 SEALED=1 SENDING=2 RELEASING=3 SENT=4 RECEIPTED=5 ANSWERED=6 CLOSED=7 REFUSED=8 UNKNOWN=9
        Kind                DEBIT=1 DELIVERY=2 PAYOUT=3 REFUND=4 FEE=5 SWEEP=6
        LineOutcome         OPEN=0 DONE=1 FAILED=2 WITHDRAWN=3 RETURNED=4 REVERSED=5
        Currency            JPY=392
        AccountType         ORDINARY=1 CURRENT=2 SAVINGS=4
        Mode                ESCROW=0 DIRECT=1
        Release             ON_SHIPMENT=0 ON_DELIVERY=1 UNCONDITIONAL=2 NONE=3
        DeliveryTrigger     AFTER_DEBIT=0 AFTER_SETTLEMENT=1
        DeliverWhen         AT_ONCE=0 ON_ACCEPTANCE=1 ON_DEBITED=2 ON_SETTLED=3
        DebitFailureReason  SHORT_BALANCE=1 NO_ACCOUNT=2 STOPPED_BY_PAYER=3 NO_MANDATE=4 STOPPED_BY_US=8 OTHER=9
        StopAnswer          WAITS=0 STOPPED=1 TOO_LATE=2 UNKNOWN_THERE=3 NOT_OFFERED=4
        FilesPerDate        ONE=1 SEVERAL=2
        CalendarKind        BANK_DAYS=0 EVERY_DAY=1
        ShiftRule           REFUSE=0 NEXT=1 PREVIOUS=2
    """),
)
def test_stored_numbers(name, members):
    enum: type[IntEnum] = getattr(statuses, name)
    assert " ".join(f"{member.name}={member.value}" for member in enum) == members


def test_event_numbers():
    core = """REGISTERED DEBIT_INSTRUCTED DEBIT_SCHEDULED DEBITED DEBIT_FAILED DEBIT_UNKNOWN DELIVERY_INSTRUCTED SHIPPED
    IN_TRANSIT DELIVERED RETURNED LOST FUNDED PAYOUT_INSTRUCTED PAID PAYOUT_RETURNED WILL_NOT_SETTLE CANCELLED"""
    beside = """DEBIT_WITHDRAWN DEBIT_REVERSED DELIVERY_REJECTED DELIVERY_UNKNOWN DELIVERY_STOPPED PAYOUT_WITHDRAWN
    PAYOUT_UNKNOWN DELIVERY_ACCEPTED DELIVERY_ATTEMPT_FAILED"""
    names = [*core.split(), *beside.split()]
    assert [(kind.name, kind.value) for kind in statuses.EventKind] == [(name, n) for n, name in enumerate(names, 1)]


def test_ledger_numbers():
    from domain.ledger import AccountKind

    assert [kind.name for kind in sorted(AccountKind)] == [
        "CASH", "TRANSIT", "OWED", "FEES", "OWN", "RECEIVABLE_SITE", "RECEIVABLE_SELLER", "SUSPENSE", "DIRECT",
    ]  # fmt: skip
    assert [kind.value for kind in sorted(AccountKind)] == list(range(1, 10))
