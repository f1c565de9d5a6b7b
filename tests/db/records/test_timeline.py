"""Every named method over the timeline, and what recording an action writes beside it."""

import inspect

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.db.records.rows import DAY, NOON, add_action, make_assignment, make_configuration, stored

from bursar.assignments.constants import AssignmentActions
from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction, timeline
from bursar.kernel import clock
from bursar.kernel.errors import format_traceback

pytestmark = pytest.mark.django_db
# kind in the name: the action, and the reason when it fails
KINDS = {
    "linked": ("learner_linked", "internal_api_error"),
    "notified": ("notified", "email_error"),
    "reminded": ("reminded", "email_error"),
    "cancel": ("cancelled", "email_error"),
    "expiration": ("expired", "email_error"),
    "redeemed": ("redeemed", "enrollment_error"),
    "reversal": ("reversed", "email_error"),
}
ACKNOWLEDGED = {
    "acknowledged_cancelled": "cancelled_acknowledged",
    "acknowledged_expired": "expired_acknowledged",
}
SUCCESSFUL = {**{name: action for name, (action, _) in KINDS.items()}, **ACKNOWLEDGED}


def last(record, kind):
    return getattr(record, f"get_last_successful_{kind}_action")()


def succeed(record, kind):
    return getattr(record, f"add_successful_{kind}_action")()


def fail(record, kind, error):
    return getattr(record, f"add_errored_{kind}_action")(error)


def an_error(words="the mail server said 451"):
    """Return an exception that was raised, with its stack."""
    with pytest.raises(ConnectionError) as caught:
        raise ConnectionError(words)
    return caught.value


@pytest.mark.parametrize("kind", SUCCESSFUL)
def test_a_success_is_added_completed_now_and_returned(kind):
    record = make_assignment()
    with clock.at(NOON):
        action = succeed(record, kind)
    assert isinstance(action, LearnerContentAssignmentAction)
    assert action == LearnerContentAssignmentAction.objects.get()
    row = record.actions.values().get()
    assert (row["action_type"], row["assignment_id"]) == (SUCCESSFUL[kind], record.pk)
    assert (row["completed_at"], row["error_reason"], row["traceback"]) == (NOON, None, None)
    assert (row["created"], row["modified"]) == (NOON, NOON)
    for name, value in row.items():
        assert getattr(action, name) == value


@pytest.mark.parametrize("kind", SUCCESSFUL)
def test_a_success_is_always_one_more(kind):
    record = make_assignment()
    assert succeed(record, kind) != succeed(record, kind)
    assert record.actions.count() == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_is_added_with_its_reason_and_traceback_and_is_not_completed(kind):
    record = make_assignment()
    error = an_error()
    with clock.at(NOON):
        action = fail(record, kind, error)
    row = record.actions.values().get()
    assert action.pk == row["uuid"]
    assert (row["action_type"], row["error_reason"]) == KINDS[kind]
    assert (row["completed_at"], row["created"]) == (None, NOON)
    assert row["traceback"] == action.traceback == format_traceback(error)
    assert "the mail server said 451" in row["traceback"]
    assert "ConnectionError" in row["traceback"]
    assert "an_error" in row["traceback"]
    assert last(record, kind) is None


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_that_was_never_raised_has_a_message_too(kind):
    assert "refused" in fail(make_assignment(), kind, ValueError("refused")).traceback


@pytest.mark.parametrize("kind", SUCCESSFUL)
@pytest.mark.parametrize("prefetched", [False, True])
def test_the_last_success_is_the_newest_by_completion(kind, prefetched):
    record = make_assignment()
    action = SUCCESSFUL[kind]
    newest = add_action(record, action, NOON + 2 * DAY, created=NOON - DAY)
    add_action(record, action, NOON + DAY, created=NOON + 9 * DAY)
    add_action(record, action, NOON + 5 * DAY, error_reason="email_error")
    add_action(record, action, None, created=NOON + 6 * DAY)
    add_action(record, action, None, created=NOON + 7 * DAY, error_reason="email_error")
    other = "redeemed" if action != "redeemed" else "reversed"
    add_action(record, other, NOON + 8 * DAY)
    add_action(make_assignment(), action, NOON + 8 * DAY)
    rows = LearnerContentAssignment.objects
    loaded = (rows.prefetch_related("actions") if prefetched else rows).get(pk=record.pk)
    assert last(loaded, kind) == newest


