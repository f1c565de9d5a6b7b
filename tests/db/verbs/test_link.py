"""Linking: a user with a verified address gets what was assigned to it, history included; a conflict clashes with nobody."""

import pytest
from django.contrib.auth import get_user_model
from tests.db.verbs.steps import (
    accept,
    allocate,
    assigned,
    counts,
    fresh,
    history,
    in_state,
    nothing_written,
    statements,
)

from bursar.assignments.flows import create_account, link_user, verify_address
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.services import cancel_many, retire_many
from bursar.assignments.services.link import link_newcomers
from bursar.kernel.actor import CONSOLE
from bursar.people.keys import key_of
from bursar.people.models import Membership, Person, Profile
from bursar.people.services import mark_verified
from bursar.testing.factories import make_course, make_house, make_user

ANA = "ana@example.org"


def test_everything_assigned_to_the_address_is_linked_at_every_customer(house, course):
    make_course("DemoX+OTHER")
    rows = [
        *assigned(house.budget, [ANA]),
        *assigned(house.budget, [ANA], "DemoX+OTHER"),
        *assigned(make_house().budget, ["Ana@EXAMPLE.org"]),
    ]
    (other,) = assigned(house.budget, ["bob@example.org"])
    user = create_account(ANA, password=None, lms_user_id=42)
    assert [row.lms_user_id for row in fresh(rows)] == [42, 42, 42]
    assert fresh(other).lms_user_id is None
    for row in fresh(rows):
        assert history(row)[-1] == ("~", "linked to a user", user.pk, "allocated")
        assert row.history.latest("history_id").lms_user_id == 42


@pytest.mark.parametrize("state", ["allocated", "accepted", "cancelled", "errored", "expired", "reversed"])
def test_the_state_does_not_matter_and_stays(house, course, state):
    (row,) = in_state(state, house.budget, [ANA])
    before = counts(house.budget)
    make_user(ANA, lms_user_id=42)
    assert (fresh(row).lms_user_id, fresh(row).state, counts(house.budget)) == (42, state, before)


def test_pending_memberships_become_real_and_the_person_knows_its_user(house, course):
    allocate(house.budget, [ANA])
    user = make_user(ANA, lms_user_id=42)
    membership = Membership.objects.get()
    assert (membership.user, membership.pending) == (user, False)
    assert Person.objects.get().lms_user_id == 42


def test_an_unverified_address_links_nothing_until_it_is_proven(house, course):
    (row,) = assigned(house.budget, [ANA])
    user = make_user(ANA, lms_user_id=42, verified=False)
    assert (link_user(user), fresh(row).lms_user_id) == (0, None)
    assert verify_address(user) == 1
    assert fresh(row).lms_user_id == 42


def test_a_user_who_changes_the_address_has_to_prove_the_new_one(house, course):
    (row,) = assigned(house.budget, ["new@example.org"])
    user = make_user(ANA, lms_user_id=42)
    user.email = "new@example.org"
    user.save()
    assert fresh(row).lms_user_id is None
    assert verify_address(user) == 1


def test_saving_a_user_again_links_what_came_since(house, course):
    user = make_user(ANA, lms_user_id=42)
    (row,) = assigned(house.budget, ["bob@example.org"])
    Profile.objects.filter(user=user).update(verified_key=key_of("bob@example.org"))
    user.email = "bob@example.org"
    user.save()
    assert fresh(row).lms_user_id == 42


def test_a_fixture_is_loaded_without_linking(house, course):
    (row,) = assigned(house.budget, [ANA])
    user = make_user("x@example.org", lms_user_id=42)
    Profile.objects.filter(user=user).update(verified_key=key_of(ANA))
    user.email = ANA
    user.save_base(raw=True)
    assert fresh(row).lms_user_id is None


