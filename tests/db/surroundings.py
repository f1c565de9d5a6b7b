"""What tests of whole flows stand in: a known moment, ports in memory, a customer with money, and clean books at the end.

A conftest takes what it needs by importing it. Imports of ours stand in the fixtures: pytest loads a conftest before Django
is ready when its directory is named on the command line.
"""

from datetime import UTC, datetime

import pytest

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon():
    from bursar.kernel import clock

    with clock.at(NOON):
        yield


@pytest.fixture(autouse=True)
def _ports(settings):
    """Keep mails, enrolments and webhooks in memory."""
    settings.BURSAR = {
        **settings.BURSAR,
        "mail_port": "bursar.testing.fake_mail.FakeMail",
        "enrolment_port": "bursar.testing.scripted_enrolment.ScriptedEnrolment",
        "webhook_port": "bursar.testing.fake_webhooks.FakeWebhooks",
        "answer_url": "",  # links lead to the course, whose address tests read
    }


@pytest.fixture(autouse=True)
def _clean_books(db, request):
    """Recompute everything from the records when the test is over; a test that wants it wrong asks for `unaudited`."""
    from bursar.assignments.audit import run_audit

    yield
    if "unaudited" not in request.fixturenames:
        assert run_audit() == []


@pytest.fixture
def unaudited():
    """Leave the books as the test leaves them."""


@pytest.fixture
def configure(settings):
    """Return a function that sets settings of ours; ports asked for earlier are made anew by it."""

    def change(**values):
        settings.BURSAR = {**settings.BURSAR, **values}

    return change


@pytest.fixture
def house():
    """Return a customer with a fund of 10,000 and a budget of 5,000 dollars."""
    from bursar.testing.factories import make_house

    return make_house()


@pytest.fixture
def course():
    """Return a course of 49 dollars with one run, without dates."""
    from bursar.testing.factories import make_course

    return make_course(runs=["course-v1:DemoX+D101+R1"])
