"""Funds, their ledger, budgets and transactions over our own API."""

from datetime import UTC, datetime

import pytest
from tests.db.verbs.steps import accepted
from tests.web.v1.caller import code

from bursar.assignments import services
from bursar.budgets.models import Budget, Fund, Transaction
from bursar.catalog.services import create_catalog
from bursar.kernel.actor import CONSOLE
from bursar.testing.factories import make_course, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(db):
    found = make_course()
    make_run(found, "R1")
    return found


def test_a_fund_is_made_with_its_first_deposit(operator, house):
    body = {"customer": str(house.customer.pk), "title": " 2027 ", "deposit_cents": 5_000, "currency": "EUR",
        "expires_at": "2030-01-01T00:00:00Z"}  # fmt: skip
    made = operator.pay("funds", body)
    assert made.status_code == 201
    fund = operator.get(made["Location"].removeprefix("/v1/")).json()
    assert fund == made.json()
    assert (fund["title"], fund["balance_cents"], fund["free_cents"], fund["currency"]) == ("2027", 5_000, 5_000, "EUR")


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"customer": "6f0e3c9e-6d7a-4c55-9d52-0f3a3c3a7a10"}, (404, "not_found")),
        ({"title": "   "}, (400, "missing_title")),
        ({"currency": "usd"}, (400, "invalid_input")),
        ({"deposit_cents": -1}, (400, "invalid_input")),
        ({"starts_at": "2030-01-02T00:00:00Z", "expires_at": "2030-01-01T00:00:00Z"}, (400, "invalid_dates")),
        ({"balance_cents": 10**9}, (400, "invalid_input")),
        ({"held_cents": 0}, (400, "invalid_input")),
    ],
)
def test_a_fund_that_makes_no_sense_is_not_made(operator, house, change, answer):
    body = {"customer": str(house.customer.pk), "title": "F", **change}
    assert code(operator.pay("funds", body)) == answer
    assert Fund.objects.count() == 1


def test_deposits_and_adjustments_are_entries_of_the_ledger(operator, house):
    path = f"funds/{house.fund.pk}"
    one = operator.pay(f"{path}/deposits", {"amount_cents": 100, "reason": "second half"}).json()
    two = operator.pay(f"{path}/adjustments", {"amount_cents": -40, "reason": "typed wrong"}).json()
    assert (one["kind"], one["amount_cents"], one["sequence"]) == ("deposit", 100, 2)
    assert (two["kind"], two["amount_cents"], two["previous_hash"]) == ("adjustment", -40, one["hash"])
    assert operator.items(f"{path}/ledger")[:2] == [two, one]
    assert operator.items(f"{path}/ledger?kind=adjustment") == [two]
    assert operator.get(path).json()["balance_cents"] == house.fund.balance_cents + 60


@pytest.mark.parametrize(
    "body", [{"amount_cents": 0, "reason": "x"}, {"amount_cents": 5, "reason": ""}, {"amount_cents": 5}]
)
def test_an_adjustment_has_an_amount_and_a_reason(operator, house, body):
    assert operator.pay(f"funds/{house.fund.pk}/adjustments", body).status_code == 400


def test_a_fund_ends_when_it_is_told_to(operator, house):
    path = f"funds/{house.fund.pk}"
    assert operator.patch(path, {"expires_at": "2031-01-01T00:00:00Z"}).json()["expires_at"] == "2031-01-01T00:00:00Z"
    assert operator.patch(path, {"expires_at": None}).json()["expires_at"] is None
    assert operator.patch(path, {}).status_code == 400
    assert operator.patch(path, {"expires_at": None, "balance_cents": 1}).status_code == 400


def test_a_funds_new_end_moves_the_expiry_of_what_is_open(operator, house, course):
    from tests.db.verbs.steps import assigned, fresh

    (row,) = assigned(house.budget)
    operator.patch(f"funds/{house.fund.pk}", {"expires_at": "2026-12-24T00:00:00Z"})
    assert fresh(row).expires_at <= datetime(2026, 12, 24, tzinfo=UTC)


def test_a_budget_is_made_for_a_catalog_of_its_customer_or_a_shared_one(operator, house, elsewhere):
    own, shared = create_catalog("Own", customer_uuid=house.customer.pk), create_catalog("Shared")
    theirs = create_catalog("Theirs", customer_uuid=elsewhere.customer.pk)
    body = {"fund": str(house.fund.pk), "name": "Sales", "limit_cents": 1_000}
    for catalog in (own, shared):
        made = operator.pay("budgets", {**body, "catalog": str(catalog.pk)})
        assert (made.status_code, made.json()["catalog"]) == (201, str(catalog.pk))
        assert operator.get(made["Location"].removeprefix("/v1/")).json() == {**made.json(), "counts": {}}
    assert code(operator.pay("budgets", {**body, "catalog": str(theirs.pk)})) == (404, "not_found")
    assert Budget.objects.count() == 4


