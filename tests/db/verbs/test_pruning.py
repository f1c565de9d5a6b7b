"""What only says that something was told goes once it cannot be told again, and nothing is told again by that."""

import pytest
from tests.db.verbs.reminding import remind_by, remind_due, slots
from tests.db.verbs.steps import DAY, allocate, assigned, later

from bursar.assignments import flows, jobs
from bursar.assignments.models import Notice, ReminderStep
from bursar.assignments.services import cancel_many, prune_told
from bursar.budgets.services import retire, set_fund_end
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.outbox.models import Pulse
from bursar.outbox.worker import drain
from bursar.testing.factories import make_house
from bursar.webhooks.models import Endpoint
from bursar.webhooks.services import FAILING, add_endpoint, enable_endpoint

PRICE = 4900
BOSS = "boss@acme.example"


@pytest.fixture(autouse=True)
def _kept(configure):
    configure(keep_messages=10 * DAY, chunk_size=2)


def told():
    return sorted(Notice.objects.values_list("kind", flat=True))


def after(span):
    """Do what is daily, that long from now; returns how many of what was told went."""
    with later(span):
        flows.forget_copies()
        return prune_told()


class TestSteps:
    @pytest.fixture
    def reminded(self, house, course, mail):
        rows = assigned(house.budget, 3)
        drain()
        remind_by(house.customer)
        with later(8 * DAY):
            remind_due()
        return rows

    def test_those_of_somebody_who_still_waits_are_kept_and_nobody_is_reminded_again(self, reminded):
        assert after(60 * DAY) == 0
        with later(60 * DAY):
            assert remind_due() == 0
        assert [len(slots(row)) for row in reminded] == [1, 1, 1]

    def test_those_of_ended_assignments_go_when_they_are_old(self, reminded):
        cancel_many([row.pk for row in reminded], actor=CONSOLE)
        assert after(18 * DAY) == 0
        assert after(19 * DAY) == 3

    def test_those_of_an_earlier_cycle_go_and_the_new_one_is_reminded_once(self, house, reminded):
        cancel_many([row.pk for row in reminded], actor=CONSOLE)
        with later(9 * DAY):
            allocate(house.budget, [row.learner_email for row in reminded])
            drain()
        with later(17 * DAY):
            assert remind_due() == 3
        assert after(19 * DAY) == 3
        assert set(ReminderStep.objects.values_list("cycle", flat=True)) == {2}
        with later(19 * DAY):
            assert remind_due() == 0


class TestNotices:
    @pytest.fixture
    def house(self):
        return make_house(limit_cents=4 * PRICE, contact_email=BOSS)

    def test_a_warning_of_a_budget_stays_as_long_as_the_budget(self, house, course, mail):
        assigned(house.budget, 4)
        flows.warn_due()
        assert after(80 * DAY) == 0
        with later(80 * DAY):
            assert flows.warn_due() == 0
        retire(house.budget.pk)
        assert after(80 * DAY) == 1

    def test_warnings_of_the_end_of_a_fund_stay_until_it_is_long_over(self, house):
        set_fund_end(house.fund.pk, clock.now() + 119 * DAY)
        flows.warn_due()
        for days in (60, 100, 119, 148):
            assert after(days * DAY) == 0
        with later(151 * DAY):
            flows.forget_copies()
            assert (prune_told(), flows.warn_due()) == (1, 0)

    def test_the_end_of_a_webhook_stays_told_until_somebody_switches_it_on(self, house):
        row = add_endpoint(house.customer.pk, "https://hooks.example.org/", actor=CONSOLE).endpoint
        Endpoint.objects.update(disabled_at=clock.now(), disabled_reason=FAILING)
        flows.warn_due()
        assert after(60 * DAY) == 0
        enable_endpoint(row.uuid, actor=CONSOLE)
        assert after(60 * DAY) == 1

    def test_digests_go_when_they_are_old_and_no_copy_of_them_is_kept(self, house, course, mail):
        flows.digest_due()
        assigned(house.budget)
        with later(DAY):
            assert flows.digest_due() == 1
        with later(20 * DAY):
            assert prune_told() == 0, "the copies first, for their file is found by the notice"
        assert after(10 * DAY) == 0
        assert after(12 * DAY) == 1
        with later(DAY):
            assert flows.digest_due() == 0

    def test_the_daily_pruning_does_it(self, house, course, mail):
        assigned(house.budget, 4)
        flows.warn_due()
        retire(house.budget.pk)
        Notice.objects.update(copies_until=None)
        Pulse.objects.all().delete()
        with later(11 * DAY):
            assert jobs.prune_due() == 1
        assert told() == []
