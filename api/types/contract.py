"""Contracts as the API shows them, and the mapper that makes them from rows.

`contract_of` is the one place where rows become answers: for every group of fields that not everybody may see it asks `domain.access`,
so that no resolver has to. Events are filtered in `_events_of`, by the same table.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import strawberry
from strawberry.dataloader import DataLoader

from api.context import Context
from api.paging import given, page_size
from api.scalars import Amount, Cursor, bad_input
from api.turns import TakesTurns
from api.types.enums import AccountType, Currency, EventKind, PayoutStatus, ProgressStepName, Role
from api.types.shapes import (
    BankAccount,
    ContractParty,
    Debit,
    DebitFailure,
    Delivery,
    GoodsLine,
    Node,
    PageInfo,
    Payout,
    Progress,
    ProgressStep,
    Site,
    Terms,
    WarningText,
)
from domain import planned, stream
from domain.access import FieldGroup, Sight, may_see, may_see_event, roles_of, sight
from domain.accounts import mask
from domain.calendar import OutsideCalendar, add_days, business_date
from domain.contract_id import text
from domain.statuses import (
    CalendarKind,
    DebitFailureReason,
    DebitStatus,
    DeliverWhen,
    DeliveryStatus,
    DeliveryTrigger,
    FilesPerDate,
    Mode,
    Release,
)
from domain.store import reading
from domain.store.connection import Row, Tx
from domain.store.connection import reading as snapshot

Info = strawberry.Info[Context, None]


# ── types ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@strawberry.type(description="Something that happened to a contract (出来事). Its own fields stay as they were then.")
class ContractEvent(Node):
    cursor: Cursor = strawberry.field(description="The event's place in the log: a subscription with it as `after` goes on behind it.")
    kind: EventKind = strawberry.field(description="What happened.")
    occurred_at: dt.datetime = strawberry.field(description="When we learned of it, by the server's business clock.")
    happened_on: dt.date | None = strawberry.field(
        description="The bank's or carrier's date of it. Null: it is nothing that a bank or carrier dates."
    )
    contract: Contract = strawberry.field(description="The contract as it is now, not as it was then.", extensions=[TakesTurns()])


@strawberry.type(description="An event in a timeline.")
class ContractEventEdge:
    node: ContractEvent = strawberry.field(description="The event.")
    cursor: str = strawberry.field(description="Its place in this timeline, for `after`.")


@strawberry.type(description="What has happened to one contract, a page of it.")
class ContractEventConnection:
    edges: list[ContractEventEdge] = strawberry.field(description="The events of the page, oldest first.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the timeline.")


# ── progress ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _acceptance_on(row: Row) -> dt.date | None:
    """The day on which the bank gets the file of a due date and so can accept it. None: no due date, or several files may carry it."""
    if row["debit_deadline_at"] is not None:
        return business_date(row["debit_deadline_at"])
    if not row["due"] or row["files_per_debit_date"] != FilesPerDate.ONE:
        return None
    try:
        return add_days(CalendarKind(row["buyer_bank_calendar"]), row["debit_on"], -row["debit_lead_days"])
    except OutsideCalendar:
        return None


def _facts(row: Row) -> planned.Facts:
    debit = DebitStatus(row["debit"])
    in_the_air = debit in {DebitStatus.INSTRUCTED, DebitStatus.SCHEDULED, DebitStatus.UNKNOWN}
    return planned.Facts(
        planned=planned.Baseline(
            accepted_on=business_date(row["registered_at"]),
            debited_on=row["planned_debited_on"],
            delivery_instructed_on=row["planned_delivery_on"],
            shipped_on=row["planned_shipped_on"],
            settled_on=row["planned_settled_on"],
        ),
        deliver_when=DeliverWhen(row["deliver_when"]),
        release=Release(row["release"]),
        due=row["due"],
        days=planned.StandardDays(
            delivery_days=row["delivery_days"],
            ship_days=row["ship_days"],
            sweep_days=row["sweep_days"],
            payout_days=row["payout_days"],
            buyer_bank=CalendarKind(row["buyer_bank_calendar"] or 0),
            carrier=CalendarKind(row["carrier_calendar"]),
            main_bank=CalendarKind(row["main_bank_calendar"]),
        ),
        debit=debit,
        delivery=DeliveryStatus(row["delivery"]),
        payout=PayoutStatus(row["payout"]),
        attempt_count=row["debit_attempt"],
        debit_value_on=(row["debit_value_on"] if in_the_air else row["retry_on"]) or row["debit_on"],
        acceptance_on=_acceptance_on(row),
        debited_on=row["debited_on"],
        debit_answered_on=row["result_on"],
        failure=None if row["failure"] is None else DebitFailureReason(row["failure"]),
        delivery_instructed_on=row["delivery_instructed_on"],
        shipped_on=row["shipped_on"],
        delivered_on=row["delivered_on"],
        funded_on=row["funded_on"] or (row["debited_on"] if row["funded"] else None),  # no sweep where the accounts are one
        payout_value_on=row["payout_value_on"],
        settled_on=row["settled_on"],
        held_up=row["held_up"],
    )


def progress_of(root: strawberry.Parent[Contract], info: Info) -> Progress:
    """Figure 8, computed when asked for; the rules stand in `domain.planned`."""
    facts, context = _facts(root.row), info.context
    hidden = set() if may_see(root.roles, FieldGroup.PAYOUT_EVENTS) else {ProgressStepName.SETTLED}
    steps = [
        ProgressStep(
            step=ProgressStepName(step.name),
            planned_on=step.planned_on,
            forecast_on=step.forecast_on,
            actual_on=step.actual_on,
            slip_days=step.slip_days,
            slip_cause=context.say(step.slip_cause.message_en, step.slip_cause.message_ja) if step.slip_cause else None,
        )
        for step in planned.progress(facts, business_date(context.now))
        if ProgressStepName(step.name) not in hidden
    ]
    warning = None
    if facts.debit is DebitStatus.FAILED and facts.failure is not None:
        said = planned.warning_of(facts.failure)
        warning = WarningText(code=said.code, message=context.say(said.message_en, said.message_ja))
    return Progress(steps=steps, warning=warning)


# ── timeline ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Told:
    """An event that the viewer may see, under a name that does not tell its number: 1, 2, 3, 6 would tell that there is a payout."""

    name: str
    row: Row


def name_of(contract_id: int, no: int, key: bytes) -> str:
    """An event's name in IDs."""
    return hmac.new(key, f"event {contract_id} {no}".encode(), hashlib.sha256).hexdigest()[:20]


