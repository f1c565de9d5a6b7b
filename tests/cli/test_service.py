"""Setting up and keeping going: demo, migrate, tick, audit, and the clock that only a demonstration may move."""

import csv
import json
import shlex
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bursar.assignments.jobs import Ticked
from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.models import Budget, Fund
from bursar.kernel import clock
from bursar.people.installation import is_demo, mark_as_demo
from bursar.people.models import Customer


@pytest.fixture
def mode(settings):
    """Set the mode, and other settings of ours."""

    def put(name, **values):
        settings.BURSAR = {**settings.BURSAR, "mode": name, **values}

    return put


# The demonstration


def test_the_demonstration_has_money_courses_people_and_logins_and_nothing_spent(db, bursar):
    demo = bursar("demo", "--json").json
    assert set(demo) == {"customer", "fund", "budget", "users", "samples", "mode"}
    assert demo["fund"]["balance_cents"] == 6_000_000
    assert [demo["budget"][name] for name in ("name", "limit_cents", "held_cents", "spent_cents")] == [
        "Learning",
        4_000_000,
        0,
        0,
    ]
    assert demo["fund"]["expires_at"] is not None
    assert demo["budget"]["catalog"] is not None
    assert [user["role"] for user in demo["users"]] == ["learner", "admin", "operator"]
    assert all(Path(path).is_file() for path in demo["samples"].values())
    assert demo["mode"] == "test"
    assert is_demo()


def test_loading_the_demonstration_again_changes_nothing(db, bursar):
    first = bursar("demo", "--json").json
    assert bursar("demo", "--json").json == first
    assert (Customer.objects.count(), Fund.objects.count(), Budget.objects.count()) == (1, 1, 1)


def test_the_logins_of_the_demonstration_work(db, bursar, client):
    for user in bursar("demo", "--json").json["users"]:
        assert client.login(username=user["email"], password=user["password"])


def test_every_command_that_the_demonstration_names_works_as_it_stands(db, bursar):
    text = bursar("demo").out
    commands = [shlex.split(line) for line in text.splitlines() if line.startswith("  bursar ")]
    assert [command[1] for command in commands] == [
        "allocate",
        "allocate",
        "tick",
        "assignments",
        "accept",
        "tick",
        "audit",
        "run",
    ]
    for command in commands[:-1]:
        bursar(*command[1:])
    states = set(LearnerContentAssignment.objects.values_list("state", flat=True))
    assert states == {"accepted", "expired"}


def test_the_sample_files_work_with_the_budget_of_the_demonstration(db, bursar):
    samples = bursar("demo", "--json").json["samples"]
    done = bursar(
        "allocate", samples["people"], "--budget", "Learning", "--content", "HarvardX+PH125.1x", "--json"
    ).json
    with Path(samples["people"]).open(encoding="utf-8-sig", newline="") as file:
        rows = len(list(csv.reader(file))) - 1
    assert sum(len(done[name]) for name in ("created", "twins", "refused")) == rows
    assert bursar("catalog", "import", samples["courses"], samples["runs"], "--json").json["files"][0]["created"] == 0


def test_a_demonstration_does_not_go_where_somebody_works(world, bursar, mode):
    assert bursar("demo", "--json", code=3).json["error"]["code"] == "database_in_use"
    mode("production")
    assert bursar("demo", "--json", code=3).json["error"]["code"] == "not_a_demonstration"
    assert not is_demo()


# The clock


def test_the_clock_is_moved_in_demonstrations_and_tests_only(world, bursar, mode):
    for name in ("test", "demo"):
        mode(name)
        assert bursar("tick", "--at", "2030-01-01", "--json").json["at"] == "2030-01-01T00:00:00Z"
    for name in ("", "production"):
        mode(name)
        assert bursar("tick", "--at", "2030-01-01", "--json", code=3).json["error"]["code"] == "clock_not_movable"
        assert bursar("tick").code == 0
    mode("")
    mark_as_demo()
    assert bursar("tick", "--at", "2030-01-01").code == 0


