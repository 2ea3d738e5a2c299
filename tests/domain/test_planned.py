"""Figure 8, to the day, and every way in which a step can slip or end."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.planned import Baseline, Facts, StandardDays, baseline, progress, warning_of
from domain.statuses import CalendarKind, DebitFailureReason, DebitStatus, DeliverWhen, DeliveryStatus, PayoutStatus, Release
from tests.domain.grid import grid
from tests.domain.worlds import on

EVERY_DAY = StandardDays(buyer_bank=CalendarKind.EVERY_DAY, carrier=CalendarKind.EVERY_DAY, main_bank=CalendarKind.EVERY_DAY)
FIGURE_8 = Baseline(on("09-20"), on("09-24"), on("09-24"), on("09-27"), on("09-28"))


def facts(**changes: Any) -> Facts:
    """#102 of the demo (130/4102) when it has just been registered."""
    new = Facts(
        planned=FIGURE_8,
        deliver_when=DeliverWhen.ON_DEBITED,
        release=Release.ON_SHIPMENT,
        due=False,
        days=EVERY_DAY,
        debit=DebitStatus.PENDING,
        delivery=DeliveryStatus.PENDING,
        payout=PayoutStatus.PENDING,
        debit_value_on=on("09-24"),
    )
    return replace(new, **changes)


INSTRUCTED = {"debit": DebitStatus.INSTRUCTED, "attempt_count": 1}
DEBITED = {
    "debit": DebitStatus.DEBITED,
    "attempt_count": 1,
    "debited_on": on("09-24"),
    "debit_answered_on": on("09-25"),
}
ORDERED = DEBITED | {"delivery": DeliveryStatus.INSTRUCTED, "delivery_instructed_on": on("09-25")}
SHIPPED = ORDERED | {"delivery": DeliveryStatus.SHIPPED, "shipped_on": on("09-28")}
FUNDED = SHIPPED | {"funded_on": on("09-26")}
PAYING = FUNDED | {"payout": PayoutStatus.INSTRUCTED, "payout_value_on": on("09-29")}
PAID = PAYING | {"payout": PayoutStatus.PAID, "settled_on": on("09-29")}


def lines(found):
    """One line a step: planned, forecast, actual, slip, cause."""

    def day(value):
        return "-" if value is None else f"{value:%m-%d}"

    return {
        step.name: (
            day(step.planned_on),
            day(step.forecast_on),
            day(step.actual_on),
            step.slip_days,
            step.slip_cause.code if step.slip_cause else "-",
        )
        for step in found
    }


def wanted(table):
    return {name: (planned, forecast, actual, int(slip), why) for name, planned, forecast, actual, slip, why in grid(table)}


def test_s24_s25_figure_8():
    """F社's view of 130/4102 at 09-26 09:00: planned dates stay, the slip says why."""
    found = progress(facts(**ORDERED), on("09-26"))
    assert lines(found) == wanted("""
        ACCEPTED             09-20  09-20  09-20  0  -
        DEBITED              09-24  09-24  09-24  0  -
        DELIVERY_INSTRUCTED  09-24  09-25  09-25  1  RESULT_AFTER_DEBIT
        SHIPPED              09-27  09-28  -      1  RESULT_AFTER_DEBIT
        SETTLED              09-28  09-29  -      1  RESULT_AFTER_DEBIT
    """)
    cause = found[3].slip_cause
    assert cause is not None
    assert cause.message_en == "the bank's result file came the day after the debit"
    assert cause.message_ja == "銀行の振替結果が振替日の1日後に届いたため"


@pytest.mark.parametrize("then", [ORDERED, SHIPPED, FUNDED, PAYING, PAID])
def test_a_cause_that_is_passed_on_keeps_its_days(then: dict[str, Any]):
    found = {step.name: step.slip_cause for step in progress(facts(**then), on("09-29"))}
    passed_on = {cause.message_en for cause in found.values() if cause is not None and cause.code == "RESULT_AFTER_DEBIT"}
    assert passed_on == {"the bank's result file came the day after the debit"}


