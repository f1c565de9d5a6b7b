"""Every test of a verb runs at a known moment, with a mailbox and a platform of its own, and ends with clean books."""

import pytest
from tests.db.surroundings import _clean_books, _noon, _ports, configure, course, house, unaudited

__all__ = ["_clean_books", "_noon", "_ports", "configure", "course", "house", "unaudited"]


@pytest.fixture
def small_batches(configure):
    """Let three people be a chunk, and more than three a batch."""
    configure(inline_limit=3, chunk_size=3)


@pytest.fixture
def mail():
    """Return the mailbox."""
    from bursar.kernel.backends import backend

    return backend("mail_port")


@pytest.fixture
def platform():
    """Return the learning platform, to be scripted."""
    from bursar.kernel.backends import backend

    return backend("enrolment_port")
