"""Random walks over everything that can happen to assignments, each step compared with a model of what must be true.

Every change gets two hundred walks, most of them on SQLite, where a walk is four times as fast. WALK_SEQUENCES and
WALK_STEPS ask for more; WALK_SHRINK=0 shows the first failure as it is; WALK_KINDS="expire cancel" takes these kinds of
step alone.
"""

import os
from datetime import timedelta

import pytest
from django.db import connection, transaction
from hypothesis import Phase
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.walk.model import CHUNK, INLINE
from tests.walk.records import DAY
from tests.walk.world import ADDRESSES, LIMITS, RUNS, SPELLINGS, World

SEQUENCES = int(os.environ.get("WALK_SEQUENCES", "184" if connection.vendor == "sqlite" else "16"))
PARTS = 8
STEPS = int(os.environ.get("WALK_STEPS", "13"))
SHRINKS = os.environ.get("WALK_SHRINK", "1") == "1"
KINDS = os.environ.get("WALK_KINDS", "").split()
PHASES = [Phase.reuse, Phase.generate, *([Phase.shrink] if SHRINKS else [])]

some = st.lists(st.integers(0, 9), min_size=1, max_size=5, unique=True)
place = st.integers(0, 5)
purse = st.sampled_from([*sorted(LIMITS), "two"])
address = st.sampled_from(ADDRESSES)
names = st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=5)
answers = st.lists(
    st.sampled_from(["enrolled", "enrolled", "enrolled", "refused", "unclear", "silent", "lie"]), min_size=1, max_size=4
)
mails = st.lists(st.sampled_from(["send", "send", "send", "retry", "reject", "raise"]), min_size=1, max_size=4)


def step(weight, name, /, **given):
    """Return a kind of step, as often as it is to be drawn."""
    is_asked_for = name in KINDS or not KINDS
    return [st.fixed_dictionaries({"step": st.just(name)} | given)] * weight * is_asked_for


STEPS_OF_A_WALK = [
    *step(12, "allocate", name=purse, content=st.just("C1"), who=names),
    *step(1, "allocate", name=purse, content=st.just("R3"), who=names),
    *step(1, "allocate", name=purse, content=st.just("C4"), who=names),
    *step(2, "allocate", name=purse, content=st.just("C1"), who=names, run=st.sampled_from(["R1", "R2"])),
    *step(2, "allocate", name=purse, content=st.just("C1"), who=names, price=st.sampled_from([94, 95, 105, 106])),
    *step(12, "redeem", at=some, run=st.none(), who=st.sampled_from(["nobody", "own"]), steps=answers),
    *step(1, "redeem", at=some, run=st.sampled_from(sorted(RUNS)), who=st.just("nobody"), steps=answers),
    *step(1, "redeem", at=some, run=st.none(), who=st.just("stranger"), steps=answers),
    *step(6, "cancel", at=some),
    *step(6, "reverse", at=some),
    *step(3, "expire", at=some),
    *step(5, "remind", at=some),
    *step(3, "extend", at=some, days=st.sampled_from([None, 1, 10, 200])),
    *step(4, "acknowledge", at=some, name=purse, place=place),
    *step(2, "undo", place=place),
    *step(8, "mail", mails=mails),
    *step(6, "tick", steps=answers, mails=mails),
    *step(
        8, "sweep", which=st.sampled_from(["resume", "reschedule", "expire", "expire", "nudge", "scrub"]), steps=answers
    ),
    *step(10, "wait", span=st.sampled_from([timedelta(hours=1), DAY, 8 * DAY, 31 * DAY, 91 * DAY, 91 * DAY])),
    *step(2, "move_a_deadline", key=st.sampled_from(sorted(RUNS)), days=st.sampled_from([None, -1, 1, 20, 400])),
    *step(1, "end_the_fund", days=st.sampled_from([None, 60, 400])),
    *step(2, "set_a_limit", name=purse, cents=st.sampled_from([0, 4_900, 20_000, 30_000, 60_000])),
    *step(2, "deposit_or_adjust", cents=st.sampled_from([1, 4_900, 20_000, -1, -10_000])),
    *step(3, "register", address=address, is_verified=st.booleans()),
    *step(2, "change_address", place=place, address=address),
    *step(2, "verify", place=place),
    *step(1, "retire", at=st.lists(st.integers(0, 11), min_size=1, max_size=2)),
    *step(1, "erase", place=place),
]


class Walk(RuleBasedStateMachine):
    """Every walk happens inside a transaction that is undone; a commit is only as durable as the block around it."""

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block._from_testcase = True
        self.block.__enter__()
        self.world = World()

    def teardown(self):
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    @initialize(who=names)
    def begin(self, who):
        self.world.take("allocate", name="two", content="C1", who=who)

    @rule(step=st.integers(0, len(STEPS_OF_A_WALK) - 1).flatmap(STEPS_OF_A_WALK.__getitem__))
    def take(self, step):
        self.world.take(**step)


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(1, PARTS + 1))  # so that two processes can share the work
def test_after_every_step_of_a_random_walk_the_database_is_what_the_model_says(part, settings):
    settings.BURSAR = settings.BURSAR | {
        "inline_limit": INLINE,
        "chunk_size": CHUNK,
        "mail_port": "tests.walk.ports.Mailing",
        "enrolment_port": "tests.walk.ports.Platform",
        "keep_messages": timedelta(days=36_500),  # walks last for years, and the model forgets nothing
    }
    asked = profile(
        max_examples=SEQUENCES // PARTS, stateful_step_count=STEPS, phases=PHASES, report_multiple_bugs=SHRINKS
    )
    run_state_machine_as_test(Walk, settings=asked)