async def _load_events(asked: list[tuple[int, int]]) -> list[list[Row]]:
    counts: dict[int, int] = {}
    for contract_id, event_count in asked:
        counts[contract_id] = max(event_count, counts.get(contract_id, 0))
    async with snapshot() as tx:
        found = await reading.events(tx, counts)
    return [[row for row in found[contract_id] if row["no"] <= event_count] for contract_id, event_count in asked]


def _events_loader(context: Context) -> DataLoader[tuple[int, int], list[Row]]:
    loader: DataLoader[tuple[int, int], list[Row]] | None = context.loaders.get("events")
    if loader is None:
        loader = context.loaders["events"] = DataLoader(load_fn=_load_events)
    return loader


async def load_events_ahead(tx: Tx, contracts: Iterable[Contract], context: Context) -> None:
    """Reads the events of a whole page in one query, if the operation speaks of timelines.

    A long page is completed in several turns; each would else ask for the events of its own part.
    """
    if context.prepared is None or "timeline" not in context.prepared.text:
        return
    counts = {contract.row["contract_id"]: contract.row["event_count"] for contract in contracts}
    found = await reading.events(tx, counts)
    _events_loader(context).prime_many({(contract_id, counts[contract_id]): rows for contract_id, rows in found.items()})


async def events_of(contract: Contract, context: Context) -> list[Told]:
    """The events that this viewer sees, oldest first, as of the contract's own snapshot: never more than `event_count` told."""
    contract_id = contract.row["contract_id"]
    rows = await _events_loader(context).load((contract_id, contract.row["event_count"]))
    return [
        Told(name_of(contract_id, row["no"], context.cursor_key), row)
        for row in rows
        if may_see_event(contract.roles, EventKind(row["kind"]))
    ]


def event_of(contract: Contract, told: Told) -> ContractEvent:
    """The answer for an event."""
    name = f"e{contract.row['contract_id']}-{told.name}"
    return ContractEvent(
        id=strawberry.ID(name),
        cursor=Cursor(name),
        kind=EventKind(told.row["kind"]),
        occurred_at=told.row["at"],
        happened_on=told.row["happened_on"],
        contract=contract,
    )


