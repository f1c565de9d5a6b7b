"""Workers killed, stopped and told to end while they deliver: nothing lost, nothing doubled, the uncertain listed."""

import signal
import time
from datetime import timedelta
from functools import partial

import pytest
from tests.faults import controls
from tests.faults.figures import size
from tests.faults.killer import Hands, hands, until
from tests.faults.sinks import sink
from tests.faults.steps import (
    assigned,
    deliver_for_ever,
    deliver_noting,
    deliver_steadily,
    deliver_until_stopped,
    mails,
    post_to,
    states,
    told_already,
    waiting,
)

from bursar.assignments.flows import deliveries, posting
from bursar.assignments.services import remind_many
from bursar.kernel import failpoints
from bursar.kernel.actor import CONSOLE
from bursar.outbox import registry
from bursar.outbox.models import Message, State
from bursar.outbox.services import dead_letters

WORKERS = 2
MESSAGES = size(full=2_400, short=80)
KILLS = size(full=100, short=8)
PAUSE = size(full=(0.1, 0.9), short=(0.05, 0.25))
LATENCY = 0.005
POINTS = size(
    full=["after_intent", "before_dot", "after_dot", "after_250", "before_commit", "after_commit"],
    short=["after_intent", "after_dot"],
)
AT_A_POINT = size(full=60, short=8)
TERMS = size(full=300, short=12)
TERM_PAUSE = size(full=(0.02, 0.3), short=(0.02, 0.2))
STOPS = size(full=150, short=4)
STOPPED_SECONDS = 2.5
LEASE = timedelta(seconds=2)
UNCERTAIN_FOR = timedelta(seconds=2)
ROUNDS_UNTIL_IT_SHOWS = 5
LOG_LOOKUP = "bursar.adapters.mail_lookup_postfix.find"


@pytest.fixture(autouse=True)
def tried_again_soon(monkeypatch):
    """Let what a worker could not hand over in time be tried again at once, not in a minute: that is not what is shown."""
    monkeypatch.setattr(registry, "waits", lambda _: (timedelta(milliseconds=500),) * 50)


def ours(mail, *, look_up=True):
    """Return the settings under which workers deliver to this server."""
    told = {"mail_lookup": LOG_LOOKUP, "mail_log": str(mail.log), "mail_log_complete": True} if look_up else {}
    return {"mail_lease": LEASE, "mail_uncertain_for": UNCERTAIN_FOR} | told


def invite(house, prefix="learner"):
    assigned(house, MESSAGES, prefix=prefix)


def remind(house, prefix="learner"):
    keys = assigned(house, MESSAGES, prefix=prefix)
    told_already()
    remind_many(keys, actor=CONSOLE)


def kill_at_random(some, rng, *, kills=KILLS, pause=PAUSE, number=signal.SIGKILL):
    """End one worker after the other at random moments, and put another in its place; returns codes and seconds."""
    ended = []
    for _ in range(kills):
        time.sleep(rng.uniform(*pause))
        ended.append(some.end_one(rng.randrange(WORKERS), number))
    return ended


def killed_while_delivering(house, settings, directory, rng, *, owe=invite, look_up=True):
    """Deliver with workers that are killed again and again; returns what the server took, once nothing waits."""
    owe(house)
    with sink(directory, latency=LATENCY) as mail:
        post_to(settings, mail, **ours(mail, look_up=look_up))
        with hands(deliver_steadily, WORKERS) as some:
            kill_at_random(some, rng)
            assert until(lambda: not waiting(), seconds=300, step=0.1), states()
        return mail.taken()


def lost_and_doubled(taken):
    """Return how many messages that count as sent never arrived, and how many arrived more than once."""
    arrived = {identity.partition("@")[0].strip("<"): times for identity, times in taken.items()}
    rows = mails().filter(state=State.SENT, attempts__gt=0)
    sent = {str(uuid) for uuid in rows.values_list("uuid", flat=True)}
    return len(sent - arrived.keys()), sum(times > 1 for times in arrived.values())


# C1 and C3


@pytest.mark.budget(900)
def test_c1_workers_killed_at_random_lose_nothing_and_double_nothing(house, settings, tmp_path, rng, row):
    taken = killed_while_delivering(house, settings, tmp_path, rng)
    lost, doubled = lost_and_doubled(taken)
    taken_over = mails().filter(fence__gt=1).count()
    row.shows(kills=KILLS, messages=MESSAGES, lost=lost, doubled=doubled, taken_over=taken_over)
    assert states() == {"sent": MESSAGES}
    assert (len(taken), lost, doubled) == (MESSAGES, 0, 0)


