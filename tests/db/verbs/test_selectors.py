"""What is read for lists, messages and sweeps: scoped to who asks, and a fixed number of statements."""

import pytest
from tests.db.verbs.steps import (
    DAY,
    HOUR,
    MINUTE,
    accept,
    accepted,
    allocate,
    assigned,
    in_state,
    keys,
    later,
    nothing_written,
    statements,
    tick,
)

from bursar.assignments import selectors
from bursar.assignments.flows import create_assignable_budget
from bursar.assignments.services import pending_redemptions, remind_many, retire_many
from bursar.budgets.models import Transaction
from bursar.catalog.services import create_catalog
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, Actor
from bursar.kernel.errors import NotFound
from bursar.people.keys import key_of
from bursar.people.models import Profile, Role
from bursar.testing.factories import make_budget, make_course, make_fund, make_house, make_member, make_run, make_user


class TestAssignments:
    def test_an_admin_sees_the_own_customers_alone(self, house, course):
        mine = assigned(house.budget, 2)
        assigned(make_house().budget, 3)
        seen = selectors.assignments(make_member(house.customer))
        assert set(seen.values_list("pk", flat=True)) == set(keys(mine))
        assert selectors.assignments(CONSOLE).count() == 5

    def test_a_learner_and_a_stranger_see_nothing(self, house, course):
        assigned(house.budget, 2)
        assert not selectors.assignments(make_member(house.customer, Role.LEARNER)).exists()
        assert not selectors.assignments(Actor("person", "anonymous")).exists()

    def test_the_newest_action_comes_first(self, house, course, mail):
        first, second = assigned(house.budget, 2)
        tick()
        with later(HOUR):
            (third,) = assigned(house.budget, ["third@example.org"])
        with later(2 * HOUR):
            remind_many([first.pk], actor=CONSOLE)
            tick()
        assert list(selectors.assignments(CONSOLE).values_list("pk", flat=True)) == keys([first, third, second])

    def test_pages_of_one_call_neither_skip_nor_repeat(self, house, course):
        rows = assigned(house.budget, 7)
        seen = selectors.assignments(CONSOLE).values_list("pk", flat=True)
        paged = [key for start in range(0, 7, 2) for key in seen[start : start + 2]]
        assert (len(paged), set(paged)) == (7, set(keys(rows)))


class TestDeliverables:
    def test_each_has_its_customer_person_and_currency(self, course):
        dollars = make_house(name="Dollars")
        euros = make_budget(make_fund(currency="EUR"))
        make_course("DemoX+EURO", currency="EUR")
        (first,), (second,) = assigned(dollars.budget), assigned(euros, 1, "DemoX+EURO")
        found = selectors.deliverables(keys([first, second]))
        assert (found[first.pk].customer.name, found[first.pk].currency) == ("Dollars", "USD")
        assert (found[second.pk].customer.pk, found[second.pk].currency) == (euros.customer_id, "EUR")
        assert found[first.pk].person.customer_id == dollars.customer.pk
        assert found[second.pk].person.email == "learner1@example.org"

    def test_it_takes_as_many_statements_for_many_as_for_few(self, house, course):
        rows = keys(assigned(house.budget, 20))
        few = statements(selectors.deliverables, rows[:2])
        assert few == statements(selectors.deliverables, rows) <= 5

    def test_nobody_asked_for_is_nobody_found(self, house, course):
        assert selectors.deliverables([]) == {}


class TestBudgets:
    def test_catalogs_and_configurations_of_budgets(self, house, course):
        catalog = create_catalog("Chosen", rule="keys", keys=["x"])
        second = make_budget(house.fund, catalog=catalog.pk)
        first = house.budget.assignment_configuration_id
        assert set(selectors.configurations_of_fund(house.fund.pk)) == {first, second.assignment_configuration_id}
        assert selectors.catalogs_of([first, second.assignment_configuration_id]) == {
            first: None, second.assignment_configuration_id: catalog.pk,
        }  # fmt: skip
        assert selectors.configurations_of_fund(catalog.pk) == []

    def test_a_budget_cannot_be_made_on_a_fund_that_does_not_exist(self, house):
        with nothing_written(), pytest.raises(NotFound):
            create_assignable_budget(house.budget.pk, display_name="x", limit_cents=0)