@pytest.mark.parametrize(
    "today, then, debited, instructed, shipped, settled",
    [
        (
            "09-20",
            {},
            "09-24 09-24 - 0 -",
            "09-24 09-24 - 0 -",
            "09-27 09-27 - 0 -",
            "09-28 09-28 - 0 -",
        ),
        (
            "09-24",
            INSTRUCTED,
            "09-24 09-24 - 0 -",
            "09-24 09-24 - 0 -",
            "09-27 09-27 - 0 -",
            "09-28 09-28 - 0 -",
        ),
        (  # the bank is silent: its date stands, everything behind it moves with each day
            "09-26",
            INSTRUCTED,
            "09-24 09-24 - 0 -",
            "09-24 09-26 - 2 AWAITING_RESULT",
            "09-27 09-29 - 2 AWAITING_RESULT",
            "09-28 09-30 - 2 AWAITING_RESULT",
        ),
        (
            "09-27",
            INSTRUCTED | {"debit": DebitStatus.UNKNOWN},
            "09-24 09-24 - 0 -",
            "09-24 09-27 - 3 RESULT_UNKNOWN",
            "09-27 09-30 - 3 RESULT_UNKNOWN",
            "09-28 10-01 - 3 RESULT_UNKNOWN",
        ),
        (
            "09-29",
            ORDERED,
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 09-29 - 2 AWAITING_SHIPMENT",
            "09-28 09-30 - 2 AWAITING_SHIPMENT",
        ),
        (
            "09-30",
            ORDERED | {"delivery": DeliveryStatus.UNKNOWN},
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 09-30 - 3 DELIVERY_UNKNOWN",
            "09-28 10-01 - 3 DELIVERY_UNKNOWN",
        ),
        (
            "09-27",  # EXPRESS: early is no slip to explain
            ORDERED | {"delivery": DeliveryStatus.SHIPPED, "shipped_on": on("09-26"), "funded_on": on("09-27")},
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 09-26 09-26 -1 -",
            "09-28 09-28 - 0 -",
        ),
        (
            "09-30",
            SHIPPED | {"shipped_on": on("09-30")},
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 09-30 09-30 3 CARRIER_LATER",
            "09-28 10-01 - 3 CARRIER_LATER",
        ),
        (
            "09-29",  # the goods are gone, the money is not there yet
            SHIPPED,
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 09-28 09-28 1 RESULT_AFTER_DEBIT",
            "09-28 09-30 - 2 AWAITING_FUNDS",
        ),
        (
            "10-02",
            PAID,
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 09-28 09-28 1 RESULT_AFTER_DEBIT",
            "09-28 09-29 09-29 1 RESULT_AFTER_DEBIT",
        ),
        (
            "10-02",
            PAID | {"settled_on": on("10-01")},
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 09-28 09-28 1 RESULT_AFTER_DEBIT",
            "09-28 10-01 10-01 3 PAYOUT_LATER",
        ),
        (
            "10-02",
            PAYING | {"payout": PayoutStatus.UNKNOWN},
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 09-28 09-28 1 RESULT_AFTER_DEBIT",
            "09-28 09-29 - 1 PAYOUT_UNKNOWN",
        ),
        (
            "09-30",
            FUNDED | {"held_up": True},
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 09-28 09-28 1 RESULT_AFTER_DEBIT",
            "09-28 - - 0 HELD_UP",
        ),
        (
            "10-02",
            PAYING | {"payout": PayoutStatus.RETURNED},
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 09-28 09-28 1 RESULT_AFTER_DEBIT",
            "09-28 - - 0 PAYOUT_RETURNED",
        ),
        (  # #100: short balance, no further try; S27: empty, no magic date
            "09-26",
            INSTRUCTED | {"debit": DebitStatus.FAILED, "payout": PayoutStatus.WILL_NOT_SETTLE},
            "09-24 - - 0 DEBIT_FAILED",
            "09-24 - - 0 DEBIT_FAILED",
            "09-27 - - 0 DEBIT_FAILED",
            "09-28 - - 0 DEBIT_FAILED",
        ),
        (  # the same with another try on 09-30
            "09-26",
            INSTRUCTED | {"debit": DebitStatus.FAILED, "debit_value_on": on("09-30")},
            "09-24 09-30 - 6 REPRESENTED",
            "09-24 09-30 - 6 REPRESENTED",
            "09-27 10-03 - 6 REPRESENTED",
            "09-28 10-04 - 6 REPRESENTED",
        ),
        (  # and when that went well
            "10-01",
            DEBITED | {"attempt_count": 2, "debited_on": on("09-30"), "debit_answered_on": on("10-01")},
            "09-24 09-30 09-30 6 REPRESENTED",
            "09-24 10-01 - 7 REPRESENTED",
            "09-27 10-04 - 7 REPRESENTED",
            "09-28 10-05 - 7 REPRESENTED",
        ),
        (  # the file for its date was full
            "09-20",
            {"debit_value_on": on("09-25")},
            "09-24 09-25 - 1 LATER_FILE",
            "09-24 09-25 - 1 LATER_FILE",
            "09-27 09-28 - 1 LATER_FILE",
            "09-28 09-29 - 1 LATER_FILE",
        ),
        (
            "09-22",
            {"debit": DebitStatus.CANCELLED, "payout": PayoutStatus.WILL_NOT_SETTLE},
            "09-24 - - 0 CANCELLED",
            "09-24 - - 0 CANCELLED",
            "09-27 - - 0 CANCELLED",
            "09-28 - - 0 CANCELLED",
        ),
        (
            "09-26",
            ORDERED | {"delivery": DeliveryStatus.REJECTED},
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 - - 0 DELIVERY_REJECTED",
            "09-28 - - 0 DELIVERY_REJECTED",
        ),
        (
            "09-26",
            ORDERED | {"delivery": DeliveryStatus.LOST},
            "09-24 09-24 09-24 0 -",
            "09-24 09-25 09-25 1 RESULT_AFTER_DEBIT",
            "09-27 - - 0 GOODS_LOST",
            "09-28 - - 0 GOODS_LOST",
        ),
        (
            "09-30",
            FUNDED | {"debit": DebitStatus.REVERSED},
            "09-24 - - 0 DEBIT_REVERSED",
            "09-24 09-25 09-25 1 DEBIT_REVERSED",
            "09-27 09-28 09-28 1 DEBIT_REVERSED",
            "09-28 - - 0 DEBIT_REVERSED",
        ),
    ],
)
def test_the_way_of_one_contract(today, then, debited, instructed, shipped, settled):
    found = lines(progress(facts(**then), on(today)))
    steps = zip(("DEBITED", "DELIVERY_INSTRUCTED", "SHIPPED", "SETTLED"), (debited, instructed, shipped, settled), strict=True)
    for name, text in steps:
        planned, forecast, actual, slip, why = text.split()
        assert found[name] == (planned, forecast, actual, int(slip), why), name


