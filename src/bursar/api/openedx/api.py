"""The Open edX API put together: how it fails, and which routers it has."""

from typing import Final

from ninja.errors import AuthenticationError, HttpError, ValidationError

from bursar.api.base import Api
from bursar.api.openedx import (
    allocations,
    assignments,
    budgets,
    configurations,
    errors,
    learner,
    redemption,
    spending,
    subsidies,
)
from bursar.kernel.errors import BursarError

api: Final = Api(
    title="Bursar for Open edX",
    version="1.0.0",
    description="Assignments, budgets and transactions as Open edX's enterprise web clients know them.",
    urls_namespace="openedx",
    errors=errors.DOCUMENTED,
)
api.answer(errors.Denied, errors.denied)
api.answer(AuthenticationError, errors.unauthenticated)
api.answer(HttpError, errors.http_error)
api.answer(ValidationError, errors.invalid)
api.answer(BursarError, errors.refused)

api.add_router("v1/subsidy-access-policies", budgets.router)
api.add_router("v1/policy-allocation", allocations.router)
api.add_router("v1/assignment-configurations", configurations.router)
api.add_router("v1/assignment-configurations", assignments.router)
api.add_router("v1/assignment-configurations", learner.router)
api.add_router("v1/policy-redemption", redemption.router)
api.add_router("v1/subsidies", subsidies.router)
api.add_router("", spending.router)
