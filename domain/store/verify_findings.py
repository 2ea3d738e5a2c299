"""What a check found, and how a check that is one statement is run. Names contracts, accounts and batches by ID: no account number is in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from domain.contract_id import text
from domain.store.connection import Row, Tx

MOST = 100
"""Findings that one check reports for one home or slice: enough to see what is wrong, and memory stays flat."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    check: str  # K1 ... K7, I01 ... (docs/requirements.md)
    what: str  # the rule, in words
    home: int | None
    expected: str
    found: str
    contract_id: int | None = None
    account_id: int | None = None
    batch_id: int | None = None
    reply_id: int | None = None

    def __str__(self) -> str:
        named = (("contract", self.contract_id), ("batch", self.batch_id), ("account", self.account_id))
        subject = [f"{what} {text(number)}" for what, number in named if number is not None]
        subject += [f"reply {self.reply_id}"] if self.reply_id is not None else []
        place = ", ".join(subject) or ("all homes" if self.home is None else f"home {self.home}")
        return f"{self.check} {place}: {self.what}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A check that is one statement: it answers a row for each thing that is wrong. `$1` is the home.

    Columns: expected, found, one or more of the IDs of `Finding`, and where one statement tries several rules, `check` and `what`.
    """

    what: str
    sql: str
    check: str = ""


_IDS = ("contract_id", "account_id", "batch_id", "reply_id")


def findings(rule: Rule, home: int | None, rows: Iterable[Row]) -> list[Finding]:
    """The rows of a rule's statement as findings."""
    return [
        Finding(
            check=row.get("check") or rule.check,
            what=row.get("what") or rule.what,
            home=row.get("home", home),
            expected=said(row["expected"]),
            found=said(row["found"]),
            **{name: row.get(name) for name in _IDS},
        )
        for row in rows
    ]


def said(value: Any) -> str:
    """A value in words."""
    return "nothing" if value is None else str(value)


async def run(tx: Tx, rules: Sequence[Rule], home: int | None, *args: Any) -> list[Finding]:
    """Runs the rules one after another: `$1` home, `$2` ... as given."""
    found: list[Finding] = []
    for rule in rules:
        found += findings(rule, home, await tx.rows(f"select * from ({rule.sql}) wrong limit {MOST}", home, *args))
    return found