# -- baseline --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "due, deliver_when, release, instructed, shipped, settled",
    grid("""
        no   ON_DEBITED     ON_SHIPMENT    09-24  09-27  09-28   # figure 8
        no   ON_DEBITED     ON_DELIVERY    09-24  09-27  09-29   # a day on the road
        no   ON_DEBITED     UNCONDITIONAL  09-24  09-27  09-28   # the sweep alone
        no   ON_SETTLED     UNCONDITIONAL  09-28  10-01  09-28
        no   ON_SETTLED     NONE           09-24  09-27  09-24   # direct: one event
        yes  ON_ACCEPTANCE  ON_SHIPMENT    09-20  09-23  09-28   # S21: the goods from registration
        yes  AT_ONCE        ON_SHIPMENT    09-20  09-23  09-28
        yes  ON_ACCEPTANCE  NONE           09-20  09-23  09-24
    """),
)
def test_baseline(due, deliver_when, release, instructed, shipped, settled):
    planned = baseline(on("09-20"), on("09-24"), due == "yes", DeliverWhen[deliver_when], Release[release], EVERY_DAY)
    assert planned == Baseline(on("09-20"), on("09-24"), on(instructed), on(shipped), on(settled))


def test_each_stretch_is_counted_in_the_calendar_of_whom_it_waits_for():
    days = StandardDays(delivery_days=1, buyer_bank=CalendarKind.BANK_DAYS, carrier=CalendarKind.EVERY_DAY)
    planned = baseline(on("09-18"), on("09-22"), False, DeliverWhen.ON_DEBITED, Release.ON_SHIPMENT, days)
    # Friday 09-22; the next bank day is Monday 09-25; the carrier works every day; 3 + 1 bank days from 09-22 and 09-28.
    assert planned == Baseline(on("09-18"), on("09-22"), on("09-25"), on("09-28"), on("09-29"))


