"""Events as they leave the house: each is put through the operation once for all who wish the same, then only copied."""

from __future__ import annotations

import inspect
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import strawberry
from graphql import ExecutionResult, GraphQLSchema, NamedTypeNode, NonNullTypeNode, OperationDefinitionNode, execute

from api.context import Caller, Context, Language
from api.documents import Prepared
from api.errors import ErrorCode
from api.keys import Keys
from api.live.wish import SETTLEMENT_EVENTS, Wish
from api.masking import entries, entry, unplanned
from api.scalars import Cursor
from api.types.contract import Contract, ContractEvent, contract_of, name_of
from api.types.settlement import SettlementEvent, settlement_of
from domain import stream
from domain.access import Viewer, ViewerKind, may_see_event, roles_of
from domain.statuses import EventKind
from domain.store import clock, following, reading
from domain.store.availability import is_unavailable
from domain.store.connection import Row
from domain.store.connection import reading as snapshot


@dataclass(frozen=True, slots=True)
class Seen:
    """A contract as it stands now, read in a snapshot in which the logs ended at `ends`."""

    row: Row
    ends: Mapping[int, following.Head]


@dataclass(frozen=True, slots=True)
class Moment:
    """The clocks and the key of one piece of work."""

    now: datetime
    machine_now: datetime
    cursor_key: bytes
    request_id: str


@dataclass(frozen=True, slots=True)
class Selection:
    """One operation of one viewer, whoever sent it: two sockets with equal keys get the same bytes.

    `variables` are all that the operation was sent; the key leaves out those of type Cursor, which only say from where to begin.
    """

    viewer: Viewer
    language: Language
    wish: Wish
    document: Prepared
    operation: OperationDefinitionNode
    variables: Mapping[str, Any]

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two selections the same."""
        cursors = set()
        for definition in self.operation.variable_definitions or ():
            kind = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
            if isinstance(kind, NamedTypeNode) and kind.name.value == "Cursor":
                cursors.add(definition.variable.name.value)
        others = {name: value for name, value in self.variables.items() if name not in cursors}
        name = self.operation.name.value if self.operation.name else None
        wish = self.wish
        asked = json.dumps(others, sort_keys=True)
        return self.viewer, self.language, wish.settlements, wish.contract_id, wish.site_id, self.document.text, name, asked

    def wants(self, told: following.Told) -> bool:
        """Whether the event is of the kind and of the contracts that are followed. Rights come later, with the contract's row."""
        wish = self.wish
        return (
            (wish.contract_id is None or told.contract_id == wish.contract_id)
            and (wish.site_id is None or told.site_id == wish.site_id)
            and (not wish.settlements or told.kind in SETTLEMENT_EVENTS)
        )


async def look_at(contract_ids: Iterable[int], keys: Keys, machine_now: datetime, label: str) -> tuple[dict[int, Seen | None], Moment]:
    """The contracts as they are now, for whoever may see them: `encode` asks `domain.access` for each reader."""
    loaded = await keys.current()
    async with snapshot() as tx:
        ends = await following.heads(tx)
        everything = reading.Scope(Viewer(ViewerKind.OPERATOR, 0), tuple(ends), ())
        rows = await reading.contracts(tx, everything, contract_ids)
        now = await clock.business_now(tx, machine_now)
    moment = Moment(now, machine_now, loaded.cursor_key, f"{label}-{secrets.token_hex(8)}")
    return {contract_id: Seen(row, ends) for contract_id, row in rows.items()}, moment


def viewers_of(told: following.Told) -> set[tuple[ViewerKind, int | None]]:
    """Who may have a part in an event: its site, its firms, and operators (whose number does not matter)."""
    found: set[tuple[ViewerKind, int | None]] = {(ViewerKind.SITE, told.site_id), (ViewerKind.OPERATOR, None)}
    return found | {(ViewerKind.FIRM, firm) for firm in (told.buyer_firm, told.seller_firm) if firm is not None}


