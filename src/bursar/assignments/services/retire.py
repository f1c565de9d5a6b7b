"""Scrubbing: removing the personal data of people, by deadline or on request."""

from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from bursar.assignments.events import TOPIC_MAIL, EventType, HistoryReason, MessageKind
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.models.privacy import erase_traces
from bursar.assignments.moves import announce_as_they_stand, raw, visible
from bursar.assignments.policy import Code, refusal
from bursar.assignments.services.chunked import Outcome, Progress, in_chunks
from bursar.assignments.states import Verb, starts
from bursar.kernel import clock
from bursar.kernel.actor import Actor
from bursar.kernel.bulk import update_records
from bursar.kernel.history import record_history
from bursar.kernel.transactions import writes
from bursar.outbox.services import withdraw_many
from bursar.people.access import Permission

SCRUBBED = "scrubbed"


def retire_many(
    keys: Iterable[UUID],
    *,
    actor: Actor,
    reason: HistoryReason = HistoryReason.SCRUBBED,
    ended_only: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Remove the address of these assignments from record, history, tracebacks, person and queued messages.

    With `ended_only` whoever has been assigned anew by now is refused (`wrong_state`).
    The ids, the money and the dates stay. What is kept outside the database (mail files) is the caller's next step, by
    the mail port. By chunks of one transaction; doing it again changes nothing.
    """
    return in_chunks(keys, partial(_retire_chunk, actor=actor, reason=reason, ended_only=ended_only), progress)


@writes
def _retire_chunk(keys: Sequence[UUID], *, actor: Actor, reason: HistoryReason, ended_only: bool) -> Outcome:
    rows = visible(raw(keys), actor, Permission.MANAGE)
    found = list(rows.select_for_update().order_by("pk").prefetch_related("assignment_configuration"))
    refused = {key: refusal(Code.NOT_FOUND) for key in set(keys) - {row.pk for row in found}}
    if ended_only:
        refused |= {row.pk: refusal(Code.WRONG_STATE) for row in found if row.state not in starts(Verb.ALLOCATE)}
    todo = [row for row in found if row.pk not in refused and row.address_scrubbed_at is None]
    now = clock.now()
    if todo:
        erase_traces(todo)
        for row in todo:
            row.address_scrubbed_at = row.modified = now
        mine = [row.pk for row in todo]
        update_records(todo, ["learner_email", "learner_email_key", "address_scrubbed_at", "modified"])
        record_history(LearnerContentAssignment, mine, "~", reason=reason, user_id=actor.user_id, at=now)
        withdraw_many(TOPIC_MAIL, list(MessageKind), mine, reason="personal data removed")
        announce_as_they_stand(EventType.SCRUBBED, mine, at=now, reason=reason)
    return Outcome({row.pk: SCRUBBED for row in found if row.pk not in refused}, refused)
