"""`bursar allocate`: every row answered, the whole refused or done, the plan, and taking it back."""

import io
import json
import sys

import pytest

from bursar.assignments.models import AllocationBatch, LearnerContentAssignment
from bursar.budgets.models import Budget
from bursar.people.models import Person

ALLOCATE = ("allocate", "--budget", "Team", "--content", "Org+ONE")


def test_every_row_is_answered_in_exactly_this_shape(world, bursar, people):
    done = bursar(*ALLOCATE, people, "--json").json
    assert list(done) == [
        *("batch", "created", "updated", "unchanged", "twins", "refused", "charged_cents", "available_cents"),
    ]
    assert [(item["line"], item["email"]) for item in done["created"]] == [
        (2, "ada@acme.example"),
        (3, "bea@acme.example"),
        (4, "cee@acme.example"),
    ]
    assert {frozenset(item) for item in done["created"] + done["twins"]} == {frozenset({"line", "email", "assignment"})}
    assert done["twins"] == [{"line": 7, "email": "ADA@acme.example", "assignment": done["created"][0]["assignment"]}]
    assert [(item["line"], item["code"]) for item in done["refused"]] == [
        (8, "invalid_address"),
        (9, "invalid_address"),
    ]
    assert {frozenset(item) for item in done["refused"]} == {frozenset({"line", "input", "code", "message"})}
    assert (done["charged_cents"], done["available_cents"]) == (3 * 4900, 50000 - 3 * 4900)
    stored = {str(row.pk): row.learner_email for row in LearnerContentAssignment.objects.all()}
    assert {item["assignment"]: item["email"] for item in done["created"]} == stored
    assert AllocationBatch.objects.filter(pk=done["batch"]).exists()


def test_the_same_file_again_changes_nothing_and_costs_nothing(world, bursar, people):
    first = bursar(*ALLOCATE, people, "--json").json
    again = bursar(*ALLOCATE, people, "--json").json
    assert (again["created"], again["updated"], again["charged_cents"]) == ([], [], 0)
    assert again["unchanged"] == first["created"]
    assert again["twins"] == first["twins"]
    assert again["available_cents"] == first["available_cents"]


def test_people_may_be_named_one_by_one(world, bursar):
    done = bursar(
        *ALLOCATE, "--email", "ada@acme.example", "--email", "ADA@acme.example", "--email", "nobody", "--json"
    ).json
    assert [(item["line"], item["email"]) for item in done["created"]] == [(1, "ada@acme.example")]
    assert [item["line"] for item in done["twins"]] == [2]
    assert [item["line"] for item in done["refused"]] == [3]


def test_a_file_may_come_through_a_pipe(world, bursar, people, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(people.read_bytes())))
    assert len(bursar(*ALLOCATE, "-", "--json").json["created"]) == 3


def test_text_counts_and_names_twins_and_refused_rows(world, bursar, people):
    said = bursar(*ALLOCATE, people).out
    assert "new                   3" in said
    assert "charged               147.00 USD" in said
    assert "still available       353.00 USD" in said
    assert "invalid_address" in said
    assert "Repeats line" in said
    assert "bursar undo " in said


def test_who_only_gets_a_run_filled_in_is_neither_told_nor_undone_so_nothing_says_so(world, bursar):
    bursar(*ALLOCATE, "--email", "ada@acme.example")
    said = bursar(*ALLOCATE, "--email", "ada@acme.example", "--run", "course-v1:Org+ONE+2").out
    assert "renewed or filled in  1" in said
    assert "The mails wait" not in said
    assert "bursar undo" not in said


def test_over_budget_is_refused_as_a_whole_with_what_is_missing(world, bursar, people):
    bursar("budget", "set-limit", "Team", "100")
    refused = bursar(*ALLOCATE, people, "--json", code=3)
    error = refused.json["error"]
    assert error["code"] == "policy_spend_limit_reached"
    assert (error["needed_cents"], error["available_cents"], error["missing_cents"]) == (14700, 10000, 4700)
    assert "missing" in refused.err
    assert "47.00 USD" in refused.err
    text = bursar(*ALLOCATE, people, code=3)
    assert text.out == ""
    assert "47.00 USD\nNothing was changed." in text.err
    assert not LearnerContentAssignment.objects.exists()
    assert not Person.objects.exists()
    assert Budget.objects.get().held_cents == 0


def test_a_fund_that_cannot_pay_refuses_too(world, bursar, people):
    bursar("budget", "set-limit", "Team", "9000")
    bursar("fund", "adjust", "Fund", "-500", "--reason", "moved")
    error = bursar(*ALLOCATE, people, "--json", code=3).json["error"]
    assert (error["code"], error["missing_cents"]) == ("not_enough_value_in_subsidy", 4700)


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (("--content", "Org+NOWHERE"), "content_not_in_catalog"),
        (("--content", "Org+NOPRICE"), "price_missing"),
        (("--content", "Org+OVER"), "beyond_enrollment_deadline"),
        (("--content", "Org+ONE", "--price", "52"), "PriceValidationError"),
        (("--content", "Org+ONE", "--run", "course-v1:Org+OVER+1"), "wrong_run"),
    ],
)
def test_a_rule_refuses_the_whole_call(world, bursar, people, options, refusal):
    assert bursar("allocate", people, "--budget", "Team", *options, "--json", code=3).json["error"]["code"] == refusal
    assert not LearnerContentAssignment.objects.exists()


def test_an_inactive_budget_and_an_ended_fund_refuse(world, bursar, people):
    bursar("fund", "set-end", "Fund", "2020-01-01")
    assert bursar(*ALLOCATE, people, "--json", code=3).json["error"]["code"] == "subsidy_expired"
    bursar("fund", "set-end", "Fund", "--never")
    bursar("budget", "retire", "Team")
    assert bursar(*ALLOCATE, people, "--json", code=3).json["error"]["code"] == "policy_expired"


