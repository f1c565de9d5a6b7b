"""The fields of an address and of its key: filled by themselves, in every write."""

import pytest
from django.core.exceptions import ValidationError

from bursar.people.keys import AddressField, AddressKeyField, key_of, keys_of
from bursar.people.models import Person
from bursar.testing.factories import make_customer

pytestmark = pytest.mark.django_db


def test_the_key_is_filled_by_every_write():
    customer = make_customer()
    saved = Person.objects.create(customer=customer, email="Ann@Example.org")
    (bulk,) = Person.objects.bulk_create([Person(customer=customer, email="Ben@Example.org")])
    assert (saved.address_key, bulk.address_key) == (key_of("ann@example.org"), key_of("ben@example.org"))
    saved.email = "Cem@Example.org"
    saved.save()
    assert Person.objects.get(pk=saved.pk).address_key == key_of("cem@example.org")


@pytest.mark.parametrize("text", ["no address", "NO Address ", "", "ann@"])
def test_text_that_is_no_address_has_a_key_too(text):
    assert key_of(text) == key_of(text.strip().upper())
    assert len(key_of(text)) == 64


def test_keys_of_many_are_those_of_each():
    normal = ["ann@example.org", "ben@example.org"]
    assert keys_of(normal) == [key_of(address) for address in normal]


@pytest.mark.parametrize(
    "address", ["ann@example.org", "josé@bücher.example", "o'hara+x@example.org", "用户@例え.テスト"]
)
def test_every_address_that_has_a_normal_form_is_valid(address):
    AddressField().run_validators(address)


@pytest.mark.parametrize("address", ["nobody", "ann@", "ann@example", "a b@example.org", f"{'a' * 65}@example.org"])
def test_what_has_none_is_invalid_and_is_not_repeated(address):
    with pytest.raises(ValidationError) as caught:
        AddressField().run_validators(address)
    assert address not in " ".join(caught.value.messages)


def test_an_empty_address_is_for_blank_to_refuse():
    AddressField().run_validators("")


def test_the_key_remembers_its_source_in_migrations():
    _, path, _, options = AddressKeyField(source="learner_email").deconstruct()
    assert path == "bursar.people.keys.AddressKeyField"
    assert options["source"] == "learner_email"
