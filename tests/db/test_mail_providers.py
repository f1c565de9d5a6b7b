"""Mails through django-anymail and other backends: what a provider is told, and what its answers mean for a mail."""

import json
import smtplib
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from django.core import mail as django_mail
from django.core.mail.backends.base import BaseEmailBackend

from bursar.adapters.mail_django import DjangoMail
from bursar.testing.mail_contract import Intents, MailContract, a_mail

pytest.importorskip("anymail", reason="needs bursar[providers]")
from anymail.exceptions import (
    AnymailAPIError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailUnsupportedFeature,
)
from anymail.message import AnymailRecipientStatus
from anymail.signals import pre_send

IN_TEST = "anymail.backends.test.EmailBackend"
RESEND = "anymail.backends.resend.EmailBackend"
MAILERSEND = "anymail.backends.mailersend.EmailBackend"
UNKNOWN = ("unknown", "outcome_unknown")
REFUSED = ("rejected", "provider_refused")
LATER = ("retry", "provider_temporary")
SETTINGS = ("retry", "provider_settings")


@pytest.fixture
def outbox(settings):
    settings.EMAIL_BACKEND = IN_TEST
    django_mail.outbox = []
    return django_mail.outbox


def send(*mails, intent=None):
    return [
        (delivery.outcome, delivery.code)
        for delivery in DjangoMail().send_many(mails, intent=intent or Intents())
    ]  # fmt: skip


class TestAnymail(MailContract):
    """Anymail's own backend for tests stands for its providers."""

    @pytest.fixture(autouse=True)
    def _outbox(self, outbox):
        self.outbox = outbox

    def make_port(self):
        return DjangoMail()

    def arrived(self):
        return [UUID(mail.anymail_test_params["metadata"]["message"]) for mail in self.outbox]


# What a provider is told


def test_a_provider_is_told_which_message_and_which_assignment_a_mail_is_about(outbox):
    mail = a_mail()
    send(mail)
    metadata = outbox[0].anymail_test_params["metadata"]
    assert metadata == {"message": str(mail.message), "assignment": str(mail.reference)}


def test_a_provider_keeps_its_own_return_path_and_date(outbox):
    mail = replace(a_mail(), envelope_from="bounces+token@example.org")
    send(mail)
    told = outbox[0].anymail_test_params
    assert "envelope_sender" not in told
    assert str(told["from"]) == mail.sender
    assert "Date" not in told["extra_headers"]


def test_a_mail_carries_the_header_by_which_a_repeat_is_known(outbox, settings):
    settings.BURSAR = settings.BURSAR | {"mail_idempotency_header": "Idempotency"}
    mail = a_mail()
    send(mail)
    assert outbox[0].anymail_test_params["extra_headers"]["Idempotency"] == str(mail.message)


# A provider's answers


@contextmanager
def provider(*answers):
    """Run an HTTP server that answers so, one after the other, and yield its address and what it was sent."""
    asked = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((dict(self.headers), body))
            status, content = left.pop(0) if left else (200, {"id": "1"})
            if status == 0:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    server.server_close()


def use_resend(settings, url):
    settings.EMAIL_BACKEND = RESEND
    settings.ANYMAIL = {"RESEND_API_KEY": "key", "RESEND_API_URL": url, "REQUESTS_TIMEOUT": 1}


def test_a_provider_that_knows_repeats_gets_the_same_request_under_the_same_key(settings):
    mail, other = a_mail(), a_mail()
    with provider() as (url, asked):
        use_resend(settings, url)
        assert send(mail, other) == [("sent", "")] * 2
        assert send(mail) == [("sent", "")]
    (first_headers, first), (other_headers, _), (again_headers, again) = asked
    assert first_headers["Idempotency-Key"] == again_headers["Idempotency-Key"] == str(mail.message)
    assert other_headers["Idempotency-Key"] == str(other.message)
    assert first == again


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, REFUSED), (422, REFUSED), (413, REFUSED),
        (401, SETTINGS), (403, SETTINGS), (404, SETTINGS),
        (408, LATER), (429, LATER), (500, LATER), (503, LATER),
        (409, UNKNOWN), (502, UNKNOWN), (504, UNKNOWN),
    ],
)  # fmt: skip
def test_what_a_provider_answers_is_for_good_for_later_or_leaves_all_open(settings, status, outcome):
    with provider((status, {"message": "no"})) as (url, asked):
        use_resend(settings, url)
        assert send(a_mail(), a_mail()) == [outcome, ("sent", "")]
    assert len(asked) == 2


