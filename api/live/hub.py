"""One reader of the log for the whole process: it reads each event once and hands it to all who follow.

PostgreSQL's stream is the truth; the bell only says that it is worth looking now. A follower first catches up from his own place, then
joins the reader at exactly the place that the reader has come to: between the two nothing is missed and nothing is told twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog
from graphql import GraphQLSchema

from api.errors import ApiError
from api.keys import Keys
from api.live.encoding import Moment, Seen, Selection, cursor_of, encoded, index_of, look_at, viewers_of
from api.live.wish import invalid
from api.scalars import Cursor
from domain.store import following, reading
from domain.store.availability import is_unavailable
from domain.store.connection import reading as snapshot
from domain.store.following import BEGINNING, Spot, Told
from domain.stream import CursorInvalid

log = structlog.get_logger("api.live")

LOOK_SECONDS = 0.25  # without a bell the log is looked at so often
NEAR = 20  # rows behind the reader from which a follower catches up while he is already held a place
GONE = "What followed this place is not in the log any more."
RESTORED = "The log has been restored to an earlier state."


class Sink(Protocol):
    """Where a follower's events go. None of these may wait, but `room`."""

    def event(self, body: str, cursor: str) -> None:
        """One event, as JSON, and the place behind it."""

    def failed(self, error: ApiError) -> None:
        """There will be no more events, and why."""

    async def room(self) -> None:
        """Waits until what was given has mostly left."""


@dataclass(slots=True, eq=False)
class Follower:
    """One subscription of one socket. `held` keeps what comes while he catches up."""

    selection: Selection
    sink: Sink
    held: list[tuple[str, str]] | None = None
    group: Group | None = None

    def give(self, body: str, cursor: str) -> None:
        """Hands on one event."""
        if self.held is None:
            self.sink.event(body, cursor)
        else:
            self.held.append((body, cursor))


@dataclass(slots=True, eq=False)
class Group:
    """All who wish exactly the same: an event is encoded once for them. `homes` are those that its cursors speak of."""

    selection: Selection
    homes: set[int]
    followers: set[Follower] = field(default_factory=set)


