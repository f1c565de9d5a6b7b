"""Mails that came back, as servers write them: what each means for the address, and that nothing spoils the reading."""

import time
from base64 import b64encode

import pytest
from tests.unit.returned_mails import (
    ANSWER,
    AWAY,
    COMPLAINT,
    DELAYED,
    EXCHANGE,
    EXIM,
    EXIM_DELAYED,
    EXIM_TEMPORARY,
    MARK,
    POSTFIX,
    QMAIL,
    mail,
    status_is,
)

from bursar.people.bounces import LOOKED_AT, Kind, kind_of, marks_in, read_report, status_in


@pytest.mark.parametrize(
    ("text", "kind", "status"),
    [
        (POSTFIX, "hard", "5.1.1"),
        (EXCHANGE, "hard", "5.1.10"),
        (EXIM, "hard", ""),
        (QMAIL, "hard", "5.0.0"),
        (EXIM_TEMPORARY, "soft", "4.3.0"),
        (DELAYED, "delayed", "4.4.1"),
        (EXIM_DELAYED, "delayed", ""),
        (COMPLAINT, "complaint", ""),
        (AWAY, "none", ""),
        (ANSWER, "none", ""),
        (status_is(POSTFIX, "4.2.2", "452 4.2.2"), "soft", "4.2.2"),
        (status_is(POSTFIX, "4.4.7"), "soft", "4.4.7"),
        (status_is(POSTFIX, "5.0.0", "452 4.2.2"), "soft", "4.2.2"),
        (status_is(POSTFIX, "5.0.0", "550 Nobody of that name"), "hard", "5.0.0"),
        (POSTFIX.replace("Status: 5.1.1\n", ""), "hard", "5.1.1"),
        (POSTFIX.replace("Action: failed\n", ""), "hard", "5.1.1"),
        (POSTFIX.replace("Action: failed", "ACTION: Failed (for good)"), "hard", "5.1.1"),
        (POSTFIX.replace("Action: failed", "Action: relayed").replace("5.1.1", "2.1.5"), "none", ""),
    ],
)
@pytest.mark.parametrize("crlf", [False, True])
def test_each_server_is_understood(text, kind, status, crlf):
    report = read_report(mail(text, crlf=crlf))
    assert (report.kind, report.status) == (kind, status)


@pytest.mark.parametrize("text", [POSTFIX, EXCHANGE, EXIM, QMAIL, DELAYED, COMPLAINT])
def test_the_mark_of_the_return_path_is_found_wherever_the_server_puts_it(text):
    assert MARK in read_report(mail(text)).marks


def test_the_mark_is_found_when_only_the_returned_mail_has_it():
    text = POSTFIX.replace("Delivered-To: RETURN_PATH\n", "").replace("To: RETURN_PATH", "To: postmaster@acme.example")
    assert read_report(mail(text)).marks == (MARK,)


def test_a_mark_in_the_words_of_a_mail_is_none_of_ours():
    assert read_report(mail(QMAIL.replace("To: RETURN_PATH\n", ""))).marks == ()


@pytest.mark.parametrize(
    "status", ["5.2.2", "5.2.3", "5.3.4", "5.5.0", "5.6.1", "5.7.1", "5.7.26", "4.2.1", "4.7.1", ""]
)
def test_a_verdict_on_the_mail_or_on_us_does_not_condemn_the_address(status):
    assert kind_of(status) is Kind.SOFT


@pytest.mark.parametrize("status", ["5.0.0", "5.1.1", "5.1.2", "5.1.10", "5.2.1", "5.4.4", "5.3.0"])
def test_a_verdict_on_the_address_does(status):
    assert kind_of(status) is Kind.HARD


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("smtp; 550 5.1.1 no", "5.1.1"),
        ("550 no such user", "5.0.0"),
        ("421-try later", "4.0.0"),
        ("from 192.168.5.250 to 10.1.5.50", ""),
        ("order 5501 of 2026", ""),
        ("", ""),
    ],
)
def test_a_servers_words_are_searched_for_its_code(words, status):
    assert status_in(words) == status


def test_where_one_of_several_recipients_got_it_nothing_came_back():
    group = "Final-Recipient: rfc822; bea@example.org\nAction: delivered\nStatus: 2.0.0\n\n"
    assert read_report(mail(POSTFIX.replace("Final-Recipient", group + "Final-Recipient"))).kind == "none"


def test_of_several_failures_the_worst_counts():
    group = "Final-Recipient: rfc822; bea@example.org\nAction: delayed\nStatus: 4.2.2\n\n"
    assert read_report(mail(POSTFIX.replace("Final-Recipient", group + "Final-Recipient"))).kind == "hard"


