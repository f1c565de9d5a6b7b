"""Mails that came back: what the admin sees of it, and that each report counts once."""

from uuid import uuid4

import pytest
from tests.db.verbs.returning import ANA, actions, comes_back, message_of, told
from tests.db.verbs.steps import (
    DAY,
    HOUR,
    allocate,
    assigned,
    counts,
    fresh,
    in_state,
    later,
    nothing_written,
    tick,
)

from bursar.assignments.flows import erase_person
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import Feedback, cancel_many, record_feedback, remind_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox import services as outbox
from bursar.outbox.models import State
from bursar.outbox.services import Settlement, claim_due, commit_intent
from bursar.people.keys import key_of
from bursar.people.models import Mailbox, Person, Unsubscription
from bursar.people.suppression import allow_mail


class TestWhatTheAdminSees:
    def test_an_invitation_that_came_back_has_failed(self, house, course, mail):
        row, other = told(house, 2)
        assert (row.learner_state, row.notified_at is None) == ("waiting", False)
        assert comes_back(row)
        row = fresh(row)
        assert (row.state, row.learner_state, row.notified_at) == ("allocated", "failed", None)
        assert actions(row) == [("notified", "email_error")]
        assert counts(house.budget) == {("allocated", "failed"): 1, ("allocated", "waiting"): 1}
        message = message_of(row)
        assert (message.state, message.error_code) == (State.BOUNCED, "5.1.1")
        assert fresh(other).learner_state == "waiting"

    def test_the_action_is_not_completed_and_its_history_tells_that_it_was(self, house, course, mail):
        (row,) = told(house)
        comes_back(row)
        (action,) = row.actions.filter(action_type="notified")
        assert (action.completed_at, action.error_reason, action.traceback) == (None, "email_error", None)
        past = action.history.order_by("history_id").values_list("error_reason", "history_change_reason")
        assert list(past) == [(None, None), ("email_error", "the mail came back")]
        assert row.get_last_successful_notified_action() is None

    def test_the_ninety_days_then_run_from_the_allocation(self, house, course, mail):
        (row,) = assigned(house.budget)
        with later(5 * DAY):
            tick()
            assert fresh(row).expires_at == clock.now() + 90 * DAY
        comes_back(row, after=6 * DAY)
        row = fresh(row)
        assert row.expires_at == row.allocated_at + 90 * DAY

    def test_a_reminder_that_came_back_leaves_the_learner_told(self, house, course, mail):
        (row,) = told(house)
        for day in (1, 2):
            with later(day * DAY):
                remind_many([row.pk], actor=CONSOLE)
                tick()
        assert fresh(row).recent_action_time == clock.now() + 2 * DAY
        comes_back(row, "reminded", feedback=Feedback.SOFT, code="4.2.2", ordinal=2, after=3 * DAY)
        row = fresh(row)
        assert (row.learner_state, row.recent_action) == ("waiting", "reminded")
        assert row.recent_action_time == clock.now() + 1 * DAY, "the first one arrived"
        assert actions(row) == [("notified", None), ("reminded", None), ("reminded", "email_error")]

    @pytest.mark.parametrize(("state", "kind"), [("cancelled", "cancelled"), ("expired", "expired")])
    def test_news_of_an_end_that_came_back_changes_no_state(self, house, course, mail, state, kind):
        (row,) = in_state(state, house.budget)
        tick()
        with later(91 * DAY):
            tick()
        LearnerContentAssignment.objects.filter(pk=row.pk).update(address_scrubbed_at=None)
        assert comes_back(row, kind, after=91 * DAY + HOUR)
        assert fresh(row).state == state
        assert (kind, "email_error") in actions(row)

    def test_a_return_of_an_earlier_cycle_says_nothing_of_the_present_one(self, house, course, mail):
        (row,) = told(house)
        first = message_of(row)
        cancel_many([row.pk], actor=CONSOLE, tell=False)
        with later(DAY):
            allocate(house.budget)
            tick()
            before = actions(row)
            assert record_feedback(first.pk, Feedback.SOFT, code="4.4.7")
            assert fresh(row).learner_state == "waiting"
            assert [error for _, error in actions(row)] == ["email_error", *(error for _, error in before[1:])]

    def test_one_whose_outcome_was_unknown_had_left(self, house, course, mail):
        (row,) = assigned(house.budget)
        (claim,) = claim_due(1, worker="w")
        commit_intent(claim)
        outbox.settle_alone([Settlement(claim, "unknown")])
        assert comes_back(row)
        assert (fresh(row).learner_state, actions(row)) == ("failed", [("notified", "email_error")])
        with nothing_written():
            assert not comes_back(row)

    def test_a_return_that_is_quicker_than_the_worker_stays(self, house, course, mail):
        (row,) = assigned(house.budget)
        (claim,) = claim_due(1, worker="w")
        commit_intent(claim)
        assert comes_back(row)
        outbox.settle_alone([Settlement(claim, "sent")])
        assert message_of(row).state == State.BOUNCED
        assert (fresh(row).learner_state, actions(row)) == ("failed", [("notified", "email_error")])

    def test_stopped_before_the_commit_nothing_of_it_is_there_and_it_is_taken_up_again(
        self, house, course, mail, monkeypatch
    ):
        (row,) = told(house)

        def die(*_, **__):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, nothing_written():
            patch.setattr("bursar.assignments.services.feedback.record_history", die)
            with pytest.raises(KeyboardInterrupt):
                comes_back(row, feedback=Feedback.SOFT)
        assert comes_back(row, feedback=Feedback.SOFT)
        assert message_of(row).state == State.BOUNCED
        assert Mailbox.objects.get().soft_bounces == 1
        assert actions(row) == [("notified", "email_error")]


