"""Two ticks look at the same people at the same moment: each is reminded once, and the cap holds over all budgets."""

from datetime import timedelta

import pytest
from tests.race.crowd import at_once, figure, without_constraints, without_row_locks

from bursar.assignments import services
from bursar.assignments.flows import AllocationRequest, allocate, remind_due
from bursar.assignments.models import LearnerContentAssignment, ReminderStep
from bursar.assignments.services import PolicyChange
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.testing import factories

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 60
COURSES = ("DemoX+D301", "DemoX+D302")


@pytest.fixture
def due(settings):
    """Leave sixty people with a course from each of two budgets, of whom each is to be reminded once in seven days."""
    settings.BURSAR = settings.BURSAR | {"chunk_size": 10}
    house = factories.make_house(limit_cents=10**9, deposit_cents=10**9)
    for budget, key in zip((house.budget, factories.make_budget(house.fund, limit_cents=10**9)), COURSES, strict=True):
        factories.make_course(key)
        allocate(AllocationRequest(budget, key), factories.make_people(PEOPLE), actor=CONSOLE)
    Message.objects.all().delete()
    LearnerContentAssignment.objects.update(notified_at=clock.now())  # as if the invitations had arrived
    change = PolicyChange(after_days=[7], before_days=[], quiet=None, per_week=1, digest=False)
    services.set_policy(house.customer.pk, change, actor=CONSOLE)
    remind_due()
    settings.BURSAR = settings.BURSAR | {"clock_offset": timedelta(days=8)}


def test_control_without_locks_and_unique_keys_people_are_reminded_too_often(due, monkeypatch):
    with without_constraints(ReminderStep, Message, kinds="u"), monkeypatch.context() as patch:
        without_row_locks(patch)
        at_once(*[remind_due] * 4)
        found = Message.objects.filter(kind="reminded").count()
        figure("CONTROL reminders of 60 people, each to be reminded once, by four ticks", found)
        Message.objects.all().delete()
        ReminderStep.objects.all().delete()
    assert found > PEOPLE


def test_four_ticks_remind_each_person_once(due):
    answers = at_once(*[remind_due] * 4)
    assert all(isinstance(answer, int) for answer in answers), answers
    assert sum(answers) == Message.objects.filter(kind="reminded").count() == PEOPLE
    told = LearnerContentAssignment.objects.filter(pk__in=Message.objects.values("subject_uuid"))
    assert len(set(told.values_list("learner_email_key", flat=True))) == PEOPLE
    assert ReminderStep.objects.count() == PEOPLE
