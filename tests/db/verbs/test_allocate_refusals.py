"""When nobody can be assigned a course: the codes, the order in which they are looked at, and nothing written at all."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models import F
from tests.db.verbs.steps import (
    COURSE,
    DAY,
    allocate,
    assigned,
    books,
    code_of,
    in_state,
    later,
    nothing_written,
    plan,
    refusal_of,
    request_for,
)

from bursar.assignments import flows, services
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import allocate as module
from bursar.budgets.models import Budget, Fund
from bursar.catalog.models import Course
from bursar.catalog.services import create_catalog
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, Actor
from bursar.kernel.errors import BadInput, NotFound
from bursar.people.models import Role
from bursar.testing.factories import (
    make_budget,
    make_course,
    make_customer,
    make_fund,
    make_member,
    make_people,
    make_run,
)

RUN = "course-v1:DemoX+D101+R1"


def set_budget(house, **values):
    Budget.objects.filter(pk=house.budget.pk).update(**values)


def set_fund(house, **values):
    Fund.objects.filter(pk=house.fund.pk).update(**values)


class TestContent:
    @pytest.mark.parametrize("key", ["DemoX+NONE", "", "demox+d101", "a\0b", "x" * 300, " DemoX+D101"])
    def test_what_the_catalog_does_not_know_is_refused(self, house, course, key):
        assert code_of(allocate, house.budget, 1, key) == "content_not_in_catalog"

    def test_a_course_that_is_withdrawn_is_refused(self, house):
        make_course(active=False)
        assert code_of(allocate, house.budget) == "content_not_in_catalog"

    def test_a_run_that_is_withdrawn_is_refused(self, house, course):
        make_run(course, "gone", active=False)
        assert code_of(allocate, house.budget, 1, "gone") == "content_not_in_catalog"

    def test_a_course_outside_the_budgets_catalog_is_refused_and_one_inside_is_not(self, house, course):
        make_course("DemoX+INSIDE")
        catalog = create_catalog("Chosen", rule="keys", keys=["DemoX+INSIDE"])
        set_budget(house, catalog=catalog.pk)
        assert code_of(allocate, house.budget) == "content_not_in_catalog"
        assert len(allocate(house.budget, 1, "DemoX+INSIDE").created) == 1

    def test_a_catalog_that_lists_one_run_offers_that_run_alone(self, house, course):
        catalog = create_catalog("One run", rule="keys", keys=[RUN])
        set_budget(house, catalog=catalog.pk)
        assert code_of(allocate, house.budget) == "content_not_in_catalog"
        assert len(allocate(house.budget, 1, RUN).created) == 1

    def test_a_preferred_run_of_another_course_is_refused(self, house, course):
        make_course("DemoX+OTHER", runs=["other-run"])
        assert code_of(allocate, house.budget, run="other-run") == "wrong_run"
        assert code_of(allocate, house.budget, run="no-such-run") == "wrong_run"

    def test_an_assigned_run_takes_itself_as_preferred_and_no_other(self, house, course):
        make_run(course, "second")
        assert code_of(allocate, house.budget, 1, RUN, run="second") == "wrong_run"
        assert len(allocate(house.budget, 1, RUN, run=RUN).created) == 1

    def test_a_price_in_another_currency_than_the_fund_is_refused(self, house):
        make_course(currency="EUR")
        assert code_of(allocate, house.budget) == "currency_mismatch"

    def test_a_fund_in_euros_pays_for_a_course_in_euros(self):
        budget = make_budget(make_fund(currency="EUR"))
        make_course(currency="EUR")
        assert len(allocate(budget).created) == 1


class TestPrice:
    @pytest.mark.parametrize("price", [4655, 4656, 4900, 5145])
    def test_a_price_within_five_percent_is_taken_as_it_is_given(self, house, course, price):
        (row,) = assigned(house.budget, 1, price=price)
        assert row.content_quantity == -price
        assert books(house.budget)[0] == price

    @pytest.mark.parametrize("price", [0, 4654, 5146, 490_000])
    def test_a_price_further_off_is_refused_with_both_prices(self, house, course, price):
        error = refusal_of(allocate, house.budget, price=price)
        assert error.code == "PriceValidationError"
        assert error.facts == {"price_cents": price, "catalog_price_cents": 4900}

    def test_how_far_is_a_setting(self, house, course, configure):
        configure(price_tolerance_percent=10)
        assert len(allocate(house.budget, 1, price=5390).created) == 1
        configure(price_tolerance_percent=0)
        assert code_of(allocate, house.budget, 2, price=4901) == "PriceValidationError"

    def test_a_free_course_costs_nothing_or_is_refused(self, house):
        make_course("DemoX+FREE", price_cents=0)
        assert code_of(allocate, house.budget, 1, "DemoX+FREE", price=1) == "PriceValidationError"
        assert len(allocate(house.budget, 1, "DemoX+FREE", price=0).created) == 1

    def test_without_a_price_in_the_catalog_one_must_be_given_and_any_is_taken(self, house):
        make_course(price_cents=None)
        assert code_of(allocate, house.budget) == "price_missing"
        assert allocate(house.budget, 1, price=12_345).charged_cents == 12_345

    @pytest.mark.parametrize("price", [-1, 1_000_000_001, 49.0, "4900", True])
    def test_what_is_no_price_is_bad_input(self, house, course, price):
        with nothing_written(), pytest.raises(BadInput) as caught:
            allocate(house.budget, 1, price=price)
        assert caught.value.code == "invalid_price"


class TestBudgetAndFund:
    @pytest.mark.parametrize("values", [{"active": False}, {"retired": True}])
    def test_a_budget_out_of_use_is_refused(self, house, course, values):
        set_budget(house, **values)
        assert code_of(allocate, house.budget) == "policy_expired"

    def test_a_budget_without_a_configuration_does_not_assign(self, house, course):
        set_budget(house, assignment_configuration=None)
        assert code_of(allocate, house.budget) == "policy_expired"

    @pytest.mark.parametrize(
        ("start", "end"), [(timedelta(hours=1), None), (None, -timedelta(hours=1)), (None, timedelta(0))]
    )
    def test_a_fund_that_has_not_started_or_has_ended_is_refused(self, house, course, start, end):
        now = clock.now()
        set_fund(house, starts_at=start and now + start, expires_at=None if end is None else now + end)
        assert code_of(allocate, house.budget) == "subsidy_expired"

    def test_a_fund_that_has_just_started_is_not(self, house, course):
        set_fund(house, starts_at=clock.now(), expires_at=clock.now() + DAY)
        assert len(allocate(house.budget).created) == 1


class TestEnrolmentDeadline:
    """Ruling 17: what can no longer be enrolled in is not assigned."""

    def test_a_run_whose_enrol_by_has_come_is_refused(self, house):
        make_run(make_course(runs=["open"]), RUN, enroll_by=clock.now())
        assert code_of(allocate, house.budget, 1, RUN) == "beyond_enrollment_deadline"
        assert code_of(allocate, house.budget, run=RUN) == "beyond_enrollment_deadline"
        assert len(allocate(house.budget).created) == 1, "the course has another run that is open"

    def test_a_run_is_open_until_the_moment_itself(self, house):
        make_run(make_course(), RUN, enroll_by=clock.now() + timedelta(microseconds=1))
        assert len(allocate(house.budget, 1, RUN).created) == 1

    def test_a_run_that_is_over_is_refused(self, house):
        make_run(make_course(), RUN, end=clock.now() - DAY)
        assert code_of(allocate, house.budget, 1, RUN) == "beyond_enrollment_deadline"

    def test_a_course_without_an_open_run_is_refused(self, house):
        course = make_course()
        make_run(course, "closed", enroll_by=clock.now() - DAY)
        make_run(course, "over", end=clock.now() - DAY)
        make_run(course, "withdrawn", active=False)
        assert code_of(allocate, house.budget) == "beyond_enrollment_deadline"

    def test_a_course_without_any_run_has_no_date_to_miss(self, house):
        make_course()
        assert len(allocate(house.budget).created) == 1


class TestOrder:
    """Every rule broken at once; mended one by one, the next one in the contract's order speaks."""

    def test_the_first_rule_that_is_broken_is_the_one_named(self, house):
        now = clock.now()
        catalog = create_catalog("Chosen", rule="keys", keys=["DemoX+NOT"])
        set_budget(house, active=False, catalog=catalog.pk, limit_cents=0)
        set_fund(house, expires_at=now)
        assert code_of(allocate, house.budget, price=9_900) == "content_not_in_catalog"
        course = make_course(currency="EUR")
        make_run(course, RUN, enroll_by=now)
        course_rows = Course.objects.filter(pk=course.pk)
        assert code_of(allocate, house.budget, price=9_900) == "PriceValidationError"
        course_rows.update(price_cents=None)
        assert code_of(allocate, house.budget) == "price_missing"
        course_rows.update(price_cents=4_900)
        assert code_of(allocate, house.budget) == "policy_expired"
        set_budget(house, active=True)
        assert code_of(allocate, house.budget) == "content_not_in_catalog"
        set_budget(house, catalog=None)
        assert code_of(allocate, house.budget) == "currency_mismatch"
        course_rows.update(currency="USD")
        assert code_of(allocate, house.budget) == "beyond_enrollment_deadline"
        make_run(course, "open")
        assert code_of(allocate, house.budget, 500) == "subsidy_expired"
        set_fund(house, expires_at=None)
        assert code_of(allocate, house.budget, 500) == "not_enough_value_in_subsidy"
        assert code_of(allocate, house.budget, 1) == "policy_spend_limit_reached"
        set_budget(house, limit_cents=4_900)
        assert len(allocate(house.budget, 1).created) == 1

    def test_an_amount_that_is_no_price_is_said_before_any_rule(self, house):
        with pytest.raises(BadInput):
            allocate(house.budget, 1, "DemoX+NONE", price=-1)


