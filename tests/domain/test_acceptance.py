"""A registration against its site: routes, mandates, fees, terms, dates (S15, S22, S47, S48, S51, S52)."""

from dataclasses import replace

import pytest

from domain.acceptance import CarrierDays, Mandate, OwnAccount, Resolved, SiteRules, check_against_site, consignor_of
from domain.deadlines import BankRules
from domain.money import FeeSchedule
from domain.planned import Baseline
from domain.problems import ProblemCode
from domain.registration import NormalContract, normalise
from domain.routing import Route
from domain.statuses import CalendarKind, DeliverWhen, FilesPerDate, Mode, Release, ShiftRule
from tests.domain.grid import grid
from tests.domain.inputs import registration, to_kana
from tests.domain.worlds import at, demo_bank, on, usual_bank

BANKS: dict[str, BankRules] = {code: demo_bank(code) for code in ("9990", "9991", "9992", "9993")}
COLLECTING = {code: OwnAccount(number, code, "0000000130") for number, code in enumerate(BANKS, 1)}
SITE = SiteRules(
    site_id="130",
    banks=BANKS,
    collecting=COLLECTING,
    main=COLLECTING["9990"],
    fees=FeeSchedule(),
    carriers={"own": CarrierDays(CalendarKind.EVERY_DAY), "far": CarrierDays(CalendarKind.EVERY_DAY, 5)},
    carrier_id="own",
)
NOW = at("09-20 10:00")


def normal(**changes: object) -> NormalContract:
    made = normalise(registration(**changes), to_kana)
    assert isinstance(made, NormalContract), made
    return made


def accepted(site: SiteRules = SITE, **changes: object) -> Resolved:
    found = check_against_site(normal(**changes), site, NOW)
    assert isinstance(found, Resolved), found
    return found


def refused(site: SiteRules = SITE, **changes: object) -> list[tuple[str, str]]:
    found = check_against_site(normal(**changes), site, NOW)
    assert isinstance(found, list), found
    return [(problem.code.name, ".".join(problem.path)) for problem in found]


def mandate_for(contract: NormalContract, limit: int | None = None):
    return {(contract.buyer.account.key, "0000000130"): Mandate(limit)}


# -- the nine contracts of the demo ----------------------------------------------------------------


@pytest.mark.parametrize(
    "number, registered, bank, yen, sealed, debit, instructed, shipped, settled",
    grid("""
        4100  09-20 10:00  9991  25000   09-20 11:00  09-24  09-24  09-27  09-28
        4101  09-20 10:00  9992  198000  09-20 11:00  09-24  09-24  09-27  09-28
        4102  09-20 10:00  9993  90000   09-20 11:00  09-24  09-24  09-27  09-28   # figure 8
        4103  09-20 10:00  9991  12000   09-20 11:00  09-24  09-24  09-27  09-28
        4112  09-21 10:00  9992  30000   09-21 11:00  09-25  09-25  09-28  09-29
        4332  09-22 10:00  9993  100000  09-22 11:00  09-26  09-26  09-29  09-30
        1544  09-22 10:00  9991  45000   09-22 11:00  09-26  09-26  09-29  09-30
        1566  09-23 10:00  9992  850000  09-23 11:00  09-27  09-27  09-30  10-01
        4662  09-24 10:00  9993  60000   09-24 11:00  09-28  09-28  10-01  10-02
    """),
)
def test_the_demo(number, registered, bank, yen, sealed, debit, instructed, shipped, settled):
    contract = normal(number=number, amount=int(yen), buyer__account__bankCode=bank)
    found = check_against_site(contract, SITE, at(registered), mandate_for(contract))
    assert isinstance(found, Resolved)
    assert (found.gross, found.net, found.buyer_fee, found.seller_fee) == (int(yen), int(yen), 0, 0)
    assert (found.collecting_account_id, found.main_account_id) == (COLLECTING[bank].account_id, 1)
    assert (found.slot.seal_at, found.slot.value_on) == (at(sealed), on(debit))
    assert found.planned == Baseline(at(registered).date(), on(debit), on(instructed), on(shipped), on(settled))
    assert (found.effective_due_on, found.goods_leave_on) == (None, None)


# -- routes ----------------------------------------------------------------------------------------


def test_s15_a_bank_where_the_site_has_no_account_is_refused_at_registration():
    assert refused(buyer__account__bankCode="9994") == [("NOT_ROUTABLE", "buyer.account.bankCode")]
    without = replace(SITE, collecting={"9990": COLLECTING["9990"]})
    assert refused(without) == [("NOT_ROUTABLE", "buyer.account.bankCode")]
    assert consignor_of(normal(), without) is None
    assert consignor_of(normal(), SITE) == "0000000130"


def test_another_sites_id_is_refused_and_ones_own_is_not():
    assert refused(siteId="320") == [("INPUT_INVALID", "siteId")]
    accepted(siteId="１３０")


