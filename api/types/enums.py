"""The enums of the public schema: the domain's own, with a sentence on every value.

The names are the domain's (`domain.statuses`), the numbers never leave the house. Annotate fields with the
classes of this module.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from domain.statuses import (
    AccountType,
    Currency,
    DebitFailureReason,
    DebitStatus,
    DeliveryStatus,
    DeliveryTrigger,
    EventKind,
    Mode,
    PayoutStatus,
    Release,
    Role,
)

__all__ = [
    "AccountType",
    "ContractOrderField",
    "Currency",
    "DebitFailureReason",
    "DebitStatus",
    "DeliveryStatus",
    "DeliveryTrigger",
    "EventKind",
    "Mode",
    "OrderDirection",
    "PayoutStatus",
    "ProgressStepName",
    "Release",
    "Role",
    "SettlementOrderField",
    "describe",
]

E = TypeVar("E", bound=type[Enum])


def describe(enum: E, description: str, values: dict[str, str], *, name: str | None = None) -> E:
    """Makes an enum part of the schema. Members without a sentence stay inside the house."""
    strawberry.enum(enum, name=name, description=description)
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]
    unknown = set(values) - {value.name for value in definition.values}
    assert not unknown, f"{enum.__name__} has no {unknown}"
    definition.values = [value for value in definition.values if value.name in values]
    for value in definition.values:
        value.description = values[value.name]
    return enum


class ProgressStepName(Enum):
    """The steps of figure 8, in their order."""

    ACCEPTED = "ACCEPTED"
    DEBITED = "DEBITED"
    DELIVERY_INSTRUCTED = "DELIVERY_INSTRUCTED"
    SHIPPED = "SHIPPED"
    SETTLED = "SETTLED"


class OrderDirection(Enum):
    """Which end comes first."""

    ASC = "ASC"
    DESC = "DESC"


class ContractOrderField(Enum):
    """What contracts can be ordered by."""

    REGISTERED_AT = "REGISTERED_AT"
    DUE_ON = "DUE_ON"
    DEBITED_ON = "DEBITED_ON"
    AMOUNT = "AMOUNT"


class SettlementOrderField(Enum):
    """What settlements can be ordered by."""

    DEBITED_ON = "DEBITED_ON"
    SETTLED_ON = "SETTLED_ON"
    EXPECTED_ON = "EXPECTED_ON"


describe(
    Role,
    "As what you look at one contract. Roles are per contract: one firm may be buyer here and seller there, or both.",
    {
        "SITE": "The market site (電子マーケットサイト) on which the contract was closed.",
        "SELLER": "The seller (売主): also sees payouts and settlements.",
        "BUYER": "The buyer (買主): sees debit and delivery.",
        "OPERATOR": "The operator of this settlement server (決済サーバー).",
    },
)
describe(Currency, "Currencies after ISO 4217.", {"JPY": "Japanese yen (円). No decimals: one minor unit is one yen."})
describe(
    AccountType,
    "Type of a bank account (預金種目).",
    {
        "ORDINARY": "Ordinary deposit (普通預金).",
        "CURRENT": "Current account (当座預金).",
        "SAVINGS": "Savings deposit (貯蓄預金). Can be paid to, never debited.",
    },
)
describe(
    Mode,
    "Which way the money takes.",
    {
        "ESCROW": "From the buyer to the site's account, and on to the seller when the release condition is met. The default.",
        "DIRECT": "From the buyer to the seller inside one bank (決済); nobody holds the money between.",
    },
)
describe(
    Release,
    "What must have happened to the goods before the seller is paid.",
    {
        "ON_SHIPMENT": "The carrier has reported the goods as shipped (発送済み). The default in escrow mode.",
        "ON_DELIVERY": "The carrier has reported the goods as delivered (配達完了).",
        "UNCONDITIONAL": "Nothing: the seller is paid as soon as the money has been concentrated (発送にかかわらず清算).",
    },
)
describe(
    DeliveryTrigger,
    "When the goods may leave. A due date overrules it: then they leave once the bank has accepted the date.",
    {
        "AFTER_DEBIT": "Once the buyer has been debited (振替完了後). The default in escrow mode.",
        "AFTER_SETTLEMENT": "Once the seller has been paid (清算後). The default in direct mode.",
    },
)
describe(
    DebitStatus,
    "Where the buyer's money stands (振替ステータス).",
    {
        "PENDING": "Nothing instructed yet (未振替).",
        "INSTRUCTED": "In a file for the bank, which has not answered (振替指示済み). It is not instructed a second time.",
        "SCHEDULED": "The bank has accepted the instruction for the due date (期日振替). No money has moved yet.",
        "DEBITED": "The bank has moved the money (振替完了).",
        "FAILED": "The bank could not debit (振替不能); `failure` has the reason.",
        "UNKNOWN": "The bank has not answered in time (結果不明). It is asked; nothing is sent again blindly.",
        "CANCELLED": "Taken back before any money moved (取消).",
        "REVERSED": "The bank has taken an executed debit back (振替取消).",
    },
)
describe(
    DebitFailureReason,
    "Why the bank did not debit (振替結果コード).",
    {
        "SHORT_BALANCE": "Not enough money on the account (資金不足), the bank's code 1. Only after this the debit may be tried again.",
        "NO_ACCOUNT": "No such account (取引なし), code 2.",
        "STOPPED_BY_PAYER": "Stopped at the payer's wish (預金者の都合による振替停止), code 3.",
        "NO_MANDATE": "No written consent at the bank (預金口座振替依頼書なし), code 4.",
        "STOPPED_BY_US": "Stopped at the wish of the collecting side (委託者の都合による振替停止), code 8.",
        "OTHER": "Another reason (その他), code 9.",
    },
)
describe(
    DeliveryStatus,
    "Where the goods stand (配送ステータス).",
    {
        "PENDING": "The carrier has not been instructed (未配送).",
        "INSTRUCTED": "The carrier has been instructed and has not reported shipment (配送指示済み・未発送).",
        "REJECTED": "The carrier will not take this instruction (配送拒否).",
        "SHIPPED": "Shipped (発送済み). Shipped is not arrived.",
        "IN_TRANSIT": "On the way (輸送中).",
        "DELIVERED": "Arrived at the buyer (配達完了).",
        "RETURNED": "Back at the seller (返送).",
        "LOST": "Lost (紛失).",
        "STOPPED": "Will not be sent (配送中止).",
        "UNKNOWN": "Instructed, and the carrier has been silent too long (配送不明). It is asked.",
    },
)
describe(
    PayoutStatus,
    "Where the seller's money stands (清算ステータス).",
    {
        "PENDING": "Not settled yet (未清算).",
        "INSTRUCTED": "In a file for the main bank, which has not booked it (清算指示済み).",
        "PAID": "The main bank has booked the payment to the seller (清算完了).",
        "RETURNED": "The seller's bank could not credit it and has sent it back (資金返却). Not sent again by itself.",
        "UNKNOWN": "Neither booked nor refused in time (清算不明). It is looked up; nothing is sent again blindly.",
        "WILL_NOT_SETTLE": "Nothing will be paid: the debit has finally failed, or was cancelled or refunded (清算されない).",
    },
)
describe(
    ProgressStepName,
    "The steps of a contract on the progress page (figure 8), in this order.",
    {
        "ACCEPTED": "The contract was registered here (受付).",
        "DEBITED": "The buyer's account was debited (振替).",
        "DELIVERY_INSTRUCTED": "The carrier was instructed (配送指示).",
        "SHIPPED": "The goods have left (発送).",
        "SETTLED": "The seller has been paid (清算). Not among the steps that a buyer sees.",
    },
)
describe(
    EventKind,
    "What happened to a contract (出来事). An open set: more kinds may come.",
    {
        "REGISTERED": "The contract was registered (契約登録).",
        "DEBIT_INSTRUCTED": "The debit went into a file for the buyer's bank (振替指示).",
        "DEBIT_SCHEDULED": "The bank has accepted the due date (期日振替の受付).",
        "DEBITED": "The bank has debited the buyer (振替完了).",
        "DEBIT_FAILED": "The bank could not debit (振替不能).",
        "DEBIT_UNKNOWN": "The bank has not answered in time (振替結果不明).",
        "DEBIT_WITHDRAWN": "The debit file was refused or not executed; the debit is pending again (振替指示の取下げ).",
        "DEBIT_REVERSED": "The bank has taken the debit back (振替の取消).",
        "DELIVERY_INSTRUCTED": "The carrier was instructed (配送指示).",
        "DELIVERY_ACCEPTED": "The carrier, silent until then, has confirmed the instruction (配送受付).",
        "DELIVERY_REJECTED": "The carrier will not take the instruction (配送拒否).",
        "DELIVERY_UNKNOWN": "The carrier has been silent too long (配送不明).",
        "DELIVERY_STOPPED": "The delivery was stopped before shipment (配送中止).",
        "DELIVERY_ATTEMPT_FAILED": "The carrier could not hand the goods over, say because nobody was there (配達未了). No status moves.",
        "SHIPPED": "The goods have left (発送).",
        "IN_TRANSIT": "The goods are on the way (輸送中).",
        "DELIVERED": "The goods have arrived (配達完了).",
        "RETURNED": "The goods have gone back to the seller (返送).",
        "LOST": "The goods are lost (紛失).",
        "FUNDED": "The money has arrived in the site's main account (資金集中完了). Not told to buyers.",
        "PAYOUT_INSTRUCTED": "The payout went into a file for the main bank (清算指示). Not told to buyers.",
        "PAID": "The main bank has paid the seller (清算完了). Not told to buyers.",
        "PAYOUT_RETURNED": "The payout came back (清算の資金返却). Not told to buyers.",
        "PAYOUT_UNKNOWN": "The payout was neither booked nor refused in time (清算結果不明). Not told to buyers.",
        "PAYOUT_WITHDRAWN": "The payout file was refused; the payout is pending again (清算指示の取下げ). Not told to buyers.",
        "WILL_NOT_SETTLE": "It is certain that nothing will be paid to the seller (清算されないことが確定). Not told to buyers.",
        "CANCELLED": "The contract was cancelled (取消).",
    },
    name="ContractEventKind",
)
describe(
    OrderDirection,
    "Direction of an order. Rows without a value come last in both, and the contract ID decides between equals.",
    {"ASC": "Smallest or earliest first.", "DESC": "Largest or latest first."},
)
describe(
    ContractOrderField,
    "What contracts can be ordered by.",
    {
        "REGISTERED_AT": "By registration, which is the order of the contract IDs.",
        "DUE_ON": "By due date (決済指定日); contracts without one come last.",
        "DEBITED_ON": "By the bank's date of the debit (振替実行日); contracts not debited come last.",
        "AMOUNT": "By amount.",
    },
)
describe(
    SettlementOrderField,
    "What settlements can be ordered by.",
    {
        "DEBITED_ON": "By the bank's date of the debit (振替実行日); those not debited come last.",
        "SETTLED_ON": "By the date of settlement (清算完了日); those not settled come last.",
        "EXPECTED_ON": "By the date planned for the settlement; those that will not settle come last.",
    },
)
