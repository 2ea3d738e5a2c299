"""Webhooks and mail addresses: who made them, where they go, and from where on they are told.

All of a hook lives in the home of its owner: a site's own, or the firms' home. Machine time throughout.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.access import Viewer, ViewerKind
from domain.contract_id import home_of
from domain.hooks import MOST_HOOKS, SECRET_OVERLAP, WRITE, DispatchStatus, HookChannel, HookReason, HookStatus
from domain.store import following
from domain.store.administration import FIRMS_HOME, NotThere
from domain.store.administration import home_of as home_of_site
from domain.store.connection import Row, Tx
from domain.store.following import BEGINNING, Spot


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook or mail address, with whatever is needed to serve it."""

    home: int
    hook_id: int
    channel: HookChannel
    site_id: int | None
    firm_id: int | None
    client_id: str | None
    user_id: int | None
    address: str = field(repr=False)
    language: str
    document: str | None = field(repr=False)
    variables: Mapping[str, Any] = field(repr=False)
    settlements: bool
    contract_id: int | None
    only_site: int | None
    kinds: tuple[int, ...] | None
    secret: str | None = field(repr=False)
    old_secret: str | None = field(repr=False)
    old_secret_until: datetime | None
    status: HookStatus
    reason: HookReason | None
    machine_at: datetime
    due_at: datetime | None
    failures: int
    failing_since: datetime | None
    rate_from: datetime | None
    rate_count: int

    @property
    def viewer(self) -> Viewer:
        """For whom events are told."""
        if self.site_id is not None:
            return Viewer(ViewerKind.SITE, self.site_id)
        assert self.firm_id is not None
        return Viewer(ViewerKind.FIRM, self.firm_id)

    @property
    def right(self) -> str:
        """The scope whose loss ends it."""
        return "settlements:read" if self.settlements else "contracts:read"

    def secrets(self, machine_now: datetime) -> list[str]:
        """What signs now: the secret, and for a day the one before it."""
        old = [self.old_secret] if self.old_secret and self.old_secret_until and machine_now < self.old_secret_until else []
        return [*([self.secret] if self.secret else []), *old]


COLUMNS = (
    "home, hook_id, channel, site_id, firm_id, client_id, user_id, address, language, document, variables, settlements, contract_id, "
    "only_site, kinds, secret, old_secret, old_secret_until, status, reason, machine_at, due_at, failures, failing_since, rate_from, rate_count"
)


