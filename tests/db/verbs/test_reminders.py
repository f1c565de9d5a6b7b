"""Reminding by policy: each step once, within the cap and the hours of the learner, however often and late a tick runs."""

from datetime import UTC, datetime, time

import pytest
from django.db import connection
from tests.db.verbs.reminding import remind_by, remind_due, reminders, second_budget, slots
from tests.db.verbs.steps import (
    DAY,
    HOUR,
    MINUTE,
    accept,
    actions,
    allocate,
    assigned,
    fresh,
    keys,
    kinds,
    later,
    nothing_written,
    statements,
    tick,
)

from bursar.assignments import services
from bursar.assignments.models import LearnerContentAssignment, ReminderPolicy
from bursar.assignments.reminders import LOOK_AT_ONCE
from bursar.assignments.services import cancel_many, extend_many, remind_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.outbox.worker import drain
from bursar.people.models import Customer, Person, StopReason
from bursar.people.suppression import suppress_mail, unsubscribe
from bursar.testing.factories import make_course, make_house, make_person
from bursar.testing.fake_mail import Died


@pytest.fixture
def told(house, course, mail):
    """Return a function that assigns and lets the invitations go out."""

    def assign(people=1, budget=None, content=course.key):
        rows = assigned(budget or house.budget, people, content)
        drain()
        mail.sent.clear()
        return rows

    return assign


class TestOff:
    def test_without_a_policy_nobody_is_reminded_and_a_tick_asks_one_question(self, told):
        (row,) = told()
        with later(60 * DAY):
            assert (remind_due(), statements(remind_due)) == (0, 1)
        assert fresh(row).next_reminder_at == LOOK_AT_ONCE

    def test_a_customer_that_is_not_active_reminds_nobody(self, house, told):
        told()
        remind_by(house.customer)
        Customer.objects.filter(pk=house.customer.pk).update(active=False)
        with later(8 * DAY), nothing_written():
            assert remind_due() == 0

    def test_switched_off_again_nobody_is_reminded_and_the_rules_are_kept(self, house, told):
        told()
        remind_by(house.customer, after_days=[3])
        row = services.switch_off(house.customer.pk, actor=CONSOLE)
        assert (row.enabled, row.after_days) == (False, [3])
        with later(4 * DAY), nothing_written():
            assert remind_due() == 0

    def test_with_reminders_muted_there_is_nothing_to_plan(self, house, told):
        told()
        remind_by(house.customer)
        services.set_muted(house.customer.pk, "reminded", muted=True, actor=CONSOLE)
        with later(8 * DAY), nothing_written():
            assert remind_due() == 0
        services.set_muted(house.customer.pk, "reminded", muted=False, actor=CONSOLE)
        with later(8 * DAY):
            assert remind_due() == 1

    def test_another_customer_is_not_touched(self, house, told):
        remind_by(house.customer)
        (foreign,) = told(budget=make_house().budget)
        with later(8 * DAY):
            assert remind_due() == 0
        assert fresh(foreign).next_reminder_at == LOOK_AT_ONCE