@pytest.mark.parametrize("answer", [(0, None), (200, ["not", "as", "agreed"])], ids=["hangs up", "unreadable"])
def test_of_a_mail_whose_answer_is_lost_nobody_knows(settings, answer):
    with provider(answer) as (url, _):
        use_resend(settings, url)
        assert send(a_mail()) == [UNKNOWN]


def test_a_provider_that_does_not_answer_in_time_leaves_all_open(settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_resend(settings, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        assert send(a_mail()) == [UNKNOWN]


def test_a_provider_that_cannot_be_reached_has_taken_nothing(settings):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    use_resend(settings, f"http://127.0.0.1:{port}/")
    assert send(a_mail()) == [("retry", "smtp_unreachable")]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("sent", ("sent", "")), ("queued", ("sent", "")), ("unknown", ("sent", "")), ("failed", LATER),
     ("rejected", REFUSED), ("invalid", REFUSED)],
)  # fmt: skip
def test_a_provider_says_of_the_recipient_what_became_of_the_mail(outbox, status, outcome):
    def answer(message, **_):
        told = AnymailRecipientStatus(message_id="1", status=status)
        message.anymail_test_response = {"recipient_status": {"learner@example.org": told}}

    pre_send.connect(answer)
    try:
        assert send(a_mail()) == [outcome]
    finally:
        pre_send.disconnect(answer)


def test_a_provider_that_takes_no_facts_beside_a_mail_gets_none(settings):
    with provider() as (url, asked):
        settings.EMAIL_BACKEND = MAILERSEND
        settings.ANYMAIL = {"MAILERSEND_API_TOKEN": "key", "MAILERSEND_API_URL": url}
        assert send(a_mail()) != [SETTINGS]
    assert len(asked) == 1


# Errors of libraries, after the intent


class AmazonError(Exception):
    """As botocore's: the status is in a dictionary."""

    def __init__(self, status):
        super().__init__("no")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}


class ConnectTimeoutError(Exception):
    """As urllib3 and botocore call it."""


def caused(error, cause):
    error.__cause__ = cause
    return error


class Raising(BaseEmailBackend):
    """A backend that raises what it is told to."""

    error: Exception

    def send_messages(self, email_messages):
        raise self.error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (AnymailRecipientsRefused(), REFUSED),
        (AnymailInvalidAddress("no"), ("rejected", "bad_address")),
        (AnymailUnsupportedFeature("no"), SETTINGS),
        (AnymailAPIError("no"), UNKNOWN),
        (caused(AnymailAPIError("no"), AmazonError(400)), REFUSED),
        (caused(AnymailAPIError("no"), AmazonError(503)), LATER),
        (caused(AnymailAPIError("no"), ConnectTimeoutError("no")), ("retry", "smtp_unreachable")),
        (ConnectionResetError(), UNKNOWN),
        (ConnectionRefusedError(), ("retry", "smtp_unreachable")),
        (TimeoutError(), UNKNOWN),
        (smtplib.SMTPServerDisconnected(), UNKNOWN),
        (smtplib.SMTPDataError(-1, b"?"), UNKNOWN),
        (smtplib.SMTPDataError(451, b"?"), ("retry", "smtp_temporary")),
        (smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"?")}), ("rejected", "smtp_refused")),
        (ZeroDivisionError(), UNKNOWN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_after_the_intent_only_a_clear_refusal_is_one(settings, monkeypatch, error, outcome):
    monkeypatch.setattr(Raising, "error", error, raising=False)
    settings.EMAIL_BACKEND = f"{__name__}.Raising"
    intent = Intents()
    assert send(a_mail(), intent=intent) == [outcome]
    assert len(intent.asked) == 1


def test_an_error_that_was_merely_handled_before_says_nothing_of_the_mail(settings, monkeypatch):
    error = TimeoutError()
    error.__context__ = ConnectionRefusedError()
    monkeypatch.setattr(Raising, "error", error, raising=False)
    settings.EMAIL_BACKEND = f"{__name__}.Raising"
    assert send(a_mail()) == [UNKNOWN]
