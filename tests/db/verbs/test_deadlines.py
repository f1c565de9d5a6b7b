"""Deadlines move: a personal one for somebody, new dates of a run or a fund for everybody concerned, and nobody else."""

import pytest
from tests.db.verbs.steps import (
    COURSE,
    DAY,
    HOUR,
    MINUTE,
    accept,
    accepted,
    assigned,
    fresh,
    history,
    in_state,
    kinds,
    last_reason,
    later,
    nothing_written,
    tick,
)

from bursar.assignments import flows, services
from bursar.assignments.flows import calendar, change_fund_end, reschedule_changed
from bursar.assignments.services import deadlines, extend_many, remind_many
from bursar.budgets.models import Fund
from bursar.catalog.models import Course, Run
from bursar.catalog.services import changed_courses, flag_changed, set_active
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import BadInput, NotFound
from bursar.kernel.transactions import writes
from bursar.testing.factories import make_budget, make_course, make_fund, make_house, make_member, make_run
from bursar.testing.fake_mail import Died

R1, R2 = "run-1", "run-2"


def days(number):
    return clock.now() + number * DAY


def import_runs(tmp_path, *rows, header="run_key,course_key,enroll_by"):
    path = tmp_path / "runs.csv"
    path.write_text("\n".join([header, *rows]))
    return flows.import_catalog("runs", path)


def iso(moment):
    return moment.isoformat()


class TestPersonalDeadline:
    def test_the_learner_is_told_once_if_that_is_wanted(self, house, course, mail):
        (row,) = assigned(house.budget)
        tick()
        extend_many([row.pk], until=days(20), why="", actor=CONSOLE)
        assert kinds(row) == ["assigned"]
        for number in (30, 40):
            extend_many([row.pk], until=days(number), why="for the record", actor=CONSOLE, tell=True)
        tick()
        assert kinds(row) == ["assigned", "extended"]
        told = mail.sent[-1]
        assert told.subject.startswith("A new deadline for your course")
        assert f"Please enrol by {days(40):%-d %B %Y}" in told.text
        assert "90 days" not in told.text
        assert "for the record" not in told.text
        extend_many([row.pk], until=None, why="", actor=CONSOLE, tell=True)
        assert kinds(row) == ["assigned", "extended"]

    def test_it_replaces_the_date_and_names_who_and_why(self, house, course):
        (row,) = assigned(house.budget)
        admin = make_member(house.customer)
        assert extend_many([row.pk], until=days(200), why="on leave", actor=admin).done == {row.pk: "moved"}
        row = fresh(row)
        assert (row.expires_at, row.personal_deadline) == (days(200), days(200))
        assert row.expires_reason == "NINETY_DAYS_PASSED", "the reason that it stands in for"
        assert last_reason(row) == ("deadline moved: on leave", admin.user_id)

    def test_without_a_reason_the_history_says_what_was_done(self, house, course):
        (row,) = assigned(house.budget)
        extend_many([row.pk], until=days(200), why="", actor=CONSOLE)
        assert last_reason(row) == ("deadline moved", None)

    def test_it_can_be_earlier_than_the_terms_give(self, house, course):
        (row,) = assigned(house.budget)
        extend_many([row.pk], until=days(3), why="", actor=CONSOLE)
        with later(3 * DAY):
            assert tick().expired == 1

    def test_taken_away_the_terms_count_again(self, house, course):
        (row,) = assigned(house.budget)
        extend_many([row.pk], until=days(200), why="", actor=CONSOLE)
        extend_many([row.pk], until=None, why="mistake", actor=CONSOLE)
        assert (fresh(row).expires_at, fresh(row).personal_deadline) == (days(90), None)

    def test_it_survives_notification_run_and_fund(self, house, tmp_path):
        make_run(make_course(), R1, enroll_by=days(30))
        (row,) = assigned(house.budget, 1, R1)
        extend_many([row.pk], until=days(40), why="", actor=CONSOLE)
        tick()
        import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}")
        change_fund_end(house.fund.pk, days(10), actor=CONSOLE)
        assert (fresh(row).expires_at, fresh(row).expires_reason) == (days(40), "SUBSIDY_EXPIRED")
        extend_many([row.pk], until=None, why="", actor=CONSOLE)
        assert fresh(row).expires_at == days(10)

    @pytest.mark.parametrize("ago", [0 * DAY, DAY])
    def test_a_date_that_has_passed_is_bad_input(self, house, course, ago):
        (row,) = assigned(house.budget)
        with nothing_written(), pytest.raises(BadInput) as caught:
            extend_many([row.pk], until=clock.now() - ago, why="", actor=CONSOLE)
        assert caught.value.code == "deadline_passed"

    def test_a_date_without_a_time_zone_is_bad_input(self, house, course):
        (row,) = assigned(house.budget)
        with nothing_written(), pytest.raises(BadInput):
            extend_many([row.pk], until=days(9).replace(tzinfo=None), why="", actor=CONSOLE)


