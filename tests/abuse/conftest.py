"""The world of these tests is made once for a module; whatever a test does in it is rolled back."""

import pytest
from django.test import TestCase, override_settings

PORTS = {
    "mail_port": "bursar.testing.fake_mail.FakeMail",
    "enrolment_port": "bursar.testing.scripted_enrolment.ScriptedEnrolment",
    "webhook_port": "bursar.testing.fake_webhooks.FakeWebhooks",
}


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    """Make the world inside a transaction that ends with the module."""
    from django.conf import settings
    from tests.abuse.world import World
    from tests.db.surroundings import NOON

    from bursar.kernel import clock

    with django_db_blocker.unblock():
        atomics = TestCase._enter_atomics()
        try:
            with override_settings(BURSAR={**settings.BURSAR, **PORTS}), clock.at(NOON):
                yield World()
        finally:
            TestCase._rollback_atomics(atomics)


@pytest.fixture
def world(made, db):
    return made
