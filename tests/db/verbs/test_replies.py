"""What learners answer: declining frees the money at once, a request for more time is decided, and words go with the address."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.db.verbs.steps import (
    DAY,
    actions,
    allocate,
    assigned,
    books,
    codes,
    fresh,
    in_state,
    keys,
    kinds,
    last_reason,
    later,
    messages,
    statements,
    tick,
)

from bursar.assignments import flows, services
from bursar.assignments.models import DeclineReason, LearnerReply
from bursar.assignments.replies import last_replies, replies, time_requests
from bursar.assignments.services import Reply
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import BadInput
from bursar.people.models import Role
from bursar.testing.factories import COURSE, make_customer, make_house, make_member
from bursar.webhooks.models import Event

ADDRESS = "learner1@example.org"


@pytest.fixture
def learner(house, course):
    return make_member(house.customer, Role.LEARNER, email=ADDRESS)


@pytest.fixture
def row(house, learner):
    (one,) = assigned(house.budget, [ADDRESS])
    assert one.lms_user_id == learner.lms_user_id
    return one


def decline(rows, actor, reason=DeclineReason.NO_TIME, **more):
    mine = [Reply(row.pk, actor.lms_user_id, reason=reason, **more) for row in rows]
    return services.decline_many(mine, actor=actor)


def ask(row, actor, **more):
    return services.request_time_many([Reply(row.pk, actor.lms_user_id, **more)], actor=actor)


def events():
    return list(Event.objects.order_by("pk").values_list("type", flat=True))


def test_declining_frees_the_money_and_mails_nobody(house, learner, row):
    before = books(house.budget)
    assert decline([row], learner, words="Thank you, no.").done == {row.pk: "declined"}
    assert fresh(row).state == "cancelled"
    assert (before[0], books(house.budget)[0]) == (4_900, 0)
    assert kinds(row) == ["assigned"]
    assert messages(row)[0][-1] == "dropped"
    assert last_reason(row) == ("declined by the learner", learner.user_id)
    assert ("cancelled_acknowledged", None) in actions(row)
    assert last_replies([row.pk])[row.pk].words == "Thank you, no."


def test_other_systems_hear_of_a_decline_as_one(learner, row):
    decline([row], learner)
    assert "assignment.declined" in events()
    assert "assignment.cancelled" not in events()


def test_whoever_is_not_meant_is_told_apart_and_mailed_no_more(learner, row):
    decline([row], learner, DeclineReason.NOT_ME)
    assert last_reason(row)[0] == "declined as meant for somebody else"
    tick()
    assert {state for *_, state in messages(row)} == {"dropped"}
    assert [reply.kind for reply in replies(CONSOLE)] == ["not_me"]


def test_declining_twice_changes_nothing(learner, row):
    decline([row], learner)
    assert decline([row], learner).done == {row.pk: "unchanged"}
    assert LearnerReply.objects.count() == 1


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("accepted", "already_accepted"),
        ("cancelled", "reason_learner_assignment_cancelled"),
        ("expired", "reason_learner_assignment_expired"),
        ("errored", "reason_learner_assignment_failed"),
    ],
)
def test_only_what_is_open_can_be_answered(house, learner, state, code):
    (row,) = in_state(state, house.budget)
    assert codes(decline([row], learner)) == {row.pk: code}
    assert codes(ask(row, learner)) == {row.pk: code}


def test_nobody_declines_what_is_somebody_elses(house, learner, row):
    other = make_member(house.customer, Role.LEARNER)
    stranger = make_member(make_customer(), Role.LEARNER)
    for actor in (other, stranger):
        assert codes(decline([row], actor)) == {row.pk: "not_found"}
        assert codes(ask(row, actor)) == {row.pk: "not_found"}


def test_a_reply_to_an_earlier_cycle_is_none_to_the_present_one(house, learner, row):
    services.cancel_many([row.pk], actor=CONSOLE)
    allocate(house.budget, [ADDRESS])
    link = replace(Reply(row.pk, None, reason="other"), cycle=1)
    assert codes(services.decline_many([link], actor=CONSOLE)) == {row.pk: "not_found"}
    assert fresh(row).state == "allocated"


def test_an_unknown_reason_or_endless_words_are_refused_whole(learner, row):
    for wrong in ({"reason": "because"}, {"words": "x" * 1001}):
        with pytest.raises(BadInput):
            decline([row], learner, **wrong)
    assert fresh(row).state == "allocated"


# More time


def test_a_request_waits_for_those_who_manage_it(house, learner, row):
    assert ask(row, learner, words="I am on leave.", until=clock.now() + 120 * DAY).done == {row.pk: "asked"}
    assert [(it.words, it.assignment_id) for it in time_requests(CONSOLE, house.customer.pk)] == [
        ("I am on leave.", row.pk)
    ]
    assert "assignment.more_time_asked" in events()
    assert list(time_requests(make_member(make_customer()))) == []
    assert list(time_requests(make_member(house.customer))) == list(time_requests(CONSOLE))


def test_asking_again_overwrites_what_waits(learner, row):
    ask(row, learner, words="a")
    assert ask(row, learner, words="a").done == {row.pk: "unchanged"}
    assert ask(row, learner, words="b").done == {row.pk: "asked"}
    assert [it.words for it in LearnerReply.objects.all()] == ["b"]


def test_granting_moves_the_deadline_to_the_date_asked_for(learner, row):
    until = clock.now() + 120 * DAY
    ask(row, learner, until=until)
    (request,) = time_requests(CONSOLE)
    assert services.grant_time_many([request.pk], why="Enjoy it.", actor=CONSOLE).done == {request.pk: "granted"}
    assert fresh(row).expires_at == until
    assert last_reason(row)[0] == "deadline moved: asked for by the learner"
    assert "assignment.more_time_granted" in events()
    assert list(time_requests(CONSOLE)) == []
    assert last_replies([row.pk])[row.pk].answer == "Enjoy it."
    assert services.grant_time_many([request.pk], actor=CONSOLE).done == {request.pk: "unchanged"}
    assert codes(services.refuse_time_many([request.pk], actor=CONSOLE)) == {request.pk: "wrong_state"}


def test_granting_without_a_date_gives_thirty_days_more(learner, row):
    ask(row, learner)
    services.grant_time_many([it.pk for it in time_requests(CONSOLE)], actor=CONSOLE)
    assert fresh(row).expires_at == row.expires_at + 30 * DAY


def test_refusing_leaves_the_deadline(learner, row):
    ask(row, learner)
    (request,) = time_requests(CONSOLE)
    assert services.refuse_time_many([request.pk], why="It ends.", actor=CONSOLE).done == {request.pk: "refused"}
    assert fresh(row).expires_at == row.expires_at
    assert "assignment.more_time_refused" in events()


@pytest.mark.parametrize(
    ("verdict", "subject"), [("granted", "You have more time"), ("refused", "Your request for more")]
)
def test_the_learner_is_told_of_the_decision_with_its_words(learner, row, mail, verdict, subject):
    tick()
    ask(row, learner)
    (request,) = time_requests(CONSOLE)
    decide = services.grant_time_many if verdict == "granted" else services.refuse_time_many
    decide([request.pk], why="Because\nof you.", actor=CONSOLE)
    tick()
    told = mail.sent[-1]
    assert (told.to, kinds(row)) == (ADDRESS, ["assigned", f"time_{verdict}"])
    assert told.subject.startswith(subject)
    assert "Because\nof you." in told.text
    assert "Please enrol by" in told.text
    assert "Because<br>of you." in told.html


def test_every_decision_of_a_cycle_has_its_own_mail_and_words(learner, row, mail):
    tick()
    for hours, words in enumerate(("First.", "Second.")):
        with later(timedelta(hours=hours)):
            ask(row, learner, words=words)
            services.grant_time_many([it.pk for it in time_requests(CONSOLE)], why=words, actor=CONSOLE)
    with later(DAY):
        tick()
    texts = [one.text for one in mail.sent if one.subject.startswith("You have more time")]
    assert ["First." in texts[0], "Second." in texts[1], "First." in texts[1]] == [True, True, False]


def test_a_decision_is_not_mailed_once_the_assignment_has_ended(learner, row):
    ask(row, learner)
    services.grant_time_many([it.pk for it in time_requests(CONSOLE)], actor=CONSOLE)
    services.cancel_many([row.pk], actor=CONSOLE)
    tick()
    assert ("time_granted", 1, 1, "dropped") in messages(row)


def test_an_own_text_may_say_what_was_answered(house, learner, row, mail):
    text = {"subject": "Yes", "body": "{{ answer }} Until {{ deadline }}."}
    services.set_text(house.customer.pk, "time_granted", "en", **text, actor=CONSOLE)
    ask(row, learner)
    services.grant_time_many([it.pk for it in time_requests(CONSOLE)], why="Gladly.", actor=CONSOLE)
    tick()
    assert any(one.subject == "Yes" and "Gladly. Until" in one.text for one in mail.sent)


def test_a_customer_who_does_not_want_these_mails_sends_none(house, learner, row):
    services.set_muted(house.customer.pk, "time_granted", muted=True, actor=CONSOLE)
    ask(row, learner)
    services.grant_time_many([it.pk for it in time_requests(CONSOLE)], actor=CONSOLE)
    tick()
    assert ("time_granted", 1, 1, "dropped") in messages(row)


def test_nobody_decides_where_they_manage_nothing(learner, row):
    ask(row, learner)
    (request,) = time_requests(CONSOLE)
    for actor in (learner, make_member(make_customer())):
        assert codes(services.grant_time_many([request.pk], actor=actor)) == {request.pk: "not_found"}


def test_a_request_for_what_has_ended_waits_for_nobody(learner, row):
    ask(row, learner)
    (request,) = time_requests(CONSOLE)
    services.cancel_many([row.pk], actor=CONSOLE)
    assert list(time_requests(CONSOLE)) == []
    assert codes(services.grant_time_many([request.pk], actor=CONSOLE)) == {request.pk: "wrong_state"}


@pytest.mark.parametrize("until", [timedelta(0), timedelta(days=-1), timedelta(days=367)])
def test_a_date_that_has_passed_or_is_years_away_is_refused(learner, row, until):
    with pytest.raises(BadInput):
        ask(row, learner, until=clock.now() + until)
    assert LearnerReply.objects.count() == 0


# Privacy and cost


def test_words_go_with_the_address_and_are_exported_before(house, learner, row):
    ask(row, learner, words="My mother is ill.")
    services.refuse_time_many([it.pk for it in time_requests(CONSOLE)], why="Sorry, Ann.", actor=CONSOLE)
    decline([row], learner, words="Then no.")
    assert "My mother is ill." in str(flows.export_person(house.customer.persons.get(email=ADDRESS)))
    with later(91 * DAY):
        flows.scrub_due(actor=CONSOLE)
    assert {(it.words, it.answer) for it in LearnerReply.objects.all()} == {("", "")}


def test_many_answers_take_as_many_statements_as_one(house, course):
    house = make_house(limit_cents=500_000)
    rows = assigned(house.budget, 40, COURSE)
    asked = [Reply(key, words="w") for key in keys(rows)]

    def cost(function, items):
        return statements(function, items, actor=CONSOLE)

    assert cost(services.request_time_many, asked[:1]) == cost(services.request_time_many, asked[1:20])
    waiting = [it.pk for it in time_requests(CONSOLE)]
    assert cost(services.grant_time_many, waiting[:1]) == cost(services.grant_time_many, waiting[1:])
    no = [replace(reply, reason="other") for reply in asked]
    assert cost(services.decline_many, no[:1]) == cost(services.decline_many, no[1:])
