"""Mails that came back, taken in from files and standard input; addresses that get none, and letting them through again."""

import io
import sys
from types import SimpleNamespace

import pytest
from tests.unit.returned_mails import ANSWER, DELAYED, MARK, POSTFIX, status_is

from bursar.outbox.models import Message, State
from bursar.outbox.worker import drain
from bursar.people.bounces import LOOKED_AT, marks_in
from bursar.people.mail_tokens import return_path

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ports(settings):
    settings.BURSAR = settings.BURSAR | {
        "mail_port": "bursar.testing.fake_mail.FakeMail",
        "bounce_address": "bounces@mail.acme.example",
    }


@pytest.fixture
def sent(allocated):
    """The message that went to Ada."""
    drain()
    return Message.objects.get(subject_uuid=allocated["ada@acme.example"])


@pytest.fixture
def typed(monkeypatch):
    """Put octets on standard input; returns the stream, to see what is left of it."""

    def put(octets):
        stream = io.BytesIO(octets)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream, isatty=lambda: False))
        return stream

    return put


def returned(message, text=POSTFIX):
    (mark,) = marks_in(return_path(message.pk))
    return text.strip("\n").replace("RETURN_PATH", f"bounces+{mark}@mail.acme.example").encode()


def stands(message):
    message.refresh_from_db()
    return message.state


def test_a_mail_server_pipes_a_returned_mail_in(bursar, sent, typed):
    typed(returned(sent))
    done = bursar("bounces", "-", "--json").json
    assert done == {
        "read": 1, "hard": 1, "soft": 0, "delayed": 0, "complaint": 0, "none": 0, "malformed": 0, "not_ours": 0,
        "recorded": 1,
    }  # fmt: skip
    assert stands(sent) == State.BOUNCED
    shown = bursar("assignments", "show", sent.subject_uuid).out
    assert "assigned: bounced, 5.1.1" in shown
    assert "notified: failed, email_error" in shown


def test_it_may_say_on_the_command_line_to_whom_the_mail_went(bursar, sent, typed):
    stripped = POSTFIX.replace("RETURN_PATH", "postmaster@acme.example")
    typed(stripped.encode())
    assert bursar("bounces", "-", "--json").json["not_ours"] == 1
    typed(stripped.encode())
    assert bursar("bounces", "-", "--recipient", return_path(sent.pk).upper(), "--json").json["recorded"] == 1
    assert stands(sent) == State.BOUNCED


def test_a_forged_mark_is_passed_over(bursar, sent, typed):
    mark = marks_in(return_path(sent.pk))[0]
    for forged in (mark[:-1] + ("a" if mark[-1] != "a" else "b"), mark[::-1], MARK, mark[:-1], mark + "a"):
        typed(POSTFIX.replace("RETURN_PATH", f"bounces+{forged}@mail.acme.example").encode())
        done = bursar("bounces", "-", "--json").json
        assert (done["not_ours"], done["recorded"]) == (1, 0)
    assert stands(sent) == State.SENT
    assert bursar("mail", "stopped", "--json").json == {"stopped": []}


def test_the_same_mail_again_is_no_news(bursar, sent, write):
    file = write("returned.eml", returned(sent))
    assert bursar("bounces", file, file, "--json").json["recorded"] == 1
    again = bursar("bounces", file)
    assert "undeliverable for good  1" in again.out
    assert "News                    0" in again.out


def test_a_mailbox_directory_is_read_and_emptied_only_if_asked(bursar, sent, tmp_path):
    for place, (directory, text) in enumerate([("new", POSTFIX), ("cur", DELAYED), ("new", ANSWER), ("tmp", POSTFIX)]):
        (tmp_path / "box" / directory).mkdir(parents=True, exist_ok=True)
        (tmp_path / "box" / directory / str(place)).write_bytes(returned(sent, text))
    (tmp_path / "box" / "new" / "spoilt").write_bytes(b"\xff\x00")
    done = bursar("bounces", tmp_path / "box", "--json").json
    assert [done[name] for name in ("read", "hard", "delayed", "none", "malformed")] == [4, 1, 1, 1, 1]
    assert len(list((tmp_path / "box").rglob("*"))) == 3 + 5
    bursar("bounces", tmp_path / "box", "--remove")
    assert [file.name for file in (tmp_path / "box").rglob("*") if file.is_file()] == ["3"]


def test_a_directory_of_files_is_read_too(bursar, sent, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.eml").write_bytes(returned(sent))
    assert bursar("bounces", tmp_path / "plain", "--json").json["hard"] == 1


def test_a_mail_of_ten_megabytes_is_read_to_its_end(bursar, sent, typed):
    stream = typed(returned(sent).replace(b"Hello.", b"x" * 10_000_000))
    assert bursar("bounces", "-", "--json").json["recorded"] == 1
    assert stream.tell() > LOOKED_AT
    assert stream.read() == b""


def test_a_file_that_is_not_there_is_bad_input_and_nothing_is_read(bursar, sent, write, tmp_path):
    refused = bursar("bounces", write("returned.eml", returned(sent)), tmp_path / "nowhere", code=4)
    assert "There is no such file" in refused.err
    assert stands(sent) == State.SENT


def test_without_a_file_it_is_wrong_usage(bursar, db):
    bursar("bounces", code=2)


def test_stopped_addresses_are_named_and_let_through_again(bursar, sent, typed):
    typed(returned(sent))
    bursar("bounces", "-")
    shown = bursar("mail", "stopped")
    assert "ada@acme.example" in shown.out
    assert "bounced" in shown.out
    data = bursar("mail", "stopped", "--json").json["stopped"]
    assert [(row["emails"], row["reason"]) for row in data] == [(["ada@acme.example"], "bounced")]
    assert "Mail is stopped: bounced." in bursar("assignments", "show", sent.subject_uuid).out
    assert bursar("mail", "allow", "ADA@acme.example", "--json").json == {"asked": 1, "allowed": 1}
    assert "Mail goes to everybody." in bursar("mail", "stopped").out
    assert "Mail is stopped" not in bursar("assignments", "show", sent.subject_uuid).out
    assert bursar("mail", "allow", "ada@acme.example", "--json").json["allowed"] == 0


def test_no_address_can_be_let_through_that_is_none(bursar, db):
    assert "invalid_address" in bursar("mail", "allow", "nobody", code=4).err


def test_a_soft_bounce_stops_nothing(bursar, sent, typed):
    typed(returned(sent, status_is(POSTFIX, "4.2.2", "452 4.2.2")))
    assert bursar("bounces", "-", "--json").json["soft"] == 1
    assert stands(sent) == State.BOUNCED
    assert bursar("mail", "stopped", "--json").json == {"stopped": []}