class TestChangedRun:
    def test_the_assigned_run_moves_its_assignments_and_no_others(self, house, tmp_path):
        course = make_course()
        make_run(course, R1, enroll_by=days(30))
        make_run(course, R2, enroll_by=days(30))
        (first,) = assigned(house.budget, 1, R1)
        (second,) = assigned(house.budget, 1, R2)
        result, moved = import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}", f"{R2},{COURSE},{iso(days(30))}")
        assert (result.updated, moved) == (1, 1)
        assert (fresh(first).expires_at, fresh(first).expires_reason) == (days(20), "ENROLLMENT_DATE_PASSED")
        assert fresh(second).expires_at == days(30)

    def test_the_preferred_run_moves_its_assignments_and_the_course_the_rest(self, house, tmp_path):
        course = make_course()
        make_run(course, R1, enroll_by=days(30))
        make_run(course, R2, enroll_by=days(50))
        (preferring,) = assigned(house.budget, ["a@example.org"], run=R1)
        (open_one,) = assigned(house.budget, ["b@example.org"])
        _, moved = import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}")
        assert moved == 1
        assert (fresh(preferring).expires_at, fresh(open_one).expires_at) == (days(20), days(50))
        _, moved = import_runs(tmp_path, f"{R2},{COURSE},{iso(days(10))}")
        assert moved == 1
        assert (fresh(preferring).expires_at, fresh(open_one).expires_at) == (days(20), days(20))

    def test_a_date_taken_away_leaves_ninety_days(self, house, tmp_path):
        make_run(make_course(), R1, enroll_by=days(30))
        (row,) = assigned(house.budget, 1, R1)
        import_runs(tmp_path, f"{R1},{COURSE},")
        assert (fresh(row).expires_at, fresh(row).expires_reason) == (days(90), "NINETY_DAYS_PASSED")

    def test_a_new_run_gives_a_course_more_time(self, house, tmp_path):
        make_run(make_course(), R1, enroll_by=days(30))
        (row,) = assigned(house.budget)
        import_runs(tmp_path, f"{R2},{COURSE},{iso(days(60))}")
        assert fresh(row).expires_at == days(60)

    def test_a_run_withdrawn_takes_its_time_away(self, house):
        course = make_course()
        make_run(course, R1, enroll_by=days(30))
        make_run(course, R2, enroll_by=days(50))
        (row,) = assigned(house.budget)
        set_active([R2], active=False, on_change=flag_changed)
        assert reschedule_changed() == 1
        assert fresh(row).expires_at == days(30)

    def test_when_no_run_is_left_the_last_date_ends_it(self, house):
        make_run(make_course(), R1, enroll_by=days(30))
        (row,) = assigned(house.budget)
        with later(40 * DAY):
            flag_changed_in_a_commit([COURSE])
            reschedule_changed()
        assert fresh(row).expires_at == days(30)

    def test_only_what_is_allocated_moves(self, house, tmp_path):
        make_run(make_course(), R1, enroll_by=days(30))
        (done,) = accepted(house.budget, ["a@example.org"], R1)
        (gone,) = assigned(house.budget, ["b@example.org"], R1)
        services.cancel_many([gone.pk], actor=CONSOLE)
        _, moved = import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}")
        assert moved == 0
        assert (fresh(done).expires_at, fresh(gone).expires_at) == (days(30), days(30))

    def test_somebody_in_the_middle_of_accepting_moves_too(self, house, tmp_path, platform):
        make_run(make_course(), R1, enroll_by=days(30))
        (row,) = assigned(house.budget, 1, R1)
        platform.script(row.learner_email, "unclear")
        accept([row])
        import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}")
        assert fresh(row).expires_at == days(20)

    def test_an_expiry_has_no_history_and_leaves_modified_alone(self, house, tmp_path):
        make_run(make_course(), R1, enroll_by=days(30))
        (row,) = assigned(house.budget, 1, R1)
        with later(HOUR):
            import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}")
        assert (len(history(row)), fresh(row).modified) == (1, row.modified)

    def test_the_same_file_again_moves_nothing(self, house, tmp_path):
        make_run(make_course(), R1, enroll_by=days(30))
        assigned(house.budget, 1, R1)
        import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}")
        with nothing_written():
            assert import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}")[1] == 0

    def test_a_moved_date_that_has_come_expires_at_the_next_tick(self, house, tmp_path):
        make_run(make_course(), R1, enroll_by=days(30))
        (row,) = assigned(house.budget, 1, R1)
        import_runs(tmp_path, f"{R1},{COURSE},{iso(clock.now() - HOUR)}")
        assert tick().expired == 1
        assert (fresh(row).state, fresh(row).expires_reason) == ("expired", "ENROLLMENT_DATE_PASSED")

    def test_many_assignments_move_by_chunks(self, house, tmp_path, configure):
        make_run(make_course(), R1, enroll_by=days(30))
        rows = assigned(house.budget, 7, R1)
        configure(chunk_size=2)
        assert import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}")[1] == 7
        assert {row.expires_at for row in fresh(rows)} == {days(20)}


