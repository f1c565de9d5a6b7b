"""Versions: an edit names what it was made from, and who comes second is told."""

import pytest
from tests.web.v1.caller import code

from bursar.api.v1 import etags
from bursar.budgets.models import Budget
from bursar.budgets.services import Change, move_money
from bursar.kernel import clock
from bursar.kernel.transactions import writes
from bursar.people import services as people
from bursar.people.models import Customer

pytestmark = pytest.mark.django_db
EDITS = {
    "customers/{customer}": {"name": "Brighter Lanterns"},
    "funds/{fund}": {"expires_at": "2030-01-01T00:00:00Z"},
    "budgets/{budget}": {"limit_cents": 400_000},
    "catalogs/{catalog}": {"title": "Other"},
    "webhooks/{endpoint}": {"types": ["assignment.accepted"]},
}


@pytest.fixture(params=EDITS)
def change(request, house, operator):
    made = operator.post("catalogs", {"title": "Sales", "customer": str(house.customer.pk)}).json()
    hook = {"customer": str(house.customer.pk), "url": "https://hooks.example.org/bursar"}
    keys = {"customer": house.customer.pk, "fund": house.fund.pk, "budget": house.budget.pk, "catalog": made["uuid"]}
    keys["endpoint"] = operator.post("webhooks", hook).json()["uuid"]
    return request.param.format(**keys), EDITS[request.param]


def test_an_edit_without_a_version_is_not_made(operator, change):
    path, body = change
    before = operator.get(path)
    assert code(operator.patch(path, body, etag=None)) == (428, "precondition_required")
    assert operator.get(path).content == before.content


def test_an_edit_of_what_stands_there_is_made_and_gives_the_next_version(operator, change):
    path, body = change
    before = operator.get(path)
    done = operator.patch(path, body, etag=before["ETag"])
    assert done.status_code == 200
    assert done["ETag"] not in ("", before["ETag"])
    assert operator.get(path)["ETag"] == done["ETag"]
    assert {name: done.json()[name] for name in body} == body


def test_an_edit_of_what_has_changed_since_is_refused_and_changes_nothing(operator, change):
    path, body = change
    stale = operator.get(path)["ETag"]
    now = operator.patch(path, body).content
    response = operator.patch(path, body, etag=stale)
    assert code(response) == (412, "stale")
    assert operator.get(path)["ETag"] == response.json()["facts"]["etag"]
    assert operator.get(path).content == now


@pytest.mark.parametrize("etag", ['"0"', "0", "W/{etag}", '"', '""', "{etag}x"])
def test_what_is_no_version_of_it_is_stale(operator, house, etag):
    path = f"funds/{house.fund.pk}"
    given = etag.format(etag=operator.get(path)["ETag"])
    assert code(operator.patch(path, {"expires_at": None}, etag=given)) == (412, "stale")


def test_one_of_several_versions_or_any_will_do(operator, house):
    path = f"funds/{house.fund.pk}"
    given = '"0", ' + operator.get(path)["ETag"]
    assert operator.patch(path, {"expires_at": None}, etag=given).status_code == 200
    assert operator.patch(path, {"expires_at": None}, etag="*").status_code == 200


def test_two_edits_of_one_moment_are_told_apart(operator, house):
    path = f"budgets/{house.budget.pk}"
    with clock.at(clock.now()):
        first = operator.patch(path, {"limit_cents": 300_000})["ETag"]
        second = operator.patch(path, {"limit_cents": 310_000})["ETag"]
    assert first != second


def test_money_that_moves_makes_nobodys_edit_stale(operator, house):
    path = f"budgets/{house.budget.pk}"
    version = operator.get(path)["ETag"]
    writes(lambda: move_money({house.budget.pk: Change(held_cents=100)}))()
    assert operator.get(path)["ETag"] == version
    assert operator.patch(path, {"limit_cents": 100}, etag=version).status_code == 200


def test_the_version_is_looked_at_in_the_transaction_of_the_edit(operator, house, monkeypatch):
    """Somebody else's edit lands between our look at the row and our transaction."""
    path = f"customers/{house.customer.pk}"
    version = operator.get(path)["ETag"]
    real = people.change_customer

    def late(*given, **terms):
        Customer.objects.filter(pk=house.customer.pk).update(name="Theirs")
        return real(*given, **terms)

    monkeypatch.setattr(people, "change_customer", late)
    assert code(operator.patch(path, {"name": "Ours"}, etag=version)) == (412, "stale")
    assert Customer.objects.get(pk=house.customer.pk).name == "Theirs"


def test_a_refused_edit_leaves_the_version(operator, house):
    path = f"budgets/{house.budget.pk}"
    writes(lambda: move_money({house.budget.pk: Change(held_cents=1000)}))()
    before = operator.get(path)["ETag"]
    response = operator.patch(path, {"limit_cents": 999})
    assert code(response) == (409, "limit_below_commitments")
    assert response.json()["facts"] == {"missing_cents": 1, "held_cents": 1000, "spent_cents": 0}
    assert operator.get(path)["ETag"] == before


def test_a_version_is_checked_even_by_a_verb_that_writes_nothing(operator, house, rf):
    row = Budget.objects.get(pk=house.budget.pk)
    request = rf.patch("/", headers={"if-match": '"0"'})
    with pytest.raises(etags.Stale):
        etags.edit(request, row, ("limit_cents",), lambda: None)
