"""Mails that have left while what became of them could not be written: known to be sent, they are not sent again."""

import pytest
from tests.db.verbs.steps import HOUR, assigned, later, messages, tick

from bursar.assignments import services
from bursar.assignments.flows import posting
from bursar.kernel.errors import Unavailable
from bursar.outbox.worker import drain


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch):
    monkeypatch.setattr(posting.time, "sleep", lambda _: None)


def refusing(monkeypatch, error, *, times):
    """Let the first so many tries to record a delivery fail."""
    left, record = [error] * times, services.record_deliveries

    def sometimes(told):
        if left:
            raise left.pop()
        record(told)

    monkeypatch.setattr(services, "record_deliveries", sometimes)


def test_a_mail_that_left_while_the_database_was_away_for_seconds_is_not_sent_again(house, course, mail, monkeypatch):
    (row,) = assigned(house.budget)
    refusing(monkeypatch, Unavailable("away", code="database_gone"), times=2)
    drain()
    with later(HOUR):
        tick()
    assert len(mail.sent) == 1
    assert messages(row) == [("assigned", 1, 1, "sent")]


def test_a_record_that_cannot_be_written_does_not_send_a_mail_seven_times(house, course, mail, monkeypatch):
    (row,) = assigned(house.budget)
    refusing(monkeypatch, LookupError("a fault of ours"), times=100)
    drain()
    for day in range(5):
        with later(day * 24 * HOUR + HOUR):
            tick()
    assert len(mail.sent) == 1
    assert messages(row) == [("assigned", 1, 1, "sent")]


def test_a_database_that_stays_away_is_told_to_the_worker(house, course, mail, monkeypatch):
    (row,) = assigned(house.budget)
    refusing(monkeypatch, Unavailable("away", code="database_gone"), times=100)
    drain()
    assert messages(row) == [("assigned", 1, 1, "committing")]
    assert len(mail.sent) == 1