def test_all_reasons_at_once_under_the_path_of_the_item():
    item = normal(siteId="320", terms={"deliveryTrigger": "AFTER_SETTLEMENT"}, dueOn=None, amount=1)
    site = replace(SITE, fees=FeeSchedule(seller_fixed=5))
    found = check_against_site(item, site, NOW, {}, ("contracts", "4"))
    assert isinstance(found, list)
    assert [(p.code.name, ".".join(p.path)) for p in found] == [
        ("INPUT_INVALID", "contracts.4.siteId"),
        ("TERMS_DEADLOCK", "contracts.4.terms.deliveryTrigger"),
        ("INPUT_INVALID", "contracts.4.amount"),
        ("NO_MANDATE", "contracts.4.buyer.account"),
    ]


# -- mandates --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limit, amount, verdict",
    grid("""
        none  9000000000  ok
        1100  1000        ok
        1099  1000        NO_MANDATE   # the limit is against what will really be debited (S51)
    """),
)
def test_mandate_limits_use_the_gross_figure(limit, amount, verdict):
    site = replace(SITE, fees=FeeSchedule(buyer_fixed=100))
    contract = normal(amount=int(amount))
    found = check_against_site(contract, site, NOW, mandate_for(contract, None if limit == "none" else int(limit)))
    assert ("ok" if isinstance(found, Resolved) else found[0].code.name) == verdict


def test_no_mandate():
    found = check_against_site(normal(), SITE, NOW, {})
    assert isinstance(found, list)
    assert [(p.code, p.path) for p in found] == [(ProblemCode.NO_MANDATE, ("buyer", "account"))]


def test_a_mandate_for_another_consignor_or_another_account_is_none():
    contract = normal()
    for mandates in (
        {(contract.buyer.account.key, "0000000320"): Mandate()},
        {(contract.seller.account.key, "0000000130"): Mandate()},
    ):
        found = check_against_site(contract, SITE, NOW, mandates)
        assert isinstance(found, list)
        assert found[0].code is ProblemCode.NO_MANDATE


# -- fees ------------------------------------------------------------------------------------------


def test_i06_fees_on_both_sides():
    site = replace(SITE, fees=FeeSchedule(100, 30, 50, 250))
    found = accepted(site, amount=10_001)
    assert (found.buyer_fee, found.seller_fee, found.gross, found.net) == (130, 300, 10_131, 9_701)


def test_fees_that_cannot_be():
    site = replace(SITE, fees=FeeSchedule(buyer_fixed=1, seller_fixed=100))
    assert refused(site, amount=100) == [("INPUT_INVALID", "amount")]
    assert refused(site, amount=9_999_999_999) == [("AMOUNT_TOO_LARGE", "amount")]
    assert accepted(site, amount=9_999_999_998).gross == 9_999_999_999


# -- due dates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "due, verdict",
    grid("""
        2000-09-24  ok                  # the next file's own date
        2000-09-23  DATE_NOT_POSSIBLE   # its file is sealed
        2000-09-20  DATE_NOT_POSSIBLE   # today
        2000-09-19  DATE_NOT_POSSIBLE   # past
        2001-03-01  ok
    """),
)
def test_s22_due_dates(due, verdict):
    found = check_against_site(normal(dueOn=due), SITE, NOW)
    if verdict == "ok":
        assert isinstance(found, Resolved)
        assert (found.effective_due_on, found.slot.value_on, found.planned.debited_on) == (on(due),) * 3
        assert found.terms.deliver_when is DeliverWhen.ON_ACCEPTANCE
    else:
        assert isinstance(found, list)
        assert [(p.code.name, p.path) for p in found] == [(verdict, ("dueOn",))]
        assert "2000-09-24" in found[0].message_en
        assert "2000-09-24" in found[0].message_ja


@pytest.mark.parametrize(
    "rule, effective",
    grid("""
        NEXT      2000-11-06
        PREVIOUS  2000-11-02
        REFUSE    -
    """),
)
def test_s22_a_due_date_on_a_holiday_is_shifted_by_the_banks_rule(rule, effective):
    site = replace(SITE, banks=BANKS | {"9991": usual_bank("9991", shift_rule=ShiftRule[rule])})
    if effective == "-":
        assert refused(site, dueOn="2000-11-03") == [("DATE_NOT_POSSIBLE", "dueOn")]
    else:
        found = accepted(site, dueOn="2000-11-03")
        assert (found.effective_due_on, found.planned.debited_on) == (on(effective), on(effective))


@pytest.mark.parametrize(
    "files, early, leaves",
    grid("""
        ONE      no   2000-10-26   # the receipt comes only when the one file goes
        SEVERAL  no   2000-10-20   # ten days ahead of the due date
        ONE      yes  2000-09-20   # claim 9
        SEVERAL  yes  2000-09-20
    """),
)
def test_registration_says_when_the_goods_can_leave(files, early, leaves):
    bank = demo_bank("9991", files_per_debit_date=FilesPerDate[files], accepts_ahead_days=10)
    site = replace(SITE, banks=BANKS | {"9991": bank})
    found = accepted(site, dueOn="2000-10-30", terms__shipBeforeAcceptance=early == "yes")
    assert found.goods_leave_on == on(leaves)
    # The site's own setting says the same for contracts that say nothing.
    silent = accepted(replace(site, ship_before_acceptance=early == "yes"), dueOn="2000-10-30")
    assert silent.goods_leave_on == on(leaves)


