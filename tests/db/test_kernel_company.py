"""Companions: what a caller adds to a verb's own commit, once, first and last in it."""

import pytest
from django.db import IntegrityError, OperationalError

from bursar.kernel import pruning, transactions
from bursar.kernel.transactions import accompanied, writes
from bursar.people.models import LearnerNumber

pytestmark = pytest.mark.django_db(transaction=True)


class Scribe:
    """Writes a row first and notes what comes."""

    def __init__(self):
        self.seen = []

    def begin(self):
        self.seen.append("begin")
        LearnerNumber.objects.create()

    def finish(self, done):
        self.seen.append(f"finish {done}")


@pytest.fixture
def scribe():
    return Scribe()


def verb(scribe, name, error=None):
    @writes
    def run():
        scribe.seen.append(name)
        if error:
            raise error
        return name

    return run


def rows():
    return LearnerNumber.objects.count()


def test_a_companion_comes_first_and_last_in_the_first_transaction_and_in_no_other(scribe):
    with accompanied(scribe) as company:
        verb(scribe, "one")()
        verb(scribe, "two")()
    assert scribe.seen == ["begin", "one", "finish one", "two"]
    assert company.committed
    assert rows() == 1


def test_what_a_companion_writes_goes_back_with_the_verb(scribe):
    with pytest.raises(ValueError), accompanied(scribe) as company:
        verb(scribe, "one", ValueError())()
    assert (rows(), company.committed) == (0, False)


def test_after_a_transaction_that_failed_the_next_one_takes_the_companion_along(scribe):
    with accompanied(scribe) as company:
        with pytest.raises(ValueError):
            verb(scribe, "one", ValueError())()
        verb(scribe, "two")()
    assert scribe.seen == ["begin", "one", "begin", "two", "finish two"]
    assert (rows(), company.committed) == (1, True)


def test_a_companion_runs_again_with_a_transaction_that_met_a_conflict(scribe, monkeypatch):
    monkeypatch.setattr(transactions.time, "sleep", lambda _: None)
    monkeypatch.setattr(transactions, "is_conflict", lambda error: "locked" in str(error))
    errors = [OperationalError("locked"), OperationalError("locked")]

    @writes
    def run():
        if errors:
            raise errors.pop()

    with accompanied(scribe):
        run()
    assert scribe.seen == ["begin", "begin", "begin", "finish None"]
    assert rows() == 1


def test_a_companion_that_refuses_lets_nothing_happen(scribe):
    def refuse():
        raise IntegrityError("it is not what it was")

    scribe.begin = refuse
    with pytest.raises(IntegrityError), accompanied(scribe) as company:
        verb(scribe, "one")()
    assert (scribe.seen, company.committed) == ([], False)


def test_outside_its_block_a_companion_is_gone(scribe):
    with accompanied(scribe) as company:
        pass
    verb(scribe, "one")()
    assert (scribe.seen, company.committed) == (["one"], False)


def test_of_two_blocks_the_inner_one_has_its_companion(scribe):
    inner = Scribe()
    with accompanied(scribe):
        with accompanied(inner):
            verb(inner, "one")()
        verb(scribe, "two")()
    assert (inner.seen, scribe.seen) == (["begin", "one", "finish one"], ["begin", "two", "finish two"])


def test_what_is_pruned_has_one_pruner(monkeypatch):
    monkeypatch.setattr(pruning, "_known", {})

    def three():
        return 3

    pruning.register("threes", three)
    pruning.register("threes", three)
    assert pruning.prune() == 3
    with pytest.raises(ValueError):
        pruning.register("threes", lambda: 4)
