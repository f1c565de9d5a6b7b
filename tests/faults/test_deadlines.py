"""Time itself: clocks that differ, the second of the deadline, people forgotten while mail waits, and random walks."""

import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from tests.faults.figures import size
from tests.faults.killer import Crew, Process, hands, until
from tests.faults.sinks import sink
from tests.faults.steps import (
    DAY,
    accept,
    assigned,
    deliver_for_ever,
    deliver_steadily,
    later,
    mails,
    post_to,
    states,
    told_already,
    waiting,
)
from tests.race.crowd import blindly

from bursar.assignments import flows, jobs, services
from bursar.assignments.audit import run_audit
from bursar.assignments.flows import deliveries, posting
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import expire_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, TICK
from bursar.outbox.models import Message, State
from bursar.testing import factories

ROOT = Path.cwd()
PRICE = factories.PRICE_CENTS
APART = timedelta(seconds=90)
SENT_BY_TWO = size(full=2_000, short=100)
PAIRS = size(full=500, short=30)
FORGOTTEN = size(full=500, short=60)
GRACE_SECONDS = 1
SEQUENCES, STEPS = size(full=(2_000, 50), short=(8, 10))


# E5


def deliver_on_a_host(number):
    """Deliver with the clock of this host: the second one's goes ahead."""
    from django.conf import settings

    settings.BURSAR = settings.BURSAR | {"clock_offset": number * APART}
    deliver_steadily()


def sent_from_two_hosts(house, settings, directory, patience=300):
    assigned(house, SENT_BY_TWO)
    with sink(directory) as mail:
        post_to(settings, mail, mail_lease=timedelta(seconds=60))
        with hands(deliver_on_a_host, 2):
            until(lambda: not waiting(), seconds=patience)
        return mail.taken()


def test_control_e5_without_the_fence_hosts_whose_clocks_differ_send_twice(house, settings, tmp_path, monkeypatch, row):
    held = lambda claim: Message.objects.filter(uuid=claim.uuid).update(state=State.COMMITTING) == 1  # noqa: E731
    monkeypatch.setattr(posting, "commit_intent", held)
    taken = sent_from_two_hosts(house, settings, tmp_path, patience=20)
    doubled = sum(times > 1 for times in taken.values())
    row.shows(seconds_apart=APART.seconds, messages=len(taken), doubled=doubled)
    assert doubled


def test_e5_two_hosts_whose_clocks_differ_by_more_than_a_lease_send_each_once(house, settings, tmp_path, row):
    taken = sent_from_two_hosts(house, settings, tmp_path)
    row.shows(
        seconds_apart=APART.seconds, lease_seconds=60, messages=SENT_BY_TWO, lost=SENT_BY_TWO - len(taken),
        doubled=sum(times > 1 for times in taken.values()), taken_over=mails().filter(fence__gt=1).count(),
    )  # fmt: skip
    assert (len(taken), set(taken.values())) == (SENT_BY_TWO, {1})
    assert states() == {"sent": SENT_BY_TWO}


# E6

PLUGIN = "tests.faults.walk_control"
SHORT_WAY = "allocate wait expire cancel"  # among all the kinds of step a walk may take minutes to meet the fault
PROCESSES = size(full="2", short="0")


