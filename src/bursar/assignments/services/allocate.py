"""Allocating: who is new, renewed, completed or unchanged, what that costs, and all of it in one commit.

Up to `inline_limit` people are one transaction; more are a batch (`batches`).
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from bursar.assignments import moves
from bursar.assignments.constants import AssignmentActions
from bursar.assignments.events import Act, EventType, HistoryReason, MessageKind
from bursar.assignments.models import (
    AllocationBatch,
    AllocationChunk,
    LearnerContentAssignment,
    LearnerContentAssignmentAction,
)
from bursar.assignments.models.batches import BatchState
from bursar.assignments.models.counts import shift_counts
from bursar.assignments.models.deadlines import reschedule
from bursar.assignments.moves import PEOPLE, How, Row
from bursar.assignments.policy import Code, MoneyLeft, refusal, refuse_amount
from bursar.assignments.services.offers import PLAIN, Allocation, Call, Offer, Placed, Recipient, Rest, distinct
from bursar.assignments.services.planned import refuse_strays, take_plan, use_plan
from bursar.assignments.services.survey import Action, Found, Met, Survey, survey
from bursar.assignments.states import LearnerState, State
from bursar.budgets.models import Budget
from bursar.budgets.services import Change, OverBudget, move_money
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.bulk import insert_rows, update_records
from bursar.kernel.errors import Refused
from bursar.kernel.history import record_history
from bursar.kernel.results import Refusal
from bursar.kernel.transactions import writes
from bursar.people.access import Permission, require
from bursar.people.auditing import About, record_act
from bursar.people.services import know_many


def plan_many(offer: Offer, recipients: Sequence[Recipient], *, actor: Actor) -> tuple[Allocation, Refusal | None]:
    """Return what `allocate_many` would do and charge now, and why it would refuse for lack of money; writes nothing."""
    require(actor, Permission.ALLOCATE, offer.customer)
    plan, met = Allocation(), Met()
    for part in chunks(distinct(recipients)):
        seen = survey(offer, part, lock=False, met=met)
        plan.merge(report(offer, seen, {}, seen.charged))
    return plan, refuse_amount(money_left(offer.budget), plan.charged_cents)


def allocate_inline(offer: Offer, recipients: Sequence[Recipient], *, actor: Actor, call: Call = PLAIN) -> Allocation:
    """Allocate to everybody in one transaction, or to nobody: raises `Refused` with what is missing.

    Only people who are newly charged (created or renewed) need money; the rest costs nothing and is never refused.
    """
    require(actor, Permission.ALLOCATE, offer.customer)
    try:
        return _allocate(offer, distinct(recipients), actor, call)
    except OverBudget as error:
        raise refused_for_money(offer, error) from error


@writes
def _allocate(offer: Offer, recipients: Sequence[Recipient], actor: Actor, call: Call) -> Allocation:
    take_plan(call.plan)
    seen = survey(offer, recipients, lock=True)
    refuse_strays(seen.found)
    needed = seen.charged * offer.price_cents
    why = refuse_amount(money_left(offer.budget), needed)
    if why is not None:
        raise Refused(why.message, code=why.code, **why.facts)
    batch = uuid4()
    made = place(offer, seen, batch=batch, actor=actor)
    done = report(offer, seen, made, seen.charged)
    if done.created or done.updated or call.rest is not None:
        done.batch = batch
        record_batch(offer, batch, done, people=len(recipients), rest=call.rest)
    use_plan(call.plan, batch)
    if changed := len(done.created) + len(done.updated):
        note_allocation(offer, batch, actor, count=changed)
    move_money({offer.budget: Change(held_cents=needed)})
    return done


def note_allocation(offer: Offer, batch: UUID, actor: Actor, *, count: int) -> None:
    """Write down that somebody allocated to so many people, in the caller's transaction."""
    if actor.kind in PEOPLE:
        record_act(actor, Act.ALLOCATED, offer.customer, About(batch), count=count, content=offer.content_key)


def money_left(budget: UUID) -> MoneyLeft:
    """Return what a budget and its fund can still promise, read now: advice, the guard decides."""
    row = Budget.objects.select_related("fund").get(pk=budget)
    return MoneyLeft(row.free_cents, row.fund.free_cents)


def refused_for_money(offer: Offer, error: OverBudget) -> Refused:
    """Return the refusal for a guard that did not let the money through, whatever has changed since."""
    row = Budget.objects.get(pk=offer.budget)
    why = refusal(Code.POLICY_EXPIRED) if not row.usable else refuse_amount(money_left(offer.budget), offer.price_cents)
    why = why or refusal(Code.POLICY_SPEND_LIMIT_REACHED, **error.facts)
    return Refused(why.message, code=why.code, **why.facts)


