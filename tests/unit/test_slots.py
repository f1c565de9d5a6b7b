"""When those who assign are told: thresholds to the cent and to the moment, and digests in the customer's morning."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bursar.assignments.slots import (
    budget_slot,
    budget_slots_from,
    days_passed,
    digest_day,
    digest_slot,
    fund_slot,
    fund_slots_from,
    next_digest,
    percent_passed,
)

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
END = datetime(2027, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("used", "percent"), [(0, None), (7499, None), (7500, 75), (9999, 75), (10_000, 100), (10_001, 100)]
)
def test_a_threshold_of_a_budget_is_passed_at_the_cent(used, percent):
    assert percent_passed(used, 10_000) == percent


def test_three_quarters_of_a_limit_that_is_no_multiple_of_four_are_not_rounded_down():
    assert percent_passed(74, 99) is None
    assert percent_passed(75, 99) == 75


def test_a_budget_without_a_limit_passes_nothing():
    assert percent_passed(0, 0) is None


def test_who_was_told_that_all_is_used_is_not_told_of_three_quarters():
    assert budget_slots_from(75, 500) == ["75:500", "100:500"]
    assert budget_slots_from(100, 500) == [budget_slot(100, 500)] == ["100:500"]


@pytest.mark.parametrize("days", [120, 90, 60, 30, 10, 0])
def test_a_threshold_before_the_end_is_passed_at_the_second(days):
    assert days_passed(END, END - days * DAY) == days
    assert days_passed(END, END - days * DAY - SECOND) != days


def test_long_before_the_end_and_long_after_it_nothing_is_told():
    assert days_passed(END, END - 121 * DAY) is None
    assert days_passed(END, END + 30 * DAY) == 0
    assert days_passed(END, END + 30 * DAY + SECOND) is None


def test_nearer_thresholds_say_as_much_as_farther_ones():
    assert fund_slots_from(10, END) == [fund_slot(10, END), fund_slot(0, END)]
    assert fund_slot(10, END) == "2027-06-01T00:00:00Z:10"


MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("frequency", "zone", "now", "day"),
    [
        ("weekly", "UTC", datetime(2026, 11, 23, 8, tzinfo=UTC), MONDAY),
        ("weekly", "UTC", datetime(2026, 11, 23, 7, 59, 59, tzinfo=UTC), MONDAY - 7 * DAY),
        ("weekly", "UTC", datetime(2026, 11, 29, 23, tzinfo=UTC), MONDAY),
        ("weekly", "America/New_York", datetime(2026, 11, 23, 12, 59, tzinfo=UTC), MONDAY - 7 * DAY),
        ("weekly", "America/New_York", datetime(2026, 11, 23, 13, tzinfo=UTC), MONDAY),
        ("weekly", "Pacific/Auckland", datetime(2026, 11, 22, 19, tzinfo=UTC), MONDAY),
        ("daily", "UTC", datetime(2026, 11, 25, 7, tzinfo=UTC), MONDAY + DAY),
        ("daily", "UTC", datetime(2026, 11, 25, 8, tzinfo=UTC), MONDAY + 2 * DAY),
    ],
)
def test_the_newest_digest_by_now_goes_by_the_clock_of_the_customer(frequency, zone, now, day):
    assert digest_day(frequency, zone, now) == day


def test_the_next_digest_comes_at_eight_whatever_the_season():
    before = datetime(2027, 3, 22, 9, tzinfo=UTC)  # Berlin's clocks go forward on the 28th
    assert next_digest("weekly", "Europe/Berlin", before) == datetime(2027, 3, 29, 6, tzinfo=UTC)
    assert next_digest("daily", "Europe/Berlin", before) == datetime(2027, 3, 23, 7, tzinfo=UTC)


def test_at_the_very_moment_the_next_one_is_the_one_after():
    assert next_digest("weekly", "UTC", datetime(2026, 11, 23, 8, tzinfo=UTC)) == datetime(2026, 11, 30, 8, tzinfo=UTC)


def test_off_is_never():
    assert next_digest("off", "UTC", END) is None


def test_a_daily_and_a_weekly_digest_of_one_day_are_two():
    assert digest_slot("daily", MONDAY) != digest_slot("weekly", MONDAY)
