"""Links by which learners answer without an account: what each leads to, and until when."""

from uuid import uuid4

import pytest
from tests.db.verbs.steps import DAY, assigned, fresh, later

from bursar.assignments.answer_links import Over, open_link
from bursar.assignments.models import AssignmentConfiguration, LearnerContentAssignment
from bursar.assignments.services import cancel_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.access import Permission, customers
from bursar.people.answer_tokens import Purpose, answer_token


@pytest.fixture
def row(house, course):
    return assigned(house.budget, ["ada@acme.example"])[0]


def link_to(row, *, days=30):
    return answer_token(Purpose.ACCEPT, row.pk, row.cycle, clock.now() + days * DAY, row.learner_email_key)


def test_a_link_leads_to_one_assignment_and_lets_do_nothing_else(house, row):
    opened = open_link(link_to(row))
    assert (opened.purpose, opened.assignment.pk, opened.customer.pk, opened.over) == (
        Purpose.ACCEPT, row.pk, house.customer.pk, None,
    )  # fmt: skip
    assert opened.person.email == "ada@acme.example"
    assert customers(opened.actor, Permission.LEARN) == {house.customer.pk}
    assert customers(opened.actor, Permission.MANAGE) == frozenset()


def test_a_link_ends_with_its_day_and_with_the_cycle_that_it_was_sent_for(house, row):
    link = link_to(row)
    with later(31 * DAY):
        assert open_link(link).over is Over.LATE
    cancel_many([row.pk], actor=CONSOLE)
    assigned(house.budget, ["ada@acme.example"])
    assert open_link(link).over is Over.RENEWED
    assert open_link(link_to(fresh(row))).over is None


def test_what_is_no_link_of_ours_or_of_somebody_forgotten_leads_nowhere(row):
    link = link_to(row)
    assert open_link("nonsense") is None
    assert open_link(answer_token(Purpose.ACCEPT, row.pk, 1, clock.now() + DAY, "another key")) is None
    LearnerContentAssignment.objects.filter(pk=row.pk).update(address_scrubbed_at=clock.now())
    assert open_link(link) is None


def test_a_link_to_what_is_gone_leads_nowhere(row, unaudited):
    link = link_to(row)
    AssignmentConfiguration.objects.update(enterprise_customer_uuid=uuid4())
    assert open_link(link) is None
    LearnerContentAssignment.objects.all().delete()
    assert open_link(link) is None
