"""Members: listed by role and address page by page; a role changed for another; the last admin stays."""

import pytest

from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.people.keys import key_of
from bursar.people.members import member_at, members_at
from bursar.people.models import Membership, Role
from bursar.people.services import add_member, take_role
from bursar.testing.factories import make_customer, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return make_customer("Acme")


def of(customer, actor):
    return Membership.objects.get(customer=customer, user=actor.user_id)


def test_they_are_listed_by_role_page_by_page(acme):
    for number in range(5):
        add_member(acme.pk, f"lea{number}@example.org", Role.LEARNER)
    make_member(acme)
    first = members_at(acme.pk, [Role.LEARNER], limit=3)
    second = members_at(acme.pk, [Role.LEARNER], after=first.rows[-1].pk, limit=3)
    assert (len(first.rows), first.more, len(second.rows), second.more) == (3, True, 2, False)
    assert len(members_at(acme.pk).rows) == 6


def test_they_are_found_by_an_address_that_is_known_or_proven(acme):
    add_member(acme.pk, "lea@example.org", Role.LEARNER)
    actor = make_member(acme, email="bo@example.org")
    assert [row.person.email for row in members_at(acme.pk, address_key=key_of("lea@example.org")).rows] == [
        "lea@example.org"
    ]
    assert [row.user_id for row in members_at(acme.pk, address_key=key_of("bo@example.org")).rows] == [actor.user_id]
    assert members_at(make_customer("Other").pk, address_key=key_of("bo@example.org")).rows == []


def test_one_of_another_customer_is_not_found(acme):
    row = of(acme, make_member(acme))
    with pytest.raises(NotFound):
        member_at(make_customer("Other").pk, row.pk)


def test_a_role_is_changed_for_another_and_again_changes_nothing(acme):
    make_member(acme)
    row = of(acme, make_member(acme))
    now = take_role(row.pk, Role.LEARNER, actor=CONSOLE)
    assert (now.role, now.user_id) == (Role.LEARNER, row.user_id)
    assert take_role(now.pk, Role.LEARNER, actor=CONSOLE) == now
    assert Membership.objects.filter(user=row.user_id).count() == 1


def test_whoever_has_the_other_role_already_keeps_one(acme):
    admin = add_member(acme.pk, "lea@example.org", Role.ADMIN)  # and a learner, as everybody who is known
    assert take_role(admin.pk, Role.LEARNER, actor=CONSOLE).role == Role.LEARNER
    assert Membership.objects.filter(person=admin.person_id).count() == 1


def test_the_last_admin_with_an_account_stays(acme):
    row = of(acme, make_member(acme))
    add_member(acme.pk, "pending@example.org", Role.ADMIN)
    for role in ("", Role.LEARNER):
        with pytest.raises(Refused) as refused:
            take_role(row.pk, role, actor=CONSOLE)
        assert refused.value.code == "last_admin"
    make_member(acme)
    assert take_role(row.pk, actor=CONSOLE) is None


def test_what_is_no_role_or_no_member_is_refused(acme):
    row = of(acme, make_member(acme))
    with pytest.raises(BadInput):
        take_role(row.pk, "queen", actor=CONSOLE)
    with pytest.raises(NotFound):
        take_role(acme.pk, actor=CONSOLE)
