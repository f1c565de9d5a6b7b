"""What mail servers do wrong, before and after the final dot, and what that means for a mail."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.smtp_server import RESET, SILENCE, SLOWLY, smtp_server

from bursar.adapters import mail_smtp
from bursar.adapters.mail_smtp import SmtpMail
from bursar.testing.mail_contract import Intents, a_mail

UNREACHABLE = ("retry", "smtp_unreachable")
TEMPORARY = ("retry", "smtp_temporary")
REFUSED = ("rejected", "smtp_refused")
UNKNOWN = ("unknown", "outcome_unknown")
SENT = ("sent", "")


@pytest.fixture
def server(settings):
    with smtp_server() as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


@pytest.fixture
def port():
    adapter = SmtpMail()
    yield adapter
    adapter.close()


@pytest.fixture
def send(port):
    def send(*mails, intent=None):
        deliveries = port.send_many(mails, intent=intent or Intents())
        return [(delivery.outcome, delivery.code) for delivery in deliveries]

    return send


@pytest.fixture
def impatient(settings):
    settings.BURSAR = settings.BURSAR | {"smtp_timeout": timedelta(seconds=0.4)}


# Before the dot: nothing has left, and no intent is lost on it


@pytest.mark.parametrize(
    ("step", "action", "outcome"),
    [
        ("greeting", "421 not now", UNREACHABLE),
        ("greeting", "554 not you", UNREACHABLE),
        ("greeting", RESET, UNREACHABLE),
        ("MAIL", "421 closing down", TEMPORARY),
        ("MAIL", "451 not now", TEMPORARY),
        ("MAIL", "553 not your sender", REFUSED),
        ("MAIL", "530 authentication required", UNREACHABLE),
        ("MAIL", RESET, UNREACHABLE),
        ("RCPT", "451 come again", TEMPORARY),
        ("RCPT", "452 mailbox full", TEMPORARY),
        ("RCPT", "550 no such mailbox", REFUSED),
        ("RCPT", "rubbish", TEMPORARY),
        ("RCPT", RESET, UNREACHABLE),
        ("DATA", "452 no room", TEMPORARY),
        ("DATA", "554 no", REFUSED),
        ("DATA", "250 what?", TEMPORARY),
        ("DATA", RESET, UNREACHABLE),
    ],
)
def test_before_the_dot_a_mail_is_refused_or_tried_again_and_no_intent_is_asked(server, port, step, action, outcome):
    server.at(step, action)
    intent = Intents()
    (delivery,) = port.send_many([a_mail()], intent=intent)
    assert (delivery.outcome, delivery.code) == outcome
    assert delivery.error is not None
    assert (intent.asked, server.taken) == ([], [])
    assert [taken.outcome for taken in port.send_many([a_mail()], intent=intent)] == ["sent"]


@pytest.mark.parametrize(
    ("step", "action"), [("MAIL", "451 not now"), ("RCPT", "550 no such mailbox"), ("DATA", "452 no room")]
)
def test_a_refused_mail_leaves_the_connection_to_the_next(server, send, step, action):
    server.at(step, action)
    assert send(a_mail("first@example.org"), a_mail("second@example.org"))[1] == SENT
    assert [taken.to for taken in server.taken] == ["second@example.org"]
    assert server.connections == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_says_it_closes_gets_the_next_mail_over_a_new_connection(server, send, step):
    server.at(step, "421 closing down")
    server.at("rset", "421 closed")
    server.at("RSET", "421 closed")
    assert send(a_mail(), a_mail()) == [TEMPORARY, SENT]
    assert server.connections == 2


@pytest.mark.parametrize("action", [RESET, "552 too much"])
def test_what_the_server_says_or_does_while_a_mail_comes_in_is_heard_before_the_intent(
    server, port, action, monkeypatch
):
    waiting = mail_smtp.Session.replies.fget

    def late(session):
        time.sleep(0.05)  # for what is on its way from the server
        return waiting(session)

    server.at("body", action)
    intent = Intents()
    monkeypatch.setattr(mail_smtp.Session, "replies", property(late))
    (delivery,) = port.send_many([a_mail()], intent=intent)
    assert (delivery.outcome, delivery.code) == (UNREACHABLE if action == RESET else REFUSED)
    assert (intent.asked, server.taken) == ([], [])


def test_a_connection_lost_while_the_intent_was_committed_is_a_mail_that_stayed_here(server, port):
    def intent(_message):
        server.closing.set()
        time.sleep(0.1)
        return True

    server.at("body", SILENCE)
    (delivery,) = port.send_many([a_mail()], intent=intent)
    assert (delivery.outcome, delivery.code) == UNREACHABLE


# After the dot: only a clear answer is one


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("250 taken", SENT),
        ("451 try again later", TEMPORARY),
        ("421 closing down", TEMPORARY),
        ("554 looks like spam", REFUSED),
        ("354 go on", UNKNOWN),
        ("rubbish", UNKNOWN),
        (RESET, UNKNOWN),
    ],
)
def test_after_the_dot_an_answer_counts_and_nothing_else(server, send, answer, outcome):
    server.at("dot", answer)
    assert send(a_mail(), a_mail("next@example.org")) == [outcome, SENT]
    assert [taken.to for taken in server.taken] == ["next@example.org"]


def test_a_mail_that_was_taken_before_the_connection_broke_is_unknown(server, send):
    server.at("taken", RESET)
    assert send(a_mail()) == [UNKNOWN]
    assert len(server.taken) == 1


def test_a_lost_answer_breaks_the_connection_off(server, send):
    server.at("taken", "rubbish")
    assert send(a_mail(), a_mail()) == [UNKNOWN, SENT]
    assert server.connections == 2


# Servers that do not answer, or hardly


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_server_that_says_nothing_holds_nobody_up_and_the_rest_of_the_call_is_put_off(server, send, impatient, step):
    server.at(step, SILENCE)
    intent = Intents()
    began = time.monotonic()
    assert send(*(a_mail() for _ in range(60)), intent=intent) == [UNREACHABLE] * 60
    assert time.monotonic() - began < 12  # each by itself: 24 seconds
    assert intent.asked == []
    assert send(a_mail()) == [SENT]


def test_a_server_that_never_answers_a_mail_leaves_it_unknown_and_gets_no_more_in_this_call(server, send, impatient):
    server.at("taken", SILENCE)
    intent = Intents()
    assert send(a_mail(), a_mail(), intent=intent) == [UNKNOWN, UNREACHABLE]
    assert len(intent.asked) == 1
    assert send(a_mail()) == [SENT]


@pytest.mark.parametrize(("step", "outcome"), [("EHLO", UNREACHABLE), ("RCPT", UNREACHABLE), ("taken", UNKNOWN)])
def test_a_server_that_sends_byte_by_byte_is_given_no_more_time_for_that(server, send, impatient, step, outcome):
    server.at(step, SLOWLY)
    server.byte_seconds = 0.1
    began = time.monotonic()
    assert send(a_mail()) == [outcome]
    assert time.monotonic() - began < 10


def test_a_server_that_reads_nothing_holds_nobody_up(server, port, settings):
    settings.BURSAR = settings.BURSAR | {"smtp_timeout": timedelta(seconds=2)}
    large = replace(a_mail(), text=("x" * 900 + "\n") * 15_000)
    server.at("body", SILENCE)
    began = time.monotonic()
    (delivery,) = port.send_many([large], intent=Intents())
    assert (delivery.outcome, delivery.code) == UNREACHABLE
    assert "DATA" in server.commands
    assert time.monotonic() - began < 20


def test_a_connection_that_rested_long_is_not_taken_for_a_server_that_does_not_answer(server, send, impatient):
    assert send(a_mail()) == [SENT]
    time.sleep(0.5)
    assert send(a_mail("nobody"), a_mail()) == [("rejected", "bad_address"), SENT]


def test_after_an_error_of_our_own_the_next_mail_begins_anew(server, send, monkeypatch):
    begin = mail_smtp.Session._begin

    def fail_once(session, *arguments):
        monkeypatch.setattr(mail_smtp.Session, "_begin", begin)
        begin(session, *arguments)
        raise ZeroDivisionError

    monkeypatch.setattr(mail_smtp.Session, "_begin", fail_once)
    assert send(a_mail("first@example.org"), a_mail("second@example.org")) == [("retry", "mail_error"), SENT]
    assert [taken.to for taken in server.taken] == ["second@example.org"]


def test_no_mail_takes_longer_than_a_workers_lease(server, send, settings):
    ours = {"smtp_timeout": timedelta(hours=1), "mail_lease": timedelta(seconds=4)}
    settings.BURSAR = settings.BURSAR | ours
    server.at("RCPT", SILENCE)
    began = time.monotonic()
    assert send(a_mail()) == [UNREACHABLE]
    assert time.monotonic() - began < 4


def test_nothing_personal_shows_in_what_might_be_logged(server, port):
    server.at("RCPT", "550 no ana@example.org here")
    (delivery,) = port.send_many([a_mail("ana@example.org", subject="For Ana")], intent=Intents())
    assert "ana@example.org" in str(delivery.error.recipients)
    assert "ana" not in repr(delivery).lower()
