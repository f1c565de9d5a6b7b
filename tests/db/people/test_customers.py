"""Customers: how they are made, named and found."""

import pytest
from django.core.exceptions import ValidationError

from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.people.models import Customer
from bursar.people.selectors import find_customer
from bursar.people.services import create_customer

pytestmark = pytest.mark.django_db


def test_a_customer_is_made_with_a_slug_of_its_name():
    customer = create_customer("  Acme & Sons Ltd ", contact_email="hr@acme.example", brand_color="#000000")
    row = Customer.objects.get()
    assert (row.pk, row.name, row.slug) == (customer.pk, "Acme & Sons Ltd", "acme-sons-ltd")
    assert (row.contact_email, row.brand_color, row.language, row.time_zone) == (
        "hr@acme.example",
        "#000000",
        "en",
        "UTC",
    )
    assert row.active


def test_a_name_without_letters_still_gets_a_slug():
    assert len(create_customer("株式会社").slug) == 8


def test_a_long_name_gets_a_slug_that_fits():
    assert create_customer("a" * 200).slug == "a" * 80


def test_a_given_slug_is_taken():
    assert create_customer("Acme", slug="acme-2").slug == "acme-2"


def test_a_slug_that_is_taken_is_refused():
    create_customer("Acme")
    with pytest.raises(Refused) as caught:
        create_customer("ACME")
    assert caught.value.code == "slug_taken"
    assert Customer.objects.count() == 1


@pytest.mark.parametrize("name", ["", "   ", "\t"])
def test_a_customer_needs_a_name(name):
    with pytest.raises(BadInput) as caught:
        create_customer(name)
    assert caught.value.code == "missing_name"
    assert not Customer.objects.exists()


@pytest.mark.parametrize("details", [{"contact_email": "nobody"}, {"logo_url": "no address"}])
def test_details_that_are_none_are_refused(details):
    with pytest.raises(ValidationError):
        create_customer("Acme", **details)
    assert not Customer.objects.exists()


def test_changes_are_history():
    customer = create_customer("Acme")
    customer.name = "Acme Ltd"
    customer.save()
    rows = customer.history.order_by("history_id").values_list("history_type", "name")
    assert list(rows) == [("+", "Acme"), ("~", "Acme Ltd")]


def test_customers_are_listed_by_name():
    for name in ("Beta", "Acme", "Gamma"):
        create_customer(name)
    assert [customer.name for customer in Customer.objects.all()] == ["Acme", "Beta", "Gamma"]


def test_a_customer_is_found_by_uuid_or_slug():
    customer = create_customer("Acme")
    for reference in (customer.pk, str(customer.pk), "acme"):
        assert find_customer(reference, None) == customer
        assert find_customer(reference, frozenset({customer.pk})) == customer


def test_a_customer_of_somebody_else_is_not_found():
    customer, other = create_customer("Acme"), create_customer("Beta")
    for reference in (customer.pk, "acme", "Acme", "nothing"):
        with pytest.raises(NotFound):
            find_customer(reference, frozenset({other.pk}))
    with pytest.raises(NotFound):
        find_customer("acme", frozenset())


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"slug": "Acme Ltd"}, "invalid_slug"),
        ({"slug": "-acme"}, "invalid_slug"),
        ({"slug": "a" * 81}, "invalid_slug"),
        ({"language": "german!"}, "invalid_language"),
        ({"time_zone": "Mars/Olympus"}, "invalid_time_zone"),
        ({"brand_color": "red"}, "invalid_color"),
        ({"brand_color": "#12345"}, "invalid_color"),
    ],
)
def test_details_that_mails_could_not_use_are_refused(details, code):
    with pytest.raises(BadInput) as caught:
        create_customer("Acme", **details)
    assert caught.value.code == code
    assert not Customer.objects.exists()


def test_details_are_kept_as_mails_need_them():
    customer = create_customer(
        "Acme", language="PT_br", time_zone="europe/vienna", brand_color="#AbCdEf", show_price=True
    )
    row = Customer.objects.get(pk=customer.pk)
    assert (row.language, row.time_zone, row.brand_color, row.show_price) == ("pt-br", "Europe/Vienna", "#AbCdEf", True)
