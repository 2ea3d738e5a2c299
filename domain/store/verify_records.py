"""What came in and what was told: every reply raw and ended, the stream dense, its chain unbroken, every event in it once (K6, K7, I14, I16)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from domain.store.connection import Row, Tx
from domain.store.replies import APPLIED, HELD, RECEIVED, VALID
from domain.store.verify_findings import MOST, Finding, Rule, findings, run
from domain.store.verify_instructions import BOUND

PAGE = 500  # rows of the stream at a time; one may tell of thousands of contracts
REPLIES_AT_ONCE = 200

# The same words as in stream.py, and from the row before: a chain that is compared with itself would prove nothing.
_CHAIN = """
select day, pos, chain, before_pos, sha256(coalesce(before_chain, $4::bytea) || convert_to(concat_ws('|', home, day, pos, site_id, kind,
       contract_ids::text, nos::text), 'UTF8')) = chain as linked, coalesce(pos = before_pos + 1, pos = $5::bigint + 1) as dense
  from (select *, lag(pos) over w as before_pos, lag(chain) over w as before_chain from (
        select * from stream where home = $1 and (day, pos) > ($2::int, $3::bigint) order by day, pos limit $6) page window w as (order by day, pos)) x
 order by day, pos"""

# Two sets are equal if they have as many members and the same sum of hashes: nothing is sorted or kept, however many there are.
_TOLD = """
select e.n as events, e.mark as event_mark, t.n as told, t.mark as told_mark
  from (select count(*) as n, coalesce(sum(hashint8extended(contract_id, no::bigint * 256 + kind)), 0) as mark from event where home = $1) e,
       (select count(*) as n, coalesce(sum(hashint8extended(x.contract_id, x.no::bigint * 256 + s.kind)), 0) as mark
          from stream s, unnest(s.contract_ids, s.nos) x(contract_id, no) where s.home = $1) t"""
_UNTOLD = """
select coalesce(e.contract_id, t.contract_id) as contract_id, coalesce('event ' || e.no || ' of kind ' || e.kind || ' once', 'nothing') as expected,
       coalesce(t.times || ' times event ' || t.no || ' of kind ' || t.kind, 'nothing') as found
  from (select contract_id, no, kind from event where home = $1) e
  full join (select x.contract_id, x.no, s.kind, count(*) as times from stream s, unnest(s.contract_ids, s.nos) x(contract_id, no)
              where s.home = $1 group by 1, 2, 3) t on t.contract_id = e.contract_id and t.no = e.no and t.kind = e.kind
 where e.no is null or t.no is null or t.times > 1"""


async def stream(tx: Tx, home: int) -> list[Finding]:
    """The stream of a home: row by row in pages, then its head, then whether it tells every event once."""
    found: list[Finding] = []
    day, pos, chain = -1, 0, b""
    while len(found) < MOST:
        rows = await tx.rows(_CHAIN, home, day, pos, chain, pos, PAGE)
        for row in rows:
            place = f"{row['day']}/{row['pos']}"
            if not row["dense"]:
                found.append(Finding("K7", "the stream has no gaps", home, "the position after the one before", place))
            elif not row["linked"]:
                found.append(Finding("K7", "each row of the stream is chained to the one before", home, "its hash", f"another at {place}"))
        if rows:
            day, pos, chain = rows[-1]["day"], rows[-1]["pos"], rows[-1]["chain"]
        if len(rows) < PAGE:
            found += await _head(tx, home, day, pos, chain)
            break
    told = await tx.row(_TOLD, home)
    assert told is not None
    if (told["events"], told["event_mark"]) != (told["told"], told["told_mark"]):
        found += await run(tx, (Rule("the stream tells every event once", _UNTOLD, "K7"),), home)
    return found


async def _head(tx: Tx, home: int, day: int, pos: int, chain: bytes) -> list[Finding]:
    row = await tx.row("select day, pos, chain from stream_head where home = $1", home)
    stands = (0, 0, b"") if row is None else (row["day"], row["pos"], row["chain"])
    if stands == (max(day, 0), pos, chain):
        return []
    return [Finding("K7", "the head of the stream is its last row", home, f"{max(day, 0)}/{pos}", f"{stands[0]}/{stands[1]}")]


_OF_HOMES = "($2::smallint[] is null or home = any($2))"
_REPLIES = f"""
with page as (select * from reply where reply_id > $1 and {_OF_HOMES} order by reply_id limit $3)
select p.reply_id, p.home, p.status, p.size, p.sha256, p.at, b.parts, b.bytes, b.last, x.reply_id is not null as listed,
       case when p.size = 0 then sha256('') when b.parts = 1
            then sha256((select body from reply_body o where o.reply_id = p.reply_id limit 1)) end as hash,
       p.kind = 'result' and p.status = {APPLIED} and exists (
          select 1 from reply_line r join line l on l.home = p.home and l.batch_id = p.batch_id and l.contract_id = r.contract_id
           where r.reply_id = p.reply_id and l.outcome = 0) as unapplied
  from page p
  left join lateral (select count(*) as parts, coalesce(sum(length(body)), 0) as bytes, coalesce(max(no), -1) as last
                       from reply_body o where o.reply_id = p.reply_id) b on true
  left join (select distinct reply_id from exception) x on x.reply_id = p.reply_id
 order by p.reply_id"""
_OUTBOX = """
select 'handed over' as expected, count(*) || ' messages since ' || min(machine_at) as found
  from outbox where machine_at + $1::interval < $2 having count(*) > 0"""


async def replies(tx: Tx, homes: Sequence[int] | None, now: datetime, machine_now: datetime) -> list[Finding]:
    """Everything that came in: raw and whole, and ended or listed or still within its time."""
    found: list[Finding] = []
    last = 0
    while len(found) < MOST:
        rows = await tx.rows(_REPLIES, last, homes, REPLIES_AT_ONCE)
        for row in rows:
            found += await _reply(tx, row, now)
        if len(rows) < REPLIES_AT_ONCE:
            break
        last = rows[-1]["reply_id"]
    if homes is None:
        rule = Rule("messages are handed over to the queues", _OUTBOX, "K5")
        found += findings(rule, None, await tx.rows(_OUTBOX, BOUND, machine_now))
    return found


async def _reply(tx: Tx, row: Row, now: datetime) -> list[Finding]:
    if (row["bytes"], row["parts"]) != (row["size"], row["last"] + 1):
        wrong = [("K6", "a reply is kept as it came", f"{row['size']} bytes", f"{row['bytes']} bytes in {row['parts']} parts")]
    else:
        whole = row["hash"] if row["parts"] <= 1 else await _hash(tx, row["reply_id"], row["parts"])
        wrong = [] if whole == row["sha256"] else [("K6", "a reply has the hash that it came with", row["sha256"].hex(), whole.hex())]
    if row["status"] == HELD and not row["listed"]:
        wrong.append(("K6", "a held reply is listed with its reason", "an exception", "none"))
    if row["unapplied"]:
        wrong.append(("K6", "an applied result has reached every line", "no open line", "open lines"))
    if row["status"] in (RECEIVED, VALID) and row["at"] + BOUND < now:
        wrong.append(("K5", "a reply is read and applied", "ended", f"waiting since {row['at']}"))
    return [Finding(name, what, row["home"], expected, seen, reply_id=row["reply_id"]) for name, what, expected, seen in wrong]


async def _hash(tx: Tx, reply_id: int, parts: int) -> bytes:
    """Of a reply in several parts: part after part, so that only one is in memory."""
    digest = hashlib.sha256()
    for no in range(parts):
        digest.update(await tx.value("select body from reply_body where reply_id = $1 and no = $2", reply_id, no))
    return digest.digest()
