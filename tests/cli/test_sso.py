"""Single sign-on from the command line: providers added, listed, removed; and second factors that were lost."""

import io

import pytest
from django.contrib.auth import get_user_model
from django.urls import resolve

from bursar.people.models import IdentityProvider
from bursar.people.providers import secret_of

ISSUER = "https://id.acme.example"
ADD = ("sso", "add", ISSUER, "--customer", "acme-ltd", "--client-id", "bursar", "--domain", "acme.example")


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text("hunter2 and more\n")
    return path


def test_a_provider_is_added_and_shows_what_to_register(world, bursar, secret, settings):
    found = bursar(*ADD, "--domain", "ACME.example", "--secret-file", secret, "--json").json["provider"]
    row = IdentityProvider.objects.get()
    assert secret_of(row) == "hunter2 and more"
    assert (found["slug"], found["domains"]) == ("acme-ltd", ["acme.example"])
    base = settings.BURSAR["base_url"]
    assert found["callback_url"].startswith(base)
    assert resolve(found["callback_url"].removeprefix(base)).func.__name__ == "come_back"
    assert resolve(found["sign_in_url"].removeprefix(base)).func.__name__ == "named_organisation"


def test_the_secret_is_shown_by_nothing(world, bursar, secret):
    said = [bursar(*ADD, "--secret-file", secret), bursar("sso", "list"), bursar("sso", "list", "--json")]
    assert all("acme" in one.out and "hunter2" not in one.out for one in said)


def test_the_secret_may_come_by_standard_input(world, bursar, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("by pipe\n"))
    bursar(*ADD, "--secret-file", "-")
    assert secret_of(IdentityProvider.objects.get()) == "by pipe"


def test_a_provider_is_removed(world, bursar, secret):
    bursar(*ADD, "--secret-file", secret)
    bursar("sso", "remove", "acme-ltd")
    assert "There is no provider." in bursar("sso", "list").out
    assert bursar("sso", "remove", "acme-ltd", "--json", code=4).json["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("change", "code", "exit_code"),
    [
        ({ISSUER: "http://id.acme.example"}, "invalid_issuer", 4), ({ISSUER: "nonsense"}, "invalid_issuer", 4),
        ({ISSUER: "https://a:b@id.acme.example"}, "invalid_issuer", 4), ({ISSUER: "https://id.acme.example/?a"}, "invalid_issuer", 4),
        ({ISSUER: "https://id.acme.example:99999"}, "invalid_issuer", 4), ({"acme.example": "nonsense"}, "invalid_domain", 4),
        ({"acme.example": "a@b@c"}, "invalid_domain", 4), ({"bursar": " "}, "missing_client", 4),
        ({"bursar": "x" * 192}, "too_long", 4), ({"acme-ltd": "nobody"}, "not_found", 4),
    ],
)  # fmt: skip
def test_what_is_no_provider_is_bad_input(world, bursar, secret, change, code, exit_code):
    typed = [change.get(word, word) if number else word for number, word in enumerate(ADD)]
    said = bursar(*typed, "--secret-file", secret, "--json", code=exit_code)
    assert said.json["error"]["code"] == code
    assert not IdentityProvider.objects.exists()


def test_a_domain_is_spoken_for_by_one_customer(world, bursar, secret):
    bursar(*ADD, "--secret-file", secret)
    bursar("customer", "create", "Other", "--slug", "other")
    typed = [word if word != "acme-ltd" else "other" for word in ADD]
    assert bursar(*typed, "--secret-file", secret, "--json", code=3).json["error"]["code"] == "domain_taken"
    assert bursar(*ADD, "--secret-file", secret, "--json", code=3).json["error"]["code"] == "slug_taken"


def test_without_a_file_and_a_terminal_nobody_can_be_asked(world, bursar, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert bursar(*ADD, "--json", code=4).json["error"]["code"] == "no_terminal"
    assert bursar(*ADD, "--secret-file", "/no/such", "--json", code=4).json["error"]["code"] == "unreadable_file"


def test_a_second_factor_that_was_lost_is_taken_away(world, bursar):
    from allauth.mfa.models import Authenticator

    bursar("user", "create", "ada@acme.example")
    assert "They had none." in bursar("user", "reset-mfa", "ada@acme.example").out
    Authenticator.objects.create(user=get_user_model().objects.get(username="ada@acme.example"), type="totp", data={})
    assert bursar("user", "reset-mfa", "ada@acme.example", "--json").json["removed"] is True
    assert not Authenticator.objects.exists()


def test_somebody_is_let_into_the_staff_pages_and_out_again(world, bursar):
    bursar("user", "create", "robin@acme.example")
    users = get_user_model().objects.filter(username="robin@acme.example")
    assert bursar("user", "staff", "robin@acme.example", "--json").json["staff"] is True
    assert users.get().is_staff
    assert "not staff any more" in bursar("user", "staff", "robin@acme.example", "--off").out
    assert not users.get().is_superuser
