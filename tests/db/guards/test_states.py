"""Each guard of the states by itself: order of writes, unique keys, tenants, history, cycles, counts, comparison."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from bursar.assignments import moves
from bursar.assignments.events import HistoryReason
from bursar.assignments.flows import AllocationRequest, allocate, redeem_many
from bursar.assignments.models import AssignmentCounts, LearnerContentAssignment
from bursar.assignments.moves import How, LostRaceError
from bursar.assignments.services import RedemptionRequest, cancel_many, expire_many, reverse_many
from bursar.assignments.services import allocate as allocating
from bursar.assignments.states import Verb
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.transactions import writes
from bursar.outbox.models import Message
from bursar.people.access import Permission
from bursar.people.keys import key_of
from bursar.people.models import Profile
from bursar.ports.enrolment import EnrolmentAnswer
from bursar.testing import factories

pytestmark = pytest.mark.django_db

# What a transaction writes, in the only order in which it may: the hot rows of the counters come last.
ORDER = ["assignment", "history", "action", "message", "counts", "budget", "fund"]
TABLES = {
    "content_assignments_learnercontentassignment": "assignment",
    "content_assignments_historicallearnercontentassignment": "history",
    "content_assignments_learnercontentassignmentaction": "action",
    "bursar_outbox_message": "message",
    "content_assignments_assignmentcounts": "counts",
    "bursar_budgets_budget": "budget",
    "bursar_budgets_fund": "fund",
}
WRITE = re.compile(r'(?:\d+ times: )?(?:INSERT INTO|UPDATE) "(\w+)"')


class Unclear:
    """A learning platform that never gives a clear answer."""

    def enrol_many(self, requests):
        return [EnrolmentAnswer(request.key, "unclear") for request in requests]

    find_many = enrol_many


@pytest.fixture
def house():
    factories.make_course()
    return factories.make_house()


def assign(house, *emails):
    request = AllocationRequest(factories.reload(house.budget), factories.COURSE)
    done = allocate(request, factories.make_people(emails), actor=CONSOLE)
    return [placed.assignment for placed in (*done.created, *done.updated)]


def written(call):
    """Return what a call writes, in order, each kind by its first statement."""
    with CaptureQueriesContext(connection) as captured:
        call()
    tables = [match[1] for query in captured if (match := WRITE.match(query["sql"]))]
    return list(dict.fromkeys(TABLES[table] for table in tables if table in TABLES))


def test_every_verb_writes_rows_first_and_the_counters_of_money_last(house):
    (key,) = assign(house, "ana@example.org")
    (other,) = assign(house, "bob@example.org")
    late = clock.now() + timedelta(days=91)
    redeem_many([RedemptionRequest(other)], actor=CONSOLE)
    verbs = {
        "allocate": lambda: assign(house, "zoe@example.org"),
        "cancel": lambda: cancel_many([key], actor=CONSOLE),
        "renew": lambda: assign(house, "ana@example.org"),
        "reverse": lambda: reverse_many([other], actor=CONSOLE),
        "expire": lambda: expire_many([key], actor=CONSOLE),
    }
    for name, verb in verbs.items():
        with clock.at(late if name == "expire" else clock.now()):
            kinds = written(verb)
        assert kinds == [kind for kind in ORDER if kind in kinds], name
        assert {"history", "counts", "budget", "fund"} <= set(kinds), name  # rows made by COPY are in no log


def test_rows_are_locked_in_the_order_of_their_keys(house):
    keys = assign(house, "ana@example.org", "bob@example.org")
    with CaptureQueriesContext(connection) as captured:
        writes(moves.lock)(keys[::-1], CONSOLE, Permission.MANAGE)
    (statement,) = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    assert re.search(r'ORDER BY "content_assignments_learnercontentassignment"."uuid" ASC( FOR UPDATE)?$', statement)


def test_one_address_has_a_content_once_whatever_the_spelling(house):
    (key,) = assign(house, "ana@example.org")
    row = LearnerContentAssignment.objects.get(pk=key)
    twin = LearnerContentAssignment(
        assignment_configuration=row.assignment_configuration,
        learner_email="Ana@Example.org",
        content_key=row.content_key,
        content_quantity=0,
    )
    with pytest.raises(IntegrityError):
        twin.save()


def test_a_user_who_proves_the_address_while_it_is_being_assigned_is_linked(house, monkeypatch):
    survey = allocating.survey

    def survey_and_be_late(*args, **kwargs):
        seen = survey(*args, **kwargs)
        name = get_user_model().USERNAME_FIELD
        user = get_user_model().objects.create(**{name: "ana@example.org", "email": "ana@example.org"})
        Profile.objects.create(user=user, lms_user_id=42, verified_key=key_of("ana@example.org"))
        return seen

    monkeypatch.setattr(allocating, "survey", survey_and_be_late)
    (key,) = assign(house, "ana@example.org")
    assert LearnerContentAssignment.objects.get(pk=key).lms_user_id == 42


def vouched_for(user):
    return True


def test_a_user_whom_the_host_project_vouches_for_is_known_to_what_is_assigned_later(house, settings):
    settings.BURSAR = settings.BURSAR | {"address_verifier": f"{__name__}.vouched_for"}
    user = get_user_model().objects.create(username="ana", email="ana@example.org")
    (key,) = assign(house, "ana@example.org")
    assert LearnerContentAssignment.objects.get(pk=key).lms_user_id == user.bursar_profile.lms_user_id


def test_an_admin_of_another_customer_can_do_nothing_here(house):
    (key,) = assign(house, "ana@example.org")
    stranger = factories.make_member(factories.make_customer())
    assert {why.code for why in cancel_many([key], actor=stranger).refused.values()} == {"not_found"}
    assert LearnerContentAssignment.objects.get(pk=key).state == "allocated"


def test_a_step_leaves_a_history_row_that_says_who_and_why(house):
    (key,) = assign(house, "ana@example.org")
    admin = factories.make_member(house.customer)
    cancel_many([key], actor=admin)
    last = LearnerContentAssignment.history.filter(uuid=key).latest("history_id")
    assert (last.state, last.history_change_reason) == ("cancelled", HistoryReason.CANCELLED_BY_ADMIN)
    assert last.history_user_id == admin.user_id


def test_a_renewed_assignment_begins_a_new_cycle_and_is_told_of_it(house):
    (key,) = assign(house, "ana@example.org")
    cancel_many([key], actor=CONSOLE)
    assign(house, "ana@example.org")
    assert LearnerContentAssignment.objects.get(pk=key).cycle == 2
    assert set(Message.objects.filter(kind="assigned").values_list("cycle", flat=True)) == {1, 2}


def test_a_step_moves_the_kept_counts(house):
    keys = assign(house, "ana@example.org", "bob@example.org")
    cancel_many(keys[:1], actor=CONSOLE)
    counts = AssignmentCounts.objects.get(pk=house.budget.assignment_configuration_id)
    assert (counts.allocated_notifying, counts.cancelled) == (1, 1)


def test_a_step_from_what_the_row_was_before_is_never_written(house):
    (key,) = assign(house, "ana@example.org")

    @writes
    def cancel_what_has_expired_meanwhile():
        rows = moves.lock([key], CONSOLE, Permission.MANAGE)
        moves.raw([key]).update(state="expired")
        moves.move_many(Verb.CANCEL, list(rows.values()), How(CONSOLE, clock.now(), HistoryReason.CANCELLED_BY_ADMIN))

    with pytest.raises(LostRaceError):
        cancel_what_has_expired_meanwhile()
    assert LearnerContentAssignment.objects.get(pk=key).state == "allocated"


def test_nobody_ends_an_assignment_while_its_enrolment_is_under_way(house, settings):
    settings.BURSAR = settings.BURSAR | {"enrolment_port": f"{__name__}.Unclear"}
    (key,) = assign(house, "ana@example.org")
    redeem_many([RedemptionRequest(key)], actor=CONSOLE)
    with clock.at(clock.now() + timedelta(days=91)):
        ended = [expire_many([key], actor=CONSOLE), cancel_many([key], actor=CONSOLE)]
    assert [outcome.refused[key].code for outcome in ended] == ["redemption_in_progress"] * 2
    assert factories.reload(house.budget).held_cents == factories.PRICE_CENTS
