"""What stands in a sealed file: the lines of a batch in contract order, with the account that each was written for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from domain.bank_names import Format
from domain.statuses import Kind
from domain.store.batches import Batch, load
from domain.store.connection import Tx, reading

PAGE = 10_000


@dataclass(frozen=True, slots=True)
class OurAccount:
    """The account in a file's header, and its bank's name in kana."""

    bank_code: str
    bank_kana: str
    branch_code: str
    account_type: int
    account_number: str
    holder: str
    consignor_code: str
    format: Format  # of the bank's files

    def __repr__(self) -> str:
        return f"OurAccount({self.bank_code}-{self.branch_code})"


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line: the other side's account, the yen, and whose it is."""

    bank_code: str
    branch_code: str
    account_type: str
    account_number: str
    holder: str
    amount: int
    number: int  # contract ID, or the sweep's
    attempt: int

    def __repr__(self) -> str:
        return f"FileLine({self.number}, attempt {self.attempt}, {self.amount} yen)"


async def our_account(batch: Batch) -> OurAccount:
    """The account that a bank batch debits into or pays from."""
    async with reading() as tx:
        row = await tx.row(
            "select a.bank_code, b.kana as bank_kana, a.branch_code, a.account_type, a.account_number, a.holder, a.consignor_code, b.format "
            "from account a join bank b using (bank_code) where a.home = $1 and a.account_id = $2",
            batch.home,
            batch.account_id,
        )
    assert row is not None
    return OurAccount(**dict(row) | {"format": Format(row["format"])})


async def lines(batch: Batch, after: int) -> list[FileLine]:
    """The next page of a batch's lines after a contract; empty at the end. A sweep has one, its own."""
    async with reading() as tx:
        if batch.kind is Kind.SWEEP:
            rows = [] if after else await _sweep(tx, batch)
        else:
            rows = await tx.rows(
                "select a.bank_code, a.branch_code, a.account_type::text as account_type, a.account_number, a.holder, l.amount, "
                "l.contract_id as number, l.attempt from line l join party_account a on a.home = $1 and a.party_account_id = l.account_id "
                "where l.home = $1 and l.batch_id = $2 and l.contract_id > $3 order by l.contract_id limit $4",
                batch.home,
                batch.batch_id,
                after,
                PAGE,
            )
    return [FileLine(*row) for row in rows]


async def _sweep(tx: Tx, batch: Batch) -> list[Any]:
    rows: list[Any] = await tx.rows(
        "select a.bank_code, a.branch_code, a.account_type::text as account_type, a.account_number, a.holder, s.amount, "
        "s.sweep_id as number, s.attempt from sweep s join account a on a.home = s.home and a.account_id = s.to_account "
        "where s.home = $1 and s.sweep_id = $2",
        batch.home,
        batch.batch_id,
    )
    return rows


async def shipments(batch: Batch) -> tuple[date, list[dict[str, Any]]]:
    """The day of the instruction and all shipments of a delivery batch in contract order: who sends what to whom (figure 3).

    Each as the call to a carrier has it (docs/wire.md section 2). Keys are in a fixed order: the same lines give the same bytes.
    """
    async with reading() as tx:
        rows = await tx.rows(
            "select l.contract_id, l.attempt, c.number, d.* from line l "
            "join contract c on c.home = l.home and c.contract_id = l.contract_id "
            "join delivery_record d on d.home = l.home and d.contract_id = l.contract_id "
            "where l.home = $1 and l.batch_id = $2 order by l.contract_id",
            batch.home,
            batch.batch_id,
        )
    return batch.value_on, [
        {
            "shipment_id": f"{r['contract_id']:018d}{r['attempt']:02d}",
            "contract_id": f"{r['contract_id']:018d}",
            "number": r["number"],
            "ship_from": {"name": r["seller_name"], "postal_code": r["seller_postal_code"], "address": r["seller_address"]},
            "ship_to": {"name": r["buyer_name"], "postal_code": r["buyer_postal_code"], "address": r["buyer_address"]},
            "goods": [{"name": g["name"], "model": g.get("model"), "quantity": g["quantity"]} for g in orjson.loads(r["goods"])],
        }
        for r in rows
    ]


async def billing_code(tx: Tx, carrier_id: str) -> str | None:
    """請求先顧客コード: a carrier's code for us, as its files name it."""
    found: str | None = await tx.value("select billing_code from carrier where carrier_id = $1", carrier_id)
    return found


async def status_words(tx: Tx, carrier_id: str, *, held: bool = False) -> dict[str, str]:
    """A carrier's own words for what has happened to a shipment, beside the common ones (`domain.carrier_files.WORDS`).

    `held`: nobody changes them until the transaction ends.
    """
    found = await tx.value("select status_words from carrier where carrier_id = $1" + (" for share" if held else ""), carrier_id)
    return {} if found is None else dict(orjson.loads(found))


async def batch_of(home: int, batch_id: int) -> Batch | None:
    """The batch as it stands now."""
    async with reading() as tx:
        return await load(tx, home, batch_id)
