"""Delivering: each message is looked at again before it leaves, and what became of it is on the timeline of its cycle."""

from datetime import timedelta

import pytest
from tests.db.verbs.steps import (
    DAY,
    HOUR,
    MINUTE,
    accept,
    actions,
    allocate,
    assigned,
    counts,
    fresh,
    in_state,
    keys,
    later,
    messages,
    tick,
)

from bursar.assignments import jobs
from bursar.assignments.flows import deliver_many
from bursar.assignments.flows.deliveries import resend_unknown
from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction
from bursar.assignments.services import cancel_many, expire_many, nudge_many, remind_many, reverse_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.outbox.services import Delivered, Settlement, claim_due, settle_alone
from bursar.outbox.worker import drain
from bursar.people.models import Person
from bursar.testing.factories import make_customer, make_house, make_run
from bursar.testing.fake_mail import Died

ANA = "learner1@example.org"


def outcome(row, kind="assigned"):
    """Return the state and the reason of the last message of a kind."""
    message = Message.objects.filter(subject_uuid=row.pk, kind=kind).order_by("created", "ordinal").last()
    return message.state, message.reason


class TestSent:
    @pytest.mark.parametrize(
        ("kind", "action", "subject"),
        [
            ("assigned", "notified", "Acme has assigned you a course"),
            ("reminded", "reminded", "Reminder"),
            ("cancelled", "cancelled", "Your course assignment was cancelled"),
            ("expired", "expired", "Your course assignment has expired"),
        ],
    )
    def test_each_kind_leaves_as_a_mail_and_as_an_action(self, house, course, mail, kind, action, subject):
        (row,) = assigned(house.budget)
        tick()
        if kind == "reminded":
            remind_many([row.pk], actor=CONSOLE)
        elif kind == "cancelled":
            cancel_many([row.pk], actor=CONSOLE)
        with later(91 * DAY if kind == "expired" else HOUR):
            if kind == "expired":
                expire_many([row.pk], actor=CONSOLE)
            drain()
            sent = mail.sent[-1]
            assert (sent.to, sent.subject.partition(":")[0], sent.reference) == (ANA, subject.partition(":")[0], row.pk)
            done = LearnerContentAssignmentAction.objects.get(assignment=row, action_type=action)
            assert (done.error_reason, done.traceback) == (None, None)
            if kind != "assigned":
                assert done.completed_at == clock.now()
        assert outcome(row, kind) == ("sent", "")

    def test_a_mail_is_sent_for_the_customer_and_answered_to_its_contact(self, course, mail, configure):
        house = make_house(name="Globex", contact_email="learning@globex.example")
        assigned(house.budget)
        tick()
        (sent,) = mail.sent
        assert sent.sender == "Bursar <no-reply@bursar.invalid>"
        assert sent.headers == {"Auto-Submitted": "auto-generated", "Reply-To": "learning@globex.example"}

    def test_without_a_contact_there_is_nobody_to_answer_to(self, house, course, mail):
        assigned(house.budget)
        tick()
        assert mail.sent[0].headers == {"Auto-Submitted": "auto-generated"}

    def test_an_address_outside_ascii_is_written_as_mail_servers_take_it(self, house, course, mail):
        allocate(house.budget, ["Ana@Bücher.example"])
        tick()
        assert mail.sent[0].to == "ana@xn--bcher-kva.example"

    def test_what_an_import_brought_and_is_no_address_goes_as_it_is_and_is_refused_there(self, house, course, mail):
        (row,) = assigned(house.budget)
        row.learner_email = "müller"
        row.save()
        assert drain() == Delivered(failed=1)
        assert Message.objects.get().error_code == "bad_address"

    def test_a_learner_told_is_waiting_and_counted_so(self, house, course, mail):
        assigned(house.budget, 2)
        mail.script(ANA, "retry")
        tick()
        assert counts(house.budget) == {("allocated", "notifying"): 1, ("allocated", "waiting"): 1}

    def test_the_urgent_ones_leave_first(self, house, course, mail):
        first, second = assigned(house.budget, 2)
        accept([first])
        nudge_many([first.pk], days=3, actor=CONSOLE)
        cancel_many([second.pk], actor=CONSOLE)
        allocate(house.budget, ["new@example.org"])
        tick()
        assert [item.subject.split(":")[0] for item in mail.sent] == [
            "Acme has assigned you a course", "Your course assignment was cancelled", "Your course starts soon",
        ]  # fmt: skip