class TestSteps:
    def test_a_step_is_taken_when_it_is_due_and_leaves_a_mail_and_an_action(self, house, told, mail):
        (row,) = told()
        remind_by(house.customer)
        with later(7 * DAY - MINUTE):
            assert tick().reminded == 0
        with later(7 * DAY):
            assert tick().reminded == 1
        assert slots(row) == ["after:7@2026-11-29"]
        assert [sent.subject for sent in mail.sent] == [f"Reminder: Course {row.content_key} is waiting for you"]
        assert actions(row)[-1] == ("reminded", None)

    def test_twice_in_a_row_the_second_time_nothing_is_written(self, house, told):
        told(3)
        remind_by(house.customer)
        with later(7 * DAY):
            assert remind_due() == 3
            with nothing_written():
                assert remind_due() == 0

    def test_a_week_of_outage_ends_in_one_reminder(self, house, told, mail):
        (row,) = told()
        remind_by(house.customer, after_days=[1, 2, 3, 4, 5, 6])
        with later(8 * DAY):
            for _ in range(3):
                tick()
        assert (slots(row), len(mail.sent)) == (["after:6@2026-11-28"], 1)

    def test_a_minute_by_minute_day_ends_in_as_many_as_a_single_tick(self, house, told, mail):
        told()
        remind_by(house.customer, after_days=[1, 2])
        for minutes in range(0, 3 * 24 * 60, 97):
            with later(minutes * MINUTE):
                tick()
        assert len(mail.sent) == 2

    def test_an_invitation_that_left_late_is_not_followed_by_a_reminder_at_once(self, house, course, mail):
        assigned(house.budget)
        remind_by(house.customer)
        with later(7 * DAY):
            assert tick().reminded == 0, "the invitation leaves now"
        with later(13 * DAY):
            assert tick().reminded == 0
        with later(14 * DAY + MINUTE):
            assert tick().reminded == 1

    def test_who_was_accepted_cancelled_or_is_accepting_is_not_reminded(self, house, told, platform):
        accepted, cancelled, pending = told(3)
        remind_by(house.customer)
        accept([accepted])
        cancel_many([cancelled.pk], actor=CONSOLE)
        with later(7 * DAY):
            platform.script(pending.learner_email, "unclear")
            accept([pending])
            assert remind_due() == 0
        assert all("reminded" not in kinds(row) for row in (accepted, cancelled, pending))

    def test_one_accepted_after_it_was_queued_is_not_sent(self, house, told, mail):
        (row,) = told()
        remind_by(house.customer)
        with later(7 * DAY):
            assert remind_due() == 1
            accept([row])
            drain()
        assert (mail.sent, reminders()) == ([], [("reminded", "dropped")])

    def test_a_deadline_moved_nearer_brings_its_step_with_it(self, house, told):
        (row,) = told()
        remind_by(house.customer, after_days=[], before_days=[3])
        with later(HOUR):
            assert remind_due() == 0
            assert fresh(row).next_reminder_at == row.expires_at - 3 * DAY
            extend_many([row.pk], until=clock.now() + 4 * DAY, why="", actor=CONSOLE)
        with later(2 * DAY):
            assert remind_due() == 1
        assert slots(row) == ["before:3@2026-11-23"]

    def test_a_new_cycle_starts_anew(self, house, told):
        (row,) = told()
        remind_by(house.customer)
        with later(7 * DAY):
            assert tick().reminded == 1
            cancel_many([row.pk], actor=CONSOLE)
            allocate(house.budget, 1)
            drain()
            assert remind_due() == 0
        with later(14 * DAY):
            assert tick().reminded == 1

    def test_new_rules_hold_for_what_is_open_already(self, house, told):
        (row,) = told()
        remind_by(house.customer, after_days=[60])
        with later(8 * DAY):
            assert remind_due() == 0
            remind_by(house.customer, after_days=[7])
            assert ReminderPolicy.objects.get().unapplied
            assert remind_due() == 1
        assert not ReminderPolicy.objects.get().unapplied
        assert slots(row) == ["after:7@2026-11-29"]

    def test_to_whom_mail_is_stopped_nothing_is_planned_until_it_is_let_through(self, house, told):
        suppressed, unsubscribed, gone = told(3)
        remind_by(house.customer)
        suppress_mail([suppressed.learner_email_key], StopReason.BOUNCED)
        unsubscribe(house.customer.pk, unsubscribed.learner_email_key)
        Person.objects.filter(address_key=gone.learner_email_key).update(mail_suppressed_at=clock.now())
        with later(7 * DAY):
            assert (remind_due(), reminders()) == (0, [])
            Person.objects.update(mail_suppressed_at=None)
        with later(8 * DAY):
            assert remind_due() == 1

    def test_an_admins_reminder_that_has_not_left_yet_is_not_joined_by_another(self, house, told, mail):
        (row,) = told()
        remind_by(house.customer)
        with later(7 * DAY - MINUTE):
            remind_many([row.pk], actor=CONSOLE)
        with later(7 * DAY):
            assert remind_due() == 0
            drain()
        with later(7 * DAY + 2 * HOUR):
            assert (remind_due(), len(mail.sent)) == (0, 1)

    def test_mail_that_does_not_move_for_a_fortnight_piles_nothing_up(self, house, told):
        told()
        remind_by(house.customer, after_days=[1, 3, 5, 7, 9, 11])
        for day in range(14):
            with later(day * DAY):
                remind_due()
        assert reminders() == [("reminded", "pending")]


class TestCap:
    def test_it_holds_over_two_budgets_of_the_customer(self, house, told, mail):
        make_course("DemoX+D102")
        first = told(["ana@example.org"])
        second = told(["ana@example.org"], second_budget(house), "DemoX+D102")
        remind_by(house.customer, per_week=1, digest=False, after_days=[7, 12])
        with later(7 * DAY):
            assert tick().reminded == 1
        with later(12 * DAY):
            assert tick().reminded == 0
        with later(14 * DAY):
            assert tick().reminded == 1
        assert len(mail.sent) == 2
        assert len(slots(first[0])) == len(slots(second[0])) == 1, "who had to wait comes first"

    def test_what_an_admin_has_sent_counts(self, house, told):
        (row,) = told()
        remind_by(house.customer, per_week=1)
        with later(5 * DAY):
            remind_many([row.pk], actor=CONSOLE)
            drain()
        with later(7 * DAY):
            assert remind_due() == 0
        with later(12 * DAY):
            assert remind_due() == 1

    def test_but_an_admin_is_not_held_back(self, house, told, mail):
        (row,) = told()
        remind_by(house.customer, per_week=1)
        with later(7 * DAY):
            tick()
            assert remind_many([row.pk], actor=CONSOLE).done == {row.pk: "queued"}
            tick()
        assert len(mail.sent) == 2

    def test_what_was_dropped_does_not_count(self, house, told):
        make_course("DemoX+D102")
        rows = [*told(["ana@example.org"]), *told(["ana@example.org"], second_budget(house), "DemoX+D102")]
        remind_by(house.customer, per_week=1, digest=False)
        with later(7 * DAY):
            assert remind_due() == 1
            (queued,) = [row for row in rows if "reminded" in kinds(row)]
            accept([queued])
            drain()
        with later(7 * DAY + 2 * HOUR):
            assert remind_due() == 0, "looked at again when the week is over"
        with later(14 * DAY):
            assert remind_due() == 1


