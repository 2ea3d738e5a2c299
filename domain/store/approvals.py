"""Approval of control totals (送信前の承認): a sealed file of a bank that wants it waits until a person has looked at its totals.

Some banks are told count and amount of each file apart from the file, and stop what does not agree. Here a person says the same three things
as the seal (count, yen, hash) before anything goes: what he read somewhere else is compared with what would be sent. The database itself lets
nothing pass the first step of sending before that (`batch_unapproved_stays`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from domain import contract_id as contract_ids
from domain.statuses import BatchStatus, Kind
from domain.store import exceptions
from domain.store.administration import NotThere, Refused
from domain.store.connection import Tx, transaction

if TYPE_CHECKING:
    from domain.store.batches import Batch

HASH_AT_LEAST = 8  # hex digits of the hash that a person must say


@dataclass(frozen=True, slots=True)
class Totals:
    """What a person says of a file, as he read it: lines, yen, and the hash or its beginning (hex)."""

    count: int
    amount: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Approved:
    """A file that may go now."""

    batch_id: int
    name: str
    kind: Kind
    bank_code: str
    value_on: date
    deadline_at: datetime
    count: int
    amount: int
    sha256: bytes
    by: str
    at: datetime


async def ask(tx: Tx, batch: Batch, *, name: str, sha256: bytes, line_count: int, amount: int, now: datetime) -> None:
    """Lists a file that has just been sealed for the person who must approve it."""
    await exceptions.record(
        tx,
        code="APPROVAL_WANTED",
        reference=f"approval:{batch.batch_id}",
        reason=(
            f"{name} waits for approval: {line_count} lines, {amount} yen, SHA-256 {sha256.hex()}; "
            f"the bank must have it by {batch.deadline_at.astimezone(now.tzinfo):%Y-%m-%d %H:%M}"
        ),
        now=now,
        home=batch.home,
        channel=f"bank:{batch.bank_code}",
        batch_id=batch.batch_id,
        amount=amount,
    )


async def approve(batch_id: int, totals: Totals, *, by: str, now: datetime) -> Approved:
    """Lets a sealed file go, when what the person says of it is what would be sent; stores who and when (business time).

    Raises `NotThere` for a batch or an operator that there is not, `Refused` NOTHING_TO_APPROVE when it does not wait, TOTALS when anything
    differs. After the deadline it may still be approved: the bank refuses the file as late, and its lines go with the next one.
    """
    async with transaction() as tx:
        person = await tx.value("select user_id from person where name = $1 and operator and stopped_at is null", by)
        if person is None:
            raise NotThere("operator", by)
        row = await tx.row(
            "select home, name, kind, bank_code, value_on, deadline_at, status, awaits_approval, line_count, amount, sha256 from batch "
            "where home = $1 and batch_id = $2 for update",
            contract_ids.home_of(batch_id),
            batch_id,
        )
        if row is None:
            raise NotThere("batch", f"{batch_id:018d}")
        if not row["awaits_approval"]:
            raise Refused(
                "NOTHING_TO_APPROVE", f"batch {batch_id:018d} does not wait for approval: it is {BatchStatus(row['status']).name}"
            )
        _compare(row["line_count"], row["amount"], row["sha256"].hex(), totals)
        await tx.run(
            "update batch set awaits_approval = false, approved_by = $3, approved_at = $4 where home = $1 and batch_id = $2",
            row["home"],
            batch_id,
            person,
            now,
        )
        await tx.run("update exception set closed_at = $2 where reference = $1 and closed_at is null", f"approval:{batch_id}", now)
    return Approved(
        batch_id,
        row["name"],
        Kind(row["kind"]),
        row["bank_code"],
        row["value_on"],
        row["deadline_at"],
        row["line_count"],
        row["amount"],
        row["sha256"],
        by,
        now,
    )


def _compare(count: int, amount: int, sha256: str, said: Totals) -> None:
    given = said.sha256.lower()
    if len(given) < HASH_AT_LEAST or not set(given) <= set("0123456789abcdef"):
        raise Refused("TOTALS", f"say at least the first {HASH_AT_LEAST} hex digits of the hash")
    differing = [
        f"{what}: you say {mine}, it has {theirs}"
        for what, mine, theirs, same in (
            ("lines", f"{said.count:,}", f"{count:,}", said.count == count),
            ("yen", f"{said.amount:,}", f"{amount:,}", said.amount == amount),
            ("hash", given, sha256[: len(given)], sha256.startswith(given)),
        )
        if not same
    ]
    if differing:
        raise Refused("TOTALS", f"not approved, nothing is sent. {'; '.join(differing)}")
