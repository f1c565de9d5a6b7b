"""Named catalogs over our own API: which courses a budget may spend on."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from bursar.api.auth import actor_of
from bursar.api.idempotency import Reply
from bursar.api.v1.etags import EDITED, edit, single
from bursar.api.v1.once import KEYABLE, made, once_if_keyed
from bursar.api.v1.paging import Paging, filled, page
from bursar.api.v1.schemas import Id, In, Line, Moment, Out, PageOf
from bursar.api.v1.scope import require, require_anywhere, require_at
from bursar.catalog import services
from bursar.catalog.files import TEXT_LENGTH
from bursar.catalog.models import Catalog, CatalogRule
from bursar.catalog.services import LIST_LIMIT
from bursar.kernel.errors import NotFound
from bursar.people.access import Permission, customers

router: Final = Router(tags=["catalogs"])
TERMS: Final = ("title", "rule", "keys", "partners", "subjects", "modified")
ABSENT: Any = None  # a field that is not sent is not changed

Title = Annotated[Line, Field(min_length=1, max_length=TEXT_LENGTH, examples=["Sales"])]
Rule = Annotated[str, Field(json_schema_extra={"enum": CatalogRule.values})]
Words = Annotated[list[Annotated[Line, Field(max_length=TEXT_LENGTH)]], Field(max_length=LIST_LIMIT)]


class CatalogOut(Out):
    """A named choice of courses: all, those with listed keys, or those of listed partners and subjects."""

    uuid: UUID
    customer: UUID | None = Field(description="Whose it is; null for one shared by all.")
    title: str
    rule: CatalogRule
    keys: list[str]
    partners: list[str]
    subjects: list[str]
    created: Moment
    modified: Moment


class CatalogPage(PageOf[CatalogOut]):
    """A page of catalogs."""


class CatalogIn(In):
    """A new named catalog, of a customer or, without one, shared by all."""

    title: Title
    customer: Id | None = None
    rule: Rule = "all"
    keys: Words = []
    partners: Words = []
    subjects: Words = []


class CatalogChange(In):
    """What changes; what is left out stays, but a new rule empties the lists that it has no use for."""

    title: Title = Field(ABSENT)
    rule: Rule = Field(ABSENT)
    keys: Words = Field(ABSENT)
    partners: Words = Field(ABSENT)
    subjects: Words = Field(ABSENT)


class CatalogFilters(Paging):
    """Which catalogs."""

    customer: UUID | None = None
    title: Annotated[Line, Field(max_length=TEXT_LENGTH)] | None = None


@router.get("/catalogs", response=CatalogPage)
def list_catalogs(request: HttpRequest, filters: Query[CatalogFilters]) -> HttpResponse:
    """Name the catalogs of your customers and the shared ones, oldest first."""
    require_anywhere(request, Permission.READ_CUSTOMER)
    wanted = filled({"customer_uuid": filters.customer, "title": filters.title})
    return page(request, _usable(request).filter(**wanted), filters, ("created", "uuid"), catalog_shape)


@router.post("/catalogs", response={201: CatalogOut}, openapi_extra=KEYABLE)
def create_catalog(request: HttpRequest, payload: CatalogIn) -> HttpResponse:
    """Make a named catalog. Takes `configuration.write` at its customer, for a shared one everywhere.

    Refused (`catalog_exists`) where the title is taken.
    """
    require_at(request, Permission.CONFIGURE, payload.customer)
    terms = payload.model_dump(exclude={"customer"})
    make = partial(services.create_catalog, customer_uuid=payload.customer, **terms)
    return once_if_keyed(request, payload.customer, make, _made)


@router.get("/catalogs/{uuid:catalog}", response=CatalogOut)
def get_catalog(request: HttpRequest, catalog: UUID) -> HttpResponse:
    """Tell what a catalog offers."""
    row = usable_catalog(request, catalog)
    return single(catalog_shape(row), row, TERMS)


@router.patch("/catalogs/{uuid:catalog}", response=CatalogOut, openapi_extra=EDITED)
def edit_catalog(request: HttpRequest, catalog: UUID, payload: CatalogChange) -> HttpResponse:
    """Change a catalog; what is assigned already stays. Takes `configuration.write`, for a shared one everywhere."""
    row = usable_catalog(request, catalog)
    require(request, Permission.CONFIGURE, row.customer_uuid)
    changes: dict[str, Any] = payload.model_dump(exclude_unset=True)
    done = edit(request, row, TERMS, lambda: services.update_catalog(row.pk, **changes))
    return single(catalog_shape(done), done, TERMS)


def usable_catalog(request: HttpRequest, key: UUID) -> Catalog:
    """Return a catalog of one of the caller's customers, or a shared one; raises `NotFound`."""
    require_anywhere(request, Permission.READ_CUSTOMER)
    row = _usable(request).filter(pk=key).first()
    if row is None:
        raise NotFound("There is no such thing here.")
    return row


def catalog_shape(row: Catalog) -> dict[str, Any]:
    """Return a catalog as JSON."""
    names: Sequence[str] = ("uuid", *TERMS, "created")
    return {"customer": row.customer_uuid} | {name: getattr(row, name) for name in names}


def _usable(request: HttpRequest) -> "QuerySet[Catalog]":
    allowed = customers(actor_of(request), Permission.READ_CUSTOMER)
    rows = Catalog.objects.all()
    return rows if allowed is None else rows.filter(Q(customer_uuid__in=allowed) | Q(customer_uuid=None))


def _made(row: Catalog) -> Reply:
    return made(catalog_shape(row), "get_catalog", catalog=row.pk)