class TestNoLongerNeeded:
    """Looked at again just before it leaves: the reason is kept, no mail goes, no action is recorded."""

    def assert_dropped(self, row, kind, reason, mail):
        before = actions(row)
        sent = len(mail.sent)
        assert drain().dropped >= 1
        assert outcome(row, kind) == ("dropped", reason)
        assert (actions(row), len(mail.sent)) == (before, sent)

    def test_accepted_meanwhile(self, house, course, mail):
        (row,) = assigned(house.budget)
        accept([row])
        self.assert_dropped(row, "assigned", "no longer needed: accepted", mail)

    def test_an_invitation_to_what_was_cancelled(self, house, course, mail):
        (row,) = assigned(house.budget)
        cancel_many([row.pk], actor=CONSOLE, tell=False)
        self.assert_dropped(row, "assigned", "no longer needed: cancelled", mail)

    def test_a_reminder_of_what_has_expired(self, house, course, mail):
        (row,) = assigned(house.budget)
        drain()
        remind_many([row.pk], actor=CONSOLE)
        with later(91 * DAY):
            expire_many([row.pk], actor=CONSOLE)
            assert drain() == Delivered(sent=1, dropped=1)
        assert outcome(row, "reminded") == ("dropped", "no longer needed: expired")

    def test_the_cancellation_of_an_earlier_cycle(self, house, course, mail):
        (row,) = assigned(house.budget)
        cancel_many([row.pk], actor=CONSOLE)
        allocate(house.budget, 1)
        before = actions(row)
        assert drain() == Delivered(sent=1, dropped=2)
        assert outcome(row, "cancelled") == ("dropped", "allocated again since")
        assert [item.subject.split(":")[0] for item in mail.sent] == ["Acme has assigned you a course"]
        assert actions(row) == [*before, ("notified", None)]

    def test_a_nudge_for_a_course_given_back(self, house, course, mail):
        (row,) = in_state("accepted", house.budget)
        drain()
        nudge_many([row.pk], days=3, actor=CONSOLE)
        reverse_many([row.pk], actor=CONSOLE)
        self.assert_dropped(row, "nudged", "no longer needed: reversed", mail)

    def test_a_reminder_of_a_course_that_was_withdrawn(self, house, course, mail):
        run = make_run(course, "withdrawn", enroll_by=clock.now() + 30 * DAY)
        (row,) = assigned(house.budget)
        drain()
        remind_many([row.pk], actor=CONSOLE)
        type(run).objects.update(active=False)
        self.assert_dropped(row, "reminded", "enrollment in the course has closed", mail)

    def test_but_not_where_the_budget_lets_people_in_late(self, house, course, mail):
        run = make_run(course, "withdrawn", enroll_by=clock.now() + 30 * DAY)
        (row,) = assigned(house.budget)
        remind_many([row.pk], actor=CONSOLE)
        type(run).objects.update(active=False)
        type(house.budget).objects.update(late_redemption_allowed_until=clock.now() + DAY)
        drain()
        assert outcome(row, "reminded")[0] == "sent"

    def test_personal_data_removed(self, house, course, mail):
        (row,) = assigned(house.budget)
        (claim,) = claim_due(1, worker="w")
        LearnerContentAssignment.objects.filter(pk=row.pk).update(address_scrubbed_at=clock.now())
        assert deliver_many([claim]) == Delivered(dropped=1)
        assert outcome(row) == ("dropped", "personal data removed")

    def test_an_address_that_an_import_brought_retired(self, house, course, mail):
        (row,) = assigned(house.budget, ["retired_user0123456789abcdef@retired.invalid"])
        drain()
        assert (outcome(row), mail.sent) == (("dropped", "personal data removed"), [])

    def test_a_suppressed_address(self, house, course, mail):
        first, second = assigned(house.budget, 2)
        Person.objects.filter(email=ANA).update(mail_suppressed_at=clock.now(), mail_suppressed_reason="bounced")
        assert drain() == Delivered(sent=1, dropped=1)
        assert outcome(first) == ("dropped", "mail to this address is suppressed")
        assert fresh(second).learner_state == "waiting"

    def test_suppression_is_each_customers_own(self, house, course, mail):
        other = make_house()
        assigned(house.budget)
        (row,) = assigned(other.budget)
        Person.objects.filter(customer=house.customer).update(mail_suppressed_at=clock.now())
        drain()
        assert fresh(row).learner_state == "waiting"

    def test_a_reminder_while_somebody_is_accepting(self, house, course, mail, platform):
        (row,) = assigned(house.budget)
        drain()
        remind_many([row.pk], actor=CONSOLE)
        platform.script(ANA, "unclear")
        accept([row])
        self.assert_dropped(row, "reminded", "being accepted", mail)

    @pytest.mark.parametrize("kind", ["assigned", "reminded"])
    def test_an_invitation_after_its_deadline(self, house, course, mail, kind):
        (row,) = assigned(house.budget)
        if kind == "reminded":
            drain()
            remind_many([row.pk], actor=CONSOLE)
        with later(91 * DAY):
            self.assert_dropped(row, kind, "its deadline has passed", mail)

    def test_an_assignment_that_is_gone(self, house, course, mail, unaudited):
        (row,) = assigned(house.budget)
        fresh(row).delete()
        assert drain() == Delivered(dropped=1)
        assert outcome(row) == ("dropped", "the assignment is gone")

    def test_an_assignment_of_no_customer(self, house, course, mail, unaudited):
        (row,) = assigned(house.budget)
        LearnerContentAssignment.objects.filter(pk=row.pk).update(assignment_configuration=None)
        assert drain() == Delivered(dropped=1)
        assert outcome(row) == ("dropped", "the assignment is gone")

    def test_a_customer_of_elsewhere(self, house, course, mail, unaudited):
        (row,) = assigned(house.budget)
        configuration = fresh(row).assignment_configuration
        configuration.enterprise_customer_uuid = row.pk
        configuration.save()
        assert make_customer().pk != row.pk
        assert drain() == Delivered(dropped=1)

    def test_cancelled_between_the_first_look_and_the_moment_it_leaves(self, house, course, mail, monkeypatch):
        first, second = assigned(house.budget, 2)
        real = mail.send_many

        def send_after_a_cancellation(mails, *, intent):
            cancel_many(keys([second]), actor=CONSOLE)
            return real(mails, intent=intent)

        monkeypatch.setattr(mail, "send_many", send_after_a_cancellation)
        drain(1)
        assert outcome(second) == ("dropped", "no longer needed: cancelled")
        assert [item.to for item in mail.sent] == [first.learner_email]

    def test_deleted_between_the_first_look_and_the_moment_it_leaves(self, house, course, mail, monkeypatch, unaudited):
        (row,) = assigned(house.budget)
        real = mail.send_many

        def send_after_a_deletion(mails, *, intent):
            fresh(row).delete()
            return real(mails, intent=intent)

        monkeypatch.setattr(mail, "send_many", send_after_a_deletion)
        drain(1)
        assert (outcome(row)[0], mail.sent) == ("dropped", [])


