"""Whether a site can have this contract settled at all (受付審査): route, consent, fees, date, terms. All mistakes at once.

Everything that can only fail later at a bank is refused here, where the site can still mend it: no account at the buyer's
bank (S15), no mandate [0018], terms that wait for each other (S47), a date that cannot be met (S22). What comes out is what the
store writes with the contract.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from domain import carrier_files
from domain.accounts import AccountKey
from domain.calendar import OutsideCalendar, business_date
from domain.deadlines import BankRules, DateProblem, DateReason, Slot, debit_slot, next_debit
from domain.gates import Terms, resolve_terms
from domain.money import MAX_LINE, FeeRefusal, FeeSchedule, fee_refusal, fees_of
from domain.planned import Baseline, StandardDays, baseline
from domain.problems import InputProblem, ProblemCode
from domain.registration import NormalContract
from domain.routing import Consignment, Route, carrier_of
from domain.statuses import CalendarKind, DeliverWhen, Mode, ShiftRule

Path = tuple[str, ...]

__all__ = [
    "AccountKey",
    "CarrierDays",
    "Mandate",
    "OwnAccount",
    "Resolved",
    "SiteRules",
    "check_against_site",
    "consignor_of",
    "mandate_refusal",
    "standard_days",
]


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """An account that receives: the site's at a bank, or a direct seller's. The bank knows it by its consignor code."""

    account_id: int
    bank_code: str
    consignor_code: str  # 委託者コード


@dataclass(frozen=True, slots=True)
class Mandate:
    """An ACTIVE consent of a buyer's account to debits by one consignor (預金口座振替依頼書)."""

    limit: int | None = None  # yen a debit; None: no limit


@dataclass(frozen=True, slots=True)
class CarrierDays:
    """How long a carrier takes, in which days it counts, and whether it is given files."""

    calendar: CalendarKind = CalendarKind.BANK_DAYS
    ship_days: int = 3
    labels: bool = False  # it is given CSV files: what does not fit there is refused here


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What a site has and wants, on the day of the registration."""

    site_id: str
    banks: Mapping[str, BankRules]
    collecting: Mapping[str, OwnAccount]  # by bank code
    main: OwnAccount
    fees: FeeSchedule
    carriers: Mapping[str, CarrierDays]
    carrier_id: str | None  # where no route fits; None: such a contract is refused
    routes: tuple[Route, ...] = ()
    ship_before_acceptance: bool = False
    delivery_days: int = 0
    sweep_days: int = 3
    transit_days: int = 1
    direct_consignors: Mapping[AccountKey, OwnAccount] | None = None  # by the seller's account
    late_due_dates: ShiftRule = ShiftRule.REFUSE  # NEXT: a due date whose file is sealed moves to the next date that can be met


@dataclass(frozen=True, slots=True)
class Resolved:
    """Everything that follows from a registration and is stored with it."""

    terms: Terms
    buyer_fee: int
    seller_fee: int
    gross: int  # amount + buyer fee: what is debited (S51)
    net: int  # amount - seller fee: what is paid out
    collecting_account_id: int  # direct: the seller's own account
    main_account_id: int
    carrier_id: str
    consignor_code: str
    slot: Slot
    effective_due_on: date | None  # the due date, where the bank's rule has moved it
    goods_leave_on: date | None  # with a due date: the first day on which the goods can leave
    planned: Baseline


# The contracts of one call share bank, clock reading and often the due date: asked once, answered from memory.
@lru_cache(maxsize=4096)
def _slot(bank: BankRules, now: datetime, due_on: date | None) -> Slot | DateProblem:
    if due_on is not None:
        return debit_slot(bank, now, due_on)
    try:
        return next_debit(bank, now)
    except OutsideCalendar:
        return DateProblem(DateReason.BEYOND_CALENDAR)


_planned = lru_cache(maxsize=4096)(baseline)


def standard_days(rules: SiteRules, buyer_bank: BankRules, carrier_id: str) -> StandardDays:
    """The standard days of a contract whose buyer is debited at `buyer_bank`, each with its calendar."""
    main, carrier = rules.banks[rules.main.bank_code], rules.carriers[carrier_id]
    return StandardDays(
        delivery_days=rules.delivery_days,
        ship_days=carrier.ship_days,
        transit_days=rules.transit_days,
        sweep_days=rules.sweep_days,
        payout_days=main.payout_days,
        buyer_bank=buyer_bank.calendar,
        carrier=carrier.calendar,
        main_bank=main.calendar,
    )


def _route(normal: NormalContract, rules: SiteRules) -> OwnAccount | None:
    """The account that the debit is credited to."""
    buyer, seller = normal.buyer.account, normal.seller.account
    if normal.mode is not Mode.DIRECT:
        return rules.collecting.get(buyer.bank_code)
    if seller.bank_code != buyer.bank_code or rules.direct_consignors is None:
        return None
    return rules.direct_consignors.get(seller.key)


def _carrier(normal: NormalContract, rules: SiteRules) -> str | None:
    if not rules.routes:
        return rules.carrier_id
    buyer = normal.buyer
    to = Consignment(buyer.postal_code, buyer.address, tuple((line.name, line.model) for line in normal.goods))
    return carrier_of(rules.routes, rules.carrier_id, to)


def consignor_of(normal: NormalContract, rules: SiteRules) -> str | None:
    """The consignor whose mandate the debit needs; None if there is no way from the buyer's bank."""
    route = _route(normal, rules)
    return None if route is None else route.consignor_code


