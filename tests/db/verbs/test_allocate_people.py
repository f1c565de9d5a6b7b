"""Who is who in an allocation (ruling 7a): found by address or by user id, one assignment per content, never a clash."""

import pytest
from tests.db.verbs.steps import accept, allocate, assigned, books, emails, fresh, history, keys, plan

from bursar.assignments.flows import erase_person
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many
from bursar.kernel.actor import CONSOLE
from bursar.people.keys import key_of
from bursar.people.models import Membership, Person, Profile
from bursar.testing.factories import make_course, make_house, make_user

OLD, NEW, THIRD = "old@example.org", "new@example.org", "third@example.org"


@pytest.fixture
def moved():
    """Return a user who was known by one address and has proven another one since."""
    return make_user(OLD, lms_user_id=42)


def prove(user, email):
    """Let a user's verified address be another one, without the save that links what is assigned to it."""
    Profile.objects.filter(user=user).update(verified_key=key_of(email))


class TestAnotherAddress:
    def test_a_person_found_by_user_id_keeps_one_assignment_which_shows_the_new_address(self, house, course, moved):
        (row,) = assigned(house.budget, [OLD])
        prove(moved, NEW)
        done = allocate(house.budget, [NEW])
        row = fresh(row)
        assert ([item.assignment for item in done.updated], done.created, done.charged_cents) == ([row.pk], [], 0)
        assert (row.learner_email, row.learner_email_key, row.lms_user_id) == (NEW, key_of(NEW), 42)
        assert history(row)[-1][1] == "details filled in"
        assert LearnerContentAssignment.objects.count() == 1
        assert books(house.budget)[0] == 4900

    def test_the_new_address_finds_it_from_then_on(self, house, course, moved):
        assigned(house.budget, [OLD])
        prove(moved, NEW)
        allocate(house.budget, [NEW])
        assert len(allocate(house.budget, [NEW]).unchanged) == 1

    def test_an_accepted_assignment_takes_the_new_address_and_nothing_else(self, house, course, moved):
        (row,) = assigned(house.budget, [OLD])
        accept([row])
        prove(moved, NEW)
        done = allocate(house.budget, [NEW])
        assert [item.assignment for item in done.unchanged] == [row.pk]
        assert (fresh(row).learner_email, fresh(row).state) == (NEW, "accepted")

    def test_a_cancelled_assignment_is_renewed_under_the_new_address(self, house, course, moved):
        (row,) = assigned(house.budget, [OLD])
        cancel_many([row.pk], actor=CONSOLE)
        prove(moved, NEW)
        done = allocate(house.budget, [NEW])
        assert [item.assignment for item in done.updated] == [row.pk]
        assert (fresh(row).learner_email, fresh(row).cycle) == (NEW, 2)

    def test_the_address_wins_when_another_assignment_is_the_users(self, house, course, moved):
        (by_user,) = assigned(house.budget, [OLD])
        (by_address,) = assigned(house.budget, [NEW])
        prove(moved, NEW)
        done = allocate(house.budget, [NEW])
        assert [item.assignment for item in done.unchanged] == [by_address.pk]
        assert (fresh(by_user).lms_user_id, fresh(by_address).lms_user_id) == (42, None)
        assert (fresh(by_user).learner_email, fresh(by_address).learner_email) == (OLD, NEW)

    def test_a_renewed_one_is_not_linked_to_a_user_who_has_the_course_by_another_address(self, house, course, moved):
        (by_user,) = assigned(house.budget, [OLD])
        (by_address,) = assigned(house.budget, [NEW])
        cancel_many([by_address.pk], actor=CONSOLE)
        prove(moved, NEW)
        assert len(allocate(house.budget, [NEW]).updated) == 1
        assert (fresh(by_user).lms_user_id, fresh(by_address).lms_user_id) == (42, None)

    def test_two_users_who_swapped_their_addresses_keep_their_assignments(self, house, course):
        first, second = make_user(OLD, lms_user_id=1), make_user(NEW, lms_user_id=2)
        rows = assigned(house.budget, [OLD, NEW])
        prove(first, NEW)
        prove(second, OLD)
        done = allocate(house.budget, [OLD, NEW])
        assert [item.assignment for item in done.unchanged] == keys(rows)
        assert [(row.learner_email, row.lms_user_id) for row in fresh(rows)] == [(OLD, 1), (NEW, 2)]


