"""A stretch of the log, told to one hook by its own operation: the bodies are what a socket of its owner would be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from graphql import OperationDefinitionNode

from api.context import Language
from api.documents import Documents, Faulty, Prepared
from api.keys import Keys
from api.live.encoding import Selection, cursor_of, encoded, look_at
from api.live.wish import NOW, Start, Wish
from api.options import Limits, system_clock
from api.schema import schema
from api.types.contract import name_of
from api.webhooks.mail_document import MAIL_DOCUMENT
from domain.access import roles_of
from domain.hooks import HookChannel
from domain.store import following, reading
from domain.store.connection import reading as snapshot
from domain.store.following import Spot, Told
from domain.store.hook_routing import Letter, Stretch
from domain.store.hook_sending import bits_of
from domain.store.hooks import Hook

AT_ONCE = 500  # letters in one transaction
TURN = 10  # letters, then others have their turn
# A stored document was within the limits when it was registered; they may have become stricter since.
ACCEPTED = replace(Limits(), document=1_000_000, tokens=100_000, comments=100_000, depth=500, aliases=100_000, operations=1)


class NoLongerValid(Exception):
    """A stored document that does not fit the schema of this version."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a stretch has for a hook, and up to where it has been told."""

    letters: list[Letter]
    end: Spot


class Renderer:
    """One per process; needs an open store."""

    def __init__(self, machine_clock: Callable[[], datetime] = system_clock) -> None:
        self._core = schema._schema  # noqa: SLF001 - Strawberry has no public name for the schema it wraps
        self._documents = Documents(self._core, ACCEPTED)
        self._clock, self._keys = machine_clock, Keys(machine_clock)

    async def render(self, stretch: Stretch) -> Rendered:
        """The next letters of a stretch. Raises CursorInvalid when the log does not reach back to its beginning; NoLongerValid."""
        hook = stretch.hook
        async with snapshot() as tx:
            scope = await reading.scope_of(tx, hook.viewer)
            chunk = await following.read(tx, stretch.log_home, stretch.after, stretch.upto, scope, hook.contract_id)
        selection = self._selection(hook, scope)
        wanted = [told for told in chunk.events if selection.wants(told) and (hook.kinds is None or told.kind in hook.kinds)]
        wanted, rest = wanted[:AT_ONCE], wanted[AT_ONCE:]
        if not wanted:
            return Rendered([], chunk.end)
        seen, moment = await look_at({told.contract_id for told in wanted}, self._keys, self._clock(), "hook")
        letters = []
        for number, told in enumerate(wanted):
            known = seen.get(told.contract_id)
            if known is None:
                continue
            places = {home: (end.epoch, stretch.places.get(home, end.spot)) for home, end in known.ends.items() if home in scope.homes}
            cursor = cursor_of({**places, told.home: (known.ends[told.home].epoch, told.spot)}, moment.cursor_key)
            body = await encoded(self._core, selection, told, known, cursor, moment)
            if body is not None:
                roles = roles_of(hook.viewer, known.row["site_id"], known.row["buyer_firm"], known.row["seller_firm"])
                name = message_id(hook, told, moment.cursor_key)
                letters.append(Letter(told.contract_id, told.kind, name, cursor, bits_of(roles), told.spot, body))
            if number % TURN == TURN - 1:
                await asyncio.sleep(0)
        return Rendered(letters, wanted[-1].spot if rest else chunk.end)

    def _selection(self, hook: Hook, scope: reading.Scope) -> Selection:
        document, operation = self._prepared(MAIL_DOCUMENT if hook.channel is HookChannel.MAIL else hook.document or "")
        language: Language = "ja" if hook.language == "ja" else "en"
        wish = Wish(hook.settlements, scope, hook.contract_id, hook.only_site, Start(NOW, {}))
        return Selection(hook.viewer, language, wish, document, operation, hook.variables)

    def _prepared(self, text: str) -> tuple[Prepared, OperationDefinitionNode]:
        found = self._documents.prepare(text)
        if isinstance(found, Faulty):
            raise NoLongerValid(found.errors[0].message)
        return found, found.operation(None)


def message_id(hook: Hook, told: Told, key: bytes) -> str:
    """`webhook-id`: the event and the webhook, the same at every try and every replay."""
    letter = "t" if hook.settlements else "e"
    return f"{letter}{told.contract_id}-{name_of(told.contract_id, told.no, key)}-w{hook.hook_id}"
