"""Warnings to those who assign: each threshold once, whatever runs twice or not at all, and never to anybody else."""

import pytest
from tests.db.verbs.steps import DAY, HOUR, MINUTE, accepted, assigned, keys, later, nothing_written

from bursar.assignments import flows
from bursar.assignments.models import Notice
from bursar.assignments.services import cancel_many
from bursar.budgets.services import retire, set_fund_end, set_limit
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Message
from bursar.outbox.worker import drain
from bursar.people.models import Customer, Membership, Person, Role
from bursar.people.services import create_customer
from bursar.testing.factories import make_budget, make_fund, make_house, make_member, make_user
from bursar.webhooks.models import Endpoint
from bursar.webhooks.services import FAILING, GONE, add_endpoint, disable_endpoint, enable_endpoint

PRICE = 4900
BOSS = "boss@acme.example"


@pytest.fixture
def house():
    """Return a customer with an admin, and a budget for four courses."""
    house = make_house(limit_cents=4 * PRICE)
    make_member(house.customer, user=make_user(BOSS))
    return house


def warn():
    return flows.warn_due()


def told():
    """Return what was told, oldest first: kind and slot."""
    return list(Notice.objects.order_by("created", "pk").values_list("kind", "slot"))


def mails(mail):
    """Hand over what waits, and return to whom it went and its subject."""
    drain()
    return sorted((one.to, one.subject) for one in mail.sent if one.to.endswith("acme.example"))


class TestBudgets:
    def test_at_three_quarters_its_admins_are_warned_and_below_they_are_not(self, house, course, mail):
        assigned(house.budget, 2)
        assert warn() == 0
        accepted(house.budget, ["third@example.org"])
        assert warn() == 1
        assert mails(mail) == [(BOSS, "75 % of the budget Training is used")]
        text = mail.sent[-1].text
        assert "Limit: 196.00 USD" in text
        assert "Promised to open assignments: 98.00 USD" in text
        assert "Spent: 49.00 USD" in text
        assert "Available: 49.00 USD" in text

    def test_when_all_is_used_they_are_warned_again_and_from_far_below_only_of_that(self, house, course, mail):
        assigned(house.budget, 4)
        assert warn() == 1
        assert told() == [("budget_used", f"100:{4 * PRICE}")]
        assert mails(mail) == [(BOSS, "The budget Training is used up")]

    def test_asking_again_tells_nothing_and_writes_nothing(self, house, course, mail):
        assigned(house.budget, 3)
        warn()
        drain()
        for span in (MINUTE, HOUR, 7 * DAY):
            with later(span), nothing_written():
                assert warn() == 0
        assigned(house.budget, ["fourth@example.org"])
        assert warn() == 1
        assert {slot.partition(":")[0] for _, slot in told()} == {"75", "100"}

    def test_money_that_comes_back_and_goes_again_is_no_news(self, house, course):
        rows = assigned(house.budget, 4)
        warn()
        cancel_many(keys(rows[:1]), actor=CONSOLE)
        assert warn() == 0, "who knows that all was used does not hear of three quarters"
        assigned(house.budget, ["other@example.org"])
        assert warn() == 0

    def test_a_raised_limit_makes_the_threshold_news_again(self, house, course):
        assigned(house.budget, 3)
        assert warn() == 1
        set_limit(house.budget.pk, 8 * PRICE)
        assert warn() == 0
        assigned(house.budget, [f"new{number}@example.org" for number in range(3)])
        assert warn() == 1
        assert {slot for _, slot in told()} == {f"75:{4 * PRICE}", f"75:{8 * PRICE}"}

    def test_a_budget_out_of_use_warns_nobody(self, house, course):
        assigned(house.budget, 4)
        retire(house.budget.pk)
        assert warn() == 0

    def test_a_customer_out_of_use_is_not_warned(self, house, course):
        assigned(house.budget, 4)
        Customer.objects.update(active=False)
        assert warn() == 0

    def test_a_budget_without_a_limit_has_nothing_to_say(self, house):
        make_budget(house.fund, limit_cents=0)
        assert warn() == 0

    def test_what_is_no_longer_so_when_the_mail_would_leave_is_dropped(self, house, course, mail):
        assigned(house.budget, 3)
        warn()
        set_limit(house.budget.pk, 100 * PRICE)
        assert mails(mail) == []
        (row,) = Message.objects.filter(topic="notice")
        assert (row.state, row.reason) == ("dropped", "no longer so, or told by a newer notice")

    def test_what_a_newer_warning_says_is_told_once(self, house, course, mail):
        assigned(house.budget, 3)
        warn()
        assigned(house.budget, ["fourth@example.org"])
        warn()
        assert mails(mail) == [(BOSS, "The budget Training is used up")]

    def test_a_retired_budget_is_not_told_of(self, house, course, mail):
        assigned(house.budget, 3)
        warn()
        retire(house.budget.pk)
        assert mails(mail) == []


