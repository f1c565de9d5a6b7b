"""The command line, called in this process, and a small world made with it alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bursar.cli.main import run

COURSES = """key,title,partner,price_usd,subject
Org+ONE,One course,Org University,49.00,Mathematics
Org+TWO,Two courses,Org University,120.00,History
Org+FREE,Free course,Other School,0.00,History
Org+NOPRICE,Course without a price,Other School,,History
Org+OVER,Course that is over,Other School,10.00,History
"""
RUNS = """run_key,course_key,start,end,enroll_by
course-v1:Org+ONE+1,Org+ONE,2029-01-10T00:00:00Z,2031-01-01T00:00:00Z,2030-01-01T00:00:00Z
course-v1:Org+ONE+2,Org+ONE,2029-03-10T00:00:00Z,2031-01-01T00:00:00Z,2030-03-01T00:00:00Z
course-v1:Org+OVER+1,Org+OVER,2020-01-10T00:00:00Z,2021-01-01T00:00:00Z,2020-01-01T00:00:00Z
"""
PEOPLE = """Name,E-mail,Department
Ada,ada@acme.example,Engines
Bea,bea@acme.example,Engines
"Cee
Dee",cee@acme.example,"Two
lines"
Ada again,ADA@acme.example ,Engines
Nobody,,Engines
Worse,not an address,Engines
"""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def bursar(capsys):
    """Call the command line; fails unless it ends with the exit code expected."""

    def call(*arguments: Any, code: int = 0) -> Result:
        capsys.readouterr()
        ended = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert ended == code, f"{arguments} ended with {ended}\n{out}\n{err}"
        assert "Traceback" not in out + err
        return Result(ended, out, err)

    return call


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def put(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


@pytest.fixture
def people(write):
    return write("people.csv", PEOPLE)


@pytest.fixture
def world(db, bursar, write):
    """A customer with 600 dollars in a fund, a budget of 500 on it, five courses and three runs."""
    bursar("customer", "create", "Acme Ltd", "--contact-email", "learning@acme.example")
    bursar("fund", "create", "--customer", "acme-ltd", "--title", "Fund", "--deposit", "600")
    bursar("budget", "create", "--fund", "Fund", "--name", "Team", "--limit", "500")
    bursar("catalog", "import", write("courses.csv", COURSES), write("runs.csv", RUNS))


@pytest.fixture
def allocated(world, bursar, people):
    """Ada, Bea and Cee have course ONE; returns their assignments by address."""
    done = bursar("allocate", people, "--budget", "Team", "--content", "Org+ONE", "--json").json
    return {item["email"]: item["assignment"] for item in done["created"]}
