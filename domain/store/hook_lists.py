"""What operators see of webhooks and mail, and what they may do: tell again from an instant on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.contract_id import home_of
from domain.hooks import DispatchStatus, HookChannel, HookStatus
from domain.store import hooks, reading
from domain.store.administration import NotThere, Refused
from domain.store.connection import Tx, transaction
from domain.store.connection import reading as snapshot
from domain.store.following import WHOLE, Spot
from domain.store.partitions import day_number

_WHOSE = "coalesce('site ' || h.site_id, (select name from firm f where f.firm_id = h.firm_id)) as owner"


async def list_hooks(*, failing: bool = False, limit: int = 200) -> list[dict[str, Any]]:
    """Webhooks and addresses (failing: only those that take nothing, or are disabled), with what waits for each."""
    only = "where h.failing_since is not null or h.status = 1" if failing else ""
    async with snapshot() as tx:
        rows = await tx.rows(
            f"select h.hook_id, h.channel, {_WHOSE}, h.address, h.status, h.reason, h.failing_since, h.machine_at, "
            "(select count(*) from hook_work w where w.home = h.home and w.hook_id = h.hook_id) as waiting "
            f"from hook h {only} order by h.home, h.hook_id limit $1",
            limit,
        )
    return [
        {
            **dict(row),
            "hook_id": f"w{row['hook_id']}",
            "channel": HookChannel(row["channel"]).name,
            "status": HookStatus(row["status"]).name,
            "address": shown_address(HookChannel(row["channel"]), row["address"]),
        }
        for row in rows
    ]


def shown_address(channel: HookChannel, address: str) -> str:
    """An address as an operator may see it: paths and queries may hold secrets of the receiver, names are people's."""
    if channel is HookChannel.MAIL:
        return address[:1] + "***@" + address.rpartition("@")[2]
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0]}/..."


async def list_failures(*, limit: int = 200) -> list[dict[str, Any]]:
    """The latest deliveries that were not taken at once: those that wait for another try, and those given up."""
    async with snapshot() as tx:
        rows = await tx.rows(
            f"select d.hook_id, {_WHOSE}, d.delivery_id, d.contract_id, d.status, a.no as tries, a.status_code, a.error, a.machine_at, w.next_try_at "
            "from hook_attempt a join hook_delivery d on d.home = a.home and d.delivery_id = a.delivery_id "
            "join hook h on h.home = d.home and h.hook_id = d.hook_id left join hook_work w on w.home = d.home and w.hook_id = d.hook_id "
            "and w.contract_id = coalesce(d.contract_id, d.delivery_id) and w.delivery_id = d.delivery_id "
            "where a.error is not null and d.status in (0, 2) and not exists (select 1 from hook_attempt b where b.home = a.home "
            "and b.delivery_id = a.delivery_id and b.no > a.no) order by a.machine_at desc, d.delivery_id desc limit $1",
            limit,
        )
    return [
        {
            **dict(row),
            "hook_id": f"w{row['hook_id']}",
            "contract_id": None if row["contract_id"] is None else f"{row['contract_id']:018d}",
            "delivery_id": f"d{row['delivery_id']}",
            "status": DispatchStatus(row["status"]).name,
        }
        for row in rows
    ]


async def replay_since(hook_id: int, since: datetime, *, machine_now: datetime) -> int:
    """Tells a webhook again what was written since an instant of machine time; answers in how many logs. Raises `NotThere`, `Refused`."""
    async with transaction() as tx:
        hook = await hooks.by_id(tx, home_of(hook_id), hook_id, lock=True)
        if hook is None or hook.channel is not HookChannel.WEBHOOK:
            raise NotThere("webhook", f"w{hook_id}")
        if hook.status is not HookStatus.ACTIVE:
            raise Refused("HOOK_DISABLED", "the webhook is disabled: its owner enables it first")
        scope = await reading.scope_of(tx, hook.viewer)
        spots = {home: await _spot_before(tx, home, since) for home in scope.homes}
        await hooks.replay(tx, hook, spots, machine_now)
    return len(spots)


async def _spot_before(tx: Tx, home: int, since: datetime) -> Spot:
    row = await tx.row(
        "select day, pos from stream where home = $1 and day between $2 - 400 and $2 and machine_at < $3 order by day desc, pos desc limit 1",
        home,
        day_number(since),
        since,
    )
    return (0, 0, WHOLE) if row is None else (row["day"], row["pos"], WHOLE)