def check_against_site(
    normal: NormalContract,
    rules: SiteRules,
    now: datetime,
    mandates: Mapping[tuple[AccountKey, str], Mandate] | None = None,
    path: Path = (),
) -> Resolved | list[InputProblem]:
    """What follows from the registration of `normal` now, or every reason against it.

    Args:
        normal: The registration.
        rules: Its site.
        now: The business clock, as read for this unit of work.
        mandates: ACTIVE mandates by (buyer's account, consignor code), at least those of this call; None: not looked at
            here, the caller does.
        path: Where the item stands in the input.
    """
    problems: list[InputProblem] = []
    if normal.site_id is not None and normal.site_id != rules.site_id:
        problems.append(_problem("another_site", (*path, "siteId")))

    due = normal.due_on is not None
    wish = normal.ship_before_acceptance
    at_once = rules.ship_before_acceptance if wish is None else wish
    terms = resolve_terms(normal.mode, normal.release, normal.delivery_trigger, at_once, due)
    if isinstance(terms, InputProblem):
        problems.append(InputProblem(terms.code, terms.message_en, terms.message_ja, path + terms.path))

    buyer_fee, seller_fee = fees_of(normal.amount, rules.fees)
    refusal = fee_refusal(normal.amount, buyer_fee, seller_fee)
    if refusal is not None:
        problems.append(_problem(refusal.name.lower(), (*path, "amount")))

    carrier_id = _carrier(normal, rules)
    problems += _beyond_carrier(normal, None if carrier_id is None else rules.carriers[carrier_id], path)

    bank = rules.banks.get(normal.buyer.account.bank_code)
    route = _route(normal, rules)
    if bank is None or route is None:
        problems.append(_no_route(normal, path))
        return problems
    problems += _beyond_banks(normal, bank, rules.banks[rules.main.bank_code], (buyer_fee, seller_fee), path)
    if due and not bank.scheduled_debits:
        return problems
    if mandates is not None:
        refused = mandate_refusal(mandates.get((normal.buyer.account.key, route.consignor_code)), normal.amount + buyer_fee, path)
        if refused is not None:
            problems.append(refused)
    slot = _slot(bank, now, normal.due_on)
    if rules.late_due_dates is ShiftRule.NEXT and isinstance(slot, DateProblem) and slot.reason is DateReason.TOO_LATE:
        slot = _slot(bank, now, slot.earliest_on)
    if isinstance(slot, DateProblem):
        problems.append(_no_date(slot, (*path, "dueOn")))
        return problems
    if problems or isinstance(terms, InputProblem) or carrier_id is None:
        return problems

    try:
        planned = _planned(
            business_date(now), slot.value_on, due, terms.deliver_when, terms.release, standard_days(rules, bank, carrier_id)
        )
    except OutsideCalendar:
        return [_no_date(DateProblem(DateReason.BEYOND_CALENDAR), (*path, "dueOn"))]
    return Resolved(
        terms,
        buyer_fee,
        seller_fee,
        normal.amount + buyer_fee,
        normal.amount - seller_fee,
        route.account_id,
        rules.main.account_id,
        carrier_id,
        route.consignor_code,
        slot,
        slot.value_on if due else None,
        _goods_leave_on(terms, slot, planned) if due else None,
        planned,
    )


