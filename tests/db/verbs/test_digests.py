"""One mail where several reminders are due: what is in it is looked up when it is sent, and recorded for each course."""

import pytest
from tests.db.verbs.reminding import remind_by, remind_due, reminders, second_budget, slots
from tests.db.verbs.steps import DAY, HOUR, accept, actions, assigned, fresh, kinds, later, nothing_written, tick

from bursar.assignments import services
from bursar.assignments.flows import erase_person
from bursar.assignments.models import ReminderStep
from bursar.assignments.selectors import messages_of
from bursar.assignments.services import cancel_many, remind_many
from bursar.catalog.models import Course
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.outbox.services import Delivered, Settlement, claim_due, settle_alone
from bursar.outbox.worker import drain
from bursar.people.models import Person, StopReason
from bursar.people.suppression import suppress_mail
from bursar.testing.factories import make_course, make_house, make_run
from bursar.testing.fake_mail import Died

ANA = "ana@example.org"
COURSES = ("DemoX+D101", "DemoX+D102", "DemoX+D103")


@pytest.fixture
def ana(house, mail):
    """Return three assignments of one person, from two budgets, of which she has been told."""
    budgets = (house.budget, second_budget(house), house.budget)
    for key in COURSES:
        make_course(key)
    rows = [assigned(budget, [ANA], key)[0] for budget, key in zip(budgets, COURSES, strict=True)]
    drain()
    mail.sent.clear()
    remind_by(house.customer)
    return rows


@pytest.fixture
def queued(ana):
    """Return the three with their digest queued, a week later."""
    with later(7 * DAY):
        assert remind_due() == 1
        yield ana


def digest():
    return Message.objects.get(kind="digest")


class TestQueued:
    def test_three_that_are_due_are_one_message_about_the_person(self, queued):
        person = Person.objects.get(email=ANA)
        row = digest()
        assert (row.topic, row.subject_uuid, row.cycle, row.ordinal) == (
            "digest", person.pk, 1, clock.now().date().toordinal(),
        )  # fmt: skip
        assert set(ReminderStep.objects.values_list("digest", flat=True)) == {row.ordinal}
        assert all("reminded" not in kinds(item) for item in queued)

    def test_what_comes_due_later_that_day_goes_along_and_not_again(self, house, course, mail):
        make_course("DemoX+D102")
        rows = assigned(house.budget, [ANA])
        with later(3 * HOUR):
            rows += assigned(house.budget, [ANA], "DemoX+D102")
            drain()
        remind_by(house.customer)
        for hours in range(12):
            with later(7 * DAY + hours * HOUR):
                tick()
        assert (reminders(), len(mail.sent)) == ([("digest", "sent")], 3)
        assert {len(slots(row)) for row in rows} == {1}

    def test_one_alone_is_an_ordinary_reminder(self, ana):
        cancel_many([row.pk for row in ana[1:]], actor=CONSOLE)
        with later(7 * DAY):
            remind_due()
        assert reminders() == [("reminded", "pending")]

    def test_without_digests_each_is_a_mail_of_its_own(self, house, ana):
        services.set_policy(house.customer.pk, services.PolicyChange(digest=False), actor=CONSOLE)
        with later(7 * DAY):
            assert remind_due() == 3
        assert reminders() == [("reminded", "pending")] * 3

    def test_the_same_day_has_one_digest_and_the_rest_waits_for_the_next(self, house, queued, mail):
        tick()
        services.set_policy(house.customer.pk, services.PolicyChange(after_days=[5]), actor=CONSOLE)
        ReminderStep.objects.all().delete()
        for row in queued:
            row.actions.filter(action_type="reminded").delete()
        with later(HOUR):
            assert tick().reminded == 0
        with later(DAY):
            assert tick().reminded == 1
        assert len(mail.sent) == 2

    def test_persons_of_two_customers_get_a_digest_each(self, ana, mail):
        other = make_house(name="Globex")
        for key in COURSES[:2]:
            assigned(other.budget, [ANA], key)
        drain()
        mail.sent.clear()
        remind_by(other.customer)
        with later(7 * DAY):
            assert tick().reminded == 2
        assert sorted(sent.subject for sent in mail.sent) == [
            "Reminder: 2 courses from Globex are waiting for you", "Reminder: 3 courses from Acme are waiting for you",
        ]  # fmt: skip


