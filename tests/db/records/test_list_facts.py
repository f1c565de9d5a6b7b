"""The facts behind the list fields: right after every ORM write or deletion of an action (rulings 8 and 9)."""

import pytest
from tests.db.records.rows import DAY, NOON, TICK, add_action, facts_of, make_assignment, stored

from bursar.assignments.constants import AssignmentActions
from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction
from bursar.kernel import clock

pytestmark = pytest.mark.django_db
Action = LearnerContentAssignmentAction


@pytest.fixture
def record():
    with clock.at(NOON):
        return make_assignment(allocated_at=NOON)


def new_action(record, kind="notified", at=NOON, **facts):
    """Return an action that is not saved yet."""
    facts = {"completed_at": at, "created": at or NOON, **facts}
    return Action(assignment=record, action_type=kind, **facts)


def changed(action, **values):
    """Return an action with other values, not saved yet."""
    for name, value in values.items():
        setattr(action, name, value)
    return action


def told(record):
    return facts_of(record)[0]


def test_without_actions_there_are_no_facts(record):
    assert facts_of(record) == (None, None, None)


@pytest.mark.parametrize(
    "write",
    [
        lambda record: new_action(record).save(),
        lambda record: Action.objects.create(assignment=record, action_type="notified", completed_at=NOON),
        lambda record: record.actions.create(action_type="notified", completed_at=NOON),
        lambda record: record.actions.get_or_create(action_type="notified", completed_at=NOON),
        lambda record: record.actions.update_or_create(action_type="notified", defaults={"completed_at": NOON}),
        lambda record: Action.objects.bulk_create([new_action(record)]),
        lambda record: Action.objects.bulk_create(action for action in [new_action(record)]),
        lambda record: record.actions.bulk_create([new_action(record)]),
        lambda record: Action.objects.record_many([record.pk], AssignmentActions.NOTIFIED, at=NOON),
    ],
)
def test_facts_are_right_after_every_way_to_write_an_action(record, write):
    write(record)
    assert facts_of(record) == (NOON, None, None)
    assert stored(record).learner_state == "waiting"


@pytest.mark.parametrize(
    "change",
    [
        lambda action: Action.objects.filter(pk=action.pk).update(completed_at=NOON + DAY),
        lambda action: action.assignment.actions.update(completed_at=NOON + DAY),
        lambda action: Action.objects.bulk_update([changed(action, completed_at=NOON + DAY)], ["completed_at"]),
        lambda action: changed(action, completed_at=NOON + DAY).save(),
        lambda action: changed(action, completed_at=NOON + DAY).save(update_fields=["completed_at"]),
    ],
)
def test_facts_are_right_after_every_way_to_change_an_action(record, change):
    change(add_action(record, "notified", NOON))
    assert told(record) == NOON + DAY


@pytest.mark.parametrize(
    "change",
    [
        lambda action: changed(action, action_type="redeemed").save(),
        lambda action: Action.objects.filter(pk=action.pk).update(action_type="redeemed"),
        lambda action: changed(action, error_reason="email_error", completed_at=None, action_type="expired").save(),
    ],
)
def test_facts_are_right_after_an_action_turned_into_another_kind(record, change):
    change(add_action(record, "notified", NOON))
    assert facts_of(record) == (None, None, None)


@pytest.mark.parametrize(
    "change",
    [
        lambda action, other: changed(action, assignment=other).save(),
        lambda action, other: Action.objects.filter(pk=action.pk).update(assignment=other),
    ],
)
def test_facts_are_right_on_both_sides_after_an_action_moved_to_another_assignment(record, change):
    other = make_assignment(allocated_at=NOON)
    change(add_action(record, "notified", NOON), other)
    assert (told(record), told(other)) == (None, NOON)


@pytest.mark.parametrize(
    "delete",
    [
        lambda action: action.delete(),
        lambda action: Action.objects.filter(pk=action.pk).delete(),
        lambda action: action.assignment.actions.all().delete(),
        lambda action: changed(action, action_type="redeemed").delete(),
    ],
)
def test_facts_are_right_after_every_way_to_delete_an_action(record, delete):
    add_action(record, "reminded", NOON + DAY)
    delete(add_action(record, "notified", NOON))
    assert told(record) is None


def test_facts_are_right_for_many_assignments_at_once(record):
    other, untouched = make_assignment(allocated_at=NOON), make_assignment(allocated_at=NOON)
    Action.objects.bulk_create([new_action(record), new_action(other, at=NOON + DAY), new_action(other, "reminded")])
    assert [facts_of(item) for item in (record, other, untouched)] == [
        (NOON, None, None),
        (NOON + DAY, None, NOON),
        (None, None, None),
    ]


def test_the_newest_success_counts_whatever_came_last(record):
    for kind in ("notified", "reminded"):
        add_action(record, kind, NOON + 2 * DAY, created=NOON)
        add_action(record, kind, NOON + DAY, created=NOON + 3 * DAY)
    assert facts_of(record) == (NOON + 2 * DAY, None, NOON + 2 * DAY)


