"""The mail port's adapters: one contract for all, then what servers, addresses, headers and disks do to each."""
# ruff: noqa: N802  aiosmtpd names its hooks so

import asyncio
import resource
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiosmtpd.controller import Controller
from django.core import mail as django_mail
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from bursar.adapters.mail_django import DjangoMail
from bursar.adapters.mail_files import FileBackend, forget
from bursar.kernel import clock
from bursar.kernel.errors import Misconfigured, Unavailable
from bursar.ports.mail import Mail
from bursar.testing.fake_mail import Died, FakeMail
from bursar.testing.mail_contract import Intents, MailContract, a_mail

IN_MEMORY = "django.core.mail.backends.locmem.EmailBackend"
IN_FILES = "bursar.adapters.mail_files.FileBackend"
OVER_SMTP = "django.core.mail.backends.smtp.EmailBackend"


class Server:
    """A mail server that keeps what it gets; `replies` says per step and address what it does instead, each once."""

    def __init__(self):
        self.mails = []
        self.connections = 0
        self.replies = {}

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        return self.replies.pop(("MAIL", address), "250 OK")

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        return self.replies.pop(("RCPT", address), "250 OK")

    async def handle_DATA(self, server, session, envelope):
        recipient = envelope.rcpt_tos[-1]
        if self.replies.pop(("hang up", recipient), False):
            server.transport.abort()
        await asyncio.sleep(self.replies.pop(("sleep", recipient), 0))
        reply = self.replies.pop(("DATA", recipient), "250 OK")
        if reply == "250 OK":
            self.mails.append(message_from_bytes(envelope.content, policy=default))
        return reply


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def smtp(settings):
    settings.EMAIL_BACKEND = OVER_SMTP
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", free_port(), 5
    server = Server()
    controller = Controller(server, hostname="127.0.0.1", port=settings.EMAIL_PORT)
    controller.start()
    yield server
    controller.stop()


@pytest.fixture
def directory(settings, tmp_path):
    settings.EMAIL_BACKEND = IN_FILES
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return tmp_path / "mail"


@pytest.fixture
def memory(settings):
    settings.EMAIL_BACKEND = IN_MEMORY
    django_mail.outbox = []
    return django_mail.outbox


def send(*mails, intent=None):
    return list(DjangoMail().send_many(mails, intent=intent or Intents()))


def outcomes(deliveries):
    return [(delivery.outcome, delivery.code) for delivery in deliveries]


def message_of(mail):
    return UUID(mail["X-Bursar-Message"])


def kept(directory):
    return [
        message_from_bytes(path.read_bytes(), policy=default) for path in sorted(directory.glob("*/*.eml"), key=age)
    ]


def age(path):
    return path.stat().st_mtime_ns


class TestFakeMail(MailContract):
    """The fake that tests of the product use keeps the same promises."""

    def make_port(self):
        self.port = FakeMail()
        return self.port

    def arrived(self):
        return [mail.message for mail in self.port.sent]


class TestAnyDjangoBackend(MailContract):
    """Django's backend in memory stands for every one that has nothing of its own."""

    @pytest.fixture(autouse=True)
    def _memory(self, memory):
        self.outbox = memory

    def make_port(self):
        return DjangoMail()

    def arrived(self):
        return [UUID(mail.extra_headers["X-Bursar-Message"]) for mail in self.outbox]


class TestMailsKeptAsFiles(MailContract):
    """The backend of an installation without a mail server."""

    @pytest.fixture(autouse=True)
    def _directory(self, directory):
        self.directory = directory

    def make_port(self):
        return DjangoMail()

    def arrived(self):
        return list(map(message_of, kept(self.directory)))


class TestMailsOverSmtp(MailContract):
    """A real server on this machine."""

    @pytest.fixture(autouse=True)
    def _server(self, smtp):
        self.server = smtp

    def make_port(self):
        return DjangoMail()

    def arrived(self):
        return list(map(message_of, self.server.mails))


# What a mail carries