class TestChangedCourse:
    def test_a_changed_price_changes_no_assignment_and_counts_for_the_next(self, house, tmp_path):
        make_course()
        (row,) = assigned(house.budget)
        path = tmp_path / "courses.csv"
        path.write_text(f"key,title,partner,price_usd\n{COURSE},Course {COURSE},DemoX,59.00\n")
        result, moved = flows.import_catalog("courses", path)
        assert (result.updated, moved) == (1, 0)
        assert changed_courses() == []
        assert fresh(row).content_quantity == -4900
        (new,) = assigned(house.budget, ["new@example.org"])
        assert new.content_quantity == -5900


def flag_changed_in_a_commit(keys):
    writes(flag_changed)(keys)


class TestCrashBetweenImportAndRescheduling:
    def test_the_tick_moves_what_the_import_left(self, house, tmp_path, monkeypatch):
        make_run(make_course(), R1, enroll_by=days(30))
        (row,) = assigned(house.budget, 1, R1)
        with monkeypatch.context() as killed, pytest.raises(Died):
            killed.setattr(calendar, "reschedule_changed", die)
            import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}")
        assert Run.objects.get(key=R1).enroll_by == days(20)
        assert fresh(row).expires_at == days(30)
        assert changed_courses() == [COURSE]
        assert tick().rescheduled == 1
        assert fresh(row).expires_at == days(20)
        assert changed_courses() == []
        assert tick().rescheduled == 0

    def test_killed_after_moving_and_before_noting_it_it_moves_nothing_twice(self, house, tmp_path, monkeypatch):
        make_run(make_course(), R1, enroll_by=days(30))
        (row,) = assigned(house.budget, 1, R1)
        with monkeypatch.context() as killed, pytest.raises(Died):
            killed.setattr(calendar, "clear_changed", die)
            import_runs(tmp_path, f"{R1},{COURSE},{iso(days(20))}")
        assert fresh(row).expires_at == days(20)
        assert tick().rescheduled == 0
        assert changed_courses() == []

    def test_the_tick_expires_by_the_new_date_not_by_the_old_one(self, house, tmp_path, monkeypatch):
        make_run(make_course(), R1, enroll_by=days(30))
        (row,) = assigned(house.budget, 1, R1)
        with monkeypatch.context() as killed, pytest.raises(Died):
            killed.setattr(calendar, "reschedule_changed", die)
            import_runs(tmp_path, f"{R1},{COURSE},{iso(days(60))}")
        with later(31 * DAY):
            assert tick().expired == 0
        assert fresh(row).state == "allocated"


def die(*_args, **_kwargs):
    raise Died


