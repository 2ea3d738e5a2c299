"""What waits for receivers, taken one receiver at a time: in order for each contract, with every try written down."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.access import may_see_event, roles_of
from domain.contract_id import home_of
from domain.hooks import FAILING_FOR, MOST_MAILS, PAUSES, Answer, DispatchStatus, HookReason, next_try
from domain.statuses import EventKind, Role
from domain.store import hook_routing, hooks, ids
from domain.store.connection import Tx, transaction
from domain.store.hooks import COLUMNS, Hook, hook_of
from domain.store.leases import LASTS

HOUR = timedelta(hours=1)
MOST_TOLD = 50  # addresses that are told when a webhook is disabled


@dataclass(frozen=True, slots=True)
class Parcel:
    """One event on its way to its receiver. `after` is how often it has been tried."""

    delivery_id: int
    message_id: str
    event_kind: int | None
    tries: int
    body: str = field(repr=False)


async def claim(holder: str, machine_now: datetime, limit: int) -> list[Hook]:
    """Takes receivers for whom something is due, each for itself alone."""
    async with transaction() as tx:
        rows = await tx.rows(
            "update hook set lease_holder = $1, lease_until = $2 from (select home as in_home, hook_id as number from hook "
            "where due_at <= $3 and status <> 1 and (lease_until is null or lease_until < $3) order by due_at, home, hook_id limit $4 "
            f"for update skip locked) x where home = in_home and hook_id = number returning {COLUMNS}",
            holder,
            machine_now + LASTS,
            machine_now,
            limit,
        )
    return [hook_of(row) for row in rows]


async def renew(holder: str, taken: Sequence[Hook], machine_now: datetime) -> set[int]:
    """Keeps receivers for whoever has them; answers those that are still his."""
    async with transaction() as tx:
        rows = await tx.rows(
            "update hook set lease_until = $2 where home = any($3::smallint[]) and hook_id = any($4::bigint[]) and lease_holder = $1 returning hook_id",
            holder,
            machine_now + LASTS,
            sorted({hook.home for hook in taken}),
            [hook.hook_id for hook in taken],
        )
    return {row["hook_id"] for row in rows}


async def fresh(hook: Hook) -> Hook | None:
    """A hook as it is now; None: it is gone."""
    async with transaction() as tx:
        return await hooks.by_id(tx, hook.home, hook.hook_id)


# The first of each contract, when its time has come; behind it stands whose the contract is now.
_READY = """
select w.contract_id, w.delivery_id, w.tries, d.message_id, d.event_kind, d.roles, d.body, d.contract_id as of_contract
  from (select distinct on (contract_id) contract_id, delivery_id, tries, next_try_at from hook_work
         where home = $1 and hook_id = $2 order by contract_id, delivery_id) w
  join hook_delivery d on d.home = $1 and d.delivery_id = w.delivery_id
 where w.next_try_at <= $3 order by w.next_try_at, w.delivery_id limit $4
"""
_OWNERS = """
select c.contract_id, c.site_id, buyer.firm_id as buyer_firm, seller.firm_id as seller_firm
  from unnest($1::smallint[], $2::bigint[]) w(home, contract_id)
 cross join lateral (select * from contract x where x.home = w.home and x.contract_id = w.contract_id limit 1) c
  left join party buyer on buyer.home = c.home and buyer.party_id = c.buyer_id
  left join party seller on seller.home = c.home and seller.party_id = c.seller_id