class TestWhoMayAllocate:
    def test_an_admin_of_the_customer_may(self, house, course):
        assert len(allocate(house.budget, actor=make_member(house.customer)).created) == 1

    @pytest.mark.parametrize("role", [Role.LEARNER, Role.ADMIN])
    def test_a_learner_and_an_admin_of_somebody_else_find_no_budget(self, house, course, role):
        stranger = make_member(house.customer if role == Role.LEARNER else make_customer(), role)
        with nothing_written(), pytest.raises(NotFound):
            allocate(house.budget, actor=stranger)
        with nothing_written(), pytest.raises(NotFound):
            plan(house.budget, actor=stranger)

    def test_nobody_in_particular_may_not(self, house, course):
        with nothing_written(), pytest.raises(NotFound):
            allocate(house.budget, actor=Actor("person", "anonymous"))

    def test_the_verbs_ask_for_themselves(self, house, course):
        offer = flows.allocations.make_offer(request_for(house.budget), actor=CONSOLE)
        stranger = make_member(make_customer())
        recipients = flows.allocations.recipients(make_people(1))
        for verb in (services.allocate_many, services.plan_many, services.open_batch):
            with nothing_written(), pytest.raises(NotFound):
                verb(offer, recipients, actor=stranger)


class TestCrash:
    def test_a_crash_in_the_last_step_leaves_nothing(self, house, course, monkeypatch):
        def die(*_):
            raise SystemExit

        monkeypatch.setattr(module, "move_money", die)
        with nothing_written(), pytest.raises(SystemExit):
            allocate(house.budget, 3)

    def test_a_row_that_somebody_else_has_moved_is_never_moved_again(self, house, course, monkeypatch):
        """The rows are locked, so this cannot happen; if a rule of ours is wrong, nothing is committed."""
        (row,) = in_state("cancelled", house.budget)
        real = module.survey

        def survey_then_steal(*args, **kwargs):
            seen = real(*args, **kwargs)
            LearnerContentAssignment.objects.filter(pk=row.pk).update(state="allocated", cycle=F("cycle") + 1)
            return seen

        monkeypatch.setattr(module, "survey", survey_then_steal)
        with nothing_written(), pytest.raises(RuntimeError):
            allocate(house.budget, 1)


def test_a_budget_that_is_gone_was_never_there(house, course):
    offer = flows.allocations.make_offer(request_for(house.budget), actor=CONSOLE)
    assert offer.content_key == COURSE
    with later(DAY), pytest.raises(NotFound):
        services.fill_batch(uuid4())
