"""The plain parts of the public schema: types without resolvers, filled by the mapper of `api.types.contract`."""

from __future__ import annotations

import datetime as dt

import strawberry

from api.scalars import Amount
from api.types.enums import (
    AccountType,
    Currency,
    DebitFailureReason,
    DebitStatus,
    DeliveryStatus,
    DeliveryTrigger,
    Mode,
    PayoutStatus,
    ProgressStepName,
    Release,
)


@strawberry.interface(description="Whatever has an ID that is unique in the world and can be read again by `node`.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque; only IDs that this server has given are known to it.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether the list goes on after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is something before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge. Null: the page is empty.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge. Null: the page is empty.")


@strawberry.type(description="How many rows a list has, over all pages.")
class Count:
    value: int = strawberry.field(description="The number of rows, at most 10,000.")
    exact: bool = strawberry.field(description="Whether that is the number. False: there are more than `value`.")


@strawberry.type(description="A market site (電子マーケットサイト) on which contracts are closed.")
class Site:
    site_id: str = strawberry.field(description="The site's ID (サイトID).")
    name: str = strawberry.field(description="The site's name.")


@strawberry.type(description="What was agreed about money and goods. What a registration leaves out comes by mode.")
class Terms:
    mode: Mode = strawberry.field(description="Which way the money takes.")
    release: Release | None = strawberry.field(
        description="What must have happened to the goods before the seller is paid. Null in direct mode: nobody holds the money."
    )
    delivery_trigger: DeliveryTrigger = strawberry.field(description="When the goods may leave, if no due date says otherwise.")
    ship_before_acceptance: bool = strawberry.field(
        description="With a due date: the goods leave before the bank has accepted it. The seller then gives credit until the day."
    )


@strawberry.type(description="A bank account (口座).")
class BankAccount:
    bank_code: str = strawberry.field(description="The bank's code (銀行コード), 4 digits.")
    branch_code: str = strawberry.field(description="The branch's code (支店コード), 3 digits.")
    type: AccountType = strawberry.field(description="Type of the account (預金種目).")
    number: str = strawberry.field(
        description="Account number (口座番号), 7 digits. Only its owner sees all of them; else all but the last are masked."
    )
    holder: str = strawberry.field(description="The holder's name in kana as the bank has it (口座名義).")


@strawberry.type(description="The seller or the buyer, as the contract was registered.")
class ContractParty:
    code: str = strawberry.field(description="The party's code at the site (取引先コード).")
    name: str = strawberry.field(description="Name (名称).")
    postal_code: str | None = strawberry.field(description="Postal code (郵便番号). Null: the site gave none.")
    address: str = strawberry.field(description="Address (住所).")
    account: BankAccount | None = strawberry.field(
        description="The account that is debited or paid. Null: not yours. Seller and buyer never see each other's."
    )


@strawberry.type(description="A line of the goods (商品).")
class GoodsLine:
    name: str = strawberry.field(description="Name of the goods (商品名).")
    model: str | None = strawberry.field(description="Model (型番). Null: none was given.")
    quantity: int = strawberry.field(description="How many (数量).")


@strawberry.type(description="Why the bank did not debit, and what comes now (振替不能).")
class DebitFailure:
    reason: DebitFailureReason = strawberry.field(description="The reason.")
    bank_code: str = strawberry.field(description="The bank's own result code (振替結果コード), as it stood in the answer.")
    message: str = strawberry.field(description="The reason as a sentence, in the language of the request.")
    failed_on: dt.date = strawberry.field(description="The date for which the bank did not debit.")
    retry_on: dt.date | None = strawberry.field(description="The date of the next try. Null: there will be none.")