def hook_of(row: Row) -> Hook:
    """A hook from its row."""
    values = dict(row)
    values["channel"], values["status"] = HookChannel(row["channel"]), HookStatus(row["status"])
    values["reason"] = None if row["reason"] is None else HookReason(row["reason"])
    values["variables"] = {} if row["variables"] is None else json.loads(row["variables"])
    values["kinds"] = None if row["kinds"] is None else tuple(row["kinds"])
    return Hook(**values)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who makes a hook: the site or firm, and through which client and user. `client_id` None: the user himself, through whatever."""

    viewer: Viewer
    client_id: str | None
    user_id: int | None

    @property
    def site_id(self) -> int | None:
        """The site, if it is one."""
        return self.viewer.id if self.viewer.kind is ViewerKind.SITE else None

    @property
    def firm_id(self) -> int | None:
        """The firm, if it is one."""
        return self.viewer.id if self.viewer.kind is ViewerKind.FIRM else None


class TooMany(Exception):
    """A site or firm has as many webhooks as it may have."""


async def home_for(tx: Tx, viewer: Viewer) -> int:
    """Where hooks of this owner live."""
    return await home_of_site(tx, viewer.id) if viewer.kind is ViewerKind.SITE else FIRMS_HOME


# ── where it begins ──────────────────────────────────────────────────────────────────────────────────────────────────
async def lock_logs(tx: Tx, homes: Sequence[int]) -> dict[int, Spot]:
    """Holds still whoever looks through these logs for hooks, until this transaction ends; answers where the logs end.

    What was committed before that is before the hook's beginning, what comes later finds the hook. The first hook of all begins the
    looking through: in every log that there is.
    """
    await tx.run(
        "insert into hook_head(home, epoch, day, pos) select home, epoch, day, pos from stream_head where not exists (select 1 from hook_head) "
        "order by home on conflict (home) do nothing"
    )
    await tx.run(
        "insert into hook_head(home, epoch, day, pos) select home, epoch, 0, 0 from stream_head where home = any($1::smallint[]) "
        "order by home on conflict (home) do nothing",
        list(homes),
    )
    await tx.rows("select home from hook_head where home = any($1::smallint[]) order by home for update", list(homes))
    return {home: head.spot for home, head in (await following.heads(tx)).items() if home in homes}


async def begin_at(tx: Tx, home: int, hook_id: int, spots: Mapping[int, Spot]) -> None:
    """Lets a hook be told what comes after these places (`lock_logs` has been called for their homes)."""
    if not spots:
        return
    places = [(log_home, *spot) for log_home, spot in sorted(spots.items())]
    await tx.run(
        "insert into hook_wake(home, hook_id, log_home, after_day, after_pos, after_index, upto_day, upto_pos) "
        "select $1, $2, x.log_home, x.day, x.pos, x.index, case when (x.day, x.pos) > (k.day, k.pos) then x.day else k.day end, "
        "case when (x.day, x.pos) > (k.day, k.pos) then x.pos else k.pos end "
        "from unnest($3::smallint[], $4::int[], $5::bigint[], $6::int[]) x(log_home, day, pos, index) join hook_head k on k.home = x.log_home "
        "on conflict (home, hook_id, log_home) do update set after_day = excluded.after_day, after_pos = excluded.after_pos, "
        "after_index = excluded.after_index, upto_day = excluded.upto_day, upto_pos = excluded.upto_pos, lease_holder = null, lease_until = null, "
        "next_try_at = null, tries = 0",
        home,
        hook_id,
        *(list(column) for column in zip(*places, strict=True)),
    )


def starts(homes: Iterable[int], ends: Mapping[int, Spot], given: Mapping[int, Spot] | None) -> dict[int, Spot]:
    """Where to begin in each home: at `given` (homes not named there: at their beginning), or now."""
    return {home: ends.get(home, BEGINNING) if given is None else given.get(home, BEGINNING) for home in homes}


# ── making and changing ──────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Content:
    """What a webhook is told: the stored operation, and what it means."""

    document: str
    variables: Mapping[str, Any]
    language: str
    settlements: bool
    contract_id: int | None
    only_site: int | None
    homes: tuple[int, ...]
    spots: Mapping[int, Spot] | None


async def register(tx: Tx, home: int, hook_id: int, owner: Owner, url: str, content: Content, secret: str, machine_now: datetime) -> Hook:
    """Stores a webhook. What is committed after this is told to it. Raises TooMany."""
    ends = await lock_logs(tx, content.homes)
    column, number = ("site_id", owner.site_id) if owner.site_id is not None else ("firm_id", owner.firm_id)
    if await tx.value(f"select count(*) from hook where home = $1 and {column} = $2 and channel = 0", home, number) >= MOST_HOOKS:
        raise TooMany
    row = await tx.row(
        "insert into hook(home, hook_id, channel, site_id, firm_id, client_id, user_id, address, language, document, variables, settlements, "
        "contract_id, only_site, secret, machine_at) values ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13, $14, $15) "
        f"returning {COLUMNS}",
        home,
        hook_id,
        owner.site_id,
        owner.firm_id,
        owner.client_id,
        owner.user_id,
        url,
        content.language,
        content.document,
        json.dumps(dict(content.variables)),
        content.settlements,
        content.contract_id,
        content.only_site,
        secret,
        machine_now,
    )
    assert row is not None
    await begin_at(tx, home, hook_id, starts(content.homes, ends, content.spots))
    return hook_of(row)


def _mine(viewer: Viewer) -> str:
    assert viewer.kind is not ViewerKind.OPERATOR, "operators have no hooks"
    return "site_id = $3" if viewer.kind is ViewerKind.SITE else "firm_id = $3"


async def find(tx: Tx, viewer: Viewer, hook_id: int, *, lock: bool = False) -> Hook | None:
    """A webhook of this owner; None: it does not exist or is another's, the same answer by the same query."""
    row = await tx.row(
        f"select {COLUMNS} from hook where home = $1 and hook_id = $2 and {_mine(viewer)} and channel = 0{' for update' if lock else ''}",
        home_of(hook_id),
        hook_id,
        viewer.id,
    )
    return None if row is None else hook_of(row)


