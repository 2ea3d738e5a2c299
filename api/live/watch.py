"""Tokens of open sockets, looked at again and again: a socket does not outlive its token or its client by more than seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import structlog

from api.context import Caller
from api.errors import Unauthenticated, Unavailable
from api.tokens import Verifier

log = structlog.get_logger("api.live")

EVERY_SECONDS = 2.0  # with what the verifier remembers of a client: at most 7 s after a revocation


class Session(Protocol):
    """A socket that is open on a token."""

    authorization: str

    def renewed(self, caller: Caller) -> None:
        """The token is good, and this is what it may do now."""

    def refused(self, refusal: Unauthenticated) -> None:
        """The token is not good any more."""


class Watch:
    """The open sockets of one process, by token."""

    def __init__(self, verifier: Verifier, machine_clock: Callable[[], datetime]) -> None:
        self._verifier, self._clock = verifier, machine_clock
        self._sessions: dict[str, set[Session]] = {}

    def add(self, session: Session) -> None:
        """Watches a socket."""
        self._sessions.setdefault(session.authorization, set()).add(session)

    def remove(self, session: Session) -> None:
        """Does not watch it any more."""
        sessions = self._sessions.get(session.authorization, set())
        sessions.discard(session)
        if not sessions:
            self._sessions.pop(session.authorization, None)

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.look()
            except Exception:  # the next look comes
                log.exception("token_watch")

    async def look(self) -> None:
        """Looks at every token once. When the database is away nobody is sent off: nothing is told meanwhile either."""
        for authorization in list(self._sessions):
            try:
                caller = await self.check(authorization)
            except Unauthenticated as refusal:
                for session in tuple(self._sessions.get(authorization, ())):
                    session.refused(refusal)
            except Unavailable:
                continue
            else:
                for session in tuple(self._sessions.get(authorization, ())):
                    session.renewed(caller)

    async def check(self, authorization: str | None) -> Caller:
        """The caller. Raises Unauthenticated, also in the seconds after its end that a request would be forgiven; Unavailable."""
        caller = await self._verifier.caller(authorization)
        if caller.expires_at is not None and self._clock() >= caller.expires_at:
            raise Unauthenticated("expired", "The access token has expired; ask for a new one.")
        return caller
