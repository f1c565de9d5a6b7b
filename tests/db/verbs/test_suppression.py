"""To whom no mail goes any more and why, when it does again, and that this is forgotten with the address."""

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.db.verbs.returning import ANA, actions, comes_back, message_of, outcome, told
from tests.db.verbs.steps import (
    DAY,
    HOUR,
    allocate,
    assigned,
    counts,
    fresh,
    in_state,
    later,
    tick,
)

from bursar.assignments.flows import erase_person
from bursar.assignments.services import Feedback, cancel_many, nudge_many, prune_stops, record_feedback, remind_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import State
from bursar.outbox.worker import drain
from bursar.people.keys import key_of
from bursar.people.models import Mailbox, Person, Unsubscription
from bursar.people.suppression import allow_mail, has_unsubscribed, resubscribe, suppress_mail, unsubscribe
from bursar.testing.factories import make_customer, make_house, make_member, make_person, make_user

KEY_OF_NOBODY = "0" * 64


class TestWhoGetsNoMail:
    def test_a_dead_address_gets_none_from_anybody(self, house, course, mail):
        (row,) = told(house)
        comes_back(row)
        other = make_house(name="Globex")
        (elsewhere,) = assigned(other.budget)
        remind_many([row.pk], actor=CONSOLE)
        sent = len(mail.sent)
        drain()
        assert len(mail.sent) == sent
        for refused, kind in ((row, "reminded"), (elsewhere, "assigned")):
            assert outcome(refused, kind) == ("dropped", "mail to this address is suppressed")

    def test_who_assigns_to_a_dead_address_is_told_at_once(self, house, course, mail):
        suppress_mail([key_of(ANA)], "bounced")
        (row,) = told(house)
        assert (row.learner_state, actions(row)) == ("failed", [("notified", "email_error")])
        assert counts(house.budget) == {("allocated", "failed"): 1}

    def test_somebody_who_complained_gets_none_but_was_told(self, house, course, mail):
        (row,) = told(house)
        assert comes_back(row, feedback=Feedback.COMPLAINT)
        row = fresh(row)
        assert (row.learner_state, message_of(row).state) == ("waiting", State.SENT)
        cancel_many([row.pk], actor=CONSOLE)
        drain()
        assert outcome(row, "cancelled") == ("dropped", "mail to this address is suppressed")

    def test_somebody_who_unsubscribed_gets_no_reminder_and_no_nudge_but_all_news(self, house, course, mail):
        row, accepted = assigned(house.budget, 2)
        for one in (row, accepted):
            unsubscribe(house.customer.pk, key_of(one.learner_email))
        drain()
        assert len(mail.sent) == 2
        remind_many([row.pk], actor=CONSOLE)
        drain()
        assert outcome(row, "reminded") == ("dropped", "unsubscribed from reminders")
        assert actions(row) == [("notified", None)], "nothing failed"
        cancel_many([row.pk], actor=CONSOLE)
        drain()
        assert outcome(row, "cancelled")[0] == "sent"

    def test_a_nudge_is_not_sent_to_somebody_who_unsubscribed(self, house, course, mail):
        (row,) = in_state("accepted", house.budget)
        drain()
        nudge_many([row.pk], days=3, actor=CONSOLE)
        unsubscribe(house.customer.pk, key_of(ANA))
        drain()
        assert outcome(row, "nudged") == ("dropped", "unsubscribed from reminders")

    def test_unsubscribing_is_between_a_person_and_one_customer(self, house, course, mail):
        unsubscribe(make_customer("Globex").pk, key_of(ANA))
        (row,) = told(house)
        remind_many([row.pk], actor=CONSOLE)
        drain()
        assert outcome(row, "reminded")[0] == "sent"
        assert not unsubscribe(uuid4(), KEY_OF_NOBODY)

    def test_unsubscribing_can_be_undone(self, house, course, mail):
        (row,) = told(house)
        assert unsubscribe(house.customer.pk, key_of(ANA))
        resubscribe(house.customer.pk, key_of(ANA))
        remind_many([row.pk], actor=CONSOLE)
        drain()
        assert outcome(row, "reminded")[0] == "sent"

    def test_it_is_asked_again_just_before_a_mail_leaves(self, house, course, mail, monkeypatch):
        rows = assigned(house.budget, 2)
        send = mail._send

        def send_and_bounce(letter):
            suppress_mail([key_of(row.learner_email) for row in rows], "bounced")
            return send(letter)

        monkeypatch.setattr(mail, "_send", send_and_bounce)
        drain()
        assert len(mail.sent) == 1

    def test_an_address_that_nobody_is_known_by_is_stopped_too(self, house, course, mail):
        (row,) = assigned(house.budget)
        Person.objects.all().delete()
        drain()
        comes_back(row)
        remind_many([row.pk], actor=CONSOLE)
        drain()
        assert outcome(row, "reminded") == ("dropped", "mail to this address is suppressed")

    @pytest.mark.parametrize("feedback", [Feedback.HARD, Feedback.COMPLAINT])
    def test_a_corrected_address_is_not_blamed_for_the_old_one(self, house, course, mail, feedback):
        (row,) = told(house)
        with later(HOUR):
            row.learner_email = "corrected@example.org"
            row.save()
        comes_back(row, feedback=feedback, after=2 * HOUR)
        assert Mailbox.objects.get().address_key == key_of(ANA)