def test_a_budget_changes_in_what_is_sent_and_in_nothing_else(operator, house):
    path = f"budgets/{house.budget.pk}"
    catalog = create_catalog("Own", customer_uuid=house.customer.pk)
    before = operator.get(path).json()
    after = operator.patch(path, {"name": "Sales", "catalog": str(catalog.pk)}).json()
    assert {name for name in after if after[name] != before[name]} == {"name", "catalog", "modified"}
    assert operator.patch(path, {"catalog": None, "description": "x\ny"}).json()["catalog"] is None
    newest = Budget.objects.get(pk=house.budget.pk).history.latest("history_id")
    assert (newest.display_name, newest.catalog_id, newest.history_type) == ("Sales", None, "~")


@pytest.mark.parametrize(
    "body",
    [
        {"held_cents": 0},
        {"spent_cents": 0},
        {"retired": True},
        {"customer": "x"},
        {"fund": "x"},
        {"name": ""},
        {"name": None},
        {"limit_cents": None},
        {"limit_cents": -1},
        {"limit_cents": 10**15 + 1},
        {"description": "x" * 201},
    ],
)
def test_what_is_no_term_of_a_budget_changes_nothing(operator, house, body):
    path = f"budgets/{house.budget.pk}"
    before = operator.get(path).content
    assert code(operator.patch(path, body)) == (400, "invalid_input")
    assert operator.get(path).content == before


def test_retiring_a_budget_again_changes_nothing(operator, house):
    path = f"budgets/{house.budget.pk}"
    first = operator.post(f"{path}/retire").json()
    assert first["retired"] is True
    assert operator.post(f"{path}/retire").json() == first
    assert operator.items("budgets?retired=false") == []
    assert [row["uuid"] for row in operator.items("budgets?retired=true")] == [first["uuid"]]


def test_a_budget_tells_how_many_are_in_each_state(operator, house, course):
    accepted(house.budget, 2)
    assert operator.get(f"budgets/{house.budget.pk}").json()["counts"] == {"accepted": 2}


def test_an_admin_reads_money_and_moves_none(admin, house):
    fund, budget = f"funds/{house.fund.pk}", f"budgets/{house.budget.pk}"
    assert [row["uuid"] for row in admin.items("funds")] == [str(house.fund.pk)]
    for path in (fund, f"{fund}/ledger", f"{fund}/transactions", budget):
        assert admin.get(path).status_code == 200
    body = {"fund": str(house.fund.pk), "name": "Sales", "limit_cents": 1}
    for response in (
        admin.patch(fund, {"expires_at": None}),
        admin.patch(budget, {"limit_cents": 1}),
        admin.post(f"{budget}/retire"),
        admin.pay("budgets", body),
        admin.pay(f"{fund}/deposits", {"amount_cents": 1}),
    ):
        assert code(response) == (403, "forbidden")


def test_others_do_not_find_it(stranger, learner, house):
    fund, budget = f"funds/{house.fund.pk}", f"budgets/{house.budget.pk}"
    for caller in (stranger, learner):
        for path in (fund, f"{fund}/ledger", f"{fund}/transactions", budget):
            assert code(caller.get(path)) == (404, "not_found")
        assert str(house.fund.pk) not in str(caller.items("funds") + caller.items("budgets"))
        assert caller.items(f"funds?customer={house.customer.pk}") == []
        assert code(caller.patch(budget, {"limit_cents": 1}, etag="*")) == (404, "not_found")


def test_transactions_tell_what_an_enrolment_costs_and_what_came_back(admin, house, course):
    rows = accepted(house.budget, 3)
    services.reverse_many([rows[0].pk], actor=CONSOLE)
    path = f"funds/{house.fund.pk}/transactions"
    found = admin.items(path)
    assert [item["amount_cents"] for item in found] == [4_900] * 3
    (back,) = [item for item in found if item["reversal"]]
    assert (back["assignment"], back["reversal"]["amount_cents"]) == (str(rows[0].pk), 4_900)
    assert admin.get(f"transactions/{back['uuid']}").json() == back
    assert admin.items(f"{path}?assignment={rows[1].pk}")[0]["assignment"] == str(rows[1].pk)
    assert admin.items(f"{path}?state=failed") == admin.items(f"{path}?budget={house.fund.pk}") == []


def test_a_transaction_of_others_is_not_found(stranger, learner, house, course):
    accepted(house.budget, 1)
    for caller in (stranger, learner):
        assert code(caller.get(f"transactions/{Transaction.objects.get().pk}")) == (404, "not_found")
