"""A large allocation killed anywhere is taken up by anybody, and two fillers at once do each chunk once."""

from uuid import uuid4

import pytest
from tests.db.verbs.steps import (
    DAY,
    MINUTE,
    accept,
    accepted,
    allocate,
    assigned,
    books,
    counts,
    emails,
    fan_out,
    fresh,
    history,
    keys,
    kinds,
    later,
    messages,
    nothing_written,
    tick,
)
from tests.db.verbs.test_batches import open_batch

from bursar.assignments import services
from bursar.assignments.audit import run_audit
from bursar.assignments.flows import resume_batches
from bursar.assignments.models import AllocationBatch, AllocationChunk, LearnerContentAssignment
from bursar.assignments.services import batches, cancel_many, undo_batch, unfinished_batches
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import NotFound, Refused
from bursar.outbox.models import Message
from bursar.outbox.worker import drain
from bursar.testing.factories import make_customer, make_member
from bursar.testing.fake_mail import Died

PEOPLE = 8  # three chunks of three, three and two

pytestmark = pytest.mark.usefixtures("small_batches")


def die(*_args, **_kwargs):
    raise Died


def die_after(chunks):
    """Return a progress that ends the process after so many chunks."""
    told = []

    def progress(people):
        told.append(people)
        if len(told) == chunks:
            raise Died

    return progress


def assert_all_done(house, batch, recipients):
    fan_out()
    report = services.batch_report(batch, recipients)
    assert len(report.created) == PEOPLE
    assert report.charged_cents == PEOPLE * 4900
    assert books(house.budget) == (PEOPLE * 4900, 0, 1_000_000, PEOPLE * 4900)
    assert counts(house.budget) == {("allocated", "notifying"): PEOPLE}
    assert AllocationBatch.objects.get(pk=batch).state == "done"
    for item in report.created:
        row = LearnerContentAssignment.objects.get(pk=item.assignment)
        assert (row.learner_email, messages(row)) == (item.email, [("assigned", 1, 1, "pending")])
        assert len(history(row)) == 1


@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_killed_after_any_chunk_it_is_resumed_by_the_next_tick(house, course, chunks):
    batch, recipients = open_batch(house.budget, PEOPLE)
    with pytest.raises(Died):
        services.fill_batch(batch, progress=die_after(chunks))
    assert LearnerContentAssignment.objects.count() == min(3 * chunks, PEOPLE)
    assert books(house.budget)[0] == PEOPLE * 4900, "what is not filled yet is still reserved"
    assert run_audit() == []
    with later(3 * MINUTE):
        assert resume_batches() == 1
        assert resume_batches() == 0
    assert_all_done(house, batch, recipients)


@pytest.mark.parametrize("step", ["survey", "place", "report", "move_money", "results_of"])
@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_killed_inside_a_chunk_nothing_of_that_chunk_stays(house, course, monkeypatch, step, chunk):
    batch, recipients = open_batch(house.budget, PEOPLE)
    for position in range(chunk):
        batches._fill_chunk(batch, position)
    with monkeypatch.context() as killed, nothing_written():
        killed.setattr(batches, step, die)
        with pytest.raises(Died):
            services.fill_batch(batch)
    services.fill_batch(batch)
    assert_all_done(house, batch, recipients)


def test_killed_while_reserving_nothing_was_reserved(house, course, monkeypatch):
    monkeypatch.setattr(batches, "move_money", die)
    with nothing_written(), pytest.raises(Died):
        allocate(house.budget, PEOPLE)


def test_killed_before_settling_only_the_settling_is_left_to_do(house, course, monkeypatch):
    batch, recipients = open_batch(house.budget, PEOPLE)
    allocate(house.budget, 1)  # so that there is something to give back
    with monkeypatch.context() as killed:
        killed.setattr(batches, "_settle", die)
        with pytest.raises(Died):
            services.fill_batch(batch)
    assert AllocationBatch.objects.get(pk=batch).hold_cents == 4900
    assert books(house.budget)[0] == (PEOPLE + 1) * 4900
    with later(3 * MINUTE):
        assert resume_batches() == 1
    assert books(house.budget)[0] == PEOPLE * 4900
    assert len(services.batch_report(batch, recipients).unchanged) == 1


def test_the_caller_who_was_killed_asks_again_and_finds_everybody_unchanged(house, course):
    with pytest.raises(Died):
        allocate(house.budget, PEOPLE, progress=die_after(1))
    with later(3 * MINUTE):
        tick()
        again = allocate(house.budget, PEOPLE)
    assert (len(again.unchanged), again.charged_cents) == (PEOPLE, 0)
    assert books(house.budget)[0] == PEOPLE * 4900


