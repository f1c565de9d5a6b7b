"""Transactions as the Open edX wire has them (wire 4.2): everything in snake_case, amounts in cents, spending below 0."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bursar.api.openedx.schemas import Exact
from bursar.assignments.payments import Payment

UNIT: Final = "usd_cents"
COMMITTED: Final = "committed"
Shape = dict[str, Any]


class Reversal(Exact):
    """The whole amount given back."""

    uuid: UUID
    state: str
    idempotency_key: str
    quantity: int
    metadata: dict[str, str]
    created: datetime
    modified: datetime


class Transaction(Exact):
    """What an enrolment costs, or what was put in; `quantity` is cents, below 0 for spending."""

    uuid: UUID
    state: str
    idempotency_key: str
    lms_user_id: int | None
    lms_user_email: str | None
    content_key: str | None
    parent_content_key: str | None
    content_title: str | None
    course_run_start_date: datetime | None
    quantity: int
    unit: str
    fulfillment_identifier: str | None
    subsidy_access_policy_uuid: UUID | None
    metadata: dict[str, str]
    created: datetime
    modified: datetime
    reversal: Reversal | None
    external_reference: list[str]
    transaction_status_api_url: str
    courseware_url: str | None


class Redemption(Transaction):
    """A transaction among the answers to whether something can be redeemed."""

    policy_redemption_status_url: str


def transaction(paid: Payment, root: str) -> Shape:
    """Return a payment; `root` is the address under which the Open edX routes lie."""
    return {
        "uuid": paid.uuid,
        "state": paid.state,
        "idempotency_key": paid.idempotency_key,
        "lms_user_id": paid.lms_user_id,
        "lms_user_email": paid.learner_email,
        "content_key": paid.content_key,
        "parent_content_key": paid.parent_content_key,
        "content_title": paid.content_title,
        "course_run_start_date": paid.course_run_start_date,
        "quantity": paid.quantity,
        "unit": UNIT,
        "fulfillment_identifier": paid.fulfillment_identifier,
        "subsidy_access_policy_uuid": paid.budget,
        "metadata": {},
        "created": paid.created,
        "modified": paid.modified,
        "reversal": _reversal(paid),
        "external_reference": [],
        "transaction_status_api_url": f"{root}v1/transactions/{paid.uuid}/",
        "courseware_url": paid.courseware_url or None,
    }


def redemption(paid: Payment, root: str) -> Shape:
    """Return a payment as one of a learner's redemptions."""
    found = transaction(paid, root)
    return found | {"policy_redemption_status_url": found["transaction_status_api_url"]}


def _reversal(paid: Payment) -> Shape | None:
    if paid.reversal is None:
        return None
    return {
        "uuid": paid.reversal,
        "state": COMMITTED,
        "idempotency_key": paid.reversal_key,
        "quantity": paid.reversal_quantity,
        "metadata": {},
        "created": paid.reversed_at,
        "modified": paid.reversal_modified,
    }
