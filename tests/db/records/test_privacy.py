"""clear_pii: no trace of an address stays on record, history, timeline, person, or in what is logged."""

import logging
import re

import pytest
from django.db import connection
from tests.db.records.rows import make_assignment, make_configuration, raw, stored

from bursar.assignments.constants import AssignmentActionErrors, AssignmentActions
from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction
from bursar.people.keys import key_of
from bursar.people.models import Person
from bursar.testing.factories import make_customer

pytestmark = pytest.mark.django_db
EMAIL = "Ann.Onymous@Example.org"
RETIRED = re.compile(r"retired_user[0-9a-f]{16}@retired\.invalid")
Assignment = LearnerContentAssignment


@pytest.fixture
def customer():
    return make_customer()


@pytest.fixture
def configuration(customer):
    return make_configuration(enterprise_customer_uuid=customer.pk)


@pytest.fixture
def record(configuration):
    return make_assignment(configuration, learner_email=EMAIL, lms_user_id=77)


def make_person(customer, email=EMAIL, **facts):
    return Person.objects.create(customer=customer, email=email, name="Ann Onymous", department="Sales", **facts)


def cleared(record):
    """Clear a record and save it, as its caller does."""
    record.clear_pii()
    record.save()
    return stored(record)


def everything_stored():
    """Return everything that any table holds, as text."""
    tables = [name for name in connection.introspection.table_names() if name.startswith(("content_", "bursar_"))]
    return "\n".join(str(row) for table in tables for row in raw(f'SELECT * FROM "{table}"'))


def test_the_record_gets_a_fresh_retired_address(record):
    row = cleared(record)
    assert RETIRED.fullmatch(row.learner_email)
    assert row.learner_email_key == key_of(row.learner_email)
    assert row.address_scrubbed_at is not None


def test_every_retired_address_is_another(configuration):
    rows = [cleared(make_assignment(configuration)) for _ in range(3)]
    assert len({row.learner_email for row in rows}) == len({row.learner_email_key for row in rows}) == 3


def test_the_caller_saves_the_record(record):
    record.clear_pii()
    assert RETIRED.fullmatch(record.learner_email)
    assert stored(record).learner_email == EMAIL


def test_the_history_is_cleared_at_once_on_every_row(record):
    for title in ("one", "two"):
        record.content_title = title
        record.save()
    record.clear_pii()
    assert set(record.history.values_list("learner_email", flat=True)) == {record.learner_email}
    assert record.history.count() == 3


def test_saving_afterwards_is_one_more_row_without_the_address(record):
    cleared(record)
    assert [row.history_type for row in record.history.order_by("history_id")] == ["+", "~"]
    assert {row.learner_email for row in record.history.all()} == {record.learner_email}


def test_the_history_of_others_stays(record, configuration):
    other = make_assignment(configuration, learner_email="other@example.org")
    cleared(record)
    assert other.history.get().learner_email == "other@example.org"
    assert stored(other).learner_email == "other@example.org"


@pytest.mark.parametrize("save", ["the address alone", "in bulk"])
def test_who_saves_the_address_alone_has_said_that_it_is_gone_all_the_same(record, save):
    record.clear_pii()
    if save == "in bulk":
        Assignment.bulk_update([record], ["learner_email"])
    else:
        record.save(update_fields=["learner_email"])
    row = stored(record)
    assert row.address_scrubbed_at is not None
    assert row.learner_email_key == key_of(row.learner_email)


def test_the_user_id_and_everything_else_stay(record):
    before = Assignment.objects.values().get(pk=record.pk)
    cleared(record)
    after = Assignment.objects.values().get(pk=record.pk)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"learner_email", "learner_email_key", "address_scrubbed_at", "modified"}
    assert after["lms_user_id"] == 77


def test_tracebacks_of_actions_and_of_their_history_are_removed(record):
    action = record.add_errored_notified_action(ValueError(f"550 {EMAIL} unknown"))
    gone = record.add_errored_reminded_action(ValueError(f"551 {EMAIL} moved"))
    gone.delete()
    assert EMAIL in everything_stored()
    cleared(record)
    action.refresh_from_db()
    assert EMAIL not in action.traceback
    assert action.error_reason == "email_error"
    tracebacks = LearnerContentAssignmentAction.history.values_list("traceback", flat=True)
    assert tracebacks.count() == 3
    assert not [text for text in tracebacks if EMAIL in text]


