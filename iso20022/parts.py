"""Accounts, agents, amounts and dates, as all the messages have them.

A Japanese account has no IBAN: the bank is a member of the clearing system JPZGN with its four digits, the branch stands in BrnchId,
and the account is `Othr/Id` (seven digits) with the Zengin account type (預金種目) as its proprietary kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

from iso20022.errors import IsoError
from iso20022.reading import Element

CLEARING_SYSTEM = "JPZGN"
CURRENCY = "JPY"
_YEN = re.compile(r"([0-9]{1,15})(?:\.0{1,5})?")
_COUNT = re.compile(r"[0-9]{1,15}")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a Japanese bank."""

    bank: str  # 4 digits
    branch: str  # 3
    type: str  # 1: 預金種目
    number: str  # 7
    holder: str = ""

    def __repr__(self) -> str:
        return f"Account({self.bank}-{self.branch})"

    @property
    def key(self) -> str:
        """Bank, branch, type and number in a row."""
        return f"{self.bank}{self.branch}{self.type}{self.number}"


def words(text: str, limit: int) -> str:
    """Text for an element. Raises IsoError for what XML cannot carry, and for more than the schema allows: nothing is cut."""
    if found := _NOT_XML.search(text):
        raise IsoError(f"U+{ord(found[0]):04X} cannot stand in XML")
    if not 0 < len(text) <= limit:
        raise IsoError(f"a text of {len(text)} characters, where 1 to {limit} may stand")
    return escape(text)


def write_account(tag: str, account: Account) -> str:
    """CashAccount16."""
    return f"<{tag}><Id><Othr><Id>{account.number}</Id></Othr></Id><Tp><Prtry>{account.type}</Prtry></Tp><Ccy>{CURRENCY}</Ccy></{tag}>"


def write_agent(tag: str, account: Account) -> str:
    """BranchAndFinancialInstitutionIdentification4."""
    return (
        f"<{tag}><FinInstnId><ClrSysMmbId><ClrSysId><Cd>{CLEARING_SYSTEM}</Cd></ClrSysId><MmbId>{account.bank}</MmbId></ClrSysMmbId>"
        f"</FinInstnId><BrnchId><Id>{account.branch}</Id></BrnchId></{tag}>"
    )


def read_account(agent: Element, account: Element) -> Account:
    """An account from its agent and itself. Raises IsoError for one that is not Japanese."""
    if agent.maybe_word("FinInstnId/ClrSysMmbId/ClrSysId/Cd") != CLEARING_SYSTEM:
        raise IsoError(f"the clearing system of {agent.tag} is not {CLEARING_SYSTEM}", line=agent.line)
    return Account(
        digits(agent, "FinInstnId/ClrSysMmbId/MmbId", 4),
        digits(agent, "BrnchId/Id", 3),
        digits(account, "Tp/Prtry", 1),
        digits(account, "Id/Othr/Id", 7),
    )


def digits(element: Element, path: str, length: int) -> str:
    """So many digits at a path. Raises IsoError."""
    text = element.word(path)
    if len(text) != length or not (text.isascii() and text.isdigit()):
        raise IsoError(f"{element.tag}/{path} is not {length} digits", line=element.line)
    return text


def yen(element: Element, path: str) -> int:
    """An amount with its currency, which is yen and has no fraction. Raises IsoError."""
    found = element.one(path)
    if found.attributes.get("Ccy") != CURRENCY:
        raise IsoError(f"{element.tag}/{path} is not in {CURRENCY}", line=found.line)
    return plain_yen(found)


def plain_yen(element: Element) -> int:
    """A control sum or another bare decimal, in yen. Raises IsoError."""
    found = _YEN.fullmatch(element.text)
    if found is None:
        raise IsoError(f"{element.tag} is not an amount in whole yen", line=element.line)
    return int(found[1])


def count(element: Element) -> int:
    """A number of things. Raises IsoError."""
    if _COUNT.fullmatch(element.text) is None:
        raise IsoError(f"{element.tag} is not a number", line=element.line)
    return int(element.text)


def day(element: Element, path: str) -> date:
    """An ISODate, or the date of an ISODateTime. Raises IsoError."""
    text = element.word(path)
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise IsoError(f"{element.tag}/{path} is not a date", line=element.line) from None
