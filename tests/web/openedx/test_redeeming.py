"""Taking up by the Open edX route when things go wrong: nothing is lost, nothing is done twice, nothing personal is kept."""

import pytest
from django.db import OperationalError
from tests.db.verbs.steps import MINUTE, assigned, books, everything, fresh, later, tick, transactions
from tests.web.openedx.learning import EMAIL, NUMBER, RUN, Caller

from bursar.assignments import services
from bursar.assignments.flows import redemptions
from bursar.budgets.models import Transaction
from bursar.kernel import transactions as kernel
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend
from bursar.kernel.errors import Unavailable

pytestmark = pytest.mark.django_db
GEAG = {
    "geag_first_name": "Leonora",
    "geag_last_name": "Quintessence",
    "geag_email": "leonora.private@home.example",
    "geag_date_of_birth": "1988-07-06",
    "geag_terms_accepted_at": "2026-11-22T12:00:00Z",
    "geag_data_share_consent": True,
}


@pytest.fixture
def lee(house, course):
    return Caller(house.customer)


@pytest.fixture
def row(lee, house):
    return assigned(house.budget, [EMAIL], run=RUN)[0]


@pytest.fixture
def platform():
    return backend("enrolment_port")


def busy(*_, **__):
    raise Unavailable("The database is busy; try again.", code="database_busy")


def test_a_busy_database_is_answered_with_429_and_changes_nothing(lee, house, row, monkeypatch):
    before = books(house.budget)
    monkeypatch.setattr(redemptions.services, "begin_redemptions", busy)
    answer = lee.redeem(house.budget)
    assert (answer.status_code, answer.json()) == (
        429,
        {"detail": "Enrollment currently locked for this subsidy access policy."},
    )
    assert fresh(row).state == "allocated"
    assert books(house.budget) == before
    assert transactions(row) == []


def test_a_lock_met_when_settling_never_makes_an_assignment_errored(lee, house, row, platform, monkeypatch):
    monkeypatch.setattr(redemptions.services, "finish_redemptions", busy)
    assert lee.redeem(house.budget).status_code == 429
    assert fresh(row).state == "allocated"
    assert lee.can_redeem().json()[0]["can_redeem"] is True
    monkeypatch.undo()
    again = lee.redeem(house.budget)
    assert (again.status_code, again.json()["state"]) == (200, "committed")
    assert len(platform.enrolments) == 1
    assert len(transactions(row)) == 1
    assert fresh(row).state == "accepted"


def test_a_database_that_is_gone_is_not_called_a_lock(lee, house, row, monkeypatch):
    def gone(*_, **__):
        kernel.raise_if_gone(OperationalError("unable to open database file"))
        raise Unavailable("The database does not answer.", code="database_gone")

    monkeypatch.setattr(redemptions.services, "begin_redemptions", gone)
    assert lee.redeem(house.budget).status_code == 503


@pytest.mark.parametrize("step", ["lose", "omit", "contradict", "wrong_user", "wrong_run", "raise_after", "unclear"])
def test_whatever_the_platform_does_a_learner_is_enrolled_once_and_paid_for_once(lee, house, row, platform, step):
    platform.script(EMAIL, step)
    answer = lee.redeem(house.budget)
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")
    assert lee.redeem(house.budget).json()["uuid"] == answer.json()["uuid"]
    assert fresh(row).state == "allocated"
    with later(5 * MINUTE):
        tick()
        polled = lee.get(answer.json()["transaction_status_api_url"])
    assert (polled.status_code, polled.json()["state"]) == (200, "committed")
    assert len(platform.enrolments) == 1
    assert books(house.budget)[:2] == (0, 4900)


def test_money_of_a_refused_enrolment_is_free_again(lee, house, row, platform):
    platform.script(EMAIL, "refuse")
    answer = lee.redeem(house.budget)
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": "Subsidy Transaction API error: the enrollment was refused.",
        "code": "enrollment_error",
        "subsidy_status_code": "422",
    }
    assert fresh(row).state == "errored"
    assert books(house.budget)[:2] == (0, 0)
    assert lee.get(f"/api/v1/transactions/{transactions(row)[0].pk}/").json()["state"] == "failed"


def test_what_executive_education_sends_along_is_kept_nowhere(lee, house, row, caplog):
    assert lee.redeem(house.budget, metadata=GEAG).status_code == 200
    kept = repr(everything()) + caplog.text
    assert EMAIL in kept
    for name, value in GEAG.items():
        assert name not in kept
        assert not isinstance(value, str) or name == "geag_terms_accepted_at" or value not in kept


@pytest.mark.parametrize("metadata", [None, [], "x", 7, {"a": {"b": ["c"]}}])
def test_whatever_is_sent_along_does_not_count(lee, house, row, metadata):
    assert lee.redeem(house.budget, metadata=metadata).status_code == 200


def test_a_learner_cannot_reach_what_is_assigned_to_another_address(lee, house, course):
    assigned(house.budget, ["ann@acme.example"])
    answer = lee.redeem(house.budget)
    assert answer.status_code == 422
    assert answer.json()[0]["reason"] == "reason_learner_not_assigned_content"
    assert Transaction.objects.count() == 0


@pytest.mark.usefixtures("unaudited")  # a row that is deleted leaves its money behind
@pytest.mark.parametrize("state", ["cancelled", "vanished"])
def test_an_assignment_that_changes_between_look_and_leap_is_refused(lee, house, row, monkeypatch, state):
    begin = services.begin_redemptions

    def first_something_else(*arguments, **options):
        if state == "cancelled":
            services.cancel_many([row.pk], actor=CONSOLE)
        else:
            fresh(row).delete()
        return begin(*arguments, **options)

    monkeypatch.setattr(redemptions.services, "begin_redemptions", first_something_else)
    answer = lee.redeem(house.budget)
    assert answer.status_code == 422
    if state == "cancelled":
        assert answer.json()[0]["reason"] == "reason_learner_assignment_cancelled"
    else:
        assert answer.json()["detail"].startswith("Assignments race-condition: ")


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "{", '"x"', "7", '{"lms_user_id": 1e400, "content_key": "A+B"}', '{"lms_user_id": true, "content_key": "A+B"}',
     '{"lms_user_id": 99999999999999999999, "content_key": "A+B"}', '{"lms_user_id": -1, "content_key": "A+B"}',
     '{"lms_user_id": 12, "content_key": ["A+B"]}', '{"lms_user_id": 12, "content_key": "A+\\u0000"}',
     '{"lms_user_id": 12, "content_key": "' + "A+" + "B" * 300 + '"}', '{"lms_user_id": 12, "content_key": "\\ud800+B"}'],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_a_bad_request(lee, house, row, body):
    answer = lee.client.post(
        f"/api/v1/policy-redemption/{house.budget.pk}/redeem/", body, content_type="application/json"
    )
    assert answer.status_code == 400, answer.content
    assert fresh(row).state == "allocated"


def test_a_number_written_as_text_is_a_number(lee, house, row):
    assert lee.redeem(house.budget, number=str(NUMBER)).status_code == 200
