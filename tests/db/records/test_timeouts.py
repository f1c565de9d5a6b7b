"""get_allocation_timeout_expiration: ninety days after the learner was last told of the current allocation."""

import pytest
from tests.db.records.rows import (
    DAY,
    NOON,
    TICK,
    add_action,
    make_assignment,
    make_configuration,
    new_assignment,
    stored,
)

from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.moves import due_rows

pytestmark = pytest.mark.django_db
LIMIT = 90 * DAY
EMAIL_ERROR = "email_error"


def test_with_neither_it_runs_from_creation():
    assert make_assignment(created=NOON).get_allocation_timeout_expiration() == NOON + LIMIT


@pytest.mark.parametrize("days", [-3, 0, 3])
def test_it_runs_from_the_allocation(days):
    record = make_assignment(created=NOON, allocated_at=NOON + days * DAY)
    assert record.get_allocation_timeout_expiration() == NOON + days * DAY + LIMIT


@pytest.mark.parametrize("days", [-3, 0, 3])
def test_without_an_allocation_it_runs_from_the_notification(days):
    record = make_assignment(created=NOON)
    add_action(record, "notified", NOON + days * DAY)
    assert record.get_allocation_timeout_expiration() == NOON + days * DAY + LIMIT


@pytest.mark.parametrize(("told", "later"), [(5, 5), (1, 2), (2, 2)])
def test_the_later_of_notification_and_allocation_counts(told, later):
    record = make_assignment(created=NOON, allocated_at=NOON + 2 * DAY)
    add_action(record, "notified", NOON + told * DAY)
    assert record.get_allocation_timeout_expiration() == NOON + later * DAY + LIMIT


def test_the_last_of_several_notifications_counts():
    record = make_assignment(created=NOON, allocated_at=NOON)
    for days in (4, 1):
        add_action(record, "notified", NOON + days * DAY)
    assert record.get_allocation_timeout_expiration() == NOON + 4 * DAY + LIMIT


def test_a_notification_that_failed_or_was_not_completed_does_not_count():
    record = make_assignment(created=NOON, allocated_at=NOON)
    add_action(record, "notified", NOON + DAY, error_reason=EMAIL_ERROR)
    add_action(record, "notified", None, created=NOON + 2 * DAY, error_reason=EMAIL_ERROR)
    add_action(record, "notified", None, created=NOON + 3 * DAY)
    assert record.get_allocation_timeout_expiration() == NOON + LIMIT


def test_a_reminder_never_moves_it():
    record = make_assignment(created=NOON, allocated_at=NOON)
    add_action(record, "notified", NOON + DAY)
    add_action(record, "reminded", NOON + 50 * DAY)
    assert record.get_allocation_timeout_expiration() == NOON + DAY + LIMIT


def test_renewing_moves_it_before_anybody_is_told_again():
    record = make_assignment(created=NOON, allocated_at=NOON)
    add_action(record, "notified", NOON + DAY)
    record.allocated_at = NOON + 30 * DAY
    record.save()
    assert stored(record).get_allocation_timeout_expiration() == NOON + 30 * DAY + LIMIT


def test_other_terms_do_not_matter_for_it():
    record = make_assignment(created=NOON, enroll_by=NOON + DAY, fund_ends_at=NOON + DAY, personal_deadline=NOON + DAY)
    assert record.get_allocation_timeout_expiration() == NOON + LIMIT


def test_being_told_moves_the_stored_expiry_with_its_reason():
    record = make_assignment(created=NOON, allocated_at=NOON, enroll_by=NOON + 91 * DAY)
    add_action(record, "notified", NOON + DAY / 2)
    row = stored(record)
    assert (row.expires_at, row.expires_reason) == (NOON + DAY / 2 + LIMIT, "NINETY_DAYS_PASSED")
    add_action(record, "notified", NOON + 2 * DAY)
    row = stored(record)
    assert (row.expires_at, row.expires_reason) == (NOON + 91 * DAY, "ENROLLMENT_DATE_PASSED")


BY_DEFAULT = (NOON + LIMIT, "NINETY_DAYS_PASSED")


def expiry(record):
    """Return the stored expiry with its reason."""
    row = stored(record)
    return row.expires_at, row.expires_reason


@pytest.mark.parametrize(
    "write",
    [
        lambda record: record.save(),
        lambda record: LearnerContentAssignment.bulk_create([record]),
        lambda record: LearnerContentAssignment.objects.bulk_create([record]),
    ],
)
def test_a_row_written_past_the_verbs_expires_too(write):
    record = new_assignment(make_configuration(), created=NOON)
    write(record)
    assert expiry(record) == (record.expires_at, record.expires_reason) == BY_DEFAULT
    assert list(due_rows(NOON + LIMIT)) == [record]
    assert not due_rows(NOON + LIMIT - TICK)


def test_the_terms_that_a_row_is_written_with_count():
    record = make_assignment(created=NOON, enroll_by=NOON + DAY, fund_ends_at=NOON + 2 * DAY)
    assert expiry(record) == (NOON + DAY, "ENROLLMENT_DATE_PASSED")


def test_an_expiry_that_is_given_is_kept():
    record = make_assignment(created=NOON, expires_at=NOON + DAY, expires_reason="SUBSIDY_EXPIRED")
    assert expiry(record) == (NOON + DAY, "SUBSIDY_EXPIRED")


CHANGES = [
    ({"allocated_at": NOON + DAY}, (NOON + DAY + LIMIT, "NINETY_DAYS_PASSED")),
    ({"created": NOON - DAY}, (NOON - DAY + LIMIT, "NINETY_DAYS_PASSED")),
    ({"notified_at": NOON + DAY}, (NOON + DAY + LIMIT, "NINETY_DAYS_PASSED")),
    ({"enroll_by": NOON + DAY}, (NOON + DAY, "ENROLLMENT_DATE_PASSED")),
    ({"fund_ends_at": NOON + DAY}, (NOON + DAY, "SUBSIDY_EXPIRED")),
    ({"personal_deadline": NOON + 100 * DAY}, (NOON + 100 * DAY, "NINETY_DAYS_PASSED")),
    ({"content_title": "x"}, BY_DEFAULT),
    ({"enroll_by": NOON + DAY, "expires_at": NOON + 5 * DAY}, (NOON + 5 * DAY, "NINETY_DAYS_PASSED")),
]


def save(record, values):
    for name, value in values.items():
        setattr(record, name, value)
    record.save()


def update_in_bulk(record, values):
    for name, value in values.items():
        setattr(record, name, value)
    LearnerContentAssignment.bulk_update([record], list(values))


def update(record, values):
    LearnerContentAssignment.objects.filter(pk=record.pk).update(**values)
    record.refresh_from_db()


@pytest.mark.parametrize(("values", "expected"), CHANGES)
@pytest.mark.parametrize("write", [save, update_in_bulk, update])
def test_the_expiry_follows_whatever_write_changes_a_term(write, values, expected):
    record, other = make_assignment(created=NOON), make_assignment(created=NOON)
    write(record, values)
    assert expiry(record) == (record.expires_at, record.expires_reason) == expected
    assert expiry(other) == BY_DEFAULT