async def listed(tx: Tx, viewer: Viewer) -> list[Hook]:
    """All webhooks of an owner, the oldest first."""
    home = await home_for(tx, viewer)
    rows = await tx.rows(
        f"select {COLUMNS} from hook where home = $1 and channel = $2 and {_mine(viewer)} order by hook_id", home, 0, viewer.id
    )
    return [hook_of(row) for row in rows]


async def by_id(tx: Tx, home: int, hook_id: int, *, lock: bool = False) -> Hook | None:
    """Any hook, whoever's."""
    row = await tx.row(f"select {COLUMNS} from hook where home = $1 and hook_id = $2{' for update' if lock else ''}", home, hook_id)
    return None if row is None else hook_of(row)


async def change(tx: Tx, hook: Hook, *, url: str | None, content: Content | None, machine_now: datetime) -> None:
    """Another address, or another operation. What waits goes to the new address; what is told from now on is told by the new operation."""
    if url is not None:
        await tx.run(
            "update hook set address = $3, failures = 0, failing_since = null, due_at = case when due_at is not null then $4::timestamptz end "
            "where home = $1 and hook_id = $2",
            hook.home,
            hook.hook_id,
            url,
            machine_now,
        )
        await tx.run("update hook_work set next_try_at = $3 where home = $1 and hook_id = $2", hook.home, hook.hook_id, machine_now)
    if content is not None:
        await tx.run(
            "update hook set document = $3, variables = $4::jsonb, language = $5, settlements = $6, contract_id = $7, only_site = $8 "
            "where home = $1 and hook_id = $2",
            hook.home,
            hook.hook_id,
            content.document,
            json.dumps(dict(content.variables)),
            content.language,
            content.settlements,
            content.contract_id,
            content.only_site,
        )


async def disable(tx: Tx, hook: Hook, reason: HookReason) -> bool:
    """Serves it no more. What waits keeps waiting, and the log is kept in mind: enabled again it goes on there. False: it was before."""
    return bool(
        await tx.run(
            "update hook set status = 1, reason = $3, due_at = null where home = $1 and hook_id = $2 and status <> 1",
            hook.home,
            hook.hook_id,
            reason.value,
        )
    )


async def disable_of(tx: Tx, user_id: int, client_id: str | None = None) -> None:
    """Ends webhooks that a person made (through one client): his password changed, he was stopped, or he took the client's rights back."""
    await tx.run(
        "update hook set status = 1, reason = $3, due_at = null where user_id = $1 and ($2::text is null or client_id = $2) and channel = 0 "
        "and status = 0",
        user_id,
        client_id,
        HookReason.OWNER_STOPPED.value,
    )


async def enable(tx: Tx, hook: Hook, owner: Owner, machine_now: datetime, *, from_now: bool, homes: Sequence[int]) -> None:
    """Serves it again, on the rights of whoever enables it: from where it stopped, or from now on."""
    if from_now:
        await drop_waiting(tx, hook, machine_now, "enabled again from now on")
        await tx.run("delete from hook_wake where home = $1 and hook_id = $2", hook.home, hook.hook_id)
        await begin_at(tx, hook.home, hook.hook_id, await lock_logs(tx, homes))
    await tx.run(
        "update hook set status = 0, reason = null, failures = 0, failing_since = null, due_at = $3, client_id = $4, user_id = $5 "
        "where home = $1 and hook_id = $2",
        hook.home,
        hook.hook_id,
        machine_now,
        owner.client_id,
        owner.user_id,
    )
    await tx.run("update hook_work set next_try_at = $3, tries = 0 where home = $1 and hook_id = $2", hook.home, hook.hook_id, machine_now)


