"""From another format into records and back: what the gateways of ISO 20022 and JSON share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sandbox.bankfile import (
    DEBIT,
    FileName,
    Request,
    ResultShape,
    Unreadable,
    credit_reference,
    debit_reference,
    line_account,
    line_amount,
    line_bank,
    line_result,
    read_request,
    result_lines,
)
from sandbox.layouts import CREDIT_HEADER, CREDIT_LINE, CREDIT_TRAILER, DEBIT_HEADER, DEBIT_LINE, DEBIT_TRAILER, END


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of a request, or of a result with its `code`. `account`: bank 4, branch 3, type 1, number 7."""

    account: str
    holder: str
    amount: int
    reference: str
    code: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """What stands above the lines of a request."""

    kind: str  # 91 or 21
    identity: str  # the sender's ID for the whole
    consignor: str
    consignor_name: str
    on: date
    account: str
    count: int
    amount: int


def to_records(order: Order, lines: Sequence[Instruction]) -> tuple[FileName, Request]:
    """The request as records, checked as a file of records is. Raises Unreadable: FORMAT, TOTALS."""
    if (order.count, order.amount) != (len(lines), sum(line.amount for line in lines)):
        raise Unreadable("TOTALS", f"the lines are {len(lines)}, and their sum is another than the head says")
    debit = order.kind == DEBIT
    name = FileName(order.kind, order.consignor, order.on, "001")
    head = {"consignor": order.consignor, "consignor_name": order.consignor_name, "month_day": f"{order.on:%m%d}"} | _account(order.account)
    total: dict[str, str | int] = {"count": order.count, "amount": order.amount}
    try:
        records = [
            (DEBIT_HEADER if debit else CREDIT_HEADER).pack(head),
            *(DEBIT_LINE.pack(_debit(line)) if debit else CREDIT_LINE.pack(_credit(line)) for line in lines),
            (DEBIT_TRAILER if debit else CREDIT_TRAILER).pack(total),
            END.pack({}),
        ]
    except ValueError as error:
        raise Unreadable("FORMAT", f"cannot be put into records: {error}") from None
    request = read_request(name, b"".join(record + b"\r\n" for record in records))
    return name, replace(request, identity=order.identity)


def _account(account: str) -> dict[str, str]:
    return {"bank": account[:4], "branch": account[4:7], "type": account[7], "account": account[8:]}


def _debit(line: Instruction) -> dict[str, str | int]:
    fields: dict[str, str | int] = {"holder": line.holder, "amount": line.amount, "new_code": "0", "customer_number": line.reference}
    return {**_account(line.account), **fields}


def _credit(line: Instruction) -> dict[str, str | int]:
    fields: dict[str, str | int] = {"holder": line.holder, "amount": line.amount, "new_code": "0", "edi": line.reference, "edi_mark": "Y"}
    return {**_account(line.account), **fields}


def answered(request: Request, codes: bytes, shape: ResultShape, amounts: Mapping[int, int]) -> Iterator[Instruction]:
    """The lines of a result as a bank's rules shape them."""
    for line in result_lines(request, codes, shape, amounts):
        yield Instruction(line_bank(line) + line_account(line), "", line_amount(line), _reference(request, line), line_result(line))


def _reference(request: Request, line: bytes) -> str:
    return debit_reference(line) if request.kind == DEBIT else credit_reference(line)
