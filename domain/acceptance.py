"""A registration against what its site has: routes, mandates, fees, dates. Interface first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from domain.deadlines import BankRules, Slot
from domain.gates import Terms
from domain.money import FeeSchedule
from domain.planned import Baseline
from domain.problems import InputProblem
from domain.registration import NormalContract
from domain.statuses import CalendarKind

AccountKey = tuple[str, str, int, str]  # bank, branch, type, number


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """An account of the site (or of a direct seller) with the consignor code that the bank knows it by."""

    account_id: int
    bank_code: str
    consignor_code: str


@dataclass(frozen=True, slots=True)
class Mandate:
    limit: int | None = None  # yen; None: no limit


@dataclass(frozen=True, slots=True)
class SiteRules:
    site_id: str
    banks: Mapping[str, BankRules]
    collecting: Mapping[str, OwnAccount]  # by bank code
    main: OwnAccount
    fees: FeeSchedule
    ship_before_acceptance: bool = False
    delivery_days: int = 0
    sweep_days: int = 3
    carrier_calendar: CalendarKind = CalendarKind.BANK_DAYS
    ship_days: int = 3
    transit_days: int = 1
    direct_consignors: Mapping[AccountKey, OwnAccount] | None = None  # by the seller's account


@dataclass(frozen=True, slots=True)
class Resolved:
    terms: Terms
    buyer_fee: int
    seller_fee: int
    gross: int  # amount + buyer fee: what is debited
    net: int  # amount - seller fee: what is paid out
    collecting_account_id: int  # direct: the seller's account with its consignor code
    main_account_id: int
    consignor_code: str
    slot: Slot
    effective_due_on: date | None  # the due date after the shift rule
    goods_leave_on: date | None  # earliest day on which the goods can leave
    planned: Baseline


def check_against_site(
    normal: NormalContract,
    rules: SiteRules,
    now: datetime,
    mandates: Mapping[tuple[AccountKey, str], Mandate] | None = None,
    path: tuple[str, ...] = (),
) -> Resolved | list[InputProblem]:
    """`mandates`: (buyer account key, consignor code) -> ACTIVE mandate; None: not looked at here (the store
    does).
    """
    raise NotImplementedError


def consignor_of(normal: NormalContract, rules: SiteRules) -> str | None:
    """For which consignor a mandate is needed; None if no route exists."""
    raise NotImplementedError
