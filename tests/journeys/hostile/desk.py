"""A town held at the moment at which a reply is about to come, so that ten thousand other replies can come instead of it.

After each of them everything in the database is put back as it was.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from domain.store import inbox, replies
from domain.store.due import Task
from tests.journeys.town import Town
from workers import applying
from workers import reading as reader

UNTOUCHED = (
    "contract_state", "event", "posting", "line", "account", "sweep", "sweep_part", "work", "contract", "delivery_record", "statement",
    "statement_line",
)  # fmt: skip
"""What a reply that is held or ignored leaves alone."""
BATCH = "to_jsonb(t) - 'lease_holder' - 'lease_until'"


class Reached(Exception):
    """The reply is there, and nobody has read it."""

    def __init__(self, reply_id: int) -> None:
        super().__init__(reply_id)
        self.reply_id = reply_id


@dataclass(frozen=True)
class Ended:
    """How a reply ended."""

    status: int
    seconds: float


@dataclass
class Desk:
    """The town, and the reply that would come now."""

    here: Town
    now: datetime
    channel: str
    name: str
    kind: str
    content: bytes
    raw: asyncpg.Connection
    put_back: str
    forget: str
    digest_sql: str

    async def digest(self) -> str:
        """A fingerprint of the ledger, the states and the instructions."""
        return str(await self.raw.fetchval(self.digest_sql))

    async def feed(self, content: bytes, *, name: str | None = None, kind: str | None = None) -> Ended:
        """Lets a reply come, be read and be applied, as the workers do it."""
        machine, began = self.here.machine, time.perf_counter()
        reply_id = await inbox.store(self.channel, name or self.name, kind or self.kind, content, self.now, machine)
        assert reply_id is not None
        await reader.read_reply(reply_id, now=self.now, machine_now=machine)
        status = await self._status(reply_id)
        if status == replies.VALID:
            await applying.apply_reply(reply_id, now=self.now, machine_now=machine)
            status = await self._status(reply_id)
        assert status in (replies.APPLIED, replies.HELD, replies.IGNORED), status
        return Ended(status, time.perf_counter() - began)

    async def _status(self, reply_id: int) -> int:
        return int(await self.raw.fetchval("select status from reply where reply_id = $1", reply_id))

    async def restore(self, *, touched: bool = True) -> None:
        """Everything as it was before the reply; only the reply itself is taken away if it has not touched anything else."""
        await self.raw.execute(self.put_back if touched else self.forget)


@contextlib.asynccontextmanager
async def at_desk(here: Town, database_url: str, to: str, kind: str, *, least: int = 0) -> AsyncIterator[Desk]:
    """Walks until a reply of a kind (of `least` bytes) has come and is unread; takes it away, and keeps the state."""

    async def how(there: Town, task: Task, now: datetime) -> None:
        if task.actor == "read_reply":
            (row,) = await there.rows("select kind, size from reply where reply_id = $1", task.args["reply_id"])
            if row["kind"] == kind and row["size"] >= least:
                raise Reached(task.args["reply_id"])
        await there.do(task, now)

    here.how = how
    reply_id = None
    try:
        await here.walk(to)
    except Reached as reached:
        reply_id = reached.reply_id
    finally:
        here.how = None
    assert reply_id is not None, f"no {kind} came"
    (row,) = await here.rows("select channel, name, kind from reply where reply_id = $1", reply_id)
    parts = await here.rows("select body from reply_body where reply_id = $1 order by no", reply_id)
    raw = await asyncpg.connect(database_url)
    try:
        await raw.execute(f"delete from reply_body where reply_id = {reply_id}; delete from reply where reply_id = {reply_id}")
        scripts = await _kept(raw)
        content = b"".join(part["body"] for part in parts)
        yield Desk(here, await here.now(), row["channel"], row["name"], row["kind"], content, raw, *scripts)
    finally:
        await raw.close()


async def _kept(raw: asyncpg.Connection) -> tuple[str, str, str]:
    """Copies every table; answers the statements that put all back, those that forget replies, and the one that fingerprints what must stay."""
    tables = [
        str(row["oid"])
        for row in await raw.fetch(
            "select c.oid::regclass::text as oid from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1"
        )
    ]
    await raw.execute("drop schema if exists kept cascade; create schema kept")
    begin = "begin; set local session_replication_role = replica;"
    put_back = {}
    for table in tables:
        await raw.execute(f"create table kept.{table} as table {table}")
        put_back[table] = f"delete from {table}; insert into {table} overriding system value select * from kept.{table};"
    of_replies = await raw.fetch(
        "select c.oid::regclass::text as t from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'reply_id' "
        "where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'statement'"
    )
    forget = [put_back[table] for table in ("outbox", "exception")]
    forget += [f"delete from {row['t']} t where not exists (select from kept.reply k where k.reply_id = t.reply_id);" for row in of_replies]
    known: set[Any] = {row["t"] for row in await raw.fetch("select relname as t from pg_class where relkind in ('r', 'p')")}
    prints = [
        f"(select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from {table} t)" for table in UNTOUCHED if table in known
    ]
    assert len(prints) >= len(UNTOUCHED) - 3
    prints.append(f"(select md5(coalesce(string_agg(x, ',' order by x), '')) from (select ({BATCH})::text as x from batch t) y)")
    return "".join((begin, *put_back.values(), "commit;")), "".join((begin, *forget, "commit;")), f"select {' || '.join(prints)}"
