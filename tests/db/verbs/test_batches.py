"""Allocations too large for one transaction: reserved at once, filled in chunks, settled, reported, and undone."""

from datetime import timedelta

import pytest
from tests.db.verbs.steps import (
    COURSE,
    accept,
    allocate,
    assigned,
    books,
    code_of,
    counts,
    emails,
    fan_out,
    history,
    messages,
    nothing_written,
    refusal_of,
    request_for,
)

from bursar.assignments import flows, services
from bursar.assignments.models import AllocationBatch, AllocationChunk, LearnerContentAssignment
from bursar.assignments.policy import MoneyLeft
from bursar.assignments.results import Undoing, undoing_of
from bursar.assignments.services import batches, cancel_many
from bursar.budgets.models import Fund
from bursar.budgets.services import retire
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.keys import key_of
from bursar.people.models import Profile
from bursar.testing.factories import make_course, make_house, make_member, make_people, make_run, make_user

pytestmark = pytest.mark.usefixtures("small_batches")


def open_batch(budget, people, content=COURSE, *, run=None, actor=CONSOLE):
    """Reserve for people without filling anything; returns the batch and its recipients."""
    rows = make_people(people) if isinstance(people, int) or isinstance(people[0], str) else people
    recipients = flows.allocations.recipients(rows)
    offer = flows.allocations.make_offer(request_for(budget, content, run=run), actor=actor)
    return services.open_batch(offer, recipients, actor=actor), recipients


class TestWhole:
    def test_a_large_call_does_what_a_small_one_does(self, house, course):
        done = allocate(house.budget, 8)
        assert emails(done.created) == [f"learner{number}@example.org" for number in range(1, 9)]
        assert [item.position for item in done.created] == list(range(1, 9))
        assert (done.updated, done.unchanged, done.refused, done.charged_cents) == ([], [], [], 8 * 4900)
        assert books(house.budget) == (8 * 4900, 0, 1_000_000, 8 * 4900)
        assert counts(house.budget) == {("allocated", "notifying"): 8}
        fan_out()
        for item in done.created:
            row = LearnerContentAssignment.objects.get(pk=item.assignment)
            assert (row.learner_email, row.allocation_batch_id) == (item.email, done.batch)
            assert messages(row) == [("assigned", 1, 1, "pending")]

    def test_exactly_the_inline_limit_is_one_transaction(self, house, course):
        allocate(house.budget, 3)
        (chunk,) = AllocationChunk.objects.all()  # only what became of everybody, and nobody's address
        assert (chunk.people, len(chunk.results["created"])) == (None, 3)

    def test_one_more_is_a_batch_of_chunks(self, house, course):
        done = allocate(house.budget, 4)
        chunks = AllocationChunk.objects.filter(batch=done.batch).order_by("position")
        assert [len(chunk.results["created"]) for chunk in chunks] == [3, 1]

    def test_twins_do_not_make_a_call_large(self, house, course):
        people = make_people(["a@example.org", "A@example.org", "b@example.org", "B@example.org"])
        allocate(house.budget, people)
        assert [chunk.people for chunk in AllocationChunk.objects.all()] == [None]

    def test_the_batch_counts_what_it_did(self, house, course):
        assigned(house.budget, ["learner2@example.org"])
        (gone,) = assigned(house.budget, ["learner5@example.org"])
        cancel_many([gone.pk], actor=CONSOLE)
        done = allocate(house.budget, 7)
        batch = AllocationBatch.objects.get(pk=done.batch)
        assert (batch.state, batch.people, batch.hold_cents, batch.charged_cents) == ("done", 7, 0, 6 * 4900)
        assert (batch.created_count, batch.updated_count, batch.unchanged_count, batch.refused_count) == (5, 1, 1, 0)
        assert (emails(done.updated), emails(done.unchanged)) == (["learner5@example.org"], ["learner2@example.org"])

    def test_the_same_large_call_again_charges_nothing(self, house, course):
        allocate(house.budget, 8)
        before = books(house.budget)
        again = allocate(house.budget, 8)
        assert (len(again.unchanged), again.charged_cents, books(house.budget)) == (8, 0, before)

    def test_the_admin_who_asked_is_in_the_records_of_every_chunk(self, house, course):
        admin = make_member(house.customer, lms_user_id=77)
        allocate(house.budget, 8, actor=admin)
        for row in LearnerContentAssignment.objects.all():
            assert row.admin_lms_user_id == 77
            assert history(row) == [("+", "allocated", admin.user_id, "allocated")]

    def test_progress_is_told_chunk_by_chunk(self, house, course):
        told = []
        allocate(house.budget, 8, progress=told.append)
        assert told == [3, 3, 2]

    def test_the_dates_of_the_offer_survive_the_way_through_the_batch(self, house):
        run = make_run(make_course(), "the-run", enroll_by=clock.now() + timedelta(days=9))
        Fund.objects.update(expires_at=clock.now() + timedelta(days=11))
        allocate(house.budget, 4, "the-run")
        for row in LearnerContentAssignment.objects.all():
            assert (row.enroll_by, row.fund_ends_at) == (run.enroll_by, clock.now() + timedelta(days=11))
            assert (row.expires_at, row.expires_reason) == (run.enroll_by, "ENROLLMENT_DATE_PASSED")
            assert (row.parent_content_key, row.is_assigned_course_run) == (COURSE, True)

    def test_a_free_course_is_given_to_many_from_an_empty_budget(self):
        house = make_house(limit_cents=0)
        make_course("DemoX+FREE", price_cents=0)
        assert len(allocate(house.budget, 8, "DemoX+FREE").created) == 8
        assert books(house.budget)[0] == 0


