"""What admins see of a configuration's assignments and do to them (wire A4 to A8, nudge)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import BeforeValidator, Field, WithJsonSchema

from bursar.api.auth import actor_of
from bursar.api.openedx import schemas, scope, shapes
from bursar.api.openedx.bodies import LARGEST_NUMBER, documents, read_body
from bursar.api.openedx.errors import NOWHERE, body
from bursar.api.openedx.paging import PageQuery, envelope, wanted
from bursar.assignments import flows, lists, services
from bursar.assignments.lists import Filters
from bursar.assignments.policy import Code
from bursar.assignments.services.chunked import Outcome
from bursar.assignments.states import Verb, starts
from bursar.kernel.actor import Actor
from bursar.people.access import Permission

NUMBERS: Final = (
    r"^([0-9]{1,18}(,[0-9]{1,18})*)?$"  # \d would be any digit of Unicode's, newer ones than int() knows too
)
NUMBER_OR_BLANK: Final = {"anyOf": [{"type": "integer"}, {"type": "string", "const": ""}]}
NOBODY_NUDGED: Final = "None of these assignments is of a course that starts on that day and was not nudged already."
Act = Callable[..., Outcome]
router: Final = Router(tags=["assignments"])  # what has a name of its own comes before what is found by its key


def _nothing_for_blank(value: Any) -> Any:
    return None if value == "" else value


class FilterQuery(Schema):
    """Which assignments; lists are separated by commas, and values that nobody knows fit nothing."""

    content_key: str = ""
    content_key__in: str = ""
    learner_email: str = ""
    learner_email__in: str = ""
    lms_user_id: Annotated[int | None, BeforeValidator(_nothing_for_blank), WithJsonSchema(NUMBER_OR_BLANK)] = None
    lms_user_id__in: Annotated[str, Field(pattern=NUMBERS)] = ""
    state: str = ""
    state__in: str = ""
    learner_state: str = ""
    learner_state__in: str = ""
    search: str = Field("", description="Part of a title or an address, in any case; or a whole address.")

    def filters(self) -> Filters:
        """Return the same as lists take it."""
        user = "" if self.lms_user_id is None else str(self.lms_user_id)
        users = _chosen(user, self.lms_user_id__in)
        return Filters(
            states=_chosen(self.state, self.state__in),
            learner_states=_chosen(self.learner_state, self.learner_state__in),
            contents=_chosen(self.content_key, self.content_key__in),
            addresses=_chosen(self.learner_email, self.learner_email__in),
            users=None if users is None else frozenset(n for n in map(int, users) if 0 <= n <= LARGEST_NUMBER),
            search=self.search,
        )


class AssignmentQuery(FilterQuery, PageQuery):
    """Which assignments, in which order, and which page of them."""

    ordering: str = Field(
        "", description="recent_action_time, learner_state_sort_order, content_quantity; with a minus, by commas."
    )


def _chosen(one: str, several: str) -> frozenset[str] | None:
    """Return what fits both a single value and a list of them; None when neither is given."""
    listed = frozenset(word for word in several.split(",") if word)
    if one:
        return frozenset({one}) & listed if listed else frozenset({one})
    return listed or None


def _managed(request: HttpRequest, configuration: UUID, missing: str) -> Actor:
    """Return who asks; answers 403 or 404 unless they manage the assignments of the configuration."""
    actor = actor_of(request)
    scope.configuration_row(actor, configuration, permission=Permission.MANAGE, missing=missing)
    return actor


@router.get(
    "/{configuration}/admin/assignments/",
    response={200: schemas.AdminAssignmentPage},
    summary="List the assignments of a configuration",
)
def list_assignments(request: HttpRequest, configuration: UUID, query: Query[AssignmentQuery]) -> HttpResponse:
    """Answer with a page of assignments, and how many of the whole filtered list are in which learner state."""
    _managed(request, configuration, scope.READ_ASSIGNMENTS)
    selection = lists.select(configuration, query.filters())
    counts, page = lists.count(selection), wanted(query)
    start = page.start(counts.total)
    order = lists.order(query.ordering.split(","))
    keys = lists.page(selection, order, start=start, size=page.size, total=counts.total)
    answer = envelope(request, page, start=start, count=counts.total, results=_shown(keys))
    answer["learner_state_counts"] = [
        {"learner_state": state, "count": amount} for state, amount in counts.by_learner_state.items()
    ]
    return body(answer, 200)


def _shown(keys: list[UUID]) -> list[shapes.Shape]:
    actions = shapes.timelines(keys)
    rows = lists.rows_of(keys, shapes.ADMIN_COLUMNS)
    return [shapes.admin_assignment(row, actions.get(row["uuid"], [])) for row in rows]


@router.post(
    "/{configuration}/admin/assignments/cancel/",
    response={200: None, 422: None},
    openapi_extra=documents(schemas.AssignmentsBody),
    summary="Cancel assignments",
)
def cancel(request: HttpRequest, configuration: UUID) -> HttpResponse:
    """Cancel those that can be; 422 when some could not, are not here or are named twice."""
    return _act_on_named(request, configuration, services.cancel_many, scope.CANCEL)


@router.post(
    "/{configuration}/admin/assignments/remind/",
    response={200: None, 422: None},
    openapi_extra=documents(schemas.AssignmentsBody),
    summary="Remind people of assignments",
)
def remind(request: HttpRequest, configuration: UUID) -> HttpResponse:
    """Remind of those that are open; 422 when some are not, are not here or are named twice."""
    return _act_on_named(request, configuration, services.remind_many, scope.REMIND)


def _act_on_named(request: HttpRequest, configuration: UUID, act: Act, missing: str) -> HttpResponse:
    actor = _managed(request, configuration, missing)
    named = read_body(request, schemas.AssignmentsBody).assignment_uuids
    found = lists.among(configuration, named)
    done = act(found, actor=actor)
    is_whole = len(found) == len(named) and _served(done) == len(found)
    return body(None, 200 if is_whole else 422)


def _served(done: Outcome) -> int:
    """Return for how many it is as was asked: done now, or waiting to be done already."""
    return len(done.done) + sum(why.code == Code.ALREADY_QUEUED for why in done.refused.values())


@router.post(
    "/{configuration}/admin/assignments/cancel-all/",
    response={202: None, 404: None, 422: None},
    summary="Cancel all assignments of a list",
)
def cancel_all(request: HttpRequest, configuration: UUID, query: Query[FilterQuery]) -> HttpResponse:
    """Cancel every allocated and errored assignment that the filters let through; 404 when there is none."""
    actor = _managed(request, configuration, scope.CANCEL)
    return _act_on_all(configuration, query.filters(), Verb.CANCEL, partial(services.cancel_many, actor=actor))


@router.post(
    "/{configuration}/admin/assignments/remind-all/",
    response={202: None, 404: None, 422: None},
    summary="Remind everybody of a list",
)
def remind_all(request: HttpRequest, configuration: UUID, query: Query[FilterQuery]) -> HttpResponse:
    """Remind of every allocated assignment that the filters let through; 404 when there is none."""
    actor = _managed(request, configuration, scope.REMIND)
    return _act_on_all(configuration, query.filters(), Verb.REMIND, partial(services.remind_many, actor=actor))


def _act_on_all(configuration: UUID, filters: Filters, verb: Verb, act: Act) -> HttpResponse:
    states = frozenset(map(str, starts(verb)))
    within = replace(filters, states=states if filters.states is None else states & filters.states)
    keys = list(lists.select(configuration, within).rows.values_list("pk", flat=True))
    if not keys:
        return body(None, 404)
    return body(None, 202 if _served(act(keys)) else 422)


@router.post(
    "/{configuration}/admin/assignments/nudge/",
    response={200: schemas.Nudged, 422: schemas.ErrorMessage},
    openapi_extra=documents(schemas.NudgeBody),
    summary="Nudge people whose course starts",
)
def nudge(request: HttpRequest, configuration: UUID) -> HttpResponse:
    """Nudge those who accepted executive education that starts in exactly so many days, nobody twice."""
    actor = _managed(request, configuration, scope.REMIND)
    given = read_body(request, schemas.NudgeBody)
    named = list(dict.fromkeys(given.assignment_uuids))
    found = lists.among(configuration, named)
    done = flows.nudge_selected(found, days=given.days_before_course_start_date, actor=actor).done
    if not done:
        return body({"error_message": NOBODY_NUDGED}, 422)
    nudged = [key for key in named if key in done]
    return body(
        {"nudged_assignment_uuids": nudged, "unnudged_assignment_uuids": [key for key in named if key not in done]}, 200
    )


@router.get(
    "/{configuration}/admin/assignments/{assignment}/",
    response={200: schemas.AdminAssignment},
    summary="Read an assignment",
)
def read_assignment(request: HttpRequest, configuration: UUID, assignment: UUID) -> HttpResponse:
    """Answer with one assignment."""
    _managed(request, configuration, scope.READ_ASSIGNMENTS)
    shown = _shown(lists.among(configuration, [assignment]))
    if not shown:
        raise HttpError(404, NOWHERE)
    return body(shown[0], 200)