class TestSoftBounces:
    def bounce_softly(self, row, times):
        """Let as many reminders come back, a day apart, and return how the address stands then."""
        for time in range(1, times + 1):
            with later(time * DAY):
                remind_many([row.pk], actor=CONSOLE)
                drain()
            comes_back(row, "reminded", feedback=Feedback.SOFT, code="4.2.2", ordinal=time, after=time * DAY + HOUR)
        return Mailbox.objects.get()

    def test_they_are_counted_and_the_fifth_is_one_too_many(self, house, course, mail):
        (row,) = told(house)
        box = self.bounce_softly(row, 4)
        assert (box.soft_bounces, box.suppressed_at) == (4, None)
        with later(5 * DAY):
            remind_many([row.pk], actor=CONSOLE)
            drain()
            assert outcome(row, "reminded")[0] == "sent"
        comes_back(row, "reminded", feedback=Feedback.SOFT, ordinal=5, after=6 * DAY)
        box.refresh_from_db()
        assert (box.soft_bounces, box.suppressed_reason) == (5, "bounced")

    def test_a_mail_that_arrived_begins_the_count_again(self, house, course, mail):
        (row,) = told(house)
        self.bounce_softly(row, 4)
        assert record_feedback(message_of(row).pk, Feedback.DELIVERED, code="")
        assert not Mailbox.objects.exists()

    def test_a_mail_that_arrived_does_not_revive_a_dead_address(self, house, course, mail):
        (row,) = told(house)
        comes_back(row)
        assert not record_feedback(message_of(row).pk, Feedback.DELIVERED, code="")
        assert Mailbox.objects.get().suppressed_reason == "bounced"

    def test_a_month_without_begins_the_count_again(self, house, course, mail):
        (row,) = told(house)
        box = self.bounce_softly(row, 4)
        with later(40 * DAY):
            remind_many([row.pk], actor=CONSOLE)
            drain()
        comes_back(row, "reminded", feedback=Feedback.SOFT, ordinal=5, after=41 * DAY)
        box.refresh_from_db()
        assert (box.soft_bounces, box.suppressed_at) == (1, None)

    def test_allowing_begins_the_count_again(self, house, course, mail):
        (row,) = told(house)
        self.bounce_softly(row, 4)
        assert allow_mail([key_of(ANA)]) == 0
        assert not Mailbox.objects.exists()