"""


async def ready(hook: Hook, machine_now: datetime, limit: int) -> list[Parcel] | None:
    """What may go to a receiver now, at most one of each contract. What is not his any more is dropped here.

    None: he may not be served any more (and is not, from now on).
    """
    async with transaction() as tx:
        fresh = await hooks.by_id(tx, hook.home, hook.hook_id, lock=True)
        if fresh is None or fresh.status == 1:
            return None
        if not await hooks.may_be_served(tx, fresh):
            await hooks.disable(tx, fresh, HookReason.OWNER_STOPPED)
            return None
        rows = await tx.rows(_READY, hook.home, hook.hook_id, machine_now, limit)
        told = [row["of_contract"] for row in rows if row["of_contract"] is not None]
        owners = {row["contract_id"]: row for row in await tx.rows(_OWNERS, [home_of(one) for one in told], told)} if told else {}
        parcels, lost = [], []
        for row in rows:
            if row["of_contract"] is not None:
                owner = owners[row["of_contract"]]
                roles = roles_of(fresh.viewer, owner["site_id"], owner["buyer_firm"], owner["seller_firm"])
                written_for = roles_in(row["roles"])
                # It was written for what he was then; if he is less now, he is not told (I17).
                if not written_for <= roles or not may_see_event(roles, EventKind(row["event_kind"])):
                    lost.append(row["delivery_id"])
                    continue
            parcels.append(Parcel(row["delivery_id"], row["message_id"], row["event_kind"], row["tries"], row["body"]))
        if lost:
            await _end(tx, hook.home, hook.hook_id, lost, DispatchStatus.DROPPED, machine_now, "not yours any more", keep_body=False)
    return parcels  # after a drop the next one of its contract stands first, and is due at once


def roles_in(bits: int) -> frozenset[Role]:
    """The roles that a delivery was written for."""
    return frozenset(role for role in Role if bits >> int(role) & 1)


def bits_of(roles: frozenset[Role]) -> int:
    """As `roles_in` reads them."""
    return sum(1 << int(role) for role in roles)


async def _end(
    tx: Tx,
    home: int,
    hook_id: int,
    numbers: Sequence[int],
    status: DispatchStatus,
    machine_now: datetime,
    note: str | None,
    *,
    keep_body: bool,
) -> bool:
    gone = await tx.run(
        "delete from hook_work where home = $1 and hook_id = $2 and delivery_id = any($3::bigint[])", home, hook_id, list(numbers)
    )
    await tx.run(
        "update hook_delivery set status = $3, done_at = $4, note = $5, body = case when $6 then body end "
        "where home = $1 and delivery_id = any($2::bigint[]) and status = 0",
        home,
        list(numbers),
        int(status),
        machine_now,
        note,
        keep_body,
    )
    return bool(gone)


async def record(hook: Hook, parcel: Parcel, answer: Answer, machine_now: datetime) -> bool:
    """Writes down one try and what follows from it. True: the receiver may be called on; False: he is disabled now."""
    last = answer.gone or answer.hopeless or parcel.tries + 1 > len(PAUSES)
    numbers = await ids.take(hook.home, MOST_TOLD, machine_now) if last and not answer.taken else []
    async with transaction() as tx:
        fresh = await hooks.by_id(tx, hook.home, hook.hook_id, lock=True)
        if fresh is None:
            return False
        await tx.run(
            "insert into hook_attempt(home, delivery_id, no, machine_at, status_code, milliseconds, error) "
            "select $1, $2, coalesce(max(no), 0) + 1, $3, $4, $5, $6 from hook_attempt where home = $1 and delivery_id = $2",
            hook.home,
            parcel.delivery_id,
            machine_now,
            answer.status_code,
            answer.milliseconds,
            None if answer.error is None else answer.error[:500],
        )
        if answer.taken:
            await _end(tx, hook.home, hook.hook_id, [parcel.delivery_id], DispatchStatus.DELIVERED, machine_now, None, keep_body=True)
            await tx.run(
                "update hook set failures = 0, failing_since = null where home = $1 and hook_id = $2 and failures > 0",
                hook.home,
                hook.hook_id,
            )
            return True
        await tx.run(
            "update hook set failures = failures + 1, failing_since = coalesce(failing_since, $3) where home = $1 and hook_id = $2",
            hook.home,
            hook.hook_id,
            machine_now,
        )
        if answer.gone:
            await _disable(tx, fresh, HookReason.GONE, numbers, machine_now)
            return False
        when = None if answer.hopeless else next_try(parcel.tries + 1, machine_now, random.random(), answer.retry_after)  # noqa: S311
        if when is None:
            await _end(
                tx, hook.home, hook.hook_id, [parcel.delivery_id], DispatchStatus.GIVEN_UP, machine_now, answer.error, keep_body=True
            )
            if fresh.failing_since is not None and machine_now - fresh.failing_since >= FAILING_FOR:
                await _disable(tx, fresh, HookReason.FAILING, numbers, machine_now)
                return False
        else:
            await tx.run(
                "update hook_work set tries = $4, next_try_at = $5 where home = $1 and hook_id = $2 and delivery_id = $3",
                hook.home,
                hook.hook_id,
                parcel.delivery_id,
                parcel.tries + 1,
                when,
            )
        return True


async def _disable(tx: Tx, hook: Hook, reason: HookReason, numbers: Sequence[int], machine_now: datetime) -> None:
    """Serves it no more, and tells those of its owner who asked to be told."""
    if not await hooks.disable(tx, hook, reason):
        return
    body = json.dumps({"webhook": f"w{hook.hook_id}", "reason": reason.value})
    for number, mail in zip(numbers, await hook_routing.mails_of(tx, hook), strict=False):
        await hook_routing.add_letter(tx, mail, number, f"disabled-{hook.hook_id}-{number}", body, machine_now)


async def finish(hook: Hook, holder: str) -> None:
    """Lets go of a receiver, and says when he is due again."""
    async with transaction() as tx:
        mine = await tx.row(
            "select status from hook where home = $1 and hook_id = $2 and lease_holder = $3 for update", hook.home, hook.hook_id, holder
        )
        if mine is None:
            return
        # A statement of its own: it must see what was put down while this waited for the row.
        await tx.run(
            "update hook set lease_holder = null, lease_until = null, due_at = case when status = 1 then null else ("
            "select min(w.next_try_at) from (select distinct on (contract_id) contract_id, next_try_at from hook_work "
            "where home = $1 and hook_id = $2 order by contract_id, delivery_id) w) end where home = $1 and hook_id = $2",
            hook.home,
            hook.hook_id,
        )


def mails_again_at(hook: Hook, machine_now: datetime) -> datetime | None:
    """When mail may go to an address that has had enough for this hour; None: now."""
    if hook.rate_from is None or machine_now - hook.rate_from >= HOUR or hook.rate_count < MOST_MAILS:
        return None
    return hook.rate_from + HOUR


async def count_mail(hook: Hook, machine_now: datetime) -> None:
    """One more mail to this address in this hour: counted before it goes."""
    async with transaction() as tx:
        await tx.run(
            "update hook set rate_count = case when rate_from is null or $3 - rate_from >= interval '1 hour' then 1 else rate_count + 1 end, "
            "rate_from = case when rate_from is null or $3 - rate_from >= interval '1 hour' then $3 else rate_from end "
            "where home = $1 and hook_id = $2",
            hook.home,
            hook.hook_id,
            machine_now,
        )


async def wait_until(hook: Hook, holder: str, due_at: datetime) -> None:
    """Lets go of a receiver until an instant, whatever waits for him."""
    async with transaction() as tx:
        await tx.run(
            "update hook set lease_holder = null, lease_until = null, due_at = $4 where home = $1 and hook_id = $2 and lease_holder = $3",
            hook.home,
            hook.hook_id,
            holder,
            due_at,
        )
