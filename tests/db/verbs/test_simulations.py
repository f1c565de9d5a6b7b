"""Foretelling a week of reminders: the ticks of that week do exactly what was foretold, and foretelling writes nothing."""

import random
from datetime import time

import pytest
from tests.db.verbs.reminding import remind_by, second_budget
from tests.db.verbs.steps import DAY, HOUR, allocate, assigned, keys, later, nothing_written, statements, tick

from bursar.assignments import services
from bursar.assignments.flows.forecasts import forecast
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.reminders import Hold
from bursar.assignments.services import PolicyChange, draft_policy, policy_of
from bursar.assignments.simulations import NOT_TOLD, audience_of, foretell
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, Actor
from bursar.kernel.errors import NotFound
from bursar.outbox.models import Message
from bursar.outbox.worker import drain
from bursar.people.models import Person, StopReason
from bursar.people.suppression import suppress_mail, unsubscribe
from bursar.testing.factories import make_course, make_house, make_person, make_run

POLICY = {"after_days": [7], "before_days": [], "quiet": None, "per_week": 7}
QUIET = (time(20), time(8))


@pytest.fixture
def told(house, course):
    """Return a function that assigns and lets the invitations go out."""

    def assign(people=1, budget=None, content=course.key):
        rows = assigned(budget or house.budget, people, content)
        drain()
        return rows

    return assign


def foresee(house, **change):
    """Foretell what the policy that is kept would do, or one with changes."""
    if change:
        return forecast(draft_policy(house.customer.pk, PolicyChange(**(POLICY | change))), actor=CONSOLE)
    return forecast(policy_of(house.customer.pk), actor=CONSOLE)


def told_by(found):
    return sorted((mail.at, mail.email, mail.is_digest, mail.why_not is None) for mail in found.mails)


def live(found):
    """Let ticks run through the span, at every foretold moment and every few hours, and return what they did."""
    marks = {found.begin + hours * HOUR for hours in range(0, 7 * 24, 5)} | {mail.at for mail in found.mails}
    before = set(Message.objects.values_list("pk", flat=True))
    emails = dict(LearnerContentAssignment.objects.values_list("pk", "learner_email"))
    emails |= dict(Person.objects.values_list("pk", "email"))
    for moment in sorted(marks):
        with clock.at(moment):
            tick()
    done = Message.objects.exclude(pk__in=before).filter(kind__in=("reminded", "digest"))
    return sorted((row.created, emails[row.subject_uuid], row.kind == "digest", row.state == "sent") for row in done)


class TestExactlyThat:
    def test_what_is_foretold_of_a_kept_policy_happens(self, house, told):
        remind_by(house.customer, after_days=[3, 5], quiet=QUIET)
        told(["a@example.org", "b@example.org"])
        tick()
        with nothing_written():
            found = foresee(house)
        assert [mail.email for mail in found.mails] == ["a@example.org", "b@example.org"] * 2
        assert live(found) == told_by(found)

    def test_rules_that_were_just_kept_are_foretold_with_what_they_catch_up(self, house, told):
        told(3)
        with later(10 * DAY):
            remind_by(house.customer, after_days=[7, 12], per_week=1)
            found = foresee(house)
            assert len(found.mails) == 3
            assert live(found) == told_by(found)

    def test_a_draft_is_foretold_as_it_happens_once_it_is_kept(self, house, told):
        told(2)
        with later(5 * DAY):
            with nothing_written():
                found = foresee(house, after_days=[7, 9], working_days_only=True)
            services.set_policy(
                house.customer.pk, PolicyChange(**POLICY | {"after_days": [7, 9], "working_days_only": True}),
                actor=CONSOLE,
            )  # fmt: skip
            assert found.mails
            assert live(found) == told_by(found)

    @pytest.mark.parametrize("digest", [True, False])
    @pytest.mark.parametrize("per_week", [1, 2, 7])
    def test_several_courses_of_one_person_are_foretold_under_a_cap(self, house, told, digest, per_week):
        remind_by(house.customer, after_days=[2, 4, 6], digest=digest, per_week=per_week)
        other = make_course("DemoX+D2", title="Another")
        told(["a@example.org"])
        with later(DAY):
            told(["a@example.org", "b@example.org"], second_budget(house), other.key)
            tick()
            found = foresee(house)
            assert found.mails
            assert live(found) == told_by(found)

    def test_zones_quiet_hours_and_weekends_are_those_of_the_person(self, house, told):
        remind_by(house.customer, after_days=[1, 3, 5], quiet=QUIET, working_days_only=True)
        zones = {"a": "Pacific/Auckland", "b": "America/Los_Angeles", "c": "Europe/Berlin"}
        told([make_person(f"{name}@example.org", time_zone=zone) for name, zone in zones.items()])
        tick()
        found = foresee(house)
        assert len({mail.at for mail in found.mails}) > 3
        assert live(found) == told_by(found)

    def test_reminders_that_an_admin_has_asked_for_count(self, house, told):
        remind_by(house.customer, after_days=[2], per_week=1)
        rows = told(2)
        tick()
        services.remind_many(keys(rows)[:1], actor=CONSOLE)
        found = foresee(house)
        assert len(found.mails) == 1
        assert live(found) == told_by(found)

    def test_a_course_that_lets_nobody_in_any_more_is_foretold_as_not_sent(self, house):
        course = make_course("DemoX+D3")
        make_run(course, "course-v1:DemoX+D3+R1", enroll_by=clock.now() + 5 * DAY)
        remind_by(house.customer, after_days=[2, 6])
        rows = assigned(house.budget, 1, course.key)
        services.extend_many(keys(rows), until=clock.now() + 30 * DAY, why="", actor=CONSOLE)
        drain()
        tick()
        found = foresee(house)
        assert [mail.why_not for mail in found.mails] == [None, "enrollment in the course has closed"]
        assert live(found) == told_by(found)

    def test_whose_deadline_passes_first_is_not_reminded(self, house, told):
        remind_by(house.customer, after_days=[2, 4])
        rows = told(2)
        services.extend_many(keys(rows)[:1], until=clock.now() + 3 * DAY, why="", actor=CONSOLE)
        tick()
        found = foresee(house)
        assert len(found.mails) == 3
        assert live(found) == told_by(found)

    def test_an_invitation_that_is_about_to_leave_counts_as_told(self, house, course):
        remind_by(house.customer, after_days=[2])
        allocate(house.budget, 1)
        found = foresee(house)
        assert len(found.mails) == 1
        assert live(found) == told_by(found)


SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_has_been_before_the_week_that_is_foretold_happens(house, course, seed):
    chance = random.Random(seed)
    remind_by(
        house.customer,
        after_days=sorted(chance.sample(range(1, 14), chance.randint(1, 5))),
        before_days=chance.sample(range(1, 9), chance.randint(0, 3)),
        quiet=chance.choice([None, QUIET, (time(9), time(17))]),
        per_week=chance.randint(1, 4),
        working_days_only=chance.random() < 0.5,
        digest=chance.random() < 0.5,
    )
    budgets, zones = [house.budget, second_budget(house)], ["Asia/Kolkata", "Pacific/Auckland", "America/New_York"]
    contents = [course.key, make_course("DemoX+D2").key, make_course("DemoX+D3").key]
    begin = clock.now()
    for day in range(chance.randint(2, 9)):
        with clock.at(begin + day * DAY + chance.randint(0, 23) * HOUR):
            people = [make_person(f"p{one}@example.org", time_zone=zones[one]) for one in chance.sample(range(3), 2)]
            rows = assigned(chance.choice(budgets), people, chance.choice(contents))
            if chance.random() < 0.4:
                until = clock.now() + chance.randint(2, 12) * DAY
                services.extend_many(keys(rows)[:1], until=until, why="", actor=CONSOLE)
            if chance.random() < 0.3:
                services.remind_many(keys(rows)[1:], actor=CONSOLE)
            tick()
    with clock.at(begin + 9 * DAY + chance.randint(0, 23) * HOUR):
        tick()
        found = foresee(house)
        assert found.mails or found.held or found.people < 3
        assert live(found) == told_by(found)


class TestWhy:
    def test_a_mail_says_which_steps_it_takes(self, house, told):
        found_rows = told(1)
        found = foresee(house, after_days=[3])
        (about,) = found.mails[0].about
        assert (about.assignment, about.step.code) == (found_rows[0].pk, "after:3")

    def test_it_says_what_held_it_back(self, house, told):
        told(1)
        found = foresee(house, after_days=[1], quiet=(time(11), time(13)))
        assert [mail.holds for mail in found.mails] == [(Hold.QUIET_HOURS,)]
        found = foresee(house, after_days=[6], working_days_only=True)
        assert [held.holds for held in found.held] == [(Hold.WEEKEND,)]

    def test_what_the_cap_leaves_for_later_is_named_with_its_day(self, house, told):
        told(["a@example.org"])
        found = foresee(house, after_days=[2, 5], per_week=1)
        assert [mail.about[0].step.code for mail in found.mails] == ["after:2"]
        (held,) = found.held
        assert (held.about.step.code, held.holds, held.until) == ("after:5", (Hold.CAP,), found.mails[0].at + 7 * DAY)

    def test_who_gets_no_mail_is_named_with_the_reason(self, house, told):
        told(["a@example.org", "b@example.org", "c@example.org"])
        persons = {person.email: person for person in Person.objects.all()}
        unsubscribe(house.customer.pk, persons["a@example.org"].address_key)
        suppress_mail([persons["b@example.org"].address_key], StopReason.SUPPRESSED)
        found = foresee(house, after_days=[2])
        assert [mail.email for mail in found.mails] == ["c@example.org"]
        assert [held.about.email for held in found.held] == ["a@example.org", "b@example.org"]
        assert all(held.why and held.until is None for held in found.held)

    def test_who_has_not_been_told_yet_is_named(self, house, course):
        (row,) = assigned(house.budget, 1)
        Message.objects.filter(subject_uuid=row.pk).update(state="failed", settled_at=clock.now())
        found = foresee(house, after_days=[2])
        assert ([held.why for held in found.held], found.mails) == ([NOT_TOLD], [])


class TestBounds:
    def test_a_policy_that_is_off_foretells_nothing(self, house, told):
        told(1)
        found = foresee(house)
        assert (found.mails, found.held, found.people) == ([], [], 0)

    def test_other_customers_are_not_looked_at(self, house, told):
        other = make_house(name="Other", slug="other")
        told(1, other.budget)
        assert foresee(house, after_days=[2]).people == 0

    def test_who_does_not_manage_there_learns_nothing(self, house):
        with pytest.raises(NotFound):
            forecast(policy_of(house.customer.pk), actor=Actor("person", "somebody", 4711))

    def test_it_looks_at_so_many_and_says_that_there_are_more(self, house, told):
        told(4)
        draft = draft_policy(house.customer.pk, PolicyChange(**POLICY | {"after_days": [2]}))
        found = foretell(audience_of(draft, begin=clock.now(), most=3))
        assert (found.people, len(found.mails), found.complete) == (3, 3, False)
        assert foretell(audience_of(draft, begin=clock.now(), most=4)).complete

    def test_many_people_take_as_many_statements_as_few(self, house, told):
        told(2)
        few = statements(foresee, house, after_days=[2])
        told([f"more{number}@example.org" for number in range(30)])
        assert statements(foresee, house, after_days=[2]) == few
