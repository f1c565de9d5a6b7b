"""What a learner does on their pages: accept once whatever is clicked, decline, ask for more time, dismiss."""

from datetime import timedelta

import pytest
from tests.db.verbs.steps import DAY, accept, assigned, books, fresh, in_state, later, refuse_enrolment
from tests.pages.reading import Tags, words
from tests.pages.test_viewer import browser

from bursar.assignments import flows, services
from bursar.assignments.models import LearnerReply
from bursar.assignments.replies import time_requests
from bursar.budgets.models import Transaction
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db
ADDRESS = "learner1@example.org"
STATEMENTS = 10


def at(row, *more):
    return "/".join(["/learn/acme/courses", str(row.pk), *more, ""])


def text(response, status=200):
    assert response.status_code == status
    Tags(response.text)
    return words(response.text)


# Accepting


def test_a_run_that_has_begun_is_not_said_to_start(page, row):
    shown = text(page.get(at(row)))
    assert "Starts on 12 Dec 2026" in shown
    assert "Starts on 12 Mar 2027" in shown
    with later(30 * DAY):
        shown = text(page.get(at(row)))
    assert "Started on 12 Dec 2026" in shown
    assert "Starts on 12 Mar 2027" in shown


def test_the_page_says_what_it_costs_until_when_and_why(page, row):
    shown = text(page.get(at(row)))
    assert "Acme pays for this course; it costs you nothing." in shown
    assert "Accept it by 20 Feb 2027" in shown
    assert "A place is kept for 90 days after you were told of it." in shown


def test_a_course_with_several_open_runs_offers_the_choice(page, row):
    runs = [tag for tag in Tags(page.get(at(row)).text).all("input") if tag.get("type") == "radio"]
    assert [(tag["value"][-6:], "checked" in tag) for tag in runs] == [("spring", True), ("summer", False)]
    page.post(at(row), {"run": runs[1]["value"]})
    assert Transaction.objects.get().content_key.endswith("summer")


def test_accepting_twice_enrols_once(page, row, house):
    for _ in range(2):
        assert page.post(at(row))["Location"] == at(row)
    assert fresh(row).state == "accepted"
    assert Transaction.objects.count() == 1
    assert books(house.budget)[:2] == (0, 4_900)
    assert "You are in" in text(page.get(at(row)))


def test_looking_changes_nothing(page, row):
    for address in (at(row), at(row, "decline"), at(row, "more-time")):
        assert page.get(address).status_code == page.head(address).status_code == 200
    assert fresh(row).state == "allocated"
    assert LearnerReply.objects.count() == 0


def test_an_enrolment_under_way_looks_by_itself_until_it_has_ended(page, row):
    flows.redemptions.backend("enrolment_port").script(ADDRESS, "unclear")
    page.post(at(row))
    part = page.get(at(row), headers={"HX-Request": "true"}).text
    assert "Your enrolment is under way" in part
    assert 'hx-trigger="every 3s"' in part
    assert "<html" not in part
    with later(timedelta(minutes=10)):
        flows.resume_redemptions()
        part = page.get(at(row), headers={"HX-Request": "true"}).text
    assert "You are in" in part
    assert "hx-trigger" not in part


def test_an_enrolment_that_failed_says_why_and_what_to_do(page, row):
    refuse_enrolment([row])
    shown = text(page.get(at(row)))
    assert "The enrolment did not work" in shown
    assert "Ask your organisation" in shown


def test_what_is_refused_is_said_by_its_code(page, row):
    services.cancel_many([row.pk], actor=CONSOLE)
    shown = text(page.post(at(row)), 409)
    assert "reason_learner_assignment_cancelled" in shown
    assert "It was cancelled meanwhile" in shown


@pytest.mark.parametrize("run", ["course-v1:Other+1+1", "\0", "x" * 5000])
def test_a_run_that_is_not_offered_is_refused(page, row, run):
    assert "wrong_run" in text(page.post(at(row), {"run": run}), 409)
    assert fresh(row).state == "allocated"


def test_the_pages_of_others_do_not_exist(page, house):
    (row,) = assigned(house.budget, ["other@example.org"])
    for address in (at(row), at(row, "decline"), at(row, "more-time")):
        assert page.get(address).status_code == page.post(address, {"reason": "other"}).status_code == 404
    assert fresh(row).state == "allocated"


