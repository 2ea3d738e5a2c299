"""From the log to what waits for receivers.

Two steps. *Looking through*: each log is read once for all hooks; whoever may have a part in what is new gets the stretch of the log put
down (`hook_wake`). *Rendering*: one hook's stretch is told by its own operation, and what it is told waits in `hook_work`. Each step moves
its mark in the transaction that writes what follows from it, so nothing is lost and nothing comes twice, however often it is stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from domain.contract_id import EPOCH
from domain.hooks import BODIES_KEPT, LOG_KEPT, MOST_WAITING, ROOM_AGAIN, HookReason, HookStatus
from domain.store import following, hooks, ids
from domain.store.connection import Tx, reading, transaction
from domain.store.due import Task
from domain.store.following import WHOLE, Spot
from domain.store.hooks import COLUMNS, Hook, hook_of
from domain.store.leases import LASTS

QUEUE = "hooks"
TIDIED = "hooks:tidied"
TIDIED_EACH = timedelta(hours=1)
SWEPT = 2_000  # rows that one tidying takes away at a time


async def tasks(tx: Tx, machine_now: datetime) -> list[Task]:
    """What is due: logs to look through, stretches to render, receivers to call, old bodies to forget. Nothing while there are no hooks."""
    if not await tx.value("select exists (select 1 from hook)"):
        return []
    logs = await tx.rows(
        "select s.home from stream_head s left join hook_head k using (home) "
        "where k.home is null or (k.epoch, k.day, k.pos) is distinct from (s.epoch, s.day, s.pos) order by s.home"
    )
    wakes = await tx.rows(
        "select w.home, w.hook_id, w.log_home from hook_wake w join hook h using (home, hook_id) "
        "where h.status = 0 and (w.upto_day, w.upto_pos, $2::int) > (w.after_day, w.after_pos, w.after_index) "
        "and (w.lease_until is null or w.lease_until < $1) and (w.next_try_at is null or w.next_try_at <= $1) "
        "and (select count(*) from (select 1 from hook_work x where x.home = w.home and x.hook_id = w.hook_id limit $3) y) < $3 "
        "order by w.home, w.hook_id, w.log_home limit 500",
        machine_now,
        WHOLE,
        ROOM_AGAIN,
    )
    waiting = await tx.value(
        "select exists (select 1 from hook where due_at <= $1 and status <> 1 and (lease_until is null or lease_until < $1))", machine_now
    )
    untidy = await tx.value(
        "select not exists (select 1 from lease where name = $1 and until > $2) and exists (select 1 from hook_delivery)",
        TIDIED,
        machine_now,
    )
    return [
        *(Task(QUEUE, "look_through", {"log_home": row["home"]}) for row in logs),
        *(Task(QUEUE, "render_hook", dict(row)) for row in wakes),
        *([Task(QUEUE, "deliver_hooks", {})] if waiting else []),
        *([Task(QUEUE, "tidy_hooks", {})] if untidy else []),
    ]


# ── looking through ──────────────────────────────────────────────────────────────────────────────────────────────────
_HEAD = "select epoch, day, pos from hook_head where home = $1 for update"
_PARTAKERS = """
insert into hook_wake(home, hook_id, log_home, after_day, after_pos, after_index, upto_day, upto_pos)
select h.home, h.hook_id, $1, $2, $3, $4, $5, $6 from hook h
 where (h.site_id = any($7::int[]) or h.firm_id = any($8::bigint[])) and h.status <> 2
 order by h.home, h.hook_id
on conflict (home, hook_id, log_home) do update set upto_day = excluded.upto_day, upto_pos = excluded.upto_pos
 where (hook_wake.upto_day, hook_wake.upto_pos) < (excluded.upto_day, excluded.upto_pos)
"""


async def look_through(log_home: int) -> bool:
    """Puts down for whom there may be something in the next piece of a log. False: it has been looked through to its end."""
    async with transaction() as tx:
        end = (await following.heads(tx)).get(log_home)
        if end is None:
            return False
        mark = await tx.row(_HEAD, log_home)
        if mark is None:  # a log that began after the first hook
            await tx.run("insert into hook_head(home, epoch, day, pos) values ($1, $2, 0, 0) on conflict do nothing", log_home, end.epoch)
            mark = await tx.row(_HEAD, log_home)
            assert mark is not None
        at: Spot = (mark["day"], mark["pos"], WHOLE)
        if mark["epoch"] != end.epoch or at > end.spot:
            await _restored(tx, log_home, end)
            return False
        chunk = await following.read(tx, log_home, at, end.spot)
        sites = sorted({told.site_id for told in chunk.events})
        firms = sorted({firm for told in chunk.events for firm in (told.buyer_firm, told.seller_firm) if firm is not None})
        day, pos, _ = chunk.end
        if sites:
            await tx.run(_PARTAKERS, log_home, *at, day, pos, sites, firms)
        await tx.run("update hook_head set day = $2, pos = $3 where home = $1", log_home, day, pos)
        return chunk.end < end.spot


async def _restored(tx: Tx, log_home: int, end: following.Head) -> None:
    """The log has been restored to an earlier state: hooks go on at its end, as sockets do that read a snapshot again."""
    day, pos, _ = end.spot
    await tx.run("update hook_head set epoch = $2, day = $3, pos = $4 where home = $1", log_home, end.epoch, day, pos)
    await tx.run(
        "update hook_wake set after_day = $2, after_pos = $3, after_index = $4, upto_day = $2, upto_pos = $3 where log_home = $1 and home >= 0",
        log_home,
        day,
        pos,
        WHOLE,
    )


# ── rendering ────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a log to be told to a hook, and the places of its other logs, which its cursors name."""

    hook: Hook
    log_home: int
    after: Spot
    upto: Spot
    places: dict[int, Spot] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Letter:
    """One event as it is told: the body is what a socket would send. `roles` is 1 for each role that it was written for."""

    contract_id: int
    event_kind: int
    message_id: str
    cursor: str
    roles: int
    spot: Spot
    body: str = field(repr=False)


