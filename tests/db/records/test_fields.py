"""The three records field by field: kind, null, index, default, choices; tables and their histories."""

from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, models, transaction
from django.db.models.deletion import CASCADE, SET_NULL
from tests.db.records.rows import GENERATED, HISTORY, make_assignment, make_configuration, new_assignment

from bursar.assignments.constants import (
    AssignmentActionErrors,
    AssignmentActions,
    LearnerContentAssignmentStateChoices,
)
from bursar.assignments.models import (
    AssignmentConfiguration,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
)

pytestmark = pytest.mark.django_db
RECORDS = [AssignmentConfiguration, LearnerContentAssignment, LearnerContentAssignmentAction]
# What lists, sweeps and the saga keep on the row: not part of the contract, and left out of history (ruling 8).
DERIVED = {
    *("learner_email_key", "notified_at", "notification_failed_at", "reminded_at", "enroll_by", "fund_ends_at"),
    *("expires_at", "expires_reason", "redemption_uuid", "address_scrubbed_at", "next_reminder_at", *GENERATED),
}
# field: kind, null, index
CONTRACT = {
    AssignmentConfiguration: {
        "uuid": (models.UUIDField, False, False),
        "enterprise_customer_uuid": (models.UUIDField, False, True),
        "active": (models.BooleanField, False, True),
        "created": (models.DateTimeField, False, False),
        "modified": (models.DateTimeField, False, False),
    },
    LearnerContentAssignment: {
        "uuid": (models.UUIDField, False, False),
        "assignment_configuration": (models.ForeignKey, True, True),
        "learner_email": (models.EmailField, False, True),
        "lms_user_id": (models.IntegerField, True, True),
        "content_key": (models.CharField, False, True),
        "parent_content_key": (models.CharField, True, True),
        "is_assigned_course_run": (models.BooleanField, False, False),
        "content_title": (models.CharField, True, False),
        "content_quantity": (models.BigIntegerField, False, False),
        "preferred_course_run_key": (models.CharField, True, True),
        "state": (models.CharField, False, True),
        "allocated_at": (models.DateTimeField, True, False),
        "accepted_at": (models.DateTimeField, True, False),
        "cancelled_at": (models.DateTimeField, True, False),
        "expired_at": (models.DateTimeField, True, False),
        "errored_at": (models.DateTimeField, True, False),
        "reversed_at": (models.DateTimeField, True, False),
        "transaction_uuid": (models.UUIDField, True, False),
        "allocation_batch_id": (models.UUIDField, True, True),
        "admin_lms_user_id": (models.IntegerField, True, True),
        "created": (models.DateTimeField, False, False),
        "modified": (models.DateTimeField, False, False),
    },
    LearnerContentAssignmentAction: {
        "uuid": (models.UUIDField, False, False),
        "assignment": (models.ForeignKey, False, False),
        "action_type": (models.CharField, False, True),
        "completed_at": (models.DateTimeField, True, False),
        "error_reason": (models.CharField, True, True),
        "traceback": (models.TextField, True, False),
        "created": (models.DateTimeField, False, False),
        "modified": (models.DateTimeField, False, False),
    },
}
EVERY_FIELD = [(record, name) for record in RECORDS for name in CONTRACT[record]]


def described(table):
    with connection.cursor() as cursor:
        return {column.name: column for column in connection.introspection.get_table_description(cursor, table)}


def constraints(table):
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, table)


def indexed_columns(table):
    """Return the columns lists of every index, unique key and primary key of a table."""
    return [tuple(item["columns"]) for item in constraints(table).values() if item["index"] or item["unique"]]


def test_the_app_label_is_content_assignments():
    assert {record._meta.app_label for record in RECORDS} == {"content_assignments"}


def test_the_tables_have_the_names_that_are_read_elsewhere():
    tables = connection.introspection.table_names()
    for name in ("assignmentconfiguration", "learnercontentassignment", "learnercontentassignmentaction"):
        assert f"content_assignments_{name}" in tables
        assert f"content_assignments_historical{name}" in tables


@pytest.mark.parametrize("record", RECORDS)
def test_no_field_is_missing_and_what_is_added_is_known(record):
    extra = {field.name for field in record._meta.concrete_fields} - set(CONTRACT[record])
    assert set(CONTRACT[record]) <= {field.name for field in record._meta.concrete_fields}
    assert extra <= {*DERIVED, "cycle", "personal_deadline"}


@pytest.mark.parametrize(("record", "name"), EVERY_FIELD)
def test_each_field_has_its_kind_and_nullability_in_model_and_database(record, name):
    kind, null, _ = CONTRACT[record][name]
    field = record._meta.get_field(name)
    assert isinstance(field, kind)
    assert field.null is null
    assert bool(described(record._meta.db_table)[field.column].null_ok) is null


@pytest.mark.parametrize("name", ["learner_email", "content_key", "content_quantity"])
@pytest.mark.parametrize(
    "write", [LearnerContentAssignment.save, lambda row: LearnerContentAssignment.bulk_create([row])]
)
def test_what_must_be_there_is_demanded_by_the_database(name, write):
    row = new_assignment(make_configuration(), **{name: None})
    with pytest.raises(IntegrityError), transaction.atomic():
        write(row)


@pytest.mark.parametrize(
    ("record", "name"), [(record, name) for record, name in EVERY_FIELD if CONTRACT[record][name][2]]
)
def test_each_indexed_field_can_be_sought_in_the_database(record, name):
    column = record._meta.get_field(name).column
    assert any(columns[:1] == (column,) for columns in indexed_columns(record._meta.db_table))


