"""Lists of assignments: what a filter lets through, how many, in which order, and pages that neither skip nor repeat."""

from datetime import timedelta
from itertools import chain, combinations
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.db.records.rows import DAY, NOON, add_action, make_assignment, make_configuration, new_assignment
from tests.db.records.test_list_queries import is_read_in_order_from, plan

from bursar.assignments import lists
from bursar.assignments.lists import NEWEST_FIRST, Filters
from bursar.assignments.models import LearnerContentAssignment

pytestmark = pytest.mark.django_db
STATES = ("allocated", "accepted", "cancelled", "errored", "expired", "reversed")
LEARNER_STATES = ("notifying", "waiting", "failed", "expired")
ORDERINGS = (
    ("-recent_action_time",),
    ("recent_action_time",),
    ("learner_state_sort_order",),
    ("-learner_state_sort_order",),
    ("content_quantity",),
    ("-content_quantity",),
    ("-learner_state_sort_order", "content_quantity"),
)


def subsets(words, sizes):
    return list(chain.from_iterable(combinations(words, size) for size in sizes))


def some(**filters):
    """Return filters of what is named in tuples, which look the same in every process of the run."""
    return Filters(**{name: frozenset(value) if isinstance(value, tuple) else value for name, value in filters.items()})


@pytest.fixture
def configuration():
    return make_configuration()


@pytest.fixture
def everybody(configuration):
    """Return assignments in every state and learner state, three of each, and others of another configuration."""
    rows = []
    for number in range(3):
        facts = {"created": NOON + number * DAY, "content_quantity": -number}
        rows += [make_assignment(configuration, state=state, **facts) for state in STATES]
        waiting, failed = (make_assignment(configuration, **facts) for _ in range(2))
        add_action(waiting, "notified", NOON + 9 * DAY)
        add_action(failed, "notified", None, created=NOON + 9 * DAY, error_reason="email_error")
        rows += [waiting, failed]
    make_assignment(make_configuration())
    return LearnerContentAssignment.objects.filter(assignment_configuration=configuration)


def keys_of(configuration, **filters):
    return set(lists.select(configuration.pk, some(**filters)).rows.values_list("pk", flat=True))


@pytest.mark.parametrize("learner_states", [None, *subsets(LEARNER_STATES, (0, 1, 2))], ids=str)
def test_states_and_learner_states_let_through_exactly_what_they_name(configuration, everybody, learner_states):
    for states in [None, *subsets(STATES, (0, 1, 2, 3, 6))]:
        fits = {
            row.pk
            for row in everybody
            if (states is None or row.state in states)
            and (learner_states is None or row.learner_state in learner_states)
        }
        found = lists.select(configuration.pk, some(states=states, learner_states=learner_states))
        assert set(found.rows.values_list("pk", flat=True)) == fits, states
        assert lists.count(found).total == len(fits)


def test_kept_counts_say_what_counting_would(configuration, everybody):
    for states in [None, *subsets(STATES, (1, 2))]:
        kept = lists.count(lists.select(configuration.pk, some(states=states)))
        contents = frozenset(everybody.values_list("content_key", flat=True))
        counted = lists.count(lists.select(configuration.pk, some(states=states, contents=contents)))
        assert kept == counted


def test_a_configuration_without_assignments_has_none(configuration):
    assert lists.count(lists.select(configuration.pk, Filters())) == lists.Counts(0, {})
    assert lists.count(lists.select(uuid4(), Filters())).total == 0


def test_counts_come_with_the_most_first(configuration, everybody):
    counts = lists.count(lists.select(configuration.pk, Filters()))
    assert list(counts.by_learner_state.items()) == [("failed", 6), ("expired", 3), ("notifying", 3), ("waiting", 3)]


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"states": ("allocated", "errored")},
        {"states": ("accepted", "cancelled", "allocated")},
        {"learner_states": ("waiting", "failed")},
        {"learner_states": ("waiting",)},
    ],
    ids=str,
)
@pytest.mark.parametrize("ordering", ORDERINGS, ids=",".join)
def test_pages_neither_skip_nor_repeat_whatever_the_order(configuration, everybody, filters, ordering):
    selection, order = lists.select(configuration.pk, some(**filters)), lists.order(ordering)
    whole = list(selection.rows.order_by(*order).values_list("pk", flat=True))
    for size in (1, 2, 5, 100):
        pages = [
            lists.page(selection, order, start=start, size=size, total=len(whole))
            for start in range(0, len(whole), size)
        ]
        assert list(chain(*pages)) == whole


