"""The database under us: conflicts without end, answers that are lost, a SQLite file whose writers are killed."""

import json
import shutil
import sqlite3
import time
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import connection
from tests.faults.engines import through
from tests.faults.figures import size
from tests.faults.killer import Crew, Failed, Process, bursar, end
from tests.faults.steps import MUCH, assigned
from tests.faults.toxics import Toxic, before_the_database

from bursar.assignments.audit import run_audit
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many
from bursar.budgets import services as money
from bursar.budgets.models import Budget, Fund, LedgerEntry
from bursar.kernel import transactions
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import Unavailable

CALLERS = 4
REQUESTS = size(full=200, short=24)
LOST_ANSWERS = size(full=300, short=40)
KILLS = size(full=200, short=12)
CUT = 0.25
CHANCE = 0.6
SQLSTATES = size(full=["40001", "40P01", "55P03"], short=["40P01"])
TRIES = 5
BUDGETS, ENTRIES = Budget._meta.db_table, LedgerEntry._meta.db_table


# F8


@contextmanager
def conflicts(sqlstate, chance):
    """Let the database answer some of the writes to a budget's counters with this error."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION bursar_fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF random() < {chance} THEN RAISE EXCEPTION 'injected' USING ERRCODE = '{sqlstate}'; END IF; "
            "RETURN NULL; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER bursar_fault BEFORE UPDATE ON {BUDGETS} FOR EACH STATEMENT EXECUTE FUNCTION bursar_fault()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER bursar_fault ON {BUDGETS}")
            cursor.execute("DROP FUNCTION bursar_fault")


def cancel_counting(key):
    """Cancel one; returns whether that was done, how many conflicts were met, and the pauses after them."""
    met, pauses = [], []
    judge, sleep = transactions.is_conflict, time.sleep
    transactions.is_conflict = lambda error: met.append(error) or judge(error)
    transactions.time.sleep = lambda seconds: pauses.append(seconds) or sleep(seconds)
    try:
        done = key in cancel_many([key], actor=CONSOLE).done
    except Unavailable:
        done = False
    finally:
        transactions.is_conflict, transactions.time.sleep = judge, sleep
    return done, len(met), pauses


def cancel_all(keys):
    with Crew(*[cancel_counting] * CALLERS) as crew:
        answers = {}
        for begin in range(0, len(keys), CALLERS):
            part = keys[begin : begin + CALLERS]
            answers |= dict(zip(part, crew.call(*part), strict=True))
    assert [answer for answer in answers.values() if isinstance(answer, Failed)] == []
    return answers


def test_control_f8_without_another_try_every_conflict_reaches_the_caller(house, settings, row):
    settings.BURSAR = settings.BURSAR | {"retry_limit": 1}
    keys = assigned(house, REQUESTS)
    with conflicts("40001", CHANCE):
        answers = cancel_all(keys)
    refused = sum(not done for done, *_ in answers.values())
    row.shows(requests=REQUESTS, told_to_try_later=refused)
    assert refused > REQUESTS * CHANCE / 2


@pytest.mark.parametrize("sqlstate", SQLSTATES)
def test_f8_conflicts_are_tried_again_at_most_five_times_and_end_as_try_later(house, sqlstate, row):
    keys = assigned(house, REQUESTS)
    with conflicts(sqlstate, CHANCE):
        answers = cancel_all(keys)
    found = dict(LearnerContentAssignment.objects.filter(pk__in=keys).values_list("pk", "state"))
    assert {key: state == "cancelled" for key, state in found.items()} == {key: a[0] for key, a in answers.items()}
    pauses = [seconds for *_, some in answers.values() for seconds in some]
    most = max(met for _, met, _ in answers.values())
    row.shows(
        sqlstate=sqlstate, requests=REQUESTS, conflicts=sum(met for _, met, _ in answers.values()), most_tries=most,
        told_to_try_later=sum(not done for done, *_ in answers.values()), other_errors=0,
    )  # fmt: skip
    assert most <= TRIES
    assert len(set(pauses)) == len(pauses), "jitter"
    assert run_audit() == []


def test_f8_a_command_that_meets_conflicts_without_end_says_try_later_and_changes_nothing(house, row):
    (key,) = assigned(house, 1)
    with conflicts("40P01", 1):
        said, complained = (command := bursar("cancel", str(key), "--json")).communicate(timeout=60)
    row.shows(exit_code=command.returncode, code=json.loads(said or complained)["error"]["code"])
    assert (command.returncode, row.figures["code"]) == (5, "database_busy")
    assert LearnerContentAssignment.objects.get(pk=key).state == "allocated"


# B4


def deposit_through(port, fund, key):
    """Deposit over a connection that may break after the commit was sent, and try again until an answer comes."""
    through(port)
    for tries in range(1, 60):
        try:
            money.deposit(fund, 100, idempotency_key=key)
        except Unavailable:
            connection.close()
        else:
            return tries
    raise AssertionError("no answer ever came")


def deposits_with_lost_answers(house, named):
    """Make deposits through a proxy that loses answers to COMMIT; `named` gives the key of each, or none."""
    with before_the_database(Toxic(after=b"COMMIT", cut=CUT)) as port:
        work = lambda number: deposit_through(port, house.fund.pk, named(number))  # noqa: E731
        with Crew(*[work] * CALLERS) as crew:
            tries = []
            for begin in range(0, LOST_ANSWERS, CALLERS):
                tries += crew.call(*range(begin, begin + CALLERS))
    assert [answer for answer in tries if isinstance(answer, Failed)] == []
    made = LedgerEntry.objects.filter(fund=house.fund.pk, reason="").count()
    return sum(tries) - LOST_ANSWERS, made


def test_control_b4_without_a_key_what_is_tried_again_after_a_lost_answer_is_done_twice(house, row):
    lost, made = deposits_with_lost_answers(house, lambda _: "")
    row.shows(deposits=LOST_ANSWERS, answers_lost=lost, doubled=made - LOST_ANSWERS)
    assert made > LOST_ANSWERS


def test_b4_under_a_key_what_is_tried_again_after_a_lost_answer_is_done_once(house, row):
    lost, made = deposits_with_lost_answers(house, lambda number: f"key {number}")
    row.shows(
        deposits=LOST_ANSWERS, answers_lost=lost, doubled=max(0, made - LOST_ANSWERS), missing=LOST_ANSWERS - made
    )
    assert lost
    assert made == LOST_ANSWERS
    assert Fund.objects.get(pk=house.fund.pk).balance_cents == MUCH + 100 * LOST_ANSWERS
    assert run_audit() == []


# F3


def on_a_copy(directory):
    """Put this test's SQLite file, as it is, at another place, which may be ruined; returns the path."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return shutil.copy(connection.settings_dict["NAME"], directory / "bursar.sqlite3")


