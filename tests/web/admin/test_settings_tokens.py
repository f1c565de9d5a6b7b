"""API tokens: made and shown once, never good for more than whoever makes them, taken back at once."""

from datetime import timedelta

import pytest
from tests.web.admin.settings_steps import STATEMENTS, said, secret_in, text

from bursar.kernel import clock
from bursar.people.models import ApiToken, AuditEntry, Role
from bursar.people.tokens import create_token, token_owner
from bursar.testing import factories

pytestmark = pytest.mark.django_db
HERE = "/admin-portal/acme/settings/tokens/"
NEW = {"name": "Nightly import", "role": "admin"}


def test_a_token_is_shown_once_and_works(house, ada):
    response = ada.post(HERE, NEW)
    assert "It is shown this once" in text(response)
    secret = secret_in(response, "bursar_")
    assert token_owner(secret) is not None
    assert response["Cache-Control"].count("no-store") == 1
    assert secret not in ada.get(HERE).text
    entry = AuditEntry.objects.get(act="token.made")
    assert (entry.customer_uuid, entry.subject_uuid) == (house.customer.pk, ApiToken.objects.get().pk)


def test_it_is_confined_and_ends_as_chosen(ada):
    tomorrow = (clock.now() + timedelta(days=1)).date()
    ada.post(HERE, NEW | {"scopes": ["budgets.read"], "until": tomorrow.isoformat()})
    row = ApiToken.objects.get()
    assert (row.scopes, row.expires_at > clock.now() + timedelta(days=1)) == (["budgets.read"], True)
    assert "only: Read budgets" in text(ada.get(HERE))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " "}, "required"),
        ({"role": "operator"}, "not one of the available choices"),
        ({"role": ""}, "required"),
        ({"scopes": ["configuration.write"]}, "not one of the available choices"),
        ({"until": "2020-01-01"}, "Choose a day that is still to come."),
        ({"until": "someday"}, "valid date"),
        ({"name": "x" * 300}, "255"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(ada, change, words):
    assert words in text(ada.post(HERE, NEW | change), 422)
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked_at_once_and_again_changes_nothing(house, ada):
    made = create_token("Import", role=Role.ADMIN, customer=house.customer.pk)
    for _ in range(2):
        assert "The token is revoked." in said(ada, ada.post(f"{HERE}{made.token.pk}/revoke/"))
    assert token_owner(made.text) is None
    assert AuditEntry.objects.filter(act="token.revoked").count() == 1


def test_a_token_that_may_more_is_left_to_whoever_may_more(house, ada):
    made = create_token("Mighty", role=Role.OPERATOR, customer=house.customer.pk)
    assert "may do what you may not" in said(ada, ada.post(f"{HERE}{made.token.pk}/revoke/"))
    assert token_owner(made.text) is not None


def test_tokens_of_others_are_neither_shown_nor_revoked(house, ada):
    elsewhere = create_token("Theirs", role=Role.ADMIN, customer=factories.make_customer().pk)
    everywhere = create_token("Everywhere", role=Role.OPERATOR)
    page = text(ada.get(HERE))
    assert "Theirs" not in page
    assert "Everywhere" not in page
    for made in (elsewhere, everywhere):
        assert ada.post(f"{HERE}{made.token.pk}/revoke/").status_code == 404


def test_many_tokens_take_no_more_statements(house, ada, django_assert_max_num_queries):
    for number in range(110):
        create_token(f"Token {number}", role=Role.ADMIN, customer=house.customer.pk)
    with django_assert_max_num_queries(STATEMENTS):
        assert "There are more; the newest are shown." in text(ada.get(HERE))
