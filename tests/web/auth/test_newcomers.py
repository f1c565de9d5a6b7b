"""Somebody of the learning platform comes for the first time: an account, and what waits for their address is theirs."""

import pytest
from django.contrib.auth import get_user_model
from tests.db.verbs.steps import assigned, fresh

from bursar.people.models import Profile
from bursar.testing.factories import make_course, make_house, make_user

pytestmark = pytest.mark.django_db
LEARNER = 4711
ADDRESS = "Ann@acme.example"


@pytest.fixture
def waiting():
    """Something assigned to the address, before anybody with it has come."""
    make_course()
    return assigned(make_house().budget, [ADDRESS.lower()])[0]


def come(ask, believed, **claims):
    return ask(**believed.bearer(LEARNER, [], **{"email": ADDRESS, "email_verified": True, "name": "Ann", **claims}))


def test_the_first_request_makes_an_account_and_links_what_waits(ask, believed, waiting):
    found = come(ask, believed).json()
    profile = Profile.objects.get(lms_user_id=LEARNER)
    assert (found["user_id"], found["lms_user_id"]) == (profile.user_id, LEARNER)
    assert fresh(waiting).lms_user_id == LEARNER
    assert not profile.user.has_usable_password()


def test_the_second_request_makes_nothing(ask, believed, waiting):
    come(ask, believed)
    assert come(ask, believed).status_code == 200
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize(
    "claims",
    [{"email_verified": False}, {"email_verified": "true"}, {"email": None}, {"email": 7}, {"email": "no address"}],
)
def test_without_a_proven_address_there_is_no_account(ask, believed, waiting, claims):
    found = come(ask, believed, **claims).json()
    assert (found["user_id"], found["lms_user_id"]) == (None, LEARNER)
    assert fresh(waiting).lms_user_id is None


def test_an_address_that_another_account_has_stays_with_it(ask, believed, waiting):
    other = make_user(ADDRESS, lms_user_id=9)
    assert come(ask, believed).json()["user_id"] is None
    assert fresh(waiting).lms_user_id == other.bursar_profile.lms_user_id


def test_where_it_is_switched_off_nobody_gets_an_account(ask, believed, waiting, configure):
    configure(jwt_accounts=False)
    assert come(ask, believed).json()["user_id"] is None
    assert not get_user_model().objects.exists()


def test_nothing_personal_is_logged_of_who_got_none(ask, believed, waiting, caplog):
    make_user(ADDRESS, lms_user_id=9)
    come(ask, believed)
    assert "user_exists" in caplog.text
    assert "ann" not in caplog.text.lower()
