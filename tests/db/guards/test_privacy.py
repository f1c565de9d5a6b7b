"""Each guard of forgetting by itself: the row, its history, the person."""

import pytest

from bursar.assignments.flows import AllocationRequest, allocate
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many, retire_many
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Person
from bursar.testing import factories

pytestmark = pytest.mark.django_db


def test_a_forgotten_address_is_nowhere_in_the_row_its_history_or_the_person():
    factories.make_course()
    request = AllocationRequest(factories.make_house().budget, factories.COURSE)
    (placed,) = allocate(request, factories.make_people(["ana@example.org"]), actor=CONSOLE).created
    cancel_many([placed.assignment], actor=CONSOLE)
    retire_many([placed.assignment], actor=CONSOLE)
    past = LearnerContentAssignment.history.model.objects.values_list("learner_email", flat=True)
    rows = LearnerContentAssignment.objects.values_list("learner_email", flat=True)
    addresses = [*past, *rows, *Person.objects.values_list("email", flat=True)]
    assert len(addresses) == 5
    assert {address.partition("@")[2] for address in addresses} == {"retired.invalid"}
