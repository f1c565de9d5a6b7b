"""The table of what a budget has assigned: what it says, to whom, how it is searched and sorted, and what that costs."""

from datetime import timedelta

import pytest
from tests.db.verbs.steps import DAY, assigned, in_state, keys, later, tick
from tests.pages.reading import Tags, words
from tests.pages.test_viewer import browser

from bursar.assignments import services
from bursar.assignments.constants import AssignmentActionErrors, AssignmentActions
from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction
from bursar.budgets.models import Budget, Fund
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Role
from bursar.testing import factories

pytestmark = pytest.mark.django_db
STATEMENTS = 10
NOTHING = "4f2c1a52-97a3-4b0e-9d53-9a1c0a0a0a0a"


def at(budget, query=""):
    return f"/admin-portal/acme/budgets/{budget.pk}/assigned/{query}"


def text(response):
    assert response.status_code == 200
    Tags(response.text)
    return words(response.text)


def rows(response):
    assert response.status_code == 200
    return [words(part.split("</tr>")[0]) for part in response.text.split("<tbody>")[1].split("<tr>")[1:]]


def fail(row, action=AssignmentActions.NOTIFIED, error=AssignmentActionErrors.EMAIL_ERROR):
    LearnerContentAssignmentAction.objects.record_many([row.pk], action, error=error)


def test_a_row_says_who_has_what_for_how_much_and_until_when(house, page):
    assigned(house.budget, ["ada@example.org"])
    (row,) = rows(page.get(at(house.budget)))
    assert "ada@example.org" in row
    assert "Writing well" in row
    assert "$49" in row
    assert "Notifying learner" in row
    assert "Assigned: " in row


def test_what_was_sent_waits_for_the_learner_and_what_was_reminded_says_so(house, page):
    (row,) = assigned(house.budget, 1)
    tick()
    services.remind_many([row.pk], actor=CONSOLE)
    tick()
    (shown,) = rows(page.get(at(house.budget)))
    assert "Waiting for learner" in shown
    assert "Reminded: " in shown


@pytest.mark.parametrize(
    ("action", "error", "said"),
    [
        (AssignmentActions.NOTIFIED, AssignmentActionErrors.EMAIL_ERROR, "Failed: Bad email"),
        (AssignmentActions.NOTIFIED, AssignmentActionErrors.INTERNAL_API_ERROR, "Failed: System"),
        (AssignmentActions.LEARNER_LINKED, AssignmentActionErrors.INTERNAL_API_ERROR, "Failed: System"),
        (AssignmentActions.EXPIRED, AssignmentActionErrors.EMAIL_ERROR, "Failed: System"),
        (AssignmentActions.CANCELLED, AssignmentActionErrors.EMAIL_ERROR, "Failed: Cancellation"),
        (AssignmentActions.REMINDED, AssignmentActionErrors.EMAIL_ERROR, "Failed: Reminder"),
        (AssignmentActions.REDEEMED, AssignmentActionErrors.ENROLLMENT_ERROR, "Failed: Redemption"),
    ],
)
def test_a_failure_says_what_failed_last_and_what_can_be_done(house, page, action, error, said):
    (row,) = assigned(house.budget, 1)
    fail(row)
    with later(timedelta(seconds=1)):
        fail(row, action, error)
    response = page.get(at(house.budget))
    assert said in rows(response)[0]
    told = text(response).split(said)[-1]
    assert len(told.split()) > 12


def test_a_failure_without_a_reason_is_the_systems(house, page, unaudited):
    assigned(house.budget, 1)
    LearnerContentAssignment.objects.update(notification_failed_at=clock.now())
    assert "Failed: System" in rows(page.get(at(house.budget)))[0]


@pytest.mark.parametrize("how", ["retired", "expired"])
def test_in_a_budget_that_is_over_everything_is_incomplete_struck_through_and_left_alone(house, page, how):
    assigned(house.budget, 1)
    if how == "retired":
        Budget.objects.filter(pk=house.budget.pk).update(retired=True)
    else:
        Fund.objects.filter(pk=house.fund.pk).update(expires_at=clock.now() - DAY)
    response = page.get(at(house.budget))
    assert "Incomplete" in rows(response)[0]
    assert "<s>$49.00</s>" in response.text
    assert "remind/?" not in response.text
    assert not [box for box in Tags(response.text).all("input") if box.get("type") == "checkbox"]


def test_an_address_that_was_removed_is_hidden(house, page):
    (row,) = in_state("expired", house.budget)
    row.clear_pii()
    row.save()
    (shown,) = rows(page.get(at(house.budget, "?status=expired")))
    assert "Email hidden" in shown
    assert row.learner_email not in shown


def test_a_deadline_warns_from_ten_days_away(house, page):
    assigned(house.budget, 1)
    assert 'class="soon"' not in page.get(at(house.budget)).text
    with later(80 * DAY):
        assert 'class="soon"' in page.get(at(house.budget)).text


