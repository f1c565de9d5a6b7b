"""Digests for admins and managers: in the customer's morning, once, with the figures of then, and quiet without news."""

from datetime import UTC, datetime

import pytest
from tests.db.verbs.steps import (
    DAY,
    HOUR,
    MINUTE,
    accepted,
    allocate,
    assigned,
    everything,
    in_state,
    keys,
    later,
    nothing_written,
    tick,
)

from bursar.assignments import flows
from bursar.assignments.models import Notice, NoticePolicy
from bursar.assignments.services import cancel_many, set_notice_policy
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.backends import backend
from bursar.kernel.errors import BadInput, NotFound
from bursar.outbox.models import Message
from bursar.outbox.worker import drain
from bursar.people.keys import key_of
from bursar.people.models import Customer, Person
from bursar.people.suppression import unsubscribe
from bursar.testing.factories import make_budget, make_fund, make_house, make_member, make_person, make_user

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)  # the day after the tests' noon
BOSS = "boss@acme.example"
LEAD = "lead@acme.example"


@pytest.fixture
def house():
    """Return a customer with an admin that the sweep has met."""
    house = make_house()
    make_member(house.customer, user=make_user(BOSS))
    flows.digest_due()
    return house


def at(moment):
    """Queue what is due at that moment and hand it over; returns how many were queued."""
    with clock.at(moment):
        queued = flows.digest_due()
        drain()
    return queued


def to(address, mail):
    return [one for one in mail.sent if one.to == address]


def team(*names, manager=LEAD):
    """Return rows of people with one manager."""
    return [
        make_person(f"{name}@example.org", line=line, name=name.title(), manager_email=manager)
        for line, name in enumerate(names, start=1)
    ]


class TestWhen:
    def test_on_monday_at_eight_and_not_a_minute_before(self, house, course, mail):
        assigned(house.budget)
        assert at(MONDAY - MINUTE) == 0
        assert at(MONDAY) == 1
        assert len(to(BOSS, mail)) == 1

    def test_in_the_zone_of_the_customer(self, course, mail):
        house = make_house(time_zone="America/New_York", contact_email=BOSS)
        assigned(house.budget)
        flows.digest_due()
        assert at(MONDAY + 4 * HOUR) == 0
        assert at(MONDAY + 5 * HOUR) == 1

    def test_once_a_week_however_often_it_is_looked(self, house, course, mail):
        assigned(house.budget)
        for span in (0 * DAY, HOUR, DAY, 6 * DAY):
            at(MONDAY + span)
        assert len(to(BOSS, mail)) == 1
        at(MONDAY + 7 * DAY)
        assert len(to(BOSS, mail)) == 2

    def test_a_month_of_outage_ends_in_one(self, house, course, mail):
        assigned(house.budget)
        assert at(MONDAY + 30 * DAY) == 1
        assert at(MONDAY + 30 * DAY + HOUR) == 0
        assert len(to(BOSS, mail)) == 1
        assert Notice.objects.get().slot == "weekly:2026-12-21"

    def test_daily_after_a_week_of_outage_is_one_and_not_seven(self, house, course, mail):
        set_notice_policy(house.customer.pk, admin_digest="daily")
        assigned(house.budget)
        assert at(MONDAY + 7 * DAY) == 1
        assert at(MONDAY + 8 * DAY) == 1
        assert len(to(BOSS, mail)) == 2

    def test_a_new_customer_waits_for_its_first_monday(self, course, mail):
        house = make_house(contact_email=BOSS)
        assigned(house.budget)
        assert at(MONDAY + 2 * DAY) == 0
        assert at(MONDAY + 7 * DAY) == 1

    def test_switched_off_it_is_off_and_switched_on_it_waits_for_its_time(self, house, course, mail):
        assigned(house.budget)
        set_notice_policy(house.customer.pk, admin_digest="off")
        assert at(MONDAY) == 0
        with later(3 * DAY):
            set_notice_policy(house.customer.pk, admin_digest="weekly")
            assert flows.digest_due() == 0
        assert at(MONDAY + 7 * DAY) == 1

    def test_the_tick_does_it(self, house, course, mail):
        assigned(house.budget)
        with clock.at(MONDAY):
            assert tick().digests == 1
        assert len(to(BOSS, mail)) == 1

    def test_nothing_is_written_while_none_is_due(self, house, course):
        assigned(house.budget)
        with later(HOUR), nothing_written():
            flows.digest_due()

    def test_how_often_must_be_known_and_the_customer_too(self, house):
        with pytest.raises(BadInput):
            set_notice_policy(house.customer.pk, admin_digest="hourly")
        with pytest.raises(NotFound):
            set_notice_policy(house.fund.pk, admin_digest="daily")

    def test_a_policy_is_made_when_a_customer_is_first_met(self, house):
        policy = NoticePolicy.objects.get(pk=house.customer.pk)
        assert (policy.admin_digest, policy.admin_due_at) == ("weekly", MONDAY)
        assert (policy.manager_digest, policy.manager_due_at) == ("off", None)