class TestOnceOnly:
    @pytest.mark.parametrize("feedback", [Feedback.HARD, Feedback.SOFT, Feedback.COMPLAINT, Feedback.UNSUBSCRIBED])
    def test_the_same_again_changes_nothing(self, house, course, mail, feedback):
        (row,) = told(house)
        assert comes_back(row, feedback=feedback)
        with nothing_written():
            assert not comes_back(row, feedback=feedback)

    def test_an_old_report_does_not_undo_what_was_allowed_since(self, house, course, mail):
        (row,) = told(house)
        comes_back(row)
        allow_mail([key_of(ANA)])
        with nothing_written():
            assert not comes_back(row, after=DAY)

    @pytest.mark.parametrize("feedback", Feedback)
    def test_a_message_that_there_is_not_is_no_fault(self, house, course, feedback):
        with nothing_written():
            assert not record_feedback(uuid4(), feedback, code="5.1.1")

    @pytest.mark.parametrize("feedback", Feedback)
    def test_a_forgotten_address_is_not_remembered(self, house, course, mail, feedback):
        (row,) = told(house)
        key = message_of(row).pk
        erase_person(Person.objects.get(), actor=CONSOLE)
        record_feedback(key, feedback, code="5.1.1")
        assert not Mailbox.objects.exists()
        assert not Unsubscription.objects.exists()

    def test_of_a_message_that_never_left_only_a_dead_address_is_believed(self, house, course, mail):
        (row,) = assigned(house.budget)
        with nothing_written():
            assert not comes_back(row, feedback=Feedback.SOFT)
        assert comes_back(row)
        assert (message_of(row).state, actions(row)) == (State.PENDING, [])
        assert Mailbox.objects.get().suppressed_reason == "bounced"


def test_a_bounced_message_says_so_on_the_timeline(house, course, mail):
    from bursar.assignments.timelines import fate, timeline

    (row,) = told(house)
    comes_back(row)
    message = message_of(row)
    assert fate(message) == "came back on 2026-11-22 13:00 UTC: bounced, 5.1.1"
    what = [event.what for event in timeline(fresh(row), [], [message], [])]
    assert what[-1] == "assigned: bounced, 5.1.1"
    assert "notified: failed, email_error" in what
