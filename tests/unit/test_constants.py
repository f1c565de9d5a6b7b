"""The vocabulary: classes, members and stored values exactly as the contract lists them (rulings 13 and 16)."""

import pytest
from django.db.models import TextChoices

from bursar.assignments import constants
from bursar.assignments.constants import (
    NUM_DAYS_BEFORE_AUTO_EXPIRATION,
    RETIRED_EMAIL_ADDRESS_FORMAT,
    AssignmentLearnerStates,
    LearnerContentAssignmentStateChoices,
)

MEMBERS = {
    "LearnerContentAssignmentStateChoices": {
        "ALLOCATED": "allocated",
        "ACCEPTED": "accepted",
        "CANCELLED": "cancelled",
        "ERRORED": "errored",
        "EXPIRED": "expired",
        "REVERSED": "reversed",
    },
    "AssignmentActions": {
        "LEARNER_LINKED": "learner_linked",
        "NOTIFIED": "notified",
        "REMINDED": "reminded",
        "REDEEMED": "redeemed",
        "CANCELLED": "cancelled",
        "CANCELLED_ACKNOWLEDGED": "cancelled_acknowledged",
        "EXPIRED": "expired",
        "EXPIRED_ACKNOWLEDGED": "expired_acknowledged",
        "REVERSED": "reversed",
    },
    "AssignmentActionErrors": {
        "EMAIL_ERROR": "email_error",
        "INTERNAL_API_ERROR": "internal_api_error",
        "ENROLLMENT_ERROR": "enrollment_error",
    },
    "AssignmentRecentActionTypes": {"ASSIGNED": "assigned", "REMINDED": "reminded"},
    "AssignmentLearnerStates": {
        "NOTIFYING": "notifying",
        "WAITING": "waiting",
        "EXPIRED": "expired",
        "FAILED": "failed",
    },
    "AssignmentAutomaticExpiredReason": {
        "NINETY_DAYS_PASSED": "NINETY_DAYS_PASSED",
        "ENROLLMENT_DATE_PASSED": "ENROLLMENT_DATE_PASSED",
        "SUBSIDY_EXPIRED": "SUBSIDY_EXPIRED",
    },
}
SETS = {
    "REALLOCATE_STATES": {"cancelled", "errored", "expired", "reversed"},
    "CANCELABLE_STATES": {"allocated", "errored"},
    "REMINDABLE_STATES": {"allocated"},
    "EXPIRABLE_STATES": {"allocated"},
    "REVERSIBLE_STATES": {"accepted"},
}
States = LearnerContentAssignmentStateChoices


@pytest.mark.parametrize("name", MEMBERS)
def test_each_class_has_exactly_its_members_with_their_stored_values(name):
    vocabulary = getattr(constants, name)
    assert issubclass(vocabulary, TextChoices)
    assert {member.name: member.value for member in vocabulary} == MEMBERS[name]


@pytest.mark.parametrize("name", MEMBERS)
def test_choices_go_by_both_names(name):
    vocabulary = getattr(constants, name)
    assert vocabulary.choices == vocabulary.CHOICES
    assert [value for value, _ in vocabulary.CHOICES] == list(MEMBERS[name].values())
    assert not hasattr(vocabulary.CHOICES, "value")


def test_no_vocabulary_is_missing_or_added():
    found = {name for name, item in vars(constants).items() if isinstance(item, type) and issubclass(item, TextChoices)}
    assert found - {"TextChoices"} == set(MEMBERS)


@pytest.mark.parametrize("name", SETS)
def test_each_set_of_states_holds_what_the_contract_says(name):
    states = getattr(States, name)
    assert set(states) == SETS[name]
    assert all(member in states for member in States if member.value in SETS[name])
    assert not any(member in states for member in States if member.value not in SETS[name])
    assert all(value in states for value in SETS[name])


def test_sets_and_the_sort_order_are_no_members():
    assert not set(SETS) & set(States.__members__)
    assert "SORT_ORDER" not in AssignmentLearnerStates.__members__
    assert len(States.choices) == 6
    assert len(AssignmentLearnerStates.choices) == 4


def test_the_sort_order_of_learner_states():
    assert list(AssignmentLearnerStates.SORT_ORDER) == ["notifying", "waiting", "expired", "failed"]


def test_a_member_is_the_text_that_is_stored():
    assert States.ALLOCATED == "allocated"
    assert str(States.ALLOCATED) == "allocated"
    assert f"{States.ALLOCATED}" == "allocated"


def test_days_and_the_format_of_retired_addresses():
    assert NUM_DAYS_BEFORE_AUTO_EXPIRATION == 90
    assert RETIRED_EMAIL_ADDRESS_FORMAT == "retired_user{}@retired.invalid"
