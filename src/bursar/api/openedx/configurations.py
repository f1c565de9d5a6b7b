"""Configurations of assignments: admins read them, operators write them (wire 2.5, 2.7)."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from ninja.errors import HttpError

from bursar.api.auth import actor_of
from bursar.api.openedx import schemas, scope, shapes
from bursar.api.openedx.bodies import documents, read_body
from bursar.api.openedx.errors import Denied, body
from bursar.api.openedx.paging import PageQuery, page_of, wanted
from bursar.assignments import flows
from bursar.assignments.models import AssignmentConfiguration
from bursar.kernel.actor import Actor
from bursar.kernel.errors import BadInput, NotFound
from bursar.people.access import Permission, customers

router: Final = Router(tags=["configurations"])


class ConfigurationQuery(PageQuery):
    """Whose configurations, and which of them."""

    enterprise_customer_uuid: UUID | None = None
    active: bool | None = None


@router.get("/", response={200: schemas.ConfigurationPage}, summary="List the configurations of a customer")
def list_configurations(request: HttpRequest, query: Query[ConfigurationQuery]) -> HttpResponse:
    """Answer with the configurations of a customer."""
    customer = query.enterprise_customer_uuid
    if customer is None:
        raise Denied(scope.READ_CONFIGURATIONS)
    scope.require(actor_of(request), Permission.MANAGE, customer, scope.READ_CONFIGURATIONS)
    rows = AssignmentConfiguration.objects.filter(scope.ON_THE_WIRE, enterprise_customer_uuid=customer)
    if query.active is not None:
        rows = rows.filter(active=query.active)
    return body(page_of(request, wanted(query), rows.values(*shapes.CONFIGURATION_COLUMNS), _shapes), 200)


def _shapes(rows: Sequence[dict[str, Any]]) -> list[shapes.Shape]:
    return [shapes.configuration(row) for row in rows]


@router.get("/{configuration}/", response={200: schemas.Configuration}, summary="Read a configuration")
def read_configuration(request: HttpRequest, configuration: UUID) -> HttpResponse:
    """Answer with one configuration."""
    return _answer(actor_of(request), configuration, Permission.MANAGE, scope.READ_CONFIGURATIONS)


@router.post(
    "/",
    response={201: schemas.Configuration},
    openapi_extra=documents(schemas.ConfigurationBody),
    summary="Make a configuration",
)
def create_configuration(request: HttpRequest) -> HttpResponse:
    """Make a configuration, for a budget that has none if one is named."""
    actor = actor_of(request)
    allowed = customers(actor, Permission.CONFIGURE)
    if allowed is not None and not allowed:
        raise Denied(scope.WRITE_CONFIGURATIONS)
    given = read_body(request, schemas.ConfigurationBody)
    scope.require(actor, Permission.CONFIGURE, given.enterprise_customer_uuid, scope.WRITE_CONFIGURATIONS)
    try:
        made = flows.create_configuration(
            given.enterprise_customer_uuid, budget=given.subsidy_access_policy, active=given.active, actor=actor
        )
    except NotFound as error:
        raise HttpError(404, error.message) from error
    return _answer(actor, made, Permission.CONFIGURE, scope.WRITE_CONFIGURATIONS, status=201)


@router.put(
    "/{configuration}/",
    response={200: schemas.Configuration},
    openapi_extra=documents(schemas.ConfigurationChange, required=False),
    summary="Write a configuration",
)
def put_configuration(request: HttpRequest, configuration: UUID) -> HttpResponse:
    """Switch a configuration on or off; nothing else of it can change."""
    return _change(request, configuration)


@router.patch(
    "/{configuration}/",
    response={200: schemas.Configuration},
    openapi_extra=documents(schemas.ConfigurationChange, required=False),
    summary="Change a configuration",
)
def patch_configuration(request: HttpRequest, configuration: UUID) -> HttpResponse:
    """Switch a configuration on or off; nothing else of it can change."""
    return _change(request, configuration)


def _change(request: HttpRequest, configuration: UUID) -> HttpResponse:
    actor = actor_of(request)
    row = _written(actor, configuration)
    given = read_body(request, schemas.ConfigurationChange)
    kept = (
        (given.enterprise_customer_uuid, row["enterprise_customer_uuid"], "customer"),
        (given.subsidy_access_policy, row["subsidy_access_policy__uuid"], "budget"),
    )
    for wanted_one, there, what in kept:
        if wanted_one is not None and wanted_one != there:
            raise BadInput(f"The {what} of a configuration cannot change.", code="cannot_change")
    if given.active is not None:
        flows.switch_configuration(configuration, active=given.active, actor=actor)
    return _answer(actor, configuration, Permission.CONFIGURE, scope.WRITE_CONFIGURATIONS)


@router.delete(
    "/{configuration}/",
    response={200: schemas.Configuration},
    openapi_extra=documents(schemas.Reason, required=False),
    summary="Switch a configuration off",
)
def delete_configuration(request: HttpRequest, configuration: UUID, reason: str = "") -> HttpResponse:
    """Make a configuration inactive, for a reason in the query or the body; nothing is removed."""
    actor = actor_of(request)
    _written(actor, configuration)
    why = read_body(request, schemas.Reason).reason or reason
    flows.switch_configuration(configuration, active=False, reason=why, actor=actor)
    return _answer(actor, configuration, Permission.CONFIGURE, scope.WRITE_CONFIGURATIONS)


def _written(actor: Actor, configuration: UUID) -> dict[str, Any]:
    return scope.configuration_row(
        actor,
        configuration,
        shapes.CONFIGURATION_COLUMNS,
        permission=Permission.CONFIGURE,
        missing=scope.WRITE_CONFIGURATIONS,
    )


def _answer(
    actor: Actor, configuration: UUID, permission: Permission, missing: str, *, status: int = 200
) -> HttpResponse:
    columns = shapes.CONFIGURATION_COLUMNS
    row = scope.configuration_row(actor, configuration, columns, permission=permission, missing=missing)
    return body(shapes.configuration(row), status)
