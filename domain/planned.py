"""Planned dates, forecast and slip (予定日・見込み・実績): figure 8, with the reason for each delay.

*Planned* is the baseline: computed once at registration from standard days, never moved [0034] (S25). *Forecast* is what the
same days give from what has happened by now; it is never in the past. *Actual* is what happened, by the bank's or
carrier's own date, empty until then (S27). *Slip* is the forecast or actual date minus the planned one, in days, and its
cause is the fact awaited or the exception that made it.

Standard days are counted in the calendar of whom they wait for (S24).
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from domain.calendar import OutsideCalendar, add_days
from domain.statuses import CalendarKind, DebitFailureReason, DebitStatus, DeliverWhen, DeliveryStatus, PayoutStatus, Release


class StepName(Enum):
    """The steps of figure 8, and the one that only the seller sees."""

    ACCEPTED = "ACCEPTED"  # 受付日
    DEBITED = "DEBITED"  # 引き落とし日
    DELIVERY_INSTRUCTED = "DELIVERY_INSTRUCTED"  # 配送指示日
    SHIPPED = "SHIPPED"  # 発送日
    SETTLED = "SETTLED"  # 清算完了日


@dataclass(frozen=True, slots=True)
class StandardDays:
    """Standard days (標準日数) of one contract's way, and the calendars in which they are counted."""

    delivery_days: int = 0  # the site's, after debited (due date: after registration)
    ship_days: int = 3  # the carrier's, after the delivery instruction
    transit_days: int = 1  # the carrier's, from shipped to delivered
    sweep_days: int = 3  # the site's, from debited until the money is in the main account
    payout_days: int = 1  # the main bank's
    buyer_bank: CalendarKind = CalendarKind.BANK_DAYS
    carrier: CalendarKind = CalendarKind.BANK_DAYS
    main_bank: CalendarKind = CalendarKind.BANK_DAYS


@dataclass(frozen=True, slots=True)
class Baseline:
    """The planned date of each step."""

    accepted_on: date
    debited_on: date
    delivery_instructed_on: date
    shipped_on: date
    settled_on: date


def baseline(
    registered_on: date,
    debit_on: date,
    due: bool,  # noqa: FBT001
    deliver_when: DeliverWhen,
    release: Release,
    days: StandardDays,
) -> Baseline:
    """The planned dates of a new contract. Raises OutsideCalendar.

    Args:
        registered_on: Bank date of the registration.
        debit_on: The due date (as shifted), else the debit date assigned.
        due: Whether it has a due date: then the goods are counted from registration, not from the debit (S21).
        deliver_when: Its delivery gate.
        release: What releases the seller's money.
        days: Standard days.
    """

    def settled_after(released_on: date) -> date:
        if release is Release.NONE:
            return debit_on
        funded_on = add_days(days.main_bank, debit_on, days.sweep_days)
        return add_days(days.main_bank, max(released_on, funded_on), days.payout_days)

    if due:
        start_on = registered_on
    elif deliver_when is DeliverWhen.ON_SETTLED:  # its release never waits for the goods, else it would be a deadlock
        start_on = settled_after(debit_on)
    else:
        start_on = debit_on
    instructed_on = add_days(days.buyer_bank, start_on, days.delivery_days)
    shipped_on = add_days(days.carrier, instructed_on, days.ship_days)
    released_on = {
        Release.ON_SHIPMENT: shipped_on,
        Release.ON_DELIVERY: add_days(days.carrier, shipped_on, days.transit_days),
    }.get(release, debit_on)
    return Baseline(registered_on, debit_on, instructed_on, shipped_on, settled_after(released_on))