async def timeline_of(
    root: strawberry.Parent[Contract],
    info: Info,
    first: Annotated[
        int | None, strawberry.argument(description="At most so many events, up to 200; null or left out: 50.")
    ] = strawberry.UNSET,
    after: Annotated[
        str | None, strawberry.argument(description="Begin after the edge with this cursor; null or left out: at the first.")
    ] = strawberry.UNSET,
) -> ContractEventConnection:
    """A page of the events; one query for all contracts of the answer."""
    size, place, begin = page_size(given(first)), given(after), 0
    events = await events_of(root, info.context)
    if place is not None:
        names = [told.name for told in events]
        if place not in names:
            raise bad_input("This cursor does not belong to this timeline.")
        begin = names.index(place) + 1
    page = events[begin : begin + size]
    await info.context.turns.pause()
    return ContractEventConnection(
        edges=[ContractEventEdge(node=event_of(root, told), cursor=told.name) for told in page],
        page_info=PageInfo(
            has_next_page=begin + size < len(events),
            has_previous_page=begin > 0,
            start_cursor=page[0].name if page else None,
            end_cursor=page[-1].name if page else None,
        ),
    )


@strawberry.type(description="The contract (売買契約): one sale, from its registration to the payment of the seller.")
class Contract(Node):
    contract_id: str = strawberry.field(description="The contract ID (契約ID) that people read: 18 digits, the last one a check.")
    number: str = strawberry.field(description="The site's own number of the contract (契約番号), unique at the site.")
    site: Site = strawberry.field(description="The site on which it was closed.")
    viewer_roles: list[Role] = strawberry.field(description="As what you look at it.")
    amount: Amount = strawberry.field(description="The contract's amount (金額), without fees.")
    currency: Currency = strawberry.field(description="Currency of `amount`.")
    registered_at: dt.datetime = strawberry.field(description="When it was registered (登録日時).")
    due_on: dt.date | None = strawberry.field(
        description="The day agreed for the debit (決済指定日). Null: none was agreed, the earliest possible day is taken."
    )
    terms: Terms = strawberry.field(description="What was agreed about money and goods.")
    seller: ContractParty = strawberry.field(description="The seller (売主).")
    buyer: ContractParty = strawberry.field(description="The buyer (買主).")
    goods: list[GoodsLine] = strawberry.field(description="The goods (商品), in the order of the registration.")
    debit: Debit = strawberry.field(description="The debit of the buyer (振替).")
    delivery: Delivery = strawberry.field(description="The delivery of the goods (配送).")
    payout: Payout | None = strawberry.field(description="The payment of the seller (清算). Null: not yours (a buyer).")
    as_of: Cursor = strawberry.field(
        description="The log up to which this answer is true; with it as `after` a subscription misses nothing."
    )
    row: strawberry.Private[Row]
    roles: strawberry.Private[frozenset[Role]]

    progress: Progress = strawberry.field(
        resolver=progress_of, description="Planned dates, expected dates and what has happened (figure 8)."
    )
    timeline: ContractEventConnection = strawberry.field(
        resolver=timeline_of, description="What has happened, oldest first, as far as you may see it."
    )


# ── rows to answers ──────────────────────────────────────────────────────────────────────────────────────────────────
_FAILURES = {
    DebitFailureReason.SHORT_BALANCE: ("The account did not hold enough money.", "資金不足のため振替できませんでした。"),
    DebitFailureReason.NO_ACCOUNT: ("The bank has no such account.", "取引がないため振替できませんでした。"),
    DebitFailureReason.STOPPED_BY_PAYER: ("The payer has stopped debits.", "預金者の都合により振替が停止されています。"),
    DebitFailureReason.NO_MANDATE: ("The bank has no consent of the payer.", "預金口座振替依頼書がないため振替できませんでした。"),
    DebitFailureReason.STOPPED_BY_US: ("The collecting side has stopped the debit.", "委託者の都合により振替が停止されました。"),
    DebitFailureReason.OTHER: ("The bank could not debit.", "振替できませんでした。"),
}
# A failure is told until a later attempt has got further.
_FAILURE_STANDS = frozenset({DebitStatus.PENDING, DebitStatus.INSTRUCTED, DebitStatus.UNKNOWN, DebitStatus.FAILED})


def _account(row: Row, side: str, seen: Sight) -> BankAccount | None:
    if seen is Sight.NOTHING:
        return None
    number = row[f"{side}_account_number"]
    return BankAccount(
        bank_code=row[f"{side}_bank_code"],
        branch_code=row[f"{side}_branch_code"],
        type=AccountType(row[f"{side}_account_type"]),
        number=number if seen is Sight.FULL else mask(number),
        holder=row[f"{side}_holder"],
    )


def _party(row: Row, side: str, seen: Sight) -> ContractParty:
    return ContractParty(
        code=row[f"{side}_code"],
        name=row[f"{side}_name"],
        postal_code=row[f"{side}_postal_code"],
        address=row[f"{side}_address"],
        account=_account(row, side, seen),
    )


