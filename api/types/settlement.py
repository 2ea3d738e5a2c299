"""Settlements (清算状況, figure 9): a seller's contracts seen as money, from registration on."""

from __future__ import annotations

import datetime as dt

import strawberry

from api.scalars import Amount, Cursor
from api.types.contract import Contract, Told
from api.types.enums import Currency, EventKind, PayoutStatus
from api.types.shapes import Node


@strawberry.type(description="One row of the settlement list (清算状況, figure 9): what a contract brings its seller.")
class Settlement(Node):
    contract: Contract = strawberry.field(description="The contract.")
    site_id: str = strawberry.field(description="The site's ID (サイトID).")
    number: str = strawberry.field(description="The site's own number of the contract (契約番号).")
    debited_on: dt.date | None = strawberry.field(description="The bank's date of the debit (振替実行日). Null: not yet.")
    settled_on: dt.date | None = strawberry.field(
        description="The date on which the main bank booked the payment (清算完了日). Null: not yet (未清算)."
    )
    settled_amount: Amount | None = strawberry.field(
        description="What was paid, after the seller's fee (清算金額). Null: not yet (未清算)."
    )
    expected_amount: Amount = strawberry.field(description="What the seller is paid: the amount less his fee.")
    expected_on: dt.date | None = strawberry.field(
        description="The date planned for the settlement at registration. Null: it will not settle."
    )
    currency: Currency = strawberry.field(description="Currency of the amounts.")
    status: PayoutStatus = strawberry.field(description="Where the seller's money stands (清算ステータス).")


@strawberry.type(description="Something that changed a row of the settlement list (清算状況). Its own fields stay as they were then.")
class SettlementEvent(Node):
    cursor: Cursor = strawberry.field(description="The event's place in the log: a subscription with it as `after` goes on behind it.")
    kind: EventKind = strawberry.field(description="What happened.")
    occurred_at: dt.datetime = strawberry.field(description="When we learned of it, by the server's business clock.")
    happened_on: dt.date | None = strawberry.field(
        description="The bank's or carrier's date of it. Null: it is nothing that a bank or carrier dates."
    )
    settlement: Settlement = strawberry.field(description="The settlement as it is now, not as it was then.")


@strawberry.type(description="What the whole list adds up to, for one currency and status.")
class SettlementSum:
    currency: Currency = strawberry.field(description="Currency of `amount`.")
    status: PayoutStatus = strawberry.field(description="The status of the rows.")
    rows: int = strawberry.field(description="How many rows.")
    amount: Amount = strawberry.field(description="Sum of their expected amounts; of settled rows that is what was paid.")


def settlement_of(contract: Contract) -> Settlement | None:
    """The settlement of a contract; None for those who do not see payouts."""
    payout = contract.payout
    if payout is None:
        return None
    return Settlement(
        id=strawberry.ID(f"s{contract.row['contract_id']}"),
        contract=contract,
        site_id=contract.site.site_id,
        number=contract.number,
        debited_on=contract.debit.debited_on,
        settled_on=payout.settled_on,
        settled_amount=payout.settled_amount,
        expected_amount=payout.expected_amount,
        expected_on=payout.expected_on,
        currency=payout.currency,
        status=payout.status,
    )


def shown_settlement(contract: Contract) -> Settlement:
    """The settlement of a contract from a list that holds only what its viewer may see."""
    settlement = settlement_of(contract)
    assert settlement is not None, "the list shows a payout to somebody who may not see it"
    return settlement


def settlement_event_of(contract: Contract, told: Told) -> SettlementEvent | None:
    """The answer for an event seen as one of the settlement list; None for those who do not see payouts."""
    settlement = settlement_of(contract)
    if settlement is None:
        return None
    contract_id = contract.row["contract_id"]
    return SettlementEvent(
        id=strawberry.ID(f"t{contract_id}-{told.name}"),
        cursor=Cursor(f"e{contract_id}-{told.name}"),
        kind=EventKind(told.row["kind"]),
        occurred_at=told.row["at"],
        happened_on=told.row["happened_on"],
        settlement=settlement,
    )
