"""What a learning platform may answer, and what it means: only an answer about this person and this run counts."""

import pytest
from tests.db.verbs.steps import DAY, MINUTE, accept, actions, assigned, books, fresh, keys, later, redeem, tick

from bursar.assignments.flows import redeem_many, redemptions
from bursar.assignments.models import LearnerContentAssignmentAction
from bursar.assignments.services import RedemptionRequest, cancel_many
from bursar.budgets.models import Budget
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.ports.enrolment import EnrolmentAnswer
from bursar.testing.factories import make_course, make_run

SOON = 3 * MINUTE


@pytest.mark.parametrize(
    ("step", "state", "code"),
    [
        ("enrol", "committed", ""),
        ("twice", "committed", ""),
        ("refuse", "failed", "closed"),
        ("unclear", "pending", "timeout"),
        ("lose", "pending", "timeout"),
        ("omit", "pending", "no_answer"),
        ("raise_before", "pending", "no_answer"),
        ("raise_after", "pending", "no_answer"),
        ("contradict", "pending", "contradictory_answer"),
        ("wrong_user", "pending", "answer_for_somebody_else"),
        ("wrong_run", "pending", "answer_for_somebody_else"),
    ],
)
def test_each_answer_has_one_meaning(house, course, platform, step, state, code):
    (row,) = assigned(house.budget)
    platform.script(row.learner_email, step)
    transaction = redeem(row)
    assert (transaction.state, transaction.error_code) == (state, code)
    assert fresh(row).state == {"committed": "accepted", "failed": "errored", "pending": "allocated"}[state]
    held_spent = {"committed": (0, 4900), "failed": (0, 0), "pending": (4900, 0)}[state]
    assert books(house.budget)[:2] == held_spent


@pytest.mark.parametrize(
    "step", ["unclear", "lose", "omit", "raise_before", "raise_after", "contradict", "wrong_user", "wrong_run"]
)
def test_whatever_was_not_clear_ends_right_when_asked_again(house, course, platform, step):
    (row,) = assigned(house.budget)
    platform.script(row.learner_email, step)
    redeem(row)
    with later(SOON):
        assert tick().redemptions_resumed == 1
    assert fresh(row).state == "accepted"
    assert len(platform.enrolments) == 1
    assert books(house.budget) == (0, 4900, 995_100, 0)


@pytest.mark.parametrize("step", ["wrong_user", "wrong_run", "contradict"])
def test_a_platform_that_goes_on_lying_is_given_up_and_what_it_knows_counts(house, course, platform, step):
    (row,) = assigned(house.budget)
    platform.script(row.learner_email, *[step] * 100)
    redeem(row)
    with later(DAY):
        tick()
    assert fresh(row).state == "accepted", "asked who is enrolled, it told the truth"


def test_one_who_makes_the_platform_raise_costs_the_others_no_more_than_time(house, course, platform):
    rows = assigned(house.budget, 3)
    platform.script(rows[1].learner_email, "raise_before")
    answer = redeem_many([RedemptionRequest(row.pk) for row in rows], actor=CONSOLE)
    assert {item.state for item in answer.done.values()} == {"pending"}
    with later(SOON):
        tick()
    assert {row.state for row in fresh(rows)} == {"accepted"}
    assert len(platform.enrolments) == 3


def test_a_refusal_is_recorded_with_its_traceback_and_nobody_is_named_in_the_log(house, course, platform, caplog):
    first, second = assigned(house.budget, 2)
    platform.script(first.learner_email, "refuse")
    platform.script(second.learner_email, "raise_before")
    accept([first])
    action = LearnerContentAssignmentAction.objects.get(assignment=first, action_type="redeemed")
    assert (action.error_reason, action.completed_at) == ("enrollment_error", None)
    assert "PermissionError: enrolment is closed" in action.traceback
    accept([second])
    assert "enrolment: no answer, TimeoutError" in caplog.text
    assert "@" not in caplog.text + "".join(record.exc_text or "" for record in caplog.records)


