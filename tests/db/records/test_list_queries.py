"""The list fields are columns: filtered, sorted and counted like any other, with an index for each list (ruling 15)."""

import re

import pytest
from django.db import connection
from django.db.models import Count
from tests.db.records.rows import DAY, GENERATED, NOON, add_action, make_assignment, make_configuration, new_assignment

from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction

pytestmark = pytest.mark.django_db
Assignment = LearnerContentAssignment
# What an admin's list may be sorted by, and the index that gives it in this order, forwards and backwards.
ORDERINGS = {
    ("recent_action_time", "uuid"): "bursar_list_recent",
    ("learner_state_sort_order", "recent_action_time", "uuid"): "bursar_list_learner_state",
    ("content_quantity", "uuid"): "bursar_list_amount",
}


@pytest.fixture
def configuration():
    return make_configuration()


@pytest.fixture
def everybody(configuration):
    """Return one assignment for each way to stand in a list, by name."""
    states = {"accepted": 1, "cancelled": 2, "expired": 3, "errored": 4, "reversed": 5}
    rows = {
        state: make_assignment(configuration, state=state, created=NOON + days * DAY, content_quantity=-days)
        for state, days in states.items()
    }
    for name, days in {"notifying": 6, "waiting": 7, "failed": 8}.items():
        rows[name] = make_assignment(configuration, created=NOON + days * DAY, content_quantity=-days)
    add_action(rows["waiting"], "notified", NOON + 9 * DAY)
    add_action(rows["waiting"], "reminded", NOON + 10 * DAY)
    add_action(rows["failed"], "notified", None, created=NOON + 9 * DAY, error_reason="email_error")
    return rows


def names(everybody, queryset):
    by_key = {record.pk: name for name, record in everybody.items()}
    return [by_key[key] for key in queryset.values_list("pk", flat=True)]


def test_annotating_gives_the_queryset_as_it_is():
    queryset = Assignment.objects.filter(state="allocated").order_by("content_key")[2:5]
    assert Assignment.annotate_dynamic_fields_onto_queryset(queryset) is queryset


@pytest.mark.parametrize("name", GENERATED[:4])
def test_each_dynamic_field_is_there_by_its_name(everybody, name):
    rows = Assignment.annotate_dynamic_fields_onto_queryset(Assignment.objects.all())
    assert len(rows.values_list(name, flat=True)) == len(everybody)
    assert hasattr(rows[0], name)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"learner_state": "notifying"}, {"notifying"}),
        ({"learner_state": "waiting"}, {"waiting"}),
        ({"learner_state": "failed"}, {"failed", "errored"}),
        ({"learner_state": "expired"}, {"expired"}),
        ({"learner_state": None}, {"accepted", "cancelled", "reversed"}),
        ({"learner_state__isnull": True}, {"accepted", "cancelled", "reversed"}),
        ({"learner_state__in": ["waiting", "expired"]}, {"waiting", "expired"}),
        ({"learner_state_sort_order": 999}, {"accepted", "cancelled", "reversed"}),
        ({"learner_state_sort_order__lt": 2}, {"notifying", "waiting"}),
        ({"recent_action": "reminded"}, {"waiting"}),
        ({"recent_action_time": NOON + 10 * DAY}, {"waiting"}),
        ({"recent_action_time__gte": NOON + 8 * DAY}, {"waiting", "failed"}),
        ({"listed": True}, {"notifying", "waiting", "failed", "errored"}),
        ({"listed": False}, {"accepted", "cancelled", "expired", "reversed"}),
    ],
)
def test_lists_can_be_filtered(everybody, conditions, expected):
    rows = Assignment.annotate_dynamic_fields_onto_queryset(Assignment.objects.all())
    assert set(names(everybody, rows.filter(**conditions))) == expected


def test_lists_can_be_sorted(everybody):
    by_time = ["accepted", "cancelled", "expired", "errored", "reversed", "notifying", "failed", "waiting"]
    assert names(everybody, Assignment.objects.order_by("recent_action_time")) == by_time
    assert names(everybody, Assignment.objects.order_by("-recent_action_time")) == by_time[::-1]
    by_state = ["notifying", "waiting", "expired", "errored", "failed", "accepted", "cancelled", "reversed"]
    assert names(everybody, Assignment.objects.order_by("learner_state_sort_order", "created")) == by_state


