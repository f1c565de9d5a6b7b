"""The verbs on assignments: named by uuid or by a budget, answered one by one, in both forms."""

import io
import sys
from datetime import UTC, datetime, timedelta

import pytest

from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.models import Budget
from bursar.kernel import backends, clock
from bursar.outbox.models import Message
from bursar.ports.enrolment import EnrolmentAnswer

ADA, BEA, CEE = "ada@acme.example", "bea@acme.example", "cee@acme.example"
STRANGER = "00000000-0000-4000-8000-000000000000"


def results(answer):
    return {item["email"]: item["result"] for item in answer["done"]}


def refusals(answer):
    return {item["email"]: item["code"] for item in answer["refused"]}


def states():
    return dict(LearnerContentAssignment.objects.values_list("learner_email", "state"))


def test_cancelling_answers_for_each_and_frees_the_money(allocated, bursar):
    bursar("accept", allocated[BEA])
    answer = bursar("cancel", allocated[ADA], allocated[BEA], STRANGER, "--json").json
    assert results(answer) == {ADA: "cancelled"}
    assert refusals(answer) == {BEA: "wrong_state", None: "not_found"}
    assert Budget.objects.get().held_cents == 4900
    assert results(bursar("cancel", allocated[ADA], "--json").json) == {ADA: "unchanged"}


def test_when_all_are_refused_the_exit_code_says_so(allocated, bursar):
    bursar("accept", allocated[BEA])
    refused = bursar("cancel", allocated[BEA], STRANGER, code=3)
    assert "It is accepted." in refused.out
    assert "2 refused" in refused.out
    assert bursar("cancel", allocated[BEA], "--json", code=3).json["done"] == []


def test_a_budget_and_what_narrows_it_select(allocated, bursar):
    assert set(results(bursar("cancel", "--budget", "Team", "--email", "ADA@acme.example", "--json").json)) == {ADA}
    assert set(results(bursar("remind", "--budget", "Team", "--all", "--json").json)) == {BEA, CEE}
    assert set(results(bursar("cancel", "--budget", "Team", "--state", "allocated", "--json").json)) == {BEA, CEE}
    nothing = bursar("cancel", "--budget", "Team", "--state", "accepted", "--json").json
    assert nothing == {"done": [], "refused": []}
    assert "nothing to do" in bursar("remind", "--budget", "Team", "--all").out
    assert set(states().values()) == {"cancelled"}


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--budget", "Team"),
        ("--all",),
        (STRANGER, "--budget", "Team", "--all"),
        (STRANGER, "--state", "allocated"),
        ("--budget", "Team", "--all", "--email", ADA),
        ("--budget", "Team", "--state", "forgotten"),
    ],
)
def test_a_selection_that_could_mean_too_much_is_wrong_usage(db, bursar, arguments):
    for verb in ("cancel", "remind", "accept", "reverse", "redeem"):
        assert bursar(verb, *arguments, code=2).out == ""


def test_a_reminder_that_waits_already_is_not_doubled(allocated, bursar):
    assert results(bursar("remind", allocated[ADA], "--json").json) == {ADA: "queued"}
    assert refusals(bursar("remind", allocated[ADA], "--json", code=3).json) == {ADA: "already_queued"}
    assert Message.objects.filter(kind="reminded").count() == 1


def test_accepting_pays_once_and_names_the_transaction(allocated, bursar):
    answer = bursar("accept", allocated[ADA], "--json").json
    assert results(answer) == {ADA: "accepted"}
    paid = answer["done"][0]["transaction"]
    assert (paid["state"], paid["amount_cents"], paid["content_key"]) == ("committed", 4900, "course-v1:Org+ONE+1")
    again = bursar("redeem", "--budget", "Team", "--email", ADA, "--json").json
    assert results(again) == {ADA: "unchanged"}
    assert again["done"][0]["transaction"]["uuid"] == paid["uuid"]
    assert Budget.objects.get().spent_cents == 4900


def test_accepting_in_a_run_takes_that_run_and_no_other_courses(allocated, bursar):
    taken = bursar("accept", allocated[ADA], "--run", "course-v1:Org+ONE+2", "--json").json
    assert taken["done"][0]["transaction"]["content_key"] == "course-v1:Org+ONE+2"
    assert refusals(bursar("accept", allocated[BEA], "--run", "course-v1:Org+OVER+1", "--json", code=3).json) == {
        BEA: "wrong_run"
    }