class TestFunds:
    @pytest.fixture
    def end(self, house):
        """Let the fund end in two hundred days, and nobody hear of the budget."""
        end = clock.now() + 200 * DAY
        set_fund_end(house.fund.pk, end)
        return end

    @pytest.mark.parametrize("days", [120, 90, 60, 30, 10, 0])
    def test_each_threshold_is_told_at_its_moment_and_once(self, end, mail, days):
        with clock.at(end - days * DAY - MINUTE):
            warn()
            before = len(told())
        with clock.at(end - days * DAY):
            assert warn() == 1
            assert warn() == 0
        assert len(told()) == before + 1
        assert told()[-1][1].endswith(f":{days}")

    def test_the_whole_way_to_the_end_takes_six_mails(self, end, mail):
        moment = clock.now()
        while moment <= end + 40 * DAY:
            with clock.at(moment):
                warn()
                drain()
            moment += DAY
        assert [one.subject for one in mail.sent] == [
            "The fund Fund ends in 120 days", "The fund Fund ends in 90 days", "The fund Fund ends in 60 days",
            "The fund Fund ends in 30 days", "The fund Fund ends in 10 days", "The fund Fund has ended",
        ]  # fmt: skip
        assert "10000.00 USD are left, of which 0.00 USD are promised" in mail.sent[0].text

    def test_after_an_outage_only_the_newest_threshold_is_told(self, end, mail):
        with clock.at(end - 20 * DAY):
            assert warn() == 1
        assert [slot.rpartition(":")[2] for _, slot in told()] == ["30"]

    def test_a_week_of_outage_ends_in_one_mail(self, end, mail):
        with clock.at(end - 31 * DAY):
            warn()
            drain()
        with clock.at(end - 24 * DAY):
            for _ in range(7):
                warn()
                drain()
        assert len(mail.sent) == 2

    def test_an_end_that_moves_is_news(self, end, house):
        with clock.at(end - 20 * DAY):
            warn()
            set_fund_end(house.fund.pk, end + 30 * DAY)
            assert warn() == 1
        assert {slot.rpartition(":")[2] for _, slot in told()} == {"30", "60"}

    def test_an_end_that_moved_before_the_mail_left_is_not_told(self, end, house, mail):
        with clock.at(end - 20 * DAY):
            warn()
            set_fund_end(house.fund.pk, None)
            assert mails(mail) == []

    def test_a_fund_that_ended_long_ago_or_has_no_money_says_nothing(self, house):
        set_fund_end(house.fund.pk, clock.now() + DAY)
        make_fund(house.customer, deposit_cents=0, expires_at=clock.now() + 5 * DAY)
        with later(40 * DAY):
            assert warn() == 0
        assert told() == []


class TestRecipients:
    def test_the_admins_of_another_customer_are_never_told(self, house, course, mail):
        other = make_house()
        make_member(other.customer, user=make_user("other@acme.example"))
        make_member(None, Role.OPERATOR, user=make_user("operator@acme.example"))
        make_member(house.customer, Role.LEARNER, user=make_user("learner@acme.example"))
        assigned(house.budget, 3)
        assert warn() == 1
        assert [to for to, _ in mails(mail)] == [BOSS]

    def test_each_admin_gets_one_and_an_address_that_is_missing_none(self, house, course, mail):
        make_member(house.customer, user=make_user("second@acme.example"))
        silent = make_user("silent@acme.example")
        make_member(house.customer, user=silent)
        silent.email = ""
        silent.save()
        assigned(house.budget, 3)
        assert warn() == 2
        assert [to for to, _ in mails(mail)] == [BOSS, "second@acme.example"]

    def test_without_an_admin_the_contact_is_told(self, course, mail):
        house = make_house(limit_cents=PRICE, contact_email="contact@acme.example")
        assigned(house.budget)
        assert warn() == 1
        assert [to for to, _ in mails(mail)] == ["contact@acme.example"]

    def test_without_either_it_is_noted_and_nobody_is_told(self, course):
        house = make_house(limit_cents=PRICE)
        assigned(house.budget)
        assert warn() == 0
        assert told() == [("budget_used", f"100:{PRICE}")]
        assert not Message.objects.filter(topic="notice").exists()

    def test_who_is_no_admin_any_more_when_it_would_leave_is_not_told(self, house, course, mail):
        assigned(house.budget, 3)
        warn()
        Membership.objects.filter(role="admin").delete()
        assert mails(mail) == []
        assert Message.objects.get(topic="notice").reason == "no longer an admin here"

    def test_a_user_who_was_switched_off_is_not_told(self, course, mail):
        house = make_house(limit_cents=PRICE)
        off = make_user("off@acme.example")
        make_member(house.customer, user=off)
        off.is_active = False
        off.save()
        assigned(house.budget)
        assert warn() == 0

    def test_an_address_to_which_mail_is_stopped_gets_none(self, house, course, mail):
        Person.objects.create(customer=house.customer, email=BOSS, mail_suppressed_at=clock.now())
        assigned(house.budget, 3)
        warn()
        assert mails(mail) == []
        assert Message.objects.get(topic="notice").reason == "mail to this address is suppressed"

    def test_two_customers_with_one_admin_are_two_notices(self, house, course, mail):
        other = make_house(name="Other", limit_cents=PRICE)
        make_member(other.customer, user=Membership.objects.get(customer=house.customer, role="admin").user)
        assigned(house.budget, 4)
        assigned(other.budget)
        assert warn() == 2
        assert [to for to, _ in mails(mail)] == [BOSS, BOSS]


