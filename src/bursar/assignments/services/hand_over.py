"""Handing an open assignment to somebody else: cancelled here and allocated there in one commit, by the same money."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from bursar.assignments import moves
from bursar.assignments.events import TOPIC_MAIL, HistoryReason, MessageKind
from bursar.assignments.moves import How, Row
from bursar.assignments.policy import STATE_REFUSALS, Code, refusal
from bursar.assignments.services.allocate import place, record_batch, report
from bursar.assignments.services.link import link_newcomers
from bursar.assignments.services.offers import Offer, Recipient
from bursar.assignments.services.survey import CHARGED, Survey, survey
from bursar.assignments.states import HOLDING, Verb
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.errors import NotFound, Refused
from bursar.kernel.results import Refusal
from bursar.kernel.transactions import writes
from bursar.outbox.selectors import may_have_left
from bursar.outbox.services import withdraw_many
from bursar.people.access import Permission, require

STILL_OWED: Final = [kind for kind in MessageKind if kind != MessageKind.CANCELLED]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Which assignment has ended, which one stands in its place, and the allocation that made it."""

    ended: UUID
    begun: UUID
    batch: UUID


def hand_over(key: UUID, offer: Offer, recipient: Recipient, *, actor: Actor) -> HandedOver:
    """End an allocated assignment and allocate what it offered to somebody else, or do neither.

    The money that it holds is what the new one holds, so that a full budget can do it. Whoever may have been told is
    told of the end, the new one is invited; what waits to be sent to the first is withdrawn. Raises `NotFound`, or
    `Refused`: as accepting refuses by state, `redemption_in_progress`, `already_assigned`, `wrong_state` when the
    assignment is not what the offer was made of any more.
    """
    require(actor, Permission.ALLOCATE, offer.customer)
    done = _hand_over(key, offer, recipient, actor)
    link_newcomers(done.batch)
    return done


def refuse_hand_over(row: Row) -> Refusal | None:
    """Return why an assignment cannot be handed on, or None: what is accepted, or being accepted, has its learner."""
    if row.redemption is not None:
        return refusal(Code.REDEMPTION_IN_PROGRESS)
    return None if row.state in HOLDING else refusal(STATE_REFUSALS[row.state])


@writes
def _hand_over(key: UUID, offer: Offer, recipient: Recipient, actor: Actor) -> HandedOver:
    there = [item.existing.row.uuid for item in survey(offer, [recipient], lock=False).found if item.existing]
    row = moves.lock(sorted({key, *there}), actor, Permission.MANAGE).get(key)  # both at once, in the order of keys
    if row is None:
        raise NotFound("There is no such assignment.")
    seen = survey(offer, [recipient], lock=True)
    why = refuse_hand_over(row) or _refuse_offer(row, offer) or _refuse_recipient(seen)
    if why is not None:
        raise Refused(why.message, code=why.code, **why.facts)
    batch = uuid4()
    made = place(offer, seen, batch=batch, actor=actor)
    _end(row, actor)
    done = report(offer, seen, made, charged=0)
    record_batch(offer, batch, done, people=1, rest=None)
    (begun,) = (item.assignment for item in (*done.created, *done.updated))
    assert begun is not None  # placed above
    return HandedOver(key, begun, batch)


def _refuse_offer(row: Row, offer: Offer) -> Refusal | None:
    offered = (offer.configuration, offer.content_key, -offer.price_cents)
    if (row.configuration, row.content_key, row.quantity) != offered:
        return refusal(Code.WRONG_STATE, state=str(row.state), allowed=[])
    return None


def _refuse_recipient(seen: Survey) -> Refusal | None:
    is_new = all(item.action in CHARGED for item in seen.found)
    return None if is_new else refusal(Code.ALREADY_ASSIGNED)


def _end(row: Row, actor: Actor) -> None:
    """Cancel what is handed on; its money stays held, by the one in its place."""
    withdraw_many(TOPIC_MAIL, STILL_OWED, [row.uuid], reason=str(HistoryReason.HANDED_OVER))
    was_told = row.notified_at is not None and row.notified_at >= (row.allocated_at or row.created)
    tell = was_told or may_have_left(TOPIC_MAIL, MessageKind.ASSIGNED, row.uuid, row.cycle)
    how = How(actor, clock.now(), HistoryReason.HANDED_OVER, tell=tell, pays=False)
    moves.move_many(Verb.CANCEL, [row], how)