def test_lists_can_be_counted(everybody):
    rows = Assignment.objects.order_by().values_list("learner_state").annotate(Count("pk"))
    assert dict(rows) == {"notifying": 1, "waiting": 1, "failed": 2, "expired": 1, None: 3}


def test_pages_neither_skip_nor_repeat_where_a_whole_call_shares_its_moment(configuration):
    Assignment.objects.bulk_create([new_assignment(configuration, allocated_at=NOON) for _ in range(20)])
    rows = configuration.assignments.order_by("-recent_action_time", "-uuid").values_list("pk", flat=True)
    pages = [key for start in range(0, 20, 3) for key in rows[start : start + 3]]
    assert len(set(pages)) == len(pages) == 20


def test_timelines_come_in_the_order_of_creation():
    record = make_assignment()
    for days in (3, 1, 2):
        add_action(record, "reminded", NOON, created=NOON + days * DAY)
    assert [action.created for action in record.actions.all()] == [NOON + days * DAY for days in (1, 2, 3)]
    assert [action.created for action in LearnerContentAssignmentAction.objects.all()] == sorted(
        NOON + days * DAY for days in (1, 2, 3)
    )


def plan(queryset):
    """Return how the database would get a page of these rows, had it the choice only of indexes and sorting."""
    if connection.vendor == "postgresql":  # which counts what is there: on a table of nobody every index is as good
        Assignment.objects.bulk_create([new_assignment(make_configuration()) for _ in range(300)])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE content_assignments_learnercontentassignment")
            for name in ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort"):
                cursor.execute(f"SET LOCAL {name} = off")
    return queryset[:10].explain()


def is_read_in_order_from(index, text):
    """Tell whether a plan seeks in the index and sorts nothing."""
    if connection.vendor == "sqlite":
        return re.search(rf"SEARCH .* USING (COVERING )?INDEX {index} \(", text) and "TEMP B-TREE" not in text
    return re.search(rf"Index (Only )?Scan( Backward)? using {index} ", text) and "Sort" not in text


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("fields", "index"), ORDERINGS.items())
def test_the_admins_default_list_is_read_in_order_from_an_index(configuration, fields, index, backwards):
    rows = configuration.assignments.filter(listed=True).order_by(*(f"{'-' * backwards}{name}" for name in fields))
    text = plan(rows)
    assert is_read_in_order_from(index, text), text
    assert seeks_by(("assignment_configuration_id", "listed"), text), text


@pytest.mark.parametrize("backwards", [False, True])
def test_a_list_of_one_state_is_read_in_order_from_an_index(configuration, backwards):
    order = [f"{'-' * backwards}{name}" for name in ("recent_action_time", "uuid")]
    text = plan(configuration.assignments.filter(state="accepted").order_by(*order))
    assert is_read_in_order_from("bursar_list_state", text), text
    assert seeks_by(("assignment_configuration_id", "state"), text), text


def seeks_by(columns, text):
    """Tell whether each of these columns narrows the part of the index that is read, and none is filtered after."""
    condition = text[text.index("(") :] if connection.vendor == "sqlite" else text[text.index("Index Cond") :]
    return all(name in condition for name in columns) and "Filter:" not in text


@pytest.mark.parametrize(
    ("conditions", "order", "index"),
    [
        ({"state": "allocated", "expires_at__lte": NOON}, ("expires_at", "uuid"), "bursar_due_to_expire"),
        ({"learner_email_key": "0" * 64}, ("uuid",), "bursar_by_address"),
    ],
)
def test_sweeps_read_what_is_due_in_order_from_an_index(conditions, order, index):
    text = plan(Assignment.objects.filter(**conditions).order_by(*order))
    assert is_read_in_order_from(index, text), text


def test_sorting_by_what_has_no_index_does_sort(configuration):
    """The control: without an index the plan says so."""
    text = plan(configuration.assignments.filter(listed=True).order_by("content_title"))
    assert not any(is_read_in_order_from(index, text) for index in ORDERINGS.values()), text