def test_a_warning_that_is_refused_for_good_is_settled_and_tells_no_timeline(house, course, mail):
    assigned(house.budget, 3)
    warn()
    mail.script(BOSS, "reject")
    drain()
    assert Message.objects.get(topic="notice").state == "failed"


def test_headers_say_that_no_human_wrote_it_and_warnings_cannot_be_unsubscribed_from(house, course, mail):
    assigned(house.budget, 3)
    warn()
    drain()
    (one,) = [one for one in mail.sent if one.to == BOSS]
    assert one.headers["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in one.headers
    assert one.reference == Notice.objects.get().pk
    assert "<strong" in one.html


def test_names_that_could_be_markup_are_shown_as_they_are(course, mail):
    customer = create_customer("A & <b>B</b>", slug="markup", contact_email="contact@acme.example")
    budget = make_budget(make_fund(customer), limit_cents=PRICE, display_name="<i>Team</i>")
    assigned(budget)
    warn()
    drain()
    (one,) = [one for one in mail.sent if one.to == "contact@acme.example"]
    assert one.subject == "The budget <i>Team</i> is used up"
    assert "<i>" not in one.html
    assert "&lt;i&gt;Team" in one.html
    assert "A & <b>B</b>" in one.text


def test_an_idle_look_takes_a_fixed_number_of_statements(house, course, django_assert_num_queries):
    for number in range(5):
        make_fund(house.customer, expires_at=clock.now() + 20 * DAY, title=f"Fund {number}")
    assigned(house.budget, 3)
    warn()
    with django_assert_num_queries(5):
        warn()


class TestEndpoints:
    @pytest.fixture
    def endpoint(self, house, settings):
        settings.BURSAR = {**settings.BURSAR, "webhook_allow": ("hooks.acme.example",)}
        return add_endpoint(house.customer.pk, "https://hooks.acme.example/t0ken", types=[], actor=CONSOLE).endpoint

    def disable(self, endpoint, reason=FAILING):
        Endpoint.objects.filter(pk=endpoint.pk).update(disabled_at=clock.now(), disabled_reason=reason)

    def test_one_that_was_given_up_is_told_once_with_its_host_alone_and_how_to_go_on(self, house, endpoint, mail):
        self.disable(endpoint)
        assert (warn(), warn()) == (1, 0)
        assert mails(mail) == [(BOSS, "Webhooks to hooks.acme.example have stopped")]
        assert f"bursar webhooks replay {endpoint.uuid} --from" in mail.sent[-1].text
        assert "t0ken" not in mail.sent[-1].text + mail.sent[-1].html

    def test_one_that_wants_no_more_says_so(self, house, endpoint, mail):
        self.disable(endpoint, GONE)
        warn()
        mails(mail)
        assert "wants no more" in mail.sent[-1].text

    def test_one_that_an_admin_switched_off_is_no_news(self, house, endpoint):
        disable_endpoint(endpoint.uuid, actor=CONSOLE)
        assert warn() == 0

    def test_one_that_is_on_again_before_the_mail_leaves_is_not_told_and_given_up_again_it_is(
        self, house, endpoint, mail
    ):
        self.disable(endpoint)
        warn()
        enable_endpoint(endpoint.uuid, actor=CONSOLE)
        assert mails(mail) == []
        with later(DAY):
            self.disable(endpoint)
            assert warn() == 1
