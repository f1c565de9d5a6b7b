"""Reminding of what is open and nudging before a course starts: messages alone, never twice the same."""

import pytest
from tests.db.verbs.steps import (
    DAY,
    HOUR,
    MINUTE,
    accept,
    accepted,
    actions,
    allocate,
    assigned,
    books,
    codes,
    counts,
    fresh,
    in_state,
    keys,
    kinds,
    later,
    messages,
    nothing_written,
    redeem,
    tick,
)

from bursar.assignments import moves
from bursar.assignments.flows import nudge_due, nudge_exactly
from bursar.assignments.services import cancel_many, nudge_many, remind_many, reverse_many
from bursar.catalog.models import Course
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.testing.factories import make_course, make_house, make_member, make_run


class TestRemind:
    def test_a_message_waits_and_nothing_else_changes(self, house, course):
        (row,) = assigned(house.budget)
        before = books(house.budget), counts(house.budget), row.history.count()
        assert remind_many([row.pk], actor=CONSOLE).done == {row.pk: "queued"}
        assert messages(row) == [("assigned", 1, 1, "pending"), ("reminded", 1, 1, "pending")]
        assert (books(house.budget), counts(house.budget), row.history.count()) == before
        assert fresh(row).state == "allocated"

    def test_it_counts_as_the_recent_action_once_it_has_left(self, house, course, mail):
        (row,) = assigned(house.budget)
        tick()
        with later(DAY):
            remind_many([row.pk], actor=CONSOLE)
            assert fresh(row).recent_action == "assigned"
            tick()
            row = fresh(row)
            assert (row.recent_action, row.recent_action_time, row.reminded_at) == (
                "reminded",
                clock.now(),
                clock.now(),
            )
        assert actions(row)[-1] == ("reminded", None)
        assert mail.sent[-1].subject == f"Reminder: Course {row.content_key} is waiting for you"

    def test_one_that_waits_already_is_not_doubled(self, house, course):
        first, second = assigned(house.budget, 2)
        remind_many([first.pk], actor=CONSOLE)
        outcome = remind_many([first.pk, second.pk], actor=CONSOLE)
        assert (codes(outcome), outcome.done) == ({first.pk: "already_queued"}, {second.pk: "queued"})
        assert kinds(first).count("reminded") == 1

    def test_after_one_has_left_the_next_one_may_follow(self, house, course, mail):
        (row,) = assigned(house.budget)
        for _ in range(3):
            remind_many([row.pk], actor=CONSOLE)
            tick()
        assert [message for message in messages(row) if message[0] == "reminded"] == [
            ("reminded", 1, ordinal, "sent") for ordinal in (1, 2, 3)
        ]
        assert len(mail.sent) == 4

    def test_a_reminder_of_an_earlier_cycle_is_in_nobodys_way(self, house, course):
        (row,) = assigned(house.budget)
        remind_many([row.pk], actor=CONSOLE)
        cancel_many([row.pk], actor=CONSOLE)
        allocate(house.budget, 1)
        assert remind_many([row.pk], actor=CONSOLE).done == {row.pk: "queued"}
        assert ("reminded", 2, 1, "pending") in messages(row)

    def test_somebody_in_the_middle_of_accepting_is_not_reminded(self, house, course, platform):
        (row,) = assigned(house.budget)
        platform.script(row.learner_email, "unclear")
        accept([row])
        with nothing_written():
            assert codes(remind_many([row.pk], actor=CONSOLE)) == {row.pk: "redemption_in_progress"}


class TestNudgeMany:
    def test_one_message_per_assignment_and_number_of_days(self, house, course):
        (row,) = accepted(house.budget)
        assert nudge_many([row.pk], days=14, actor=CONSOLE).done == {row.pk: "queued"}
        with nothing_written():
            assert codes(nudge_many([row.pk], days=14, actor=CONSOLE)) == {row.pk: "already_queued"}
        assert nudge_many([row.pk], days=7, actor=CONSOLE).done == {row.pk: "queued"}
        assert [message[:3] for message in messages(row) if message[0] == "nudged"] == [
            ("nudged", 1, 7), ("nudged", 1, 14),
        ]  # fmt: skip

    def test_even_one_that_was_sent_long_ago_is_not_repeated(self, house, course, mail):
        (row,) = accepted(house.budget)
        nudge_many([row.pk], days=14, actor=CONSOLE)
        tick()
        assert mail.sent[-1].subject == f"Your course starts soon: Course {row.content_key}"
        assert codes(nudge_many([row.pk], days=14, actor=CONSOLE)) == {row.pk: "already_queued"}

    def test_a_nudge_leaves_no_action_of_its_own(self, house, course, mail):
        (row,) = accepted(house.budget)
        before = actions(row)
        nudge_many([row.pk], days=14, actor=CONSOLE)
        tick()
        assert actions(row) == before
        assert fresh(row).recent_action == "assigned"

    def test_of_a_new_cycle_somebody_is_nudged_again(self, house, course):
        (row,) = accepted(house.budget)
        nudge_many([row.pk], days=14, actor=CONSOLE)
        reverse_many([row.pk], actor=CONSOLE)
        accepted(house.budget)
        assert nudge_many([row.pk], days=14, actor=CONSOLE).done == {row.pk: "queued"}


