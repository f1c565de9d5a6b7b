"""When a message is tried again, without Django."""

from datetime import timedelta

import pytest

from bursar.outbox.retries import delay, is_last

SCHEDULE = [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30)] + [
    timedelta(hours=n) for n in (2, 6, 24)
]


def test_a_message_waits_longer_after_every_try_and_is_given_up_after_the_seventh():
    waits = [delay(attempt, random=lambda: 0.5) for attempt in range(1, 9)]
    assert waits == [*SCHEDULE, None, None]


@pytest.mark.parametrize("attempt", range(1, 7))
def test_the_wait_is_moved_by_at_most_a_fifth_either_way(attempt):
    middle = SCHEDULE[attempt - 1]
    assert delay(attempt, random=lambda: 0.0) == middle * 0.8
    almost_one = delay(attempt, random=lambda: 0.999999)
    assert middle * 1.19 < almost_one < middle * 1.2


def test_tries_are_counted_from_one():
    with pytest.raises(ValueError, match="counted from 1"):
        delay(0, random=lambda: 0.5)


def test_only_the_seventh_try_is_the_last_one():
    assert [attempt for attempt in range(1, 8) if is_last(attempt)] == [7]
