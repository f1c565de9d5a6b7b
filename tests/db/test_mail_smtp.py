"""Mails over our own SMTP: the contract, what is on the wire, and how fast."""

from dataclasses import replace
from uuid import UUID

import pytest
from tests.smtp_server import ours, outcomes, port, send, server, smtp_server, use

from bursar.adapters import mail_pace, mail_smtp
from bursar.adapters.mail_pace import Pace
from bursar.adapters.mail_smtp import SmtpMail
from bursar.ports.mail import Mail
from bursar.testing.mail_contract import IntentError, Intents, MailContract, a_mail

__all__ = ["port", "send", "server"]  # fixtures, used by name


class TestSmtpMail(MailContract):
    """The contract over a server on this machine."""

    @pytest.fixture(autouse=True)
    def _server(self, server):
        self.server = server

    def make_port(self):
        return SmtpMail()

    def arrived(self):
        return [UUID(taken.mail["X-Bursar-Message"]) for taken in self.server.taken]


# The final dot


def test_when_the_intent_is_asked_the_mail_is_written_whole_but_for_its_end(server, port, monkeypatch):
    mail = replace(a_mail(), text="first line\n.a line with a dot\nlast line")
    written, seen = [], []
    send = mail_smtp.Session.send
    monkeypatch.setattr(mail_smtp.Session, "send", lambda self, data: (written.append(data), send(self, data)))

    def intent(_message):
        seen.append((server.commands[-1], list(server.taken), written[-1].endswith(b"\r\n.\r\n")))
        return True

    assert outcomes(port.send_many([mail], intent=intent)) == [("sent", "")]
    assert seen == [("DATA", [], False)]
    wire = server.taken[0].wire
    assert b"\r\n..a line with a dot\r\nlast line" in wire
    assert wire.endswith(b"\r\n")
    assert b"\n" not in wire.replace(b"\r\n", b"")


def test_nothing_but_the_dot_is_written_after_the_intent(server, port, monkeypatch):
    written = []
    send = mail_smtp.Session.send
    monkeypatch.setattr(mail_smtp.Session, "send", lambda self, data: (written.append(data), send(self, data)))

    def intent(_message):
        written.clear()
        return True

    assert outcomes(port.send_many([a_mail()], intent=intent)) == [("sent", "")]
    assert written == [b".\r\n"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=ascii)
def test_no_line_of_a_text_ends_the_mail(server, send, newline):
    hidden = newline.join(["One", ".", "MAIL FROM:<x@example.org>", "RCPT TO:<y@example.org>", "DATA", "Two", "."])
    assert outcomes(send(replace(a_mail(), text=hidden, html=""), a_mail())) == [("sent", "")] * 2
    first, second = server.taken
    assert first.mail.get_content().splitlines() == hidden.split(newline)
    assert second.to == "learner@example.org"


def test_a_refused_intent_breaks_the_connection_off_and_the_server_drops_the_mail(server, send):
    first, second = a_mail("first@example.org"), a_mail("second@example.org")
    assert outcomes(send(first, second, intent=Intents(refused={first.message}))) == [("sent", "")]
    assert server.wait_for(1) == ["reset by client"]
    assert [taken.to for taken in server.taken] == ["second@example.org"]
    assert server.connections == 2


def test_an_intent_that_raises_breaks_the_connection_off_too(server, port):
    def intent(_message):
        raise IntentError

    with pytest.raises(IntentError):
        list(port.send_many([a_mail()], intent=intent))
    assert server.wait_for(1) == ["reset by client"]
    assert server.taken == []
    assert outcomes(port.send_many([a_mail()], intent=Intents())) == [("sent", "")]