class TestMoney:
    def test_a_large_call_that_the_budget_cannot_pay_is_refused_whole(self, course):
        house = make_house(limit_cents=8 * 4900 - 1)
        error = refusal_of(allocate, house.budget, 8)
        assert error.code == "policy_spend_limit_reached"
        assert error.facts == {"needed_cents": 39_200, "available_cents": 39_199, "missing_cents": 1}

    def test_a_large_call_that_the_fund_cannot_pay_is_refused_whole(self, course):
        house = make_house(deposit_cents=10_000)
        assert code_of(allocate, house.budget, 8) == "not_enough_value_in_subsidy"

    def test_only_those_who_will_be_charged_are_reserved_for(self, course):
        house = make_house(limit_cents=8 * 4900)
        allocate(house.budget, 3)
        assert len(allocate(house.budget, 8).created) == 5
        assert books(house.budget)[0] == 8 * 4900

    def test_at_full_use_a_large_call_for_what_is_there_is_not_refused(self, course):
        house = make_house(limit_cents=8 * 4900)
        allocate(house.budget, 8)
        assert len(allocate(house.budget, 8).unchanged) == 8

    def test_the_whole_amount_is_held_before_anybody_is_assigned(self, house, course):
        batch, _ = open_batch(house.budget, 8)
        assert books(house.budget) == (8 * 4900, 0, 1_000_000, 8 * 4900)
        assert not LearnerContentAssignment.objects.exists()
        assert AllocationBatch.objects.get(pk=batch).hold_cents == 8 * 4900

    def test_what_is_reserved_cannot_be_promised_to_others(self, course):
        house = make_house(limit_cents=9 * 4900)
        open_batch(house.budget, 8)
        assert code_of(allocate, house.budget, make_people(2, prefix="other")) == "policy_spend_limit_reached"
        assert len(allocate(house.budget, make_people(1, prefix="other")).created) == 1

    def test_after_each_chunk_the_hold_has_moved_to_the_assignments(self, house, course):
        batch, _ = open_batch(house.budget, 8)
        services.batches._fill_chunk(batch, 1)
        assert AllocationBatch.objects.get(pk=batch).hold_cents == 5 * 4900
        assert LearnerContentAssignment.objects.count() == 3
        assert books(house.budget)[0] == 8 * 4900

    def test_leftovers_are_given_back_when_people_turn_out_to_have_it_already(self, house, course):
        batch, recipients = open_batch(house.budget, 8)
        allocate(house.budget, ["learner2@example.org", "learner7@example.org"])
        assert books(house.budget)[0] == 10 * 4900
        services.fill_batch(batch)
        assert books(house.budget)[0] == 8 * 4900
        report = services.batch_report(batch, recipients)
        assert (len(report.created), report.charged_cents) == (6, 6 * 4900)
        assert emails(report.unchanged) == ["learner2@example.org", "learner7@example.org"]
        assert AllocationBatch.objects.get(pk=batch).hold_cents == 0


