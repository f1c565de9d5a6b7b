"""How often somebody may ask: counted by the minute, in one statement, forgotten after a day."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from bursar.assignments.jobs import prune_due
from bursar.kernel import clock
from bursar.kernel.counters import count
from bursar.kernel.transactions import one_commit
from bursar.people.limits import Allowance, ask, household, prune_counts
from bursar.people.models import RequestCount

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WHO = "person user 7"


def asked(times, limit=3, at=NOON, who=WHO):
    with clock.at(at):
        return [ask(who, limit) for _ in range(times)]


def test_as_many_as_the_limit_pass_and_no_more():
    found = asked(5)
    assert [allowance.passed for allowance in found] == [True, True, True, False, False]
    assert [allowance.left for allowance in found] == [2, 1, 0, 0, 0]


def test_it_begins_anew_with_the_minute():
    assert asked(4, at=NOON + timedelta(seconds=13))[-1] == Allowance(3, 0, 47, passed=False)
    assert asked(1, at=NOON + timedelta(seconds=59))[0].passed is False
    assert asked(1, at=NOON + timedelta(seconds=60))[0].left == 2


def test_each_is_counted_alone():
    asked(4)
    assert asked(1, who="person user 70")[0].passed is True


def test_a_machine_whose_clock_is_behind_counts_on_and_does_not_begin_anew():
    asked(3)
    assert asked(1, at=NOON - timedelta(seconds=1))[0].passed is False
    assert asked(1)[0].passed is False


def test_a_clock_that_was_moved_back_locks_nobody_out():
    asked(4, at=NOON + timedelta(days=91))
    assert asked(1)[0].passed is True


def test_one_statement_counts_whatever_there_is(django_assert_num_queries):
    for _ in range(3):
        with one_commit(), django_assert_num_queries(1):
            count(RequestCount, "a", 1)
    with one_commit(), django_assert_num_queries(1):
        assert count(RequestCount, "a", 2) == 1


def test_nothing_kept_says_who_it_was():
    asked(1, who="address 203.0.113.7")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM bursar_people_requestcount")
        assert "203.0.113.7" not in repr(cursor.fetchall())


def test_who_has_not_asked_for_a_day_is_forgotten():
    asked(1)
    asked(1, who="late", at=NOON + timedelta(hours=2))
    with clock.at(NOON + timedelta(hours=25)):
        assert prune_counts() == 1
    with clock.at(NOON + timedelta(hours=27)):
        assert prune_due() >= 1
    assert not RequestCount.objects.exists()


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"), ("", "unknown"), ("nonsense", "unknown"),
    ],
)  # fmt: skip
def test_one_subscriber_is_one_client(address, client):
    assert household(address) == client