class TestSent:
    def test_it_names_every_course_with_deadline_and_link_and_is_a_reminder_of_each(self, queued, mail):
        drain()
        (sent,) = mail.sent
        assert sent.subject == "Reminder: 3 courses from Acme are waiting for you"
        assert (sent.to, sent.reference) == (ANA, Person.objects.get(email=ANA).pk)
        for text in (sent.text, sent.html):
            for key in COURSES:
                assert f"Course {key}" in text
                assert f"/courses/{key.replace('+', '%2B')}" in text
            assert text.count("Please enrol by 20 February 2027") == 3
            assert "{" not in text.replace("{font", "")
        assert {actions(row)[-1] for row in queued} == {("reminded", None)}
        assert {fresh(row).recent_action for row in queued} == {"reminded"}
        assert digest().state == "sent"

    def test_it_can_be_unsubscribed_from(self, queued, mail):
        drain()
        assert "List-Unsubscribe" in mail.sent[0].headers

    def test_what_was_accepted_or_cancelled_meanwhile_falls_out(self, queued, mail):
        accept(queued[:1])
        cancel_many([queued[1].pk], actor=CONSOLE)
        Message.objects.filter(kind="cancelled").delete()
        drain()
        (sent,) = mail.sent
        assert sent.subject == "Reminder: 1 course from Acme is waiting for you"
        assert [key for key in COURSES if key in sent.text] == [COURSES[2]]
        assert [actions(row)[-1][0] for row in queued] == ["redeemed", "notified", "reminded"]

    def test_with_nothing_left_it_is_dropped_with_the_reason(self, queued, mail):
        accept(queued)
        assert drain() == Delivered(dropped=1)
        assert (mail.sent, digest().state, digest().reason) == ([], "dropped", "nothing of it is waiting any more")

    def test_what_is_accepted_between_composing_and_sending_stops_it(self, queued, mail):
        send = mail.send_many

        def accept_first(mails, *, intent):
            accept(queued)
            return send(mails, intent=intent)

        mail.send_many = accept_first
        assert drain() == Delivered(dropped=1)
        assert mail.sent == []

    def test_what_is_accepted_between_composing_and_sending_is_not_in_the_mail_that_leaves(self, queued, mail):
        send = mail.send_many

        def accept_one(mails, *, intent):
            accept(queued[:1])
            mail.send_many = send
            return send(mails, intent=intent)

        mail.send_many = accept_one
        assert drain() == Delivered(sent=1, retried=1)
        (sent,) = mail.sent
        assert [key for key in COURSES if key in sent.text] == list(COURSES[1:])
        assert digest().attempts == 1, "composing anew is no try"

    def test_a_course_that_lets_nobody_in_any_more_falls_out(self, queued, mail):
        make_run(Course.objects.get(key=COURSES[0]), "closed", enroll_by=clock.now() - DAY)
        drain()
        (sent,) = mail.sent
        assert [key for key in COURSES if key in sent.text] == list(COURSES[1:])

    def test_one_that_could_not_leave_by_day_waits_for_the_morning(self, house, queued, mail):
        quiet = (clock.now() + HOUR).time(), (clock.now() + 9 * HOUR).time()
        services.set_policy(house.customer.pk, services.PolicyChange(quiet=quiet), actor=CONSOLE)
        mail.script(ANA, "retry")
        drain()
        with later(7 * DAY + 2 * HOUR):
            assert drain() == Delivered(retried=1)
            assert (mail.sent, digest().attempts) == ([], 1)
        with later(7 * DAY + 9 * HOUR):
            assert drain() == Delivered(sent=1)

    @pytest.mark.parametrize("how", ["suppressed", "muted", "erased"])
    def test_whoever_is_not_to_be_written_to_gets_none(self, house, queued, mail, how):
        if how == "suppressed":
            suppress_mail([queued[0].learner_email_key], StopReason.BOUNCED)
        elif how == "muted":
            services.set_muted(house.customer.pk, "reminded", muted=True, actor=CONSOLE)
        else:
            erase_person(Person.objects.get(email=ANA), actor=CONSOLE)
        drain()
        reasons = {"suppressed": "mail to this address is suppressed", "muted": "switched off",
                   "erased": "personal data removed"}  # fmt: skip
        assert (mail.sent, digest().state, digest().reason) == ([], "dropped", reasons[how])

    def test_a_mail_that_is_refused_for_good_is_a_failed_reminder_of_each(self, queued, mail):
        mail.script(ANA, "reject")
        assert drain() == Delivered(failed=1)
        assert {actions(row)[-1] for row in queued} == {("reminded", "email_error")}
        assert {fresh(row).recent_action for row in queued} == {"assigned"}

    def test_one_that_has_to_be_tried_again_is_no_action_yet(self, queued, mail):
        mail.script(ANA, "retry")
        assert drain() == Delivered(retried=1)
        assert {actions(row)[-1][0] for row in queued} == {"notified"}
        with later(HOUR):
            assert drain() == Delivered(sent=1)

    def test_one_that_may_have_left_is_not_sent_a_second_time(self, queued, mail):
        mail.script(ANA, "die_after")
        with pytest.raises(Died):
            drain()
        with later(DAY):
            tick()
        assert (digest().state, len(mail.sent)) == ("unknown", 1)

    def test_one_that_is_found_to_have_left_is_a_reminder_of_each(self, queued, mail):
        mail.can_look_up = True
        mail.script(ANA, "die_after")
        with pytest.raises(Died):
            drain()
        with later(HOUR):
            tick()
        assert digest().state == "sent"
        assert {actions(row)[-1] for row in queued} == {("reminded", None)}

    def test_what_another_worker_has_taken_over_is_not_recorded_twice(self, queued):
        (claim,) = claim_due(1, worker="first")
        Message.objects.update(fence=claim.fence + 1)
        settle_alone([Settlement(claim, "sent")])
        assert {actions(row)[-1][0] for row in queued} == {"notified"}

    def test_each_assignment_tells_of_the_digest_that_was_to_name_it(self, house, queued, mail):
        (other,) = assigned(house.budget, ["bea@example.org"])
        services.set_muted(house.customer.pk, "reminded", muted=True, actor=CONSOLE)
        drain()
        for row in queued:
            told = messages_of(row.pk)
            assert [(item.kind, item.reason) for item in told] == [("assigned", ""), ("digest", "switched off")]
        assert [item.kind for item in messages_of(other.pk)] == ["assigned"]

    def test_an_admins_own_reminder_stays_a_mail_of_its_own(self, queued, mail):
        remind_many([queued[0].pk], actor=CONSOLE)
        drain()
        assert sorted(sent.subject.partition(":")[2] for sent in mail.sent) == [
            " 3 courses from Acme are waiting for you", " Course DemoX+D101 is waiting for you",
        ]  # fmt: skip


class TestForgotten:
    def test_erasing_somebody_forgets_the_digests_kept_of_them(self, queued, mail):
        drain()
        assert len(mail.sent) == 1
        erase_person(Person.objects.get(email=ANA), actor=CONSOLE)
        assert mail.sent == []

    def test_scrubbing_an_assignment_forgets_the_digests_that_named_it(self, queued, mail):
        drain()
        cancel_many([queued[0].pk], actor=CONSOLE)
        drain()
        with later(91 * DAY):
            tick()
        assert fresh(queued[0]).address_scrubbed_at is not None
        assert [sent for sent in mail.sent if COURSES[0] in sent.text] == []

    def test_the_steps_that_stay_hold_nothing_personal(self, queued):
        names = {field.name for field in ReminderStep._meta.get_fields()}
        assert names == {"id", "assignment_uuid", "cycle", "slot", "digest", "taken_at"}


def test_two_ticks_leave_one_digest(ana):
    with later(7 * DAY):
        remind_due()
        with nothing_written():
            remind_due()
