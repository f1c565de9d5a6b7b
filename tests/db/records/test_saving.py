"""save(): the fields changed since loading and nothing else (ruling 10); never the state."""

import copy
import pickle

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from tests.db.records.rows import DAY, NOON, TICK, make_assignment, make_configuration, new_assignment, stored

from bursar.assignments.models import LearnerContentAssignment
from bursar.kernel import clock
from bursar.kernel.errors import Refused

pytestmark = pytest.mark.django_db
VERBS = {
    "accepted": "redeem_many",
    "cancelled": "cancel_many",
    "errored": "redeem_many",
    "expired": "expire_many",
    "reversed": "reverse_many",
}


def history(record):
    return record.history.order_by("history_id")


def elsewhere(record, **values):
    """Change a row as somebody else would meanwhile."""
    LearnerContentAssignment.objects.filter(pk=record.pk).update(**values)


@pytest.fixture
def record():
    with clock.at(NOON):
        return make_assignment(content_title="Before", lms_user_id=5)


def test_a_change_is_written_with_history_and_modified(record):
    loaded = stored(record)
    loaded.content_title = "After"
    with clock.at(NOON + DAY):
        loaded.save()
    assert (stored(record).content_title, stored(record).modified) == ("After", NOON + DAY)
    rows = history(record).values_list("history_type", "content_title", "modified", "history_date")
    assert list(rows) == [("+", "Before", NOON, NOON), ("~", "After", NOON + DAY, NOON + DAY)]


def test_a_change_to_another_field_meanwhile_survives(record):
    loaded = stored(record)
    elsewhere(record, content_title="From elsewhere", learner_email="new@example.org", state="cancelled")
    loaded.lms_user_id = 6
    loaded.save()
    row = stored(record)
    assert (row.content_title, row.learner_email, row.state) == ("From elsewhere", "new@example.org", "cancelled")
    assert row.lms_user_id == 6


def test_history_says_what_the_row_says_whatever_was_in_memory(record):
    loaded = stored(record)
    elsewhere(record, content_title="From elsewhere", learner_email="new@example.org", state="cancelled")
    loaded.lms_user_id = 6
    loaded.save()
    row = history(record).last()
    assert (row.content_title, row.learner_email, row.state) == ("From elsewhere", "new@example.org", "cancelled")
    assert row.lms_user_id == 6


def test_history_of_a_deletion_says_what_the_row_said(record):
    loaded, key = stored(record), record.pk
    elsewhere(record, learner_email="new@example.org")
    loaded.delete()
    row = LearnerContentAssignment.history.filter(uuid=key).order_by("history_id").last()
    assert (row.history_type, row.learner_email) == ("-", "new@example.org")


def test_the_reason_user_and_date_that_a_writer_gives_are_in_the_history(record, django_user_model):
    user = django_user_model.objects.create(username="somebody")
    loaded = stored(record)
    loaded.content_title = "After"
    loaded._change_reason, loaded._history_user, loaded._history_date = "because " * 100, user, NOON - DAY
    loaded.save()
    row = history(record).last()
    assert (row.history_change_reason, row.history_user, row.history_date) == ("because " * 100, user, NOON - DAY)


def test_saving_without_a_change_writes_nothing(record, django_assert_num_queries):
    loaded = stored(record)
    with django_assert_num_queries(0):
        loaded.save()
    assert history(record).count() == 1
    assert stored(record).modified == NOON


def test_what_is_set_to_the_same_value_is_no_change(record, django_assert_num_queries):
    loaded = stored(record)
    loaded.content_title = "Before"
    with django_assert_num_queries(0):
        loaded.save()


def test_only_changed_columns_are_in_the_statement(record, django_assert_max_num_queries):
    loaded = stored(record)
    loaded.content_title = "After"
    with django_assert_max_num_queries(20) as seen:
        loaded.save()
    (update,) = [query["sql"] for query in seen if query["sql"].startswith("UPDATE")]
    assigned = update[update.index(" SET ") : update.index(" WHERE ")]
    assert sorted(part.split('"')[1] for part in assigned.replace(" SET ", "").split(", ")) == [
        "content_title",
        "modified",
    ]


def test_named_fields_limit_what_is_written(record):
    loaded = stored(record)
    loaded.content_title, loaded.lms_user_id = "After", 6
    loaded.save(update_fields=["lms_user_id"])
    assert (stored(record).content_title, stored(record).lms_user_id) == ("Before", 6)


def test_a_change_that_was_not_named_is_written_by_the_next_save(record):
    loaded = stored(record)
    loaded.content_title, loaded.lms_user_id = "After", 6
    loaded.save(update_fields=["lms_user_id"])
    loaded.save()
    assert stored(record).content_title == "After"


