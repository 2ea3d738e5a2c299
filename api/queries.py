"""The questions: one contract, lists of contracts and settlements. Each is answered from one snapshot of the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import strawberry

from api.context import Context
from api.paging import Cursors, Page, Window, asked_for, given, read_page, window
from api.scalars import Amount, Cursor
from api.types.asking import (
    ContractFilter,
    ContractKeyInput,
    ContractOrder,
    SettlementFilter,
    SettlementOrder,
    contract_filter,
    contract_of_text,
    contract_order,
    number_of,
    settlement_filter,
    settlement_order,
    site_of,
)
from api.types.connections import ContractConnection, ContractEdge, SettlementConnection, SettlementEdge
from api.types.contract import Contract, Info, as_of, event_of, events_of, load, load_events_ahead
from api.types.reconciliation import AccountReconciliation, shown
from api.types.settlement import SettlementSum, settlement_event_of, settlement_of, shown_settlement
from api.types.shapes import Count, Node, PageInfo
from api.webhooks.queries import WebhookQueries, webhook_by_id
from domain.access import FieldGroup, ViewerKind
from domain.store import pages, people, reading, reconciling
from domain.store.connection import reading as snapshot

READ_CONTRACTS = "contracts:read"
READ_SETTLEMENTS = "settlements:read"
OPERATIONS = "operations"

First = Annotated[int | None, strawberry.argument(description="The first so many rows, up to 200; 50 when neither is given.")]
After = Annotated[str | None, strawberry.argument(description="Only rows after this cursor of the same list, filter and order.")]
Last = Annotated[int | None, strawberry.argument(description="The last so many rows, up to 200; not together with `first`.")]
Before = Annotated[str | None, strawberry.argument(description="Only rows before this cursor of the same list, filter and order.")]


@strawberry.type(description="Whoever holds the token of this request.")
class Viewer:
    client_id: str = strawberry.field(description="The client that the token was given to.")
    user_name: str | None = strawberry.field(description="The user who signed in. Null: a program, no user.")
    site_id: str | None = strawberry.field(description="The site that the client is bound to. Null: it is not a site's.")
    firm_name: str | None = strawberry.field(description="The firm whose contracts are seen. Null: it is not a firm's.")
    scopes: list[str] = strawberry.field(description="What the token may do.")


async def _contract(contract_id: int | None, context: Context) -> Contract | None:
    """The contract, or None: the same for what does not exist and what is not the viewer's. Both take the same queries."""
    async with snapshot() as tx:
        scope = await reading.scope_of(tx, context.viewer)
        found = await load(tx, scope, [contract_id or 0], context, await as_of(tx, scope, context))
    return found.get(contract_id or 0)


async def _contract_by_number(site_id: int | None, number: str | None, context: Context) -> Contract | None:
    async with snapshot() as tx:
        scope = await reading.scope_of(tx, context.viewer)
        contract_id = await reading.id_of_number(tx, scope, site_id or 0, number or "")
        found = await load(tx, scope, [contract_id or 0], context, await as_of(tx, scope, context))
    return found.get(contract_id or 0)


def _split(node_id: str) -> tuple[str, int | None, str]:
    """An ID of ours: its letter, the contract's number, and for an event its name."""
    body, _, name = node_id[1:].partition("-")
    return node_id[:1], contract_of_text(body), name


async def _node(node_id: str, context: Context) -> Node | None:
    letter, contract_id, name = _split(node_id)
    if contract_id is None or letter not in {"c", "s", "e", "t"} or bool(name) is not (letter in {"e", "t"}):
        return None
    contract = await _contract(contract_id, context)
    if contract is None or letter == "c":
        return contract
    if letter == "s":
        return settlement_of(contract)
    for told in await events_of(contract, context):
        if told.name == name:
            return event_of(contract, told) if letter == "e" else settlement_event_of(contract, told)
    return None