def _beyond_banks(normal: NormalContract, bank: BankRules, main: BankRules, fees: tuple[int, int], path: Path) -> Iterator[InputProblem]:
    """What the banks on the way cannot do for this contract, by their settings."""
    direct = normal.mode is Mode.DIRECT
    if direct and sum(fees) > 0 and not bank.splits_fees:
        yield _problem("fees_not_split", (*path, "terms", "mode"), bank=bank.bank_code)
    lines = [(normal.amount + fees[0], bank)]  # the debit; and in escrow the payout
    if not direct:
        lines.append((normal.amount - fees[1], main))
    too_small = next((limiting for yen, limiting in lines if limiting.max_line_yen < yen <= MAX_LINE), None)  # more than that no bank takes
    if too_small is not None:
        yield _problem("over_bank_limit", (*path, "amount"), bank=too_small.bank_code, limit=f"{too_small.max_line_yen:,}")
    if normal.due_on is not None and not bank.scheduled_debits:
        yield _problem("no_due_dates", (*path, "dueOn"), bank=bank.bank_code)


def _beyond_carrier(normal: NormalContract, carrier: CarrierDays | None, path: Path) -> Iterator[InputProblem]:
    """That there is none, or what its file cannot hold of this contract (docs/wire.md section 6)."""
    if carrier is None:
        yield _problem("no_carrier", (*path, "buyer", "address"))
    if carrier is None or not carrier.labels:
        return
    seller, buyer = normal.seller, normal.buyer
    label = carrier_files.Label(
        normal.number,
        carrier_files.Party(seller.name, seller.postal_code, seller.address),
        carrier_files.Party(buyer.name, buyer.postal_code, buyer.address),
        [(line.name, line.model, line.quantity) for line in normal.goods],
    )
    for fault in carrier_files.faults(label):
        character = fault.why.character
        if character is None:
            yield _problem("too_long_for_label", path + fault.path, limit=str(fault.why.limit // 2))
        else:
            shown = character if character.isprintable() else f"U+{ord(character[0]):04X}"
            yield _problem("not_on_label", path + fault.path, character=shown)


def _goods_leave_on(terms: Terms, slot: Slot, planned: Baseline) -> date:
    """At once, or when the bank has the file and can accept the date; at a bank that takes ONE file, days before it."""
    if terms.deliver_when is DeliverWhen.AT_ONCE:
        return planned.delivery_instructed_on
    return max(planned.delivery_instructed_on, business_date(slot.deadline_at))


# -- sentences -------------------------------------------------------------------------------------

_SENTENCES: dict[str, tuple[ProblemCode, str, str]] = {
    "another_site": (
        ProblemCode.INPUT_INVALID,
        "Is not the site of your token: leave it out, or give your own.",
        "トークンのサイトと一致しません。省略するか、自サイトの ID を指定してください。",
    ),
    FeeRefusal.SELLER_GETS_NOTHING.name.lower(): (
        ProblemCode.INPUT_INVALID,
        "The seller's fee would be the whole amount or more.",
        "売主側の手数料が金額以上になります。",
    ),
    FeeRefusal.TOO_LARGE.name.lower(): (
        ProblemCode.AMOUNT_TOO_LARGE,
        "Amount and buyer's fee together are more than a debit can carry (9,999,999,999 yen).",
        "金額と買主側手数料の合計が、振替できる上限（9,999,999,999 円）を超えます。",
    ),
    "not_routable": (
        ProblemCode.NOT_ROUTABLE,
        "The site has no account at bank {bank}, so nothing can be debited there.",
        "サイトの口座が金融機関 {bank} にないため、振替できません。",
    ),
    "no_carrier": (
        ProblemCode.NOT_ROUTABLE,
        "No carrier of the site takes these goods to this address.",
        "この配送先・商品を扱う運送会社が、サイトに設定されていません。",
    ),
    "not_on_label": (
        ProblemCode.UNSUPPORTED_CHARACTER,
        "“{character}” cannot be written in the carrier's data (Shift_JIS). Please use another character.",
        "「{character}」は運送会社のデータ（Shift_JIS）に書けません。別の文字で入力してください。",
    ),
    "too_long_for_label": (
        ProblemCode.INPUT_INVALID,
        "At most {limit} full-width characters fit on the carrier's label.",
        "運送会社の送り状には全角 {limit} 文字までしか書けません。",
    ),
    "not_direct": (
        ProblemCode.DIRECT_NOT_POSSIBLE,
        "Direct settlement needs both accounts at bank {bank} and a consignor code of the seller's own there.",
        "直接決済には、売主・買主の口座が共に金融機関 {bank} にあり、売主自身の委託者コードがあることが必要です。",
    ),
    "fees_not_split": (
        ProblemCode.DIRECT_NOT_POSSIBLE,
        "Bank {bank} cannot split fees off a direct settlement.",
        "金融機関 {bank} の直接決済では手数料を分けられません。",
    ),
    "over_bank_limit": (
        ProblemCode.AMOUNT_TOO_LARGE,
        "Bank {bank} takes at most {limit} yen in one instruction, fee included.",
        "金融機関 {bank} の 1 件あたりの上限は、手数料込みで {limit} 円です。",
    ),
    "no_due_dates": (
        ProblemCode.DATE_NOT_POSSIBLE,
        "Bank {bank} takes no debits for a due date: leave it out, and the buyer is debited on the next possible date.",
        "金融機関 {bank} は期日振替を受け付けません。決済指定日を省略すると、次に可能な日に振り替えます。",
    ),
    "no_mandate": (
        ProblemCode.NO_MANDATE,
        "The buyer's account has no active mandate for this consignor.",
        "買主の口座には、この委託者への有効な預金口座振替依頼がありません。",
    ),
    "over_limit": (
        ProblemCode.NO_MANDATE,
        "The buyer's mandate is limited to {limit} yen a debit, fee included.",
        "買主の預金口座振替依頼の上限は、手数料込みで 1 回 {limit} 円です。",
    ),
    DateReason.PAST.name: (
        ProblemCode.DATE_NOT_POSSIBLE,
        "The date is past.{earliest}",
        "過去の日付です。{earliest_ja}",
    ),
    DateReason.TOO_LATE.name: (
        ProblemCode.DATE_NOT_POSSIBLE,
        "The bank's last file for this date is closed.{earliest}",
        "この日の振替データは締め切られました。{earliest_ja}",
    ),
    DateReason.HOLIDAY.name: (
        ProblemCode.DATE_NOT_POSSIBLE,
        "The bank does not work on this day.{earliest}",
        "銀行の営業日ではありません。{earliest_ja}",
    ),
    DateReason.BEYOND_CALENDAR.name: (
        ProblemCode.DATE_NOT_POSSIBLE,
        "The date lies beyond the calendar of bank days, and bank days are not guessed.",
        "銀行営業日の暦の範囲を超えています。",
    ),
}


def _problem(what: str, path: Path, **words: str) -> InputProblem:
    code, english, japanese = _SENTENCES[what]
    return InputProblem(code, english.format(**words), japanese.format(**words), path)


ANOTHER_SITE = _problem("another_site", ())
"""Said of a `siteId` that is not the token's."""


def _no_route(normal: NormalContract, path: Path) -> InputProblem:
    bank = normal.buyer.account.bank_code
    if normal.mode is Mode.DIRECT:
        return _problem("not_direct", (*path, "terms", "mode"), bank=bank)
    return _problem("not_routable", (*path, "buyer", "account", "bankCode"), bank=bank)


def mandate_refusal(mandate: Mandate | None, gross: int, path: Path = ()) -> InputProblem | None:
    """None if the mandate covers a debit of `gross` yen (S51); the same sentence at registration and when a batch is filled."""
    at = (*path, "buyer", "account")
    if mandate is None:
        return _problem("no_mandate", at)
    if mandate.limit is not None and gross > mandate.limit:
        return _problem("over_limit", at, limit=f"{mandate.limit:,}")
    return None


def _no_date(problem: DateProblem, path: Path) -> InputProblem:
    earliest = problem.earliest_on
    return _problem(
        problem.reason.name,
        path,
        earliest=f" The earliest possible date is {earliest}." if earliest else "",
        earliest_ja=f"最も早い日は {earliest} です。" if earliest else "",
    )