class TestFreedAgain:
    """Somebody who had the course when the amount was reserved has been freed by the time of the fill."""

    @pytest.fixture
    def freed(self, course):
        def make(limit):
            house = make_house(limit_cents=limit)
            rows = assigned(house.budget, ["learner1@example.org", "learner2@example.org"])
            batch, recipients = open_batch(house.budget, 8)
            cancel_many([row.pk for row in rows], actor=CONSOLE)
            return house, batch, recipients

        return make

    def test_with_money_left_they_are_charged_beyond_the_hold(self, freed):
        house, batch, recipients = freed(10 * 4900)
        services.fill_batch(batch)
        report = services.batch_report(batch, recipients)
        assert (len(report.created), len(report.updated), report.refused) == (6, 2, [])
        assert report.charged_cents == 8 * 4900
        assert books(house.budget)[0] == 8 * 4900

    def test_without_money_left_the_last_ones_are_refused_by_name(self, freed):
        house, batch, recipients = freed(8 * 4900)
        allocate(house.budget, ["quick@example.org", "quicker@example.org"])
        services.fill_batch(batch)
        report = services.batch_report(batch, recipients)
        assert len(report.created) + len(report.updated) == 6
        assert [why.code for _, why in report.refused] == ["policy_spend_limit_reached"] * 2
        assert [item.email for item, _ in report.refused] == ["learner7@example.org", "learner8@example.org"]
        assert books(house.budget)[0] == 8 * 4900
        batch = AllocationBatch.objects.get(pk=batch)
        assert (batch.state, batch.refused_count, batch.hold_cents) == ("done", 2, 0)

    def test_on_a_retired_budget_nothing_is_charged_beyond_the_hold(self, freed):
        house, batch, recipients = freed(10 * 4900)
        retire(house.budget.pk)
        services.fill_batch(batch)
        report = services.batch_report(batch, recipients)
        assert len(report.created) + len(report.updated) == 6, "what was reserved is still promised"
        assert [why.code for _, why in report.refused] == ["policy_expired"] * 2
        assert books(house.budget)[0] == 6 * 4900

    def test_money_that_goes_while_we_fill_is_not_missed_twice(self, freed, monkeypatch):
        house, batch, recipients = freed(8 * 4900)
        allocate(house.budget, ["quick@example.org", "quicker@example.org"])
        monkeypatch.setattr(batches, "money_left", lambda budget: MoneyLeft(10**9, 10**9))  # what we saw is history
        services.fill_batch(batch)
        report = services.batch_report(batch, recipients)
        assert [item.email for item, _ in report.refused] == ["learner7@example.org", "learner8@example.org"]
        assert books(house.budget)[0] == 8 * 4900

    def test_a_refused_user_is_refused_with_all_addresses(self):
        house = make_house(limit_cents=5 * 4900)
        make_course()
        user = make_user("old@example.org", lms_user_id=42)
        make_course("DemoX+OTHER", price_cents=0)
        allocate(house.budget, ["old@example.org"], "DemoX+OTHER")
        Profile.objects.filter(user=user).update(verified_key=key_of("new@example.org"))
        (had,) = assigned(house.budget, ["learner1@example.org"])
        people = ["learner1@example.org", "a@example.org", "b@example.org", "c@example.org", "old@example.org",
                  "new@example.org"]  # fmt: skip
        batch, recipients = open_batch(house.budget, people)
        cancel_many([had.pk], actor=CONSOLE)
        allocate(house.budget, ["quick@example.org"])
        services.fill_batch(batch)
        report = services.batch_report(batch, recipients)
        assert [item.email for item, _ in report.refused] == ["old@example.org", "new@example.org"]
        assert len(report.created) + len(report.updated) + len(report.unchanged) == 4


class TestPrivacy:
    def test_the_addresses_of_a_chunk_are_gone_in_the_commit_that_fills_it(self, house, course):
        batch, _ = open_batch(house.budget, 8)
        assert "learner1@" in str(AllocationChunk.objects.get(batch=batch, position=0).people)
        services.batches._fill_chunk(batch, 0)
        first, second, third = AllocationChunk.objects.filter(batch=batch).order_by("position")
        assert first.people is None
        assert "@" not in str(first.results)
        assert second.people is not None
        assert third.results is None

    def test_nothing_of_a_finished_batch_holds_an_address(self, house, course):
        done = allocate(house.budget, 8)
        batch = AllocationBatch.objects.get(pk=done.batch)
        assert "@" not in f"{batch.terms}{list(batch.chunks.values_list('people', 'results'))}"


class TestReport:
    def test_of_a_batch_half_filled_it_says_what_is_done_so_far(self, house, course):
        batch, recipients = open_batch(house.budget, 8)
        services.batches._fill_chunk(batch, 1)
        report = services.batch_report(batch, recipients)
        assert emails(report.created) == ["learner4@example.org", "learner5@example.org", "learner6@example.org"]
        assert report.charged_cents == 3 * 4900

    def test_it_is_in_the_order_of_the_call(self, house, course):
        (gone,) = assigned(house.budget, ["learner8@example.org"])
        cancel_many([gone.pk], actor=CONSOLE)
        people = [f"learner{number}@example.org" for number in (8, 3, 1, 7, 2)]
        done = allocate(house.budget, people)
        assert emails(done.created) == [f"learner{number}@example.org" for number in (3, 1, 7, 2)]
        assert emails(done.updated) == ["learner8@example.org"]

    def test_reading_it_writes_nothing(self, house, course):
        batch, recipients = open_batch(house.budget, 8)
        services.fill_batch(batch)
        with nothing_written():
            services.batch_report(batch, recipients)


class TestUndoing:
    def test_it_says_what_would_be_cancelled_and_what_comes_back_by_now(self, house, course):
        done = allocate(house.budget, 3)
        batch = AllocationBatch.objects.get(pk=done.batch)
        assert undoing_of(batch) == Undoing(3, 3 * 4900)
        cancel_many([done.created[0].assignment], actor=CONSOLE)
        assert undoing_of(batch) == Undoing(2, 2 * 4900)
        cancel_many([item.assignment for item in done.created], actor=CONSOLE)
        assert undoing_of(batch) is None

    def test_nothing_is_offered_where_it_would_be_refused(self, house, course):
        done = allocate(house.budget, 3)
        batch = AllocationBatch.objects.get(pk=done.batch)
        accept([LearnerContentAssignment.objects.get(pk=done.created[0].assignment)])
        assert undoing_of(batch) is None
        filling, _ = open_batch(house.budget, ["new1@x.org", "new2@x.org", "new3@x.org", "new4@x.org"])
        assert undoing_of(AllocationBatch.objects.get(pk=filling)) is None
