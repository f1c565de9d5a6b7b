"""Requests that die or are undone around their commit: the message exists if, and only if, what it tells of does."""

import time
from functools import partial
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from tests.faults.figures import size
from tests.faults.killer import Process, hands, until
from tests.faults.sinks import sink
from tests.faults.steps import POLL_SECONDS, assigned, deliver_for_ever, mails, post_to, told_already

from bursar.assignments import moves
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many
from bursar.kernel import failpoints, transactions
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend
from bursar.kernel.failpoints import InjectedFault, fail_point
from bursar.ports.mail import Mail

REQUESTS = size(full=200, short=20)
PROMISED_SECONDS = POLL_SECONDS + 5
tell = moves.tell


def cancel_and_die(key, moment):
    """One request, in a process that does not survive it."""
    failpoints.arm(f"{moment}:kill9")
    cancel_many([key], actor=CONSOLE)


def requests_that_die(house):
    """Let every other request die before its commit and the others after it; returns who died when, by key."""
    keys = assigned(house, REQUESTS)
    told_already()
    died = {}
    for number, key in enumerate(keys):
        request = Process(cancel_and_die, key, ("before_commit", "after_commit")[number % 2])
        assert request.wait() == -9, request.said()
        died[key] = time.monotonic()
    return died


def changed_and_told():
    rows = LearnerContentAssignment.objects.filter(state="cancelled")
    messages = mails().filter(kind="cancelled")
    return set(rows.values_list("pk", flat=True)), set(messages.values_list("subject_uuid", flat=True))


def test_control_c6_messages_written_by_a_hook_after_the_commit_are_lost_with_the_process(house, monkeypatch, row):
    @transactions.writes
    def write(*arguments, **options):
        tell(*arguments, **options)

    def hook(*arguments, **options):
        fail_point("after_commit")
        write(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(moves, "tell", lambda *a, **o: transactions.after_commit(partial(hook, *a, **o)))
        requests_that_die(house)
    changed, told = changed_and_told()
    row.shows(requests=REQUESTS, changed=len(changed), told=len(told), lost=len(changed - told))
    assert changed - told


def test_c6_requests_killed_around_their_commit_leave_a_message_just_when_they_left_a_change(
    house, settings, tmp_path, row
):
    with sink(tmp_path) as mail:
        post_to(settings, mail)
        with hands(deliver_for_ever, 1):
            died = requests_that_die(house)
            changed, told = changed_and_told()
            assert until(lambda: len(mail.events()) >= len(changed), seconds=PROMISED_SECONDS)
        arrived = {event["id"]: event["at"] for event in mail.events()}
    assert len(changed) == REQUESTS // 2
    assert changed == told
    by_message = dict(mails().filter(kind="cancelled").values_list("uuid", "subject_uuid"))
    waits = [at - died[by_message[uuid]] for uuid, at in by_identity(arrived, by_message).items()]
    row.shows(
        requests=REQUESTS, changed=len(changed), told=len(told), lost=len(changed - told), orphans=len(told - changed),
        longest_wait_seconds=round(max(waits), 2),
    )  # fmt: skip
    assert len(arrived) == len(waits) == len(changed)
    assert max(waits) <= PROMISED_SECONDS


def by_identity(arrived, messages):
    """Return when each message arrived, found by the uuid in its Message-ID."""
    return {uuid: at for uuid in messages for identity, at in arrived.items() if str(uuid) in identity}


def request_undone(key):
    with pytest.raises(InjectedFault):
        cancel_many([key], actor=CONSOLE)


def tell_at_once(kind, rows, **_):
    """Send from inside the transaction, as if it could not fail any more."""
    mails = [Mail(uuid4(), item.uuid, django_settings.DEFAULT_FROM_EMAIL, "a@example.org", kind, kind) for item in rows]
    list(backend("mail_port").send_many(mails, intent=lambda _: True))


def undo_all(house, mail, arm):
    """Let every request end in an error after all its work; returns how many mails left, with a worker at hand."""
    keys = assigned(house, REQUESTS)
    told_already()
    before = len(mail.events())
    arm("before_commit:raise")
    for key in keys:
        request_undone(key)
    arm("")
    with hands(deliver_for_ever, 1):
        time.sleep(5 * POLL_SECONDS)
    return len(mail.events()) - before


def test_control_c7_mails_sent_from_inside_the_transaction_have_left_when_it_is_rolled_back(
    house, settings, tmp_path, monkeypatch, arm, row
):
    monkeypatch.setattr(moves, "tell", tell_at_once)
    with sink(tmp_path) as mail:
        post_to(settings, mail)
        left = undo_all(house, mail, arm)
    row.shows(requests=REQUESTS, mails_for_nothing=left)
    assert left


def test_c7_requests_rolled_back_after_all_their_work_leave_nothing_to_send(house, settings, tmp_path, arm, row):
    with sink(tmp_path) as mail:
        post_to(settings, mail)
        left = undo_all(house, mail, arm)
    row.shows(requests=REQUESTS, mails_for_nothing=left, messages=mails().filter(kind="cancelled").count())
    assert left == 0
    assert changed_and_told() == (set(), set())
