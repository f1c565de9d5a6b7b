"""When an assignment expires and why (ruling 16): the earliest of three dates, or a personal one in their place."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.assignments.expiry import (
    DAYS_BEFORE_EXPIRATION,
    Due,
    Reason,
    RunDates,
    Terms,
    can_enrol,
    candidates,
    course_enroll_by,
    due,
    is_open,
    timeout,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
LIMIT = 90 * DAY
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


def test_ninety_days():
    assert DAYS_BEFORE_EXPIRATION == 90


@pytest.mark.parametrize(
    ("allocated", "notified", "told"),
    [
        (None, None, NOW),
        (NOW + DAY, None, NOW + DAY),
        (NOW - DAY, None, NOW - DAY),
        (None, NOW + 2 * DAY, NOW + 2 * DAY),
        (None, NOW - 2 * DAY, NOW - 2 * DAY),
        (NOW + DAY, NOW + 2 * DAY, NOW + 2 * DAY),
        (NOW + 2 * DAY, NOW + DAY, NOW + 2 * DAY),
        (NOW + DAY, NOW + DAY, NOW + DAY),
    ],
)
def test_the_ninety_days_run_from_the_later_of_allocation_and_notification_else_from_creation(
    allocated, notified, told
):
    assert timeout(Terms(NOW, allocated, notified)) == told + LIMIT


def test_with_no_other_date_ninety_days_pass():
    assert due(Terms(NOW)) == Due(NOW + LIMIT, Reason.NINETY_DAYS_PASSED)


@pytest.mark.parametrize(
    ("enroll_by", "fund_end", "expected"),
    [
        (NOW + DAY, None, Due(NOW + DAY, Reason.ENROLLMENT_DATE_PASSED)),
        (None, NOW + DAY, Due(NOW + DAY, Reason.SUBSIDY_EXPIRED)),
        (NOW + DAY, NOW + 2 * DAY, Due(NOW + DAY, Reason.ENROLLMENT_DATE_PASSED)),
        (NOW + 2 * DAY, NOW + DAY, Due(NOW + DAY, Reason.SUBSIDY_EXPIRED)),
        (NOW + 91 * DAY, NOW + 92 * DAY, Due(NOW + LIMIT, Reason.NINETY_DAYS_PASSED)),
        (NOW + LIMIT, None, Due(NOW + LIMIT, Reason.NINETY_DAYS_PASSED)),
        (NOW + LIMIT - TICK, None, Due(NOW + LIMIT - TICK, Reason.ENROLLMENT_DATE_PASSED)),
        (None, NOW + LIMIT - TICK, Due(NOW + LIMIT - TICK, Reason.SUBSIDY_EXPIRED)),
        (NOW + DAY, NOW + DAY, Due(NOW + DAY, Reason.ENROLLMENT_DATE_PASSED)),
        (NOW - DAY, None, Due(NOW - DAY, Reason.ENROLLMENT_DATE_PASSED)),
    ],
)
def test_the_earliest_date_wins_and_says_why(enroll_by, fund_end, expected):
    assert due(Terms(NOW, enroll_by=enroll_by, fund_end=fund_end)) == expected


@pytest.mark.parametrize("personal", [NOW + DAY, NOW + 200 * DAY])
def test_a_personal_deadline_replaces_the_date_and_keeps_the_reason(personal):
    assert due(Terms(NOW, enroll_by=NOW + 10 * DAY, personal=personal)) == Due(personal, Reason.ENROLLMENT_DATE_PASSED)


def test_every_date_that_counts_is_a_candidate_once():
    terms = Terms(NOW, enroll_by=NOW + DAY, fund_end=NOW + 2 * DAY, personal=NOW + 3 * DAY)
    assert candidates(terms) == [
        Due(NOW + LIMIT, Reason.NINETY_DAYS_PASSED),
        Due(NOW + DAY, Reason.ENROLLMENT_DATE_PASSED),
        Due(NOW + 2 * DAY, Reason.SUBSIDY_EXPIRED),
    ]
    assert candidates(Terms(NOW)) == [Due(NOW + LIMIT, Reason.NINETY_DAYS_PASSED)]


@given(created=MOMENTS, dates=st.tuples(*[st.none() | MOMENTS] * 4))
def test_without_a_personal_deadline_nothing_ends_earlier_than_what_is_due(created, dates):
    allocated, notified, enroll_by, fund_end = dates
    terms = Terms(created, allocated, notified, enroll_by, fund_end)
    found = due(terms)
    possible = {
        Reason.NINETY_DAYS_PASSED: max([moment for moment in (allocated, notified) if moment] or [created]) + LIMIT,
        Reason.ENROLLMENT_DATE_PASSED: enroll_by,
        Reason.SUBSIDY_EXPIRED: fund_end,
    }
    assert found.at == min(moment for moment in possible.values() if moment)
    assert possible[found.reason] == found.at


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (RunDates(None, None), True),
        (RunDates(NOW + TICK, NOW + TICK), True),
        (RunDates(NOW, None), False),
        (RunDates(NOW - DAY, None), False),
        (RunDates(None, NOW), False),
        (RunDates(None, NOW + DAY), True),
        (RunDates(NOW + DAY, NOW - DAY), False),
        (RunDates(NOW - DAY, NOW + DAY), False),
        (RunDates(None, None, active=False), False),
        (RunDates(NOW + DAY, NOW + DAY, active=False), False),
    ],
)
def test_a_run_is_open_while_it_is_offered_and_neither_date_has_come(run, expected):
    assert is_open(run, NOW) is expected


OPEN_FAR, OPEN_NEAR = RunDates(NOW + 9 * DAY, None), RunDates(NOW + 3 * DAY, NOW + 30 * DAY)
OPEN_FOR_EVER, CLOSED, ENDED = RunDates(None, None), RunDates(NOW - DAY, None), RunDates(None, NOW - 2 * DAY)
OPEN_UNTIL_IT_ENDS = RunDates(None, NOW + 5 * DAY)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], None),
        ([OPEN_NEAR], NOW + 3 * DAY),
        ([OPEN_NEAR, OPEN_FAR], NOW + 9 * DAY),
        ([OPEN_FAR, OPEN_NEAR, CLOSED], NOW + 9 * DAY),
        ([OPEN_NEAR, OPEN_FOR_EVER], None),
        ([OPEN_NEAR, OPEN_UNTIL_IT_ENDS], None),
        ([CLOSED], NOW - DAY),
        ([CLOSED, ENDED], NOW - DAY),
        ([ENDED], NOW - 2 * DAY),
        ([OPEN_NEAR, RunDates(NOW + 99 * DAY, None, active=False)], NOW + 3 * DAY),
    ],
)
def test_a_course_can_be_enrolled_in_until_the_latest_date_of_its_open_runs(runs, expected):
    assert course_enroll_by(runs, NOW) == expected


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], True),
        ([OPEN_NEAR], True),
        ([CLOSED, OPEN_NEAR], True),
        ([CLOSED], False),
        ([CLOSED, ENDED], False),
        ([RunDates(None, None, active=False)], False),
    ],
)
def test_a_course_is_open_while_one_run_is(runs, expected):
    assert can_enrol(runs, NOW) is expected


def test_runs_may_come_from_a_generator():
    assert course_enroll_by((run for run in [CLOSED, OPEN_NEAR]), NOW) == NOW + 3 * DAY
    assert can_enrol((run for run in [CLOSED, OPEN_NEAR]), NOW)


@given(
    st.lists(
        st.builds(
            RunDates,
            st.sampled_from([None, *(NOW + days * DAY for days in range(-2, 3))]),
            st.sampled_from([None, *(NOW + days * DAY for days in range(-2, 3))]),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_an_open_course_has_no_date_that_has_passed(runs):
    date = course_enroll_by(runs, NOW)
    if can_enrol(runs, NOW):
        assert date is None or date > NOW


def test_the_reasons_are_stored_as_they_are_sent():
    assert [reason.value for reason in Reason] == ["NINETY_DAYS_PASSED", "ENROLLMENT_DATE_PASSED", "SUBSIDY_EXPIRED"]


def test_each_kind_of_term_alone_decides():
    for enroll_days, fund_days in product((1, 100), repeat=2):
        terms = Terms(NOW, enroll_by=NOW + enroll_days * DAY, fund_end=NOW + fund_days * DAY)
        assert due(terms).at == NOW + min(enroll_days, fund_days, 90) * DAY
