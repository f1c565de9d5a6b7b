"""All or nothing on money: the last cent, what is missing, two budgets on one fund, and the guard that decides."""

import pytest
from tests.db.verbs.steps import (
    accepted,
    allocate,
    assigned,
    books,
    code_of,
    fresh,
    in_state,
    nothing_written,
    refusal_of,
    request_for,
)

from bursar.assignments import flows, services
from bursar.assignments.services import allocate as module
from bursar.assignments.services import batches
from bursar.budgets import services as money
from bursar.budgets.services import OverBudget
from bursar.kernel.actor import CONSOLE
from bursar.testing.factories import (
    make_budget,
    make_house,
    make_people,
)

RUN = "course-v1:DemoX+D101+R1"


class TestMoney:
    def test_the_last_cent_can_be_promised(self, course):
        house = make_house(limit_cents=3 * 4900)
        assert len(allocate(house.budget, 3).created) == 3
        assert books(house.budget)[0] == 3 * 4900

    def test_one_cent_short_and_nobody_gets_anything(self, course):
        house = make_house(limit_cents=3 * 4900 - 1)
        error = refusal_of(allocate, house.budget, 3)
        assert error.code == "policy_spend_limit_reached"
        assert error.facts == {"needed_cents": 14_700, "available_cents": 14_699, "missing_cents": 1}

    def test_what_is_held_and_spent_is_gone(self, course):
        house = make_house(limit_cents=5 * 4900)
        accepted(house.budget, 1)
        assigned(house.budget, ["other@example.org"])
        error = refusal_of(allocate, house.budget, make_people(4, prefix="new"))
        assert error.facts == {"needed_cents": 19_600, "available_cents": 14_700, "missing_cents": 4_900}
        assert len(allocate(house.budget, make_people(3, prefix="new")).created) == 3

    def test_a_fund_with_less_than_its_budget_allows_says_so(self, course):
        house = make_house(deposit_cents=10_000, limit_cents=500_000)
        error = refusal_of(allocate, house.budget, 3)
        assert error.code == "not_enough_value_in_subsidy"
        assert error.facts == {"needed_cents": 14_700, "available_cents": 10_000, "missing_cents": 4_700}

    def test_the_amount_available_is_the_smaller_of_the_two(self, course):
        house = make_house(deposit_cents=10_000, limit_cents=6_000)
        assert refusal_of(allocate, house.budget, 3).facts["available_cents"] == 6_000

    def test_a_fund_that_holds_more_than_it_may_never_shows_less_than_nothing(self, course):
        house = make_house(deposit_cents=4_900)
        other = make_budget(house.fund)
        assigned(other)
        assert refusal_of(allocate, house.budget, 1).facts["available_cents"] == 0

    def test_two_budgets_on_one_fund_cannot_together_promise_more_than_it_has(self, course):
        house = make_house(deposit_cents=5 * 4900, limit_cents=4 * 4900)
        second = make_budget(house.fund, limit_cents=4 * 4900)
        assert money.overcommitted_cents(house.fund.pk) == 3 * 4900
        allocate(house.budget, 3)
        error = refusal_of(allocate, second, 3)
        assert (error.code, error.facts["available_cents"]) == ("not_enough_value_in_subsidy", 2 * 4900)
        allocate(second, 2)
        assert books(house.budget) == (3 * 4900, 0, 5 * 4900, 5 * 4900)
        assert code_of(allocate, house.budget, ["one.more@example.org"]) == "not_enough_value_in_subsidy"

    def test_at_full_use_asking_again_costs_nothing_and_is_not_refused(self, course):
        house = make_house(limit_cents=3 * 4900)
        allocate(house.budget, 3)
        again = allocate(house.budget, 3)
        assert (len(again.unchanged), again.charged_cents) == (3, 0)

    def test_at_full_use_one_more_is_refused_with_everybody_else(self, course):
        house = make_house(limit_cents=3 * 4900)
        allocate(house.budget, 3)
        assert refusal_of(allocate, house.budget, 4).facts == {
            "needed_cents": 4_900, "available_cents": 0, "missing_cents": 4_900,
        }  # fmt: skip

    def test_at_full_use_a_run_can_still_be_filled_in(self, course):
        house = make_house(limit_cents=4900)
        (row,) = assigned(house.budget)
        assert len(allocate(house.budget, 1, run=RUN).updated) == 1
        assert fresh(row).preferred_course_run_key == RUN

    def test_renewing_is_charged_like_a_new_one(self, course):
        house = make_house(limit_cents=2 * 4900)
        in_state("cancelled", house.budget, 2)
        assigned(house.budget, ["other@example.org"])
        assert refusal_of(allocate, house.budget, 2).facts["missing_cents"] == 4_900

    def test_what_an_errored_assignment_held_is_free_again(self, course):
        house = make_house(limit_cents=4900)
        in_state("errored", house.budget)
        assert len(allocate(house.budget, 1).updated) == 1

    def test_what_was_reversed_can_be_promised_again(self, course):
        house = make_house(limit_cents=4900, deposit_cents=4900)
        in_state("reversed", house.budget)
        assert len(allocate(house.budget, 1).updated) == 1
        assert books(house.budget) == (4900, 0, 4900, 4900)


class TestTheGuard:
    """What was advice has changed by the time of the write: the guard decides, and its refusal says the same."""

    @pytest.fixture
    def optimist(self, monkeypatch):
        """Let the look before the write find plenty, once."""
        real, calls = module.money_left, []

        def plenty(budget):
            calls.append(budget)
            left = real(budget)
            return type(left)(10**9, 10**9) if len(calls) == 1 else left

        monkeypatch.setattr(module, "money_left", plenty)
        monkeypatch.setattr(batches, "money_left", plenty)

    def test_money_taken_in_between_is_refused_whole(self, course, optimist):
        house = make_house(limit_cents=2 * 4900)
        error = refusal_of(allocate, house.budget, 3)
        assert error.code == "policy_spend_limit_reached"

    def test_a_fund_emptied_in_between_is_named(self, course, optimist):
        house = make_house(deposit_cents=4_000)
        error = refusal_of(allocate, house.budget, 1)
        assert error.code == "not_enough_value_in_subsidy"
        assert error.facts == {"needed_cents": 4_900, "available_cents": 4_000, "missing_cents": 900}

    def test_a_large_call_is_refused_whole_by_the_guard_too(self, course, optimist, small_batches):
        house = make_house(limit_cents=4 * 4900)
        assert code_of(allocate, house.budget, 5) == "policy_spend_limit_reached"

    @pytest.mark.parametrize("people", [1, 5])
    def test_a_budget_retired_in_between_is_named(self, house, course, small_batches, people):
        offer = flows.allocations.make_offer(request_for(house.budget), actor=CONSOLE)
        money.retire(house.budget.pk)
        recipients = flows.allocations.recipients(make_people(people))
        assert code_of(services.allocate_many, offer, recipients, actor=CONSOLE) == "policy_expired"

    def test_the_guard_alone_does_not_let_more_through(self, house):
        with nothing_written(), pytest.raises(OverBudget):
            spend_more_than_there_is(house)


@money.writes
def spend_more_than_there_is(house):
    money.move_money({house.budget.pk: money.Change(held_cents=500_001)})
