"""The Subscription type. Its resolvers say what is wanted and from where; who delivers it is `api.live.hub`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, cast

import strawberry

from api.context import Context
from api.errors import ApiError, ErrorCode
from api.paging import given
from api.scalars import Cursor
from api.types.asking import ContractKeyInput, contract_of_text, number_of, site_of
from api.types.contract import ContractEvent, Info, name_of
from api.types.settlement import SettlementEvent
from domain import stream
from domain.access import may_see_event, roles_of
from domain.contract_id import home_of
from domain.statuses import SELLER_ONLY_EVENTS, EventKind
from domain.store import following, reading
from domain.store.connection import Tx
from domain.store.connection import reading as snapshot
from domain.stream import CursorInvalid

READ_CONTRACTS = "contracts:read"
READ_SETTLEMENTS = "settlements:read"
NOW = None
LAST = "last event id"  # under this name a context carries a place that wins over `after`

SETTLEMENT_EVENTS = SELLER_ONLY_EVENTS | {EventKind.REGISTERED, EventKind.DEBITED, EventKind.DEBIT_REVERSED, EventKind.CANCELLED}
"""What changes a row of the settlement list."""


@dataclass(frozen=True, slots=True)
class Start:
    """From where to read. `spots`: by home, homes that are not named from their beginning; None: from now on."""

    spots: dict[int, following.Spot] | None
    epochs: dict[int, int]


@dataclass(frozen=True, slots=True)
class Wish:
    """What one subscription wants."""

    settlements: bool
    scope: reading.Scope
    contract_id: int | None
    site_id: int | None
    start: Start

    @property
    def right(self) -> str:
        """The scope that its token must keep."""
        return READ_SETTLEMENTS if self.settlements else READ_CONTRACTS

    def __aiter__(self) -> AsyncGenerator[object, None]:
        """For graphql-core, which wants a stream. Nobody iterates here: events come from the hub."""
        raise NotImplementedError


def invalid(why: str) -> ApiError:
    """CURSOR_INVALID."""
    return ApiError(ErrorCode.CURSOR_INVALID, f"{why} Read a snapshot again and go on after its `asOf`.")


async def place_of_cursor(tx: Tx, scope: reading.Scope, after: str | None, context: Context) -> Start:
    """Reads `after`. Raises CURSOR_INVALID for what is no cursor of ours, and for one of another epoch or beyond the log's end."""
    if after is None:
        return Start(NOW, {})
    if after == stream.START:
        return Start({}, {})
    if after.startswith("e"):
        named = await _start_of_event(tx, scope, after, context)
        if named is not None:
            return named
    try:
        given_places = stream.decode(after, context.cursor_key)
    except CursorInvalid:
        raise invalid("This is no cursor of the log.") from None
    places = [place for place in given_places if place.home in scope.homes]
    if given_places and not places:
        raise invalid("This cursor is of another log.")
    ends = await following.heads(tx)
    for place in places:
        end = ends.get(place.home)
        if end is None or end.epoch != place.epoch or following.spot_of(place) > end.spot:
            raise invalid("This cursor is of a log that has been restored since.")
    return Start({place.home: following.spot_of(place) for place in places}, {place.home: place.epoch for place in places})


async def _start_of_event(tx: Tx, scope: reading.Scope, after: str, context: Context) -> Start | None:
    """The place of an event of a timeline, in its own home; the other homes from now on. None: it is no such cursor."""
    body, _, name = after[1:].partition("-")
    contract_id = contract_of_text(body)
    if contract_id is None or not name:
        return None
    found = await reading.contracts(tx, scope, [contract_id])
    for row in found.values():
        roles = roles_of(scope.viewer, row["site_id"], row["buyer_firm"], row["seller_firm"])
        for event in (await reading.events(tx, {contract_id: row["event_count"]}))[contract_id]:
            no = event["no"]
            if may_see_event(roles, EventKind(event["kind"])) and name_of(contract_id, no, context.cursor_key) == name:
                home = home_of(contract_id)
                place = await following.spot_of_event(tx, home, contract_id, no)
                if place is None:
                    break
                ends = await following.heads(tx)
                spots = {other: ends[other].spot for other in scope.homes if other in ends}
                return Start({**spots, home: place[1]}, {home: place[0]})
    raise invalid("This event is not in the log any more.")


async def _contract_id(tx: Tx, scope: reading.Scope, of: ContractKeyInput) -> int:
    """The contract that is followed. Raises NOT_FOUND: it does not exist or is not yours, the same answer by the same queries."""
    number, contract_id, node_id = given(of.number), given(of.contract_id), given(of.id)
    found: int | None = None
    if number is not None:
        found = await reading.id_of_number(tx, scope, site_of(number.site_id) or 0, number_of(number.number) or "")
    elif contract_id is not None:
        found = contract_of_text(contract_id)
    elif node_id is not None and node_id[:1] == "c":
        found = contract_of_text(node_id[1:])
    mine = await reading.contracts(tx, scope, [found or 0])
    if found is None or found not in mine:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such contract, or it is not yours.")
    return found


async def _wish(
    context: Context, *, settlements: bool, of: ContractKeyInput | None = None, site_id: str | None = None, after: str | None = None
) -> Wish:
    async with snapshot() as tx:
        scope = await reading.scope_of(tx, context.viewer)
        contract_id = None if of is None else await _contract_id(tx, scope, of)
        start = await place_of_cursor(tx, scope, context.loaders.get(LAST) or after, context)
    return Wish(settlements, scope, contract_id, None if site_id is None else site_of(site_id) or 0, start)


After = Annotated[
    Cursor | None,
    strawberry.argument(
        description=(
            'Begin after this place: `asOf` of an answer, `cursor` of an event, or "0" for the first event that you may see. '
            "Null or left out: from now on."
        )
    ),
]


async def _contract_status_changed(
    info: Info,
    of: Annotated[
        ContractKeyInput | None, strawberry.argument(description="Only this contract. Null or left out: all that you have a part in.")
    ] = strawberry.UNSET,
    site_id: Annotated[
        str | None, strawberry.argument(description="Only contracts of this site (サイトID). Null or left out: of any.")
    ] = strawberry.UNSET,
    after: After = strawberry.UNSET,
) -> AsyncGenerator[ContractEvent, None]:
    """Needs contracts:read."""
    info.context.require(READ_CONTRACTS)
    wish = await _wish(info.context, settlements=False, of=given(of), site_id=given(site_id), after=given(after))
    return cast("AsyncGenerator[ContractEvent, None]", wish)


async def _settlement_updated(info: Info, after: After = strawberry.UNSET) -> AsyncGenerator[SettlementEvent, None]:
    """Needs settlements:read."""
    info.context.require(READ_SETTLEMENTS)
    wish = await _wish(info.context, settlements=True, after=given(after))
    return cast("AsyncGenerator[SettlementEvent, None]", wish)


@strawberry.type(
    description=(
        "What is told as it happens, over graphql-transport-ws or server-sent events: nothing is lost and nothing comes twice, if you "
        "connect again with the last `cursor` as `after`."
    )
)
class Subscription:
    """Each field follows the log of events."""

    contract_status_changed = strawberry.subscription(
        resolver=_contract_status_changed,
        description="What happens to contracts (契約の状態変化), in the order of the log of each site.",
    )
    settlement_updated = strawberry.subscription(
        resolver=_settlement_updated,
        description=(
            "What changes the settlement list (清算状況, figure 9): registered, debited, paid ... Only contracts whose payout you may see."
        ),
    )
