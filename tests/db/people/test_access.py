"""May this actor: every role and permission, and no organisation for another (promise 4)."""

from dataclasses import replace
from uuid import uuid4

import pytest
from tests.db.records.rows import DAY

from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, SYSTEM, TICK, WORKER, Actor
from bursar.kernel.errors import NotFound
from bursar.people.access import Permission, customers, require, visible
from bursar.people.models import Customer, Membership, Person, Role
from bursar.people.services import create_user, grant
from bursar.people.tokens import create_token, revoke_token
from bursar.testing.factories import make_customer, make_member

pytestmark = pytest.mark.django_db
MAY = {
    "learner": {"budgets.read", "assignments.learn"},
    "admin": {"budgets.read", "assignments.allocate", "assignments.manage", "assignments.learn",
        "notifications.write", "customer.administer", "customer.read"},
    "operator": {
        "budgets.read", "budgets.write", "assignments.allocate", "assignments.manage", "assignments.learn",
        "configuration.write", "notifications.write", "customer.administer", "customer.read",
    },
}  # fmt: skip
EVERY_ROLE = [(role, permission) for role in MAY for permission in Permission]


@pytest.fixture
def here():
    return make_customer()


@pytest.fixture
def elsewhere():
    return make_customer()


def client(token):
    """Return the actor that a token makes."""
    return Actor("client", str(token.token.pk), token.token.user_id)


@pytest.mark.parametrize(("role", "permission"), EVERY_ROLE)
def test_a_role_permits_what_it_includes_where_it_is_held_and_nothing_elsewhere(role, permission, here, elsewhere):
    actor = make_member(here, role)
    may = permission.value in MAY[role]
    assert customers(actor, permission) == (frozenset({here.pk}) if may else frozenset())
    if may:
        require(actor, permission, here.pk)
    else:
        with pytest.raises(NotFound):
            require(actor, permission, here.pk)
    with pytest.raises(NotFound):
        require(actor, permission, elsewhere.pk)


@pytest.mark.parametrize(("role", "permission"), EVERY_ROLE)
def test_a_token_of_a_role_permits_what_the_role_includes(role, permission, here):
    actor = client(create_token("Token", customer=here.pk, role=role))
    assert customers(actor, permission) == (frozenset({here.pk}) if permission.value in MAY[role] else frozenset())


@pytest.mark.parametrize("permission", list(Permission))
def test_an_operator_without_a_customer_may_everything_everywhere(permission, here):
    for actor in (make_member(None, "operator"), client(create_token("Token", role="operator"))):
        assert customers(actor, permission) is None
        require(actor, permission, here.pk)


def test_the_roles_of_a_signed_token_count_beside_the_memberships(here, elsewhere):
    member = make_member(here, "learner")
    signed = replace(member, roles=(f"admin:{elsewhere.pk}", f"learner:{elsewhere.pk}", "owner:*", "admin:nowhere"))
    assert customers(signed, Permission.LEARN) == {here.pk, elsewhere.pk}
    assert customers(signed, Permission.MANAGE) == {elsewhere.pk}


def test_a_signed_token_grants_what_the_role_includes_everywhere(here):
    assert customers(Actor("person", "ann", roles=("operator:*",)), Permission.CONFIGURE) is None
    assert customers(Actor("person", "ann", roles=("admin:*",)), Permission.MANAGE) is None
    assert customers(Actor("person", "ann", roles=("admin:*",)), Permission.CONFIGURE) == frozenset()
    assert customers(Actor("person", "ann", roles=("learner:*",)), Permission.LEARN) is None
    assert customers(Actor("person", "ann", roles=("learner:*",)), Permission.MANAGE) == frozenset()
    assert customers(Actor("person", "ann", roles=(f"operator:{here.pk}",)), Permission.CONFIGURE) == {here.pk}


