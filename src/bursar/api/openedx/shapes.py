"""Rows as the Open edX wire has them (wire 2.2 to 2.4): `.values()` in, plain JSON out, no model instance per row."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bursar.assignments import expiry
from bursar.assignments.models import LearnerContentAssignmentAction
from bursar.assignments.states import LISTED
from bursar.budgets.models.budgets import allows_late_redemption
from bursar.budgets.models.funds import runs_at
from bursar.budgets.selectors import Balance, FundTotals
from bursar.kernel import clock

Row = Mapping[str, Any]
Shape = dict[str, Any]
Timelines = Mapping[UUID, Sequence[Row]]

POLICY_TYPE: Final = "AssignedLearnerCreditAccessPolicy"
ACCESS_METHOD: Final = "assigned"
CENTS: Final = 100

ACTION_FIELDS: Final = ("created", "modified", "uuid", "action_type", "completed_at", "error_reason")
ASSIGNMENT_FIELDS: Final = (
    *("uuid", "assignment_configuration", "learner_email", "lms_user_id", "content_key", "parent_content_key"),
    *("is_assigned_course_run", "content_title", "content_quantity", "state", "transaction_uuid"),
)
ASSIGNMENT_COLUMNS: Final = (*ASSIGNMENT_FIELDS, "expires_at", "expires_reason", "created", "allocated_at")
"""What `assignment` needs of a row."""
ADMIN_COLUMNS: Final = (*ASSIGNMENT_COLUMNS, "recent_action", "recent_action_time", "learner_state")
"""What `admin_assignment` needs of a row."""
BUDGET_COLUMNS: Final = (
    *("uuid", "customer_id", "catalog_id", "fund_id", "display_name", "description", "limit_cents", "held_cents"),
    *("spent_cents", "active", "retired", "retired_at", "late_redemption_allowed_until", "created"),
    *("assignment_configuration_id", "assignment_configuration__active"),
    *("fund__starts_at", "fund__expires_at", "fund__balance_cents", "fund__held_cents"),
)
"""What `budget` and `redeemable_budget` need of a row."""
CONFIGURATION_COLUMNS: Final = ("uuid", "subsidy_access_policy__uuid", "enterprise_customer_uuid", "active")
"""What `configuration` needs of a row."""


def timelines(assignments: Collection[UUID]) -> dict[UUID, list[Shape]]:
    """Return the actions of these assignments in the order of their creation; one statement, so at most a chunk."""
    actions = LearnerContentAssignmentAction.objects.filter(assignment__in=assignments).order_by("created", "uuid")
    found: dict[UUID, list[Shape]] = defaultdict(list)
    for row in actions.values("assignment_id", *ACTION_FIELDS):
        found[row.pop("assignment_id")].append(row)
    return found


def assignment(row: Row, actions: Sequence[Row]) -> Shape:
    """Return an assignment as all lists and the answer to an allocation have it."""
    return {
        **{name: row[name] for name in ASSIGNMENT_FIELDS},
        "actions": actions,
        "earliest_possible_expiration": _expiration(row),
    }


def admin_assignment(row: Row, actions: Sequence[Row]) -> Shape:
    """Return an assignment as admins see it."""
    return {
        **assignment(row, actions),
        "recent_action": {"action_type": row["recent_action"], "timestamp": row["recent_action_time"]},
        "learner_state": row["learner_state"],
        "error_reason": error_reason(row["state"], actions),
    }


def error_reason(state: str, actions: Sequence[Row]) -> Shape | None:
    """Return the newest error of an assignment in the admin's default list, even if something succeeded since."""
    if state not in LISTED:
        return None
    failed = next((action for action in reversed(actions) if action["error_reason"]), None)
    return {"action_type": failed["action_type"], "error_reason": failed["error_reason"]} if failed else None


