"""The page of one assignment: how it stands, why this date, why no mail, and everything that happened to it."""

from datetime import timedelta

import pytest
from tests.db.verbs.steps import (
    DAY,
    accept,
    assigned,
    books,
    fresh,
    in_state,
    kinds,
    last_reason,
    later,
    refuse_enrolment,
    tick,
)
from tests.pages.reading import Tags, words
from tests.pages.test_viewer import browser

from bursar.assignments import services
from bursar.assignments.services import Reply
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Role, StopReason
from bursar.people.suppression import suppress_mail
from bursar.testing import factories

pytestmark = pytest.mark.django_db
STATEMENTS = 10


def at(row, query=""):
    return f"/admin-portal/acme/assignments/{row.pk}/{query}"


def text(response):
    assert response.status_code == 200
    Tags(response.text)
    return words(response.text)


@pytest.fixture
def learner(house):
    return factories.make_member(house.customer, Role.LEARNER, email="ada@example.org")


@pytest.fixture
def row(house, learner):
    (one,) = assigned(house.budget, ["ada@example.org"])
    return one


def test_it_says_whose_it_is_what_it_costs_and_how_it_stands(page, row):
    shown = text(page.get(at(row)))
    for said in ("Writing well", "ada@example.org", "Notifying learner", "is on its way", "$49.00"):
        assert said in shown


def test_the_timeline_tells_who_did_what_when_and_why(house, admin, page, row):
    tick()
    with later(DAY):
        services.extend_many([row.pk], until=clock.now() + 9 * DAY, why="Back from leave", actor=admin)
    with later(2 * DAY):
        services.cancel_many([row.pk], actor=admin)
    shown = text(page.get(at(row)))
    for said in (
        "Assigned",
        "The organisation knows the learner",
        "Invitation: sent",
        "Deadline moved to",
        "Cancelled",
    ):
        assert said in shown
    assert "Back from leave" in shown
    assert shown.count("@users.example.org") >= 2
    past = shown.split("What happened")[1]
    assert past.index("Cancelled") < past.index("Back from leave") < past.index("Invitation: sent")


def test_what_the_learner_answered_stands_there_with_their_words(page, learner, row):
    wanted = clock.now() + 20 * DAY
    services.request_time_many([Reply(row.pk, learner.lms_user_id, words="I am away.", until=wanted)], actor=learner)
    shown = text(page.get(at(row)))
    assert "The learner asks for more time" in shown
    assert "The learner asked for time until" in shown
    assert shown.count("I am away.") == 2
    services.decline_many([Reply(row.pk, learner.lms_user_id, reason="no_time", words="No.")], actor=learner)
    shown = text(page.get(at(row)))
    assert "The learner declined: has no time for it" in shown
    assert "Declined by the learner" not in shown
    assert "The learner asks for more time" not in shown


def test_every_date_that_counts_is_named_and_the_winner_is_marked(page, row):
    shown = page.get(at(row)).text
    assert "Why this date" in shown
    assert "90 days after the course was assigned on" in shown
    services.extend_many([row.pk], until=clock.now() + DAY, why="", actor=CONSOLE)
    shown = page.get(at(row)).text
    assert shown.count('class="wins"') == 1
    assert "A deadline set for this person" in shown.split('class="wins"')[1].split("</li>")[0]


def test_it_says_why_no_mail_goes(page, row):
    suppress_mail([row.learner_email_key], StopReason.BOUNCED)
    tick()
    shown = text(page.get(at(row)))
    assert "Invitation: not sent" in shown
    assert "Mail to this address is stopped." in shown
    assert "Mail to this address comes back" in shown
    assert "Failed: System" not in shown


def test_a_mail_that_was_not_needed_any_more_says_why(page, row):
    services.cancel_many([row.pk], actor=CONSOLE)
    tick()
    shown = text(page.get(at(row)))
    assert "Invitation: not sent" in shown
    assert "was not needed any more" in shown


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("accepted", "Accepted and enrolled"),
        ("errored", "What the learning platform answered:"),
        ("expired", "The deadline passed before the learner accepted"),
        ("reversed", "Taken back"),
        ("cancelled", "The money is free again"),
    ],
)
def test_every_ending_is_told(house, page, state, said):
    (row,) = in_state(state, house.budget)
    shown = text(page.get(at(row)))
    assert said in shown
    assert "Which dates counted" in shown
    assert "/remind/" not in page.get(at(row)).text


def test_assignments_of_others_and_ids_of_nothing_are_not_found(page, house):
    (other,) = assigned(factories.make_budget(), 1)
    assert page.get(at(other)).status_code == 404
    assert page.get(f"/admin-portal/acme/assignments/{house.customer.pk}/").status_code == 404
    assert page.get("/admin-portal/acme/assignments/x/").status_code == 404


