"""Acting on what a list shows: which rows a verb fits, what they hold, and doing it part by part with nobody met twice."""

import pytest
from tests.db.verbs.steps import DAY, assigned, fresh, in_state, keys, later, statements, tick

from bursar.assignments import lists, services
from bursar.assignments.lists import Filters
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services.matching import Measure, act_on_matching, measure_matching, measure_named
from bursar.assignments.states import Verb
from bursar.kernel.actor import CONSOLE
from bursar.testing.factories import make_budget

EVERYTHING = Filters()


def of(house):
    return house.budget.assignment_configuration_id


def measure(house, verb, filters=EVERYTHING):
    return measure_matching(of(house), filters, verb)


def act(house, verb, filters=EVERYTHING, **more):
    return act_on_matching(of(house), filters, verb, actor=CONSOLE, **more)


def to_the_end(house, verb, **more):
    behind, parts = None, []
    while True:
        step = act(house, verb, behind=behind, **more)
        parts.append(step.outcome)
        behind = step.behind
        if behind is None:
            return parts


def test_who_waits_can_be_reminded_and_what_is_open_cancelled(house, course):
    in_state("errored", house.budget)
    assigned(house.budget, ["ann@example.org", "bob@example.org"])
    assert measure(house, Verb.REMIND) == Measure(0, 0)
    assert measure(house, Verb.CANCEL) == Measure(3, 2 * 4_900)
    tick()
    assert measure(house, Verb.REMIND) == Measure(2, 2 * 4_900)


def test_filters_narrow_what_is_meant(house, course):
    assigned(house.budget, ["ann@example.org", "bob@example.org"])
    tick()
    only_bob, failed = Filters(search="bob@"), Filters(learner_states=frozenset({"failed"}))
    assert measure(house, Verb.CANCEL, only_bob) == Measure(1, 4_900)
    assert measure(house, Verb.CANCEL, Filters(search="BOB@example.org")) == Measure(1, 4_900)
    assert measure(house, Verb.REMIND, failed) == Measure(0, 0)
    assert measure(house, Verb.CANCEL, Filters(states=frozenset({"accepted"}))) == Measure(0, 0)
    act(house, Verb.CANCEL, only_bob)
    assert set(LearnerContentAssignment.objects.values_list("learner_email", "state")) == {
        ("ann@example.org", "allocated"),
        ("bob@example.org", "cancelled"),
    }


def test_named_ones_are_measured_where_they_are_of_the_configuration(house, course):
    (mine,) = assigned(house.budget)
    (other,) = assigned(make_budget())
    named = keys([mine, other])
    assert measure_named(of(house), named, Verb.CANCEL) == ([mine.pk], Measure(1, 4_900))
    assert measure_named(of(house), named, Verb.REMIND) == ([], Measure(0, 0))
    assert measure_named(of(house), [], Verb.CANCEL) == ([], Measure(0, 0))


@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.REMIND])
def test_everything_is_done_in_parts_and_nobody_is_met_twice(house, course, configure, verb):
    configure(chunk_size=2)
    for number in range(5):
        with later(number * DAY):
            assigned(house.budget, [f"person{number}@example.org"])
    with later(5 * DAY):
        tick()
        parts = to_the_end(house, verb, at_most=2)
    met = [key for part in parts for key in (*part.done, *part.refused)]
    assert len(parts) == 3
    assert sorted(met) == sorted(LearnerContentAssignment.objects.values_list("pk", flat=True))
    assert not any(part.refused for part in parts)


def test_who_was_reminded_meanwhile_comes_to_the_front_and_is_not_met_again(house, course, configure):
    configure(chunk_size=1)
    assigned(house.budget, 3)
    tick()
    with later(DAY):
        first = act(house, Verb.REMIND, at_most=1)
        tick()  # the reminder has left, and the row is the newest now
        met = set(first.outcome.done)
        behind = first.behind
        while behind:
            step = act(house, Verb.REMIND, behind=behind, at_most=1)
            assert not met & set(step.outcome.done)
            met |= set(step.outcome.done)
            behind = step.behind
    assert len(met) == 3


def test_a_part_takes_a_fixed_number_of_statements(house, course):
    assigned(house.budget, 2)
    few = statements(act, house, Verb.CANCEL)
    assigned(house.budget, 40)
    assert statements(act, house, Verb.CANCEL) == few


def test_counts_of_a_list_are_told_by_state_and_confined_without_a_statement(house, course):
    in_state("cancelled", house.budget)
    rows = assigned(house.budget, ["ann@example.org", "bob@example.org"])
    services.cancel_many([rows[0].pk], actor=CONSOLE)
    everything = lists.select(of(house), Filters(search="example.org"))
    found = {standing: number for standing, number in lists.tally(everything).items() if number}
    assert found == {("cancelled", None): 2, ("allocated", "notifying"): 1}
    ended = lists.within(everything, Filters(states=frozenset({"cancelled"}), search="example.org"))
    assert statements(lists.within, everything, Filters(states=frozenset({"expired"}))) == 0
    assert set(ended.rows) == {row for row in fresh(LearnerContentAssignment.objects.all()) if row.state == "cancelled"}
    assert lists.tally(lists.select(of(house), EVERYTHING))["cancelled", None] == 2
