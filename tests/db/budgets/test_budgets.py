"""Budgets: limits, retiring, what is left; and names by which they are found."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from tests.db.budgets.money import counters, move
from tests.db.records.rows import DAY, NOON, raw

from bursar.assignments.models import AssignmentConfiguration
from bursar.budgets.models import Budget
from bursar.budgets.selectors import balance, find_budget
from bursar.budgets.services import LARGEST_AMOUNT, Change, change_budget, insert_budget, retire, set_limit
from bursar.kernel import clock
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.testing.factories import make_budget, make_customer, make_fund, reload

pytestmark = pytest.mark.django_db


def insert(fund, **facts):
    with transaction.atomic():
        return insert_budget(fund, **{"display_name": "Budget", "limit_cents": 100, "configuration": None, **facts})


def test_a_budget_belongs_to_the_customer_of_its_fund(house):
    configuration = AssignmentConfiguration.objects.create()
    budget = insert(house.fund, configuration=configuration.pk, description="For all")
    row = Budget.objects.get(pk=budget.pk)
    assert (row.customer, row.fund, row.assignment_configuration) == (house.customer, house.fund, configuration)
    assert (row.display_name, row.description, row.limit_cents) == ("Budget", "For all", 100)
    assert (row.held_cents, row.spent_cents, row.active, row.retired, row.retired_at) == (0, 0, True, False, None)
    assert (row.catalog, row.late_redemption_allowed_until) == (None, None)
    assert configuration.subsidy_access_policy == row


@pytest.mark.parametrize("limit", [0, 1, LARGEST_AMOUNT])
def test_a_limit_may_be_nothing_and_pass_what_the_fund_has(house, limit):
    assert insert(house.fund, limit_cents=limit).limit_cents == limit


@pytest.mark.parametrize("limit", [-1, True, False, 0.5, "5", None, LARGEST_AMOUNT + 1])
def test_a_limit_that_is_no_amount_is_refused(house, limit):
    with pytest.raises(BadInput) as caught:
        insert(house.fund, limit_cents=limit)
    assert caught.value.code == "invalid_amount"
    with pytest.raises(BadInput):
        set_limit(house.budget.pk, limit)
    assert reload(house.budget).limit_cents == 500_000
    assert Budget.objects.count() == 1


def test_a_budget_has_a_name_and_one_that_was_left_without_can_be_changed(house):
    with pytest.raises(BadInput) as caught:
        insert(house.fund, display_name=" ")
    assert caught.value.code == "missing_name"
    with pytest.raises(BadInput) as caught:
        change_budget(house.budget.pk, {"display_name": ""})
    assert caught.value.code == "missing_name"
    Budget.objects.filter(pk=house.budget.pk).update(display_name="")
    assert change_budget(house.budget.pk, {"description": "of the trainers"}).description == "of the trainers"


@pytest.mark.parametrize("facts", [{"display_name": "x" * 513}, {"description": "x" * 201}])
def test_a_name_or_description_that_is_too_long_is_refused(house, facts):
    with pytest.raises(BadInput) as caught:
        insert(house.fund, **facts)
    assert caught.value.code == "too_long"


def test_a_limit_can_be_raised_and_lowered_to_what_is_committed(house):
    move(house.budget, Change(held_cents=400_000))
    for limit in (600_000, 400_000, 400_001):
        assert set_limit(house.budget.pk, limit).limit_cents == limit
        assert reload(house.budget).limit_cents == limit


@pytest.mark.parametrize(("limit", "missing"), [(399_999, 1), (0, 400_000)])
def test_a_limit_below_what_is_held_and_spent_is_refused_saying_by_how_much(house, limit, missing):
    move(house.budget, Change(held_cents=300_000))
    Budget.objects.filter(pk=house.budget.pk).update(spent_cents=100_000)
    with pytest.raises(Refused) as caught:
        set_limit(house.budget.pk, limit)
    assert caught.value.code == "limit_below_commitments"
    assert caught.value.facts == {"missing_cents": missing, "held_cents": 300_000, "spent_cents": 100_000}
    assert reload(house.budget).limit_cents == 500_000


def test_changing_a_limit_is_history_with_who_did_it(house, django_user_model):
    user = django_user_model.objects.create(username="ann")
    with clock.at(NOON):
        budget = set_limit(house.budget.pk, 600_000, actor_user_id=user.pk)
    last = budget.history.order_by("history_id").last()
    assert (last.history_type, last.history_user_id, last.limit_cents, last.history_date) == (
        "~",
        user.pk,
        600_000,
        NOON,
    )
    assert reload(budget).modified == NOON


def test_who_changed_a_limit_is_not_taken_for_who_saves_next(house, django_user_model):
    user = django_user_model.objects.create(username="ann")
    budget = set_limit(house.budget.pk, 600_000, actor_user_id=user.pk)
    budget.display_name = "Another"
    budget.save(update_fields=["display_name"])
    assert budget.history.order_by("history_id").last().history_user_id is None


def test_changing_a_limit_never_writes_counters_from_memory(house):
    set_limit(house.budget.pk, 600_000)
    move(house.budget, Change(held_cents=100))
    stale = house.budget
    set_limit(stale.pk, 700_000)
    retire(stale.pk)
    assert counters(house.budget)[0] == 100


def test_counters_are_in_no_history_and_money_makes_none(house):
    move(house.budget, Change(held_cents=100))
    assert not {field.name for field in Budget.history.model._meta.fields} & {"held_cents", "spent_cents"}
    assert [row.history_type for row in house.budget.history.all()] == ["+"]


def test_retiring_has_a_date_and_keeps_what_is_promised(house):
    move(house.budget, Change(held_cents=100))
    with clock.at(NOON):
        budget = retire(house.budget.pk)
    assert (budget.retired, budget.retired_at, budget.usable) == (True, NOON, False)
    assert counters(budget)[0] == 100
    with clock.at(NOON + DAY):
        assert retire(house.budget.pk).retired_at == NOON
    assert [row.history_type for row in budget.history.order_by("history_id")] == ["+", "~"]


def test_retiring_says_who_did_it(house, django_user_model):
    user = django_user_model.objects.create(username="ann")
    assert retire(house.budget.pk, actor_user_id=user.pk).history.first().history_user_id == user.pk


@pytest.mark.parametrize(
    ("active", "retired", "usable"), [(True, False, True), (False, False, False), (True, True, False)]
)
def test_a_budget_is_usable_while_active_and_not_retired(active, retired, usable):
    assert Budget(active=active, retired=retired).usable is usable


def test_a_budget_that_there_is_not_is_not_found():
    for call in (lambda: set_limit(uuid4(), 5), lambda: retire(uuid4())):
        with pytest.raises(NotFound):
            call()


@pytest.mark.parametrize(
    ("limit", "held", "spent", "fund", "available"),
    [
        (500, 0, 0, 1000, 500),
        (500, 100, 0, 1000, 400),
        (500, 100, 150, 1000, 250),
        (500, 500, 0, 1000, 0),
        (5000, 0, 0, 1000, 1000),
        (5000, 100, 0, 1000, 900),
        (0, 0, 0, 1000, 0),
    ],
)
def test_what_is_available_is_the_smaller_of_limit_and_fund(limit, held, spent, fund, available):
    budget = make_budget(make_fund(deposit_cents=fund + spent), limit_cents=limit)
    Budget.objects.filter(pk=budget.pk).update(held_cents=held, spent_cents=spent)
    type(budget.fund).objects.filter(pk=budget.fund_id).update(held_cents=held, balance_cents=fund)
    found = balance(reload(budget))
    assert (found.limit_cents, found.held_cents, found.spent_cents) == (limit, held, spent)
    assert (found.budget_free_cents, found.fund_free_cents) == (limit - held - spent, fund - held)
    assert found.available_cents == available


def test_what_another_budget_holds_on_the_fund_is_not_available(house):
    other = make_budget(house.fund, limit_cents=900_000)
    move(other, Change(held_cents=800_000))
    assert balance(reload(house.budget)).available_cents == 200_000


def test_available_is_never_below_nothing():
    budget = make_budget(limit_cents=0)
    budget.fund.balance_cents = -50
    assert balance(budget).available_cents == 0


def test_a_budget_is_found_by_uuid_or_name(house):
    for reference in (house.budget.pk, str(house.budget.pk), "Training"):
        assert find_budget(reference, None) == house.budget
        assert find_budget(reference, frozenset({house.customer.pk})) == house.budget


def test_a_budget_of_somebody_else_is_not_found(house):
    for reference in (house.budget.pk, "Training", "training", "nothing"):
        with pytest.raises(NotFound):
            find_budget(reference, frozenset({make_customer().pk}))


def test_a_name_that_fits_several_budgets_is_ambiguous(house):
    make_budget(house.fund)
    with pytest.raises(Refused) as caught:
        find_budget("Training", None)
    assert caught.value.code == "ambiguous_name"


GUARDS = [
    ("bursar_budgets_budget", "held_cents = -1"),
    ("bursar_budgets_budget", "spent_cents = -1"),
    ("bursar_budgets_budget", "held_cents = limit_cents + 1"),
    ("bursar_budgets_budget", "spent_cents = limit_cents + 1"),
    ("bursar_budgets_budget", "held_cents = limit_cents, spent_cents = 1"),
    ("bursar_budgets_budget", "limit_cents = -1"),
    ("bursar_budgets_fund", "held_cents = -1"),
    ("bursar_budgets_fund", "held_cents = balance_cents + 1"),
    ("bursar_budgets_fund", "balance_cents = -1"),
]


@pytest.mark.parametrize(("table", "change"), GUARDS)
def test_the_database_itself_keeps_what_no_writer_may_break(house, table, change):
    with pytest.raises(IntegrityError), transaction.atomic():
        raw(f"UPDATE {table} SET {change}")
    assert counters(house.budget) == (0, 0, 0, 1_000_000)


@pytest.mark.parametrize("change", ["held_cents = limit_cents", "spent_cents = limit_cents", "limit_cents = 0"])
def test_the_database_lets_through_what_is_just_right(house, change):
    raw(f"UPDATE bursar_budgets_budget SET {change}")
