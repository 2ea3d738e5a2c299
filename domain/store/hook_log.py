"""The log of a webhook: what it was told, and each try."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from domain.hooks import DispatchStatus
from domain.store.connection import Tx
from domain.store.hooks import Hook


@dataclass(frozen=True, slots=True)
class Tried:
    """One try."""

    at: datetime
    status_code: int | None
    milliseconds: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Logged:
    """One delivery with its tries."""

    delivery_id: int
    message_id: str
    contract_id: int | None
    event_kind: int | None
    cursor: str | None
    body: str | None = field(repr=False)
    sha256: bytes
    status: DispatchStatus
    note: str | None
    machine_at: datetime
    done_at: datetime | None
    next_try_at: datetime | None
    attempts: tuple[Tried, ...]


async def page(tx: Tx, hook: Hook, limit: int, *, before: int | None = None, status: DispatchStatus | None = None) -> list[Logged]:
    """The latest deliveries of a hook (before one of them, of one status). Two queries."""
    args: list[object] = [hook.home, hook.hook_id, limit]
    clauses = ""
    if before is not None:
        args.append(before)
        clauses += f" and d.delivery_id < ${len(args)}"
    if status is not None:
        args.append(int(status))
        clauses += f" and d.status = ${len(args)}"
    rows = await tx.rows(
        "select d.delivery_id, d.message_id, d.contract_id, d.event_kind, d.cursor, d.body, d.sha256, d.status, d.note, d.machine_at, d.done_at, "
        "w.next_try_at from hook_delivery d left join hook_work w on w.home = d.home and w.hook_id = d.hook_id "
        "and w.contract_id = coalesce(d.contract_id, d.delivery_id) and w.delivery_id = d.delivery_id "
        f"where d.home = $1 and d.hook_id = $2{clauses} order by d.delivery_id desc limit $3",
        *args,
    )
    tried: dict[int, list[Tried]] = {}
    for row in await tx.rows(
        "select delivery_id, machine_at, status_code, milliseconds, error from hook_attempt where home = $1 and delivery_id = any($2::bigint[]) "
        "order by delivery_id, no",
        hook.home,
        [row["delivery_id"] for row in rows],
    ):
        tried.setdefault(row["delivery_id"], []).append(Tried(row["machine_at"], row["status_code"], row["milliseconds"], row["error"]))
    return [
        Logged(
            row["delivery_id"],
            row["message_id"],
            row["contract_id"],
            row["event_kind"],
            row["cursor"],
            row["body"],
            bytes(row["sha256"]),
            DispatchStatus(row["status"]),
            row["note"],
            row["machine_at"],
            row["done_at"],
            row["next_try_at"],
            tuple(tried.get(row["delivery_id"], ())),
        )
        for row in rows
    ]
