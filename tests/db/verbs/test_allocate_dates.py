"""Until when somebody who is assigned a course may take it up: ninety days, the run, the course, or the fund."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.db.verbs.steps import (
    DAY,
    allocate,
    assigned,
    later,
)

from bursar.kernel import clock
from bursar.kernel.errors import Refused
from bursar.testing.factories import make_course, make_run

RUN = "course-v1:DemoX+D101+R1"


class TestExpiry:
    def test_without_dates_it_expires_after_ninety_days(self, house, course):
        (row,) = assigned(house.budget)
        assert (row.expires_at, row.expires_reason) == (clock.now() + 90 * DAY, "NINETY_DAYS_PASSED")

    def test_the_enrol_by_date_of_the_assigned_run_ends_it(self, house):
        make_run(make_course(runs=["course-v1:DemoX+D101+R0"]), RUN, enroll_by=clock.now() + 5 * DAY)
        (row,) = assigned(house.budget, 1, RUN)
        assert (row.expires_at, row.expires_reason) == (clock.now() + 5 * DAY, "ENROLLMENT_DATE_PASSED")

    def test_a_date_given_in_another_zone_is_the_same_moment(self, house):
        tokyo = (clock.now() + 5 * DAY).astimezone(ZoneInfo("Asia/Tokyo"))
        make_run(make_course(), RUN, enroll_by=tokyo)
        (row,) = assigned(house.budget, 1, RUN)
        assert (row.expires_at, row.expires_at.utcoffset()) == (clock.now() + 5 * DAY, timedelta(0))
        with later(5 * DAY - timedelta(seconds=1)):
            assert len(allocate(house.budget, ["in.time@example.org"], RUN).created) == 1
        with later(5 * DAY), pytest.raises(Refused, match="deadline"):
            allocate(house.budget, ["too.late@example.org"], RUN)

    def test_the_enrol_by_date_of_the_preferred_run_ends_it(self, house):
        make_run(make_course(runs=["course-v1:DemoX+D101+R0"]), RUN, enroll_by=clock.now() + 5 * DAY)
        (row,) = assigned(house.budget, 1, run=RUN)
        assert (row.expires_at, row.expires_reason) == (clock.now() + 5 * DAY, "ENROLLMENT_DATE_PASSED")

    def test_a_course_ends_with_the_last_of_its_open_runs(self, house):
        course = make_course()
        make_run(course, "closed", enroll_by=clock.now() - DAY)
        make_run(course, "over", enroll_by=clock.now() + 80 * DAY, end=clock.now() - DAY)
        make_run(course, "withdrawn", enroll_by=clock.now() + 70 * DAY, active=False)
        make_run(course, "first", enroll_by=clock.now() + 5 * DAY)
        make_run(course, "second", enroll_by=clock.now() + 9 * DAY)
        (row,) = assigned(house.budget)
        assert (row.expires_at, row.expires_reason) == (clock.now() + 9 * DAY, "ENROLLMENT_DATE_PASSED")

    def test_a_course_with_an_open_run_without_a_date_has_no_date(self, house):
        course = make_course(runs=["open"])
        make_run(course, "first", enroll_by=clock.now() + 5 * DAY)
        assert assigned(house.budget)[0].expires_reason == "NINETY_DAYS_PASSED"

    def test_the_end_of_the_fund_ends_it(self, house, course):
        house.fund.expires_at = clock.now() + 3 * DAY
        house.fund.save()
        (row,) = assigned(house.budget)
        assert (row.expires_at, row.expires_reason) == (clock.now() + 3 * DAY, "SUBSIDY_EXPIRED")