@pytest.mark.parametrize(
    "name", ["content_key", "parent_content_key", "content_title", "preferred_course_run_key", "state"]
)
def test_text_of_an_assignment_holds_255_characters(name):
    assert LearnerContentAssignment._meta.get_field(name).max_length == 255
    record = make_assignment(**{name: "x" * 255})
    assert getattr(LearnerContentAssignment.objects.get(pk=record.pk), name) == "x" * 255


@pytest.mark.parametrize("name", ["action_type", "error_reason"])
def test_text_of_an_action_holds_255_characters(name):
    assert LearnerContentAssignmentAction._meta.get_field(name).max_length == 255


@pytest.mark.parametrize("record", RECORDS)
def test_the_primary_key_is_a_random_uuid(record):
    key = record._meta.pk
    assert (key.name, key.default, key.editable) == ("uuid", uuid4, False)
    assert record().uuid != record().uuid
    assert record().uuid.version == 4


def test_the_defaults_of_a_configuration():
    record = AssignmentConfiguration.objects.create()
    record.refresh_from_db()
    assert record.enterprise_customer_uuid == UUID("00000000-0000-0000-0000-000000000000")
    assert record.active is True


def test_the_defaults_of_an_assignment():
    record = make_assignment()
    record.refresh_from_db()
    assert (record.state, record.is_assigned_course_run, record.cycle) == ("allocated", False, 1)
    untouched = [name for name, (_, null, _) in CONTRACT[LearnerContentAssignment].items() if null]
    untouched.remove("assignment_configuration")
    assert {name: getattr(record, name) for name in untouched} == dict.fromkeys(untouched)


def test_the_choices():
    state = LearnerContentAssignment._meta.get_field("state")
    assert state.choices == LearnerContentAssignmentStateChoices.choices
    action = LearnerContentAssignmentAction._meta.get_field
    assert action("action_type").choices == AssignmentActions.choices
    assert action("error_reason").choices == AssignmentActionErrors.choices


def test_choices_are_not_enforced_by_the_database():
    record = make_assignment(state="of an older release")
    LearnerContentAssignmentAction.objects.create(assignment=record, action_type="other", error_reason="other")
    assert LearnerContentAssignment.objects.get(pk=record.pk).learner_state is None


def test_an_address_must_be_there_and_be_one():
    field = LearnerContentAssignment._meta.get_field("learner_email")
    assert (field.null, field.blank) == (False, False)
    for wrong in ("", "nobody", None):
        record = make_assignment()
        record.learner_email = wrong
        with pytest.raises(Exception, match="learner_email"):
            record.full_clean()


def test_lms_user_ids_may_lie_above_a_thousand_million():
    record = make_assignment(lms_user_id=2**31 - 1, admin_lms_user_id=2**31 - 1)
    record.refresh_from_db()
    assert (record.lms_user_id, record.admin_lms_user_id) == (2**31 - 1, 2**31 - 1)


def test_amounts_may_be_large_debits():
    record = make_assignment(content_quantity=-(10**15))
    record.refresh_from_db()
    assert record.content_quantity == -(10**15)


def test_assignments_survive_their_configuration():
    field = LearnerContentAssignment._meta.get_field("assignment_configuration")
    assert field.remote_field.on_delete is SET_NULL
    assert field.remote_field.related_name == "assignments"
    configuration = make_configuration()
    record = make_assignment(configuration)
    assert list(configuration.assignments.all()) == [record]
    models.QuerySet(AssignmentConfiguration).filter(pk=configuration.pk).delete()
    record.refresh_from_db()
    assert record.assignment_configuration_id is None


def test_actions_go_with_their_assignment():
    field = LearnerContentAssignmentAction._meta.get_field("assignment")
    assert field.remote_field.on_delete is CASCADE
    assert field.remote_field.related_name == "actions"
    record = make_assignment()
    action = record.add_successful_notified_action()
    assert list(record.actions.all()) == [action]
    record.delete()
    assert not LearnerContentAssignmentAction.objects.exists()


def test_actions_are_found_by_assignment_kind_and_time():
    assert ("assignment_id", "action_type", "completed_at") in indexed_columns(
        LearnerContentAssignmentAction._meta.db_table
    )


def test_actions_are_listed_by_creation():
    assert list(LearnerContentAssignmentAction._meta.ordering) == ["created"]


def test_a_traceback_is_not_edited_in_forms():
    assert LearnerContentAssignmentAction._meta.get_field("traceback").editable is False


def history_columns(record):
    return {field.attname for field in record.history.model._meta.concrete_fields} - set(HISTORY)


@pytest.mark.parametrize("record", RECORDS)
def test_history_holds_every_field_but_the_derived_ones(record):
    assert history_columns(record) == {field.attname for field in record._meta.concrete_fields} - DERIVED


@pytest.mark.parametrize("record", RECORDS)
def test_history_tables_have_64_bit_ids_and_reasons_of_any_length(record):
    history = record.history.model
    assert isinstance(history._meta.get_field("history_id"), models.BigAutoField)
    assert isinstance(history._meta.get_field("history_change_reason"), models.TextField)
    assert history._meta.get_field("history_change_reason").null
    if connection.vendor == "postgresql":
        assert described(history._meta.db_table)["history_id"].type_code == 20  # int8


@pytest.mark.parametrize("record", RECORDS)
def test_history_tables_have_no_index_but_those_that_find_a_record_and_the_user(record):
    found = set(indexed_columns(record.history.model._meta.db_table)) - {("history_id",)}
    by_assignment = {("assignment_id", "history_date")} if record is LearnerContentAssignmentAction else set()
    assert found == {("uuid", "history_date"), ("history_user_id",)} | by_assignment


def test_the_history_user_is_the_host_user_and_may_go():
    field = LearnerContentAssignment.history.model._meta.get_field("history_user")
    assert field.related_model is get_user_model()
    assert field.remote_field.on_delete is SET_NULL
