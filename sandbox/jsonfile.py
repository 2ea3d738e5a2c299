"""The JSON gateway of a bank: batches in, receipts, results and statements out (docs/bank-api.yaml)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from sandbox.bankfile import CREDIT, DEBIT, FileName, Request, ResultShape, Unreadable, debited_totals
from sandbox.config import BankConfig
from sandbox.notice import Announced
from sandbox.records import Instruction, Order, answered, to_records
from sandbox.statement import Heading, Movement

MAX_INSTRUCTIONS = 10_000
_KINDS = {"debit": DEBIT, "sweep": CREDIT, "payout": CREDIT, "refund": CREDIT, "fee": CREDIT}
_BATCH_ID = re.compile(r"[0-9A-Za-z_-]{1,35}")


class JsonFormat:
    """See sandbox.formats.Format."""

    def take(self, name: str, content: bytes) -> tuple[FileName, Request]:
        """Reads a batch as this bank understands it."""
        try:
            found = orjson.loads(content)
            if found["batch_id"] != name or _BATCH_ID.fullmatch(name) is None:
                raise Unreadable("FORMAT", "the batch ID is not the key it came under")
            lines = [
                Instruction(_account(line["account"]), str(line["account"]["holder"]), _yen(line["amount"]), str(line["instruction_id"]))
                for line in found["instructions"]
            ]
            order = Order(
                kind=_KINDS[found["kind"]],
                identity=name,
                consignor=found["consignor"],
                consignor_name=found["account"]["holder"],
                on=date.fromisoformat(found["execute_on"]),
                account=_account(found["account"]),
                count=found["count"],
                amount=found["amount"],
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, Unreadable):
                raise
            raise Unreadable("FORMAT", f"not a batch: {type(error).__name__}") from None
        if len(lines) > MAX_INSTRUCTIONS:
            raise Unreadable("LIMIT", f"more than {MAX_INSTRUCTIONS} instructions")
        return to_records(order, lines)

    def answer_name(self, name: str, what: str, number: int) -> str:
        """`<batch id>.receipt`, then `.receipt.2`."""
        return f"{name}.{what}{'' if number == 1 else f'.{number}'}"

    def statement_name(self, stem: str) -> str:
        """`03_…`."""
        return stem

    def receipt(self, receipt: Mapping[str, Any]) -> bytes:
        """A message of type receipt."""
        said = {key: receipt[key] for key in ("sha256", "count", "amount", "status", "code", "reason", "at")}
        return orjson.dumps({"type": "receipt", "batch_id": receipt["file"], **said})

    def result(self, request: Request, codes: bytes, shape: ResultShape, amounts: Mapping[int, int]) -> bytes:
        """A message of type result."""
        if shape.garbage:
            return b'{"type": "result", "batch_id": '
        number, taken = debited_totals(request, codes)
        return orjson.dumps(
            {
                "type": "result",
                "batch_id": request.identity,
                "consignor": request.header["consignor"],
                "execute_on": request.on,
                "account": _parts(request.header["bank"] + request.account),
                "count": request.count,
                "amount": request.amount,
                "debited_count": number,
                "debited_amount": taken + shape.wrong_total,
                "failed_count": request.count - number,
                "failed_amount": request.amount - taken,
                "results": [
                    {"instruction_id": line.reference, "account": _parts(line.account), "amount": line.amount, "code": line.code}
                    for line in answered(request, codes, shape, amounts)
                ],
            }
        )

    def statement(self, heading: Heading, opening: int, movements: Iterable[Movement]) -> bytes:
        """A message of type statement."""
        moves = list(movements)
        came, went = ([m.amount for m in moves if m.direction == way] for way in ("in", "out"))
        return orjson.dumps(
            {
                "type": "statement",
                "account": _parts(heading.bank + heading.branch + heading.type + heading.number),
                "booked_on": heading.day.isoformat(),
                "number": 1,
                "opening": opening,
                "closing": opening + sum(came) - sum(went),
                "credit_count": len(came),
                "credit_amount": sum(came),
                "debit_count": len(went),
                "debit_amount": sum(went),
                "entries": [
                    {
                        "direction": m.direction,
                        "amount": m.amount,
                        "category": m.transaction,
                        "batch_id": m.identity if m.identity and not m.edi else None,
                        "reference": m.edi or None,
                        "description": m.summary or None,
                    }
                    for m in moves
                ],
            }
        )

    def notice(self, bank: BankConfig, key: str, holder: str, day: date, announced: Sequence[Announced]) -> bytes:
        """A bank that is called announces no credits: its API has no message for it."""
        raise NotImplementedError("a bank that is called announces no credits")


def _account(data: Mapping[str, Any]) -> str:
    parts = [data[key] for key in ("bank", "branch", "type", "number")]
    if [len(part) for part in parts] != [4, 3, 1, 7]:
        raise ValueError("an account is bank 4, branch 3, type 1, number 7")
    return "".join(parts)


def _parts(account: str) -> dict[str, str]:
    return {"bank": account[:4], "branch": account[4:7], "type": account[7], "number": account[8:]}


def _yen(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("an amount is a whole number")
    return value