@dataclass(frozen=True, slots=True)
class Facts:
    """What has happened to one contract, as its rows tell. `_on` dates are None until it has happened."""

    planned: Baseline
    deliver_when: DeliverWhen
    release: Release
    due: bool
    days: StandardDays
    debit: DebitStatus
    delivery: DeliveryStatus
    payout: PayoutStatus
    attempt_count: int = 0
    debit_value_on: date | None = None  # debit date of the attempt on its way, or assigned for the next
    acceptance_on: date | None = None  # due date: the day on which the bank gets the file, and so can accept the date
    debited_on: date | None = None  # the bank's date
    debit_answered_on: date | None = None  # the day on which the bank told us
    failure: DebitFailureReason | None = None
    delivery_instructed_on: date | None = None
    shipped_on: date | None = None
    delivered_on: date | None = None
    funded_on: date | None = None
    payout_value_on: date | None = None  # transfer date of the payout on its way
    settled_on: date | None = None
    held_up: bool = False


@dataclass(frozen=True, slots=True)
class SlipCause:
    """Why a step is later than planned, or will not come."""

    code: str
    message_en: str
    message_ja: str


@dataclass(frozen=True, slots=True)
class Step:
    """One line of figure 8."""

    name: str
    planned_on: date
    forecast_on: date | None  # None: it is not expected any more, or nobody can say
    actual_on: date | None
    slip_days: int
    slip_cause: SlipCause | None  # None: as planned, or early


_CAUSES: dict[str, tuple[str, str]] = {
    "REPRESENTED": ("the first debit failed and was tried again", "最初の振替が不能となり、再度振替を行うため"),
    "LATER_FILE": ("the debit went into the file for a later date", "後の振替日のデータに載ったため"),
    "RESULT_AFTER_DEBIT": ("the bank's result file came {late} the debit", "銀行の振替結果が振替日の{days}日後に届いたため"),
    "AWAITING_RESULT": ("the bank has not sent its result yet", "銀行からの振替結果を待っているため"),
    "RESULT_UNKNOWN": ("the bank's result is overdue; it is being asked for", "銀行からの振替結果が遅れ、照会しているため"),
    "AWAITING_ACCEPTANCE": ("the bank has not yet accepted the due date", "銀行による期日振替の受付を待っているため"),
    "AWAITING_PAYOUT": ("the goods wait for the payout", "清算の完了を待って配送するため"),
    "DELIVERY_LATER": ("the carrier was instructed later", "配送の指示が遅れたため"),
    "DELIVERY_REJECTED": ("the carrier did not take the instruction", "運送会社が配送を受け付けなかったため"),
    "DELIVERY_UNKNOWN": ("the carrier has not answered; it is being asked", "運送会社から連絡がなく、照会しているため"),
    "AWAITING_SHIPMENT": ("the carrier has not shipped yet", "運送会社からの発送の連絡を待っているため"),
    "CARRIER_LATER": ("the carrier shipped later than its standard days", "運送会社の発送が標準の日数より遅れたため"),
    "AWAITING_DELIVERY": ("the goods have not been delivered yet", "商品の配達が完了していないため"),
    "AWAITING_FUNDS": ("the money has not reached the main account yet", "資金集中の完了を待っているため"),
    "FUNDS_LATER": ("the money reached the main account later", "資金集中が遅れたため"),
    "PAYOUT_LATER": ("the payout went into a later file", "清算が後のデータに載ったため"),
    "PAYOUT_UNKNOWN": ("the payout's outcome is overdue; it is being asked for", "清算の結果が遅れ、照会しているため"),
    "PAYOUT_RETURNED": ("the payout came back: another account is needed", "清算資金が返却され、別の口座が必要なため"),
    "HELD_UP": ("the payout is held until somebody has decided", "確認のため清算を保留しているため"),
    "DEBIT_FAILED": ("the debit failed", "振替不能となったため"),
    "DEBIT_REVERSED": ("the bank took the debit back", "振替が銀行により取り消されたため"),
    "CANCELLED": ("the contract was cancelled", "契約が取り消されたため"),
    "DELIVERY_STOPPED": ("the delivery was stopped", "配送が中止されたため"),
    "GOODS_LOST": ("the goods were lost or came back", "商品が紛失または返送されたため"),
    "WILL_NOT_SETTLE": ("it will not be settled", "清算されないことが確定したため"),
    "BEYOND_CALENDAR": ("the date lies beyond the bank calendar", "銀行営業日の暦の範囲を超えるため"),
}


