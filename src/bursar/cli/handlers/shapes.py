"""The JSON form of each record: ids, money in cents, times in UTC."""

from typing import Any

from bursar.assignments.models import LearnerContentAssignment
from bursar.budgets.models import Budget, Fund, LedgerEntry, Transaction
from bursar.budgets.selectors import balance
from bursar.catalog.models import Catalog, Course, Run
from bursar.outbox.models import Message
from bursar.people.models import ApiToken, Customer

Shape = dict[str, Any]


def customer_shape(row: Customer) -> Shape:
    """Return a customer."""
    names = (
        *("uuid", "slug", "name", "contact_email", "language", "time_zone", "brand_color", "logo_url", "show_price"),
        *("active", "created"),
    )
    return {name: getattr(row, name) for name in names}


def fund_shape(row: Fund) -> Shape:
    """Return a fund."""
    return {
        "uuid": row.pk,
        "customer": row.customer_id,
        "title": row.title,
        "currency": row.currency,
        "starts_at": row.starts_at,
        "expires_at": row.expires_at,
        "balance_cents": row.balance_cents,
        "held_cents": row.held_cents,
        "free_cents": row.free_cents,
        "created": row.created,
    }


def entry_shape(row: LedgerEntry) -> Shape:
    """Return an entry of a fund's ledger."""
    return {
        "sequence": row.sequence,
        "kind": row.kind,
        "amount_cents": row.amount_cents,
        "budget": row.budget_id,
        "transaction": row.transaction_id,
        "reason": row.reason,
        "created": row.created,
        "hash": row.hash,
    }


def budget_shape(row: Budget) -> Shape:
    """Return a budget that was loaded with its fund."""
    return {
        "uuid": row.pk,
        "customer": row.customer_id,
        "fund": row.fund_id,
        "name": row.display_name,
        "description": row.description,
        "currency": row.fund.currency,
        "catalog": row.catalog_id,
        "configuration": row.assignment_configuration_id,
        "limit_cents": row.limit_cents,
        "held_cents": row.held_cents,
        "spent_cents": row.spent_cents,
        "available_cents": balance(row).available_cents,
        "active": row.active,
        "retired": row.retired,
        "retired_at": row.retired_at,
        "created": row.created,
    }


def course_shape(row: Course) -> Shape:
    """Return a course that was loaded with its runs."""
    names = ("key", "title", "partner", "price_cents", "currency", "pacing", "weeks", "level", "subject", "language")
    rest = ("course_type", "url", "active")
    return {name: getattr(row, name) for name in (*names, *rest)} | {"runs": [run_shape(run) for run in row.runs.all()]}


def run_shape(row: Run) -> Shape:
    """Return a run."""
    return {name: getattr(row, name) for name in ("key", "start", "end", "enroll_by", "active")}


def catalog_shape(row: Catalog) -> Shape:
    """Return a named catalog."""
    names = ("uuid", "title", "rule", "keys", "partners", "subjects", "created")
    return {"customer": row.customer_uuid} | {name: getattr(row, name) for name in names}


def assignment_shape(row: LearnerContentAssignment) -> Shape:
    """Return an assignment; its price as a positive amount."""
    return {
        "uuid": row.pk,
        "email": row.learner_email,
        "lms_user_id": row.lms_user_id,
        "state": row.state,
        "learner_state": row.learner_state,
        "content_key": row.content_key,
        "content_title": row.content_title,
        "run_key": row.preferred_course_run_key,
        "price_cents": -row.content_quantity,
        "expires_at": row.expires_at,
        "expires_reason": row.expires_reason,
        "recent_action": row.recent_action,
        "recent_action_time": row.recent_action_time,
        "allocated_at": row.allocated_at,
        "cycle": row.cycle,
        "batch": row.allocation_batch_id,
        "configuration": row.assignment_configuration_id,
    }


def transaction_shape(row: Transaction) -> Shape:
    """Return a transaction."""
    return {
        "uuid": row.pk,
        "state": row.state,
        "amount_cents": -row.quantity,
        "content_key": row.content_key,
        "lms_user_id": row.lms_user_id,
        "courseware_url": row.courseware_url,
        "attempts": row.attempts,
        "due_at": row.due_at,
        "error_code": row.error_code,
        "created": row.created,
    }


def message_shape(row: Message) -> Shape:
    """Return a message of the outbox."""
    names = (
        "uuid",
        "topic",
        "kind",
        "cycle",
        "ordinal",
        "state",
        "reason",
        "error_code",
        "attempts",
        "due_at",
        "settled_at",
        "resent_at",
    )
    return {name: getattr(row, name) for name in names} | {"assignment": row.subject_uuid, "created": row.created}


def token_shape(row: ApiToken) -> Shape:
    """Return a token, without the secret that nobody has."""
    names = ("uuid", "name", "prefix", "role", "scopes", "expires_at", "created", "revoked_at", "used_at")
    return {name: getattr(row, name) for name in names} | {"customer": row.customer_id, "user": row.user_id}