def test_pages_deep_inside_are_the_same(configuration, everybody, monkeypatch):
    selection = lists.select(configuration.pk, Filters())
    whole = list(selection.rows.order_by(*NEWEST_FIRST).values_list("pk", flat=True))
    monkeypatch.setattr(lists, "MERGED_AT_MOST", 3)
    for start in range(0, len(whole), 4):
        assert lists.page(selection, NEWEST_FIRST, start=start, size=4, total=len(whole)) == whole[start : start + 4]


@pytest.mark.parametrize("ordering", ORDERINGS[:-1], ids=",".join)
def test_a_cursor_goes_through_the_whole_list(configuration, everybody, ordering):
    order = lists.order(ordering)
    fields = [name.removeprefix("-") for name in order]
    for filters in (Filters(), some(states=frozenset({"allocated", "errored"}))):
        selection = lists.select(configuration.pk, filters)
        whole = list(selection.rows.order_by(*order).values_list("pk", flat=True))
        found, after = [], ()
        while part := lists.page_after(selection, order, after=after, size=4):
            found += part
            (last,) = lists.rows_of(part[-1:], fields)
            after = [last[name] for name in fields]
        assert found == whole


@pytest.mark.parametrize(("ordering", "after"), [(("-content_quantity", "uuid"), [0, uuid4()]), (NEWEST_FIRST, [NOON])])
def test_a_cursor_that_cannot_be_is_refused(configuration, ordering, after):
    with pytest.raises(ValueError):
        lists.page_after(lists.select(configuration.pk, Filters()), ordering, after=after, size=1)


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        ([], NEWEST_FIRST),
        (["learner_email", "", "-"], NEWEST_FIRST),
        (["recent_action_time"], ("recent_action_time", "uuid")),
        (["-learner_state_sort_order"], ("-learner_state_sort_order", "-recent_action_time", "-uuid")),
        ([" content_quantity ", "-content_quantity"], ("content_quantity", "uuid")),
        (
            ["learner_state_sort_order", "-content_quantity"],
            ("learner_state_sort_order", "-content_quantity", "-uuid"),
        ),
        (["--content_quantity"], NEWEST_FIRST),
    ],
)
def test_an_order_ends_with_the_key_and_passes_over_what_nobody_can_sort_by(wanted, order):
    assert lists.order(wanted) == order


@pytest.fixture
def searched(configuration):
    facts = {"ann@example.org": "Bridges", "joann@example.org": "Tunnels", "josé@example.org": "Équilibre 100%"}
    return {
        email: make_assignment(configuration, learner_email=email, content_title=title).pk
        for email, title in facts.items()
    }


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("bridge", {"ann@example.org"}),
        (" TUNNELS ", {"joann@example.org"}),
        ("ann@", {"ann@example.org", "joann@example.org"}),
        ("ann@example.org", {"ann@example.org"}),
        ("ANN@EXAMPLE.ORG", {"ann@example.org"}),
        ("ann@example.or", {"ann@example.org", "joann@example.org"}),
        ("n@example.org", {"ann@example.org", "joann@example.org"}),
        ("JOSÉ", {"josé@example.org"}),
        ("équi", {"josé@example.org"}),
        ("100%", {"josé@example.org"}),
        ("%", {"josé@example.org"}),
        ("_", set()),
        ("\0", set()),
        ("ann\0@", set()),
        ("", {"ann@example.org", "joann@example.org", "josé@example.org"}),
    ],
)
def test_a_search_finds_part_of_a_title_or_address_or_a_whole_address(configuration, searched, search, found):
    assert keys_of(configuration, search=search) == {searched[email] for email in found}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"addresses": ("ANN@example.org", "nobody")}, {"ann@example.org"}),
        ({"addresses": ()}, set()),
        ({"contents": ("DemoX+D101", "\0")}, {"ann@example.org", "joann@example.org", "josé@example.org"}),
        ({"contents": ("demox+d101",)}, set()),
        ({"users": (7,)}, set()),
    ],
)
def test_people_and_contents_are_picked_by_name(configuration, searched, filters, found):
    assert keys_of(configuration, **filters) == {searched[email] for email in found}


