"""A bank and a carrier that answer at once and cost next to nothing, so that what is measured is ours.

Not the sandbox: no books, no refusals. Every fiftieth debit fails for short balance, everything else goes well.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from zengin import StatementHeader, StatementLine, write_statement
from zengin.dates import to_era

STRIDE = 122  # a record and its CRLF
CODE = 111  # of a debit line: offset of the result code
FAILS_EACH = 50


def answer_debits(bank: Path) -> int:
    """Writes the result of every debit file in in/; answers the yen that were debited in all."""
    debited = 0
    for path in sorted((bank / "in").glob("91_*.txt")):
        data = bytearray(path.read_bytes())
        count = len(data) // STRIDE - 3
        failed_count = failed_yen = 0
        for n in range(FAILS_EACH - 1, count, FAILS_EACH):
            start = (n + 1) * STRIDE
            data[start + CODE] = ord("1")
            failed_count += 1
            failed_yen += int(data[start + 80 : start + 90])
        trailer = (count + 1) * STRIDE
        total = int(data[trailer + 7 : trailer + 19])
        data[trailer + 19 : trailer + 55] = (
            f"{count - failed_count:06d}{total - failed_yen:012d}{failed_count:06d}{failed_yen:012d}".encode()
        )
        put(bank, f"{path.name}.result.txt", bytes(data))
        path.unlink()
        debited += total - failed_yen
    return debited


def put(bank: Path, name: str, data: bytes) -> None:
    """Puts a file into out/."""
    (bank / "out" / name).write_bytes(data)


def statement(account: Any, on: date, opening: int, movements: Iterable[tuple[bool, str, int, str, str]]) -> tuple[str, bytes, int]:
    """A statement's name, bytes and closing balance. Movements: incoming, 取引区分, yen, EDI, 摘要."""
    lines = [
        StatementLine(
            f"{n:08d}", to_era(on), to_era(on), "1" if incoming else "2", kind, yen, 0, "000000", "000000", "0", "0000000", "000",
            "0000000000", "", "", "", text, edi,
        )
        for n, (incoming, kind, yen, edi, text) in enumerate(movements, 1)
    ]  # fmt: skip
    header = StatementHeader(
        to_era(on), to_era(on), to_era(on), account["bank_code"], "", account["branch_code"], "", str(account["account_type"]),
        account["account_number"].zfill(10), account["holder"], "1", "1", opening,
    )  # fmt: skip
    closing = opening + sum(line.amount if line.is_credit else -line.amount for line in lines)
    name = f"03_{account['bank_code']}{account['branch_code']}{account['account_type']}{account['account_number']}_{on:%Y%m%d}_001.txt"
    return name, b"".join(write_statement(header, lines)), closing


class Carrier:
    """Takes every shipment, and tells of all of them when asked."""

    def __init__(self) -> None:
        self.shipments: list[str] = []
        self.answers: dict[str, bytes] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI: `POST .../shipment-batches`."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        batch = orjson.loads(body)
        ids = [shipment["shipment_id"] for shipment in batch["shipments"]]
        self.shipments += ids
        results = [{"shipment_id": x, "status": "accepted", "reason": None, "tracking_number": None} for x in ids]
        answer = orjson.dumps({"batch_id": batch["batch_id"], "results": results})
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": answer})

    def notices(self, on: date, size: int = 1_000) -> Iterable[bytes]:
        """Shipping notices for everything taken, in messages of at most `size`."""
        for start in range(0, len(self.shipments), size):
            some = self.shipments[start : start + size]
            yield orjson.dumps(
                {
                    "events": [
                        {
                            "event_id": f"sc-{start + n}",
                            "type": "picked_up",
                            "shipment_id": shipment,
                            "occurred_on": on.isoformat(),
                            "sequence": 1,
                            "tracking_number": None,
                            "reason": None,
                        }
                        for n, shipment in enumerate(some)
                    ]
                }
            )
        self.shipments = []
