"""Who sees and does what on the learner's routes: everybody for themselves, admins read, operators redeem, strangers nothing."""

import pytest
from tests.db.verbs.steps import assigned, fresh, redeem
from tests.web.openedx.learning import EMAIL, NUMBER, RUN, A, Caller, client_of

from bursar.kernel.actor import CONSOLE
from bursar.people.models import Role
from bursar.testing.factories import make_house

pytestmark = pytest.mark.django_db
STRANGER = 4711


@pytest.fixture
def lee(house, course):
    found = Caller(house.customer)
    assigned(house.budget, [EMAIL], run=RUN)
    return found


@pytest.fixture
def ann(house):
    return Caller(house.customer, email="ann@acme.example", number=STRANGER)


@pytest.fixture
def ada(house):
    return Caller(house.customer, Role.ADMIN, email="ada@acme.example", number=11)


def reads(caller, house):
    """Return what the routes that read answer to somebody who asks for lee."""
    token = f"/api/v1/transactions/{fresh(redeem_lee(house)).transaction_uuid}/"
    return [caller.credits(NUMBER, house.customer).status_code, caller.get(token).status_code]


def redeem_lee(house):
    (row,) = assigned(house.budget, [EMAIL], run=RUN)
    redeem(row)
    return row


def test_a_learner_reads_nothing_of_another_learner(lee, ann, house):
    assert reads(ann, house) == [403, 403]
    assert EMAIL not in ann.credits(NUMBER).text


def test_a_learner_reads_their_own_and_an_admin_reads_it_too(lee, ada, house):
    assert reads(lee, house) == [200, 200]
    assert reads(ada, house) == [200, 200]


def test_the_admin_of_another_customer_reads_nothing(lee, house):
    elsewhere = Caller(make_house(name="Umbra").customer, Role.ADMIN, email="sam@umbra.example", number=14)
    assert reads(elsewhere, house) == [403, 403]
    assert elsewhere.credits(NUMBER).json() == []
    assert elsewhere.can_redeem(customer=house.customer).status_code == 403
    assert elsewhere.redeem(house.budget, number=NUMBER).status_code == 403


def test_somebody_of_two_customers_sees_at_each_only_what_is_its_own(lee, house):
    other = make_house(name="Umbra")
    assigned(other.budget, [EMAIL], run=RUN)
    lee_elsewhere = [credit["uuid"] for credit in lee.credits(customer=other.customer).json()]
    assert lee_elsewhere == [str(other.budget.pk)]
    assert [credit["uuid"] for credit in lee.credits().json()] == [str(house.budget.pk)]
    lee.redeem(house.budget)
    assert lee.can_redeem(customer=other.customer).json()[0]["can_redeem"] is True
    assert lee.can_redeem(customer=other.customer).json()[0]["redemptions"] == []


@pytest.mark.parametrize("role", [Role.LEARNER, Role.ADMIN])
def test_only_operators_redeem_for_others(lee, house, role):
    other = Caller(house.customer, role, email="other@acme.example", number=77)
    assert other.redeem(house.budget, number=NUMBER).status_code == 403
    olga = Caller(None, Role.OPERATOR, email="olga@bursar.example", number=13)
    assert olga.redeem(house.budget, number=NUMBER).status_code == 200


def test_a_token_of_a_role_is_nobody_and_so_has_no_courses(lee, house):
    learner = client_of(customer=house.customer.pk, role=Role.LEARNER)
    at = {"enterprise_customer_uuid": house.customer.pk, "lms_user_id": NUMBER}
    ask = f"{A}/enterprise-customer/{house.customer.pk}/can-redeem/"
    assert learner.get(f"{A}/credits_available/", at).status_code == 403
    assert learner.get(ask, {"content_key": RUN}).json() == {"lms_user_id": ["This field is required."]}
    admin = client_of(customer=house.customer.pk, role=Role.ADMIN)
    assert admin.get(f"{A}/credits_available/", at).status_code == 200
    assert admin.get(ask, {"content_key": RUN, "lms_user_id": NUMBER}).json()[0]["can_redeem"] is True
    lists = f"/api/v1/assignment-configurations/{house.budget.assignment_configuration_id}"
    assert learner.get(f"{lists}/assignments/").json()["count"] == 0
    (row,) = assigned(house.budget, [EMAIL], run=RUN)
    answer = learner.post(
        f"{lists}/acknowledge-assignments/", {"assignment_uuids": [str(row.pk)]}, content_type="application/json"
    )
    assert answer.status_code == 400


def test_a_token_that_may_not_learn_does_not(lee, house):
    narrow = client_of(user_id=lee.user.pk, scopes=["budgets.read"])
    at = {"enterprise_customer_uuid": house.customer.pk, "lms_user_id": NUMBER}
    assert narrow.get(f"{A}/credits_available/", at).status_code == 403


@pytest.mark.parametrize("number", ["0", "-5", "2147483648", "9" * 40, "1.5", "x", "", "%00"])
def test_an_id_that_is_none_is_a_bad_request(lee, ada, house, number):
    for caller in (lee, ada):
        path = f"{A}/credits_available/?enterprise_customer_uuid={house.customer.pk}&lms_user_id={number}"
        assert caller.client.get(path).status_code == 400


def test_what_was_assigned_before_there_was_an_account_is_found_by_it(house, course):
    (row,) = assigned(house.budget, [EMAIL], run=RUN, actor=CONSOLE)
    assert fresh(row).lms_user_id is None
    late = Caller(house.customer)
    assert late.credits().json()[0]["learner_content_assignments"][0]["uuid"] == str(row.pk)
    assert late.redeem(house.budget).status_code == 200
