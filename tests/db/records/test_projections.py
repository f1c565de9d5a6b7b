"""Random facts written to rows: what the database generates equals the pure definition, row by row (ruling 8)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import models, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.db.records.rows import DAY, FACTS, LISTS, NOON, TICK, make_configuration, new_assignment

from bursar.assignments import projections
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.models.actions import LearnerContentAssignmentAction as Action
from bursar.assignments.models.actions import facts_from_actions
from bursar.assignments.projections import Facts
from bursar.assignments.states import LISTED, State

pytestmark = pytest.mark.django_db
# Few moments, close together, so that equal ones are met often; and some far away.
NEAR = st.sampled_from([NOON - DAY, NOON - TICK, NOON, NOON + TICK, NOON + timedelta(seconds=1), NOON + DAY])
FAR = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
MOMENTS = st.one_of(NEAR, FAR)
SOMETIMES = st.one_of(st.none(), MOMENTS)
STATES = st.sampled_from([*(state.value for state in State), "of an older release", ""])
ROWS = st.lists(st.builds(Facts, STATES, MOMENTS, SOMETIMES, SOMETIMES, SOMETIMES, SOMETIMES), min_size=1, max_size=25)
ENDS = {"suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


def expected(facts):
    """Return what the pure definition says of a row: the generated columns, in their order."""
    action, moment = projections.recent_action(facts)
    state = projections.learner_state(facts)
    return (
        state and state.value,
        projections.learner_state_sort_order(facts),
        action,
        moment,
        int(facts.state in {state.value for state in LISTED}),
    )


@settings(max_examples=100, **ENDS)
@given(ROWS)
@example([Facts("allocated", NOON, NOON + TICK, NOON, NOON + TICK, NOON)])
def test_every_generated_column_equals_the_pure_definition(rows):
    with transaction.atomic():
        configuration = make_configuration()
        made = [
            new_assignment(
                configuration,
                **{name: getattr(facts, name) for name in ("state", "created", "allocated_at", *FACTS)},
            )
            for facts in rows
        ]
        LearnerContentAssignment.objects.bulk_create(made)
        found = {row[0]: row[1:] for row in LearnerContentAssignment.objects.values_list("pk", *LISTS)}
        transaction.set_rollback(True)
    assert [found[record.pk] for record in made] == [expected(facts) for facts in rows]


KINDS = st.sampled_from(["notified", "reminded", "cancelled"])
ERRORS = st.sampled_from([None, None, "email_error"])
TIMELINES = st.lists(st.tuples(KINDS, ERRORS, SOMETIMES, MOMENTS), max_size=6, unique_by=lambda action: action[3])


@settings(max_examples=100, **ENDS)
@given(MOMENTS, SOMETIMES, TIMELINES)
def test_from_any_timeline_the_columns_say_what_the_contract_says(created, allocated_at, timeline):
    with transaction.atomic():
        record = new_assignment(make_configuration(), created=created, allocated_at=allocated_at)
        record.save()
        Action.objects.bulk_create(
            Action(assignment=record, action_type=kind, error_reason=error, completed_at=completed, created=moment)
            for kind, error, completed, moment in timeline
        )
        row = LearnerContentAssignment.objects.get(pk=record.pk)
        transaction.set_rollback(True)
    assert (row.learner_state, (row.recent_action, row.recent_action_time)) == _by_the_contract(
        allocated_at or created, timeline
    )


def _by_the_contract(start, timeline):
    """Return learner state and recent action of an allocated assignment, straight from the words of the contract."""

    def successes(kind):
        mine = [done for action, error, done, _ in timeline if action == kind and error is None and done is not None]
        return [done for done in mine if done >= start]

    notifications = [(moment, error) for kind, error, _, moment in timeline if kind == "notified"]
    last = max(notifications, default=None)
    if successes("notified"):
        state = "waiting"
    elif last and last[1] and last[0] >= start:
        state = "failed"
    else:
        state = "notifying"
    reminders = successes("reminded")
    return state, ("reminded", max(reminders)) if reminders else ("assigned", start)


def test_the_facts_are_derived_in_one_statement(django_assert_num_queries):
    LearnerContentAssignment.objects.bulk_create([new_assignment(make_configuration()) for _ in range(5)])
    rows = models.QuerySet(LearnerContentAssignment)
    with django_assert_num_queries(1):
        rows.update(**facts_from_actions(Action))