def die_at(point, chance):
    failpoints.arm(f"{point}:kill9:{chance}")
    deliver_for_ever(batch=4)


@pytest.mark.parametrize("point", POINTS)
def test_c1_workers_that_die_at_a_named_point_lose_nothing_and_double_nothing(house, settings, tmp_path, point, row):
    assigned(house, AT_A_POINT)
    deaths = 0
    with sink(tmp_path) as mail:
        post_to(settings, mail, **ours(mail))
        some = Hands(lambda _: die_at(point, 0.25 if deaths else 1), WORKERS)  # whoever is first dies for certain
        try:
            while waiting():
                time.sleep(0.05)
                deaths += some.replace_dead()
            deaths += some.replace_dead()
        finally:
            some.end_all()
        taken = mail.taken()
    row.shows(
        point=point,
        deaths=deaths,
        messages=AT_A_POINT,
        lost=lost_and_doubled(taken)[0],
        doubled=lost_and_doubled(taken)[1],
    )
    assert states() == {"sent": AT_A_POINT}
    assert (len(taken), set(taken.values())) == (AT_A_POINT, {1})
    assert deaths


def until_it_shows(house, settings, directory, rng, seen):
    """Kill workers until `seen` of what was lost and doubled says so; returns both, and how many kills that took."""
    for number in range(1, ROUNDS_UNTIL_IT_SHOWS + 1):
        (directory / str(number)).mkdir()
        owe = partial(invite, prefix=f"round{number}.")
        found = lost_and_doubled(killed_while_delivering(house, settings, directory / str(number), rng, owe=owe))
        if seen(*found):
            return *found, number * KILLS
        Message.objects.update(attempts=0)  # the next round counts its own
    return 0, 0, ROUNDS_UNTIL_IT_SHOWS * KILLS


def test_control_c3_sending_and_then_marking_doubles_what_a_killed_worker_had_sent(
    house, settings, tmp_path, rng, monkeypatch, row
):
    monkeypatch.setattr(posting, "commit_intent", lambda _: True)
    lost, doubled, kills = until_it_shows(house, settings, tmp_path, rng, lambda _, doubled: doubled)
    row.shows(protocol="send, then mark", kills=kills, messages=MESSAGES, lost=lost, doubled=doubled)
    assert doubled


def test_control_c3_marking_and_then_sending_loses_what_a_killed_worker_had_marked(
    house, settings, tmp_path, rng, monkeypatch, row
):
    monkeypatch.setattr(deliveries, "post", controls.mark_then_send)
    monkeypatch.setattr(posting, "commit_intent", lambda _: True)
    lost, doubled, kills = until_it_shows(house, settings, tmp_path, rng, lambda lost, _: lost)
    row.shows(protocol="mark, then send", kills=kills, messages=MESSAGES, lost=lost, doubled=doubled)
    assert lost


# C2


@pytest.mark.budget(900)
def test_c2_without_a_look_up_reminders_of_unknown_fate_are_listed_and_none_is_doubled(
    house, settings, tmp_path, rng, row
):
    taken = killed_while_delivering(house, settings, tmp_path, rng, owe=remind, look_up=False)
    lost, doubled = lost_and_doubled(taken)
    unknown = mails().filter(state=State.UNKNOWN)
    delivered = sum(any(str(uuid) in identity for identity in taken) for uuid in unknown.values_list("uuid", flat=True))
    listed = {message.uuid for message in dead_letters(limit=MESSAGES)}
    row.shows(
        kills=KILLS, messages=MESSAGES, lost=lost, doubled=doubled, uncertain=unknown.count(),
        listed=len(listed), uncertain_that_had_left=delivered,
    )  # fmt: skip
    assert (lost, doubled) == (0, 0)
    assert listed == set(unknown.values_list("uuid", flat=True))
    assert len(listed) <= KILLS
    assert mails().filter(kind="reminded").count() == MESSAGES == len(taken) + len(listed) - delivered


