"""Every verb writes its event in its own transaction, with ids and amounts alone."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.db.verbs.steps import accept, allocate, assigned, keys, later, tick
from tests.db.webhooks.steps import DAY, told

from bursar.assignments import flows, services
from bursar.assignments.events import EventType, HistoryReason
from bursar.assignments.models import LearnerContentAssignment
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend
from bursar.people.models import Person
from bursar.testing.factories import PRICE_CENTS, make_people, make_user
from bursar.webhooks.models import Event

FACTS = {
    "assignment",
    "configuration",
    "state",
    "cycle",
    "content_key",
    "price_cents",
    "lms_user_id",
    "transaction",
    "reason",
}


def newest():
    row = Event.objects.latest("id")
    return row.type, row.data


def test_an_allocation_tells_of_everybody_once(house, course):
    allocate(house.budget, make_people(3))
    rows = {str(row.pk): row for row in LearnerContentAssignment.objects.all()}
    events = Event.objects.all()
    assert {event.type for event in events} == {"assignment.allocated"}
    assert (
        {str(event.subject_uuid) for event in events} == {event.data["assignment"] for event in events} == rows.keys()
    )
    assert {event.customer_uuid for event in events} == {house.customer.pk}
    for event in events:
        assert event.data.keys() == FACTS
        assert (event.data["state"], event.data["price_cents"], event.data["cycle"]) == ("allocated", PRICE_CENTS, 1)
    allocate(house.budget, make_people(3))
    assert Event.objects.count() == 3


def test_a_large_allocation_tells_of_everybody_once(house, course, configure):
    configure(inline_limit=3, chunk_size=3)
    allocate(house.budget, make_people(8))
    assert Event.objects.values("subject_uuid").distinct().count() == Event.objects.count() == 8


def test_renewing_is_told_apart_from_allocating(house, course):
    (row,) = assigned(house.budget, make_people(1))
    services.cancel_many([row.pk], actor=CONSOLE)
    allocate(house.budget, make_people(1), price=5000)
    kinds = [kind for kind, _ in told()]
    assert kinds == [EventType.ALLOCATED, EventType.CANCELLED, EventType.RENEWED]
    assert (newest()[1]["cycle"], newest()[1]["price_cents"], newest()[1]["state"]) == (2, 5000, "allocated")


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (HistoryReason.CANCELLED_BY_ADMIN, EventType.CANCELLED),
        (HistoryReason.HANDED_OVER, EventType.CANCELLED),
        (HistoryReason.DECLINED_BY_LEARNER, EventType.DECLINED),
    ],
)
def test_cancelling_tells_why(house, course, reason, kind):
    rows = assigned(house.budget, make_people(2))
    services.cancel_many(keys(rows), actor=CONSOLE, reason=reason)
    found = told(kind)
    assert [data["reason"] for _, data in found] == [reason.value] * 2
    assert {data["state"] for _, data in found} == {"cancelled"}


def test_undoing_an_allocation_is_told_as_cancelling(house, course):
    done = allocate(house.budget, make_people(2))
    services.undo_batch(done.batch, actor=CONSOLE)
    assert [data["reason"] for _, data in told(EventType.CANCELLED)] == ["allocation undone"] * 2


def test_accepting_and_reversing_name_the_transaction(house, course):
    rows = accept(assigned(house.budget, make_people(2)))
    for row in rows:
        row.refresh_from_db()
    paid = {str(row.pk): str(row.transaction_uuid) for row in rows}
    assert {data["assignment"]: data["transaction"] for _, data in told(EventType.ACCEPTED)} == paid
    services.reverse_many(keys(rows), actor=CONSOLE)
    reversed_ones = told(EventType.REVERSED)
    assert {data["assignment"]: data["transaction"] for _, data in reversed_ones} == paid
    assert {data["state"] for _, data in reversed_ones} == {"reversed"}


def test_an_enrolment_refused_for_good_is_told_as_an_error(house, course):
    (row,) = assigned(house.budget, make_people(1))
    backend("enrolment_port").script(row.learner_email, "refuse")
    accept([row])
    assert newest()[0] == EventType.ERRORED
    assert newest()[1]["state"] == "errored"


def test_expiring_is_told_by_the_sweep(house, course):
    allocate(house.budget, make_people(2))
    with later(91 * DAY):
        tick()
    assert len(told(EventType.EXPIRED)) == 2


def test_acknowledging_is_told_once(house, course):
    user = make_user("learner1@example.org")
    (row,) = assigned(house.budget, make_people(1))
    services.cancel_many([row.pk], actor=CONSOLE)
    for _ in range(2):
        services.acknowledge_many(
            row.assignment_configuration_id, [row.pk], lms_user_id=user.bursar_profile.lms_user_id
        )
    assert len(told(EventType.ACKNOWLEDGED)) == 1


def test_a_user_who_appears_is_told_with_their_id(house, course):
    (row,) = assigned(house.budget, make_people(1))
    user = make_user("learner1@example.org")
    assert newest()[0] == EventType.LINKED
    assert newest()[1]["lms_user_id"] == user.bursar_profile.lms_user_id
    assert newest()[1]["assignment"] == str(row.pk)


def test_scrubbing_and_erasing_tell_whom_to_forget(house, course):
    rows = assigned(house.budget, make_people(2))
    person = Person.objects.get(email="learner1@example.org")
    theirs = next(row for row in rows if row.learner_email == person.email)
    flows.erase_person(person, actor=CONSOLE)
    assert [kind for kind, _ in told()[-2:]] == [EventType.SCRUBBED, EventType.PERSON_ERASED]
    assert newest()[1] == {"person": str(person.pk), "assignments": [str(theirs.pk)]}
    assert told(EventType.SCRUBBED)[0][1]["assignment"] == str(theirs.pk)
    person.refresh_from_db()
    flows.erase_person(person, actor=CONSOLE)
    assert len(told(EventType.PERSON_ERASED)) == 1


def test_no_event_holds_an_address_a_name_or_anybodys_words(house, course):
    people = make_people(["ada@secret.example", "bea@secret.example", "cee@secret.example"])
    rows = accept(assigned(house.budget, people)[:1])
    services.reverse_many(keys(rows), actor=CONSOLE, why="Ada asked for it")
    services.cancel_many(keys(assigned(house.budget, people)), actor=CONSOLE)
    with later(100 * DAY):
        tick()
    written = json.dumps(list(Event.objects.values_list("data", flat=True)))
    for word in ("@", "secret", "Ada", "asked", "D101 "):
        assert word not in written


def test_what_is_rolled_back_is_not_told(house, course, monkeypatch):
    rows = assigned(house.budget, make_people(2))
    before = Event.objects.count()

    def broken(*_, **__):
        raise RuntimeError("the money would not move")

    monkeypatch.setattr("bursar.assignments.moves.move_money", broken)
    with pytest.raises(RuntimeError, match="money"):
        services.cancel_many(keys(rows), actor=CONSOLE)
    assert Event.objects.count() == before


def test_an_event_costs_a_step_two_statements_whatever_the_number(house, course):
    few, many = assigned(house.budget, make_people(2)), assigned(house.budget, make_people(40, prefix="many"))
    counted = []
    for rows in (few, many):
        with CaptureQueriesContext(connection) as seen:
            services.cancel_many(keys(rows), actor=CONSOLE)
        counted.append(len([query for query in seen if "bursar_webhooks_" in query["sql"]]))
        assert not [query for query in seen if "bursar_webhooks_endpoint" in query["sql"]]
    assert counted[0] == counted[1] <= 1  # COPY is not counted by Django