def test_a_report_in_base_64_is_read():
    begin = POSTFIX.index("Reporting-MTA")
    end = POSTFIX.index("\n--9A1B2C", begin)
    packed = b64encode(POSTFIX[begin:end].encode()).decode()
    text = POSTFIX[:begin].replace("delivery-status\n\n", "delivery-status\nContent-Transfer-Encoding: base64\n\n")
    report = read_report(mail(text + packed + POSTFIX[end:]))
    assert (report.kind, report.status) == ("hard", "5.1.1")


def test_a_report_inside_another_frame_is_found():
    inner = mail(POSTFIX).decode()
    head, body = inner.split("\n\n", 1)
    kind = head[head.index("Content-Type") :]
    outer = f"From: gateway@acme.example\nSubject: x\nContent-Type: multipart/mixed; boundary=o\n\n--o\n{kind}\n\n{body}\n--o--\n"
    assert read_report(outer.encode()).kind == "hard"


def test_a_mailbox_line_before_the_head_is_passed_over():
    assert read_report(b"From MAILER-DAEMON Sun Nov 22 12:00:03 2026\n" + mail(POSTFIX)).kind == "hard"


def test_a_report_that_ends_in_the_middle_says_what_it_has_said():
    whole = mail(POSTFIX)
    assert read_report(whole[: whole.index(b"Diagnostic-Code")]).kind == "hard"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n\n",
        b"\xff\xfe\x00\x01" * 50,
        b"\0" * 1000,
        b"no head at all",
        mail(POSTFIX)[: mail(POSTFIX).index(b"Action")].replace(b"Undelivered Mail Returned to Sender", b"Hello"),
        mail(POSTFIX)
        .replace(b"message/delivery-status", b"application/x")
        .replace(b"Undelivered Mail Returned to S", b""),
        b"Subject: x\n" + b"X-Long: " + b"y" * 300_000 + b"\n\nbody",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary*=utf-99'en'%ff\n\n--x\n",
        b"Content-Type: multipart/report; report-type=delivery-status\n\nno boundary",
    ],
)
def test_what_cannot_be_read_is_malformed_and_nothing_more(raw):
    assert read_report(raw).kind == "malformed"


@pytest.mark.parametrize("octet", [0, 10, 13, 58, 128, 255])
def test_whatever_octet_is_changed_an_answer_comes(octet):
    whole = mail(POSTFIX)
    for place in range(0, len(whole), 17):
        assert read_report(whole[:place] + bytes([octet]) + whole[place + 1 :]).kind in Kind


def in_time(raw, seconds=20.0):
    started = time.process_time()  # what others do on the machine does not count
    report = read_report(raw)
    assert time.process_time() - started < seconds
    return report


def test_ten_megabytes_of_returned_mail_are_no_burden():
    whole = mail(POSTFIX).replace(b"Hello.\n", b"SGVsbG8gd29ybGQ=\n" * 600_000)
    assert len(whole) > 10_000_000
    report = in_time(whole)
    assert (report.kind, report.marks) == ("hard", (MARK,))


def test_ten_megabytes_before_the_report_are_not_waded_through():
    whole = mail(POSTFIX).replace(b"This is the mail system", b"x" * 10_000_000)
    assert len(whole) > 10 * LOOKED_AT // 2
    assert in_time(whole).kind in {"hard", "soft", "malformed"}


@pytest.mark.parametrize(
    "raw",
    [
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(20_000)),
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 250_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 200_000,
        b"Content-Type: message/delivery-status\n\n" + b"Action: delayed\n\n" * 60_000,
        b"Content-Type: message/delivery-status\n\n" + b"a:\n" * 350_000,
        b"To: " + b"a+b@" * 60_000 + b"\n\n",
        b"Subject: " + b"undeliver" * 20_000 + b"\nFrom: mailer-daemon\n\n" + b"5.1." * 250_000,
        b"Content-Type: message/rfc822\n\n" * 30_000,
    ],
)
def test_nests_and_repetitions_cost_little(raw):
    assert in_time(raw).kind in Kind


def test_what_is_read_names_nobody():
    assert "example" not in repr(read_report(mail(POSTFIX)))
    assert MARK not in repr(read_report(mail(POSTFIX)))


def test_marks_are_what_stands_between_plus_and_at():
    assert marks_in("a+x1@h, <b+y@h> c@h d+@h + @") == ["x1", "y"]