@pytest.mark.parametrize("kind", SUCCESSFUL)
@pytest.mark.parametrize("prefetched", [False, True])
def test_without_a_success_there_is_none(kind, prefetched):
    record = make_assignment()
    add_action(record, SUCCESSFUL[kind], None, error_reason="email_error")
    add_action(record, SUCCESSFUL[kind], None)
    rows = LearnerContentAssignment.objects
    assert last((rows.prefetch_related("actions") if prefetched else rows).get(pk=record.pk), kind) is None


@pytest.mark.parametrize("kind", SUCCESSFUL)
def test_prefetched_actions_cost_no_statement(kind, django_assert_num_queries):
    record = make_assignment()
    added = succeed(record, kind)
    loaded = LearnerContentAssignment.objects.prefetch_related("actions").get(pk=record.pk)
    with django_assert_num_queries(0):
        assert last(loaded, kind) == added


@pytest.mark.parametrize("kind", SUCCESSFUL)
def test_an_action_added_is_seen_by_a_record_that_had_read_its_actions_before(kind):
    record = LearnerContentAssignment.objects.prefetch_related("actions").get(pk=make_assignment().pk)
    assert last(record, kind) is None
    added = succeed(record, kind)
    assert last(record, kind) == added
    assert added in record.actions.all()


def test_there_is_no_failed_acknowledgement():
    assert not [name for name in dir(LearnerContentAssignment) if name.startswith("add_errored_acknowledged")]


def test_every_name_is_found_by_a_text_search():
    text = inspect.getsource(timeline)
    for kind in SUCCESSFUL:
        assert f"def get_last_successful_{kind}_action(" in text
        assert f"def add_successful_{kind}_action(" in text
    for kind in KINDS:
        assert f"def add_errored_{kind}_action(" in text


@pytest.mark.parametrize("kind", SUCCESSFUL)
def test_each_action_has_its_history(kind):
    record = make_assignment()
    with clock.at(NOON):
        action = succeed(record, kind)
    row = LearnerContentAssignmentAction.history.get(uuid=action.pk)
    assert (row.history_type, row.history_date, row.action_type) == ("+", NOON, SUCCESSFUL[kind])
    assert (row.assignment_id, row.completed_at) == (record.pk, NOON)


def test_a_failed_action_has_its_traceback_in_the_history_too():
    action = fail(make_assignment(), "notified", an_error())
    row = LearnerContentAssignmentAction.history.get(uuid=action.pk)
    assert (row.traceback, row.error_reason) == (action.traceback, "email_error")


def test_saving_and_deleting_an_action_is_history():
    action = add_action(make_assignment(), "notified", NOON)
    action.error_reason = "email_error"
    action.save()
    key = action.pk
    action.delete()
    rows = LearnerContentAssignmentAction.history.filter(uuid=key).order_by("history_id")
    kinds = [("+", None), ("~", "email_error"), ("-", "email_error")]
    assert list(rows.values_list("history_type", "error_reason")) == kinds


def test_recording_an_action_leaves_the_record_without_history_and_modified_alone():
    with clock.at(NOON):
        record = make_assignment()
    with clock.at(NOON + DAY):
        for kind in SUCCESSFUL:
            succeed(record, kind)
        fail(record, "notified", an_error())
    assert record.history.count() == 1
    assert stored(record).modified == NOON


@pytest.mark.parametrize("kind", [AssignmentActions.NOTIFIED, AssignmentActions.REDEEMED])
def test_actions_of_many_cost_as_many_statements_as_of_one(kind):
    def statements(count):
        configuration = make_configuration()
        records = [make_assignment(configuration) for _ in range(count)]
        with CaptureQueriesContext(connection) as seen:
            LearnerContentAssignmentAction.objects.record_many([record.pk for record in records], kind)
        return len([query for query in seen if not query["sql"].startswith("COPY")])

    statements(1)
    assert statements(1) == statements(20)
