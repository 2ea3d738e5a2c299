"""The seven result codes of a Zengin debit (振替結果コード) and the status reasons of ISO 20022, both ways.

No mapping was ever published: 1 and 4 are exact, the choice for 2, 3, 8 and 9 is ours. So the digit goes along in `AddtlInf` as
`ZENGIN n`, and where it stands it counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from iso20022.errors import IsoError

DONE, REJECTED = "ACSC", "RJCT"
_REASONS = {1: "AM04", 2: "AC01", 3: "MS02", 4: "MD01", 8: "DS02", 9: "MS03"}
_CODES = {
    "AM04": 1,  # insufficient funds
    "AC01": 2,  # account number incorrect
    "AC04": 2,  # account closed
    "AC06": 2,  # account blocked
    "BE01": 2,  # name and account do not match
    "MS02": 3,  # refused by the debtor, reason not given
    "MD01": 4,  # no mandate
    "DS02": 8,  # cancelled by an authorised user: us
    "CUST": 8,  # cancelled at the customer's request
}
OTHER = 9
_DIGIT = re.compile(r"ZENGIN ([0-9])")


def reason_of(code: int) -> str | None:
    """The status reason for a result code; None for 0 (debited). Raises KeyError for a code that the standard does not have."""
    return None if code == 0 else _REASONS[code]


def code_of(status: str, reason: str | None, notes: Iterable[str]) -> int:
    """The result code of a transaction.

    Args:
        status: TxSts; only ACSC and RJCT say that it is over.
        reason: StsRsnInf/Rsn/Cd.
        notes: AddtlInf; `ZENGIN n` among them is the bank's own digit, also one that the standard does not know.

    Raises:
        IsoError: The status does not say what became of it, or contradicts the digit.
    """
    if status not in (DONE, REJECTED):
        raise IsoError("a status that does not say whether the money was taken")
    said = [int(found[1]) for note in notes if (found := _DIGIT.fullmatch(note.strip()))]
    if len(said) > 1 or (said and (said[0] == 0) != (status == DONE)):
        raise IsoError("the status and its ZENGIN digit contradict each other")
    if said:
        return said[0]
    return 0 if status == DONE else _CODES.get(reason or "", OTHER)