class Refusing:
    """An enrolment port that refuses everybody for good."""

    def enrol_many(self, requests):
        return [self.answer(request) for request in requests]

    find_many = enrol_many

    def answer(self, request):
        return EnrolmentAnswer(request.key, "refused", request.lms_user_id, request.run_key, code="no_seat")


class Silent(Refusing):
    """An enrolment port that never has a clear answer."""

    def answer(self, request):
        return EnrolmentAnswer(request.key, "unclear", code="no_answer")


@pytest.fixture
def port(settings, monkeypatch):
    """Let the enrolment port be one of the above."""

    def use(cls):
        monkeypatch.setattr(backends, "import_string", lambda path: cls if path == "tests.port" else original(path))
        settings.BURSAR = {**settings.BURSAR, "enrolment_port": "tests.port"}

    original = backends.import_string
    yield use
    backends.forget_backends()


def test_an_enrolment_that_is_refused_is_refused_here_and_the_money_is_free(allocated, bursar, port):
    port(Refusing)
    assert refusals(bursar("accept", allocated[ADA], "--json", code=3).json) == {ADA: "no_seat"}
    assert states()[ADA] == "errored"
    assert Budget.objects.get().held_cents == 9800


def test_an_enrolment_without_an_answer_is_pending_and_shown_so(allocated, bursar, port):
    port(Silent)
    assert results(bursar("accept", allocated[ADA], "--json").json) == {ADA: "pending"}
    assert "1 pending" in bursar("accept", allocated[ADA]).out
    shown = bursar("assignments", "show", allocated[ADA], "--json").json
    assert shown["redemption"]["refusal"]["code"] == "redemption_in_progress"
    assert "asked again on" in bursar("assignments", "show", allocated[ADA]).out
    assert refusals(bursar("cancel", allocated[ADA], "--json", code=3).json) == {ADA: "redemption_in_progress"}


def test_reversing_gives_everything_back_once(allocated, bursar):
    bursar("accept", allocated[ADA])
    assert results(bursar("reverse", allocated[ADA], "--why", "fell ill", "--json").json) == {ADA: "reversed"}
    assert results(bursar("reverse", allocated[ADA], "--json").json) == {ADA: "unchanged"}
    assert refusals(bursar("reverse", allocated[BEA], "--json", code=3).json) == {BEA: "wrong_state"}
    assert Budget.objects.get().spent_cents == 0


def test_a_personal_deadline_is_given_explained_and_taken_away(allocated, bursar):
    given = bursar("extend", allocated[ADA], "--until", "2029-06-30", "--why", "parental leave", "--json").json
    assert results(given) == {ADA: "moved"}
    shown = bursar("assignments", "show", allocated[ADA], "--json").json
    assert shown["personal_deadline"] == "2029-06-30T23:59:00Z"
    assert shown["expiry"]["candidates"][0]["wins"] is True
    assert "parental leave" in bursar("assignments", "show", allocated[ADA]).out
    bursar("extend", allocated[ADA], "--clear")
    assert bursar("assignments", "show", allocated[ADA], "--json").json["personal_deadline"] is None
    assert (
        bursar("extend", allocated[ADA], "--until", "2020-01-01", "--json", code=4).json["error"]["code"]
        == "deadline_passed"
    )
    bursar("extend", allocated[ADA], code=2)
    bursar("extend", allocated[ADA], "--clear", "--until", "2029-06-30", code=2)


def test_an_end_that_was_seen_is_acknowledged_once(allocated, bursar):
    bursar("user", "create", ADA)
    bursar("cancel", allocated[ADA], allocated[BEA])
    bursar("tick")
    answer = bursar("acknowledge", allocated[ADA], allocated[BEA], allocated[CEE], STRANGER, "--json").json
    assert results(answer) == {ADA: "acknowledged"}
    assert refusals(answer) == {BEA: "no_learner", CEE: "no_learner", None: "not_found"}
    assert results(bursar("acknowledge", allocated[ADA], "--json").json) == {ADA: "unchanged"}
    bursar("user", "create", CEE)
    assert refusals(bursar("acknowledge", "--budget", "Team", "--email", CEE, "--json", code=3).json) == {
        CEE: "wrong_state"
    }