class TestWhat:
    def test_who_did_not_accept_what_ends_soon_what_comes_back_and_how_money_stands(self, house, course, mail):
        allocate(house.budget, [make_person("ana@example.org", name="Ana Secret")])
        assigned(house.budget, ["bo@example.org"])
        accepted(house.budget, ["done@example.org"])
        drain()
        set_notice_policy(house.customer.pk, admin_digest="daily")
        with later(80 * DAY):
            assigned(house.budget, ["new@example.org"])
        at(MONDAY + 80 * DAY)
        (one,) = to(BOSS, mail)
        assert one.subject == "Acme: 3 assignments wait to be accepted"
        assert "- Ana Secret: Course DemoX+D101 (49.00 USD), until 20 February 2027" in one.text
        assert "bo@example.org" in one.text
        assert "done@example.org" not in one.text
        assert "2 of them expire within 14 days." in one.text
        assert "98.00 USD would then come back to the budget." in one.text
        assert "Limit: 5000.00 USD" in one.text
        assert "Promised to open assignments: 147.00 USD" in one.text
        assert "Spent: 49.00 USD" in one.text
        assert "Ana Secret" in one.html

    def test_mails_that_failed_are_named(self, house, course, mail):
        assigned(house.budget, ["ok@example.org", "gone@example.org"])
        mail.script("gone@example.org", "reject")
        drain()
        at(MONDAY)
        (one,) = to(BOSS, mail)
        assert "1 assignment needs a look" in one.text
        assert one.text.count("gone@example.org") == 2

    def test_twenty_are_named_and_the_rest_counted(self, house, course, mail):
        assigned(house.budget, 25)
        at(MONDAY)
        (one,) = to(BOSS, mail)
        assert one.text.count("@example.org") == 20
        assert "and 5 more" in one.text

    def test_without_anything_open_nothing_is_sent(self, house, course, mail):
        accepted(house.budget, 2)
        assert at(MONDAY) == 0
        assert not Notice.objects.exists()
        assigned(house.budget, ["new@example.org"])
        assert at(MONDAY + DAY) == 0, "its time was on Monday"

    def test_when_everything_was_done_before_it_left_it_is_dropped(self, house, course, mail):
        rows = assigned(house.budget)
        with clock.at(MONDAY):
            flows.digest_due()
            cancel_many(keys(rows), actor=CONSOLE)
            drain()
        assert to(BOSS, mail) == []
        assert Message.objects.get(topic="notice").reason == "nothing to say any more"

    def test_another_customers_people_are_in_no_digest(self, house, course, mail):
        assigned(house.budget, ["mine@example.org"])
        assigned(make_house(name="Other").budget, ["theirs@example.org"])
        at(MONDAY)
        (one,) = to(BOSS, mail)
        assert "mine@example.org" in one.text
        assert "theirs@example.org" not in one.text

    def test_every_budget_in_its_own_currency(self, house, course, mail):
        make_budget(make_fund(house.customer, currency="EUR"), display_name="Euros")
        assigned(house.budget)
        at(MONDAY)
        (one,) = to(BOSS, mail)
        assert "Euros\n    Limit: 5000.00 EUR" in one.text

    def test_an_inactive_customer_hears_nothing_and_goes_on_later(self, house, course, mail):
        assigned(house.budget)
        Customer.objects.update(active=False)
        assert at(MONDAY) == 0
        Customer.objects.update(active=True)
        assert at(MONDAY + 7 * DAY) == 1

    def test_its_cost_does_not_grow_with_the_assignments(self, house, course, django_assert_max_num_queries):
        assigned(house.budget, 30)
        with django_assert_max_num_queries(12):
            flows.preview_admin_digest(house.customer)

    def test_who_has_unsubscribed_gets_none(self, house, course, mail):
        assigned(house.budget)
        unsubscribe(house.customer.pk, key_of(BOSS))
        at(MONDAY)
        assert to(BOSS, mail) == []

    def test_unlike_a_warning_it_can_be_unsubscribed_from(self, house, course, configure):
        configure(base_url="https://learn.example.org", unsubscribe_url="{base_url}/unsubscribe/{token}")
        assigned(house.budget)
        at(MONDAY)
        headers = to(BOSS, backend("mail_port"))[0].headers
        assert headers["Auto-Submitted"] == "auto-generated"
        assert headers["List-Unsubscribe"].startswith("<https://learn.example.org/unsubscribe/")
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_when_nobody_is_waited_for_the_subject_says_what_went_wrong(self, house, course, mail):
        in_state("errored", house.budget)
        at(MONDAY)
        assert [one.subject for one in to(BOSS, mail)] == ["Acme: 1 assignment needs a look"]