def index_of(viewer: Viewer) -> tuple[ViewerKind, int | None]:
    """Under what `viewers_of` finds a viewer."""
    return viewer.kind, None if viewer.kind is ViewerKind.OPERATOR else viewer.id


def cursor_of(homes: Mapping[int, tuple[int, following.Spot]], key: bytes) -> Cursor:
    """The cursor for (epoch, spot) of each home."""
    return Cursor(stream.encode(tuple(following.place_of(epoch, home, spot) for home, (epoch, spot) in homes.items()), key))


def _event(
    selection: Selection, told: following.Told, contract: Contract, cursor: Cursor, key: bytes
) -> ContractEvent | SettlementEvent | None:
    name, kind = f"{told.contract_id}-{name_of(told.contract_id, told.no, key)}", EventKind(told.kind)
    if not selection.wish.settlements:
        return ContractEvent(
            id=strawberry.ID(f"e{name}"),
            cursor=cursor,
            kind=kind,
            occurred_at=told.at,
            happened_on=told.happened_on,
            contract=contract,
        )
    settlement = settlement_of(contract)
    if settlement is None:
        return None
    return SettlementEvent(
        id=strawberry.ID(f"t{name}"),
        cursor=cursor,
        kind=kind,
        occurred_at=told.at,
        happened_on=told.happened_on,
        settlement=settlement,
    )


async def encode(
    core: GraphQLSchema, selection: Selection, told: following.Told, seen: Seen | None, cursor: Cursor, moment: Moment
) -> str | None:
    """What the operation's readers get for an event, as JSON; None: it is not theirs to see.

    Rights are those of now: the row was read after the event was told, and `domain.access` decides by it (I17, S39).
    """
    if seen is None:
        return None
    viewer = selection.viewer
    roles = roles_of(viewer, seen.row["site_id"], seen.row["buyer_firm"], seen.row["seller_firm"])
    if not roles or not may_see_event(roles, EventKind(told.kind)):
        return None
    context = Context(
        caller=Caller(
            client_id="",
            name="",
            site_id=viewer.id if viewer.kind is ViewerKind.SITE else None,
            firm_id=viewer.id if viewer.kind is ViewerKind.FIRM else None,
            scopes=frozenset({selection.wish.right}),
            viewer=viewer,
        ),
        request_id=moment.request_id,
        now=moment.now,
        machine_now=moment.machine_now,
        language=selection.language,
        cursor_key=moment.cursor_key,
        batch_items=0,
        loose_items=0,
    )
    homes = {*selection.wish.scope.homes, told.home}
    as_of = cursor_of({home: (end.epoch, end.spot) for home, end in seen.ends.items() if home in homes}, moment.cursor_key)
    event = _event(selection, told, contract_of(seen.row, as_of, context), cursor, moment.cursor_key)
    if event is None:
        return None
    result: Any = execute(
        core,
        selection.document.document,
        root_value=event,
        context_value=context,
        variable_values=dict(selection.variables),
        operation_name=selection.operation.name.value if selection.operation.name else None,
    )
    if inspect.isawaitable(result):
        result = await result
    for error in result.errors or ():
        if is_unavailable(error.original_error):
            raise error.original_error  # the event is told when the database is back, not told broken
    return answer(result, moment.request_id)


def answer(result: ExecutionResult, request_id: str) -> str:
    """A result as JSON."""
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = entries(result.errors, request_id)
    return orjson.dumps(body).decode()


async def encoded(
    core: GraphQLSchema, selection: Selection, told: following.Told, seen: Seen | None, cursor: Cursor, moment: Moment
) -> str | None:
    """As `encode`; what fails unexpectedly becomes an error in its reader's place, so that one event cannot stop the others."""
    try:
        return await encode(core, selection, told, seen, cursor, moment)
    except Exception as error:
        if is_unavailable(error):
            raise
        code, message = unplanned(error, moment.request_id)
        return orjson.dumps({"data": None, "errors": [entry(ErrorCode(code), message, moment.request_id)]}).decode()
