"""Users of the host project: made with a profile, verified, given roles, linked to what was assigned to their address."""

from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from bursar.kernel import clock
from bursar.kernel.errors import BadInput, Refused
from bursar.people.addresses import BadAddress
from bursar.people.keys import key_of
from bursar.people.models import LearnerNumber, Membership, Person, Profile, Role
from bursar.people.models.members import FIRST_OWN_NUMBER
from bursar.people.selectors import Account, accounts_of, address_of
from bursar.people.services import (
    create_user,
    grant,
    link_user,
    mark_verified,
    next_learner_number,
    number_persons,
)
from bursar.people.verification import profile_says_so
from bursar.testing.factories import make_customer

pytestmark = pytest.mark.django_db
User = get_user_model()


def link(user):
    with transaction.atomic():
        return link_user(user)


def make_person(customer, email="ann@example.org", **facts):
    person = Person.objects.create(customer=customer, email=email, **facts)
    Membership.objects.create(customer=customer, person=person, role=Role.LEARNER)
    return person


def test_a_user_is_named_by_the_normal_form_of_the_address():
    user = create_user(" Ann@Example.org ", password="a long password", name="Ann", lms_user_id=77)
    row = User.objects.get()
    assert (row.username, row.email, row.first_name) == ("ann@example.org", "Ann@Example.org", "Ann")
    assert row.check_password("a long password")
    assert (user.bursar_profile.lms_user_id, user.bursar_profile.verified_key) == (77, key_of("ann@example.org"))


def test_a_name_with_what_no_database_takes_is_kept_without_it():
    create_user("ann@example.org", password=None, name="A\0nn")
    assert User.objects.get().first_name == "Ann"


def test_a_user_without_a_password_cannot_log_in_by_one():
    assert not create_user("ann@example.org", password=None).has_usable_password()


def test_a_user_without_a_learning_platform_gets_an_id_of_our_own():
    numbers = [create_user(f"{name}@example.org", password=None).bursar_profile.lms_user_id for name in ("ann", "ben")]
    assert all(number > FIRST_OWN_NUMBER == 10**9 for number in numbers)
    assert numbers[0] != numbers[1]


def test_numbers_of_our_own_are_never_given_twice():
    first = next_learner_number()
    LearnerNumber.objects.all().delete()
    assert next_learner_number() > first


def test_an_address_can_be_left_unverified():
    assert create_user("ann@example.org", password=None, verified=False).bursar_profile.verified_key == ""


@pytest.mark.parametrize("email", ["", "nobody", "ann@", "ann@example.org, ben@example.org"])
def test_what_is_no_address_makes_no_user(email):
    with pytest.raises(BadAddress):
        create_user(email, password=None)
    assert not User.objects.exists()


def test_an_address_has_one_user_however_it_is_spelled():
    create_user("ann@example.org", password=None)
    with pytest.raises(Refused) as caught:
        create_user("ANN@Example.org", password=None)
    assert caught.value.code == "user_exists"
    assert (User.objects.count(), Profile.objects.count()) == (1, 1)


def test_an_id_of_the_learning_platform_has_one_user():
    create_user("ann@example.org", password=None, lms_user_id=77)
    with pytest.raises(Refused) as caught:
        create_user("ben@example.org", password=None, lms_user_id=77)
    assert caught.value.code == "lms_user_id_taken"
    assert User.objects.count() == 1


@pytest.mark.parametrize("number", [0, -1, 2**31])
def test_an_id_that_no_assignment_can_hold_is_refused(number):
    with pytest.raises(BadInput) as caught:
        create_user("ann@example.org", password=None, lms_user_id=number)
    assert caught.value.code == "invalid_lms_user_id"
    assert not User.objects.exists()


def test_an_address_too_long_for_a_user_name_is_refused():
    longest = User._meta.get_field("username").max_length
    with pytest.raises(BadInput) as caught:
        create_user(f"ann@{'.'.join(['example'] * 30)}.org"[: longest + 80], password=None)
    assert caught.value.code == "too_long"


def test_whoever_accepted_without_an_account_keeps_their_id():
    person = make_person(make_customer(), lms_user_id=FIRST_OWN_NUMBER + 5)
    assert create_user("ANN@example.org", password=None).bursar_profile.lms_user_id == person.lms_user_id


