"""Every table of ours: staff see it, page by page, in a fixed number of statements, with no secret and nothing to write."""

from collections import Counter
from unittest.mock import patch

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bursar.assignments.models import LearnerContentAssignment
from bursar.staff.site import site
from bursar.staff.titles import TABLES
from bursar.staff.urls import AREAS

from .world import hidden_texts, multiply

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unaudited")]
assert AREAS

UNSHOWN = {
    "bursar_people.Installation": "the pepper, which is a secret",
    "bursar_people.RequestCount": "counters of requests under hashes, gone in a day",
    "bursar_people.LearnerNumber": "a sequence",
    "bursar_webhooks.Numbering": "a counter per subject",
    "bursar_webhooks.Sequencer": "one row of counters",
    "content_assignments.AssignmentCounts": "kept counts; `bursar audit` proves them",
    "content_assignments.AllocationChunk": "addresses of people who wait for their allocation",
    "content_assignments.PlanPart": "addresses of people who are planned for",
    "content_assignments.ReminderStep": "slots of reminders; the story of an assignment tells of them",
    "content_assignments.Sweep": "how far a sweep has come",
}
OURS = [model for model in apps.get_models() if model.__module__.startswith("bursar.")]
SHOWN = sorted(site._registry, key=lambda model: model._meta.label)
MOST_STATEMENTS = 12


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model._meta.label)
def test_every_table_has_a_name_of_many_rows(model):
    assert model._meta.label in TABLES


def address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def a_row(model):
    return QuerySet(model).order_by("pk").first()


def name(model):
    return model._meta.label


def test_every_table_is_shown_or_named_with_a_reason():
    history = {model.history.model for model in OURS if hasattr(model, "history")}
    left = {name(model) for model in OURS if model not in site._registry and model not in history}
    assert left == set(UNSHOWN)


def test_lists_take_as_many_statements_for_one_row_as_for_thirty(staff, world):
    few = [statements_of(model, staff, rows=1) for model in SHOWN]
    for model in SHOWN:
        multiply(model, 30)
    assert [statements_of(model, staff, rows=31) for model in SHOWN] == few
    assert max(few) <= MOST_STATEMENTS


def statements_of(model, staff, *, rows):
    with CaptureQueriesContext(connection) as asked:
        page = staff.get(address(model, "changelist"))
    assert len(page.context["cl"].result_list) >= rows
    return len(asked)


def test_rows_and_their_history_are_shown_without_secrets(staff, world):
    secrets = hidden_texts(world)
    for model in SHOWN:
        row = a_row(model)
        for page in (address(model, "changelist"), address(model, "change", row.pk), address(model, "history", row.pk)):
            answer = staff.get(page)
            assert answer.status_code == 200, page
            assert [secret for secret in secrets if secret in answer.text] == [], page


def test_nothing_is_added_changed_or_deleted_by_a_form_of_djangos(staff, world):
    before = everything()
    for model in SHOWN:
        row = a_row(model)
        values = {field.name: "7" for field in model._meta.get_fields() if field.concrete}
        for page in ("change", "delete"):
            posted = staff.post(address(model, page, row.pk), {**values, "post": "yes", "_save": "Save"})
            assert posted.status_code == 403, (model, page)
        assert staff.post(address(model, "add"), {**values, "_save": "Save"}).status_code == 403
        picked = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        assert staff.post(address(model, "changelist"), picked).status_code < 500
        edits = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": row.pk, "_save": "Save", **values}
        assert staff.post(address(model, "changelist"), edits).status_code < 500
    assert everything() == before


def everything():
    """Return how every row of every table of ours stands."""
    return {name(model): Counter(map(str, QuerySet(model).values_list())) for model in [*OURS, LogEntry]}


GARBAGE = (
    "?q=%00", "?q=%ED%A0%80", "?q=" + "9" * 40, "?p=-1", "?p=99999999999999999999", "?p=x", "?o=zz", "?o=9999.-1", "?all=",
    "?e=1", "?_popup=1", "?_to_field=pk", "?_facets=1", "?q=" + "x" * 5000, "?pk=%00", "?pk__in=%00,1", "?password=1",
    "?customer=%00", "?customer=x", "?state=%00", "?state__exact=%00", "?created__gte=never", "?id=99999999999999999999999",
    "?uuid=1", "?active__exact=maybe", "?lms_user_id=1e9999", "?kind__regex=(", "?kind__exact=%F0%9F%92%A9", "?%00=1",
    "?s=1&page=x", "?uuid__isnull=maybe", "?key__contains=%00", "?reason__iregex=%5B", "?created=never", "?types={",
)  # fmt: skip
KEYS = ("nobody", "%00", "9" * 40, "_00", "a" * 300, "%F0%9F%92%A9", "..")


def test_garbage_in_an_address_is_no_fault_of_ours(staff, world):
    staff.raise_request_exception = False
    asked = [address(LearnerContentAssignment, "changelist") + garbage for garbage in GARBAGE]
    for place, model in enumerate(SHOWN):
        asked += [address(model, "changelist") + garbage for garbage in GARBAGE[place % 4 :: 4]]
        there = address(model, "change", a_row(model).pk)
        asked += [there + garbage for garbage in ("?_to_field=x", "?_popup=1&_changelist_filters=%00", "?%00=1")]
        asked += [
            address(model, page, "x").replace("/x/", f"/{key}/") for key in KEYS for page in ("change", "history")
        ]
        asked += [
            address(model, "deed", "x", deed.name).replace("/x/", f"/{KEYS[place % 7]}/")
            for deed in site._registry[model].deeds
        ]
    assert [page for page in asked if staff.get(page).status_code >= 500] == []


def test_a_million_rows_are_not_counted(staff, world):
    for model in SHOWN:
        with patch("bursar.staff.paging.COUNTED", 1), CaptureQueriesContext(connection) as asked:
            staff.get(address(model, "changelist"))
        counts = [query["sql"] for query in asked.captured_queries if "COUNT(" in query["sql"]]
        assert counts
        assert all("LIMIT 2" in sql for sql in counts), model


LARGE = {
    "LearnerContentAssignment", "LearnerContentAssignmentAction", "LearnerReply", "Message", "Person", "Membership",
    "Transaction", "Reversal", "LedgerEntry", "Notice", "Event",
}  # fmt: skip


def led(model):
    """Return by which columns an index of a table begins."""
    indexes = [index.fields[0] for index in model._meta.indexes if index.fields and not index.condition]
    constraints = [each.fields[0] for each in model._meta.constraints if getattr(each, "fields", ())]
    fields = [field.name for field in model._meta.concrete_fields if field.db_index or field.unique]
    return {*indexes, *constraints, *fields}


def test_large_tables_are_sorted_and_filtered_by_what_an_index_begins_with():
    large = [model for model in SHOWN if model.__name__ in LARGE]
    assert len(large) == len(LARGE)
    for model in large:
        record = site._registry[model]
        assert model._meta.get_field(record.ordering[0].lstrip("-").replace("pk", model._meta.pk.name)).name in led(
            model
        )
        assert {*record.list_filter} <= led(model), model
    assert all(record.sortable_by == () for record in site._registry.values())


def test_rows_lead_to_lists_that_there_are(staff, world):
    for model, record in site._registry.items():
        for lead in record.leads:
            asked = staff.get(address(lead.model, "changelist"), {lead.column: getattr(a_row(model), lead.value)})
            assert asked.status_code == 200, (model, lead)
            assert lead.column in asked.context["cl"].params or lead.column in asked.request["QUERY_STRING"]
