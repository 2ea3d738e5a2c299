"""Keys, filters and orders: what one may ask for. A closed list, so that every question has an index."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable
from enum import IntEnum

import strawberry

from api.paging import given
from api.scalars import RawAmount, RawDate, amount_of, date_of
from api.types.enums import ContractOrderField, DebitStatus, DeliveryStatus, OrderDirection, PayoutStatus, Role, SettlementOrderField
from domain.contract_id import BadContractId, parse
from domain.store.pages import Filter, Order, SortKey

UNSET = strawberry.UNSET


def number_of(written: str) -> str | None:
    """A contract number as it is compared: exactly, after NFC (S37). None for what no text can hold (it is then not found)."""
    if "\0" in written or any("\ud800" <= character <= "\udfff" for character in written):
        return None
    return unicodedata.normalize("NFC", written)


def site_of(written: str) -> int | None:
    """A site ID; None for what cannot be one (it is then not found)."""
    if written.isascii() and written.isdigit() and len(written) <= 9 and written == str(int(written)):
        return int(written)
    return None


def contract_of_text(written: str) -> int | None:
    """A contract ID as people write it; None for what cannot be one (it is then not found)."""
    try:
        return parse(written)
    except BadContractId:
        return None


@strawberry.input(description="A contract by the number that its site gave it.")
class ContractNumberInput:
    site_id: str = strawberry.field(description="The site's ID (サイトID).")
    number: str = strawberry.field(description="The contract number (契約番号), compared exactly after Unicode normalisation (NFC).")


@strawberry.input(one_of=True, description="One contract, named in exactly one way.")
class ContractKeyInput:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The opaque ID.")
    contract_id: str | None = strawberry.field(default=UNSET, description="The contract ID (契約ID) that people read.")
    number: ContractNumberInput | None = strawberry.field(default=UNSET, description="Site and contract number.")


@strawberry.input(description="Days from and to, both ends in.")
class DateRangeInput:
    from_: RawDate | None = strawberry.field(name="from", default=UNSET, description="First day. Null or left out: any.")
    to: RawDate | None = strawberry.field(default=UNSET, description="Last day. Null or left out: any.")


@strawberry.input(description="A span of time: its beginning is in, its end is not.")
class DateTimeRangeInput:
    from_: dt.datetime | None = strawberry.field(name="from", default=UNSET, description="Beginning. Null or left out: any.")
    before: dt.datetime | None = strawberry.field(default=UNSET, description="End. Null or left out: any.")


@strawberry.input(description="Amounts from and to, both ends in.")
class AmountRangeInput:
    from_: RawAmount | None = strawberry.field(name="from", default=UNSET, description="Smallest. Null or left out: any.")
    to: RawAmount | None = strawberry.field(default=UNSET, description="Largest. Null or left out: any.")


@strawberry.input(
    description="Which contracts. All fields must hold; of a list any value will do; an empty list finds nothing; null is no wish."
)
class ContractFilter:
    site_ids: list[str] | None = strawberry.field(default=UNSET, description="Of these sites.")
    contract_ids: list[str] | None = strawberry.field(default=UNSET, description="With these contract IDs (契約ID).")
    numbers: list[str] | None = strawberry.field(default=UNSET, description="With these contract numbers (契約番号).")
    role: Role | None = strawberry.field(default=UNSET, description="In which you are this.")
    debit_status: list[DebitStatus] | None = strawberry.field(default=UNSET, description="With the debit in one of these states.")
    delivery_status: list[DeliveryStatus] | None = strawberry.field(default=UNSET, description="With the delivery in one of these states.")
    payout_status: list[PayoutStatus] | None = strawberry.field(
        default=UNSET, description="With the payout in one of these states; only contracts whose payout you may see."
    )
    registered_at: DateTimeRangeInput | None = strawberry.field(default=UNSET, description="Registered in this span.")
    due_on: DateRangeInput | None = strawberry.field(default=UNSET, description="With a due date (決済指定日) in these days.")
    debited_on: DateRangeInput | None = strawberry.field(default=UNSET, description="Debited (振替実行日) in these days.")
    amount: AmountRangeInput | None = strawberry.field(default=UNSET, description="With an amount in this range.")


@strawberry.input(
    description="Which settlements. All fields must hold; of a list any value will do; an empty list finds nothing; null is no wish."
)
class SettlementFilter:
    site_ids: list[str] | None = strawberry.field(default=UNSET, description="Of these sites.")
    numbers: list[str] | None = strawberry.field(default=UNSET, description="With these contract numbers (契約番号).")
    status: list[PayoutStatus] | None = strawberry.field(default=UNSET, description="In one of these states.")
    debited_on: DateRangeInput | None = strawberry.field(default=UNSET, description="Debited (振替実行日) in these days.")
    settled_on: DateRangeInput | None = strawberry.field(default=UNSET, description="Settled (清算完了日) in these days.")


@strawberry.input(description="How contracts are ordered. Equals by contract ID, rows without a value last in both directions.")
class ContractOrder:
    field: ContractOrderField = strawberry.field(description="What decides.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which end comes first.")


@strawberry.input(description="How settlements are ordered. Equals by contract ID, rows without a value last in both directions.")
class SettlementOrder:
    field: SettlementOrderField = strawberry.field(description="What decides.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which end comes first.")


# ── to the store's words ─────────────────────────────────────────────────────────────────────────────────────────────
def _days(wanted: DateRangeInput | None) -> tuple[dt.date | None, dt.date | None]:
    span = given(wanted)
    if span is None:
        return None, None
    first, last = given(span.from_), given(span.to)
    return (date_of(first) if first is not None else None), (date_of(last) if last is not None else None)


def _amounts(wanted: AmountRangeInput | None) -> tuple[int | None, int | None]:
    span = given(wanted)
    if span is None:
        return None, None
    least, most = given(span.from_), given(span.to)
    return (amount_of(least) if least is not None else None), (amount_of(most) if most is not None else None)


def _instants(wanted: DateTimeRangeInput | None) -> tuple[dt.datetime | None, dt.datetime | None]:
    span = given(wanted)
    return (None, None) if span is None else (given(span.from_), given(span.before))


def _states(wanted: Iterable[IntEnum] | None) -> tuple[int, ...] | None:
    states = given(wanted)
    return None if states is None else tuple(sorted({int(state) for state in states}))


def _sites(wanted: list[str] | None) -> tuple[int, ...] | None:
    written = given(wanted)
    return None if written is None else tuple(sorted({site for text in written if (site := site_of(text)) is not None}))


def _numbers(wanted: list[str] | None) -> tuple[str, ...] | None:
    written = given(wanted)
    return None if written is None else tuple(sorted({n for text in written if (n := number_of(text)) is not None}))


def contract_filter(wanted: ContractFilter | None) -> Filter:
    """What a filter over contracts means."""
    asked = given(wanted)
    if asked is None:
        return Filter()
    ids, role = given(asked.contract_ids), given(asked.role)
    registered_from, registered_before = _instants(asked.registered_at)
    due_from, due_to = _days(asked.due_on)
    debited_from, debited_to = _days(asked.debited_on)
    amount_from, amount_to = _amounts(asked.amount)
    return Filter(
        site_ids=_sites(asked.site_ids),
        contract_ids=None if ids is None else tuple(sorted({i for text in ids if (i := contract_of_text(text)) is not None})),
        numbers=_numbers(asked.numbers),
        role=None if role is None else Role(role),
        debit=_states(asked.debit_status),
        delivery=_states(asked.delivery_status),
        payout=_states(asked.payout_status),
        registered_from=registered_from,
        registered_before=registered_before,
        due_from=due_from,
        due_to=due_to,
        debited_from=debited_from,
        debited_to=debited_to,
        amount_from=amount_from,
        amount_to=amount_to,
    )


def settlement_filter(wanted: SettlementFilter | None) -> Filter:
    """What a filter over settlements means."""
    asked = given(wanted)
    if asked is None:
        return Filter()
    debited_from, debited_to = _days(asked.debited_on)
    settled_from, settled_to = _days(asked.settled_on)
    return Filter(
        site_ids=_sites(asked.site_ids),
        numbers=_numbers(asked.numbers),
        payout=_states(asked.status),
        debited_from=debited_from,
        debited_to=debited_to,
        settled_from=settled_from,
        settled_to=settled_to,
    )


def contract_order(wanted: ContractOrder | None) -> Order:
    """The order of a list of contracts; the latest first where nothing is said."""
    asked = given(wanted)
    if asked is None:
        return Order(SortKey.REGISTERED_AT, descending=True)
    return Order(SortKey[asked.field.name], descending=asked.direction is OrderDirection.DESC)


def settlement_order(wanted: SettlementOrder | None) -> Order:
    """The order of a list of settlements; that of figure 9 where nothing is said."""
    asked = given(wanted)
    if asked is None:
        return Order(SortKey.DEBITED_ON, descending=False)
    return Order(SortKey[asked.field.name], descending=asked.direction is OrderDirection.DESC)