def test_nobody_gets_the_id_of_an_address_that_is_not_proven_to_be_theirs():
    person = make_person(make_customer(), lms_user_id=FIRST_OWN_NUMBER + 5)
    user = create_user("ann@example.org", password=None, verified=False)
    assert user.bursar_profile.lms_user_id != person.lms_user_id


def test_an_id_that_somebody_else_has_meanwhile_is_not_given_again():
    make_person(make_customer(), lms_user_id=FIRST_OWN_NUMBER + 5)
    create_user("ben@example.org", password=None, lms_user_id=FIRST_OWN_NUMBER + 5)
    user = create_user("ann@example.org", password=None)
    assert user.bursar_profile.lms_user_id not in (None, FIRST_OWN_NUMBER + 5)


def test_verifying_notes_the_address_that_the_user_has_now():
    user = create_user("ann@example.org", password=None, verified=False, lms_user_id=77)
    assert not profile_says_so(user)
    mark_verified(user)
    assert profile_says_so(user)
    assert Profile.objects.get().lms_user_id == 77


def test_a_user_of_the_host_project_gets_a_profile_by_being_verified():
    user = User.objects.create(username="ann", email="Ann@example.org")
    mark_verified(user)
    profile = Profile.objects.get(user=user)
    assert profile.verified_key == key_of("ann@example.org")
    assert profile.lms_user_id > FIRST_OWN_NUMBER


def test_another_address_must_be_proven_anew():
    user = create_user("ann@example.org", password=None)
    user.email = "ANN@EXAMPLE.ORG"
    assert profile_says_so(user)
    user.email = "ben@example.org"
    assert not profile_says_so(user)


@pytest.mark.parametrize("email", ["", None])
def test_a_user_without_an_address_has_proven_none(email):
    user = User(username="ann", email=email)
    assert address_of(user) == ""
    assert not profile_says_so(user)
    with pytest.raises(BadAddress):
        mark_verified(user)


def test_a_user_without_a_profile_has_proven_nothing():
    assert not profile_says_so(User.objects.create(username="ann", email="ann@example.org"))


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_given_once(role):
    customer, user = make_customer(), create_user("ann@example.org", password=None)
    first = grant(user.pk, role, customer.pk)
    assert grant(user.pk, role, customer.pk) == first
    assert (first.user_id, first.customer_id, first.role) == (user.pk, customer.pk, role)
    assert Membership.objects.count() == 1


def test_an_operator_may_be_one_everywhere_once():
    user = create_user("ann@example.org", password=None)
    assert grant(user.pk, "operator", None) == grant(user.pk, "operator", None)
    assert Membership.objects.get().customer is None
    assert grant(user.pk, "operator", make_customer().pk).customer is not None


@pytest.mark.parametrize(("role", "code"), [("learner", "missing_customer"), ("admin", "missing_customer")])
def test_nobody_else_has_a_role_everywhere(role, code):
    user = create_user("ann@example.org", password=None)
    with pytest.raises(BadInput) as caught:
        grant(user.pk, role, None)
    assert caught.value.code == code
    assert not Membership.objects.exists()


def test_a_role_that_there_is_not_is_refused():
    user = create_user("ann@example.org", password=None)
    with pytest.raises(BadInput) as caught:
        grant(user.pk, "queen", make_customer().pk)
    assert caught.value.code == "unknown_role"


def test_linking_joins_the_persons_of_every_customer():
    customers = [make_customer(), make_customer()]
    persons = [
        make_person(customer, email)
        for customer, email in zip(customers, ["ann@example.org", "ANN@example.org"], strict=True)
    ]
    other = make_person(customers[0], "ben@example.org")
    user = create_user("Ann@example.org", password=None, lms_user_id=77)
    answer = link(user)
    assert (answer.user_id, answer.lms_user_id, answer.address_key) == (user.pk, 77, key_of("ann@example.org"))
    for person in persons:
        person.refresh_from_db()
        assert person.lms_user_id == 77
        assert Membership.objects.get(person=person).user_id == user.pk
    other.refresh_from_db()
    assert (other.lms_user_id, Membership.objects.get(person=other).user_id) == (None, None)


