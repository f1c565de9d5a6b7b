"""Accepting: promise in one commit, ask the learning platform outside any, settle in another; and take up what was left."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import get_args
from uuid import UUID

from bursar.assignments import services
from bursar.assignments.flows import contents
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.selectors import catalogs_of
from bursar.assignments.services import CourseFacts, Enrolled, RedemptionRequest, Redemptions
from bursar.assignments.services.chunked import Progress
from bursar.budgets.models import Transaction
from bursar.kernel import clock
from bursar.kernel.actor import TICK, Actor
from bursar.kernel.backends import backend
from bursar.kernel.batching import chunks
from bursar.kernel.results import Refusal
from bursar.kernel.text import storable
from bursar.kernel.transactions import refuse_transaction
from bursar.ports.catalog import Content
from bursar.ports.enrolment import EnrolmentAnswer, EnrolmentPort, EnrolmentRequest, Outcome

logger = logging.getLogger(__name__)

RESUMED_AT_ONCE = 200
NO_FACTS = CourseFacts(known=False, in_catalog=False, run_fits=False, open=False)


def redeem_many(
    requests: Iterable[RedemptionRequest], *, actor: Actor, progress: Progress | None = None
) -> Redemptions:
    """Accept assignments: each is answered with its transaction (committed, pending or failed) or refused by name.

    By chunks. Whoever cannot be enrolled for now stays pending and is asked for again by `tick`.
    """
    whole = Redemptions()
    for part in chunks(requests):
        begun = services.begin_redemptions(part, _course_facts(part), actor=actor)
        ask([row for row in begun.done.values() if row.state == "pending" and row.attempts == 0], actor=actor)
        fresh = Transaction.objects.in_bulk([row.pk for row in begun.done.values()])
        whole.merge(Redemptions({key: fresh[row.pk] for key, row in begun.done.items()}, begun.refused))
        if progress:
            progress(len(part))
    return whole


def judge_redemptions(requests: Iterable[RedemptionRequest], *, actor: Actor) -> dict[UUID, Refusal | None]:
    """Return why each assignment could not be accepted now, or None where it could; changes nothing."""
    answers: dict[UUID, Refusal | None] = {}
    for part in chunks(requests):
        answers |= services.judge_redemptions(part, _course_facts(part), actor=actor)
    return answers


def _course_facts(requests: Sequence[RedemptionRequest]) -> Mapping[UUID, CourseFacts]:
    """Return what the catalog says of each assignment's content and run, with a fixed number of questions."""
    records = LearnerContentAssignment.objects.in_bulk([request.assignment for request in requests])
    known = contents.describe({row.content_key for row in records.values()})
    catalogs = catalogs_of(
        {row.assignment_configuration_id for row in records.values() if row.assignment_configuration_id}
    )
    offered: set[tuple[UUID | None, str]] = set()
    for catalog in set(catalogs.values()):
        keys = {row.content_key for row in records.values() if catalogs.get(_configuration(row)) == catalog}
        offered |= {(catalog, key) for key in contents.catalog().contains_many(catalog, keys)}
    return {
        request.assignment: _facts(request, records.get(request.assignment), known, offered, catalogs)
        for request in requests
    }


def _configuration(record: LearnerContentAssignment) -> UUID:
    return record.assignment_configuration_id or UUID(int=0)


def _facts(
    request: RedemptionRequest,
    record: LearnerContentAssignment | None,
    known: Mapping[str, Content],
    offered: set[tuple[UUID | None, str]],
    catalogs: Mapping[UUID, UUID | None],
) -> CourseFacts:
    content = known.get(record.content_key) if record else None
    if record is None or content is None:
        return NO_FACTS
    wanted = request.run_key or (record.preferred_course_run_key if content.run is None else content.key)
    return course_facts(content, wanted, in_catalog=(catalogs.get(_configuration(record)), content.key) in offered)


