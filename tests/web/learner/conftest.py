"""Tests of the learner's pages: a known moment, ports in memory, an organisation, a course with two runs, a learner."""

from datetime import timedelta

import pytest
from django.test import Client
from tests.db.surroundings import _clean_books, _noon, _ports, configure, unaudited
from tests.db.verbs.steps import assigned
from tests.pages.test_viewer import browser

from bursar.kernel import clock
from bursar.people.models import Role
from bursar.testing import factories

__all__ = ["_clean_books", "_noon", "_ports", "configure", "unaudited"]
ADDRESS = "learner1@example.org"


@pytest.fixture
def house():
    course = factories.make_course(title="Writing well")
    start = clock.now() + timedelta(days=20)
    factories.make_run(course, "course-v1:DemoX+D101+spring", start=start)
    factories.make_run(course, "course-v1:DemoX+D101+summer", start=start + timedelta(days=90))
    return factories.make_house(slug="acme")


@pytest.fixture
def learner(house):
    return factories.make_member(house.customer, Role.LEARNER, email=ADDRESS)


@pytest.fixture
def row(house, learner):
    (one,) = assigned(house.budget, [ADDRESS])
    return one


@pytest.fixture
def page(learner):
    """A browser in which the learner is signed in, and that proves where its forms come from."""
    return browser(learner)


@pytest.fixture
def stranger():
    """A browser without cookies that proves nothing, and looks closely."""
    return Client(enforce_csrf_checks=True)
