"""Changing a bank's settings while contracts are on their way: what is sealed stays, what waits follows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from domain import connectors
from domain.statuses import Kind
from domain.store import queueing
from domain.store.administration import NotThere, Refused, save_bank
from domain.store.connection import Tx, reading, transaction
from domain.store.filling import LINE_TOO_LARGE
from domain.store.queueing import Numbers


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did: (was, is) by setting, and how many parked contracts it let go on."""

    settings: Mapping[str, tuple[Any, Any]]
    released: int = 0


async def change_bank(bank_code: str, changes: Mapping[str, Any], *, now: datetime, machine_now: datetime) -> Changed:
    """Changes settings of a known bank (columns, and `address.<part>`).

    A change holds for what is sealed or read after it; files that are sealed stay as they are. Raises `NotThere`, and `Refused` with everything
    that cannot be so: then nothing is changed.
    """
    async with transaction() as tx:
        row = await tx.row("select * from bank where bank_code = $1 for update", bank_code)
        if row is None:
            raise NotThere("bank", bank_code)
        before = dict(row) | {"address": json.loads(row["address"])}
        after = connectors.changed(before, changes)
        await _no_promise_broken(tx, before, after)
        await save_bank(tx, after)
    differing = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    raised = after["max_line_yen"] > before["max_line_yen"]
    return Changed(differing, await _release(bank_code, after["max_line_yen"], now, machine_now) if raised else 0)


async def _no_promise_broken(tx: Tx, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """What accounts at this bank rest on stays true."""
    code = before["bank_code"]
    if not after["statements"] and await tx.value("select 1 from account where bank_code = $1 and main limit 1", code):
        raise Refused("BANK_SETTINGS", "statements: a main account is here, and only statements show that a payout was made")
    if not after["direct_debits"] and await tx.value("select 1 from account where bank_code = $1 and party_id is not null limit 1", code):
        raise Refused("BANK_SETTINGS", "direct_debits: sellers have consignor codes of their own here")


async def _release(bank_code: str, limit: int, now: datetime, machine_now: datetime) -> int:
    """Contracts that were parked because a line of theirs was too large go on, as far as they fit now; answers how many."""
    async with reading() as tx:
        homes = await tx.rows("select distinct home from parked where reason = $1 order by home", LINE_TOO_LARGE)
    return sum([await _release_in(row["home"], bank_code, limit, now, machine_now) for row in homes])


async def _release_in(home: int, bank_code: str, limit: int, now: datetime, machine_now: datetime) -> int:
    fresh = await Numbers.take(home, machine_now, 256)  # accounts at one bank, times due dates; those that are not needed are lost
    async with transaction() as tx:
        rows = await tx.rows(
            "select p.contract_id, p.kind, s.site_id, a.account_id, case when c.due_on is null then null else c.debit_on end as not_before "
            "from parked p join contract_state s on s.home = p.home and s.contract_id = p.contract_id "
            "join contract c on c.home = p.home and c.contract_id = p.contract_id "
            "join account a on a.home = p.home and a.account_id = case when p.kind = $4 then s.collecting_id else s.main_id end "
            "where p.home = $1 and p.reason = $2 and a.bank_code = $3 and case when p.kind = $4 then s.gross else s.net end <= $5 "
            "order by p.contract_id for update of p",
            home,
            LINE_TOO_LARGE,
            bank_code,
            int(Kind.DEBIT),
            limit,
        )
        debits: dict[date | None, list[tuple[int, int, int]]] = defaultdict(list)
        payouts: list[tuple[int, int, int]] = []
        for row in rows:
            one = (row["contract_id"], row["site_id"], row["account_id"])
            if row["kind"] == Kind.DEBIT:
                debits[row["not_before"]].append(one)
            else:
                payouts.append(one)
        for not_before in sorted(debits, key=lambda day: day or date.min):
            await queueing.debit_again(tx, home, debits[not_before], now, fresh, not_before=not_before)
        await queueing.pay(tx, home, payouts, now, fresh)
        ids = [row["contract_id"] for row in rows]
        await tx.run("delete from parked where home = $1 and reason = $2 and contract_id = any($3::bigint[])", home, LINE_TOO_LARGE, ids)
        await tx.run(
            "update exception set closed_at = $3 where home = $1 and code = $4 and contract_id = any($2::bigint[]) and closed_at is null",
            home,
            ids,
            now,
            LINE_TOO_LARGE,
        )
    return len(rows)