def course_facts(content: Content, wanted: str | None, *, in_catalog: bool) -> CourseFacts:
    """Return what the catalog says of an assigned content and the run that the learner wants of it (None: any)."""
    now = clock.now()
    if wanted in (None, content.course_key):
        first = contents.first_open_run(content, now) or contents.last_run(content)
        wanted = first.key if first else None
    run = contents.run_meant(content, wanted)
    fits = (wanted is None and not content.runs) or (run is not None and run.key == wanted)
    return CourseFacts(
        known=True,
        in_catalog=in_catalog,
        run_fits=fits or (wanted is None and bool(content.runs)),
        open=contents.is_open(content, wanted, now),
        course_key=content.course_key,
        run_key=run.key if run else content.course_key,
        start=run.start if run else None,
    )


def resume_redemptions() -> int:
    """Ask again for pending enrolments that are due; returns how many. Given up: settled by what can be found out."""
    resumed = 0
    while due := services.pending_redemptions(RESUMED_AT_ONCE):
        ask(due, actor=TICK)
        resumed += len(due)
    return resumed


def ask(transactions: Sequence[Transaction], *, actor: Actor) -> None:
    """Ask the learning platform for the enrolments of pending transactions, and settle what it answers."""
    refuse_transaction()
    if not transactions:
        return
    port: EnrolmentPort = backend("enrolment_port")
    requests = _requests(transactions)
    final = {item.pk for item in transactions if services.has_given_up(item)}
    answers = _ask_port(port.enrol_many, [item for item in requests if item.key not in final])
    answers |= _ask_port(port.find_many, [item for item in requests if item.key in final])
    by_key = {request.key: request for request in requests}
    settled = [_settle(by_key[item.pk], answers.get(item.pk), give_up=item.pk in final) for item in transactions]
    services.finish_redemptions(settled, actor=actor)


def _requests(transactions: Sequence[Transaction]) -> list[EnrolmentRequest]:
    emails = dict(
        LearnerContentAssignment.objects.filter(pk__in=[item.assignment_uuid for item in transactions]).values_list(
            "pk", "learner_email"
        )
    )
    return [
        EnrolmentRequest(
            item.pk, item.lms_user_id, item.content_key, item.parent_content_key or item.content_key,
            emails.get(item.assignment_uuid, ""),
        )
        for item in transactions
    ]  # fmt: skip


def _ask_port(
    ask_many: Callable[[Sequence[EnrolmentRequest]], list[EnrolmentAnswer]], requests: Sequence[EnrolmentRequest]
) -> dict[UUID, EnrolmentAnswer]:
    """Ask, and take an exception for no answer at all: whatever the platform did, its key will tell."""
    if not requests:
        return {}
    try:
        return _by_key(ask_many(requests))
    except Exception as error:  # noqa: BLE001 - an adapter may raise anything; the money stays held and tick asks again
        logger.error("enrolment: no answer, %s", type(error).__name__)  # noqa: TRY400 - a stack may name people
        return {
            request.key: EnrolmentAnswer(request.key, "unclear", code="no_answer", error=error) for request in requests
        }


def _by_key(answers: Iterable[EnrolmentAnswer]) -> dict[UUID, EnrolmentAnswer]:
    """Return answers by key; who is answered twice and differently is not answered."""
    found: dict[UUID, EnrolmentAnswer] = {}
    for answer in answers:
        if found.setdefault(answer.key, answer).outcome != answer.outcome:
            found[answer.key] = EnrolmentAnswer(answer.key, "unclear", code="contradictory_answer")
    return found


def _settle(request: EnrolmentRequest, answer: EnrolmentAnswer | None, *, give_up: bool) -> Enrolled:
    """Return what an answer means; one that names another user or run is no answer."""
    if answer is None:
        answer = EnrolmentAnswer(request.key, "unclear", code="no_answer")
    lies = answer.outcome == "enrolled" and (answer.lms_user_id, answer.run_key) != (
        request.lms_user_id,
        request.run_key,
    )
    if lies:
        answer = EnrolmentAnswer(request.key, "unclear", code="answer_for_somebody_else")
    outcome = answer.outcome if answer.outcome in get_args(Outcome) else "unclear"
    if give_up and outcome == "unclear":
        return Enrolled(request.key, "refused", code="given_up", error=answer.error)
    reference, url, code = (storable(text or "") for text in (answer.reference, answer.courseware_url, answer.code))
    return Enrolled(request.key, outcome, reference, url, code, answer.error)