def test_an_error_that_befell_several_names_none_of_them(record, configuration):
    other = make_assignment(configuration, learner_email="bo@example.org")
    error = ValueError(f"no answer for {EMAIL} and <{other.learner_email}>")
    LearnerContentAssignmentAction.objects.record_many(
        [record.pk, other.pk], AssignmentActions.REDEEMED, error=AssignmentActionErrors.ENROLLMENT_ERROR, exc=error
    )
    cleared(record)
    assert EMAIL.lower() not in everything_stored().lower()
    assert "no answer for [address] and <[address]>" in other.actions.get().traceback


def test_actions_without_a_traceback_keep_none(record):
    action = record.add_successful_notified_action()
    cleared(record)
    action.refresh_from_db()
    assert action.traceback is None
    assert action.history.get().traceback is None


def test_tracebacks_of_others_stay(record, configuration):
    other = make_assignment(configuration).add_errored_notified_action(ValueError("theirs"))
    cleared(record)
    other.refresh_from_db()
    assert "theirs" in other.traceback
    assert "theirs" in other.history.get().traceback


def test_the_person_is_erased(record, customer):
    person = make_person(customer, manager_email="boss@example.org", language="de", time_zone="Europe/Vienna")
    cleared(record)
    person.refresh_from_db()
    assert RETIRED.fullmatch(person.email)
    assert person.address_key == key_of(person.email)
    assert (person.name, person.department, person.language, person.time_zone, person.manager_email) == ("",) * 5
    assert person.erased_at is not None


def test_the_person_stays_while_another_assignment_shows_the_address(record, configuration, customer):
    other = make_assignment(configuration, learner_email=EMAIL.lower(), content_key="Other+1")
    person = make_person(customer)
    cleared(record)
    person.refresh_from_db()
    assert (person.email, person.name, person.erased_at) == (EMAIL, "Ann Onymous", None)
    cleared(other)
    person.refresh_from_db()
    assert person.erased_at is not None


def test_an_assignment_of_another_customer_does_not_keep_the_person(record, customer):
    make_assignment(make_configuration(), learner_email=EMAIL)
    person = make_person(customer)
    cleared(record)
    person.refresh_from_db()
    assert person.erased_at is not None


def test_persons_of_other_customers_and_addresses_stay(record, customer):
    others = [make_person(make_customer()), make_person(customer, "other@example.org")]
    cleared(record)
    for person in others:
        person.refresh_from_db()
        assert person.erased_at is None


def test_no_trace_stays_in_any_table(record, customer):
    make_person(customer, manager_email=EMAIL)
    record.content_title = "A course"
    record.save()
    record.add_errored_notified_action(ValueError(f"550 {EMAIL} unknown"))
    record.add_errored_redeemed_action(ValueError(f"no such user {EMAIL.lower()}"))
    old_key = key_of(EMAIL)
    assert EMAIL.lower() in everything_stored().lower()
    cleared(record)
    left = everything_stored().lower()
    assert EMAIL.lower() not in left
    assert "onymous" not in left
    assert old_key not in left


def test_nothing_personal_is_logged(record, customer, caplog):
    make_person(customer)
    with caplog.at_level(logging.DEBUG):
        record.add_errored_notified_action(ValueError(f"550 {EMAIL} unknown"))
        record.get_last_successful_notified_action()
        cleared(record)
    ours = [line.getMessage() for line in caplog.records if not line.name.startswith("django.db")]
    assert not [line for line in ours if "onymous" in line.lower()]


def test_a_stale_copy_does_not_bring_the_address_back(record):
    stale = stored(record)
    cleared(record)
    stale.content_title = "After"
    stale.save()
    row = stored(record)
    assert RETIRED.fullmatch(row.learner_email)
    assert row.content_title == "After"
    stale.delete()
    assert EMAIL not in str(list(Assignment.history.values_list("learner_email", flat=True)))


def test_a_scrubbed_address_can_be_assigned_again(record, configuration):
    cleared(record)
    assert make_assignment(configuration, learner_email=EMAIL).pk != record.pk


def test_clearing_again_gives_another_address_and_breaks_nothing(record):
    first = cleared(record).learner_email
    second = cleared(record).learner_email
    assert RETIRED.fullmatch(second)
    assert first != second


def test_a_record_without_a_configuration_is_cleared_too():
    record = make_assignment(assignment_configuration_id=None, learner_email=EMAIL)
    assert RETIRED.fullmatch(cleared(record).learner_email)