def _page_info(page: Page) -> PageInfo:
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.cursors[-1] if page.cursors else None,
    )


@dataclass(frozen=True, slots=True)
class _Listed:
    """What one list has answered, all of it from one snapshot."""

    nodes: list[Contract]
    page: Page
    as_of: Cursor
    count: Count
    sums: list[SettlementSum]


async def _listed(info: Info, group: FieldGroup, which: pages.Filter, order: pages.Order, asked: Window) -> _Listed:
    """A page, and of what belongs to the whole list that which is asked for."""
    context, wanted = info.context, asked_for(info)
    async with snapshot() as tx:
        scope = await reading.scope_of(tx, context.viewer)
        listing = pages.Listing(scope, group, which, order)
        page = await read_page(tx, listing, asked, Cursors(listing, context.cursor_key), wanted)
        place = await as_of(tx, scope, context)
        found = await load(tx, scope, [spot.contract_id for spot in page.spots], context, place)
        await load_events_ahead(tx, found.values(), context)
        number = await pages.count(tx, listing) if "count" in wanted else 0
        sums = await pages.sums(tx, listing) if "sums" in wanted else []
    return _Listed(
        nodes=[found[spot.contract_id] for spot in page.spots],
        page=page,
        as_of=place,
        count=Count(value=min(number, pages.COUNT_LIMIT), exact=number <= pages.COUNT_LIMIT),
        sums=[SettlementSum(currency=row.currency, status=row.status, rows=row.rows, amount=Amount(row.amount)) for row in sums],
    )


async def _resolve_viewer(info: Info) -> Viewer:
    """From the token; names from the database."""
    caller = info.context.caller
    firm_name = user_name = None
    if caller.firm_id is not None or caller.user_id is not None:
        async with snapshot() as tx:
            firm_name = None if caller.firm_id is None else await reading.firm_name(tx, caller.firm_id)
            person = None if caller.user_id is None else await people.by_id(tx, caller.user_id)
            user_name = None if person is None else person.name
    return Viewer(
        client_id=caller.client_id,
        user_name=user_name,
        site_id=None if caller.site_id is None else str(caller.site_id),
        firm_name=firm_name,
        scopes=sorted(caller.scopes),
    )


async def _resolve_node(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="An ID that this server has given.")]
) -> Node | None:
    """Needs contracts:read; a settlement settlements:read, a webhook webhooks:write."""
    if id.startswith("w"):
        return await webhook_by_id(info, id)
    info.context.require(READ_SETTLEMENTS if id.startswith(("s", "t")) else READ_CONTRACTS)
    return await _node(id, info.context)


async def _resolve_contract(
    info: Info, by: Annotated[ContractKeyInput, strawberry.argument(description="Which contract.")]
) -> Contract | None:
    """Needs contracts:read."""
    info.context.require(READ_CONTRACTS)
    number, contract_id, node_id = given(by.number), given(by.contract_id), given(by.id)
    if number is not None:
        return await _contract_by_number(site_of(number.site_id), number_of(number.number), info.context)
    if contract_id is not None:
        return await _contract(contract_of_text(contract_id), info.context)
    letter, opaque, name = _split(node_id or "")
    return await _contract(opaque if letter == "c" and not name else None, info.context)


async def _resolve_contracts(
    info: Info,
    filter: Annotated[ContractFilter | None, strawberry.argument(description="Which. Null: all.")] = strawberry.UNSET,
    order_by: Annotated[
        ContractOrder | None, strawberry.argument(description="In which order. Null: by registration, the latest first.")
    ] = strawberry.UNSET,
    first: First = strawberry.UNSET,
    after: After = strawberry.UNSET,
    last: Last = strawberry.UNSET,
    before: Before = strawberry.UNSET,
) -> ContractConnection:
    """Needs contracts:read."""
    info.context.require(READ_CONTRACTS)
    asked = window(given(first), given(after), given(last), given(before))
    answer = await _listed(info, FieldGroup.CONTRACT, contract_filter(filter), contract_order(order_by), asked)
    return ContractConnection(
        edges=[ContractEdge(node=node, cursor=cursor) for node, cursor in zip(answer.nodes, answer.page.cursors, strict=True)],
        page_info=_page_info(answer.page),
        as_of=answer.as_of,
        count=answer.count,
    )