def place(offer: Offer, seen: Survey, *, batch: UUID, actor: Actor, tell: bool = True) -> dict[str, UUID]:
    """Write everything a surveyed allocation owes but money: people, rows, history, links, messages, counts.

    Without `tell` the caller leaves a message that stands for all of them.
    Returns the assignments made, by address key. Inside the caller's transaction; a fixed number of statements.
    """
    how = How(actor, clock.now(), HistoryReason.ALLOCATED)
    know_many(offer.customer, [item.recipient.known for item in seen.found], seen.accounts)
    made = _create(offer, seen.of(Action.CREATE), batch, how)
    renewed = _renew(offer, seen.of(Action.RENEW), batch, how)
    _complete(offer, seen.of(Action.COMPLETE), how)
    _readdress([item for item in seen.of(Action.UNCHANGED) if item.new_address], how)
    fresh = [*made.values(), *renewed]
    if fresh:
        LearnerContentAssignmentAction.objects.record_many(
            [row.uuid for row in fresh],
            AssignmentActions.LEARNER_LINKED,
            at=how.at,
            user_id=actor.user_id,
            counting=False,
        )
        if tell:
            moves.tell(MessageKind.ASSIGNED, fresh, at=how.at)
    moves.announce(EventType.ALLOCATED, list(made.values()), at=how.at, customer=offer.customer)
    moves.announce(EventType.RENEWED, renewed, at=how.at, customer=offer.customer)
    before = moves.tally_rows(item.existing.row for item in seen.of(Action.RENEW) if item.existing)
    shift_counts(before, moves.tally_rows(fresh))
    return {key: row.uuid for key, row in made.items()}


def _create(offer: Offer, found: Sequence[Found], batch: UUID, how: How) -> dict[str, Row]:
    ordered = sorted(found, key=lambda item: item.recipient.key)
    uuids = [uuid4() for _ in ordered]
    insert_rows(
        LearnerContentAssignment,
        ("uuid", "learner_email", "learner_email_key", "lms_user_id"),
        [
            (uuid, item.recipient.known.email, item.recipient.key, item.lms_user_id)
            for uuid, item in zip(uuids, ordered, strict=True)
        ],
        _values(offer, batch, how)
        | {"content_key": offer.content_key, "assignment_configuration_id": offer.configuration, "state": State.ALLOCATED,
           "content_quantity": -offer.price_cents, "allocated_at": how.at, "created": how.at, "modified": how.at},
    )  # fmt: skip
    record_history(LearnerContentAssignment, uuids, "+", reason=how.reason, user_id=how.actor.user_id, at=how.at)
    return {
        item.recipient.key: Row(
            uuid, offer.configuration, State.ALLOCATED, LearnerState.NOTIFYING, 1, -offer.price_cents, None,
            how.at, how.at, None, None, None, None, offer.content_key, item.lms_user_id,
        )
        for uuid, item in zip(uuids, ordered, strict=True)
    }  # fmt: skip


def _values(offer: Offer, batch: UUID, how: How) -> dict[str, object]:
    """Return what every assignment made or renewed by this call gets alike."""
    expires = offer.expiry(how.at)
    return {
        "parent_content_key": offer.parent_content_key,
        "is_assigned_course_run": offer.is_course_run,
        "content_title": offer.title[:255],
        "preferred_course_run_key": offer.run_key,
        "allocation_batch_id": batch,
        "admin_lms_user_id": how.actor.lms_user_id,
        "enroll_by": offer.enroll_by,
        "fund_ends_at": offer.fund_ends_at,
        "expires_at": expires.at,
        "expires_reason": expires.reason.value,
    }


def _renew(offer: Offer, found: Sequence[Found], batch: UUID, how: How) -> list[Row]:
    if not found:
        return []
    how = How(how.actor, how.at, HistoryReason.RENEWED, values=_values(offer, batch, how))
    rows = moves.renew_many([item.existing.row for item in found if item.existing], how, -offer.price_cents)
    _identify(found)
    keys = [row.uuid for row in rows]
    record_history(LearnerContentAssignment, keys, "~", reason=how.reason, user_id=how.actor.user_id, at=how.at)
    users = {item.existing.row.uuid: item.lms_user_id for item in found if item.existing}
    return [row._replace(lms_user_id=users[row.uuid] or row.lms_user_id) for row in rows]


