"""Accepting, as a saga: promise (one commit), ask the learning platform (no transaction), settle (one commit).

Between the two commits the assignment is publicly allocated, its money held, and `redemption_uuid` names the pending
transaction: nobody can cancel or expire it. A crash anywhere leaves a pending transaction that `tick` takes up.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid4

from bursar.assignments import moves
from bursar.assignments.constants import AssignmentActionErrors, AssignmentActions
from bursar.assignments.events import HistoryReason
from bursar.assignments.models import LearnerContentAssignment, LearnerContentAssignmentAction
from bursar.assignments.moves import How, Row
from bursar.assignments.policy import Code, RedemptionFacts, refusal, refuse_redemption
from bursar.assignments.states import State, Verb
from bursar.budgets.models import Budget, EntryKind, Transaction, TransactionState
from bursar.budgets.models.budgets import allows_late_redemption
from bursar.budgets.services import Entry, OverBudget
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.bulk import insert_records, update_records
from bursar.kernel.conf import setting
from bursar.kernel.results import BulkResult, Refusal
from bursar.kernel.transactions import writes
from bursar.people.access import Permission
from bursar.people.services import next_learner_number, number_persons

logger = logging.getLogger(__name__)

FIRST_PAUSE: Final = timedelta(minutes=2)
LONGEST_PAUSE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RedemptionRequest:
    """Somebody takes an assignment up; `run_key` None leaves the choice of the run to the catalog's facts.

    `lms_user_id` is who asks, as the transport has proven it; None when an admin or a signed link speaks for them. A link
    also names the `cycle` that it was sent for (None: whichever there is).
    """

    assignment: UUID
    run_key: str | None = None
    lms_user_id: int | None = None
    cycle: int | None = None


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """What the catalog says, outside the transaction, of what one assignment is to be redeemed by."""

    known: bool
    in_catalog: bool
    run_fits: bool
    open: bool
    course_key: str = ""
    run_key: str = ""
    start: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What the learning platform has answered for a pending transaction."""

    transaction: UUID
    outcome: Literal["enrolled", "refused", "unclear"]
    reference: str = ""
    courseware_url: str = ""
    code: str = ""
    error: BaseException | None = field(default=None, repr=False)


Redemptions = BulkResult[UUID, Transaction]


def begin_redemptions(
    requests: Iterable[RedemptionRequest], facts: Mapping[UUID, CourseFacts], *, actor: Actor
) -> Redemptions:
    """Open a pending transaction for each assignment that may be taken up; by chunks of one transaction.

    One that is under way or accepted already is answered with its transaction: asking twice does nothing twice.
    """
    whole = Redemptions()
    distinct = {request.assignment: request for request in requests}
    for part in chunks(distinct.values()):
        whole.merge(_begin_chunk(part, facts, actor))
    return whole


@writes
def _begin_chunk(requests: Sequence[RedemptionRequest], facts: Mapping[UUID, CourseFacts], actor: Actor) -> Redemptions:
    asked = {request.assignment: request for request in requests}
    rows = moves.lock(list(asked), actor, Permission.LEARN)
    records = {row.pk: row for row in moves.raw(list(rows)).prefetch_related("assignment_configuration")}
    budgets = _budgets({row.configuration for row in rows.values() if row.configuration})
    answer = Redemptions(refused={key: refusal(Code.NOT_FOUND) for key in asked.keys() - rows.keys()})
    answer.done |= _begun_before({key: row for key, row in rows.items() if _is_for(records[key], asked[key])})
    ready = []
    for key, row in rows.items():
        budget = budgets.get(row.configuration) if row.configuration else None
        why = None if key in answer.done else _refuse(row, records[key], asked[key], facts[key], budget)
        if why is not None:
            answer.refused[key] = why
        elif key not in answer.done and budget is not None:
            ready.append((records[key], facts[key], budget))
    answer.done |= _open_transactions(ready)
    return answer


def _budgets(configurations: set[UUID]) -> dict[UUID, Budget]:
    rows = Budget.objects.select_related("fund").filter(assignment_configuration__in=configurations)
    return {row.assignment_configuration_id: row for row in rows if row.assignment_configuration_id}


def _begun_before(rows: Mapping[UUID, Row]) -> dict[UUID, Transaction]:
    """Return the transactions of assignments that are being, or have been, accepted."""
    known = {}
    for key, row in rows.items():
        transaction = row.redemption or (row.transaction if row.state == State.ACCEPTED else None)
        if transaction:
            known[transaction] = key
    return {known[row.pk]: row for row in Transaction.objects.filter(pk__in=known)}


def _is_for(record: LearnerContentAssignment, request: RedemptionRequest) -> bool:
    """Tell whether the assignment belongs to whoever asks, or somebody speaks for them."""
    of_now = request.cycle is None or record.cycle == request.cycle
    return of_now and (request.lms_user_id is None or record.lms_user_id == request.lms_user_id)


