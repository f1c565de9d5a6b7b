"""How the connections to a mail server are kept, encrypted, renewed and said goodbye to."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from shutil import which

import pytest
from tests.smtp_server import ours, outcomes, port, send, server, smtp_server, use

from bursar.adapters import mail_smtp
from bursar.testing.mail_contract import Intents, a_mail

__all__ = ["port", "send", "server"]  # fixtures, used by name


# Connections


def test_a_connection_is_kept_from_call_to_call_and_said_goodbye_to(server, port, send):
    send(a_mail(), a_mail())
    send(a_mail())
    assert server.connections == 1
    assert server.partings == []
    port.close()
    assert server.wait_for(1) == ["quit"]


def test_a_connection_is_renewed_after_so_many_mails(server, send, settings):
    ours(settings, mail_per_connection=2)
    send(*(a_mail() for _ in range(5)))
    assert [taken.connection for taken in server.taken] == [1, 1, 2, 2, 3]
    assert server.wait_for(2) == ["quit", "quit"]


def test_a_connection_that_the_server_closed_meanwhile_is_renewed_and_costs_no_try(server, send):
    server.at("QUIT", "221 bye")
    send(a_mail())
    server.script["NOOP"].clear()
    server.at("taken", "250 taken\r\n421 I have to go")
    send(a_mail())
    assert outcomes(send(a_mail())) == [("sent", "")]
    assert [taken.connection for taken in server.taken] == [1, 1, 2]


def test_a_connection_that_rested_long_is_asked_whether_it_still_stands(server, send, monkeypatch):
    send(a_mail())
    monkeypatch.setattr(mail_smtp, "IDLE_SECONDS", 0)
    send(a_mail())
    assert "noop" in server.commands
    assert server.connections == 1
    server.at("noop", "421 no")
    server.at("NOOP", "421 no")
    assert outcomes(send(a_mail())) == [("sent", "")]
    assert server.connections == 2


def test_every_thread_has_a_connection_of_its_own(server, port):
    def run():
        outcome.extend(outcomes(port.send_many([a_mail(), a_mail()], intent=Intents())))
        port.close()

    outcome = []
    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcome == [("sent", "")] * 6
    assert server.connections == 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_leaves_its_parents_connection_alone(server, port, send):
    send(a_mail("parent@example.org"))
    child = os.fork()
    if child == 0:
        done = outcomes(port.send_many([a_mail("child@example.org")], intent=Intents()))
        port.close()
        os._exit(0 if done == [("sent", "")] else 1)
    assert os.waitpid(child, 0)[1] == 0
    send(a_mail("parent@example.org"))
    assert [(taken.to.partition("@")[0], taken.connection) for taken in server.taken] == [
        ("parent", 1), ("child", 2), ("parent", 1)
    ]  # fmt: skip


SENDS_AND_ENDS = """
import django, uuid
from django.conf import settings
settings.configure(EMAIL_HOST="127.0.0.1", EMAIL_PORT={port}, BURSAR={{}})
django.setup()
from bursar.adapters.mail_smtp import SmtpMail
from bursar.ports.mail import Mail
mail = Mail(uuid.uuid4(), uuid.uuid4(), "a@example.org", "b@example.org", "S", "T")
port = SmtpMail()
print(*(delivery.outcome for delivery in port.send_many([mail], intent=lambda _: True)))
"""


def test_a_process_that_ends_says_goodbye(server):
    done = subprocess.run(
        [sys.executable, "-c", SENDS_AND_ENDS.format(port=server.port)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["sent"], done.stderr
    assert server.wait_for(1) == ["quit"]


# TLS and names


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    if which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


@pytest.fixture
def tls_server(settings, certificate):
    context, _ = certificate
    with smtp_server(features=("STARTTLS", "AUTH PLAIN"), tls=context) as running:
        use(settings, running)
        settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "localhost", True
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "bursar", "hunter2"
        yield running


def test_starttls_and_a_name_come_before_any_mail(tls_server, certificate, send, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    assert outcomes(send(a_mail(), a_mail())) == [("sent", "")] * 2
    words = [command.partition(" ")[0].upper() for command in tls_server.commands]
    assert words[:5] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]
    assert tls_server.connections == 1


def test_a_refused_intent_breaks_an_encrypted_connection_off_too(tls_server, certificate, send, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    mail = a_mail()
    assert send(mail, intent=Intents(refused={mail.message})) == []
    assert len(tls_server.wait_for(1)) == 1
    assert tls_server.taken == []


def test_a_server_that_cannot_prove_who_it_is_gets_neither_name_nor_mail(tls_server, send):
    intent = Intents()
    assert outcomes(send(a_mail(), intent=intent)) == [("retry", "smtp_unreachable")]
    assert intent.asked == []
    assert not [command for command in tls_server.commands if command.upper().startswith(("AUTH", "MAIL"))]


def test_without_starttls_nothing_is_said_in_the_clear(server, send, settings):
    settings.EMAIL_USE_TLS, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = True, "bursar", "hunter2"
    assert outcomes(send(a_mail(), a_mail())) == [("retry", "smtp_unreachable")] * 2
    assert [command.partition(" ")[0].upper() for command in server.commands] == ["EHLO"]


@pytest.mark.parametrize("password", ["wrong", "schlüssel"])
def test_a_server_that_does_not_let_us_in_costs_no_mail_its_life(settings, send, password):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "bursar", password
    with smtp_server(features=("AUTH PLAIN",)) as running:
        use(settings, running)
        running.at("AUTH", "535 no")
        intent = Intents()
        assert outcomes(send(a_mail(), a_mail(), intent=intent)) == [("retry", "smtp_unreachable")] * 2
    assert intent.asked == []


def test_a_server_that_is_not_there_is_asked_once_and_again_in_the_next_call(server, settings, send):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    settings.EMAIL_PORT = free
    deliveries = send(a_mail(), a_mail())
    assert outcomes(deliveries) == [("retry", "smtp_unreachable")] * 2
    assert isinstance(deliveries[0].error.__cause__, ConnectionRefusedError)
    settings.EMAIL_PORT = server.port
    assert outcomes(send(a_mail())) == [("sent", "")]
