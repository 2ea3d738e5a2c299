"""The two lists of the API as Relay connections."""

from __future__ import annotations

import strawberry

from api.scalars import Cursor
from api.turns import TakesTurns
from api.types.contract import Contract
from api.types.settlement import Settlement, SettlementSum
from api.types.shapes import Count, PageInfo


@strawberry.type(description="A contract in a list.")
class ContractEdge:
    node: Contract = strawberry.field(description="The contract.", extensions=[TakesTurns()])
    cursor: str = strawberry.field(description="Its place in this list with this filter and order, for `after` and `before`.")


@strawberry.type(description="A page of contracts.")
class ContractConnection:
    edges: list[ContractEdge] = strawberry.field(description="The contracts of the page, in the order asked for.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")
    as_of: Cursor = strawberry.field(
        description="The log up to which this answer is true; with it as `after` a subscription misses nothing."
    )
    count: Count = strawberry.field(description="How many contracts the list has, over all pages.")


@strawberry.type(description="A settlement in a list.")
class SettlementEdge:
    node: Settlement = strawberry.field(description="The settlement.", extensions=[TakesTurns()])
    cursor: str = strawberry.field(description="Its place in this list with this filter and order, for `after` and `before`.")


@strawberry.type(description="A page of settlements.")
class SettlementConnection:
    edges: list[SettlementEdge] = strawberry.field(description="The settlements of the page, in the order asked for.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")
    as_of: Cursor = strawberry.field(
        description="The log up to which this answer is true; with it as `after` a subscription misses nothing."
    )
    count: Count = strawberry.field(description="How many settlements the list has, over all pages.")
    sums: list[SettlementSum] = strawberry.field(description="What the whole list adds up to (not only this page), by currency and status.")