@pytest.mark.parametrize(
    ("filters", "ordering", "index"),
    [
        ({"states": ("allocated", "errored")}, "-recent_action_time", "bursar_list_recent"),
        ({"states": ("accepted", "cancelled", "expired", "reversed")}, "", "bursar_list_recent"),
        ({"states": ("accepted",)}, "", "bursar_list_state"),
        ({"learner_states": ("waiting",)}, "", "bursar_list_learner_state"),
        ({"states": ("allocated", "errored")}, "learner_state_sort_order", "bursar_list_learner_state"),
        ({"states": ("allocated", "errored")}, "-content_quantity", "bursar_list_amount"),
    ],
    ids=str,
)
def test_what_people_look_at_most_is_read_in_order_from_an_index(configuration, filters, ordering, index):
    selection = lists.select(configuration.pk, some(**filters))
    text = plan(selection.rows.order_by(*lists.order([ordering])).values_list("pk", flat=True))
    assert is_read_in_order_from(index, text), text


@pytest.mark.parametrize(
    "filters",
    [{}, {"states": ("accepted", "allocated")}, {"learner_states": ("waiting", "failed")}],
)
def test_what_no_index_has_whole_is_parted_into_what_indexes_have(configuration, filters):
    selection = lists.select(configuration.pk, some(**filters))
    parts = selection.parts(NEWEST_FIRST)
    if connection.vendor == "mysql":
        assert parts == ()
        return
    assert len(parts) == 2
    for part in parts:
        text = plan(selection.rows.filter(**part).order_by(*NEWEST_FIRST).values_list("pk", flat=True))
        assert "Sort" not in text
        assert "TEMP B-TREE" not in text


def test_a_page_counts_nothing_and_costs_the_same_however_many_there_are(configuration):
    def statements():
        with CaptureQueriesContext(connection) as found:
            selection = lists.select(configuration.pk, some(states=frozenset({"allocated", "errored"})))
            total = lists.count(selection).total
            keys = lists.page(selection, NEWEST_FIRST, start=0, size=25, total=total)
            lists.rows_of(keys, ["state"])
        return [query["sql"] for query in found]

    make_assignment(configuration)
    few = statements()
    LearnerContentAssignment.objects.bulk_create([new_assignment(configuration, allocated_at=NOON) for _ in range(100)])
    many = statements()
    assert len(few) == len(many) == 3
    assert not any("COUNT(" in sql for sql in many)


def test_a_late_page_is_reached_from_the_end(configuration):
    rows = [new_assignment(configuration, created=NOON + timedelta(minutes=at)) for at in range(50)]
    LearnerContentAssignment.objects.bulk_create(rows)
    selection = lists.select(configuration.pk, some(states=frozenset({"allocated"})))
    with CaptureQueriesContext(connection) as found:
        keys = lists.page(selection, NEWEST_FIRST, start=45, size=5, total=50)
    assert keys == [row.pk for row in rows[4::-1]]
    assert "OFFSET" not in found[0]["sql"]


def test_rows_come_in_the_order_of_the_keys_and_those_that_are_gone_do_not(configuration, searched):
    keys = [uuid4(), *list(searched.values())[::-1]]
    rows = lists.rows_of(keys, ["learner_email"])
    assert [row["learner_email"] for row in rows] == list(searched)[::-1]


def test_only_the_configurations_own_are_among_it(configuration, searched, settings):
    settings.BURSAR = {**settings.BURSAR, "chunk_size": 2}
    elsewhere = make_assignment(make_configuration())
    mine = list(searched.values())
    assert lists.among(configuration.pk, [elsewhere.pk, *mine, *mine, uuid4()]) == mine
