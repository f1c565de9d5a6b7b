"""The rules know no Django: they are imported and answer in a process where it was never loaded."""

import subprocess
import sys

import pytest

RULES = ("states", "expiry", "policy", "projections", "events", "reminders", "texts")
CHECK = """
import sys
import bursar.assignments.{module}
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(*sorted(loaded & {{"django", "simple_history"}}))
"""


@pytest.mark.parametrize("module", RULES)
def test_importing_a_rule_imports_no_django(module):
    done = subprocess.run(
        [sys.executable, "-c", CHECK.format(module=module)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []


def test_the_rules_answer_without_settings():
    question = """
from datetime import UTC, datetime
from bursar.assignments import expiry, policy, projections, states
noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
print(expiry.due(expiry.Terms(noon)).reason, projections.learner_state(projections.Facts("allocated", noon)),
      policy.refuse_state("accepted", states.starts(states.Verb.CANCEL)).code)
"""
    done = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["NINETY_DAYS_PASSED", "notifying", "wrong_state"]
