"""API tokens: made once, shown once, recognised by their digest, taken back at once."""

import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from tests.db.records.rows import DAY, NOON

from bursar.kernel import clock
from bursar.kernel.errors import BadInput, NotFound
from bursar.people.models import ApiToken
from bursar.people.services import create_user
from bursar.people.tokens import create_token, revoke_token, token_owner
from bursar.testing.factories import make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    return make_customer()


@pytest.fixture
def user():
    return create_user("ann@example.org", password=None, lms_user_id=77)


def test_a_token_is_kept_by_its_digest_alone(customer):
    made = create_token(" Nightly import ", customer=customer.pk, role="admin")
    row = ApiToken.objects.values().get()
    assert (row["name"], row["customer_id"], row["role"], row["user_id"]) == (
        "Nightly import",
        customer.pk,
        "admin",
        None,
    )
    assert row["digest"] == hashlib.sha256(made.text.encode()).hexdigest()
    assert made.text.startswith(row["prefix"])
    assert made.text not in str(row)
    assert made.text not in repr(made)
    assert len(made.text) > len(row["prefix"]) + 20


def test_no_two_tokens_are_alike(customer):
    assert len({create_token("Token", customer=customer.pk, role="admin").text for _ in range(5)}) == 5


def test_a_token_of_a_user_speaks_for_the_user(user):
    made = create_token("Mine", user_id=user.pk)
    owner = token_owner(made.text)
    assert (owner.kind, owner.name, owner.user_id, owner.lms_user_id) == ("client", str(made.token.pk), user.pk, 77)


def test_a_token_of_a_role_speaks_for_nobody(customer):
    made = create_token("Import", customer=customer.pk, role="admin")
    owner = token_owner(made.text)
    assert (owner.kind, owner.name, owner.user_id, owner.lms_user_id) == ("client", str(made.token.pk), None, None)


def test_a_user_without_a_profile_has_no_learning_platform_id(django_user_model):
    user = django_user_model.objects.create(username="ann")
    assert token_owner(create_token("Mine", user_id=user.pk).text).lms_user_id is None


@pytest.mark.parametrize(
    "text", ["", "bursar_", "bursar_nonsense", "nonsense", f"bursar_{'x' * 1000}", "bursar_äöü", "Bearer x"]
)
def test_text_that_is_no_token_of_ours_has_no_owner(text, customer):
    create_token("Import", customer=customer.pk, role="admin")
    assert token_owner(text) is None


def test_a_token_must_be_exact(customer):
    text = create_token("Import", customer=customer.pk, role="admin").text
    for wrong in (text[:-1], f"{text}x", text.upper(), text.removeprefix("bursar_")):
        assert token_owner(wrong) is None


def test_a_token_taken_back_has_no_owner_from_then_on(customer):
    made = create_token("Import", customer=customer.pk, role="admin")
    with clock.at(NOON):
        assert revoke_token(made.token.pk).revoked_at == NOON
    assert token_owner(made.text) is None
    with clock.at(NOON + DAY):
        assert revoke_token(made.token.pk).revoked_at == NOON
    assert ApiToken.objects.get().revoked_at == NOON


def test_taking_back_what_there_is_not():
    with pytest.raises(NotFound):
        revoke_token(uuid4())


def test_a_token_ends_at_its_end(customer):
    with clock.at(NOON):
        made = create_token("Import", customer=customer.pk, role="admin", expires_at=NOON + DAY)
        assert token_owner(made.text)
    with clock.at(NOON + DAY):
        assert token_owner(made.text) is None


def test_a_user_who_is_inactive_has_no_token(user):
    text = create_token("Mine", user_id=user.pk).text
    user.is_active = False
    user.save()
    assert token_owner(text) is None


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"name": " "}, "missing_name"),
        ({"name": "x" * 256}, "too_long"),
        ({"role": ""}, "invalid_token_owner"),
        ({"user": True}, "invalid_token_owner"),
        ({"user": True, "role": ""}, "invalid_token_owner"),
        ({"role": "queen"}, "unknown_role"),
        ({"customer": None}, "missing_customer"),
        ({"customer": None, "role": "learner"}, "missing_customer"),
        ({"scopes": ["budgets.read", "everything"]}, "unknown_scope"),
        ({"expires_at": NOON}, "invalid_dates"),
        ({"expires_at": NOON - DAY}, "invalid_dates"),
    ],
)
def test_a_token_that_cannot_be_is_refused(facts, code, customer, user):
    given = {"name": "Token", "customer": customer.pk, "role": "admin", **facts}
    if given.pop("user", False):
        given["user_id"] = user.pk
    with pytest.raises(BadInput) as caught, clock.at(NOON):
        create_token(**given)
    assert caught.value.code == code
    assert not ApiToken.objects.exists()


def test_scopes_are_kept_in_order_and_once(customer):
    made = create_token(
        "T", customer=customer.pk, role="admin", scopes=["budgets.read", "assignments.manage", "budgets.read"]
    )
    assert made.token.scopes == ["assignments.manage", "budgets.read"]


def test_an_operators_token_may_be_for_everywhere():
    assert create_token("Token", role="operator").token.customer is None


def test_the_database_itself_keeps_who_a_token_speaks_for(customer, user):
    for wrong in (
        {"role": "", "user": None, "customer": None},
        {"role": "admin", "user": user},
        {"role": "", "user": user, "customer": customer},
        {"role": "admin", "customer": None},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiToken.objects.create(name="x", prefix="x", digest=uuid4().hex, **wrong)


def test_nobody_but_the_holder_can_read_a_token(customer):
    made = create_token("Import", customer=customer.pk, role="admin")
    assert made.text not in str(token_owner(made.text))


def test_a_use_is_written_down_once_an_hour_and_not_in_the_first(customer, django_assert_num_queries):
    with clock.at(NOON):
        made = create_token("Import", customer=customer.pk, role="admin")
        assert token_owner(made.text)
    made.token.refresh_from_db()
    assert made.token.used_at is None
    for later in (timedelta(hours=1), timedelta(hours=1, minutes=59)):
        with clock.at(NOON + later):
            assert token_owner(made.text)
    made.token.refresh_from_db()
    assert made.token.used_at == NOON + timedelta(hours=1)
    with clock.at(NOON + timedelta(hours=1, minutes=30)), django_assert_num_queries(1):
        assert token_owner(made.text)