def _complete(offer: Offer, found: Sequence[Found], how: How) -> None:
    """Fill in what an allocated row lacks: run, address, user id. No new cycle, no second mail, no money."""
    if not found:
        return
    keys = [item.existing.row.uuid for item in found if item.existing]
    if offer.run_key is not None:
        moves.raw(keys).update(
            preferred_course_run_key=offer.run_key, parent_content_key=offer.parent_content_key,
            is_assigned_course_run=offer.is_course_run, enroll_by=offer.enroll_by,
        )  # fmt: skip
        reschedule(moves.raw(keys))
    _readdress(found, how)


def _readdress(found: Sequence[Found], how: How) -> None:
    """Write the address just given, or a user id found, with history."""
    if not found:
        return
    keys = [item.existing.row.uuid for item in found if item.existing]
    _identify(found)
    moves.raw(keys).update(modified=how.at)
    record_history(
        LearnerContentAssignment, keys, "~", reason=HistoryReason.COMPLETED, user_id=how.actor.user_id, at=how.at
    )


def _identify(found: Sequence[Found]) -> None:
    """Write the new addresses and user ids, in one statement each."""
    linked = [_changed(item, lms_user_id=item.lms_user_id) for item in found if item.lms_user_id is not None]
    moved = [
        _changed(item, learner_email=item.recipient.known.email, learner_email_key=item.recipient.key)
        for item in found
        if item.new_address
    ]
    update_records(linked, ["lms_user_id"])
    update_records(moved, ["learner_email", "learner_email_key", "address_scrubbed_at"])  # scrubbed no more


def _changed(item: Found, **values: object) -> LearnerContentAssignment:
    assert item.existing is not None  # only existing rows change
    return LearnerContentAssignment(uuid=item.existing.row.uuid, **values)


def report(offer: Offer, seen: Survey, made: dict[str, UUID], charged: int) -> Allocation:
    """Return what a survey says was (or would be) done, everybody once."""
    done = Allocation(charged_cents=charged * offer.price_cents)
    lists = {Action.CREATE: done.created, Action.RENEW: done.updated, Action.COMPLETE: done.updated}
    placed: dict[str, UUID | None] = {}
    for item in seen.found:
        key = item.recipient.key
        first = placed.get(item.same_person_as) if item.same_person_as else made.get(key)
        placed[key] = item.existing.row.uuid if item.existing else first
        line = Placed(item.recipient.position, item.recipient.known.email, placed[key])
        lists.get(item.action, done.unchanged).append(line)
    return done


def record_batch(offer: Offer, batch: UUID, done: Allocation, *, people: int, rest: Rest | None) -> None:
    """Keep that the call was made and what it did, for undoing it and for reports, also by row."""
    AllocationBatch.objects.create(
        uuid=batch, configuration_id=offer.configuration, state=BatchState.DONE, terms={"offer": offer.as_json()},
        people=people, created_count=len(done.created), updated_count=len(done.updated),
        unchanged_count=len(done.unchanged), refused_count=len(done.refused), charged_cents=done.charged_cents,
        **counts_of(rest),
    )  # fmt: skip
    keep_results(batch, [results_of(done, ())], rest or Rest())


NAMES: Final = ("created", "updated", "unchanged")


def counts_of(rest: Rest | None) -> dict[str, int]:
    """Return how many rows of a file are nobody's own."""
    return {"twin_count": len(rest.twins), "rejected_count": len(rest.rejected)} if rest else {}


def results_of(done: Allocation, short: Sequence[tuple[int, Refusal]]) -> dict[str, Any]:
    """Return what became of people as a chunk keeps it: places and assignments, no address."""
    placed = {name: [[item.position, str(item.assignment)] for item in getattr(done, name)] for name in NAMES}
    return placed | {"refused": [[position, why.code, why.message] for position, why in short]}


def keep_results(batch: UUID, filled: Sequence[dict[str, Any]], rest: Rest, *, behind: int = 0) -> None:
    """Keep results as filled chunks, those of `rest` last, from the position `behind` on; one statement."""
    twins = [{"twins": [list(twin) for twin in part]} for part in chunks(rest.twins)]
    rejected = [{"rejected": [list(row) for row in part]} for part in chunks(rest.rejected)]
    rows = [(behind + place, results) for place, results in enumerate([*filled, *twins, *rejected])]
    insert_rows(AllocationChunk, ("position", "results"), rows, {"batch_id": batch})