def test_a_price_near_the_catalogs_is_taken_and_a_course_without_one_takes_any(world, bursar):
    near = bursar(*ALLOCATE, "--email", "ada@acme.example", "--price", "51.45", "--json").json
    assert near["charged_cents"] == 5145
    free = ("allocate", "--budget", "Team", "--email", "ada@acme.example", "--json")
    assert bursar(*free, "--content", "Org+NOPRICE", "--price", "10").json["charged_cents"] == 1000
    assert bursar(*free, "--content", "Org+FREE").json["charged_cents"] == 0


def test_a_plan_tells_everything_and_writes_nothing(world, bursar, people):
    plan = bursar(*ALLOCATE, people, "--plan", "--json").json
    assert plan["plan"] is True
    assert plan["batch"] is None
    assert plan["refusal"] is None
    assert [item["line"] for item in plan["created"]] == [2, 3, 4]
    assert {item["assignment"] for item in plan["created"] + plan["twins"]} == {None}
    assert [item["line"] for item in plan["refused"]] == [8, 9]
    assert (plan["charged_cents"], plan["available_cents"]) == (14700, 35300)
    assert plan["expires_reason"] == "NINETY_DAYS_PASSED"
    assert not LearnerContentAssignment.objects.exists()
    assert not Person.objects.exists()
    assert not AllocationBatch.objects.exists()
    assert Budget.objects.get().held_cents == 0


def test_a_plan_in_words_goes_person_by_person(world, bursar, people):
    told = bursar(*ALLOCATE, people, "--plan")
    firsts = [line.split()[0] for line in told.out.splitlines() if line.strip()]
    assert [word for word in firsts if word.isdigit()] == ["2", "3", "4", "7", "8", "9"]
    assert "twin of line 2" in told.out
    assert "353.00 USD" in told.out
    assert "90 days after the allocation" in told.out
    assert "the last day to enrol" in told.out
    assert "nothing was written" in told.err


def test_a_plan_says_that_it_would_be_refused_and_by_how_much(world, bursar, people):
    bursar("budget", "set-limit", "Team", "100")
    plan = bursar(*ALLOCATE, people, "--plan", "--json").json
    assert (plan["refusal"]["code"], plan["refusal"]["missing_cents"]) == ("policy_spend_limit_reached", 4700)
    assert (plan["charged_cents"], plan["available_cents"]) == (14700, 10000)
    assert "47.00 USD" in bursar(*ALLOCATE, people, "--plan").err
    unknown = bursar("allocate", people, "--budget", "Team", "--content", "Org+NOWHERE", "--plan", "--json").json
    assert unknown["refusal"]["code"] == "content_not_in_catalog"
    assert (unknown["created"], unknown["charged_cents"], unknown["expires_at"]) == ([], 0, None)


def test_a_plan_tells_who_is_renewed_filled_in_and_left_alone(allocated, bursar, people):
    bursar("cancel", allocated["ada@acme.example"])
    bursar("accept", allocated["bea@acme.example"])
    run = ("--run", "course-v1:Org+ONE+2")
    plan = bursar(*ALLOCATE, *run, people, "--plan", "--json").json
    assert [item["email"] for item in plan["updated"]] == ["ada@acme.example", "cee@acme.example"]
    assert [item["email"] for item in plan["unchanged"]] == ["bea@acme.example"]
    assert plan["charged_cents"] == 4900
    words = bursar(*ALLOCATE, *run, people, "--plan").out
    assert "renewed, was cancelled" in words
    assert "filled in" in words
    done = bursar(*ALLOCATE, *run, people, "--json").json
    assert (done["updated"], done["unchanged"], done["charged_cents"]) == (plan["updated"], plan["unchanged"], 4900)


def test_an_allocation_is_taken_back_while_nobody_has_accepted(world, bursar, people):
    first = bursar(*ALLOCATE, people, "--json").json
    undone = bursar("undo", first["batch"], "--json").json
    assert sorted(undone["cancelled"]) == sorted(item["assignment"] for item in first["created"])
    assert Budget.objects.get().held_cents == 0
    second = bursar(*ALLOCATE, people, "--json").json
    bursar("accept", second["updated"][0]["assignment"])
    assert bursar("undo", second["batch"], "--json", code=3).json["error"]["code"] == "batch_not_undoable"
    assert bursar("undo", first["batch"][::-1], "--json", code=4).json["error"]["code"] in {"not_found", "invalid_uuid"}


def test_a_batch_of_many_answers_like_a_small_one(world, bursar, people, settings):
    small = bursar(*ALLOCATE, people, "--plan", "--json").json
    settings.BURSAR = {**settings.BURSAR, "inline_limit": 1, "chunk_size": 2}
    done = bursar(*ALLOCATE, people, "--json").json
    assert [item["line"] for item in done["created"]] == [item["line"] for item in small["created"]]
    assert [item["line"] for item in done["twins"]] == [7]
    assert done["charged_cents"] == small["charged_cents"]


def test_what_a_file_holds_cannot_steer_the_terminal(world, bursar, write):
    path = write("evil.csv", "E-mail\n\x1b[2J\x1b]0;owned\x07@x\n[bold]x[/bold]@\n")
    told = bursar(*ALLOCATE, path, code=4)
    assert "\x1b" not in told.out
    assert "\\x1b[2J" in told.out
    assert "[bold]x[/bold]@" in told.out
    assert json.loads(bursar(*ALLOCATE, path, "--json", code=4).out)["refused"][0]["input"].startswith("\x1b")
