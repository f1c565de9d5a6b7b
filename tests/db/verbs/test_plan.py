"""A plan writes nothing and says, person by person, exactly what allocating then does and charges."""

import pytest
from tests.db.verbs.steps import allocate, assigned, books, in_state, nothing_written, plan

from bursar.assignments.services import cancel_many
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import Refused
from bursar.people.keys import key_of
from bursar.people.models import Profile
from bursar.testing.factories import make_course, make_house, make_people, make_user

RUN = "course-v1:DemoX+D101+R1"
OLD, NEW = "old@example.org", "new@example.org"


def shape(allocation):
    """Return what a plan and a deed must agree on: who, in which list and order, and the cost."""
    placed = {name: [(item.position, item.email) for item in getattr(allocation, name)] for name in LISTS}
    return placed, [(item.position, why.code) for item, why in allocation.refused], allocation.charged_cents


LISTS = ("created", "updated", "unchanged")


def assert_predicted(house, people, **how):
    with nothing_written():
        planned, why = plan(house.budget, people, **how)
    assert why is None
    held = books(house.budget)[0]
    done = allocate(house.budget, people, **how)
    assert shape(planned) == shape(done)
    assert books(house.budget)[0] == held + planned.charged_cents
    return planned, done


def crowd(house):
    """Return people of whom each kind is there: new, spelled otherwise, allocated, accepted, cancelled, incomplete."""
    in_state("accepted", house.budget, ["accepted@example.org"])
    assigned(house.budget, ["bare1@example.org", "bare2@example.org"])
    assigned(house.budget, ["done@example.org"], run=RUN)
    (gone,) = assigned(house.budget, ["gone@example.org"])
    cancel_many([gone.pk], actor=CONSOLE)
    return make_people([
        "new1@example.org", "bare2@example.org", "done@example.org", "accepted@example.org", "gone@example.org",
        "DONE@example.org", "bare1@example.org", "new2@example.org", "new3@example.org", "New1@example.org",
    ])  # fmt: skip


def test_every_kind_of_person_is_predicted(house, course):
    people = crowd(house)
    planned, _ = assert_predicted(house, people, run=RUN)
    assert [len(getattr(planned, name)) for name in LISTS] == [3, 3, 2]
    assert planned.charged_cents == 4 * 4900


@pytest.mark.parametrize("inline_limit", [1000, 3])
def test_every_kind_of_person_is_predicted_by_chunks_too(house, course, configure, inline_limit):
    configure(chunk_size=3, inline_limit=inline_limit)
    assert_predicted(house, crowd(house), run=RUN)


def test_a_plan_names_the_assignments_that_are_there_and_none_that_is_not(house, course):
    (row,) = assigned(house.budget)
    planned, _ = plan(house.budget, 2)
    assert [item.assignment for item in planned.unchanged] == [row.pk]
    assert [item.assignment for item in planned.created] == [None]
    assert planned.batch is None


def test_a_plan_says_what_is_missing_and_that_is_what_allocating_says(course):
    house = make_house(limit_cents=4900)
    with nothing_written():
        planned, why = plan(house.budget, 3)
    assert (len(planned.created), planned.charged_cents) == (3, 14_700)
    with pytest.raises(Refused) as caught:
        allocate(house.budget, 3)
    assert (why.code, why.message, why.facts) == (caught.value.code, caught.value.message, caught.value.facts)


def test_a_plan_raises_what_allocating_would_raise(house):
    with nothing_written(), pytest.raises(Refused) as caught:
        plan(house.budget, 1, "DemoX+NONE")
    assert caught.value.code == "content_not_in_catalog"


def test_a_plan_for_free_is_never_short_of_money():
    house = make_house(limit_cents=0)
    make_course("DemoX+FREE", price_cents=0)
    planned, why = plan(house.budget, 5, "DemoX+FREE")
    assert (len(planned.created), why) == (5, None)


class TestOneUserWithTwoAddresses:
    @pytest.fixture(autouse=True)
    def _both(self, house, course):
        make_course("DemoX+OTHER")
        user = make_user(OLD, lms_user_id=42)
        allocate(house.budget, [OLD], "DemoX+OTHER")
        Profile.objects.filter(user=user).update(verified_key=key_of(NEW))

    @pytest.mark.parametrize(("inline_limit", "chunk_size"), [(1000, 1000), (1000, 2), (2, 2), (3, 1)])
    @pytest.mark.parametrize("start", ["nothing", "allocated", "cancelled"])
    def test_is_predicted_wherever_the_chunks_are_cut(self, house, configure, inline_limit, chunk_size, start):
        configure(inline_limit=inline_limit, chunk_size=chunk_size)
        if start != "nothing":
            in_state(start, house.budget, [OLD])
        people = [NEW, "a@example.org", "b@example.org", OLD]
        _, done = assert_predicted(house, people)
        first = {"nothing": "created", "allocated": "updated", "cancelled": "updated"}[start]
        assert [item.email for item in getattr(done, first)][:1] == [NEW]
        assert [item.email for item in done.unchanged] == [OLD]
        assert {item.assignment for item in done.unchanged} == {getattr(done, first)[0].assignment}