def test_only_what_is_open_is_shown_until_another_status_is_asked_for(house, page):
    in_state("cancelled", house.budget)
    assert "Nothing is open" in text(page.get(at(house.budget)))
    assert "Cancelled" in rows(page.get(at(house.budget, "?status=cancelled")))[0]


def test_chips_count_every_status_also_of_a_search(house, page):
    first, *_ = assigned(house.budget, ["ada@example.org", "bob@example.org", "eve@example.net"])
    services.cancel_many([first.pk], actor=CONSOLE)
    shown = text(page.get(at(house.budget)))
    assert "Open 2" in shown
    assert "Notifying learner 2" in shown
    assert "Cancelled 1" in shown
    shown = text(page.get(at(house.budget, "?q=example.net")))
    assert "Open 1" in shown
    assert "Cancelled 0" in shown


@pytest.mark.parametrize(
    ("query", "found"), [("ada@example.org", 1), ("ADA@", 1), ("writing", 2), ("nobody", 0), ("bob%40example.org", 1)]
)
def test_search_finds_addresses_and_titles(house, page, query, found):
    assigned(house.budget, ["ada@example.org", "bob@example.org"])
    response = page.get(at(house.budget, f"?q={query}"))
    assert len(rows(response)) == found if found else "Nothing matches" in text(response)


def test_amounts_are_sorted_by_what_they_cost(house, page):
    factories.make_course("DemoX+D2", price_cents=9_900)
    assigned(house.budget, ["ada@example.org"])
    assigned(house.budget, ["ada@example.org"], "DemoX+D2")
    assert "$99" in rows(page.get(at(house.budget, "?sort=-amount")))[0]
    assert "$49" in rows(page.get(at(house.budget, "?sort=amount")))[0]


def test_pages_hold_25_and_the_last_is_reached(house, page):
    assigned(house.budget, 30)
    assert len(rows(page.get(at(house.budget)))) == 25
    assert len(rows(page.get(at(house.budget, "?page=2")))) == 5
    assert len(rows(page.get(at(house.budget, "?page=99999")))) == 5


@pytest.mark.parametrize("query", ["?page=x", "?sort=;drop", "?status=nothing", "?q=%00", "?q=" + "a" * 900])
def test_garbage_in_the_address_is_as_if_not_asked(house, page, query):
    assigned(house.budget, 1)
    assert page.get(at(house.budget, query)).status_code == 200


def test_a_search_by_htmx_gets_the_rows_alone(house, page):
    assigned(house.budget, ["ada@example.org", "bob@example.org"])
    response = page.get(at(house.budget, "?q=ada"), headers={"HX-Request": "true"})
    assert "<html" not in response.text
    assert "ada@example.org" in response.text
    assert "bob@example.org" not in response.text


def test_budgets_of_others_and_ids_of_nothing_are_not_found(house, page):
    other = factories.make_budget()
    for key in (other.pk, NOTHING):
        for verb in ("", "remind/", "cancel/"):
            assert page.get(f"/admin-portal/acme/budgets/{key}/assigned/{verb}").status_code == 404


def test_a_learner_has_no_permission(house):
    learner = browser(factories.make_member(house.customer, Role.LEARNER))
    for verb in ("", "remind/", "cancel/"):
        assert learner.get(f"{at(house.budget)}{verb}").status_code == 403
        assert verb == "" or learner.post(f"{at(house.budget)}{verb}", {"all": "1"}).status_code == 403


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR])
@pytest.mark.parametrize(
    "query", ["", "?q=learner1@example.org", "?q=earner1@example.org", "?status=failed", "?page=2"]
)
def test_the_table_costs_the_same_for_one_row_as_for_many(house, django_assert_max_num_queries, role, query):
    for row in assigned(house.budget, 60)[:40]:
        fail(row)
    client = browser(factories.make_member(house.customer if role == Role.ADMIN else None, role))
    with django_assert_max_num_queries(STATEMENTS):
        assert client.get(at(house.budget, query)).status_code == 200


# Reminding and cancelling


def act(page, budget, verb, **form):
    return page.post(f"{at(budget)}{verb}/", form, follow=True)


def test_cancelling_asks_first_with_the_money_and_then_does_it(house, page):
    first, second = assigned(house.budget, 2)
    asked = text(page.get(f"{at(house.budget)}cancel/?assignment={first.pk}&assignment={second.pk}"))
    assert "Cancel 2 assignments?" in asked
    assert "$98.00 become free again" in asked
    assert f"{first.learner_email} · Writing well" in asked
    assert f"{second.learner_email} · Writing well" in asked
    assert set(LearnerContentAssignment.objects.values_list("state", flat=True)) == {"allocated"}
    said = text(act(page, house.budget, "cancel", assignment=keys([first, second])))
    assert "2 assignments were cancelled" in said
    assert set(LearnerContentAssignment.objects.values_list("state", flat=True)) == {"cancelled"}