def use(path):
    connection.close()
    connection.settings_dict["NAME"] = str(path)


def write_without_end(path, house, journal, number, *, too_early=False):
    """Deposit and assign, over and over, noting each deposit once it is acknowledged (or as soon as it is asked for)."""
    use(path)
    for count in range(10**6):
        key = f"k{number}-{count}"
        if too_early:
            journal.note(key)
        money.deposit(house.fund.pk, 100, idempotency_key=key)
        if not too_early:
            journal.note(key)
            assigned(house, 3, prefix=f"{key}.")


def kill_writers(path, house, journal, rng, **how):
    """Kill two writers at once, again and again; returns in how many cases the file was whole afterwards."""
    whole = 0
    for number in range(KILLS):
        work = partial(write_without_end, path, house, journal, **how)
        writers = [Process(work, 2 * number + place) for place in range(2)]
        time.sleep(rng.uniform(0.05, 0.25))
        end(writers)
        assert {writer.code for writer in writers} == {-9}, writers[0].said() + writers[1].said()
        with sqlite3.connect(path) as file:
            whole += file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        file.close()
    return whole


def acknowledged_and_missing(path, journal):
    """Return how many deposits were acknowledged, and how many of those the file does not hold."""
    with sqlite3.connect(path) as file:
        held = {key.rpartition(":")[2] for (key,) in file.execute(f"SELECT idempotency_key FROM {ENTRIES}")}
    file.close()
    told = journal.lines()
    return len(told), len(set(told) - held)


def audit_of(path):
    use(path)
    return len(run_audit())


@pytest.mark.on_sqlite
def test_control_f3_what_is_acknowledged_before_its_commit_is_missing(house, tmp_path, journal, rng, row):
    path = on_a_copy(tmp_path)
    whole = kill_writers(path, house, journal, rng, too_early=True)
    acknowledged, missing = acknowledged_and_missing(path, journal)
    row.shows(kills=2 * KILLS, files_whole=f"{whole} of {KILLS}", acknowledged=acknowledged, missing=missing)
    assert missing


@pytest.mark.on_sqlite
def test_f3_a_sqlite_file_whose_writers_are_killed_stays_whole_and_keeps_what_it_acknowledged(
    house, tmp_path, journal, rng, row
):
    path = on_a_copy(tmp_path)
    whole = kill_writers(path, house, journal, rng)
    acknowledged, missing = acknowledged_and_missing(path, journal)
    differences = Process(audit_of, path).answer()
    row.shows(
        kills=2 * KILLS, files_whole=f"{whole} of {KILLS}", acknowledged=acknowledged, missing=missing,
        audit_differences=differences,
    )  # fmt: skip
    assert (whole, missing, differences) == (KILLS, 0, 0)
    assert acknowledged
