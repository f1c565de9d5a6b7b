"""The guide to the API says what is so: each of its curl commands is run, and answers with the status beside it."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from tests.web.v1.caller import operator as as_operator

from bursar.testing.factories import make_course, make_house

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "api.md"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"(curl .*?[^\\])\s+# (\d{3})$", re.DOTALL | re.MULTILINE)
COMMANDS = [found for block in BLOCK.findall(GUIDE.read_text(encoding="utf-8")) for found in COMMAND.findall(block)]


def test_the_guide_has_commands_to_run():
    assert len(COMMANDS) == GUIDE.read_text(encoding="utf-8").count("\ncurl ") == 21


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="curl and bash are not installed")
@pytest.mark.django_db(transaction=True)
def test_every_command_of_the_guide_answers_as_it_says(live_server):
    house, caller = make_house(), as_operator()
    for number in range(4):
        make_course(f"X+{number}")
    make_course("HarvardX+PH125.1x")
    facts = {
        "BURSAR": live_server.url,
        "TOKEN": caller.token,
        "CUSTOMER": str(house.customer.pk),
        "FUND": str(house.fund.pk),
        "BUDGET": str(house.budget.pk),
        "VERSION": caller.get(f"budgets/{house.budget.pk}")["ETag"],
        "CURSOR": caller.get("courses?limit=2").json()["next"],
    }
    for command, status in COMMANDS:
        asked = command.replace("$(uuidgen)", str(uuid4())).replace("curl ", "curl -sS -w '\\n%{http_code}' ", 1)
        done = subprocess.run(
            ["bash", "-c", asked], env=os.environ | facts, capture_output=True, text=True, check=False
        )
        body, _, found = done.stdout.rpartition("\n")
        assert found == status, f"{command}\n{done.stdout}\n{done.stderr}"
        facts |= made_by(command, body)


def made_by(command, body):
    """Return what later commands call the plan, or the batch, that this one has made."""
    if "/plans/file" in command:
        return {"PLAN": json.loads(body)["uuid"], "DIGEST": json.loads(body)["digest"]}
    return {"BATCH": json.loads(body)["uuid"]} if "/apply" in command else {}