def test_of_two_assignments_of_one_content_the_second_stays_unlinked(house, course):
    user = make_user("old@example.org", lms_user_id=42)
    (first,) = assigned(house.budget, ["old@example.org"])
    (second,) = assigned(house.budget, ["new@example.org"])
    (elsewhere,) = assigned(make_house().budget, ["new@example.org"])
    user.email = "new@example.org"
    user.save()
    assert verify_address(user) == 1
    assert [row.lms_user_id for row in fresh([first, second, elsewhere])] == [42, None, 42]
    assert len(history(second)) == 1


def test_linking_again_changes_nothing(house, course):
    (row,) = assigned(house.budget, [ANA])
    user = make_user(ANA, lms_user_id=42)
    with nothing_written():
        assert link_user(user) == 0
    assert len(history(row)) == 2


def test_another_users_assignment_is_not_taken_over(house, course):
    (row,) = assigned(house.budget, [ANA])
    make_user(ANA, lms_user_id=42)
    other = make_user("other@example.org", lms_user_id=43)
    Profile.objects.filter(user=other).update(verified_key=key_of(ANA))
    other.email = ANA
    other.save()
    assert fresh(row).lms_user_id == 42


def test_somebody_in_the_middle_of_accepting_is_linked_too(house, course, platform):
    (row,) = assigned(house.budget, [ANA])
    platform.script(ANA, "unclear")
    accept([row])
    make_user(ANA, lms_user_id=42)
    assert fresh(row).lms_user_id == 42


def test_a_forgotten_address_links_nobody(house, course):
    (row,) = assigned(house.budget, [ANA])
    cancel_many([row.pk], actor=CONSOLE)
    retire_many([row.pk], actor=CONSOLE)
    make_user(ANA, lms_user_id=42)
    make_user(fresh(row).learner_email, lms_user_id=43)
    assert fresh(row).lms_user_id is None


def test_a_user_without_an_address_is_nobody(house, course):
    user = get_user_model().objects.create(username="robot")
    assert link_user(user) == 0


def test_a_user_of_the_host_gets_a_profile_when_the_address_is_verified_by_the_host(house, course, configure):
    configure(address_verifier="tests.db.verbs.test_link.everybody")
    (row,) = assigned(house.budget, [ANA])
    user = get_user_model().objects.create(username="ana", email=ANA)
    profile = Profile.objects.get(user=user)
    assert profile.lms_user_id > 1_000_000_000
    assert fresh(row).lms_user_id == profile.lms_user_id


def everybody(_user):
    return True


def test_what_is_proven_is_the_address_that_the_user_has(house, course):
    user = get_user_model().objects.create(username="ana", email=ANA)
    mark_verified(user)
    assert Profile.objects.get(user=user).verified_key == key_of(ANA)


class TestNewcomers:
    """Users who proved their address while an allocation was being written are looked for once it is."""

    def appear(self, email, number):
        user = make_user(f"{number}@example.org", lms_user_id=number)
        Profile.objects.filter(user=user).update(verified_key=key_of(email))  # seen by nobody who looked before
        get_user_model().objects.filter(pk=user.pk).update(email=email)

    def test_they_get_what_was_written_meanwhile(self, house, course):
        done = allocate(house.budget, [ANA, "bob@example.org", "cid@example.org"])
        self.appear(ANA, 42)
        self.appear("bob@example.org", 43)
        assert link_newcomers(done.batch) == 2
        rows = {item.email: fresh_of(item) for item in done.created}
        assert [row.lms_user_id for row in rows.values()] == [42, 43, None]
        assert history(rows[ANA])[-1][1] == "linked to a user"

    def test_nobody_appeared_is_one_look(self, house, course):
        done = allocate(house.budget, [ANA])
        with nothing_written():
            assert statements(link_newcomers, done.batch) == 1

    def test_what_other_calls_wrote_is_left_to_them(self, house, course):
        (other,) = assigned(house.budget, ["bob@example.org"])
        done = allocate(house.budget, [ANA])
        self.appear("bob@example.org", 43)
        assert link_newcomers(done.batch) == 0
        assert fresh(other).lms_user_id is None


def fresh_of(placed):
    return LearnerContentAssignment.objects.get(pk=placed.assignment)
