"""Settlements as a file: CSV that opens in a spreadsheet, or a JSON object a line. Page by page from one snapshot, never held whole.

Rows are those of the query `settlements`: the same list (`domain.store.pages`), the same mapper, so that nobody finds more in a file than
in an answer.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from api.context import Context
from api.scalars import JST, Cursor
from api.types.contract import load
from api.types.settlement import Settlement, shown_settlement
from domain.access import FieldGroup
from domain.store import pages, reading
from domain.store.connection import Tx

Format = Literal["csv", "jsonl"]
AT_ONCE = 200  # rows made between two turns of the event loop
BOM = "\ufeff"  # without it spreadsheets in Japan take UTF-8 for Shift_JIS
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl; charset=utf-8"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

COLUMNS: dict[str, Callable[[Settlement], Any]] = {
    "siteId": lambda row: row.site_id,
    "number": lambda row: row.number,
    "id": lambda row: row.id,  # begins with a letter: a spreadsheet would round the 18 digits of the contract ID
    "sellerCode": lambda row: row.contract.seller.code,
    "sellerName": lambda row: row.contract.seller.name,
    "buyerCode": lambda row: row.contract.buyer.code,
    "buyerName": lambda row: row.contract.buyer.name,
    "registeredAt": lambda row: row.contract.registered_at.astimezone(JST).isoformat(),
    "amount": lambda row: row.contract.amount,
    "sellerFee": lambda row: row.contract.amount - row.expected_amount,
    "currency": lambda row: row.currency.name,
    "status": lambda row: row.status.name,
    "debitedOn": lambda row: row.debited_on,
    "expectedOn": lambda row: row.expected_on,
    "expectedAmount": lambda row: row.expected_amount,
    "settledOn": lambda row: row.settled_on,
    "settledAmount": lambda row: row.settled_amount,
}
"""What a row says, in this order; new columns are added at the end. What is empty (or null) is not yet known, as in the API."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported.

    Attributes:
        site_id: Only of this site; None: of every site that the viewer has something at.
        first: First day, in.
        last: Last day, in.
        by: Which day that is: `debitedOn` or `settledOn`; also the order, ties by contract ID.
        format: As what.
    """

    site_id: int | None
    first: dt.date
    last: dt.date
    by: Literal["debitedOn", "settledOn"] = "debitedOn"
    format: Format = "csv"


def defused(value: object) -> object:
    """A text that a spreadsheet would take for a formula begins with an apostrophe instead: what a site wrote is never run."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


async def export(tx: Tx, context: Context, wanted: Wanted) -> AsyncIterator[bytes]:
    """The file, piece by piece. `tx` is the snapshot that all of it is read from."""
    scope = await reading.scope_of(tx, context.viewer)
    listing = pages.Listing(scope, FieldGroup.SETTLEMENT, _filter(wanted), _order(wanted))
    write = _csv if wanted.format == "csv" else _jsonl
    yield BOM.encode() + _csv_lines([list(COLUMNS)]) if wanted.format == "csv" else b""
    after: pages.Spot | None = None
    while spots := await pages.spots(tx, listing, AT_ONCE, after=after):
        found = await load(tx, scope, [spot.contract_id for spot in spots], context, Cursor(""))
        yield write([shown_settlement(found[spot.contract_id]) for spot in spots])
        after = spots[-1]


def _filter(wanted: Wanted) -> pages.Filter:
    sites = None if wanted.site_id is None else (wanted.site_id,)
    if wanted.by == "settledOn":
        return pages.Filter(site_ids=sites, settled_from=wanted.first, settled_to=wanted.last)
    return pages.Filter(site_ids=sites, debited_from=wanted.first, debited_to=wanted.last)


def _order(wanted: Wanted) -> pages.Order:
    return pages.Order(pages.SortKey.SETTLED_ON if wanted.by == "settledOn" else pages.SortKey.DEBITED_ON, descending=False)


def _csv(rows: list[Settlement]) -> bytes:
    return _csv_lines([[defused(of(row)) for of in COLUMNS.values()] for row in rows])


def _csv_lines(lines: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()


def _jsonl(rows: list[Settlement]) -> bytes:
    # The contract ID beside the rest: programs do not round text.
    return b"".join(
        orjson.dumps({**{name: of(row) for name, of in COLUMNS.items()}, "contractId": row.contract.contract_id}) + b"\n" for row in rows
    )
