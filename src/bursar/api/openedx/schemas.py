"""What the Open edX routes take and answer, for OpenAPI and for reading bodies; answers are rendered by `shapes`."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field

from bursar.api.openedx.bodies import Addresses, Cents, Number

State = Literal["allocated", "accepted", "cancelled", "errored", "expired", "reversed"]
ActionType = Literal[
    "learner_linked", "notified", "reminded", "redeemed", "cancelled", "cancelled_acknowledged", "expired",
    "expired_acknowledged", "reversed",
]  # fmt: skip
ErrorReason = Literal["email_error", "internal_api_error", "enrollment_error"]


class Exact(Schema):
    """An answer: exactly these keys."""

    model_config = ConfigDict(extra="forbid")


class Detail(Exact):
    """What is wrong, in words."""

    detail: str


class Action(Exact):
    """One thing that happened to an assignment."""

    created: datetime
    modified: datetime
    uuid: UUID
    action_type: ActionType
    completed_at: datetime | None
    error_reason: ErrorReason | None


class Expiration(Exact):
    """When an assignment expires, or would have, and why."""

    date: datetime
    reason: Literal["NINETY_DAYS_PASSED", "ENROLLMENT_DATE_PASSED", "SUBSIDY_EXPIRED"]


class Assignment(Exact):
    """One course for one person; `content_quantity` is cents, never above 0."""

    uuid: UUID
    assignment_configuration: UUID | None
    learner_email: str
    lms_user_id: int | None
    content_key: str
    parent_content_key: str | None
    is_assigned_course_run: bool
    content_title: str | None
    content_quantity: Annotated[int, Field(le=0)]
    state: State
    transaction_uuid: UUID | None
    actions: list[Action]
    earliest_possible_expiration: Expiration


class RecentAction(Exact):
    """The last thing that an admin did."""

    action_type: Literal["assigned", "reminded"]
    timestamp: datetime


class FailedAction(Exact):
    """The newest error of an assignment."""

    action_type: ActionType
    error_reason: ErrorReason


class AdminAssignment(Assignment):
    """An assignment as admins see it."""

    recent_action: RecentAction
    learner_state: Literal["notifying", "waiting", "failed", "expired"] | None
    error_reason: FailedAction | None


class Envelope(Exact):
    """A page of a list; `start` is the place of its first row, from 0."""

    next: str | None
    previous: str | None
    count: int
    num_pages: int
    current_page: int
    start: int


class LearnerStateCount(Exact):
    """How many of the whole list are in a learner state."""

    learner_state: str
    count: int


class AssignmentPage(Envelope):
    """A page of assignments as learners see them."""

    results: list[Assignment]


class AdminAssignmentPage(Envelope):
    """A page of assignments, and how many of the whole filtered list are in which learner state."""

    results: list[AdminAssignment]
    learner_state_counts: list[LearnerStateCount]


class Configuration(Exact):
    """The set of assignments under one budget."""

    uuid: UUID
    subsidy_access_policy: UUID | None
    enterprise_customer_uuid: UUID
    active: bool


class ConfigurationPage(Envelope):
    """A page of configurations."""

    results: list[Configuration]


class Aggregates(Exact):
    """How the money of a budget stands."""

    amount_redeemed_usd_cents: int
    amount_redeemed_usd: float
    amount_allocated_usd_cents: int
    amount_allocated_usd: float
    spend_available_usd_cents: int
    spend_available_usd: float


class BudgetTerms(Exact):
    """What both shapes of a budget have in common; `spend_limit` is cents."""

    uuid: UUID
    policy_type: str
    enterprise_customer_uuid: UUID
    display_name: str | None
    description: str
    active: bool
    retired: bool
    retired_at: datetime | None
    catalog_uuid: UUID | None
    subsidy_uuid: UUID
    access_method: str
    spend_limit: int
    per_learner_enrollment_limit: int | None
    per_learner_spend_limit: int | None
    late_redemption_allowed_until: datetime | None
    is_late_redemption_allowed: bool


class Budget(BudgetTerms):
    """A budget as admins read it; totals are cents."""

    subsidy_active_datetime: datetime | None
    subsidy_expiration_datetime: datetime | None
    is_subsidy_active: bool
    aggregates: Aggregates
    assignment_configuration: Configuration | None
    group_associations: list[UUID]
    created: datetime
    bnr_enabled: bool
    total_spend_limits_for_subsidy: int
    total_deposits_for_subsidy: int


class BudgetPage(Envelope):
    """A page of budgets."""

    results: list[Budget]


class RedeemableBudget(BudgetTerms):
    """A budget as learners see it."""

    policy_redemption_url: str
    learner_credit_request_config: UUID | None
    assignment_configuration: UUID | None


class Allocated(Exact):
    """What became of everybody whom an allocation named."""

    updated: list[Assignment]
    created: list[Assignment]
    no_change: list[Assignment]


class AdministratorText(Exact):
    """Whom to ask; in a refusal every leaf is text."""

    email: str
    lms_user_id: str


class ReasonMetadata(Exact):
    """What goes with a reason."""

    enterprise_administrators: list[AdministratorText]


class AllocationRefusal(Exact):
    """Why nobody was assigned anything."""

    reason: str
    user_message: str
    policy_uuids: list[str]
    metadata: ReasonMetadata | None = None
    error_message: str | None = None


class Nudged(Exact):
    """Who is reminded of a course that starts, and who is not."""

    nudged_assignment_uuids: list[UUID]
    unnudged_assignment_uuids: list[UUID]


class ErrorMessage(Exact):
    """Why nothing was done."""

    error_message: str


class AllocateBody(BaseModel):
    """One course or run for these people; at most 10,000 of them, unless a setting says otherwise."""

    content_key: Annotated[str, Field(min_length=1, max_length=255)]
    content_price_cents: Cents
    learner_emails: Addresses
    admin_lms_user_id: Number | None = None


class AssignmentsBody(BaseModel):
    """Which assignments."""

    assignment_uuids: list[UUID]


class NudgeBody(AssignmentsBody):
    """Which assignments, and how many days before the start of their course it is now."""

    days_before_course_start_date: Number


class ConfigurationBody(BaseModel):
    """What a configuration is made of."""

    enterprise_customer_uuid: UUID
    subsidy_access_policy: UUID | None = None
    active: bool = True


class ConfigurationChange(BaseModel):
    """What of a configuration can change; its customer and its budget stay, and may be repeated."""

    enterprise_customer_uuid: UUID | None = None
    subsidy_access_policy: UUID | None = None
    active: bool | None = None


class Reason(BaseModel):
    """Why something is done."""

    reason: str | None = None
