"""What a site sends to register contracts [0020]. Amounts and dates come as they were written: a wrong one refuses its contract."""

from __future__ import annotations

from typing import Any

import strawberry

from api.paging import given
from api.scalars import RawAmount, RawDate
from api.types.enums import AccountType, Currency, DeliveryTrigger, Mode, Release, describe
from domain.store.registering import OnProblem

describe(
    OnProblem,
    "What becomes of the good contracts of a call in which some are refused.",
    {
        "REGISTER_OTHERS": "The good ones are registered; each refused one says why. The default.",
        "REGISTER_NONE": "Nothing is registered unless everything can be.",
    },
)


@strawberry.input(description="A bank account (口座). Bank and number alone do not identify one: branch, type and holder do.")
class BankAccountInput:
    bank_code: str = strawberry.field(description="The bank's code (金融機関コード), 4 digits.")
    branch_code: str = strawberry.field(description="The branch's code (支店コード), 3 digits.")
    type: AccountType = strawberry.field(description="The account's type (預金種目). A buyer's is ORDINARY or CURRENT.")
    number: str = strawberry.field(description="The account's number (口座番号), 7 digits.")
    holder: str = strawberry.field(
        description="The holder's name in kana (口座名義カナ). Hiragana and full-width are converted; kanji are refused."
    )


@strawberry.input(description="A buyer (買主) or seller (売主) as this contract names it.")
class PartyInput:
    code: str = strawberry.field(description="The site's own code of the party (取引先コード), 1 to 64 characters.")
    name: str = strawberry.field(description="The party's name (名称).")
    postal_code: str | None = strawberry.field(default=strawberry.UNSET, description="The postal code (郵便番号), if any.")
    address: str = strawberry.field(description="The address (住所) to which goods are sent, or from which they leave.")
    account: BankAccountInput = strawberry.field(description="The account that is debited (buyer) or paid into (seller).")


@strawberry.input(description="A line of goods (商品明細).")
class GoodsLineInput:
    name: str = strawberry.field(description="What it is (商品名).")
    model: str | None = strawberry.field(default=strawberry.UNSET, description="The model (型番), if any.")
    quantity: int = strawberry.field(description="How many (数量), at least 1.")


@strawberry.input(description="What is agreed about money and goods. What is left out comes by mode.")
class TermsInput:
    mode: Mode = strawberry.field(default=Mode.ESCROW, description="Which way the money takes.")
    release: Release | None = strawberry.field(
        default=strawberry.UNSET,
        description="What must have happened to the goods before the seller is paid. By default ON_SHIPMENT; none in direct mode.",
    )
    delivery_trigger: DeliveryTrigger | None = strawberry.field(
        default=strawberry.UNSET,
        description="When the goods may leave. By default AFTER_DEBIT; AFTER_SETTLEMENT in direct mode.",
    )
    ship_before_acceptance: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="With a due date: the goods leave before the bank has accepted it. By default the site's own setting.",
    )


@strawberry.input(description="A contract (売買契約) to be registered.")
class RegisterContractInput:
    site_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The site (サイトID). Must be the token's own when given; may be left out."
    )
    number: str = strawberry.field(
        description="The site's own number of the contract (契約番号), unique at the site for ever: 1 to 64 visible characters."
    )
    amount: RawAmount = strawberry.field(description="The price (金額), 1 to 9,999,999,999 yen with the buyer's fee.")
    currency: Currency = strawberry.field(default=Currency.JPY, description="The currency of the amount.")
    due_on: RawDate | None = strawberry.field(
        default=strawberry.UNSET, description="The due date (決済指定日). Left out: the next debit date of the buyer's bank."
    )
    seller: PartyInput = strawberry.field(description="Who sells (売主).")
    buyer: PartyInput = strawberry.field(description="Who buys (買主). A mandate for the account must be there.")
    goods: list[GoodsLineInput] = strawberry.field(description="What is sold (商品明細), 1 to 100 lines.")
    terms: TermsInput | None = strawberry.field(default=strawberry.UNSET, description="What is agreed. Left out: escrow.")


@strawberry.input(description="Contracts to be registered in one call.")
class RegisterContractsInput:
    contracts: list[RegisterContractInput] = strawberry.field(
        description="The contracts, answered in this order. Up to 10,000; up to 100 unless they are given as a variable."
    )
    on_problem: OnProblem = strawberry.field(
        default=OnProblem.REGISTER_OTHERS, description="What becomes of the good ones when some are refused."
    )


def raw_of(contract: RegisterContractInput) -> dict[str, Any]:
    """The JSON that would have been read as this input: what `domain.registration` takes."""
    terms = given(contract.terms)
    return {
        "siteId": given(contract.site_id),
        "number": contract.number,
        "amount": contract.amount,
        "currency": contract.currency.name,
        "dueOn": given(contract.due_on),
        "seller": party_of(contract.seller),
        "buyer": party_of(contract.buyer),
        "goods": [{"name": line.name, "model": given(line.model), "quantity": line.quantity} for line in contract.goods],
        "terms": None if terms is None else _terms(terms),
    }


def party_of(party: PartyInput) -> dict[str, Any]:
    """The JSON that would have been read as this party."""
    account = party.account
    return {
        "code": party.code,
        "name": party.name,
        "postalCode": given(party.postal_code),
        "address": party.address,
        "account": {
            "bankCode": account.bank_code,
            "branchCode": account.branch_code,
            "type": account.type.name,
            "number": account.number,
            "holder": account.holder,
        },
    }


def _terms(terms: TermsInput) -> dict[str, Any]:
    release, trigger = given(terms.release), given(terms.delivery_trigger)
    return {
        "mode": terms.mode.name,
        "release": None if release is None else release.name,
        "deliveryTrigger": None if trigger is None else trigger.name,
        "shipBeforeAcceptance": given(terms.ship_before_acceptance),
    }