def test_expiring_takes_what_is_due_and_nothing_else(allocated, bursar, settings):
    assert bursar("expire", "--json").json == {"expired": 0}
    bursar("extend", allocated[ADA], "--until", "2035-01-01")
    settings.BURSAR = {**settings.BURSAR, "clock_offset": timedelta(days=91)}
    assert bursar("expire", "--json").json == {"expired": 2}
    assert bursar("expire").out == "0 assignments expired.\n"
    assert states() == {ADA: "allocated", BEA: "expired", CEE: "expired"}


def test_a_nudge_goes_to_those_whose_course_starts_on_that_day(allocated, bursar, settings):
    bursar("accept", allocated[ADA])
    days = (datetime(2029, 1, 10, tzinfo=UTC) - clock.now().replace(hour=0, minute=0, second=0, microsecond=0)).days
    assert results(bursar("nudge", "--days", days, "--json").json) == {ADA: "queued"}
    assert refusals(bursar("nudge", "--days", days, "--json", code=3).json) == {ADA: "already_queued"}
    assert "No accepted course starts" in bursar("nudge", "--days", days + 1).out
    assert bursar("nudge", "--days", days + 1, "--json").json == {"done": [], "refused": []}
    bursar("nudge", "--days", "0", code=2)


def test_a_person_is_erased_on_request_everywhere(allocated, bursar):
    bursar("accept", allocated[ADA])
    assert bursar("erase", ADA, "--json", code=3).json["error"]["code"] == "not_confirmed"
    assert states()[ADA] == "accepted"
    gone = bursar("erase", "ADA@acme.example", "--yes", "--json").json
    assert gone["assignments"] == 1
    assert ADA not in states()
    assert bursar("erase", ADA, "--yes", "--json", code=4).json["error"]["code"] == "unknown_person"
    assert "forgotten" in bursar("erase", BEA, "--customer", "acme-ltd", "--yes").out


def test_a_person_whom_two_customers_know_is_named_with_the_customer(allocated, bursar):
    bursar("customer", "create", "Other", "--slug", "other")
    bursar("fund", "create", "--customer", "other", "--title", "Theirs", "--deposit", "100")
    bursar("budget", "create", "--fund", "Theirs", "--name", "Their team", "--limit", "100")
    bursar("allocate", "--budget", "Their team", "--content", "Org+ONE", "--email", ADA)
    assert bursar("erase", ADA, "--yes", "--json", code=3).json["error"]["code"] == "ambiguous_person"
    bursar("erase", ADA, "--customer", "other", "--yes")
    assert LearnerContentAssignment.objects.filter(learner_email=ADA).count() == 1


def test_asking_before_erasing_takes_only_yes(allocated, bursar, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for typed, code in (("n\n", 3), ("\n", 3), ("", 3), ("Yes\n", 0)):
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        assert "for good?" in bursar("erase", ADA, code=code).err
    assert ADA not in states()


def test_scrubbing_takes_what_has_been_over_for_long(allocated, bursar, settings):
    bursar("cancel", allocated[ADA])
    assert bursar("scrub", "--json").json == {"scrubbed": 0}
    settings.BURSAR = {**settings.BURSAR, "clock_offset": timedelta(days=91)}
    assert bursar("scrub", "--json").json == {"scrubbed": 1}
    assert "0 assignments" in bursar("scrub").out
    assert ADA not in states()


def test_an_assignment_is_handed_to_somebody_else(bursar, allocated):
    (key, *_) = allocated.values()
    done = bursar("assignments", "hand-over", key, "--to", "zoe@acme.example", "--name", "Zoe", "--json").json
    assert done["ended"] == key
    assert "zoe@acme.example" in bursar("assignments", "show", done["assignment"]).out
    assert (
        "reason_learner_assignment_cancelled"
        in bursar("assignments", "hand-over", key, "--to", "z@a.example", code=3).err
    )
    assert "hand-over" in bursar("assignments", "--help").out
    assert bursar("assignments", "hand-over", done["assignment"], "--to", "nobody", code=4).err