def test_a_contract_may_say_no_where_its_site_says_yes():
    site = replace(SITE, ship_before_acceptance=True)
    assert accepted(site, dueOn="2000-10-30").terms.deliver_when is DeliverWhen.AT_ONCE
    spoken = accepted(site, dueOn="2000-10-30", terms__shipBeforeAcceptance=False)
    assert spoken.terms.deliver_when is DeliverWhen.ON_ACCEPTANCE


def test_i19_beyond_the_calendar_nothing_is_registered():
    site = replace(SITE, banks=BANKS | {"9991": usual_bank("9991")})
    assert refused(site, dueOn="2028-01-05") == [("DATE_NOT_POSSIBLE", "dueOn")]
    found = check_against_site(normal(), site, at("2027-12-29 10:00"))
    assert isinstance(found, list)
    assert found[0].code is ProblemCode.DATE_NOT_POSSIBLE
    found = check_against_site(normal(), replace(SITE, carriers={"own": CarrierDays()}), at("2027-12-26 10:00"))
    assert isinstance(found, list)
    assert found[0].code is ProblemCode.DATE_NOT_POSSIBLE


# -- direct mode -----------------------------------------------------------------------------------

SELLERS_OWN = OwnAccount(77, "9991", "0000000777")
DIRECT_SITE = replace(SITE, direct_consignors={("9991", "101", 1, "9000001"): SELLERS_OWN})
DIRECT = {"terms": {"mode": "DIRECT"}, "seller__account__bankCode": "9991"}


def test_direct():
    found = accepted(DIRECT_SITE, **DIRECT)
    assert (found.terms.mode, found.terms.release) == (Mode.DIRECT, Release.NONE)
    assert (found.collecting_account_id, found.consignor_code) == (77, "0000000777")
    assert found.planned.settled_on == found.planned.debited_on == on("09-24")
    assert consignor_of(normal(**DIRECT), DIRECT_SITE) == "0000000777"


@pytest.mark.parametrize(
    "changes",
    [
        {"seller__account__bankCode": "9990"},  # the seller banks elsewhere
        {"seller__account__number": "9000009"},  # an account without a consignor code
    ],
    ids=str,
)
def test_s52_direct_needs_both_accounts_at_one_bank_and_the_sellers_consignor_code(changes):
    item = DIRECT | changes
    assert refused(DIRECT_SITE, **item) == [("DIRECT_NOT_POSSIBLE", "terms.mode")]
    assert refused(SITE, **item) == [("DIRECT_NOT_POSSIBLE", "terms.mode")]
    found = check_against_site(normal(**item), DIRECT_SITE, NOW)
    assert isinstance(found, list)
    assert "9991" in found[0].message_en  # names the bank


def test_s49_fees_in_direct_mode_need_a_bank_that_splits_them():
    site = replace(DIRECT_SITE, fees=FeeSchedule(buyer_fixed=1))
    assert refused(site, **DIRECT) == [("DIRECT_NOT_POSSIBLE", "terms.mode")]
    splitting = replace(site, banks=BANKS | {"9991": demo_bank("9991", splits_fees=True)})
    assert accepted(splitting, **DIRECT).gross == 25_001


def test_s48_direct_cannot_wait_for_the_goods():
    item = DIRECT | {"terms": {"mode": "DIRECT", "release": "ON_SHIPMENT"}}
    assert refused(DIRECT_SITE, **item) == [("TERMS_DEADLOCK", "terms.release")]


def test_messages_say_nothing_about_accounts():
    for item in (DIRECT, {"buyer__account__bankCode": "9994"}, {"dueOn": "2000-09-01"}, {"siteId": "1"}):
        found = check_against_site(normal(**item), SITE, NOW, {})
        assert isinstance(found, list)
        assert not any(number in str(found) for number in ("9000001", "9000002", "ｼﾔ", "社"))


# -- carriers --------------------------------------------------------------------------------------


def test_a_rule_gives_the_goods_to_another_carrier_with_its_own_days():
    routed = replace(SITE, routes=(Route(1, "far", prefecture="北海道"), Route(2, "own", goods="コピー*")))
    near, far = accepted(routed), accepted(routed, buyer__address="北海道札幌市")
    assert (near.carrier_id, far.carrier_id) == ("own", "far")
    assert (near.planned.shipped_on, far.planned.shipped_on) == (on("09-27"), on("09-29"))


def test_goods_for_which_no_carrier_is_named_are_refused_with_every_other_mistake():
    without = replace(SITE, carrier_id=None, routes=(Route(1, "far", prefecture="北海道"),))
    assert refused(without) == [("NOT_ROUTABLE", "buyer.address")]
    assert accepted(without, buyer__address="北海道札幌市").carrier_id == "far"
    both = [("NOT_ROUTABLE", "buyer.address"), ("NOT_ROUTABLE", "buyer.account.bankCode")]
    assert refused(without, buyer__account__bankCode="9994") == both