async def rotate(tx: Tx, hook: Hook, secret: str, machine_now: datetime) -> datetime:
    """Gives it another secret; both sign until the instant that is answered."""
    until = machine_now + SECRET_OVERLAP
    await tx.run(
        "update hook set secret = $3, old_secret = secret, old_secret_until = $4 where home = $1 and hook_id = $2",
        hook.home,
        hook.hook_id,
        secret,
        until,
    )
    return until


async def delete(tx: Tx, hook: Hook) -> None:
    """Takes it away with everything about it."""
    await tx.run(
        "delete from hook_attempt a using hook_delivery d where d.home = $1 and d.hook_id = $2 and a.home = d.home "
        "and a.delivery_id = d.delivery_id",
        hook.home,
        hook.hook_id,
    )
    for table in ("hook_work", "hook_wake", "hook_delivery", "hook"):
        await tx.run(f"delete from {table} where home = $1 and hook_id = $2", hook.home, hook.hook_id)


async def replay(tx: Tx, hook: Hook, spots: Mapping[int, Spot], machine_now: datetime) -> None:
    """Goes back to these places: what was told after them is told again, in order. What waits behind them is dropped, since it comes again."""
    await lock_logs(tx, sorted(spots))
    for log_home, spot in spots.items():
        await drop_waiting(tx, hook, machine_now, "replayed", log_home, spot)
    await begin_at(tx, hook.home, hook.hook_id, spots)


async def drop_waiting(tx: Tx, hook: Hook, machine_now: datetime, note: str, log_home: int | None = None, spot: Spot = BEGINNING) -> None:
    """Gives up what waits for a receiver (of one log, behind a place)."""
    day, pos, index = spot
    rows = await tx.rows(
        "delete from hook_work where home = $1 and hook_id = $2 and ($3::smallint is null or (log_home = $3 and (day, pos, index) > ($4, $5, $6))) "
        "returning delivery_id",
        hook.home,
        hook.hook_id,
        log_home,
        day,
        pos,
        index,
    )
    await tx.run(
        "update hook_delivery set status = $3, done_at = $4, note = $5 where home = $1 and delivery_id = any($2::bigint[]) and status = 0",
        hook.home,
        [row["delivery_id"] for row in rows],
        int(DispatchStatus.DROPPED),
        machine_now,
        note,
    )


# ── rights ───────────────────────────────────────────────────────────────────────────────────────────────────────────
async def may_be_served(tx: Tx, hook: Hook) -> bool:
    """Whether those through whom it was made still may what it does: looked up before each piece of work (I17)."""
    if hook.client_id is not None:
        client = await tx.row("select stopped_at, scopes, site_id, firm_id from oauth_client where client_id = $1", hook.client_id)
        if client is None or client["stopped_at"] is not None or hook.right not in client["scopes"]:
            return False
        if hook.channel is HookChannel.WEBHOOK and WRITE not in client["scopes"]:
            return False
    if hook.user_id is not None:
        person = await tx.row("select stopped_at, firm_id from person where user_id = $1", hook.user_id)
        return person is not None and person["stopped_at"] is None and person["firm_id"] == hook.firm_id
    return True


async def owners_of(tx: Tx, hook: Hook) -> str:
    """Whose it is, in words for an operator."""
    if hook.site_id is not None:
        return f"site {hook.site_id}"
    name = await tx.value("select name from firm where firm_id = $1", hook.firm_id)
    if name is None:
        raise NotThere("firm", hook.firm_id)
    return str(name)
