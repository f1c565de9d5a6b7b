"""What the log of a mail server tells about mails of which nobody else knows whether they left."""

import os
from datetime import timedelta
from uuid import uuid4

import pytest

from bursar.adapters import mail_lookup_postfix
from bursar.adapters.mail_django import DjangoMail
from bursar.adapters.mail_lookup import look_up
from bursar.adapters.mail_lookup_postfix import find
from bursar.adapters.mail_smtp import SmtpMail
from bursar.kernel import clock

ONE, TWO, THREE = (f"<{uuid4()}@learn.example.org>" for _ in range(3))
HOUR = timedelta(hours=1)


@pytest.fixture
def log(settings, tmp_path):
    settings.BURSAR = settings.BURSAR | {"mail_log": str(tmp_path / "mail.log")}
    return tmp_path / "mail.log"


@pytest.fixture
def complete(settings, log):
    settings.BURSAR = settings.BURSAR | {"mail_log_complete": True}
    return log


def line(program, rest):
    return f"2026-11-22T12:00:00.5+00:00 mx postfix/{program}[42]: {rest}\n"


def coming_in(queue, message_id):
    return line("smtpd", f"{queue}: client=localhost[127.0.0.1]") + line("cleanup", f"{queue}: message-id={message_id}")


def queued(queue):
    return line("qmgr", f"{queue}: from=<a@example.org>, size=700, nrcpt=1 (queue active)")


def sent(queue, status="sent (250 2.0.0 Ok)"):
    return line("smtp", f"{queue}: to=<b@example.org>, relay=mx[192.0.2.1]:25, delay=1, dsn=2.0.0, status={status}")


def test_a_mail_that_the_server_queued_or_delivered_has_left(log):
    log.write_text(coming_in("4B1", ONE) + coming_in("3zXy", TWO) + sent("3zXy") + queued("4B1"))
    assert find([ONE, TWO, THREE]) == {ONE: True, TWO: True}


def test_a_mail_that_the_server_deferred_or_sent_back_has_left_us(log):
    log.write_text(
        coming_in("A1", ONE) + sent("A1", "deferred (timed out)") + coming_in("B2", TWO) + sent("B2", "bounced (x)")
    )
    assert find([ONE, TWO]) == {ONE: True, TWO: True}


def test_a_mail_that_broke_off_while_it_came_in_has_not_been_taken(log):
    lost = line("smtpd", "lost connection after DATA (700 bytes) from localhost[127.0.0.1]")
    milter = line(
        "cleanup", "B2: milter-reject: END-OF-MESSAGE from localhost[127.0.0.1]: 5.7.1 no; from=<a@example.org>"
    )
    log.write_text(coming_in("A1", ONE) + lost + coming_in("B2", TWO) + milter)
    assert find([ONE, TWO]) == {}


def test_a_queue_id_that_is_used_again_stands_for_the_mail_that_has_it_then(log):
    log.write_text(coming_in("A1", ONE) + coming_in("A1", THREE) + queued("A1"))
    assert find([ONE]) == {}
    log.write_text(coming_in("A1", THREE) + queued("A1") + coming_in("A1", ONE))
    assert find([ONE]) == {}


def test_a_line_of_another_server_that_names_the_mail_says_that_it_was_taken(log):
    log.write_text(f"accepted message-id={ONE}\n")
    assert find([ONE, TWO]) == {ONE: True}


def test_a_mail_is_known_by_its_id_when_the_service_has_moved_to_another_host(log):
    log.write_text(f"accepted message-id={ONE.replace('learn.example.org', 'old.example.org')}\n")
    assert find([ONE]) == {ONE: True}


def test_what_a_log_does_not_show_is_left_open_unless_the_log_is_complete(log, settings):
    log.write_text(f"accepted message-id={ONE}\n")
    assert find([TWO]) == {}
    settings.BURSAR = settings.BURSAR | {"mail_log_complete": True}
    assert find([ONE, TWO]) == {ONE: True, TWO: False}


def test_a_log_that_has_stood_still_since_the_mail_may_have_left_proves_nothing(complete):
    complete.write_text(f"accepted message-id={ONE}\n")
    with clock.at(clock.now() + HOUR):
        assert find([ONE, TWO]) == {ONE: True}


def test_logs_that_were_rotated_are_read_in_the_order_they_were_written(complete):
    old, older = complete.with_name("mail.log.1"), complete.with_name("mail.log-20260301")
    older.write_text(coming_in("A1", ONE))
    old.write_text(queued("A1") + coming_in("B2", TWO))
    complete.write_text(queued("B2"))
    complete.with_name("mail.log.2.gz").write_bytes(b"\x1f\x8b packed")
    complete.with_name("mail.err").write_text(f"message-id={THREE}\n")
    for age, path in enumerate((complete, old, older)):
        moment = clock.now().timestamp() - 60 * age
        os.utime(path, (moment, moment))
    assert find([ONE, TWO, THREE]) == {ONE: True, TWO: True, THREE: False}


def test_of_a_log_too_long_to_be_read_the_end_is_and_proves_only_what_it_shows(complete, monkeypatch):
    monkeypatch.setattr(mail_lookup_postfix, "READ_AT_MOST", 200)
    complete.write_text(f"message-id={ONE}\n" + "x" * 200 + f"\nmessage-id={TWO}\n")
    assert find([ONE, TWO, THREE]) == {TWO: True}


@pytest.mark.parametrize("content", [None, "directory"])
def test_a_log_that_cannot_be_read_proves_nothing(complete, content):
    if content:
        complete.mkdir()
    assert find([ONE]) == {}


def test_an_address_in_the_log_of_the_mail_server_stays_there(complete, caplog):
    assert find([ONE]) == {}
    assert [record.getMessage() for record in caplog.records] == [
        "mail: the log of the mail server cannot be read: FileNotFoundError"
    ]


def test_rubbish_in_a_log_is_passed_over(complete):
    complete.write_bytes(
        b"\xff\x00 message-id=\n\n\xfe: : message-id=<\nmessage-id=<>\n" + f"message-id={ONE}".encode()
    )
    assert find([ONE, TWO]) == {ONE: True, TWO: False}


# The function that the setting names


def only_the_first(message_ids):
    return {message_ids[0]: True, "<somebody@else>": True}


@pytest.mark.parametrize("adapter", [SmtpMail, DjangoMail])
def test_both_adapters_ask_the_function_that_the_setting_names_by_message_id(settings, adapter):
    settings.BURSAR = settings.BURSAR | {"mail_lookup": f"{__name__}.only_the_first"}
    messages = [uuid4(), uuid4()]
    assert adapter().find_many(messages) == {messages[0]: True}


def test_without_a_function_nobody_can_tell():
    assert look_up([uuid4()]) == {}


def test_the_log_is_asked_by_its_dotted_path(log, settings):
    settings.BURSAR = settings.BURSAR | {
        "mail_lookup": "bursar.adapters.mail_lookup_postfix.find", "base_url": "https://learn.example.org"
    }  # fmt: skip
    message = uuid4()
    log.write_text(f"message-id=<{message}@learn.example.org>\n")
    assert look_up([message, uuid4()]) == {message: True}
