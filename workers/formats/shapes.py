"""What every format gives and takes, whatever its bytes look like."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain.bank_names import StatementName
from domain.findings import Place
from domain.statuses import Kind
from domain.store.batches import Batch
from domain.store.credit_notices import CreditNotice
from domain.store.outgoing import FileLine, OurAccount
from domain.store.receipts import Receipt
from domain.store.results import ResultLine, ResultTotals
from domain.store.statements import Statement

LETTERS = {Kind.PAYOUT: "P", Kind.REFUND: "R", Kind.FEE: "F", Kind.SWEEP: "S"}
ATTEMPTS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # 1-9A-Z: one place in the EDI field
STAGED_AT_ONCE = 10_000

Flush = Callable[[list[ResultLine]], None]


class Unreadable(Exception):
    """The bytes are not what their name says. `code`, `reason` and `places` go to the exceptions list; no account number is in them."""

    def __init__(self, code: str, reason: str, places: Sequence[Place] = (), *, batch: Batch | None = None) -> None:
        super().__init__(reason)
        self.code, self.reason, self.places, self.batch = code, reason, places, batch


@dataclass(frozen=True, slots=True)
class ResultHead:
    """Whose debits a result answers: our consignor code, the debit date as MMDD, and the account that the money went to."""

    consignor_code: str
    debit_mmdd: str
    bank_code: str
    branch_code: str
    account_number: str
    batch_id: str | None = field(default=None, compare=False)  # ours, 18 digits, in formats that have a place for it
    stride: int | None = field(default=None, compare=False)  # bytes from one record to the next; None where they are not all alike
    failed_only: bool = field(default=False, compare=False)  # what is missing in it was debited, if the trailer accounts for it

    def __repr__(self) -> str:
        return f"ResultHead({self.consignor_code}, {self.debit_mmdd}, {self.bank_code}-{self.branch_code})"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a result says and what we expected, masked. `record` counts all records of the file from 1, its header being the first."""

    record: int
    part: str  # header, line or trailer
    name: str  # of ResultHead, ResultLine or ResultTotals
    expected: str
    found: str
    contract_id: str | None = None


class BankFormat(Protocol):
    """One format, both ways, as one bank's settings have it. Readers raise Unreadable."""

    def write(self, batch: Batch, account: OurAccount, lines: Iterator[FileLine]) -> Iterator[bytes]:
        """The file of a batch in chunks, in flat memory. The same lines give the same bytes."""
        ...

    def receipt(self, data: bytes, request: str) -> Receipt:
        """The receipt for the file of that name."""
        ...

    def result(self, chunks: Iterator[bytes], flush: Flush) -> tuple[ResultHead, ResultTotals]:
        """Reads a result in flat memory, and hands its lines to `flush`, some thousands at a time."""
        ...

    def place(self, head: ResultHead, difference: Difference) -> Place:
        """Where in a result that was read a difference stands."""
        ...

    def statement(self, data: bytes, named: StatementName) -> Statement:
        """The statement of one account and day."""
        ...

    def credits(self, data: bytes, named: StatementName) -> CreditNotice:
        """The notice of one account's incoming credits of a day."""
        ...


LABELS = {
    "consignor_code": "委託者コード",
    "debit_mmdd": "引落日",
    "bank_code": "銀行番号",
    "branch_code": "支店番号",
    "account_number": "口座番号",
    "contract_id": "顧客番号",
    "attempt": "顧客番号",
    "account": "口座",
    "amount": "金額",
    "code": "振替結果コード",
    "count": "合計件数",
    "debited_count": "振替済件数",
    "debited_amount": "振替済金額",
    "failed_count": "振替不能件数",
    "failed_amount": "振替不能金額",
}


def place_by_name(difference: Difference) -> Place:
    """A difference in a format without fixed places: the transaction by its number, the field by its name."""
    return Place(
        record=difference.record - 1 if difference.part == "line" else None,
        byte=None,
        column=None,
        field=difference.name,
        label=LABELS.get(difference.name, difference.name),
        expected=difference.expected,
        found=difference.found,
        contract_id=difference.contract_id,
    )


def reference(kind: Kind, line: FileLine) -> str:
    """The 20 places by which a line is known to the bank: a debit's customer number, or a credit's EDI."""
    if kind is Kind.DEBIT:
        return f"{line.number:018d}{line.attempt:02d}"
    return f"{LETTERS[kind]}{line.number:018d}{ATTEMPTS[line.attempt]}"


def referenced(text: str) -> tuple[int, int]:
    """Contract ID and attempt of a debit's customer number. Raises ValueError."""
    if len(text) != len("000000000000000000") + 2 or not (text.isascii() and text.isdigit()):
        raise ValueError("not a customer number of ours")
    return int(text[:18]), int(text[18:])


def words(value: object, limit: int) -> str | None:
    """A stranger's words, for lists: no control characters, which neither a database nor a terminal takes for text."""
    return None if value is None else "".join(c if c.isprintable() else " " for c in str(value)[:limit])


def whole(value: object) -> int:
    """A count or an amount. Raises TypeError."""
    if type(value) is not int or value < 0:
        raise TypeError("not a whole number")
    return value