def test_what_erred_together_is_recorded_each_with_its_own_traceback(house, course, platform):
    rows = assigned(house.budget, 3)
    for row in rows[:2]:
        platform.script(row.learner_email, "refuse")
    redeem_many([RedemptionRequest(row.pk) for row in rows], actor=CONSOLE)
    assert [row.state for row in fresh(rows)] == ["errored", "errored", "accepted"]
    assert [actions(row)[-1] for row in rows] == [
        ("redeemed", "enrollment_error"), ("redeemed", "enrollment_error"), ("redeemed", None),
    ]  # fmt: skip
    assert books(house.budget) == (0, 4900, 995_100, 0)


def test_errored_and_then_cancelled_releases_nothing_a_second_time(house, course, platform):
    errored, other = assigned(house.budget, 2)
    platform.script(errored.learner_email, "refuse")
    accept([errored])
    assert books(house.budget)[0] == 4900
    cancel_many(keys([errored]), actor=CONSOLE)
    assert books(house.budget)[0] == 4900, "what the other one holds"
    assert fresh(other).state == "allocated"


class Odd:
    """A platform that answers with what no contract foresees."""

    def __init__(self, **odd):
        self.odd = odd

    def enrol_many(self, requests):
        (request,) = requests
        plain = {
            "key": request.key,
            "outcome": "enrolled",
            "lms_user_id": request.lms_user_id,
            "run_key": request.run_key,
        }
        return [EnrolmentAnswer(**plain | self.odd)]

    find_many = enrol_many


@pytest.fixture
def odd_platform(monkeypatch):
    def answering(**odd):
        real = redemptions.backend
        port = Odd(**odd)
        monkeypatch.setattr(redemptions, "backend", lambda name: port if name == "enrolment_port" else real(name))

    return answering


@pytest.mark.parametrize(
    "odd",
    [
        {"reference": "a\0b", "courseware_url": "https://x/\0", "code": "\0"},
        {"reference": "\ud800", "courseware_url": "\udfff"},
        {"reference": "x" * 1000, "courseware_url": "https://x/" + "y" * 5000, "code": "z" * 500},
        {"reference": 42, "courseware_url": None, "code": None},
    ],
)
def test_an_enrolment_with_odd_texts_is_still_an_enrolment(house, course, odd_platform, odd):
    (row,) = assigned(house.budget)
    odd_platform(**odd)
    transaction = redeem(row)
    assert transaction.state == "committed"
    assert "\0" not in f"{transaction.fulfillment_identifier}{transaction.courseware_url}"


@pytest.mark.parametrize("outcome", ["yes", "", None, "ENROLLED"])
def test_an_outcome_that_nobody_knows_is_unclear_and_stops_no_tick(house, course, odd_platform, outcome):
    (row,) = assigned(house.budget)
    odd_platform(outcome=outcome)
    assert redeem(row).state == "pending"
    with later(SOON):
        assert tick().redemptions_resumed == 1
    with later(DAY):
        tick()
    assert fresh(row).state == "errored"


def test_an_error_with_odd_characters_is_kept_as_text(house, course, odd_platform):
    (row,) = assigned(house.budget)
    odd_platform(outcome="refused", error=ValueError("bad\0byte \ud800"))
    assert redeem(row).state == "failed"
    action = LearnerContentAssignmentAction.objects.get(assignment=row, action_type="redeemed")
    assert "ValueError: bad" in action.traceback
    assert "\0" not in action.traceback


def test_answers_for_others_than_those_asked_about_are_passed_over(house, course, odd_platform):
    (row,) = assigned(house.budget)
    odd_platform(key=row.pk)
    assert redeem(row).error_code == "no_answer"


def test_late_a_course_without_an_open_run_is_taken_up_by_the_one_that_closed_last(house):
    course = make_course()
    make_run(course, "first", enroll_by=clock.now() + 5 * DAY, start=clock.now() + 6 * DAY)
    make_run(course, "last", enroll_by=clock.now() + 9 * DAY, start=clock.now() + 9 * DAY)
    make_run(course, "withdrawn", enroll_by=clock.now() + 10 * DAY, active=False)
    (row,) = assigned(house.budget)
    Budget.objects.update(late_redemption_allowed_until=clock.now() + 30 * DAY)
    with later(15 * DAY):
        transaction = redeem(row)
        assert (transaction.state, transaction.content_key) == ("committed", "last")
        assert transaction.course_run_start_date is not None