class TestManagers:
    @pytest.fixture
    def on(self, house):
        set_notice_policy(house.customer.pk, admin_digest="off", manager_digest="weekly")

    def test_off_unless_switched_on(self, house, course, mail):
        allocate(house.budget, team("ana"))
        at(MONDAY)
        assert to(LEAD, mail) == []

    def test_each_hears_of_their_own_people_however_the_address_is_spelled(self, house, on, course, mail):
        allocate(house.budget, [*team("ana"), *team("bo", manager="LEAD@Acme.Example")])
        allocate(house.budget, team("cy", manager="other@acme.example"))
        assert at(MONDAY) == 2
        ours, theirs = (
            [one for one in mail.sent if one.to.lower() == address] for address in (LEAD, "other@acme.example")
        )
        assert [len(ours), len(theirs)] == [1, 1]
        assert ours[0].subject == "Your people: 2 courses wait to be accepted"
        assert all(name in ours[0].text for name in ("Ana", "Bo"))
        assert "Cy" not in ours[0].text
        assert "Cy" in theirs[0].text

    def test_money_is_named_only_where_learners_see_prices(self, house, on, course, mail):
        allocate(house.budget, team("ana"))
        with clock.at(MONDAY - MINUTE):
            assert "USD" not in flows.preview_manager_digest(house.customer, LEAD).text
        Customer.objects.update(show_price=True)
        at(MONDAY)
        assert "49.00 USD" in to(LEAD, mail)[0].text

    def test_people_of_the_same_manager_at_another_customer_are_not_in_it(self, house, on, course, mail):
        allocate(house.budget, team("ana"))
        allocate(make_house(name="Other").budget, team("bo"))
        at(MONDAY)
        assert "Bo" not in to(LEAD, mail)[0].text

    def test_who_has_accepted_is_not_in_it_and_nobody_left_is_no_mail(self, house, on, course, mail):
        accepted(house.budget, team("ana"))
        assert Person.objects.get().manager_email == LEAD
        assert at(MONDAY) == 0

    def test_somebody_whose_manager_changed_is_not_shown_to_the_old_one(self, house, on, course, mail):
        allocate(house.budget, team("ana", "bo"))
        with clock.at(MONDAY):
            flows.digest_due()
            first = Person.objects.order_by("uuid").first()
            Person.objects.exclude(pk=first.pk).update(manager_email="new@acme.example")
            drain()
        (one,) = to(LEAD, mail)
        assert first.name in one.text
        assert one.subject.startswith("Your people: 1 course waits")

    def test_where_nobody_is_known_any_more_it_is_dropped(self, house, on, course, mail):
        allocate(house.budget, team("ana"))
        with clock.at(MONDAY):
            flows.digest_due()
            Person.objects.update(manager_email="")
            drain()
        assert to(LEAD, mail) == []
        assert Message.objects.get(topic="notice").reason == "no manager is known any more"

    def test_nothing_personal_is_stored(self, house, on, course, mail):
        allocate(house.budget, team("ana"))
        at(MONDAY)
        kept = everything()
        stored = str([kept[f"content_assignments_{name}"] for name in ("notice", "noticepolicy")])
        assert str(house.customer.pk.hex) in stored.replace("-", "")
        assert "@" not in stored
        assert "@" not in str(kept["bursar_outbox_message"])

    def test_a_manager_who_is_erased_is_nobodys_manager_any_more(self, house, course, mail):
        set_notice_policy(house.customer.pk, manager_digest="weekly")
        allocate(house.budget, [*team("ann", manager=LEAD.upper()), make_person(LEAD, line=2)])
        flows.erase_person(Person.objects.get(address_key=key_of(LEAD)), actor=CONSOLE)
        assert LEAD not in str(everything()).lower()
        at(MONDAY)
        assert to(LEAD, mail) == []