@strawberry.type(description="The debit (振替): from the buyer's account to the site's account at the same bank.")
class Debit:
    status: DebitStatus = strawberry.field(description="Where the buyer's money stands (振替ステータス).")
    amount: Amount | None = strawberry.field(
        description="What is debited: the contract's amount and the buyer's fee. Null: not yours (a seller)."
    )
    buyer_fee: Amount | None = strawberry.field(description="The buyer's fee (買主側手数料). Null: not yours (a seller).")
    currency: Currency = strawberry.field(description="Currency of `amount` and `buyerFee`.")
    scheduled_on: dt.date | None = strawberry.field(
        description="The due date that the bank has accepted (期日振替日). Null: no due date, or not accepted yet."
    )
    debited_on: dt.date | None = strawberry.field(description="The bank's date of the debit (振替実行日). Null: not yet.")
    attempt_count: int = strawberry.field(description="How often the bank was instructed.")
    failure: DebitFailure | None = strawberry.field(
        description="Why the last attempt failed. Null: it has not failed, or a later one has succeeded."
    )


@strawberry.type(description="The delivery (配送).")
class Delivery:
    status: DeliveryStatus = strawberry.field(description="Where the goods stand (配送ステータス).")
    instructed_on: dt.date | None = strawberry.field(description="The day on which the carrier was instructed (配送指示日). Null: not yet.")
    shipped_on: dt.date | None = strawberry.field(description="The carrier's date of shipment (発送日). Null: not shipped yet (未発送).")
    delivered_on: dt.date | None = strawberry.field(description="The carrier's date of delivery (配達日). Null: not yet.")
    carrier: str | None = strawberry.field(description="The carrier's name (運送会社). Null: not decided yet.")
    tracking_number: str | None = strawberry.field(description="The carrier's number for the parcel (送り状番号). Null: none reported yet.")


@strawberry.type(description="The payout (清算): from the site's main account to the seller. Buyers never see it.")
class Payout:
    status: PayoutStatus = strawberry.field(description="Where the seller's money stands (清算ステータス).")
    expected_amount: Amount = strawberry.field(description="What the seller is paid: the amount less his fee.")
    expected_on: dt.date | None = strawberry.field(
        description=(
            "The date planned for the settlement at registration; it does not move when something slips (the forecast stands in "
            "`progress`). Null: it will not settle."
        )
    )
    settled_amount: Amount | None = strawberry.field(
        description="What was paid, after the seller's fee (清算金額). Null: not yet (未清算)."
    )
    settled_on: dt.date | None = strawberry.field(
        description="The date on which the main bank booked the payment (清算完了日). Null: not yet (未清算)."
    )
    credited_on: dt.date | None = strawberry.field(
        description="The date on which it reached the seller's account (入金日). Null: not yet, or the bank does not say."
    )
    seller_fee: Amount = strawberry.field(description="The seller's fee (売主側手数料), kept back from the payment.")
    currency: Currency = strawberry.field(description="Currency of the amounts.")


@strawberry.type(description="One step of the way (figure 8): planned, expected now, done.")
class ProgressStep:
    step: ProgressStepName = strawberry.field(description="Which step.")
    planned_on: dt.date = strawberry.field(
        description="Planned at registration from the standard days (予定日). Never moves: compare `forecastOn`."
    )
    forecast_on: dt.date | None = strawberry.field(
        description="When it is expected now, or happened. Null: it will not happen, or nobody can say."
    )
    actual_on: dt.date | None = strawberry.field(description="When it happened (実績日). Null: not yet (figure 8: 未発送).")
    slip_days: int = strawberry.field(
        description="Days by which the actual (or else the expected) date is later than planned; negative: earlier."
    )
    slip_cause: str | None = strawberry.field(description="Why, as a sentence in the language of the request. Null: it has not slipped.")


@strawberry.type(name="Warning", description="What both sides should know now, with the true reason.")
class WarningText:
    code: str = strawberry.field(description="A word for programs. An open set.")
    message: str = strawberry.field(description="The sentence, in the language of the request.")


@strawberry.type(description="How far a contract has come: figure 8, with the reason for every delay.")
class Progress:
    steps: list[ProgressStep] = strawberry.field(description="The steps that you may see, in their order. A buyer does not see SETTLED.")
    warning: WarningText | None = strawberry.field(
        description="That the contract cannot be performed, and why (振替不能の警告). Null: nothing stands against it."
    )
