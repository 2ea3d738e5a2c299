"""The inbox: whatever comes in is stored raw before it is read (settlement rule 4), once for each (channel, name, bytes).

The name is the identity of a file at a bank. The same name with the same bytes is a repeat and leaves nothing; the same name with other
bytes is kept, held, and shown to a person.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import tempfile
from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from domain.sending import TRIES_UNTIL_TOLD
from domain.statuses import BatchStatus
from domain.store import due, exceptions, outbox
from domain.store.connection import Tx, reading, transaction
from domain.store.due import STUBBORN

PART = 1 << 20  # bytes in a row of reply_body
IN_MEMORY = 4 * PART  # a download larger than this waits on disk for its hash
RECEIVED, HELD = 0, 3  # reply.status; the rest belongs to who reads them


def bank_channel(bank_code: str) -> str:
    """The channel's name of what a bank sends."""
    return f"bank:{bank_code}"


def carrier_channel(carrier_id: str) -> str:
    """The channel's name of what a carrier sends or answers."""
    return f"carrier:{carrier_id}"


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored under a name: sizes of its contents, and when the last of them came (machine clock)."""

    sizes: frozenset[int]
    machine_at: datetime


async def store(
    channel: str, name: str, kind: str, chunks: AsyncIterable[bytes] | bytes, now: datetime, machine_now: datetime
) -> int | None:
    """Stores a reply raw and leaves word for its reader, in one transaction.

    Args:
        channel: `bank:<code>` or `carrier:<id>`.
        name: File name, message ID or batch ID: its identity in the channel.
        kind: receipt, result, statement, credits of a bank; notices, answer, shipped, tracking of a carrier; `other` is nothing that we
            read: it is held, and listed as UNKNOWN_FILE.
        chunks: The bytes; a stream is kept on disk until its hash is known, so that memory does not grow with it.
        now: Business time, stored with it.
        machine_now: Machine time, stored with it.

    Returns:
        The reply's number, or None when these bytes were stored under this name before. Other bytes under a known name are stored HELD and
        listed as NAME_REUSED.
    """
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as body:
        digest, size = hashlib.sha256(), 0
        async for chunk in _stream(chunks):
            digest.update(chunk)
            size += len(chunk)
            await asyncio.to_thread(body.write, chunk)
        async with transaction() as tx:
            return await _insert(tx, channel, name, kind, body, (digest.digest(), size), now, machine_now)


async def store_in(tx: Tx, channel: str, name: str, kind: str, content: bytes, now: datetime, machine_now: datetime) -> int | None:
    """As `store`, in a transaction of the caller's: for what follows from something that is written there."""
    with io.BytesIO(content) as body:
        return await _insert(tx, channel, name, kind, body, (hashlib.sha256(content).digest(), len(content)), now, machine_now)


async def _stream(chunks: AsyncIterable[bytes] | bytes) -> AsyncIterable[bytes]:
    if isinstance(chunks, bytes):
        yield chunks
    else:
        async for chunk in chunks:
            yield chunk