def walk(*options, sequences=SEQUENCES, steps=STEPS, **own):
    """Walk at random in a run of its own, on SQLite; returns the exit code and what was said.

    Nobody meets anybody on a walk, so the quicker database will do; `make test` walks on both.
    """
    walks = {"WALK_SEQUENCES": str(sequences), "WALK_STEPS": str(steps), "FAULTS": ""} | own
    quietly = ("-q", "-p", "no:cacheprovider", "-o", "faulthandler_timeout=0")
    command = [sys.executable, "-m", "pytest", *quietly, "-n", PROCESSES, *options, "tests/walk"]
    done = subprocess.run(command, env=os.environ | walks, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr + done.stdout


@pytest.mark.on_sqlite
def test_control_e6_a_walk_sees_that_expired_assignments_can_be_cancelled(row):
    code, said = walk("-x", "-p", PLUGIN, sequences=800, steps=30, WALK_SHRINK="0", WALK_KINDS=SHORT_WAY)
    failed = re.search(r"(\d+) failed", said)
    row.shows(illegal_transition="expired to cancelled", walks_that_saw_it=int(failed[1]) if failed else 0)
    assert code, said[-3000:]
    assert failed, said[-3000:]
    assert "ssert" in said


@pytest.mark.on_sqlite
@pytest.mark.budget(7200)
def test_e6_after_every_step_of_random_walks_the_database_is_what_the_model_says(row):
    code, said = walk()
    row.shows(walks=SEQUENCES, steps_each=STEPS, differences=0 if code == 0 else "some")
    assert code == 0, said[-6000:]


# E8


def at_the_deadline(key):
    return clock.at(LearnerContentAssignment.objects.get(pk=key).expires_at)


def accept_at_the_deadline(key):
    time.sleep(random.uniform(0, 0.01))
    with at_the_deadline(key):
        return accept(key)


def expire_at_the_deadline(key):
    time.sleep(random.uniform(0, 0.03))
    with at_the_deadline(key):
        return key in expire_many([key], actor=CONSOLE).done


def race_at_the_deadline(keys):
    """Return for each assignment whether it was accepted and whether it was expired, by those who tried."""
    with Crew(accept_at_the_deadline, expire_at_the_deadline) as crew:
        return {key: crew.call(key, key) for key in keys}


def test_control_e8_without_lock_and_comparison_both_win_at_the_deadline(house, monkeypatch, row):
    keys = assigned(house, PAIRS)
    blindly(monkeypatch)
    both = sum(answers == [True, True] for answers in race_at_the_deadline(keys).values())
    row.shows(pairs=PAIRS, with_two_winners=both)
    assert both


def test_e8_at_the_second_of_the_deadline_either_the_learner_or_the_sweep_wins(house, row):
    keys = assigned(house, PAIRS)
    answers = race_at_the_deadline(keys)
    found = dict(LearnerContentAssignment.objects.filter(pk__in=keys).values_list("pk", "state"))
    assert all(answers[key] == [state == "accepted", state == "expired"] for key, state in found.items())
    wins = Counter(found.values())
    budget = factories.reload(house.budget)
    row.shows(pairs=PAIRS, one_winner=wins.total(), **wins)
    assert (budget.held_cents, budget.spent_cents) == (0, wins["accepted"] * PRICE)
    assert run_audit() == []
    assert set(wins) == {"accepted", "expired"}


# E9


def forget_slowly():
    """Scrub what is due in small chunks; returns when the personal data of each was gone."""
    gone = {}
    retire = services.retire_many

    def timed(keys, **how):
        done = retire(keys, **how)
        gone.update(dict.fromkeys(done.done, time.monotonic()))
        time.sleep(0.2)
        return done

    services.retire_many = timed
    flows.scrub_due(actor=TICK)
    return gone


def forget_while_mail_waits(house, settings, directory):
    """Let expiry notices leave while their people are forgotten; returns the mails taken and when who was forgotten."""
    keys = assigned(house, FORGOTTEN)
    told_already()
    with later(91 * DAY):
        assert jobs.expire_due() == FORGOTTEN
    settings.BURSAR = settings.BURSAR | {"chunk_size": 10}
    with sink(directory, pace=size(full=0.03, short=0.08)) as mail, later(99 * DAY):
        post_to(settings, mail)
        with hands(deliver_for_ever, 2):
            assert until(mail.events, seconds=10)
            gone = Process(forget_slowly).answer()
            assert until(lambda: not waiting(), seconds=120)
        assert set(gone) == set(keys)
        return mail.events(), gone


def after_they_were_forgotten(events, gone):
    subjects = dict(mails().filter(kind="expired").values_list("uuid", "subject_uuid"))
    late = [event["at"] - gone[subjects[uuid]] for event in events for uuid in subjects if str(uuid) in event["id"]]
    return sum(seconds > GRACE_SECONDS for seconds in late)


def test_control_e9_without_a_look_before_sending_the_forgotten_are_written_to(
    house, settings, tmp_path, monkeypatch, row
):
    monkeypatch.setattr(deliveries, "_why_unneeded", lambda *_: None)
    monkeypatch.setattr("bursar.assignments.services.retire.withdraw_many", lambda *_, **__: 0)
    events, gone = forget_while_mail_waits(house, settings, tmp_path)
    late, retired = after_they_were_forgotten(events, gone), sum("retired" in event["to"] for event in events)
    row.shows(people=FORGOTTEN, written_to_after=late, to_retired_addresses=retired)
    assert late
    assert retired


def test_e9_whoever_is_forgotten_while_mail_waits_is_not_written_to_any_more(house, settings, tmp_path, row):
    events, gone = forget_while_mail_waits(house, settings, tmp_path)
    late, retired = after_they_were_forgotten(events, gone), sum("retired" in event["to"] for event in events)
    row.shows(people=FORGOTTEN, told_before=len(events), written_to_after=late, to_retired_addresses=retired)
    assert (late, retired) == (0, 0)
    assert states() == {"sent": FORGOTTEN + len(events), "dropped": FORGOTTEN - len(events)}