def test_a_change_past_a_bulk_update_is_written_by_the_next_save(record):
    loaded = stored(record)
    loaded.content_title, loaded.lms_user_id = "After", 6
    LearnerContentAssignment.bulk_update([loaded], ["lms_user_id"])
    assert stored(record).content_title == "Before"
    loaded.save()
    assert stored(record).content_title == "After"


def test_named_fields_that_are_unchanged_write_nothing(record, django_assert_num_queries):
    loaded = stored(record)
    with django_assert_num_queries(0):
        loaded.save(update_fields=["lms_user_id"])
        loaded.save(update_fields=[])


def test_a_field_that_is_none_is_not_named(record):
    loaded = stored(record)
    loaded.content_title = "After"
    for wrong in ("content_titel", "uuid"):
        with pytest.raises(ValueError, match=wrong):
            loaded.save(update_fields=["content_title", wrong])
    loaded.save(update_fields=iter(["content_title", "assignment_configuration", "modified", "learner_email_key"]))
    assert stored(record).content_title == "After"


def test_a_second_save_writes_only_what_changed_since_the_first(record):
    loaded = stored(record)
    loaded.content_title = "After"
    loaded.save()
    elsewhere(record, content_title="From elsewhere")
    loaded.lms_user_id = 6
    loaded.save()
    assert stored(record).content_title == "From elsewhere"


def test_a_record_just_made_writes_only_what_changes_from_then_on(record):
    elsewhere(record, content_title="From elsewhere")
    record.lms_user_id = 6
    record.save()
    assert (stored(record).content_title, stored(record).lms_user_id) == ("From elsewhere", 6)


@pytest.mark.parametrize("make", [LearnerContentAssignment.bulk_create, LearnerContentAssignment.objects.bulk_create])
def test_records_made_in_bulk_can_be_saved_again(make):
    (made,) = make([new_assignment(make_configuration(), content_title="Before")])
    elsewhere(made, lms_user_id=7)
    made.content_title = "After"
    made.save()
    assert (stored(made).content_title, stored(made).lms_user_id) == ("After", 7)


@pytest.mark.parametrize("load", ["only", "defer", "only nothing of it"])
def test_what_was_not_loaded_is_not_written(record, load):
    rows = {
        "only": LearnerContentAssignment.objects.only("lms_user_id"),
        "defer": LearnerContentAssignment.objects.defer("content_title", "state"),
        "only nothing of it": LearnerContentAssignment.objects.only("uuid"),
    }
    loaded = rows[load].get(pk=record.pk)
    elsewhere(record, content_title="From elsewhere")
    loaded.lms_user_id = 6
    loaded.save()
    row = stored(record)
    assert (row.content_title, row.lms_user_id, row.state) == ("From elsewhere", 6, "allocated")


def test_what_was_not_loaded_can_be_written_all_the_same(record):
    loaded = LearnerContentAssignment.objects.only("uuid").get(pk=record.pk)
    loaded.content_title = "After"
    loaded.save()
    assert stored(record).content_title == "After"


def test_a_field_loaded_late_is_not_a_change(record, django_assert_num_queries):
    loaded = LearnerContentAssignment.objects.only("uuid").get(pk=record.pk)
    assert loaded.content_title == "Before"
    with django_assert_num_queries(0):
        loaded.save()


def test_refreshing_named_fields_keeps_other_changes(record):
    loaded = stored(record)
    loaded.content_title = "After"
    elsewhere(record, lms_user_id=8)
    loaded.refresh_from_db(fields=["lms_user_id"])
    loaded.save()
    assert (stored(record).content_title, stored(record).lms_user_id) == ("After", 8)


def test_refreshing_everything_forgets_changes(record, django_assert_num_queries):
    loaded = stored(record)
    loaded.content_title = "After"
    loaded.refresh_from_db()
    with django_assert_num_queries(0):
        loaded.save()
    assert loaded.content_title == "Before"


def test_refreshing_a_related_record_by_name(record):
    loaded = stored(record)
    other = make_configuration()
    elsewhere(record, assignment_configuration=other)
    loaded.refresh_from_db(fields=["assignment_configuration"])
    assert loaded.assignment_configuration == other
    loaded.content_title = "After"
    loaded.save()
    assert stored(record).assignment_configuration == other


@pytest.mark.parametrize(("state", "verb"), VERBS.items())
def test_a_state_changed_by_hand_is_refused_and_the_verb_named(record, state, verb):
    loaded = stored(record)
    loaded.state = state
    loaded.content_title = "After"
    with pytest.raises(Refused, match=verb) as caught:
        loaded.save()
    assert caught.value.code == "state_needs_a_verb"
    assert (stored(record).state, stored(record).content_title) == ("allocated", "Before")
    assert history(record).count() == 1


