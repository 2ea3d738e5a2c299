"""Deadlines: the demo's world to the hour, and banks that keep bank days, take several files, shift or refuse dates."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import OutsideCalendar, add_days, is_business_day
from domain.deadlines import DateProblem, DateReason, Slot, answer_due_at, debit_slot, next_credit, next_debit, overdue_at
from domain.statuses import CalendarKind, FilesPerDate, Kind, ShiftRule
from tests.domain.grid import grid
from tests.domain.worlds import at, demo_bank, on, usual_bank

DEMO = demo_bank()


@pytest.mark.parametrize(
    "registered, contracts, sealed, debit_date",
    grid("""
        09-20 10:00  #100-#103   09-20 11:00  09-24
        09-21 10:00  4112        09-21 11:00  09-25
        09-22 10:00  4332, 1544  09-22 11:00  09-26
        09-23 10:00  1566        09-23 11:00  09-27
        09-24 10:00  4662        09-24 11:00  09-28
        09-20 10:59  -           09-20 11:00  09-24
        09-20 11:00  -           09-21 11:00  09-25   # at the minute of sealing it is too late
        09-20 23:00  -           09-21 11:00  09-25
    """),
)
def test_the_debit_files_of_the_demo(registered, contracts, sealed, debit_date):
    slot = next_debit(DEMO, at(registered))
    assert (slot.seal_at, slot.value_on) == (at(sealed), on(debit_date)), contracts
    assert slot.deadline_at == at(sealed.replace("11:00", "12:00"))


@pytest.mark.parametrize(
    "now, sealed, transfer_date, what",
    grid("""
        09-25 10:00  09-25 11:00  09-26  sweeps 198,000 and 90,000
        09-26 10:00  09-26 11:00  09-27  sweeps 12,000 and 30,000
        09-27 10:00  09-27 11:00  09-28  sweeps 100,000 and 45,000
        09-28 10:00  09-28 11:00  09-29  sweep 850,000; payout 288,000
        09-29 10:00  09-29 11:00  09-30  sweep 60,000; payout 42,000
        09-30 09:00  09-30 11:00  10-01  payouts 100,000 and 850,000
        10-01 11:00  10-02 11:00  10-03  too late for the first
    """),
)
def test_the_sweeps_and_payouts_of_the_demo(now, sealed, transfer_date, what):
    slot = next_credit(DEMO, at(now))
    assert (slot.seal_at, slot.value_on) == (at(sealed), on(transfer_date)), what


@pytest.mark.parametrize(
    "kind, value_on, due, overdue",
    grid("""
        DEBIT   09-24  09-25 10:00  09-27 10:00   # B銀行 answers 09-26 10:00: late, not unknown
        DEBIT   09-28  09-29 10:00  10-01 10:00
        SWEEP   09-26  09-27 06:00  09-29 06:00
        PAYOUT  09-29  09-30 06:00  10-02 06:00
        REFUND  09-29  09-30 06:00  10-02 06:00
        FEE     09-29  09-30 06:00  10-02 06:00
    """),
)
def test_when_answers_are_due_and_overdue_in_the_demo(kind, value_on, due, overdue):
    assert answer_due_at(DEMO, Kind[kind], on(value_on)) == at(due)
    assert overdue_at(DEMO, Kind[kind], on(value_on)) == at(overdue)


def test_a_delivery_is_not_a_banks():
    with pytest.raises(ValueError, match="carrier"):
        answer_due_at(DEMO, Kind.DELIVERY, on("09-24"))


# -- bank days -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "now, sealed, debit_date",
    grid("""
        09-20 10:00  09-20 11:00  09-26        # Wed: Thu, Fri, Mon, Tue
        09-22 12:00  09-25 11:00  09-29        # Friday noon: the next deadline is Monday's
        09-23 09:00  09-25 11:00  09-29        # on a holiday
        12-29 10:00  12-29 11:00  2001-01-10   # 4, 5, 9 (8 is 成人の日), 10 January
        12-30 10:00  2001-01-04 11:00  2001-01-11
    """),
)
def test_bank_days_are_counted_without_the_debit_day(now, sealed, debit_date):
    slot = next_debit(usual_bank(), at(now))
    assert (slot.seal_at, slot.value_on) == (at(sealed), on(debit_date))


@pytest.mark.parametrize(
    "now, not_before, sealed, debit_date",
    grid("""
        09-20 10:00  09-25  09-20 11:00  09-26
        09-20 10:00  09-26  09-20 11:00  09-26
        09-20 10:00  09-27  09-21 11:00  09-27   # the file for 09-26 is full: the rest takes the next date
        09-20 10:00  09-30  09-26 11:00  10-02   # a Saturday: the next bank day
    """),
)
def test_not_before(now, not_before, sealed, debit_date):
    slot = next_debit(usual_bank(), at(now), not_before=on(not_before))
    assert (slot.seal_at, slot.value_on) == (at(sealed), on(debit_date))


def test_a_bank_that_takes_files_for_the_same_day():
    bank = usual_bank(debit_lead_days=0, seal_before=30)
    assert next_debit(bank, at("09-20 11:29")).value_on == on("09-20")
    assert next_debit(bank, at("09-20 11:30")).value_on == on("09-21")


def test_sealing_before_a_deadline_after_midnight_falls_on_the_day_before():
    slot = next_debit(demo_bank(debit_deadline=time(0, 30)), at("09-20 23:00"))
    assert (slot.seal_at, slot.deadline_at, slot.value_on) == (at("09-20 23:30"), at("09-21 00:30"), on("09-25"))


# -- due dates -------------------------------------------------------------------------------------


def outcome(found: Slot | DateProblem) -> tuple[str, str]:
    if isinstance(found, DateProblem):
        return found.reason.name, "-" if found.earliest_on is None else f"{found.earliest_on:%m-%d}"
    return f"{found.seal_at:%m-%d %H:%M}", f"{found.value_on:%m-%d}"


@pytest.mark.parametrize(
    "files, rule, now, due, sealed, value",
    grid("""
        ONE      REFUSE    09-01 10:00  09-29  09-25 11:00  09-29   # the last deadline for that date
        ONE      REFUSE    09-25 10:59  09-29  09-25 11:00  09-29
        ONE      REFUSE    09-25 11:00  09-29  TOO_LATE     10-02
        ONE      REFUSE    09-25 10:00  09-25  TOO_LATE     09-29   # today
        ONE      REFUSE    09-25 10:00  09-22  PAST         09-29
        ONE      REFUSE    09-01 10:00  09-24  HOLIDAY      09-25   # a Sunday
        ONE      NEXT      09-01 10:00  09-24  09-19 11:00  09-25
        ONE      PREVIOUS  09-01 10:00  09-24  09-18 11:00  09-22
        ONE      PREVIOUS  09-19 10:00  09-24  TOO_LATE     09-25   # 09-22 can no longer be reached
        SEVERAL  REFUSE    09-01 10:00  09-29  09-14 11:00  09-29   # ten bank days ahead
        SEVERAL  REFUSE    09-18 10:00  09-29  09-18 11:00  09-29   # the next deadline
        SEVERAL  REFUSE    09-18 11:00  09-29  09-19 11:00  09-29
        SEVERAL  REFUSE    09-25 10:59  09-29  09-25 11:00  09-29
        SEVERAL  REFUSE    09-25 11:00  09-29  TOO_LATE     10-02
    """),
)
def test_s22_due_dates(files, rule, now, due, sealed, value):
    bank = usual_bank(files_per_debit_date=FilesPerDate[files], shift_rule=ShiftRule[rule], accepts_ahead_days=10)
    assert outcome(debit_slot(bank, at(now), on(due))) == (sealed, value)


def test_a_bank_whose_range_is_shorter_than_its_lead_gets_the_file_at_the_last_deadline():
    bank = usual_bank(files_per_debit_date=FilesPerDate.SEVERAL, accepts_ahead_days=2)
    assert outcome(debit_slot(bank, at("09-01 10:00"), on("09-29"))) == ("09-25 11:00", "09-29")


def test_i19_a_due_date_beyond_the_calendar_is_refused():
    late = debit_slot(usual_bank(), at("2027-12-01 10:00"), on("2028-01-06"))
    assert late == DateProblem(DateReason.BEYOND_CALENDAR)
    assert isinstance(debit_slot(demo_bank(), at("2027-12-01 10:00"), on("2028-01-06")), Slot)


def test_i19_a_run_beyond_the_calendar_refuses():
    with pytest.raises(OutsideCalendar):
        next_debit(usual_bank(), at("2027-12-28 10:00"))
    with pytest.raises(OutsideCalendar):
        next_credit(usual_bank(), at("2028-01-04 10:00"))


def test_settings_that_count_backwards_are_refused():
    with pytest.raises(ValueError, match="forwards"):
        usual_bank(debit_lead_days=-1)


instants = st.datetimes(at("1991-01-01 00:00").replace(tzinfo=None), at("2026-12-01 00:00").replace(tzinfo=None))
banks = st.builds(
    usual_bank,
    calendar=st.sampled_from(CalendarKind),
    debit_deadline=st.times(),
    debit_lead_days=st.integers(0, 9),
    seal_before=st.integers(0, 300),
    files_per_debit_date=st.sampled_from(FilesPerDate),
    accepts_ahead_days=st.integers(0, 30),
)


@given(banks, instants)
def test_the_next_debit_is_the_earliest_whose_sealing_is_ahead(bank, instant):
    now = instant.replace(tzinfo=at("09-20 09:00").tzinfo)
    slot = next_debit(bank, now)
    assert now < slot.seal_at <= slot.deadline_at
    assert is_business_day(bank.calendar, slot.value_on)
    assert add_days(bank.calendar, slot.value_on, -bank.debit_lead_days) == slot.deadline_at.date()
    before = next_debit(bank, slot.seal_at)
    assert before.value_on > slot.value_on  # once it is sealed, the date is gone
    # As a due date the same day can be reached, and the day before it cannot.
    assert isinstance(debit_slot(bank, now, slot.value_on), Slot)
    earlier = debit_slot(bank, now, add_days(bank.calendar, slot.value_on, -1))
    assert isinstance(earlier, DateProblem)
    assert earlier.earliest_on == slot.value_on


@given(banks, instants, st.integers(1, 90))
def test_a_due_date_goes_out_between_now_and_its_last_deadline(bank, instant, ahead):
    now = instant.replace(tzinfo=at("09-20 09:00").tzinfo)
    due_on = add_days(bank.calendar, next_debit(bank, now).value_on, ahead)
    slot = debit_slot(bank, now, due_on)
    assert isinstance(slot, Slot)
    assert slot.value_on == due_on
    assert slot.seal_at > now
    last = add_days(bank.calendar, due_on, -bank.debit_lead_days)
    if bank.files_per_debit_date is FilesPerDate.ONE:
        assert slot.deadline_at.date() == last
    else:
        assert slot.deadline_at.date() <= last


# -- calendars as they were and are ------------------------------------------------------------------


@pytest.mark.parametrize(
    "now, sealed, debit_date, sealed_21, execution_date, what",
    grid("""
        2019-04-22 10:00  2019-04-22 11:00  2019-04-26  2019-04-22 11:00  2019-04-23  the last debits before the ten days of the accession
        2019-04-22 12:00  2019-04-23 11:00  2019-05-07  2019-04-23 11:00  2019-04-24  04-27 to 05-06 are no bank days
        2019-04-26 10:00  2019-04-26 11:00  2019-05-10  2019-04-26 11:00  2019-05-07  and payouts wait as well
        2019-04-26 12:00  2019-05-07 11:00  2019-05-13  2019-05-07 11:00  2019-05-08  after the cut-off: the next one is in May
        2019-10-16 10:00  2019-10-16 11:00  2019-10-23  2019-10-16 11:00  2019-10-17  10-22 is 即位礼正殿の儀, in that year only
        2020-10-06 10:00  2020-10-06 11:00  2020-10-12  2020-10-06 11:00  2020-10-07  スポーツの日 was in July that year: 10-12 is a bank day
        2020-07-20 10:00  2020-07-20 11:00  2020-07-28  2020-07-20 11:00  2020-07-21  07-23 and 07-24, for the Games that were put off
        2020-08-04 10:00  2020-08-04 11:00  2020-08-11  2020-08-04 11:00  2020-08-05  山の日 on 08-10
        2021-07-16 10:00  2021-07-16 11:00  2021-07-26  2021-07-16 11:00  2021-07-19  07-22 and 07-23 again, and not 07-19
        2021-08-03 10:00  2021-08-03 11:00  2021-08-10  2021-08-03 11:00  2021-08-04  山の日 on 08-08, a Sunday: 08-09 instead
        2021-10-05 10:00  2021-10-05 11:00  2021-10-11  2021-10-05 11:00  2021-10-06  10-11 is a bank day in that year
        2024-04-30 10:00  2024-04-30 11:00  2024-05-08  2024-04-30 11:00  2024-05-01  the golden week as it usually is
        2026-09-16 10:00  2026-09-16 11:00  2026-09-25  2026-09-16 11:00  2026-09-17  09-22 stands between two holidays
        2026-12-28 10:00  2026-12-28 11:00  2027-01-05  2026-12-28 11:00  2026-12-29  12-31 to 01-03, a Sunday: from the 4th on
        2026-12-30 10:00  2026-12-30 11:00  2027-01-07  2026-12-30 11:00  2027-01-04  a file of the old year for the new one
        2026-12-30 12:00  2027-01-04 11:00  2027-01-08  2027-01-04 11:00  2027-01-05  too late: the first file of the new year
    """),
)
def test_cut_offs_around_holidays(now, sealed, debit_date, sealed_21, execution_date, what):
    bank = usual_bank()
    debit, credit = next_debit(bank, at(now)), next_credit(bank, at(now))
    assert (debit.seal_at, debit.value_on) == (at(sealed), on(debit_date)), what
    assert (credit.seal_at, credit.value_on) == (at(sealed_21), on(execution_date)), what


@pytest.mark.parametrize(
    "due, next_, previous, last_cut_off",
    grid("""
        2019-04-29  05-07  04-26  2019-04-22   # within the ten days
        2019-05-06  05-07  04-26  2019-04-22
        2020-07-24  07-27  07-22  2020-07-16
        2021-08-09  08-10  08-06  2021-08-02
        2026-05-06  05-07  05-01  2026-04-24   # the substitute of 05-03, a Sunday
        2026-12-31  01-04  12-30  2026-12-24
        2027-01-01  01-04  12-30  2026-12-24   # next year's date, debited in the old year by the rule PREVIOUS
    """),
)
def test_a_due_date_on_a_holiday(due, next_, previous, last_cut_off):
    """REFUSE names the next day that can be met, NEXT and PREVIOUS move it; the file goes at the last cut-off for the day that it gets."""
    now = at(f"{last_cut_off} 10:00")
    refused = debit_slot(usual_bank(shift_rule=ShiftRule.REFUSE), now, on(due))
    assert isinstance(refused, DateProblem)
    assert (refused.reason, f"{refused.earliest_on:%m-%d}") == (DateReason.HOLIDAY, next_)
    later = debit_slot(usual_bank(shift_rule=ShiftRule.NEXT), now, on(due))
    earlier = debit_slot(usual_bank(shift_rule=ShiftRule.PREVIOUS), now, on(due))
    assert isinstance(later, Slot)
    assert isinstance(earlier, Slot)
    assert (f"{later.value_on:%m-%d}", f"{earlier.value_on:%m-%d}") == (next_, previous)
    assert earlier.deadline_at == at(f"{last_cut_off} 12:00")
    for slot in (later, earlier):
        assert add_days(CalendarKind.BANK_DAYS, slot.value_on, -4) == slot.deadline_at.date()


@pytest.mark.parametrize(
    "mmdd, value_on",
    grid("""
        0104  2027-01-04   # in a file of 30 December
        1230  2026-12-30
        0229  2028-02-29
    """),
)
def test_s23_a_date_without_a_year_is_that_of_the_batch(mmdd, value_on):
    """What a header says is resolved against the batch, never against the day on which it is read."""
    from zengin.dates import resolve_mmdd, to_mmdd

    assert to_mmdd(on(value_on)) == mmdd
    assert resolve_mmdd(mmdd, on(value_on)) == on(value_on)
    assert resolve_mmdd("1231", on("2027-01-04")) == on("2026-12-31")  # the nearest, across the turn of the year
    assert resolve_mmdd("0104", on("2026-12-30")) == on("2027-01-04")