# Declining, more time, dismissing


def test_declining_ends_it_with_a_reason(page, row, house):
    assert "Why?" in text(page.get(at(row, "decline")))
    response = page.post(at(row, "decline"), {"reason": "known_already", "words": "Thanks"}, follow=True)
    assert "You have declined it." in text(response)
    assert fresh(row).state == "cancelled"
    assert books(house.budget)[0] == 0
    assert page.post(at(row, "decline"), {"reason": "other"}).status_code == 302
    assert LearnerReply.objects.get().reason == "known_already"
    assert "You declined it on" in text(page.get(at(row)))


@pytest.mark.parametrize("sent", [{}, {"reason": "because"}, {"reason": "other", "words": "x" * 1001}])
def test_a_decline_that_cannot_be_read_is_asked_again(page, row, sent):
    assert 'class="errors"' in page.post(at(row, "decline"), sent).text
    assert fresh(row).state == "allocated"


def test_more_time_is_asked_for_and_the_answer_shown(page, row):
    page.post(at(row, "more-time"), {"until": "2027-04-01", "words": "On leave"})
    assert "it has not been answered yet" in text(page.get("/learn/acme/"))
    (request,) = time_requests(CONSOLE)
    services.grant_time_many([request.pk], why="Gladly", actor=CONSOLE)
    shown = text(page.get(at(row)))
    assert "You have been given more time. Gladly" in shown
    assert "Accept it by 1 Apr 2027, 23:59" in shown
    assert "It was set for you." in shown


@pytest.mark.parametrize(("until", "said"), [("2026-11-01", "still to come"), ("2029-01-01", "within a year")])
def test_a_day_that_makes_no_sense_is_refused_in_words(page, row, until, said):
    assert said in text(page.post(at(row, "more-time"), {"until": until}), 409)


def test_an_ending_is_shown_until_it_is_dismissed(page, house, learner):
    (row,) = in_state("cancelled", house.budget)
    shown = text(page.get("/learn/acme/"))
    assert "A course is not assigned to you any more. Ask Acme" in shown
    for _ in range(2):
        assert page.post("/learn/acme/dismiss/", {"assignment": [str(row.pk), "nonsense"]}).status_code == 302
    assert "No course yet" in text(page.get("/learn/acme/"))


def test_the_warning_of_a_deadline_begins_ten_days_before(page, row):
    with later(79 * DAY):
        assert "The deadline is near" not in text(page.get("/learn/acme/"))
    with later(80 * DAY):
        assert "The deadline is near" in text(page.get("/learn/acme/"))


def test_an_accepted_course_is_linked(page, row):
    accept([row])
    assert "Go to the course" in text(page.get("/learn/acme/"))


def test_the_pages_speak_german_and_spanish(page, row):
    assert "Annehmen" in text(page.get(at(row), headers={"Accept-Language": "de"}))
    assert "Aceptar" in text(page.get(at(row), headers={"Accept-Language": "es"}))


def test_deadlines_are_in_the_readers_zone(page, row):
    page.cookies["bursar_zone"] = "Pacific/Auckland"
    assert "Accept it by 21 Feb 2027, 01:00" in text(page.get(at(row)))


# Cost


def test_a_hundred_courses_take_no_more_statements_than_one(page, house, row, django_assert_max_num_queries):
    with django_assert_max_num_queries(STATEMENTS):
        page.get("/learn/acme/")
    factories.make_budget(house.fund, limit_cents=500_000)
    for number in range(99):
        factories.make_course(f"DemoX+{number}", price_cents=100)
        assigned(house.budget, [ADDRESS], f"DemoX+{number}")
    with django_assert_max_num_queries(STATEMENTS):
        assert text(page.get("/learn/acme/")).count("it costs you nothing") == 100


def test_each_page_of_one_course_stays_within_ten_statements(page, row, django_assert_max_num_queries):
    for address in (at(row), at(row, "decline"), at(row, "more-time")):
        with django_assert_max_num_queries(STATEMENTS):
            text(page.get(address))


def test_somebody_who_does_not_learn_here_sees_nothing(row, house):
    outsider = factories.make_member(factories.make_customer(), Role.LEARNER)
    assert browser(outsider).get(at(row)).status_code == 404