async def take(home: int, hook_id: int, log_home: int, holder: str, machine_now: datetime) -> Stretch | None:
    """Takes a stretch for rendering. None: somebody else has it, there is nothing in it, or the receiver has enough waiting."""
    async with transaction() as tx:
        hook = await hooks.by_id(tx, home, hook_id)
        if hook is None or hook.status is not HookStatus.ACTIVE:
            return None
        if not await hooks.may_be_served(tx, hook):
            await hooks.disable(tx, hook, HookReason.OWNER_STOPPED)
            return None
        row = await tx.row(
            "update hook_wake set lease_holder = $4, lease_until = $5 where home = $1 and hook_id = $2 and log_home = $3 "
            "and (lease_until is null or lease_until < $6 or lease_holder = $4) "
            "and (upto_day, upto_pos, $7::int) > (after_day, after_pos, after_index) "
            "returning after_day, after_pos, after_index, upto_day, upto_pos",
            home,
            hook_id,
            log_home,
            holder,
            machine_now + LASTS,
            machine_now,
            WHOLE,
        )
        if row is None:
            return None
        waiting = await tx.value(
            "select count(*) from (select 1 from hook_work where home = $1 and hook_id = $2 limit $3) x", home, hook_id, MOST_WAITING
        )
        if waiting >= MOST_WAITING:
            await _let_go(tx, home, hook_id, log_home, holder)
            return None
        rows = await tx.rows(
            "select k.home, coalesce(w.after_day, k.day) as day, coalesce(w.after_pos, k.pos) as pos, coalesce(w.after_index, $3) as index "
            "from hook_head k left join hook_wake w on w.home = $1 and w.hook_id = $2 and w.log_home = k.home",
            home,
            hook_id,
            WHOLE,
        )
    return Stretch(
        hook,
        log_home,
        (row["after_day"], row["after_pos"], row["after_index"]),
        (row["upto_day"], row["upto_pos"], WHOLE),
        {place["home"]: (place["day"], place["pos"], place["index"]) for place in rows},
    )


async def _let_go(tx: Tx, home: int, hook_id: int, log_home: int, holder: str) -> None:
    await tx.run(
        "update hook_wake set lease_holder = null, lease_until = null where home = $1 and hook_id = $2 and log_home = $3 and lease_holder = $4",
        home,
        hook_id,
        log_home,
        holder,
    )


async def store(stretch: Stretch, letters: Sequence[Letter], end: Spot, holder: str, machine_now: datetime) -> bool:
    """Lets letters wait for their receiver and moves the mark to `end`, in one transaction. False: somebody else was quicker, nothing is stored."""
    hook = stretch.hook
    numbers = await ids.take(hook.home, len(letters), machine_now) if letters else []
    async with transaction() as tx:
        # Everybody takes the hook before what hangs on it, so that nobody waits in a circle.
        await tx.row("select 1 from hook where home = $1 and hook_id = $2 for update", hook.home, hook.hook_id)
        moved = await tx.run(
            "update hook_wake set after_day = $5, after_pos = $6, after_index = $7, tries = 0, next_try_at = null "
            "where home = $1 and hook_id = $2 and log_home = $3 and lease_holder = $4 and (after_day, after_pos, after_index) = ($8, $9, $10)",
            hook.home,
            hook.hook_id,
            stretch.log_home,
            holder,
            *end,
            *stretch.after,
        )
        if not moved:
            return False
        if letters:
            await _insert(tx, hook, stretch.log_home, list(zip(numbers, letters, strict=True)), machine_now)
            await wake_up(tx, hook.home, hook.hook_id, machine_now)
        # Gone when it has been told and looked through: a new one begins where the looking through stands.
        await tx.run(
            "delete from hook_wake w using hook_head k where w.home = $1 and w.hook_id = $2 and w.log_home = $3 and k.home = w.log_home "
            "and (w.after_day, w.after_pos, w.after_index) >= (w.upto_day, w.upto_pos, $4::int) and (k.day, k.pos) >= (w.upto_day, w.upto_pos)",
            hook.home,
            hook.hook_id,
            stretch.log_home,
            WHOLE,
        )
        await _let_go(tx, hook.home, hook.hook_id, stretch.log_home, holder)
        return True


