"""Read-only lists for the people who watch over the runs: exceptions, batches, and what is unknown.

They read the small lists of open work and its batches, never all contracts, so that they stay quick after ten years.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from domain.statuses import BatchStatus, DebitStatus, DeliveryStatus, Kind, PayoutStatus, SweepStatus
from domain.store.connection import Tx, reading

_WAITING = [int(BatchStatus.SENT), int(BatchStatus.RECEIPTED), int(BatchStatus.ANSWERED)]
# A carrier that has taken a batch and is silent about some of it leaves the batch as it is. Older silence is for the exceptions of those
# who look for lost goods; here it would mean going through all deliveries there ever were.
_SILENT_CARRIER = timedelta(days=60)


async def list_exceptions(
    *, code: str | None = None, bank: str | None = None, closed: bool = False, limit: int = 200
) -> list[dict[str, Any]]:
    """What a person should look at, newest first. With `closed` those that are done with, too."""
    async with reading() as tx:
        rows = await tx.rows(
            "select exception_id, at, code, reason, reference, channel, batch_id, contract_id, amount, closed_at "
            "from exception "
            "where ($1 or closed_at is null) and ($2::text is null or code = $2) and ($3::text is null or channel "
            "like '%' || $3) "
            "order by exception_id desc limit $4",
            closed,
            code,
            bank,
            limit,
        )
    return [_with_ids(dict(row)) for row in rows]


async def list_batches(
    *,
    kind: Kind | None = None,
    status: BatchStatus | None = None,
    bank: str | None = None,
    site_id: int | None = None,
    value_on: date | None = None,
    unfinished: bool = False,
    limit: int = 200,
) -> list[dict[str, Any]]:
    """Batches, newest first: what went out (or will), how far it has gone, and what stands in its way."""
    async with reading() as tx:
        rows = await tx.rows(
            "select batch_id, kind, direct, site_id, bank_code, carrier_id, value_on, number, status, name, "
            "line_count, amount, "
            "refused_count, seal_at, deadline_at, sealed_at, sent_at, receipted_at, answered_at, answer_due_at, "
            "overdue_at, tries, problem, awaits_approval, approved_at, (select name from person where user_id = approved_by) as approved_by "
            "from batch where ($1::smallint is null or kind = $1) and ($2::smallint is null or status = $2) "
            "and ($3::text is null or bank_code = $3) and ($4::integer is null or site_id = $4) and ($5::date is "
            "null or value_on = $5) "
            "and (not $6 or status not in (6, 7)) order by batch_id desc limit $7",
            _number(kind),
            _number(status),
            bank,
            site_id,
            value_on,
            unfinished,
            limit,
        )
    return [_with_ids(dict(row) | {"kind": Kind(row["kind"]).name, "status": BatchStatus(row["status"]).name}) for row in rows]


async def list_unknown(*, now: datetime, bank: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
    """Everything sent of which nobody knows what became (rule 3), and since when: batches, sweeps, and contracts
    within batches.
    """
    async with reading() as tx:
        batches = await tx.rows(
            "select home, batch_id, kind, site_id, bank_code, carrier_id, name, line_count, amount, sent_at, overdue_at, status, problem "
            "from batch where (status = $2 or (status = any($1) and overdue_at <= $3)) and ($4::text is null or bank_code = $4) "
            "order by batch_id limit $5",
            _WAITING,
            int(BatchStatus.UNKNOWN),
            now,
            bank,
            limit,
        )
        deliveries = await tx.rows(
            "select home, batch_id, kind, site_id, bank_code, carrier_id, name, sent_at, overdue_at from batch "
            "where kind = $1 and status = $2 and overdue_at is null and sent_at > $3 and $4::text is null order by batch_id desc",
            int(Kind.DELIVERY),
            int(BatchStatus.ANSWERED),
            now - _SILENT_CARRIER,
            bank,
        )
        found = [
            _with_ids(
                {
                    "what": "batch",
                    "kind": Kind(row["kind"]).name,
                    "status": BatchStatus(row["status"]).name,
                    "batch_id": row["batch_id"],
                    "contract_id": None,
                    "site_id": row["site_id"],
                    "from": row["bank_code"] or row["carrier_id"],
                    "name": row["name"],
                    "amount": row["amount"],
                    "sent_at": row["sent_at"],
                    "since": row["overdue_at"],
                    "problem": row["problem"],
                }
            )
            for row in batches
        ]
        found += await _unknown_sweeps(tx, bank, limit)
        for row in [*batches, *deliveries]:
            if len(found) >= limit:
                break
            found += await _unknown_contracts(tx, row, limit - len(found))
    return found[:limit]


async def _unknown_sweeps(tx: Tx, bank: str | None, limit: int) -> list[dict[str, Any]]:
    rows = await tx.rows(
        "select s.sweep_id, s.site_id, s.amount, s.status, b.bank_code, b.name, b.sent_at, b.overdue_at from sweep s "
        "join batch b on b.home = s.home and b.batch_id = s.sweep_id "
        "where s.status = any($1) and ($2::text is null or b.bank_code = $2) order by s.sweep_id limit $3",
        [int(SweepStatus.UNKNOWN), int(SweepStatus.SHORT)],
        bank,
        limit,
    )
    return [
        _with_ids(
            {
                "what": "sweep",
                "kind": Kind.SWEEP.name,
                "status": SweepStatus(row["status"]).name,
                "batch_id": row["sweep_id"],
                "contract_id": None,
                "site_id": row["site_id"],
                "from": row["bank_code"],
                "name": row["name"],
                "amount": row["amount"],
                "sent_at": row["sent_at"],
                "since": row["overdue_at"],
                "problem": None,
            }
        )
        for row in rows
    ]


async def _unknown_contracts(tx: Tx, batch: Any, limit: int) -> list[dict[str, Any]]:
    """The contracts of an unanswered batch whose state says unknown. Found by their batch: no index on a state is
    needed.
    """
    column, unknown = {
        Kind.DEBIT: ("debit", int(DebitStatus.UNKNOWN)),
        Kind.DELIVERY: ("delivery", int(DeliveryStatus.UNKNOWN)),
        Kind.PAYOUT: ("payout", int(PayoutStatus.UNKNOWN)),
    }.get(Kind(batch["kind"]), (None, 0))
    if column is None:
        return []
    rows = await tx.rows(
        f"select l.contract_id, l.amount, n.number from line l "
        f"join contract_state s on s.home = l.home and s.contract_id = l.contract_id and s.{column} = $3 "
        "join contract n on n.home = l.home and n.contract_id = l.contract_id "
        "where l.home = $1 and l.batch_id = $2 and l.outcome = 0 order by l.contract_id limit $4",
        batch["home"],
        batch["batch_id"],
        unknown,
        limit,
    )
    return [
        _with_ids(
            {
                "what": f"{batch['site_id']}/{row['number']}",
                "kind": Kind(batch["kind"]).name,
                "status": "UNKNOWN",
                "batch_id": batch["batch_id"],
                "contract_id": row["contract_id"],
                "site_id": batch["site_id"],
                "from": batch["bank_code"] or batch["carrier_id"],
                "name": batch["name"],
                "amount": row["amount"],
                "sent_at": batch["sent_at"],
                "since": batch["overdue_at"],
                "problem": None,
            }
        )
        for row in rows
    ]


def _with_ids(row: dict[str, Any]) -> dict[str, Any]:
    """18-digit numbers as text: they do not fit what JSON readers do with numbers."""
    for name in ("batch_id", "contract_id"):
        if row.get(name) is not None:
            row[name] = f"{row[name]:018d}"
    return row


def _number(value: int | None) -> int | None:
    return None if value is None else int(value)