class TestOpenContent:
    def test_courses_without_and_runs_with_a_preference_that_somebody_still_has(self, house):
        course = make_course(runs=["preferred", "assigned", "unused"])
        make_course("DemoX+DONE")
        assigned(house.budget, ["a@example.org"])
        assigned(house.budget, ["b@example.org"], run="preferred")
        assigned(house.budget, ["c@example.org"], "assigned")
        accepted(house.budget, ["d@example.org"], "DemoX+DONE")
        courses, runs = selectors.open_content([course.key, "DemoX+DONE"], ["preferred", "assigned", "unused"])
        assert (courses, runs) == ({course.key}, {"preferred", "assigned"})

    def test_a_course_that_everybody_takes_by_a_run_is_left_to_the_run(self, house):
        course = make_course(runs=["preferred"])
        assigned(house.budget, run="preferred")
        assert selectors.open_content([course.key], ["preferred"]) == (set(), {"preferred"})


class TestStarting:
    def test_bounds_are_half_open(self, house):
        course = make_course()
        start = clock.now() + 10 * DAY
        make_run(course, "run", start=start)
        (row,) = accepted(house.budget, 1, "run")
        assert selectors.starting(start, start + DAY) == [row.pk]
        assert selectors.starting(start - DAY, start) == []
        assert selectors.starting(start + MINUTE, start + DAY) == []

    def test_accepted_ahead_asks_when_it_was_accepted(self, house):
        start = clock.now() + 10 * DAY
        make_run(make_course(), "run", start=start)
        (row,) = accepted(house.budget, 1, "run")
        begin = start - DAY
        assert selectors.starting(begin, start + DAY, accepted_ahead=10 * DAY) == [row.pk]
        assert selectors.starting(begin, start + DAY, accepted_ahead=10 * DAY + MINUTE) == []


class TestPending:
    def test_only_what_is_due_and_at_most_so_many(self, house, course, platform):
        rows = assigned(house.budget, 3)
        for row in rows:
            platform.script(row.learner_email, "unclear")
        accept(rows)
        assert pending_redemptions(10) == []
        with later(3 * MINUTE):
            assert len(pending_redemptions(10)) == 3
            assert len(pending_redemptions(2)) == 2
        assert Transaction.objects.filter(state="pending").count() == 3


class TestOfAnAddress:
    def test_every_assignment_of_one_customer_to_it_whatever_the_state(self, house, course):
        make_course("DemoX+OTHER")
        (first,) = in_state("cancelled", house.budget)
        (second,) = assigned(house.budget, 1, "DemoX+OTHER")
        allocate(make_house().budget, 1)
        assigned(house.budget, ["other@example.org"])
        found = selectors.assignments_of_address(house.customer.pk, first.learner_email_key)
        assert set(found) == set(keys([first, second]))


class TestOfAPerson:
    def test_those_that_show_another_address_of_the_same_user_by_now_too(self, house, course):
        make_course("DemoX+OTHER")
        user = make_user("old@example.org", lms_user_id=42)
        (moved,) = assigned(house.budget, ["old@example.org"])
        (left,) = assigned(house.budget, ["old@example.org"], "DemoX+OTHER")
        Profile.objects.filter(user=user).update(verified_key=key_of("new@example.org"))
        allocate(house.budget, ["new@example.org"])
        allocate(house.budget, ["other@example.org"])
        allocate(make_house().budget, ["new@example.org"])
        persons = house.customer.persons.filter(lms_user_id=42)
        assert [set(selectors.assignments_of_person(person)) for person in persons] == [set(keys([moved, left]))] * 2
        retire_many([left.pk], actor=CONSOLE)
        assert selectors.assignments_of_person(persons.get(address_key=key_of("new@example.org"))) == [moved.pk]