# -- due dates -------------------------------------------------------------------------------------

DUE = {
    "due": True,
    "deliver_when": DeliverWhen.ON_ACCEPTANCE,
    "planned": Baseline(on("09-20"), on("09-29"), on("09-20"), on("09-23"), on("10-03")),
    "debit_value_on": on("09-29"),
    "acceptance_on": on("09-25"),
}


def test_s21_a_due_date_at_a_bank_with_one_file_lets_the_goods_go_when_the_file_is_there():
    assert lines(progress(facts(**DUE), on("09-20"))) == wanted("""
        ACCEPTED             09-20  09-20  09-20  0  -
        DEBITED              09-29  09-29  -      0  -
        DELIVERY_INSTRUCTED  09-20  09-25  -      5  AWAITING_ACCEPTANCE
        SHIPPED              09-23  09-28  -      5  AWAITING_ACCEPTANCE
        SETTLED              10-03  10-03  -      0  -
    """)


def test_s17_a_due_date_is_not_shown_as_executed_while_it_is_only_scheduled():
    scheduled = facts(**DUE, debit=DebitStatus.SCHEDULED, attempt_count=1)
    assert lines(progress(scheduled, on("09-25")))["DEBITED"] == ("09-29", "09-29", "-", 0, "-")


def test_a_due_date_that_fails_after_the_goods_left_keeps_what_happened():
    gone = DUE | {"delivery": DeliveryStatus.SHIPPED, "delivery_instructed_on": on("09-25"), "shipped_on": on("09-28")}
    failed = facts(**gone, debit=DebitStatus.FAILED, attempt_count=1, payout=PayoutStatus.WILL_NOT_SETTLE)
    found = lines(progress(failed, on("10-01")))
    assert found["SHIPPED"][:3] == ("09-23", "09-28", "09-28")
    assert found["SETTLED"] == ("10-03", "-", "-", 0, "DEBIT_FAILED")


def test_direct_and_after_settlement():
    direct: dict[str, Any] = {"deliver_when": DeliverWhen.ON_SETTLED, "release": Release.NONE}
    direct["planned"] = Baseline(on("09-20"), on("09-24"), on("09-24"), on("09-27"), on("09-24"))
    assert lines(progress(facts(**direct), on("09-20")))["SETTLED"] == ("09-24", "09-24", "-", 0, "-")
    done = direct | DEBITED | {"payout": PayoutStatus.PAID, "settled_on": on("09-24")}
    assert lines(progress(facts(**done), on("09-25"))) == wanted("""
        ACCEPTED             09-20  09-20  09-20  0  -
        DEBITED              09-24  09-24  09-24  0  -
        DELIVERY_INSTRUCTED  09-24  09-25  -      1  AWAITING_PAYOUT
        SHIPPED              09-27  09-28  -      1  AWAITING_PAYOUT
        SETTLED              09-24  09-24  09-24  0  -
    """)