def test_asked_again_before_it_is_resumed_nobody_is_charged_twice(house, course):
    with pytest.raises(Died):
        allocate(house.budget, PEOPLE, progress=die_after(1))
    again = allocate(house.budget, PEOPLE)
    assert (len(again.unchanged), len(again.created)) == (3, 5)
    assert books(house.budget)[0] == (3 + 5 + 5) * 4900, "the first call still holds for those it has not reached"
    with later(3 * MINUTE):
        resume_batches()
    assert books(house.budget)[0] == PEOPLE * 4900


class TestTwoFillers:
    def test_a_second_filler_between_any_two_chunks_changes_nothing_about_the_end(self, house, course):
        batch, recipients = open_batch(house.budget, PEOPLE)
        mine, theirs = [], []

        def meanwhile(people):
            mine.append(people)
            services.fill_batch(batch, progress=theirs.append)

        services.fill_batch(batch, progress=meanwhile)
        assert (mine, theirs) == ([3, 0, 0], [3, 2])
        assert_all_done(house, batch, recipients)

    def test_filling_what_is_done_does_nothing(self, house, course):
        batch, _ = open_batch(house.budget, PEOPLE)
        services.fill_batch(batch)
        with nothing_written():
            services.fill_batch(batch)

    def test_a_filler_that_is_late_by_a_whole_batch_settles_nothing_twice(self, house, course):
        batch, _ = open_batch(house.budget, PEOPLE)
        services.fill_batch(batch)
        with nothing_written():
            assert batches._fill_chunk(batch, 1) == 0
            batches._settle(batch)

    def test_nobody_settles_while_a_chunk_is_open(self, house, course):
        batch, _ = open_batch(house.budget, PEOPLE)
        batches._fill_chunk(batch, 0)
        with nothing_written():
            batches._settle(batch)


class TestUnfinished:
    def test_a_batch_that_is_being_filled_right_now_is_left_to_its_filler(self, house, course):
        batch, _ = open_batch(house.budget, PEOPLE)
        assert unfinished_batches() == []
        with later(MINUTE):
            batches._fill_chunk(batch, 0)
        with later(2 * MINUTE):
            assert unfinished_batches() == [], "somebody filled a chunk a minute ago"
        with later(3 * MINUTE):
            assert unfinished_batches() == [batch]

    def test_the_oldest_is_resumed_first(self, house, course):
        first, _ = open_batch(house.budget, PEOPLE)
        with later(MINUTE):
            second, _ = open_batch(house.budget, ["x@example.org"])
        with later(DAY):
            assert unfinished_batches() == [first, second]
            assert tick().batches_resumed == 2


class TestUndo:
    def test_everything_a_call_made_is_cancelled_and_the_money_is_back(self, house, course):
        (other,) = assigned(house.budget, ["other@example.org"])
        done = allocate(house.budget, PEOPLE)
        outcome = undo_batch(done.batch, actor=CONSOLE)
        assert set(outcome.done.values()) == {"cancelled"}
        assert outcome.done.keys() == {item.assignment for item in done.created}
        assert books(house.budget) == (4900, 0, 1_000_000, 4900)
        assert counts(house.budget) == {("allocated", "notifying"): 1, ("cancelled", None): PEOPLE}
        assert fresh(other).state == "allocated"
        for key in outcome.done:
            assert history(LearnerContentAssignment.objects.get(pk=key))[-1][1] == "allocation undone"
        assert AllocationBatch.objects.get(pk=done.batch).state == "undone"

    def test_a_small_call_can_be_undone_too(self, house, course):
        done = allocate(house.budget, 2)
        assert len(undo_batch(done.batch, actor=CONSOLE).done) == 2
        assert books(house.budget)[0] == 0

    def test_mails_not_sent_yet_never_go_and_nobody_hears_of_anything(self, house, course, mail):
        done = allocate(house.budget, PEOPLE)
        fan_out()
        undo_batch(done.batch, actor=CONSOLE)
        tick()
        assert mail.sent == []
        assert set(Message.objects.exclude(topic="fan-out").values_list("kind", "state", "reason")) == {
            ("assigned", "dropped", "allocation undone")
        }

    def test_people_whose_messages_are_not_even_made_yet_hear_of_nothing_either(self, house, course, mail):
        done = allocate(house.budget, PEOPLE)
        undo_batch(done.batch, actor=CONSOLE)
        tick()
        assert mail.sent == []
        assert set(Message.objects.values_list("topic", "state")) == {("fan-out", "sent")}

    def test_only_those_who_were_told_are_told_of_the_end(self, house, course, mail):
        done = allocate(house.budget, 2)
        drain(1, batch=1)
        told = [item.to for item in mail.sent]
        assert len(told) == 1
        undo_batch(done.batch, actor=CONSOLE)
        tick()
        assert [item.to for item in mail.sent] == told * 2
        assert mail.sent[1].subject.startswith("Your course assignment was cancelled")

    def test_somebody_told_of_an_earlier_cycle_alone_is_not_told(self, house, course, mail):
        (row,) = assigned(house.budget)
        tick()
        with later(DAY):
            cancel_many(keys([row]), actor=CONSOLE)
            done = allocate(house.budget, 1)
        with later(2 * DAY):
            undo_batch(done.batch, actor=CONSOLE)
        assert kinds(row).count("cancelled") == 1, "the first cancellation alone"

    def test_people_who_had_it_before_the_call_keep_it(self, house, course):
        (row,) = assigned(house.budget)
        done = allocate(house.budget, PEOPLE)
        undo_batch(done.batch, actor=CONSOLE)
        assert fresh(row).state == "allocated"
        assert books(house.budget)[0] == 4900

    def test_those_cancelled_or_assigned_anew_since_are_left_alone(self, house, course):
        done = allocate(house.budget, 3)
        first, second, _ = keys_of(done)
        cancel_many([first, second], actor=CONSOLE)
        allocate(house.budget, ["learner2@example.org"])
        outcome = undo_batch(done.batch, actor=CONSOLE)
        assert outcome.done.keys() == set(keys_of(done)[2:])
        assert books(house.budget)[0] == 4900

    def test_errored_assignments_are_cancelled_and_release_nothing(self, house, course, platform):
        done = allocate(house.budget, 2)
        platform.script("learner1@example.org", "refuse")
        accept(list(LearnerContentAssignment.objects.filter(learner_email="learner1@example.org")))
        assert len(undo_batch(done.batch, actor=CONSOLE).done) == 2
        assert books(house.budget)[0] == 0


