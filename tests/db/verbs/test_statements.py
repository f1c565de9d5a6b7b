"""A verb takes as many statements for many people as for few: a fixed number for each chunk, none for each row.

One prepared statement run over all rows (`executemany`, where there is no COPY) counts as the one that it is.
"""

import pytest
from django.db import connection
from tests.db.verbs.steps import DAY, accept, allocate, assigned, keys, later, request_for, statements, tick

from bursar.assignments import services
from bursar.assignments.flows import change_fund_end, plan, redeem_many, scrub_due
from bursar.assignments.flows.redemptions import resume_redemptions
from bursar.assignments.services import RedemptionRequest
from bursar.kernel import clock
from bursar.kernel.actor import CONSOLE, TICK
from bursar.kernel.backends import backend
from bursar.testing.factories import make_house, make_member, make_people

RUN = "course-v1:DemoX+D101+R1"
SIZES = (10, 100, 1000) if connection.vendor == "postgresql" else (10, 100)
LARGEST = 40  # far above what any verb takes for one chunk, far below one for each of the fewest people measured twice

pytestmark = pytest.mark.usefixtures("unaudited")  # what the verbs write is proven elsewhere, by fewer people


class Crowd:
    """So many people at a customer of their own."""

    def __init__(self, size):
        self.house = make_house(limit_cents=500_000_000, deposit_cents=500_000_000)
        self.budget = self.house.budget
        self.people = make_people(size, prefix=f"of{size}n")

    def assigned(self):
        return keys(assigned(self.budget, self.people))

    def accepted(self):
        return keys(accept(assigned(self.budget, self.people)))

    def cancelled(self):
        rows = self.assigned()
        services.cancel_many(rows, actor=CONSOLE)
        return rows


def ready_to(name):
    """Return what prepares a crowd and what is then counted."""
    return {
        "allocate new": (lambda _: None, lambda crowd, _: allocate(crowd.budget, crowd.people)),
        "allocate the same": (Crowd.assigned, lambda crowd, _: allocate(crowd.budget, crowd.people)),
        "fill in a run": (Crowd.assigned, lambda crowd, _: allocate(crowd.budget, crowd.people, run=RUN)),
        "renew": (Crowd.cancelled, lambda crowd, _: allocate(crowd.budget, crowd.people, price=5000)),
        "plan": (lambda _: None, lambda crowd, _: plan(request_for(crowd.budget), crowd.people, actor=CONSOLE)),
        "cancel": (Crowd.assigned, lambda _, rows: services.cancel_many(rows, actor=CONSOLE)),
        "expire": (Crowd.assigned, lambda _, rows: later_expire(rows)),
        "remind": (Crowd.assigned, lambda _, rows: services.remind_many(rows, actor=CONSOLE)),
        "redeem": (
            Crowd.assigned,
            lambda _, rows: redeem_many([RedemptionRequest(row) for row in rows], actor=CONSOLE),
        ),
        "reverse": (Crowd.accepted, lambda _, rows: services.reverse_many(rows, actor=CONSOLE)),
        "nudge": (Crowd.accepted, lambda _, rows: services.nudge_many(rows, days=3, actor=CONSOLE)),
        "extend": (
            Crowd.assigned,
            lambda _, rows: services.extend_many(rows, until=clock.now() + 200 * DAY, why="", actor=CONSOLE),
        ),
        "retire": (Crowd.cancelled, lambda _, rows: services.retire_many(rows, actor=CONSOLE)),
        "move the fund's end": (
            Crowd.assigned,
            lambda crowd, _: change_fund_end(crowd.house.fund.pk, clock.now() + 5 * DAY, actor=CONSOLE),
        ),
        "undo": (
            lambda crowd: allocate(crowd.budget, crowd.people).batch,
            lambda _, batch: services.undo_batch(batch, actor=CONSOLE),
        ),
    }[name]


def later_expire(rows):
    with later(91 * DAY):
        assert len(services.expire_many(rows, actor=CONSOLE).done) == len(rows)


VERBS = ["allocate new", "allocate the same", "fill in a run", "renew", "plan", "cancel", "expire", "remind", "redeem",
         "reverse", "nudge", "extend", "retire", "move the fund's end", "undo"]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_ten_people_take_as_many_statements_as_a_thousand(course, verb):
    prepare, act = ready_to(verb)
    counted = {}
    for size in SIZES:
        crowd = Crowd(size)
        rows = prepare(crowd)
        counted[size] = statements(act, crowd, rows)
    assert len(set(counted.values())) == 1, counted
    assert 1 < counted[SIZES[0]] <= LARGEST


@pytest.mark.parametrize("verb", ["cancel", "expire", "remind", "reverse", "nudge", "extend", "retire"])
def test_four_chunks_take_four_times_as_many(course, configure, verb):
    prepare, act = ready_to(verb)
    one, four = Crowd(20), Crowd(80)
    prepared = prepare(one), prepare(four)
    configure(chunk_size=20)
    assert statements(act, four, prepared[1]) == 4 * statements(act, one, prepared[0])


def test_somebody_in_particular_costs_one_look_at_the_roles_more(course):
    """Whose customers an actor may touch is asked once for a chunk."""
    by_console, by_admin = Crowd(20), Crowd(20)
    rows = by_console.assigned(), by_admin.assigned()
    admin = make_member(by_admin.house.customer)
    plain = statements(services.cancel_many, rows[0], actor=CONSOLE)
    assert statements(services.cancel_many, rows[1], actor=admin) == plain + 1


def test_taking_up_pending_enrolments_does_not_ask_for_each(course):
    counted = []
    for size in (10, 100):
        crowd = Crowd(size)
        port = backend("enrolment_port")
        for person in crowd.people:
            port.script(person.email, "unclear")
        crowd.accepted()
        with later(DAY / 2):
            counted.append(statements(resume_redemptions))
    assert counted[0] == counted[1] <= LARGEST


def test_a_sweep_does_not_ask_for_each(course):
    counted = []
    for size in (1, 10, 100):  # the first one also notes that it has the file rewritten
        Crowd(size).cancelled()
        with later(91 * DAY):
            counted.append(statements(scrub_due, actor=TICK))
    assert counted[1] == counted[2] <= LARGEST


def test_a_large_allocation_takes_a_fixed_number_for_each_chunk(course, configure):
    configure(inline_limit=10, chunk_size=20)
    few, many = Crowd(40), Crowd(80)
    counted = statements(allocate, few.budget, few.people), statements(allocate, many.budget, many.people)
    per_chunk = (counted[1] - counted[0]) / 2
    assert per_chunk == int(per_chunk) <= LARGEST


def test_a_tick_with_nothing_to_do_costs_the_same_whatever_has_been(course, mail):
    Crowd(10).accepted()
    tick()
    little = statements(tick)
    Crowd(100).accepted()
    tick()
    assert statements(tick) == little <= LARGEST
