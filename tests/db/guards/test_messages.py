"""Each guard of the messages by itself: the intent before the mail, the fence, the look just before sending."""

from datetime import timedelta

import pytest
from django.core.mail.backends.base import BaseEmailBackend

from bursar.assignments.flows import AllocationRequest, allocate
from bursar.assignments.models import LearnerContentAssignmentAction
from bursar.assignments.services import Told, cancel_many, record_deliveries
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message, State
from bursar.outbox.services import Settlement, claim_due, commit_intent, recover
from bursar.outbox.worker import drain
from bursar.ports.mail import Delivery
from bursar.testing import factories

pytestmark = pytest.mark.django_db

AFTER_LEASE = timedelta(minutes=3)


@pytest.fixture
def assignments():
    factories.make_course()
    request = AllocationRequest(factories.make_house().budget, factories.COURSE)
    return [placed.assignment for placed in allocate(request, factories.make_people(2), actor=CONSOLE).created]


class Watching(BaseEmailBackend):
    """A mail server that notes where the outbox stands when a mail gets there."""

    seen = []

    def send_messages(self, messages):
        self.seen += [Message.objects.get(pk=message.extra_headers["X-Bursar-Message"]).state for message in messages]
        return len(messages)


def test_when_a_mail_leaves_its_intent_is_committed(assignments, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Watching"
    Watching.seen.clear()
    drain()
    assert Watching.seen == [State.COMMITTING] * 2
    assert set(Message.objects.values_list("state", flat=True)) == {State.SENT}


class CancelsTheRest:
    """A mail port during whose first mail an admin cancels everything."""

    left = []

    def send_many(self, mails, *, intent):
        for mail in mails:
            if intent(mail.message):
                self.left.append(mail.message)
                cancel_many(list(Message.objects.values_list("subject_uuid", flat=True)), actor=CONSOLE, tell=False)
                yield Delivery(mail.message, "sent")

    def forget_many(self, references):
        return 0


def test_a_mail_whose_reason_goes_away_while_others_are_sent_is_not_sent(assignments, settings):
    settings.BURSAR = settings.BURSAR | {"mail_port": f"{__name__}.CancelsTheRest"}
    CancelsTheRest.left.clear()
    drain()
    assert len(CancelsTheRest.left) == 1
    (dropped,) = Message.objects.filter(state=State.DROPPED)
    assert dropped.reason == "no longer needed: cancelled"


def taken_over():
    """Let a worker claim everything and stop; returns its claims, which somebody else holds now."""
    stale = claim_due(10, worker="stopped")
    with clock.at(clock.now() + AFTER_LEASE):
        recover()
        assert len(claim_due(10, worker="other")) == len(stale) == 2
    return stale


def test_a_worker_that_comes_back_too_late_cannot_send_what_another_holds(assignments):
    assert [commit_intent(claim) for claim in taken_over()] == [False, False]


def test_a_worker_that_comes_back_too_late_settles_nothing_and_records_nothing(assignments):
    record_deliveries([Told(Settlement(claim, "sent")) for claim in taken_over()])
    assert set(Message.objects.values_list("state", flat=True)) == {State.CLAIMED}
    assert not LearnerContentAssignmentAction.objects.filter(action_type="notified").exists()
