"""know_many: persons by address before there is an account, and their membership as learners."""

from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from tests.db.records.rows import DAY, NOON

from bursar.kernel import clock
from bursar.people.keys import key_of
from bursar.people.models import Membership, Person, Role
from bursar.people.selectors import accounts_of
from bursar.people.services import Known, create_user, grant, know_many
from bursar.testing.factories import make_customer

pytestmark = pytest.mark.django_db
DETAILS = ("name", "department", "language", "time_zone", "manager_email")
ANN = {
    "name": "Ann",
    "department": "Sales",
    "language": "de",
    "time_zone": "Europe/Vienna",
    "manager_email": "boss@example.org",
}


@pytest.fixture
def customer():
    return make_customer()


def known(email, **details):
    return Known(email, key_of(email), **details)


def know(customer, *people, at=NOON):
    """Let a customer know these people, as an allocation does."""
    with clock.at(at), transaction.atomic():
        know_many(customer.pk, people, accounts_of(customer.pk, [person.key for person in people]))


def memberships(customer):
    rows = Membership.objects.filter(customer=customer).order_by("created", "person__email")
    return [(row.person and row.person.email, row.user_id, row.role) for row in rows.select_related("person")]


def details(email):
    return Person.objects.filter(address_key=key_of(email)).values(*DETAILS).get()


def test_somebody_new_becomes_a_person_with_a_pending_membership(customer):
    know(customer, known("Ann@Example.org", **ANN))
    person = Person.objects.get()
    assert (person.customer, person.email, person.address_key) == (
        customer,
        "Ann@Example.org",
        key_of("ann@example.org"),
    )
    assert details("ann@example.org") == ANN
    assert (person.lms_user_id, person.erased_at, person.created, person.modified) == (None, None, NOON, NOON)
    assert memberships(customer) == [("Ann@Example.org", None, "learner")]
    assert Membership.objects.get().pending


def test_somebody_known_is_neither_made_nor_enrolled_again(customer):
    for _ in range(2):
        know(customer, known("ann@example.org"))
    assert Person.objects.count() == Membership.objects.count() == 1


def test_another_spelling_is_the_same_person_and_the_first_one_stays(customer):
    know(customer, known("ann@example.org"))
    know(customer, known("ANN@Example.org"))
    assert Person.objects.get().email == "ann@example.org"


def test_new_details_are_taken_over_and_blank_ones_never_are(customer):
    know(customer, known("ann@example.org", **ANN))
    know(customer, known("ann@example.org", name="Ann O."), at=NOON + DAY)
    assert details("ann@example.org") == {**ANN, "name": "Ann O."}
    assert Person.objects.get().modified == NOON + DAY


def test_what_says_nothing_new_writes_nothing(customer):
    know(customer, known("ann@example.org", **ANN))
    know(customer, known("ann@example.org", **ANN), at=NOON + DAY)
    know(customer, known("ann@example.org"), at=NOON + DAY)
    assert Person.objects.get().modified == NOON


def test_each_customer_knows_a_person_of_its_own(customer):
    other = make_customer()
    know(customer, known("ann@example.org", name="Ann"))
    know(other, known("ann@example.org", name="Anna"))
    assert sorted(Person.objects.values_list("customer", "name")) == sorted([(customer.pk, "Ann"), (other.pk, "Anna")])
    assert len(memberships(customer)) == len(memberships(other)) == 1


def test_somebody_with_a_verified_user_becomes_a_member_at_once(customer):
    user = create_user("ann@example.org", password=None, lms_user_id=77)
    know(customer, known("Ann@example.org"))
    assert memberships(customer) == [("Ann@example.org", user.pk, "learner")]
    assert Person.objects.get().lms_user_id == 77


def test_an_address_that_is_not_verified_links_nobody(customer):
    create_user("ann@example.org", password=None, lms_user_id=77, verified=False)
    know(customer, known("ann@example.org"))
    assert memberships(customer) == [("ann@example.org", None, "learner")]
    assert Person.objects.get().lms_user_id is None


def test_a_user_who_is_a_learner_there_already_is_not_enrolled_twice(customer):
    user = create_user("ann@example.org", password=None)
    grant(user.pk, Role.LEARNER, customer.pk)
    know(customer, known("ann@example.org"))
    assert Membership.objects.filter(user=user).count() == 1
    assert Membership.objects.filter(person__isnull=False, user=None).count() == 1


def test_an_admin_becomes_a_learner_beside(customer):
    user = create_user("ann@example.org", password=None)
    grant(user.pk, Role.ADMIN, customer.pk)
    know(customer, known("ann@example.org"))
    assert sorted(Membership.objects.filter(user=user).values_list("role", flat=True)) == ["admin", "learner"]


def test_a_learner_elsewhere_becomes_one_here(customer):
    user = create_user("ann@example.org", password=None)
    grant(user.pk, Role.LEARNER, make_customer().pk)
    know(customer, known("ann@example.org"))
    assert memberships(customer) == [("ann@example.org", user.pk, "learner")]


def test_a_person_whose_membership_is_missing_gets_it(customer):
    know(customer, known("ann@example.org"))
    Membership.objects.all().delete()
    know(customer, known("ann@example.org"))
    assert len(memberships(customer)) == 1


def test_an_erased_person_is_not_met_again(customer):
    know(customer, known("ann@example.org"))
    Person.objects.update(email="retired_user0@retired.invalid", address_key=key_of("retired_user0@retired.invalid"))
    know(customer, known("ann@example.org"))
    assert Person.objects.count() == 2


def test_a_mixture_is_done_in_one_call(customer):
    know(customer, known("old@example.org"))
    user = create_user("user@example.org", password=None)
    know(customer, known("new@example.org"), known("old@example.org", name="Old"), known("user@example.org"))
    assert Person.objects.count() == 3
    assert details("old@example.org")["name"] == "Old"
    assert {user_id for _, user_id, _ in memberships(customer)} == {None, user.pk}


def test_nobody_is_nobody(customer):
    know(customer)
    assert not Person.objects.exists()


def test_it_must_be_part_of_a_transaction():
    with pytest.raises(transaction.TransactionManagementError):
        _outside_of_any(lambda: know_many(uuid4(), [], {}))


def _outside_of_any(function):
    """Run a function as if no transaction were open."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bursar.kernel.transactions.connection", type("Closed", (), {"in_atomic_block": False}))
        return function()


@pytest.mark.parametrize("there", [False, True])
def test_a_hundred_cost_as_many_statements_as_one(customer, there):
    def statements(count, prefix):
        people = [known(f"{prefix}{number}@example.org") for number in range(count)]
        for number in range(0, count, 2):
            create_user(f"{prefix}{number}@example.org", password=None)
        if there:
            know(customer, *people)
        people = [known(person.email, name="New") for person in people]
        accounts = accounts_of(customer.pk, [person.key for person in people])
        with transaction.atomic(), CaptureQueriesContext(connection) as seen:
            know_many(customer.pk, people, accounts)
        inserts = [query for query in seen if query["sql"].startswith("INSERT")]  # SQLite lists each row of a batch
        return len(seen) - len(inserts) + len({query["sql"][:60] for query in inserts})

    assert statements(1, "one") == statements(100, "many")


def test_nothing_personal_is_in_what_may_be_logged(customer):
    assert "ann" not in str(Person(customer=customer, email="ann@example.org")).lower()
