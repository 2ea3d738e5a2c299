"""Reconciliation (照合): our accounts by the ledger and by the banks' statements. For a site and for operators."""

from __future__ import annotations

import datetime as dt

import strawberry

from api.scalars import Amount
from api.types.enums import AccountType, Currency
from domain.accounts import mask
from domain.store import reconciling


@strawberry.type(description="Money under way at an account (未達): ordered or shown by one side, and not yet by the other.")
class MoneyUnderWay:
    what: str = strawberry.field(
        description=(
            "LUMP_NOT_ON_STATEMENT, SWEEP_NOT_ON_STATEMENT, LUMP_AWAITS_RESULT, RETURN_AWAITS_PAYOUT, PAYOUT_BEING_BOOKED, "
            "DEBIT_SENT, SWEEP_SENT, PAYOUT_SENT, SWEEP_ON_ITS_WAY or ANNOUNCED. An open set."
        )
    )
    amount: Amount = strawberry.field(description="Yen (金額), without sign.")
    incoming: bool = strawberry.field(description="Whether the account gains it.")
    since: dt.date = strawberry.field(description="The bank date from which on it is under way.")
    days: int = strawberry.field(description="Its age in days.")
    on_statement: bool = strawberry.field(description="The bank's statement shows it already.")
    in_ledger: bool = strawberry.field(description="Our ledger shows it already.")


@strawberry.type(description="What does not match and waits for a person (不一致): with its age, and named.")
class OpenBreak:
    code: str = strawberry.field(description="What kind it is, e.g. UNMATCHED, LUMP_DIFFERS or STATEMENT_GAP. An open set.")
    reason: str = strawberry.field(description="What is known, in a sentence.")
    amount: Amount | None = strawberry.field(description="Yen (金額). Null: no sum belongs to it.")
    since: dt.date = strawberry.field(description="The bank date that it belongs to.")
    days: int = strawberry.field(description="Its age in days.")


@strawberry.type(
    description=(
        "One of a site's accounts: statementBalance = ledgerBalance - notOnStatement + notInLedger + unexplained. "
        "Anything unexplained is an error of ours."
    )
)
class AccountReconciliation:
    site_id: str = strawberry.field(description="The site's ID (サイトID).")
    bank_code: str = strawberry.field(description="The bank's code (銀行コード), 4 digits.")
    branch_code: str = strawberry.field(description="The branch's code (支店コード), 3 digits.")
    type: AccountType = strawberry.field(description="Kind of account (預金種目).")
    number: str = strawberry.field(description="Account number (口座番号), masked but for its end.")
    main: bool = strawberry.field(description="Whether it is the site's main account, from which sellers are paid.")
    currency: Currency = strawberry.field(description="Currency of all amounts.")
    statement_on: dt.date | None = strawberry.field(description="The day of the last statement. Null: none has come yet.")
    statement_balance: Amount | None = strawberry.field(
        description="What the bank says was there at the end of that day; below 0: overdrawn. Null: no statement has come yet."
    )
    ledger_balance: Amount = strawberry.field(description="What our ledger says is there now.")
    reserved: Amount = strawberry.field(description="Of that, what sweeps and payouts under way will take.")
    not_on_statement: Amount = strawberry.field(description="In the ledger, and not on a statement yet; below 0: it will leave.")
    not_in_ledger: Amount = strawberry.field(description="On a statement, and not in the ledger yet; below 0: it has left.")
    unexplained: Amount | None = strawberry.field(description="What is left over; 0 unless something is wrong. Null: no statement yet.")
    under_way: list[MoneyUnderWay] = strawberry.field(description="Each movement under way (未達), the oldest first, at most 500.")
    breaks: list[OpenBreak] = strawberry.field(description="Each open break (不一致), the oldest first, at most 500.")


def shown(one: reconciling.Reconciled) -> AccountReconciliation:
    """One account as the API shows it."""
    return AccountReconciliation(
        site_id=str(one.site_id),
        bank_code=one.bank_code,
        branch_code=one.branch_code,
        type=AccountType(one.account_type),
        number=mask(one.account_number),
        main=one.main,
        currency=Currency.JPY,
        statement_on=one.statement_on,
        statement_balance=None if one.statement is None else Amount(one.statement),
        ledger_balance=Amount(one.ledger),
        reserved=Amount(one.reserved),
        not_on_statement=Amount(one.pending),
        not_in_ledger=Amount(one.ahead),
        unexplained=None if one.unexplained is None else Amount(one.unexplained),
        under_way=[
            MoneyUnderWay(
                what=x.what,
                amount=Amount(abs(x.yen)),
                incoming=x.yen > 0,
                since=x.since,
                days=x.days,
                on_statement=x.on_statement,
                in_ledger=x.in_ledger,
            )
            for x in one.movements
        ],
        breaks=[
            OpenBreak(code=x.code, reason=x.reason, amount=None if x.yen is None else Amount(x.yen), since=x.since, days=x.days)
            for x in one.breaks
        ],
    )