def test_c2_without_a_look_up_invitations_of_unknown_fate_are_sent_again_under_the_same_message_id(
    house, settings, tmp_path, rng, row
):
    taken = killed_while_delivering(house, settings, tmp_path, rng, look_up=False)
    lost, doubled = lost_and_doubled(taken)
    again = mails().filter(attempts__gt=1).count()
    row.shows(kills=KILLS, messages=MESSAGES, lost=lost, sent_again=again, doubled_under_one_message_id=doubled)
    assert states() == {"sent": MESSAGES}
    assert (len(taken), lost) == (MESSAGES, 0)
    assert doubled <= again <= KILLS


# C4


def recovered(journal):
    """Return how many messages were found claimed, and how many of unknown fate, after workers had ended."""
    found = [line.split() for line in journal.lines()]
    return sum(int(claimed) for claimed, _ in found), sum(int(unknown) for _, unknown in found)


def told_to_end(house, settings, directory, rng, journal, work):
    assigned(house, MESSAGES)
    with sink(directory) as mail:
        post_to(settings, mail, **ours(mail))
        with hands(lambda _: work(journal), WORKERS) as some:
            ended = kill_at_random(some, rng, kills=TERMS, pause=TERM_PAUSE, number=signal.SIGTERM)
            assert until(lambda: not waiting(), seconds=300, step=0.1), states()
        return ended, mail.taken()


def test_control_c4_workers_that_do_not_listen_to_sigterm_leave_messages_of_unknown_fate(
    house, settings, tmp_path, rng, journal, row
):
    ended, _ = told_to_end(house, settings, tmp_path, rng, journal, deliver_noting)
    claimed, unknown = recovered(journal)
    row.shows(terms=len(ended), uncertain=unknown, left_claimed=claimed)
    assert unknown or claimed


@pytest.mark.budget(900)
def test_c4_workers_told_to_end_finish_the_message_in_hand(house, settings, tmp_path, rng, journal, row):
    ended, taken = told_to_end(house, settings, tmp_path, rng, journal, deliver_until_stopped)
    claimed, unknown = recovered(journal)
    longest = max(seconds for _, seconds in ended)
    row.shows(
        terms=len(ended), messages=MESSAGES, uncertain=unknown, left_claimed=claimed,
        lost=MESSAGES - len(taken), doubled=lost_and_doubled(taken)[1], longest_exit_seconds=round(longest, 2),
    )  # fmt: skip
    assert {code for code, _ in ended} == {0}
    assert longest <= 30
    assert (unknown, claimed) == (0, 0)
    assert (len(taken), set(taken.values())) == (MESSAGES, {1})


# C5


def stopped_and_continued(house, settings, directory, rng):
    """Stop workers for longer than their lease while others go on, and let them wake as zombies."""
    assigned(house, 2 * MESSAGES)
    with sink(directory, latency=LATENCY) as mail:
        post_to(settings, mail, **ours(mail))
        with hands(deliver_steadily, 2 * WORKERS) as some:
            until(mail.events, seconds=30)
            for _ in range(STOPS // WORKERS):
                time.sleep(rng.uniform(0.1, 0.5))
                halted = rng.sample(some.processes, WORKERS)
                for process in halted:
                    process.send(signal.SIGSTOP)
                time.sleep(STOPPED_SECONDS)
                for process in halted:
                    process.send(signal.SIGCONT)
            assert until(lambda: not waiting(), seconds=300, step=0.1), states()
        return mail.taken()


def test_control_c5_without_intent_and_fence_zombies_send_what_others_have_sent(
    house, settings, tmp_path, rng, monkeypatch, row
):
    monkeypatch.setattr(posting, "commit_intent", lambda _: True)
    taken = stopped_and_continued(house, settings, tmp_path, rng)
    row.shows(stops=STOPS, messages=2 * MESSAGES, doubled=lost_and_doubled(taken)[1])
    assert lost_and_doubled(taken)[1]


@pytest.mark.budget(1200)
def test_c5_workers_that_wake_up_after_their_lease_send_nothing_twice(house, settings, tmp_path, rng, row):
    taken = stopped_and_continued(house, settings, tmp_path, rng)
    lost, doubled = lost_and_doubled(taken)
    taken_over = mails().filter(fence__gt=1).count()
    row.shows(
        stops=STOPS, stopped_seconds=STOPPED_SECONDS, lease_seconds=LEASE.seconds, messages=2 * MESSAGES, lost=lost,
        doubled=doubled, taken_over_from_zombies=taken_over,
    )  # fmt: skip
    assert states() == {"sent": 2 * MESSAGES}
    assert (len(taken), lost, doubled) == (2 * MESSAGES, 0, 0)
    assert taken_over
