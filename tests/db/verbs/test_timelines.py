"""Everything that happened to one assignment, told in the order of time, from whichever record knows it."""

from datetime import timedelta

import pytest
from tests.db.verbs.steps import DAY, accept, assigned, later

from bursar.assignments import flows, services
from bursar.assignments.models import LearnerReply
from bursar.assignments.services import Reply
from bursar.assignments.timelines import fate
from bursar.budgets.models import Transaction, TransactionState
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message, State

RUN = "course-v1:DemoX+D101+R1"


@pytest.fixture
def row(house, course):
    return assigned(house.budget)[0]


def told(row):
    """Return kind and words of every event, oldest first."""
    events = flows.story(row.pk, actor=CONSOLE).events
    assert [event.at for event in events] == sorted(event.at for event in events)
    return [(event.kind, event.what) for event in events]


def message(state, **facts):
    now = clock.now()
    return Message(kind="assigned", state=state, due_at=now, created=now, settled_at=now, **facts)


def test_accepting_and_reversing_are_told_with_the_money(row):
    accept([row])
    with later(DAY):
        services.reverse_many([row.pk], why="fell ill", actor=CONSOLE)
        said = told(row)
    assert ("transaction", f"opened over 49.00 for {RUN}") in said
    assert ("transaction", "committed") in said
    assert ("reversal", "49.00 given back. fell ill") in said
    assert any("allocated → accepted" in what for kind, what in said if kind == "history")
    assert any("accepted → reversed" in what for kind, what in said if kind == "history")
    assert ("message", "assigned queued") in said


def test_a_payment_that_waits_says_until_when_and_one_that_failed_why(row, unaudited):
    accept([row])
    payments = Transaction.objects.filter(assignment_uuid=row.pk)
    payments.update(state=TransactionState.PENDING, due_at=clock.now(), error_code="timeout")
    assert any(what.startswith("pending, timeout; asked again on ") for _, what in told(row))
    payments.update(error_code="")
    assert any(what.startswith("pending; asked again on ") for _, what in told(row))
    payments.update(state=TransactionState.FAILED, error_code="no_seat")
    assert ("transaction", "failed no_seat") in told(row)
    payments.update(state=TransactionState.CREATED)
    assert [what for kind, what in told(row) if kind == "transaction"] == [f"opened over 49.00 for {RUN}"]


def test_what_a_learner_asked_and_what_was_answered(row):
    until = clock.now() + 60 * DAY
    services.request_time_many([Reply(row.pk, until=until, words="I am away.")], actor=CONSOLE)
    assert any(what.startswith("asked for more time until ") and "“I am away.”" in what for _, what in told(row))
    key = LearnerReply.objects.get().pk
    with later(DAY):
        services.grant_time_many([key], until=until + DAY, why="Of course.", actor=CONSOLE)
        said = told(row)
    assert ("reply", "asked for more time, “I am away.”") in said
    assert any(what.startswith("more time granted until ") and what.endswith("“Of course.”") for _, what in said)
    LearnerReply.objects.update(answered_by=7)
    assert any("(user 7)" in what for _, what in told(row))


def test_declining_is_told_with_its_reason(row):
    services.decline_many([Reply(row.pk, reason="no_time")], actor=CONSOLE)
    assert ("reply", "declined: no_time") in told(row)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (message(State.PENDING), "waits to be sent since"),
        (message(State.PENDING, attempts=1, error_code="451"), "not sent yet: 1 try, the last one failed with 451"),
        (message(State.CLAIMED, claimed_by="worker-1"), "leaving now, in the hands of worker-1"),
        (message(State.SENT), "sent on"),
        (message(State.SENT, resent_at=clock.now() - timedelta(hours=1)), "again: nobody knows whether it had left"),
        (message(State.BOUNCED, error_code="550"), "bounced, 550"),
        (message(State.DROPPED, reason="cancelled since"), "not sent: cancelled since"),
        (message(State.FAILED, attempts=7, error_code="554"), "given up after 7 tries, 554"),
        (message(State.FAILED, attempts=7, reason="too late"), "given up after 7 tries, too late"),
        (message(State.UNKNOWN, error_code="lease_over"), "may have been sent, lease_over"),
    ],
    ids=lambda given: given if isinstance(given, str) else "message",
)
def test_the_fate_of_a_message_is_said_in_words(given, words):
    assert words in fate(given)


@pytest.mark.parametrize(
    ("state", "words"), [("sent", "sent"), ("bounced", "bounced, 550"), ("dropped", "not sent: late")]
)
def test_when_a_message_was_settled_stands_in_the_timeline(row, state, words):
    Message.objects.update(state=state, settled_at=clock.now(), error_code="550", reason="late")
    assert ("message", f"assigned: {words}") in told(row)