class TestFailed:
    def test_refused_for_good_is_an_error_on_the_timeline_with_its_traceback(self, house, course, mail):
        (row,) = assigned(house.budget)
        mail.script(ANA, "reject")
        assert drain() == Delivered(failed=1)
        row = fresh(row)
        assert (row.state, row.learner_state) == ("allocated", "failed")
        assert actions(row)[-1] == ("notified", "email_error")
        action = LearnerContentAssignmentAction.objects.get(assignment=row, action_type="notified")
        assert action.completed_at is None
        assert "ValueError" in action.traceback
        assert Message.objects.get().error_code == "smtp_refused"
        assert counts(house.budget) == {("allocated", "failed"): 1}

    @pytest.mark.parametrize("verb", [cancel_many, expire_many])
    def test_news_of_the_end_that_fails_changes_no_state(self, house, course, mail, verb):
        (row,) = assigned(house.budget)
        drain()
        mail.script(ANA, "reject")
        with later(91 * DAY):
            verb([row.pk], actor=CONSOLE)
            drain()
        assert fresh(row).state == {cancel_many: "cancelled", expire_many: "expired"}[verb]
        assert actions(row)[-1][1] == "email_error"

    def test_tried_again_it_is_no_error_yet_and_after_the_last_time_it_is(self, house, course, mail):
        (row,) = assigned(house.budget)
        mail.script(ANA, *["retry"] * 10)
        for tries in range(1, 8):
            with later(tries * 2 * DAY):
                done = drain()
            assert done == (Delivered(failed=1) if tries == 7 else Delivered(retried=1))
            assert ("notified", "email_error") not in actions(row) or tries == 7
        action = LearnerContentAssignmentAction.objects.get(assignment=row, action_type="notified")
        assert "TimeoutError" in action.traceback
        assert fresh(row).learner_state == "failed"
        assert Message.objects.get().state == "failed"

    def test_tried_again_with_success_leaves_one_action(self, house, course, mail):
        (row,) = assigned(house.budget)
        mail.script(ANA, "retry", "retry")
        for tries in range(3):
            with later(tries * DAY):
                drain()
        assert [action for action, _ in actions(row)] == ["learner_linked", "notified"]

    def test_an_assignment_whose_mail_failed_can_be_reminded_of(self, house, course, mail):
        (row,) = assigned(house.budget)
        mail.script(ANA, "reject")
        drain()
        remind_many([row.pk], actor=CONSOLE)
        drain()
        assert actions(row)[-1] == ("reminded", None)

    def test_a_message_that_cannot_be_rendered_stops_no_other_and_ends_as_failed(self, house, course, mail):
        house.customer.time_zone = "Mars/Olympus"
        house.customer.save()
        (row,) = assigned(house.budget)
        other = make_house()
        (fine,) = assigned(other.budget, ["fine@example.org"])
        drain()
        assert (fresh(fine).learner_state, fresh(row).learner_state) == ("waiting", "notifying")
        for tries in range(1, 8):
            with later(tries * 2 * DAY):
                drain()
        assert Message.objects.get(subject_uuid=row.pk).state == "failed"
        assert actions(row)[-1] == ("notified", "email_error")


