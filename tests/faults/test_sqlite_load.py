"""A small service under load: two web processes and a worker on one SQLite file, and nobody is told that it is locked."""

import random
import time
from collections import Counter
from functools import partial
from threading import Thread

import pytest
from django.db import connection, connections
from tests.faults.figures import size
from tests.faults.killer import Process, end, hands
from tests.faults.sinks import sink
from tests.faults.steps import accept, assigned, deliver_for_ever, post_to

from bursar.assignments.audit import run_audit
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many, remind_many
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import BursarError, Unavailable
from bursar.testing import factories

WEB_PROCESSES, THREADS = 2, 3
SECONDS = size(full=60, short=3)
WANTED = size(full=20_000, short=400)
READS_OF_TEN = 9
PAGE = 10

pytestmark = pytest.mark.on_sqlite


def read_a_page(house, _):
    """What a page of the list asks: the newest ten, and the money."""
    rows = LearnerContentAssignment.objects.filter(assignment_configuration__subsidy_access_policy=house.budget)
    return list(rows.order_by("-created")[:PAGE]), factories.reload(house.budget)


def assign_somebody(house, number):
    assigned(house, 1, prefix=f"one{number}.")


def take_a_step(house, _):
    """Accept, cancel or remind whoever comes first; who cannot any more is refused, which is an answer."""
    rows = LearnerContentAssignment.objects.filter(state="allocated").order_by("?")
    keys = list(rows.values_list("pk", flat=True)[:1])
    step = random.choice([accept, partial(many, cancel_many), partial(many, remind_many)])
    for key in keys:
        step(key)


def many(verb, key):
    return verb([key], actor=CONSOLE)


def ask(house, answers, name, until):
    """One thread of a web process: request after request; counts the answers by what they were."""
    for number in range(10**9):
        if time.monotonic() > until and answers.total() >= WANTED / WEB_PROCESSES:
            break
        request = read_a_page if random.random() * 10 < READS_OF_TEN else random.choice([assign_somebody, take_a_step])
        try:
            request(house, f"{name}.{number}")
            answers["answered"] += 1
        except Unavailable:
            answers["told to try later"] += 1
        except BursarError:
            answers["answered"] += 1  # refused by a rule
        except Exception as error:  # noqa: BLE001  what a user would see as an error of ours
            answers[f"{type(error).__name__}: {error}"[:60]] += 1
    connections.close_all()


def serve(house, number):
    """A web process: its threads ask for as long as the test lasts, and as often as it wants."""
    answers = Counter()
    until = time.monotonic() + SECONDS
    threads = [Thread(target=ask, args=(house, answers, f"{number}.{place}", until)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def under_load(house, settings, directory):
    assigned(house, 50)
    with sink(directory, delay=(0, 0)) as mail:
        post_to(settings, mail)
        with hands(deliver_for_ever, 1):
            web = [Process(serve, house, number) for number in range(WEB_PROCESSES)]
            try:
                answers = sum((process.answer() for process in web), Counter())
            finally:
                end(web)
        return answers, len(mail.events())


def test_control_f12_where_transactions_begin_as_readers_and_are_tried_once_users_are_told_that_it_is_locked(
    house, settings, tmp_path, monkeypatch, row
):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "transaction_mode", "DEFERRED")
    settings.BURSAR = settings.BURSAR | {"retry_limit": 1}
    answers, _ = under_load(house, settings, tmp_path)
    told = answers.total() - answers["answered"]
    row.shows(requests=answers.total(), seconds=SECONDS, told_that_it_is_locked=told)
    assert told


def test_f12_two_web_processes_and_a_worker_share_one_file_and_nobody_is_told_that_it_is_locked(
    house, settings, tmp_path, row
):
    answers, mails = under_load(house, settings, tmp_path)
    told = answers.total() - answers["answered"]
    row.shows(requests=answers.total(), seconds=SECONDS, mails=mails, told_that_it_is_locked=told)
    assert told == 0, answers
    assert answers.total() >= WANTED
    assert mails
    assert run_audit() == []
