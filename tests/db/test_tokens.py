"""API tokens: shown once, known by their digest, good for what their owner may, and for nothing once taken back."""

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.errors import BadInput, NotFound
from bursar.people.access import Permission, customers
from bursar.people.models import ApiToken
from bursar.people.services import create_customer, create_user, grant
from bursar.people.tokens import create_token, revoke_token, token_owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return create_customer("Acme")


@pytest.fixture
def ada(acme):
    user = create_user("ada@acme.example", password=None, lms_user_id=77)
    grant(user.pk, "admin", acme.pk)
    return user


def may(made, permission=Permission.ALLOCATE):
    return customers(token_owner(made.text), permission)


def test_only_the_digest_is_kept_and_the_text_has_256_random_bits(acme):
    first, second = (create_token("T", customer=acme.pk, role="admin") for _ in range(2))
    assert first.text != second.text
    assert len(first.text.removeprefix("bursar_")) == 43
    stored = ApiToken.objects.get(pk=first.token.pk)
    assert stored.digest == hashlib.sha256(first.text.encode()).hexdigest()
    assert first.text.startswith(stored.prefix)
    kept = str([getattr(stored, field.attname) for field in ApiToken._meta.concrete_fields])
    assert first.text not in kept
    assert first.text not in repr(first)


def test_a_token_of_a_user_acts_as_the_user(acme, ada):
    made = create_token("Ada's", user_id=ada.pk)
    owner = token_owner(made.text)
    assert (owner.kind, owner.user_id, owner.lms_user_id) == ("client", ada.pk, 77)
    assert may(made) == frozenset({acme.pk})
    assert may(made, Permission.CONFIGURE) == frozenset()


def test_a_token_of_a_role_acts_for_nobody_at_its_customer_alone(acme):
    made = create_token("Import", customer=acme.pk, role="admin")
    owner = token_owner(made.text)
    assert (owner.user_id, owner.lms_user_id) == (None, None)
    assert may(made) == frozenset({acme.pk})
    assert may(made, Permission.CONFIGURE) == frozenset()
    learner = create_token("Reader", customer=acme.pk, role="learner")
    assert may(learner) == frozenset()
    assert may(learner, Permission.READ_BUDGETS) == frozenset({acme.pk})


def test_an_operators_token_acts_everywhere_and_scopes_confine_it(acme):
    assert may(create_token("All", role="operator")) is None
    confined = create_token("Reads", role="operator", scopes=[Permission.READ_BUDGETS])
    assert may(confined) == frozenset()
    assert may(confined, Permission.READ_BUDGETS) is None


def test_scopes_never_give_more_than_the_role_has(acme):
    made = create_token("Reader", customer=acme.pk, role="learner", scopes=[Permission.ALLOCATE])
    assert may(made) == frozenset()


def test_a_revoked_token_is_nobodys_at_once_even_for_an_actor_at_hand(acme):
    made = create_token("T", customer=acme.pk, role="admin")
    owner = token_owner(made.text)
    revoked = revoke_token(made.token.pk)
    assert token_owner(made.text) is None
    assert customers(owner, Permission.ALLOCATE) == frozenset()
    assert revoke_token(made.token.pk).revoked_at == revoked.revoked_at
    with pytest.raises(NotFound):
        revoke_token(acme.pk)


def test_a_token_ends_when_it_was_said_to(acme):
    made = create_token("T", customer=acme.pk, role="admin", expires_at=clock.now() + timedelta(hours=1))
    owner = token_owner(made.text)
    assert customers(owner, Permission.ALLOCATE) == frozenset({acme.pk})
    with clock.at(clock.now() + timedelta(hours=1)):
        assert token_owner(made.text) is None
        assert customers(owner, Permission.ALLOCATE) == frozenset()


def test_a_token_of_somebody_who_was_shut_out_is_nobodys(acme, ada):
    made = create_token("Ada's", user_id=ada.pk)
    ada.is_active = False
    ada.save()
    assert token_owner(made.text) is None


@pytest.mark.parametrize(
    "text", ["", "bursar_", "bursar_wrong", "Bearer x", "bursar_" + "x" * 10_000, "bursar_ü", "\0"]
)
def test_what_is_no_token_is_nobodys(acme, text):
    create_token("T", customer=acme.pk, role="admin")
    assert token_owner(text) is None


@pytest.mark.parametrize("name", ["somebody", "", "00000000-0000-4000-8000-000000000000"])
def test_a_client_without_a_token_may_nothing(acme, ada, name):
    assert customers(Actor("client", name, ada.pk), Permission.READ_BUDGETS) == frozenset()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"name": " "}, "missing_name"),
        ({"name": "x" * 256}, "too_long"),
        ({"role": ""}, "invalid_token_owner"),
        ({"user_id": 1}, "invalid_token_owner"),
        ({"user_id": 1, "role": ""}, "invalid_token_owner"),
        ({"role": "king"}, "unknown_role"),
        ({"customer": None}, "missing_customer"),
        ({"scopes": ["everything"]}, "unknown_scope"),
        ({"expires_at": "now"}, "invalid_dates"),
    ],
)
def test_what_makes_no_token_is_refused(acme, arguments, code):
    given = {"name": "T", "customer": acme.pk, "role": "admin"} | arguments
    if given.get("expires_at"):
        given["expires_at"] = clock.now()
    with pytest.raises(BadInput) as refused:
        create_token(given.pop("name"), **given)
    assert refused.value.code == code
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("values", [{"role": ""}, {"customer": None}])
def test_the_database_takes_no_token_that_speaks_for_nobody(acme, values):
    made = create_token("T", customer=acme.pk, role="admin")
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.filter(pk=made.token.pk).update(**values)