def _debit(row: Row, roles: frozenset[Role], context: Context) -> Debit:
    status = DebitStatus(row["debit"])
    failure = None
    if row["failure"] is not None and row["failed_on"] is not None and status in _FAILURE_STANDS:
        reason = DebitFailureReason(row["failure"])
        failure = DebitFailure(
            reason=reason,
            bank_code=str(row["failure"]),
            message=context.say(*_FAILURES[reason]),
            failed_on=row["failed_on"],
            retry_on=row["retry_on"],
        )
    sees_fee = may_see(roles, FieldGroup.BUYER_FEE)
    return Debit(
        status=status,
        amount=Amount(row["gross"]) if sees_fee else None,
        buyer_fee=Amount(row["buyer_fee"]) if sees_fee else None,
        currency=Currency(row["currency"]),
        scheduled_on=row["scheduled_on"],
        debited_on=row["debited_on"],
        attempt_count=row["debit_attempt"],
        failure=failure,
    )


def _payout(row: Row) -> Payout:
    status = PayoutStatus(row["payout"])
    settles = status is not PayoutStatus.WILL_NOT_SETTLE
    return Payout(
        status=status,
        expected_amount=Amount(row["net"]),
        expected_on=row["planned_settled_on"] if settles else None,
        settled_amount=Amount(row["settled"]) if row["settled"] else None,
        settled_on=row["settled_on"],
        credited_on=row["credited_on"],
        seller_fee=Amount(row["seller_fee"]),
        currency=Currency(row["currency"]),
    )


def contract_of(row: Row, as_of: Cursor, context: Context) -> Contract:
    """The answer that this viewer gets for a row of `reading.contracts`."""
    roles = roles_of(context.viewer, row["site_id"], row["buyer_firm"], row["seller_firm"])
    assert roles, "a row without the party check"
    release, goods = Release(row["release"]), row["goods"]
    return Contract(
        id=strawberry.ID(f"c{row['contract_id']}"),
        contract_id=text(row["contract_id"]),
        number=row["number"],
        site=Site(site_id=str(row["site_id"]), name=row["site_name"]),
        viewer_roles=sorted(roles),
        amount=Amount(row["amount"]),
        currency=Currency(row["currency"]),
        registered_at=row["registered_at"],
        due_on=row["due_on"],
        terms=Terms(
            mode=Mode(row["mode"]),
            release=None if release is Release.NONE else release,
            delivery_trigger=DeliveryTrigger(row["delivery_trigger"]),
            ship_before_acceptance=row["ship_before_acceptance"],
        ),
        seller=_party(row, "seller", sight(roles, FieldGroup.SELLER_ACCOUNT)),
        buyer=_party(row, "buyer", sight(roles, FieldGroup.BUYER_ACCOUNT)),
        goods=[
            GoodsLine(name=line["name"], model=line.get("model"), quantity=line["quantity"])
            for line in (json.loads(goods) if isinstance(goods, str) else goods)
        ],
        debit=_debit(row, roles, context),
        delivery=Delivery(
            status=DeliveryStatus(row["delivery"]),
            instructed_on=row["delivery_instructed_on"],
            shipped_on=row["shipped_on"],
            delivered_on=row["delivered_on"],
            carrier=row["carrier_name"],
            tracking_number=row["tracking_number"],
        ),
        payout=_payout(row) if may_see(roles, FieldGroup.SETTLEMENT) else None,
        as_of=as_of,
        row=row,
        roles=roles,
    )


# ── loading ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def as_of(tx: Tx, scope: reading.Scope, context: Context) -> Cursor:
    """The place in the log up to which answers from this snapshot are true."""
    return Cursor(stream.encode(await reading.as_of(tx, scope), context.cursor_key))


async def load(tx: Tx, scope: reading.Scope, contract_ids: Iterable[int], context: Context, place: Cursor) -> dict[int, Contract]:
    """Those of the contracts that the viewer has a part in. One query."""
    rows = await reading.contracts(tx, scope, contract_ids)
    return {contract_id: contract_of(row, place, context) for contract_id, row in rows.items()}


async def load_contracts(context: Context, contract_ids: Sequence[int]) -> list[Contract]:
    """Contracts of which it is known that they are the viewer's (he has just registered them), in the order asked, repeats included."""
    async with snapshot() as tx:
        scope = await reading.scope_of(tx, context.viewer)
        found = await load(tx, scope, contract_ids, context, await as_of(tx, scope, context))
    return [found[contract_id] for contract_id in contract_ids]