def test_a_process_that_is_interrupted_before_the_dot_breaks_off(server, port):
    def intent(_message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(port.send_many([a_mail()], intent=intent))
    assert server.wait_for(1) == ["reset by client"]
    assert server.taken == []


# What is on the wire


def test_the_envelope_has_the_senders_plain_address(server, send):
    send(a_mail("ana@example.org"))
    (taken,) = server.taken
    assert (taken.sender, taken.to) == ("no-reply@example.org", "ana@example.org")
    assert taken.mail["From"] == "Bursar <no-reply@example.org>"


def test_a_mail_that_goes_back_elsewhere_says_so_in_its_envelope_only(server, send):
    send(replace(a_mail(), envelope_from="bounces+token@example.org"))
    (taken,) = server.taken
    assert taken.sender == "bounces+token@example.org"
    assert taken.mail["From"] == "Bursar <no-reply@example.org>"


def test_the_message_id_is_the_same_at_every_try(server, send):
    mail = a_mail()
    send(mail)
    send(mail)
    assert [taken.mail["Message-ID"] for taken in server.taken] == [f"<{mail.message}@learn.example.org>"] * 2


def test_a_mail_carries_the_header_by_which_a_repeat_is_known(server, send, settings):
    ours(settings, mail_idempotency_header="X-Repeat")
    mail = a_mail()
    send(mail)
    assert server.taken[0].mail["X-Repeat"] == str(mail.message)


def test_the_server_is_told_how_large_a_mail_is(server, send):
    send(a_mail())
    (taken,) = server.taken
    assert f"SIZE={len(taken.wire)}" in taken.options


@pytest.mark.parametrize("envelope_from", ["nobody", "a@b.example,c@d.example", "a b@example.org"])
def test_a_sender_that_is_no_address_is_a_fault_of_the_settings(server, send, envelope_from):
    intent = Intents()
    assert outcomes(send(replace(a_mail(), envelope_from=envelope_from), intent=intent)) == [("retry", "misconfigured")]
    assert intent.asked == []


# International addresses and texts


def test_an_international_address_is_taken_as_it_is_by_a_server_that_can(server, send):
    assert outcomes(send(replace(a_mail("josé@bücher.example"), subject="Dein Kurs", text="über Bäume"))) == [
        ("sent", "")
    ]
    (taken,) = server.taken
    assert taken.to == "josé@bücher.example"
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(taken.options.split())
    assert "To: josé@bücher.example\r\n".encode() in taken.wire
    assert taken.mail.get_body(["plain"]).get_content() == "über Bäume"


@pytest.mark.parametrize(
    "features", [("8BITMIME", "SMTPUTF8"), ("8BITMIME",), ()], ids=["utf-8", "eight bits", "seven bits"]
)
def test_a_long_link_in_a_header_stays_one_that_a_mailbox_can_follow(settings, send, features):
    link = f"<https://learn.example.org/unsubscribe/{'x' * 90}>"
    with smtp_server(features=features) as running:
        use(settings, running)
        to = "josé@bücher.example" if "SMTPUTF8" in features else "jose@bücher.example"
        mail = replace(a_mail(to, subject="Ein Kurs für Dich"), text="über Bäume", headers={"List-Unsubscribe": link})
        assert outcomes(send(mail)) == [("sent", "")]
    assert link.encode() in running.taken[0].wire


def test_an_international_domain_needs_nothing_of_the_server(server, send):
    assert outcomes(send(a_mail("jose@bücher.example"))) == [("sent", "")]
    (taken,) = server.taken
    assert taken.to == "jose@xn--bcher-kva.example"
    assert "SMTPUTF8" not in taken.options
    assert taken.wire.isascii()


@pytest.mark.parametrize("domain", ["bücher..example", "ü" * 64 + ".example"], ids=["empty label", "long label"])
def test_a_domain_that_cannot_be_written_is_rejected(server, send, domain):
    assert [delivery.outcome for delivery in send(a_mail(f"jose@{domain}"))] == ["rejected"]
    assert server.taken == []


@pytest.fixture
def plain_server(settings):
    with smtp_server(features=()) as running:
        use(settings, running)
        yield running


def test_a_server_without_smtputf8_gets_no_international_address_and_the_next_mail_leaves(plain_server, send):
    intent = Intents()
    deliveries = send(a_mail("josé@example.org"), a_mail("jose@example.org"), intent=intent)
    assert outcomes(deliveries) == [("rejected", "smtputf8_unsupported"), ("sent", "")]
    assert len(intent.asked) == 1
    assert plain_server.connections == 1


def test_a_server_without_8bitmime_gets_seven_bits_that_say_the_same(plain_server, send):
    mail = replace(a_mail(subject="Bäume"), text="über Bäume", html="<p>über Bäume</p>")
    assert outcomes(send(mail)) == [("sent", "")]
    (taken,) = plain_server.taken
    assert taken.wire.isascii()
    assert "BODY" not in taken.options
    assert taken.mail["Subject"] == "Bäume"
    assert [part.get_content().strip() for part in taken.mail.iter_parts()] == ["über Bäume", "<p>über Bäume</p>"]


# The pace


def test_mails_leave_no_faster_than_they_may(settings):
    ours(settings, mail_per_second=4)
    now, slept = [100.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(monotonic=lambda: now[0], sleep=sleep)
    for _ in range(3):
        pace.wait()
    now[0] += 10
    pace.wait()
    assert slept == [0.25, 0.25]


def test_without_a_pace_nobody_waits():
    Pace(sleep=pytest.fail).wait()


def test_the_adapter_keeps_the_pace(server, send, monkeypatch):
    turns = []
    monkeypatch.setattr(mail_pace.Pace, "wait", lambda _self: turns.append(len(server.taken)))
    send(a_mail(), a_mail())
    assert turns == [0, 1]


def test_what_was_kept_as_files_before_is_forgotten_too(settings, tmp_path, port):
    ours(settings, mail_dir=str(tmp_path))
    mail: Mail = a_mail()
    (tmp_path / str(mail.reference)).mkdir()
    (tmp_path / str(mail.reference) / f"{mail.message}.eml").touch()
    assert port.forget_many([mail.reference]) == 1
