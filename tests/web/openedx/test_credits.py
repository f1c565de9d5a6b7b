"""What the learner's cards show of endings, and for how long: as the records say, and no longer than until they were seen."""

import pytest
from tests.db.verbs.steps import DAY, MINUTE, accept, assigned, fresh, later, redeem, tick
from tests.web.openedx.learning import EMAIL, NUMBER, RUN, Caller

from bursar.assignments import services
from bursar.budgets.services import set_limit
from bursar.kernel.actor import CONSOLE
from bursar.testing.factories import make_budget, make_course, make_run, reload

pytestmark = pytest.mark.django_db


@pytest.fixture
def lee(house, course):
    return Caller(house.customer)


def cards(caller):
    return [card for credit in caller.credits().json() for card in credit["learner_content_assignments"]]


def acknowledge(row):
    services.acknowledge_many(row.assignment_configuration_id, [row.pk], lms_user_id=NUMBER)


def end(row, how):
    if how == "cancelled":
        services.cancel_many([row.pk], actor=CONSOLE)
    else:
        services.expire_many([row.pk], actor=CONSOLE)


@pytest.mark.parametrize("how", ["cancelled", "expired"])
def test_a_card_that_was_dismissed_before_its_mail_left_does_not_come_back_with_the_mail(lee, house, how):
    (row,) = assigned(house.budget, [EMAIL])
    with later(91 * DAY):
        end(row, how)
        assert [card["learner_acknowledged"] for card in cards(lee)] == [False]
        acknowledge(row)
        assert cards(lee) == []
    with later(91 * DAY + 5 * MINUTE):
        tick()
        assert fresh(row).actions.filter(action_type=how, completed_at__isnull=False).exists()
        assert cards(lee) == []


@pytest.mark.parametrize("how", ["cancelled", "expired"])
def test_what_cards_say_of_acknowledgement_is_what_the_records_say(lee, house, how):
    (row,) = assigned(house.budget, [EMAIL])
    with later(91 * DAY):
        end(row, how)
        tick()
    with later(92 * DAY):
        (card,) = cards(lee)
        record = fresh(row)
        assert card["learner_acknowledged"] is record.learner_acknowledged is False
        said = {action["uuid"]: action["learner_acknowledged"] for action in card["actions"]}
        assert said == {str(action.pk): action.learner_acknowledged for action in record.actions.all()}
        assert False in said.values()
        acknowledge(row)
        assigned(house.budget, [EMAIL])
        (card,) = cards(lee)
    said = {action["uuid"]: action["learner_acknowledged"] for action in card["actions"]}
    assert said == {str(action.pk): action.learner_acknowledged for action in fresh(row).actions.all()}
    assert True in said.values()
    assert card["state"] == "allocated"
    assert card["learner_acknowledged"] is None


def test_of_a_course_the_card_shows_the_run_that_starts_next_and_the_latest_deadline(lee, house):
    known = make_course("DemoX+D2", price_cents=1250, course_type="verified-audit")
    make_run(
        known,
        "course-v1:DemoX+D2+R1",
        start="2026-12-01T09:00:00Z",
        end="2027-01-01T09:00:00Z",
        enroll_by="2026-12-10T09:00:00Z",
    )
    make_run(known, "course-v1:DemoX+D2+R2", start="2027-12-01T09:00:00Z", enroll_by="2027-12-10T09:00:00Z")
    make_run(known, "course-v1:DemoX+D2+R0", start="2025-12-01T09:00:00Z", enroll_by="2025-12-10T09:00:00Z")
    assigned(house.budget, [EMAIL], "DemoX+D2")
    (card,) = cards(lee)
    assert card["content_metadata"] == {
        "start_date": "2026-12-01T09:00:00Z",
        "end_date": "2027-01-01T09:00:00Z",
        "enroll_by_date": "2027-12-10T09:00:00Z",
        "content_price": 12.5,
        "course_type": "verified-audit",
        "partners": [{"name": "DemoX", "logo_image_url": None}],
    }
    assert card["earliest_possible_expiration"]["reason"] == "NINETY_DAYS_PASSED"


def test_a_course_that_left_the_catalog_is_still_a_card(lee, house, course):
    assigned(house.budget, [EMAIL])
    course.delete()
    (card,) = cards(lee)
    assert card["content_metadata"] is None
    assert card["content_title"] == "Course DemoX+D101"


def test_each_budget_shows_its_own_and_they_come_in_the_order_in_which_they_are_tried(lee, house, course):
    second = make_budget(house.fund, display_name="Second")
    make_course("DemoX+D2")
    assigned(house.budget, [EMAIL])
    assigned(second, [EMAIL], "DemoX+D2")
    found = {credit["display_name"]: credit["learner_content_assignments"] for credit in lee.credits().json()}
    assert {name: [card["content_key"] for card in shown] for name, shown in found.items()} == {
        "Training": ["DemoX+D101"],
        "Second": ["DemoX+D2"],
    }


def test_of_two_budgets_the_one_that_can_pay_is_offered_and_what_is_paid_is_not_paid_again(lee, house, course):
    second = make_budget(house.fund, display_name="Second")
    (row,) = assigned(second, [EMAIL], run=RUN)
    (found,) = lee.can_redeem().json()
    assert found["redeemable_subsidy_access_policy"]["uuid"] == str(second.pk)
    assigned(house.budget, [EMAIL], run=RUN)
    accept([row])
    (found,) = lee.can_redeem().json()
    assert found["has_successful_redemption"] is True
    assert found["redeemable_subsidy_access_policy"] is None
    answer = lee.redeem(house.budget)
    assert (answer.status_code, answer.json()["uuid"]) == (200, str(fresh(row).transaction_uuid))
    assert reload(house.budget).spent_cents == 0


def test_a_reason_names_every_budget_that_gives_it(lee, house, course):
    second = make_budget(house.fund, display_name="Second")
    third = make_budget(house.fund, display_name="Third")
    set_limit(third.pk, 0)
    (found,) = lee.can_redeem().json()
    by_code = {reason["reason"]: set(reason["policy_uuids"]) for reason in found["reasons"]}
    assert by_code == {
        "reason_learner_not_assigned_content": {str(house.budget.pk), str(second.pk)},
        "policy_spend_limit_reached": {str(third.pk)},
    }
    assert found["display_reason"] == found["reasons"][0]


def test_what_is_redeemed_by_a_signed_link_is_seen_as_redeemed(lee, house):
    (row,) = assigned(house.budget, [EMAIL], run=RUN)
    redeem(row)
    assert lee.can_redeem().json()[0]["has_successful_redemption"] is True