class Hub:
    """The reader of one process. It runs while somebody follows."""

    def __init__(self, core: GraphQLSchema, keys: Keys, machine_clock: Callable[[], datetime]) -> None:
        self._core, self._keys, self._clock = core, keys, machine_clock
        self._groups: dict[tuple[object, int | None], dict[tuple[object, ...], Group]] = {}
        self._read: dict[int, Spot] | None = None
        self._epochs: dict[int, int] = {}
        self._users = 0
        self._wake, self._turned = asyncio.Event(), asyncio.Event()
        self._begun = self._done = 0

    # ── following ────────────────────────────────────────────────────────────────────────────────────────────────────
    @contextlib.asynccontextmanager
    async def follow(self, selection: Selection, sink: Sink) -> AsyncGenerator[Follower]:
        """Holds a place while the block lasts. The block begins when the past has been told.

        Raises ApiError CURSOR_INVALID when the log does not reach back to the place asked for.
        """
        follower = Follower(selection, sink)
        self._users += 1
        try:
            await self._join(follower)
            yield follower
        finally:
            self._users -= 1
            self._leave(follower)

    async def _join(self, follower: Follower) -> None:
        wish = follower.selection.wish
        await self._look_now()
        start, read = wish.start, self._position()
        if any(self._epochs.get(home) != epoch for home, epoch in start.epochs.items()):
            raise invalid(RESTORED)
        known = read if start.spots is None else start.spots
        spots = {home: known.get(home, BEGINNING) for home in wish.scope.homes}
        try:
            while sum(max(0, read[home][1] - spot[1]) for home, spot in spots.items() if home in read) > NEAR:
                await self._catch_up(follower, spots, dict(read))
                read = self._position()
            upto, follower.held = dict(read), []
            self._enter(follower)  # nothing waits between this line and the one before: the two pieces meet exactly
            await self._catch_up(follower, spots, upto)
        except CursorInvalid:
            raise invalid(GONE) from None
        held, follower.held = follower.held, None
        for body, cursor in held:
            follower.sink.event(body, cursor)

    def _position(self) -> dict[int, Spot]:
        assert self._read is not None, "somebody follows, so the reader knows where it is"
        return self._read

    def _enter(self, follower: Follower) -> None:
        selection = follower.selection
        groups = self._groups.setdefault((index_of(selection.viewer), selection.wish.contract_id), {})
        group = groups.get(selection.key)
        if group is None:
            group = groups[selection.key] = Group(selection, set(selection.wish.scope.homes))
        group.homes |= set(selection.wish.scope.homes)
        group.followers.add(follower)
        follower.group = group

    def _leave(self, follower: Follower) -> None:
        group, follower.group = follower.group, None
        if group is None:
            return
        group.followers.discard(follower)
        if not group.followers:
            place = (index_of(group.selection.viewer), group.selection.wish.contract_id)
            groups = self._groups.get(place, {})
            if groups.get(group.selection.key) is group:
                del groups[group.selection.key]
            if not groups:
                self._groups.pop(place, None)

    async def _catch_up(self, follower: Follower, spots: dict[int, Spot], upto: dict[int, Spot]) -> None:
        """Tells one follower what is his in (spots, upto], and moves `spots` there. Waits for a database that is away."""
        for home in sorted(spots):
            while home in upto and spots[home] < upto[home]:
                try:
                    await self._catch_up_some(follower, home, spots, upto[home])
                except Exception as error:
                    if not is_unavailable(error):
                        raise
                    await asyncio.sleep(LOOK_SECONDS)

    async def _catch_up_some(self, follower: Follower, home: int, spots: dict[int, Spot], upto: Spot) -> None:
        selection = follower.selection
        async with snapshot() as tx:
            scope = await reading.scope_of(tx, selection.viewer)
            chunk = await following.read(tx, home, spots[home], upto, scope, selection.wish.contract_id)
        wanted = [told for told in chunk.events if selection.wants(told)]
        if wanted:
            seen, moment = await self._seen({told.contract_id for told in wanted})
            for told in wanted:
                places = {h: (self._epochs[h], spot) for h, spot in spots.items() if h in self._epochs}
                cursor = cursor_of({**places, home: (self._epochs[home], told.spot)}, moment.cursor_key)
                body = await self._encoded(selection, told, seen.get(told.contract_id), cursor, moment)
                spots[home] = told.spot
                if body is not None:
                    follower.sink.event(body, cursor)
                    await follower.sink.room()
        spots[home] = chunk.end

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def ring(self) -> None:
        """Something may have been told: look now."""
        self._wake.set()

    async def run(self) -> None:
        """Reads until it is cancelled. While nobody follows it rests and asks the database nothing."""
        while True:
            await self._rest()
            self._wake.clear()
            if not self._users:
                self._read = None
                continue
            self._begun += 1
            try:
                await self._look()
            except Exception as error:  # the reader must outlive whatever happens; it looks again
                if not is_unavailable(error):
                    log.exception("live_reader")
                await asyncio.sleep(LOOK_SECONDS)
                continue
            self._done = self._begun
            self._turned.set()
            self._turned = asyncio.Event()

    async def _rest(self) -> None:
        if not self._users:
            await self._wake.wait()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._wake.wait()

    async def _look_now(self) -> None:
        """Waits until the reader has looked at the log as it is now, or later."""
        wanted = self._begun + 1
        while self._done < wanted:
            turned = self._turned
            self._wake.set()
            await turned.wait()

    async def _look(self) -> None:
        """Reads every home's log to its end and tells what is new."""
        async with snapshot() as tx:
            ends = await following.heads(tx)
        if self._read is None:
            self._read = {home: end.spot for home, end in ends.items()}
            self._epochs = {home: end.epoch for home, end in ends.items()}
            return
        for home, end in ends.items():
            was = self._read.setdefault(home, BEGINNING)
            if self._epochs.setdefault(home, end.epoch) != end.epoch or end.spot < was:
                self._epochs[home], self._read[home] = end.epoch, end.spot
                self._fail(home, RESTORED)
                continue
            while self._read[home] < end.spot:
                try:
                    async with snapshot() as tx:
                        chunk = await following.read(tx, home, self._read[home], end.spot)
                except CursorInvalid:  # no reader of a dense log sees a gap, unless somebody has cut into it
                    log.exception("stream_gap", home=home, at=self._read[home][:2])
                    self._read[home] = end.spot
                    self._fail(home, GONE)
                    break
                await self._tell(home, chunk)

    def _fail(self, home: int, why: str) -> None:
        for groups in list(self._groups.values()):
            for group in list(groups.values()):
                if home in group.homes:
                    for follower in list(group.followers):
                        self._leave(follower)
                        follower.sink.failed(invalid(why))

    def _interested(self, told: Told) -> Iterator[Group]:
        for viewer in viewers_of(told):
            for contract_id in (None, told.contract_id):
                for group in self._groups.get((viewer, contract_id), {}).values():
                    if group.selection.wants(told):
                        yield group

    async def _tell(self, home: int, chunk: following.Chunk) -> None:
        read = self._position()
        wanted = {told.contract_id for told in chunk.events if next(self._interested(told), None)}
        seen, moment = await self._seen(wanted) if wanted else ({}, None)
        for told in chunk.events:
            bodies: dict[Group, tuple[str | None, Cursor]] = {}
            # Somebody may join while this waits: he has been told everything before this event, so it is his too.
            while missing := [group for group in self._interested(told) if group not in bodies]:
                if moment is None or told.contract_id not in seen:
                    more, moment = await self._seen({told.contract_id})
                    seen = {**seen, told.contract_id: None, **more}
                for group in missing:
                    group.homes.add(home)
                    places = {h: (self._epochs[h], read[h]) for h in group.homes if h in read}
                    cursor = cursor_of({**places, home: (self._epochs[home], told.spot)}, moment.cursor_key)
                    body = await self._encoded(group.selection, told, seen[told.contract_id], cursor, moment)
                    bodies[group] = body, cursor
            for group, (body, cursor) in bodies.items():
                if body is not None:
                    for follower in tuple(group.followers):
                        follower.give(body, cursor)
            read[home] = told.spot
            if bodies:
                await asyncio.sleep(0)  # the sockets' turn
        read[home] = chunk.end

    async def _seen(self, contract_ids: Iterable[int]) -> tuple[dict[int, Seen | None], Moment]:
        """The contracts as they are now, for whoever may see them: `encode` asks `domain.access` for each reader."""
        return await look_at(contract_ids, self._keys, self._clock(), "live")

    async def _encoded(self, selection: Selection, told: Told, seen: Seen | None, cursor: Cursor, moment: Moment) -> str | None:
        return await encoded(self._core, selection, told, seen, cursor, moment)
