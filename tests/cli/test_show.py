"""`assignments list` and `show`, `messages`: what stands where, and why."""

from datetime import timedelta

import pytest

from bursar.assignments.models import LearnerContentAssignment, ReminderStep
from bursar.kernel import clock
from bursar.outbox.models import Message
from bursar.people.models import Person

ADA, BEA, CEE = "ada@acme.example", "bea@acme.example", "cee@acme.example"


@pytest.fixture
def later(settings):
    """Move the clock by days."""

    def move(days):
        settings.BURSAR = {**settings.BURSAR, "clock_offset": timedelta(days=days)}

    return move


def emails(answer):
    return [item["email"] for item in answer.json["assignments"]]


def test_the_list_is_narrowed_by_every_filter_and_paged(allocated, bursar):
    bursar("cancel", allocated[ADA])
    listed = ("assignments", "list", "--json")
    assert sorted(emails(bursar(*listed))) == [ADA, BEA, CEE]
    assert emails(bursar(*listed, "--state", "cancelled")) == [ADA]
    assert sorted(emails(bursar(*listed, "--state", "cancelled", "--state", "allocated"))) == [ADA, BEA, CEE]
    assert sorted(emails(bursar(*listed, "--learner-state", "notifying"))) == [BEA, CEE]
    assert emails(bursar(*listed, "--email", "BEA@ACME.example", "--budget", "Team")) == [BEA]
    assert emails(bursar(*listed, "--content", "Org+TWO")) == []
    assert len(emails(bursar(*listed, "--content", "Org+ONE"))) == 3
    first = bursar(*listed, "--limit", "2")
    second = bursar(*listed, "--limit", "2", "--page", "2")
    assert (first.json["more"], second.json["more"]) == (True, False)
    assert sorted(emails(first) + emails(second)) == [ADA, BEA, CEE]
    assert "--page 2" in bursar("assignments", "list", "--limit", "2").out
    assert bursar("assignments", "list", "--budget", "Team").out.count("Org+ONE") == 3


def test_an_assignment_shows_every_date_that_could_end_it_with_the_winner(allocated, bursar):
    bursar("fund", "set-end", "Fund", "2026-12-24")
    shown = bursar("assignments", "show", allocated[ADA], "--json").json
    weighed = {item["reason"]: item["wins"] for item in shown["expiry"]["candidates"]}
    assert weighed == {"NINETY_DAYS_PASSED": False, "ENROLLMENT_DATE_PASSED": False, "SUBSIDY_EXPIRED": True}
    assert (shown["expiry"]["at"], shown["expiry"]["reason"]) == ("2026-12-24T00:00:00Z", "SUBSIDY_EXPIRED")
    (winner,) = [line for line in bursar("assignments", "show", allocated[ADA]).out.splitlines() if "→" in line]
    assert winner.split() == ["→", "2026-12-24", "00:00", "UTC", "the", "end", "of", "the", "fund"]


def test_every_message_says_why_it_was_sent_or_not(allocated, bursar):
    shown = ("assignments", "show")
    assert "waits to be sent since" in bursar(*shown, allocated[ADA]).out
    bursar("cancel", allocated[BEA])
    bursar("tick")
    told = bursar(*shown, allocated[BEA], "--json").json["messages"]
    assert {item["kind"]: item["why"].split(" on ")[0] for item in told} == {
        "assigned": "not sent: no longer needed: cancelled",
        "cancelled": "sent",
    }
    text = bursar(*shown, allocated[BEA]).out
    assert "not sent: no longer needed: cancelled" in text
    assert "cancelled by an admin: allocated → cancelled" in text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "claimed", "claimed_by": "host:7"}, "leaving now, in the hands of host:7"),
        (
            {"attempts": 2, "error_code": "smtp_temporary"},
            "not sent yet: 2 tries, the last one failed with smtp_temporary; next on",
        ),
        (
            {"state": "failed", "attempts": 1, "error_code": "smtp_refused"},
            "not sent: given up after 1 try, smtp_refused",
        ),
        ({"state": "unknown", "error_code": "outcome_unknown"}, "may have been sent, outcome_unknown"),
    ],
)
def test_a_message_in_trouble_says_in_which(allocated, bursar, values, words):
    Message.objects.filter(subject_uuid=allocated[ADA]).update(**values)
    assert words in bursar("assignments", "show", allocated[ADA]).out


