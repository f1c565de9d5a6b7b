"""What a row lock is for, one interleaving at a time: the second caller waits, then sees what the first has done."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from tests.race.crowd import without_row_locks

from bursar.assignments import moves
from bursar.assignments.audit import run_audit
from bursar.assignments.flows import AllocationRequest, allocate
from bursar.assignments.moves import LostRaceError
from bursar.assignments.services import cancel_many, expire_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)


def cancel_while_expiring(monkeypatch):
    """Expire an assignment, stop before the commit, cancel it meanwhile; returns what the canceller was told."""
    request = AllocationRequest(factories.make_house().budget, factories.COURSE)
    (placed,) = allocate(request, factories.make_people(1), actor=CONSOLE).created
    written, go_on, told = threading.Event(), threading.Event(), []
    pay = moves.pay

    def pause(*args, **kwargs):
        monkeypatch.setattr(moves, "pay", pay)
        written.set()
        go_on.wait(30)
        pay(*args, **kwargs)

    def expire():
        with clock.at(clock.now() + timedelta(days=91)):
            expire_many([placed.assignment], actor=CONSOLE)
        connection.close()

    def cancel():
        try:
            told.append(cancel_many([placed.assignment], actor=CONSOLE).refused[placed.assignment].code)
        except LostRaceError as error:
            told.append(type(error).__name__)
        connection.close()

    monkeypatch.setattr(moves, "pay", pause)
    first, second = threading.Thread(target=expire), threading.Thread(target=cancel)
    first.start()
    written.wait(30)
    second.start()
    second.join(0.5)  # it waits for the first, which is yet to commit
    assert not told
    go_on.set()
    for thread in (first, second):
        thread.join(30)
    return told


def test_control_without_the_row_lock_the_second_caller_has_looked_too_early(course, monkeypatch):
    with monkeypatch.context() as patch:
        without_row_locks(patch)
        assert cancel_while_expiring(patch) == ["LostRaceError"]


def test_with_the_row_lock_the_second_caller_is_told_how_things_stand(course, monkeypatch):
    assert cancel_while_expiring(monkeypatch) == ["wrong_state"]
    assert run_audit() == []
