"""Points of failure: nothing happens unless a test has armed them, and outside tests they cannot be armed."""

import os
import signal

import pytest

from bursar.kernel import failpoints
from bursar.kernel.errors import Misconfigured
from bursar.kernel.failpoints import NAMES, InjectedFault, arm, fail_point


@pytest.fixture(autouse=True)
def disarmed_afterwards():
    yield
    failpoints._armed.clear()


def test_nothing_happens_at_any_point_that_is_not_armed():
    for name in NAMES:
        fail_point(name)


def test_an_armed_point_raises_and_the_others_do_nothing():
    arm("before_commit:raise")
    fail_point("after_commit")
    with pytest.raises(InjectedFault):
        fail_point("before_commit")


def test_arming_nothing_disarms():
    arm("before_commit:raise")
    arm("")
    fail_point("before_commit")


def test_a_point_may_be_armed_for_a_part_of_the_times_that_it_is_reached(monkeypatch):
    draws = iter([0.49, 0.5, 0.99])
    monkeypatch.setattr(failpoints.random, "random", lambda: next(draws))
    arm("after_dot:sleep, before_commit:raise:0.5")
    with pytest.raises(InjectedFault):
        fail_point("before_commit")
    fail_point("before_commit")
    fail_point("before_commit")


def test_sleeping_waits(monkeypatch):
    slept = []
    monkeypatch.setattr(failpoints.time, "sleep", slept.append)
    arm("after_250:sleep")
    fail_point("after_250")
    assert slept == [failpoints.SLEEP_SECONDS]


def test_killing_kills_as_nobody_can_prevent():
    child = os.fork()
    if child == 0:
        arm("after_commit:kill9")
        fail_point("after_commit")
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


@pytest.mark.parametrize(
    "text", ["nowhere:raise", "before_commit", "before_commit:explode", "before_dot:raise:often", "before_dot:raise:2"]
)
def test_what_cannot_be_read_is_refused_with_the_name_of_the_setting(text):
    with pytest.raises(Misconfigured, match="BURSAR_FAILPOINT must be"):
        arm(text)


@pytest.mark.parametrize("mode", ["", "production"])
def test_nothing_can_be_armed_outside_demonstration_and_tests(mode, settings):
    settings.BURSAR = settings.BURSAR | {"mode": mode}
    with pytest.raises(Misconfigured, match="demonstration and tests only"):
        arm("before_commit:raise")
    fail_point("before_commit")