def test_a_mail_carries_text_and_html_its_ids_and_the_products_own_time(memory, settings):
    settings.BURSAR = {"base_url": "https://learn.example.org:8443/bursar"}
    mail = a_mail()
    with clock.at(datetime(2026, 3, 2, 12, tzinfo=UTC)):
        send(mail)
    (sent,) = memory
    headers = sent.message()
    assert headers["Message-ID"] == f"<{mail.message}@learn.example.org>"
    assert headers["Date"] == "Mon, 02 Mar 2026 12:00:00 +0000"
    assert (headers["X-Bursar-Message"], headers["X-Bursar-Assignment"]) == (str(mail.message), str(mail.reference))
    assert (headers["From"], headers["To"], headers["Subject"]) == (mail.sender, mail.to, mail.subject)
    assert [part.get_content_type() for part in headers.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_a_mail_may_bring_its_own_message_id_and_headers_and_no_html(memory):
    mail = Mail(
        uuid4(), uuid4(), "a@example.org", "b@example.org", "S", "T",
        headers={"List-Unsubscribe": "<https://example.org/u>"}, message_id="<given@example.org>",
    )  # fmt: skip
    send(mail)
    headers = memory[0].message()
    assert headers["Message-ID"] == "<given@example.org>"
    assert headers["List-Unsubscribe"] == "<https://example.org/u>"
    assert headers.get_content_type() == "text/plain"


def test_the_message_id_is_the_same_at_every_try(memory):
    mail = a_mail()
    send(mail)
    send(mail)
    first, second = (sent.message()["Message-ID"] for sent in memory)
    assert first == second


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\u0085", "\x0b", "\x00"], ids=ascii)
def test_no_newline_of_any_kind_in_a_subject_makes_a_header(directory, newline):
    send(a_mail(subject=f"Your course{newline}Bcc: everybody@example.org"))
    (mail,) = kept(directory)
    assert mail["Subject"] == "Your course Bcc: everybody@example.org"
    assert mail["Bcc"] is None


def test_a_newline_in_any_other_header_refuses_the_mail_before_its_intent(memory):
    intent = Intents()
    mail = a_mail()
    wicked = Mail(
        mail.message, mail.reference, mail.sender, mail.to, "S", "T", headers={"Reply-To": "a@b.c\nBcc: d@e.f"}
    )
    assert outcomes(send(wicked, intent=intent)) == [("rejected", "bad_header")]
    assert (intent.asked, memory) == ([], [])


@pytest.mark.parametrize(
    "address",
    ["", "ana", "@example.org", "ana@", "ana@b@example.org", "a@example.org,b@example.org", "Ana <ana@example.org>",
     "ana@example.org\n", "ana@example.org\r\nBcc: b@example.org", "ana @example.org", '"a,b"@example.org', "ana@[127.0.0.1]"],
)  # fmt: skip
def test_only_one_plain_address_is_sent_to(memory, address):
    assert outcomes(send(a_mail(address))) == [("rejected", "bad_address")]
    assert memory == []


def test_nothing_personal_shows_in_what_might_be_logged(smtp):
    smtp.replies["RCPT", "ana@example.org"] = "550 no ana@example.org here"
    mail = a_mail("ana@example.org", subject="For Ana")
    (delivery,) = send(mail)
    assert "ana@example.org" in str(delivery.error.recipients)
    assert "ana" not in f"{mail!r} {delivery!r}".lower()


# International addresses


def test_a_mail_system_that_cannot_take_an_international_local_part_refuses_it(smtp):
    intent = Intents()
    deliveries = send(a_mail("josé@example.org"), a_mail("jose@example.org"), intent=intent)
    assert outcomes(deliveries) == [("rejected", "smtputf8_unsupported"), ("sent", "")]
    assert len(intent.asked) == 1
    assert [mail["To"] for mail in smtp.mails] == ["jose@example.org"]


def test_files_take_an_international_local_part_and_show_it_as_it_is(directory):
    assert outcomes(send(a_mail("josé@example.org", subject="Dein Kurs über Bäume"))) == [("sent", "")]
    (mail,) = kept(directory)
    assert (mail["To"], mail["Subject"]) == ("josé@example.org", "Dein Kurs über Bäume")


# What servers do


def test_all_mails_of_a_call_share_one_connection(smtp):
    assert outcomes(send(*(a_mail(f"learner{number}@example.org") for number in range(3)))) == [("sent", "")] * 3
    assert smtp.connections == 1


@pytest.mark.parametrize(
    ("step", "reply", "outcome"),
    [
        ("RCPT", "550 no such mailbox", ("rejected", "smtp_refused")),
        ("RCPT", "452 mailbox full", ("retry", "smtp_temporary")),
        ("DATA", "554 looks like spam", ("rejected", "smtp_refused")),
        ("DATA", "451 try again later", ("retry", "smtp_temporary")),
        ("DATA", "421 closing down", ("retry", "smtp_temporary")),
        ("MAIL", "553 not your sender", ("rejected", "smtp_refused")),
        ("MAIL", "530 authentication required", ("retry", "smtp_unreachable")),
    ],
)
def test_what_the_server_says_for_good_is_for_good_and_the_next_mail_still_leaves(smtp, step, reply, outcome):
    smtp.replies[step, "no-reply@example.org" if step == "MAIL" else "first@example.org"] = reply
    assert outcomes(send(a_mail("first@example.org"), a_mail("second@example.org"))) == [outcome, ("sent", "")]
    assert [mail["To"] for mail in smtp.mails] == ["second@example.org"]


def test_of_a_mail_under_which_the_server_hangs_up_nobody_knows_and_the_next_one_leaves(smtp):
    smtp.replies["hang up", "first@example.org"] = True
    deliveries = send(a_mail("first@example.org"), a_mail("second@example.org"))
    assert outcomes(deliveries) == [("unknown", "outcome_unknown"), ("sent", "")]
    assert smtp.connections == 2


def test_of_a_mail_that_the_server_does_not_answer_in_time_nobody_knows(smtp, settings):
    settings.EMAIL_TIMEOUT = 0.2
    smtp.replies["sleep", "slow@example.org"] = 0.5
    assert outcomes(send(a_mail("slow@example.org"))) == [("unknown", "outcome_unknown")]


def test_a_server_that_is_not_there_is_asked_once_and_no_intent_is_lost_on_it(settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = OVER_SMTP, "127.0.0.1", free_port()
    intent = Intents()
    deliveries = send(*(a_mail() for _ in range(3)), intent=intent)
    assert outcomes(deliveries) == [("retry", "smtp_unreachable")] * 3
    assert intent.asked == []
    assert isinstance(deliveries[0].error.__cause__, ConnectionRefusedError)


def test_a_server_that_does_not_let_us_in_costs_no_mail_its_life(smtp, settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "bursar", "wrong"
    intent = Intents()
    assert outcomes(send(a_mail(), intent=intent)) == [("retry", "smtp_unreachable")]
    assert intent.asked == []


class Broken(BaseEmailBackend):
    """A backend with a fault of its own."""

    def send_messages(self, email_messages):
        raise RuntimeError


class Silent(BaseEmailBackend):
    """A backend that says it has sent nothing."""

    def send_messages(self, email_messages):
        return 0


class Rude(BaseEmailBackend):
    """A backend that fails when all is done."""

    def send_messages(self, email_messages):
        return 1

    def close(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("backend", "outcome"),
    [
        (f"{__name__}.Broken", ("unknown", "outcome_unknown")),
        (f"{__name__}.Silent", ("retry", "mail_error")),
        (f"{__name__}.Rude", ("sent", "")),
        ("nowhere.Backend", ("retry", "mail_error")),
    ],
)
def test_a_backend_with_faults_never_raises(settings, backend, outcome):
    settings.EMAIL_BACKEND = backend
    assert outcomes(send(a_mail(), a_mail())) == [outcome] * 2


# Mails kept as files


def test_a_mail_is_kept_under_its_assignment_for_its_owner_only(directory):
    mail = a_mail()
    send(mail)
    path = directory / str(mail.reference) / f"{mail.message}.eml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_the_same_mail_again_replaces_its_file(directory):
    mail = a_mail()
    send(mail)
    send(mail)
    assert [message_of(found) for found in kept(directory)] == [mail.message]


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Bursar-Assignment": str(uuid4())}, {"X-Bursar-Assignment": "../../etc", "X-Bursar-Message": "passwd"}],
    ids=["none", "one", "wicked"],
)
def test_a_mail_without_proper_ids_is_kept_elsewhere(directory, headers):
    assert EmailMessage("S", "T", "a@example.org", ["b@example.org"], headers=headers).send() == 1
    (path,) = directory.parent.rglob("*.eml")
    assert path.parent == directory / "other"
    UUID(path.stem)


def test_forgetting_removes_all_mails_about_an_assignment_and_nothing_else(directory):
    forgotten, remembered = a_mail("first@example.org"), a_mail("second@example.org")
    again = Mail(uuid4(), forgotten.reference, "a@example.org", "first@example.org", "S", "T")
    send(forgotten, again, remembered)
    scrap = directory / str(forgotten.reference) / ".draft.part"
    scrap.write_text("left by a killed process")
    assert DjangoMail().forget_many([forgotten.reference, uuid4()]) == 2
    assert not scrap.parent.exists()
    assert [message_of(found) for found in kept(directory)] == [remembered.message]
    assert DjangoMail().forget_many([forgotten.reference]) == 0


def test_mails_kept_before_a_mail_server_was_set_are_forgotten_too(directory, settings):
    mail = a_mail()
    send(mail)
    settings.EMAIL_BACKEND = IN_MEMORY
    del settings.EMAIL_FILE_PATH
    settings.BURSAR = {"mail_dir": str(directory)}
    assert DjangoMail().forget_many([mail.reference]) == 1
    assert kept(directory) == []


def test_several_at_once_forget_the_same_mails(tmp_path):
    references = [uuid4() for _ in range(300)]
    for reference in references:
        kept = tmp_path / str(reference)
        kept.mkdir()
        for _ in range(3):
            (kept / f"{uuid4()}.eml").touch()
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(forget, references, tmp_path) for _ in range(4)]:
            done.result()
    assert list(tmp_path.iterdir()) == []


def test_what_another_has_removed_is_not_missed_and_the_rest_goes_all_the_same(tmp_path, monkeypatch):
    reference = uuid4()
    kept = tmp_path / str(reference)
    kept.mkdir()
    (kept / "rest.eml").touch()
    monkeypatch.setattr(Path, "iterdir", lambda path: iter((path / "removed.eml", path / "rest.eml")))
    assert forget([reference], tmp_path) == 2
    assert not kept.exists()


def test_an_installation_that_keeps_no_files_has_nothing_to_forget(settings):
    settings.EMAIL_FILE_PATH = None
    settings.BURSAR = {}
    assert DjangoMail().forget_many([uuid4()]) == 0


def test_mails_that_cannot_be_forgotten_are_reported(directory):
    directory.mkdir()
    reference = uuid4()
    (directory / str(reference)).write_text("a file where a directory belongs")
    with pytest.raises(Unavailable) as refusal:
        forget([reference], directory)
    assert refusal.value.code == "mail_files_unavailable"


def test_a_directory_that_cannot_be_made_is_tried_again_later(directory):
    directory.write_text("a file where a directory belongs")
    deliveries = send(a_mail(), a_mail())
    assert outcomes(deliveries) == [("retry", "mail_files_unavailable")] * 2
    assert isinstance(deliveries[0].error, Unavailable)
    directory.unlink()
    assert outcomes(send(a_mail())) == [("sent", "")]


@contextmanager
def full_disk():
    """Let no file of this process grow beyond 100 bytes; nothing else may be written meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_tried_again_later_and_leaves_no_scraps(directory):
    with full_disk():
        deliveries = send(a_mail())
    assert outcomes(deliveries) == [("retry", "mail_files_unavailable")]
    assert [path for path in directory.rglob("*") if path.is_file()] == []


def test_a_backend_asked_to_be_silent_says_only_how_many_it_kept(directory):
    directory.write_text("a file where a directory belongs")
    quiet = get_connection(fail_silently=True)
    assert quiet.send_messages([EmailMessage("S", "T", "a@example.org", ["b@example.org"])]) == 0


def test_files_without_a_directory_to_keep_them_are_a_fault_of_the_settings(settings):
    settings.EMAIL_BACKEND = IN_FILES
    settings.EMAIL_FILE_PATH = None
    settings.BURSAR = {}
    with pytest.raises(Misconfigured, match="EMAIL_FILE_PATH"):
        FileBackend()
    assert outcomes(send(a_mail())) == [("retry", "misconfigured")]
    settings.BURSAR = {"mail_dir": "kept"}
    assert FileBackend().directory == Path("kept")


# The fake


def test_the_fake_fails_as_it_is_told():
    fake = FakeMail()
    mail = a_mail()
    fake.script(mail.to, "retry", "reject", "raise", "die_before", "die_after")

    def attempt():
        return outcomes(fake.send_many([mail], intent=Intents()))

    assert attempt() == [("retry", "smtp_temporary")]
    assert attempt() == [("rejected", "smtp_refused")]
    for failure in (RuntimeError, Died):
        with pytest.raises(failure):
            attempt()
    assert fake.sent == []
    with pytest.raises(Died):
        attempt()
    assert attempt() == [("sent", "")]
    assert fake.sent == [mail, mail]
    assert fake.forget_many([uuid4()]) == 0
    assert fake.forget_many([mail.reference]) == 2
    assert fake.sent == []
