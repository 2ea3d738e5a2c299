"""Reading the log in its order: what came after a place, up to another, event by event (I16).

The stream is dense and in commit order, so a reader who keeps his place can miss nothing and read nothing twice, however writers
overlap. Retention and a restore with loss can take away what stood after a place: that is noticed here, never passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from domain.access import ViewerKind
from domain.contract_id import EPOCH
from domain.store.connection import Row, Tx
from domain.store.partitions import day_number
from domain.store.reading import MINE, Scope, mine
from domain.stream import CursorInvalid, Place

WHOLE = 2**31 - 1  # as the index of a spot: the whole row has been read
ROWS = 200  # of the stream, looked through at a time
EVENTS = 2_000  # and about so many events in them

Spot = tuple[int, int, int]
"""(day, position, index): up to where one home's log has been read; spots of a home compare as they follow each other."""

BEGINNING: Spot = (0, 0, WHOLE)


def spot_of(place: Place) -> Spot:
    """A cursor's place as a spot: index 0 stands for the whole row."""
    return place.day, place.pos, place.index or WHOLE


def place_of(epoch: int, home: int, spot: Spot) -> Place:
    """The place that a cursor carries for a spot."""
    day, pos, index = spot
    return Place(epoch, home, day, pos, 0 if index == WHOLE else index)


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the log, with whose it is. `index` counts from 1 within its row of the stream."""

    home: int
    spot: Spot
    contract_id: int
    no: int
    kind: int
    at: datetime
    happened_on: date | None
    site_id: int
    buyer_firm: int | None
    seller_firm: int | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one home's log. `end` is how far it was read: also over what the reader had no part in."""

    events: list[Told]
    end: Spot


@dataclass(frozen=True, slots=True)
class Head:
    """Where a home's log ends."""

    epoch: int
    spot: Spot


async def heads(tx: Tx) -> dict[int, Head]:
    """The end of every home's log in this snapshot."""
    rows = await tx.rows("select home, epoch, day, pos from stream_head")
    return {row["home"]: Head(row["epoch"], (row["day"], row["pos"], WHOLE)) for row in rows}


# How far a piece goes: so many rows, or about so many events, at least one row.
_BOUNDS = """
select (array_agg(y.pos order by y.day, y.pos))[1] as first_pos, count(*) as rows,
       (array_agg(y.day order by y.day desc, y.pos desc))[1] as last_day, (array_agg(y.pos order by y.day desc, y.pos desc))[1] as last_pos
  from (select day, pos, sum(size) over (order by day, pos) - size as before
          from (select day, pos, cardinality(contract_ids) as size from stream
                 where home = $1 and (day, pos) > ($2, $3) and (day, pos) <= ($4, $5) order by day, pos limit $6) x) y
 where y.before < $7
"""

_EVENTS = """
select s.day, s.pos, u.index, u.contract_id, u.no, e.kind, e.at, e.happened_on, c.site_id,
       (select p.firm_id from party p where p.home = $1 and p.party_id = c.buyer_id) as buyer_firm,
       (select p.firm_id from party p where p.home = $1 and p.party_id = c.seller_id) as seller_firm
  from stream s
 cross join lateral unnest(s.contract_ids, s.nos) with ordinality u(contract_id, no, index)
 cross join lateral (select * from contract c where c.home = $1 and c.contract_id = u.contract_id and {mine} limit 1) c
 cross join lateral (select x.kind, x.at, x.happened_on from event x
                      where x.home = $1 and x.contract_id = u.contract_id and x.no = u.no limit 1) e
 where s.home = $1 and (s.day, s.pos) >= ($2, $3) and (s.day, s.pos) <= ($5, $6) and $4::bigint[] is not null {only}
 order by s.day, s.pos, u.index
"""


def _told(home: int, row: Row) -> Told:
    return Told(
        home,
        (row["day"], row["pos"], row["index"]),
        row["contract_id"],
        row["no"],
        row["kind"],
        row["at"],
        row["happened_on"],
        row["site_id"],
        row["buyer_firm"],
        row["seller_firm"],
    )


async def read(tx: Tx, home: int, after: Spot, upto: Spot, scope: Scope | None = None, contract_id: int | None = None) -> Chunk:
    """The next piece of a home's log in (after, upto].

    Args:
        tx: Any snapshot in which `upto` has been reached.
        home: Whose log.
        after: Up to where it has been read.
        upto: How far to go. Call again with the `end` of the answer as `after` until it gets there.
        scope: Only what belongs to this viewer. None: everything.
        contract_id: Only this contract's.

    Raises:
        CursorInvalid: What follows `after` is not there any more.
    """
    day, pos, _ = after
    born = 0 if contract_id is None else born_on(contract_id)
    if day < born:  # nothing was told of a contract before it was born
        after = (born, 0, WHOLE)
        day, pos, _ = after
    if after >= upto:
        return Chunk([], upto)
    bounds = await tx.row(_BOUNDS, home, day, pos, upto[0], upto[1], ROWS, EVENTS)
    assert bounds is not None
    if pos and bounds["rows"] and bounds["first_pos"] != pos + 1:
        raise CursorInvalid("what followed this place is not kept any more")
    if pos and not bounds["rows"] and upto[1] > pos:
        raise CursorInvalid("what followed this place is not kept any more")
    end: Spot = (bounds["last_day"], bounds["last_pos"], WHOLE) if bounds["rows"] else upto
    end = min(end, upto)
    args = [home, day, pos, mine(scope) if scope else [], end[0], end[1]]
    clause, only = (MINE[scope.viewer.kind] if scope else "true"), ""
    if contract_id is not None:
        args.append(contract_id)
        only = "and s.contract_ids @> array[$7::bigint] and u.contract_id = $7"
    elif scope and scope.viewer.kind is ViewerKind.SITE:
        args.append(scope.viewer.id)
        only = "and s.site_id = $7"
    rows = await tx.rows(_EVENTS.format(mine=clause, only=only), *args)
    return Chunk([told for row in rows if after < (told := _told(home, row)).spot <= upto], end)


def born_on(contract_id: int) -> int:
    """A day of the stream on which nothing can have been told of this contract yet: the eve of its birth."""
    return day_number(EPOCH) + contract_id // 1_000_000_000 // 86_400 - 1


async def spot_of_event(tx: Tx, home: int, contract_id: int, no: int) -> tuple[int, Spot] | None:
    """Epoch and spot of one event, looked for from its contract's birth on; None: it is not in the log any more."""
    row = await tx.row(
        "select h.epoch, s.day, s.pos, array_position(s.contract_ids, $2) as index from stream s join stream_head h using (home) "
        "where s.home = $1 and s.day >= $4 and s.contract_ids @> array[$2::bigint] "
        "and s.nos[array_position(s.contract_ids, $2)] = $3 order by s.day, s.pos limit 1",
        home,
        contract_id,
        no,
        born_on(contract_id),
    )
    return None if row is None else (row["epoch"], (row["day"], row["pos"], row["index"]))
