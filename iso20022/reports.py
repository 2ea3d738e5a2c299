"""Reading camt.053.001.02 (statement of one account and day) and camt.054.001.02 (notices of single movements)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from iso20022.errors import IsoError
from iso20022.parts import Account, count, day, plain_yen, read_account, yen
from iso20022.reading import Element, records

STATEMENT, NOTICE = "camt.053.001.02", "camt.054.001.02"
_CATEGORIES = {"IDDT": 14, "RCDT": 11, "ICDT": 11}  # Zengin 取引区分: 振替 14, 振込 11
_CHARGE = 18
_SIGNS = {"CRDT": True, "DBIT": False}
_NOTHING = "NOTPROVIDED"


@dataclass(frozen=True, slots=True)
class Entry:
    """One booked movement. `category` is the Zengin 取引区分 (10, 11, 14, 18 …), 0 where the bank's code has none."""

    incoming: bool
    amount: int
    booked_on: date
    category: int
    message_id: str | None  # of our message that was booked in one sum (NtryDtls/Btch/MsgId)
    reference: str | None  # EndToEndId of a single movement
    text: str | None  # AddtlNtryInf
    bank_reference: str | None = None  # AcctSvcrRef
    reversal: bool = False  # RvslInd: it takes an earlier entry back


@dataclass(frozen=True, slots=True)
class Statement:
    """One account, its balances before and after, and what moved between."""

    account: Account
    opening: int
    closing: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Movements of one account that the bank tells at once; the statement repeats them."""

    account: Account
    entries: tuple[Entry, ...]


def read_statement(chunks: Iterable[bytes]) -> Statement:
    """One statement. Raises IsoError, also for totals that are not those of the entries, and for entries that are not booked."""
    root = "BkToCstmrStmt/Stmt"
    parts = _parts(chunks, STATEMENT, root, ("Acct", "Bal", "TxsSummry", "Ntry"))
    entries = tuple(map(_entry, parts["Ntry"]))
    _check_summary(parts["TxsSummry"], entries)
    balances = {element.word("Tp/CdOrPrtry/Cd"): _signed(element) for element in parts["Bal"]}
    if len(balances) != len(parts["Bal"]) or not {"OPBD", "CLBD"} <= balances.keys():
        raise IsoError("a statement says its opening and its closing balance, each once")
    return Statement(_account(parts["Acct"]), balances["OPBD"], balances["CLBD"], entries)


def read_notice(chunks: Iterable[bytes]) -> Notice:
    """The notices of one account. Raises IsoError as `read_statement`."""
    parts = _parts(chunks, NOTICE, "BkToCstmrDbtCdtNtfctn/Ntfctn", ("Acct", "TxsSummry", "Ntry"))
    entries = tuple(map(_entry, parts["Ntry"]))
    _check_summary(parts["TxsSummry"], entries)
    return Notice(_account(parts["Acct"]), entries)


def _parts(chunks: Iterable[bytes], message: str, root: str, tags: tuple[str, ...]) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {tag: [] for tag in ("Id", *tags)}
    for path, element in records(chunks, message, {f"{root}/{tag}" for tag in found}):
        found[path.rpartition("/")[2]].append(element)
    if len(found["Id"]) != 1:
        raise IsoError(f"{len(found['Id'])} accounts in one message, where one stands")
    return found


def _account(found: list[Element]) -> Account:
    if len(found) != 1:
        raise IsoError("the account is missing")
    return read_account(found[0].one("Svcr"), found[0])


def _is_credit(element: Element) -> bool:
    sign = _SIGNS.get(element.word("CdtDbtInd"))
    if sign is None:
        raise IsoError(f"{element.tag} is neither credit nor debit", line=element.line)
    return sign


def _signed(balance: Element) -> int:
    return yen(balance, "Amt") if _is_credit(balance) else -yen(balance, "Amt")


def _entry(element: Element) -> Entry:
    if element.word("Sts") != "BOOK":
        raise IsoError("an entry that is not booked", line=element.line)
    amount = yen(element, "Amt")
    if amount == 0:
        raise IsoError("an entry that moves nothing", line=element.line)
    singles = element.all("NtryDtls/TxDtls")
    reference = singles[0].maybe_word("Refs/EndToEndId") if len(singles) == 1 else None
    batches = element.all("NtryDtls/Btch")
    return Entry(
        incoming=_is_credit(element),
        amount=amount,
        booked_on=day(element.one("BookgDt"), "Dt" if element.all("BookgDt/Dt") else "DtTm"),
        category=_category(element.one("BkTxCd")),
        message_id=batches[0].maybe_word("MsgId") if len(batches) == 1 else None,
        reference=None if reference == _NOTHING else reference,
        text=element.maybe_word("AddtlNtryInf"),
        bank_reference=element.maybe_word("AcctSvcrRef"),
        reversal=element.maybe_word("RvslInd") in ("true", "1"),
    )


def _category(code: Element) -> int:
    own = code.maybe_word("Prtry/Cd")
    if own is not None and code.maybe_word("Prtry/Issr") == "ZENGIN" and len(own) == 2 and own.isascii() and own.isdigit():
        return int(own)
    if code.maybe_word("Domn/Fmly/SubFmlyCd") in ("CHRG", "FEES"):
        return _CHARGE
    return _CATEGORIES.get(code.maybe_word("Domn/Fmly/Cd") or "", 0)


def _check_summary(found: list[Element], entries: tuple[Entry, ...]) -> None:
    """Compares counts and sums, where the bank gives them, with the entries."""
    for summary in found:
        for tag, some in (
            ("TtlNtries", entries),
            ("TtlCdtNtries", tuple(entry for entry in entries if entry.incoming)),
            ("TtlDbtNtries", tuple(entry for entry in entries if not entry.incoming)),
        ):
            total = summary.maybe(tag)
            if total is None:
                continue
            number, amount = total.maybe("NbOfNtries"), total.maybe("Sum")
            if (number is not None and count(number) != len(some)) or (
                amount is not None and plain_yen(amount) != sum(entry.amount for entry in some)
            ):
                raise IsoError(f"{tag} is not the sum of the entries", line=total.line)
