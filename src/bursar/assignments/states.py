"""From where to where an assignment may go, and what each step does to money and tells whom. Pure: no Django."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """The six public states, as stored."""

    ALLOCATED = "allocated"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"
    ERRORED = "errored"
    EXPIRED = "expired"
    REVERSED = "reversed"


class LearnerState(StrEnum):
    """What an assignment waits for, seen from the learner; accepted, cancelled and reversed ones have none."""

    NOTIFYING = "notifying"
    WAITING = "waiting"
    EXPIRED = "expired"
    FAILED = "failed"


class Verb(StrEnum):
    """What may be done to an assignment that can move its state or owes a message."""

    ALLOCATE = "allocate"
    REMIND = "remind"
    REDEEM = "redeem"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REVERSE = "reverse"
    NUDGE = "nudge"


class Money(StrEnum):
    """What a successful step does to the budget, by the amount of the assignment."""

    NONE = "none"
    HOLD = "hold"
    RELEASE = "release"  # gives back what is held; an errored assignment holds nothing any more
    SPEND = "spend"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table. `start` None stands for "no such assignment yet"."""

    start: frozenset[State | None]
    succeeded: State | None  # None: the state stays
    failed: State | None
    money: Money
    message: str | None


def _from(*states: State | None) -> frozenset[State | None]:
    return frozenset(states)


_A, _OK, _X, _ERR, _EXP, _REV = State

# fmt: off
STEPS: Final[dict[Verb, Step]] = {
    #                    from                                succeeded  failed  money          message
    Verb.ALLOCATE: Step(_from(None, _X, _ERR, _EXP, _REV),   _A,        None,   Money.HOLD,    "assigned"),
    Verb.REMIND:   Step(_from(_A),                           None,      None,   Money.NONE,    "reminded"),
    Verb.REDEEM:   Step(_from(_A),                           _OK,       _ERR,   Money.SPEND,   None),
    Verb.CANCEL:   Step(_from(_A, _ERR),                     _X,        None,   Money.RELEASE, "cancelled"),
    Verb.EXPIRE:   Step(_from(_A),                           _EXP,      None,   Money.RELEASE, "expired"),
    Verb.REVERSE:  Step(_from(_OK),                          _REV,      None,   Money.REFUND,  None),
    Verb.NUDGE:    Step(_from(_OK),                          None,      None,   Money.NONE,    "nudged"),
}
# fmt: on

HOLDING: Final = frozenset({State.ALLOCATED})
LISTED: Final = frozenset({State.ALLOCATED, State.ERRORED})
ENDED: Final = (State.CANCELLED, State.EXPIRED, State.ERRORED, State.REVERSED)
LEARNER_STATE_ORDER: Final = (
    LearnerState.NOTIFYING,
    LearnerState.WAITING,
    LearnerState.EXPIRED,
    LearnerState.FAILED,
)
UNORDERED: Final = 999


def starts(verb: Verb) -> frozenset[State]:
    """Return the states that an existing assignment may be in for `verb`."""
    return frozenset(state for state in STEPS[verb].start if state is not None)


def verb_to(state: str) -> str:
    """Name the service that leads to `state`, for the message that refuses to write it by hand."""
    names = {
        State.ALLOCATED: "allocate_many",
        State.ACCEPTED: "redeem_many",
        State.CANCELLED: "cancel_many",
        State.ERRORED: "redeem_many",
        State.EXPIRED: "expire_many",
        State.REVERSED: "reverse_many",
    }
    return names.get(State(state), "allocate_many") if state in set(State) else "one of the verbs"
