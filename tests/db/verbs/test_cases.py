"""Everything that is kept about one assignment: found for its customer alone, in a fixed number of statements."""

import pytest
from tests.db.verbs.reminding import remind_by
from tests.db.verbs.steps import DAY, accept, assigned, later, refuse_enrolment, statements, tick

from bursar.assignments import services
from bursar.assignments.cases import case_of
from bursar.assignments.replies import declines_at, find_request, waiting_at
from bursar.assignments.selectors import messages_of
from bursar.assignments.services import Reply
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import NotFound
from bursar.people.models import StopReason
from bursar.people.suppression import stops_of, suppress_mail, unsubscribe
from bursar.testing.factories import make_budget, make_course, make_customer

ANN = "ann@example.org"


@pytest.fixture
def row(house, course):
    (one,) = assigned(house.budget, [ANN])
    return one


def case(house, row):
    return case_of(row.pk, house.customer.pk)


def test_it_holds_what_every_table_knows(house, row):
    tick()
    services.request_time_many([Reply(row.pk, words="Please.")], actor=CONSOLE)
    accept([row])
    told = case(house, row)
    assert (told.row.pk, told.budget.pk) == (row.pk, house.budget.pk)
    assert [record.history_change_reason for record in told.past] == ["allocated", "accepted"]
    assert [message.kind for message in told.messages] == ["assigned"]
    assert {action.action_type for action in told.actions} == {"learner_linked", "notified", "redeemed"}
    assert [reply.words for reply in told.replies] == ["Please."]
    assert told.payment.state == "committed"
    assert told.stops == []


def test_a_refused_enrolment_says_what_was_answered(house, row):
    refuse_enrolment([row])
    told = case(house, row)
    assert told.payment.state == "failed"
    assert told.payment.error_code
    assert (told.row.failed_action, told.row.failed_reason) == ("redeemed", "enrollment_error")


def test_every_reason_for_which_mail_is_stopped_is_told_and_the_same_as_elsewhere(house, row):
    key = row.learner_email_key
    suppress_mail([key], StopReason.BOUNCED)
    unsubscribe(house.customer.pk, key)
    assert case(house, row).stops == ["bounced", "unsubscribed"]
    assert stops_of(house.customer.pk, [key]) == {key: {"bounced", "unsubscribed"}}
    assert stops_of(make_customer().pk, [key]) == {key: {"bounced"}}


def test_an_assignment_of_another_customer_is_not_found(house, row):
    with pytest.raises(NotFound):
        case_of(row.pk, make_customer().pk)
    with pytest.raises(NotFound):
        case_of(house.customer.pk, house.customer.pk)


def test_it_takes_five_statements_whatever_happened(house, row):
    assert statements(case, house, row) == 5
    for number in range(3):
        with later(number * DAY):
            services.remind_many([row.pk], actor=CONSOLE)
            tick()
    accept([row])
    assert statements(case, house, row) == 5


def test_a_digest_that_was_to_tell_of_it_is_among_its_messages_in_one_statement(house, row):
    remind_by(house.customer, after_days=[7], digest=True)
    tick()
    make_course("DemoX+D2")
    (other,) = assigned(house.budget, [ANN], "DemoX+D2")
    (stranger,) = assigned(house.budget, ["bob@example.org"])
    tick()
    with later(8 * DAY):
        tick()
    assert [message.kind for message in messages_of(row.pk)] == ["assigned", "digest"]
    assert messages_of(row.pk)[-1].pk == messages_of(other.pk)[-1].pk
    assert messages_of(row.pk)[-1].pk not in {message.pk for message in messages_of(stranger.pk)}
    assert statements(messages_of, row.pk) == 1


# Requests of a customer


def test_requests_and_declines_are_those_of_the_customer_alone(house, row):
    (other,) = assigned(make_budget(), [ANN])
    services.request_time_many([Reply(row.pk), Reply(other.pk)], actor=CONSOLE)
    (asked,) = waiting_at(house.customer.pk)
    assert asked.assignment_id == row.pk
    assert find_request(asked.pk, house.customer.pk).pk == asked.pk
    with pytest.raises(NotFound):
        find_request(asked.pk, make_customer().pk)
    services.decline_many([Reply(key, reason="not_me") for key in (row.pk, other.pk)], actor=CONSOLE)
    assert waiting_at(house.customer.pk).count() == 0
    since = clock.now() - DAY
    assert [reply.assignment_id for reply in declines_at(house.customer.pk, since)] == [row.pk]
    assert list(declines_at(house.customer.pk, clock.now() + DAY)) == []
