"""Tests of the admin's pages: a known moment, ports in memory, an organisation with a budget, a course, an admin."""

import pytest
from tests.db.surroundings import _clean_books, _noon, _ports, configure, unaudited
from tests.pages.test_viewer import browser

from bursar.people.models import Role
from bursar.testing import factories

__all__ = ["_clean_books", "_noon", "_ports", "configure", "unaudited"]


@pytest.fixture
def house():
    factories.make_course(title="Writing well")
    return factories.make_house(slug="acme")


@pytest.fixture
def admin(house):
    return factories.make_member(house.customer)


@pytest.fixture
def page(admin):
    """A browser in which the admin is signed in."""
    return browser(admin)


@pytest.fixture
def ada(house):
    """A browser in which an admin of the organisation is signed in."""
    return browser(factories.make_member(house.customer, email="ada@example.org"))


@pytest.fixture
def operator(house):
    """A browser in which somebody who runs the service is signed in."""
    return browser(factories.make_member(None, Role.OPERATOR, email="olga@example.org"))