class TestTakenOver:
    def test_a_worker_that_lost_its_message_records_nothing(self, house, course, mail):
        (row,) = assigned(house.budget)
        (claim,) = claim_due(1, worker="slow")
        with later(5 * MINUTE):
            tick()
            before = actions(row)
            assert deliver_many([claim]) == Delivered()
            settle_alone([Settlement(claim, "failed", error_code="late")])
        assert len(mail.sent) == 1
        assert actions(row) == before

    def test_a_mail_of_an_old_cycle_leaves_no_action_though_it_was_sent(self, house, course, mail):
        (row,) = assigned(house.budget)
        (claim,) = claim_due(1, worker="w")
        cancel_many([row.pk], actor=CONSOLE, tell=False)
        allocate(house.budget, 1)
        before = actions(row)
        settle_alone([Settlement(claim, "sent")])
        assert Message.objects.get(pk=claim.uuid).state == "sent"
        assert actions(row) == before
        assert fresh(row).learner_state == "notifying"

    def test_killed_after_the_intent_a_reminder_is_unknown_and_news_is_sent_again(self, house, course, mail):
        first, second = assigned(house.budget, 2)
        drain()
        for row, verb in ((first, remind_many), (second, cancel_many)):
            verb([row.pk], actor=CONSOLE)
            mail.script(row.learner_email, "die_after")
            with pytest.raises(Died):
                drain()
        with later(HOUR):
            tick()
        assert outcome(first, "reminded")[0] == "unknown"
        assert outcome(second, "cancelled")[0] == "sent"
        assert "reminded" not in [action for action, _ in actions(first)]
        assert actions(second)[-1] == ("cancelled", None)

    def test_which_kinds_are_sent_again_when_nobody_knows(self):
        assert {kind: resend_unknown(kind) for kind in ("assigned", "cancelled", "expired", "reminded", "nudged")} == {
            "assigned": True, "cancelled": True, "expired": True, "reminded": False, "nudged": False,
        }  # fmt: skip

    def test_a_worker_stopped_between_intent_and_record_is_mended_by_the_tick(self, house, course, mail):
        (row,) = assigned(house.budget)
        mail.script(ANA, "die_before")
        with pytest.raises(Died):
            drain()
        assert messages(row) == [("assigned", 1, 1, "committing")]
        with later(timedelta(minutes=15)):
            tick()
        assert actions(row)[-1] == ("notified", None)


def test_the_outbox_calls_the_sweeps_module(house, course, mail):
    assigned(house.budget)
    assert jobs.deliver(claim_due(5, worker="w")) == Delivered(sent=1)
    assert jobs.deliver([]) == Delivered()