def test_it_says_whether_it_could_be_accepted_now_and_why_not(allocated, bursar, later):
    shown = ("assignments", "show", allocated[ADA], "--json")
    assert bursar(*shown).json["redemption"] == {"possible": True, "refusal": None}
    bursar("fund", "set-end", "Fund", "2020-01-01")
    assert bursar(*shown).json["redemption"]["refusal"]["code"] == "subsidy_expired"
    bursar("fund", "set-end", "Fund", "--never")
    bursar("accept", allocated[ADA])
    assert bursar(*shown).json["redemption"]["refusal"]["code"] == "already_accepted"
    assert "No: The assignment is accepted already." in bursar("assignments", "show", allocated[ADA]).out


def test_the_timeline_puts_everything_in_the_order_of_time(allocated, bursar, later):
    bursar("tick")
    bursar("accept", allocated[ADA])
    later(1)
    bursar("reverse", allocated[ADA], "--why", "fell ill")
    shown = bursar("assignments", "show", allocated[ADA], "--json").json
    events = shown["timeline"]
    assert [item["at"] for item in events] == sorted(item["at"] for item in events)
    assert {item["kind"] for item in events} == {"history", "action", "message", "transaction", "reversal"}
    assert events[-1]["at"] > events[0]["at"]
    words = " / ".join(item["what"] for item in events)
    for expected in (
        "allocated",
        "assigned: sent",
        "accepted: allocated → accepted",
        "committed",
        "fell ill",
        "accepted → reversed",
    ):
        assert expected in words
    assert shown["transactions"][0]["state"] == "committed"


def test_an_assignment_of_a_user_and_a_scrubbed_one_are_shown_as_such(allocated, bursar, later):
    bursar("user", "create", ADA, "--lms-user-id", "77")
    assert "77" in bursar("assignments", "show", allocated[ADA]).out
    bursar("cancel", allocated[ADA])
    later(91)
    bursar("tick")
    shown = bursar("assignments", "show", allocated[ADA]).out
    assert "Address removed" in shown
    assert "personal data removed" in shown
    assert ADA not in shown


def test_an_assignment_without_a_budget_is_shown_too(allocated, bursar):
    LearnerContentAssignment.objects.filter(pk=allocated[ADA]).update(assignment_configuration=None)
    assert bursar("assignments", "show", allocated[ADA], "--json").json["budget"] is None


def test_a_digest_is_among_the_messages_of_what_it_tells_of(allocated, bursar):
    key, person = allocated[ADA], Person.objects.get(email=ADA).pk
    ReminderStep.objects.create(assignment_uuid=key, cycle=1, slot="after:7", digest=5, taken_at=clock.now())
    Message.objects.create(
        key="d", topic="digest", kind="digest", subject_uuid=person, cycle=1, ordinal=5, due_at=clock.now(),
        state="dropped", reason="switched off", settled_at=clock.now(),
    )  # fmt: skip
    shown = bursar("assignments", "show", key).out
    assert "reminder of several courses" in shown
    assert "digest: not sent: switched off" in shown
    assert bursar("assignments", "show", key, "--json").json["messages"][-1]["assignment"] == key


def test_messages_that_wait_for_another_try_are_not_said_to_be_late(allocated, bursar):
    assert "The oldest waits since " in bursar("messages", "list").out
    Message.objects.update(due_at=clock.now() + timedelta(hours=1))
    assert "The next one is due on " in bursar("messages", "list").out


def test_dead_letters_are_listed_and_sent_again(allocated, bursar):
    key = Message.objects.get(subject_uuid=allocated[ADA]).pk
    assert "Nothing was given up." in bursar("messages", "list").out
    Message.objects.filter(pk=key).update(state="failed", attempts=7, error_code="smtp_refused")
    listed = bursar("messages", "list", "--customer", "acme-ltd", "--json").json
    assert [item["uuid"] for item in listed["dead"]] == [str(key)]
    assert listed["backlog"]["failed"] == 1
    assert "given up after 7 tries, smtp_refused" in bursar("messages", "list").out
    assert bursar("messages", "replay", key, "--json").json == {"replayed": 1, "asked": 1}
    assert bursar("messages", "replay", key, "--json", code=3).json == {"replayed": 0, "asked": 1}
    assert "0 of 0" in bursar("messages", "replay", "--all").out
    bursar("tick")
    assert Message.objects.get(pk=key).state == "sent"
    bursar("messages", "replay", code=2)
    bursar("messages", "replay", key, "--all", code=2)
