"""A tick that is told to stop, by cron's or a deployment's SIGTERM or from the keyboard: the mail in hand is finished."""

import os
import signal
import threading

import pytest
from django.core.mail.backends.locmem import EmailBackend

from bursar.assignments import jobs
from bursar.outbox import worker


@pytest.fixture(autouse=True)
def asked_here_alone(monkeypatch):
    """Keep the tests that come after from hearing that this process was told to stop."""
    monkeypatch.setattr(worker, "_asked", threading.Event())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_tick_that_is_told_to_stop_ends_between_two_commits(allocated, bursar, monkeypatch, number):
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    asked = []

    def tick(*, progress, should_stop, **_):
        assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM], "this would end the process at once"
        progress(1)
        os.kill(os.getpid(), number)
        asked.append(should_stop())
        progress(1)
        raise AssertionError("it went on")

    monkeypatch.setattr(jobs, "tick", tick)
    done = bursar("tick", code=130)
    assert asked == [True]
    assert "Traceback" not in done.err
    assert {one: signal.getsignal(one) for one in before} == before


def test_a_mail_is_finished_and_the_others_wait(allocated, bursar, monkeypatch):
    send = EmailBackend.send_messages

    def told_meanwhile(self, mails):
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL, "this would end the process at once"
        os.kill(os.getpid(), signal.SIGTERM)
        return send(self, mails)

    monkeypatch.setattr(EmailBackend, "send_messages", told_meanwhile)
    assert bursar("tick", "--json").json["mail"]["sent"] == 1
