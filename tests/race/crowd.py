"""Many callers at once, and the guards taken away on purpose: what races and their controls are made of."""

import sys
import threading
from collections import Counter
from contextlib import contextmanager
from queue import SimpleQueue

from django.db import connection
from django.db.models import QuerySet

from bursar.assignments import moves
from bursar.kernel import transactions
from bursar.kernel.errors import BursarError

PATIENCE = 120


class Crowd:
    """So many callers, each a thread with a connection of its own that is open before anybody starts."""

    def __init__(self, size):
        self.size = size
        self.start = threading.Barrier(size)
        self.tasks = [SimpleQueue() for _ in range(size)]
        self.answers = SimpleQueue()
        self.threads = [threading.Thread(target=self._work, args=(queue,), daemon=True) for queue in self.tasks]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for queue in self.tasks:
            queue.put(None)
        for thread in self.threads:
            thread.join(PATIENCE)

    def call(self, *calls):
        """Run as many calls as there are callers, all from the same moment; returns their answers or errors, in order."""
        for place, (queue, call) in enumerate(zip(self.tasks, calls, strict=True)):
            queue.put((place, call))
        answers = dict(self.answers.get(timeout=PATIENCE) for _ in calls)
        return [answers[place] for place in range(self.size)]

    def _work(self, queue):
        connection.ensure_connection()
        while task := queue.get():
            place, call = task
            self.start.wait(PATIENCE)
            try:
                answer = call()
            except Exception as error:  # noqa: BLE001  an error is an answer too
                answer = error
            self.answers.put((place, answer))
        connection.close()


def at_once(*calls):
    """Run calls from the same moment, each by a caller of its own; returns their answers or errors, in order."""
    with Crowd(len(calls)) as crowd:
        return crowd.call(*calls)


def summary(answers):
    """Count answers: refusals by their code, other errors by their class, everything else as done."""
    return Counter(
        answer.code
        if isinstance(answer, BursarError)
        else type(answer).__name__
        if isinstance(answer, Exception)
        else "done"
        for answer in answers
    )


def figure(words, value):
    """Show a figure of a race; pytest shows it with -s or -rP."""
    sys.stdout.write(f"{words}: {value}\n")


class Retries:
    """How often a transaction met a conflict: in all, by kind, and for the unluckiest caller."""

    def __init__(self, monkeypatch):
        self.by_thread, self.by_state = Counter(), Counter()
        judge = transactions.is_conflict

        def counted(error):
            found = judge(error)
            if found:
                self.by_thread[threading.get_ident()] += 1
                self.by_state[getattr(error.__cause__, "sqlstate", None)] += 1
            return found

        monkeypatch.setattr(transactions, "is_conflict", counted)

    @property
    def total(self):
        return self.by_thread.total()

    @property
    def worst(self):
        return max(self.by_thread.values(), default=0)

    @property
    def deadlocks(self):
        return self.by_state["40P01"]


def without_row_locks(monkeypatch):
    """Let every SELECT … FOR UPDATE be a plain SELECT."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)


def blindly(monkeypatch):
    """Take away the row lock and the comparison in the write that moves the state."""
    without_row_locks(monkeypatch)

    def write_state(verb, keys, target, how):
        stamps = {f"{target}_at": how.at, "modified": how.at}
        moves.raw(keys).update(state=target, **stamps, **how.values)

    monkeypatch.setattr(moves, "_write_state", write_state)


@contextmanager
def without_constraints(*models, kinds):
    """Take CHECKs (`c`) or unique keys (`u`) of these models' tables away; put them back once the tables are empty."""
    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            'WHERE conrelid::regclass::text = ANY(%s) AND contype = ANY(%s::"char"[])',
            [tables, list(kinds)],
        )
        found = cursor.fetchall()
        for table, name, _ in found:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE')
        try:
            yield [name for _, name, _ in found]
        finally:
            cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
            for table, name, definition in found:
                cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
