"""Where a budget is in its life, and whether money is short: every rule at its border."""

from datetime import UTC, datetime, timedelta

import pytest

from bursar.budgets.phases import Phase, Room, phase, room

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("starts_in", "ends_in", "found"),
    [
        (None, None, Phase.ACTIVE),
        (SECOND, None, Phase.SCHEDULED),
        (timedelta(0), None, Phase.ACTIVE),
        (-DAY, 120 * DAY + SECOND, Phase.ACTIVE),
        (-DAY, 120 * DAY, Phase.EXPIRING),
        (-DAY, SECOND, Phase.EXPIRING),
        (-DAY, timedelta(0), Phase.EXPIRED),
        (SECOND, -DAY, Phase.SCHEDULED),
    ],
)
def test_a_phase_begins_and_ends_to_the_second(starts_in, ends_in, found):
    terms = {
        "starts_at": None if starts_in is None else NOW + starts_in,
        "expires_at": None if ends_in is None else NOW + ends_in,
    }
    assert phase(NOW, retired=False, **terms) is found
    assert phase(NOW, retired=True, **terms) is Phase.RETIRED


@pytest.mark.parametrize(
    ("available", "used", "found"),
    [
        (100_00, 0, Room.NOTHING),
        (100_01, 74, Room.ENOUGH),
        (100_01, 75, Room.LOW),
        (-1, 100, Room.NOTHING),
        (10**9, 99, Room.LOW),
    ],
)
def test_money_is_short_from_three_quarters_and_gone_at_a_hundred(available, used, found):
    assert room(available, used) is found
