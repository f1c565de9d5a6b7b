"""Allocating for the admin portal (wire A3): everybody in one request, filled before it is answered (ruling 30)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from bursar.api.auth import actor_of
from bursar.api.openedx import schemas, scope, shapes
from bursar.api.openedx.bodies import documents, read_body
from bursar.api.openedx.errors import body
from bursar.api.openedx.reasons import as_text, reason
from bursar.assignments import flows, lists
from bursar.assignments.flows import AllocationRequest
from bursar.assignments.policy import Code
from bursar.assignments.services import Allocation, Placed
from bursar.budgets.models import Budget
from bursar.kernel.actor import Actor
from bursar.kernel.batching import chunks
from bursar.kernel.errors import Refused, Unavailable
from bursar.people.access import Permission, customers
from bursar.people.files import people_from_addresses
from bursar.people.selectors import administrators_of

LOCKED: Final = "Enrollment currently locked for this subsidy access policy."
BUSY: Final = "database_busy"
router: Final = Router(tags=["allocation"])


@router.post(
    "/{policy}/allocate/",
    response={202: schemas.Allocated, 422: list[schemas.AllocationRefusal], 429: schemas.Detail},
    openapi_extra=documents(schemas.AllocateBody),
    summary="Assign a course to people",
)
def allocate(request: HttpRequest, policy: UUID) -> HttpResponse:
    """Assign to everybody, or to nobody when a rule or the money says no."""
    actor = actor_of(request)
    found = scope.budget_row(actor, policy, (), permission=Permission.ALLOCATE, missing=scope.ALLOCATE)
    given = read_body(request, schemas.AllocateBody)
    budget = Budget.objects.select_related("fund").get(pk=policy)
    wanted = AllocationRequest(budget, given.content_key, price_cents=given.content_price_cents)
    people = people_from_addresses(given.learner_emails).people
    try:
        done = flows.allocate(wanted, people, actor=_acting(actor, found["customer_id"], given.admin_lms_user_id))
    except Refused as error:
        return body(as_text([_refusal(error, budget)]), 422)
    except Unavailable as error:
        if error.code != BUSY:
            raise
        return body({"detail": LOCKED}, 429)
    return body(_answer(done), 202)


def _acting(actor: Actor, customer: UUID, given: int | None) -> Actor:
    """Return who assigns: the caller, whatever the body says; only operators act for an admin whom they name."""
    operated = customers(actor, Permission.CONFIGURE)
    is_operator = operated is None or customer in operated
    return replace(actor, lms_user_id=given) if is_operator and given is not None else actor


def _refusal(error: Refused, budget: Budget) -> dict[str, Any]:
    if error.code == Code.PRICE_VALIDATION_ERROR:
        shape = reason(error.code, [budget.pk], ())
        del shape["metadata"]
        return shape | {"error_message": error.message}
    shape = reason(error.code, [budget.pk], administrators_of(budget.customer_id))
    return shape | {"user_message": shape["user_message"] or error.message}


def _answer(done: Allocation) -> dict[str, Any]:
    return {
        "updated": _placed(done.updated),
        "created": _placed(done.created, is_new=True),
        "no_change": _placed(done.unchanged),
    }


def _placed(people: Sequence[Placed], *, is_new: bool = False) -> list[shapes.Shape]:
    """Return the assignments of these people; those just made have no actions in this answer, as clients expect."""
    found: list[shapes.Shape] = []
    for part in chunks(dict.fromkeys(item.assignment for item in people if item.assignment)):
        actions = {} if is_new else shapes.timelines(part)
        rows = lists.rows_of(part, shapes.ASSIGNMENT_COLUMNS)
        found += [shapes.assignment(row, actions.get(row["uuid"], [])) for row in rows]
    return found
