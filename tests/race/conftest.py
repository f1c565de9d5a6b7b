"""What every race begins with: a course, and a count of the conflicts that callers met.

Whether callers meet is luck: a control has three tries to show what happens when they do. What must hold has one.
"""

from pathlib import Path

import pytest
from tests.race.crowd import Retries

from bursar.testing import factories


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents and item.name.startswith("test_control"):
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture
def retries(monkeypatch):
    return Retries(monkeypatch)


@pytest.fixture
def course(transactional_db):
    return factories.make_course()
