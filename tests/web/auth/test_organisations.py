"""Signing in with one's organisation's account: the whole code flow, and every provider that says more than it may."""

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from tests.web.auth.idp import CLIENT, SECRET, Provider

from bursar.assignments.models import LearnerContentAssignment
from bursar.people.models import IdentityProvider, Membership, Role
from bursar.people.providers import add_provider, find_provider, remove_provider
from bursar.people.verification import profile_says_so
from bursar.project.signin import organisations
from bursar.testing import factories

pytestmark = pytest.mark.django_db

ADA = "ada@acme.example"


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def provider():
    with Provider() as found:
        yield found


@pytest.fixture
def acme():
    return factories.make_customer("Acme")


@pytest.fixture
def known(acme, provider):
    return add_provider(
        acme, issuer=provider.issuer, client_id=CLIENT, secret=SECRET, domains=["acme.example"], slug="acme"
    )


def leave(client, following=""):
    """Go from our page to the provider's; returns where one is sent."""
    page = client.post("/accounts/sso/" + (f"?next={following}" if following else ""), {"address": "x@ACME.example"})
    assert page.status_code == 302
    assert client.get(page["Location"]).status_code == 200
    assert SocialAccount.objects.count() <= 1
    sent = client.post(page["Location"])
    assert sent.status_code == 200, sent["Location"]
    return sent.context["target"]


def sign_in(client, provider, known, following=""):
    parameters = provider.sign_in(leave(client, following))
    return client.get(f"/accounts/oidc/{known.pk}/login/callback/", parameters)


def who(client):
    return client.session.get("_auth_user_id")


def test_somebody_new_becomes_a_learner_of_that_customer_and_nobody_else(client, provider, known, acme):
    answer = sign_in(client, provider, known)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    user = get_user_model().objects.get()
    assert (user.get_username(), user.first_name, user.has_usable_password()) == (ADA, "Ada Byron", False)
    assert who(client) == str(user.pk)
    assert profile_says_so(user)
    assert [(row.customer_id, row.role) for row in Membership.objects.all()] == [(acme.pk, Role.LEARNER)]


def test_what_was_assigned_to_the_address_is_theirs_from_then_on(client, provider, known, acme):
    from bursar.assignments.flows import AllocationRequest, allocate
    from bursar.kernel.actor import CONSOLE

    budget = factories.make_budget(factories.make_fund(acme))
    factories.make_course()
    allocate(AllocationRequest(budget, factories.COURSE), factories.make_people(["Ada@acme.example"]), actor=CONSOLE)
    sign_in(client, provider, known)
    assert (
        LearnerContentAssignment.objects.get().lms_user_id == get_user_model().objects.get().bursar_profile.lms_user_id
    )


def test_a_user_with_that_address_is_the_one(client, provider, known):
    user = factories.make_user(ADA)
    sign_in(client, provider, known)
    assert who(client) == str(user.pk)


def test_they_come_back_as_themselves_whatever_their_address_is_by_then(client, provider, known):
    sign_in(client, provider, known)
    user = who(client)
    client.logout()
    provider.claims |= {"email": "eve@elsewhere.example"}
    sign_in(client, provider, known)
    assert who(client) == user
    assert get_user_model().objects.count() == 1


def test_a_role_that_was_taken_away_does_not_come_back(client, provider, known):
    sign_in(client, provider, known)
    Membership.objects.all().delete()
    client.logout()
    sign_in(client, provider, known)
    assert not Membership.objects.exists()


def test_nothing_of_what_the_provider_said_is_kept_but_who_it_was(client, provider, known):
    provider.claims |= {"phone_number": "+47 22 33 44 55"}
    sign_in(client, provider, known)
    account = SocialAccount.objects.get()
    assert (account.provider, account.uid, account.extra_data) == (str(known.pk), "s-1", {})
    assert not SocialToken.objects.exists()


def test_somebody_made_inactive_does_not_come_in(client, provider, known):
    factories.make_user(ADA)
    get_user_model().objects.update(is_active=False)
    sign_in(client, provider, known)
    assert who(client) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False}, {"email_verified": "false"}, {"email_verified": None}, {"email_verified": 1},
        {"email": "root@bursar.example"}, {"email": "ada@sub.acme.example"}, {"email": "ada@acme.example.evil.example"},
        {"email": "ada@evil.example@acme.example"}, {"email": ""}, {"email": None}, {"email": ["ada@acme.example"]},
        {"email": "ada@acme.example, root@bursar.example"}, {"email": "ada"},
    ],
)  # fmt: skip
def test_an_address_that_is_not_proven_or_not_its_to_prove_makes_nobody_anybody(client, provider, known, claims):
    operator = factories.make_user("root@bursar.example")
    provider.claims |= claims
    assert sign_in(client, provider, known).status_code in {200, 403}
    assert who(client) is None
    assert list(get_user_model().objects.all()) == [operator]
    assert not SocialAccount.objects.exists()


def test_an_organisation_that_manages_its_addresses_need_not_say_that_they_are_verified(client, provider, known):
    del provider.claims["email_verified"]
    assert sign_in(client, provider, known).status_code == 403
    IdentityProvider.objects.update(manages_addresses=True)
    sign_in(client, provider, known)
    assert who(client)


