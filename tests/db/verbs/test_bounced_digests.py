"""Digests and notices that came back: everything in a digest was not told, and whoever gets notices is stopped alike."""

import pytest
from tests.db.verbs.returning import actions
from tests.db.verbs.steps import DAY, HOUR, assigned, fresh, later, nothing_written, tick

from bursar.assignments.digests import CONTACT
from bursar.assignments.events import DIGEST, TOPIC_DIGEST, TOPIC_NOTICE
from bursar.assignments.models import Notice, NoticeKind
from bursar.assignments.models.reminders import ReminderStep
from bursar.assignments.services import Feedback, record_feedback
from bursar.kernel import clock
from bursar.kernel.transactions import one_commit
from bursar.outbox.models import Message, State
from bursar.outbox.services import Item, enqueue_many
from bursar.outbox.worker import drain
from bursar.people.keys import key_of
from bursar.people.models import Customer, Mailbox, Person, Unsubscription
from bursar.testing.factories import COURSE, make_course, make_house, make_member

DAY_NUMBER = 20_000
BOSS = "boss@example.org"


@pytest.fixture
def digest(house, course, mail):
    """Two courses of one person in one digest that was sent; returns their assignments and the message."""
    make_course("OtherX+1")
    rows = [*assigned(house.budget, 1), *assigned(house.budget, 1, "OtherX+1")]
    tick()
    person = Person.objects.get()
    for row in rows:
        ReminderStep.objects.create(
            assignment_uuid=row.pk, cycle=1, slot="after:1", digest=DAY_NUMBER, taken_at=clock.now()
        )
    with one_commit():
        enqueue_many(TOPIC_DIGEST, DIGEST, [Item(person.pk, 1, DAY_NUMBER)], customer=house.customer.pk)
    drain()
    message = Message.objects.get(topic=TOPIC_DIGEST)
    assert message.state == State.SENT
    assert {row.recent_action for row in fresh(rows)} == {"reminded"}
    return rows, message


def test_nothing_in_a_digest_that_came_back_was_reminded_of(digest):
    rows, message = digest
    with later(HOUR):
        assert record_feedback(message.pk, Feedback.HARD, code="5.1.1")
    for row in fresh(rows):
        assert (row.learner_state, row.recent_action) == ("waiting", "assigned")
        assert actions(row) == [("notified", None), ("reminded", "email_error")]
    assert Mailbox.objects.get().suppressed_reason == "bounced"
    message.refresh_from_db()
    assert message.state == State.BOUNCED
    with nothing_written():
        assert not record_feedback(message.pk, Feedback.HARD, code="5.1.1")


def test_a_reader_of_digests_unsubscribes_at_that_customer(digest, house):
    _, message = digest
    assert record_feedback(message.pk, Feedback.UNSUBSCRIBED, code="unsubscribed")
    assert Unsubscription.objects.get().customer_id == house.customer.pk


def notice(house, kind, ordinal, **facts):
    """Leave a notice with one message that was sent."""
    about = Notice.objects.create(
        customer_uuid=house.customer.pk, kind=kind, about_uuid=house.budget.pk, slot="1", facts=facts
    )
    with one_commit():
        enqueue_many(TOPIC_NOTICE, kind, [Item(about.pk, 1, ordinal)], customer=house.customer.pk)
    Message.objects.filter(topic=TOPIC_NOTICE).update(state=State.SENT, settled_at=clock.now())
    return Message.objects.get(topic=TOPIC_NOTICE)


def test_a_notice_that_came_back_stops_the_contact_address():
    house = make_house(contact_email=BOSS)
    assert record_feedback(notice(house, NoticeKind.FUND_ENDING, CONTACT).pk, Feedback.HARD, code="5.1.1")
    assert Mailbox.objects.get().address_key == key_of(BOSS)


def test_a_notice_that_came_back_stops_the_admin_to_whom_it_went(house):
    admin = make_member(house.customer, email="admin@example.org")
    make_member(house.customer, email="other@example.org")
    message = notice(house, NoticeKind.ADMIN_DIGEST, admin.user_id)
    assert record_feedback(message.pk, Feedback.SOFT, code="4.2.2")
    box = Mailbox.objects.get()
    assert (box.address_key, box.soft_bounces) == (key_of("admin@example.org"), 1)


def test_a_managers_digest_that_came_back_stops_the_manager(house, course, mail):
    assigned(house.budget, 1, COURSE)
    Person.objects.update(manager_email=BOSS)
    message = notice(house, NoticeKind.MANAGER_DIGEST, 1, people=[str(Person.objects.get().pk)])
    assert record_feedback(message.pk, Feedback.COMPLAINT, code="complaint")
    assert Mailbox.objects.get().address_key == key_of(BOSS)


def test_a_notice_whose_reader_is_none_any_more_is_marked_and_that_is_all(house):
    message = notice(house, NoticeKind.ADMIN_DIGEST, 4711)
    assert record_feedback(message.pk, Feedback.HARD, code="5.1.1")
    message.refresh_from_db()
    assert (message.state, Mailbox.objects.count()) == (State.BOUNCED, 0)


def test_a_notice_that_came_back_after_the_contact_was_changed_stops_the_one_before():
    house = make_house(contact_email="old@acme.example")
    message = notice(house, NoticeKind.FUND_ENDING, CONTACT)
    with later(DAY):
        customer = Customer.objects.get()
        customer.contact_email = "new@acme.example"
        customer.save()
    with later(2 * DAY):
        assert record_feedback(message.pk, Feedback.HARD, code="5.1.1")
    assert Mailbox.objects.get().address_key == key_of("old@acme.example")
