"""Lists of assignments over our own API, each read in order from an index."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import AfterValidator, Field

from bursar.api.auth import actor_of
from bursar.api.v1.paging import Paging, filled, page, page_of_groups
from bursar.api.v1.schemas import Line, Moment, Out, PageOf, QueryFlag
from bursar.assignments import lists
from bursar.assignments.models import LearnerContentAssignment
from bursar.assignments.moves import visible
from bursar.assignments.selectors import assignments, manages, own_assignments
from bursar.assignments.states import LearnerState, State
from bursar.budgets.models import Budget
from bursar.kernel.actor import Actor
from bursar.people.access import Permission
from bursar.people.addresses import normal_form
from bursar.people.keys import key_of

router: Final = Router(tags=["assignments"])
BUDGET: Final = "assignment_configuration__subsidy_access_policy__uuid"
CUSTOMER: Final = "assignment_configuration__enterprise_customer_uuid"
PLAIN: Final = (
    *("uuid", "lms_user_id", "state", "learner_state", "content_key", "content_title", "parent_content_key"),
    *("expires_at", "expires_reason", "personal_deadline", "recent_action", "recent_action_time", "allocated_at"),
    *("accepted_at", "cancelled_at", "expired_at", "errored_at", "reversed_at", "cycle", "created", "modified"),
)
COLUMNS: Final = (
    *PLAIN,
    *("learner_email", "address_scrubbed_at", "preferred_course_run_key", "content_quantity", "allocation_batch_id"),
    *("transaction_uuid", BUDGET, CUSTOMER),
)
RECENT: Final = ("-recent_action_time", "-uuid")
SOONEST: Final = ("expires_at", "uuid")
BY_KEY: Final = ("uuid",)


class AssignmentOut(Out):
    """One course for one person. Money is cents; the address is null once it was removed."""

    uuid: UUID
    customer: UUID | None
    budget: UUID | None
    email: str | None
    lms_user_id: int | None
    state: State
    learner_state: LearnerState | None
    content_key: str
    content_title: str | None
    parent_content_key: str | None
    run_key: str | None
    price_cents: int
    expires_at: Moment | None
    expires_reason: str
    personal_deadline: Moment | None
    recent_action: str
    recent_action_time: Moment
    allocated_at: Moment | None
    accepted_at: Moment | None
    cancelled_at: Moment | None
    expired_at: Moment | None
    errored_at: Moment | None
    reversed_at: Moment | None
    cycle: int = Field(description="How many times it has been allocated.")
    batch: UUID | None = Field(description="The allocation that made or last renewed it.")
    transaction: UUID | None
    created: Moment
    modified: Moment


class AssignmentPage(PageOf[AssignmentOut]):
    """A page of assignments."""


def _address(text: str) -> str:
    normal_form(text)
    return text


class AssignmentFilters(Paging):
    """Which assignments. With a budget: open ones first, the newest action first. Else in the order of their ids."""

    customer: UUID | None = None
    budget: UUID | None = None
    batch: UUID | None = None
    state: State | None = None
    learner_state: LearnerState | None = None
    content: Line | None = Field(None, max_length=255, description="The key of a course or run.")
    email: Annotated[Line, AfterValidator(_address)] | None = Field(
        None, max_length=320, description="A whole address, in any spelling."
    )
    search: Line | None = Field(
        None, min_length=2, max_length=100, description="A part of the title or of the address, in any case."
    )
    expiring_before: Moment | None = Field(None, description="Open ones that end before this, the soonest first.")
    mine: QueryFlag = Field(False, description="One's own; always so for learners.", validate_default=False)


@router.get("/assignments", response=AssignmentPage)
def list_assignments(request: HttpRequest, filters: Query[AssignmentFilters]) -> HttpResponse:
    """Name the assignments that the caller manages; a learner's own."""
    actor = actor_of(request)
    by_budget = filters.budget is not None and not filters.mine and manages(actor)
    rows = _of_budget(actor, filters) if by_budget else _anywhere(actor, filters)
    rows = _narrowed(rows, filters)
    if filters.expiring_before:
        open_ones = rows.filter(state=State.ALLOCATED, expires_at__lt=filters.expiring_before)
        return page(request, open_ones, filters, SOONEST, assignment_shape)
    if not by_budget or filters.email:
        return page(request, rows, filters, BY_KEY, assignment_shape)
    if filters.state or filters.learner_state:
        return page(request, rows, filters, RECENT, assignment_shape)
    return page_of_groups(request, [rows.filter(listed=1), rows.filter(listed=0)], filters, RECENT, assignment_shape)


def _of_budget(actor: Actor, filters: AssignmentFilters) -> "QuerySet[LearnerContentAssignment]":
    """Return those of one budget, read from the indexes of its configuration."""
    budgets = Budget.objects.filter(**filled({"pk": filters.budget}), assignment_configuration__isnull=False)
    configuration = budgets.values_list("assignment_configuration_id", flat=True).first()
    if configuration is None:
        return LearnerContentAssignment.objects.none()
    chosen = lists.Filters(
        states=frozenset({filters.state}) if filters.state else None,
        learner_states=frozenset({filters.learner_state}) if filters.learner_state else None,
        search=filters.search or "",
    )
    return visible(lists.select(configuration, chosen).rows, actor, Permission.MANAGE)


def _anywhere(actor: Actor, filters: AssignmentFilters) -> "QuerySet[LearnerContentAssignment]":
    rows = own_assignments(actor) if filters.mine or not manages(actor) else assignments(actor)
    wanted = {BUDGET: filters.budget, "state": filters.state, "learner_state": filters.learner_state}
    rows = rows.filter(**filled(wanted))
    return rows.filter(lists.contains(filters.search)) if filters.search else rows


def _narrowed(rows: "QuerySet[LearnerContentAssignment]", filters: AssignmentFilters) -> "QuerySet[Any, Any]":
    plain = {
        CUSTOMER: filters.customer,
        "allocation_batch_id": filters.batch,
        "learner_email_key": filters.email and key_of(filters.email),
    }
    rows = rows.filter(**filled(plain))
    if filters.content:
        rows = rows.filter(Q(content_key=filters.content) | Q(preferred_course_run_key=filters.content))
    read: QuerySet[Any, Any] = rows.values(*COLUMNS)
    return read


def assignment_shape(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an assignment, read as `COLUMNS`, as JSON."""
    shape = {name: row[name] for name in PLAIN}
    return shape | {
        "customer": row[CUSTOMER],
        "budget": row[BUDGET],
        "email": None if row["address_scrubbed_at"] else row["learner_email"],
        "run_key": row["preferred_course_run_key"],
        "price_cents": -row["content_quantity"],
        "batch": row["allocation_batch_id"],
        "transaction": row["transaction_uuid"],
    }