def test_an_address_may_come_with_the_userinfo_of_the_same_person(client, provider, known):
    provider.userinfo = dict(provider.claims)
    provider.claims = {"sub": "s-1"}
    sign_in(client, provider, known)
    assert who(client)


def test_userinfo_of_somebody_else_is_refused(client, provider, known):
    provider.userinfo = provider.claims | {"sub": "s-2"}
    provider.claims = {"sub": "s-1"}
    sign_in(client, provider, known)
    assert who(client) is None


@pytest.mark.parametrize(
    "claims",
    [{"iss": "https://evil.example"}, {"aud": "another-client"}, {"exp": 1}, {"sub": None}],
)
def test_a_token_for_somebody_else_is_refused(client, provider, known, claims):
    provider.claims |= claims
    if claims == {"sub": None}:
        del provider.claims["sub"]
    assert sign_in(client, provider, known).status_code < 500
    assert who(client) is None


@pytest.mark.parametrize(
    "token",
    [
        {"id_token": None},
        {"id_token": "nonsense"},
        {"id_token": 7},
        {"id_token": {}},
        {"expires_in": "x"},
    ],
)
def test_answers_that_are_none_are_told_kindly(client, provider, known, token):
    provider.token = token
    answer = sign_in(client, provider, known)
    assert (answer.status_code, "<h1>Not signed in</h1>" in answer.content.decode()) == (401, True)
    assert who(client) is None


@pytest.mark.parametrize(
    "published",
    [
        {"issuer": "https://evil.example"}, {"token_endpoint": "http://169.254.169.254/latest"}, {"token_endpoint": "https://127.0.0.1/"},
        {"token_endpoint": "https://localhost/token"}, {"token_endpoint": "file:///etc/passwd"}, {"token_endpoint": "https://[::1]/"},
        {"token_endpoint": 7}, {"authorization_endpoint": None}, b"nonsense", b"[]", b"x" * 300_000,
    ],
)  # fmt: skip
def test_what_a_provider_publishes_leads_nowhere_inside(client, provider, known, published):
    path = f"/accounts/oidc/{known.pk}/login/"
    provider.published = published if isinstance(published, bytes) else dict(published)
    answer = client.post(path)
    if "target" in answer.context:
        answer = client.get(f"{path}callback/", provider.sign_in(answer.context["target"]))
    assert (answer.status_code, "<h1>Not signed in</h1>" in answer.content.decode()) == (401, True)
    assert who(client) is None
    assert not [path for path in provider.asked if path == "/token"]


def test_a_code_of_another_session_is_refused(client, provider, known):
    from django.test import Client

    parameters = provider.sign_in(leave(client))
    victim = Client()
    victim.get(f"/accounts/oidc/{known.pk}/login/callback/", parameters)
    assert who(victim) is None
    victim.get(f"/accounts/oidc/{known.pk}/login/callback/", parameters | {"state": "nonsense"})
    assert who(victim) is None


def test_signing_in_begins_with_a_form_of_ours(client, provider, known):
    from django.test import Client

    forged = Client(enforce_csrf_checks=True).post(f"/accounts/oidc/{known.pk}/login/")
    assert forged.status_code == 403


def test_the_page_that_leads_away_does_so_by_itself_and_lets_no_form_lead_elsewhere(client, provider, known):
    sent = client.post(f"/accounts/oidc/{known.pk}/login/")
    assert sent["Refresh"] == f"0; url={sent.context['target']}"
    assert sent.context["target"].startswith(f"{provider.issuer}/authorize?")
    assert "form-action 'self'" in sent["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("following", "where"), [("/courses/a", "/courses/a"), ("//evil.example", "/"), ("https://evil.example", "/")]
)
def test_afterwards_one_is_where_one_wanted_to_be_if_that_is_here(client, provider, known, following, where):
    assert sign_in(client, provider, known, following)["Location"] == where


def test_the_link_of_an_organisation_leads_to_its_page(client, known):
    assert client.get("/accounts/sso/acme/")["Location"] == f"/accounts/oidc/{known.pk}/login/"
    assert client.get("/accounts/sso/nobody/").status_code == 404


def test_nobody_is_told_which_organisations_there_are(client, known):
    for path in ("/accounts/login/", "/accounts/sso/"):
        assert "Acme" not in client.get(path).content.decode()
    assert client.post("/accounts/sso/", {"address": "x@other.example"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/accounts/3rdparty/", "/accounts/3rdparty/signup/", "/accounts/signup/", "/accounts/email/"]
)
def test_accounts_are_not_made_or_joined_by_hand(client, path):
    client.force_login(factories.make_user())
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_a_provider_that_is_removed_lets_nobody_in_and_its_successor_knows_nobody(client, provider, known, acme):
    sign_in(client, provider, known)
    client.logout()
    remove_provider("acme")
    assert client.get(f"/accounts/oidc/{known.pk}/login/").status_code == 404
    again = add_provider(
        acme, issuer=provider.issuer, client_id=CLIENT, secret=SECRET, domains=["acme.example"], slug="acme"
    )
    provider.claims |= {"email": "grace@acme.example"}
    sign_in(client, provider, again)
    assert get_user_model().objects.get(pk=who(client)).get_username() == "grace@acme.example"


def test_the_secret_is_not_kept_as_it_is(known):
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_secret FROM bursar_people_identityprovider")
        assert SECRET not in cursor.fetchone()[0]
    assert organisations.secret_of(find_provider("acme")) == SECRET
