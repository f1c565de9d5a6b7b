"""There is one clock: aware UTC, moved by its setting or pinned inside a block."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine

from bursar.kernel import clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@time_machine.travel(NOON, tick=False)
def test_now_is_aware_utc():
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


@time_machine.travel(NOON, tick=False)
def test_the_setting_moves_the_clock(settings):
    settings.BURSAR = {"clock_offset": timedelta(days=91)}
    assert clock.now() == NOON + timedelta(days=91)


def test_a_pinned_clock_stands_still_whatever_the_setting_and_runs_again_after_the_block(settings):
    settings.BURSAR = {"clock_offset": timedelta(days=91)}
    with clock.at(NOON):
        assert clock.now() == NOON
        with clock.at(NOON + timedelta(hours=1)):
            assert clock.now() == NOON + timedelta(hours=1)
        assert clock.now() == NOON
    assert clock.now() > NOON


def test_a_pin_in_another_zone_is_shown_in_utc():
    with clock.at(datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))):
        assert clock.now() == NOON
        assert clock.now().tzinfo is UTC


def test_the_clock_runs_again_after_an_error():
    with pytest.raises(RuntimeError), clock.at(NOON):
        raise RuntimeError
    assert clock.now() != NOON


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="aware"), clock.at(datetime(2026, 3, 1)):
        pass


def test_a_pin_holds_for_its_own_thread_only():
    seen = []
    with clock.at(NOON):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
    assert seen[0] != NOON
