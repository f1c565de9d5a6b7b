"""The guide to the client does what it says: its blocks run one after the other."""

import re
from pathlib import Path

import pytest
from tests.web.v1.test_client import _one_connection, connect

from bursar import client
from bursar.testing.factories import make_course

__all__ = ["_one_connection"]
GUIDE = Path(__file__).parents[3] / "docs/guides/client.md"

pytestmark = pytest.mark.django_db


def test_the_guide_runs(monkeypatch):
    make_course()
    opened = connect(role="operator")
    monkeypatch.setattr(client, "Bursar", lambda *_: opened)
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    assert len(blocks) == 7
    names: dict[str, object] = {"print": lambda *_: None}
    for number, block in enumerate(blocks):
        exec(compile(block, f"{GUIDE.name}, block {number}", "exec"), names)
