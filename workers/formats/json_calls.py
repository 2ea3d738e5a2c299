"""The JSON of an HTTP bank: batches out, receipts, results and statements in (docs/bank-api.yaml). At most 10,000 lines, so taken whole."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import orjson

from domain.bank_names import StatementName
from domain.findings import Place
from domain.statuses import Kind
from domain.store.batches import Batch
from domain.store.credit_notices import CreditNotice
from domain.store.outgoing import FileLine, OurAccount
from domain.store.receipts import Receipt
from domain.store.results import ResultLine, ResultTotals
from domain.store.statements import Statement, StatementLine
from workers.formats.shapes import Difference, Flush, ResultHead, Unreadable, place_by_name, reference, referenced, whole, words

MAX_MESSAGE = 8 << 20  # bytes; 10,000 results make a fifth of it
_KINDS = {Kind.DEBIT: "debit", Kind.SWEEP: "sweep", Kind.PAYOUT: "payout", Kind.REFUND: "refund", Kind.FEE: "fee"}
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError)


class JsonCalls:
    """See BankFormat."""

    def write(self, batch: Batch, account: OurAccount, lines: Iterator[FileLine]) -> Iterator[bytes]:
        """See BankFormat."""
        head = {
            "batch_id": f"{batch.batch_id:018d}",
            "kind": _KINDS[batch.kind],
            "site_id": str(batch.site_id),
            "consignor": account.consignor_code,
            "execute_on": batch.value_on.isoformat(),
            "account": _account(account.bank_code, account.branch_code, str(account.account_type), account.account_number, account.holder),
            "count": batch.line_count,
            "amount": batch.amount,
        }
        yield orjson.dumps(head)[:-1] + b',"instructions":['
        for no, x in enumerate(lines):
            line = {
                "instruction_id": reference(batch.kind, x),
                "account": _account(x.bank_code, x.branch_code, x.account_type, x.account_number, x.holder),
                "amount": x.amount,
            }
            yield (b"," if no else b"") + orjson.dumps(line)
        yield b"]}"

    def receipt(self, data: bytes, request: str) -> Receipt:
        """See BankFormat."""
        try:
            found = _message(data, "receipt")
            receipt = Receipt(
                file=_text(found["batch_id"]),
                sha256=bytes.fromhex(found["sha256"]),
                count=whole(found["count"]),
                amount=whole(found["amount"]),
                accepted={"accepted": True, "refused": False}[found["status"]],
                code=words(found["code"], 40),
                reason=words(found["reason"], 200),
                batch_id=_text(found["batch_id"]),
            )
        except _MALFORMED as error:
            raise Unreadable("MALFORMED", f"the receipt cannot be read: {type(error).__name__}") from error
        if receipt.file != request:
            raise Unreadable("MALFORMED", "the receipt speaks of another batch than its ID says")
        return receipt

    def result(self, chunks: Iterator[bytes], flush: Flush) -> tuple[ResultHead, ResultTotals]:
        """See BankFormat."""
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if len(data) > MAX_MESSAGE:
                raise Unreadable("TOO_LARGE", f"larger than {MAX_MESSAGE} bytes")
        try:
            found = _message(bytes(data), "result")
            lines = [
                ResultLine(no, *referenced(x["instruction_id"]), _key(x["account"]), whole(x["amount"]), _code(x["code"]))
                for no, x in enumerate(found["results"], 1)
            ]
            totals = ResultTotals(
                *(whole(found[name]) for name in ("count", "amount", "debited_count", "debited_amount", "failed_count", "failed_amount"))
            )
            account = found["account"]
            _key(account)
            head = ResultHead(
                _text(found["consignor"]),
                f"{date.fromisoformat(found['execute_on']):%m%d}",
                account["bank"],
                account["branch"],
                account["number"],
                _text(found["batch_id"]),
            )
        except _MALFORMED as error:
            raise Unreadable("MALFORMED", f"the result cannot be read: {type(error).__name__}") from error
        flush(lines)
        return head, totals

    def place(self, head: ResultHead, difference: Difference) -> Place:
        """See BankFormat."""
        return place_by_name(difference)

    def statement(self, data: bytes, named: StatementName) -> Statement:
        """See BankFormat."""
        try:
            found = _message(data, "statement")
            booked_on = date.fromisoformat(found["booked_on"])
            key, number = _key(found["account"]), whole(found["number"])
            lines = [_entry(no, x) for no, x in enumerate(found["entries"], 1)]
            opening, closing = _balance(found["opening"]), _balance(found["closing"])
            said = [whole(found[name]) for name in ("credit_count", "credit_amount", "debit_count", "debit_amount")]
        except _MALFORMED as error:
            raise Unreadable("MALFORMED", f"the statement cannot be read: {type(error).__name__}") from error
        if (key, f"{booked_on:%Y%m%d}", number) != (
            f"{named.bank_code}{named.branch_code}{named.account_type}{named.account_number}",
            named.date_text,
            named.number,
        ):
            raise Unreadable("OTHER_HEADER", "the statement is of another account, day or number than its ID says")
        sums = [[x.amount for x in lines if x.incoming is way] for way in (True, False)]
        if said != [len(sums[0]), sum(sums[0]), len(sums[1]), sum(sums[1])]:
            raise Unreadable("TOTALS", "the totals of the statement are not those of its entries")
        return Statement(
            bank_code=named.bank_code,
            branch_code=named.branch_code,
            account_type=int(named.account_type),
            account_number=named.account_number,
            booked_on=booked_on,
            number=number,
            opening=opening,
            closing=closing,
            lines=lines,
        )

    def credits(self, data: bytes, named: StatementName) -> CreditNotice:
        """See BankFormat; a bank that is called tells its movements by statement."""
        raise Unreadable("UNKNOWN_FILE", "there are no notices of credits in this format")


def _message(data: bytes, kind: str) -> dict[str, Any]:
    found = orjson.loads(data)
    if not isinstance(found, dict) or found["type"] != kind:
        raise TypeError("another type of message")
    return found


def _account(bank: str, branch: str, account_type: str, number: str, holder: str) -> dict[str, str]:
    return {"bank": bank, "branch": branch, "type": account_type, "number": number, "holder": holder}


def _key(account: Mapping[str, Any]) -> str:
    """Bank 4, branch 3, type 1, number 7 in a row. Raises ValueError."""
    parts = [account[name] for name in ("bank", "branch", "type", "number")]
    if [len(part) for part in parts] != [4, 3, 1, 7] or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError("not an account")
    return "".join(parts)


def _code(value: object) -> int:
    if type(value) is not int or not 0 <= value <= 9:
        raise ValueError("not a result code")
    return value


def _balance(value: object) -> int:
    if type(value) is not int:
        raise TypeError("not an amount")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _entry(no: int, entry: Mapping[str, Any]) -> StatementLine:
    amount, category = whole(entry["amount"]), _text(entry["category"])
    if amount == 0 or len(category) != 2 or not (category.isascii() and category.isdigit()):
        raise ValueError("not an entry")
    batch_id = entry["batch_id"]
    return StatementLine(
        line_no=no,
        incoming={"in": True, "out": False}[entry["direction"]],
        category=int(category),
        amount=amount,
        reference=words(entry["reference"], 35),
        description=words(entry["description"] if batch_id is None else batch_id, 140),
    )
