"""Removes an address from everywhere that assignments write it: history, tracebacks, replies, the person."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from bursar.assignments.constants import RETIRED_EMAIL_ADDRESS_FORMAT
from bursar.assignments.models.actions import LearnerContentAssignmentAction
from bursar.kernel.bulk import update_rows
from bursar.kernel.staff_log import REMOVED, forget_reasons
from bursar.people.keys import key_of
from bursar.people.models import Person
from bursar.people.services import erase_persons
from bursar.people.suppression import forget_mailboxes


def retired_address() -> str:
    """Return a fresh address that belongs to nobody."""
    return RETIRED_EMAIL_ADDRESS_FORMAT.format(uuid4().hex[:16])


def erase_traces(records: Sequence[Any]) -> None:
    """Give the records a retired address each, in memory, and remove every other trace of the old ones at once.

    The caller writes the records, in the same transaction. The person behind an address goes when no other assignment
    of the customer still shows that address.
    """
    keys = [record.pk for record in records]
    _erase_persons(records)
    for record in records:
        record.learner_email = retired_address()
        record.learner_email_key = key_of(record.learner_email)
    fresh = [(record.pk, record.learner_email) for record in records]
    update_rows(type(records[0]).history.model, ["learner_email"], fresh, key="uuid")
    told = LearnerContentAssignmentAction.objects.filter(assignment__in=keys)
    actions = list(told.values_list("pk", flat=True))
    LearnerContentAssignmentAction._base_manager.filter(pk__in=actions, traceback__isnull=False).update(
        traceback=REMOVED
    )
    past = LearnerContentAssignmentAction.history.model.objects
    past.filter(assignment_id__in=keys, traceback__isnull=False).update(traceback=REMOVED)
    replies = type(records[0])._meta.get_field("replies").related_model
    replies._base_manager.filter(assignment__in=keys).update(words="", answer="")
    forget_reasons(keys)


def _erase_persons(records: Sequence[Any]) -> None:
    """Erase the persons whom only these assignments still show."""
    model = type(records[0])
    wanted = {
        (record.assignment_configuration.enterprise_customer_uuid, record.learner_email_key)
        for record in records
        if record.assignment_configuration_id
    }
    others = model.objects.filter(learner_email_key__in={key for _, key in wanted})
    others = others.exclude(pk__in=[record.pk for record in records])
    kept = set(others.values_list("assignment_configuration__enterprise_customer_uuid", "learner_email_key"))
    gone = wanted - kept
    persons = Person.objects.filter(address_key__in={key for _, key in gone}).values_list(
        "uuid", "customer_id", "address_key"
    )
    erase_persons([person for person, customer, key in persons if (customer, key) in gone])
    forget_mailboxes({key for _, key in wanted} - {key for _, key in kept})
