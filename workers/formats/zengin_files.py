"""Zengin files: 91 and 21 out, the 91 that comes back, 03, and the receipts in JSON beside them (docs/wire.md section 1)."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson

from domain.bank_names import StatementName
from domain.deadlines import BankRules
from domain.findings import Place
from domain.statuses import Kind
from domain.store.batches import Batch
from domain.store.credit_notices import CreditNotice
from domain.store.outgoing import FileLine, OurAccount
from domain.store.receipts import Receipt
from domain.store.results import ResultLine, ResultTotals
from domain.store.statements import Statement, StatementLine
from workers.formats.codec_errors import unreadable
from workers.formats.credits import read_credits
from workers.formats.shapes import STAGED_AT_ONCE, Difference, Flush, ResultHead, Unreadable, reference, whole, words
from zengin import (
    BRANCH_NAME,
    DEBIT_RESULT,
    DEBIT_RESULT_FAILED_ONLY,
    STATEMENT,
    CharacterSet,
    Code,
    DebitHeader,
    DebitLine,
    DebitRow,
    DebitTrailer,
    Framing,
    PayoutHeader,
    PayoutRow,
    StatementHeader,
    ZenginReadError,
    character_set,
    load,
    read,
    to_bank_kana,
    write_debit_rows,
    write_payout_rows,
)
from zengin import StatementLine as ZenginStatementLine
from zengin.dates import InvalidZenginDate, resolve_era, to_mmdd
from zengin.layout import Layout

NAME_WIDTH = 15  # of a bank's name in a header


LINE_FIELDS = {
    "contract_id": "customer_number",
    "attempt": "customer_number",
    "account": "payer_account_number",
    "amount": "amount",
    "code": "result_code",
}
HEADER_FIELDS = {
    "consignor_code": "consignor_code",
    "debit_mmdd": "debit_mmdd",
    "bank_code": "collection_bank_code",
    "branch_code": "collection_branch_code",
    "account_number": "collection_account_number",
}
TRAILER_FIELDS = {
    "count": "total_count",
    "amount": "total_amount",
    "debited_count": "debited_count",
    "debited_amount": "debited_amount",
    "failed_count": "failed_count",
    "failed_amount": "failed_amount",
}
FIELDS = {"line": LINE_FIELDS, "header": HEADER_FIELDS, "trailer": TRAILER_FIELDS}


class ZenginFiles:
    """See BankFormat."""

    def __init__(self, bank: BankRules) -> None:
        self._framing = Framing[bank.framing.upper()]
        self._characters = character_set("1" if bank.encoding == "ebcdic" else "0")
        self._tolerant = bank.tolerant
        self._result = DEBIT_RESULT_FAILED_ONLY if bank.failed_only else DEBIT_RESULT

    def write(self, batch: Batch, account: OurAccount, lines: Iterator[FileLine]) -> Iterator[bytes]:
        """See BankFormat."""
        make = _debits if batch.kind is Kind.DEBIT else _credits
        return make(batch, account, lines, self._framing, self._characters)

    def receipt(self, data: bytes, request: str) -> Receipt:
        """See BankFormat."""
        try:
            found = orjson.loads(data)
            receipt = Receipt(
                file=str(found["file"]),
                sha256=bytes.fromhex(found["sha256"]),
                count=whole(found["count"]),
                amount=whole(found["amount"]),
                accepted={"accepted": True, "refused": False}[found["status"]],
                code=words(found.get("code"), 40),
                reason=words(found.get("reason"), 200),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable("MALFORMED", f"the receipt cannot be read: {type(error).__name__}") from error
        if receipt.file != request:
            raise Unreadable("MALFORMED", "the receipt speaks of another file than its name says")
        return receipt

    def result(self, chunks: Iterator[bytes], flush: Flush) -> tuple[ResultHead, ResultTotals]:
        """See BankFormat."""
        try:
            header, trailer, stride = self._read_result(chunks, flush)
        except ZenginReadError as error:
            raise unreadable("result", error) from error
        head = ResultHead(
            header.consignor_code,
            header.debit_mmdd,
            header.collection_bank_code,
            header.collection_branch_code,
            header.collection_account_number,
            stride=stride,
            failed_only=self._result is DEBIT_RESULT_FAILED_ONLY,
        )
        return head, ResultTotals(*trailer)

    def place(self, head: ResultHead, difference: Difference) -> Place:
        """See BankFormat."""
        layout: Layout[Any] = {"header": DEBIT_RESULT.header, "line": DEBIT_RESULT.choose_line(""), "trailer": DEBIT_RESULT.trailer}[
            difference.part
        ]
        name = FIELDS[difference.part][difference.name]
        column = layout.offset(name)
        return Place(
            record=difference.record,
            byte=None if head.stride is None else (difference.record - 1) * head.stride + column,
            column=column + 1,
            field=name,
            label=layout.field(name).label,
            expected=difference.expected,
            found=difference.found,
            contract_id=difference.contract_id,
        )

    def _read_result(self, chunks: Iterator[bytes], flush: Flush) -> tuple[DebitHeader, DebitTrailer, int | None]:
        """Header, trailer, and the bytes from one record to the next (None: not all alike)."""
        header: DebitHeader | None = None
        trailer: DebitTrailer | None = None
        pending: list[ResultLine] = []
        line_no = 0
        reader = read(chunks, self._result, tolerant=self._tolerant, characters=self._characters)
        for record in reader:
            if isinstance(record, DebitLine):
                line_no += 1
                pending.append(_result_line(line_no, record))
                if len(pending) == STAGED_AT_ONCE:
                    flush(pending)
                    pending = []
            elif isinstance(record, DebitTrailer):
                trailer = record
            elif isinstance(record, DebitHeader):
                if header is not None:
                    raise Unreadable("SEVERAL_BLOCKS", "the result has several blocks, our files have one")
                header = record
        flush(pending)
        if header is None or trailer is None:
            raise Unreadable("MALFORMED", "the result has no header or no trailer")
        alike = reader.framing is not None and all(finding.code is not Code.STRIPPED_SPACES for finding in reader.findings)
        stride = self._result.record_length - reader.framing.cut + len(reader.framing.separator) if alike and reader.framing else None
        return header, trailer, stride

    def statement(self, data: bytes, named: StatementName) -> Statement:
        """See BankFormat."""
        try:
            booked_on = named.booked_on()
            blocks = load(data, STATEMENT, tolerant=self._tolerant, characters=self._characters)
        except ZenginReadError as error:
            raise unreadable("statement", error) from error
        except ValueError as error:
            raise Unreadable("MALFORMED", "the statement's name has no real date") from error
        if len(blocks) != 1:
            raise Unreadable("SEVERAL_BLOCKS", "a statement has one account and one block")
        header, trailer = blocks[0].header, blocks[0].trailer
        opening, closing = header.opening_yen, trailer.closing_yen
        if opening is None or closing is None:
            raise Unreadable("NO_BALANCE", "the statement does not say its balances")
        if not _is_of(header, named):
            raise Unreadable("OTHER_HEADER", "the statement's header names another account than its name")
        return Statement(
            bank_code=named.bank_code,
            branch_code=named.branch_code,
            account_type=int(named.account_type),
            account_number=named.account_number,
            booked_on=booked_on,
            number=named.number,
            opening=opening,
            closing=closing,
            lines=[_movement(no, line, booked_on) for no, line in enumerate(blocks[0].lines, 1)],
        )

    def credits(self, data: bytes, named: StatementName) -> CreditNotice:
        """See BankFormat."""
        return read_credits(data, named, tolerant=self._tolerant, characters=self._characters)


def _debits(batch: Batch, account: OurAccount, lines: Iterator[FileLine], framing: Framing, characters: CharacterSet) -> Iterator[bytes]:
    header = DebitHeader(
        account.consignor_code,
        account.holder,
        to_mmdd(batch.value_on),
        account.bank_code,
        to_bank_kana(account.bank_kana, BRANCH_NAME)[:NAME_WIDTH],
        account.branch_code,
        "",
        str(account.account_type),
        account.account_number,
    )
    rows: Iterator[DebitRow] = (
        (x.bank_code, x.branch_code, x.account_type, x.account_number, x.holder, x.amount, "0", reference(batch.kind, x)) for x in lines
    )
    return write_debit_rows(header, rows, framing=framing, characters=characters)


def _credits(batch: Batch, account: OurAccount, lines: Iterator[FileLine], framing: Framing, characters: CharacterSet) -> Iterator[bytes]:
    header = PayoutHeader(
        account.consignor_code,
        account.holder,
        to_mmdd(batch.value_on),
        account.bank_code,
        to_bank_kana(account.bank_kana, BRANCH_NAME)[:NAME_WIDTH],
        account.branch_code,
        "",
        str(account.account_type),
        account.account_number,
    )
    rows: Iterator[PayoutRow] = (
        (x.bank_code, x.branch_code, x.account_type, x.account_number, x.holder, x.amount, "0", reference(batch.kind, x)) for x in lines
    )
    return write_payout_rows(header, rows, framing=framing, characters=characters)


def _result_line(line_no: int, line: DebitLine) -> ResultLine:
    number = line.customer_number
    return ResultLine(
        line_no,
        int(number[:18]),
        int(number[18:]),
        f"{line.payer_bank_code}{line.payer_branch_code}{line.payer_account_type}{line.payer_account_number}",
        line.amount,
        int(line.result_code),
    )


def _is_of(header: StatementHeader, named: StatementName) -> bool:
    said = (header.branch_code, header.account_type, header.account_number.zfill(10))
    return said == (named.branch_code, named.account_type, named.account_number.zfill(10))


def _movement(line_no: int, line: ZenginStatementLine, booked_on: date) -> StatementLine:
    try:
        day = resolve_era(line.booked_ymd, booked_on)
    except InvalidZenginDate as error:
        raise Unreadable("MALFORMED", f"line {line_no} of the statement has no real date") from error
    if day != booked_on:
        raise Unreadable("OTHER_DAY", f"line {line_no} of the statement is of another day than its name says")
    if line.amount == 0:
        raise Unreadable("MALFORMED", f"line {line_no} of the statement moves nothing")
    return StatementLine(
        line_no=line_no,
        incoming=line.is_credit,
        category=int(line.entry_kind or 0),
        amount=line.amount,
        reference=line.edi or None,
        description=line.description or None,
    )
