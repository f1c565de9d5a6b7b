"""When somebody is reminded: one step at a time, never in quiet hours, never more than the cap, whoever looks however late."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.assignments.reminders import (
    CAP_PERIOD,
    DAY,
    Addressee,
    Hold,
    Policy,
    Quiet,
    Waiting,
    calendar,
    earliest,
    next_allowed,
    next_midnight,
    plan,
    steps,
    why_held,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)  # a Sunday
HOUR = timedelta(hours=1)
BERLIN, NEW_YORK, APIA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia")
NIGHT = Quiet(time(20), time(8))
SOMEBODY = Addressee()
FIRST, SECOND, THIRD = (UUID(int=number) for number in (1, 2, 3))
WEEKLY = Policy(after=(7, 14), before=(3,), per_week=7, digest=False)

zones = st.sampled_from(
    [UTC, BERLIN, NEW_YORK, APIA, *map(ZoneInfo, ("Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo"))]
)
moments = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
clocks = st.times().map(lambda moment: moment.replace(second=0, microsecond=0, fold=0))
quiets = st.none() | st.builds(Quiet, clocks, clocks)
days = st.lists(st.integers(1, 40), max_size=4).map(tuple)
policies = st.builds(Policy, after=days, before=days, per_week=st.integers(1, 3), quiet=quiets,
                     working_days=st.booleans(), digest=st.booleans())  # fmt: skip


def waiting(key=FIRST, at=NOON, *, told=True, deadline=90, **facts):
    return Waiting(key, at, at if told else None, at + deadline * DAY if deadline else None, **facts)


def due(policy, now, *items, person=SOMEBODY):
    return plan(policy, person, items or [waiting()], now)


def codes(done):
    return {key: step.code for key, step in done.steps.items()}


class TestSteps:
    def test_nothing_is_due_before_the_first_step_and_the_next_look_is_then(self):
        done = due(WEEKLY, NOON + 7 * DAY - HOUR)
        assert (done.mails, done.look_at) == ((), {FIRST: NOON + 7 * DAY})

    def test_a_step_is_due_at_its_moment(self):
        done = due(WEEKLY, NOON + 7 * DAY)
        assert (done.mails, codes(done), done.look_at) == (((FIRST,),), {FIRST: "after:7"}, {FIRST: NOON + 14 * DAY})

    def test_days_before_the_deadline_count_from_the_deadline(self):
        item = waiting(taken={"after:14": NOON + 14 * DAY})
        assert codes(due(WEEKLY, NOON + 87 * DAY, item)) == {FIRST: "before:3"}
        assert due(WEEKLY, NOON + 87 * DAY, item).look_at == {FIRST: None}, "nothing comes after it"

    def test_what_was_taken_is_not_taken_again(self):
        item = waiting(taken={"after:7": NOON + 7 * DAY})
        assert due(WEEKLY, NOON + 8 * DAY, item).mails == ()

    def test_a_missed_week_ends_in_one_reminder_the_newest(self):
        policy = replace(WEEKLY, after=(1, 2, 3, 4, 5, 6, 7), before=())
        done = due(policy, NOON + 7 * DAY + HOUR)
        assert (done.mails, codes(done), done.look_at) == (((FIRST,),), {FIRST: "after:7"}, {FIRST: None})

    def test_steps_before_the_start_and_from_the_deadline_on_do_not_exist(self):
        item = waiting(deadline=5)
        assert steps(Policy(after=(5, 7), before=(5, 14)), item) == []

    def test_without_a_deadline_there_are_no_steps_before_it(self):
        assert [step.code for step in steps(WEEKLY, waiting(deadline=None))] == ["after:7", "after:14"]

    def test_who_was_not_told_is_not_reminded_but_looked_at_again(self):
        done = due(WEEKLY, NOON + 8 * DAY, waiting(told=False))
        assert (done.mails, done.look_at) == ((), {FIRST: NOON + 9 * DAY})

    def test_who_was_told_late_is_reminded_so_much_later(self):
        item = replace(waiting(), told_at=NOON + 6 * DAY)
        assert due(WEEKLY, NOON + 7 * DAY, item).look_at == {FIRST: NOON + 13 * DAY}

    def test_a_reminder_of_an_admin_counts_for_the_steps_that_it_came_after(self):
        item = waiting(reminded_at=NOON + 8 * DAY)
        assert due(WEEKLY, NOON + 9 * DAY, item).look_at == {FIRST: NOON + 14 * DAY}

    def test_a_deadline_moved_by_a_week_or_more_is_announced_again(self):
        at = NOON + 87 * DAY
        taken = {"before:3": at}
        moved = {
            day: codes(due(WEEKLY, at + 8 * DAY, replace(waiting(deadline=90 + day), taken=taken))) for day in (1, 8)
        }
        assert moved == {1: {}, 8: {FIRST: "before:3"}}

    def test_a_slot_is_named_by_its_day_so_that_a_moved_one_is_another(self):
        (step,) = steps(Policy(before=(3,)), waiting())
        (moved,) = steps(Policy(before=(3,)), waiting(deadline=100))
        assert (step.slot, moved.slot) == ("before:3@2027-02-17", "before:3@2027-02-27")

    def test_a_policy_that_is_off_plans_nothing(self):
        done = due(replace(WEEKLY, enabled=False), NOON + 7 * DAY)
        assert (done.mails, done.look_at) == ((), {FIRST: None})


class TestTogether:
    def test_with_a_digest_what_is_due_goes_in_one_mail_the_nearest_deadline_first(self):
        policy = replace(WEEKLY, digest=True)
        items = [waiting(FIRST), waiting(SECOND, deadline=80), waiting(THIRD, deadline=None)]
        assert due(policy, NOON + 7 * DAY, *items).mails == ((SECOND, FIRST, THIRD),)

    def test_without_one_each_goes_by_itself(self):
        items = [waiting(FIRST), waiting(SECOND)]
        assert due(WEEKLY, NOON + 7 * DAY, *items).mails == ((FIRST,), (SECOND,))

    def test_what_comes_due_later_on_the_same_day_goes_along(self):
        policy = replace(WEEKLY, digest=True)
        items = [waiting(FIRST), waiting(SECOND, NOON + 3 * HOUR), waiting(THIRD, NOON + 20 * HOUR)]
        done = due(policy, NOON + 7 * DAY, *items)
        assert done.mails == ((FIRST, SECOND),)
        assert done.look_at[SECOND] == NOON + 3 * HOUR + 14 * DAY
        assert done.look_at[THIRD] == NOON + 20 * HOUR + 7 * DAY

    def test_but_nothing_goes_before_something_is_due(self):
        policy = replace(WEEKLY, digest=True)
        assert due(policy, NOON + 7 * DAY - HOUR).mails == ()

    def test_over_the_cap_the_nearest_deadline_goes_and_the_others_wait_a_week(self):
        policy = replace(WEEKLY, per_week=1)
        items = [waiting(FIRST), waiting(SECOND, deadline=60)]
        done = due(policy, NOON + 7 * DAY, *items)
        assert (done.mails, done.look_at[FIRST]) == (((SECOND,),), NOON + 14 * DAY)

    def test_reminders_from_elsewhere_count_for_the_cap(self):
        person = Addressee(UTC, (NOON + 3 * DAY, NOON + 5 * DAY))
        done = due(replace(WEEKLY, per_week=2), NOON + 7 * DAY, person=person)
        assert (done.mails, done.look_at) == ((), {FIRST: NOON + 10 * DAY})

    def test_a_held_person_is_looked_at_when_the_hold_ends(self):
        done = due(WEEKLY, NOON + 7 * DAY, person=Addressee(hold_until=NOON + 7 * DAY + HOUR))
        assert (done.mails, done.look_at) == ((), {FIRST: NOON + 7 * DAY + HOUR})

    def test_what_could_go_only_after_the_deadline_is_given_up(self):
        policy = replace(WEEKLY, per_week=1)
        done = due(policy, NOON + 7 * DAY, waiting(deadline=10), person=Addressee(recent=(NOON + 5 * DAY,)))
        assert (done.mails, done.look_at) == ((), {FIRST: None})


class TestQuiet:
    def test_a_step_in_the_night_waits_for_the_morning_of_the_learner(self):
        midnight = datetime(2026, 11, 24, 23, tzinfo=UTC)
        policy = replace(WEEKLY, quiet=NIGHT)
        item = waiting(at=midnight)
        done = due(policy, midnight + 7 * DAY, item, person=Addressee(BERLIN))
        assert (done.mails, done.look_at) == ((), {FIRST: datetime(2026, 12, 2, 7, tzinfo=UTC)})
        assert due(policy, done.look_at[FIRST], item, person=Addressee(BERLIN)).mails == ((FIRST,),)

    @pytest.mark.parametrize(
        ("clock", "expected"),
        [(time(19, 59), None), (time(20), 8), (time(23), 8), (time(0), 8), (time(7, 59), 8), (time(8), None)],
    )
    def test_quiet_hours_hold_from_their_beginning_until_before_their_end(self, clock, expected):
        moment = datetime.combine(NOON.date(), clock, BERLIN)
        found = next_allowed(Policy(quiet=NIGHT), BERLIN, moment).astimezone(BERLIN)
        assert found == moment if expected is None else (found.hour, found > moment) == (8, True)

    def test_equal_ends_leave_no_quiet_hours(self):
        assert next_allowed(Policy(quiet=Quiet(time(8), time(8))), UTC, NOON) == NOON

    def test_a_weekend_ends_on_monday_morning(self):
        saturday = datetime(2026, 11, 21, 1, tzinfo=UTC)
        policy = Policy(quiet=NIGHT, working_days=True)
        assert next_allowed(policy, UTC, saturday) == datetime(2026, 11, 23, 8, tzinfo=UTC)
        assert next_allowed(replace(policy, quiet=None), UTC, saturday) == datetime(2026, 11, 23, tzinfo=UTC)

    def test_the_morning_of_a_leap_forward_is_an_hour_nearer(self):
        evening = datetime(2027, 3, 27, 22, tzinfo=BERLIN)
        found = next_allowed(Policy(quiet=NIGHT), BERLIN, evening)
        assert (found, found - evening.astimezone(UTC)) == (datetime(2027, 3, 28, 6, tzinfo=UTC), 9 * HOUR)

    def test_the_morning_of_a_leap_back_is_an_hour_farther(self):
        evening = datetime(2027, 10, 30, 22, tzinfo=BERLIN)
        assert next_allowed(Policy(quiet=NIGHT), BERLIN, evening) - evening.astimezone(UTC) == 11 * HOUR

    def test_an_end_that_the_clock_leaps_over_counts_after_the_leap(self):
        leap = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)  # 01:30 in Berlin; half an hour later it is 03:00
        assert next_allowed(Policy(quiet=Quiet(time(1), time(2, 30))), BERLIN, leap) == leap + HOUR

    def test_an_end_that_the_clock_shows_twice_counts_the_time_that_is_to_come(self):
        quiet = Policy(quiet=Quiet(time(1), time(2, 30)))
        first, second = (datetime(2027, 10, 31, hour, 10, tzinfo=UTC) for hour in (0, 1))  # both 02:10 in Berlin
        assert next_allowed(quiet, BERLIN, first) == first + 20 * timedelta(minutes=1)
        assert next_allowed(quiet, BERLIN, second) == second + 20 * timedelta(minutes=1)

    def test_a_day_that_was_left_out_of_the_calendar_is_no_trap(self):
        before = datetime(2011, 12, 30, 9, tzinfo=UTC)  # 29 December, an hour before the 31st begins in Apia
        assert next_midnight(APIA, before) <= datetime(2011, 12, 31, 10, tzinfo=UTC)
        assert next_allowed(Policy(quiet=NIGHT, working_days=True), APIA, before) > before


@given(policies, zones, moments)
def test_no_moment_is_ever_allowed_in_quiet_hours_or_at_a_weekend_of_working_days(policy, zone, moment):
    found = next_allowed(policy, zone, moment)
    local = found.astimezone(zone)
    assert found >= moment
    assert policy.quiet is None or not policy.quiet.covers(local.time())
    assert not policy.working_days or local.weekday() < 5


@given(policies, zones, st.lists(moments, max_size=6), moments)
def test_no_seven_days_ever_hold_more_than_the_cap(policy, zone, recent, moment):
    at = earliest(policy, Addressee(zone, tuple(recent)), moment)
    known = [sent for sent in recent if at - CAP_PERIOD < sent <= at]
    assert len(known) < policy.per_week


@given(policies, zones, moments, st.lists(st.tuples(st.integers(0, 200), st.integers(1, 90)), min_size=1, max_size=4),
       st.lists(st.integers(1, 400), min_size=1, max_size=30), st.data())  # fmt: skip
def test_however_often_and_late_anybody_looks_cap_quiet_hours_and_steps_hold(policy, zone, start, courses, gaps, data):
    """Looks at several assignments of one person at odd hours until long after the last deadline."""
    items = {
        UUID(int=number): waiting(UUID(int=number), start + hours * HOUR, deadline=deadline)
        for number, (hours, deadline) in enumerate(courses)
    }
    sent, now, taken = [], start, set()
    for gap in gaps:
        now += gap * HOUR
        recent = tuple(at for at in sent if at > now - CAP_PERIOD)
        there = [item for item in items.values() if item.allocated_at <= now < item.expires_at]
        done = plan(policy, Addressee(zone, recent), there, now)
        assert len(done.mails) <= (1 if policy.digest else policy.per_week)
        assert sorted(key for mail in done.mails for key in mail) == sorted(done.steps)
        for look in done.look_at.values():
            assert look is None or look > now, "or a sweep would look at it for ever"
        for key, step in done.steps.items():
            assert (key, step.slot) not in taken
            taken.add((key, step.slot))
            items[key] = items[key].after(step, now)
        sent += [now] * len(done.mails)
        for at in sent[-1:]:
            assert len([one for one in sent if at - CAP_PERIOD < one <= at]) <= policy.per_week
        if done.mails:
            assert next_allowed(policy, zone, now) == now
            again = plan(policy, Addressee(zone, (*recent, *[now] * len(done.mails))),
                         [items[item.key] for item in there], now)  # fmt: skip
            assert not set(again.steps) & set(done.steps)


@given(policies, zones, moments, st.integers(2, 90))
def test_a_calendar_ends_and_keeps_its_own_rules(policy, zone, start, deadline):
    item = waiting(at=start, deadline=deadline)
    found = list(calendar(policy, zone, item))
    assert [at for at, _ in found] == sorted({at for at, _ in found})
    for at, step in found:
        assert step.moment.astimezone(zone).date() <= at.astimezone(zone).date()
        assert start < at < item.expires_at
    for (at, _), (later, _) in zip(found, found[policy.per_week :], strict=False):
        assert later - at >= CAP_PERIOD


def test_what_is_due_at_midnight_is_no_part_of_the_digest_of_the_day_before():
    item = waiting(at=datetime(2026, 11, 22, tzinfo=UTC), deadline=3)
    found = list(calendar(Policy(before=(1, 2), per_week=7), UTC, item))
    assert [step.code for _, step in found] == ["before:2", "before:1"]


def test_the_calendar_of_a_plain_policy_is_its_steps():
    found = [(at, step.code) for at, step in calendar(WEEKLY, UTC, waiting())]
    assert found == [(NOON + 7 * DAY, "after:7"), (NOON + 14 * DAY, "after:14"), (NOON + 87 * DAY, "before:3")]


def test_what_holds_a_reminder_back_is_named_in_the_order_in_which_it_is_asked():
    friday = datetime(2026, 11, 27, 22, tzinfo=UTC)
    rules = Policy(after=(7,), per_week=1, quiet=Quiet(time(20), time(8)), working_days=True)
    assert why_held(rules, Addressee(), friday) == (Hold.QUIET_HOURS, Hold.WEEKEND)
    assert why_held(rules, Addressee(recent=(friday - timedelta(days=1),)), friday)[0] == Hold.CAP
    assert why_held(Policy(), Addressee(hold_until=friday + timedelta(hours=1)), friday) == (Hold.ANOTHER,)
    assert why_held(Policy(), Addressee(), friday) == ()
