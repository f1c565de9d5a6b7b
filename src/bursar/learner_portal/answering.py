"""Doing what a learner answers, signed in or by a link: one verb each, and the code of its refusal ("" if it was done)."""

from dataclasses import dataclass
from uuid import UUID

from bursar.assignments import flows, services
from bursar.assignments.services import RedemptionRequest, Reply
from bursar.assignments.services.chunked import Outcome
from bursar.kernel.actor import Actor
from bursar.kernel.errors import BadInput
from bursar.kernel.results import Refusal
from bursar.learner_portal.forms import DeclineForm, MoreTimeForm


@dataclass(frozen=True, slots=True)
class Whose:
    """Who answers: a user by their id in the learning platform, or whoever has a link of a cycle of the assignment."""

    assignment: UUID
    actor: Actor
    lms_user_id: int | None = None
    cycle: int | None = None


def accept(whose: Whose, run: str) -> str:
    """Take the assignment up, in the run chosen ("": the one it says); an enrolment that fails is seen by its state."""
    request = RedemptionRequest(whose.assignment, run or None, whose.lms_user_id, whose.cycle)
    return _code(flows.redeem_many([request], actor=whose.actor).refused.get(whose.assignment))


def decline(whose: Whose, form: DeclineForm) -> str:
    """Decline the assignment for the reason given."""
    reason, words = form.cleaned_data["reason"], form.cleaned_data["words"]
    reply = Reply(whose.assignment, whose.lms_user_id, whose.cycle, reason, words)
    return _answered(whose, services.decline_many([reply], actor=whose.actor))


def ask_for_time(whose: Whose, form: MoreTimeForm) -> str:
    """Ask for more time, until the day chosen if any."""
    words, until = form.cleaned_data["words"], form.moment
    reply = Reply(whose.assignment, whose.lms_user_id, whose.cycle, words=words, until=until)
    try:
        return _answered(whose, services.request_time_many([reply], actor=whose.actor))
    except BadInput as error:
        return error.code


def _answered(whose: Whose, outcome: Outcome) -> str:
    return _code(outcome.refused.get(whose.assignment))


def _code(why: Refusal | None) -> str:
    return why.code if why else ""
