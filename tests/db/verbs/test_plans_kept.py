"""A plan that is kept is done exactly as it says, or not at all; its people are forgotten as soon as it is over."""

from datetime import timedelta
from io import BytesIO

import pytest
from tests.db.verbs.steps import DAY, HOUR, accept, allocate, assigned, books, fresh, in_state, later, request_for, tick

from bursar.assignments import flows, results, services
from bursar.assignments.models import AllocationBatch, AllocationPlan, LearnerContentAssignment, PlanPart
from bursar.assignments.services import cancel_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import BadInput, NotFound, Refused
from bursar.people.files import read_people
from bursar.people.models import Person
from bursar.testing.factories import make_house, make_member, reload

FILE = b"""email,name
new@example.org,New
not an address,
NEW@example.org,
gone@example.org,
here@example.org,
"""


def people(text=FILE):
    return read_people(BytesIO(text))


@pytest.fixture
def planned(house, course):
    """Return a plan for somebody new, a refused row, a twin, somebody cancelled and somebody allocated."""
    gone, _ = assigned(house.budget, ["gone@example.org", "here@example.org"])
    cancel_many([gone.pk], actor=CONSOLE)
    return flows.make_plan(request_for(house.budget), people(), actor=CONSOLE)


def apply(plan, **how):
    return flows.apply_plan(plan.pk, digest=how.pop("digest", plan.digest), actor=how.pop("actor", CONSOLE), **how)


def code_of(plan, **how):
    before = books_of_all()
    with pytest.raises(Refused) as caught:
        apply(plan, **how)
    assert books_of_all() == before
    return caught.value.code


def books_of_all():
    return list(LearnerContentAssignment.objects.order_by("pk").values_list("pk", "state", "cycle"))


def outcomes(rows):
    return [(row["line"], row["outcome"], row["cost_cents"]) for row in rows]


class TestMaking:
    def test_every_row_is_told_what_would_happen_and_what_it_costs(self, planned):
        assert outcomes(item.row for item in services.placed_rows(planned)) == [
            (2, "created", 4900), (3, "refused", 0), (4, "twin", 0), (5, "updated", 4900), (6, "unchanged", 0),
        ]  # fmt: skip
        assert (planned.people, planned.charged_cents, planned.available_cents) == (3, 9800, 500_000 - 4900)
        assert planned.refusal is None

    def test_nothing_but_the_plan_is_written(self, house, course):
        held = books(house.budget)
        flows.make_plan(request_for(house.budget), people(), actor=CONSOLE)
        assert (books(house.budget), LearnerContentAssignment.objects.count()) == (held, 0)
        assert Person.objects.count() == 0

    def test_too_little_money_is_said_and_does_not_stop_the_plan(self, course):
        house = make_house(limit_cents=4900)
        plan = flows.make_plan(request_for(house.budget), people(), actor=CONSOLE)
        assert plan.refusal["code"] == "policy_spend_limit_reached"
        assert code_of(plan) == "policy_spend_limit_reached"

    def test_somebody_of_another_customer_finds_none(self, planned):
        with pytest.raises(NotFound):
            apply(planned, actor=make_member(make_house().customer))


