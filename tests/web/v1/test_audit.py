"""The audit over our own API."""

import pytest
from tests.web.v1.caller import code
from tests.web.v1.caller import operator as as_operator

from bursar.budgets.models import Fund

pytestmark = pytest.mark.django_db


def test_clean_books_are_said_to_be_clean(operator, house):
    assert operator.get("audit").json() == {"clean": True, "differences": []}


def test_a_difference_is_named_with_what_should_be(operator, house):
    Fund.objects.filter(pk=house.fund.pk).update(balance_cents=7)
    found = operator.get("audit").json()
    assert found["clean"] is False
    assert found["differences"] == [
        {
            "code": "fund_balance",
            "subject": f"fund {house.fund.pk}",
            "message": "The balance is not the sum of the ledger.",
            "expected": house.fund.balance_cents,
            "found": 7,
        }
    ]


def test_only_operators_of_everything_audit(admin, learner, house):
    for caller in (admin, learner, as_operator(house.customer)):
        assert code(caller.get("audit")) == (403, "forbidden")