class TestLetThroughAgain:
    def test_mail_is_let_through_when_an_operator_says_so_and_not_by_assigning_again(self, house, course, mail):
        (row,) = told(house)
        comes_back(row)
        cancel_many([row.pk], actor=CONSOLE, tell=False)
        with later(DAY):
            allocate(house.budget)
            drain()
            assert outcome(row) == ("dropped", "mail to this address is suppressed")
            assert allow_mail([key_of(ANA)]) == 1
            remind_many([row.pk], actor=CONSOLE)
            drain()
            assert outcome(row, "reminded")[0] == "sent"

    def test_what_a_customer_stopped_itself_is_let_through_too(self, house, course, mail):
        (row,) = told(house)
        Person.objects.update(mail_suppressed_at=clock.now(), mail_suppressed_reason="")
        assert allow_mail([key_of(ANA)]) == 1
        assert not Person.objects.exclude(mail_suppressed_at=None).exists()
        assert fresh(row).learner_state == "waiting"

    def test_who_unsubscribed_stays_so(self, house, course, mail):
        unsubscribe(house.customer.pk, key_of(ANA))
        assert allow_mail([key_of(ANA)]) == 0
        assert Unsubscription.objects.count() == 1


class TestForgotten:
    def test_erasing_a_person_forgets_the_mailbox_and_the_wish(self, house, course, mail):
        (row,) = told(house)
        comes_back(row)
        unsubscribe(house.customer.pk, key_of(ANA))
        erase_person(Person.objects.get(), actor=CONSOLE)
        assert not Mailbox.objects.exists()
        assert not Unsubscription.objects.exists()

    def test_what_another_customer_knows_of_the_address_stays(self, house, course, mail):
        other = make_house(name="Globex")
        (row,) = told(house)
        told(other)
        comes_back(row)
        for customer in (house.customer, other.customer):
            unsubscribe(customer.pk, key_of(ANA))
        erase_person(Person.objects.get(customer=house.customer), actor=CONSOLE)
        assert Mailbox.objects.get().address_key == key_of(ANA)
        assert Unsubscription.objects.get().customer_id == other.customer.pk

    def test_an_address_that_nobody_was_known_by_goes_with_its_assignment(self, house, course, mail):
        (row,) = told(house)
        Person.objects.all().delete()
        comes_back(row)
        cancel_many([row.pk], actor=CONSOLE, tell=False)
        with later(timedelta(days=91)):
            tick()
        assert fresh(row).address_scrubbed_at
        assert not Mailbox.objects.exists()

    def test_an_admin_who_unsubscribed_stays_so_when_their_own_course_is_forgotten(self, house, course, mail):
        make_member(house.customer, user=make_user(ANA))
        (row,) = told(house)
        unsubscribe(house.customer.pk, key_of(ANA))
        cancel_many([row.pk], actor=CONSOLE)
        with later(91 * DAY):
            tick()
        assert fresh(row).address_scrubbed_at
        assert has_unsubscribed(house.customer.pk, key_of(ANA))

    def test_a_manager_who_unsubscribed_stays_so_until_they_manage_nobody(self, house, course, mail):
        allocate(house.budget, [make_person("other@example.org", manager_email=ANA.upper())])
        unsubscribe(house.customer.pk, key_of(ANA))
        with later(91 * DAY):
            assert prune_stops() == 0
        Person.objects.update(manager_email="")
        with later(91 * DAY):
            assert prune_stops() == 1

    def test_who_unsubscribes_by_an_old_link_is_forgotten_ninety_days_later(self, house, course, mail):
        (row,) = told(house)
        cancel_many([row.pk], actor=CONSOLE)
        with later(91 * DAY):
            tick()
            unsubscribe(house.customer.pk, key_of(ANA))
        with later(180 * DAY):
            tick()
            assert has_unsubscribed(house.customer.pk, key_of(ANA))
        with later(182 * DAY):
            tick()
        assert not Unsubscription.objects.exists()

    def test_what_is_known_of_an_address_in_use_is_never_pruned(self, house, course, mail):
        told(house)
        suppress_mail([key_of(ANA), KEY_OF_NOBODY], "bounced")
        unsubscribe(house.customer.pk, key_of(ANA))
        unsubscribe(make_customer().pk, key_of(ANA))
        Person.objects.all().delete()  # the assignment alone shows it
        with later(91 * DAY):
            assert prune_stops() == 2
        assert Mailbox.objects.get().address_key == key_of(ANA)
        assert Unsubscription.objects.get().customer_id == house.customer.pk