def _refuse(
    row: Row, record: LearnerContentAssignment, request: RedemptionRequest, course: CourseFacts, budget: Budget | None
) -> Refusal | None:
    if not _is_for(record, request):
        return refusal(Code.LEARNER_NOT_ASSIGNED_CONTENT)
    if budget is None:
        return refusal(Code.POLICY_EXPIRED)
    return refuse_redemption(redemption_facts(budget, course, row.state))


def redemption_facts(budget: Budget, course: CourseFacts, state: str | None) -> RedemptionFacts:
    """Return what decides whether something in this state (None: not assigned) can be taken up from a budget now.

    For the money of what is not held for an assignment, and for who asks, the caller adds the facts.
    """
    now = clock.now()
    late = allows_late_redemption(budget.late_redemption_allowed_until, now)
    return RedemptionFacts(
        state=state, redemption_pending=False, budget_active=budget.active, in_catalog=course.in_catalog,
        known_content=course.known, run_fits=course.run_fits, enrolment_open=course.open or late,
        fund_active=budget.fund.is_active(now),
    )  # fmt: skip


def judge_redemptions(
    requests: Sequence[RedemptionRequest], facts: Mapping[UUID, CourseFacts], *, actor: Actor
) -> dict[UUID, Refusal | None]:
    """Return why each assignment could not be taken up now, or None where it could; changes nothing, locks nothing."""
    asked = {request.assignment: request for request in requests}
    mine = moves.visible(moves.raw(list(asked)), actor, Permission.LEARN)
    records = {row.pk: row for row in mine}
    rows = {row[0]: Row(*row) for row in mine.values_list(*moves.COLUMNS)}
    budgets = _budgets({row.configuration for row in rows.values() if row.configuration})
    answers: dict[UUID, Refusal | None] = dict.fromkeys(asked.keys() - rows.keys(), refusal(Code.NOT_FOUND))
    for key in rows.keys() & records.keys():
        row = rows[key]
        budget = budgets.get(row.configuration) if row.configuration else None
        under_way = refusal(Code.REDEMPTION_IN_PROGRESS) if row.redemption else None
        answers[key] = under_way or _refuse(row, records[key], asked[key], facts[key], budget)
    return answers


Ready = tuple[LearnerContentAssignment, CourseFacts, Budget]


def _open_transactions(ready: Sequence[Ready]) -> dict[UUID, Transaction]:
    if not ready:
        return {}
    now = clock.now()
    users = _user_ids(ready)
    opened = {}
    for record, course, budget in ready:
        opened[record.pk] = Transaction(
            uuid=uuid4(), fund_id=budget.fund_id, budget=budget, state=TransactionState.PENDING,
            idempotency_key=f"redeem:{record.pk}:{record.cycle}", assignment_uuid=record.pk, lms_user_id=users[record.pk],
            content_key=course.run_key, parent_content_key=course.course_key or None, content_title=record.content_title,
            course_run_start_date=course.start, quantity=record.content_quantity, due_at=now + FIRST_PAUSE,
        )  # fmt: skip
        record.redemption_uuid = opened[record.pk].pk
    records = [item[0] for item in ready]
    insert_records(list(opened.values()))
    update_records(records, ["redemption_uuid"])
    return opened


def _user_ids(ready: Sequence[Ready]) -> dict[UUID, int]:
    """Return the user id for each assignment: its own, or one given to a person without an account now."""
    users = {}
    nameless: dict[UUID, list[LearnerContentAssignment]] = {}
    for record, _, budget in ready:
        if record.lms_user_id is None:
            nameless.setdefault(budget.customer_id, []).append(record)
        else:
            users[record.pk] = record.lms_user_id
    for customer, records in nameless.items():
        numbers = number_persons(customer, [record.learner_email_key for record in records])
        for record in records:
            users[record.pk] = numbers.get(record.learner_email_key) or next_learner_number()
    return users


def finish_redemptions(answers: Sequence[Enrolled], *, actor: Actor) -> Redemptions:
    """Settle pending transactions by what the platform answered; by chunks of one transaction.

    Enrolled: accepted, money spent. Refused for good: errored, money free. Unclear: pending, due again after a pause;
    the caller turns it into a refusal once it has given up. What is settled already is left as it is. One that the limit
    does not let through (nothing was held for it) stays pending and stops no other; `audit` names its budget.
    """
    whole = Redemptions()
    for part in chunks(answers):
        whole.merge(_finish_what_fits(part, actor=actor))
    return whole


def _finish_what_fits(answers: Sequence[Enrolled], *, actor: Actor) -> Redemptions:
    try:
        return _finish_chunk(answers, actor=actor)
    except OverBudget as error:
        if len(answers) == 1:
            logger.error("transaction %s: there is no money to settle it", answers[0].transaction)  # noqa: TRY400
            return _finish_chunk([replace(answers[0], outcome="unclear", code=error.code)], actor=actor)
    whole = Redemptions()
    for answer in answers:
        whole.merge(_finish_what_fits([answer], actor=actor))
    return whole