def test_a_question_names_some_of_many_and_counts_the_others(house, page):
    rows = assigned(house.budget, 13)
    picked = "&".join(f"assignment={key}" for key in keys(rows))
    asked = text(page.get(f"{at(house.budget)}cancel/?{picked}"))
    assert asked.count("· Writing well") == 10
    assert "and 3 more" in asked


def test_only_who_waits_is_reminded_and_the_others_are_named(house, page):
    waiting = assigned(house.budget, ["ada@example.org"])
    tick()
    fresh = assigned(house.budget, ["bob@example.org"])
    both = "&".join(f"assignment={key}" for key in keys([*waiting, *fresh]))
    asked = text(page.get(f"{at(house.budget)}remind/?{both}"))
    assert "Remind 1 person?" in asked
    assert "1 other that you picked does not wait" in asked
    said = text(act(page, house.budget, "remind", assignment=keys([*waiting, *fresh])))
    assert "1 person is being reminded" in said
    assert "does not wait for its learner" in said
    assert "is being reminded already" in text(act(page, house.budget, "remind", assignment=keys(waiting)))


def test_all_that_match_are_done_part_by_part_and_counted(house, page, configure):
    configure(chunk_size=2)
    assigned(house.budget, 5)
    assigned(house.budget, ["eve@example.net"])
    asked = text(page.get(f"{at(house.budget)}cancel/?all=1&q=example.org"))
    assert "Cancel 5 assignments?" in asked
    assert "$245.00" in asked
    said = text(act(page, house.budget, "cancel", all="1", q="example.org"))
    assert "5 assignments were cancelled" in said
    assert LearnerContentAssignment.objects.get(state="allocated").learner_email == "eve@example.net"


def test_a_large_list_is_done_by_several_requests_each_of_which_goes_on(house, page, configure, monkeypatch):
    configure(chunk_size=2)
    monkeypatch.setattr("bursar.admin_portal.assigned.views.AT_ONCE", 2)
    assigned(house.budget, 5)
    tick()
    response = page.post(f"{at(house.budget)}remind/", {"all": "1"})
    rounds = 0
    while "behind=" in response["Location"]:
        shown = page.get(response["Location"])
        assert f"{2 * (rounds + 1)} people are being reminded" in text(shown)
        form = [(one["name"], one["value"]) for one in Tags(shown.text).all("input") if one.get("type") == "hidden"]
        response = page.post(f"{at(house.budget)}remind/", dict(form))
        rounds += 1
    assert rounds == 2
    assert "5 people are being reminded" in text(page.get(response["Location"]))


def test_a_status_that_cannot_be_cancelled_offers_nothing(house, page):
    in_state("accepted", house.budget)
    assert "nothing to cancel" in text(page.get(f"{at(house.budget)}cancel/?all=1&status=accepted"))


def test_assignments_of_others_are_left_alone(house, page):
    factories.make_house(slug="other")
    other = factories.make_budget()
    (row,) = assigned(other, 1)
    assert "nothing to cancel" in text(page.get(f"{at(house.budget)}cancel/?assignment={row.pk}"))
    act(page, house.budget, "cancel", assignment=[str(row.pk)])
    assert LearnerContentAssignment.objects.get(pk=row.pk).state == "allocated"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"assignment": ["x", "", "\0", NOTHING]},
        {"all": "1", "behind": "yesterday_x", "so_far": "cancelled:x,,:9"},
        {"all": "1", "behind": "2026-01-01T00:00:00_" + NOTHING, "status": "\0", "q": "\0"},
        {"all": "1", "so_far": "cancelled:" + "9" * 40},
    ],
)
def test_a_forged_form_never_fails(house, page, form):
    assigned(house.budget, 1)
    for verb in ("remind", "cancel"):
        assert act(page, house.budget, verb, **form).status_code == 200
        assert page.get(f"{at(house.budget)}{verb}/", form).status_code == 200


def test_a_form_must_prove_where_it_comes_from(house, admin):
    client = browser(admin, enforce_csrf_checks=True)
    assert client.post(f"{at(house.budget)}cancel/", {"all": "1"}).status_code == 403


@pytest.mark.parametrize("verb", ["remind", "cancel"])
def test_the_question_takes_few_statements(house, page, django_assert_max_num_queries, verb):
    rows = assigned(house.budget, 30)
    named = "&".join(f"assignment={row.pk}" for row in rows)
    for query in (named, "all=1", "all=1&q=learner1@example.org"):
        with django_assert_max_num_queries(STATEMENTS):
            page.get(f"{at(house.budget)}{verb}/?{query}")
