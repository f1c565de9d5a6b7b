"""The last places of a budget on one SQLite file, with several processes: exact, and nobody is told of a lock."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

SCRIPT = Path(__file__).with_name("crowd.py")
PROCESSES, CALLERS, PLACES = 4, 200, 100

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="The file is SQLite's own matter; run once.")


def start(directory, role, place=""):
    """Start one process of the crowd on the file in `directory`."""
    own = {
        "DATABASE_URL": f"sqlite:///{directory}/crowd.sqlite3",
        "BURSAR_DATA_DIR": str(directory),
        "BURSAR_MODE": "test",
        "BURSAR_SECRET_KEY": "for tests",
    }
    command = [sys.executable, str(SCRIPT), role, str(directory), str(place)]
    return subprocess.Popen(command, env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(*processes):
    """Wait for all of them and return what each wrote."""
    ended = [(*process.communicate(timeout=120), process.returncode) for process in processes]
    assert [code for *_, code in ended] == [0] * len(ended), ended
    return [json.loads(out) for out, *_ in ended if out]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Make the file with a budget in it, once for both."""
    directory = tmp_path_factory.mktemp("crowd")
    said(start(directory, "prepare", PLACES))
    return directory


@pytest.fixture
def directory(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "crowd")


def answers_of(directory, role):
    """Let four processes of ten threads make five calls each; returns how they were answered."""
    told = said(*[start(directory, role, place) for place in range(PROCESSES)])
    return sum(map(Counter, told), Counter())


def test_control_with_plain_transactions_and_no_second_try_callers_are_told_of_locks(directory):
    answers = answers_of(directory, "careless")
    locked = answers.total() - answers["done"] - answers["policy_spend_limit_reached"]
    sys.stdout.write(f"CONTROL callers of {CALLERS} told of a lock: {locked}\n")
    assert locked


def test_two_hundred_callers_in_four_processes_get_exactly_a_hundred_places_and_see_no_lock(directory):
    assert answers_of(directory, "careful") == {"done": PLACES, "policy_spend_limit_reached": CALLERS - PLACES}
    assert said(start(directory, "audit")) == [[PLACES, []]]