def test_on_delivery_waits_for_the_goods_to_arrive():
    late = facts(**FUNDED | {"release": Release.ON_DELIVERY, "delivery": DeliveryStatus.IN_TRANSIT})
    assert lines(progress(late, on("10-02")))["SETTLED"] == ("09-28", "10-03", "-", 5, "AWAITING_DELIVERY")


def test_i19_a_forecast_beyond_the_calendar_is_left_out_and_what_happened_stays():
    far = Baseline(on("2027-12-20"), on("2027-12-24"), on("2027-12-24"), on("2027-12-29"), on("2027-12-30"))
    then = {"days": StandardDays(), "planned": far, "debit": DebitStatus.DEBITED, "debited_on": on("2027-12-24")}
    found = lines(progress(facts(**then), on("2027-12-30")))
    assert found["DEBITED"] == ("12-24", "12-24", "12-24", 0, "-")
    assert found["SHIPPED"] == ("12-29", "-", "-", 0, "BEYOND_CALENDAR")


# -- always ----------------------------------------------------------------------------------------

days_of_september = st.dates(on("09-20"), on("10-20"))
maybe = st.none() | days_of_september


@given(
    st.builds(
        Facts,
        planned=st.just(FIGURE_8),
        deliver_when=st.sampled_from(DeliverWhen),
        release=st.sampled_from(Release),
        due=st.booleans(),
        days=st.sampled_from([EVERY_DAY, StandardDays()]),
        debit=st.sampled_from(DebitStatus),
        delivery=st.sampled_from(DeliveryStatus),
        payout=st.sampled_from(PayoutStatus),
        attempt_count=st.integers(0, 3),
        debit_value_on=maybe,
        acceptance_on=maybe,
        debited_on=maybe,
        debit_answered_on=maybe,
        failure=st.none(),
        delivery_instructed_on=maybe,
        shipped_on=maybe,
        delivered_on=maybe,
        funded_on=maybe,
        payout_value_on=maybe,
        settled_on=maybe,
        held_up=st.booleans(),
    ),
    days_of_september,
)
def test_whatever_the_rows_say(then, today):
    """No row breaks the page; planned never moves; a slip is explained; a date given up is explained."""
    found = progress(then, today)
    assert [step.planned_on for step in found] == [
        FIGURE_8.accepted_on,
        FIGURE_8.debited_on,
        FIGURE_8.delivery_instructed_on,
        FIGURE_8.shipped_on,
        FIGURE_8.settled_on,
    ]
    for step in found:
        assert step.actual_on in {None, step.forecast_on}
        late = step.forecast_on is None or step.slip_days > 0
        assert (step.slip_cause is not None) is late, step
        if step.forecast_on is not None:
            assert step.slip_days == (step.forecast_on - step.planned_on).days


# -- the warning of [0035] -------------------------------------------------------------------------


@pytest.mark.parametrize("reason", DebitFailureReason)
def test_s32_the_warning_names_the_true_reason(reason):
    warning = warning_of(reason)
    assert warning.code == reason.name
    assert warning.message_en.startswith("This contract cannot be performed: ")
    assert warning.message_ja.endswith("、売買契約を履行できません。")
    others = [warning_of(other) for other in DebitFailureReason if other is not reason]
    assert warning.message_en not in {other.message_en for other in others}
    assert ("残高不足" in warning.message_ja) is (reason is DebitFailureReason.SHORT_BALANCE)


def test_number_100_is_told_about_its_short_balance():
    assert "short balance" in warning_of(DebitFailureReason.SHORT_BALANCE).message_en
    assert warning_of(DebitFailureReason.SHORT_BALANCE).message_ja == "口座の残高不足により、売買契約を履行できません。"
