"""Tests of the staff pages: a known moment, ports in memory, one row of every table, and a superuser's browser."""

import pytest
from django.test import Client
from tests.db.surroundings import _clean_books, _noon, _ports, configure, unaudited

from bursar.testing import factories

from .world import World

__all__ = ["_clean_books", "_noon", "_ports", "configure", "unaudited"]


def staff_client(**kind):
    """Return a browser of a member of staff who has shown what is asked for, and the user."""
    user = factories.make_user()
    for name, value in {"is_staff": True, **kind}.items():
        setattr(user, name, value)
    user.save()
    client = Client()
    client.force_login(user)
    client.user = user
    return client


@pytest.fixture
def world():
    return World()


@pytest.fixture(autouse=True)
def _no_second_factor(configure):
    configure(require_mfa="no")


@pytest.fixture
def staff():
    """A superuser's browser."""
    return staff_client(is_superuser=True)