def test_a_learner_does_not_see_what_those_who_assign_see(learner, row):
    assert browser(learner).get(at(row)).status_code == 403


def test_the_page_takes_few_statements_whatever_happened(house, row, django_assert_max_num_queries):
    for number in range(4):
        with later(timedelta(days=number)):
            services.remind_many([row.pk], actor=CONSOLE)
            tick()
    accept([row])
    for client in (browser(factories.make_member(None, Role.OPERATOR)), browser(factories.make_member(house.customer))):
        with django_assert_max_num_queries(STATEMENTS):
            assert client.get(at(row)).status_code == 200


def test_an_enrolment_under_way_is_told(house, page, row):
    refuse_enrolment([row])
    assert "Failed: Redemption" in text(page.get(at(row)))


# Another deadline, another person


def day(number):
    return (clock.now() + number * DAY).date().isoformat()


def test_another_deadline_is_set_recorded_and_told(admin, page, row):
    tick()
    form = {"until": day(20), "why": "On leave", "tell": "on"}
    said = text(page.post(at(row, "extend/"), form, follow=True))
    assert "The deadline is" in said
    assert "On leave" in said
    assert fresh(row).personal_deadline.date().isoformat() == day(20)
    assert kinds(row) == ["assigned", "extended"]
    assert last_reason(row) == ("deadline moved: On leave", admin.user_id)


def test_without_the_tick_nobody_is_told_and_a_deadline_can_be_taken_away(page, row):
    page.post(at(row, "extend/"), {"until": day(20)})
    assert kinds(row) == ["assigned"]
    assert "Let the usual dates count again" in text(page.get(at(row, "extend/")))
    assert "The usual dates count again" in text(page.post(at(row, "extend/"), {"clear": "1"}, follow=True))
    assert fresh(row).personal_deadline is None


@pytest.mark.parametrize("until", ["", "yesterday", "2020-01-01", "2999-01-01", "\0"])
def test_a_day_that_is_none_is_asked_for_again(page, row, until):
    assert "Set the deadline" in text(page.post(at(row, "extend/"), {"until": until}))
    assert fresh(row).personal_deadline is None


def test_a_course_is_handed_to_somebody_else(house, page, row):
    held = books(house.budget)
    shown = text(page.get(at(row, "hand-over/")))
    assert "The assignment of ada@example.org ends" in shown
    said = text(page.post(at(row, "hand-over/"), {"email": "Bob@example.org", "name": "Bob"}, follow=True))
    assert "handed to Bob@example.org" in said
    assert fresh(row).state == "cancelled"
    assert books(house.budget) == held
    assert "Handed to somebody else" in text(page.get(at(row)))


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("", "required"),
        ("nobody", "no address that mail"),
        ("\0", "not allowed"),
        ("ADA@example.org", "has the course already"),
    ],
)
def test_somebody_who_cannot_get_it_is_named(page, row, email, said):
    response = page.post(at(row, "hand-over/"), {"email": email})
    assert response.status_code in (200, 409)
    assert said in words(response.text)
    assert fresh(row).state == "allocated"


def test_browsers_let_addresses_pass_that_only_they_refuse(house, page, row):
    assert 'type="email"' not in page.get(at(row, "hand-over/")).text
    said = text(page.post(at(row, "hand-over/"), {"email": "josé@example.org"}, follow=True))
    assert "handed to josé@example.org" in said


def test_what_has_ended_can_neither_be_extended_nor_handed_on(page, row):
    accept([row])
    for verb, form in (("extend/", {"until": day(9)}), ("hand-over/", {"email": "bob@example.org"})):
        assert "only possible while the assignment is open" in text(page.get(at(row, verb)))
        response = page.post(at(row, verb), form)
        assert response.status_code == 409
        assert "That was not possible" in words(response.text)


def test_doing_something_is_as_guarded_as_looking(house, page, learner, row):
    (other,) = assigned(factories.make_budget(), 1)
    for verb in ("extend/", "hand-over/"):
        assert page.get(at(other, verb)).status_code == 404
        assert page.post(at(other, verb), {"until": day(9), "email": "bob@example.org"}).status_code == 404
        assert browser(learner).post(at(row, verb), {"until": day(9)}).status_code == 403


@pytest.mark.parametrize("verb", ["extend/", "hand-over/"])
def test_forms_about_an_assignment_take_few_statements(page, row, django_assert_max_num_queries, verb):
    with django_assert_max_num_queries(STATEMENTS):
        page.get(at(row, verb))
