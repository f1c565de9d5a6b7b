"""Counts per configuration, state and learner state (ruling 11): whatever the write, they equal a recount."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import F, Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.db.records.rows import (
    DAY,
    NOON,
    add_action,
    kept,
    make_assignment,
    make_configuration,
    new_assignment,
    recounted,
)

from bursar.assignments.models import AssignmentCounts, LearnerContentAssignment, LearnerContentAssignmentAction
from bursar.assignments.models.counts import COLUMNS, lock_and_tally, shift_counts
from bursar.assignments.states import LearnerState, State

pytestmark = pytest.mark.django_db
Assignment = LearnerContentAssignment
STATES = [state.value for state in State]


@pytest.fixture
def configuration():
    return make_configuration()


def agree(*configurations):
    """Return whether what is kept equals a recount, and something is counted at all."""
    return all(kept(item) == recounted(item) for item in configurations) and any(kept(item) for item in configurations)


def test_every_state_that_a_row_can_be_in_has_a_column():
    possible = {(State.ALLOCATED, learner) for learner in ("notifying", "waiting", "failed")}
    possible |= {(State.ERRORED, LearnerState.FAILED), (State.EXPIRED, LearnerState.EXPIRED)}
    possible |= {(state, None) for state in ("accepted", "cancelled", "reversed")}
    assert set(COLUMNS) == possible
    assert len(set(COLUMNS.values())) == len(COLUMNS)


@pytest.mark.parametrize("state", STATES)
def test_a_record_made_or_saved_is_counted(configuration, state):
    make_assignment(configuration, state=state)
    Assignment.objects.create(
        assignment_configuration=configuration,
        learner_email="a@example.org",
        content_key="x",
        content_quantity=0,
        state=state,
    )
    Assignment.objects.get_or_create(
        assignment_configuration=configuration, content_key="y", defaults={"content_quantity": 0, "state": state}
    )
    assert sum(kept(configuration).values()) == 3
    assert agree(configuration)


def test_a_record_made_in_bulk_is_counted(configuration):
    Assignment.objects.bulk_create([new_assignment(configuration, state=state) for state in STATES])
    assert agree(configuration)


def test_a_record_that_was_there_is_not_counted_twice_when_conflicts_are_ignored(configuration):
    record = make_assignment(configuration)
    twin = new_assignment(configuration, learner_email=record.learner_email)
    again = new_assignment(configuration, uuid=record.pk)
    Assignment.objects.bulk_create([twin, again, new_assignment(configuration)], ignore_conflicts=True)
    assert kept(configuration) == {("allocated", "notifying"): 2}
    assert agree(configuration)


def test_a_record_without_a_configuration_is_in_no_list():
    record = make_assignment(make_configuration(), assignment_configuration_id=None)
    record.delete()
    assert not AssignmentCounts.objects.exists()


def test_moving_a_record_counts_on_both_sides(configuration):
    record, other = make_assignment(configuration), make_configuration()
    make_assignment(configuration)
    record.assignment_configuration = other
    record.save()
    assert agree(configuration, other)
    assert kept(other) == {("allocated", "notifying"): 1}
    record.assignment_configuration = None
    record.save()
    assert agree(configuration)
    assert kept(other) == {}


@pytest.mark.parametrize("state", STATES)
def test_an_update_of_the_state_is_counted(configuration, state):
    for number in range(3):
        make_assignment(configuration, content_key=str(number))
    assert Assignment.objects.filter(content_key__in=["0", "1"]).update(state=state) == 2
    assert agree(configuration)


def test_an_update_that_reads_what_it_changes_is_counted(configuration):
    for number in range(3):
        make_assignment(configuration, content_key=str(number), allocated_at=NOON, notified_at=NOON)
    Assignment.objects.filter(learner_state="waiting", content_key="0").update(allocated_at=F("allocated_at") + DAY)
    assert agree(configuration)
    assert kept(configuration) == {("allocated", "waiting"): 2, ("allocated", "notifying"): 1}


@pytest.mark.parametrize(
    "values",
    [
        {"notified_at": NOON + DAY},
        {"notification_failed_at": NOON + DAY},
        {"allocated_at": NOON + DAY},
        {"created": NOON + DAY},
        {"assignment_configuration": None},
    ],
)
def test_an_update_of_anything_that_counts_is_counted(configuration, values):
    make_assignment(configuration, created=NOON, notified_at=NOON + DAY / 2)
    make_assignment(configuration, created=NOON, content_key="other")
    Assignment.objects.filter(content_key="DemoX+D101").update(**values)
    assert kept(configuration) == recounted(configuration)


def test_an_update_of_anything_else_costs_one_statement(configuration, django_assert_num_queries):
    make_assignment(configuration)
    with django_assert_num_queries(1):
        Assignment.objects.update(content_title="x")


def test_an_update_over_joined_tables_is_counted(configuration):
    make_assignment(configuration)
    make_assignment(make_configuration(active=False))
    rows = Assignment.objects.filter(Q(assignment_configuration__active=False) | Q(content_key="nothing"))
    assert rows.update(state="cancelled") == 1
    assert agree(configuration)


def test_a_row_that_comes_while_others_are_updated_is_neither_changed_nor_miscounted(configuration, monkeypatch):
    make_assignment(configuration)

    def while_somebody_allocates(rows):
        make_assignment(configuration)
        return lock_and_tally(rows)

    monkeypatch.setattr("bursar.assignments.models.assignment_rows.lock_and_tally", while_somebody_allocates)
    assert Assignment.objects.filter(state="allocated").update(state="cancelled") == 1
    assert kept(configuration) == recounted(configuration) == {("allocated", "notifying"): 1, ("cancelled", None): 1}


def test_a_deleted_record_is_counted_no_more(configuration):
    record = make_assignment(configuration, state="expired")
    make_assignment(configuration)
    record.delete()
    assert agree(configuration)
    assert kept(configuration) == {("allocated", "notifying"): 1}


def test_a_deleted_queryset_is_counted_no_more(configuration):
    for number, state in enumerate(STATES):
        make_assignment(configuration, state=state, content_key=str(number))
    Assignment.objects.filter(content_key__in=["0", "1", "2"]).delete()
    assert agree(configuration)
    assert sum(kept(configuration).values()) == len(STATES) - 3


def test_a_queryset_over_joined_tables_is_deleted_and_counted(configuration):
    make_assignment(configuration)
    make_assignment(configuration, content_key="gone")
    rows = Assignment.objects.filter(
        Q(assignment_configuration__subsidy_access_policy__active=False) | Q(content_key="gone")
    )
    assert rows.delete()[1]["content_assignments.LearnerContentAssignment"] == 1
    assert agree(configuration)


def test_actions_move_the_counts(configuration):
    record = make_assignment(configuration, created=NOON)
    record.add_successful_notified_action()
    assert kept(configuration) == {("allocated", "waiting"): 1}
    record.actions.all().delete()
    assert kept(configuration) == {("allocated", "notifying"): 1}
    record.add_errored_notified_action(ValueError())
    assert kept(configuration) == {("allocated", "failed"): 1}
    LearnerContentAssignmentAction.objects.bulk_create(
        [LearnerContentAssignmentAction(assignment=record, action_type="notified", completed_at=NOON, created=NOON)]
    )
    assert kept(configuration) == {("allocated", "waiting"): 1}
    LearnerContentAssignmentAction.objects.filter(error_reason=None).update(completed_at=NOON - DAY)
    assert kept(configuration) == recounted(configuration) == {("allocated", "failed"): 1}


def test_states_nobody_knows_are_in_no_count(configuration):
    make_assignment(configuration, state="of an older release")
    assert kept(configuration) == {}
    Assignment.objects.update(state="accepted")
    assert kept(configuration) == {("accepted", None): 1}
    Assignment.objects.update(state="of an older release")
    assert kept(configuration) == {}


def test_counting_costs_the_same_however_many_rows_there_are(configuration, django_assert_max_num_queries):
    def statements(count):
        for _ in range(count):
            make_assignment(configuration)
        with django_assert_max_num_queries(50) as seen:
            Assignment.objects.exclude(pk=None).update(state="cancelled")
        Assignment.objects.update(state="allocated")
        return len(seen)

    assert statements(1) == statements(20)


@pytest.mark.django_db(transaction=True)
def test_counts_move_only_inside_a_transaction():
    with pytest.raises(transaction.TransactionManagementError):
        shift_counts({}, {(uuid4(), "allocated", "notifying"): 1})


def test_a_count_never_hides_a_write_that_failed(configuration):
    record = make_assignment(configuration)
    with pytest.raises(Exception, match="."), transaction.atomic():
        Assignment.objects.filter(pk=record.pk).update(state="accepted", content_quantity=5)
    assert kept(configuration) == recounted(configuration) == {("allocated", "notifying"): 1}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "bulk", "save", "update", "move", "delete", "notify", "fail", "forget"]),
        st.integers(0, 5),
        st.sampled_from(STATES),
        st.integers(-3, 3),
    ),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(STEPS)
def test_after_any_walk_of_writes_the_counts_equal_a_recount(steps):
    with transaction.atomic():
        first, second = make_configuration(), make_configuration()
        for step in steps:
            _take(step, first, second)
            for configuration in (first, second):
                assert kept(configuration) == recounted(configuration)
        transaction.set_rollback(True)


def _take(step, first, second):
    """Take one step of a walk with one of the records there are, if there is one."""
    what, which, state, days = step
    moment = NOON + timedelta(days=days)
    rows = list(Assignment.objects.filter(assignment_configuration__in=[first, second]).order_by("created", "pk"))
    record = rows[which % len(rows)] if rows else None
    if what == "create":
        make_assignment(first, state=state, created=NOON, allocated_at=moment)
    elif what == "bulk":
        Assignment.bulk_create([new_assignment(second, state=state, created=moment) for _ in range(which)])
    elif record is None:
        return
    elif what == "save":
        record.allocated_at = moment
        record.save()
    elif what == "update":
        Assignment.objects.filter(pk=record.pk).update(state=state)
    elif what == "move":
        Assignment.objects.filter(assignment_configuration=first).update(assignment_configuration=second)
    elif what == "delete":
        record.delete()
    elif what == "notify":
        add_action(record, "notified", moment)
    elif what == "fail":
        add_action(record, "notified", None, created=moment, error_reason="email_error")
    else:
        record.actions.filter(created__gte=moment).delete()