class TestCoursesThatStartSoon:
    """The start is that of the run accepted; runs here start after so many days from now."""

    @pytest.fixture
    def starting(self, house):
        course = make_course()

        def make(after, email):
            key = f"run-{email}"
            make_run(course, key, start=clock.now() + after)
            (row,) = accepted(house.budget, [email], key)
            return row

        return make

    def test_exactly_so_many_days_ahead_means_that_day(self, starting):
        rows = {
            hours: starting(hours * HOUR, f"h{hours}@example.org")
            for hours in (14 * 24 - 13, 14 * 24 - 12, 14 * 24 + 11, 14 * 24 + 12)
        }
        outcome = nudge_exactly(14, actor=CONSOLE)
        assert outcome.done.keys() == {rows[14 * 24 - 12].pk, rows[14 * 24 + 11].pk}, "midnight to midnight, half open"

    def test_again_on_the_same_day_nobody_is_nudged_twice(self, starting):
        row = starting(14 * DAY, "a@example.org")
        nudge_exactly(14, actor=CONSOLE)
        with nothing_written():
            assert codes(nudge_exactly(14, actor=CONSOLE)) == {row.pk: "already_queued"}

    def test_an_admin_nudges_at_the_own_customer_alone(self, house, starting):
        row = starting(14 * DAY, "a@example.org")
        (foreign,) = accepted(make_house().budget, ["b@example.org"], "run-a@example.org")
        outcome = nudge_exactly(14, actor=make_member(house.customer))
        assert (outcome.done.keys(), codes(outcome)) == ({row.pk}, {foreign.pk: "not_found"})

    def test_reversed_and_pending_ones_are_not_nudged(self, house, starting, platform):
        row = starting(14 * DAY, "a@example.org")
        reverse_many([row.pk], actor=CONSOLE)
        platform.script("b@example.org", "unclear")
        starting(14 * DAY, "b@example.org")
        assert nudge_exactly(14, actor=CONSOLE).done == {}

    def test_the_policy_nudges_once_from_its_days_on_and_before_the_start(self, starting):
        row = starting(20 * DAY, "a@example.org")
        assert nudge_due() == 0
        with later(6 * DAY - HOUR):
            assert nudge_due() == 0
        with later(6 * DAY + MINUTE):
            assert nudge_due() == 1
            assert nudge_due() == 0
        with later(13 * DAY):
            assert nudge_due() == 0
        assert kinds(row).count("nudged") == 1

    def test_a_tick_locks_nobody_who_has_been_nudged(self, starting, monkeypatch):
        starting(20 * DAY, "a@example.org")
        with later(6 * DAY + MINUTE):
            assert nudge_due() == 1
            seen = []
            monkeypatch.setattr(moves, "lock", lambda keys, *_: seen.extend(keys) or {})
            assert (nudge_due(), seen) == (0, [])

    def test_a_week_of_outage_ends_in_one_nudge(self, starting):
        starting(20 * DAY, "a@example.org")
        with later(13 * DAY):
            assert nudge_due() == 1

    def test_once_the_course_has_started_it_is_too_late(self, starting):
        starting(20 * DAY, "a@example.org")
        with later(20 * DAY + HOUR):
            assert nudge_due() == 0

    def test_who_accepted_within_the_days_needs_no_nudge(self, starting):
        starting(10 * DAY, "a@example.org")
        with later(DAY):
            assert nudge_due() == 0

    def test_several_numbers_of_days_nudge_once_each(self, starting, configure):
        configure(nudge_days=(14, 3))
        row = starting(20 * DAY, "a@example.org")
        for day in range(20):
            with later(day * DAY):
                nudge_due()
        assert [ordinal for kind, _, ordinal, _ in messages(row) if kind == "nudged"] == [14, 3]


class TestWhatANudgeSays:
    @pytest.fixture
    def nudged(self, house, mail):
        """Assign a course, accept its run that starts in 20 days, and let a nudge be queued 6 days later."""
        run = make_run(make_course(), "course-v1:its-run", start=clock.now() + 20 * DAY)
        (row,) = assigned(house.budget, ["a@example.org"])
        redeem(row, run=run.key)
        tick()
        with later(6 * DAY + MINUTE):
            assert nudge_due() == 1
        return row

    def test_it_names_the_start_of_the_run_that_was_accepted_and_leads_there(self, nudged, mail):
        with later(6 * DAY + MINUTE):
            tick()
        starts = clock.now() + 20 * DAY
        assert f"Starts on {starts.day} {starts:%B %Y}" in mail.sent[-1].text
        assert "/courses/course-v1%3Aits-run" in mail.sent[-1].text

    def test_one_that_could_not_leave_before_the_start_is_dropped(self, nudged, mail):
        sent = len(mail.sent)
        with later(20 * DAY + HOUR):
            tick()
        assert len(mail.sent) == sent
        (message,) = Message.objects.filter(subject_uuid=nudged.pk, kind="nudged")
        assert (message.state, message.reason) == ("dropped", "the course has begun")

    def test_without_a_catalog_entry_the_start_is_the_one_that_was_paid_for(self, nudged, mail):
        Course.objects.all().delete()
        with later(6 * DAY + MINUTE):
            tick()
        assert "Starts on" in mail.sent[-1].text


def test_a_call_for_many_is_answered_for_all(house, course, configure):
    rows = in_state("accepted", house.budget, 5)
    configure(chunk_size=2)
    assert set(nudge_many(keys(rows), days=3, actor=CONSOLE).done.values()) == {"queued"}
