"""What lists show of an assignment, from facts kept on its row. Pure: the database's generated columns repeat this."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from bursar.assignments.expiry import Reason
from bursar.assignments.states import ENDED, LEARNER_STATE_ORDER, UNORDERED, LearnerState, State


class ScrubRule(IntEnum):
    """What the address of an ended assignment waits for: the settled expiry message, or time alone (ruling 29)."""

    TOLD = 1
    AGED = 2


@dataclass(frozen=True, slots=True)
class Facts:
    """The stored facts that the list fields follow from; all times aware UTC."""

    state: str
    created: datetime
    allocated_at: datetime | None = None
    notified_at: datetime | None = None
    notification_failed_at: datetime | None = None
    reminded_at: datetime | None = None

    @property
    def cycle_start(self) -> datetime:
        """When the current allocation began; what happened earlier belongs to a cycle before it."""
        return self.allocated_at or self.created


def learner_state(facts: Facts) -> LearnerState | None:
    """Return what the assignment waits for: the first rule that fits."""
    if facts.state == State.ALLOCATED:
        if _since(facts.notified_at, facts.cycle_start):
            return LearnerState.WAITING
        if _since(facts.notification_failed_at, facts.cycle_start):
            return LearnerState.FAILED
        return LearnerState.NOTIFYING
    if facts.state == State.EXPIRED:
        return LearnerState.EXPIRED
    if facts.state == State.ERRORED:
        return LearnerState.FAILED
    return None


def learner_state_sort_order(facts: Facts) -> int:
    """Return the place of the learner state in lists."""
    state = learner_state(facts)
    return UNORDERED if state is None else LEARNER_STATE_ORDER.index(state)


def recent_action(facts: Facts) -> tuple[str, datetime]:
    """Return the last thing that the admin did, `reminded` or `assigned`, and when."""
    if facts.reminded_at is not None and facts.reminded_at >= facts.cycle_start:
        return "reminded", facts.reminded_at
    return "assigned", facts.cycle_start


def scrub_rule(state: str, expires_reason: str, scrubbed_at: datetime | None) -> ScrubRule | None:
    """Return by which rule the address is going to be scrubbed; None while nothing demands it, and once it is done."""
    if scrubbed_at is not None or state not in ENDED:
        return None
    timed_out = state == State.EXPIRED and expires_reason == Reason.NINETY_DAYS_PASSED
    return ScrubRule.TOLD if timed_out else ScrubRule.AGED


def ended_at(state: str, stamps: Mapping[str, datetime | None], modified: datetime) -> datetime | None:
    """Return when an assignment ended (`stamps` by state), by its last change where that was not written down."""
    return (stamps.get(state) or modified) if state in ENDED else None


def _since(moment: datetime | None, start: datetime) -> bool:
    return moment is not None and moment >= start
