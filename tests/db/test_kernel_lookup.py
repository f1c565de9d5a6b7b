"""People name a row by its uuid, or by a name that only one row has."""

from uuid import uuid4

import pytest

from bursar.kernel.errors import NotFound, Refused
from bursar.kernel.lookup import as_uuid, find_one
from bursar.people.models import Customer

pytestmark = pytest.mark.django_db


def test_a_row_is_found_by_its_uuid_or_by_its_only_name():
    acme = Customer.objects.create(name="Acme", slug="acme")
    Customer.objects.create(name="Other", slug="other")
    for reference in (acme.pk, str(acme.pk), str(acme.pk).upper(), acme.pk.hex, "Acme"):
        assert find_one(Customer.objects.all(), reference, name="name") == acme


@pytest.mark.parametrize("reference", ["acme", "Acme ", "", str(uuid4()), "Acme%"])
def test_what_is_not_there_is_not_found(reference):
    Customer.objects.create(name="Acme", slug="acme")
    with pytest.raises(NotFound, match="no such customer"):
        find_one(Customer.objects.all(), reference, name="name")


def test_a_name_that_several_have_names_none_of_them_and_their_uuids_are_told():
    acme = [Customer.objects.create(name="Acme", slug=slug) for slug in ("a", "b")]
    with pytest.raises(Refused) as refusal:
        find_one(Customer.objects.all(), "Acme", name="name")
    assert refusal.value.code == "ambiguous_name"
    assert sorted(refusal.value.facts["found"]) == sorted(str(one.pk) for one in acme)
    assert find_one(Customer.objects.all(), acme[1].pk, name="name") == acme[1]


def test_only_the_rows_given_are_looked_at():
    acme = Customer.objects.create(name="Acme", slug="acme", active=False)
    with pytest.raises(NotFound):
        find_one(Customer.objects.filter(active=True), acme.pk, name="name")


def test_text_is_a_uuid_or_it_is_none():
    key = uuid4()
    assert as_uuid(key) is key
    assert as_uuid(str(key)) == key
    assert as_uuid("Acme") is None
