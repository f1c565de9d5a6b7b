"""Where mails go, by settings: a mail server, another backend of Django, or files."""

import subprocess
import sys
import traceback

import pytest

from bursar.kernel.conf import read_environment
from bursar.kernel.errors import Misconfigured
from bursar.project import mail as project_mail
from bursar.project.consistency import consistent
from bursar.project.mail import mail_apps, mail_settings

SMTP_PORT = "bursar.adapters.mail_smtp.SmtpMail"
DJANGO_PORT = "bursar.adapters.mail_django.DjangoMail"
MAILGUN = "anymail.backends.mailgun.EmailBackend"
LOOKUP = "bursar.adapters.mail_lookup_postfix.find"
SECRET = "hunter2"


@pytest.fixture
def read(tmp_path):
    def read(**environment):
        named = {f"BURSAR_{name.upper()}": value for name, value in environment.items()}
        return consistent(read_environment({"BURSAR_DATA_DIR": str(tmp_path)} | named))

    return read


def port(bursar):
    return mail_settings(bursar).get("BURSAR", bursar)["mail_port"]


def test_a_mail_server_is_talked_to_by_ourselves(read):
    assert port(read(smtp_url="smtp://mail.example")) == SMTP_PORT


def test_without_one_mails_go_the_way_of_django_into_files(read):
    assert port(read()) == DJANGO_PORT
    assert mail_settings(read())["EMAIL_BACKEND"].endswith("FileBackend")


def test_a_class_of_ones_own_is_not_replaced(read):
    assert port(read(smtp_url="smtp://mail.example", mail_port="my.Port")) == "my.Port"


def test_a_provider_is_reached_through_anymail_with_its_options(read):
    bursar = read(mail_backend=MAILGUN, mail_backend_options='{"MAILGUN_API_KEY": "key"}')
    found = mail_settings(bursar)
    assert (found["EMAIL_BACKEND"], found["ANYMAIL"]) == (MAILGUN, {"MAILGUN_API_KEY": "key"})
    assert port(bursar) == DJANGO_PORT
    assert mail_apps(bursar) == ["anymail"]


def test_another_backend_gets_its_options_as_settings_of_django(read):
    bursar = read(
        mail_backend="django.core.mail.backends.smtp.EmailBackend",
        mail_backend_options='{"EMAIL_HOST": "mail.example"}',
    )
    found = mail_settings(bursar)
    assert found["EMAIL_HOST"] == "mail.example"
    assert "ANYMAIL" not in found
    assert mail_apps(bursar) == mail_apps(read()) == []


WRONG = {
    "both": ({"smtp_url": "smtp://mail.example", "mail_backend": MAILGUN}, "MAIL_BACKEND"),
    "options without a backend": ({"mail_backend_options": '{"A": 1}'}, "MAIL_BACKEND_OPTIONS"),
    "no path": ({"mail_backend": "mailgun"}, "MAIL_BACKEND"),
    "not installed": ({"mail_backend": "nosuchpackage.Backend"}, "MAIL_BACKEND"),
    "somebody else's setting": (
        {"mail_backend": "django.core.mail.backends.smtp.EmailBackend", "mail_backend_options": '{"DEBUG": true}'},
        "MAIL_BACKEND_OPTIONS",
    ),
    "a setting of ours": (
        {"mail_backend": "django.core.mail.backends.smtp.EmailBackend", "mail_backend_options": '{"BURSAR": {}}'},
        "MAIL_BACKEND_OPTIONS",
    ),
    "no name of a setting": (
        {"mail_backend": "django.core.mail.backends.smtp.EmailBackend", "mail_backend_options": '{"email_host": ""}'},
        "MAIL_BACKEND_OPTIONS",
    ),
    "our SMTP without a server": ({"mail_port": SMTP_PORT}, "MAIL_PORT"),
    "no header": ({"mail_idempotency_header": "X: y"}, "MAIL_IDEMPOTENCY_HEADER"),
    "a header with a newline": ({"mail_idempotency_header": "X\n"}, "MAIL_IDEMPOTENCY_HEADER"),
    "a header that mails have": ({"mail_idempotency_header": "Message-ID"}, "MAIL_IDEMPOTENCY_HEADER"),
    "no function": ({"mail_lookup": "postfix"}, "MAIL_LOOKUP"),
    "a look-up without its log": ({"mail_lookup": LOOKUP}, "MAIL_LOOKUP"),
    "a log that nobody reads": ({"mail_log": "/var/log/mail.log"}, "MAIL_LOG"),
    "a relative log": ({"mail_lookup": LOOKUP, "mail_log": "mail.log"}, "MAIL_LOG"),
    "no log that could be complete": ({"mail_log_complete": "yes"}, "MAIL_LOG_COMPLETE"),
}


@pytest.mark.parametrize(("environment", "named"), WRONG.values(), ids=WRONG)
def test_what_contradicts_itself_is_refused_by_name(read, environment, named):
    bursar = read(**environment)
    with pytest.raises(Misconfigured) as refusal:
        mail_settings(bursar)
    assert refusal.value.message.startswith(f"BURSAR_{named} ")
    assert refusal.value.facts == {"setting": f"BURSAR_{named}"}


@pytest.mark.parametrize("options", [f'{{"KEY": "{SECRET}"', f'["{SECRET}"]', f'"{SECRET}"', "", "null"])
def test_options_that_cannot_be_read_are_refused_without_telling_what_is_in_them(read, options):
    with pytest.raises(Misconfigured, match="^BURSAR_MAIL_BACKEND_OPTIONS cannot be read: a JSON object") as refusal:
        read(mail_backend=MAILGUN, mail_backend_options=options)
    assert SECRET not in "".join(traceback.format_exception(refusal.value)).replace(repr(options), "")


@pytest.mark.parametrize(
    "environment",
    [{"smtp_timeout": "0"}, {"mail_per_connection": "0"}, {"mail_per_second": "-1"}, {"mail_log_complete": "maybe"}],
)
def test_malformed_numbers_are_refused(read, environment):
    with pytest.raises(Misconfigured):
        read(**environment)


def test_a_provider_whose_package_is_not_installed_is_refused_with_what_to_install(read, monkeypatch):
    monkeypatch.setattr(project_mail, "find_spec", lambda _: None)
    with pytest.raises(Misconfigured, match=r"bursar\[providers\]"):
        mail_settings(read(mail_backend=MAILGUN))


def test_the_service_starts_with_a_provider(tmp_path):
    pytest.importorskip("anymail")
    shown = """
import django; django.setup()
from django.conf import settings
print(settings.EMAIL_BACKEND, settings.ANYMAIL, "anymail" in settings.INSTALLED_APPS)
from django.core.mail import get_connection
print(type(get_connection()).__module__)
"""
    environment = {
        "DJANGO_SETTINGS_MODULE": "bursar.project.settings",
        "BURSAR_DATA_DIR": str(tmp_path),
        "BURSAR_MAIL_BACKEND": MAILGUN,
        "BURSAR_MAIL_BACKEND_OPTIONS": '{"MAILGUN_API_KEY": "key"}',
    }
    done = subprocess.run(
        [sys.executable, "-c", shown], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.splitlines() == [f"{MAILGUN} {{'MAILGUN_API_KEY': 'key'}} True", "anymail.backends.mailgun"], (
        done.stderr
    )
