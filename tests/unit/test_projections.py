"""What lists show of an assignment: every rule of the record's table, and every edge in time (ruling 9)."""

from datetime import UTC, datetime, timedelta

import pytest

from bursar.assignments.projections import Facts, learner_state, learner_state_sort_order, recent_action

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE, AFTER = NOON - timedelta(microseconds=1), NOON + timedelta(microseconds=1)
CREATED = NOON - timedelta(days=30)


def allocated(**facts):
    return Facts("allocated", CREATED, NOON, **facts)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (allocated(), "notifying"),
        (allocated(notified_at=NOON), "waiting"),
        (allocated(notified_at=AFTER), "waiting"),
        (allocated(notified_at=BEFORE), "notifying"),
        (allocated(notification_failed_at=NOON), "failed"),
        (allocated(notification_failed_at=AFTER), "failed"),
        (allocated(notification_failed_at=BEFORE), "notifying"),
        (allocated(notified_at=NOON, notification_failed_at=AFTER), "waiting"),
        (allocated(notified_at=AFTER, notification_failed_at=NOON), "waiting"),
        (allocated(notified_at=BEFORE, notification_failed_at=NOON), "failed"),
        (allocated(reminded_at=AFTER), "notifying"),
        (Facts("allocated", NOON, notified_at=NOON), "waiting"),
        (Facts("allocated", NOON, notified_at=BEFORE), "notifying"),
        (Facts("allocated", NOON, notification_failed_at=NOON), "failed"),
        (Facts("expired", CREATED, NOON, notified_at=AFTER), "expired"),
        (Facts("expired", CREATED, NOON, notification_failed_at=AFTER), "expired"),
        (Facts("errored", CREATED, NOON, notified_at=AFTER), "failed"),
        (Facts("accepted", CREATED, NOON, notified_at=AFTER), None),
        (Facts("cancelled", CREATED, NOON, notification_failed_at=AFTER), None),
        (Facts("reversed", CREATED, NOON), None),
        (Facts("something else", CREATED, NOON), None),
    ],
)
def test_the_learner_state_is_the_first_rule_that_fits(facts, expected):
    assert learner_state(facts) == expected


@pytest.mark.parametrize(
    ("facts", "place"),
    [
        (allocated(), 0),
        (allocated(notified_at=NOON), 1),
        (Facts("expired", CREATED), 2),
        (Facts("errored", CREATED), 3),
        (allocated(notification_failed_at=NOON), 3),
        (Facts("accepted", CREATED), 999),
    ],
)
def test_lists_sort_by_the_place_of_the_learner_state(facts, place):
    assert learner_state_sort_order(facts) == place


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (allocated(), ("assigned", NOON)),
        (allocated(reminded_at=NOON), ("reminded", NOON)),
        (allocated(reminded_at=AFTER), ("reminded", AFTER)),
        (allocated(reminded_at=BEFORE), ("assigned", NOON)),
        (allocated(notified_at=AFTER), ("assigned", NOON)),
        (Facts("allocated", CREATED), ("assigned", CREATED)),
        (Facts("allocated", CREATED, reminded_at=NOON), ("reminded", NOON)),
        (Facts("allocated", NOON, reminded_at=BEFORE), ("assigned", NOON)),
        (Facts("accepted", CREATED, NOON, reminded_at=AFTER), ("reminded", AFTER)),
    ],
)
def test_the_recent_action_is_a_reminder_of_this_cycle_or_else_the_allocation(facts, expected):
    assert recent_action(facts) == expected


def test_a_cycle_starts_at_allocation_or_creation():
    assert allocated().cycle_start == NOON
    assert Facts("allocated", CREATED).cycle_start == CREATED
