"""Idempotency-Key: one effect for one key, the same answer again, nothing personal kept (docs/decisions/0014)."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from tests.web.v1.caller import admin as as_admin
from tests.web.v1.caller import code
from tests.web.v1.caller import operator as as_operator

from bursar.api.idempotency import prune_keys
from bursar.api.models import IdempotencyKey
from bursar.assignments import jobs
from bursar.budgets import services
from bursar.budgets.models import Budget, Fund, LedgerEntry
from bursar.kernel import clock
from bursar.kernel.errors import Unavailable
from bursar.people.models import ApiToken
from bursar.people.tokens import revoke_token
from bursar.testing.factories import make_fund

pytestmark = pytest.mark.django_db
MONEY = {
    "funds": lambda house: {"customer": str(house.customer.pk), "title": "More", "deposit_cents": 500},
    "funds/{fund}/deposits": lambda house: {"amount_cents": 500},
    "funds/{fund}/adjustments": lambda house: {"amount_cents": -500, "reason": "typed wrong"},
    "budgets": lambda house: {"fund": str(house.fund.pk), "name": "More", "limit_cents": 500},
}


@pytest.fixture(params=MONEY)
def payment(request, house):
    return request.param.format(fund=house.fund.pk), MONEY[request.param](house)


def effects():
    return LedgerEntry.objects.count(), Fund.objects.count(), Budget.objects.count()


def test_what_moves_money_needs_a_key(operator, payment):
    before = effects()
    assert code(operator.post(*payment)) == (400, "idempotency_key_missing")
    assert effects() == before


@pytest.mark.parametrize("key", ["x" * 256, "tab\there", "é"])
def test_a_key_is_printable_ascii_and_not_too_long(operator, house, key):
    response = operator.pay(f"funds/{house.fund.pk}/deposits", {"amount_cents": 1}, key=key)
    assert code(response) == (400, "invalid_idempotency_key")


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(operator, payment):
    first = operator.pay(*payment, key="k" * 255)
    before = effects()
    again = operator.pay(*payment, key="k" * 255)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.content, again.get("Location")) == (201, first.content, first.get("Location"))
    assert effects() == before


def test_a_body_written_in_another_order_is_the_same_request(operator, house):
    path = f"funds/{house.fund.pk}/deposits"
    operator.pay(path, '{"amount_cents": 1, "reason": "gift"}', key="one")
    again = operator.pay(path, '{ "reason":"gift","amount_cents":1 }', key="one")
    assert again["Idempotent-Replayed"] == "true"


def test_the_same_key_for_another_request_is_refused(operator, house):
    path = f"funds/{house.fund.pk}/deposits"
    operator.pay(path, {"amount_cents": 1}, key="one")
    before = effects()
    assert code(operator.pay(path, {"amount_cents": 2}, key="one")) == (422, "idempotency_key_reused")
    other = make_fund(house.customer)
    assert code(operator.pay(f"funds/{other.pk}/deposits", {"amount_cents": 1}, key="one"))[0] == 422
    assert effects() == (before[0] + 1, before[1] + 1, before[2])  # what make_fund did


def test_callers_routes_and_customers_have_keys_of_their_own(operator, house, elsewhere):
    someone = as_operator()
    done = [
        operator.pay(f"funds/{house.fund.pk}/deposits", {"amount_cents": 5}, key="one"),
        someone.pay(f"funds/{house.fund.pk}/deposits", {"amount_cents": 5}, key="one"),
        operator.pay(f"funds/{elsewhere.fund.pk}/deposits", {"amount_cents": 5}, key="one"),
        operator.pay(f"funds/{house.fund.pk}/adjustments", {"amount_cents": 5, "reason": "x"}, key="one"),
    ]
    assert [response.status_code for response in done] == [201] * 4
    assert not any("Idempotent-Replayed" in response for response in done)


def test_a_refusal_by_a_rule_is_final_under_its_key(operator, house):
    path, body = f"funds/{house.fund.pk}/adjustments", {"amount_cents": -(10**9), "reason": "x"}
    first = operator.pay(path, body, key="one")
    services.deposit(house.fund.pk, 10**9)
    again = operator.pay(path, body, key="one")
    assert code(first) == code(again) == (409, "fund_balance_exceeded")
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")
    assert operator.pay(path, body, key="two").status_code == 201


def test_what_cannot_be_read_or_is_not_there_uses_no_key_up(operator, house):
    path = f"funds/{house.fund.pk}/deposits"
    assert operator.pay(path, {"amount_cents": "1"}, key="one").status_code == 400
    assert operator.pay(f"funds/{house.customer.pk}/deposits", {"amount_cents": 1}, key="one").status_code == 404
    assert IdempotencyKey.objects.count() == 0
    assert operator.pay(path, {"amount_cents": 1}, key="one").status_code == 201


def test_a_busy_database_uses_no_key_up(operator, house, monkeypatch):
    path = f"funds/{house.fund.pk}/deposits"
    real = services._enter_once

    def busy(*_):
        raise Unavailable("busy", code="database_busy")

    monkeypatch.setattr(services, "_enter_once", busy)
    response = operator.pay(path, {"amount_cents": 1}, key="one")
    assert code(response) == (503, "database_busy")
    assert response["Retry-After"]
    monkeypatch.setattr(services, "_enter_once", real)
    done = operator.pay(path, {"amount_cents": 1}, key="one")
    assert (done.status_code, "Idempotent-Replayed" in done) == (201, False)


def test_the_key_goes_back_with_the_effect(operator, house, monkeypatch):
    path = f"funds/{house.fund.pk}/deposits"
    real, before = services._enter, effects()

    def broken(*given):
        real(*given)
        raise OperationalError("connection lost")

    monkeypatch.setattr(services, "_enter", broken)
    with pytest.raises(OperationalError):
        operator.pay(path, {"amount_cents": 1}, key="one")
    assert (IdempotencyKey.objects.count(), effects()) == (0, before)
    monkeypatch.setattr(services, "_enter", real)
    assert operator.pay(path, {"amount_cents": 1}, key="one").status_code == 201


def test_a_token_that_may_no_longer_do_it_gets_no_answer_again(house):
    caller, path = as_operator(), f"funds/{house.fund.pk}/deposits"
    caller.pay(path, {"amount_cents": 1}, key="one")
    revoke_token(ApiToken.objects.latest("created").pk)
    assert caller.pay(path, {"amount_cents": 1}, key="one").status_code == 401


def test_nothing_of_a_key_or_body_can_be_read_in_the_table(operator, house):
    body = {"amount_cents": 1, "reason": "for ada@example.org"}
    operator.pay("funds", {"customer": str(house.customer.pk), "title": "T"}, key="ada@example.org")
    operator.pay(f"funds/{house.fund.pk}/adjustments", {**body, "amount_cents": 3}, key="ada@example.org again")
    for row in IdempotencyKey.objects.all():
        facts = [row.tenant, row.principal, row.route, row.key, row.fingerprint]
        assert not [fact for fact in facts if "ada@" in fact or "example" in fact]
        assert len(row.fingerprint) == len(row.key) == len(row.principal) == 64


def test_keys_are_kept_a_week_and_pruned_by_tick(operator, house):
    path, body = f"funds/{house.fund.pk}/deposits", {"amount_cents": 1}
    operator.pay(path, body, key="one")
    with clock.at(clock.now() + timedelta(days=6, hours=23)):
        assert prune_keys() == 0
        assert operator.pay(path, body, key="one")["Idempotent-Replayed"] == "true"
    with clock.at(clock.now() + timedelta(days=7, hours=1)):
        assert jobs.prune_due() >= 1
    assert IdempotencyKey.objects.count() == 0


def test_a_deposit_is_not_made_twice_even_when_its_key_is_pruned(operator, house):
    path, body = f"funds/{house.fund.pk}/deposits", {"amount_cents": 1}
    first = operator.pay(path, body, key="one")
    IdempotencyKey.objects.all().delete()
    before = effects()
    assert operator.pay(path, body, key="one").content == first.content
    assert effects() == before


def test_who_may_not_move_money_uses_no_key_up(admin, learner, stranger, house, payment):
    path, body = payment
    assert [caller.pay(path, body, key="one").status_code for caller in (admin, learner, stranger)] == [403, 404, 404]
    assert IdempotencyKey.objects.count() == 0


def test_admins_read_what_operators_moved(house, operator):
    made = operator.pay(f"funds/{house.fund.pk}/deposits", {"amount_cents": 7, "reason": "gift"}).json()
    assert as_admin(house.customer).items(f"funds/{house.fund.pk}/ledger")[0] == made


@pytest.mark.parametrize(("path", "body"), [("customers", {"name": "Gull Rock"}), ("catalogs", {"title": "Sales"})])
def test_what_moves_no_money_may_have_a_key(operator, path, body):
    assert operator.post(path, body).status_code == 201
    other = {name: f"{text} again" for name, text in body.items()}
    first, again = (operator.post(path, other, key="one") for _ in range(2))
    assert (again.status_code, again.content, again["Location"]) == (201, first.content, first["Location"])
    assert again["Idempotent-Replayed"] == "true"
    assert code(operator.post(path, body, key="one")) == (422, "idempotency_key_reused")