def test_linking_replaces_an_id_of_our_own_by_that_of_the_learning_platform():
    person = make_person(make_customer(), lms_user_id=FIRST_OWN_NUMBER + 5)
    link(create_user("ann@example.org", password=None, lms_user_id=77))
    person.refresh_from_db()
    assert person.lms_user_id == 77


def test_linking_a_user_of_the_host_project_makes_a_profile():
    person = make_person(make_customer(), lms_user_id=FIRST_OWN_NUMBER + 5)
    user = User.objects.create(username="ann", email="ann@example.org")
    assert link(user).lms_user_id == person.lms_user_id
    assert Profile.objects.get(user=user).lms_user_id == person.lms_user_id


def test_linking_again_changes_nothing_and_uses_up_no_number():
    make_person(make_customer())
    user = create_user("ann@example.org", password=None)
    first, numbers = link(user), LearnerNumber.objects.count()
    assert link(user) == first
    assert LearnerNumber.objects.count() == numbers
    assert Membership.objects.count() == 1


def test_linking_leaves_a_pending_membership_where_the_user_has_the_role_already():
    customer = make_customer()
    person = make_person(customer)
    user = create_user("ann@example.org", password=None)
    grant(user.pk, Role.LEARNER, customer.pk)
    link(user)
    assert Membership.objects.get(person=person).pending
    assert Membership.objects.filter(user=user).count() == 1


def test_linking_passes_erased_persons_by():
    person = make_person(make_customer(), erased_at=clock.now())
    link(create_user("ann@example.org", password=None, lms_user_id=77))
    person.refresh_from_db()
    assert (person.lms_user_id, Membership.objects.get(person=person).user_id) == (None, None)


def test_accounts_say_who_is_behind_an_address():
    customer = make_customer()
    person = make_person(customer, lms_user_id=FIRST_OWN_NUMBER + 5)
    ben = create_user("ben@example.org", password=None, lms_user_id=78)
    cem = make_person(customer, "cem@example.org", lms_user_id=FIRST_OWN_NUMBER + 6)
    cem_user = create_user("cem@example.org", password=None, lms_user_id=79)
    make_person(make_customer(), "elsewhere@example.org")
    create_user("unproven@example.org", password=None, verified=False)
    names = ("ann", "ben", "cem", "elsewhere", "unproven", "nobody")
    found = accounts_of(customer.pk, [key_of(f"{name}@example.org") for name in names])
    assert found == {
        key_of("ann@example.org"): Account(person.pk, None, FIRST_OWN_NUMBER + 5),
        key_of("ben@example.org"): Account(None, ben.pk, 78),
        key_of("cem@example.org"): Account(cem.pk, cem_user.pk, 79),
    }


def test_accounts_of_many_take_two_statements(django_assert_num_queries):
    keys = [key_of(f"user{number}@example.org") for number in range(100)]
    with django_assert_num_queries(2):
        accounts_of(uuid4(), keys)


def test_numbering_gives_an_id_to_those_without_and_keeps_the_others():
    customer = make_customer()
    ann, ben = make_person(customer, lms_user_id=77), make_person(customer, "ben@example.org")
    make_person(make_customer(), "cem@example.org")
    keys = [key_of(f"{name}@example.org") for name in ("ann", "ben", "cem", "nobody")]
    with transaction.atomic():
        found = number_persons(customer.pk, keys)
    ben.refresh_from_db()
    assert found == {ann.address_key: 77, ben.address_key: ben.lms_user_id}
    assert ben.lms_user_id > FIRST_OWN_NUMBER
    with transaction.atomic():
        assert number_persons(customer.pk, keys) == found


def test_numbering_many_gives_each_another_id_in_as_many_statements(django_assert_max_num_queries):
    customer = make_customer()

    def statements(names):
        keys = [make_person(customer, f"{name}@example.org").address_key for name in names]
        with transaction.atomic(), django_assert_max_num_queries(20) as seen:
            numbers = number_persons(customer.pk, keys)
        assert len(set(numbers.values())) == len(names)
        return len(seen)

    assert statements(["one"]) == statements([f"many{number}" for number in range(60)])


def test_an_operator_here_is_none_elsewhere_by_the_database_itself():
    user, customer = create_user("ann@example.org", password=None), make_customer()
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=user, role=Role.ADMIN)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(customer=customer, role=Role.ADMIN)