def test_a_moved_clock_stops_every_command_elsewhere(world, bursar, mode):
    mode("", clock_offset=timedelta(days=1))
    for arguments in (("customer", "list"), ("tick",), ("migrate",), ("demo",), ("audit",)):
        assert bursar(*arguments, "--json", code=3).json["error"]["code"] == "clock_not_movable"
    assert "BURSAR_MODE=demo" in bursar("tick", code=3).err
    mode("demo", clock_offset=timedelta(days=1))
    bursar("customer", "list")


def test_the_clock_can_be_moved_by_a_span(allocated, bursar):
    assert bursar("tick", "--at", "+89d", "--json").json["expired"] == 0
    assert bursar("tick", "--at", "+91d", "--json").json["expired"] == 0  # told 89 days from now, in this demonstration
    assert bursar("tick", "--at", "+180d", "--json").json["expired"] == 3


def test_moving_the_clock_for_a_tick_moves_it_for_that_tick_alone(allocated, bursar):
    before = clock.now()
    done = bursar("tick", "--at", "2027-06-01", "--json").json
    assert done["expired"] == 3
    assert clock.now() - before < timedelta(minutes=10)
    expired = LearnerContentAssignment.objects.filter(state="expired").values_list("expired_at", flat=True)
    assert {f"{at:%Y-%m-%d}" for at in expired} == {"2027-06-01"}


# Tick


def test_a_tick_tells_what_was_done(allocated, bursar):
    done = bursar("tick", "--json").json
    assert done["mail"] == {"sent": 3, "dropped": 0, "failed": 0, "retried": 0}
    assert {name for name in done if name != "at"} == set(Ticked.__dataclass_fields__)
    assert "Nothing was due." in bursar("tick").out
    bursar("cancel", allocated["ada@acme.example"])
    assert "mails sent  1" in bursar("tick").out


# Audit


def test_an_audit_without_differences_ends_with_nothing(allocated, bursar):
    assert bursar("audit", "--json").json == {"differences": []}
    assert bursar("audit").out == "Everything agrees.\n"


def test_an_audit_names_each_difference_and_ends_with_one(allocated, bursar):
    Budget.objects.update(held_cents=14800)
    found = bursar("audit", "--json", code=1).json["differences"]
    (held,) = [item for item in found if item["code"] == "budget_held"]
    assert set(held) == {"code", "subject", "message", "expected", "found"}
    assert (held["expected"], held["found"]) == (14700, 14800)
    text = bursar("audit", code=1).out
    assert "budget_held" in text
    assert "14800" in text
    assert str(Budget.objects.get().pk) in text


# Migrate


def test_a_database_that_is_ready_says_so(db, bursar):
    assert bursar("migrate", "--json").json == {"applied": []}
    assert "ready already" in bursar("migrate").out


def test_progress_is_shown_on_a_terminal_and_stays_out_of_the_answer(allocated, bursar, monkeypatch, write, settings):
    monkeypatch.setenv("TERM", "xterm")
    terminal = sys.stderr
    monkeypatch.setattr(type(terminal), "isatty", lambda stream: stream is terminal, raising=False)
    settings.BURSAR = {**settings.BURSAR, "chunk_size": 1}
    result = bursar("tick", "--json")
    assert "Doing what is due" in result.err
    assert result.json["mail"]["sent"] == 3
    assert (
        "Importing courses"
        in bursar("catalog", "import", write("c.csv", "key,title,price_usd\nA,A,1\nB,B,1\n"), "--json").err
    )


def test_json_is_json_and_nothing_else(allocated, bursar):
    for arguments in (
        ("tick",),
        ("audit",),
        ("budget", "list"),
        ("assignments", "list"),
        ("customer", "show", "acme-ltd"),
    ):
        result = bursar(*arguments, "--json")
        assert isinstance(json.loads(result.out), dict)
        assert result.err == ""