async def _resolve_settlements(
    info: Info,
    filter: Annotated[SettlementFilter | None, strawberry.argument(description="Which. Null: all.")] = strawberry.UNSET,
    order_by: Annotated[
        SettlementOrder | None, strawberry.argument(description="In which order. Null: by date of the debit, earliest first.")
    ] = strawberry.UNSET,
    first: First = strawberry.UNSET,
    after: After = strawberry.UNSET,
    last: Last = strawberry.UNSET,
    before: Before = strawberry.UNSET,
) -> SettlementConnection:
    """Needs settlements:read."""
    info.context.require(READ_SETTLEMENTS)
    asked = window(given(first), given(after), given(last), given(before))
    answer = await _listed(info, FieldGroup.SETTLEMENT, settlement_filter(filter), settlement_order(order_by), asked)
    return SettlementConnection(
        edges=[
            SettlementEdge(node=shown_settlement(node), cursor=cursor)
            for node, cursor in zip(answer.nodes, answer.page.cursors, strict=True)
        ],
        page_info=_page_info(answer.page),
        as_of=answer.as_of,
        count=answer.count,
        sums=answer.sums,
    )


async def _resolve_reconciliation(
    info: Info,
    site_id: Annotated[
        str | None, strawberry.argument(description="Only this site's accounts. Null: all that you may see.")
    ] = strawberry.UNSET,
    bank_code: Annotated[str | None, strawberry.argument(description="Only accounts at this bank. Null: at all banks.")] = strawberry.UNSET,
) -> list[AccountReconciliation]:
    """A site needs settlements:read and sees its own accounts, an operator needs operations and sees all; firms have none here."""
    context = info.context
    context.require(OPERATIONS if context.viewer.kind is ViewerKind.OPERATOR else READ_SETTLEMENTS)
    wanted = None if given(site_id) is None else site_of(given(site_id) or "") or 0
    if context.viewer.kind is ViewerKind.FIRM:
        return []
    if context.viewer.kind is ViewerKind.SITE:
        wanted = context.viewer.id if wanted in (None, context.viewer.id) else 0
    async with snapshot() as tx:
        found = await reconciling.accounts(tx, now=context.now, site_id=wanted, bank_code=given(bank_code))
    return [shown(one) for one in found]


@strawberry.type(description="The questions that one may ask.")
class Query(WebhookQueries):
    """Each field is one question; nothing here writes."""

    viewer: Viewer = strawberry.field(resolver=_resolve_viewer, description="Whoever holds the token of this request.")
    node: Node | None = strawberry.field(
        resolver=_resolve_node, description="Anything that has an ID. Null: it does not exist or is not yours, which is the same answer."
    )
    contract: Contract | None = strawberry.field(
        resolver=_resolve_contract,
        description="One contract (売買契約). Null: it does not exist or is not yours, which is the same answer.",
    )
    contracts: ContractConnection = strawberry.field(
        resolver=_resolve_contracts,
        description="The contracts (売買契約) that you have a part in, the latest first unless an order is given.",
    )
    settlements: SettlementConnection = strawberry.field(
        resolver=_resolve_settlements,
        description=(
            "The settlements (清算状況, figure 9): all contracts in which you are the seller (a site: that were closed on it), from "
            "registration on. By the date of the debit unless an order is given."
        ),
    )
    reconciliation: list[AccountReconciliation] = strawberry.field(
        resolver=_resolve_reconciliation,
        description="A site's accounts (照合) by the ledger and by the banks' statements, what is under way, and every open break with its age.",
    )