async def _insert(tx: Tx, hook: Hook, log_home: int, letters: Sequence[tuple[int, Letter]], machine_now: datetime) -> None:
    await tx.copy_in(
        "hook_delivery",
        ("home", "delivery_id", "hook_id", "contract_id", "event_kind", "message_id", "cursor", "roles", "body", "sha256", "machine_at"),
        [
            (
                hook.home,
                number,
                hook.hook_id,
                one.contract_id,
                one.event_kind,
                one.message_id,
                one.cursor,
                one.roles,
                one.body,
                sha256(one.body.encode()).digest(),
                machine_now,
            )
            for number, one in letters
        ],
    )
    await tx.copy_in(
        "hook_work",
        ("home", "hook_id", "contract_id", "delivery_id", "log_home", "day", "pos", "index", "next_try_at"),
        [(hook.home, hook.hook_id, one.contract_id, number, log_home, *one.spot, machine_now) for number, one in letters],
    )


async def wake_up(tx: Tx, home: int, hook_id: int, machine_now: datetime) -> None:
    """Something waits for this receiver from now on."""
    await tx.run(
        "update hook set due_at = least(coalesce(due_at, $3), $3) where home = $1 and hook_id = $2 and status <> 1",
        home,
        hook_id,
        machine_now,
    )


async def add_letter(tx: Tx, hook: Hook, delivery_id: int, message_id: str, body: str, machine_now: datetime) -> None:
    """Lets something wait that is of no contract: a sample, a code, a notice. Each goes by itself, behind nothing."""
    await tx.run(
        "insert into hook_delivery(home, delivery_id, hook_id, message_id, body, sha256, machine_at) values ($1, $2, $3, $4, $5, $6, $7)",
        hook.home,
        delivery_id,
        hook.hook_id,
        message_id,
        body,
        sha256(body.encode()).digest(),
        machine_now,
    )
    await tx.run(
        "insert into hook_work(home, hook_id, contract_id, delivery_id, next_try_at) values ($1, $2, $3, $3, $4)",
        hook.home,
        hook.hook_id,
        delivery_id,
        machine_now,
    )
    await wake_up(tx, hook.home, hook.hook_id, machine_now)


async def put_off(home: int, hook_id: int, log_home: int, machine_now: datetime) -> None:
    """Lets a stretch rest that could not be rendered, twice as long each time, at most ten minutes."""
    async with transaction() as tx:
        await tx.run(
            "update hook_wake set tries = tries + 1, next_try_at = $4::timestamptz + least(600, 2 ^ least(tries, 10)) * interval '1 second', "
            "lease_holder = null, lease_until = null where home = $1 and hook_id = $2 and log_home = $3",
            home,
            hook_id,
            log_home,
            machine_now,
        )


async def gone(stretch: Stretch) -> None:
    """What the hook still had to be told is not in the log any more: it is disabled, and its owner begins anew."""
    async with transaction() as tx:
        await hooks.disable(tx, stretch.hook, HookReason.LOG_GONE)
        await tx.run(
            "delete from hook_wake where home = $1 and hook_id = $2 and log_home = $3",
            stretch.hook.home,
            stretch.hook.hook_id,
            stretch.log_home,
        )


# ── keeping ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _first_id_after(instant: datetime) -> int:
    """Numbers of deliveries that were made before this are smaller (they carry their birth)."""
    return max(0, int((instant - EPOCH).total_seconds())) * 1_000_000_000


async def tidy(machine_now: datetime) -> int:
    """Forgets bodies after a week and deliveries after a month, never what still waits; answers how many rows it changed."""
    changed = 0
    async with reading() as tx:
        homes = [row["home"] for row in await tx.rows("select distinct home from hook_delivery")]
    for home in homes:
        async with transaction() as tx:
            changed += await tx.run(
                "update hook_delivery set body = null where home = $1 and delivery_id in (select delivery_id from hook_delivery "
                "where home = $1 and delivery_id < $2 and body is not null and status <> 0 order by delivery_id limit $3)",
                home,
                _first_id_after(machine_now - BODIES_KEPT),
                SWEPT,
            )
            rows = await tx.rows(
                "delete from hook_delivery where home = $1 and delivery_id in (select delivery_id from hook_delivery "
                "where home = $1 and delivery_id < $2 and status <> 0 order by delivery_id limit $3) returning delivery_id",
                home,
                _first_id_after(machine_now - LOG_KEPT),
                SWEPT,
            )
            await tx.run(
                "delete from hook_attempt where home = $1 and delivery_id = any($2::bigint[])", home, [row["delivery_id"] for row in rows]
            )
            changed += len(rows)
    return changed


async def mails_of(tx: Tx, hook: Hook) -> list[Hook]:
    """The confirmed addresses of a hook's owner that asked to be told when a webhook is disabled."""
    rows = await tx.rows(
        f"select {COLUMNS} from hook where home = $1 and channel = 1 and status = 0 and 0 = any(kinds) "
        "and site_id is not distinct from $2 and firm_id is not distinct from $3 order by hook_id",
        hook.home,
        hook.site_id,
        hook.firm_id,
    )
    return [hook_of(row) for row in rows]
