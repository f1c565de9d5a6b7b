"""Our own API put together: how it fails, and which routers it has."""

from typing import Final

from django.core.exceptions import ValidationError as InvalidRecord
from ninja.errors import AuthenticationError, HttpError, ValidationError

from bursar.api.v1 import (
    assignment_lists,
    assignments,
    audit,
    batches,
    budgets,
    catalogs,
    courses,
    customers,
    events,
    funds,
    members,
    messages,
    people,
    plans,
    policies,
    problems,
    texts,
    tokens,
    transactions,
    webhooks,
)
from bursar.api.v1.service import OwnApi
from bursar.kernel.errors import BursarError

api: Final = OwnApi(
    title="Bursar",
    version="1.0.0",
    description="Assign courses to people by e-mail address, against a budget that cannot be overspent.",
    urls_namespace="v1",
)
api.answer(AuthenticationError, problems.unauthenticated)
api.answer(HttpError, problems.http_error)
api.answer(ValidationError, problems.invalid)
api.answer(InvalidRecord, problems.invalid_record)
api.answer(BursarError, problems.refused)
OPERATING: Final = (customers, members, funds, budgets, courses, catalogs, transactions, tokens, audit, policies, texts)
ASSIGNING: Final = (assignment_lists, assignments, plans, batches, events, webhooks, messages, people)
for resource in (*OPERATING, *ASSIGNING):
    api.add_router("", resource.router)
