"""What follows from each of the banks' reasons for not debiting (振替結果コード, 91 offset 112): every code has its own consequence.

Only a short balance is presented again, because only that can have changed by itself (S57). The others say that something we rest on is not
so: the account, the payer's will, his consent. That is turned off at once, so that no later contract is registered on it (R21, P04, S32).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from domain.statuses import DebitFailureReason


class Stops(Enum):
    """What is turned off with the debit that failed."""

    NOTHING = "nothing"
    MANDATE = "mandate"  # this payer's consent to this consignor
    ACCOUNT = "account"  # every consent that we know to debits from this account


@dataclass(frozen=True, slots=True)
class Consequence:
    """What becomes of the contract and of what it rested on. `because` is written to the mandates that stop."""

    again: bool  # presented again, as often as the site's policy says
    stops: Stops
    looked_at: bool  # listed for a person
    because: str = ""


CONSEQUENCES: Mapping[DebitFailureReason, Consequence] = {
    DebitFailureReason.SHORT_BALANCE: Consequence(again=True, stops=Stops.NOTHING, looked_at=False),
    DebitFailureReason.NO_ACCOUNT: Consequence(
        again=False, stops=Stops.ACCOUNT, looked_at=False, because="the bank has no such account (reason 2)"
    ),
    DebitFailureReason.STOPPED_BY_PAYER: Consequence(
        again=False, stops=Stops.MANDATE, looked_at=False, because="the payer has had debits stopped (reason 3)"
    ),
    DebitFailureReason.NO_MANDATE: Consequence(
        again=False, stops=Stops.MANDATE, looked_at=False, because="the bank has no such mandate (reason 4)"
    ),
    # Our own stop: nothing about the payer has changed, and his consent stands.
    DebitFailureReason.STOPPED_BY_US: Consequence(again=False, stops=Stops.NOTHING, looked_at=False),
    # Wrong characters, a wrong type, another bank's account: it may be ours, and will come again until somebody looks.
    DebitFailureReason.OTHER: Consequence(again=False, stops=Stops.NOTHING, looked_at=True),
}
"""By code; 0 is no reason but 振替済, and 5, 6 and 7 are not defined: a result with one of them is held."""
