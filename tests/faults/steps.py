"""What the faults do, in the words of the product."""

import time
from contextlib import contextmanager
from datetime import timedelta

from django.db import close_old_connections

from bursar.assignments.events import TOPIC_FAN_OUT, TOPIC_MAIL
from bursar.assignments.flows import AllocationRequest, allocate, redeem_many
from bursar.assignments.services import RedemptionRequest
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox import worker
from bursar.outbox.models import UNSETTLED, Message, State
from bursar.outbox.services import Delivered, Recovered, recover
from bursar.project.mail import mail_settings
from bursar.testing import factories

DAY = timedelta(days=1)
MUCH = 10**12  # cents
POLL_SECONDS = 0.2
BATCH = 10


def assigned(house, people, *, prefix="learner", content=factories.COURSE):
    """Assign the course to so many people of the organisation and return the assignments' keys."""
    request = AllocationRequest(factories.reload(house.budget), content)
    done = allocate(request, factories.make_people(people, prefix=prefix), actor=CONSOLE)
    return [placed.assignment for placed in (*done.created, *done.updated)]


def accept(key):
    """Tell whether the assignment is accepted, or being accepted."""
    return key in redeem_many([RedemptionRequest(key)], actor=CONSOLE).done


def accept_all(keys):
    done = redeem_many([RedemptionRequest(key) for key in keys], actor=CONSOLE).done
    assert len(done) == len(keys)


def told_already():
    """Settle what waits, as if it had been sent long ago."""
    Message.objects.filter(state=State.PENDING).update(state=State.SENT, settled_at=clock.now())


def post_to(settings, sink, **ours):
    """Let mails go to this server over SMTP, with more settings of ours."""
    mine = settings.BURSAR | {"smtp_url": f"smtp://127.0.0.1:{sink.port}?tls=none"} | ours
    settings.BURSAR = mine
    for name, value in mail_settings(mine).items():
        setattr(settings, name, value)


@contextmanager
def later(span):
    """Let `span` pass for the block."""
    with clock.at(clock.now() + span):
        yield


def deliver_for_ever(_number=0, *, batch=BATCH):
    """Recover, deliver, wait a little: a worker without any of the machinery around it."""
    while True:
        deliver_once(batch=batch)
        time.sleep(POLL_SECONDS)


def deliver_once(*, batch=BATCH):
    close_old_connections()
    recover()
    return worker.drain(batch=batch)


def deliver_steadily(_number=0):
    """Look for what stopped workers have left after every batch, so that it is taken over as soon as it may be."""
    while True:
        close_old_connections()
        recover()
        if worker.drain(1, batch=BATCH) == Delivered():
            time.sleep(POLL_SECONDS)


def deliver_noting(journal, should_stop=worker.never):
    """Deliver, and note what other workers are found to have left behind: claimed, or of unknown fate."""
    while not should_stop():
        close_old_connections()
        found = recover()
        if found != Recovered():
            journal.note(f"{found.released} {found.resent + found.unknown + found.found}")
        worker.drain(batch=BATCH, should_stop=should_stop)
        worker.wait(POLL_SECONDS, should_stop)


def deliver_until_stopped(journal):
    """The same until SIGTERM; then the message in hand is finished."""
    deliver_noting(journal, worker.stop_on_signals())


def mails():
    """Return the messages that are mails."""
    return Message.objects.filter(topic=TOPIC_MAIL)


def waiting():
    """Return how many messages have not come to an end."""
    return Message.objects.filter(state__in=UNSETTLED).count()


def states():
    """Count by how they stand the messages that leave; large batches have others, which only make those."""
    rows = Message.objects.exclude(topic=TOPIC_FAN_OUT).order_by().values_list("state", flat=True)
    found = list(rows)
    return {state: found.count(state) for state in sorted(set(found))}
