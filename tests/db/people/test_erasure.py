"""erase_persons: the row stays for what points at it, and nobody can read who it was."""

import re

import pytest
from django.db import transaction
from tests.db.records.rows import DAY, NOON

from bursar.kernel import clock
from bursar.people.keys import key_of
from bursar.people.models import Membership, Person, Role
from bursar.people.services import erase_persons
from bursar.testing.factories import make_customer

pytestmark = pytest.mark.django_db
RETIRED = re.compile(r"retired_user[0-9a-f]{16}@retired\.invalid")


def make_person(email="ann@example.org", **facts):
    return Person.objects.create(
        customer=make_customer(), email=email, name="Ann", department="Sales", language="de",
        time_zone="Europe/Vienna", manager_email="boss@example.org", mail_suppressed_reason="bounced: ann@…",
        mail_suppressed_at=NOON, lms_user_id=77, created=NOON, modified=NOON, **facts,
    )  # fmt: skip


def erase(*persons, at=NOON + DAY):
    with clock.at(at), transaction.atomic():
        return erase_persons([person.pk for person in persons])


def test_everything_personal_goes():
    person = make_person()
    assert erase(person) == 1
    row = Person.objects.values().get(pk=person.pk)
    assert RETIRED.fullmatch(row["email"])
    assert row["address_key"] == key_of(row["email"]) != key_of("ann@example.org")
    for name in ("name", "department", "language", "time_zone", "manager_email", "mail_suppressed_reason"):
        assert row[name] == ""
    assert (row["erased_at"], row["modified"]) == (NOON + DAY, NOON + DAY)


def test_ids_and_dates_stay():
    person = make_person()
    erase(person)
    row = Person.objects.get(pk=person.pk)
    assert (row.customer_id, row.lms_user_id, row.created, row.mail_suppressed_at) == (
        person.customer_id, 77, NOON, NOON,
    )  # fmt: skip


def test_erasing_again_changes_nothing():
    person = make_person()
    erase(person)
    before = Person.objects.values().get(pk=person.pk)
    assert erase(person, at=NOON + 2 * DAY) == 0
    assert Person.objects.values().get(pk=person.pk) == before


def test_others_stay():
    person, other = make_person(), make_person("ben@example.org")
    erase(person)
    assert Person.objects.get(pk=other.pk).name == "Ann"


def test_every_erased_person_is_unlike_every_other():
    erase(*(make_person(f"{number}@example.org") for number in range(3)))
    rows = Person.objects.values_list("email", "address_key", "name")
    assert len({key for _, key, _ in rows}) == 3
    assert all(RETIRED.fullmatch(email) and key == key_of(email) and name == "" for email, key, name in rows)


def test_memberships_stay():
    person = make_person()
    Membership.objects.create(customer=person.customer, person=person, role=Role.LEARNER)
    erase(person)
    assert Membership.objects.get().person == person


def test_the_address_can_be_known_again():
    person = make_person()
    erase(person)
    assert Person.objects.create(customer=person.customer, email="ann@example.org").pk != person.pk


def test_many_cost_as_many_statements_as_one(django_assert_max_num_queries):
    def statements(count):
        persons = [make_person(f"{count}-{number}@example.org") for number in range(count)]
        with transaction.atomic(), django_assert_max_num_queries(20) as seen:
            erase_persons([person.pk for person in persons])
        return len(seen)

    assert statements(1) == statements(40)


def test_nobody_is_nobody():
    assert erase() == 0