@pytest.mark.parametrize("limits", [{}, {"inline_limit": 1, "chunk_size": 1}], ids=["at once", "by chunks"])
class TestApplying:
    @pytest.fixture(autouse=True)
    def _limits(self, configure, limits):
        configure(**limits)

    def test_does_exactly_what_was_planned(self, house, planned):
        batch = apply(planned)
        tick()
        row = AllocationBatch.objects.get(pk=batch)
        assert (row.state, row.created_count, row.updated_count, row.unchanged_count) == ("done", 1, 1, 1)
        assert (row.twin_count, row.rejected_count, row.charged_cents) == (1, 1, planned.charged_cents)
        found = sorted(results.results(batch), key=lambda item: item.line)
        assert [(item.line, item.outcome) for item in found] == [
            (2, "created"), (3, "refused"), (4, "twin"), (5, "updated"), (6, "unchanged"),
        ]  # fmt: skip
        assert Person.objects.get(email="new@example.org").name == "New"

    def test_is_done_once(self, planned):
        apply(planned)
        assert code_of(planned) == "plan_used"

    def test_forgets_its_people_in_the_same_commit(self, planned):
        apply(planned)
        assert set(PlanPart.objects.values_list("rows", flat=True)) == {None}

    def test_is_refused_when_somebody_has_changed(self, house, planned):
        allocate(house.budget, ["new@example.org"])
        with pytest.raises(Refused) as caught:
            apply(planned)
        assert caught.value.code == "plan_changed"
        assert caught.value.facts["rows"] == [{"line": 2, "planned": "create", "now": "unchanged"}]

    def test_is_refused_when_the_price_has_moved(self, course, planned):
        course.price_cents = 5000
        course.save()
        with pytest.raises(Refused) as caught:
            apply(planned)
        assert caught.value.code == "plan_changed"
        assert caught.value.facts["terms"] == {"price_cents": {"planned": 4900, "now": 5000}}

    def test_is_refused_when_the_money_is_gone(self, house, planned):
        allocate(house.budget, 100)
        assert code_of(planned) == "policy_spend_limit_reached"

    def test_is_refused_by_another_digest(self, planned):
        with pytest.raises(BadInput) as caught:
            apply(planned, digest="0" * 64)
        assert caught.value.code == "wrong_digest"

    def test_is_refused_once_its_time_is_over(self, planned):
        with later(25 * HOUR):
            assert code_of(planned) == "plan_lapsed"


def test_whoever_changes_while_a_large_plan_is_filled_is_left_out_by_name(house, course, configure):
    configure(inline_limit=1, chunk_size=1)
    (gone,) = in_state("cancelled", house.budget, ["gone@example.org"])
    batch = apply(flows.make_plan(request_for(house.budget), people(), actor=CONSOLE))
    flows.allocate(request_for(house.budget), people(b"email\ngone@example.org\n").people, actor=CONSOLE)
    accept([gone])
    tick()
    refused = [(item.line, item.code) for item in results.results(batch) if item.outcome == "refused"]
    assert sorted(refused) == [(3, "invalid_address"), (5, "plan_changed")]
    assert reload(house.budget).held_cents == 2 * 4900
    assert fresh(gone).state == "accepted"


class TestForgetting:
    def test_a_plan_whose_time_is_over_is_emptied_by_the_tick(self, planned):
        with clock.at(planned.lapses_at):
            tick()
        assert AllocationPlan.objects.get().state == "lapsed"
        assert set(PlanPart.objects.values_list("rows", flat=True)) == {None}

    def test_a_plan_ends_when_somebody_of_the_customer_is_erased(self, planned):
        flows.erase_person(Person.objects.get(email="here@example.org"), actor=CONSOLE)
        assert AllocationPlan.objects.get().state == "withdrawn"
        assert set(PlanPart.objects.values_list("rows", flat=True)) == {None}
        assert code_of(planned) == "plan_lapsed"

    def test_another_customers_plan_stays(self, planned):
        other = make_house()
        allocate(other.budget, ["here@example.org"])
        person = Person.objects.get(customer=other.customer)
        flows.erase_person(person, actor=CONSOLE)
        assert AllocationPlan.objects.get().state == "open"

    def test_the_empty_plan_goes_after_as_long_as_messages_are_kept(self, planned):
        with clock.at(planned.lapses_at):
            services.lapse_plans()
        with later(401 * DAY + timedelta(days=1)):
            tick()
        assert not AllocationPlan.objects.exists()


def test_a_batch_left_to_a_worker_does_not_wait_for_a_lease(house, course, configure):
    configure(inline_limit=2, chunk_size=2)
    found = people(b"email\n" + b"".join(b"p%d@example.org\n" % number for number in range(5)))
    batch = flows.allocate_file(request_for(house.budget), found, actor=CONSOLE)
    assert results.progress_of(AllocationBatch.objects.get(pk=batch)) == results.Progress(0, 5)
    tick()
    row = AllocationBatch.objects.get(pk=batch)
    assert (row.state, results.progress_of(row)) == ("done", results.Progress(5, 5))
