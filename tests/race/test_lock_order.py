"""Callers who want the same assignments lock them in one order, whatever order they were named in."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from bursar.assignments import moves
from bursar.assignments.models import AssignmentConfiguration, LearnerContentAssignment
from bursar.kernel.actor import SYSTEM
from bursar.people.access import Permission

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 25
MANY = 400


def two_callers(keys, lock):
    """Let two callers lock the same rows at the same moment, one from each end; return what went wrong."""
    met = threading.Barrier(2)
    wrong = []

    def caller(mine):
        try:
            for _ in range(ROUNDS):
                met.wait(30)
                with transaction.atomic():
                    lock(mine)
        except OperationalError as error:
            wrong.append(error.__cause__.sqlstate)
            met.abort()
        except threading.BrokenBarrierError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=caller, args=(mine,)) for mine in (keys, keys[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return wrong


@pytest.fixture
def keys():
    """Return assignments enough for two callers to meet among them."""
    configuration = AssignmentConfiguration.objects.create()
    records = [
        LearnerContentAssignment(
            assignment_configuration=configuration,
            learner_email=f"learner{number}@example.org",
            content_key="DemoX+D101",
            content_quantity=-4900,
        )
        for number in range(MANY)
    ]
    LearnerContentAssignment.bulk_create(records)
    return [record.pk for record in records]


def test_control_locked_in_the_order_of_their_names_callers_deadlock(keys):
    def one_by_one(mine):
        for key in mine:
            moves.raw([key]).select_for_update().get()

    assert two_callers(keys, one_by_one) == ["40P01"]


def test_callers_who_name_people_in_opposite_order_do_not_deadlock(keys):
    assert two_callers(keys, lambda mine: moves.lock(mine, SYSTEM, Permission.MANAGE)) == []
