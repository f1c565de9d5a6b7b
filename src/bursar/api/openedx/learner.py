"""What a learner sees of one configuration, and says to have seen (wire L6 and the learner list)."""

from typing import Annotated, Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from bursar.api.auth import actor_of
from bursar.api.openedx import schemas, scope, shapes
from bursar.api.openedx.bodies import documents, read_body
from bursar.api.openedx.errors import body
from bursar.api.openedx.paging import PageQuery, page_of, wanted
from bursar.assignments.learners import assigned_to
from bursar.assignments.services import acknowledge_many
from bursar.people.access import Permission

READ: Final = "Missing: content_assignment.has_learner_read_access"
MOST: Final = 1000
router: Final = Router(tags=["learner"])


class AcknowledgeBody(BaseModel):
    """Which cancelled or expired assignments the learner has seen."""

    assignment_uuids: Annotated[list[UUID], Field(min_length=1, max_length=MOST)]


class Acknowledged(schemas.Exact):
    """What is acknowledged now, was before, and cannot be."""

    acknowledged_assignments: list[UUID]
    already_acknowledged_assignments: list[UUID]
    unacknowledged_assignments: list[UUID]


class Unacknowledged(schemas.Exact):
    """Why nothing was done."""

    error: str


@router.get(
    "/{configuration}/assignments/",
    response={200: schemas.AssignmentPage, 403: schemas.Detail},
    summary="List the caller's own assignments",
)
def list_own(request: HttpRequest, configuration: UUID, query: Query[PageQuery]) -> HttpResponse:
    """Answer with the assignments of the caller, whoever that is, by their id in the learning platform."""
    actor = actor_of(request)
    scope.configuration_row(actor, configuration, permission=Permission.LEARN, missing=READ)
    mine = assigned_to(actor.lms_user_id, [configuration]).order_by("-recent_action_time", "-uuid")
    rows = mine.values(*shapes.ASSIGNMENT_COLUMNS)
    return body(page_of(request, wanted(query), rows, _with_actions), 200)


def _with_actions(rows: Any) -> list[shapes.Shape]:
    timelines = shapes.timelines([row["uuid"] for row in rows])
    return [shapes.assignment(row, timelines.get(row["uuid"], ())) for row in rows]


@router.post(
    "/{configuration}/acknowledge-assignments/",
    response={200: Acknowledged, 201: Acknowledged, 400: Unacknowledged | dict[str, Any], 403: schemas.Detail},
    summary="Acknowledge that assignments have ended",
    openapi_extra=documents(AcknowledgeBody),
)
def acknowledge(request: HttpRequest, configuration: UUID) -> HttpResponse:
    """Record that the caller has seen that assignments were cancelled or have expired; 201 if that was news."""
    actor = actor_of(request)
    scope.configuration_row(actor, configuration, permission=Permission.LEARN, missing=READ)
    asked = read_body(request, AcknowledgeBody)
    try:
        fresh, before, never = acknowledge_many(configuration, asked.assignment_uuids, lms_user_id=actor.lms_user_id)
    except ValidationError as error:
        return body({"error": error.message}, 400)
    answer = {
        "acknowledged_assignments": [row.uuid for row in fresh],
        "already_acknowledged_assignments": [row.uuid for row in before],
        "unacknowledged_assignments": [row.uuid for row in never],
    }
    return body(answer, 201 if fresh else 200)
