"""Which assignments a command is about: those named by uuid, or those of a budget that fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.selectors import assignments
from bursar.assignments.states import Verb, starts
from bursar.budgets.selectors import find_budget
from bursar.cli.values import uuid_of
from bursar.kernel.actor import CONSOLE
from bursar.kernel.errors import NotFound
from bursar.people.addresses import normal_form
from bursar.people.keys import key_of


@dataclass(frozen=True, slots=True)
class Selection:
    """What was typed: uuids, or a budget with states, addresses, or everything that the verb may start from."""

    uuids: Sequence[str] = ()
    budget: str | None = None
    states: Sequence[str] = ()
    emails: Sequence[str] = ()
    everything: bool = False


def select(selection: Selection, verb: Verb | None = None) -> list[UUID]:
    """Return the assignments meant, in the order given or by key.

    Raises `BadInput` for what is no uuid or address, `NotFound` for an unknown budget and for an address that no
    assignment of the budget has.
    """
    if selection.budget is None:
        return list(dict.fromkeys(uuid_of(text, "an assignment") for text in selection.uuids))
    rows = of_budget(selection.budget)
    if selection.everything and verb is not None:
        rows = rows.filter(state__in=starts(verb))
    if selection.states:
        rows = rows.filter(state__in=selection.states)
    found = list(rows.filter(by_address(selection.emails)).order_by("pk").values_list("pk", flat=True))
    if selection.emails and not found:
        raise NotFound(
            "No assignment of this budget is for that address, or none in that state.", code="nothing_selected"
        )
    return found


def of_budget(reference: str) -> "QuerySet[LearnerContentAssignment]":
    """Return the assignments that a budget pays for; raises `NotFound` for an unknown one."""
    return assignments(CONSOLE).filter(
        assignment_configuration=find_budget(reference, None).assignment_configuration_id
    )


def by_address(emails: Sequence[str]) -> Q:
    """Return the condition for one of these addresses, in whatever spelling; no address sets none."""
    return Q(learner_email_key__in=[key_of(normal_form(email)) for email in emails]) if emails else Q()