class TestHours:
    def test_nobody_is_written_to_in_the_night_of_the_own_zone(self, house, course, mail):
        people = [make_person("berlin@example.org", time_zone="Europe/Berlin"),
                  make_person("auckland@example.org", line=2, time_zone="Pacific/Auckland"),
                  make_person("nowhere@example.org", line=3)]  # fmt: skip
        allocate(house.budget, people)
        drain()
        remind_by(house.customer, quiet=(time(20), time(8)))
        sent = {}
        for hours in range(24):
            with later(7 * DAY + hours * HOUR):
                before = len(mail.sent)
                tick()
                sent |= {item.to.partition("@")[0]: clock.now() for item in mail.sent[before:]}
        assert sent["berlin"] == sent["nowhere"] == datetime(2026, 11, 29, 12, tzinfo=UTC)
        assert sent["auckland"] == datetime(2026, 11, 29, 19, tzinfo=UTC), "eight in the morning there"

    def test_one_that_could_not_leave_by_day_waits_for_the_morning(self, house, told, mail):
        (row,) = told()
        remind_by(house.customer, quiet=(time(20), time(8)))
        mail.script(row.learner_email, "retry")
        evening = 7 * DAY + 7 * HOUR + 59 * MINUTE
        with later(evening):
            tick()
        assert reminders() == [("reminded", "pending")]
        with later(evening + 2 * MINUTE):
            tick()
            assert Message.objects.get(kind="reminded").due_at == datetime(2026, 11, 30, 8, tzinfo=UTC)
        with later(8 * DAY):
            tick()
        assert reminders() == [("reminded", "sent")]

    def test_whoever_reminds_in_the_night_means_it(self, house, told, mail):
        (row,) = told()
        remind_by(house.customer, quiet=(time(20), time(8)))
        with later(DAY + 12 * HOUR):
            remind_many([row.pk], actor=CONSOLE)
            tick()
        assert reminders() == [("reminded", "sent")]

    def test_with_working_days_only_a_sunday_waits_for_monday(self, house, told):
        (row,) = told()
        remind_by(house.customer, working_days_only=True)
        with later(7 * DAY):
            assert remind_due() == 0
            assert fresh(row).next_reminder_at == datetime(2026, 11, 30, tzinfo=UTC)

    def test_a_zone_that_there_is_not_is_utc(self, house, told):
        told()
        Person.objects.update(time_zone="Mars/Olympus")
        remind_by(house.customer, quiet=(time(12), time(13)))
        with later(7 * DAY):
            assert remind_due() == 0
        with later(7 * DAY + HOUR):
            assert remind_due() == 1


class TestWork:
    def test_a_chunk_takes_as_many_statements_for_many_as_for_few(self, course, mail, unaudited):
        counted = []
        for size in (5, 50):
            house = make_house(limit_cents=500_000_000, deposit_cents=500_000_000)
            assigned(house.budget, [f"of{size}n{number}@example.org" for number in range(size)])
            drain()
            remind_by(house.customer)
            remind_due()
            with later(7 * DAY):
                counted.append(statements(remind_due))
            services.switch_off(house.customer.pk, actor=CONSOLE)
        assert counted[0] == counted[1] <= 26

    def test_an_idle_tick_asks_three_questions_whatever_has_been(self, house, told):
        told(5)
        remind_by(house.customer)
        with later(HOUR):
            remind_due()
            assert statements(remind_due) == 3

    def test_what_is_due_is_found_by_its_index(self, told):
        house = make_house(deposit_cents=5_000_000, limit_cents=5_000_000)
        told(300, house.budget)
        remind_by(house.customer)
        remind_due()  # looks at everybody, and notes when to look again
        rows = LearnerContentAssignment.objects.filter(
            assignment_configuration__in=[house.budget.assignment_configuration_id], state="allocated",
            next_reminder_at__lte=clock.now(),
        ).order_by()  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE content_assignments_learnercontentassignment")
        assert "bursar_due_to_remind" in rows.values_list("learner_email_key").explain()

    def test_small_chunks_do_the_same_as_large_ones(self, house, told, configure):
        rows = told(7)
        remind_by(house.customer)
        configure(chunk_size=2)
        with later(7 * DAY):
            assert remind_due() == 7
        assert {len(slots(row)) for row in rows} == {1}

    def test_a_kill_between_chunks_leaves_the_rest_to_the_next_tick(self, house, told, configure):
        rows = told(5)
        remind_by(house.customer)
        configure(chunk_size=2)

        def die(_):
            raise Died

        with later(7 * DAY):
            with pytest.raises(Died):
                remind_due(progress=die)
            assert 0 < len(reminders()) < 5
            remind_due()
            assert len(reminders()) == len(keys(rows))