class TestCopies:
    def test_they_are_forgotten_after_a_week(self, house, course, mail):
        assigned(house.budget)
        at(MONDAY)
        with clock.at(MONDAY + 7 * DAY - MINUTE):
            tick()
            assert len(to(BOSS, mail)) == 1
        set_notice_policy(house.customer.pk, admin_digest="off")
        with clock.at(MONDAY + 7 * DAY):
            tick()
        assert to(BOSS, mail) == []
        assert Notice.objects.get().copies_until is None

    def test_who_is_erased_is_in_no_copy_from_then_on(self, house, course, mail):
        assigned(house.budget, ["ana.secret@example.org"])
        drain()
        at(MONDAY)
        assert "secret" in str(to(BOSS, mail)[0].text)
        flows.erase_person(Person.objects.get(), actor=CONSOLE)
        assert mail.sent == []

    def test_one_erased_while_it_is_written_keeps_it_from_leaving(self, house, course, mail, monkeypatch):
        assigned(house.budget, ["ana.secret@example.org"])
        drain()
        with clock.at(MONDAY):
            flows.digest_due()
            real = flows.notices.post

            def erase_and_post(claims, *, compose, why_unneeded, record):
                def compose_and_erase(claim):
                    written = compose(claim)
                    flows.erase_person(Person.objects.get(), actor=CONSOLE)
                    return written

                return real(claims, compose=compose_and_erase, why_unneeded=why_unneeded, record=record)

            monkeypatch.setattr(flows.notices, "post", erase_and_post)
            drain()
        assert to(BOSS, mail) == []
        assert Message.objects.get(topic="notice").reason == "personal data removed"

    def test_a_notice_whose_week_is_over_does_not_leave_any_more(self, house, course, mail):
        assigned(house.budget)
        with clock.at(MONDAY):
            flows.digest_due()
        with clock.at(MONDAY + 7 * DAY):
            flows.forget_copies()
            drain()
        assert to(BOSS, mail) == []