def _expiration(row: Row) -> Shape:
    at, reason = row["expires_at"], row["expires_reason"]
    if at is None:  # a row written past us; clients expect a date in any case
        found = expiry.due(expiry.Terms(row["created"], row["allocated_at"]))
        at, reason = found.at, found.reason.value
    return {"date": at, "reason": reason}


def budgets(rows: Iterable[Row], totals: Mapping[UUID, FundTotals]) -> list[Shape]:
    """Return budgets as lists and the single one have them; `totals` are those of their funds."""
    now = clock.now()
    return [_budget(row, totals[row["fund_id"]], now) for row in rows]


def _budget(row: Row, totals: FundTotals, now: datetime) -> Shape:
    return {
        **_terms(row, now),
        "subsidy_active_datetime": row["fund__starts_at"],
        "subsidy_expiration_datetime": row["fund__expires_at"],
        "is_subsidy_active": runs_at(row["fund__starts_at"], row["fund__expires_at"], now),
        "aggregates": _aggregates(balance(row)),
        "assignment_configuration": _configuration_of(row),
        "group_associations": [],
        "created": row["created"],
        "bnr_enabled": False,
        "total_spend_limits_for_subsidy": totals.limits_cents,
        "total_deposits_for_subsidy": totals.deposits_cents,
    }


def redeemable_budget(row: Row, root: str) -> Shape:
    """Return a budget as learners see it; `root` is the address under which the Open edX routes lie."""
    return {
        **_terms(row, clock.now()),
        "policy_redemption_url": f"{root}v1/policy-redemption/{row['uuid']}/redeem/",
        "learner_credit_request_config": None,
        "assignment_configuration": row["assignment_configuration_id"],
    }


def _terms(row: Row, now: datetime) -> Shape:
    """Return what both shapes of a budget have in common."""
    late_until = row["late_redemption_allowed_until"]
    return {
        "uuid": row["uuid"],
        "policy_type": POLICY_TYPE,
        "enterprise_customer_uuid": row["customer_id"],
        "display_name": row["display_name"] or None,
        "description": row["description"],
        "active": row["active"],
        "retired": row["retired"],
        "retired_at": row["retired_at"],
        "catalog_uuid": row["catalog_id"],
        "subsidy_uuid": row["fund_id"],
        "access_method": ACCESS_METHOD,
        "spend_limit": row["limit_cents"],
        "per_learner_enrollment_limit": None,
        "per_learner_spend_limit": None,
        "late_redemption_allowed_until": late_until,
        "is_late_redemption_allowed": allows_late_redemption(late_until, now),
    }


def balance(row: Row) -> Balance:
    """Return how the money of a budget stands, in cents."""
    limit, held, spent = row["limit_cents"], row["held_cents"], row["spent_cents"]
    return Balance(limit, held, spent, limit - held - spent, row["fund__balance_cents"] - row["fund__held_cents"])


def _aggregates(money: Balance) -> Shape:
    amounts = {
        "amount_redeemed": money.spent_cents,
        "amount_allocated": money.held_cents,
        "spend_available": money.available_cents,
    }
    in_cents = {f"{name}_usd_cents": cents for name, cents in amounts.items()}
    return in_cents | {f"{name}_usd": dollars(cents) for name, cents in amounts.items()}


def dollars(cents: int) -> float:
    """Return cents as the dollars that clients show."""
    return cents / CENTS


def _configuration_of(row: Row) -> Shape | None:
    if row["assignment_configuration_id"] is None:
        return None
    return {
        "uuid": row["assignment_configuration_id"],
        "subsidy_access_policy": row["uuid"],
        "enterprise_customer_uuid": row["customer_id"],
        "active": row["assignment_configuration__active"],
    }


def configuration(row: Row) -> Shape:
    """Return a configuration of assignments as its own routes have it."""
    return {
        "uuid": row["uuid"],
        "subsidy_access_policy": row["subsidy_access_policy__uuid"],
        "enterprise_customer_uuid": row["enterprise_customer_uuid"],
        "active": row["active"],
    }
