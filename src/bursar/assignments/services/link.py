"""Linking: a user with a verified address gets the assignments that were made to that address."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from bursar.assignments.events import EventType, HistoryReason
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.moves import announce_as_they_stand
from bursar.kernel import clock
from bursar.kernel.history import record_history
from bursar.kernel.transactions import require_transaction, writes
from bursar.people.selectors import users_proven
from bursar.people.services import link_user


def link_assignments(user: Any) -> int:
    """Give a user (whose address the caller has found verified) the assignments to that address; returns how many.

    Where another assignment of the same content belongs to the user already, the second stays unlinked and an admin
    sees it (ruling 7). Inside the caller's transaction, whatever the number of assignments.
    """
    require_transaction()
    link = link_user(user)
    mine: QuerySet[LearnerContentAssignment] = QuerySet(LearnerContentAssignment).filter(
        learner_email_key=link.address_key, address_scrubbed_at=None
    )
    rows = list(
        mine.filter(lms_user_id=None)
        .select_for_update()
        .order_by("pk")
        .values_list("pk", "assignment_configuration_id", "content_key")
    )
    theirs = LearnerContentAssignment.objects.filter(
        lms_user_id=link.lms_user_id, content_key__in={row[2] for row in rows}
    )
    taken = set(theirs.values_list("assignment_configuration_id", "content_key")) if rows else set()
    keys = [pk for pk, configuration, content in rows if (configuration, content) not in taken]
    now = clock.now()
    if keys:
        QuerySet(LearnerContentAssignment).filter(pk__in=keys).update(lms_user_id=link.lms_user_id, modified=now)
        record_history(LearnerContentAssignment, keys, "~", reason=HistoryReason.LINKED, user_id=link.user_id, at=now)
        announce_as_they_stand(EventType.LINKED, keys, at=now)
    return len(keys)


def link_newcomers(batch: UUID) -> int:
    """Link users who proved an address while a batch was being written to it; returns how many assignments.

    Neither side could see what the other had not committed: whoever commits second has to look again. One statement
    when nobody appeared; otherwise a transaction for each who did.
    """
    unlinked = LearnerContentAssignment.objects.filter(allocation_batch_id=batch, lms_user_id=None)
    keys = unlinked.filter(address_scrubbed_at=None).order_by().values("learner_email_key")
    return sum(_link(user) for user in users_proven(keys))


@writes
def _link(user: Any) -> int:
    return link_assignments(user)
