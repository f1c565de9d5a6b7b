"""What tests of our own API begin with: two customers with money, and somebody of each kind to call."""

import pytest


@pytest.fixture
def house(db):
    from bursar.testing.factories import make_house

    return make_house(name="Lanternworks")


@pytest.fixture
def elsewhere(db):
    from bursar.testing.factories import make_house

    return make_house(name="Tidewater")


@pytest.fixture
def operator(db):
    from tests.web.v1.caller import operator

    return operator()


@pytest.fixture
def admin(house):
    from tests.web.v1.caller import admin

    return admin(house.customer)


@pytest.fixture
def learner(house):
    from tests.web.v1.caller import learner

    return learner(house.customer)


@pytest.fixture
def stranger(elsewhere):
    """Return an admin of another customer."""
    from tests.web.v1.caller import admin

    return admin(elsewhere.customer)
