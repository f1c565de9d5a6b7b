"""What every race begins with: a course, and a count of the conflicts that callers met."""

import pytest
from tests.race.crowd import Retries

from bursar.testing import factories


@pytest.fixture
def retries(monkeypatch):
    return Retries(monkeypatch)


@pytest.fixture
def course(transactional_db):
    return factories.make_course()
