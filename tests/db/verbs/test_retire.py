"""Removing personal data: from the record, its history, tracebacks, the person, queued and kept mails."""

from tests.db.verbs.steps import (
    DAY,
    accept,
    actions,
    allocate,
    assigned,
    books,
    counts,
    everything,
    fresh,
    history,
    in_state,
    keys,
    later,
    messages,
    nothing_written,
    tick,
)

from bursar.assignments.services import cancel_many, remind_many, retire_many
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE
from bursar.people.models import Person
from bursar.testing.factories import make_course, make_house, make_person

ANA = "ana.secret@example.org"


def assert_forgotten(*words):
    """Assert that no table of ours holds any of these words."""
    found = str(everything()).lower()
    for word in words:
        assert word.lower() not in found


class TestRetire:
    def test_no_table_holds_the_address_or_the_name_any_more(self, house, course, mail):
        person = make_person(
            ANA, name="Ana Secret", department="Secret service", manager_email="boss.secret@example.org"
        )
        mail.script(ANA, "reject")
        (row,) = assigned(house.budget, [person])
        tick()
        row.add_errored_linked_action(ValueError(f"cannot link {ANA}"))
        cancel_many([row.pk], actor=CONSOLE)
        remind_many([row.pk], actor=CONSOLE)
        assert "secret" in str(everything())
        retire_many([row.pk], actor=CONSOLE)
        assert_forgotten("secret")

    def test_ids_money_dates_and_timeline_stay(self, house, course):
        (row,) = in_state("cancelled", house.budget, [ANA])
        before = books(house.budget), counts(house.budget), actions(row)
        with later(DAY):
            retire_many([row.pk], actor=CONSOLE)
            after = fresh(row)
            assert (after.address_scrubbed_at, after.modified) == (clock.now(), clock.now())
        assert (books(house.budget), counts(house.budget), actions(row)) == before
        assert (after.state, after.cancelled_at, after.content_quantity) == ("cancelled", row.cancelled_at, -4900)
        assert after.lms_user_id == row.lms_user_id

    def test_record_and_history_show_one_fresh_retired_address(self, house, course):
        first, second = in_state("cancelled", house.budget, 2)
        retire_many(keys([first, second]), actor=CONSOLE)
        shown = [row.learner_email for row in fresh([first, second])]
        assert len(set(shown)) == 2
        for row, address in zip([first, second], shown, strict=True):
            assert address.startswith("retired_user")
            assert set(row.history.values_list("learner_email", flat=True)) == {address}
        assert history(first)[-1][1] == "personal data removed"

    def test_doing_it_again_changes_nothing(self, house, course):
        (row,) = in_state("cancelled", house.budget)
        retire_many([row.pk], actor=CONSOLE)
        with nothing_written():
            assert retire_many([row.pk], actor=CONSOLE).done == {row.pk: "scrubbed"}

    def test_queued_messages_are_withdrawn(self, house, course, mail):
        (row,) = in_state("cancelled", house.budget)
        retire_many([row.pk], actor=CONSOLE)
        assert {state for *_, state in messages(row)} == {"dropped"}
        tick()
        assert mail.sent == []

    def test_somebody_else_is_not_touched(self, house, course):
        first, second = in_state("cancelled", house.budget, 2)
        retire_many([first.pk], actor=CONSOLE)
        assert fresh(second).learner_email == "learner2@example.org"
        assert set(Person.objects.values_list("erased_at", flat=True)) == {None, clock.now()}


class TestPerson:
    def test_stays_while_another_assignment_of_the_customer_shows_the_address(self, house, course):
        make_course("DemoX+OTHER")
        (first,) = in_state("cancelled", house.budget, [ANA])
        (second,) = assigned(house.budget, [ANA], "DemoX+OTHER")
        retire_many([first.pk], actor=CONSOLE)
        assert Person.objects.get().email == ANA
        retire_many([second.pk], actor=CONSOLE)
        assert Person.objects.get().email.endswith("@retired.invalid")

    def test_goes_though_another_customer_still_knows_somebody_of_that_address(self, house, course):
        other = make_house()
        (mine,) = in_state("cancelled", house.budget, [ANA])
        assigned(other.budget, [ANA])
        retire_many([mine.pk], actor=CONSOLE)
        erased = dict(Person.objects.values_list("customer_id", "erased_at"))
        assert erased == {house.customer.pk: clock.now(), other.customer.pk: None}

    def test_goes_when_both_of_its_assignments_are_forgotten_in_one_call(self, house, course):
        make_course("DemoX+OTHER")
        rows = [*assigned(house.budget, [ANA]), *assigned(house.budget, [ANA], "DemoX+OTHER")]
        retire_many(keys(rows), actor=CONSOLE)
        assert_forgotten("secret")

    def test_somebody_of_the_same_address_later_is_a_new_person(self, house, course):
        (row,) = in_state("cancelled", house.budget, [ANA])
        retire_many([row.pk], actor=CONSOLE)
        allocate(house.budget, [ANA])
        assert Person.objects.count() == 2

    def test_the_number_of_a_person_without_a_user_stays_on_the_transaction_alone(self, house, course):
        (row,) = assigned(house.budget, [ANA])
        accept([row])
        retire_many([row.pk], actor=CONSOLE)
        assert Person.objects.get().erased_at is not None
        assert_forgotten("secret")