class TestTwoAddressesOfOneUser:
    """Known to the customer under the old address, verified under the new one: both are user 42."""

    @pytest.fixture
    def both(self, house, course, moved):
        make_course("DemoX+OTHER")
        allocate(house.budget, [OLD], "DemoX+OTHER")  # now the customer knows the old address as user 42
        prove(moved, NEW)
        return [OLD, NEW]

    def test_in_one_call_they_are_one_new_assignment(self, house, both):
        before = books(house.budget)[0]
        done = allocate(house.budget, both)
        assert (emails(done.created), emails(done.unchanged), done.charged_cents) == ([OLD], [NEW], 4900)
        assert done.created[0].assignment == done.unchanged[0].assignment
        row = LearnerContentAssignment.objects.get(content_key="DemoX+D101")
        assert (row.learner_email, row.lms_user_id) == (OLD, 42)
        assert books(house.budget)[0] == before + 4900

    def test_the_plan_says_the_same(self, house, both):
        planned, _ = plan(house.budget, both)
        assert (emails(planned.created), emails(planned.unchanged), planned.charged_cents) == ([OLD], [NEW], 4900)

    def test_the_customer_knows_both_addresses(self, house, both):
        allocate(house.budget, both)
        assert set(Person.objects.values_list("email", "lms_user_id")) == {(OLD, 42), (NEW, 42)}

    def test_the_user_is_a_member_once(self, house, both, moved):
        allocate(house.budget, both)
        assert Membership.objects.filter(user=moved).count() == 1

    def test_in_one_call_they_are_one_existing_assignment(self, house, both):
        (row,) = assigned(house.budget, [OLD])
        done = allocate(house.budget, both)
        assert [item.assignment for item in done.unchanged] == [row.pk, row.pk]
        assert fresh(row).learner_email == OLD

    def test_named_the_other_way_round_the_first_address_is_the_one_shown(self, house, both):
        (row,) = assigned(house.budget, [OLD])
        done = allocate(house.budget, [NEW, OLD])
        assert (emails(done.updated), emails(done.unchanged)) == ([NEW], [OLD])
        assert fresh(row).learner_email == NEW

    def test_one_cancelled_assignment_is_renewed_and_charged_once(self, house, both):
        (row,) = assigned(house.budget, [OLD])
        cancel_many([row.pk], actor=CONSOLE)
        done = allocate(house.budget, [NEW, OLD])
        assert (emails(done.updated), emails(done.unchanged), done.charged_cents) == ([NEW], [OLD], 4900)
        assert (fresh(row).cycle, fresh(row).learner_email) == (2, NEW)


class TestUnlinkedBesideAnotherAddress:
    """A conflict left an assignment without its user, and what was in the way is gone: nobody may clash over it."""

    @pytest.fixture
    def unlinked(self, house, course, moved):
        make_course("DemoX+OTHER")
        allocate(house.budget, [OLD], "DemoX+OTHER")
        (row,) = assigned(house.budget, [NEW])
        (in_the_way,) = assigned(house.budget, [OLD])
        prove(moved, NEW)
        cancel_many([in_the_way.pk], actor=CONSOLE)
        fresh(in_the_way).delete()
        return row

    def test_it_gets_its_user_when_both_addresses_are_named(self, house, unlinked):
        done = allocate(house.budget, [NEW, OLD])
        assert (emails(done.updated), emails(done.unchanged), done.charged_cents) == ([NEW], [OLD], 0)
        assert {item.assignment for item in done.unchanged} == {unlinked.pk}
        assert fresh(unlinked).lms_user_id == 42

    def test_the_user_gets_another_one_when_the_other_address_is_named_first(self, house, unlinked):
        done = allocate(house.budget, [OLD, NEW])
        assert (emails(done.created), emails(done.unchanged), done.charged_cents) == ([OLD], [NEW], 4900)
        assert fresh(unlinked).lms_user_id is None

    def test_two_of_them_do_not_both_get_the_user(self, house, unlinked):
        first = unlinked
        Profile.objects.update(verified_key="")
        (second,) = assigned(house.budget, [THIRD])
        Person.objects.filter(email=THIRD).update(lms_user_id=42)
        Profile.objects.update(verified_key=key_of(NEW))
        done = allocate(house.budget, [NEW, THIRD])
        assert (emails(done.updated), emails(done.unchanged)) == ([NEW], [THIRD])
        assert (fresh(first).lms_user_id, fresh(second).lms_user_id) == (42, None)


class TestMembership:
    def test_somebody_with_a_user_becomes_a_member_at_once(self, house, course):
        user = make_user(OLD)
        allocate(house.budget, [OLD])
        assert Membership.objects.get(user=user).customer_id == house.customer.pk

    def test_a_member_already_stays_one_member(self, house, course):
        user = make_user(OLD)
        allocate(house.budget, [OLD])
        allocate(make_house().budget, [OLD])
        allocate(house.budget, [OLD, NEW])
        assert Membership.objects.filter(user=user, customer=house.customer).count() == 1
        assert Membership.objects.filter(user=user).count() == 2

    def test_an_unverified_address_is_nobodys(self, house, course):
        make_user(OLD, lms_user_id=42, verified=False)
        (row,) = assigned(house.budget, [OLD])
        assert row.lms_user_id is None
        assert Membership.objects.get().user_id is None

    def test_what_one_customer_knows_says_nothing_to_another(self, house, course):
        other = make_house()
        make_user(OLD, lms_user_id=42)
        allocate(house.budget, [OLD])
        Profile.objects.update(verified_key="")
        (row,) = assigned(other.budget, [OLD])
        assert row.lms_user_id is None


class TestErasedPeople:
    def test_an_erased_address_that_is_given_again_can_be_erased_again(self, house, course):
        make_user(OLD, lms_user_id=42)
        (row,) = assigned(house.budget, [OLD])
        accept([row])
        erase_person(Person.objects.get(email=OLD), actor=CONSOLE)
        assert fresh(row).learner_email.endswith("@retired.invalid")
        assert len(allocate(house.budget, [OLD]).unchanged) == 1
        assert fresh(row).learner_email == OLD
        assert fresh(row).address_scrubbed_at is None
        erase_person(Person.objects.get(email=OLD), actor=CONSOLE)
        assert fresh(row).learner_email.endswith("@retired.invalid")
        assert not row.history.filter(learner_email=OLD).exists()
        assert not LearnerContentAssignment.objects.filter(learner_email=THIRD).exists()