def _cause(code: str, days: int = 0) -> SlipCause:
    english, japanese = _CAUSES[code]
    late = "the day after" if days == 1 else f"{days} days after"
    return SlipCause(code, english.format(late=late), japanese.format(days=days))


@dataclass(frozen=True, slots=True)
class _Expected:
    """Where a step stands: done on a day, expected on a day, or not expected; and why later than planned."""

    on: date | None
    done: bool = False
    why: str | None = None
    days: int = 0

    def step(self, name: StepName, planned_on: date) -> Step:
        slip = 0 if self.on is None else (self.on - planned_on).days
        blamed = self.why is not None and (self.on is None or slip > 0)
        cause = _cause(self.why, self.days) if blamed and self.why else None
        return Step(name.value, planned_on, self.on, self.on if self.done else None, slip, cause)


# -- each step from what has happened --------------------------------------------------------------

_DEBIT_ENDS = {
    DebitStatus.FAILED: "DEBIT_FAILED",
    DebitStatus.CANCELLED: "CANCELLED",
    DebitStatus.REVERSED: "DEBIT_REVERSED",
}
_SHIPMENT_ENDS = {
    DeliveryStatus.STOPPED: "DELIVERY_STOPPED",
    DeliveryStatus.LOST: "GOODS_LOST",
    DeliveryStatus.RETURNED: "GOODS_LOST",
}


def _debited(f: Facts, today: date) -> _Expected:
    later = "REPRESENTED" if f.attempt_count > 1 else "LATER_FILE"
    if f.debit is DebitStatus.DEBITED and f.debited_on is not None:
        return _Expected(f.debited_on, done=True, why=later)
    tried_again = f.debit is DebitStatus.FAILED and f.debit_value_on is not None and f.debit_value_on > today
    if f.debit in _DEBIT_ENDS and not tried_again:
        return _Expected(None, why=_DEBIT_ENDS[f.debit])
    expected = f.debit_value_on or f.planned.debited_on
    if tried_again:
        return _Expected(expected, why="REPRESENTED")
    if f.debit is DebitStatus.PENDING:
        return _Expected(max(expected, today), why=later)
    # Instructed: the bank's date is what counts, also when its word comes days later.
    return _Expected(expected, why="RESULT_UNKNOWN" if f.debit is DebitStatus.UNKNOWN else later)


def _instructed(f: Facts, today: date, debited: _Expected, settled: _Expected | None) -> _Expected:
    on = f.delivery_instructed_on
    done = on is not None
    why: str | None
    if f.due:
        base, why, days = _by_due_date(f)
    elif settled is not None:
        in_time = settled.on is not None and settled.on <= f.planned.settled_on
        base, why, days = settled.on, "AWAITING_PAYOUT" if in_time else settled.why, settled.days
    else:
        base, why, days = _after_debit(f, debited)
    if done:
        return _Expected(on, done=True, why=why, days=days)
    if f.delivery in _SHIPMENT_ENDS:
        return _Expected(None, why=_SHIPMENT_ENDS[f.delivery])
    blocked = f.debit in _DEBIT_ENDS and debited.on is None and f.deliver_when is not DeliverWhen.AT_ONCE
    if blocked or base is None:
        return _Expected(None, why=debited.why if debited.on is None else why)
    expected = base if f.due else add_days(f.days.buyer_bank, base, f.days.delivery_days)
    return _Expected(max(expected, today), why=why, days=days)


def _by_due_date(f: Facts) -> tuple[date | None, str | None, int]:
    on = f.planned.delivery_instructed_on
    if f.deliver_when is DeliverWhen.ON_ACCEPTANCE:
        return max(on, f.acceptance_on or on), "AWAITING_ACCEPTANCE", 0
    return on, "DELIVERY_LATER", 0