def test_allocating_by_hand_is_refused_and_the_verb_named():
    record = make_assignment(state="cancelled")
    record.state = "allocated"
    with pytest.raises(Refused, match="allocate_many"):
        record.save()


def test_a_state_changed_by_hand_is_refused_when_it_is_named(record):
    record.state = "cancelled"
    with pytest.raises(Refused):
        record.save(update_fields=["state"])


def test_a_state_changed_by_hand_does_not_matter_where_other_fields_are_named(record):
    record.state, record.content_title = "cancelled", "After"
    record.save(update_fields=["content_title"])
    assert (stored(record).state, stored(record).content_title) == ("allocated", "After")


def test_the_transaction_of_a_caller_lives_on_after_a_refusal(record):
    record.state = "cancelled"
    with pytest.raises(Refused):
        record.save()
    assert stored(record).state == "allocated"


@pytest.mark.parametrize("state", ["allocated", *VERBS])
def test_a_new_row_may_be_in_any_state(state):
    assert stored(make_assignment(state=state)).state == state


def test_writing_derived_facts_alone_adds_no_history_and_leaves_modified_alone(record):
    loaded = stored(record)
    loaded.notified_at, loaded.expires_at, loaded.enroll_by = NOON, NOON, NOON
    with clock.at(NOON + DAY):
        loaded.save()
    row = stored(record)
    assert (row.notified_at, row.expires_at, row.enroll_by) == (NOON, NOON, NOON)
    assert row.modified == NOON
    assert history(record).count() == 1


def test_derived_facts_beside_others_are_an_ordinary_write(record):
    loaded = stored(record)
    loaded.notified_at, loaded.content_title = NOON, "After"
    loaded.save()
    assert (history(record).count(), stored(record).notified_at) == (2, NOON)


def test_history_goes_on_after_a_write_of_derived_facts_alone(record):
    loaded = stored(record)
    loaded.notified_at = NOON
    loaded.save()
    loaded.content_title = "After"
    loaded.save()
    assert [row.history_type for row in history(record)] == ["+", "~"]


def test_generated_columns_follow_a_save(record):
    loaded = stored(record)
    assert loaded.learner_state == "notifying"
    loaded.notified_at = clock.now()
    loaded.save()
    assert loaded.learner_state == "waiting"


def test_a_new_address_brings_its_key(record):
    loaded = stored(record)
    loaded.learner_email = "New@Example.org"
    loaded.save()
    row = stored(record)
    assert row.learner_email == "New@Example.org"
    assert row.learner_email_key == make_assignment(learner_email="new@example.org").learner_email_key


def test_created_is_kept_when_given_and_never_moved(record):
    given = make_assignment(created=NOON - DAY)
    assert stored(given).created == NOON - DAY
    given.content_title = "After"
    given.save()
    assert stored(given).created == NOON - DAY


def test_copies_and_pickles_of_a_record_keep_their_own_memory(record):
    loaded = stored(record)
    for twin in (copy.copy(loaded), pickle.loads(pickle.dumps(loaded))):
        twin.content_title = f"After {id(twin)}"
        twin.save()
        assert stored(record).content_title == twin.content_title
    loaded.refresh_from_db(fields=["lms_user_id"])
    loaded.content_title = "Last"
    loaded.save()
    assert stored(record).content_title == "Last"


def test_a_failed_write_is_tried_again_by_the_next_save(record):
    loaded = stored(record)
    loaded.content_quantity, loaded.content_title = 1, "After"
    with pytest.raises(IntegrityError), transaction.atomic():
        loaded.save()
    loaded.content_quantity = -1
    loaded.save()
    assert (stored(record).content_title, stored(record).content_quantity) == ("After", -1)


@pytest.mark.parametrize(("quantity", "valid"), [(-4900, True), (0, True), (1, False), (4900, False)])
def test_a_cost_is_a_debit(quantity, valid):
    record = new_assignment(make_configuration(), content_quantity=quantity)
    if valid:
        record.clean()
        record.save()
        return
    with pytest.raises(ValidationError) as caught:
        record.clean()
    assert list(caught.value.message_dict) == ["content_quantity"]
    with pytest.raises(ValidationError):
        record.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        record.save()


def test_a_form_without_an_amount_is_for_the_field_to_refuse():
    new_assignment(make_configuration(), content_quantity=None).clean()


def test_a_moment_is_kept_to_the_microsecond():
    assert stored(make_assignment(allocated_at=NOON + TICK)).allocated_at == NOON + TICK