class TestFundEnd:
    def test_it_moves_everything_that_is_open_on_the_fund(self, house, course):
        second = make_budget(house.fund)
        (first,), (other,) = assigned(house.budget), assigned(second)
        (foreign,) = assigned(make_house().budget)
        admin = make_member(house.customer)
        fund, moved = change_fund_end(house.fund.pk, days(10), actor=admin)
        assert (fund.expires_at, moved) == (days(10), 2)
        for row in fresh([first, other]):
            assert (row.expires_at, row.expires_reason) == (days(10), "SUBSIDY_EXPIRED")
        assert fresh(foreign).expires_at == days(90)
        assert Fund.history.latest("history_id").history_user_id == admin.user_id

    def test_an_end_taken_away_leaves_ninety_days(self, house, course):
        (row,) = assigned(house.budget)
        change_fund_end(house.fund.pk, days(10), actor=CONSOLE)
        assert change_fund_end(house.fund.pk, None, actor=CONSOLE)[1] == 1
        assert (fresh(row).expires_at, fresh(row).expires_reason) == (days(90), "NINETY_DAYS_PASSED")

    def test_an_end_that_changes_no_expiry_moves_nothing(self, house, course):
        assigned(house.budget)
        assert change_fund_end(house.fund.pk, days(400), actor=CONSOLE)[1] == 0

    def test_what_has_ended_stays_as_it_ended(self, house, course):
        (row,) = in_state("cancelled", house.budget)
        assert change_fund_end(house.fund.pk, days(10), actor=CONSOLE)[1] == 0
        assert fresh(row).expires_at == days(90)

    def test_an_end_before_the_start_is_bad_input_and_an_unknown_fund_not_found(self, course):
        fund = make_fund(starts_at=days(5))
        for moment in (days(5), days(1)):
            with pytest.raises(BadInput):
                change_fund_end(fund.pk, moment, actor=CONSOLE)
        with pytest.raises(NotFound):
            change_fund_end(make_course("x").title and fund.customer_id, None, actor=CONSOLE)

    def test_a_renewed_assignment_has_the_dates_of_its_own_offer(self, house, course):
        (row,) = assigned(house.budget)
        change_fund_end(house.fund.pk, days(10), actor=CONSOLE)
        services.cancel_many([row.pk], actor=CONSOLE)
        change_fund_end(house.fund.pk, days(20), actor=CONSOLE)
        assigned(house.budget)
        assert fresh(row).expires_at == days(20)

    def test_after_a_crash_between_the_fund_and_its_assignments_asking_again_does_the_rest(
        self, house, course, monkeypatch
    ):
        (row,) = assigned(house.budget)
        with monkeypatch.context() as killed, pytest.raises(Died):
            killed.setattr(calendar.services, "reschedule_fund", die)
            change_fund_end(house.fund.pk, days(10), actor=CONSOLE)
        assert Fund.objects.get(pk=house.fund.pk).expires_at == days(10)
        assert change_fund_end(house.fund.pk, days(10), actor=CONSOLE)[1] == 1
        assert fresh(row).expires_at == days(10)


class TestMeanwhile:
    """Rows are listed first and locked by chunks later: what others do in between is not undone."""

    @pytest.fixture
    def between(self, monkeypatch):
        def act(what):
            def listed(keys):
                found = list(keys)
                what()
                yield found

            monkeypatch.setattr(deadlines, "chunks", listed)

        return act

    def test_somebody_who_was_moved_to_another_run_keeps_its_date(self, house, between):
        course = make_course()
        make_run(course, R1, enroll_by=days(30))
        make_run(course, R2, enroll_by=days(60))
        (row,) = assigned(house.budget, run=R1)
        between(lambda: assigned(house.budget, run=R2))
        services.reschedule_many({R1: days(20)}, assigned=False)
        assert fresh(row).expires_at == days(60)

    def test_somebody_who_was_cancelled_stays_as_they_ended(self, house, course, between):
        (row,) = assigned(house.budget)
        between(lambda: services.cancel_many([row.pk], actor=CONSOLE))
        assert services.reschedule_fund([house.budget.assignment_configuration_id], days(5)) == 0
        assert fresh(row).expires_at == days(90)


class TestNotification:
    def test_ninety_days_count_from_the_first_success_of_the_cycle(self, house, course, mail):
        (row,) = assigned(house.budget)
        mail.script(row.learner_email, "retry")
        tick()
        assert fresh(row).expires_at == days(90)
        with later(2 * MINUTE):
            tick()
            assert fresh(row).expires_at == days(90)
        remind_many([row.pk], actor=CONSOLE)
        with later(DAY):
            tick()
        assert fresh(row).expires_at == clock.now() + 2 * MINUTE + 90 * DAY


def test_courses_nobody_has_are_noted_as_dealt_with(course):
    flag_changed_in_a_commit([COURSE])
    assert Course.objects.get().terms_changed is True
    assert reschedule_changed() == 0
    assert Course.objects.get().terms_changed is False