def keys_of(done):
    return [item.assignment for item in done.created]


class TestUndoRefused:
    def assert_refused(self, batch, accepted=0):
        with nothing_written(), pytest.raises(Refused) as caught:
            undo_batch(batch, actor=CONSOLE)
        assert (caught.value.code, caught.value.facts) == ("batch_not_undoable", {"accepted": accepted})

    def test_when_somebody_has_accepted(self, house, course):
        accepted(house.budget, 2)
        batch = AllocationBatch.objects.get()
        self.assert_refused(batch.pk, accepted=2)

    def test_when_somebody_is_accepting(self, house, course, platform):
        platform.script("learner1@example.org", "unclear")
        accepted(house.budget, 1)
        self.assert_refused(AllocationBatch.objects.get().pk, accepted=1)

    def test_while_it_is_being_filled(self, house, course):
        batch, _ = open_batch(house.budget, PEOPLE)
        self.assert_refused(batch)

    def test_in_words_that_tell_not_yet_from_no_more(self, house, course):
        batch, _ = open_batch(house.budget, PEOPLE)
        done = allocate(house.budget, ["learner1@example.org"])
        undo_batch(done.batch, actor=CONSOLE)
        for key, words in ((batch, "not complete yet"), (done.batch, "undone already")):
            with pytest.raises(Refused, match=words):
                undo_batch(key, actor=CONSOLE)
        batches._fill_chunk(batch, 0)
        self.assert_refused(batch)

    def test_when_it_was_undone_before(self, house, course):
        done = allocate(house.budget, 2)
        undo_batch(done.batch, actor=CONSOLE)
        self.assert_refused(done.batch)

    def test_when_there_is_no_such_batch(self, house, course):
        with pytest.raises(NotFound):
            undo_batch(uuid4(), actor=CONSOLE)

    def test_by_somebody_else_s_admin_who_learns_nothing(self, house, course):
        done = allocate(house.budget, 2)
        stranger = make_member(make_customer())
        with nothing_written(), pytest.raises(NotFound):
            undo_batch(done.batch, actor=stranger)
        assert AllocationBatch.objects.get(pk=done.batch).state == "done"


def test_a_chunk_keeps_its_people_until_it_is_filled(house, course):
    batch, _ = open_batch(house.budget, PEOPLE)
    with pytest.raises(Died):
        services.fill_batch(batch, progress=die_after(2))
    waiting = AllocationChunk.objects.get(batch=batch, results__isnull=True)
    assert [person["email"] for person in waiting.people] == ["learner7@example.org", "learner8@example.org"]
    assert (
        emails(services.batch_report(batch, open_batch(house.budget, PEOPLE)[1]).created)[-1] == "learner6@example.org"
    )
