"""bulk_create and bulk_update of the record: history for every row, modified moved, facts and counts right."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from tests.db.records.rows import (
    DAY,
    NOON,
    kept,
    make_assignment,
    make_configuration,
    new_assignment,
    recounted,
    stored,
)

from bursar.assignments.models import LearnerContentAssignment
from bursar.kernel import clock
from bursar.people.keys import key_of

pytestmark = pytest.mark.django_db
Assignment = LearnerContentAssignment


@pytest.fixture
def configuration():
    return make_configuration()


def made_in_bulk(configuration, count=3, **facts):
    with clock.at(NOON):
        return Assignment.bulk_create([new_assignment(configuration, **facts) for _ in range(count)])


def test_creating_returns_the_records_and_writes_them(configuration):
    given = [new_assignment(configuration) for _ in range(3)]
    made = Assignment.bulk_create(given)
    assert isinstance(made, list)
    assert made == given
    assert set(Assignment.objects.values_list("pk", flat=True)) == {record.pk for record in given}


def test_creating_is_history_for_every_record(configuration):
    made = made_in_bulk(configuration, content_title="A course")
    rows = Assignment.history.values_list("uuid", "history_type", "history_date", "content_title", "learner_email")
    assert set(rows) == {(record.pk, "+", NOON, "A course", record.learner_email) for record in made}


def test_creating_sets_created_modified_and_the_key_of_the_address(configuration):
    made = made_in_bulk(configuration)
    for record in made:
        row = stored(record)
        assert (row.created, row.modified) == (NOON, NOON)
        assert row.learner_email_key == key_of(record.learner_email)


def test_creating_counts_by_state(configuration):
    states = ["allocated", "allocated", "accepted", "expired"]
    Assignment.bulk_create([new_assignment(configuration, state=state) for state in states])
    assert kept(configuration) == recounted(configuration)
    assert kept(configuration)["allocated", "notifying"] == 2


def test_records_just_made_know_what_the_database_generated(configuration):
    (record,) = made_in_bulk(configuration, 1, state="expired")
    assert (record.learner_state, record.learner_state_sort_order, record.listed) == ("expired", 2, 0)


def test_creating_from_a_generator_or_nothing(configuration):
    assert len(Assignment.bulk_create(new_assignment(configuration) for _ in range(2))) == 2
    assert Assignment.bulk_create([]) == []


def test_creating_is_all_or_nothing(configuration):
    same = {"learner_email": "twin@example.org"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.bulk_create(
            [
                new_assignment(configuration),
                new_assignment(configuration, **same),
                new_assignment(configuration, **same),
            ]
        )
    assert not Assignment.objects.exists()
    assert not Assignment.history.exists()
    assert kept(configuration) == {}


def test_creating_many_costs_as_many_statements_as_one(configuration):
    def statements(count):
        records = [new_assignment(configuration) for _ in range(count)]
        with CaptureQueriesContext(connection) as seen:
            Assignment.bulk_create(records)
        return len(seen)

    statements(1)
    assert statements(1) == statements(15)


def test_updating_writes_the_named_fields_alone(configuration):
    made = made_in_bulk(configuration, lms_user_id=None, content_title="Before")
    for number, record in enumerate(made):
        record.lms_user_id, record.content_title = number, "After"
    assert Assignment.bulk_update(made, ["lms_user_id"]) == 3
    rows = Assignment.objects.values_list("lms_user_id", "content_title")
    assert set(rows) == {(0, "Before"), (1, "Before"), (2, "Before")}


def test_updating_is_history_for_every_record_as_it_stands(configuration):
    made = made_in_bulk(configuration)
    for record in made:
        record.content_title = "After"
    with clock.at(NOON + DAY):
        Assignment.bulk_update(made, ["content_title"])
    rows = Assignment.history.filter(history_type="~").values_list("uuid", "history_date", "content_title", "modified")
    assert set(rows) == {(record.pk, NOON + DAY, "After", NOON + DAY) for record in made}


def test_updating_moves_modified_and_not_created(configuration):
    made = made_in_bulk(configuration)
    with clock.at(NOON + DAY):
        Assignment.bulk_update(made, ["content_title"])
    assert set(Assignment.objects.values_list("created", "modified")) == {(NOON, NOON + DAY)}
    assert made[0].modified == NOON + DAY


def test_updating_addresses_updates_their_keys(configuration):
    made = made_in_bulk(configuration, 2)
    for number, record in enumerate(made):
        record.learner_email = f"New{number}@Example.org"
    Assignment.bulk_update(made, ["learner_email"])
    for number, record in enumerate(made):
        assert stored(record).learner_email_key == key_of(f"new{number}@example.org")


def test_updating_states_counts_again(configuration):
    made = made_in_bulk(configuration, 4)
    for record in made[:3]:
        record.state, record.cancelled_at = "cancelled", NOON
    Assignment.bulk_update(made, ["state", "cancelled_at"])
    assert kept(configuration) == recounted(configuration) == {("allocated", "notifying"): 1, ("cancelled", None): 3}
    assert (made[0].learner_state, made[3].learner_state) == (None, "notifying")


def test_updating_facts_counts_again_and_generates_anew(configuration):
    made = made_in_bulk(configuration, 2)
    made[0].notified_at = NOON + DAY
    Assignment.bulk_update(made, ["notified_at"])
    assert kept(configuration) == recounted(configuration)
    assert kept(configuration) == {("allocated", "waiting"): 1, ("allocated", "notifying"): 1}
    assert [record.learner_state for record in made] == ["waiting", "notifying"]


def test_moving_records_to_another_configuration_counts_on_both_sides(configuration):
    made, other = made_in_bulk(configuration), make_configuration()
    for record in made[:2]:
        record.assignment_configuration = other
    Assignment.bulk_update(made, ["assignment_configuration"])
    assert kept(configuration) == recounted(configuration) == {("allocated", "notifying"): 1}
    assert kept(other) == recounted(other) == {("allocated", "notifying"): 2}


def test_updating_nothing_is_nothing():
    assert Assignment.bulk_update([], ["content_title"]) == 0


def test_fields_may_come_from_a_generator(configuration):
    made = made_in_bulk(configuration, 1)
    made[0].content_title = "After"
    Assignment.bulk_update((record for record in made), (name for name in ["content_title"]))
    assert stored(made[0]).content_title == "After"
    assert made[0].history.count() == 2


def test_updating_an_unknown_field_is_refused_and_changes_nothing(configuration):
    made = made_in_bulk(configuration, 1)
    with pytest.raises(Exception, match="nonsense"), transaction.atomic():
        Assignment.bulk_update(made, ["nonsense"])
    assert made[0].history.count() == 1


def test_updating_a_state_by_bulk_is_no_change_for_the_next_save(configuration, django_assert_num_queries):
    (record,) = made_in_bulk(configuration, 1)
    record.state = "cancelled"
    Assignment.bulk_update([record], ["state"])
    with django_assert_num_queries(0):
        record.save()


def test_djangos_own_bulk_writes_are_not_history_but_keep_keys_and_counts(configuration):
    (record,) = Assignment.objects.bulk_create([new_assignment(configuration)])
    record.learner_email, record.state = "New@Example.org", "accepted"
    assert Assignment.objects.bulk_update([record], ["learner_email", "state"]) == 1
    assert stored(record).learner_email_key == key_of("new@example.org")
    assert kept(configuration) == recounted(configuration) == {("accepted", None): 1}
    assert not Assignment.history.exists()


def test_djangos_own_update_keeps_the_key_of_an_address(configuration):
    record = make_assignment(configuration)
    Assignment.objects.filter(pk=record.pk).update(learner_email="New@Example.org")
    assert stored(record).learner_email_key == key_of("new@example.org")


def test_the_manager_deletes_nothing_by_itself():
    assert not hasattr(Assignment.objects, "delete")
    assert not hasattr(make_assignment().actions, "delete")
