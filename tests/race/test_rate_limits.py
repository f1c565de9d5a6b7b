"""As many requests pass as the limit says, however many come at one moment (row H6)."""

from datetime import UTC, datetime

import pytest
from tests.race.crowd import Crowd, figure

from bursar.kernel import clock
from bursar.people import limits
from bursar.people.models import RequestCount

pytestmark = pytest.mark.django_db(transaction=True)

CALLERS, LIMIT, ROUNDS = 200, 100, 5
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def asking(who):
    def call():
        with clock.at(NOON):  # all within one minute, whatever it is outside
            return limits.ask(who, LIMIT).passed

    return call


def passes(crowd, who):
    return sum(answer is True for answer in crowd.call(*[asking(who)] * CALLERS))


def look_and_write(counter, name, slot):
    """Count as one would without thinking: read, add, write."""
    row = counter.objects.filter(name=name, slot=slot).first() or counter(name=name, slot=slot, used=0)
    row.used += 1
    row.save()
    return row.used


def test_control_counting_by_reading_and_writing_lets_too_many_pass(monkeypatch):
    monkeypatch.setattr(limits, "count", look_and_write)
    with Crowd(CALLERS) as crowd:
        most = max(passes(crowd, f"control {number}") for number in range(ROUNDS))
    figure("CONTROL passed beyond the limit", most - LIMIT)
    assert most > LIMIT


def test_exactly_as_many_pass_as_the_limit_says():
    with Crowd(CALLERS) as crowd:
        assert [passes(crowd, f"caller {number}") for number in range(ROUNDS)] == [LIMIT] * ROUNDS
    assert set(RequestCount.objects.values_list("used", flat=True)) == {CALLERS}
