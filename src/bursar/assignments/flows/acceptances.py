"""Accepting, answered in the words of whoever asks: for oneself, or by those who manage the assignment, for the learner."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from bursar.assignments.flows.redemptions import redeem_many
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.policy import Code, refusal
from bursar.assignments.selectors import reachable
from bursar.assignments.services import RedemptionRequest
from bursar.assignments.services.chunked import Progress
from bursar.assignments.states import State
from bursar.budgets.models import Transaction, TransactionState
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.results import BulkResult, Refusal

ACCEPTED: Final = "accepted"
UNCHANGED: Final = "unchanged"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How an assignment fared: `accepted`, `unchanged` (it was before) or the state of its transaction, `pending`."""

    result: str
    transaction: Transaction


Acceptances = BulkResult[UUID, Acceptance]


def accept_many(
    keys: Iterable[UUID], *, run_key: str | None = None, actor: Actor, progress: Progress | None = None
) -> Acceptances:
    """Accept assignments that are `actor`'s own or that they manage; each is answered, or refused by name.

    An enrolment that fails for good is a refusal with the transaction's code. By chunks, as `redeem_many`.
    """
    whole = Acceptances()
    for part in chunks(dict.fromkeys(keys)):
        whole.merge(_accept_chunk(part, run_key, actor))
        if progress:
            progress(len(part))
    return whole


def _accept_chunk(keys: Sequence[UUID], run_key: str | None, actor: Actor) -> Acceptances:
    reach = reachable(keys, actor)
    before = set(
        LearnerContentAssignment.objects.filter(pk__in=reach.all, state=State.ACCEPTED).values_list("pk", flat=True)
    )
    asked = [
        RedemptionRequest(key, run_key, None if key in reach.managed else actor.lms_user_id)
        for key in keys
        if key in reach.all
    ]
    answered = redeem_many(asked, actor=actor)
    failed = {key: why_failed(row) for key, row in answered.done.items() if row.state == TransactionState.FAILED}
    strangers = {key: refusal(Code.NOT_FOUND) for key in keys if key not in reach.all}
    done = {
        key: Acceptance(result_of(row, was_accepted=key in before), row)
        for key, row in answered.done.items()
        if key not in failed
    }
    return Acceptances(done, answered.refused | failed | strangers)


def result_of(row: Transaction, *, was_accepted: bool) -> str:
    """Return in one word how an assignment with this transaction fares."""
    if was_accepted:
        return UNCHANGED
    return ACCEPTED if row.state == TransactionState.COMMITTED else str(row.state)


def why_failed(row: Transaction) -> Refusal:
    """Return the refusal that a transaction which failed for good amounts to."""
    why = refusal(Code.ENROLLMENT_ERROR)
    return Refusal(row.error_code or why.code, why.message, {"transaction": str(row.pk)})