async def _insert(
    tx: Tx, channel: str, name: str, kind: str, body: IO[bytes], content: tuple[bytes, int], now: datetime, machine_now: datetime
) -> int | None:
    sha256, size = content
    # Two contents under one name that arrive at once would not see each other: the unique key holds name and hash together.
    await tx.run("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"{channel}/{name}")
    stored = {row["sha256"] for row in await tx.rows("select sha256 from reply where channel = $1 and name = $2", channel, name)}
    if sha256 in stored:
        return None
    held = bool(stored) or kind == "other"
    problem = "NAME_REUSED" if stored else "UNKNOWN_FILE" if held else None
    reply_id = int(
        await tx.value(
            "insert into reply(channel, name, sha256, size, kind, status, at, machine_at, problem) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning reply_id",
            channel,
            name,
            sha256,
            size,
            kind,
            HELD if held else RECEIVED,
            now,
            machine_now,
            problem,
        )
    )
    await asyncio.to_thread(body.seek, 0)
    no = 0
    while part := await asyncio.to_thread(body.read, PART):
        await tx.run("insert into reply_body(reply_id, no, body) values ($1, $2, $3)", reply_id, no, part)
        no += 1
    if problem is None:
        await outbox.add(tx, due.queue_of(kind), "read_reply", {"reply_id": reply_id})
        return reply_id
    await exceptions.record(
        tx,
        code=problem,
        reference=f"{problem}:{channel}:{name}:{sha256.hex()}",
        reason=f"{name} came again with other bytes" if stored else f"{name} is no kind of file that we know",
        now=now,
        channel=channel,
        reply_id=reply_id,
    )
    return reply_id


async def contents(tx: Tx, channel: str, name: str) -> list[bytes]:
    """SHA-256 of everything that was stored under a name."""
    return [row["sha256"] for row in await tx.rows("select sha256 from reply where channel = $1 and name = $2", channel, name)]


async def known(tx: Tx, channel: str, names: Sequence[str]) -> dict[str, Known]:
    """Those of `names` that have been stored before."""
    rows = await tx.rows(
        "select name, array_agg(size) as sizes, max(machine_at) as machine_at from reply "
        "where channel = $1 and name = any($2::text[]) group by name",
        channel,
        list(names),
    )
    return {row["name"]: Known(frozenset(row["sizes"]), row["machine_at"]) for row in rows}


async def put_off(reply_id: int, problem: str, now: datetime, machine_now: datetime) -> None:
    """A reader failed unexpectedly: the reply rests for a while (twice as long each time), so that it does not keep others from work.

    After some tries it is listed for a person, and tried again all the same.
    """
    async with transaction() as tx:
        row = await tx.row(
            "update reply set tries = tries + 1, problem = $2, lease_holder = null, lease_until = null, "
            "next_try_at = $3::timestamptz + least(power(2, least(tries, 10)), 300) * interval '1 second' "
            "where reply_id = $1 and status in (0, 1) returning tries, channel, home, batch_id",
            reply_id,
            problem,
            machine_now,
        )
        if row is not None and row["tries"] == STUBBORN:
            await exceptions.record(
                tx,
                code="STUCK",
                reference=f"stuck:reply:{reply_id}",
                reason=f"what came in could not be worked on {STUBBORN} times ({problem}); it is tried again less and less often",
                now=now,
                home=row["home"],
                channel=row["channel"],
                reply_id=reply_id,
                batch_id=row["batch_id"],
            )


@dataclass(frozen=True, slots=True)
class _Partners:
    """Whose out/ is looked through: their table, its key and condition, and the table of looks."""

    table: str
    key: str
    where: str
    polls: str
    channel: Callable[[str], str]  # its name, by their key


_BANKS = _Partners("bank", "bank_code", "true", "bank_poll", bank_channel)
_CARRIERS = _Partners("carrier", "carrier_id", due.TAKES_FILES, "carrier_poll", carrier_channel)


async def polls_due(machine_now: datetime, moves: int, *, every_seconds: float, eager_seconds: float) -> list[str]:
    """The banks to look at now: never looked at, time has jumped since, or the interval has passed.

    A bank that owes us a receipt is looked at each `eager_seconds`; one that fails less and less often, up to ten minutes.
    """
    return await _polls_due(_BANKS, machine_now, moves, every_seconds, eager_seconds)


async def carrier_polls_due(machine_now: datetime, moves: int, *, every_seconds: float, eager_seconds: float) -> list[str]:
    """The same for carriers that are given files."""
    return await _polls_due(_CARRIERS, machine_now, moves, every_seconds, eager_seconds)


async def _polls_due(of: _Partners, machine_now: datetime, moves: int, every_seconds: float, eager_seconds: float) -> list[str]:
    async with reading() as tx:
        rows = await tx.rows(
            f"select b.{of.key} as key from {of.table} b left join {of.polls} p using ({of.key}) "
            f"where {of.where} and (p.{of.key} is null or p.moves <> $2 or p.machine_at + interval '1 second' * case "
            "when p.failures > 0 then least($3::float8 * power(2, least(p.failures, 12)), 600) "
            # by the small index of those that are awaited; what is overdue is nobody's hurry any more
            f"when exists (select 1 from batch o where o.{of.key} = b.{of.key} and o.status = {int(BatchStatus.SENT)} "
            "and o.overdue_at is not null and o.status in (4, 5, 6)) then $4::float8 "
            f"else $3::float8 end <= $1) order by b.{of.key}",
            machine_now,
            moves,
            every_seconds,
            eager_seconds,
        )
    return [row["key"] for row in rows]


async def end_poll(
    bank_code: str,
    machine_now: datetime,
    moves: int,
    problem: str | None,
    now: datetime,
    *,
    code: str = "OUT_OF_REACH",
    passes: bool = True,
) -> None:
    """Writes down how a look through a bank's out/ ended. `moves` is the clock's count when it began.

    A person is told under `code` of a problem that lasts, and at once of one that does not pass by itself; a look that succeeds takes it back.
    """
    await _end_poll(_BANKS, bank_code, (machine_now, moves, problem), now, code, told_at_once=not passes)


async def end_carrier_poll(
    carrier_id: str,
    machine_now: datetime,
    moves: int,
    problem: str | None,
    now: datetime,
    *,
    code: str = "OUT_OF_REACH",
    passes: bool = True,
) -> None:
    """The same for a carrier's."""
    await _end_poll(_CARRIERS, carrier_id, (machine_now, moves, problem), now, code, told_at_once=not passes)


async def _end_poll(
    of: _Partners, key: str, how: tuple[datetime, int, str | None], now: datetime, code: str, *, told_at_once: bool
) -> None:
    channel, problem = of.channel(key), how[2]
    async with transaction() as tx:
        failures = await tx.value(
            f"insert into {of.polls}({of.key}, machine_at, moves, problem, failures) "
            f"values ($1, $2, $3, $4::text, ($4::text is not null)::int) on conflict ({of.key}) do update set "
            "machine_at = excluded.machine_at, moves = excluded.moves, problem = excluded.problem, "
            f"failures = case when excluded.problem is null then 0 else {of.polls}.failures + 1 end returning failures",
            key,
            *how,
        )
        if problem is None:
            await exceptions.close_outage(tx, way="fetch", channel=channel, now=now)
        elif failures >= TRIES_UNTIL_TOLD or told_at_once:
            words = f"not everything can be fetched there, {failures} looks so far: {problem}"
            await exceptions.open_outage(tx, way="fetch", channel=channel, code=code, reason=words, now=now)