def _after_debit(f: Facts, debited: _Expected) -> tuple[date | None, str | None, int]:
    if not debited.done or debited.on is None:
        if debited.on is not None and f.debit in (DebitStatus.INSTRUCTED, DebitStatus.SCHEDULED):
            slipped = debited.on > f.planned.debited_on
            return debited.on, debited.why if slipped else "AWAITING_RESULT", 0
        return debited.on, debited.why, 0
    if debited.on > f.planned.debited_on:
        return debited.on, debited.why, 0
    late = (f.debit_answered_on - debited.on).days if f.debit_answered_on is not None else 0
    return debited.on, "RESULT_AFTER_DEBIT" if late > 0 else "DELIVERY_LATER", max(late, 0)


def _shipped(f: Facts, today: date, instructed: _Expected) -> _Expected:
    standard = None if instructed.on is None else add_days(f.days.carrier, instructed.on, f.days.ship_days)
    if f.shipped_on is not None:
        own = standard is None or f.shipped_on > standard
        return _Expected(f.shipped_on, done=True, why="CARRIER_LATER" if own else instructed.why, days=instructed.days)
    if f.delivery in _SHIPMENT_ENDS or standard is None:
        return _Expected(None, why=_SHIPMENT_ENDS.get(f.delivery, instructed.why or "DELIVERY_LATER"))
    unusual = {DeliveryStatus.REJECTED: "DELIVERY_REJECTED", DeliveryStatus.UNKNOWN: "DELIVERY_UNKNOWN"}.get(f.delivery)
    if f.delivery is DeliveryStatus.REJECTED:
        return _Expected(None, why=unusual)
    if today > standard:
        return _Expected(today, why=unusual or ("AWAITING_SHIPMENT" if instructed.done else instructed.why))
    return _Expected(standard, why=instructed.why, days=instructed.days)


def _settled(f: Facts, today: date, debited: _Expected, shipped: _Expected | None) -> _Expected:
    end = _payout_end(f, debited)
    if f.payout is PayoutStatus.PAID and f.settled_on is not None:
        later = _settled_later(f, today, debited, shipped)
        return _Expected(f.settled_on, done=True, why=later, days=_inherited(shipped, later))
    if end is not None:
        return _Expected(None, why=end)
    if f.release is Release.NONE:
        return debited if not debited.done else _Expected(max(f.planned.settled_on, today), why="AWAITING_RESULT")
    if f.payout_value_on is not None and f.payout in (PayoutStatus.INSTRUCTED, PayoutStatus.UNKNOWN):
        unknown = f.payout is PayoutStatus.UNKNOWN
        because = "PAYOUT_UNKNOWN" if unknown else _settled_later(f, today, debited, shipped)
        return _Expected(f.payout_value_on, why=because, days=_inherited(shipped, because))
    ready, waits = _ready(f, today, debited, shipped)
    if ready is None:
        return _Expected(None, why=waits)
    settled_on = add_days(f.days.main_bank, max(ready, today), f.days.payout_days)
    return _Expected(settled_on, why=waits, days=_inherited(shipped, waits))


def _inherited(shipped: _Expected | None, why: str | None) -> int:
    """By how many days the cause that shipment has passed on was late."""
    return shipped.days if shipped is not None and why == shipped.why else 0


def _payout_end(f: Facts, debited: _Expected) -> str | None:
    if f.payout is PayoutStatus.PAID:
        return None
    if debited.on is None:
        return debited.why
    if f.payout is PayoutStatus.WILL_NOT_SETTLE:
        return "WILL_NOT_SETTLE"
    if f.payout is PayoutStatus.RETURNED:
        return "PAYOUT_RETURNED"
    return "HELD_UP" if f.held_up else None


def _ready(f: Facts, today: date, debited: _Expected, shipped: _Expected | None) -> tuple[date | None, str | None]:
    """When money and goods will both be there, and what the later of the two hangs on."""
    funded = f.funded_on or max(add_days(f.days.main_bank, debited.on or today, f.days.sweep_days), today)
    money = "FUNDS_LATER" if f.funded_on is not None else "AWAITING_FUNDS"
    if debited.on is not None and debited.on > f.planned.debited_on:
        money = debited.why or money
    if shipped is None:
        return funded, money
    if shipped.on is None:
        return None, shipped.why
    goods, why = shipped.on, shipped.why
    if f.release is Release.ON_DELIVERY:
        standard = add_days(f.days.carrier, shipped.on, f.days.transit_days)
        goods = f.delivered_on or max(standard, today)
        why = "AWAITING_DELIVERY" if goods > standard else why
    return max(goods, funded), why if goods >= funded else money


