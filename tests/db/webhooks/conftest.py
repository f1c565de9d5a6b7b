"""Every test of webhooks runs at a known moment, with receivers and ports in memory, and ends with clean books."""

import pytest
from tests.db.surroundings import _clean_books, _noon, _ports, configure, course, house

__all__ = ["_clean_books", "_noon", "_ports", "configure", "course", "house"]


@pytest.fixture
def receivers():
    """Return the receivers, to be scripted."""
    from bursar.kernel.backends import backend

    return backend("webhook_port")
