"""Tests of the Open edX routes run at a known moment, with a mailbox and a platform of their own, and end with clean books."""

import pytest
from tests.contract.openedx_world import World
from tests.db.surroundings import _clean_books, _noon, _ports, configure, course, house, unaudited

__all__ = ["_clean_books", "_noon", "_ports", "configure", "course", "house", "unaudited"]


@pytest.fixture
def world(db):
    """Return Acme with its people, money and courses."""
    return World()