def _settled_later(f: Facts, today: date, debited: _Expected, shipped: _Expected | None) -> str:
    ready, why = _ready(f, today, debited, shipped)
    on = f.settled_on or f.payout_value_on
    if ready is None or why is None or on is None or on > add_days(f.days.main_bank, ready, f.days.payout_days):
        return "PAYOUT_LATER"
    return why


def progress(facts: Facts, today: date) -> tuple[Step, ...]:
    """The five steps, in the order of figure 8. A buyer is not shown SETTLED (see `domain.access`).

    Args:
        facts: What has happened.
        today: The bank date now.
    """
    planned = facts.planned
    try:
        debited = _debited(facts, today)
        waits_for_payout = not facts.due and facts.deliver_when is DeliverWhen.ON_SETTLED
        released_by_goods = facts.release in (Release.ON_SHIPMENT, Release.ON_DELIVERY)
        settled = None if released_by_goods else _settled(facts, today, debited, None)
        instructed = _instructed(facts, today, debited, settled if waits_for_payout else None)
        shipped = _shipped(facts, today, instructed)
        if settled is None:
            settled = _settled(facts, today, debited, shipped)
    except OutsideCalendar:
        # Forecasts beyond the calendar are not guessed (I19); what has happened is shown all the same.
        debited, instructed, shipped, settled = (
            _Expected(on, done=on is not None, why="BEYOND_CALENDAR")
            for on in (facts.debited_on, facts.delivery_instructed_on, facts.shipped_on, facts.settled_on)
        )
    return (
        Step(StepName.ACCEPTED.value, planned.accepted_on, planned.accepted_on, planned.accepted_on, 0, None),  # S26
        debited.step(StepName.DEBITED, planned.debited_on),
        instructed.step(StepName.DELIVERY_INSTRUCTED, planned.delivery_instructed_on),
        shipped.step(StepName.SHIPPED, planned.shipped_on),
        settled.step(StepName.SETTLED, planned.settled_on),
    )


# -- the warning of [0035] -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProgressWarning:
    """The sentence shown to both sides when a contract cannot be performed, with the bank's true reason (S32)."""

    code: str
    message_en: str
    message_ja: str


_WARNINGS: dict[DebitFailureReason, tuple[str, str]] = {
    DebitFailureReason.SHORT_BALANCE: (
        "short balance: the balance of the buyer's account does not cover the amount",
        "口座の残高不足により",
    ),
    DebitFailureReason.NO_ACCOUNT: (
        "no such account: the buyer's account is closed, or its details do not match",
        "買主の口座が存在しない（解約済み、または口座情報の相違）ため",
    ),
    DebitFailureReason.STOPPED_BY_PAYER: (
        "stopped by the payer: the buyer has told the bank not to debit",
        "買主（預金者）の都合により振替が停止されているため",
    ),
    DebitFailureReason.NO_MANDATE: (
        "no mandate: the bank holds no consent of the buyer to this debit",
        "預金口座振替依頼書がないため",
    ),
    DebitFailureReason.STOPPED_BY_US: (
        "stopped by the collecting side: the debit was recalled",
        "委託者の都合により振替が停止されたため",
    ),
    DebitFailureReason.OTHER: (
        "another reason that the bank did not name",
        "銀行側のその他の理由により",
    ),
}


def warning_of(reason: DebitFailureReason) -> ProgressWarning:
    """The warning for a failed debit. Its code is the reason's name."""
    english, japanese = _WARNINGS[reason]
    return ProgressWarning(
        reason.name,
        f"This contract cannot be performed: {english}.",
        f"{japanese}、売買契約を履行できません。",
    )
