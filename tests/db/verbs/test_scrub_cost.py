"""The scrub sweep costs what is due: it seeks in an index, and looks at all persons a page at a time, all within a day."""

import re
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.db.records.rows import make_configuration, new_assignment
from tests.db.verbs.steps import DAY, HOUR, accepted, in_state, later, nothing_written, statements

from bursar.assignments import projections, selectors
from bursar.assignments.expiry import Reason
from bursar.assignments.flows import privacy, scrub_due
from bursar.assignments.models import LearnerContentAssignment, Sweep
from bursar.assignments.states import ENDED, State
from bursar.kernel import clock
from bursar.kernel.actor import TICK
from bursar.people.models import Person
from bursar.testing.factories import make_house

QUARTER = 90 * DAY
SOMETIMES = st.sampled_from([None, 0, 1])
ROWS = st.lists(
    st.tuples(
        st.sampled_from([*(state.value for state in State), "of an older release"]),
        st.sampled_from([*(reason.value for reason in Reason), ""]),
        SOMETIMES, SOMETIMES, SOMETIMES, SOMETIMES, SOMETIMES,
    ), min_size=1, max_size=25,
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(ROWS)
def test_the_columns_that_the_sweep_seeks_by_equal_the_pure_definition(unaudited, rows):
    noon = clock.now()

    def moment(days):
        return None if days is None else noon - days * DAY

    with transaction.atomic():
        made, wanted = [], []
        configuration = make_configuration()
        for state, reason, scrubbed, *ends in rows:
            stamps = {name: moment(days) for name, days in zip(ENDED, ends, strict=True)}
            row = new_assignment(
                configuration, state=state, expires_reason=reason, expires_at=noon, modified=noon - 2 * DAY,
                address_scrubbed_at=moment(scrubbed), **{f"{name}_at": at for name, at in stamps.items()},
            )  # fmt: skip
            made.append(row)
            wanted.append(
                (
                    projections.scrub_rule(state, reason, moment(scrubbed)),
                    projections.ended_at(state, stamps, noon - 2 * DAY),
                )
            )
        LearnerContentAssignment.objects.bulk_create(made)
        found = {
            key: facts for key, *facts in LearnerContentAssignment.objects.values_list("pk", "scrub_rule", "ended_at")
        }
        transaction.set_rollback(True)
    assert [tuple(found[row.pk]) for row in made] == wanted


def plans(function):
    """Return how the database gets what `function` asks of assignments, had it the choice only of indexes."""
    with CaptureQueriesContext(connection) as asked:
        function()
    wanted = [query["sql"] for query in asked if 'FROM "content_assignments_learnercontentassignment"' in query["sql"]]
    found = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for name in ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort"):
                cursor.execute(f"SET LOCAL {name} = off")
        for sql in wanted:
            asking = re.sub(r"^DECLARE .*? FOR SELECT", "SELECT", sql, flags=re.DOTALL)
            cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{asking}")
            found.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return found


@pytest.mark.skipif("connection.vendor == 'mysql'", reason="its plans are written in other words")
def test_what_is_due_is_read_in_order_from_an_index(house, course):
    accepted(house.budget, 2)
    by_age, by_mail = plans(selectors.due_to_scrub)
    for text, columns in ((by_age, ("scrub_rule", "ended_at")), (by_mail, ("scrub_rule",))):
        assert "bursar_due_to_scrub" in text, text
        assert "TEMP B-TREE" not in text, text
        assert "Sort" not in text, text
        assert "Filter:" not in text, text
        assert all(name in text for name in columns), text


def test_a_sweep_with_nothing_due_takes_the_same_few_statements_whatever_there_is(house, course):
    idle = statements(scrub_due, actor=TICK)
    accepted(house.budget, 5)
    in_state("cancelled", make_house().budget, 5)
    assert statements(scrub_due, actor=TICK) == idle <= 8


@pytest.fixture
def pages_of_two(monkeypatch):
    monkeypatch.setattr(selectors, "SWEPT_AT_ONCE", 2)


@pytest.fixture
def looked(monkeypatch):
    """Return the pages of persons that were looked at: behind whom, up to whom."""
    pages = []
    real = privacy.orphaned_persons

    def look(after, until):
        pages.append((after, until))
        return real(after, until)

    monkeypatch.setattr(privacy, "orphaned_persons", look)
    return pages


@pytest.fixture
def seven(house):
    """Return seven persons whom nothing shows, in the order of their keys."""
    rows = [
        Person(uuid=UUID(int=number), customer=house.customer, email=f"p{number}@example.org") for number in range(1, 8)
    ]
    for row in rows:
        row.save()
    return rows


def left():
    return Person.objects.filter(erased_at=None).count()


class TestPersons:
    def test_few_enough_are_looked_at_whole_each_time_and_leave_no_mark(self, house, seven, looked):
        with nothing_written():
            for _ in range(3):
                scrub_due(actor=TICK)
        assert looked == [(None, None)] * 3

    def test_many_are_looked_at_a_page_at_each_tick(self, house, seven, looked, pages_of_two):
        with later(QUARTER):
            for gone in (2, 4, 6, 7):
                scrub_due(actor=TICK)
                assert left() == 7 - gone
        ends = [page[1] and page[1].int for page in looked]
        assert ends == [2, 4, 6, None]

    def test_after_the_last_page_it_begins_anew(self, house, seven, looked, pages_of_two):
        for _ in range(5):
            scrub_due(actor=TICK)
        assert looked[4] == looked[0]

    @pytest.mark.parametrize("interval", [HOUR, DAY, 7 * DAY])
    def test_whatever_the_interval_of_ticks_all_are_looked_at_within_a_day_and_one_tick(
        self, house, seven, pages_of_two, interval
    ):
        began = clock.now() + QUARTER
        moment = began
        while left() and moment < began + 60 * DAY:
            with clock.at(moment):
                scrub_due(actor=TICK)
            moment += interval
        assert left() == 0
        assert moment - began <= max(DAY + 2 * interval, 5 * interval)

    def test_killed_between_two_pages_it_goes_on_where_it_was(self, house, seven, pages_of_two, monkeypatch):
        with later(QUARTER):
            scrub_due(actor=TICK)
            with monkeypatch.context() as killed, pytest.raises(ZeroDivisionError):
                killed.setattr(privacy, "_erase", lambda _: 1 // 0)
                scrub_due(actor=TICK)
            assert Sweep.objects.get().position == seven[1].pk
            scrub_due(actor=TICK)
        assert left() == 3