@pytest.mark.parametrize("actor", [SYSTEM, TICK, WORKER, CONSOLE])
@pytest.mark.parametrize("permission", list(Permission))
def test_the_system_its_jobs_and_the_console_may_everything(actor, permission, here):
    assert customers(actor, permission) is None
    require(actor, permission, here.pk)


@pytest.mark.parametrize(
    "actor",
    [
        Actor("person", "nobody"),
        Actor("person", "a stranger", user_id=10**6),
        Actor("client", "no uuid"),
        Actor("client", str(uuid4())),
        Actor("client", str(uuid4()), user_id=1),
    ],
)
@pytest.mark.parametrize("permission", list(Permission))
def test_unknown_actors_may_nothing(actor, permission, here):
    assert customers(actor, permission) == frozenset()
    with pytest.raises(NotFound):
        require(actor, permission, here.pk)


def test_roles_at_several_customers_add_up_by_permission(here, elsewhere):
    user = create_user("ann@example.org", password=None)
    grant(user.pk, "admin", here.pk)
    grant(user.pk, "learner", elsewhere.pk)
    actor = Actor("person", "ann", user_id=user.pk)
    assert customers(actor, Permission.MANAGE) == {here.pk}
    assert customers(actor, Permission.LEARN) == {here.pk, elsewhere.pk}


def test_a_pending_membership_permits_nobody(here):
    person = Person.objects.create(customer=here, email="ann@example.org")
    Membership.objects.create(customer=here, person=person, role=Role.LEARNER)
    assert customers(Actor("person", "ann", user_id=None), Permission.LEARN) == frozenset()


def test_a_membership_taken_away_permits_nothing_from_then_on(here):
    actor = make_member(here, "admin")
    Membership.objects.filter(user_id=actor.user_id).delete()
    assert customers(actor, Permission.MANAGE) == frozenset()


def test_a_token_of_a_user_permits_what_the_user_may(here):
    user = create_user("ann@example.org", password=None)
    grant(user.pk, "admin", here.pk)
    actor = client(create_token("Token", user_id=user.pk))
    assert customers(actor, Permission.MANAGE) == {here.pk}
    assert customers(actor, Permission.CONFIGURE) == frozenset()


def test_a_token_permits_no_more_than_its_scopes(here):
    token = create_token("Token", customer=here.pk, role="admin", scopes=["budgets.read", "configuration.write"])
    assert customers(client(token), Permission.READ_BUDGETS) == {here.pk}
    assert customers(client(token), Permission.MANAGE) == frozenset()
    assert customers(client(token), Permission.CONFIGURE) == frozenset()


def test_a_token_revoked_or_over_permits_nothing(here):
    token = create_token("Token", customer=here.pk, role="admin", expires_at=clock.now() + DAY)
    assert customers(client(token), Permission.MANAGE) == {here.pk}
    with clock.at(clock.now() + DAY):
        assert customers(client(token), Permission.MANAGE) == frozenset()
    revoke_token(token.token.pk)
    assert customers(client(token), Permission.MANAGE) == frozenset()


def test_only_rows_of_ones_own_customers_are_visible(here, elsewhere):
    actor = make_member(here, "admin")
    rows = [Person.objects.create(customer=customer, email="ann@example.org") for customer in (here, elsewhere)]
    assert list(visible(Person.objects.all(), actor, Permission.MANAGE)) == rows[:1]
    assert list(visible(Person.objects.all(), actor, Permission.CONFIGURE)) == []
    assert set(visible(Person.objects.all(), CONSOLE, Permission.MANAGE)) == set(rows)
    mine = visible(Customer.objects.all(), actor, Permission.MANAGE, customer_field="pk")
    assert list(mine) == [here]


def test_what_is_refused_does_not_say_that_it_exists(here):
    stranger = make_member(make_customer(), "admin")
    with pytest.raises(NotFound) as known:
        require(stranger, Permission.MANAGE, here.pk)
    with pytest.raises(NotFound) as unknown:
        require(stranger, Permission.MANAGE, uuid4())
    assert (known.value.message, known.value.facts) == (unknown.value.message, unknown.value.facts)
