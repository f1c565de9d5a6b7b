"""What each answer of a receiver means, as Standard Webhooks has it (the table of row D1)."""

from datetime import UTC, datetime, timedelta

import pytest

from bursar.webhooks.answers import judge, pause, wait_asked_for

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (200, "sent", ""), (201, "sent", ""), (202, "sent", ""), (204, "sent", ""), (299, "sent", ""),
        (199, "retry", "http_199"), (300, "retry", "http_300"), (301, "retry", "http_301"), (302, "retry", "http_302"),
        (304, "retry", "http_304"), (307, "retry", "http_307"), (400, "retry", "http_400"), (401, "retry", "http_401"),
        (404, "retry", "http_404"), (410, "failed", "http_410"), (429, "retry", "http_429"), (500, "retry", "http_500"),
        (502, "retry", "http_502"), (503, "retry", "http_503"), (504, "retry", "http_504"), (599, "retry", "http_599"),
    ],
)  # fmt: skip
def test_two_hundreds_are_success_410_is_the_end_and_all_else_comes_again(status, outcome, code):
    verdict = judge(status, now=NOW)
    assert (verdict.outcome, verdict.code) == (outcome, code)
    assert verdict.gone == (status == 410)


@pytest.mark.parametrize("fault", ["timeout", "unreachable", "tls_failed", "forbidden_address", "unresolved"])
def test_no_answer_comes_again_and_gives_the_receiver_a_rest(fault):
    verdict = judge(None, fault=fault, now=NOW)
    assert (verdict.outcome, verdict.code, verdict.pauses) == ("retry", fault, True)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_receiver_is_left_alone_as_long_as_it_asks(status):
    verdict = judge(status, retry_after="3600", now=NOW)
    assert (verdict.retry_after, verdict.pauses) == (HOUR, True)


@pytest.mark.parametrize("status", [200, 301, 400, 410, 500])
def test_nobody_else_is_asked_how_long_to_wait(status):
    verdict = judge(status, retry_after="3600", now=NOW)
    assert (verdict.retry_after, verdict.pauses) == (timedelta(0), False)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("0", timedelta(0)), ("120", timedelta(minutes=2)), (" 120 ", timedelta(minutes=2)), ("86400", DAY), ("86401", DAY),
        ("9" * 9, DAY), ("9" * 5000, DAY), ("-5", timedelta(0)), ("1.5", timedelta(0)), ("soon", timedelta(0)),
        ("", timedelta(0)), ("Sun, 22 Nov 2026 13:00:00 GMT", HOUR), ("Sun, 22 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY), ("Mon, 32 Foo 2026 13:00:00 GMT", timedelta(0)), ("\uff12", timedelta(0)),
        ("Sun, 22 Nov 2026 13:00:00 -0000", HOUR),
    ],
)  # fmt: skip
def test_a_wait_is_seconds_or_a_date_and_at_most_a_day(header, wait):
    assert wait_asked_for(header, NOW) == wait


def test_a_receiver_in_trouble_is_left_alone_for_longer_and_longer_but_at_most_an_hour():
    pauses = [pause(failures, timedelta(0)) for failures in range(1, 10)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(minutes=1), HOUR)
    assert pause(5000, timedelta(0)) == HOUR


def test_what_the_receiver_asks_for_counts_where_it_is_longer():
    assert pause(1, DAY) == DAY
    assert pause(3, timedelta(seconds=1)) == timedelta(minutes=4)
