"""The part of ISO 20022 that carries Japanese debits and credits: pain.008 and pain.001 out, pain.002, camt.053 and camt.054 in.

A library of its own: the standard library and nothing of ours. Streams both ways in flat memory. What the fields mean in the words of
the Zengin formats, and why XML of strangers is read as it is, stands in README.md.
"""

from iso20022.errors import IsoError
from iso20022.instructions import Line, Order, write_credits, write_debits
from iso20022.parts import Account
from iso20022.reasons import code_of, reason_of
from iso20022.reports import Entry, Notice, Statement, read_notice, read_statement
from iso20022.statuses import GroupStatus, ResultHead, ResultLine, ResultTotals, read_receipt, read_result

__all__ = [
    "Account",
    "Entry",
    "GroupStatus",
    "IsoError",
    "Line",
    "Notice",
    "Order",
    "ResultHead",
    "ResultLine",
    "ResultTotals",
    "Statement",
    "code_of",
    "read_notice",
    "read_receipt",
    "read_result",
    "read_statement",
    "reason_of",
    "write_credits",
    "write_debits",
]