@writes
def _finish_chunk(answers: Sequence[Enrolled], *, actor: Actor) -> Redemptions:
    asked = {answer.transaction: answer for answer in answers}
    owners = dict(Transaction.objects.filter(pk__in=asked).values_list("pk", "assignment_uuid"))
    rows = {
        row.redemption: row
        for row in moves.lock(list(owners.values()), actor, Permission.LEARN).values()
        if row.redemption
    }
    pending = (
        Transaction.objects.select_for_update().filter(pk__in=asked, state=TransactionState.PENDING).order_by("pk")
    )
    found = {row.pk: row for row in pending}
    by_outcome = {"enrolled": _commit, "refused": _fail, "unclear": _postpone}
    done = Redemptions()
    for outcome, settle in by_outcome.items():
        mine = [(found[key], rows[key], asked[key]) for key in found if key in rows and asked[key].outcome == outcome]
        if mine:
            settle(mine, actor)
            done.done |= {row.uuid: transaction for transaction, row, _ in mine}
    _put_off({found[key]: asked[key] for key in found if key not in rows})
    return done


Settled = Sequence[tuple[Transaction, Row, Enrolled]]


def _commit(settled: Settled, actor: Actor) -> None:
    now = clock.now()
    for transaction, _, answer in settled:
        transaction.state, transaction.modified, transaction.due_at = TransactionState.COMMITTED, now, None
        transaction.fulfillment_identifier = answer.reference[:255] or None
        transaction.courseware_url = answer.courseware_url[:1000]
        transaction.attempts += 1
    fields = ["state", "modified", "due_at", "fulfillment_identifier", "courseware_url", "attempts"]
    update_records([transaction for transaction, _, _ in settled], fields)
    paid_by = [LearnerContentAssignment(uuid=row.uuid, transaction_uuid=item.pk) for item, row, _ in settled]
    update_records(paid_by, ["transaction_uuid"])
    entries = {
        row.uuid: Entry(EntryKind.REDEMPTION, item.quantity, f"{item.pk}:redemption", transaction=item.pk)
        for item, row, _ in settled
        if item.quantity
    }
    how = How(
        actor, now, HistoryReason.REDEEMED, values={"redemption_uuid": None}, action=AssignmentActions.REDEEMED,
        entries=entries,
    )  # fmt: skip
    moves.move_many(Verb.REDEEM, [row for _, row, _ in settled], how)


def _fail(settled: Settled, actor: Actor) -> None:
    now = clock.now()
    for transaction, _, answer in settled:
        transaction.state, transaction.modified, transaction.due_at = TransactionState.FAILED, now, None
        transaction.error_code = (answer.code or Code.ENROLLMENT_ERROR)[:64]
        transaction.attempts += 1
    update_records([item for item, _, _ in settled], ["state", "modified", "due_at", "error_code", "attempts"])
    how = How(actor, now, HistoryReason.REDEMPTION_FAILED, succeeded=False, values={"redemption_uuid": None})
    moves.move_many(Verb.REDEEM, [row for _, row, _ in settled], how)
    by_error: dict[int, list[tuple[UUID, BaseException | None]]] = {}
    for _, row, answer in settled:
        by_error.setdefault(id(answer.error), []).append((row.uuid, answer.error))
    for group in by_error.values():
        LearnerContentAssignmentAction.objects.record_many(
            [key for key, _ in group], AssignmentActions.REDEEMED, error=AssignmentActionErrors.ENROLLMENT_ERROR,
            exc=group[0][1], at=now, user_id=actor.user_id, counting=False,
        )  # fmt: skip


def _postpone(settled: Settled, _: Actor) -> None:
    _put_off({transaction: answer for transaction, _, answer in settled})


def _put_off(answers: Mapping[Transaction, Enrolled]) -> None:
    """Ask again later: what is unclear, and what lost its assignment, which an operator has to look at."""
    now = clock.now()
    for transaction, answer in answers.items():
        pause: timedelta = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(transaction.attempts, 10))
        transaction.attempts += 1
        transaction.due_at, transaction.modified = now + pause, now
        transaction.error_code = answer.code[:64]
    update_records(list(answers), ["attempts", "due_at", "modified", "error_code"])


def pending_redemptions(limit: int) -> list[Transaction]:
    """Return pending transactions whose enrolment is due to be asked for again."""
    rows = Transaction.objects.filter(state=TransactionState.PENDING, due_at__lte=clock.now())
    return list(rows.order_by("due_at", "pk")[:limit])


def has_given_up(transaction: Transaction) -> bool:
    """Tell whether an enrolment has been without a clear answer for too long."""
    waited: timedelta = clock.now() - transaction.created
    patience: timedelta = setting("redemption_give_up")
    return waited >= patience