def test_what_failed_or_was_not_completed_is_no_success(record):
    for kind in ("notified", "reminded"):
        add_action(record, kind, NOON, error_reason="email_error")
        add_action(record, kind, None, created=NOON + DAY)
    assert facts_of(record) == (None, None, None)


def test_the_last_notification_failed(record):
    add_action(record, "notified", None, created=NOON + DAY, error_reason="email_error")
    assert facts_of(record) == (None, NOON + DAY, None)
    assert stored(record).learner_state == "failed"


def test_a_failure_counts_until_a_later_notification(record):
    add_action(record, "notified", None, created=NOON, error_reason="email_error")
    add_action(record, "notified", NOON + DAY)
    assert facts_of(record) == (NOON + DAY, None, None)


def test_a_failure_after_a_success_of_the_same_cycle_leaves_it_waiting(record):
    add_action(record, "notified", NOON)
    add_action(record, "notified", None, created=NOON + DAY, error_reason="email_error")
    assert facts_of(record) == (NOON, NOON + DAY, None)
    assert stored(record).learner_state == "waiting"


def test_a_reminder_that_failed_is_no_failed_notification(record):
    add_action(record, "reminded", None, created=NOON, error_reason="email_error")
    assert facts_of(record) == (None, None, None)


@pytest.mark.parametrize(("moment", "state"), [(NOON, "waiting"), (NOON - TICK, "notifying"), (NOON + TICK, "waiting")])
def test_a_notification_exactly_at_the_allocation_is_of_this_cycle(record, moment, state):
    add_action(record, "notified", moment)
    assert stored(record).learner_state == state


@pytest.mark.parametrize(("moment", "state"), [(NOON, "failed"), (NOON - TICK, "notifying"), (NOON + TICK, "failed")])
def test_a_failure_is_of_the_cycle_in_which_it_was_created(record, moment, state):
    add_action(record, "notified", None, created=moment, error_reason="email_error")
    assert stored(record).learner_state == state


@pytest.mark.parametrize(
    ("moment", "recent"),
    [(NOON, ("reminded", NOON)), (NOON - TICK, ("assigned", NOON)), (NOON + TICK, ("reminded", NOON + TICK))],
)
def test_a_reminder_exactly_at_the_allocation_is_of_this_cycle(record, moment, recent):
    add_action(record, "reminded", moment)
    row = stored(record)
    assert (row.recent_action, row.recent_action_time) == recent


def test_where_nothing_was_allocated_the_cycle_starts_at_creation():
    record = make_assignment(created=NOON)
    add_action(record, "notified", NOON - TICK)
    assert stored(record).learner_state == "notifying"
    assert (stored(record).recent_action, stored(record).recent_action_time) == ("assigned", NOON)
    add_action(record, "notified", NOON)
    assert stored(record).learner_state == "waiting"


def test_a_learner_allocated_again_is_notifying_until_told_again(record):
    add_action(record, "notified", NOON + DAY)
    add_action(record, "reminded", NOON + 2 * DAY)
    LearnerContentAssignment.objects.filter(pk=record.pk).update(allocated_at=NOON + 3 * DAY)
    row = stored(record)
    assert (row.learner_state, row.recent_action, row.recent_action_time) == ("notifying", "assigned", NOON + 3 * DAY)
    add_action(record, "notified", NOON + 3 * DAY)
    assert stored(record).learner_state == "waiting"


@pytest.mark.parametrize(
    ("state", "learner_state", "place"),
    [
        ("allocated", "notifying", 0),
        ("expired", "expired", 2),
        ("errored", "failed", 3),
        ("accepted", None, 999),
        ("cancelled", None, 999),
        ("reversed", None, 999),
    ],
)
def test_other_states_speak_for_themselves_whoever_was_told(state, learner_state, place):
    for kind in (None, "notified"):
        row = make_assignment(state=state, created=NOON)
        if kind and state != "allocated":
            add_action(row, kind, NOON + DAY)
        row = stored(row)
        assert (row.learner_state, row.learner_state_sort_order) == (learner_state, place)


def test_refreshing_facts_adds_no_history_and_leaves_modified_alone(record):
    with clock.at(NOON + DAY):
        action = add_action(record, "notified", NOON)
        action.completed_at = NOON + DAY
        action.save()
        action.delete()
    assert record.history.count() == 1
    assert stored(record).modified == NOON


def test_the_instance_that_recorded_an_action_shows_its_consequences(record):
    record.add_successful_notified_action()
    assert record.learner_state == "waiting"
    assert record.notified_at == record.get_last_successful_notified_action().completed_at
    assert record.expires_at == record.get_allocation_timeout_expiration()
    record.add_successful_reminded_action()
    assert (record.recent_action, record.recent_action_time) == ("reminded", record.reminded_at)


def test_a_record_with_unsaved_changes_keeps_them_when_an_action_is_recorded(record):
    record.content_title = "After"
    record.add_successful_notified_action()
    record.save()
    assert stored(record).content_title == "After"
    assert told(record) is not None
