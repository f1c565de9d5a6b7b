"""One process of a crowd on a SQLite file: many threads that allocate to one person each. Run by test_sqlite_crowd."""

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from uuid import UUID

import django

PATIENCE = 60


def main(role, directory, place):
    django.setup()
    from django.db import connection

    if role == "prepare":
        return prepare(Path(directory), int(place))
    if role == "audit":
        return audit()
    if role == "careless":  # what a Django project does that knows nothing of SQLite's locks
        connection.settings_dict["OPTIONS"]["transaction_mode"] = "DEFERRED"
    return crowd(Path(directory), place, careless=role == "careless")


def prepare(directory, places):
    from django.core.management import call_command

    from bursar.testing import factories

    call_command("migrate", verbosity=0)
    factories.make_course()
    budget = factories.make_house(limit_cents=places * factories.PRICE_CENTS).budget
    (directory / "budget").write_text(str(budget.pk))


def crowd(directory, place, *, careless):
    from django.conf import settings

    from bursar.people.keys import key_of
    from bursar.testing import factories

    settings.BURSAR = settings.BURSAR | ({"retry_limit": 1} if careless else {})
    key_of("warm@example.org")
    budget = factories.reload(UUID((directory / "budget").read_text()))
    answers = Counter()
    threads = [threading.Thread(target=caller, args=(budget, f"{place}.{number}", answers)) for number in range(10)]
    (directory / f"ready.{place}").touch()
    end = time.monotonic() + PATIENCE
    while len(list(directory.glob("ready.*"))) < 4 and time.monotonic() < end:
        time.sleep(0.01)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    sys.stdout.write(json.dumps(answers))


def caller(budget, name, answers):
    from django.db import connection

    from bursar.assignments.flows import AllocationRequest, allocate
    from bursar.kernel.actor import CONSOLE
    from bursar.kernel.errors import BursarError
    from bursar.testing import factories

    request = AllocationRequest(budget, factories.COURSE)
    for number in range(5):
        try:
            allocate(request, factories.make_people([f"{name}.{number}@example.org"]), actor=CONSOLE)
            answers["done"] += 1
        except BursarError as error:
            answers[error.code] += 1
        except Exception as error:  # noqa: BLE001  whatever reaches a caller is counted
            answers[f"{type(error).__name__}: {error}"] += 1
    connection.close()


def audit():
    from bursar.assignments.audit import run_audit
    from bursar.assignments.models import LearnerContentAssignment

    sys.stdout.write(json.dumps([LearnerContentAssignment.objects.count(), [found.code for found in run_audit()]]))


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "bursar.project.settings"
    main(*sys.argv[1:])
